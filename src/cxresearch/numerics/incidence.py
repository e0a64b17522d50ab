"""Leaving for competing reasons: the cumulative incidence of each, in discrete time.

Own code: statsmodels' ``CumIncidenceRight`` gives the same estimates and errors (to 1e-12, in
``tests/numerics/test_incidence.py``), but errors are NaN from the time on at which all who were left leave
together, and it knows neither clusters nor intervals.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxresearch.numerics import proportions

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True)
class Incidence:
    """Cumulative incidence by time and cause.

    Parameters
    ----------
    at_risk : array of int, shape (times,)
        Units still there at the beginning of each time.
    events : array of int, shape (times, causes)
        Units that leave at it, by cause.
    estimate, se, low, high : array, shape (times, causes)
        Chance of having left for that cause by then.
    """

    at_risk: Integers
    events: Integers
    estimate: Floats
    se: Floats
    low: Floats
    high: Floats


def cumulative_incidence(
    duration: Integers, cause: Integers, *, causes: int, confidence: float, cluster: Integers | None = None
) -> Incidence:
    """Estimate by Aalen and Johansen how many leave for each cause, by each time.

    Parameters
    ----------
    duration : array of int, shape (n,)
        Last time, from 1, at which each unit was still at risk.
    cause : array of int, shape (n,)
        Cause for which it left at that time, from 1 to `causes`; 0 if it did not leave then (censored).
    causes : int
        Number of causes.
    confidence : float
        Coverage probability of the intervals.
    cluster : array of int, shape (n,), optional
        Units of a cluster may leave together.

    Notes
    -----
    Errors come from each unit's influence on the estimate; without clusters they are those of the delta method
    (Marubini and Valsecchi 1995). Intervals are mid-P at the number of units that would leave a plain
    proportion as uncertain: without censoring, the interval of a proportion.

    References
    ----------
    Aalen, O. O., & Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov chains based on
    censored observations. Scandinavian Journal of Statistics, 5, 141-150.
    """
    times = int(duration.max())
    last = duration - 1
    at_risk = np.bincount(last, minlength=times)[::-1].cumsum()[::-1]
    events = np.bincount(last * (causes + 1) + cause, minlength=times * (causes + 1)).reshape(times, -1)[:, 1:]
    hazard = events / at_risk[:, None]
    total = hazard.sum(axis=1)
    before = np.r_[1.0, (1 - total).cumprod()[:-1]]  # chance of being there when the time begins
    estimate = (before[:, None] * hazard).cumsum(axis=0)
    codes = np.arange(len(duration)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    variance = np.column_stack(
        [
            _variance(last, cause, codes, which=j + 1, at_risk=at_risk, before=before, hazard=hazard[:, j], total=total)
            for j in range(causes)
        ]
    )
    groups = int(codes.max()) + 1
    factor = 1.0 if cluster is None else groups / (groups - 1) if groups > 1 else np.nan
    size = _size(estimate, variance * factor, at_risk, groups if cluster is not None else None, confidence)
    low, high = proportions.interval(estimate * size, size, confidence)
    return Incidence(
        at_risk=at_risk, events=events, estimate=estimate, se=np.sqrt(variance * factor), low=low, high=high
    )


def _size(estimate: Floats, variance: Floats, at_risk: Integers, groups: int | None, confidence: float) -> Floats:
    """Return the effective number of units behind each estimate; where it is 0 or 1, the units still at risk."""
    everyone = np.full_like(estimate, float(at_risk[0]))
    sure = (estimate <= 0) | (estimate >= 1) | (variance <= 0)
    n = np.where(sure, np.broadcast_to(at_risk[:, None], estimate.shape), everyone)
    clusters = everyone if groups is None else np.full_like(estimate, float(groups))
    return proportions.effective_size(estimate, n, variance, clusters=clusters, confidence=confidence)


def _variance(
    last: Integers,
    cause: Integers,
    cluster: Integers,
    *,
    which: int,
    at_risk: Integers,
    before: Floats,
    hazard: Floats,
    total: Floats,
) -> Floats:
    """Return the variance of one cause's incidence at each time: squared influences, summed over clusters."""
    times = len(at_risk)
    estimate = (before * hazard).cumsum()
    stay = 1 - total
    # once all have left nothing follows, so what their leaving would do to the rest does not matter
    after = np.where(stay > 0, 1 / np.where(stay > 0, stay, 1.0), 0.0)
    own = np.tril(np.broadcast_to(before / at_risk, (times, times)))  # row: time looked at; column: time of the event
    rest = np.tril((estimate[:, None] - estimate[None, :]) * (after / at_risk)[None, :])
    there = -(own * hazard - rest * total).cumsum(axis=1)
    variance = np.empty(times)
    mine, gone = cause == which, cause > 0
    groups = int(cluster.max()) + 1
    for t in range(times):
        influence = there[t, last] + mine * own[t, last] - gone * rest[t, last]
        variance[t] = (np.bincount(cluster, influence, groups) ** 2).sum()
    return variance
