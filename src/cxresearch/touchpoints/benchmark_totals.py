"""Totals of answers by unit and touchpoint from frames that are not pandas', larger than memory too.

narwhals writes the query in the frame's own language and the frame's engine runs it: only the totals, a row per unit
and touchpoint, come into memory. Tested with DuckDB relations (over a folder of Parquet files, too), Polars frames,
eager and lazy, and pyarrow tables; Dask and Spark frames take the same way, untested.
"""

from collections.abc import Sequence
from typing import Any, cast

import narwhals as nw
import numpy as np
import pandas as pd

from cxresearch.checks import InputError, listed, nearest
from cxresearch.result import Sample
from cxresearch.touchpoints import benchmark_cells as cells

Frame = nw.LazyFrame[Any]


def from_frame(data: Any, *, unit: str, score: Sequence[str], touchpoint: str | None, min_n: int) -> cells.Cells:
    """Read single answers from any frame that narwhals knows, as `benchmark_cells.from_answers` reads pandas'.

    Raises
    ------
    InputError
        If a column is missing, or a score is not a finite number.
    """
    frame = _answers(data, unit, score, touchpoint)
    groups = _groups(frame, len(score))
    for i, column in enumerate(score):
        _refuse_infinite(frame, groups, i, column)
    table = _table(groups, score)
    yes_no = _yes_no(table)
    table["successes"] = np.round(table["n"] * table["mean"]) if yes_no else np.nan
    table["suppressed"] = table["n"] < min_n
    kept = table[["touchpoint", "unit", "n", "mean", "successes", "squares", "suppressed"]]
    notes = [cells.READ_AS_RATES] if yes_no else []
    if len(score) > 1:
        asked = int(groups["rows"].sum()) * len(score)
        notes += cells.empty_cells(asked - int(groups[[f"n{i}" for i in range(len(score))]].to_numpy().sum()), asked)
    return cells.Cells(
        table=kept,
        kind="rates" if yes_no else "means",
        top=1.0,
        sample=_audit(frame, groups, kept, score, min_n),
        notes=tuple(notes),
    )


def collect(data: Any, **arguments: str | Sequence[str] | None) -> pd.DataFrame:
    """Bring the named columns into memory as a pandas frame: for tables that are aggregated already.

    Raises
    ------
    InputError
        If a column is missing.
    """
    frame = cast("Frame", nw.from_native(data).lazy())
    names = [name for given in arguments.values() if given is not None for name in _columns(frame, given)]
    return _pandas(frame.select(*dict.fromkeys(names)))


def known(data: Any) -> bool:
    """Tell whether `data` is a frame that narwhals knows."""
    return isinstance(nw.from_native(data, pass_through=True), nw.DataFrame | nw.LazyFrame)


def _columns(frame: Frame, given: str | Sequence[str], argument: str = "columns") -> list[str]:
    names, schema = [given] if isinstance(given, str) else list(given), frame.collect_schema()
    for name in names:
        if name not in schema:
            raise InputError(
                f"{argument}={name!r}: no such column{nearest(name, schema)}; columns are {listed(schema)}"
            )
    return names


def _answers(data: Any, unit: str, score: Sequence[str], touchpoint: str | None) -> Frame:
    """Return unit, touchpoint, score0, …, not computed yet, NaN and infinity made empty; given0, … as they were."""
    frame = cast("Frame", nw.from_native(data).lazy())
    schema, columns = frame.collect_schema(), []
    for argument, key in (("unit", unit), ("touchpoint", touchpoint)):
        if key is not None:
            _columns(frame, key, argument)
            column = nw.col(key)
            columns.append(
                (nw.when(~column.is_nan()).then(column) if schema[key].is_float() else column).alias(argument)
            )
    for i, name in enumerate(_columns(frame, score, "score")):
        kind, column = schema[name], nw.col(name)
        if not (kind.is_numeric() or kind == nw.Boolean):
            raise InputError(f"score={name!r}: the column holds {kind}; numbers are needed")
        if kind.is_float():
            finite = nw.when(column.is_finite()).then(column)
            columns += [finite.alias(f"score{i}"), column.alias(f"given{i}")]
        else:
            columns.append(column.cast(nw.Float64 if kind.is_decimal() else nw.Int64).alias(f"score{i}"))
    return frame.select(*columns)


def _groups(frame: Frame, scores: int) -> pd.DataFrame:
    """Total every score by unit and touchpoint in one pass; groups that lack either are kept, for the audit."""
    have = frame.collect_schema()
    totals = [nw.len().alias("rows")]
    for i in range(scores):
        column = nw.col(f"score{i}")
        # variances, not sums of squares: engines compute them without losing digits
        parts = {"n": column.count(), "mean": column.mean(), "variance": column.var(ddof=0)}
        parts |= {"low": column.min(), "high": column.max()}
        totals += [part.alias(f"{name}{i}") for name, part in parts.items()]
        if f"given{i}" in have:
            totals.append(nw.col(f"given{i}").count())
    keys = [key for key in ("unit", "touchpoint") if key in have]
    if scores == 1:
        return _pandas(frame.group_by(*keys).agg(*totals)).assign(answered=lambda groups: groups["n0"])
    answered = frame.with_columns(_any_answer(range(scores)).cast(nw.Int64).alias("answered"))
    return _pandas(answered.group_by(*keys).agg(*totals, nw.col("answered").sum()))


def _any_answer(scores: Sequence[int]) -> nw.Expr:
    return nw.any_horizontal(*(~nw.col(f"score{i}").is_null() for i in scores), ignore_nulls=True)


def _pandas(frame: Frame) -> pd.DataFrame:
    return frame.collect(backend="pyarrow").to_pandas()


def _refuse_infinite(frame: Frame, groups: pd.DataFrame, i: int, column: str) -> None:
    given = nw.col(f"given{i}")
    if f"given{i}" not in groups or (groups[f"given{i}"] == groups[f"n{i}"]).all():
        return
    # some numbers are not finite: only now is it worth a second pass to tell infinity from NaN
    wrong = _pandas(frame.filter(~given.is_nan(), ~given.is_finite()).select("unit").head(1))
    if len(wrong):
        unit = wrong["unit"].iloc[0]
        raise InputError(f"score={column!r}: unit {unit!r} has an infinite answer; finite numbers are needed")


def _table(groups: pd.DataFrame, score: Sequence[str]) -> pd.DataFrame:
    """One row per unit and touchpoint that has an answer."""
    parts = []
    for i, column in enumerate(score):
        part = groups.rename(columns={f"{name}{i}": name for name in ("n", "mean", "variance", "low", "high")})
        part = part if "touchpoint" in part else part.assign(touchpoint=column)
        parts.append(part[["touchpoint", "unit", "n", "mean", "variance", "low", "high"]])
    table = pd.concat(parts, ignore_index=True)
    table = table[table["unit"].notna() & table["touchpoint"].notna() & (table["n"] > 0)].reset_index(drop=True)
    table = table.astype({"n": np.int64, "mean": float, "variance": float, "low": float, "high": float})
    return table.assign(squares=table["variance"] * table["n"])


def _yes_no(table: pd.DataFrame) -> bool:
    """Tell whether all answers are 0 or 1; of those between, they alone have the variance mean (1 - mean)."""
    if table.empty or table["low"].min() != 0 or table["high"].max() > 1:
        return False
    return bool(np.allclose(table["variance"], table["mean"] * (1 - table["mean"]), rtol=1e-9, atol=1e-9))


def _audit(frame: Frame, groups: pd.DataFrame, table: pd.DataFrame, score: Sequence[str], min_n: int) -> Sample:
    no_unit = groups["unit"].isna()
    no_touchpoint = ~no_unit & groups["touchpoint"].isna() if "touchpoint" in groups else no_unit & False
    named = groups[~no_unit & ~no_touchpoint]
    used, answered = _shown(frame, named, table, score), int(named["answered"].sum())
    dropped = (
        (cells.NO_UNIT, int(groups.loc[no_unit, "rows"].sum())),
        (cells.NO_TOUCHPOINT, int(groups.loc[no_touchpoint, "rows"].sum())),
        (cells.NO_SCORE, int(named["rows"].sum()) - answered),
        (cells.too_few(min_n), answered - used),
    )
    shown = table[~table["suppressed"]]
    counts = {"units": int(shown["unit"].nunique()), "touchpoints": int(shown["touchpoint"].nunique())}
    return Sample(rows=int(groups["rows"].sum()), used=used, dropped=dropped, counts=counts)


def _shown(frame: Frame, named: pd.DataFrame, table: pd.DataFrame, score: Sequence[str]) -> int:
    """Count the rows with an answer that is shown; where a part of a wide row is hidden, the rows must be asked."""
    if len(score) == 1:
        return int(table.loc[~table["suppressed"], "n"].sum())
    place = {column: i for i, column in enumerate(score)}
    shown = table[~table["suppressed"]].groupby("unit", observed=True)["touchpoint"].agg(frozenset)
    used = 0
    for columns, units in shown.groupby(shown, sort=False).groups.items():
        some = _any_answer([place[column] for column in cast("frozenset[str]", columns)])
        if len(cast("frozenset[str]", columns)) == len(score):
            used += int(named.loc[named["unit"].isin(units), "answered"].sum())
        else:
            rows = frame.filter(nw.col("unit").is_in(list(units)), some).select(nw.len().alias("rows"))
            used += int(_pandas(rows)["rows"].iloc[0])
    return used
