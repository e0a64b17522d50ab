"""Carry the uncertainty of inputs through any formula: each input as a quantile function, evenly spread points.

scipy has the distributions and the Sobol points. Own code are the quantile functions that fit what is known of
an input (counts, an estimate with its error, an interval someone states) and points that go together.
"""

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Floats = NDArray[np.float64]
Quantile = Callable[[Floats], Floats]
Scale = Literal["identity", "log", "logit"]

POINTS: Final = 2**12
"""Points at which a formula is evaluated."""

_SCALES: Final[dict[str, tuple[Quantile, Quantile]]] = {
    "identity": (lambda x: x, lambda z: z),
    "log": (np.log, np.exp),
    "logit": (special.logit, special.expit),
}


def rate(events: float, n: float, confidence: float) -> Quantile:
    """Return the quantile function of a rate of which `events` of `n` cases are known: Jeffreys' posterior.

    Parameters
    ----------
    events, n : float
        Counts, or effective counts, which need not be whole.
    confidence : float
        Coverage probability of the interval to be read from it.

    Notes
    -----
    Beta(events + 1/2, n - events + 1/2). Where nothing or everything happened, the interval begins at 0, or ends
    at 1 (Brown, Cai and DasGupta 2001).

    References
    ----------
    Brown, L. D., Cai, T. T., & DasGupta, A. (2001). Interval estimation for a binomial proportion.
    Statistical Science, 16, 101-133.

    Examples
    --------
    >>> rate(5, 50, 0.95)(np.array([0.025, 0.975])).round(4).tolist()
    [0.0392, 0.2054]
    """
    tail = (1 - confidence) / 2 + 1 / POINTS  # the point above the limit still belongs to the limit

    def quantile(p: Floats) -> Floats:
        values = special.betaincinv(events + 0.5, n - events + 0.5, p)
        if events <= 0:
            values = np.where(p <= tail, 0.0, values)
        if events >= n:
            values = np.where(p >= 1 - tail, 1.0, values)
        return np.asarray(values)

    return quantile


def effective_size(n: float, events: float, variance: float, clusters: int, confidence: float) -> float:
    """Return how many independent cases tell as much about a rate as `n` cases in clusters do.

    Parameters
    ----------
    n, events : float
        Cases, and those in which it happened.
    variance : float
        Variance of the rate from clusters.
    clusters : int
        Number of clusters, at least 2.
    confidence : float
        Coverage probability of the interval to be read from it.

    Returns
    -------
    float
        Never more than `n`; `n` itself where the rate is 0 or 1, since clusters tell nothing then.

    Notes
    -----
    n over the design effect, times (z / t)² for the few clusters that the design effect is estimated from
    (Korn and Graubard 1998).

    References
    ----------
    Korn, E. L., & Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data. Survey Methodology, 24, 193-201.
    """
    p = events / n
    if not 0 < p < 1 or variance <= 0:
        return n
    level = (1 + confidence) / 2
    few = (special.ndtri(level) / special.stdtrit(clusters - 1, level)) ** 2
    return float(min(n, p * (1 - p) / variance * few))


def estimated(estimate: float, se: float, df: float, *, log: bool = False) -> Quantile:
    """Return the quantile function of an estimate with Student's t around it; on the log scale with `log`.

    Parameters
    ----------
    estimate, se : float
        The estimate and its standard error.
    df : float
        Degrees of freedom.
    log : bool
        The logarithm of the estimate is what t surrounds: for what cannot be negative.

    Examples
    --------
    >>> estimated(10.0, 2.0, 1e9)(np.array([0.025, 0.975])).round(2).tolist()
    [6.08, 13.92]
    """
    if log:
        return lambda p: estimate * np.exp(se / estimate * special.stdtrit(df, p))
    return lambda p: estimate + se * special.stdtrit(df, p)


def stated(estimate: float, low: float, high: float, confidence: float, scale: Scale = "identity") -> Quantile:
    """Return a quantile function whose median and interval are the ones stated.

    Parameters
    ----------
    estimate, low, high : float
        In ascending order; inside the scale's range.
    confidence : float
        Coverage probability of the interval.
    scale : {"identity", "log", "logit"}
        Where it is normal, with a spread of its own to each side.

    Examples
    --------
    >>> stated(0.8, 0.7, 0.85, 0.95, "logit")(np.array([0.025, 0.5, 0.975])).round(6).tolist()
    [0.7, 0.8, 0.85]
    """
    there, back = _SCALES[scale]
    middle, lower, upper = there(np.array([estimate, low, high]))
    width = special.ndtri((1 + confidence) / 2)

    def quantile(p: Floats) -> Floats:
        z = special.ndtri(p) / width
        return back(middle + np.where(z < 0, middle - lower, upper - middle) * z)

    return quantile


def points(inputs: int, *, seed: int, correlation: ArrayLike | None = None) -> Floats:
    """Return points between 0 and 1 at which to evaluate quantile functions.

    Parameters
    ----------
    inputs : int
        How many uncertain inputs there are.
    seed : int
        Scrambles the points of two and more inputs.
    correlation : array, shape (inputs, inputs), optional
        Of the inputs' normal scores; none by default.

    Returns
    -------
    array, shape (POINTS, inputs)
        One input: evenly spaced, so that `limits` are exact for a monotone formula. Several: scrambled Sobol
        points, more even than random ones.
    """
    if inputs <= 1:
        return np.asarray((np.arange(POINTS)[:, None] + 0.5) / POINTS)[:, :inputs]
    spread = stats.qmc.Sobol(inputs, rng=np.random.default_rng(seed)).random(POINTS)
    spread = np.clip(spread, 0.5 / POINTS, 1 - 0.5 / POINTS)
    if correlation is None:
        return np.asarray(spread)
    # eigenvalues, since clusters fewer than inputs leave a matrix that has no Cholesky factor
    size, direction = np.linalg.eigh(np.asarray(correlation, dtype=float))
    root = direction * np.sqrt(np.maximum(size, 0))
    return np.asarray(special.ndtr(special.ndtri(spread) @ root.T))


def limits(values: Floats, confidence: float) -> tuple[float, float]:
    """Return the ends of the central interval of a formula's values at `points`; NaN if any value is undefined.

    Quantiles by Hazen's rule, which gives the points back that they were made from; an infinite neighbour makes
    an infinite limit.
    """
    if np.isnan(values).any():
        return np.nan, np.nan
    ordered = np.sort(values)
    ends = []
    for p in ((1 - confidence) / 2, (1 + confidence) / 2):
        place = np.clip(p * len(ordered) - 0.5, 0, len(ordered) - 1)
        below, above = ordered[int(np.floor(place))], ordered[int(np.ceil(place))]
        share = place - np.floor(place)
        infinite = [end for end in (below, above) if not np.isfinite(end)]
        ends.append(float(infinite[0] if infinite else below + share * (above - below)))
    return ends[0], ends[1]
