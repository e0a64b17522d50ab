"""How satisfaction goes on mattering: effects of this and earlier periods, in panels and in one series."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from cxresearch import checks, defaults
from cxresearch.language import Words
from cxresearch.loyalty import notes, placebo
from cxresearch.loyalty.groups import Groups
from cxresearch.loyalty.projections import NOTE, project
from cxresearch.loyalty.results import PanelLags, SeriesLags
from cxresearch.loyalty.rows import Rows, check_whole, names, prepare
from cxresearch.loyalty.tables import effect_table, labelled, slope_table, t_critical, t_p_value
from cxresearch.numerics import hac, panel
from cxresearch.numerics.least_squares import RankError

if TYPE_CHECKING:
    import pandas as pd

Effects = Literal["two-way", "unit", "none"]
EFFECTS: Final = get_args(Effects)
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
    units' means: with nine periods, effects of 0.4, 0.3, 0.2, 0.1 and one value before, lag 0 came out at 0.36. A
    larger `past` mends that, and costs rows.

    With fewer than about 40 units the intervals are too short: see ``data/evidence/lags.csv``.

    It cannot tell an effect from a common cause that moves over time within units, nor from loyalty's feeding
    back on satisfaction (then a unit's later satisfaction depends on its earlier errors, and the estimates
    are biased, the more so the shorter the panel). It sees only who stayed in the panel. The last lag whose
    interval excludes zero is no estimate of how long effects last.

    Validated against plm's printed within estimates (Grunfeld, EmplUK), against least squares on dummy
    variables in statsmodels, and on simulated panels with known effects.

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
        notes=notes.panel_notes(
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


def series_lags(
    data: "pd.DataFrame",
    *,
    period: str,
    outcome: str,
    driver: str | Sequence[str],
    lags: int,
    bandwidth: int | None = None,
    confidence: float = defaults.CONFIDENCE,
    step: str = "auto",
) -> SeriesLags:
    """Estimate how an outcome depends on a driver now and 1, 2, … periods ago, in one time series.

    Decides how long a change shows in a single unit's record, such as a monthly poll, when there is no
    panel to compare units.

    Parameters
    ----------
    data : DataFrame
        One row per period; periods may be missing.
    period : str
        Column of whole numbers, dates, pandas Periods, or texts such as 2020-03.
    outcome : str
        Column to explain, in points.
    driver : str or list of str
        Column, or columns entered together, in points.
    lags : int
        Longest lag, in periods; lags 0 to `lags` enter together.
    bandwidth : int, optional
        Longest lag, in periods, over which errors may be correlated; 1.3 times the root of the series' length,
        rounded up, by default.
    confidence : float
        Coverage probability of the intervals.
    step : {"auto", "year", "quarter", "month", "week", "day"}
        As in `distributed_lags`.

    Returns
    -------
    SeriesLags
        ``table``: driver, lag (periods), estimate (points of outcome per point of driver that many periods ago),
        se (Newey-West), ci_low, ci_high, p_value, cumulative (sum of the effects up to that lag),
        cumulative_ci_low, cumulative_ci_high, n (periods used). ``covariance``: joint covariance of the effects.

    Raises
    ------
    InputError
        As `distributed_lags`; also if the bandwidth is no whole number from 0 upwards, or rows are no more than
        coefficients.

    Notes
    -----
    Least squares with an intercept; errors by Newey and West (1987), Bartlett kernel, with n / (n - k).
    A missing period counts as a score of zero at its place on the calendar (Datta and Du 2012). Intervals and
    p values use the fixed-b distribution of Kiefer and Vogelsang (2005), not the normal one, with the
    bandwidth that Lazarus, Lewis, Stock and Watson (2018) recommend for it. In our simulations
    (``data/evidence/lags.csv``) the older rule, 4 (n/100)^(2/9) with normal quantiles, covered less often in
    every scenario; ours still covers too seldom when both driver and errors are strongly autocorrelated and
    the series is short.

    It cannot tell an effect from a trend or an event that moves both series: nothing is held constant here.

    Validated against R's sandwich (``NeweyWest`` with ``prewhite = FALSE``) and against the critical values in
    Kiefer and Vogelsang (2002).

    References
    ----------
    Newey, W. K., & West, K. D. (1987). A simple, positive semi-definite, heteroskedasticity and
    autocorrelation consistent covariance matrix. Econometrica, 55, 703-708.

    Datta, D. D., & Du, W. (2012). Nonparametric HAC estimation for time series data with missing
    observations. International Finance Discussion Papers 1060.

    Lazarus, E., Lewis, D. J., Stock, J. H., & Watson, M. W. (2018). HAR inference: Recommendations for
    practice. Journal of Business & Economic Statistics, 36, 541-559.

    Examples
    --------
    >>> import pandas as pd
    >>> months = pd.period_range("2015-01", periods=60, freq="M")
    >>> score = pd.Series([((7 * i) % 11) / 2 for i in range(60)])
    >>> frame = pd.DataFrame({"month": months, "score": score, "loyalty": 2 * score + score.shift(1, fill_value=0)})
    >>> result = series_lags(frame, period="month", outcome="loyalty", driver="score", lags=2)
    >>> result.table["estimate"].abs().round(6).tolist()
    [2.0, 1.0, 0.0]
    """
    checks.confidence(confidence)
    drivers, longest = names(driver, "driver"), check_whole("lags", lags, "the longest lag, in periods")
    if bandwidth is not None:
        bandwidth = check_whole("bandwidth", bandwidth, "how many periods errors may be correlated over")
    rows = prepare(
        data,
        unit=None,
        period=period,
        outcome=outcome,
        drivers=drivers,
        covariates=[],
        lags=longest,
        effects="none",
        step=step,
    )
    if np.ptp(rows.y) == 0:
        raise checks.InputError(f"outcome={outcome!r} does not change in the {len(rows.y)} rows used")
    time = (rows.time - rows.time[0]) // rows.step.size
    try:
        fitted = hac.fit(rows.y, rows.x, time, bandwidth=bandwidth)
    except RankError as error:
        raise checks.InputError(_rank_message(error, rows, "none")) from None
    except ValueError as error:
        raise checks.InputError(f"{error}; fewer lags or a longer series is needed") from None
    covariance = fitted.covariance[1:, 1:]
    return SeriesLags(
        table=effect_table(
            rows.terms,
            fitted.coef[1:],
            covariance,
            critical=hac.critical_value(confidence, fitted.fraction),
            p_value=lambda t: hac.p_value(t, fitted.fraction),
            n=fitted.n,
        ),
        sample=rows.sample,
        notes=notes.series_notes(rows, fitted, period),
        confidence=confidence,
        covariance=labelled(covariance, rows.terms),
        outcome=outcome,
        drivers=tuple(drivers),
        lags=longest,
        step=rows.step,
        period=period,
        bandwidth=fitted.bandwidth,
        fraction=fitted.fraction,
    )


def fit_or_say(rows: Rows, effects: Effects, outcome: str, units: int | None = None) -> panel.Fit:
    """Fit, and say in the caller's words what stands in the way."""
    try:
        fitted = panel.fit(rows.y, rows.x, rows.unit, rows.period, effects=effects, weights=rows.weights, units=units)
    except RankError as error:
        raise checks.InputError(_rank_message(error, rows, effects)) from None
    except ValueError as error:
        raise checks.InputError(f"{error}; fewer lags, or more units or periods, are needed") from None
    if fitted.outcome_spread == 0:
        within = "" if effects == "none" else f" beyond {effects} effects"
        raise checks.InputError(f"outcome={outcome!r} does not change{within} in the {fitted.n} rows used")
    return fitted


def _rank_message(error: RankError, rows: Rows, effects: str) -> str:
    name, lag = rows.terms[error.column]
    role = "driver" if error.column < rows.drivers or lag < 0 else "covariates"
    at = f" at {'lag' if lag > 0 else 'lead'} {abs(lag)}" if lag else ""
    where = f"{role}={name!r}{at}"
    if error.reason == "constant":
        return f"{where} never changes in the {len(rows.y)} rows used; nothing can be estimated from it"
    if error.reason == "collinear":
        return f"{where} is explained by the columns before it (with {effects} effects); use fewer lags or columns"
    column = rows.x[:, [error.column]]
    for codes, why in ((rows.unit, "never changes within a unit"), (rows.period, "is the same for all in each period")):
        left = panel.within(column, codes).columns
        if np.abs(left).max() <= 1e-8 * np.abs(column - column.mean()).max():
            return f"{where} {why}, so {effects} effects leave nothing of it to estimate from"
    return f"{where} is explained by unit and period effects together; nothing is left to estimate from"
