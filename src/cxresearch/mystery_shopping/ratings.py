"""Ratings of targets by raters, one score per target and rater, read from a tidy frame."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.result import Sample

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_CELLS: Final = 10_000_000
"""Targets times raters, or times distinct scores, that are held at once: 80 MB."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ratings:
    """What was read: the rows that hold a score, and where each stands.

    Parameters
    ----------
    names : tuple of str
        The caller's columns for target, rater and score.
    targets, raters : list
        Their labels, sorted.
    kept : bool array, shape (rows,)
        Rows of the caller's frame that are used.
    row, column : int array, shape (used,)
        Position of each used row's target and rater.
    sample : Sample
        Rows given, used, and dropped by reason.
    """

    names: tuple[str, str, str]
    targets: list[Any]
    raters: list[Any]
    kept: "npt.NDArray[np.bool_]"
    row: "npt.NDArray[np.intp]"
    column: "npt.NDArray[np.intp]"
    sample: Sample

    def spread(self, values: Any, empty: float) -> Any:
        """Lay one value per used row out as targets × raters."""
        values = np.asarray(values)
        table = np.full((len(self.targets), len(self.raters)), empty, dtype=values.dtype)
        table[self.row, self.column] = values
        return table


def read_ratings(data: pd.DataFrame, *, target: str, rater: str, score: str) -> Ratings:
    """Find the rows that hold a target, a rater and a score, and hold them to one score per target and rater.

    Raises
    ------
    InputError
        If a column is missing or stands for two things, no row is complete, a rater scored a target twice,
        or the table of targets × raters would not fit.
    """
    names = (target, rater, score)
    checks.columns(data, target=target, rater=rater, score=score)
    if len(set(names)) < len(names):
        raise checks.InputError(f"{target=}, {rater=}, {score=}: three different columns are needed")
    left, dropped = np.ones(len(data), dtype=bool), []
    for name, reason in zip(names, (_NO_TARGET, _NO_RATER, _NO_SCORE), strict=True):
        missing = left & data[name].isna().to_numpy()
        dropped.append((reason, int(missing.sum())))
        left &= ~missing
    if not left.any():
        raise checks.InputError(
            f"no row has {target!r}, {rater!r} and {score!r} together: {len(data)} rows, none usable"
        )
    row, targets = labels(data[target][left])
    column, raters = labels(data[rater][left])
    if len(targets) * len(raters) > MOST_CELLS:
        raise checks.InputError(
            f"{len(targets):,} targets × {len(raters):,} raters are too many to compare at once; "
            f"take a part of them with where={{...}}, up to {MOST_CELLS:,} pairs"
        )
    sample = Sample(len(data), int(left.sum()), tuple(dropped), {"targets": len(targets), "raters": len(raters)})
    ratings = Ratings(names=names, targets=targets, raters=raters, kept=left, row=row, column=column, sample=sample)
    _one_score_each(data.index[left], ratings)
    return ratings


_NO_TARGET = Words("no target named", "未注明评分对象")
_NO_RATER = Words("no rater named", "未注明评分者")
_NO_SCORE = Words("no score", "没有分数")


def labels(column: pd.Series) -> tuple["npt.NDArray[np.intp]", list[Any]]:
    """Return each row's position among the sorted labels, and the labels; Categoricals keep their own order."""
    try:
        codes, found = pd.factorize(column, sort=True)
    except TypeError:  # labels of several types have no order of their own
        codes, found = pd.factorize(column)
        order = sorted(range(len(found)), key=lambda i: str(found[i]))
        place = np.empty(len(found), dtype=np.intp)
        place[order] = np.arange(len(found))
        codes, found = place[codes], found[order]
    return codes, found.tolist()


def _one_score_each(rows: pd.Index, ratings: Ratings) -> None:
    cell = ratings.row * len(ratings.raters) + ratings.column
    again = pd.Series(cell).duplicated(keep=False).to_numpy()
    if not again.any():
        return
    target, rater, _ = ratings.names
    first = np.flatnonzero(again)[0]
    same = rows[cell == cell[first]]
    raise checks.InputError(
        f"{target} {ratings.targets[ratings.row[first]]!r} has {len(same)} scores from {rater} "
        f"{ratings.raters[ratings.column[first]]!r} (rows {checks.listed(same, 3)}); one score per target and rater is "
        "needed: choose one visit or item with where={...}, or average first"
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Scale:
    """The categories that scores fall into, and each score's category.

    Parameters
    ----------
    level : str
        Level of measurement.
    labels : list
        The categories, from lowest to highest where they have an order.
    points : float array, shape (categories,)
        What each category counts as: the number itself; 1, 2, 3, … for ordered words; NaN at the nominal level.
    codes : int array, shape (used,)
        Category of each used row.
    numbers : bool
        Whether the scores are numbers.
    """

    level: str
    labels: list[Any]
    points: "npt.NDArray[np.float64]"
    codes: "npt.NDArray[np.intp]"
    numbers: bool


def read_scale(data: pd.DataFrame, ratings: Ratings, level: str, categories: Sequence[Any] | None = None) -> Scale:
    """Sort the scores into categories, as far as the level of measurement allows.

    Raises
    ------
    InputError
        If the scores do not suit the level, lie outside `categories`, or there are too many distinct ones.
    """
    name = ratings.names[2]
    column = data[name]
    if level in ("interval", "ratio"):
        _numeric_scores(data, name, level)
    is_number = pd.api.types.is_numeric_dtype(column.dtype)
    used = column[ratings.kept]
    found = _categories(used, level, categories, is_number)
    codes = pd.Index(found).get_indexer(used.astype(object) if not is_number else used)
    if (codes < 0).any():
        first = int(np.flatnonzero(codes < 0)[0])
        raise checks.InputError(
            f"score={name!r}: row {used.index[first]} holds {used.iloc[first]!r}, which is not among "
            f"categories: {checks.listed(found)}"
        )
    _size(len(found), len(ratings.targets), name, level)
    if level == "nominal":
        values = np.full(len(found), np.nan)
    else:
        values = np.asarray(found, dtype=float) if is_number else np.arange(1.0, len(found) + 1)
    return Scale(level=level, labels=found, points=values, codes=codes, numbers=is_number)


def _numeric_scores(data: pd.DataFrame, name: str, level: str) -> None:
    scores = checks.numbers(data, "score", name)
    if level == "ratio" and (scores < 0).any():
        row = int(np.flatnonzero(scores < 0)[0])
        raise checks.InputError(
            f"score={name!r}: row {data.index[row]} holds {scores[row]:g}; level='ratio' is for amounts from 0 up, "
            "where twice as much means something: use level='interval'"
        )


def _categories(used: pd.Series, level: str, given: Sequence[Any] | None, is_number: bool) -> list[Any]:
    if given is not None:
        listed = list(given)
        if len(set(listed)) < len(listed) or not listed:
            raise checks.InputError(f"categories={listed!r}: each category once, and at least one")
        return _in_order(listed, used.name) if is_number else listed
    declared = used.dtype.categories.tolist() if isinstance(used.dtype, pd.CategoricalDtype) else None
    if level == "ordinal" and not is_number and not (declared and used.cat.ordered):
        raise checks.InputError(
            f"score={used.name!r} holds {used.iloc[0]!r} and has no order; for level='ordinal' use numbers, an ordered "
            "Categorical, or name the categories from lowest to highest: categories=['poor', 'fair', 'good']"
        )
    return declared if declared is not None else labels(used)[1]


def _in_order(categories: list[Any], name: Any) -> list[Any]:
    """Return categories of numeric scores as ascending numbers; text such as "3" is read as one."""
    numbers = pd.to_numeric(pd.Series(categories, dtype=object), errors="coerce")
    if numbers.isna().any():
        wrong = categories[int(np.flatnonzero(numbers.isna())[0])]
        raise checks.InputError(f"categories: {wrong!r} is not a number, and score={name!r} holds numbers")
    found: list[Any] = numbers.sort_values().tolist()
    return found


def _size(categories: int, targets: int, name: str, level: str) -> None:
    pairs = categories * (categories if level == "ratio" else targets)
    if pairs > MOST_CELLS:
        raise checks.InputError(
            f"score={name!r} has {categories:,} different values for {targets:,} targets, too many to compare; "
            "round the scores first, for example to whole points, or use icc()"
        )


def whole(**numbers: int) -> None:
    """Refuse an argument that is not a whole number from 0 up.

    Raises
    ------
    InputError
        If one of them is not.
    """
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
            raise checks.InputError(f"{name}={value!r} must be a whole number, 0 or more")
