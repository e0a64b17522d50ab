"""Two regressions in a row, a cause through a mediator to an outcome, and their bootstrap in one stroke.

pingouin's ``mediation_analysis`` is the peer that tests hold this against. Own code, since pingouin resamples rows
only (never clusters, and customers seen for years are clusters), reports a path from mediator to outcome that does
not hold the cause equal although its indirect effect does, and refits each resample in a Python loop. Here a
resample is a weighted sum of the clusters' cross products, so all of them are one matrix product.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CELLS: Final = 4_000_000
"""Weights held in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Slopes of a mediation; arrays of one shape.

    Parameters
    ----------
    a : array
        Mediator on cause.
    b : array
        Outcome on mediator, the cause held equal.
    direct : array
        Outcome on cause, the mediator held equal.
    """

    a: Floats
    b: Floats
    direct: Floats

    @property
    def indirect(self) -> Floats:
        """What runs through the mediator: a × b."""
        return self.a * self.b

    @property
    def total(self) -> Floats:
        """Outcome on cause: direct + indirect, exactly, in least squares."""
        return self.direct + self.indirect


def cross_products(x: Floats, cluster: Integers, clusters: int) -> Floats:
    """Return each cluster's matrix of cross products.

    Parameters
    ----------
    x : array, shape (n, k)
        Covariates, cause, mediator and outcome, in this order; centred, so that digits are not lost.
    cluster : array of int, shape (n,)
        From 0.
    clusters : int
        Number of clusters.

    Returns
    -------
    array, shape (clusters, k + 1, k + 1)
        The first row and column belong to the intercept.
    """
    whole = np.column_stack([np.ones(len(x)), x])
    size = whole.shape[1]
    products = np.empty((clusters, size, size))
    for i in range(size):
        for j in range(i, size):
            products[:, i, j] = products[:, j, i] = np.bincount(cluster, whole[:, i] * whole[:, j], clusters)
    return products


def paths(products: Floats) -> Paths:
    """Solve both regressions.

    Parameters
    ----------
    products : array, shape (..., k + 1, k + 1)
        Cross products, summed over clusters.

    Returns
    -------
    Paths
        Arrays of shape (...); NaN where a matrix is singular.

    Examples
    --------
    >>> cause, mediator = np.array([1.0, 2, 3, 5]), np.array([2.0, 4, 7, 9])
    >>> x = np.column_stack([cause, mediator, 3 * mediator + cause])
    >>> found = paths(cross_products(x - x.mean(axis=0), np.zeros(4, dtype=int), 1)[0])
    >>> float(found.b.round(6)), float(found.direct.round(6)), bool(np.isclose(found.total, found.a * 3 + 1))
    (3.0, 1.0, True)
    """
    cause, mediator = products.shape[-1] - 3, products.shape[-1] - 2
    first = _solve(products[..., :mediator, :mediator], products[..., :mediator, mediator])
    second = _solve(products[..., : mediator + 1, : mediator + 1], products[..., : mediator + 1, mediator + 1])
    return Paths(a=first[..., cause], b=second[..., mediator], direct=second[..., cause])


def bootstrap(products: Floats, draws: int, seed: int) -> Paths:
    """Resample clusters, and solve both regressions for every resample.

    Parameters
    ----------
    products : array, shape (clusters, k + 1, k + 1)
        As `cross_products` returns them.
    draws : int
        Resamples.
    seed : int
        Seed of the draws.

    Returns
    -------
    Paths
        Arrays of shape (draws,).
    """
    rng = np.random.default_rng(seed)
    clusters = len(products)
    flat = products.reshape(clusters, -1)
    sums = np.empty((draws, flat.shape[1]))
    step = max(1, CELLS // clusters)
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        chosen = rng.integers(clusters, size=(rows, clusters)) + clusters * np.arange(rows)[:, None]
        weights = np.bincount(chosen.ravel(), minlength=rows * clusters).reshape(rows, clusters)
        sums[start : start + rows] = weights.astype(float) @ flat
    return paths(sums.reshape(draws, *products.shape[1:]))


def _solve(matrix: Floats, right: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.solve(matrix, right[..., None])[..., 0])
    except np.linalg.LinAlgError:
        if matrix.ndim == 2:
            return np.full(right.shape, np.nan)
        return np.stack([_solve(one, other) for one, other in zip(matrix, right, strict=True)])
