"""Which of several linear models predicts best what it was not fitted to, with an interval of the difference.

Own code, because the interval needs the squared error of each row (or unit) when it is left out, for every rival and
with survey weights. In least squares these follow from one fit and the leverage, so nothing is fitted again;
scikit-learn's and statsmodels' cross-validation would fit once per row.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

_DEPENDENT = 1e-10


def losses(x: Floats, y: Floats, weight: Floats, unit: Integers | None = None) -> Floats:
    """Return each row's squared error when it, or its whole unit, is left out of the fit.

    Parameters
    ----------
    x : array, shape (n, p)
        Predictors; an intercept is added. p may be 0.
    y : array, shape (n,)
        Outcome.
    weight : array, shape (n,)
        Weights above zero.
    unit : array of int, shape (n,), optional
        Unit of each row, from 0 without gaps: whole units are left out.

    Returns
    -------
    array, shape (n,)
        NaN for a row without which the fit is not determined.

    References
    ----------
    Allen (1974), Technometrics 16, 125-127; Cook & Weisberg (1982), Residuals and Influence in Regression, ch. 2.
    """
    centre = x - weight @ x / weight.sum() if x.size else x
    spread = np.sqrt(weight @ centre**2 / weight.sum()) if x.size else np.ones(0)
    design = np.column_stack([np.ones(len(y)), centre / np.where(spread > 0, spread, 1.0)])
    root = np.sqrt(weight)
    # an orthonormal basis of the columns that are not determined by others: collinear predictors do no harm
    scaled = design * root[:, None]
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    kept = values > _DEPENDENT * values[-1]
    basis = scaled @ (vectors[:, kept] / np.sqrt(values[kept]))
    level = (y - weight @ y / weight.sum()) * root
    residual = level - basis @ (basis.T @ level)
    if unit is None:
        rest = 1 - (basis**2).sum(axis=1)
        return np.asarray((np.where(rest > _DEPENDENT, residual / np.where(rest > 0, rest, 1), np.nan) / root) ** 2)
    out = np.empty(len(y))
    order = np.argsort(unit, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(unit[order])) + 1):
        out[rows] = (_without(basis[rows], residual[rows]) / root[rows]) ** 2
    return out


def _without(block: Floats, residual: Floats) -> Floats:
    """Return the errors of rows left out together: their residuals, blown up by the leverage of all of them."""
    inner = np.eye(block.shape[1]) - block.T @ block
    values, vectors = np.linalg.eigh(inner)
    if values[0] <= _DEPENDENT:
        return np.full(len(residual), np.nan)
    return np.asarray(residual + block @ (vectors @ ((vectors.T @ (block.T @ residual)) / values)))


def compare(
    rivals: Sequence[Floats], base: Floats, weight: Floats, level: float, *, unit: Integers | None = None
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return what rivals predict, and how far each is ahead of the first.

    Parameters
    ----------
    rivals : sequence of arrays, shape (n,)
        `losses` of each model.
    base : array, shape (n,)
        `losses` of the mean.
    weight : array, shape (n,)
        Weights.
    level : float
        Coverage probability.
    unit : array of int, optional
        Rows of a unit are taken together.

    Returns
    -------
    r2, ahead, low, high : arrays, shape (rivals,)
        R² of predictions for what was left out; its lead over that of the first rival; the lead's interval (t, from
        the spread of the rows' or units' differences). NaN where a rival leaves a row undetermined.
    """
    from scipy import special

    total = float(weight @ base)
    sums = np.array([float(weight @ loss) for loss in rivals])
    r2 = 1 - sums / total
    ahead = r2 - r2[0]
    each = np.array([weight * (rivals[0] - loss - lead * base) for loss, lead in zip(rivals, ahead, strict=True)])
    if unit is not None:
        each = np.array([np.bincount(unit, row) for row in each])
    many = each.shape[1]
    se = np.sqrt(many / (many - 1) * (each**2).sum(axis=1)) / total
    reach = -float(special.stdtrit(many - 1, (1 - level) / 2)) * se
    return r2, ahead, ahead - reach, ahead + reach
