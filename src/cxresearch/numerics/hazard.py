"""Leaving in discrete time: runs on a calendar, chances of leaving by length of run, and survival.

A unit is at risk in every period it is seen, and leaves once. Given its past, whether it leaves in a period is
one draw, so the rows of a unit add up like independent trials (the errors are a martingale's): chances by cell
have binomial errors although units come back row after row. What breaks this is a cause that several units
share; ``cluster`` names it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxresearch.numerics import proportions

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_GRID: Final = 199
"""Levels at which a correlated cell's distribution is tabulated."""


def runs(low: Flags, unit: Integers, time: Integers, step: int = 1) -> tuple[Integers, Flags]:
    """Return the length of the run of low periods that each row ends, and whether that length is known.

    Parameters
    ----------
    low : array of bool, shape (n,)
        Whether the period counts towards a run.
    unit, time : array of int, shape (n,)
        Unit and period number; rows sorted by unit, then time, each pair once.
    step : int
        Period numbers per step.

    Returns
    -------
    length : array of int, shape (n,)
        0 where the period is not low; otherwise the periods in a row seen so far, this one counted.
    known : array of bool, shape (n,)
        False where a run begins at the unit's first row, or right after a gap in the calendar: it may have
        begun earlier, and `length` is then the least it can be.
    """
    place = np.arange(len(low))
    if not len(low):
        return place, np.zeros(0, dtype=bool)
    begins = np.r_[True, (np.diff(unit) != 0) | (np.diff(time) != step)]
    start = np.maximum.accumulate(np.where(begins, place, 0))
    high = np.maximum.accumulate(np.where(low, -1, place))
    after_high = high >= start
    length = np.where(low, np.where(after_high, place - high, place - start + 1), 0)
    return length, ~low | after_high


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Chances of leaving by cell.

    Parameters
    ----------
    n, events : array of int, shape (cells,)
        Rows, and those that end in leaving.
    rate, low, high : array, shape (cells,)
        Chance with its interval; NaN in an empty cell.
    size : array, shape (cells,)
        Independent trials that would be as uncertain.
    correlation : array, shape (cells, cells)
        Of the rates' errors; the identity without clusters.
    clusters : array of int, shape (cells,)
        Clusters that have rows in the cell; rows where there are no clusters.
    """

    n: Integers
    events: Integers
    rate: Floats
    low: Floats
    high: Floats
    size: Floats
    correlation: Floats
    clusters: Integers


def rates(
    cell: Integers,
    event: Floats,
    cells: int,
    *,
    confidence: float,
    weight: Floats | None = None,
    cluster: Integers | None = None,
) -> Rates:
    """Estimate the chance of an event in each cell.

    Parameters
    ----------
    cell : array of int, shape (n,)
        Cell of each row, from 0 to `cells` - 1.
    event : array, shape (n,)
        1 or 0.
    confidence : float
        Coverage probability of the intervals (mid-P).
    weight : array, shape (n,), optional
        Weights; intervals then rest on Kish's effective number of rows.
    cluster : array of int, shape (n,), optional
        Rows of a cluster may go together; intervals then rest on the effective number of rows of Korn and Graubard.
    """
    w = np.ones(len(cell)) if weight is None else weight
    n = np.bincount(cell, minlength=cells)
    total = np.bincount(cell, w, cells)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.bincount(cell, w * event, cells) / total
        size = total**2 / np.bincount(cell, w**2, cells)
    correlation, clusters = np.eye(cells), n
    if cluster is not None:
        codes, position = np.unique(cluster, return_inverse=True)
        error = w * (event - rate[cell])
        own = np.bincount(position * cells + cell, error / total[cell], len(codes) * cells).reshape(-1, cells)
        clusters = (np.bincount(position * cells + cell, minlength=len(codes) * cells).reshape(-1, cells) > 0).sum(0)
        covariance = own.T @ own * len(codes) / max(len(codes) - 1, 1)
        pooled = np.bincount(position, error)
        plain = (w**2 * rate[cell] * (1 - rate[cell])).sum()
        design = float((pooled @ pooled) / plain) if plain > 0 else 1.0
        variance = np.diag(covariance)
        size = proportions.effective_size(
            rate, size, variance, clusters=clusters.astype(float), confidence=confidence, design=design
        )
        scale = np.sqrt(np.where(variance > 0, variance, 1.0))
        correlation = covariance / np.outer(scale, scale)
        np.fill_diagonal(correlation, 1.0)
    low, high = proportions.interval(rate * size, size, confidence)
    return Rates(
        n=n,
        events=np.bincount(cell, event, cells).astype(np.int64),
        rate=rate,
        low=low,
        high=high,
        size=size,
        correlation=correlation,
        clusters=clusters,
    )


def survival(
    found: Rates, paths: Integers, *, confidence: float, draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Return the chance of still being there after each period of a path through the cells.

    Parameters
    ----------
    found : Rates
        Chances of leaving by cell.
    paths : array of int, shape (paths, periods)
        Cell that each path is in, period by period.
    draws : int
        Draws that the intervals are read from.

    Returns
    -------
    estimate, low, high : array, shape (paths, periods)
        NaN from the first period in an empty cell on.

    Notes
    -----
    Each cell's chance is drawn from its mid-P confidence distribution (for one period the interval is then that
    of the table), and multiplied along the path. With clusters, cells are drawn together, as correlated as
    their errors are.
    """
    used = np.unique(paths)
    stay = np.ones((draws, len(found.n)))
    stay[:, used] = 1 - _draw(found, used, draws, rng)
    estimate = (1 - found.rate)[paths].cumprod(axis=1)
    drawn = stay[:, paths].cumprod(axis=2)
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return estimate, np.minimum(low, estimate), np.maximum(high, estimate)


def _draw(found: Rates, used: Integers, draws: int, rng: np.random.Generator) -> Floats:
    """Draw chances of leaving, one column per cell in use; NaN for a cell without an interval."""
    from scipy.special import ndtr

    out = np.full((draws, len(used)), np.nan)
    count = found.rate * found.size
    apart = np.array_equal(found.correlation, np.eye(len(found.n)))
    if apart:
        for j, cell in enumerate(used):
            if not np.isnan(found.size[cell]) and found.n[cell]:
                x, n = count[cell], found.size[cell]
                upper = rng.random(draws) < 0.5
                one = rng.beta(x, n - x + 1, draws) if x > 0 else np.zeros(draws)
                two = rng.beta(x + 1, n - x, draws) if n > x else np.ones(draws)
                out[:, j] = np.where(upper, two, one)
        return out
    value, vector = np.linalg.eigh(found.correlation[np.ix_(used, used)])
    level = ndtr(rng.standard_normal((draws, len(used))) @ (vector * np.sqrt(np.maximum(value, 0))).T)
    grid = (np.arange(_GRID) + 0.5) / _GRID
    for j, cell in enumerate(used):
        if not np.isnan(found.size[cell]) and found.n[cell]:
            out[:, j] = np.interp(level[:, j], grid, proportions.quantile(grid, count[cell], found.size[cell]))
    return out
