"""How satisfaction goes on mattering: effects of this and earlier periods, in panels and in one series."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from cxresearch import checks, defaults
from cxresearch.loyalty import notes
from cxresearch.loyalty.groups import Groups
from cxresearch.loyalty.results import PanelLags, SeriesLags
from cxresearch.loyalty.rows import Rows, check_whole, names, prepare
from cxresearch.loyalty.tables import effect_table, labelled, slope_table, t_critical, t_p_value
from cxresearch.numerics import hac, panel
from cxresearch.numerics.least_squares import RankError

if TYPE_CHECKING:
    import pandas as pd

Effects = Literal["two-way", "unit", "none"]
EFFECTS: Final = get_args(Effects)


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

    Returns
    -------
    PanelLags
        ``table``: driver, lag (periods), estimate (points of outcome per point of driver that many periods ago),
        se, ci_low, ci_high, p_value, cumulative (sum of the effects up to that lag), cumulative_ci_low,
        cumulative_ci_high, n (rows). ``covariance``: joint covariance of the effects. ``controls``: the
        covariates' slopes. ``sample``: rows dropped for missing values, for lags before a unit's first row
        or in a gap, and for standing alone in their unit or period.

    Raises
    ------
    InputError
        If a column is missing or not numeric, periods cannot be placed on a calendar, a unit has two rows in
        a period, a driver never changes or is explained by the effects or the other columns, or too little
        is left: fewer than two units or periods, or no row with all its lags.

    Notes
    -----
    ``outcome[i, t] = unit[i] + period[t] + sum over k of effect[k] * driver[i, t - k] + error[i, t]``, by
    least squares; the effects are swept out exactly, however unbalanced the panel is. Lags are calendar lags:
    a gap makes a missing value, never a shift.

    Errors are clustered by unit (Arellano 1987), so they hold under any correlation over time within a unit
    and any heteroscedasticity, with the factor G/(G-1) * (N-1)/(N-K): G units, N rows, K slopes, where the
    effects are not counted. t has G-1 degrees of freedom. Units are taken to be independent of each other.

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
    checks.columns(data, group=[] if group is None else [group])
    rows = prepare(
        data,
        unit=unit,
        period=period,
        outcome=outcome,
        drivers=drivers,
        covariates=others,
        lags=longest,
        effects=effects,
        step=step,
    )
    fitted = fit_or_say(rows, effects, outcome)
    groups = None if group is None else Groups(data[group], rows, effects=effects, confidence=confidence)
    critical = float(t_critical(confidence, fitted.df))
    k = rows.drivers
    covariance = fitted.covariance[:k, :k]
    return PanelLags(
        table=effect_table(
            rows.terms[:k],
            fitted.coef[:k],
            covariance,
            critical=critical,
            p_value=t_p_value(fitted.df),
            n=fitted.n,
        ),
        sample=rows.sample,
        notes=notes.panel_notes(
            rows, fitted, effects=effects, period=period, outcome=outcome, movers=groups.movers if groups else 0
        ),
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


def fit_or_say(rows: Rows, effects: Effects, outcome: str) -> panel.Fit:
    """Fit, and say in the caller's words what stands in the way."""
    try:
        fitted = panel.fit(rows.y, rows.x, rows.unit, rows.period, effects=effects)
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
    role = "driver" if error.column < rows.drivers else "covariates"
    at = f" at lag {lag}" if lag else ""
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
