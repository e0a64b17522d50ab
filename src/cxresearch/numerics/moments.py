"""Weighted means and covariances, of a table and of its bootstrap samples.

A bootstrap sample is a vector of how often each row was drawn, so the moments of all samples are one matrix
product of those counts with the rows' products. The table passes through once, in chunks, and no sample is ever
written out: 1,000 samples of 130,000 rows and 15 columns take seconds and some 30 MB.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

_CELLS: Final = 2**21  # numbers in the largest array of a chunk: 16 MB
_FEW: Final = 25  # cases per row up to which drawing each case is faster than drawing a row's number of cases


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Means and covariances (divided by the sum of weights) of one table or a stack of samples.

    Parameters
    ----------
    mean : array, shape (..., m)
        Weighted means.
    covariance : array, shape (..., m, m)
        Weighted covariances.
    """

    mean: Floats
    covariance: Floats

    @property
    def sd(self) -> Floats:
        """Standard deviations, shape (..., m)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))

    @property
    def correlation(self) -> Floats:
        """Correlation matrices, shape (..., m, m); NaN where a column does not vary."""
        sd = self.sd
        safe = np.where(sd > 0, sd, np.nan)
        corr = self.covariance / (safe[..., :, None] * safe[..., None, :])
        index = np.arange(sd.shape[-1])
        corr[..., index, index] = np.where(sd > 0, 1, np.nan)
        return np.asarray(np.clip(corr, -1, 1))


def moments(z: Floats, weight: Floats) -> Moments:
    """Return weighted means and covariances of the columns of z, shape (n, m); weights above zero."""
    share = weight / weight.sum()
    mean = share @ z
    centred = z - mean
    return Moments(mean=mean, covariance=_without_noise(centred.T @ (centred * share[:, None]), z))


def bootstrap(
    z: Floats,
    weight: Floats,
    *,
    reps: int,
    rng: np.random.Generator,
    count: Integers | None = None,
    unit: Integers | None = None,
) -> Moments:
    """Return the moments of bootstrap samples.

    Parameters
    ----------
    z : array, shape (n, m)
        The table.
    weight : array, shape (n,)
        Survey weights above zero; a drawn row brings its weight along.
    reps : int
        Number of samples.
    rng : Generator
        Source of the draws.
    count : array of int, shape (n,), optional
        How many cases a row stands for: as many are drawn in all, with chances in proportion. One by default.
    unit : array of int, shape (n,), optional
        Cluster a row belongs to, numbered from 0 without gaps: clusters are drawn, whole. Not drawn by default.

    Returns
    -------
    Moments
        Stacks of shape (reps, m) and (reps, m, m). A column that does not vary in a sample has covariance 0.
    """
    whole = moments(z, weight if count is None else weight * count)
    safe = np.where(whole.sd > 0, whole.sd, 1)
    upper = np.triu_indices(z.shape[1])
    width = 1 + z.shape[1] + upper[0].size

    def products(part: slice) -> Floats:
        # standardised first, or large means would eat the digits of small spreads
        centred = (z[part] - whole.mean) / safe
        out = np.empty((len(centred), width))
        out[:, 0] = 1
        out[:, 1 : 1 + z.shape[1]] = centred
        np.multiply(centred[:, upper[0]], centred[:, upper[1]], out=out[:, 1 + z.shape[1] :])
        scale = weight[part] if unit is None or count is None else weight[part] * count[part]
        return out * scale[:, None]

    if unit is None:
        cases = np.ones(len(z), dtype=np.intp) if count is None else count
        sums = _drawn(products, cases, width, reps, rng)
    else:
        of_unit = _per_unit(products, unit, width)
        once = np.ones(len(of_unit), dtype=np.intp)
        sums = _drawn(lambda part: of_unit[part], once, width, reps, rng)
    mean = sums[:, 1 : 1 + z.shape[1]] / sums[:, :1]
    covariance = np.empty((reps, z.shape[1], z.shape[1]))
    covariance[:, upper[0], upper[1]] = sums[:, 1 + z.shape[1] :] / sums[:, :1]
    covariance[:, upper[1], upper[0]] = covariance[:, upper[0], upper[1]]
    covariance -= mean[:, :, None] * mean[:, None, :]
    index = np.arange(z.shape[1])
    # a column that is constant in a sample leaves rounding noise, which must not pass for spread
    still = covariance[:, index, index] < 1e-12
    covariance[still[:, :, None] | still[:, None, :]] = 0
    return Moments(mean=whole.mean + mean * safe, covariance=covariance * (safe[:, None] * safe))


def expanded_percentiles(draws: Floats, level: float, *, n: int, free: int) -> tuple[Floats, Floats]:
    """Return expanded percentile intervals of bootstrap draws along the first axis; NaN where there are none.

    Plain percentiles are too narrow in small samples, as a normal interval is that uses n for n - 1 and normal
    quantiles for those of t; the percentiles are moved outwards by just that much.

    Parameters
    ----------
    draws : array, shape (reps, k)
        Draws; NaN where undefined.
    level : float
        Coverage probability.
    n, free : int
        What was drawn (cases or clusters), and how many of these are free once the model is fitted.

    References
    ----------
    Hesterberg (2015), American Statistician 69, 371-386.
    """
    low, high = np.full((2, draws.shape[1]), np.nan)
    known = ~np.isnan(draws).all(axis=0)
    if known.any():
        reach = special.stdtrit(max(1, free), (1 - level) / 2) * np.sqrt(n / max(1, free))
        tail = float(special.ndtr(reach))
        low[known], high[known] = np.nanquantile(draws[:, known], [tail, 1 - tail], axis=0)
    return low, high


def bootstrap_counts(
    n: int, *, reps: int, rng: np.random.Generator, count: Integers | None = None, unit: Integers | None = None
) -> Iterator[Integers]:
    """Yield, sample by sample, how often each row was drawn (times what it stands for); as in `bootstrap`."""
    clusters = n if unit is None else int(unit.max()) + 1
    for _ in range(reps):
        if unit is None and count is not None:
            yield rng.multinomial(int(count.sum()), count / count.sum())
        else:
            drawn = np.bincount(rng.integers(0, clusters, clusters), minlength=clusters)
            yield drawn if unit is None else drawn[unit] * (1 if count is None else count)


def _drawn(
    products: Callable[[slice], Floats], chance: Integers, width: int, reps: int, rng: np.random.Generator
) -> Floats:
    """Return the products' sums over each sample: how many draws fall into a chunk is drawn first, then which."""
    draws = int(chance.sum())
    parts = _chunks(len(chance), max(reps, width))
    mass = np.array([chance[part].sum() for part in parts])
    falling = rng.multinomial(draws, mass / mass.sum(), size=reps)
    sums = np.zeros((reps, width))
    for part, k in zip(parts, falling.T, strict=True):
        rows = part.stop - part.start
        if draws <= _FEW * len(chance):  # draw case by case
            row_of_case = np.repeat(np.arange(rows), chance[part])
            place = row_of_case[rng.integers(0, row_of_case.size, k.sum())]
            place += np.repeat(np.arange(reps) * rows, k)
            counts = np.bincount(place, minlength=reps * rows).reshape(reps, rows)
        else:  # draw row by row
            counts = rng.multinomial(k, chance[part] / chance[part].sum())
        sums += counts.astype(float) @ products(part)
    return sums


def _per_unit(products: Callable[[slice], Floats], unit: Integers, width: int) -> Floats:
    from scipy.sparse import csr_array

    sums = np.zeros((int(unit.max()) + 1, width))
    for part in _chunks(len(unit), width):
        rows = part.stop - part.start
        member = csr_array((np.ones(rows), (unit[part], np.arange(rows))), shape=(len(sums), rows))
        sums += member @ products(part)
    return sums


def _chunks(n: int, across: int) -> list[slice]:
    rows = max(1, _CELLS // across)
    return [slice(start, min(start + rows, n)) for start in range(0, n, rows)]


def _without_noise(covariance: Floats, z: Floats) -> Floats:
    """Set to zero what rounding leaves of the spread of a column that does not vary."""
    still = np.ptp(z, axis=0) <= 1e-13 * np.abs(z).max(axis=0)
    return np.asarray(np.where(still[:, None] | still, 0, covariance))
