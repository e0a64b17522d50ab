"""Intraclass correlations of complete crossed ratings: mean squares, six forms, exact and approximate intervals.

pingouin has these forms too; its intervals come rounded to two digits, for 95 % only and one data set at a time.
Every function takes leading batch axes, so that a thousand simulated panels cost one call.

References
----------
McGraw, K. O. & Wong, S. P. (1996). Forming inferences about some intraclass correlation coefficients.
Psychological Methods 1(1), 30-46.
Shrout, P. E. & Fleiss, J. L. (1979). Intraclass correlations: uses in assessing rater reliability.
Psychological Bulletin 86(2), 420-428.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cxresearch.numerics.resampling import draws

Array = npt.NDArray[Any]

_BLOCK: Final = 20_000  # cells of resamples × targets at once: they stay in the processor's cache

FORMS: Final = ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)", "ICC(1,k)", "ICC(A,k)", "ICC(C,k)")


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanSquares:
    """Two-way analysis of variance with one score per target and rater.

    Parameters
    ----------
    targets, raters, residual : float array, shape (...)
        Mean squares with n - 1, k - 1 and (n - 1)(k - 1) degrees of freedom.
    within : float array, shape (...)
        Mean square within targets, n(k - 1) degrees of freedom: raters and residual together.
    n, k : int
        Number of targets and of raters, both at least 2.
    """

    targets: Array
    raters: Array
    residual: Array
    within: Array
    n: int
    k: int

    def components(self) -> dict[str, Array]:
        """Return the variances of targets, raters and residual; an estimate below zero is returned as it is."""
        return {
            "target": (self.targets - self.residual) / self.k,
            "rater": (self.raters - self.residual) / self.n,
            "residual": self.residual,
        }


def mean_squares(scores: Array) -> MeanSquares:
    """Compute the mean squares of complete scores, shape (..., targets, raters).

    A sum of squares that is rounding error beside the largest one is set to 0, so that scores without variance
    are seen to have none.
    """
    n, k = scores.shape[-2:]
    centred = scores - scores.mean((-2, -1), keepdims=True)
    by_target, by_rater = centred.mean(-1, keepdims=True), centred.mean(-2, keepdims=True)
    targets = k * (by_target**2).sum((-2, -1))
    raters = n * (by_rater**2).sum((-2, -1))
    residual = ((centred - by_target - by_rater) ** 2).sum((-2, -1))
    # the squares of rounding errors of the raw scores, not of the centred ones
    noise = n * k * (8 * np.finfo(float).eps * np.abs(scores).max((-2, -1))) ** 2
    targets, raters, residual = (np.where(part <= noise, 0.0, part) for part in (targets, raters, residual))
    return MeanSquares(
        targets=targets / (n - 1),
        raters=raters / (k - 1),
        residual=residual / ((n - 1) * (k - 1)),
        within=(raters + residual) / (n * (k - 1)),
        n=n,
        k=k,
    )


def bootstrap(scores: Array, replicates: int, seed: int) -> tuple[Array, Array]:
    """Resample the targets of complete scores, raters staying as they are; 2,000 resamples take milliseconds.

    Parameters
    ----------
    scores : float array, shape (targets, raters)
        One score for each.
    replicates : int
        Number of resamples.
    seed : int
        Seed.

    Returns
    -------
    drawn : float array, shape (replicates, 6)
        The six forms in each resample.
    influence : float array, shape (targets, 6)
        What each target adds to them, from leaving it out: for `bca_interval`.
    """
    n = len(scores)
    centred = scores - scores.mean()
    mean = centred.mean(1, keepdims=True)
    columns = np.hstack([centred, mean**2, (centred**2).sum(1, keepdims=True)])
    sums = np.concatenate([part @ columns for part in draws(n, replicates, seed, max(1, _BLOCK // n))])
    without = columns.sum(0) - columns
    # two targets are the fewest that can be compared
    influence = (n - 1) * (estimates(_of_sums(columns.sum(0), n)) - estimates(_of_sums(without, n - 1))) if n > 2 else 0
    return estimates(_of_sums(sums, n)), influence + np.zeros((n, len(FORMS)))


def _of_sums(sums: Array, n: int) -> MeanSquares:
    """Return mean squares from sums over n targets of their scores, squared means and sums of squared scores."""
    raters, squared_means, squares = sums[..., :-2] / n, sums[..., -2], sums[..., -1]
    k = raters.shape[-1]
    middle = raters.mean(-1)
    targets = k * (squared_means - n * middle**2)
    by_rater = n * ((raters - middle[..., None]) ** 2).sum(-1)
    residual = np.maximum(squares - n * k * middle**2 - targets - by_rater, 0)
    # what rounding leaves of nothing
    targets, residual = (np.where(part <= 1e-12 * squares, 0.0, part) for part in (targets, residual))
    return MeanSquares(
        targets=targets / (n - 1),
        raters=by_rater / (k - 1),
        residual=residual / ((n - 1) * (k - 1)),
        within=(by_rater + residual) / (n * (k - 1)),
        n=n,
        k=k,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Intraclass:
    """The six forms of the intraclass correlation along the last axis, in the order of `FORMS`.

    Parameters
    ----------
    estimate, low, high : float array, shape (..., 6)
        Estimates and intervals; NaN where the scores leave them undefined.
    f, p_value : float array, shape (..., 6)
        Test that targets do not differ at all.
    df1, df2 : float array, shape (6,)
        Its degrees of freedom.
    """

    estimate: Array
    low: Array
    high: Array
    f: Array
    df1: Array
    df2: Array
    p_value: Array


def intraclass(ms: MeanSquares, confidence: float) -> Intraclass:
    """Compute the six forms.

    Intervals of the forms 1 and C invert the F distribution and are exact under normality. Those of the forms A
    approximate the distribution of a sum of two mean squares by Satterthwaite's degrees of freedom.
    """
    from scipy import stats

    n, k = ms.n, ms.k
    df1 = np.full(6, n - 1.0)
    df2 = np.tile([n * (k - 1.0), (n - 1.0) * (k - 1), (n - 1.0) * (k - 1)], 2)
    noise = np.stack([ms.within, ms.residual, ms.residual], -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        f = ms.targets[..., None] / noise
        estimate = estimates(ms)
        single = estimate[..., :3]
        limits = [_limits(ms, f, single, confidence, side) for side in (-1, 1)]
    f = np.concatenate([f, f], -1)
    # with no noise at all F is infinite and says nothing about other targets: no interval
    known = np.isfinite(f) & np.isfinite(limits[0]) & np.isfinite(limits[1])
    # an approximation that excludes its own estimate has next to no degrees of freedom left, and says nothing
    known &= (limits[0] <= estimate) & (estimate <= limits[1])
    low, high = (np.where(known, limit, np.nan) for limit in limits)
    return Intraclass(
        estimate=np.where(np.isfinite(estimate), estimate, np.nan),
        low=low,
        high=high,
        f=f,
        df1=df1,
        df2=df2,
        p_value=np.where(np.isnan(f), np.nan, stats.f.sf(f, df1, df2)),
    )


def estimates(ms: MeanSquares) -> Array:
    """Return the six forms alone, in the order of `FORMS`, shape (..., 6)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        single = np.stack([_one(ms.targets / ms.within, ms.k), _absolute(ms), _one(ms.targets / ms.residual, ms.k)], -1)
        return np.concatenate([single, spearman_brown(single, ms.k)], -1)


def _one(f: Array, k: int) -> Array:
    # 1 for an infinite F
    return np.asarray(1 - k / (f + k - 1))


def _absolute(ms: MeanSquares) -> Array:
    between = ms.targets - ms.residual
    return np.asarray(between / (between + ms.k * ms.residual + ms.k / ms.n * (ms.raters - ms.residual)))


def _limits(ms: MeanSquares, f: Array, single: Array, confidence: float, side: int) -> Array:
    """Return the lower (side -1) or upper (side 1) ends of the six intervals."""
    from scipy import stats

    n, k = ms.n, ms.k
    tail = (1 + side * confidence) / 2  # of F: its upper quantile gives the lower end
    exact = [_one(f[..., i] / stats.f.isf(tail, n - 1, df), k) for i, df in ((0, n * (k - 1)), (2, (n - 1) * (k - 1)))]
    # the reciprocal of the quantile, which stays finite where the degrees of freedom are next to none
    per_quantile = stats.f.ppf(tail, _satterthwaite(ms, single[..., 1]), n - 1)
    targets = per_quantile * ms.targets
    between = n * (targets - ms.residual)
    mean = between / (ms.raters - ms.residual + n * targets)
    one = between / (k * ms.raters + (k * n - k - n) * ms.residual + n * targets)
    ones = np.stack([exact[0], one, exact[1]], -1)
    ks = spearman_brown(ones, k)
    ks[..., 1] = mean
    return np.concatenate([ones, ks], -1)


def _satterthwaite(ms: MeanSquares, icc: Array) -> Array:
    """Degrees of freedom of the raters' and residual mean squares together, as McGraw and Wong weigh them."""
    n, k = ms.n, ms.k
    # their a and b times n (1 - icc), which cancels and would be 0 for perfect agreement
    of_raters = k * icc * ms.raters
    of_residual = (n * (1 - icc) + k * icc * (n - 1)) * ms.residual
    total = of_raters**2 / (k - 1) + of_residual**2 / ((n - 1) * (k - 1))
    return np.asarray((of_raters + of_residual) ** 2 / np.where(total > 0, total, np.nan))


def spearman_brown(reliability: Array | float, times: Array | float) -> Array:
    """Return the reliability of the mean of `times` as many ratings.

    Examples
    --------
    >>> float(spearman_brown(0.5, 4))
    0.8
    """
    r = np.asarray(reliability, float)
    return np.asarray(times * r / (1 + (times - 1) * r))


def ratings_needed(reliability: Array | float, target: float) -> Array:
    """Return how many ratings must be averaged to reach the target reliability: a real number, not rounded up.

    Infinite for a reliability of 0 or below, NaN for an unknown one.

    Examples
    --------
    >>> round(float(ratings_needed(0.5, 0.8)), 6)
    4.0
    """
    r = np.asarray(reliability, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = target / (1 - target) * (1 - r) / r
    return np.asarray(np.where(np.isnan(r), np.nan, np.where(r <= 0, np.inf, needed)))
