"""Read episodes: moments in their order, what each episode leaves behind, and its overall score."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.numerics import episodes
from cxresearch.result import Sample

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

FEWEST: Final = 10
"""Episodes below which nothing is compared."""


@dataclass(frozen=True, kw_only=True)
class Journeys:
    """Episodes, ready for analysis.

    Parameters
    ----------
    score : array, shape (moments,)
        Scores, episode by episode, in the order of position.
    first : array of int, shape (n,)
        Where each episode begins in `score`.
    summaries : array, shape (n, 5)
        As in `cxresearch.numerics.episodes.summaries`.
    overall : array, shape (n,)
        The overall score of each episode.
    unit : array of int, shape (n,), or None
        Unit of each episode, numbered from 0.
    units : tuple
        Names of the units.
    sample : Sample
        Moments used and dropped.
    """

    score: Floats
    first: Integers
    summaries: Floats
    overall: Floats
    unit: Integers | None
    units: tuple[Any, ...]
    sample: Sample

    @property
    def size(self) -> Integers:
        """Moments of each episode."""
        return np.diff(np.append(self.first, len(self.score)))


def read(
    data: "pd.DataFrame", *, episode: str, position: str, score: str, overall: str, unit: str | None = None
) -> Journeys:
    """Check the columns, drop what cannot be used, and sum up each episode.

    Raises
    ------
    InputError
        If a column is missing, named twice or not numeric, an episode has two rows at one position, two overall scores
        or two units, fewer than ten episodes can be used, or the overall score never varies.
    """
    import pandas as pd

    columns = {"episode": episode, "position": position, "score": score, "overall": overall}
    named = [*columns.values(), *([] if unit is None else [unit])]
    checks.columns(data, **columns, unit=unit)
    for name in named:
        if named.count(name) > 1:
            raise checks.InputError(f"column {name!r} is named for two roles; each needs a column of its own")
    frame = pd.DataFrame(
        {
            "episode": data[episode].to_numpy(),
            "position": _positions(data, position),
            "score": checks.numbers(data, "score", score),
            "overall": checks.numbers(data, "overall", overall),
            "unit": 0 if unit is None else data[unit].to_numpy(),
        }
    )
    _refuse_repeated(frame, data)
    frame["overall"] = _one_per_episode(frame, data, "overall", overall)
    if unit is not None:
        frame["unit"] = _one_per_episode(frame, data, "unit", unit)
    kept, dropped = _used(frame)
    return _built(kept, Sample(rows=len(frame), used=len(kept), dropped=dropped, counts=_counts(kept, unit)), unit)


def _positions(data: "pd.DataFrame", position: str) -> "pd.Series[Any]":
    """Return positions as numbers; dates count by their time."""
    import pandas as pd

    column = data[position]
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        stamps = column.astype("int64").astype(float)
        return stamps.where(column.notna()).reset_index(drop=True)
    return pd.Series(checks.numbers(data, "position", position))


def _refuse_repeated(frame: "pd.DataFrame", data: "pd.DataFrame") -> None:
    twice = frame.duplicated(["episode", "position"]) & frame[["episode", "position"]].notna().all(axis=1)
    if twice.any():
        at = int(twice.to_numpy().argmax())
        raise checks.InputError(
            f"row {data.index[at]}: episode {_told(frame['episode'][at])} has position "
            f"{_told(frame['position'][at])} twice; there must be one row for each episode and position"
        )


def _one_per_episode(frame: "pd.DataFrame", data: "pd.DataFrame", role: str, column: str) -> "pd.Series[Any]":
    """Give every row of an episode the one value that the episode has."""
    first = frame.groupby("episode", sort=False)[role].transform("first")
    other = frame[role].notna() & frame["episode"].notna() & (frame[role] != first)
    if other.any():
        at = int(other.to_numpy().argmax())
        raise checks.InputError(
            f"{role}={column!r}: row {data.index[at]} holds {_told(frame[role][at])}, but episode "
            f"{_told(frame['episode'][at])} has {_told(first[at])} before; an episode has one"
        )
    return first


def _told(value: Any) -> str:
    """Write a value as a reader would type it."""
    value = value.item() if hasattr(value, "item") else value
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _used(frame: "pd.DataFrame") -> tuple["pd.DataFrame", tuple[tuple[Words, int], ...]]:
    """Drop what cannot be used, and count it by reason."""
    dropped = []

    def keep(part: "pd.DataFrame", which: Any, why: Words) -> "pd.DataFrame":
        dropped.append((why, int((~which).sum())))
        left: pd.DataFrame = part[which]
        return left

    frame = keep(frame, frame["episode"].notna(), Words("no episode", "没有体验编号"))
    frame = keep(frame, frame["overall"].notna(), Words("episode has no overall score", "该次体验没有总体评分"))
    frame = keep(frame, frame["unit"].notna(), Words("episode has no unit", "该次体验没有所属单位"))
    lost = frame["position"].isna().groupby(frame["episode"]).transform("any")
    frame = keep(frame, ~lost, Words("a moment has no position, so the end is unknown", "有时刻缺少位置，结尾无法确定"))
    frame = frame.assign(order=_codes(frame["episode"])[0]).sort_values(["order", "position"], kind="stable")
    last = frame.groupby("episode")["position"].transform("max") == frame["position"]
    open_end = (last & frame["score"].isna()).groupby(frame["episode"]).transform("any")
    frame = keep(frame, ~open_end, Words("the last moment has no score", "最后一个时刻没有评分"))
    frame = keep(frame, frame["score"].notna(), Words("moment has no score", "该时刻没有评分"))
    many = frame.groupby("episode")["score"].transform("size") > 1
    frame = keep(frame, many, Words("episode of a single scored moment", "该次体验只有一个有评分的时刻"))
    return frame, tuple(dropped)


def _counts(frame: "pd.DataFrame", unit: str | None) -> dict[str, int]:
    counts = {"episodes": frame["episode"].nunique()}
    return counts if unit is None else counts | {"units": frame["unit"].nunique()}


def _codes(names: "pd.Series[Any]") -> tuple[Integers, Any]:
    """Return names as numbers in their own order, whatever the order of rows; mixed types are ordered as text."""
    import pandas as pd

    try:
        code, found = pd.factorize(names, sort=True)
    except TypeError:
        code, found = pd.factorize(names.astype(str), sort=True)
    return code.astype(np.intp), found


def _built(frame: "pd.DataFrame", sample: Sample, unit: str | None) -> Journeys:
    start = np.flatnonzero(~frame["episode"].duplicated().to_numpy())
    if len(start) < FEWEST:
        raise checks.InputError(
            f"{len(start)} episodes with an overall score and two scored moments or more; at least {FEWEST} are needed"
        )
    score, overall = frame["score"].to_numpy(dtype=float), frame["overall"].to_numpy(dtype=float)[start]
    if np.ptp(overall) == 0:
        raise checks.InputError(f"overall is {overall[0]:g} for every episode: there is nothing to explain")
    code, names = _codes(frame["unit"].iloc[start])
    return Journeys(
        score=score,
        first=start,
        summaries=episodes.summaries(score, start),
        overall=overall,
        unit=None if unit is None else code,
        units=() if unit is None else tuple(names),
        sample=sample,
    )
