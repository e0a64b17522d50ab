"""The binary logit for many dummies: sparse designs, grouped rows, and a word when something is separated.

Own code: statsmodels' ``Logit`` and ``GLM`` take no sparse design and no grouped rows with clustered errors, and
stop or wander off without naming the cause where a column predicts without error. Where both work they agree
to 1e-8 (``tests/numerics/test_logit.py``). The log-likelihood is concave, so Newton's method with halved steps
finds the maximum from any start.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]

_STEPS: Final = 60
_GAIN: Final = 1e-13
"""Relative gain of the log-likelihood below which another step is not worth while."""
FAR: Final = 16.0
"""Log-odds beyond which a fitted chance counts as 0 or 1 (to seven digits): something is separated."""

COLLINEAR: Final = 1e-10
"""Share of a column's squared length that the columns before it leave, below which they determine it."""


@dataclass(frozen=True, kw_only=True)
class Logit:
    """A fitted model ``logit P(y = 1) = x · coef + offset``.

    Parameters
    ----------
    coef : array, shape (k,)
        Log-odds per unit of each column.
    covariance : array, shape (k, k)
        Inverse of the information: right if rows are independent and the model holds.
    chance : array, shape (n,)
        Fitted chance of each row.
    loglik : float
        Weighted log-likelihood.
    separated : bool
        Some rows are predicted without error, so some coefficients grow without end and mean nothing.
    """

    coef: Floats
    covariance: Floats
    chance: Floats
    loglik: float
    separated: bool


def fit(x: Any, y: Floats, weight: Floats | None = None) -> Logit:
    """Fit by maximum likelihood.

    Parameters
    ----------
    x : array or scipy.sparse matrix, shape (n, k)
        Design, intercept included, of full column rank.
    y : array, shape (n,)
        0 or 1; the share of ones where a row stands for several.
    weight : array, shape (n,), optional
        How many a row stands for, or its weight.

    Raises
    ------
    ValueError
        If columns of `x` determine each other.
    """
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    _refuse_collinear(gram(x, w))
    coef = np.zeros(x.shape[1])
    eta = np.zeros(len(y))
    value = _loglik(eta, y, w)
    for _ in range(_STEPS):
        chance = _expit(eta)
        try:
            step = np.linalg.solve(gram(x, w * chance * (1 - chance)), x.T @ (w * (y - chance)))
        except np.linalg.LinAlgError:  # chances of 0 and 1 leave no information: something is separated
            break
        move = x @ step
        size = 1.0
        while _loglik(eta + size * move, y, w) < value and size > 1e-6:
            size /= 2
        coef, eta = coef + size * step, eta + size * move
        before, value = value, _loglik(eta, y, w)
        if value - before <= _GAIN * (abs(value) + 1) or np.abs(eta).max() > 2 * FAR:
            break
    chance = _expit(eta)
    separated = bool(np.abs(eta).max() > FAR)
    information = gram(x, w * chance * (1 - chance))
    covariance = np.asarray(information * np.nan if separated else np.linalg.inv(information))
    return Logit(coef=coef, covariance=covariance, chance=chance, loglik=value, separated=separated)


def clustered(fitted: Logit, x: Any, *, residual: Floats, row: Integers, cluster: Integers) -> Floats:
    """Return the covariance of the coefficients when rows of a cluster go together.

    Parameters
    ----------
    fitted : Logit
        A fit of grouped or single rows.
    x : array or sparse matrix, shape (p, k)
        Its design.
    residual : array, shape (n,)
        Weighted residuals of single rows: weight times (y - chance).
    row : array of int, shape (n,)
        Row of `x` that each single row belongs to.
    cluster : array of int, shape (n,)
        Cluster codes from 0.

    Notes
    -----
    Liang and Zeger's sandwich with G/(G-1) * (N-1)/(N-K): G clusters, N rows, K coefficients (statsmodels' and
    Stata's convention).
    """
    from scipy import sparse

    sums = sparse.csr_array((residual, (cluster, row)), shape=(int(cluster.max()) + 1, x.shape[0])) @ x
    score = sums.toarray() if sparse.issparse(sums) else np.asarray(sums)
    n, groups, k = len(residual), int((np.bincount(cluster) > 0).sum()), x.shape[1]
    factor = groups / (groups - 1) * (n - 1) / (n - k) if groups > 1 and n > k else np.nan
    return np.asarray(factor * fitted.covariance @ (score.T @ score) @ fitted.covariance)


def gram(x: Any, weight: Floats) -> Floats:
    """Return x' diag(weight) x as a dense array, for a dense or a sparse x."""
    from scipy import sparse

    if sparse.issparse(x):
        product = x.T @ x.multiply(weight[:, None]).tocsr()
        return np.asarray(product.toarray())
    return np.asarray((x * weight[:, None]).T @ x)


def _refuse_collinear(product: Floats) -> None:
    """Raise if a column leaves less than `COLLINEAR` of its length beside the columns before it."""
    length = np.sqrt(np.diag(product))
    if not (length > 0).all():
        raise ValueError("a column of x is 0 throughout")
    try:
        left = np.diag(np.linalg.cholesky(product / np.outer(length, length))) ** 2
    except np.linalg.LinAlgError:
        left = np.zeros(1)
    if left.min() < COLLINEAR:
        raise ValueError("columns of x determine each other")


def _expit(eta: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(eta))


def _loglik(eta: Floats, y: Floats, weight: Floats) -> float:
    return float((weight * (y * eta - np.logaddexp(0, eta))).sum())
