"""Divide a budget over several uses whose returns diminish, for many estimates of the returns at once.

The gain is a sum over uses, each with a return that never rises as its spending grows, so the optimum is where the
next unit of money brings the same everywhere (or where a bound holds). That common return is one number, and halving
its interval finds it for a thousand bootstrap samples at once. Own code, because scipy's general optimisers (SLSQP,
``linprog``), which the tests hold it to, would run a thousand times, and its elementwise root finder takes ten times as
long for a few numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Shape = Literal["saturating", "power", "constant"]
SHAPES: Final = get_args(Shape)
_TINY: Final = 1e-12
_HALVINGS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Returns:
    """How far spending lifts a score; the last axis of all arrays runs over the uses.

    Parameters
    ----------
    shape : {"saturating", "power", "constant"}
        "saturating": the score closes the gap to its ceiling exponentially. "power": the rise grows with spending to
        the power of `elasticity`, until the ceiling. "constant": every point costs the same, until the ceiling.
    cost : array, shape (k,)
        What the first point costs; for "saturating" at the price of the very first bit of it.
    room : array, shape (..., k)
        Points to the ceiling, 0 or above.
    elasticity : float
        Between 0 and 1; of no account unless `shape` is "power".
    """

    shape: str
    cost: Floats
    room: Floats
    elasticity: float = 0.5

    def rise(self, spend: Floats) -> Floats:
        """Return the points by which spending lifts the scores."""
        if self.shape == "saturating":
            return np.asarray(-self.room * np.expm1(-_ratio(spend, self.cost * self.room)))
        power = self.elasticity if self.shape == "power" else 1.0
        return np.minimum((spend / self.cost) ** power, self.room)

    def slope(self, spend: Floats) -> Floats:
        """Return the points that the next unit of money brings, per unit of money; infinite where it is."""
        if self.shape == "saturating":
            return np.asarray(np.where(self.room > 0, np.exp(-_ratio(spend, self.cost * self.room)) / self.cost, 0.0))
        left = spend < self.most * (1 - _TINY)
        if self.shape == "constant":
            return np.where(left, 1 / self.cost, 0.0)
        with np.errstate(divide="ignore"):
            steep = self.elasticity / self.cost * (spend / self.cost) ** (self.elasticity - 1)
        return np.where(left, steep, 0.0)

    @property
    def most(self) -> Floats:
        """Spending beyond which nothing more is gained."""
        if self.shape == "saturating":
            return np.where(self.room > 0, np.inf, 0.0)
        power = self.elasticity if self.shape == "power" else 1.0
        return np.asarray(self.cost * self.room ** (1 / power))

    def logs(self, worth: Floats) -> tuple[Floats, Floats]:
        """Return the log of the return at which spending would begin (or be `cost`), and how fast it grows below.

        "saturating": spending is ``slope × (start - log return)``; "power": its log, over the log of `cost`, is.
        """
        factor = 1.0 if self.shape == "saturating" else self.elasticity
        start = np.log(np.maximum(worth, _TINY * _TINY) * factor / self.cost)
        pace = self.cost * self.room if self.shape == "saturating" else np.full_like(start, 1 / (1 - self.elasticity))
        return start, np.broadcast_to(pace, start.shape)


def best(worth: Floats, returns: Returns, budget: float, low: Floats, high: Floats) -> Floats:
    """Return the spending that gains most.

    Parameters
    ----------
    worth : array, shape (..., k)
        What a point is worth; a use that is worth nothing or less gets no more than `low`.
    returns : Returns
        How far spending lifts the scores.
    budget : float
        To be spent; what would gain nothing is left over.
    low, high : arrays, shape (k,)
        Least and most to be spent on each use; the least adds up to `budget` at most.

    Returns
    -------
    array, shape (..., k)
    """
    worth = np.asarray(worth, dtype=float)
    shape = np.broadcast_shapes(worth.shape, returns.room.shape)
    worth = np.broadcast_to(worth, shape)
    top = np.broadcast_to(np.maximum(np.minimum(high, returns.most), low), shape)
    top = np.where(worth > 0, top, low)
    if returns.shape == "constant":
        return _by_turns(worth / returns.cost, budget, low, top)
    start, pace = returns.logs(worth)
    wanted = worth > 0
    free = budget - low.sum()

    def spending(log_return: Floats) -> Floats:
        gap = pace * (start - log_return[..., None])
        amount = gap if returns.shape == "saturating" else returns.cost * np.exp(np.minimum(gap, 700.0))
        return np.asarray(np.clip(np.where(wanted, amount, 0.0), low, top))

    size = shape[-1]
    if returns.shape == "saturating":
        ask, none = budget / np.maximum(pace, _TINY), np.zeros(shape)
    else:
        ask, none = (np.log(amount / returns.cost) / pace for amount in (budget, max(free, _TINY * budget) / size))
    lower = np.where(wanted & (top > low), start - ask, np.inf).min(axis=-1)
    upper = np.where(wanted, start - none, -np.inf).max(axis=-1)
    return _split(spending, budget, lower, upper, np.broadcast_to(low, shape), top)


def in_proportion(to: Floats, budget: float, low: Floats, high: Floats) -> Floats:
    """Return the spending that is in proportion to a set of numbers of 0 or above, as far as the bounds allow.

    Parameters
    ----------
    to : array, shape (..., k)
        In proportion to what.
    budget, low, high
        As in `best`.
    """
    to = np.asarray(to, dtype=float) / np.maximum(np.sum(to, axis=-1, keepdims=True), _TINY)
    top = np.where(to > 0, high, low)
    lows = np.broadcast_to(low, to.shape)

    def spending(log_scale: Floats) -> Floats:
        return np.asarray(np.clip(to * np.exp(-log_scale[..., None]), low, top))

    least = np.where(to > 0, to, np.inf).min(axis=-1)
    lower = np.log(np.where(np.isfinite(least), least, 1.0) / budget)
    return _split(spending, budget, lower, lower + 700.0, lows, np.broadcast_to(top, to.shape))


def _ratio(spend: Floats, scale: Floats) -> Floats:
    return np.divide(spend, scale, out=np.zeros(np.broadcast_shapes(np.shape(spend), scale.shape)), where=scale > 0)


def _by_turns(rate: Floats, budget: float, low: Floats, top: Floats) -> Floats:
    """Fill up the best-paying use first, then the next: what linear programming answers with constant returns."""
    order = np.argsort(-rate, axis=-1, kind="stable")
    room = np.take_along_axis(top - low, order, axis=-1)
    before = np.cumsum(room, axis=-1) - room
    taken = np.clip(budget - low.sum() - before, 0, room)
    out = np.empty_like(taken)
    np.put_along_axis(out, order, taken, axis=-1)
    return np.asarray(out + low)


def _split(
    spending: Callable[[Floats], Floats], budget: float, lower: Floats, upper: Floats, low: Floats, top: Floats
) -> Floats:
    """Find where spending, which falls in its argument, adds up to the budget; the bounds where it cannot."""
    over = top.sum(axis=-1) <= budget * (1 + _TINY)  # there is money for all that gains anything
    none = low.sum(axis=-1) >= budget * (1 - _TINY)
    open_ = ~(over | none)
    lower, upper = np.where(open_, lower, 0.0), np.where(open_, upper, 0.0)
    for _ in range(_HALVINGS):
        middle = (lower + upper) / 2
        much = spending(middle).sum(axis=-1) > budget
        lower, upper = np.where(much, middle, lower), np.where(much, upper, middle)
    return np.where(over[..., None], top, np.where(none[..., None], low, spending(upper)))
