"""One common factor behind several items: maximum likelihood, and what omega is made of.

Own code: factor_analyzer does not run beside current scikit-learn, and statsmodels' Factor stops before the maximum.

References
----------
Lawley, D. N. & Maxwell, A. E. (1971). Factor Analysis as a Statistical Method, 2nd edition. Butterworths.
McDonald, R. P. (1999). Test Theory: A Unified Treatment. Erlbaum.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LEAST: Final = 0.005
"""Smallest share of an item's variance that is left to itself; an estimate there is a Heywood case."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OneFactor:
    """A fitted factor.

    Parameters
    ----------
    loading : float array, shape (items,)
        What an item moves by with one standard deviation of the factor, in its own unit; most of them positive.
    unique : float array, shape (items,)
        Variance of each item that the factor leaves.
    discrepancy : float
        The minimum of ``log|Σ| + tr(S/Σ) - log|S| - items``; times n a chi-square if one factor is all there is.
    at_bound : bool array, shape (items,)
        Heywood cases.
    converged : bool
        Whether the search came to an end.
    """

    loading: Array
    unique: Array
    discrepancy: float
    at_bound: Array
    converged: bool

    @property
    def implied(self) -> Array:
        """Covariances by the model."""
        return np.asarray(np.outer(self.loading, self.loading) + np.diag(self.unique))

    @property
    def omega(self) -> float:
        """Share of the variance of the items' sum that is the factor's, both by the model."""
        common = self.loading.sum() ** 2
        return float(common / (common + self.unique.sum()))


def fit(covariance: Array) -> OneFactor:
    """Fit one factor to at least three items by maximum likelihood.

    The likelihood is maximised over the unique variances; given them, the loadings follow from the largest eigenvalue
    of the covariance scaled by them. Scale does not matter: the search runs on correlations.
    """
    from scipy import optimize

    spread = np.sqrt(np.diag(covariance))
    r = covariance / np.outer(spread, spread)

    def loss(log_unique: Array) -> tuple[float, Array]:
        unique = np.exp(log_unique)
        value, loading = _given(r, unique)
        inverse = np.linalg.inv(np.outer(loading, loading) + np.diag(unique))
        return value, np.diag(inverse - inverse @ r @ inverse) * unique

    start = np.log(np.clip(0.7 / np.diag(np.linalg.inv(r)), 2 * LEAST, 0.95))
    found = optimize.minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(np.log(LEAST), 0.7)] * len(r),
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 2000},
    )
    unique = np.exp(found.x)
    value, loading = _given(r, unique)
    loading *= 1 if loading.sum() >= 0 else -1
    return OneFactor(
        loading=loading * spread,
        unique=unique * spread**2,
        discrepancy=max(value, 0.0),
        at_bound=unique <= LEAST * 1.01,
        converged=bool(np.abs(loss(found.x)[1][unique > LEAST * 1.01]).max(initial=0) < 1e-4),
    )


def _given(r: Array, unique: Array) -> tuple[float, Array]:
    """Return the discrepancy and the best loadings for these unique variances."""
    root = np.sqrt(unique)
    value, vectors = np.linalg.eigh(r / np.outer(root, root))
    rest = value[:-1]
    loading = vectors[:, -1] * np.sqrt(max(value[-1] - 1, 0)) * root
    top = 0.0 if value[-1] > 1 else float(value[-1] - np.log(value[-1]) - 1)
    return float((rest - np.log(rest) - 1).sum()) + top, loading


def omega_slope(found: OneFactor, covariance: Array) -> Array:
    """Return how omega moves with the covariances, shape (items, items), by the implicit function theorem.

    Parameters
    ----------
    found : OneFactor
        Fitted to `covariance`; unique variances at their bound are taken as known.
    covariance : float array, shape (items, items)
        What it was fitted to.
    """
    k, free = len(covariance), np.append(np.ones(len(covariance), bool), ~found.at_bound)
    at = np.append(found.loading, found.unique)
    steps = 1e-5 * np.append(np.sqrt(np.diag(covariance)), np.diag(covariance))

    def gradient(t: Array) -> Array:
        loading, unique = t[:k], t[k:]
        inverse = np.linalg.inv(np.outer(loading, loading) + np.diag(unique))
        inner = inverse - inverse @ covariance @ inverse
        return np.append(2 * inner @ loading, np.diag(inner))

    moves = np.diag(steps)
    curvature = np.stack([(gradient(at + m) - gradient(at - m)) / 2 / s for m, s in zip(moves, steps, strict=True)])
    common, unique = found.loading.sum(), found.unique.sum()
    total = common**2 + unique
    rise = np.append(np.full(k, 2 * common * unique / total**2), np.full(k, -(common**2) / total**2))
    weight = np.zeros(2 * k)
    weight[free] = np.linalg.solve(((curvature + curvature.T) / 2)[np.ix_(free, free)], rise[free])
    inverse = np.linalg.inv(found.implied)
    pull = np.outer(found.loading, weight[:k])
    return np.asarray(inverse @ (pull + pull.T + np.diag(weight[k:])) @ inverse)
