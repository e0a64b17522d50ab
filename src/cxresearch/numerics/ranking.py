"""Ranks that admit when the data cannot tell one from the next."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ranks(values: Floats) -> Floats:
    """Return ranks along the last axis, 1 for the largest; ties share the better rank.

    Parameters
    ----------
    values : array, shape (..., k)
        Compared after rounding to twelve decimals, so that rounding noise breaks no tie; NaN has no rank.
    """
    rounded = np.round(values, 12)
    higher = (rounded[..., None, :] > rounded[..., :, None]).sum(-1)
    return np.where(np.isnan(values), np.nan, 1.0 + higher)


def rank_bounds(estimate: Floats, draws: Floats, level: float) -> tuple[Floats, Floats]:
    """Bound each rank by the differences that are larger than chance allows.

    A rank cannot be better than one plus the number of others that lie clearly above. For each item, the
    differences from all others are judged together (max-t over the others, from bootstrap draws), so the interval
    also holds where many are nearly tied; the percentiles of bootstrapped ranks do not.

    Parameters
    ----------
    estimate : array, shape (k,)
        Estimates; larger is better.
    draws : array, shape (reps, k)
        Bootstrap draws of them.
    level : float
        Chance that an item's interval holds its rank.

    Returns
    -------
    low, high : arrays, shape (k,)
        Best and worst rank.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies 91, 476-518;
    Hall & Miller (2009), Annals of Statistics 37, 3929-3959, on why bootstrapped ranks fail.
    """
    k = estimate.size
    low, high = np.empty(k), np.empty(k)
    for j in range(k):
        gap = estimate - estimate[j]
        drawn = draws - draws[:, [j]]
        sd = drawn.std(axis=0)
        known = sd > 1e-12  # duplicates never part
        if not known.any():
            low[j], high[j] = 1, k
            continue
        reach = np.quantile((np.abs(drawn - gap)[:, known] / sd[known]).max(axis=1), level)
        low[j] = 1 + (known & (gap > reach * sd)).sum()
        high[j] = k - (known & (-gap > reach * sd)).sum()
    return low, high
