"""Did single scores change by more than measurement error, and groups by more than regression to the mean.

Own code: none of the dependencies has reliable change indices, or a change net of regression to the mean whose
interval allows for an estimated reliability.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How well scores measure, among the units they were taken from.

    Parameters
    ----------
    mean, sd : float
        Mean and standard deviation (n - 1) of the units' scores before.
    reliability : float
        Share of the variance of these scores that is the units' own, 0 to 1.
    error : float
        Standard error of measurement of one unit's score before, in points.
    error_after : float
        The same for the scores after.
    influence : array, shape (n,)
        What each unit contributes to the error of `reliability`; zeros where it was given as a number.
    """

    mean: float
    sd: float
    reliability: float
    error: float
    error_after: float
    influence: Floats

    @property
    def difference(self) -> float:
        """Standard error of a difference of two scores, for a unit that did not change."""
        return float(np.hypot(self.error, self.error_after))

    @property
    def prediction(self) -> float:
        """Standard error of a score after, predicted from the one before, for a unit that did not change."""
        return float(np.sqrt(self.reliability * self.error**2 + self.error_after**2))


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """What repeated scores say about the error of a unit's mean score.

    Parameters
    ----------
    within : float
        Variance of single scores within units, pooled; NaN if no unit was scored twice.
    df : float
        Its degrees of freedom.
    fraction : float
        Mean over units of 1 / number of scores: the mean error variance is ``within * fraction``.
    influence : array, shape (n,)
        What each unit contributes to the error of that product.
    """

    within: float
    df: float
    fraction: float
    influence: Floats


def repeats(scores: Floats) -> Repeats:
    """Pool the variance within units; `scores` has shape (n, most), NaN where there is none."""
    known = np.isfinite(scores)
    count = known.sum(axis=1)
    own = np.where(known, scores, 0).sum(axis=1) / np.maximum(count, 1)
    squares = np.where(known, (scores - own[:, None]) ** 2, 0).sum(axis=1)
    free = np.maximum(count - 1, 0)
    df = float(free.sum())
    within = float(squares.sum() / df) if df else np.nan
    fraction = float(np.mean(1 / count[count > 0])) if count.any() else np.nan
    influence = len(scores) * (squares - free * within) / df * fraction if df else np.zeros(len(scores))
    return Repeats(within=within, df=df, fraction=fraction, influence=influence)


def measure(before: Floats, *, reliability: float | None, early: Repeats, late: Repeats) -> Measure:
    """Describe how well scores measure.

    Parameters
    ----------
    before : array, shape (n,)
        Each unit's score before: the mean of its scores, if there are several.
    reliability : float, optional
        Reliability of `before`, known from elsewhere; otherwise it is estimated from the repeated scores.
    early, late : Repeats
        Of the scores before and after.

    Returns
    -------
    Measure

    Notes
    -----
    Reliability is 1 - mean error variance / variance of the units' scores; with k scores each this is ICC(1,k).
    Below 0 it stands as 0: then nothing of the scores is the units' own. The error after is that of its own repeated
    scores, else that of the scores before, in both cases for as many scores as there are after.
    """
    variance = float(before.var(ddof=1))
    centred = before - before.mean()
    if reliability is not None:
        error, influence = variance * (1 - reliability), np.zeros(before.size)
    else:
        error = early.within * early.fraction
        influence = -early.influence / variance + error * (centred**2 - variance) / variance**2
    after = late.within * late.fraction if reliability is None and late.df else error * late.fraction / early.fraction
    return Measure(
        mean=float(before.mean()),
        sd=float(np.sqrt(variance)),
        reliability=max(1 - error / variance, 0.0),
        error=float(np.sqrt(error)),
        error_after=float(np.sqrt(after)),
        influence=influence,
    )


def expected(before: Floats, known: Measure) -> Floats:
    """Return the score to expect after if nothing changed: drawn from the score before towards the mean."""
    return known.mean + known.reliability * (before - known.mean)


def jacobson_truax(before: Floats, after: Floats, known: Measure) -> Floats:
    """Return the change over the standard error of a difference."""
    return (after - before) / known.difference


def edwards_nunnally(before: Floats, after: Floats, known: Measure) -> Floats:
    """Return the distance from the estimated true score before over the standard error of measurement."""
    return (after - expected(before, known)) / known.error


def gulliksen_lord_novick(before: Floats, after: Floats, known: Measure) -> Floats:
    """Return the distance from the score to expect without change over the error of that prediction."""
    return (after - expected(before, known)) / known.prediction


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean with standard error, degrees of freedom of t, and interval."""

    estimate: float
    se: float
    df: float
    low: float
    high: float


def with_t(estimate: float, se: float, df: float, confidence: float) -> Mean:
    """Add the t interval; NaN without degrees of freedom."""
    reach = float(special.stdtrit(df, (1 + confidence) / 2)) * se if df > 0 else np.nan
    return Mean(estimate=estimate, se=se, df=df, low=estimate - reach, high=estimate + reach)


def mean_of(values: Floats, confidence: float) -> Mean:
    """Return the mean of independent values with its t interval."""
    n = values.size
    se = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    return with_t(float(values.mean()), se, n - 1, confidence)


def regression(before: Floats, chosen: Booleans, known: Measure, confidence: float) -> Mean:
    """Return how much the chosen units would change on average by regression to the mean alone.

    Parameters
    ----------
    before : array, shape (n,)
        Scores before of all units that were measured.
    chosen : boolean array, shape (n,)
        The units asked about.
    known : Measure
        From all units.
    confidence : float
        Level of the interval.
    """
    gap, n, share = before[chosen].mean() - known.mean, before.size, chosen.mean()
    own = np.where(chosen, (before - before[chosen].mean()) / share, 0) - (before - known.mean)
    psi = known.influence * gap - (1 - known.reliability) * own
    return with_t(
        float(-(1 - known.reliability) * gap), float(psi.std() / np.sqrt(n - 1)), chosen.sum() - 1, confidence
    )


def beyond(before: Floats, after: Floats, chosen: Booleans, known: Measure, confidence: float) -> Mean:
    """Return the chosen units' mean change less what regression to the mean alone would bring.

    Parameters
    ----------
    before, after : array, shape (n,)
        Scores of all units that were measured; `after` is only looked at where `chosen`.
    chosen, known, confidence
        As in `regression`.

    Notes
    -----
    The mean over chosen units of after - expected(before). The error sums what every unit, chosen or not,
    contributes to the mean, to the reference mean and to the reliability (infinitesimal jackknife).
    """
    gap, n, share = before[chosen].mean() - known.mean, before.size, chosen.mean()
    left = np.where(chosen, after, 0.0) - expected(before, known)
    mean = float(left[chosen].mean())
    psi = np.where(chosen, (left - mean) / share, 0.0)
    psi = psi - (1 - known.reliability) * (before - known.mean) - gap * known.influence
    return with_t(mean, float(psi.std() / np.sqrt(n - 1)), int(chosen.sum()) - 1, confidence)


def welch(first: Floats, second: Floats, confidence: float) -> Mean:
    """Return the difference of two means with Welch's interval."""
    a, b = first.var(ddof=1) / first.size, second.var(ddof=1) / second.size
    df = (a + b) ** 2 / (a**2 / (first.size - 1) + b**2 / (second.size - 1)) if a + b > 0 else np.nan
    return with_t(float(first.mean() - second.mean()), float(np.sqrt(a + b)), float(df), confidence)


def ancova(before: Floats, after: Floats, treated: Booleans, confidence: float) -> Mean:
    """Return what being treated adds to the score after, at equal scores before.

    Notes
    -----
    Least squares of after on before and treated; heteroscedasticity-consistent errors of kind HC3, since
    treatment may spread scores out; t with n - 3 degrees of freedom. As statsmodels gives it with
    ``cov_type="HC3", use_t=True``.
    """
    x = np.column_stack([np.ones(before.size), before - before.mean(), treated.astype(float)])
    bread = np.linalg.inv(x.T @ x)
    coef = bread @ (x.T @ after)
    hat = np.einsum("ij,jk,ik->i", x, bread, x)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = x * ((after - x @ coef) / (1 - hat))[:, None]
    variance = (bread @ (scores.T @ scores) @ bread)[2, 2]
    return with_t(float(coef[2]), float(np.sqrt(variance)), before.size - 3, confidence)
