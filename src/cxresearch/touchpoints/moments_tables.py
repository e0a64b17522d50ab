"""The numbers of moments of truth: per customer, per day and per year, by moment and by step."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.numerics import encounters
from cxresearch.numerics.encounters import Chain
from cxresearch.touchpoints.moments_blueprint import Blueprint

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

EXPOSURE: Final = ("customers", "contacts")
"""Rows that chances of failure play no part in."""
MOVED: Final = 0.2
"""Share by which `sensitivity` moves each number."""


@dataclass(frozen=True, kw_only=True)
class House:
    """How many customers go through the moments; see `cxresearch.moments_of_truth`."""

    rooms: float
    occupancy: float
    guests_per_room: float
    nights: float
    customers: float | None
    days: float

    @property
    def arriving(self) -> float:
        """Customers a day who begin to go through the moments."""
        if self.customers is not None:
            return self.customers
        return self.rooms * self.occupancy * self.guests_per_room / self.nights

    def check(self) -> None:
        """Refuse what is no positive number, and an occupancy above 1."""
        for name, value in vars(self).items():
            if name == "customers" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
                raise checks.InputError(f"{name}={value!r} must be a number above 0")
        if self.occupancy > 1:
            raise checks.InputError(f"occupancy={self.occupancy!r} must be a share of rooms up to 1, for example 0.6")
        if self.days > 366:
            raise checks.InputError(f"days={self.days!r} must be days of a year, 366 at most")


def chain(read: Blueprint, failure: Floats | None = None, recovery: Floats | None = None) -> Chain:
    """Return the chain of the moments that customers see."""
    return encounters.chain(
        read.failure if failure is None else failure,
        read.recovery if recovery is None else recovery,
        read.met,
        len(read.moments),
    )


def grouped(read: Blueprint, groups: "Mapping[Any, Any] | None") -> Blueprint:
    """Give moments the groups of a mapping.

    Raises
    ------
    InputError
        If the mapping knows none of the moments.
    """
    if groups is None:
        return read
    found = tuple(groups.get(name) for name in read.moments)
    if all(group is None for group in found):
        raise checks.InputError(
            f"groups: none of its moments ({checks.listed(groups, 4)}) is in the blueprint "
            f"({checks.listed(read.moments, 4)})"
        )
    return replace(read, groups=found)


def per_customer(read: Blueprint, failure: Floats, recovery: Floats) -> dict[str, float]:
    """Return what one customer is to expect."""
    of = chain(read, failure, recovery)
    failed = of.failed
    back = (read.met >= 0) & (read.steps["stage"] == "back").to_numpy()
    return {
        "customers": 1.0,
        "contacts": float(len(read.moments)),
        "failures": float(failed.sum()),
        "from_back_stage": float(failure[back].sum()),
        "customers_failed": float(of.met[-1]),
        "attempts": float(failed[:-1].sum()),
        "made_good": float(of.made_good.sum()),
        "lasting": float(failed.sum() - of.made_good.sum()),
        "customers_lasting": float(of.lasting[-1]),
    }


def quantities(read: Blueprint, house: House, cost: float | None, confidence: float) -> "pd.DataFrame":
    """Return the table of quantities."""
    import pandas as pd

    known = _with_cost(per_customer(read, read.failure, read.recovery), cost)
    ends = [_with_cost(per_customer(read, failure, read.recovery), cost) for failure in _limits(read, confidence) or ()]
    rows = []
    for name, value in known.items():
        moved = bool(ends) and name not in EXPOSURE
        low, high = (end[name] * house.arriving if moved else math.nan for end in (ends or [known, known]))
        rows.append({"quantity": name, "per_customer": value, "per_day": value * house.arriving,
                     "per_year": value * house.arriving * house.days, "ci_low": low, "ci_high": high})  # fmt: skip
    return pd.DataFrame(rows)


def _with_cost(found: dict[str, float], cost: float | None) -> dict[str, float]:
    return found if cost is None else found | {"recovery_cost": cost * found["attempts"]}


def _limits(read: Blueprint, confidence: float) -> tuple[Floats, Floats] | None:
    """Return all chances of failure moved down and up together; None where nothing was watched."""
    if read.observed is None:
        return None
    seen = read.met >= 0
    low, high = encounters.sum_of_rates(read.failure[seen], read.observed[seen], confidence)
    total = float(read.failure[seen].sum())
    if total > 0:
        return read.failure * (low / total), np.minimum(read.failure * (high / total), 1.0)
    # nothing failed: what may have been missed is shared out by how little each step was watched
    share = np.where(seen, 1 / read.observed, 0.0)
    return np.zeros_like(read.failure), np.minimum(share * (high / share.sum()), 1.0)


def moments(read: Blueprint, house: House, target: float | None) -> "pd.DataFrame":
    """Return the table of moments."""
    import pandas as pd

    of, k = chain(read), len(read.moments)
    failed = of.failed
    lasting = failed - of.made_good
    total = failed.sum()
    back = (read.steps["stage"] == "back").to_numpy()
    met = [read.failure[(read.met == at) & (back | whole)].sum() for whole in (True, False) for at in range(k)]
    steps_failing, from_back = np.array(met).reshape(2, k)
    table = pd.DataFrame(
        {
            "order": np.arange(1, k + 1),
            "moment": list(read.moments),
            **({"group": list(read.groups)} if read.groups else {}),
            "failure": failed,
            "from_back": _ratio(from_back, steps_failing),
            "recovery": _ratio(of.mendable, failed),
            "lasting": lasting,
            "failures_per_day": failed * house.arriving,
            "lasting_per_day": lasting * house.arriving,
            "share": _ratio(failed, np.full(k, total)),
            "spared_per_day": (of.lasting[-1] - _without_each(read)) * house.arriving,
        }
    )
    if read.weight is not None:
        harm = lasting * read.weight
        table["weight"], table["harm"], table["harm_share"] = read.weight, harm, _ratio(harm, np.full(k, harm.sum()))
    if target is not None:
        hardness = np.ones(k) if read.weight is None else 1 / read.weight
        table["needed"] = -np.expm1(np.log1p(-target) * hardness / hardness.sum())
        table["gap"] = table["failure"] - table["needed"]
    return table


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0))


def _without_each(read: Blueprint) -> Floats:
    """Return the share of customers who would leave with a lasting failure if one moment after another never failed."""
    of = chain(read)
    here = np.arange(len(read.moments))
    fine, mendable = (np.tile(values, (len(here), 1)) for values in (of.fine, of.mendable))
    fine[here, here], mendable[here, here] = 1.0, 0.0
    return np.asarray(Chain(fine=fine, mendable=mendable).lasting[:, -1])


def steps(read: Blueprint, house: House) -> "pd.DataFrame":
    """Return the table of steps."""
    import pandas as pd

    total = read.failure.sum()
    table = read.steps.reset_index(drop=True)
    table.insert(0, "order", np.arange(1, len(table) + 1))
    return table.assign(
        failure=read.failure,
        recovery=read.recovery,
        met_at=pd.Series([read.moments[at] if at >= 0 else None for at in read.met], dtype=object),
        failures_per_day=read.failure * house.arriving,
        share=_ratio(read.failure, np.full(len(table), total)),
    )


def curve(read: Blueprint) -> "pd.DataFrame":
    """Return, moment by moment, how many customers have met a failure, and would leave with a lasting one there."""
    import pandas as pd

    of = chain(read)
    return pd.DataFrame({"order": np.arange(1, len(read.moments) + 1), "moment": list(read.moments), "met": of.met,
                         "lasting": of.lasting})  # fmt: skip


def sensitivity(
    read: Blueprint, house: House, cost: float | None, quantity: str, ranges: Mapping[str, tuple[float, float]]
) -> "pd.DataFrame":
    """Return how a quantity per day moves with each number: input, low, high, at_low, at_high; widest first."""
    import pandas as pd

    base: dict[str, float] = {"failure": float(read.failure.mean()), "recovery": float(read.recovery.mean())}
    if not read.given:
        base["moments"] = float(len(read.moments))
    counted = ("customers",) if house.customers is not None else ("rooms", "occupancy", "guests_per_room", "nights")
    base |= {name: float(getattr(house, name)) for name in counted}
    if cost is not None:
        base["recovery_cost"] = cost
    for name in ranges:
        checks.choice("ranges", name, base)
    rows = []
    for name, value in base.items():
        low, high = _range(name, value, ranges)
        at = [_moved(read, house, cost, quantity, name, end, value) for end in (low, high)]
        rows.append({"input": name, "value": value, "low": low, "high": high, "at_low": at[0], "at_high": at[1]})
    table = pd.DataFrame(rows)
    width = (table["at_high"] - table["at_low"]).abs()
    return table.loc[width.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def _range(name: str, value: float, ranges: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    most = 1.0 if name in ("failure", "recovery", "occupancy") else math.inf
    if name not in ranges:
        low, high = (1 - MOVED) * value, min((1 + MOVED) * value, most)
        if name == "nights":
            low = max(low, min(1.0, value))  # a stay has a night
        return (float(round(low)), float(round(high))) if name == "moments" else (low, high)
    try:
        low, high = (float(end) for end in ranges[name])
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not 0 <= low <= high <= most or not math.isfinite(high):
        raise checks.InputError(f"ranges[{name!r}]={ranges[name]!r} must be lowest and highest value, 0 or above")
    return low, high


def _moved(
    read: Blueprint, house: House, cost: float | None, quantity: str, name: str, to: float, value: float
) -> float:
    """Return a quantity per day with one number changed; chances of a blueprint move in proportion."""
    failure, recovery = read.failure, read.recovery
    if name == "failure":
        failure = np.minimum(failure * (to / value), 1.0) if value > 0 else np.full_like(failure, to)
    elif name == "recovery":
        recovery = np.minimum(recovery * (to / value), 1.0) if value > 0 else np.full_like(recovery, to)
    elif name == "moments":
        k = max(1, round(to))
        # all moments are alike here
        read = replace(read, moments=tuple(range(1, k + 1)), met=np.arange(k), failure=np.full(k, failure[0]),
                       recovery=np.full(k, recovery[0]), steps=read.steps.iloc[np.zeros(k, int)])  # fmt: skip
        failure, recovery = read.failure, read.recovery
    elif name == "recovery_cost":
        cost = to
    else:
        house = replace(house, **{name: to})
    return _with_cost(per_customer(read, failure, recovery), cost)[quantity] * house.arriving


def by(steps_table: "pd.DataFrame", groups: "Mapping[Any, Any]", column: str) -> "pd.DataFrame":
    """Add up where failures start, by a column of the steps; groups are those of the moment where they are met."""
    import pandas as pd

    key = steps_table["met_at"].map(groups) if column == "group" else steps_table[column]
    frame = pd.DataFrame({column: key, "steps": 1, "failures_per_day": steps_table["failures_per_day"],
                          "share": steps_table["share"]})  # fmt: skip
    table = frame.groupby(column, dropna=True, sort=False).sum()
    return table.sort_values("failures_per_day", ascending=False, kind="stable").reset_index()
