"""From the caller's frame to cells, one per unit and touchpoint; which rows were used, and why others were not."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch.checks import InputError, columns, listed, numbers
from cxresearch.language import Words, number, percent
from cxresearch.numerics.cell_means import CellMeans, cell_means, held_equal
from cxresearch.result import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]
Kind = Literal["rates", "means"]

NO_UNIT: Final = Words("no unit", "缺少单位")
NO_TOUCHPOINT: Final = Words("no touchpoint", "缺少接触点")
NO_SCORE: Final = Words("no score", "缺少得分")
NO_WAVE: Final = Words("no wave", "缺少期次")
NO_WEIGHT: Final = Words("no weight (empty or 0)", "缺少权重（空或 0）")
NO_COVARIATE: Final = Words("a covariate is empty", "协变量缺失")
NO_CASES: Final = Words("no cases (denominator empty or 0)", "没有样本（分母为空或为 0）")


@dataclass(frozen=True, kw_only=True)
class Cells:
    """What a benchmark computes with.

    Parameters
    ----------
    table : DataFrame
        touchpoint, unit, n, n_effective, mean (in the caller's scale), observed (before covariates are held equal),
        successes (rates; a count), squares and df (means: scatter of answers within the cell), suppressed.
    kind : {"rates", "means"}
        Counts out of n, or means of answers.
    top : float
        What a rate of all cases is written as, 1 or 100; 1 for means.
    sample : Sample
        The audit.
    notes : tuple of Words
        What a reader must know about how the frame was read.
    """

    table: pd.DataFrame
    kind: Kind
    top: float
    sample: Sample
    notes: tuple[Words, ...]


@dataclass(frozen=True)
class _Rows:
    """One answer or one aggregated rate each; a wide frame gives several per row of the frame."""

    row: Positions  # position in the caller's frame
    unit: Positions  # -1 for none
    touchpoint: Positions
    score: Floats
    units: list[Any]
    touchpoints: list[Any]


def from_rates(
    data: pd.DataFrame, *, unit: str, score: str, touchpoint: str | None, n: str, rate_max: float | None, min_n: int
) -> Cells:
    """Read rates that are aggregated already, one row per unit and touchpoint.

    Raises
    ------
    InputError
        If a rate or a denominator cannot be what it is said to be, or a unit and touchpoint comes twice.
    """
    rows, cases = _rows(data, unit, [score], touchpoint), numbers(data, "n", n)
    _refuse(data, f"n={n!r}", cases, cases < 0, "a number of cases cannot be negative")
    _refuse(data, f"n={n!r}", cases, cases % 1 > 0, "whole numbers of cases are needed (weighted ones are not)")
    named = (rows.unit >= 0) & (rows.touchpoint >= 0)
    usable = named & ~np.isnan(rows.score) & (cases > 0)
    top, notes = _top(rows.score[usable], rate_max, score)
    _refuse(data, f"score={score!r}", rows.score, rows.score < 0, "a rate lies between 0 and 1, or 0 and 100")
    _refuse(data, f"score={score!r}", rows.score, rows.score > top, f"above rate_max={top:g}")
    _refuse_twice(data, rows, named & ~np.isnan(rows.score), f"n={n!r}")
    size, share = cases[usable], rows.score[usable]
    successes = np.round(size * share / top)
    table = pd.DataFrame(
        {
            "touchpoint": _pick(rows.touchpoints, rows.touchpoint[usable]),
            "unit": _pick(rows.units, rows.unit[usable]),
            "n": size.astype(np.int64),
            "n_effective": size,
            "mean": share,
            "observed": share,
            "successes": successes,
            "squares": np.nan,
            "df": np.nan,
            "suppressed": size < min_n,
        }
    )
    dropped = [
        (NO_UNIT, rows.unit < 0),
        (NO_TOUCHPOINT, rows.touchpoint < 0),
        (NO_SCORE, np.isnan(rows.score)),
        (NO_CASES, ~(cases > 0)),
    ]
    small = np.zeros(len(data), dtype=bool)
    small[usable] = size < min_n
    sample = _audit(len(data), [*dropped, (too_few(min_n), small)], table)
    return Cells(table=table, kind="rates", top=top, sample=sample, notes=(*notes, *_odd_counts(table, top)))


def from_answers(
    data: pd.DataFrame,
    *,
    unit: str,
    score: Sequence[str],
    touchpoint: str | None,
    min_n: int,
    weight: str | None = None,
    covariates: Sequence[str] = (),
) -> Cells:
    """Read single answers: one row each, or one row per respondent with a column per touchpoint.

    Raises
    ------
    InputError
        If a score or weight is not a number, a weight is negative, or a covariate cannot be told apart from the units.
    """
    rows, w, x = _rows(data, unit, score, touchpoint), _weights(data, weight), _covariates(data, covariates)
    every: NDArray[np.bool_] = np.ones(len(data), dtype=bool)
    weighed: NDArray[np.bool_] = every if w is None else np.asarray(w > 0, dtype=bool)
    known = every if x is None else ~np.isnan(x.sum(axis=1))
    usable = (rows.unit >= 0) & (rows.touchpoint >= 0) & ~np.isnan(rows.score) & (weighed & known)[rows.row]
    # sorted, so that equal answers in another order give the same sums to the last digit
    order = np.flatnonzero(usable)[np.lexsort((rows.score[usable], rows.unit[usable], rows.touchpoint[usable]))]
    value, at = rows.score[order], rows.row[order]
    found, cell = np.unique(rows.touchpoint[order] * len(rows.units) + rows.unit[order], return_inverse=True)
    part = None if w is None else w[at]
    plain = cell_means(value, cell, found.size, part)
    place, who = np.divmod(found, max(1, len(rows.units)))
    means = plain if x is None else _held_equal(value, cell, place, part, x[at], covariates)
    yes_no = w is None and x is None and value.size > 0 and bool(np.isin(value, (0.0, 1.0)).all())
    yes_no &= bool((value == 0).any())
    table = pd.DataFrame(
        {
            "touchpoint": _pick(rows.touchpoints, place),
            "unit": _pick(rows.units, who),
            "n": means.n,
            "n_effective": means.n_effective,
            "mean": means.mean,
            "observed": plain.mean,
            "successes": np.round(plain.mean * plain.n) if yes_no else np.nan,
            "squares": means.squares,
            "df": means.df,
            "suppressed": means.n < min_n,
        }
    )
    shown, answered = np.zeros(len(data), dtype=bool), np.zeros(len(data), dtype=bool)
    shown[at[(means.n >= min_n)[cell]]] = True
    answered[rows.row[~np.isnan(rows.score)]] = True
    first = slice(0, len(data))  # units and touchpoints stand in the first block of rows
    dropped: list[tuple[Words, NDArray[np.bool_]]] = [
        (NO_UNIT, rows.unit[first] < 0), (NO_TOUCHPOINT, rows.touchpoint[first] < 0), (NO_SCORE, ~answered),
    ]  # fmt: skip
    dropped += [(NO_WEIGHT, ~weighed)] * (w is not None) + [(NO_COVARIATE, ~known)] * (x is not None)
    sample = _audit(len(data), [*dropped, (too_few(min_n), ~shown)], table)
    notes = [READ_AS_RATES] if yes_no else []
    if len(score) > 1:
        notes += empty_cells(int(np.isnan(rows.score).sum()), rows.score.size)
    return Cells(table=table, kind="rates" if yes_no else "means", top=1.0, sample=sample, notes=tuple(notes))


def _weights(data: pd.DataFrame, weight: str | None) -> Floats | None:
    """Return survey weights, empty ones as 0."""
    if weight is None:
        return None
    values = numbers(data, "weight", weight)
    _refuse(data, f"weight={weight!r}", values, values < 0, "a weight cannot be negative")
    return np.where(np.isnan(values), 0.0, values)


def _covariates(data: pd.DataFrame, covariates: Sequence[str]) -> Floats | None:
    """Return covariates as numbers: a category as one column per value but the first; empty ones as NaN."""
    if not covariates:
        return None
    parts = []
    for name in covariates:
        column = data[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            parts.append(numbers(data, "covariates", name)[:, None])
        else:
            dummies = pd.get_dummies(column, drop_first=True).to_numpy(dtype=float, copy=True)
            dummies[column.isna().to_numpy()] = np.nan
            parts.append(dummies)
    return np.concatenate(parts, axis=1)


def _held_equal(
    value: Floats, cell: Positions, place: Positions, weight: Floats | None, x: Floats, names: Sequence[str]
) -> CellMeans:
    """Hold covariates equal, each touchpoint by itself; `place` is the touchpoint of each cell."""
    parts = []
    for touchpoint in np.unique(place):
        own = place[cell] == touchpoint
        first = int(np.searchsorted(place, touchpoint))
        count = int((place == touchpoint).sum())
        try:
            parts.append(
                held_equal(value[own], cell[own] - first, count, x[own], None if weight is None else weight[own])
            )
        except np.linalg.LinAlgError:
            raise InputError(
                f"covariates={list(names)}: within units one of them does not vary, or they vary together; "
                "what belongs to the unit itself cannot be held equal between units: leave it out"
            ) from None
    return CellMeans(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(CellMeans)})


def _rows(data: pd.DataFrame, unit: str, score: Sequence[str], touchpoint: str | None) -> _Rows:
    columns(data, unit=unit, score=score, touchpoint=touchpoint)
    unit_code, units = _codes(data[unit])
    values = [numbers(data, "score", column) for column in score]
    if touchpoint is not None:
        place, touchpoints = _codes(data[touchpoint])
    else:
        place, touchpoints = np.repeat(np.arange(len(score)), len(data)), list(score)
    return _Rows(
        row=np.tile(np.arange(len(data)), len(score)),
        unit=np.tile(unit_code, len(score)),
        touchpoint=place,
        score=np.concatenate(values),
        units=units,
        touchpoints=touchpoints,
    )


def _codes(column: pd.Series) -> tuple[Positions, list[Any]]:
    codes, unique = pd.factorize(column)
    return codes, list(unique)


def _pick(labels: list[Any], at: NDArray[Any]) -> pd.Series:
    """Return labels by position; a column of their own type, not of Python objects, where there is one."""
    return pd.Series(labels).take(at).reset_index(drop=True) if labels else pd.Series([], dtype=object)


def _top(rates: Floats, rate_max: float | None, score: str) -> tuple[float, list[Words]]:
    if rate_max is not None:
        if rate_max not in (1, 100):
            raise InputError(f"rate_max={rate_max!r} must be 1 (shares) or 100 (per cent)")
        return float(rate_max), []
    highest = float(rates.max()) if rates.size else 1.0
    if 1 < highest <= 10:
        raise InputError(
            f"score={score!r} goes up to {highest:g}: if these are per cent, say rate_max=100; mean scores cannot be "
            "benchmarked from n alone: give the single answers instead, without n"
        )
    top = 1.0 if highest <= 1 else 100.0
    en, zh = ("shares, 0 to 1", "比例，0 至 1") if top == 1 else ("per cent, 0 to 100", "百分数，0 至 100")
    return top, [
        Words(f"{score} is read as {en}; rate_max says otherwise.", f"{score} 按{zh}读取；可用 rate_max 改变。")
    ]


def _refuse(data: pd.DataFrame, where: str, values: Floats, wrong: NDArray[np.bool_], why: str) -> None:
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InputError(f"{where}: row {data.index[at]} holds {values[at]:g}; {why}")


def _refuse_twice(data: pd.DataFrame, rows: _Rows, used: NDArray[np.bool_], argument: str) -> None:
    keys = pd.DataFrame({"touchpoint": rows.touchpoint[used], "unit": rows.unit[used]}, index=np.flatnonzero(used))
    twice = keys.duplicated(keep=False)
    if twice.any():
        first = keys[twice].iloc[0]
        both = keys.index[(keys == first).all(axis=1)][:2]
        name = f"{rows.units[first['unit']]!r} × {rows.touchpoints[first['touchpoint']]!r}"
        raise InputError(
            f"{argument}: {name} comes twice (rows {listed(data.index[list(both)])}); "
            "aggregated rates need one row per unit and touchpoint"
        )


def _odd_counts(table: pd.DataFrame, top: float) -> list[Words]:
    """Note rates that no whole count gives, allowing for the decimals they are written with."""
    rate = table["mean"].to_numpy()
    decimals = next((d for d in range(8) if np.allclose(np.round(rate, d), rate, rtol=0, atol=1e-9)), None)
    slack = 1e-6 if decimals is None else 0.5 * 10.0**-decimals + 1e-9
    odd = int((np.abs(table["successes"] / table["n"] * top - rate) > slack).sum())
    if not odd:
        return []
    return [
        Words(
            f"{odd} of {len(table)} rates fit no whole count of their denominator; the nearest count was used.",
            f"{len(table)} 个比率中有 {odd} 个与分母凑不成整数，已取最接近的整数。",
        )
    ]


def empty_cells(empty: int, of: int) -> list[Words]:
    """Note how many answers of a wide frame are empty."""
    if not empty:
        return []
    share = percent(empty / of, 1)
    return [
        Words(
            f"{number(empty, 0)} answers ({share}) are empty; each touchpoint uses the answers it has.",
            f"有 {number(empty, 0)} 个答案（{share}）为空；各接触点使用各自已有的答案。",
        )
    ]


def too_few(min_n: int) -> Words:
    """Name the reason for which a small unit's answers are left out."""
    return Words(f"unit has fewer than {min_n} answers there", f"该单位在该接触点不足 {min_n} 份")


READ_AS_RATES = Words(
    "All answers are 0 or 1: they are counted, and units are compared by their share of ones.",
    "所有答案均为 0 或 1：按计数处理，比较的是各单位答 1 的比例。",
)


def _audit(rows: int, reasons: "Iterable[tuple[Words, NDArray[np.bool_]]]", table: pd.DataFrame) -> Sample:
    left, dropped = np.ones(rows, dtype=bool), []
    for why, lost in reasons:
        dropped.append((why, int((left & lost).sum())))
        left &= ~lost
    shown = table[~table["suppressed"]]
    counts = {"units": int(shown["unit"].nunique()), "touchpoints": int(shown["touchpoint"].nunique())}
    return Sample(rows=rows, used=int(left.sum()), dropped=tuple(dropped), counts=counts)
