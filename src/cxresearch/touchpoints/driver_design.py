"""Read a survey into what a study of drivers needs: columns, players, weights, and an account of the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.language import Words, number, percent
from cxresearch.numerics.cumulative_logit import Integers
from cxresearch.result import Sample

Floats = NDArray[np.float64]

MOST_LEVELS: Final = 20
"""Levels that a category, or an ordinal outcome, may have."""
_FEW_UNITS: Final = 20
_MANY_LOST: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Design:
    """A survey made ready; the rows are those used.

    Parameters
    ----------
    x : array, shape (n, m)
        Columns of the drivers that vary, the indicator columns of categories included.
    y : array, shape (n,)
        Outcome; for binary and ordinal outcomes the levels 0, 1, ….
    weight : array, shape (n,)
        Survey weights, without `count`.
    count : array of int, shape (n,), or None
        Respondents a row stands for.
    unit : array of int, shape (n,), or None
        Unit a row belongs to, numbered from 0.
    names : tuple of str
        All drivers, in the order given.
    columns : tuple of tuples of int
        Columns of each driver in `x`; empty for a driver that does not vary.
    performance : array, shape (drivers,)
        Weighted mean of each driver in its own units; NaN for a category.
    groups : tuple of str, or None
        Group of each driver.
    sample : Sample
        Rows used and dropped.
    notes : tuple of Words
        What a reader must know about the rows.
    """

    x: Floats
    y: Floats
    weight: Floats
    count: Integers | None
    unit: Integers | None
    names: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...]
    performance: Floats
    groups: tuple[str, ...] | None
    sample: Sample
    notes: tuple[Words, ...]

    @property
    def varying(self) -> list[int]:
        """Positions of the drivers that vary."""
        return [j for j, columns in enumerate(self.columns) if columns]

    @property
    def mass(self) -> Floats:
        """Weight of each row: survey weight times respondents."""
        return self.weight if self.count is None else self.weight * self.count

    @property
    def cases(self) -> int:
        """Respondents."""
        return len(self.y) if self.count is None else int(self.count.sum())

    @property
    def grouping(self) -> list[tuple[str, list[int]]]:
        """Groups in the order of their first driver, each with its drivers that vary."""
        found: dict[str, list[int]] = {}
        for j in self.varying:
            found.setdefault(self.groups[j] if self.groups else self.names[j], []).append(j)
        return list(found.items())


def read(
    data: pd.DataFrame,
    *,
    outcome: str,
    drivers: Sequence[str],
    weight: str | None,
    count: str | None,
    unit: str | None,
    groups: Mapping[str, str] | None,
    family: str,
    levels: Sequence[Any] | None,
) -> Design:
    """Check the arguments, drop the rows that cannot be used, and say why."""
    names = _names(data, outcome, drivers, weight=weight, count=count, unit=unit)
    group_of = _groups(groups, names)
    y, missing = _outcome(data, outcome, family, levels)
    tables = [_driver(data, name) for name in names]
    weights = _positive(data, "weight", weight)
    counts = _positive(data, "count", count, whole=True)
    lost = {
        Words("outcome missing", "结果变量缺失"): missing,
        Words("weight or count missing or zero", "权重或人数缺失或为零"): np.isnan(weights) | np.isnan(counts),
        Words("unit missing", "所属单位缺失"): np.zeros(len(data), bool)
        if unit is None
        else data[unit].isna().to_numpy(),
        Words("a driver missing", "至少一个驱动因素缺失"): np.any(
            [table.isna().any(axis=1) for table in tables], axis=0
        ),
    }
    used = np.ones(len(data), bool)
    dropped = []
    for why, is_lost in lost.items():
        dropped.append((why, int((used & is_lost).sum())))
        used &= ~is_lost
    _refuse_empty(used, names, tables)
    units = None if unit is None else pd.factorize(data[unit].to_numpy()[used])[0].astype(np.intp)
    x, columns, performance = _columns([table[used] for table in tables], (weights * counts)[used])
    sizes = {"drivers": len(names)} | ({} if units is None else {"units": int(units.max()) + 1})
    if count is not None:
        sizes["respondents"] = int(counts[used].sum())
    design = Design(
        x=x,
        y=_recoded(y[used], outcome, family),
        weight=weights[used],
        count=None if count is None else counts[used].astype(np.intp),
        unit=units,
        names=tuple(names),
        columns=columns,
        performance=performance,
        groups=group_of,
        sample=Sample(rows=len(data), used=int(used.sum()), dropped=tuple(dropped), counts=sizes),
        notes=(*_lost_notes(names, tables, lost, used), *_weight_notes(weights[used], units, unit)),
    )
    _refuse_too_few(design, outcome)
    return design


def ends(scale: tuple[float, float]) -> tuple[float, float]:
    """Return lowest and highest answer, checked."""
    try:
        low, high = (float(end) for end in scale)
    except (TypeError, ValueError):
        raise checks.InputError(f"scale={scale!r} must be lowest and highest answer, for example (1, 5)") from None
    if not low < high < float("inf") or low == -float("inf"):
        raise checks.InputError(f"scale={scale!r}: the first number must lie below the second, for example (1, 5)")
    return low, high


def refuse_off_scale(design: Design, scale: tuple[float, float]) -> None:
    """Refuse drivers that are categories or whose mean lies outside the scale."""
    for name, mean in zip(design.names, design.performance, strict=True):
        if np.isnan(mean):
            raise checks.InputError(f"drivers={name!r} is a category; scores are needed, as numbers")
        if not scale[0] <= mean <= scale[1]:
            raise checks.InputError(
                f"drivers={name!r} has a mean of {mean:g}, outside scale={scale}; give the scale of the answers"
            )


def _names(data: pd.DataFrame, outcome: str, drivers: Sequence[str], **others: str | None) -> list[str]:
    if isinstance(drivers, str):
        raise checks.InputError(f"drivers={drivers!r} must be a list of columns, for example [{drivers!r}]")
    names = list(drivers)
    checks.columns(data, outcome=outcome, drivers=names, **others)
    if not names:
        raise checks.InputError("drivers is empty; name the columns whose importance is wanted")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise checks.InputError(f"drivers names {twice[0]!r} twice; name each column once")
    for argument, column in {"outcome": outcome, **others}.items():
        if column in names:
            raise checks.InputError(f"{argument}={column!r} is also among the drivers; take it out of one of them")
    return names


def _groups(groups: Mapping[str, str] | None, names: list[str]) -> tuple[str, ...] | None:
    if not groups:
        return None
    if not isinstance(groups, Mapping):
        raise checks.InputError(f"groups must map a driver to its group, not {type(groups).__name__}")
    for name in groups:
        if name not in names:
            raise checks.InputError(f"groups names {name!r}, which is no driver{checks.nearest(str(name), names)}")
    return tuple(str(groups.get(name, name)) for name in names)


def _is_text(column: "pd.Series[Any]") -> bool:
    """Tell a category from numbers: the column says so itself, or every entry is text and none reads as a number."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    if not (pd.api.types.is_object_dtype(column.dtype) or isinstance(column.dtype, pd.StringDtype)):
        return False
    given = column.dropna().astype(object)
    if given.empty or not all(isinstance(value, str) for value in given):
        return False
    return bool(pd.to_numeric(given, errors="coerce").isna().all())


def _driver(data: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a driver as one column of numbers, or as a column of codes named "category"."""
    column = data[name]
    if not _is_text(column):
        # a column of text is converted, so that the entry that is no number can be named
        plain = data[[name]].astype(object) if isinstance(column.dtype, pd.StringDtype) else data
        return pd.DataFrame({"value": checks.numbers(plain, "drivers", name)})
    codes, levels = pd.factorize(column.to_numpy(dtype=object), sort=False)
    if len(levels) > MOST_LEVELS:
        raise checks.InputError(
            f"drivers={name!r}: {len(levels)} different texts, for example {levels[0]!r}; "
            f"a category may have {MOST_LEVELS}, and numbers must be stored as numbers"
        )
    return pd.DataFrame({"category": np.where(codes < 0, np.nan, codes)})


def _outcome(
    data: pd.DataFrame, outcome: str, family: str, levels: Sequence[Any] | None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the outcome as numbers, or as level numbers, and where it is missing."""
    column = data[outcome]
    if family == "linear":
        if levels:
            raise checks.InputError("levels is for family='binary' and 'ordinal'; a linear outcome is a number")
        y = checks.numbers(data, "outcome", outcome)
        return y, np.isnan(y)
    if not levels and isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered:
        levels = list(column.dtype.categories)
    if not levels and not _is_text(column):
        y = checks.numbers(data, "outcome", outcome)
        return y, np.isnan(y)
    if not levels:
        found = checks.listed(pd.unique(column.dropna()), 5)
        raise checks.InputError(
            f"outcome={outcome!r} holds text ({found}), whose order is not known; "
            "give it, lowest first, with levels=[…]"
        )
    known = {level: float(k) for k, level in enumerate(levels)}
    y = np.array([known.get(value, np.nan) if not pd.isna(value) else np.nan for value in column], dtype=float)
    strange = np.isnan(y) & column.notna().to_numpy()
    if strange.any():
        row = data.index[strange][0]
        raise checks.InputError(
            f"outcome={outcome!r}: row {row!r} holds {column[strange].iloc[0]!r}, which levels does not name; "
            f"levels are {checks.listed(levels)}"
        )
    return y, np.isnan(y)


def _recoded(y: Floats, outcome: str, family: str) -> Floats:
    if family == "linear":
        if np.ptp(y) == 0:
            raise checks.InputError(f"outcome={outcome!r} is {y[0]:g} in every row used; there is nothing to explain")
        return y
    found, code = np.unique(y, return_inverse=True)
    if len(found) == 1 or (family == "binary" and len(found) != 2) or len(found) > MOST_LEVELS:
        want = "2" if family == "binary" else f"2 to {MOST_LEVELS}"
        raise checks.InputError(
            f"outcome={outcome!r} has {len(found)} different values in the rows used; family={family!r} needs {want}"
        )
    return code.astype(float)


def _positive(data: pd.DataFrame, argument: str, column: str | None, *, whole: bool = False) -> Floats:
    """Return weights or counts, NaN where missing or zero; refuse negative ones."""
    if column is None:
        return np.ones(len(data))
    values = checks.numbers(data, argument, column)
    wrong = values < 0
    if whole:
        wrong |= ~np.isnan(values) & (values % 1 != 0)
    if wrong.any():
        row, right = data.index[wrong][0], "whole numbers from 0 on" if whole else "0 or above"
        raise checks.InputError(f"{argument}={column!r}: row {row!r} holds {values[wrong][0]:g}; it must be {right}")
    return np.where(values > 0, values, np.nan)


def _columns(tables: list[pd.DataFrame], mass: Floats) -> tuple[Floats, tuple[tuple[int, ...], ...], Floats]:
    """Return the columns, which of them belong to which driver, and the drivers' means."""
    parts: list[Floats] = []
    columns: list[tuple[int, ...]] = []
    performance = np.full(len(tables), np.nan)
    for j, table in enumerate(tables):
        values = table.iloc[:, 0].to_numpy(dtype=float)
        if table.columns[0] == "category":
            new = [(values == level).astype(float) for level in np.unique(values)[1:]]
        else:
            performance[j] = mass @ values / mass.sum()
            new = [values] if np.ptp(values) > 1e-13 * np.abs(values).max() else []
        columns.append(tuple(range(len(parts), len(parts) + len(new))))
        parts += new
    return np.column_stack(parts) if parts else np.empty((len(mass), 0)), tuple(columns), performance


def _refuse_empty(used: NDArray[np.bool_], names: list[str], tables: list[pd.DataFrame]) -> None:
    if not used.any():
        worst = max(range(len(names)), key=lambda j: int(tables[j].isna().any(axis=1).sum()))
        lacking = int(tables[worst].isna().any(axis=1).sum())
        raise checks.InputError(
            f"no row is complete in outcome, weight and drivers; {names[worst]!r} is missing in {lacking} of "
            f"{len(used)} rows: leave out drivers that hardly anyone answered"
        )


def _refuse_too_few(design: Design, outcome: str) -> None:
    width = design.x.shape[1]
    if not width:
        raise checks.InputError(
            f"no driver varies over the {design.sample.used} rows used; nothing explains {outcome!r}"
        )
    if design.cases < width + 2:
        raise checks.InputError(
            f"{design.cases} complete rows for {len(design.names)} drivers ({width} columns); at least {width + 2} are "
            "needed, and ten per driver make a study: name fewer drivers"
        )


def _lost_notes(
    names: list[str], tables: list[pd.DataFrame], lost: dict[Words, NDArray[np.bool_]], used: NDArray[np.bool_]
) -> list[Words]:
    incomplete = list(lost.values())[-1]
    if incomplete.sum() <= _MANY_LOST * len(used):
        return []
    missing = [int(table.isna().any(axis=1).sum()) for table in tables]
    worst = int(np.argmax(missing))
    share = percent(float(incomplete.mean()))
    return [
        Words(
            f"{share} of the rows lack an answer to at least one driver and are left out; most often {names[worst]} "
            f"({number(missing[worst], 0)} rows). If those who skip a question differ from the rest, so do the shares.",
            f"{share} 的行至少缺少一个驱动因素的回答，因而未纳入；缺失最多的是 {names[worst]}"
            f"（{number(missing[worst], 0)} 行）。如果跳过问题的人与其他人不同，占比也会不同。",
        )
    ]


def _weight_notes(weight: Floats, units: Integers | None, unit: str | None) -> list[Words]:
    notes = []
    worth = weight.sum() ** 2 / (weight**2).sum()
    if worth < 0.99 * len(weight):
        notes.append(
            Words(
                f"The weights are uneven: the {number(len(weight), 0)} rows carry as much information as "
                f"{number(worth, 0)} equally weighted ones.",
                f"权重不均：{number(len(weight), 0)} 行所含的信息相当于 {number(worth, 0)} 行等权数据。",
            )
        )
    groups = 0 if units is None else int(units.max()) + 1
    if 0 < groups < _FEW_UNITS:
        notes.append(
            Words(
                f"{unit} has only {groups} values in the rows used. Whole units are redrawn for the intervals, and "
                f"with fewer than {_FEW_UNITS} of them the intervals come out too short.",
                f"所用的行中 {unit} 只有 {groups} 个取值。区间按整个单位重抽，单位少于 {_FEW_UNITS} 个时区间会偏窄。",
            )
        )
    return notes
