"""Which units differ from the rest, touchpoint by touchpoint, and which ranks mean nothing."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from cxresearch import checks, defaults
from cxresearch.checks import InputError, listed
from cxresearch.language import Words
from cxresearch.numerics.multiplicity import holm
from cxresearch.touchpoints import benchmark_fit as fit
from cxresearch.touchpoints import benchmark_notes as notes
from cxresearch.touchpoints.benchmark_changes import COLUMNS as CHANGES
from cxresearch.touchpoints.benchmark_changes import audit, changes, read_waves
from cxresearch.touchpoints.benchmark_input import Asked, read
from cxresearch.touchpoints.benchmark_places import COLUMNS as PLACES
from cxresearch.touchpoints.benchmark_places import at_places, read_places
from cxresearch.touchpoints.benchmark_results import Benchmark


def benchmark(
    data: Any,
    *,
    unit: str,
    score: str | Sequence[str],
    touchpoint: str | None = None,
    n: str | None = None,
    rate_max: float | None = None,
    weight: str | None = None,
    covariates: Sequence[str] = (),
    place: str | None = None,
    wave: str | None = None,
    against: Sequence[str] = (),
    target: float | None = None,
    better: str = "high",
    min_n: int = 30,
    wrong_side: float = 0.05,
    names: Mapping[Any, Any] | None = None,
    confidence: float = defaults.CONFIDENCE,
    seed: int = defaults.SEED,
) -> Benchmark:
    """Compare units on one or more touchpoints: which stand out, and which ranks mean nothing.

    It decides whether a unit may be praised or called to account for its score, or whether chance, few answers and
    the spread among all units explain it.

    Parameters
    ----------
    data : DataFrame, or any frame that narwhals knows
        Single answers, one per row (`score` one column, `touchpoint` another, or none); or one row per respondent
        with a column of answers per touchpoint (`score` a list); or aggregated rates, one row per unit and touchpoint
        (`score` one column, with `n`). Never changed. Polars frames, pyarrow tables and DuckDB relations, which may
        be larger than memory, are totalled by their own engine, to the same answer.
    unit : str
        Column that names the store, community, service hall, account manager.
    score : str or list of str
        Column of answers (numbers), or of rates if `n` is given; a list of columns for wide data.
    touchpoint : str, optional
        Column that names the touchpoint. Without it all rows belong to one, named after `score`.
    n : str, optional
        Column with the number of cases behind each rate (a whole number). It says that `score` is a rate.
    rate_max : {1, 100}, optional
        What a rate of all cases is written as. By default 1 if no rate exceeds 1, otherwise 100; a note says which.
    weight : str, optional
        Column of survey weights, one per answer or respondent. Only their ratios within a unit matter.
    covariates : list of str
        Columns that tell whom or what the answers are about (age, length of stay, size of the request): numbers, or
        categories. Units are compared as if they had served the same mix; what does not vary within units cannot be
        held equal. Needs a pandas frame.
    place : str, optional
        Column that names the place of each unit, where units are people (account managers in branches). ``.at_places``
        then holds each against the others at the same place, whatever the place itself does to scores.
    wave : str, optional
        Column that names the survey's waves (a year, a date). The comparison is then of the last wave, and ``.changes``
        says how units changed from wave to wave.
    against : list of {"network", "best_quarter"}
        What to hold units against besides the middle one: the mean of all answers, or the score that the best quarter
        of the units exceeds. Both are as uncertain as the units' true values.
    target : float, optional
        A fixed score to hold units against, in the caller's scale.
    better : {"high", "low"}
        Whether a high score or a low one is good; rank 1 is the best.
    min_n : int
        A unit's score on a touchpoint with fewer answers is suppressed: it is not shown, ranked or flagged, and the
        other units are not compared with it. Numbers that can be worked out from totals elsewhere are not guarded.
    wrong_side : float
        Expected share of flags that stand on the wrong side of the middle unit, at most.
    names : mapping, optional
        Readable names of touchpoints: value → `Words`, pair (English, Chinese) or text. They also set the order.
    confidence : float
        Coverage of all intervals; one minus it is the level of the test that gates the flags.
    seed : int
        Of the random draws.

    Returns
    -------
    Benchmark
        ``.table``, a row per touchpoint and unit, best first, suppressed ones last:

        - ``touchpoint``, ``unit``
        - ``n``: answers, or cases
        - ``mean``: observed mean or rate, in the caller's scale
        - ``se``: its standard error; for means from the variance pooled over units, for rates binomial
        - ``shrunken``: estimate of the true value, drawn to the units' common mean by as much as chance contributes
        - ``ci_low``, ``ci_high``: interval of the true value
        - ``rank``: of the observed mean, as a league table prints it; equal means share the best of their ranks
        - ``rank_low``, ``rank_high``: best and worst rank that the unit's true value could hold
        - ``signal``: "above" or "below" the middle unit (the median of the units' true values), or "expected"
        - ``suppressed``: fewer than `min_n` answers; the numbers but n are then NaN and there is no signal
        - ``wrong_side``: probability that the true value is not on the side where the data put it
        - ``n_effective``: with `weight` or `covariates` only: answers that would tell as much if all counted alike and
          no covariate had to be held equal; n / n_effective is the design effect
        - ``observed``: with `covariates` only: the mean as it is; ``mean`` is then the one that the unit would have
          with the mix of all answers

        ``.reliability``, a row per touchpoint:

        - ``touchpoint``
        - ``between_variance``: variance of true values among units
        - ``within_variance``: variance of single answers within a unit
        - ``reliability``: between / (between + within / typical n): 1 if observed scores differ by truth alone
        - ``n_for_reliability_0_7``: answers per unit that a reliability of 0.7 takes
        - ``reliability_ci_low``, ``reliability_ci_high``: interval of the reliability
        - ``units``, ``typical_n``: units compared, and the harmonic mean of their n
        - ``middle``: true value of the middle unit
        - ``p_value``, ``p_adjusted``: of the test that units do not differ at all; adjusted for the touchpoints (Holm)
        - ``above``, ``below``, ``expected``, ``suppressed``: numbers of units

        ``.against``, a row per yardstick, touchpoint and unit, if `against` or `target` is given:

        - ``touchpoint``, ``unit``, ``against``: "network", "best_quarter" or "target"
        - ``reference``: the yardstick's value
        - ``difference``, ``ci_low``, ``ci_high``: true value less the yardstick
        - ``signal``: "above", "below" or "expected", as long as at most `wrong_side` of the flags are expected to be
          wrong; ``wrong_side``: each unit's own probability

        ``.at_places``, a row per touchpoint and unit, by place, if `place` is given:

        - ``touchpoint``, ``place``, ``unit``, ``n``, ``mean``
        - ``difference``, ``ci_low``, ``ci_high``: true value less the mean of the true values at the place; NaN for a
          unit alone at its place
        - ``signal``, ``wrong_side``: as in ``.against``; or "alone"

        ``.changes``, a row per touchpoint, unit and pair of neighbouring waves, if `wave` is given:

        - ``touchpoint``, ``unit``, ``wave_from``, ``wave_to``, ``n_from``, ``n_to``
        - ``change``, ``se``, ``ci_low``, ``ci_high``: of the mean or rate, as observed (not shrunken)
        - ``p_value``, ``p_adjusted``: of no change; adjusted over all rows (Holm)
        - ``signal``: "up", "down" or "unclear", by ``p_adjusted``

        ``.text()``, ``.plot()`` ("overview", "ranks" or "funnel"), ``.sample``, ``.notes``.

    Raises
    ------
    InputError
        If a column is missing or holds what it cannot hold (the row is named), a unit and touchpoint comes twice
        with `n`, no two units have `min_n` answers on any touchpoint, or all have one answer each.

    Notes
    -----
    Means follow a normal-normal model with one variance of answers for all units; rates, and answers of 0 and 1 only,
    a beta-binomial model, which also holds at 100 %. Both average over what is unknown about the units as a group;
    beforehand every reliability of a typical unit between 0 and 1 counts as equally likely. ``shrunken`` is the
    posterior mean, the interval is equal-tailed. It covers as announced on average over units, not for every one: a
    unit far from all others is drawn towards them.

    Units are flagged as long as their mean probability of being on the wrong side stays within `wrong_side` (Newton and
    colleagues' rule on Stephens's local false sign rates); none is flagged whose own probability exceeds twice that.
    Flags are set only on touchpoints where units differ at all: the F test, or for rates the chi-squared test with its
    exact conditional distribution, adjusted over the touchpoints by Holm's procedure. Where no unit differs on any
    touchpoint, the chance of any flag is thus at most one minus `confidence`. A rate of false discoveries is not
    controlled: among units that truly differ there are none.

    The middle unit is the yardstick because a single very bad unit moves the mean, and would make the rest look good;
    nor do large units count for more than small ones.

    Rank intervals compare each unit with every other (t tests, or Fisher's exact test for rates; Holm's procedure)
    and hold for each unit at `confidence`, ties included; they do not hold for all units at once.

    With `weight`, means are weighted, and the number of answers is Kish's effective one. This is right where weights
    have nothing to do with how much answers scatter. With `covariates`, their effect is estimated within units, by
    least squares on deviations from the unit's mean, and taken out; what estimating it costs lowers ``n_effective``.
    Answers of 0 and 1 are then treated as means, which needs some answers of either kind in every unit.

    Within places the model is normal, for rates too, with a free mean for each place; that is rough where rates are
    close to 0 or 100 %.

    Waves count as separate samples: where the same customers answer again, intervals of change are too long. Change of
    a mean has a t interval (variance pooled over units, Satterthwaite's degrees of freedom), change of a rate
    Newcombe's (1998) from two Wilson intervals.

    It cannot hold equal what differs only between units. Where the spread of
    answers differs much between units, intervals of the wide ones are too short; a note says so.

    Validated against closed forms (beta posterior, James-Stein limit), scipy's fisher_exact and f_oneway, and simulated
    truth: ``data/evidence/benchmark.csv`` has the coverage of both intervals and the share of flags on the wrong side.

    References
    ----------
    Christiansen, C. L., & Morris, C. N. (1997). Improving the statistical approach to health care provider profiling.
    Annals of Internal Medicine, 127, 764-768. Daniels, M. J. (1999). A prior for the variance in hierarchical models.
    Canadian Journal of Statistics, 27, 567-578. Mogstad, M., Romano, J. P., Shaikh, A. M., & Wilhelm, D. (2024).
    Inference for ranks. Review of Economic Studies, 91, 476-518. Newcombe, R. G. (1998). Interval estimation for the
    difference between independent proportions. Statistics in Medicine, 17, 873-890. Newton, M. A., Noueiry, A.,
    Sarkar, D., & Ahlquist, P. (2004). Detecting differential gene expression. Biostatistics, 5, 155-176.
    Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. Statistics in Medicine, 24,
    1185-1202. Stephens, M. (2017). False discovery rates: a new deal. Biostatistics, 18, 275-294.

    Examples
    --------
    >>> solved, cases = [0.95, 0.93, 0.94, 0.55, 0.96, 0.90], [200, 90, 150, 120, 400, 30]
    >>> halls = pd.DataFrame({"hall": list("ABCDEF"), "solved": solved, "cases": cases})
    >>> result = benchmark(halls, unit="hall", score="solved", n="cases")
    >>> result.table[["unit", "mean", "shrunken", "rank", "rank_low", "rank_high", "signal"]].round(2)
      unit  mean  shrunken  rank  rank_low  rank_high    signal
    0    E  0.96      0.96   1.0       1.0        5.0     above
    1    A  0.95      0.95   2.0       1.0        5.0  expected
    2    C  0.94      0.94   3.0       1.0        5.0  expected
    3    B  0.93      0.93   4.0       1.0        5.0  expected
    4    F  0.90      0.89   5.0       1.0        5.0  expected
    5    D  0.55      0.57   6.0       6.0        6.0     below
    """
    _check(better, min_n, wrong_side, confidence)
    _check_yardsticks(against, target)
    asked = Asked(
        unit=unit, score=score, touchpoint=touchpoint, n=n, rate_max=rate_max, weight=weight,
        covariates=tuple(covariates), min_n=min_n,
    )  # fmt: skip
    waves = {} if wave is None else read_waves(data, asked, wave)
    found = list(waves.values())[-1] if waves else read(data, asked)
    order = _order(found.table["touchpoint"].drop_duplicates().tolist(), names, score)
    sizes = found.table[~found.table["suppressed"]].groupby("touchpoint", observed=True).size()
    able = [t for t in order if sizes.get(t, 0) > 1]
    if not able:
        _refuse_lonely(found.table, unit, min_n)
    tables = max(fit.LEAST_TABLES, math.ceil(10 * len(able) / (1 - confidence)))
    terms = fit.Terms(
        better=better, wrong_side=wrong_side, confidence=confidence, seed=seed, tables=tables,
        against=tuple(against), target=target,
    )  # fmt: skip
    parts = [fit.compare(found, t, terms) for t in order]
    reliability = pd.DataFrame([part.reliability for part in parts]).reindex(columns=_RELIABILITY)
    reliability["p_adjusted"] = holm(reliability["p_value"].to_numpy(dtype=float))
    table = pd.concat([part.table for part in parts], ignore_index=True)
    differ = reliability.loc[reliability["p_adjusted"] <= 1 - confidence, "touchpoint"]
    table.loc[~table["suppressed"] & ~table["touchpoint"].isin(differ), "signal"] = "expected"
    table = table.drop(columns=[] if covariates else ["observed"] if weight else ["observed", "n_effective"])
    places = {} if place is None else read_places(data, unit, place)
    readable = _names(names)
    said = notes.found(found, able, min_n, lambda t: readable.get(t, Words(str(t), str(t))))
    return Benchmark(
        table=table,
        sample=audit(waves, _rows(data)) if waves else found.sample,
        notes=(*notes.standing(better, wrong_side, confidence), *notes.like_with_like(asked), *found.notes, *said),
        confidence=confidence,
        reliability=_counted(reliability, table),
        kind=found.kind,
        top=found.top,
        better=better,
        wrong_side=wrong_side,
        min_n=min_n,
        names=readable,
        against=_together([part.against for part in parts], fit.AGAINST),
        at_places=_together([at_places(found, t, places, terms) for t in order if places], PLACES),
        changes=changes(waves, confidence) if waves else _together([], CHANGES),
    )


def _together(parts: Sequence[pd.DataFrame | None], columns: Sequence[str]) -> pd.DataFrame:
    """Put tables below each other; without any, an empty one with the columns it would have."""
    given = [part for part in parts if part is not None]
    return pd.concat(given, ignore_index=True) if given else pd.DataFrame(columns=list(columns))


def _rows(data: Any) -> int:
    if isinstance(data, pd.DataFrame):
        return len(data)
    from cxresearch.touchpoints import benchmark_totals

    return benchmark_totals.rows(data)


_RELIABILITY: Final = [
    "touchpoint", "between_variance", "within_variance", "reliability", "n_for_reliability_0_7", "reliability_ci_low",
    "reliability_ci_high", "units", "typical_n", "middle", "p_value", "p_adjusted", "above", "below", "expected",
    "suppressed",
]  # fmt: skip


def _counted(reliability: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Add how many units have which signal."""
    signals = table["signal"].where(~table["suppressed"], "suppressed")
    counts = pd.crosstab(table["touchpoint"], signals).reindex(columns=_RELIABILITY[-4:], fill_value=0)
    return reliability.assign(**{c: counts[c].reindex(reliability["touchpoint"]).to_numpy() for c in counts.columns})


def _check(better: str, min_n: int, wrong_side: float, confidence: float) -> None:
    checks.choice("better", better, ("high", "low"))
    checks.confidence(confidence)
    if isinstance(min_n, bool) or not isinstance(min_n, int | np.integer) or min_n < 1:
        raise InputError(f"min_n={min_n!r} must be a whole number of answers, 1 or more")
    if isinstance(wrong_side, bool) or not isinstance(wrong_side, int | float) or not 0 < wrong_side < 0.5:
        raise InputError(f"wrong_side={wrong_side!r} must lie between 0 and 0.5, for example 0.05")


def _check_yardsticks(against: Sequence[str], target: float | None) -> None:
    if isinstance(against, str):
        raise InputError(f"against={against!r}: give a list, for example against=[{against!r}]")
    for name in against:
        checks.choice("against", name, ("network", "best_quarter"))
    numeric = isinstance(target, int | float | np.number) and not isinstance(target, bool)
    if target is not None and not (numeric and math.isfinite(target)):
        raise InputError(f"target={target!r} must be a number on the scale of the scores")


def _order(touchpoints: list[Any], names: Mapping[Any, Any] | None, score: str | Sequence[str]) -> list[Any]:
    """Order touchpoints as named, then as wide columns stand, then by name: never by the order of rows."""
    known = list(names or ()) if isinstance(score, str) else list(score)
    place = {value: i for i, value in enumerate(known)}
    return sorted(touchpoints, key=lambda t: (place.get(t, len(place)), str(t)))


def _names(names: Mapping[Any, Any] | None) -> dict[Any, Words]:
    def words(name: Any) -> Words:
        if isinstance(name, Words):
            return name
        return Words(name, name) if isinstance(name, str) else Words(*name)

    return {value: words(name) for value, name in (names or {}).items()}


def _refuse_lonely(table: pd.DataFrame, unit: str, min_n: int) -> None:
    if table.empty:
        raise InputError(f"unit={unit!r}: no row has a unit and a score")
    most = listed(sorted(table["n"], reverse=True)[:2])
    raise InputError(
        f"min_n={min_n}: on no touchpoint have two units so many answers (the most are {most}); a benchmark compares "
        "at least two: lower min_n, or bring more data"
    )
