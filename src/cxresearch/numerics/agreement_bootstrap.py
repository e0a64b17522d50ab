"""The bootstrap of the agreement coefficients: sums over resampled targets as matrix products."""

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from cxresearch.numerics.chance_agreement import COEFFICIENTS, Distance, Panel, distance, estimates, midranks, panel
from cxresearch.numerics.resampling import draws

Array = npt.NDArray[Any]

_BLOCK = 20_000  # cells of resamples × targets at once: they stay in the processor's cache
_DENSE = 2_000_000  # cells of targets × raters × categories, of which few are filled, that are still held in full


def bootstrap(
    codes: Array,
    values: Array,
    metric: str,
    *,
    replicates: int,
    seed: int,
    targets: Array | None = None,
    wanted: Collection[str] = COEFFICIENTS,
) -> dict[str, Array]:
    """Resample targets with replacement and return each coefficient's values.

    Every coefficient is a function of weighted sums over targets. The ordinal distance, which depends on how often
    each score was used, is found anew in each replicate.

    Parameters
    ----------
    codes : int array, shape (targets, raters)
        Category of each rating, -1 where there is none; every target has at least one.
    values : float array, shape (categories,)
        The scores that the categories stand for.
    metric : {"nominal", "ordinal", "interval", "ratio", "linear"}
        How far two scores are apart.
    replicates : int
        Number of resamples.
    seed : int
        Seed of the resampling.
    targets : float array, shape (replicates, targets), optional
        Weights to use instead of drawing them.
    wanted : collection of str
        Coefficients; without "conger" and "cohen" it is faster.

    Returns
    -------
    dict of str to float array, shape (replicates,)
        NaN where a resample leaves a coefficient undefined.
    """
    whole = panel(codes, values, metric)
    block = max(1, _BLOCK // len(codes))
    weights = draws(len(codes), replicates, seed, block) if targets is None else _cut(targets, block)
    return estimates(_Resamples(whole, weights, values, metric, wanted), wanted)


def _cut(weights: Array, block: int) -> Iterator[Array]:
    for start in range(0, len(weights), block):
        yield weights[start : start + block].astype(float)


class _Resamples:
    """Resamples of a panel, with the sums over targets that `Panel` has for one."""

    def __init__(
        self, whole: Panel, weights: Iterator[Array], values: Array, metric: str, wanted: Collection[str]
    ) -> None:
        self.raters = whole.raters
        names = [name for name in ("conger", "cohen") if name in wanted and (name == "conger" or self.raters == 2)]
        used = {name: _margins(whole, complete=name == "cohen") for name in names}
        columns, ordinal = _columns(whole), _Ordinal(whole) if metric == "ordinal" else None
        sums, places, tallies = [], [], {name: [] for name in used}  # type: ignore[var-annotated]
        for part in weights:
            sums.append(part @ columns)
            if ordinal:
                places.append(ordinal.apart(part, sums[-1][:, 4 : 4 + len(values)]))
            for name, given in used.items():
                tallies[name].append(np.asarray((given.T @ part.T).T))
        (self.pairs, self.ratings, *apart), tables = (part := np.concatenate(sums))[:, :4].T, part[:, 4:]
        self.frequencies, shares = np.split(tables, 2, axis=1)
        self.apart = tuple(np.concatenate(places).T) if ordinal else tuple(apart)
        self.shares = shares / shares.sum(-1, keepdims=True)
        self.distance: Distance = distance(metric, values, self.frequencies) if ordinal else whole.distance
        self.tally = {name: np.concatenate(found) for name, found in tallies.items()}

    def margins(self, *, complete: bool = False) -> Array:
        """Share of each category in each rater's scores."""
        tally = self.tally["cohen" if complete else "conger"]
        tally = tally.reshape(len(tally), self.raters, -1)
        total = tally.sum(-1, keepdims=True)
        return np.asarray(tally / np.where(total == 0, 1, total))


def _columns(whole: Panel) -> Array:
    """Return per target: whether it has a pair, its ratings, its disagreement once and by rating, uses, shares."""
    paired, rated = whole.paired, whole.rated
    first = [paired, paired * rated, paired * whole.within, paired * rated * whole.within]
    counts = whole.counts
    return np.column_stack([*first, counts * paired[:, None], counts / np.maximum(rated, 1)[:, None]])


def _margins(whole: Panel, *, complete: bool) -> Any:
    """Return which category each rater gave each target as zeros and ones, targets × (raters × categories)."""
    from scipy import sparse

    (n, raters), q = whole.codes.shape, whole.distance.categories
    row, rater = np.nonzero((whole.codes >= 0) & ((whole.paired > 0) | (not complete))[:, None])
    place = rater * q + whole.codes[row, rater]
    if n * raters * q > _DENSE:
        return sparse.csr_array((np.ones(len(row)), (row, place)), shape=(n, raters * q))
    filled = np.zeros((n, raters * q))
    filled[row, place] = 1
    return filled


class _Ordinal:
    """Disagreement within targets by the ordinal distance, which each resample has of its own.

    The squared differences of places u over the pairs of a target's m ratings are 2 (m Σ u² - (Σ u)²).
    """

    def __init__(self, whole: Panel) -> None:
        paired, rated = whole.paired, whole.rated
        by = paired / np.maximum(rated * (rated - 1), 1)
        self.scales = np.column_stack([by, by * rated])
        self.counts = whole.counts
        self.columns = np.hstack([whole.counts * (scale * rated)[:, None] for scale in self.scales.T])

    def apart(self, weights: Array, used: Array) -> Array:
        """Return the disagreement of each resample, once per target and by rating, shape (resamples, 2)."""
        place = midranks(used)
        span = place[:, -1:] - place[:, :1]
        place = place / np.where(span == 0, 1, span)
        squares = (weights @ self.columns).reshape(len(weights), 2, -1)
        squares = (squares * (place**2)[:, None]).sum(-1)
        return np.asarray(2 * (squares - weights * (place @ self.counts.T) ** 2 @ self.scales))
