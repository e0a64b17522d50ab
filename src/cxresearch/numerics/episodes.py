"""What an episode leaves behind: the end, the extremes, the mean and the trend of its scores, for many at once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

SUMMARIES: Final = ("end", "peak", "trough", "mean", "trend")
"""Columns of `summaries`."""


def summaries(score: Floats, first: Integers) -> Floats:
    """Sum up each episode.

    Parameters
    ----------
    score : array, shape (n,)
        Scores, the moments of an episode side by side and in their order.
    first : array of int, shape (episodes,)
        Where each episode begins, ascending from 0.

    Returns
    -------
    array, shape (episodes, 5)
        Columns as in `SUMMARIES`: the last score, the highest, the lowest, the mean, and the least-squares slope per
        moment; NaN for the slope of an episode of one moment.

    Examples
    --------
    >>> summaries(np.array([5.0, 8.0, 6.0, 4.0, 4.0]), np.array([0, 3])).round(2).tolist()
    [[6.0, 8.0, 5.0, 6.33, 0.5], [4.0, 4.0, 4.0, 4.0, 0.0]]
    """
    size = np.diff(np.append(first, len(score)))
    last = first + size - 1
    mean = np.add.reduceat(score, first) / size
    step = np.arange(len(score)) - np.repeat(first + (size - 1) / 2, size)
    moved = np.add.reduceat(step * (score - np.repeat(mean, size)), first)
    spread = size * (size**2 - 1) / 12.0
    slope = np.divide(moved, spread, out=np.full(len(first), np.nan), where=size > 1)
    return np.column_stack(
        [score[last], np.maximum.reduceat(score, first), np.minimum.reduceat(score, first), mean, slope]
    )
