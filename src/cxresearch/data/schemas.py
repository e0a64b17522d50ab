"""What a table must look like, and which rows break it.

========== ============================================= ======================================= ==================
schema     must have                                     may have                                no duplicates of
========== ============================================= ======================================= ==================
panel      customer, year, satisfaction, loyalty         community                               customer × year
ratings    outlet, shopper, score                        visit, item                             outlet × shopper ×
                                                                                                 visit × item
responses  unit, and at least one column of numbers      respondent                              respondent
episodes   episode, position, score, overall                                                     episode × position
complaints id, class, opened                             closed, unit                            id
========== ============================================= ======================================= ==================

Names are ours, after `read` has renamed the file's columns; further columns are allowed everywhere.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, Literal

from cxresearch import checks
from cxresearch.checks import InputError, listed, nearest

if TYPE_CHECKING:
    import pandas as pd

Type = Literal["id", "number", "whole", "period", "date"]

MOST_LINES = 5
"""How many problems a refusal lists."""

_RIGHT: Final[dict[str, str]] = {
    "number": "is not a number; write one such as 4.5, or leave the cell empty",
    "finite": "is infinite; write a finite number, or leave the cell empty",
    "whole": "is not a whole number; write one such as 3",
    "period": "is not a period; write a whole number such as 2024, or a date such as 2024-06-30",
    "date": "is not a date; write one such as 2024-06-30",
}


@dataclass(frozen=True)
class Schema:
    """Columns a table must and may have, the key that must not repeat, and rules across columns."""

    required: dict[str, Type]
    optional: dict[str, Type]
    key: tuple[str, ...]
    may_be_empty: tuple[str, ...] = ()


SCHEMAS: Final[dict[str, Schema]] = {
    "panel": Schema(
        {"customer": "id", "year": "period", "satisfaction": "number", "loyalty": "number"},
        {"community": "id"},
        ("customer", "year"),
    ),
    "ratings": Schema(
        {"outlet": "id", "shopper": "id", "score": "number"},
        {"visit": "id", "item": "id"},
        ("outlet", "shopper", "visit", "item"),
    ),
    "responses": Schema({"unit": "id"}, {"respondent": "id"}, ("respondent",)),
    "episodes": Schema(
        {"episode": "id", "position": "whole", "score": "number", "overall": "number"},
        {},
        ("episode", "position"),
    ),
    "complaints": Schema(
        {"id": "id", "class": "id", "opened": "date"},
        {"closed": "date", "unit": "id"},
        ("id",),
        may_be_empty=("closed",),
    ),
}


@dataclass(frozen=True)
class _Problem:
    row: int
    tell: Callable[[], str]  # called for the few that are shown: a broken column may have a million


def refuse_unknown(schema: str) -> None:
    """Refuse a schema's name that is not known."""
    checks.choice("schema", schema, SCHEMAS)


def check(frame: "pd.DataFrame", schema: str, source: str, *, rows: Iterable[int] | None = None) -> "pd.DataFrame":
    """Hold a table to a schema.

    Parameters
    ----------
    frame : DataFrame
        The table, with our column names.
    schema : {"panel", "ratings", "responses", "episodes", "complaints"}
        What it must look like.
    source : str
        Name of the file for messages.
    rows : iterable of int, optional
        Row numbers for messages; by default as a spreadsheet shows them: the header is row 1.

    Returns
    -------
    DataFrame
        The table; numbers, periods and dates that came as text are numbers and dates.

    Raises
    ------
    InputError
        If it does not fit. The first problems are listed, a line each: column, row, value and what would
        be right.
    """
    import pandas as pd

    refuse_unknown(schema)
    rules = SCHEMAS[schema]
    numbered = frame.set_axis(pd.RangeIndex(2, len(frame) + 2) if rows is None else pd.Index(list(rows)))
    _refuse_missing(numbered, rules, schema, source)
    problems = _cell_problems(numbered, schema)
    checked = _converted(numbered, rules)
    if not problems:  # a broken cell would only be reported twice
        problems = _repeated(checked, rules.key) + _across(checked, schema)
    if problems:
        more = len(problems) - MOST_LINES
        lines = [f"{source}, {p.tell()}" for p in sorted(problems, key=lambda p: p.row)[:MOST_LINES]]
        raise InputError("\n".join(lines + ([f"… {more:,} more"] if more > 0 else [])))
    return checked.set_axis(frame.index)


def summary(frame: "pd.DataFrame", schema: str) -> str:
    """Say in one line what a table that fits a schema holds."""
    columns = _types(frame, SCHEMAS[schema])
    if schema == "responses":
        columns |= dict.fromkeys(_numeric(frame), "number")
    parts: list[str] = []
    for name, kind in columns.items():
        many = frame[name].count() if kind == "number" else frame[name].nunique()
        word = " numbers" if kind == "number" else " different" if not parts else ""
        parts.append(f"{name} ({many:,}{word})")
    return ", ".join(parts)


def _types(frame: "pd.DataFrame", rules: Schema) -> dict[str, Type]:
    found = {name: kind for name, kind in (rules.required | rules.optional).items() if name in frame.columns}
    return {name: kind for name, kind in found.items() if kind != "number"} | {
        name: kind for name, kind in found.items() if kind == "number"
    }


def _numeric(frame: "pd.DataFrame") -> list[str]:
    numbers = frame.select_dtypes("number").columns
    return [name for name in numbers if name not in ("unit", "respondent")]


def _refuse_missing(frame: "pd.DataFrame", rules: Schema, schema: str, source: str) -> None:
    missing = [name for name in rules.required if name not in frame.columns]
    if missing:
        name, have = missing[0], list(frame.columns)
        raise InputError(
            f"{source}: schema {schema!r} needs the column {listed(missing)}{nearest(name, have)}; the file has "
            f"{listed(have)}. Map names with columns={{{name!r}: 'name in the file'}}, on the command line "
            f"with --column {name}=NAME"
        )
    if schema == "responses" and not _numeric(frame):
        raise InputError(
            f"{source}: schema 'responses' needs a column of numbers besides unit; there is none{_almost(frame)}"
        )


def _almost(frame: "pd.DataFrame") -> str:
    """Name the first cell that keeps a column from being numbers, in the column that has most of them."""
    texts = [frame[name] for name in frame.columns if name not in ("unit", "respondent") and frame[name].notna().any()]
    best = max(texts, key=lambda column: _numbers(column).count(), default=None)
    if best is None or not _numbers(best).count():
        return ""
    bad = best.index[best.notna() & _numbers(best).isna()]
    if not len(bad):
        return f" ({best.name!r} holds codes with leading zeros, or numbers of 16 digits and more)"
    row = bad[0]
    return f" ({_told(frame, str(best.name), row, 'number')})"


def _dates(column: "pd.Series") -> "pd.Series":
    """Read dates as 2024-06-30, 2024/6/30 or 2024年6月30日, with or without time; what is none is missing.

    Day and month in another order are not guessed.
    """
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column
    if not pd.api.types.is_string_dtype(column.dtype):
        return pd.Series(pd.NaT, index=column.index, name=column.name)
    text = column.astype("str").str.replace(r"日\s*", " ", regex=True).str.strip()
    text = text.str.replace(r"^(\d{4})[/.年](\d{1,2})[/.月]", r"\1-\2-", regex=True)
    text = text.where(text.str.match(r"\d{4}-\d{1,2}-\d{1,2}(?!\d)"))
    return pd.to_datetime(text, errors="coerce", format="ISO8601")


def _numbers(column: "pd.Series") -> "pd.Series":
    """Return a column as numbers; what is none is missing."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return column
    plain = column.astype("str")
    return pd.to_numeric(plain.where(plain.str.fullmatch(r"-?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?")), errors="coerce")


def _whole(column: "pd.Series") -> "pd.Series":
    """Return a column as whole numbers; what is none is missing."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column.dtype):
        return pd.Series(float("nan"), index=column.index, name=column.name)
    numbers = _numbers(column)
    numbers = numbers.where(numbers % 1 == 0)
    return numbers if numbers.hasnans else numbers.astype("int64")


def _periods(column: "pd.Series") -> "pd.Series":
    """Return a column as whole numbers or as dates, whichever it holds more of."""
    whole, dates = _whole(column), _dates(column)
    return whole if whole.count() >= dates.count() else dates


_READ: Final[dict[str, Callable[["pd.Series"], "pd.Series"]]] = {
    "number": _numbers,
    "whole": _whole,
    "period": _periods,
    "date": _dates,
}


def _converted(frame: "pd.DataFrame", rules: Schema) -> "pd.DataFrame":
    return frame.assign(
        **{name: _READ[kind](frame[name]) for name, kind in _types(frame, rules).items() if kind in _READ}
    )


@cache
def _pandera(schema: str) -> Any:
    """Build the pandera schema; pandera is imported only here, because it takes a second."""
    import pandera.pandas as pa

    def tests(kind: str) -> list[Any]:
        readable = [pa.Check(lambda column: _READ[kind](column).notna(), name=kind)] if kind in _READ else []
        finite = [pa.Check(lambda column: _numbers(column).abs() != float("inf"), name="finite")]
        return readable + (finite if kind == "number" else [])

    rules = SCHEMAS[schema]
    columns = {
        name: pa.Column(
            checks=tests(kind),
            nullable=kind == "number" or name in rules.may_be_empty,
            required=name in rules.required,
        )
        for name, kind in (rules.required | rules.optional).items()
    }
    return pa.DataFrameSchema(columns)


def _cell_problems(frame: "pd.DataFrame", schema: str) -> list[_Problem]:
    import pandera.errors

    try:
        _pandera(schema).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as found:
        cases = found.failure_cases
        return [
            _Problem(int(row), partial(_told, frame, str(column), int(row), str(test)))
            for column, test, row in zip(cases["column"], cases["check"], cases["index"], strict=True)
        ]
    return []


def _told(frame: "pd.DataFrame", column: str, row: int, test: str) -> str:
    place = f"column {column!r}, row {row}"
    if test == "not_nullable":
        return f"{place}: must not be empty"
    value = frame[column].loc[row]
    value = value if isinstance(value, str) else value.item() if hasattr(value, "item") else value
    right = _RIGHT[test]
    if test == "number" and re.fullmatch(r"-?[0-9]*,[0-9]+", str(value)):
        right = f"has a decimal comma; write {str(value).replace(',', '.')}"
    return f"{place}: {value!r} {right}"


def _repeated(frame: "pd.DataFrame", key: tuple[str, ...]) -> list[_Problem]:
    """Find rows whose key occurred before."""
    columns = [name for name in key if name in frame.columns]
    if not columns:
        return []
    later = frame.duplicated(columns, keep="first") & frame[columns].notna().all(axis=1)
    if not later.any():
        return []
    rows = frame.index.to_series()
    first = rows.groupby([frame[name] for name in columns]).transform("first")

    def tell(row: int) -> str:
        key_there = ", ".join(f"{name} {_shown(frame[name].loc[row])}" for name in columns)
        only = f"there must be one row for each {' × '.join(columns)}"
        return f"row {row}: {key_there} is in row {int(first.loc[row])} already; {only}"

    return [_Problem(int(row), partial(tell, int(row))) for row in frame.index[later]]


def _across(frame: "pd.DataFrame", schema: str) -> list[_Problem]:
    """Check what holds between columns or rows of one schema."""
    if schema == "complaints" and "closed" in frame.columns:
        wrong = frame["closed"] < frame["opened"]

        def tell(row: int) -> str:
            opened, closed = (_shown(frame[name].loc[row]) for name in ("opened", "closed"))
            right = "a complaint is closed on a later day, or not yet (leave the cell empty)"
            return f"column 'closed', row {row}: {closed} lies before it was opened, {opened}; {right}"

    elif schema == "episodes":
        before = frame.groupby("episode")["overall"].transform("first")
        wrong = frame["overall"].notna() & (frame["overall"] != before)

        def tell(row: int) -> str:
            episode, overall = (_shown(frame[name].loc[row]) for name in ("episode", "overall"))
            return f"column 'overall', row {row}: {overall}, but episode {episode} has {before.loc[row]} further up"

    else:
        return []
    return [_Problem(int(row), partial(tell, int(row))) for row in frame.index[wrong]]


def _shown(value: Any) -> str:
    text = str(value)
    return text.removesuffix(" 00:00:00") if text.endswith(" 00:00:00") else text
