"""Rates of several units compared where normal approximations fail: few cases, or rates close to 0 or 100 %."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]


def equal_rates_p(successes: Floats, n: Floats, *, draws: int, rng: np.random.Generator) -> float:
    """Test whether all units share one rate: the chi-squared statistic against its exact conditional distribution.

    Given the total of successes, equal rates make the counts multivariate hypergeometric, whatever the rate.
    The Monte Carlo p-value counts the observed table among the draws, so it never breaks its level
    (Davison & Hinkley 1997, ch. 4). scipy has no exact test for many units of these sizes.

    Parameters
    ----------
    successes, n : array of shape (units,)
        Whole numbers, 0 <= successes <= n.
    draws : int
        Tables drawn; the smallest possible p-value is 1 / (draws + 1).
    rng : Generator
        Source of the draws.

    Returns
    -------
    float
        The p-value; 1 if there is nothing to test, because all or none of the cases are successes.
    """
    total = int(successes.sum())
    rate = total / n.sum()
    if n.size < 2 or rate in (0.0, 1.0):
        return 1.0
    statistic = _chi_squared(successes, n, rate)
    cells = n.astype(np.int64)
    reached = 0
    for part in np.array_split(np.arange(draws), max(1, draws * n.size // 2_000_000)):
        tables = rng.multivariate_hypergeometric(cells, total, size=part.size, method="marginals")
        reached += int((_chi_squared(tables, n, rate) >= statistic * (1 - 1e-9)).sum())
    return (1 + reached) / (1 + draws)


def _chi_squared(successes: NDArray[Any], n: Floats, rate: float) -> Any:
    return ((successes - n * rate) ** 2 / n).sum(-1) / (rate * (1 - rate))


def higher_rate_p(successes: ArrayLike, n: ArrayLike, other_successes: ArrayLike, other_n: ArrayLike) -> Floats:
    """Return Fisher's exact one-sided p-values for "the first rate is not higher than the other".

    The same as ``scipy.stats.fisher_exact(..., alternative="greater")``, for many tables at once: scipy takes one
    at a time. The hypergeometric tail is summed by the ratio of neighbouring terms.

    Parameters
    ----------
    successes, n, other_successes, other_n : array_like
        Whole numbers that broadcast together.

    Returns
    -------
    array of float
        P-values; 1 where the first observed rate is not the higher one (p is above a half there, and of no use).

    Examples
    --------
    >>> higher_rate_p([8, 1], 10, 3, 10).round(4).tolist()
    [0.0349, 1.0]
    """
    given = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (successes, n, other_successes, other_n)))
    y1, n1, y2, n2 = (a.ravel() for a in given)
    p = np.ones(y1.size)
    look = np.flatnonzero(y1 * n2 > y2 * n1)
    y1, n1, y2, n2 = y1[look], n1[look], y2[look], n2[look]
    hits, x = y1 + y2, y1.copy()
    term = np.exp(_log_choose(n1, y1) + _log_choose(n2, y2) - _log_choose(n1 + n2, hits))
    tail, active = term.copy(), np.arange(look.size)
    while active.size:
        at = x[active]
        ratio = (hits[active] - at) * (n1[active] - at) / ((at + 1) * (n2[active] - hits[active] + at + 1))
        term[active] *= ratio
        tail[active] += term[active]
        x[active] += 1
        active = active[term[active] > 1e-14 * tail[active]]
    p[look] = np.minimum(tail, 1.0)
    return p.reshape(given[0].shape)


def binomial_limits(n: ArrayLike, rate: float, level: float) -> tuple[Floats, Floats]:
    """Return the limits between which chance alone keeps an observed rate: the funnel of a funnel plot.

    Exact binomial quantiles, interpolated between counts so that the funnel is smooth (Spiegelhalter 2005, A.1.1).

    Parameters
    ----------
    n : array_like
        Numbers of cases.
    rate : float
        The rate in common, 0 to 1.
    level : float
        Probability content, such as 0.95.

    Returns
    -------
    tuple of array of float
        Lower and upper limit, 0 to 1.

    Examples
    --------
    >>> low, high = binomial_limits([50, 500], 0.9, 0.95)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.8, 0.872], [0.966, 0.925])
    """
    from scipy import stats

    size = np.asarray(n, dtype=float)
    limits = []
    for q in ((1 - level) / 2, (1 + level) / 2):
        count = stats.binom.ppf(q, size, rate)  # the smallest count whose distribution function reaches q
        upper, lower = stats.binom.cdf(count, size, rate), stats.binom.cdf(count - 1, size, rate)
        part = np.divide(upper - q, upper - lower, out=np.zeros_like(size), where=upper > lower)
        limits.append(np.clip((count - part) / size, 0, 1))
    return limits[0], limits[1]


def _log_choose(n: Floats, k: Floats) -> Floats:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))
