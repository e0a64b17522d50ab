"""Least squares that names the column it cannot estimate."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

COLLINEAR: Final = 1e-10
"""Share of a column's variance that the columns before it leave unexplained, below which it counts as explained."""
ABSORBED: Final = 1e-8
"""Spread left by what was swept out, as a share of the spread before, below which nothing is left."""


class RankError(ValueError):
    """A column has no effect of its own to estimate.

    Parameters
    ----------
    column : int
        Its position in `x`.
    reason : {"constant", "absorbed", "collinear"}
        It never changes; the effects swept out explain it; or the columns before it do.
    """

    def __init__(self, column: int, reason: Literal["constant", "absorbed", "collinear"]) -> None:
        super().__init__(f"column {column} of x is {reason}")
        self.column = column
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Slopes and what errors are built from.

    Parameters
    ----------
    coef : array, shape (k,)
        Slopes.
    residual : array, shape (n,)
        What they leave.
    bread : array, shape (k, k)
        Inverse of x'x.
    spread : array, shape (k,)
        Share of each column's variance about its mean that was left to estimate from.
    inflation : array, shape (k,)
        Variance inflation factor of each column: 1 if it moves on its own.
    """

    coef: Floats
    residual: Floats
    bread: Floats
    spread: Floats
    inflation: Floats


def solve(y: Floats, x: Floats, before: Floats | None = None) -> Solution:
    """Solve least squares of y on x, both already free of the intercept and of other effects.

    Parameters
    ----------
    y : array, shape (n,)
        Outcome.
    x : array, shape (n, k)
        Regressors.
    before : array, shape (n, k), optional
        The regressors before anything was swept out, to tell a constant column from an absorbed one.

    Raises
    ------
    RankError
        If a column is constant, absorbed, or explained by the columns before it.

    Notes
    -----
    Cholesky on columns of unit length, corrected once by the residuals (Björck's corrected semi-normal
    equations): the digits of a QR decomposition at a fraction of its time.
    """
    from scipy.linalg import cho_factor, cho_solve

    spread, length = _spread(x if before is None else before, x)
    scaled = x / length
    gram = scaled.T @ scaled
    _refuse_collinear(gram)
    factored = cho_factor(gram)
    slope = cho_solve(factored, scaled.T @ y)
    slope += cho_solve(factored, scaled.T @ (y - scaled @ slope))
    inverse = cho_solve(factored, np.eye(x.shape[1]))
    return Solution(
        coef=slope / length,
        residual=y - scaled @ slope,
        bread=inverse / np.outer(length, length),
        spread=spread,
        inflation=np.diag(inverse).copy(),
    )


def _spread(before: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return the share of variance left and the columns' lengths; refuse columns of which nothing is left."""
    apart = before - before.mean(axis=0)
    spread = np.sqrt(np.einsum("ij,ij->j", apart, apart))
    length = np.sqrt(np.einsum("ij,ij->j", x, x))
    # a constant of 0.1 differs from its own mean by rounding, so "no spread" is measured against its size
    size = np.maximum(before.max(axis=0), -before.min(axis=0))
    constant = spread <= 1e-13 * size * np.sqrt(len(x))
    if constant.any():
        raise RankError(int(constant.argmax()), "constant")
    absorbed = length <= ABSORBED * spread
    if absorbed.any():
        raise RankError(int(absorbed.argmax()), "absorbed")
    return (length / spread) ** 2, length


def _refuse_collinear(gram: Floats) -> None:
    """Factor a correlation matrix row by row, and refuse the first column that the ones before it explain."""
    from scipy.linalg import solve_triangular

    lower = np.zeros_like(gram)
    for j in range(len(gram)):
        if j:
            lower[j, :j] = solve_triangular(lower[:j, :j], gram[:j, j], lower=True)
        left = gram[j, j] - lower[j, :j] @ lower[j, :j]
        if left < COLLINEAR:
            raise RankError(j, "collinear")
        lower[j, j] = np.sqrt(left)


def running_sums(covariance: Floats) -> Floats:
    """Return the covariance of the running sums of estimates, given the estimates' own covariance."""
    return np.asarray(covariance.cumsum(axis=0).cumsum(axis=1))
