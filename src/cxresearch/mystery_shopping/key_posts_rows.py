"""Scores of posts on their duties, read from a tidy frame."""

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

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

MOST_CELLS: Final = 200
"""Posts times duties that are compared with each other at most."""

_MISSING: Final = {
    "post": Words("no post named", "未注明岗位"),
    "duty": Words("no duty named", "未注明职责"),
    "shopper": Words("no shopper named", "未注明神秘客户"),
    "unit": Words("no unit named", "未注明单位"),
    "visit": Words("no visit named", "未注明暗访"),
}
_NO_SCORE: Final = Words("no score", "没有分数")


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """What was read; arrays have a value per used row.

    Parameters
    ----------
    score : array
        Scores.
    value : array or None
        The visit's sense of value.
    cells : list of (post, duty)
        In the order of posts, then duties.
    posts, duties, shoppers : list
        Labels in order.
    cell, post, duty, shopper, visit : integer array
        Codes into these; visits are numbered over all units.
    unit : integer array or None
        Code of the place.
    units : int
        Number of places.
    sample : Sample
        Rows given and used.
    """

    score: "Floats"
    value: "Floats | None"
    cells: list[tuple[Any, Any]]
    posts: list[Any]
    duties: list[Any]
    shoppers: list[Any]
    cell: "Codes"
    post: "Codes"
    duty: "Codes"
    shopper: "Codes"
    visit: "Codes"
    unit: "Codes | None"
    units: int
    sample: Sample

    @property
    def place(self) -> "Codes":
        """Code of each post at each place: of each post, where places are not named."""
        return self.post if self.unit is None else crossed(self.unit, self.post)

    @property
    def visit_post(self) -> "Codes":
        """Code of each post on each visit."""
        return crossed(self.visit, self.post)


def crossed(*codes: "Codes") -> "Codes":
    """Give each combination of codes that occurs a number."""
    return np.asarray(np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1], dtype=np.int64).ravel()


def read_scores(
    data: pd.DataFrame,
    *,
    post: str,
    duty: str,
    score: str,
    shopper: str,
    unit: str | None,
    visit: str | None,
    value: str | None,
) -> Scored:
    """Read the rows that hold everything asked for.

    Raises
    ------
    InputError
        If a column is missing or stands for two things, scores are no numbers or all alike, no row is complete,
        there is one cell only, or there are too many.
    """
    given = {"post": post, "duty": duty, "shopper": shopper, "unit": unit, "visit": visit}
    names = {argument: name for argument, name in given.items() if name is not None}
    checks.columns(data, **names, score=score, value=value)
    every = [*names.values(), score, *([value] if value else [])]
    twice = [name for name in every if every.count(name) > 1]
    if twice:
        raise checks.InputError(f"the column {twice[0]!r} is given twice; each argument needs a column of its own")
    scores = checks.numbers(data, "score", score)
    values = None if value is None else checks.numbers(data, "value", value)
    kept, dropped = np.ones(len(data), dtype=bool), []
    reasons = [(_MISSING[argument], data[name].isna().to_numpy()) for argument, name in names.items()]
    for why, lost in [*reasons, (_NO_SCORE, np.isnan(scores))]:
        dropped.append((why, int((kept & lost).sum())))
        kept &= ~lost
    if not kept.any():
        raise checks.InputError(
            f"no row has {post!r}, {duty!r}, {shopper!r} and {score!r} together: {len(data)} rows, none usable"
        )
    code = {argument: labels(data[name][kept]) for argument, name in names.items()}
    where = code["unit"][0] if unit else None
    cell, cells = _cells(code)
    _refuse(scores[kept], cells, score)
    seen = _visits(code, where)
    counts = {"posts": len(code["post"][1]), "shoppers": len(code["shopper"][1])}
    counts |= {"units": len(code["unit"][1])} if unit else {}
    counts["visits"] = int(seen.max()) + 1
    return Scored(
        score=scores[kept], value=None if values is None else values[kept], cells=cells, cell=cell, visit=seen,
        posts=code["post"][1], duties=code["duty"][1], shoppers=code["shopper"][1],
        post=code["post"][0], duty=code["duty"][0], shopper=code["shopper"][0], unit=where,
        units=len(code["unit"][1]) if unit else 0,
        sample=Sample(len(data), int(kept.sum()), tuple(dropped), counts),
    )  # fmt: skip


def _cells(code: dict[str, Any]) -> tuple[Any, list[tuple[Any, Any]]]:
    (post, posts), (duty, duties) = code["post"], code["duty"]
    pairs, cell = np.unique(np.column_stack([post, duty]), axis=0, return_inverse=True)
    return np.asarray(cell, dtype=np.int64).ravel(), [(posts[i], duties[j]) for i, j in pairs]


def _visits(code: dict[str, Any], where: Any) -> Any:
    """Tell visits apart: one shopper in one place, and the caller's own number of the visit if there is one."""
    parts = [code["shopper"][0]]
    parts += [] if where is None else [where]
    parts += [code["visit"][0]] if "visit" in code else []
    return crossed(*parts)


def _refuse(scores: "Floats", cells: list[tuple[Any, Any]], name: str) -> None:
    if len(cells) < 2:
        raise checks.InputError(f"there is one post with one duty only ({cells[0][0]!r}, {cells[0][1]!r})")
    if len(cells) > MOST_CELLS:
        raise checks.InputError(
            f"{len(cells)} posts × duties are too many to compare with each other (up to {MOST_CELLS}); take a part "
            "with where={...}, or compare posts with benchmark()"
        )
    if np.ptp(scores) <= 1e-12 * np.abs(scores).max():
        raise checks.InputError(f"score={name!r}: all scores are {scores[0]:g}; there is nothing to compare")
