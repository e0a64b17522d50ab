"""Means and covariances of items, some of them unanswered, and how uncertain what is computed from them is.

Maximum likelihood under a normal distribution, by the EM algorithm over patterns of answered items: every answer is
used, and the estimates are right as long as whether an item was answered depends on other answers only (missing at
random). statsmodels and scikit-learn have no such estimate.

References
----------
Little, R. J. A. & Rubin, D. B. (2019). Statistical Analysis with Missing Data, 3rd edition. Wiley, section 11.2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_STEP: Final = 1e-9  # largest change of a covariance, in units of the items' spread, at which EM ends
_SINGULAR: Final = 1e-9  # smallest eigenvalue of a correlation matrix that still counts as above zero


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Estimated moments of the items.

    Parameters
    ----------
    mean : float array, shape (items,)
        Means.
    covariance : float array, shape (items, items)
        Covariances, divided by n.
    answered : bool array, shape (patterns, items)
        Which items each pattern of answers holds.
    rows : float array, shape (patterns,)
        Rows of each pattern.
    converged : bool
        Whether EM came to an end; True where nothing is missing.
    """

    mean: Array
    covariance: Array
    answered: Array
    rows: Array
    converged: bool


def moments(x: Array, *, steps: int = 2000) -> Moments:
    """Estimate means and covariances of items.

    Parameters
    ----------
    x : float array, shape (n, items)
        Answers, NaN where there is none; every row and every pair of items has one together.
    steps : int
        EM steps after which `converged` is False.
    """
    answered, group = np.unique(~np.isnan(x), axis=0, return_inverse=True)
    group = group.ravel()
    rows = np.bincount(group).astype(float)
    if answered.all():
        return Moments(mean=x.mean(0), covariance=np.cov(x.T, bias=True), answered=answered, rows=rows, converged=True)
    shift, scale = np.nanmean(x, 0), np.nanstd(x, 0)
    scale = np.where(scale > 0, scale, 1)
    z = np.where(np.isnan(x), 0, (x - shift) / scale)
    sums = np.stack([z[group == p].sum(0) for p in range(len(rows))])
    squares = np.stack([z[group == p].T @ z[group == p] for p in range(len(rows))])
    mean, covariance, converged = np.zeros(x.shape[1]), np.diag((z**2).sum(0) / (~np.isnan(x)).sum(0)), False
    for _ in range(steps):
        before = covariance
        mean, covariance = _step(mean, covariance, answered, rows, sums, squares)
        if np.abs(covariance - before).max() < _STEP:
            converged = True
            break
    return Moments(
        mean=shift + scale * mean,
        covariance=covariance * np.outer(scale, scale),
        answered=answered,
        rows=rows,
        converged=converged,
    )


def _step(
    mean: Array, covariance: Array, answered: Array, rows: Array, sums: Array, squares: Array
) -> tuple[Array, Array]:
    """Fill in what is missing with its expectation, and take moments of the whole."""
    fill = covariance @ inverses(covariance, answered)  # an answered item fills in itself
    off = np.where(answered, mean, 0)
    gaps = sums - rows[:, None] * off
    cross = sums[:, :, None] * off[:, None, :]
    about = squares - cross - cross.swapaxes(1, 2) + rows[:, None, None] * off[:, :, None] * off[:, None, :]
    moved = (fill @ gaps[..., None])[..., 0].sum(0) / rows.sum()
    left = rows[:, None, None] * (covariance - fill @ covariance)
    second = (fill @ about @ fill.swapaxes(1, 2) + left).sum(0) / rows.sum()
    found = second - np.outer(moved, moved)
    return mean + moved, (found + found.T) / 2


def inverses(covariance: Array, answered: Array) -> Array:
    """Invert the covariance of the answered items of each pattern; zeros in the others' rows and columns."""
    both = answered[:, :, None] & answered[:, None, :]
    blocks = np.where(both, covariance, np.eye(len(covariance)))
    if definite(covariance):
        return np.where(both, np.linalg.inv(blocks), 0)
    return np.where(both, np.linalg.pinv(blocks, rcond=_SINGULAR, hermitian=True), 0)


def definite(covariance: Array) -> bool:
    """Tell whether no item is determined by the others (or has no variance at all)."""
    spread = np.sqrt(np.diag(covariance))
    if not (spread > 0).all():
        return False
    return bool(np.linalg.eigvalsh(covariance / np.outer(spread, spread))[0] > _SINGULAR)


def variance(found: Moments, slope: Array) -> float:
    """Return the asymptotic variance of a function of the covariances, for normal answers with gaps.

    Parameters
    ----------
    found : Moments
        From `moments`.
    slope : float array, shape (items, items)
        Symmetric; the function changes by ``(slope * change).sum()`` when the covariances change.

    Notes
    -----
    The information on the covariances, the sum over patterns of n/2 W X W with W the inverse covariance of the
    answered items, is never written out: the equation is solved by conjugate gradients, complete data preconditioning.
    """
    n, sigma = found.rows.sum(), found.covariance
    if found.answered.all():
        return float(2 / n * (slope @ sigma * (sigma @ slope)).sum())
    weights = inverses(sigma, found.answered)

    def information(change: Array) -> Array:
        return np.asarray(np.einsum("p,pij->ij", found.rows / 2, weights @ change @ weights))

    solved, left = np.zeros_like(slope), slope
    ready = 2 / n * sigma @ left @ sigma
    direction, size = ready, float((left * ready).sum())
    start = size
    for _ in range(500):
        if size <= 1e-18 * start:
            break
        image = information(direction)
        length = size / float((direction * image).sum())
        solved, left = solved + length * direction, left - length * image
        ready = 2 / n * sigma @ left @ sigma
        size, before = float((left * ready).sum()), size
        direction = ready + size / before * direction
    return float((slope * solved).sum())


def slope(function: Callable[[Array], float], covariance: Array) -> Array:
    """Differentiate a function of the covariances numerically: central differences, one for each pair of items."""
    k, spread = len(covariance), np.sqrt(np.diag(covariance))
    spread = np.where(spread > 0, spread, spread.max())
    found = np.zeros((k, k))
    for i in range(k):
        for j in range(i + 1):
            step = np.zeros((k, k))
            step[i, j] = step[j, i] = 1e-5 * spread[i] * spread[j]
            rise = function(covariance + step) - function(covariance - step)
            found[i, j] = found[j, i] = rise / 2 / step[i, j] / (1 if i == j else 2)
    return found
