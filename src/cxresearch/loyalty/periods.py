"""When a row was observed: numbers, dates and texts such as 2020-03 become places on one calendar.

Lags are calendar lags, so the length of a period has to be known before anything is lagged. Closing gaps
up by shifting rows would compare January with the December two years before.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.language import Words

if TYPE_CHECKING:
    import pandas as pd

Integers = NDArray[np.int64]
Unit = Literal["year", "quarter", "month", "week", "day", "period"]

DAYS: Final[dict[str, float]] = {"year": 365.2425, "quarter": 91.310625, "month": 30.436875, "week": 7.0, "day": 1.0}
"""Units of the calendar, longest first, with their mean length in days."""
STEPS: Final = ("auto", *DAYS)
"""What `step` may be."""

WORDS: Final[dict[str, tuple[Words, Words]]] = {
    "year": (Words("year", "年"), Words("years", "年")),
    "quarter": (Words("quarter", "个季度"), Words("quarters", "个季度")),
    "month": (Words("month", "个月"), Words("months", "个月")),
    "week": (Words("week", "周"), Words("weeks", "周")),
    "day": (Words("day", "天"), Words("days", "天")),
    "period": (Words("period", "期"), Words("periods", "期")),
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """How long one period is.

    Parameters
    ----------
    unit : {"year", "quarter", "month", "week", "day", "period"}
        What a period's number counts; "period" where the data do not say.
    size : int
        Units per step, hence per lag: 2 for a survey held every second year.
    binned : bool
        Dates fall on varying days, and count for the unit they fall in.
    plain : bool
        The numbers are the caller's own, even where the caller said what they count.
    """

    unit: Unit
    size: int = 1
    binned: bool = False
    plain: bool = False

    def label(self, number: int) -> str:
        """Write a period's number as a reader knows it: 2015, 2020-03, 2020-Q1."""
        if self.plain:
            return str(number)
        if self.unit == "year":
            return str(1970 + number)
        if self.unit == "quarter":
            return f"{1970 + number // 4}-Q{number % 4 + 1}"
        if self.unit == "month":
            return str(np.datetime64(number, "M"))
        return str(np.datetime64(number if self.unit == "day" else 7 * number - 3, "D"))

    def length(self, lags: int, language: str = "en") -> str:
        """Write how long a number of lags lasts: ``3 years``, ``3 年``."""
        count = lags if self.unit == "period" else lags * self.size
        one, many = WORDS[self.unit]
        return f"{count} {(one if count == 1 else many)(language)}"

    def note(self, column: str) -> Words:
        """Say what one period is, and how that was found."""
        if self.unit == "period":
            return Words(
                f"One period is a step of {self.size} in {column!r}; the data do not say how long that is.",
                f"一期指“{column}”相差 {self.size}；数据没有说明一期有多长。",
            )
        if self.binned:
            return Words(
                f"One period is {self.length(1)}: dates in {column!r} fall on varying days, and count for the "
                f"{self.unit} they fall in.",
                f"一期为 {self.length(1, 'zh')}：“{column}”中的日期不固定在同一天，按所在的{_bare(self.unit)}计。",
            )
        return Words(f"One period is {self.length(1)}.", f"一期为 {self.length(1, 'zh')}。")


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """Rows placed on a calendar.

    Parameters
    ----------
    index : array of int, shape (n,)
        Number of each row's period; 0 where it is missing.
    known : array of bool, shape (n,)
        Rows whose period is given.
    step : Step
        How long one period is.
    """

    index: Integers
    known: NDArray[np.bool_]
    step: Step


def _bare(unit: str) -> str:
    return WORDS[unit][0]("zh").removeprefix("个")


@dataclass(frozen=True)
class _Parsed:
    """Distinct periods: numbers in `unit`, and days since 1970 where they are dates."""

    unit: Unit
    numbers: Integers
    days: Integers | None = None


def shown(value: Any) -> str:
    """Write a cell's value for a message, as a reader would type it."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def calendar(values: "pd.Series", argument: str, unit_codes: Integers, step: str = "auto") -> Calendar:
    """Place rows on a calendar.

    Parameters
    ----------
    values : Series
        The period column: whole numbers, dates, pandas Periods, or texts such as 2020, 2020-03, 202003,
        2020-Q1, 2020-W05, 2020-03-15, 2020年3月.
    argument : str
        The caller's argument, for messages.
    unit_codes : array of int, shape (n,)
        Whose row it is, from 0; below 0 if unknown.
    step : {"auto", "year", "quarter", "month", "week", "day"}
        Length of one period. "auto" takes it from the data: the greatest step that fits the periods of every unit.

    Raises
    ------
    InputError
        If a value is no period, or dates keep to no calendar step.
    """
    import pandas as pd

    checks.choice("step", step, STEPS)
    where = f"{argument}={values.name!r}"
    codes, distinct = pd.factorize(values)

    def refuse(position: int, why: str) -> checks.InputError:
        row = values.index[int(np.flatnonzero(codes == position)[0])]
        return checks.InputError(f"{where}: row {row} holds {shown(distinct[position])}; {why}")

    known = np.asarray(codes >= 0)
    if not known.any():
        raise checks.InputError(f"{where}: every row is empty; numbers, dates or texts such as 2020-03 are needed")
    parsed = _parse(distinct, refuse)
    rows = np.flatnonzero(known & (unit_codes >= 0))
    order = rows[np.lexsort((parsed.numbers[codes[rows]], unit_codes[rows]))]
    sorted_codes, same_unit = codes[order], np.diff(unit_codes[order]) == 0
    unit, numbers, binned = parsed.unit, parsed.numbers, False
    if step != "auto":
        unit, numbers = _forced(parsed, step, where)
        binned = parsed.days is not None and not _anchored(parsed.days, unit)
    elif parsed.days is not None:
        unit, numbers, binned = _inferred(parsed.days, sorted_codes, same_unit, where)
    apart = np.diff(numbers[sorted_codes])[same_unit]
    size = int(np.gcd.reduce(apart)) if apart.any() and step == "auto" else 1
    return Calendar(
        index=np.where(known, numbers[codes], 0),
        known=known,
        step=Step(unit=unit, size=size, binned=binned, plain=parsed.unit == "period"),
    )


def _parse(distinct: Any, refuse: Callable[[int, str], checks.InputError]) -> _Parsed:
    import pandas as pd

    if isinstance(distinct, pd.CategoricalIndex):
        distinct = pd.Index(np.asarray(distinct))
    if isinstance(distinct, np.ndarray):
        distinct = pd.Index(distinct)
    if isinstance(distinct, pd.PeriodIndex):
        return _periods(distinct)
    if isinstance(distinct, pd.DatetimeIndex):
        return _dates(distinct)
    if pd.api.types.is_bool_dtype(distinct):
        raise refuse(0, "true and false are no periods")
    if pd.api.types.is_numeric_dtype(distinct):
        return _numbers(distinct.to_numpy(dtype=float), refuse)
    kinds = pd.api.types.infer_dtype(distinct)
    if kinds in ("date", "datetime", "datetime64"):
        return _dates(pd.DatetimeIndex(distinct))
    if kinds == "period":
        return _periods(pd.PeriodIndex(distinct))
    return _texts([str(value).strip() for value in distinct], refuse)


def _periods(distinct: "pd.PeriodIndex") -> _Parsed:
    name = {"Y": "year", "A": "year", "Q": "quarter", "M": "month", "W": "week"}.get(distinct.freqstr.split("-")[0])
    days = distinct.start_time.to_numpy().astype("datetime64[D]").astype(np.int64)
    # a fiscal year or quarter need not begin in January: its last day tells the year it is named for
    ends = distinct.end_time.to_numpy().astype("datetime64[D]").astype(np.int64)
    return _Parsed(name, _bin(ends, name)) if name else _Parsed("day", days, days)  # type: ignore[arg-type]


def _dates(distinct: "pd.DatetimeIndex") -> _Parsed:
    days = distinct.tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64)
    return _Parsed("day", days, days)


def _numbers(values: NDArray[np.float64], refuse: Callable[[int, str], checks.InputError]) -> _Parsed:
    odd = ~np.isfinite(values) | (values != np.round(values))
    if odd.any():
        raise refuse(int(odd.argmax()), "a whole number is needed")
    if np.abs(values).max() > 2**53:
        raise refuse(int(np.abs(values).argmax()), "a number this large cannot be told from the next one")
    numbers = values.astype(np.int64)
    low, high = int(numbers.min()), int(numbers.max())
    if low >= 1900 and high <= 2100:
        return _Parsed("year", numbers - 1970)
    month = numbers % 100
    if low > 190000 and high < 210100 and ((month >= 1) & (month <= 12)).all():
        return _Parsed("month", (numbers // 100 - 1970) * 12 + month - 1)
    if low > 19000000 and high < 21010000:
        return _texts([str(number) for number in numbers], refuse)
    return _Parsed("period", numbers)


_YEAR = r"(?P<year>(?:19|20)\d\d)"
_FORMS: Final[list[tuple[Unit, re.Pattern[str]]]] = [
    ("year", re.compile(_YEAR + r"年?")),
    ("month", re.compile(_YEAR + r"(?:[-/.年]?(?P<month>0[1-9]|1[0-2])|[-/.年](?P<short>[1-9]))月?")),
    ("quarter", re.compile(_YEAR + r"\s*[-/年]?\s*(?:[Qq](?P<quarter>[1-4])|第?(?P<named>[1-4一二三四])季度?)")),
    ("week", re.compile(_YEAR + r"-?W(?P<week>\d\d)")),
    (
        "day",
        re.compile(_YEAR + r"(?:[-/.年](?P<month>\d\d?)[-/.月](?P<day>\d\d?)日?(?:[T ].*)?|(?P<mm>\d\d)(?P<dd>\d\d))"),
    ),
    ("period", re.compile(r"-?\d{1,9}")),
]


def _texts(texts: list[str], refuse: Callable[[int, str], checks.InputError]) -> _Parsed:
    for unit, form in _FORMS:
        found = [form.fullmatch(text) for text in texts]
        if found[0] is None:
            continue
        if None in found:
            at = found.index(None)
            raise refuse(at, f"other rows are written like {texts[0]!r}; write all periods alike")
        numbers = [_number(match, unit) for match in found if match]
        if None in numbers:
            raise refuse(numbers.index(None), "there is no such date")
        array = np.array(numbers, dtype=np.int64)
        return _Parsed(unit, array, array if unit == "day" else None)
    raise refuse(0, "numbers, dates or texts such as 2020, 2020-03, 2020-Q1, 2020-03-15 are needed")


def _number(match: "re.Match[str]", unit: Unit) -> int | None:
    """Return the number of a period written as text, or None if the calendar has none such."""
    part = match.groupdict()
    if unit == "period":
        return int(match.group())
    year = int(part["year"])
    if unit == "year":
        return year - 1970
    if unit == "month":
        return 12 * (year - 1970) + int(part["month"] or part["short"]) - 1
    if unit == "quarter":
        return 4 * (year - 1970) + "1234一二三四".index(part["quarter"] or part["named"]) % 4
    try:
        if unit == "week":
            day = date.fromisocalendar(year, int(part["week"]), 1)
        else:
            day = date(year, int(part["month"] or part["mm"]), int(part["day"] or part["dd"]))
    except ValueError:
        return None
    days = day.toordinal() - _EPOCH
    return (days + 3) // 7 if unit == "week" else days


_EPOCH: Final = 719163  # 1970-01-01 as a proleptic Gregorian ordinal


def _bin(days: Integers, unit: str) -> Integers:
    """Return the number of the unit that each day falls in; weeks begin on Monday."""
    if unit == "day":
        return days
    if unit == "week":
        return (days + 3) // 7
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // {"month": 1, "quarter": 3, "year": 12}[unit])


def _forced(parsed: _Parsed, step: str, where: str) -> tuple[Unit, Integers]:
    """Count in the step the caller asked for."""
    if parsed.unit == "period":
        return step, parsed.numbers  # type: ignore[return-value]
    if DAYS[step] < DAYS[parsed.unit]:
        raise checks.InputError(f"step={step!r}: {where} tells the {parsed.unit} only; choose step={parsed.unit!r}")
    if parsed.days is not None:
        return step, _bin(parsed.days, step)  # type: ignore[return-value]
    if parsed.unit == "week" and step != "week":
        raise checks.InputError(f"step={step!r}: weeks of {where} do not divide into it; choose step='week'")
    per = {"year": 12, "quarter": 3, "month": 1, "week": 1}
    return step, parsed.numbers * per[parsed.unit] // per[step]  # type: ignore[return-value]


def _inferred(
    days: Integers, sorted_codes: Integers, same_unit: NDArray[np.bool_], where: str
) -> tuple[Unit, Integers, bool]:
    """Find the longest unit of the calendar that holds at most one date of each unit, and that the dates keep to."""
    apart = np.diff(days[sorted_codes])[same_unit]
    repeated = apart == 0  # the same date twice is a duplicate, which is refused later by name
    apart = apart[~repeated]
    if not apart.size:
        return "day", days, False
    for unit, length in DAYS.items():
        numbers = _bin(days, unit)
        steps = np.diff(numbers[sorted_codes])[same_unit][~repeated]
        if (steps == 0).any():
            continue
        anchored = unit != "day" and _anchored(days, unit)
        near = np.abs(apart - steps * length) <= length / 2
        filled = len(steps) / (steps // np.gcd.reduce(steps)).sum()
        if anchored or (near.mean() >= 0.9 and filled >= 0.5):
            return unit, numbers, unit != "day" and not anchored  # type: ignore[return-value]
    first, second = np.sort(days)[:2].astype("datetime64[D]")
    raise checks.InputError(
        f"{where}: dates such as {first} and {second} keep to no calendar step; "
        "set step to year, quarter, month, week or day, or give a column of period numbers"
    )


def _anchored(days: Integers, unit: str) -> bool:
    """Tell whether all dates lie on the same day of the unit, or all on a month's last day."""
    if unit == "week":
        return len(np.unique(days % 7)) == 1
    if unit == "day":
        return True
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    day = days - months.astype("datetime64[D]").astype(np.int64)
    last = ((days + 1).astype("datetime64[D]").astype("datetime64[M]") != months).all()
    per = {"month": 1, "quarter": 3, "year": 12}[unit]
    return bool(len(np.unique(months.astype(np.int64) % per)) == 1 and (last or len(np.unique(day)) == 1))
