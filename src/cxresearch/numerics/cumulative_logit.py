"""The proportional-odds (cumulative) logit with weights; with two levels it is the ordinary logit.

Own code: statsmodels' ``OrderedModel`` takes no weights, so a table of counts would have to be spelled out row by
row, and it needs 0.14 s for 1,681 rows; importances need one fit per subset of the predictors. The log-likelihood is
concave (Pratt 1981), so Newton's method with halved steps finds the maximum from any start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

_STEPS: Final = 60
_GAIN: Final = 1e-12  # of the log-likelihood, relative: what another step must bring
_FAR: Final = 30.0  # log-odds beyond which a fitted chance is 0 or 1 to thirteen digits


@dataclass(frozen=True, kw_only=True)
class CumulativeLogit:
    """A fitted model ``logit P(level ≤ j) = cuts[j] - x · coef``.

    Parameters
    ----------
    coef : array, shape (p,)
        Log-odds of a higher level per unit of x.
    cuts : array, shape (levels - 1,)
        Cut points, rising.
    loglik : float
        Weighted log-likelihood at the maximum (the supremum, if predictors separate the levels).
    covariance : array, shape (p, p)
        Inverse of the observed information, for `coef`; NaN if it is singular.
    separated : bool
        Predictors tell levels apart without error, so coefficients grow without end; `loglik` still stands.
    """

    coef: Floats
    cuts: Floats
    loglik: float
    covariance: Floats
    separated: bool


def null_loglik(level: Integers, weight: Floats) -> float:
    """Return the log-likelihood of a model without predictors."""
    mass = np.bincount(level, weights=weight)
    return float((mass * np.log(mass / mass.sum())).sum())


def fit(x: Floats, level: Integers, weight: Floats) -> CumulativeLogit:
    """Fit by maximum likelihood.

    Parameters
    ----------
    x : array, shape (n, p)
        Predictors; columns that determine each other share their coefficient (least-norm solution).
    level : array of int, shape (n,)
        Levels 0, 1, …, K - 1, each one seen with a weight above zero.
    weight : array, shape (n,)
        Number of cases a row stands for, or its survey weight.

    Returns
    -------
    CumulativeLogit

    References
    ----------
    McCullagh (1980), JRSS B 42, 109-142; Pratt (1981), JASA 76, 103-106.
    """
    mass = np.bincount(level, weights=weight)
    share = np.cumsum(mass)[:-1] / mass.sum()
    cuts = np.log(share) - np.log1p(-share)
    # columns of mean 0 and spread 1 keep Newton's steps in proportion
    centre = weight @ x / mass.sum()
    spread = np.sqrt(weight @ (x - centre) ** 2 / mass.sum())
    spread[spread == 0] = 1
    z = (x - centre) / spread
    theta = np.concatenate([cuts, np.zeros(x.shape[1])])
    value = null_loglik(level, weight)
    k = cuts.size
    for _ in range(_STEPS):
        gradient, information = _derivatives(theta, k, z, level, weight)
        step = np.asarray(np.linalg.lstsq(information, gradient, rcond=1e-12)[0], dtype=float)
        theta, new = _uphill(theta, step, value, lambda there: _loglik(there, k, z, level, weight))
        done = new - value <= _GAIN * abs(value)
        value = new
        if done:
            break
    coef = theta[k:] / spread
    information = _derivatives(theta, k, z, level, weight)[1]
    covariance = _inverse(information)[k:, k:] / np.outer(spread, spread)
    separated = bool(np.abs(z @ theta[k:]).max(initial=0) > _FAR)
    return CumulativeLogit(
        coef=coef, cuts=theta[:k] + centre @ coef, loglik=value, covariance=covariance, separated=separated
    )


def _edges(theta: Floats, k: int, z: Floats, level: Integers) -> tuple[Floats, Floats]:
    """Return where each row's level ends and begins on the scale of log-odds."""
    bounds = np.concatenate([[-np.inf], theta[:k], [np.inf]])
    shift = z @ theta[k:]
    return bounds[level + 1] - shift, bounds[level] - shift


def _loglik(theta: Floats, k: int, z: Floats, level: Integers, weight: Floats) -> float:
    if k > 1 and (np.diff(theta[:k]) <= 0).any():
        return -np.inf
    upper, lower = _edges(theta, k, z, level)
    # log(F(upper) - F(lower)) without cancellation
    chance = -np.logaddexp(0, -upper) - np.logaddexp(0, lower) + np.log(-np.expm1(lower - upper))
    return float(weight @ chance)


def _derivatives(theta: Floats, k: int, z: Floats, level: Integers, weight: Floats) -> tuple[Floats, Floats]:
    upper, lower = _edges(theta, k, z, level)
    above, below = _logistic(-upper), _logistic(lower)  # chances beyond either end
    gap = upper - lower
    with np.errstate(over="ignore"):
        ratio = 1 / np.expm1(gap)
        pull = weight / (4 * np.sinh(gap / 2) ** 2)
    d_upper, d_lower = weight * (above + ratio), weight * (-below - ratio)
    d_upper[np.isinf(upper)] = 0
    d_lower[np.isinf(lower)] = 0
    bend_upper, bend_lower = weight * above * (1 - above), weight * below * (1 - below)
    size = k + z.shape[1]
    gradient, information = np.zeros(size), np.zeros((size, size))
    gradient[:k] = np.bincount(level, d_upper, k + 1)[:k] + np.bincount(level, d_lower, k + 1)[1:]
    gradient[k:] = -(d_upper + d_lower) @ z
    pulls = np.bincount(level, pull, k + 1)  # zero at both ends, where the gap is infinite
    own = np.bincount(level, bend_upper, k + 1)[:k] + np.bincount(level, bend_lower, k + 1)[1:]
    information[np.arange(k), np.arange(k)] = own + pulls[:k] + pulls[1:]
    inner = np.arange(k - 1)
    information[inner, inner + 1] = information[inner + 1, inner] = -pulls[1:-1]
    of_level = np.zeros((k + 1, len(level)))
    of_level[level, np.arange(len(level))] = 1
    cross = -((of_level[:k] * bend_upper) @ z + (of_level[1:] * bend_lower) @ z)
    information[:k, k:], information[k:, :k] = cross, cross.T
    information[k:, k:] = (z * (bend_upper + bend_lower)[:, None]).T @ z
    return gradient, information


def _uphill(theta: Floats, step: Floats, value: float, loglik: Callable[[Floats], float]) -> tuple[Floats, float]:
    """Take the step, or the largest of its halves that does not lose."""
    for halving in range(30):
        there = theta + step / 2**halving
        new = loglik(there)
        if new >= value:
            return there, new
    return theta, value


def _logistic(value: Floats) -> Floats:
    from scipy.special import expit

    return np.asarray(expit(value))


def _inverse(information: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.inv(information), dtype=float)
    except np.linalg.LinAlgError:
        return np.full_like(information, np.nan)
