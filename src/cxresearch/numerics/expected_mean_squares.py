"""Analysis of variance of balanced random designs: mean squares, what they are expected to be, and the components.

A design is an array with one axis per facet, a nested facet counted anew within each level of what it is nested in, and
a last axis for repeated observations where there are any. An effect is a set of axes; an axis stands in it together
with all those it is nested in. Own code: libraries offer the analysis of variance of crossed designs, or mixed models,
not the expected mean squares of designs in which nested and crossed facets meet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Floats = NDArray[np.float64]
Effect = frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Anova:
    """Mean squares of one table of scores or of a stack of them.

    Parameters
    ----------
    mean_square : array, shape (..., effects)
        In squared units of the scores, in the order of the effects.
    df : array, shape (effects,)
        Degrees of freedom.
    expected : array, shape (effects, effects)
        Expected mean squares: row by row, the multiple of each variance component.
    """

    mean_square: Floats
    df: Floats
    expected: Floats

    @property
    def coefficient(self) -> Floats:
        """Components as sums of mean squares: ``coefficient @ mean_square``."""
        return np.asarray(linalg.inv(self.expected))

    @property
    def variance(self) -> Floats:
        """Unbiased estimates of the components, shape (..., effects); they may lie below zero."""
        return np.asarray(self.mean_square @ self.coefficient.T)

    @property
    def covariance(self) -> Floats:
        """Unbiased estimate of the covariance of the components, shape (..., effects, effects)."""
        spread = 2 * self.mean_square**2 / (self.df + 2)  # the square of a mean square is too large by 2 / df
        return np.asarray(np.einsum("ik,...k,jk->...ij", self.coefficient, spread, self.coefficient))


def analyse(scores: Floats, effects: Sequence[Effect]) -> Anova:
    """Divide the variation of a balanced table among its effects.

    Parameters
    ----------
    scores : array, shape (..., sizes of the axes)
        Axes in front of those that the effects name are replications.
    effects : sequence of frozenset of int
        Sets of axes, counted from the first after the replications. One of them holds all axes: the residual.

    Returns
    -------
    Anova

    Raises
    ------
    ValueError
        If no effect holds all axes, or an effect has no degrees of freedom.

    Notes
    -----
    The sum of squares of the means over an effect's levels is the sum over all effects inside it, so each is found by
    subtraction, from small to large (Brennan 2001, section 5.1). A component enters the expected mean square of every
    effect inside its own, times the number of scores per level (all facets random).

    Examples
    --------
    Two shops, three items (one score each):

    >>> shops, items = frozenset({0}), frozenset({1})
    >>> found = analyse(np.array([[1.0, 2.0, 3.0], [3.0, 5.0, 7.0]]), [shops, items, shops | items])
    >>> found.mean_square.tolist(), found.df.tolist(), found.variance.round(3).tolist()
    ([13.5, 4.5, 0.5], [1.0, 2.0, 2.0], [4.333, 2.0, 0.5])
    """
    sets = [frozenset(e) for e in effects]
    axes = max(sets, key=len)
    sizes = np.array(scores.shape[scores.ndim - len(axes) :])
    if set(axes) != set(range(len(axes))) or any(not e <= axes for e in sets):
        raise ValueError("one effect must hold all axes")
    ahead = scores.ndim - sizes.size
    centred = scores - scores.mean(axis=tuple(range(ahead, scores.ndim)), keepdims=True)
    squares: dict[Effect, Floats] = {}
    df: dict[Effect, float] = {}
    for effect in sorted(sets, key=len):
        others = tuple(ahead + a for a in range(sizes.size) if a not in effect)
        means = centred.mean(axis=others, keepdims=True)
        whole = (means**2).sum(axis=tuple(range(ahead, scores.ndim))) * _size(sizes, axes - effect)
        inside = [e for e in squares if e < effect]
        squares[effect] = np.maximum(whole - sum((squares[e] for e in inside), np.zeros(())), 0)
        df[effect] = _size(sizes, effect) - 1 - sum(df[e] for e in inside)
        if df[effect] <= 0:
            raise ValueError(f"effect {sorted(effect)} has no degrees of freedom")
    freedom = np.array([df[e] for e in sets])
    expected = np.array([[_size(sizes, axes - inner) if inner >= outer else 0.0 for inner in sets] for outer in sets])
    mean_square = np.stack([squares[e] for e in sets], axis=-1) / freedom
    return Anova(mean_square=mean_square, df=freedom, expected=expected)


def _size(sizes: NDArray[np.int64], axes: Effect) -> float:
    return float(np.prod([sizes[a] for a in axes]))
