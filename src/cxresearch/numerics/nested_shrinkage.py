"""People within places: how each differs from the others at the same place, once chance is taken out.

The normal-normal model of `shrinkage`, with a mean of its own for every place, about which nothing is assumed: what
places do to their people's scores drops out. Own code, because mixed-model software plugs its estimate of the variance
between people in, and its intervals are then too short when people are few.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

_LOG_ODDS: Final = np.linspace(-9, 18, 217)  # of the reliability, which has a uniform prior
_SURE: Final = 100.0  # degrees of freedom from which the variance of answers counts as known


@dataclass(frozen=True, kw_only=True)
class WithinPlaces:
    """Differences of people from the mean of all people at their place; arrays of shape (people,).

    Parameters
    ----------
    difference, low, high : array
        Posterior mean and equal-tailed interval of the true difference; NaN for people alone at their place.
    above, below : array
        Probability of either side.
    between : float
        Variance of true values among people of one place; posterior median.
    """

    difference: Floats
    low: Floats
    high: Floats
    above: Floats
    below: Floats
    between: float


def within_places(
    mean: Floats,
    n: Floats,
    place: NDArray[np.intp],
    within: float,
    df: float,
    *,
    level: float,
    draws: int,
    rng: np.random.Generator,
) -> WithinPlaces:
    """Fit the model: ``mean[j] ~ N(theta[j], sigma² / n[j])``, ``theta[j] ~ N(mu[place of j], tau²)``.

    Parameters
    ----------
    mean, n : array of shape (people,)
        Mean and number of answers per person.
    place : array of int, shape (people,)
        Place of each, 0, 1, …
    within : float
        Pooled variance of answers of one person, above zero.
    df : float
        Its degrees of freedom; from 100 on it counts as known, below it is drawn from its posterior.
    level : float
        Probability content of the intervals.
    draws : int
        Joint draws of everything unknown, tau included.
    rng : Generator
        Source of the draws.

    Raises
    ------
    ValueError
        If no two people share a place.

    Notes
    -----
    mu is flat for every place; tau has the uniform shrinkage prior (Daniels 1999): the reliability of a typical person
    is uniform on 0 to 1, n the harmonic mean. Given tau, everything is normal: the places' means are drawn, then the
    people's true values about them.

    References
    ----------
    Daniels, M. J. (1999). A prior for the variance in hierarchical models. Canadian Journal of Statistics, 27, 567-578.
    """
    size = np.bincount(place)
    if size.max() < 2:
        raise ValueError("no two people share a place")
    typical = n.size / np.sum(1 / n)
    ratio = np.exp(_LOG_ODDS) / typical  # tau² / sigma²
    weight = 1 / (ratio[:, None] + 1 / n)  # times 1 / sigma²; shape (nodes, people)
    total = np.stack([np.bincount(place, w) for w in weight])
    centre = np.stack([np.bincount(place, w * mean) for w in weight]) / total
    gap = (weight * (mean - centre[:, place]) ** 2).sum(1)
    log_density = 0.5 * (np.log(weight).sum(1) - np.log(total).sum(1)) - 0.5 * gap / within
    log_density += special.log_expit(_LOG_ODDS) + special.log_expit(-_LOG_ODDS)
    chance = np.exp(log_density - log_density.max())
    node = rng.choice(_LOG_ODDS.size, size=draws, p=chance / chance.sum())
    sigma2 = within * (np.ones(draws) if df >= _SURE else df / rng.chisquare(df, draws))
    mu = centre[node] + np.sqrt(sigma2[:, None] / total[node]) * rng.standard_normal((draws, size.size))
    pull = 1 / (1 + n * ratio[node][:, None])  # towards the place's mean
    about = pull * mu[:, place] + (1 - pull) * mean
    spread = np.sqrt(pull * ratio[node][:, None] * sigma2[:, None])
    theta = about + spread * rng.standard_normal(about.shape)
    member = np.eye(size.size)[place]  # shape (people, places)
    apart = theta - (theta @ (member / size))[:, place]
    low, high = np.quantile(apart, ((1 - level) / 2, (1 + level) / 2), axis=0)
    alone = size[place] < 2
    difference, low, high = (np.where(alone, np.nan, part) for part in (apart.mean(0), low, high))
    return WithinPlaces(
        difference=difference, low=low, high=high, above=(apart > 0).mean(0), below=(apart < 0).mean(0),
        between=float(np.median(ratio[node] * sigma2)),
    )  # fmt: skip
