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


def from_frame(
    data: Any, *, unit: str, score: Sequence[str], touchpoint: str | None, min_n: int, weight: str | None = None
) -> cells.Cells:
    """Read single answers from any frame that narwhals knows, as `benchmark_cells.from_answers` reads pandas'.

    Raises
    ------
    InputError
        If a column is missing, a score is not a finite number, or a weight is negative.
    """
    frame = _answers(data, unit, score, touchpoint, weight)
    centres = [0.0] * len(score) if weight is None else _centres(frame, len(score))
    groups = _groups(frame, centres)
    for i, column in enumerate(score):
        _refuse_infinite(frame, groups, i, column)
    if weight is not None and (groups["lowest"] < 0).any():
        name = groups.loc[groups["lowest"] < 0, "unit"].iloc[0]
        raise InputError(f"weight={weight!r}: unit {name!r} has a negative weight; a weight cannot be negative")
    table = _table(groups, score, centres, weighted=weight is not None)
    yes_no = weight is None and _yes_no(table)
    table["successes"] = np.round(table["n"] * table["mean"]) if yes_no else np.nan
    table["suppressed"] = table["n"] < min_n
    table["observed"] = table["mean"]
    kept = table[[
        "touchpoint", "unit", "n", "n_effective", "mean", "observed", "successes", "squares", "df", "suppressed",
    ]]  # fmt: skip
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


def distinct(data: Any, **arguments: str) -> pd.DataFrame:
    """Return the distinct combinations of columns, given by the argument that names each.

    Raises
    ------
    InputError
        If `data` is no frame, or lacks a column.
    """
    check(data)
    frame = cast("Frame", nw.from_native(data).lazy())
    names = [_columns(frame, name, argument)[0] for argument, name in arguments.items()]
    return _pandas(frame.select(*names).unique())


def where(data: Any, column: str, value: Any) -> Any:
    """Return the rows that hold a value, as a frame of the same kind."""
    return nw.from_native(data).filter(nw.col(column) == value).to_native()


def rows(data: Any) -> int:
    """Count the rows."""
    return int(_pandas(cast("Frame", nw.from_native(data).lazy()).select(nw.len().alias("rows")))["rows"].iloc[0])


def check(data: Any) -> None:
    """Refuse what is no frame that narwhals knows.

    Raises
    ------
    InputError
        If it is none.
    """
    if not isinstance(nw.from_native(data, pass_through=True), nw.DataFrame | nw.LazyFrame):
        raise InputError(
            f"data must be a frame (pandas, Polars, a DuckDB relation, a pyarrow table), not {type(data).__name__}"
        )


def _columns(frame: Frame, given: str | Sequence[str], argument: str = "columns") -> list[str]:
    names, schema = [given] if isinstance(given, str) else list(given), frame.collect_schema()
    for name in names:
        if name not in schema:
            raise InputError(
                f"{argument}={name!r}: no such column{nearest(name, schema)}; columns are {listed(schema)}"
            )
    return names


def _answers(data: Any, unit: str, score: Sequence[str], touchpoint: str | None, weight: str | None) -> Frame:
    """Return unit, touchpoint, weight, score0, …, not computed yet; given0, … are the scores as they were.

    NaN and infinity are made empty, and so are weights of 0.
    """
    frame = cast("Frame", nw.from_native(data).lazy())
    schema, columns = frame.collect_schema(), []
    for argument, key in (("unit", unit), ("touchpoint", touchpoint)):
        if key is not None:
            _columns(frame, key, argument)
            column = nw.col(key)
            columns.append(
                (nw.when(~column.is_nan()).then(column) if schema[key].is_float() else column).alias(argument)
            )
    if weight is not None:
        column = _number(frame, weight, "weight")
        columns.append(nw.when(column != 0).then(column).cast(nw.Float64).alias("weight"))
    for i, name in enumerate(score):
        columns.append(_number(frame, name, "score").alias(f"score{i}"))
        if schema[name].is_float():
            columns.append(nw.col(name).alias(f"given{i}"))
    return frame.select(*columns)


def _number(frame: Frame, name: str, argument: str) -> nw.Expr:
    """Return a column of numbers, NaN and infinity made empty."""
    _columns(frame, name, argument)
    kind, column = frame.collect_schema()[name], nw.col(name)
    if not (kind.is_numeric() or kind == nw.Boolean):
        raise InputError(f"{argument}={name!r}: the column holds {kind}; numbers are needed")
    if kind.is_float():
        return nw.when(column.is_finite()).then(column)
    return column.cast(nw.Float64 if kind.is_decimal() else nw.Int64)


def _centres(frame: Frame, scores: int) -> list[float]:
    """Mean of each score over all answers: sums of squares around it lose no digits."""
    means = _pandas(frame.select(*(nw.col(f"score{i}").mean() for i in range(scores)))).astype(float)
    return [float(mean) for mean in means.fillna(0.0).iloc[0]]


def _groups(frame: Frame, centres: Sequence[float]) -> pd.DataFrame:
    """Total every score by unit and touchpoint in one pass; groups that lack either are kept, for the audit."""
    have = frame.collect_schema()
    totals = [nw.len().alias("rows")]
    for i, centre in enumerate(centres):
        column = nw.col(f"score{i}")
        # variances, not sums of squares: engines compute them without losing digits
        parts = {"n": column.count(), "mean": column.mean(), "variance": column.var(ddof=0)}
        parts |= {"low": column.min(), "high": column.max()}
        if "weight" in have:
            frame = _products(frame, i, centre)
            parts["weighed"] = nw.col(f"w{i}").count()
            parts |= {name: nw.col(f"{name}{i}").sum() for name in ("w", "ww", "wx", "wxx")}
        totals += [part.alias(f"{name}{i}") for name, part in parts.items()]
        if f"given{i}" in have:
            totals.append(nw.col(f"given{i}").count())
    keys = [key for key in ("unit", "touchpoint") if key in have]
    if "weight" in have:
        weighed = (_any_answer(range(len(centres))) & ~nw.col("weight").is_null()).cast(nw.Int64)
        frame = frame.with_columns(weighed.alias("weighed"))
        totals += [nw.col("weighed").sum(), nw.col("weight").min().alias("lowest")]
    if len(centres) == 1:
        return _pandas(frame.group_by(*keys).agg(*totals)).assign(answered=lambda groups: groups["n0"])
    answered = frame.with_columns(_any_answer(range(len(centres))).cast(nw.Int64).alias("answered"))
    return _pandas(answered.group_by(*keys).agg(*totals, nw.col("answered").sum()))


def _products(frame: Frame, i: int, centre: float) -> Frame:
    """Add weight, its square, and its products with a score and its square, the score taken from its centre."""
    column = nw.col(f"score{i}")
    weight, apart = nw.when(~column.is_null()).then(nw.col("weight")), column - centre
    products = {"w": weight, "ww": weight * weight, "wx": weight * apart, "wxx": weight * apart * apart}
    return frame.with_columns(*(product.alias(f"{name}{i}") for name, product in products.items()))


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


def _table(groups: pd.DataFrame, score: Sequence[str], centres: Sequence[float], *, weighted: bool) -> pd.DataFrame:
    """One row per unit and touchpoint that has an answer that counts."""
    names = ["n", "mean", "variance", "low", "high", *(["weighed", "w", "ww", "wx", "wxx"] if weighted else [])]
    parts = []
    for i, column in enumerate(score):
        part = groups[[f"{name}{i}" for name in names]].astype(float).set_axis(names, axis=1)
        part["unit"], part["touchpoint"] = groups["unit"], groups.get("touchpoint", column)
        if weighted:
            part["n"], part["mean"] = part["weighed"], centres[i] + part["wx"] / part["w"]
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    table = table[table["unit"].notna() & table["touchpoint"].notna() & (table["n"] > 0)].reset_index(drop=True)
    table["n"] = table["n"].astype(np.int64)
    if weighted:  # as in numerics.cell_means
        table["n_effective"] = table["w"] ** 2 / table["ww"]
        table["squares"] = (table["wxx"] - table["wx"] ** 2 / table["w"]) * table["n_effective"] / table["w"]
    else:
        table["n_effective"], table["squares"] = table["n"].astype(float), table["variance"] * table["n"]
    return table.assign(df=(table["n_effective"] - 1).clip(lower=0.0))


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
    weighed = int(named["weighed"].sum()) if "weighed" in named else answered
    dropped = (
        (cells.NO_UNIT, int(groups.loc[no_unit, "rows"].sum())),
        (cells.NO_TOUCHPOINT, int(groups.loc[no_touchpoint, "rows"].sum())),
        (cells.NO_SCORE, int(named["rows"].sum()) - answered),
        *([(cells.NO_WEIGHT, answered - weighed)] if "weighed" in named else []),
        (cells.too_few(min_n), weighed - used),
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
            counted = "weighed" if "weighed" in named else "answered"
            used += int(named.loc[named["unit"].isin(units), counted].sum())
        else:
            if "weighed" in named:
                some = some & ~nw.col("weight").is_null()
            rows = frame.filter(nw.col("unit").is_in(list(units)), some).select(nw.len().alias("rows"))
            used += int(_pandas(rows)["rows"].iloc[0])
    return used
