"""How long customers stay and what that is worth: closed forms for retention rates that end in a constant one.

Own code, since no library at hand has them: they are sums of geometric series, and hold for whole arrays of
retention rates at once, as simulating their uncertainty needs.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

BISECTIONS: Final = 60
"""Halvings of the interval that holds a solution: 60 leave less than a double can tell apart."""


def starts(retention: ArrayLike, discount: ArrayLike = 0.0) -> Floats:
    """Return how many periods a customer begins from now on, this one included, each discounted to today.

    Parameters
    ----------
    retention : array, shape (..., classes)
        Chance of staying for another period in the first, second, … period; the last one holds for ever after.
    discount : array_like
        Interest per period; broadcasts against ``retention[..., 0]``.

    Returns
    -------
    array, shape (..., classes)
        For a customer who begins a period of each class. Infinite where nobody ever leaves and nothing is
        discounted. Without discount: the expected number of periods, the current one included.

    Notes
    -----
    A[t] = 1 + r[t] A[t + 1] / (1 + d), and A[last] = (1 + d) / (1 + d - r[last]): a geometric series.

    Examples
    --------
    >>> starts([0.8]).round(6).tolist(), starts([0.5, 0.8], 0.1).round(3).tolist()
    ([5.0], [2.667, 3.667])
    """
    rates = np.asarray(retention, dtype=float)
    factor = 1 / (1 + np.asarray(discount, dtype=float))
    shape = np.broadcast_shapes(rates.shape[:-1], factor.shape)
    kept = np.broadcast_to(rates, (*shape, rates.shape[-1])) * factor[..., None]
    counts = np.empty_like(kept)
    with np.errstate(divide="ignore"):
        counts[..., -1] = 1 / (1 - kept[..., -1])
    for t in range(kept.shape[-1] - 2, -1, -1):
        counts[..., t] = 1 + _times(kept[..., t], counts[..., t + 1])
    return counts


def value(begun: ArrayLike, margin: ArrayLike, cost: ArrayLike, *, paid_at_end: bool) -> Floats:
    """Return what a customer is worth today.

    Parameters
    ----------
    begun : array_like
        Discounted periods begun, as `starts` returns them.
    margin, cost : array_like
        Earned and spent on a customer in a period. The cost falls due at its start for everyone there.
    paid_at_end : bool
        The margin comes at the end of a period, from those who stayed; otherwise at its start, from all.

    Notes
    -----
    Those who stayed to the end of a period begin the next one, so the discounted ends are the discounted
    starts but for the first.

    Examples
    --------
    >>> value(5.0, 100, 20, paid_at_end=False).item(), value(5.0, 100, 20, paid_at_end=True).item()
    (400.0, 300.0)
    """
    count, earned = np.asarray(begun, dtype=float), np.asarray(margin, dtype=float)
    worth = _times(earned - np.asarray(cost, dtype=float), count)
    return np.asarray(worth - earned if paid_at_end else worth)


def lifted(retention: ArrayLike, uplift: ArrayLike) -> Floats:
    """Return retention raised by as many points in every class, and never above 1.

    Parameters
    ----------
    retention : array, shape (..., classes)
        As for `starts`.
    uplift : array_like
        Points added, as a share; broadcasts against ``retention[..., 0]``.
    """
    return np.asarray(np.minimum(np.asarray(retention, dtype=float) + np.asarray(uplift, dtype=float)[..., None], 1.0))


def largest_spend(retention: ArrayLike, uplift: ArrayLike, discount: ArrayLike, profit: ArrayLike) -> Floats:
    """Return the largest spend per customer and period at which an uplift of retention pays.

    Parameters
    ----------
    retention : array, shape (..., classes)
        As for `starts`.
    uplift : array_like
        Points by which retention rises.
    discount, profit : array_like
        Interest per period; margin less cost per customer and period.

    Notes
    -----
    With A and A' the discounted periods begun without and with the uplift, a customer is worth as much either
    way if profit × A = (profit - spend) × A', so spend = profit (1 - A / A'). With one class this is
    ``uplift × profit / (1 + d - r)``: the customers saved, times what each is worth a period later. When in
    a period the margin comes does not matter.

    Examples
    --------
    >>> largest_spend([0.8], 0.05, 0.1, 60).round(6).item()
    10.0
    """
    before = starts(retention, discount)[..., 0]
    after = starts(lifted(retention, uplift), discount)[..., 0]
    with np.errstate(invalid="ignore"):
        share = np.where(np.isinf(after), np.where(np.isinf(before), 0.0, 1.0), 1 - before / after)
    return np.asarray(np.asarray(profit, dtype=float) * share)


def smallest_uplift(retention: ArrayLike, spend: ArrayLike, discount: ArrayLike, profit: ArrayLike) -> Floats:
    """Return the smallest uplift of retention that pays for a spend per customer and period.

    Parameters
    ----------
    retention, discount, profit
        As for `largest_spend`.
    spend : array_like
        Spent per customer and period, above 0.

    Returns
    -------
    array
        Points, as a share; infinite where even a retention of 1 does not pay for it.

    Notes
    -----
    The inverse of `largest_spend`: spend × (1 + d - r) / profit with one class, by bisection with several.

    Examples
    --------
    >>> smallest_uplift([0.8], 10, 0.1, 60).round(6).item(), smallest_uplift([0.8], 50, 0.1, 60).item()
    (0.05, inf)
    """
    rates = np.asarray(retention, dtype=float)
    lost = 1 - rates.min(axis=-1)
    shape = np.broadcast_shapes(lost.shape, np.shape(spend), np.shape(discount), np.shape(profit))
    low, high = np.zeros(shape), np.broadcast_to(lost, shape).copy()
    needed, reached = np.asarray(spend, dtype=float), largest_spend(rates, high, discount, profit)
    if rates.shape[-1] == 1:
        with np.errstate(divide="ignore", invalid="ignore"):
            exact = needed * (1 + np.asarray(discount) - rates[..., 0]) / np.asarray(profit, dtype=float)
        return np.where(reached >= needed, exact, np.inf)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        enough = largest_spend(rates, middle, discount, profit) >= needed
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reached >= needed, high, np.inf)


def _times(one: Floats, other: Floats) -> Floats:
    """Multiply; nothing times for ever is nothing."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where((one == 0) | (other == 0), 0.0, one * other))
