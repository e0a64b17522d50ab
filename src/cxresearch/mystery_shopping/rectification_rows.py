"""Scores before and after, read from a wide table, and cycles of visits, read from a long one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.mystery_shopping.ratings import labels
from cxresearch.result import Sample

if TYPE_CHECKING:
    import numpy.typing as npt

    Booleans = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]

NO_UNIT: Final = Words("no unit named", "未注明单位")
NO_BEFORE: Final = Words("no score before", "没有整改前的分数")
NO_SCORE: Final = Words("no score", "没有分数")
NO_CYCLE: Final = Words("no cycle named", "未注明轮次")
NO_STANDARD: Final = Words("no standard given", "没有标准分")
NOT_SAID: Final = Words("not said whether rectified", "未注明是否整改")

_TRUE: Final = ("1", "1.0", "true", "yes", "y", "是")
_FALSE: Final = ("0", "0.0", "false", "no", "n", "否")


def flags(data: pd.DataFrame, argument: str, column: str) -> "tuple[Booleans, Booleans]":
    """Return which rows say yes, and which say nothing.

    Raises
    ------
    InputError
        If a cell says neither yes nor no.
    """
    text = data[column].astype("str").str.strip().str.lower()
    empty = data[column].isna().to_numpy()
    yes, no = text.isin(_TRUE).to_numpy(), text.isin(_FALSE).to_numpy()
    other = ~(yes | no | empty)
    if other.any():
        at = int(other.argmax())
        raise checks.InputError(
            f"{argument}={column!r}: row {data.index[at]} holds {data[column].iloc[at]!r}; true or false, 1 or 0, "
            "yes or no, 是 or 否 are needed"
        )
    return yes & ~empty, empty


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Scores before and after, a row per unit.

    Parameters
    ----------
    units : list
        Names.
    before, after : array, shape (units, most)
        Repeated scores; NaN where there is none.
    rectified : boolean array, shape (units,), or None
        Who was rectified; None if the data do not say.
    sample : Sample
        Rows given and used.
    """

    units: list[Any]
    before: "Floats"
    after: "Floats"
    rectified: "Booleans | None"
    sample: Sample


def read_pairs(
    data: pd.DataFrame, *, unit: str, before: Sequence[str], after: Sequence[str], rectified: str | None
) -> Pairs:
    """Read one row per unit.

    Raises
    ------
    InputError
        If a column is missing or stands for two things, scores are no numbers, or a unit has two rows.
    """
    checks.columns(data, unit=unit, before=before, after=after, rectified=rectified)
    _all_different([unit, *before, *after] + ([rectified] if rectified else []))
    early, late = (
        np.column_stack([checks.numbers(data, argument, name) for name in names])
        for argument, names in (("before", before), ("after", after))
    )
    said, empty = flags(data, "rectified", rectified) if rectified else (None, np.zeros(len(data), dtype=bool))
    kept, dropped = _drop(
        len(data),
        (NO_UNIT, data[unit].isna().to_numpy()),
        (NO_BEFORE, np.isnan(early).all(axis=1)),
        (NOT_SAID, empty),
    )
    again = data[unit][kept].duplicated()
    if again.any():
        name = data[unit][kept][again.to_numpy()].iloc[0]
        raise checks.InputError(
            f"unit={unit!r}: {name!r} has more than one row; one row per unit is needed, with the scores before and "
            "after in columns (rectification() reads one row per visit)"
        )
    late = late[kept]
    sample = Sample(
        len(data),
        int(kept.sum()),
        dropped,
        {"units": int(kept.sum()), "revisited": int((~np.isnan(late)).any(1).sum())},
    )
    return Pairs(
        units=data[unit][kept].tolist(),
        before=early[kept],
        after=late,
        rectified=None if said is None else said[kept],
        sample=sample,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Cycles:
    """Scores less the standard, by unit and cycle; arrays have shape (units, cycles), or (units, cycles, most).

    Parameters
    ----------
    units, cycles : list
        Names in order.
    scores : array, shape (units, cycles, most)
        Distance of each visit's score from the standard; NaN where there is none.
    standard : array, shape (units, cycles)
        The promise; NaN without visit.
    planned, rectified : boolean array, shape (units, cycles), or None
        What was done about a unit's finding in that cycle.
    sample : Sample
        Rows given and used.
    """

    units: list[Any]
    cycles: list[Any]
    scores: "Floats"
    standard: "Floats"
    planned: "Booleans | None"
    rectified: "Booleans | None"
    sample: Sample

    @property
    def means(self) -> "Floats":
        """Mean distance of each unit in each cycle; NaN without visit."""
        known = np.isfinite(self.scores)
        count = known.sum(axis=2)
        total = np.where(known, self.scores, 0).sum(axis=2)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def read_cycles(
    data: pd.DataFrame,
    *,
    unit: str,
    cycle: str,
    score: str,
    standard: float | str,
    planned: str | None,
    rectified: str | None,
) -> Cycles:
    """Read one row per visit.

    Raises
    ------
    InputError
        If a column is missing or stands for two things, scores or standards are no numbers, or no row is complete.
    """
    promised = standard if isinstance(standard, str) else None
    checks.columns(data, unit=unit, cycle=cycle, score=score, standard=promised, planned=planned, rectified=rectified)
    _all_different([unit, cycle, score, *[name for name in (promised, planned, rectified) if name]])
    scores = checks.numbers(data, "score", score)
    promise = np.full(len(data), _number(standard)) if promised is None else checks.numbers(data, "standard", promised)
    kept, dropped = _drop(
        len(data),
        (NO_UNIT, data[unit].isna().to_numpy()),
        (NO_CYCLE, data[cycle].isna().to_numpy()),
        (NO_SCORE, np.isnan(scores)),
        (NO_STANDARD, np.isnan(promise)),
    )
    if not kept.any():
        raise checks.InputError(f"no row has {unit!r}, {cycle!r} and {score!r} together: {len(data)} rows, none usable")
    row, units = labels(data[unit][kept])
    column, cycles = labels(data[cycle][kept])
    shape = (len(units), len(cycles))
    place = pd.Series(row * shape[1] + column)
    visit = place.groupby(place).cumcount().to_numpy()
    table = np.full((*shape, int(visit.max()) + 1), np.nan)
    table[row, column, visit] = (scores - promise)[kept]
    level = np.full(shape, np.nan)
    level[row, column] = promise[kept]
    steps: list[Any] = []
    for argument, name in (("planned", planned), ("rectified", rectified)):
        done = None if name is None else np.zeros(shape, dtype=bool)
        if name is not None and done is not None:
            np.logical_or.at(done, (row, column), flags(data, argument, name)[0][kept])
        steps.append(done)
    counts = {"units": len(units), "cycles": len(cycles)}
    return Cycles(
        units=units, cycles=cycles, scores=table, standard=level, planned=steps[0], rectified=steps[1],
        sample=Sample(len(data), int(kept.sum()), dropped, counts),
    )  # fmt: skip


def _number(standard: Any) -> float:
    if isinstance(standard, bool) or not isinstance(standard, int | float) or not np.isfinite(standard):
        raise checks.InputError(f"standard={standard!r} must be a number of points, or the name of a column")
    return float(standard)


def _all_different(names: list[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise checks.InputError(f"the column {twice[0]!r} is given twice; each argument needs a column of its own")


def _drop(rows: int, *reasons: "tuple[Words, Booleans]") -> "tuple[Booleans, tuple[tuple[Words, int], ...]]":
    kept, dropped = np.ones(rows, dtype=bool), []
    for why, lost in reasons:
        dropped.append((why, int((kept & lost).sum())))
        kept &= ~lost
    return kept, tuple(dropped)
