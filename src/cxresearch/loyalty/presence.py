"""Who is seen when, and who leaves: the rows of a panel on the calendar, with every dropped row accounted for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.loyalty.lag_rows import NO_PERIOD, NO_UNIT
from cxresearch.loyalty.periods import Step, calendar, shown
from cxresearch.result import Sample

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_LEFT: Final = Words("not known whether the unit left", "不知道是否流失")
NO_COVARIATE: Final = Words("covariate missing", "协变量缺失")
NO_WEIGHT: Final = Words("weight missing", "权重缺失")
NO_GROUP: Final = Words("group or cluster missing", "所属群组缺失")

_YES: Final = frozenset({"1", "1.0", "yes", "y", "true", "t", "left", "churned", "是", "有", "已流失", "流失", "离开"})
_NO: Final = frozenset(
    {"0", "0.0", "no", "n", "false", "f", "stayed", "active", "否", "没有", "未流失", "在网", "留存", "未离开"}
)


@dataclass(frozen=True, kw_only=True)
class Presence:
    """Rows placed on the calendar, sorted by unit and period.

    Parameters
    ----------
    unit, time : array of int, shape (n,)
        Unit code, and number of the period.
    left : array, shape (n,)
        1 if the unit left in that period, 0 if not, NaN if not known.
    position : array of int, shape (n,)
        Row number in the caller's frame.
    rows : int
        Rows of the caller's frame.
    dropped : tuple of (Words, int)
        Rows lost so far, by reason.
    step : Step
        Length of a period.
    """

    unit: Integers
    time: Integers
    left: Floats
    position: Integers
    rows: int
    dropped: tuple[tuple[Words, int], ...]
    step: Step

    @property
    def period(self) -> Integers:
        """Period codes from 0."""
        return np.asarray(np.unique(self.time, return_inverse=True)[1])

    @property
    def last(self) -> Flags:
        """Whether a row is the last one of its unit."""
        return np.r_[np.diff(self.unit) != 0, True] if len(self.unit) else np.zeros(0, dtype=bool)

    @property
    def first_time(self) -> Integers:
        """When the unit of each row was first seen."""
        starts = np.flatnonzero(np.r_[True, np.diff(self.unit) != 0])
        return np.repeat(self.time[starts], np.diff(np.r_[starts, len(self.unit)]))

    def only(self, keep: Flags, why: Words) -> "Presence":
        """Return the rows to keep; the others are counted under `why`."""
        return replace(
            self,
            unit=self.unit[keep],
            time=self.time[keep],
            left=self.left[keep],
            position=self.position[keep],
            dropped=(*self.dropped, (why, int((~keep).sum()))),
        )

    def sample(self) -> Sample:
        """Return the audit, with units, periods and leavers counted."""
        counts = {"units": len(np.unique(self.unit)), "periods": len(np.unique(self.time))}
        if self.left.any():
            counts["leavers"] = int(np.nansum(self.left))
        return Sample(self.rows, len(self.unit), self.dropped, counts)

    def numbers(self, data: "pd.DataFrame", argument: str, column: str) -> Floats:
        """Return a column of the caller's frame as floats, in this order of rows."""
        return checks.numbers(data, argument, column)[self.position]

    def matrix(self, data: "pd.DataFrame", argument: str, columns: Sequence[str]) -> Floats:
        """Return several columns side by side, in this order of rows."""
        found = [self.numbers(data, argument, name) for name in columns]
        return np.column_stack(found) if found else np.empty((len(self.unit), 0))

    def codes(self, data: "pd.DataFrame", column: str) -> tuple[Integers, list[Any]]:
        """Return codes of a column's values, -1 where missing, and the values in their order."""
        import pandas as pd

        codes, labels = pd.factorize(data[column].iloc[self.position], use_na_sentinel=True)
        found = [value.item() if isinstance(value, np.generic) else value for value in labels]
        try:
            order = sorted(range(len(found)), key=lambda i: found[i])
        except TypeError:  # labels of several kinds
            order = sorted(range(len(found)), key=lambda i: str(found[i]))
        rank = np.full(len(found) + 1, -1, dtype=np.int64)
        rank[order] = np.arange(len(found))
        return rank[codes], [found[i] for i in order]


def prepare(data: "pd.DataFrame", *, unit: str, period: str, left: str | None, step: str = "auto") -> Presence:
    """Place rows on the calendar and read who left.

    Parameters
    ----------
    data : DataFrame
        The caller's frame; left unchanged.
    unit, period : str
        Columns.
    left : str or None
        Column; None if it is not recorded who left.
    step : str
        Length of a period, or "auto".

    Raises
    ------
    InputError
        If a unit has two rows in a period or a row after it left, `left` is no yes or no, or nobody ever leaves.
    """
    import pandas as pd

    if not len(data):
        raise checks.InputError("data has no rows")
    codes, labels = pd.factorize(data[unit])
    codes = codes.astype(np.int64)
    when = calendar(data[period], "period", codes, step)
    gone = np.zeros(len(data)) if left is None else yes_or_no(data[left], "left")
    placed = np.flatnonzero((codes >= 0) & when.known)
    order = placed[np.lexsort((when.index[placed], codes[placed]))]
    if not len(order):
        raise checks.InputError("data: no row has both its unit and its period")
    found = Presence(
        unit=codes[order],
        time=when.index[order],
        left=gone[order],
        position=order,
        rows=len(data),
        dropped=((NO_UNIT, int((codes < 0).sum())), (NO_PERIOD, int(((codes >= 0) & ~when.known).sum()))),
        step=when.step,
    )
    _refuse_duplicates(data, found, labels)
    if left is None:
        return found
    _refuse_rows_after_leaving(data, found, labels, left)
    if not np.nansum(found.left):
        raise checks.InputError(f"left={left!r}: nobody ever leaves; mark the period in which a unit left by 1")
    return found


def yes_or_no(column: "pd.Series", argument: str) -> Floats:
    """Return a column of yes and no as 1 and 0, missing as NaN.

    Parameters
    ----------
    column : Series
        0 and 1, true and false, or words: yes, no, y, n, left, stayed, 是, 否, 流失, 未流失.
    argument : str
        The caller's argument, for messages.

    Raises
    ------
    InputError
        If a value is neither yes nor no; the first such row is named.
    """
    import pandas as pd

    codes, distinct = pd.factorize(column)
    values = [_meaning(value) for value in distinct]
    if None in values:
        at = values.index(None)
        row = column.index[int(np.flatnonzero(codes == at)[0])]
        raise checks.InputError(
            f"{argument}={column.name!r}: row {row} holds {shown(distinct[at])}; 0 or 1, yes or no, 是 or 否 is needed"
        )
    return np.append(np.array(values, dtype=float), np.nan)[codes]


def _meaning(value: Any) -> float | None:
    text = str(value).strip().lower()
    return 1.0 if text in _YES else 0.0 if text in _NO else None


def _refuse_duplicates(data: "pd.DataFrame", found: Presence, labels: Any) -> None:
    twice = (np.diff(found.unit) == 0) & (np.diff(found.time) == 0)
    if twice.any():
        at = int(twice.argmax())
        one, two = data.index[found.position[at]], data.index[found.position[at + 1]]
        raise checks.InputError(
            f"data: {shown(labels[found.unit[at]])} has two rows in {found.step.label(int(found.time[at]))} "
            f"(rows {one} and {two}); one row per unit and period is needed"
        )


def _refuse_rows_after_leaving(data: "pd.DataFrame", found: Presence, labels: Any, left: str) -> None:
    """Refuse a unit that is still seen: its mark may say that it leaves some day, and not when."""
    after = (np.diff(found.unit) == 0) & (found.left[:-1] == 1)
    if after.any():
        at = int(after.argmax())
        one, two = data.index[found.position[at]], data.index[found.position[at + 1]]
        name = shown(labels[found.unit[at]])
        raise checks.InputError(
            f"left={left!r}: {name} left in {found.step.label(int(found.time[at]))} (row {one}), yet row {two} is "
            "later; mark the last period only, drop later rows, or give a unit that came back a new name"
        )


def distinct_roles(**roles: str | Sequence[str] | None) -> None:
    """Refuse a column that is named for two roles.

    Raises
    ------
    InputError
        If a column is named twice.
    """
    taken: dict[str, str] = {}
    for role, given in roles.items():
        for name in [] if given is None else [given] if isinstance(given, str) else given:
            if name in taken:
                raise checks.InputError(f"{role}={name!r} is the {taken[name]} already; name another column")
            taken[name] = role
