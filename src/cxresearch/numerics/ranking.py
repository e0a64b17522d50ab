"""Ranks that admit when the data cannot tell one from the next."""

import numpy as np
from numpy.typing import NDArray
from scipy import special

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


def rank_bounds(
    estimate: Floats, draws: Floats, level: float, *, n: int | None = None, free: int | None = None
) -> tuple[Floats, Floats]:
    """Bound each rank by the differences that are larger than chance allows.

    A rank cannot be better than one plus the number of others that lie clearly above. For each item, the
    differences from all others are judged together (max-t over the others), so the interval also holds where
    many are nearly tied; the percentiles of bootstrapped ranks do not.

    Parameters
    ----------
    estimate : array, shape (k,)
        Estimates; larger is better.
    draws : array, shape (reps, k)
        Bootstrap draws of them.
    level : float
        Chance that an item's interval holds its rank.
    n, free : int, optional
        What was drawn, and how many of these are free once the model is fitted: as in
        `moments.expanded_percentiles`, the bounds reach out further where these differ.

    Returns
    -------
    low, high : arrays, shape (k,)
        Best and worst rank.

    Notes
    -----
    Two items are told apart where the share of draws on the wrong side of zero, or the normal share at the draws'
    mean and spread if that is larger, lies below the tail that the max-t allows. The former follows the draws' skew,
    the latter does not vanish with few draws.

    References
    ----------
    Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies 91, 476-518;
    Hall & Miller (2009), Annals of Statistics 37, 3929-3959, on why bootstrapped ranks fail.
    """
    k = estimate.size
    low, high = np.ones(k), np.full(k, float(k))
    for j in range(k):
        apart = draws - draws[:, [j]]
        mean, sd = apart.mean(axis=0), apart.std(axis=0)
        known = sd > 1e-12  # duplicates never part
        if not known.any():
            continue
        apart, mean, sd = apart[:, known], mean[known], sd[known]
        gap = (estimate - estimate[j])[known]
        reach = np.quantile((np.abs(apart - mean) / sd).max(axis=1), level)
        tail = special.ndtr(-reach)
        if n is not None and free is not None:
            tail = special.ndtr(special.stdtrit(max(1, free), tail) * np.sqrt(n / max(1, free)))
        side = np.sign(gap)
        chance = np.maximum((side * apart <= 0).mean(axis=0), special.ndtr(-side * mean / sd))
        low[j] += ((chance < tail) & (gap > 0)).sum()
        high[j] -= ((chance < tail) & (gap < 0)).sum()
    return low, high
