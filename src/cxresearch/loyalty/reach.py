"""How far the effects of one driver reach: quantities with intervals, and their differences between parts."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch.language import Words
from cxresearch.numerics import horizon

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

QUANTITIES: Final = ("mean_lag", "median_lag", "share_lag", "horizon", "duration", "total_effect")
SHAPES: Final = QUANTITIES[:3]
"""Quantities that say how the total is spread over the lags; they need a total, and effects of one sign."""
SMALLEST: Final = 0.1
"""Smallest effect that matters, as a share of the total effect, unless the caller names one."""
TOO_MANY: Final = 0.05
"""Share of bootstrap samples that may be undefined before an interval is."""

NO_TOTAL: Final = Words(
    "Mean lag, median lag and share of the effect are not defined: the interval of the total effect holds zero, and "
    "there is no share of nothing.",
    "平均滞后、中位滞后和份额滞后没有定义：总效应的区间含零，无从谈起占总效应的份额。",
)
MIXED: Final = Words(
    "Mean lag, median lag and share of the effect are not defined: effects of both signs stand clear of zero, so "
    "some parts of the total would count as negative shares.",
    "平均滞后、中位滞后和份额滞后没有定义：既有明显为正、也有明显为负的效应，总效应的一部分会成为负的份额。",
)
FEW: Final = Words(
    "Horizon and duration are not defined: there are no more units than lags, too few to judge the lags jointly.",
    "末期滞后和持续时间没有定义：单位数不多于滞后期数，无法对各滞后期作联合判断。",
)
LOST: Final = Words(
    "Intervals by resampling are not defined: in more than one of twenty samples the effects could not be estimated.",
    "无法给出重抽样区间：二十分之一以上的重抽样样本无法估计各期效应。",
)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """How far one driver's effects reach.

    Parameters
    ----------
    ranges : dict of str to (estimate, low, high)
        By quantity.
    draws : dict of str to array
        What bootstrap samples gave for the quantities that have an interval by resampling.
    reach : Reach or None
        Every length judged; None with too few units.
    smallest : float
        Smallest effect that matters, used for the upper bound.
    why : tuple of Words
        Why a quantity is NaN.
    """

    ranges: dict[str, tuple[float, float, float]]
    draws: dict[str, Floats]
    reach: horizon.Reach | None
    smallest: float
    why: tuple[Words, ...]


def judge(
    effects: Floats,
    covariance: Floats,
    units: int,
    samples: Floats,
    *,
    share: float,
    confidence: float,
    smallest: float | None,
) -> Judged:
    """Judge how far the effects of one driver reach.

    Parameters
    ----------
    effects, covariance : array, shape (k,) and (k, k)
        Effects of lags 0 to k - 1 and their covariance, clustered by unit.
    units : int
        Units they rest on.
    samples : array, shape (samples, k)
        The effects in bootstrap samples; NaN where a sample did not determine them.
    share, confidence, smallest
        As in `carry_over`.
    """
    least = SMALLEST * abs(float(effects.sum())) if smallest is None else smallest
    draws = summaries(samples, share)
    values = {
        name: (float(found), *percentiles(draws[name], confidence)) for name, found in summaries(effects, share).items()
    }
    why = [LOST] if np.isnan(samples).any(axis=1).mean() > TOO_MANY else []
    undefined = _shape_undefined(values["total_effect"], effects, covariance, units, confidence)
    if undefined is not None:
        why.append(undefined)
        values |= dict.fromkeys(SHAPES, (np.nan, np.nan, np.nan))
    reach = horizon.select(effects, covariance, units) if units > len(effects) else None
    if reach is None:
        why.append(FEW)
        values |= dict.fromkeys(("horizon", "duration"), (np.nan, np.nan, np.nan))
    else:
        low, high = horizon.bounds(effects, covariance, units, confidence=confidence, smallest=least, reach=reach)
        values["horizon"] = (float(reach.horizon), float(low), float(high))
        values["duration"] = (float(reach.horizon + 1), float(low + 1), float(high + 1))
    return Judged(ranges=values, draws=draws, reach=reach, smallest=least, why=tuple(why))


def percentiles(draws: Floats, confidence: float) -> tuple[float, float]:
    """Return the interval that leaves the same share of draws out on either side; NaN if too many are undefined."""
    known = draws[~np.isnan(draws)]
    if len(known) < (1 - TOO_MANY) * len(draws):
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def table(judged: Judged) -> "pd.DataFrame":
    """Lay out the quantities, a row each."""
    import pandas as pd

    rows = [(name, *judged.ranges[name]) for name in QUANTITIES]
    return pd.DataFrame(rows, columns=["quantity", "estimate", "ci_low", "ci_high"])


def difference(
    first: Judged, second: Judged, wide: tuple[Judged, Judged], confidence: float
) -> dict[str, tuple[float, float, float]]:
    """Subtract one part's quantities from another's.

    Parameters
    ----------
    first, second : Judged
        Two parts of a panel, resampled together.
    wide : pair of Judged
        The same, judged at half the error: the two bounds of a difference of whole numbers may then fail
        together no more often than allowed, whether or not the parts share units (Bonferroni).
    confidence : float
        Coverage probability of the difference's interval.
    """
    found = {}
    for name in QUANTITIES:
        estimate = first.ranges[name][0] - second.ranges[name][0]
        if name in first.draws:
            low, high = percentiles(first.draws[name] - second.draws[name], confidence)
        else:
            (_, low_a, high_a), (_, low_b, high_b) = (part.ranges[name] for part in wide)
            low, high = low_a - high_b, high_a - low_b
        found[name] = (estimate, low, high) if np.isfinite(estimate) else (np.nan, np.nan, np.nan)
    return found


def summaries(effects: Floats, share: float) -> dict[str, Floats]:
    """Return what smooth quantities the effects have; lags along the last axis."""
    return {
        "mean_lag": horizon.mean_lag(effects),
        "median_lag": horizon.reached(effects, 0.5),
        "share_lag": horizon.reached(effects, share),
        "total_effect": effects.sum(axis=-1),
    }


def _shape_undefined(
    total: tuple[float, float, float], effects: Floats, covariance: Floats, units: int, confidence: float
) -> Words | None:
    from scipy.special import stdtrit

    if not (total[1] > 0 or total[2] < 0):
        return NO_TOTAL
    # every estimate has some sign by chance: a sign counts if it stands clear, all lags judged together
    half = stdtrit(units - 1, 1 - (1 - confidence) / 2 / len(effects)) * np.sqrt(np.diag(covariance))
    return MIXED if (np.sign(total[0]) * effects < -half).any() else None
