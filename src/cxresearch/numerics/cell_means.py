"""Means of answers in cells (a unit at a touchpoint): weighted, and as they would be were all cells' answers alike.

Own code, because what a hierarchical model needs of a cell (its mean, an effective number of answers, the scatter
within it) no library returns together, and a cell's mean with covariates held equal needs all cells at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Cells = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class CellMeans:
    """What is known of each cell; every array has shape (cells,).

    Parameters
    ----------
    n : array of int
        Answers.
    n_effective : array
        Answers of equal weight that would tell as much (Kish): (sum of weights)² / sum of squared weights; with
        covariates less what estimating their effect costs.
    mean : array
        Weighted mean, with covariates as it would be if the cell's were those of all answers.
    squares : array
        Sum of squared deviations, on the scale of effective answers: divided by `df`, the variance of single answers.
    df : array
        Effective degrees of freedom of `squares`.
    """

    n: NDArray[np.int64]
    n_effective: Floats
    mean: Floats
    squares: Floats
    df: Floats


def cell_means(value: Floats, cell: Cells, cells: int, weight: Floats | None = None) -> CellMeans:
    """Total answers by cell.

    Parameters
    ----------
    value : array of shape (answers,)
        Scores.
    cell : array of int, shape (answers,)
        Cell of each answer; every cell has one at least.
    cells : int
        Number of cells.
    weight : array of shape (answers,), optional
        Survey weights, above zero; any constant factor cancels out.

    Notes
    -----
    With weights that have nothing to do with how much answers scatter, the sum of w (x - mean)² has expectation
    sigma² W (1 - 1 / n_effective), W the sum of weights; hence ``squares`` = n_effective / W times that sum, with
    n_effective - 1 degrees of freedom.
    """
    n = np.bincount(cell, minlength=cells)
    w = np.ones(value.size) if weight is None else weight
    total = np.bincount(cell, w, cells)
    n_effective = total**2 / np.bincount(cell, w**2, cells)
    mean = np.bincount(cell, w * value, cells) / total
    squares = np.bincount(cell, w * (value - mean[cell]) ** 2, cells) * n_effective / total
    return CellMeans(n=n, n_effective=n_effective, mean=mean, squares=squares, df=np.maximum(n_effective - 1, 0.0))


def held_equal(value: Floats, cell: Cells, cells: int, x: Floats, weight: Floats | None = None) -> CellMeans:
    """Total answers by cell as if covariates were the same in all: cells of one touchpoint at a time.

    Parameters
    ----------
    value, cell, cells, weight
        As in `cell_means`.
    x : array of shape (answers, covariates)
        What differs between answers; their effect is estimated within cells, so that it is not taken for the cells'.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the effect of the covariates cannot be told within cells: one does not vary there, or they move together.

    Notes
    -----
    mean - (x̄ of the cell - x̄ of all answers)'b, b by weighted least squares on deviations from the cells' means. Its
    variance adds that of b, so that a cell far from the others' mix counts for fewer answers; that the cells then
    share the error of b is left out.
    """
    w = np.ones(value.size) if weight is None else weight
    plain = cell_means(value, cell, cells, weight)
    total = np.bincount(cell, w, cells)
    centre = np.stack([np.bincount(cell, w * column, cells) / total for column in x.T], axis=1)
    within = x - centre[cell]
    scale = np.sqrt((w[:, None] * x**2).sum(0) / w.sum()) + np.finfo(float).tiny
    left, singular, right = np.linalg.svd(np.sqrt(w)[:, None] * within / scale, full_matrices=False)
    if singular.min() <= 1e-9 * np.sqrt(w.sum()):
        raise np.linalg.LinAlgError("covariates cannot be told apart within cells")
    slopes = right.T @ ((left.T @ (np.sqrt(w) * (value - plain.mean[cell]))) / singular) / scale
    after = cell_means(value - x @ slopes, cell, cells, weight)
    gap = centre - np.average(x, axis=0, weights=w)
    # b is linear in the answers, and its covariance over sigma² the outer product of that map
    per_answer = (right.T / singular) @ (left * np.sqrt(w)[:, None]).T / scale[:, None]
    cost = np.einsum("ij,jk,ik->i", gap, per_answer @ per_answer.T, gap)
    df = plain.df * max(0.0, 1 - x.shape[1] / max(plain.df.sum(), 1.0))
    return CellMeans(
        n=plain.n,
        n_effective=1 / (1 / plain.n_effective + cost),
        mean=plain.mean - gap @ slopes,
        squares=after.squares,
        df=df,
    )
