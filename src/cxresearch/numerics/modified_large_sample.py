"""Intervals for sums, differences and ratios of variance components: the modified large-sample method.

Components are sums and differences of independent mean squares, each a multiple of a chi-square. Ting, Burdick,
Graybill, Jeyaratnam and Lu (1990) bound such a combination so that the bound is exact for one mean square, and for the
sign of the difference of two. A ratio is bounded by the values at which the matching combination may be zero. Own
code: no Python library has it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

_STEPS: Final = 60  # halvings of an interval in which a bound crosses zero
_RANGE: Final = (1e-4, 1e8)  # numbers of visits, raters, … looked at
_ROUNDING: Final = 1e-12  # part of a combination, over its largest part, that rounding can leave
_LEAST: Final = 0.05  # degrees of freedom below which quantiles overflow: nothing is known there


@dataclass(frozen=True, kw_only=True)
class Squares:
    """Independent mean squares, and how components are made of them.

    Parameters
    ----------
    coefficient : array, shape (..., components, squares)
        The components are ``coefficient @ value``.
    value : array, shape (..., squares)
        Mean squares, not negative.
    df : array, shape (..., squares)
        Their degrees of freedom, not necessarily whole.
    """

    coefficient: Floats
    value: Floats
    df: Floats


class Bounds:
    """Bounds of combinations of components, at one level of confidence.

    Parameters
    ----------
    squares : Squares
        What the components are made of.
    confidence : float
        Coverage probability of two-sided intervals.

    Notes
    -----
    Ting et al. (1990) as Burdick and Graybill (1992, section 3.3) give it. The two ends are one-sided bounds at half
    the error each.

    References
    ----------
    .. [1] Ting, Burdick, Graybill, Jeyaratnam & Lu (1990). Confidence intervals on linear combinations of variance
       components that are unrestricted in sign. Journal of Statistical Computation and Simulation 35, 135–143.
    .. [2] Burdick & Graybill (1992). Confidence Intervals on Variance Components. Dekker.

    Examples
    --------
    One mean square of 2.0 on 10 degrees of freedom: the exact chi-square interval.

    >>> one = Squares(coefficient=np.eye(1), value=np.array([2.0]), df=np.array([10.0]))
    >>> [round(float(end), 3) for end in Bounds(one, 0.95).interval(np.ones(1))]
    [0.976, 6.16]
    """

    def __init__(self, squares: Squares, confidence: float) -> None:
        self.squares = squares
        df, tail = np.maximum(squares.df, _LEAST), (1 - confidence) / 2
        self._g = 1 - df / stats.chi2.isf(tail, df)
        self._h = df / np.maximum(stats.chi2.ppf(tail, df), 1e-300) - 1
        own, other = df[..., :, None], df[..., None, :]
        f = stats.f.isf(tail, own, other)
        g, h = self._g[..., :, None] ** 2, self._h[..., None, :] ** 2
        self._mixed = ((f - 1) ** 2 - g * f**2 - h) / f
        total = own + other
        both = (1 - total / stats.chi2.isf(tail, total)) ** 2 * total**2 / (own * other)
        self._alike = both - g * own / other - self._g[..., None, :] ** 2 * other / own

    def lower(self, weight: Floats) -> Floats:
        """Bound ``weight @ components`` from below; `weight` has shape (..., components)."""
        return self._lower(self._parts(weight))

    def upper(self, weight: Floats) -> Floats:
        """Bound ``weight @ components`` from above."""
        return -self._lower(-self._parts(weight))

    def interval(self, weight: Floats) -> tuple[Floats, Floats]:
        """Return both bounds."""
        return self.lower(weight), self.upper(weight)

    def share(self, wanted: Floats, unwanted: Floats) -> tuple[Floats, Floats]:
        """Bound wanted / (wanted + unwanted), both sums of components, within 0 and 1."""

        def weight(share: Floats) -> Floats:
            at = share[..., None]
            return (1 - at) * wanted - at * unwanted

        shape = np.broadcast_shapes(np.shape(wanted)[:-1], self._shape())
        low = last(lambda share: self.lower(weight(share)) > 0, shape, (0.0, 1.0))
        high = last(lambda share: self.upper(weight(share)) >= 0, shape, (0.0, 1.0))
        return low, high

    def number(self, weight: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
        """Bound the number n at which ``weight(n) @ components`` turns from negative to positive.

        `weight` takes an array of numbers, and answers with their weights along a new last axis. An end is infinite
        where the combination may stay negative however large n is.
        """
        ends = []
        for bound in (self.upper, self.lower):

            def short(log: Floats, bound: Callable[[Floats], Floats] = bound) -> NDArray[np.bool_]:
                return np.asarray(bound(weight(np.exp(log))) < 0)

            ends.append(turning(short, self._shape()))
        return ends[0], ends[1]

    def _shape(self) -> tuple[int, ...]:
        return self.squares.value.shape[:-1]

    def _parts(self, weight: Floats) -> Floats:
        return np.asarray(np.einsum("...i,...ik->...k", weight, self.squares.coefficient) * self.squares.value)

    def _lower(self, part: Floats) -> Floats:
        part = np.where(np.abs(part) > _ROUNDING * np.abs(part).max(axis=-1, keepdims=True), part, 0.0)
        plus, minus = np.maximum(part, 0), np.maximum(-part, 0)
        spread = ((_times(self._g, plus)) ** 2 + (_times(self._h, minus)) ** 2).sum(axis=-1)
        spread += _pairs(plus, self._mixed, minus)
        count = (part > 0).sum(axis=-1)
        alike = _pairs(plus, self._alike, plus) - np.einsum("...kk,...k->...", self._alike, plus**2)
        spread += alike / 2 / np.maximum(count - 1, 1)
        return np.asarray(part.sum(axis=-1) - np.sqrt(np.maximum(spread, 0)))


def _times(factor: Floats, part: Floats) -> Floats:
    """Multiply, nothing times infinity being nothing."""
    return np.where(part > 0, factor * np.where(part > 0, part, 1.0), 0.0)


def _pairs(left: Floats, matrix: Floats, right: Floats) -> Floats:
    return np.asarray(np.einsum("...i,...ij,...j->...", left, np.where(np.isfinite(matrix), matrix, 0.0), right))


def turning(short: Callable[[Floats], NDArray[np.bool_]], shape: tuple[int, ...] = ()) -> Floats:
    """Return the number up to whose logarithm `short` holds; infinite if it holds for all."""
    found = np.exp(last(short, shape, (np.log(_RANGE[0]), np.log(_RANGE[1]))))
    return np.where(found < _RANGE[1] * 0.99, found, np.inf)


def last(holds: Callable[[Floats], NDArray[np.bool_]], shape: tuple[int, ...], ends: tuple[float, float]) -> Floats:
    """Return where `holds` ends, by halving: the first end if it never holds, the second if it always does."""
    low, high = np.full(shape, ends[0]), np.full(shape, ends[1])
    whole, never = holds(high), ~holds(low)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        at = holds(middle)
        low, high = np.where(at, middle, low), np.where(at, high, middle)
    return np.asarray(np.where(whole, ends[1], np.where(never, ends[0], low)))
