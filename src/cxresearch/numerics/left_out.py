"""How well a straight line predicts cases it was not fitted to: R² with each case left out in turn.

Own code, because the same number is needed for every bootstrap sample. A case that was drawn three times must be left
out three times over, or the copies that stay give it away; scikit-learn's and statsmodels' cross-validation know no
such copies, and fit again for every case. Here leaving out costs no fit: in least squares the error of a case left out
follows from its residual and its leverage.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

_CELLS: Final = 2**20
"""Numbers in the largest array held at once: 8 MB."""


def r_squared(y: Floats, x: Floats, counts: Floats, *, fitted: bool = True, unit: Integers | None = None) -> Floats:
    """Return the R² of predictions for what was left out, in many samples.

    Parameters
    ----------
    y : array, shape (n,)
        What is predicted.
    x : array, shape (n, p)
        What it is predicted from; with ``fitted=False`` one column, the prediction itself.
    counts : array, shape (samples, n), or (samples, units) with `unit`
        How often each case, or unit, is in each sample.
    fitted : bool
        Intercept and slopes are fitted by least squares; if not, nothing is.
    unit : array of int, shape (n,), optional
        Unit of each case, from 0 without gaps: whole units are left out.

    Returns
    -------
    array, shape (samples,)
        1 - (sum of squared errors) / (sum of squared errors of predicting with the mean of the others). At most 1;
        below 0 where the mean predicts better. NaN where a sample does not determine the line or the rest is empty.

    References
    ----------
    Allen (1974), Technometrics 16, 125-127 (the errors of cases left out); Cook & Weisberg (1982), Residuals and
    Influence in Regression, ch. 2.

    Examples
    --------
    >>> x = np.array([[1.0], [2.0], [3.0], [4.0]])
    >>> r_squared(np.array([1.0, 2.1, 2.9, 4.2]), x, np.ones((1, 4))).round(3).tolist()
    [0.983]
    """

    def errors(columns: Floats, drawn: Floats) -> Floats:
        return _of_cases(level, columns, drawn) if unit is None else _of_units(level, columns, drawn, unit)

    centre = x - x.mean(axis=0)  # far from zero a mean would eat the digits of the spread
    level = y - y.mean()
    design = np.column_stack([np.ones(len(y)), centre / np.where(_sd(centre) > 0, _sd(centre), 1.0)])
    out = np.empty(len(counts))
    each = max(1, _CELLS // max(1, counts.shape[1] * design.shape[1] ** 2))
    for start in range(0, len(counts), each):
        drawn = counts[start : start + each]
        base = errors(design[:, :1], drawn)
        told = errors(design, drawn) if fitted else _given(y - x[:, 0], drawn, unit)
        with np.errstate(divide="ignore", invalid="ignore"):
            out[start : start + each] = np.where(base > 0, 1 - told / base, np.nan)
    return out


def coefficients(y: Floats, x: Floats, counts: Floats, unit: Integers | None = None) -> Floats:
    """Return intercept and slopes of least squares in many samples, shape (samples, 1 + p); arguments as above."""
    design = np.column_stack([np.ones(len(y)), x - x.mean(axis=0)])
    weight = counts if unit is None else counts[:, unit]
    gram, right = _normal(design, y, weight)
    found = _solved(gram, right)
    found[:, 0] -= found[:, 1:] @ x.mean(axis=0)
    return found


def _sd(centred: Floats) -> Floats:
    return np.asarray(np.sqrt((centred**2).mean(axis=0)))


def _normal(design: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats]:
    p = design.shape[1]
    products = np.column_stack([design[:, i] * design[:, j] for i in range(p) for j in range(p)])
    return (weight @ products).reshape(-1, p, p), weight @ (design * y[:, None])


def _solved(gram: Floats, right: Floats) -> Floats:
    """Solve normal equations sample by sample; NaN where a column does not vary or follows from the others."""
    size = np.sqrt(np.maximum(np.einsum("...ii->...i", gram), 1e-300))
    scaled = gram / (size[..., :, None] * size[..., None, :])
    lost = ~(np.linalg.eigvalsh(scaled)[..., 0] > 1e-10)
    scaled[lost] = np.eye(gram.shape[-1])
    found = np.linalg.solve(scaled, (right / size)[..., None])[..., 0] / size
    found[lost] = np.nan
    return np.asarray(found)


def _of_cases(y: Floats, design: Floats, counts: Floats) -> Floats:
    gram, right = _normal(design, y, counts)
    slope = _solved(gram, right)
    residual = y - slope @ design.T
    inverse = np.linalg.inv(np.where(np.isnan(slope)[:, :1, None], np.eye(design.shape[1]), gram))
    leverage = np.einsum("ni,sij,nj->sn", design, inverse, design)
    rest = 1 - counts * leverage
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(rest > 1e-10, residual / rest, np.nan)
    return np.asarray(np.where(counts > 0, counts * error**2, 0.0).sum(axis=1))


def _of_units(y: Floats, design: Floats, counts: Floats, unit: Integers) -> Floats:
    p, units = design.shape[1], counts.shape[1]
    member = np.column_stack([np.ones(len(y))] + [design[:, i] * design[:, j] for i in range(p) for j in range(p)])
    grams = _summed(member[:, 1:], unit, units).reshape(units, p, p)
    rights = _summed(design * y[:, None], unit, units)
    squares = np.bincount(unit, y**2, units)
    gram = np.tensordot(counts, grams, 1)[:, None] - counts[:, :, None, None] * grams
    right = (counts @ rights)[:, None] - counts[:, :, None] * rights
    slope = _solved(gram, right)
    error = squares - 2 * (slope * rights).sum(-1) + np.einsum("sgi,gij,sgj->sg", slope, grams, slope)
    return np.asarray(np.where(counts > 0, counts * error, 0.0).sum(axis=1))


def _given(error: Floats, counts: Floats, unit: Integers | None) -> Floats:
    squares = error**2 if unit is None else np.bincount(unit, error**2, counts.shape[1])
    return np.asarray(counts @ squares)


def _summed(values: Floats, unit: Integers, units: int) -> Floats:
    return np.column_stack([np.bincount(unit, column, units) for column in values.T])
