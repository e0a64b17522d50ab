"""Whether a rating fades: how it moves with the time since the service, raters and what they rate held equal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Words
from cxresearch.loyalty import fading_words as words
from cxresearch.loyalty.lag_rows import NO_COVARIATE, alone, names
from cxresearch.loyalty.lag_tables import t_critical, t_p_value
from cxresearch.loyalty.presence import Flags, Floats, Integers, distinct_roles
from cxresearch.numerics import horizon, two_clusters
from cxresearch.numerics.least_squares import RankError
from cxresearch.result import Result, Sample

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MOST: Final = 60
"""Distances in time told apart; with more, group them."""


@dataclass(frozen=True, kw_only=True)
class Fading(Result):
    """What `fading` found.

    Parameters
    ----------
    trend : DataFrame
        One row: estimate (points per period), se, ci_low, ci_high, p_value: the best straight line.
    tests : DataFrame
        ``test`` ("any": no distance differs from the shortest; "bend": the changes lie on a straight line), statistic
        (Wald, scaled as Hotelling's T² is), df1, df2, p_value.
    rater, target, score, since : str
        Columns.
    """

    trend: "pd.DataFrame"
    tests: "pd.DataFrame"
    rater: str
    target: str
    score: str
    since: str

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say how far a rating has moved after the longest time; there is no `focus`."""
        _no_focus(focus)
        return words.text(self, language)

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw the change by the time since the service; there is no `focus`."""
        from cxresearch.loyalty.fading_figures import fading_plot

        _no_focus(focus)
        return fading_plot(self, language)


def fading(
    data: "pd.DataFrame",
    *,
    rater: str,
    target: str,
    score: str,
    since: str,
    covariates: Sequence[str] = (),
    confidence: float = defaults.CONFIDENCE,
) -> Fading:
    """Estimate how a rating moves with the time that has passed since the service.

    Decides whether an impression lasts: whether the same rater rates the same person or place lower, or higher, the
    longer ago the service was. It needs no panel, only ratings given at different distances in time.

    Parameters
    ----------
    data : DataFrame
        One row per rating.
    rater, target : str
        Columns that name who rates, and who or what is rated.
    score : str
        Column of ratings, in points.
    since : str
        Column of whole numbers, 0 or more: periods between the service and the rating.
    covariates : list of str
        Columns held constant.
    confidence : float
        Coverage probability of the intervals.

    Returns
    -------
    Fading
        ``table``: since (periods), n (ratings), estimate (points more than at the shortest time, rater and target held
        equal; 0 in its own row), se, ci_low, ci_high, p_value, raw (difference of plain means, which mix raters and
        targets). ``trend`` and ``tests``.

    Raises
    ------
    InputError
        If a column is missing or not numeric, times are no whole numbers from 0 upwards, all are alike or there are
        more than 60, a covariate has no effect of its own, or raters or targets are too few.

    Notes
    -----
    ``score = rater + target + change[since] + error`` by least squares, both effects swept out exactly. Errors are
    clustered by rater and by target (Cameron, Gelbach and Miller 2011): ratings of one target share what happened
    there. With few targets the intervals are too short.

    Rater and target are compared with themselves only. What differs with the time since the service, beyond fading,
    stays in: which of its services a target is rated for, whether the target got better since, and who remembers.
    One row cannot tell fading from improvement.

    Validated against pyfixest, and on simulated ratings that fade by a known amount.

    References
    ----------
    Cameron, A. C., Gelbach, J. B., & Miller, D. L. (2011). Robust inference with multiway clustering. Journal of
    Business & Economic Statistics, 29, 238-249.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"guest": np.arange(600) % 60, "hotel": rng.integers(20, size=600)})
    >>> frame["months"] = rng.integers(1, 4, size=600)
    >>> frame["score"] = 8 + frame["guest"] % 3 - 0.5 * frame["months"] + 0.1 * rng.normal(size=600)
    >>> result = fading(frame, rater="guest", target="hotel", score="score", since="months")
    >>> result.table[["since", "estimate"]].round(1).to_dict("list")
    {'since': [1, 2, 3], 'estimate': [0.0, -0.5, -1.0]}
    """
    checks.confidence(confidence)
    others = names(covariates, "covariates")
    checks.columns(data, rater=rater, target=target, score=score, since=since, covariates=others)
    distinct_roles(rater=rater, target=target, score=score, since=since, covariates=others)
    rows = _prepare(data, rater, target, score, since, others)
    times, code = np.unique(rows.since, return_inverse=True)
    dummies = np.equal.outer(code, np.arange(1, len(times))).astype(float)
    told = [f"since={since!r} at {time}" for time in times[1:]] + [f"covariates={name!r}" for name in others]
    apart = _fit(rows, np.column_stack([dummies, rows.z]), told)
    line = _fit(
        rows, np.column_stack([rows.since.astype(float), rows.z]), [f"since={since!r}", *told[len(times) - 1 :]]
    )
    k = len(times) - 1
    return Fading(
        table=_table(rows, times, code, apart, confidence),
        sample=rows.sample,
        notes=words.notes(rows.since, min(apart.clusters)),
        confidence=confidence,
        trend=_estimates(line.coef[:1], np.sqrt(np.diag(line.covariance))[:1], line.df, confidence),
        tests=_tests(times, apart.coef[:k], apart.covariance[:k, :k], min(apart.clusters)),
        rater=rater,
        target=target,
        score=score,
        since=since,
    )


@dataclass(frozen=True, kw_only=True)
class _Ratings:
    """Complete ratings."""

    rater: Integers
    target: Integers
    y: Floats
    since: Integers
    z: Floats
    sample: Sample


def _prepare(
    data: "pd.DataFrame", rater: str, target: str, score: str, since: str, covariates: Sequence[str]
) -> _Ratings:
    import pandas as pd

    if not len(data):
        raise checks.InputError("data has no rows")
    y, time = checks.numbers(data, "score", score), _times(data, since)
    other = [checks.numbers(data, "covariates", name) for name in covariates]
    z = np.column_stack(other) if other else np.empty((len(data), 0))
    who, what = (pd.factorize(data[column])[0].astype(np.int64) for column in (rater, target))
    keep, dropped = np.ones(len(data), dtype=bool), []

    def drop(bad: Flags | np.bool_, why: Words) -> None:
        nonlocal keep
        dropped.append((why, int((keep & bad).sum())))
        keep = keep & ~bad

    drop(who < 0, words.NO_RATER)
    drop(what < 0, words.NO_TARGET)
    drop(np.isnan(y), words.NO_SCORE)
    drop(np.isnan(time), words.NO_TIME)
    drop(np.isnan(z).any(axis=1), NO_COVARIATE)
    drop(alone(who, what, keep, "two-way"), words.ALONE)
    if not keep.any():
        reasons = ", ".join(f"{n} {why.en}" for why, n in dropped if n)
        raise checks.InputError(f"no rows are left ({reasons}); each rater and each target needs two ratings or more")
    left = np.unique(time[keep])
    if len(left) < 2:
        raise checks.InputError(f"since={since!r} is {left[0]:g} in all rows used; nothing can be compared")
    if len(left) > MOST:
        raise checks.InputError(f"since={since!r} has {len(left)} different values; group them into at most {MOST}")
    counts = {"raters": len(np.unique(who[keep])), "targets": len(np.unique(what[keep]))}
    return _Ratings(
        rater=np.unique(who[keep], return_inverse=True)[1],
        target=np.unique(what[keep], return_inverse=True)[1],
        y=y[keep],
        since=time[keep].astype(np.int64),
        z=z[keep],
        sample=Sample(len(data), int(keep.sum()), tuple(dropped), counts),
    )


def _times(data: "pd.DataFrame", since: str) -> Floats:
    time = checks.numbers(data, "since", since)
    odd = ~np.isnan(time) & ((time < 0) | (time != np.round(time)))
    if odd.any():
        at = int(odd.argmax())
        raise checks.InputError(
            f"since={since!r}: row {data.index[at]} holds {time[at]:g}; whole periods, 0 or more, are needed"
        )
    return time


def _fit(rows: _Ratings, x: Floats, told: Sequence[str]) -> two_clusters.TwoWayFit:
    try:
        return two_clusters.fit(rows.y, x, rows.rater, rows.target)
    except RankError as error:
        why = {
            "constant": "never changes in the rows used",
            "absorbed": "is explained by raters and targets together",
            "collinear": "is explained by raters, targets and the columns before it",
        }[error.reason]
        raise checks.InputError(f"{told[error.column]} {why}; nothing can be estimated from it") from None
    except ValueError as error:
        raise checks.InputError(f"{error}; more ratings are needed") from None


def _table(
    rows: _Ratings, times: Integers, code: Integers, fitted: two_clusters.TwoWayFit, confidence: float
) -> "pd.DataFrame":
    k = len(times) - 1
    n = np.bincount(code)
    mean = np.bincount(code, rows.y) / n
    estimate, se = np.r_[0.0, fitted.coef[:k]], np.r_[np.nan, np.sqrt(np.diag(fitted.covariance))[:k]]
    table = _estimates(estimate, se, fitted.df, confidence)
    table.insert(0, "since", times)
    table.insert(1, "n", n)
    return table.assign(raw=mean - mean[0])


def _estimates(estimate: Floats, se: Floats, df: int, confidence: float) -> "pd.DataFrame":
    import pandas as pd

    half = float(t_critical(confidence, df)) * se
    with np.errstate(invalid="ignore", divide="ignore"):
        p = t_p_value(df)(estimate / se)
    return pd.DataFrame(
        {"estimate": estimate, "se": se, "ci_low": estimate - half, "ci_high": estimate + half, "p_value": p}
    )


def _tests(times: Integers, effects: Floats, covariance: Floats, clusters: int) -> "pd.DataFrame":
    """Test that nothing changes, and that changes lie on a line; undefined with more changes than clusters."""
    import pandas as pd

    apart = (times[1:] - times[0]).astype(float)
    off = np.column_stack([np.eye(len(apart) - 1), -apart[:-1] / apart[-1]])
    lines = []
    for test, contrast in (("any", np.eye(len(apart))), ("bend", off)):
        k = len(contrast)
        wald, p = (np.nan, np.nan)
        if 0 < k < clusters:
            wald, p = horizon.joint(contrast @ effects, contrast @ covariance @ contrast.T, clusters)
        lines.append((test, wald, k, clusters - k, p))
    return pd.DataFrame(lines, columns=["test", "statistic", "df1", "df2", "p_value"])


def _no_focus(focus: Any) -> None:
    if focus is not None:
        raise checks.InputError(f"focus={focus!r}: ratings are compared for all together; choose rows with where")
