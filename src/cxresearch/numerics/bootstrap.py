"""Cluster bootstrap of a panel regression, a thousand samples at once.

Own code, because a loop that resamples rows and fits again takes minutes where this takes a second: least
squares needs of a unit only its sums of squares and products, so a bootstrap sample is a weighted sum of
those, and all samples together are one matrix product and one batched solve. Neither scipy nor statsmodels
offers that for panels.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxresearch.numerics.least_squares import Floats, Integers

SINGULAR: Final = 1e-11
"""Smallest eigenvalue of a sample's correlation matrix below which its slopes are undefined."""
BLOCK: Final = 10_000_000
"""Weights held at once."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """What least squares needs to know of each unit.

    Parameters
    ----------
    flat : array, shape (units, m)
        Upper triangles of each unit's cross products: nuisance columns, regressors, outcome.
    nuisance, slopes : int
        Columns that are swept out with period effects or an intercept, and regressors.
    filled : array of bool, shape (units,)
        Units that have rows.
    """

    flat: Floats
    nuisance: int
    slopes: int
    filled: NDArray[np.bool_]


def unit_moments(
    y: Floats,
    x: Floats,
    unit: Integers,
    period: Integers,
    *,
    effects: Literal["two-way", "unit", "none"] = "two-way",
    units: int | None = None,
    weights: Floats | None = None,
) -> Moments:
    """Sum each unit's squares and products.

    Parameters
    ----------
    y : array, shape (n,)
        Outcome.
    x : array, shape (n, k)
        Regressors.
    unit, period : array of int, shape (n,)
        Codes from 0; rows of a unit lie side by side.
    effects : {"two-way", "unit", "none"}
        Effects held constant.
    units : int, optional
        Rows of the answer; one more than the largest unit code by default.
    weights : array, shape (n,), optional
        Weight of each row, above 0.

    Notes
    -----
    Unit effects are demeaned away inside the unit, which does not depend on which other units are in the
    sample. Period effects do depend on it, so they stay as columns and are solved for in every sample:
    the answer is that of resampling whole units and fitting anew, to rounding, and no approximation.
    """
    w = np.ones(len(y)) if weights is None else weights
    columns = [_periods(period), x - x.mean(axis=0), y - y.mean()]
    if effects != "two-way":
        columns[0] = np.ones((len(y), int(effects == "none")))
    z = np.column_stack(columns)
    every = units or int(unit.max()) + 1
    if effects != "none":
        total = np.maximum(np.bincount(unit, weights=w, minlength=every), np.finfo(float).tiny)
        for j in range(z.shape[1]):
            z[:, j] -= (np.bincount(unit, weights=w * z[:, j], minlength=every) / total)[unit]
    z *= np.sqrt(w)[:, None]
    sizes = np.bincount(unit, minlength=every)
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    rows, cols = np.triu_indices(z.shape[1])
    flat = np.zeros((every, len(rows)))
    for size in np.unique(sizes[sizes > 0]):  # units with as many rows go through one product
        alike = np.flatnonzero(sizes == size)
        for who in np.array_split(alike, -(-len(alike) * z.shape[1] ** 2 // BLOCK)):
            block = z[starts[who][:, None] + np.arange(size)]
            flat[who] = (block.transpose(0, 2, 1) @ block)[:, rows, cols]
    return Moments(flat=flat, nuisance=columns[0].shape[1], slopes=x.shape[1], filled=sizes > 0)


def weighted_slopes(moments: Moments, weights: Floats) -> Floats:
    """Fit many samples, each given by how often it holds each unit.

    Parameters
    ----------
    moments : Moments
        From `unit_moments`.
    weights : array, shape (samples, units)
        Weights of the units.

    Returns
    -------
    array, shape (samples, k)
        Slopes; NaN where a sample does not determine them.
    """
    size = moments.nuisance + moments.slopes
    rows, cols = np.triu_indices(size + 1)
    packed = weights @ moments.flat
    gram = np.empty((len(weights), size + 1, size + 1))
    gram[:, rows, cols] = packed
    gram[:, cols, rows] = packed
    length = np.sqrt(np.einsum("sii->si", gram[:, :size, :size]))
    length[length == 0] = 1.0
    system = gram[:, :size, :size] / (length[:, :, None] * length[:, None, :])
    # a period that no unit of the sample saw is a column of zeros: its effect is set to zero and changes nothing
    empty = np.einsum("sii->si", system)[:, : moments.nuisance] == 0
    where = np.nonzero(empty)
    system[where[0], where[1], where[1]] = 1.0
    lost = np.linalg.eigvalsh(system)[:, 0] < SINGULAR
    system[lost] = np.eye(size)
    solved = np.linalg.solve(system, (gram[:, :size, size] / length)[:, :, None])[:, :, 0] / length
    solved[lost] = np.nan
    return np.asarray(solved[:, moments.nuisance :])


def cluster_bootstrap(parts: list[Moments], samples: int, seed: int) -> list[Floats]:
    """Resample units and fit every part of a panel on the same samples.

    Parameters
    ----------
    parts : list of Moments
        Parts of one panel, with as many units each; a unit without rows in a part counts for nothing there.
    samples : int
        Bootstrap samples.
    seed : int
        Seed of the draws.

    Returns
    -------
    list of array, shape (samples, k)
        Slopes of each part. Differences between parts are right even where they share units.

    References
    ----------
    Cameron, A. C., Gelbach, J. B., & Miller, D. L. (2008). Bootstrap-based improvements for inference with
    clustered errors. Review of Economics and Statistics, 90, 414-427. (The pairs cluster bootstrap.)
    """
    filled = np.logical_or.reduce([part.filled for part in parts])
    who = np.flatnonzero(filled)
    kept = [Moments(flat=p.flat[who], nuisance=p.nuisance, slopes=p.slopes, filled=p.filled[who]) for p in parts]
    rng = np.random.default_rng(seed)
    slopes: list[list[Floats]] = [[] for _ in parts]
    each = max(1, BLOCK // len(who))
    for start in range(0, samples, each):
        size = min(each, samples - start)
        drawn = rng.integers(0, len(who), size=(size, len(who))) + len(who) * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * len(who)).reshape(size, len(who)).astype(float)
        for found, part in zip(slopes, kept, strict=True):
            found.append(weighted_slopes(part, counts))
    return [np.concatenate(found) for found in slopes]


def _periods(period: Integers) -> Floats:
    """Return indicators of all periods but the fullest, whose effect is the point of reference."""
    counts = np.bincount(period)
    shown = np.setdiff1d(np.flatnonzero(counts), [counts.argmax()])
    return np.asarray(period[:, None] == shown, dtype=float)
