"""From the caller's frame to the rows that a study of lags can use, with every dropped row accounted for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.loyalty.periods import Calendar, Step, calendar, shown
from cxresearch.numerics.panel import lag_rows
from cxresearch.result import Sample

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_UNIT: Final = Words("unit missing", "单位缺失")
NO_PERIOD: Final = Words("period missing", "时期缺失")
NO_OUTCOME: Final = Words("outcome missing", "结果变量缺失")
NO_DRIVER: Final = Words("driver missing", "驱动因素缺失")
NO_COVARIATE: Final = Words("covariate missing", "协变量缺失")
TOO_EARLY: Final = Words("a lag lies before the first row", "滞后期早于首行")
GAP: Final = Words("a lag lies in a gap", "滞后期落在缺口中")
NO_WEIGHT: Final = Words("weight missing or zero", "权重缺失或为零")
NO_FUTURE: Final = Words("a later period is missing", "缺少之后的时期")
ALONE: Final = Words(
    "alone in its unit or period, whose effect absorbs it", "在其单位或时期中只有一行，被该效应完全吸收"
)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Complete rows, sorted by unit and period.

    Parameters
    ----------
    y : array, shape (n,)
        Outcome.
    x : array, shape (n, k)
        Drivers, each from lag 0 to the longest, then covariates, then the drivers' leads.
    terms : tuple of (str, int), length k
        Column and lag of each regressor; covariates have lag 0, leads lags below 0.
    drivers : int
        How many of the terms are drivers' lags.
    unit, time : array of int, shape (n,)
        Unit code, and number of the period.
    position : array of int, shape (n,)
        Row number in the caller's frame.
    step : Step
        Length of a period.
    sample : Sample
        Rows used and dropped.
    weights : array, shape (n,), or None
        Weight of each row; None if all count alike.
    """

    y: Floats
    x: Floats
    terms: tuple[tuple[str, int], ...]
    drivers: int
    unit: Integers
    time: Integers
    position: Integers
    step: Step
    sample: Sample
    weights: Floats | None = None

    @property
    def period(self) -> Integers:
        """Period codes from 0, as effects need them."""
        return _codes(self.time)

    def only(self, keep: Flags, effects: str) -> "Rows":
        """Return the rows of a part, less those that are alone in their unit or period there."""
        keep = keep & ~alone(self.unit, self.time, keep, effects)
        return replace(
            self,
            y=self.y[keep],
            x=self.x[keep],
            unit=self.unit[keep],
            time=self.time[keep],
            position=self.position[keep],
            weights=None if self.weights is None else self.weights[keep],
        )


def check_whole(argument: str, value: object, meaning: str) -> int:
    """Return a count as int, or refuse what is no whole number from 0 upwards."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise checks.InputError(f"{argument}={value!r} must be a whole number from 0 upwards: {meaning}")
    return int(value)


def names(given: str | Sequence[str], argument: str) -> list[str]:
    """Return one column name or several as a list, each once.

    Raises
    ------
    InputError
        If a name comes twice.
    """
    columns = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    for name in columns:
        if columns.count(name) > 1:
            raise checks.InputError(f"{argument}: {name!r} is named twice")
    return columns


def prepare(
    data: "pd.DataFrame",
    *,
    unit: str | None,
    period: str,
    outcome: str,
    drivers: list[str],
    covariates: list[str],
    lags: int,
    effects: str,
    step: str,
    leads: int = 0,
    weights: str | None = None,
) -> Rows:
    """Check the columns, look up every lag on the calendar, and keep the rows where nothing is missing.

    Parameters
    ----------
    data : DataFrame
        The caller's frame; left unchanged.
    unit : str or None
        Column that names the unit; None for one series.
    period, outcome : str
        Columns.
    drivers, covariates : list of str
        Columns; drivers are lagged, covariates are not.
    lags : int
        Longest lag.
    effects : {"two-way", "unit", "none"}
        Decides which rows stand alone.
    step : str
        Length of a period, or "auto".
    leads : int
        Periods ahead to look up too.
    weights : str, optional
        Column of weights.

    Raises
    ------
    InputError
        If a column cannot be used, a unit has two rows in a period, or no row is left.
    """
    _check(data, unit=unit, period=period, outcome=outcome, drivers=drivers, covariates=covariates, weights=weights)
    codes, labels = _units(data, unit)
    when = calendar(data[period], "period", codes, step)
    y = _numbers(data, "outcome", outcome)
    driver = np.column_stack([_numbers(data, "driver", name) for name in drivers])
    other = [_numbers(data, "covariates", name) for name in covariates]
    covariate = np.column_stack(other) if other else np.empty((len(data), 0))
    weight = None if weights is None else _weights(data, weights)

    placed = np.flatnonzero((codes >= 0) & when.known)
    order = placed[np.lexsort((when.index[placed], codes[placed]))]
    _refuse_duplicates(data, order, codes, when, labels)
    _refuse_too_few(codes[order], when.index[order], labels, unit, period)

    sorted_unit, sorted_time = codes[order], when.index[order]
    rows = lag_rows(sorted_unit, sorted_time, lags, when.step.size)
    lagged = np.where((rows >= 0)[:, :, None], driver[order][rows], np.nan)
    ahead = lead_rows(lag_rows(sorted_unit, sorted_time, leads, when.step.size))
    leading = np.where((ahead >= 0)[:, :, None], driver[order][ahead], np.nan)
    here = _Audit(len(order))
    here.dropped = [(NO_UNIT, int((codes < 0).sum())), (NO_PERIOD, int(((codes >= 0) & ~when.known).sum()))]
    here.drop(np.isnan(y[order]), NO_OUTCOME)
    here.drop(np.isnan(driver[order]).any(axis=1), NO_DRIVER)
    here.drop(np.isnan(covariate[order]).any(axis=1), NO_COVARIATE)
    if weight is not None:
        here.drop(~(weight[order] > 0), NO_WEIGHT)
    incomplete = np.isnan(lagged).reshape(len(order), -1).any(axis=1)
    first = _first_of_unit(sorted_unit, sorted_time)
    early = sorted_time - lags * when.step.size < first
    here.drop(incomplete & early, TOO_EARLY)
    here.drop(incomplete, GAP)
    if leads:
        here.drop(np.isnan(leading).reshape(len(order), -1).any(axis=1), NO_FUTURE)
    here.drop(alone(sorted_unit, sorted_time, here.left, effects), ALONE)

    keep = here.left
    _refuse_none_left(here, lags, leads, sorted_unit, when.step)
    terms = [(name, lag) for name in drivers for lag in range(lags + 1)] + [(name, 0) for name in covariates]
    terms += [(name, -lead) for name in drivers for lead in range(1, leads + 1)]
    # (row, lag, driver) becomes (row, driver, lag): each driver's lags side by side
    wide = lagged[keep].transpose(0, 2, 1).reshape(int(keep.sum()), -1)
    beyond = leading[keep].transpose(0, 2, 1).reshape(int(keep.sum()), -1)
    counts = {} if unit is None else {"units": _count(sorted_unit[keep])}
    counts["periods"] = _count(_codes(sorted_time[keep]))
    return Rows(
        y=y[order][keep],
        x=np.column_stack([wide, covariate[order][keep], beyond]),
        terms=tuple(terms),
        drivers=len(drivers) * (lags + 1),
        unit=sorted_unit[keep],
        time=sorted_time[keep],
        position=order[keep],
        step=when.step,
        sample=Sample(len(data), int(keep.sum()), tuple(here.dropped), counts),
        weights=None if weight is None else weight[order][keep],
    )


class _Audit:
    """Counts rows as they are dropped; each row is counted for the first reason that holds."""

    def __init__(self, rows: int) -> None:
        self.left: Flags = np.ones(rows, dtype=bool)
        self.dropped: list[tuple[Words, int]] = []

    def drop(self, mask: Flags | np.bool_, why: Words) -> None:
        self.dropped.append((why, int((self.left & mask).sum())))
        self.left = self.left & ~mask


def _check(data: "pd.DataFrame", *, unit: str | None, period: str, outcome: str, drivers: list[str],
           covariates: list[str], weights: str | None) -> None:  # fmt: skip
    # in lists, since a column may be called 0 or ("a", "b")
    checks.columns(
        data,
        unit=[] if unit is None else [unit],
        period=[period],
        outcome=[outcome],
        driver=drivers,
        covariates=covariates,
        weights=[] if weights is None else [weights],
    )
    if not len(data):
        raise checks.InputError("data has no rows")
    if not drivers:
        raise checks.InputError("driver names no column; name one or more")
    roles: dict[str, str] = {}
    for role, columns in (("unit", [unit] if unit is not None else []), ("period", [period]), ("outcome", [outcome]),
                          ("driver", drivers), ("covariates", covariates)):  # fmt: skip
        for name in columns:
            if name in roles:
                raise checks.InputError(f"{role}={name!r} is the {roles[name]} already; name another column")
            roles[name] = role


def _units(data: "pd.DataFrame", unit: str | None) -> tuple[Integers, "pd.Index | None"]:
    import pandas as pd

    if unit is None:
        return np.zeros(len(data), dtype=np.int64), None
    codes, labels = pd.factorize(data[unit])
    return codes.astype(np.int64), pd.Index(labels)


def _numbers(data: "pd.DataFrame", argument: str, column: str) -> Floats:
    """Return a column as floats, with a hint if it answers yes or no in words."""
    try:
        return checks.numbers(data, argument, column)
    except checks.InputError as error:
        words = {str(value).strip().lower() for value in data[column].dropna().unique()[:3]}
        if len(words) <= 2 and words & {"yes", "no", "y", "n", "true", "false", "是", "否"}:
            raise checks.InputError(f"{error}; code yes as 1 and no as 0") from None
        raise


def _refuse_duplicates(
    data: "pd.DataFrame", order: Integers, codes: Integers, when: Calendar, labels: "pd.Index | None"
) -> None:
    twice = (np.diff(codes[order]) == 0) & (np.diff(when.index[order]) == 0)
    if twice.any():
        at = int(twice.argmax())
        one, two = data.index[order[at]], data.index[order[at + 1]]
        rows = f"two rows in {when.step.label(int(when.index[order[at]]))} (rows {one} and {two})"
        if labels is None:
            raise checks.InputError(f"data: {rows}; a series has one per period (several units: distributed_lags)")
        name = shown(labels[codes[order[at]]])
        raise checks.InputError(f"data: {name} has {rows}; one row per unit and period is needed")


def _refuse_too_few(units: Integers, times: Integers, labels: "pd.Index | None", unit: str | None, period: str) -> None:
    if not len(units):
        raise checks.InputError("data: no row has both its unit and its period")
    if labels is not None and units[0] == units[-1]:
        raise checks.InputError(
            f"unit={unit!r}: {shown(labels[units[0]])} is the only unit; a panel needs two (one series: series_lags)"
        )
    if (times == times[0]).all():
        raise checks.InputError(f"period={period!r}: all rows are of one period; lags need two or more")


def _refuse_none_left(audit: _Audit, lags: int, leads: int, units: Integers, step: Step) -> None:
    if audit.left.any():
        return
    reasons = ", ".join(f"{n} {why.en}" for why, n in audit.dropped if n)
    longest = int(np.bincount(units).max())
    asked = f"lags={lags}" if not leads else f"lags={lags} with leads={leads}"
    raise checks.InputError(
        f"no rows are left ({reasons}); {asked} needs {step.length(lags + leads + 1)} in a row, "
        f"and the longest unit has {longest} rows"
    )


def _weights(data: "pd.DataFrame", column: str) -> Floats:
    """Return weights; refuse negative ones."""
    weight = checks.numbers(data, "weights", column)
    if (weight < 0).any():
        at = int((weight < 0).argmax())
        raise checks.InputError(f"weights={column!r}: row {data.index[at]} holds {weight[at]:g}; weights are 0 or more")
    return weight


def lead_rows(lagged: Integers) -> Integers:
    """Turn the rows of lags 1, 2, … into the rows of leads 1, 2, …: the row whose past a row is."""
    ahead = np.full((len(lagged), lagged.shape[1] - 1), -1, dtype=np.int64)
    for lead in range(1, lagged.shape[1]):
        later = np.flatnonzero(lagged[:, lead] >= 0)
        ahead[lagged[later, lead], lead - 1] = later
    return ahead


def _first_of_unit(units: Integers, times: Integers) -> Integers:
    starts = np.flatnonzero(np.r_[True, np.diff(units) != 0])
    return np.repeat(times[starts], np.diff(np.r_[starts, len(units)]))


def alone(units: Integers, times: Integers, left: Flags, effects: str) -> Flags:
    """Tell which rows an effect of their own would absorb; dropping one may leave another alone.

    Parameters
    ----------
    units, times : array of int, shape (n,)
        Codes of what has effects.
    left : array of bool, shape (n,)
        Rows that are not dropped yet.
    effects : {"two-way", "unit", "none"}
        Which of the two have effects.
    """
    found = np.zeros(len(units), dtype=bool)
    if effects == "none":
        return found
    periods = _codes(times)
    factors = [units, periods] if effects == "two-way" else [units]
    while True:
        still = left & ~found
        more = np.zeros_like(found)
        for codes in factors:
            more |= still & (np.bincount(codes[still], minlength=int(codes.max()) + 1)[codes] == 1)
        if not more.any():
            return found
        found |= more


def _codes(values: Integers) -> Integers:
    """Return each value's place among the distinct ones, from 0."""
    apart = values - values.min()
    if apart.max() > 10 * len(values) + 1000:
        return np.unique(values, return_inverse=True)[1]
    seen = np.bincount(apart) > 0  # a table of all values is faster than a sort
    return np.asarray((np.cumsum(seen) - 1)[apart])


def _count(codes: Integers) -> int:
    return int(np.count_nonzero(np.bincount(codes)))
