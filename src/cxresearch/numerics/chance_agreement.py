"""Agreement of raters beyond chance: seven coefficients, five ways to say how far two scores are apart.

All coefficients are one minus a ratio of two disagreements: what the raters showed, over what chance alone would
have produced. They differ in what they call chance. Disagreement between two scores is Krippendorff's squared
distance of the level of measurement, divided by its largest value, so that it runs from 0 to 1.

No maintained library offers this: irrCAC does not install beside NumPy 2, krippendorff has neither standard errors
nor the other coefficients, and statsmodels' Fleiss kappa takes no missing ratings.

Every function takes leading batch axes, so that a thousand simulated panels cost one call.

References
----------
Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics.
Krippendorff, K. (2011). Computing Krippendorff's Alpha-Reliability. University of Pennsylvania.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LEVELS: Final = ("nominal", "ordinal", "interval", "ratio")
METRICS: Final = (*LEVELS, "linear")
COEFFICIENTS: Final = ("percent", "cohen", "conger", "fleiss", "gwet", "brennan_prediger", "krippendorff")


def tabulate(codes: Array, categories: int) -> Array:
    """Count how many raters gave each category to each target.

    Parameters
    ----------
    codes : int array, shape (..., targets, raters)
        Category of each rating, 0 to `categories` - 1; -1 where there is none.
    categories : int
        Number of categories.

    Returns
    -------
    float array, shape (..., targets, categories)
    """
    return np.stack([(codes == k).sum(-1) for k in range(categories)], -1).astype(float)


@dataclass(frozen=True, eq=False)
class Distance:
    """Distances between categories, scaled to at most 1, in the form that costs least to multiply with.

    Hundreds of distinct scores are common (percentages of a checklist), and a matrix of all pairs of them is
    needed for the ratio level alone.

    Parameters
    ----------
    categories : int
        Number of categories.
    place : float array, shape (..., categories), optional
        The distance is the squared difference of places.
    matrix : float array, shape (categories, categories), optional
        The distances themselves. Without `place` and `matrix` all different categories are 1 apart.
    """

    categories: int
    place: Array | None = None
    matrix: Array | None = None

    def times(self, x: Array) -> Array:
        """Return ``x @ D`` for x of shape (..., rows, categories)."""
        if self.matrix is not None:
            return np.asarray(x @ self.matrix)
        total = x.sum(-1, keepdims=True)
        if self.place is None:
            return np.asarray(total - x)
        first, second = x @ self.place[..., None], x @ (self.place**2)[..., None]
        u = self.place[..., None, :]
        return np.asarray(second - 2 * first * u + total * u**2)

    def between(self, shares: Array) -> Array:
        """Return ``shares @ D @ shares``, the mean distance of two draws from shares of shape (..., categories)."""
        return np.asarray((shares * self.times(shares[..., None, :])[..., 0, :]).sum(-1))

    @property
    def total(self) -> Array:
        """Sum of all distances."""
        return self.between(np.ones(self.categories))


def distance(metric: str, values: Array, frequencies: Array) -> Distance:
    """Return the distance between categories, divided by its largest value; the first four are Krippendorff's.

    Parameters
    ----------
    metric : {"nominal", "ordinal", "interval", "ratio", "linear"}
        nominal: 1 if different. ordinal: squared difference of mid-ranks, which depends on how often each
        category was used. interval: squared difference. ratio: ``((a - b) / (a + b))**2``. linear: difference,
        not squared.
    values : float array, shape (categories,)
        The scores that the categories stand for, ascending; used by interval, ratio and linear.
    frequencies : float array, shape (..., categories)
        How often each category was used among values that can be paired; used by ordinal.
    """
    if metric == "nominal":
        return Distance(len(values))
    if metric == "linear":
        gap = np.abs(np.subtract.outer(values, values))
        return Distance(len(values), matrix=gap / (gap.max() or 1))
    if metric == "ratio":
        total = values[:, None] + values
        squared = (np.subtract.outer(values, values) / np.where(total == 0, 1, total)) ** 2
        return Distance(len(values), matrix=squared / (squared.max() or 1))
    place = midranks(frequencies) if metric == "ordinal" else values - values[0]
    span = place[..., -1:] - place[..., :1]
    return Distance(len(values), place=place / np.where(span == 0, 1, span))


def midranks(frequencies: Array) -> Array:
    """Return each category's mid-rank: the values below it and half of those in it, shape (..., categories)."""
    return np.asarray(np.cumsum(frequencies, -1) - frequencies / 2)


def over_targets(weights: Array, x: Array) -> Array:
    """Sum ``weights[..., i] * x[..., i, :]`` over the targets i."""
    return np.asarray(weights @ x if x.ndim == 2 else (weights[..., None, :] @ x)[..., 0, :])


@dataclass(frozen=True, eq=False)
class Panel:
    """A panel's ratings and its sums over targets, for one weighting of the targets or a batch of them.

    Parameters
    ----------
    codes : int array, shape (..., targets, raters)
        Category of each rating; -1 where there is none. Every target has a rating.
    counts : float array, shape (..., targets, categories)
        From `tabulate`.
    weights : float array, shape (..., targets)
        How often each target counts: ones, or a bootstrap resample.
    distance : Distance
        From `distance`.
    """

    codes: Array
    counts: Array
    weights: Array
    distance: Distance

    @property
    def raters(self) -> int:
        """Number of raters."""
        return int(self.codes.shape[-1])

    @cached_property
    def rated(self) -> Array:
        """Ratings per target."""
        return np.asarray(self.counts.sum(-1))

    @cached_property
    def paired(self) -> Array:
        """Whether a target was rated at least twice, as 0 and 1."""
        return np.asarray(self.rated >= 2, float)

    @cached_property
    def within(self) -> Array:
        """Mean distance of the pairs of ratings of each target; 0 where there is no pair."""
        pairs = np.maximum(self.rated * (self.rated - 1), 1)
        return np.asarray((self.counts * self.distance.times(self.counts)).sum(-1) / pairs)

    @cached_property
    def pairs(self) -> Array:
        """Number of targets rated at least twice."""
        return np.asarray((self.weights * self.paired).sum(-1))

    @cached_property
    def ratings(self) -> Array:
        """Number of their ratings."""
        return np.asarray((self.weights * self.paired * self.rated).sum(-1))

    @cached_property
    def apart(self) -> tuple[Array, Array]:
        """Sum of `within` over the targets rated at least twice, each counted once, and once for every rating."""
        each = self.weights * self.paired * self.within
        return np.asarray(each.sum(-1)), np.asarray((each * self.rated).sum(-1))

    @cached_property
    def shares(self) -> Array:
        """Mean over targets of the share of each category."""
        each = self.counts / np.maximum(self.rated, 1)[..., None]
        return np.asarray(over_targets(self.weights, each) / self.weights.sum(-1)[..., None])

    @cached_property
    def frequencies(self) -> Array:
        """How often each category was used among values that can be paired."""
        return over_targets(self.weights * self.paired, self.counts)

    def margins(self, *, complete: bool = False) -> Array:
        """Share of each category in each rater's scores; zeros for a rater without any.

        `complete` counts only targets rated at least twice: with two raters, those rated by both.
        """
        weights = self.weights * self.paired if complete else self.weights
        categories, raters = np.arange(self.counts.shape[-1]), range(self.codes.shape[-1])
        if len(raters) < len(categories):  # one matrix product for each of whichever is fewer
            by_rater = (self.codes[..., g, None] == categories for g in raters)
            tally = np.stack([over_targets(weights, used.astype(float)) for used in by_rater], -2)
        else:
            by_category = (self.codes == k for k in categories)
            tally = np.stack([over_targets(weights, used.astype(float)) for used in by_category], -1)
        total = tally.sum(-1, keepdims=True)
        return np.asarray(tally / np.where(total == 0, 1, total))


def frequencies(codes: Array, counts: Array, weights: Array) -> Array:
    """Count the uses of each category among values that can be paired, for `distance`."""
    return Panel(codes, counts, weights, Distance(counts.shape[-1])).frequencies


class Sums(Protocol):
    """What the coefficients need to know of a panel, or of a block of its resamples: see `Panel`."""

    @property
    def distance(self) -> Distance: ...  # noqa: D102
    @property
    def raters(self) -> int: ...  # noqa: D102
    @property
    def pairs(self) -> Array: ...  # noqa: D102
    @property
    def ratings(self) -> Array: ...  # noqa: D102
    @property
    def apart(self) -> tuple[Array, Array]: ...  # noqa: D102
    @property
    def shares(self) -> Array: ...  # noqa: D102
    @property
    def frequencies(self) -> Array: ...  # noqa: D102
    def margins(self, *, complete: bool = False) -> Array: ...  # noqa: D102


def disagreements(panel: Sums, wanted: Collection[str] = COEFFICIENTS) -> dict[str, tuple[Array, Array]]:
    """Return observed and expected disagreement of each coefficient; the estimate is one minus their ratio.

    Percent agreement has nothing expected: its second entry is 1. Cohen's kappa is there for two raters only. Margins
    are not looked at unless `wanted` names Conger's or Cohen's kappa.
    """
    d, pairs, ratings, q = panel.distance, panel.pairs, panel.ratings, panel.distance.categories
    # a resample may hold no target rated twice: its coefficients are undefined
    with np.errstate(divide="ignore", invalid="ignore"):
        observed, by_values = panel.apart[0] / pairs, panel.apart[1] / ratings
        expected_by_values = d.between(panel.frequencies) / (ratings * (ratings - 1))
        spread = (panel.shares * (1 - panel.shares)).sum(-1) / pairs_of(q)
    answer = {
        "percent": (observed, np.ones_like(observed)),
        "fleiss": (observed, d.between(panel.shares)),
        "gwet": (observed, 1 - (q**2 - d.total) * spread),
        "brennan_prediger": (observed, d.total / q**2 + np.zeros_like(observed)),
        "krippendorff": (by_values, expected_by_values),
    }
    if "conger" in wanted:
        answer["conger"] = (observed, between_raters(panel.margins(), d))
    if "cohen" in wanted and panel.raters == 2:
        answer["cohen"] = (observed, between_raters(panel.margins(complete=True), d))
    return {name: answer[name] for name in COEFFICIENTS if name in answer and name in wanted}


def pairs_of(categories: int) -> float:
    """Return the number of ordered pairs of different categories; NaN for a single one, where nothing can differ."""
    return float(categories * (categories - 1)) or np.nan


def between_raters(margins: Array, d: Distance) -> Array:
    """Return the mean distance of draws from the margins of two different raters, over all pairs of raters."""
    raters = (margins.sum(-1) > 0).sum(-1)
    same = (margins * d.times(margins)).sum((-2, -1))
    return np.asarray((d.between(margins.sum(-2)) - same) / np.where(raters < 2, np.nan, raters * (raters - 1)))


def estimates(panel: Sums, wanted: Collection[str] = COEFFICIENTS) -> dict[str, Array]:
    """Return each coefficient; NaN where chance would produce no disagreement."""
    answer = {}
    for name, (observed, expected) in disagreements(panel, wanted).items():
        # what is left of a zero after rounding must not be divided by
        answer[name] = 1 - observed / np.where(expected > 1e-12, expected, np.nan)
    return answer


def panel(codes: Array, values: Array, metric: str, weights: Array | None = None) -> Panel:
    """Tabulate ratings and measure their distances.

    Parameters
    ----------
    codes : int array, shape (..., targets, raters)
        Category of each rating, -1 where there is none; every target has at least one.
    values : float array, shape (categories,)
        The scores that the categories stand for.
    metric : {"nominal", "ordinal", "interval", "ratio", "linear"}
        How far two scores are apart, as in `distance`.
    weights : float array, shape (..., targets), optional
        How often each target counts; ones by default.
    """
    counts = tabulate(codes, len(values))
    weights = np.ones(codes.shape[-2]) if weights is None else weights
    return Panel(codes, counts, weights, distance(metric, values, frequencies(codes, counts, weights)))
