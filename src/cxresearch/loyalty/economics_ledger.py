"""From the caller's rows to what retention economics needs: who was at risk, who left, what was earned and spent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.loyalty.periods import Calendar, Step, calendar, shown
from cxresearch.numerics import propagation, ratios
from cxresearch.result import Sample

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

YES_NO: Final = {"yes": 1.0, "no": 0.0, "y": 1.0, "n": 0.0, "true": 1.0, "false": 0.0, "是": 1.0, "否": 0.0}
"""Texts that a column of leavers may hold, besides 1 and 0."""

NO_UNIT: Final = Words("unit missing", "单位缺失")
NO_CLUSTER: Final = Words("cluster missing", "聚类缺失")
NO_PERIOD: Final = Words("period missing", "时期缺失")
NO_TENURE: Final = Words("tenure missing", "客龄缺失")
NO_COUNT: Final = Words("customers at risk missing or none", "期初客户数缺失或为零")
NO_LEFT: Final = Words("whether left is missing", "是否流失缺失")


class LackingError(checks.InputError):
    """Some of the rows do not suffice; `words` say why, for a group that a report is for."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, kw_only=True)
class Input:
    """One number that the economics rest on.

    Parameters
    ----------
    estimate : float
        Its best value.
    basis : {"data", "given", "assumed"}
        Estimated from rows, stated by the caller, or set by the claim's ratio.
    quantile : callable, optional
        Chance to value; None if the number is taken as certain.
    influence : array, optional
        What each cluster adds to its error, for numbers from data.
    n : int
        Customer periods, customers won, or 0 if not from data.
    clusters : int
        Clusters with rows behind it.
    why : Words, optional
        Why it has no interval although it comes from data.
    """

    estimate: float
    basis: str
    quantile: propagation.Quantile | None = None
    influence: Floats | None = None
    n: int = 0
    clusters: int = 0
    why: Words | None = None


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The caller's columns, by what they stand for."""

    left: str | None
    at_risk: str | None
    unit: str | None
    period: str | None
    tenure: str | None
    cluster: str | None
    group: str | None
    won: str | None
    money: Mapping[str, str] = field(default_factory=dict)

    def by_role(self) -> dict[str, str]:
        """Return role to column, without those that were not named."""
        single = {role: getattr(self, role) for role in ("left", "at_risk", "unit", "period", "tenure", "cluster",
                                                         "group", "won")}  # fmt: skip
        return {role: name for role, name in (single | dict(self.money)).items() if name is not None}


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Rows that can be used.

    Parameters
    ----------
    customers, left : array, shape (n,)
        Customers at the start of the row's period, and how many of them left by its end; `left` is NaN
        throughout where the retention rate does not come from the rows.
    tenure : array of int, shape (n,)
        Class of the row's customers, from 0.
    classes : int
        Number of classes.
    cluster : array of int, shape (n,)
        Rows of one cluster may go together.
    clustered : bool
        Clusters were named; otherwise customers are taken to leave independently.
    money : dict of str to array
        Totals per row; NaN where not stated.
    won : array, shape (n,)
        Customers won.
    group : array of int, shape (n,)
        Group codes, -1 where missing; empty without groups.
    groups : list
        Names of the groups.
    step : Step
        Length of a period.
    """

    customers: Floats
    left: Floats
    tenure: Integers
    classes: int
    cluster: Integers
    clustered: bool
    money: Mapping[str, Floats]
    won: Floats
    group: Integers
    groups: list[Any]
    step: Step
    sample: Sample
    confidence: float

    def retention(self, keep: Flags) -> tuple[Input, ...]:
        """Estimate the retention rate of each class of tenure in some of the rows.

        Raises
        ------
        LackingError
            If nobody of a class is at risk.
        """
        return tuple(self._rate(keep & (self.tenure == t), t) for t in range(self.classes))

    def _rate(self, keep: Flags, place: int) -> Input:
        n, gone = float(self.customers[keep].sum()), float(self.left[keep].sum())
        if n == 0:
            at = place + 1
            raise LackingError(
                Words(
                    f"nobody is seen in period {at} of tenure: use fewer tenures",
                    f"客龄第 {at} 期没有客户：请减少 tenures",
                )
            )
        leaving, influence = self._ratio(self.left, self.customers, keep)
        clusters, why = len(np.unique(self.cluster[keep])), None
        size: float = n
        if self.clustered and clusters < 2:
            why = Words("all rows are of one cluster", "全部行属于同一聚类")
        elif self.clustered:
            variance = float(ratios.covariance(influence[:, None], clusters)[0, 0])
            size = propagation.effective_size(n, gone, variance, clusters, self.confidence)
        leave = propagation.rate(leaving * size, size, self.confidence)
        return Input(
            estimate=1 - leaving,
            basis="data",
            quantile=None if why else lambda p: 1 - leave(1 - p),
            influence=-influence,
            n=round(n),
            clusters=clusters,
            why=why,
        )

    def amount(self, role: str, keep: Flags) -> Input:
        """Estimate money per customer and period, or per customer won, in some of the rows.

        Raises
        ------
        LackingError
            If no row states it, or nobody was won.
        """
        per = self.won if role == "cost_to_win" else self.customers
        keep = keep & ~np.isnan(self.money[role]) & ~np.isnan(per)
        if not per[keep].sum() > 0:
            raise LackingError(Words(f"no row states its {role}", f"没有一行填写 {role}"))
        estimate, influence = self._ratio(self.money[role], per, keep)
        clusters = len(np.unique(self.cluster[keep]))
        one = Words("it comes from one row or cluster", "只来自一行或一个聚类")
        se = float(np.sqrt(ratios.covariance(influence[:, None], clusters)[0, 0])) if clusters > 1 else 0.0
        return Input(
            estimate=estimate,
            basis="data",
            quantile=propagation.estimated(estimate, se, clusters - 1, log=role != "margin") if se else None,
            influence=influence,
            n=round(float(per[keep].sum())),
            clusters=clusters,
            why=one if clusters < 2 else None,
        )

    def clusters(self, keep: Flags) -> int:
        """Return how many clusters some of the rows fall into."""
        return len(np.unique(self.cluster[keep]))

    def _ratio(self, numerator: Floats, denominator: Floats, keep: Flags) -> tuple[float, Floats]:
        size = int(self.cluster.max()) + 1
        return ratios.ratio(numerator[keep], denominator[keep], self.cluster[keep], size)


def read(data: "pd.DataFrame", columns: Columns, *, tenures: int, step: str, confidence: float) -> Ledger:
    """Check the columns, and keep the rows that say who was at risk and who left.

    Raises
    ------
    InputError
        If a column cannot be used, or rows contradict each other.
    """
    _check(data, columns)
    unit, cluster = _codes(data, columns.unit), _codes(data, columns.cluster)
    when = _when(data, columns, unit, step)
    customers = np.ones(len(data)) if columns.at_risk is None else _amounts(data, "at_risk", columns.at_risk)
    left = np.full(len(data), np.nan) if columns.left is None else _leavers(data, columns)
    tenure = None if columns.tenure is None or tenures == 1 else _tenure(data, columns.tenure)
    keep, dropped = _complete(
        {
            NO_UNIT: None if unit is None else unit < 0,
            NO_CLUSTER: None if cluster is None else cluster < 0,
            NO_PERIOD: None if when is None else ~when.known,
            NO_TENURE: None if tenure is None else np.isnan(tenure),
            NO_COUNT: None if columns.at_risk is None else ~(customers > 0),
            NO_LEFT: None if columns.left is None else np.isnan(left),
        },
        len(data),
    )
    _refuse_more_than_all(data, columns, keep, customers, left)
    if unit is not None and when is not None:
        _refuse_after_leaving(data, columns, keep, unit, when.index, left, when.step)
    if tenures > 1 and tenure is None:
        tenure = _since_first_row(columns, keep, unit, when)
    group, groups = _groups(data, columns.group, keep)
    won = np.ones(len(data)) if columns.won is None else _amounts(data, "won", columns.won)
    together = cluster if cluster is not None else unit
    used = int(keep.sum())
    counted = {"units": unit, "periods": None if when is None else when.index}
    counts = {name: len(np.unique(codes[keep])) for name, codes in counted.items() if codes is not None}
    return Ledger(
        customers=customers[keep],
        left=left[keep],
        tenure=np.zeros(used, dtype=np.int64) if tenure is None else np.minimum(tenure[keep], tenures).astype(int) - 1,
        classes=tenures,
        cluster=np.arange(used) if together is None else np.unique(together[keep], return_inverse=True)[1],
        clustered=together is not None,
        money={role: _money(data, role, name)[keep] for role, name in columns.money.items()},
        won=won[keep],
        group=group,
        groups=groups,
        step=when.step if when is not None else Step(unit="period" if step == "auto" else step),  # type: ignore[arg-type]
        sample=Sample(len(data), used, tuple(dropped), counts),
        confidence=confidence,
    )


def _when(data: "pd.DataFrame", columns: Columns, unit: Integers | None, step: str) -> Calendar | None:
    if columns.period is None:
        return None
    return calendar(data[columns.period], "period", np.arange(len(data)) if unit is None else unit, step)


def _complete(missing: Mapping[Words, Flags | None], rows: int) -> tuple[Flags, list[tuple[Words, int]]]:
    """Return the rows that lack nothing; each other row is counted for the first reason that holds."""
    keep: Flags = np.ones(rows, dtype=bool)
    dropped = []
    for why, lacks in missing.items():
        if lacks is not None:
            dropped.append((why, int((keep & lacks).sum())))
            keep = keep & ~lacks
    if not keep.any():
        reasons = ", ".join(f"{n} {why.en}" for why, n in dropped if n)
        raise checks.InputError(f"no rows are left ({reasons})")
    return keep, dropped


def _check(data: "pd.DataFrame", columns: Columns) -> None:
    roles = columns.by_role()
    checks.columns(data, **roles)
    if not len(data):
        raise checks.InputError("no rows are left (data has no rows)")
    may_share = {"unit", "cluster", "group"}  # a community may be all three
    for role, name in roles.items():
        for other, same in roles.items():
            if role < other and name == same and not {role, other} <= may_share:
                raise checks.InputError(f"{role}={name!r} is the {other} already; name another column")


def _codes(data: "pd.DataFrame", column: str | None) -> Integers | None:
    import pandas as pd

    return None if column is None else pd.factorize(data[column])[0].astype(np.int64)


def _leavers(data: "pd.DataFrame", columns: Columns) -> Floats:
    """Return how many left: 1 and 0, yes and no, or counts where customers are counted."""
    import pandas as pd

    name = str(columns.left)
    codes, labels = pd.factorize(data[name])
    texts = [str(label).strip().lower() for label in labels]
    if columns.at_risk is None and set(texts) <= set(YES_NO):
        return np.array([*(YES_NO[text] for text in texts), np.nan])[codes]
    hint = "; 1 or yes means left, 0 or no means stayed" if columns.at_risk is None else ""
    try:
        values = checks.numbers(data, "left", name)
    except checks.InputError as error:
        raise checks.InputError(f"{error}{hint}") from None
    bad = (values < 0) | (values != np.round(values)) if columns.at_risk else (values != 0) & (values != 1)
    bad &= ~np.isnan(values)
    if bad.any():
        right = "a whole number of leavers is needed" if columns.at_risk else "1 (left) or 0 (stayed) is needed"
        raise checks.InputError(f"left={name!r}: row {data.index[bad][0]} holds {values[bad][0]:g}; {right}")
    return values


def _amounts(data: "pd.DataFrame", role: str, column: str) -> Floats:
    values = checks.numbers(data, role, column)
    if (values < 0).any():
        raise checks.InputError(f"{role}={column!r}: row {data.index[values < 0][0]} is below 0")
    return values


def _money(data: "pd.DataFrame", role: str, column: str) -> Floats:
    return checks.numbers(data, role, column) if role == "margin" else _amounts(data, role, column)


def _tenure(data: "pd.DataFrame", column: str) -> Floats:
    values = checks.numbers(data, "tenure", column)
    bad = (values < 1) | (values != np.round(values))
    bad &= ~np.isnan(values)
    if bad.any():
        raise checks.InputError(
            f"tenure={column!r}: row {data.index[bad][0]} holds {values[bad][0]:g}; "
            "whole periods are needed, 1 for a customer's first"
        )
    return values


def _refuse_more_than_all(data: "pd.DataFrame", columns: Columns, keep: Flags, customers: Floats, left: Floats) -> None:
    bad = keep & (left > customers)
    if bad.any():
        at = int(bad.argmax())
        raise checks.InputError(
            f"left={columns.left!r}: row {data.index[at]} has {left[at]:g} leavers of {customers[at]:g} customers"
        )


def _refuse_after_leaving(
    data: "pd.DataFrame", columns: Columns, keep: Flags, unit: Integers, time: Integers, left: Floats, step: Step
) -> None:
    """Refuse a customer's second row in a period, and a row after the customer left."""
    rows = np.flatnonzero(keep)
    order = rows[np.lexsort((time[rows], unit[rows]))]
    same = np.diff(unit[order]) == 0
    single = columns.at_risk is None  # a community goes on after some have left
    for wrong, what in (
        (same & (np.diff(time[order]) == 0), "has two rows in"),
        (same & (left[order[:-1]] == 1) & single, "left, and has a later row in"),
    ):
        if wrong.any():
            at = order[int(wrong.argmax()) + 1]
            name = shown(data[columns.unit].iloc[at])
            raise checks.InputError(
                f"data: {name} {what} {step.label(int(time[at]))} (row {data.index[at]}); "
                "one row per unit and period is needed, the last one where it left"
            )


def _since_first_row(columns: Columns, keep: Flags, unit: Integers | None, when: Calendar | None) -> Floats:
    if unit is None or when is None or columns.at_risk is not None:
        raise checks.InputError("tenures above 1 need a tenure column, or unit and period of single customers")
    first = np.full(int(unit.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, unit[keep], when.index[keep])
    return np.asarray((when.index - first[unit]) // when.step.size + 1, dtype=float)


def _groups(data: "pd.DataFrame", column: str | None, keep: Flags) -> tuple[Integers, list[Any]]:
    import pandas as pd

    if column is None:
        return np.empty(0, dtype=np.int64), []
    codes, labels = pd.factorize(data[column][keep], sort=False)
    if not len(labels):
        raise checks.InputError(f"group={column!r}: empty in every row used; group names are needed")
    names = [value.item() if isinstance(value, np.generic) else value for value in labels]
    order = sorted(range(len(names)), key=lambda i: str(names[i]))
    place = np.empty(len(names) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(names)), -1
    return place[codes], [names[i] for i in order]
