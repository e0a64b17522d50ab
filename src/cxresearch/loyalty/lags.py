"""How satisfaction goes on mattering: effects of this and earlier periods, in a panel of units."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from cxresearch import checks, defaults
from cxresearch.language import Words
from cxresearch.loyalty import lag_notes, placebo
from cxresearch.loyalty.groups import Groups
from cxresearch.loyalty.lag_fit import EFFECTS, Effects, fit_or_say
from cxresearch.loyalty.lag_results import PanelLags
from cxresearch.loyalty.lag_rows import check_whole, names, prepare
from cxresearch.loyalty.lag_tables import effect_table, labelled, slope_table, t_critical, t_p_value
from cxresearch.loyalty.projections import NOTE, project

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["together", "projections"]
METHODS: Final = get_args(Method)


def distributed_lags(
    data: "pd.DataFrame",
    *,
    unit: str,
    period: str,
    outcome: str,
    driver: str | Sequence[str],
    lags: int,
    effects: Effects = "two-way",
    covariates: Sequence[str] = (),
    confidence: float = defaults.CONFIDENCE,
    group: str | None = None,
    step: str = "auto",
    weights: str | None = None,
    leads: int = 0,
    method: Method = "together",
    past: int = 1,
) -> PanelLags:
    """Estimate how an outcome depends on a driver now and 1, 2, … periods ago, in a panel of units.

    Decides how long an improvement is felt: whether satisfaction two or three years ago still shows in
    today's loyalty, once the years between are held equal.

    Parameters
    ----------
    data : DataFrame
        One row per unit and period; the order of rows does not matter, and periods may be missing.
    unit : str
        Column that names the unit: customer, household, store.
    period : str
        Column of whole numbers, dates, pandas Periods, or texts such as 2020, 2020-03, 202003, 2020-Q1.
    outcome : str
        Column to explain, in points; 0 and 1 for no and yes gives changes in probability.
    driver : str or list of str
        Column, or columns entered together, in points.
    lags : int
        Longest lag, in periods; lags 0 to `lags` enter together.
    effects : {"two-way", "unit", "none"}
        What is held constant: what never changes in a unit and what is common to all in a period; the
        former alone; or nothing.
    covariates : list of str
        Columns held constant, without lags.
    confidence : float
        Coverage probability of the intervals.
    group : str, optional
        Column of groups, such as communities. ``compare``, ``groups``, and ``text`` and ``plot`` with `focus`
        then fit a group by itself. A row belongs to the group it names.
    step : {"auto", "year", "quarter", "month", "week", "day"}
        Length of one period. "auto" takes the greatest step that fits the periods of every unit; for plain
        numbers, the name says what they count.
    weights : str, optional
        Column of weights, 0 or more: how many customers a row stands for, or the inverse of the chance that it
        was observed. Rows without a weight are dropped.
    leads : int
        Periods ahead to test as a placebo: the driver's later values must show no effect. 0 for no test.
    method : {"together", "projections"}
        All lags in one regression, or each lag in one of its own (local projections).
    past : int
        Values before the lag in question that a projection holds constant, 1 or more.

    Returns
    -------
    PanelLags
        ``table``: driver, lag (periods), estimate (points of outcome per point of driver that many periods ago),
        se, ci_low, ci_high, p_value, cumulative (sum of the effects up to that lag), cumulative_ci_low,
        cumulative_ci_high, n (rows). ``covariance``: joint covariance of the effects. ``controls``: the
        covariates' slopes. ``sample``: rows dropped for missing values, for lags before a unit's first row
        or in a gap, and for standing alone in their unit or period. ``placebo``: effects of later values and their
        joint test, if `leads` were asked for; ``joint`` tests any lags together.

    Raises
    ------
    InputError
        If a column is missing or not numeric, periods cannot be placed on a calendar, a unit has two rows in
        a period, a driver never changes or is explained by the effects or the other columns, or too little
        is left: fewer than two units or periods, or no row with all its lags (and leads). Also if a weight is
        negative, or projections are asked for together with groups.

    Notes
    -----
    ``outcome[i, t] = unit[i] + period[t] + sum over k of effect[k] * driver[i, t - k] + error[i, t]``, by
    least squares; the effects are swept out exactly, however unbalanced the panel is. Lags are calendar lags:
    a gap makes a missing value, never a shift.

    Errors are clustered by unit (Arellano 1987), so they hold under any correlation over time within a unit
    and any heteroscedasticity, with the factor G/(G-1) * (N-1)/(N-K): G units, N rows, K slopes, where the
    effects are not counted. t has G-1 degrees of freedom. Units are taken to be independent of each other.

    Leads are tested in a regression of their own, on the rows that have them, so the estimates do not change. If
    the joint test rejects, text and notes say that the estimates are not to be believed: loyalty may feed back on
    satisfaction. The test cannot see feedback that takes longer than `leads`, nor common causes without delay.

    Projections regress on the driver's values from now back to `past` periods before the lag in question, and keep
    the effect of that lag. Later values are held constant, so that the driver's own persistence is not counted as
    an effect (an impulse response would count it, and is biased in short panels with unit effects: Mei, Sheng and
    Shi 2023). Effects of still earlier values are not assumed away: where the driver is a first-order
    autoregression, the one value before stands for all of them. They use more rows for short lags, and say whether
    `lags` was too few; their errors are joint over lags. In short panels effects left out still show through the
    units' means: with nine periods, effects of 0.4, 0.3, 0.2, 0.1 and one value before, lag 0 came out at 0.36,
    and its interval held 0.4 in 72 % of simulated panels of 200 units, not 95. A larger `past` mends that, and
    costs rows: with 3 values before and 14 periods 95 % did (``data/evidence/projections.csv``).

    With fewer than about 40 units the intervals are too short: see ``data/evidence/lags.csv``. Uneven weights make
    few of many: with 60 units, a fifth of them weighing four times as much, intervals held in 90 to 92 %
    (``data/evidence/projections.csv``).

    It cannot tell an effect from a common cause that moves over time within units, nor from loyalty's feeding
    back on satisfaction (then a unit's later satisfaction depends on its earlier errors, and the estimates
    are biased, the more so the shorter the panel). It sees only who stayed in the panel. The last lag whose
    interval excludes zero is no estimate of how long effects last.

    Validated against plm's printed within estimates (Grunfeld, EmplUK), against least squares on dummy
    variables in statsmodels, against linearmodels and pyfixest, weights included, and on simulated panels with known
    effects.

    References
    ----------
    Arellano, M. (1987). Computing robust standard errors for within-groups estimators.
    Oxford Bulletin of Economics and Statistics, 49, 431-434.

    Jordà, Ò. (2005). Estimation and inference of impulse responses by local projections. American Economic
    Review, 95, 161-182.

    Mei, Z., Sheng, L., & Shi, Z. (2023). Nickell bias in panel local projection: Financial crises are worse than
    you think. arXiv:2302.13455.

    Wansbeek, T., & Kapteyn, A. (1989). Estimation of the error-components model with incomplete panels.
    Journal of Econometrics, 41, 341-361.

    Examples
    --------
    >>> from cxresearch.data.simulate import panel
    >>> frame, truth = panel(customers=500)
    >>> result = distributed_lags(
    ...     frame, unit="customer", period="year", outcome="loyalty", driver="satisfaction", lags=3
    ... )
    >>> result.table[["lag", "estimate"]].round(1).to_dict("list")
    {'lag': [0, 1, 2, 3], 'estimate': [0.4, 0.3, 0.2, 0.1]}
    """
    checks.choice("effects", effects, EFFECTS)
    checks.confidence(confidence)
    drivers, others, longest = (
        names(driver, "driver"),
        names(covariates, "covariates"),
        check_whole("lags", lags, "the longest lag, in periods"),
    )
    ahead = check_whole("leads", leads, "how many periods ahead to test")
    checks.columns(data, group=[] if group is None else [group])
    checks.choice("method", method, METHODS)
    before = check_whole("past", past, "values before each lag that a projection holds constant")
    if not before:
        raise checks.InputError("past=0 leaves each lag to carry what came before it; take 1 or more")
    if method == "projections" and group is not None:
        raise checks.InputError("method='projections' cannot fit groups; leave out group, or select rows with where")
    look = partial(
        prepare,
        data,
        unit=unit,
        period=period,
        outcome=outcome,
        drivers=drivers,
        covariates=others,
        effects=effects,
        step=step,
        weights=weights,
    )
    rows = look(lags=longest)
    fitted = fit_or_say(rows, effects, outcome)
    tested = None
    if ahead:
        with_leads = look(lags=longest, leads=ahead)
        tested = placebo.judge(with_leads, fit_or_say(with_leads, effects, outcome), confidence)
    extra: tuple[Words, ...] = () if tested is None else (tested.note,)
    groups = None if group is None else Groups(data[group], rows, effects=effects, confidence=confidence)
    critical = float(t_critical(confidence, fitted.df))
    k, used = rows.drivers, rows
    coef, covariance, n, df = fitted.coef[:k], fitted.covariance[:k, :k], fitted.n, fitted.df
    sizes: int | np.ndarray = n
    if method == "projections":
        used = look(lags=before)
        found = project(
            longest,
            before,
            len(drivers),
            lambda lag: look(lags=lag),
            lambda part, every: fit_or_say(part, effects, outcome, units=every),
        )
        coef, covariance, sizes, df = found.coef, found.covariance, found.n, found.units - 1
        extra += (NOTE,)
    return PanelLags(
        table=effect_table(
            rows.terms[:k],
            coef,
            covariance,
            critical=float(t_critical(confidence, df)),
            p_value=t_p_value(df),
            n=sizes,
        ),
        sample=used.sample,
        notes=lag_notes.panel_notes(
            rows, fitted, effects=effects, period=period, outcome=outcome, movers=groups.movers if groups else 0
        )
        + extra,
        confidence=confidence,
        covariance=labelled(covariance, rows.terms[:k]),
        outcome=outcome,
        drivers=tuple(drivers),
        lags=longest,
        step=rows.step,
        unit=unit,
        period=period,
        effects=effects,
        controls=slope_table(
            others, fitted.coef[k:], np.sqrt(np.diag(fitted.covariance))[k:], df=fitted.df, critical=critical
        ),
        group=group,
        parts=groups,
        placebo=tested,
        method=method,
        clusters=df + 1,
    )
