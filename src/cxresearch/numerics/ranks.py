"""Ranks with their uncertainty: which places in a league table a unit's true value could hold.

The marginal intervals of Mogstad, Romano, Shaikh & Wilhelm (2024): compare a unit with every other one, keep the
chance of a single false "higher" or "lower" within one minus the level, and count. If the comparisons are right, at
least as many units as were found higher stand before it, and at least as many as were found lower behind it. Ties are
no trouble: units that are equal in truth may hold any of the ranks they share. The chance of a false verdict is held
by Holm's procedure over the two one-sided tests of each pair, which is valid however the tests hang together.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cxresearch.numerics.rates import higher_rate_p

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 1_000_000  # pairs compared at a time


def rank_of(values: Floats) -> Ints:
    """Rank values, the highest first; equal values share the best of their ranks.

    Examples
    --------
    >>> rank_of(np.array([3.0, 9.0, 3.0, 1.0])).tolist()
    [2, 1, 2, 4]
    """
    ordered = np.sort(values)
    return np.asarray(1 + values.size - np.searchsorted(ordered, values, side="right"), dtype=np.int64)


def rank_intervals_of_means(mean: Floats, n: Floats, within: float, df: float, level: float) -> tuple[Ints, Ints]:
    """Return the ranks that units' true means could hold, from t tests with a pooled variance.

    Parameters
    ----------
    mean, n : array of shape (units,)
        Observed mean and number of answers.
    within : float
        Pooled variance of answers within units, above zero.
    df : float
        Its degrees of freedom.
    level : float
        Each unit's interval holds its true rank with this probability or a higher one.

    Returns
    -------
    tuple of array of int
        Best and worst rank, 1 being the highest mean.
    """

    def compare(rows: slice) -> tuple[Floats, NDArray[np.bool_]]:
        gap = mean - mean[rows, None]
        t = np.abs(gap) / np.sqrt(within * (1 / n + 1 / n[rows, None]))
        return np.asarray(special.stdtr(df, -t)), gap > 0

    return _count(compare, mean.size, level)


def rank_intervals_of_rates(successes: Floats, n: Floats, level: float) -> tuple[Ints, Ints]:
    """Return the ranks that units' true rates could hold, from Fisher's exact tests.

    Exact tests keep their level close to 0 and 100 % too, where tests on normal approximations break it
    many times over.

    Parameters
    ----------
    successes, n : array of shape (units,)
        Whole numbers, 0 <= successes <= n.
    level : float
        Each unit's interval holds its true rank with this probability or a higher one.

    Returns
    -------
    tuple of array of int
        Best and worst rank, 1 being the highest rate.
    """
    rate = successes / n

    def compare(rows: slice) -> tuple[Floats, NDArray[np.bool_]]:
        y, m = successes[rows, None], n[rows, None]
        higher = rate > rate[rows, None]
        p = np.where(higher, higher_rate_p(successes, n, y, m), higher_rate_p(y, m, successes, n))
        return p, higher

    return _count(compare, n.size, level)


def _count(compare: Callable[[slice], tuple[Floats, NDArray[np.bool_]]], units: int, level: float) -> tuple[Ints, Ints]:
    """Count, for every unit, the others that Holm's procedure finds higher and lower."""
    best, worst = np.empty(units, dtype=np.int64), np.empty(units, dtype=np.int64)
    tests = 2 * (units - 1)
    threshold = (1 - level) / (tests - np.arange(units - 1))
    step = max(1, _BLOCK // units)
    for start in range(0, units, step):
        rows = slice(start, min(start + step, units))
        p, higher = compare(rows)
        p[np.arange(p.shape[0]), np.arange(rows.start, rows.stop)] = np.inf  # a unit is not compared with itself
        ordered = np.sort(p, axis=1)[:, : units - 1]
        rejected = np.logical_and.accumulate(ordered <= threshold, axis=1).sum(1)
        last = np.where(rejected > 0, ordered[np.arange(p.shape[0]), np.maximum(rejected - 1, 0)], -1.0)
        found = p <= last[:, None]
        best[rows] = 1 + (found & higher).sum(1)
        worst[rows] = units - (found & ~higher).sum(1)
    return best, worst
