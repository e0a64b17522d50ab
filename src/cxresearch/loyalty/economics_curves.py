"""Curves and tables about retention economics: by uplift, by tenure, by input, and one group beside the rest."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch.language import Words
from cxresearch.loyalty.economics_ledger import Flags, LackingError, Ledger
from cxresearch.loyalty.economics_quantities import (
    INPUTS,
    MEASURES,
    Plan,
    Population,
    Values,
    best,
    draw,
    interval,
    quantities,
    table,
)
from cxresearch.numerics import lifetime

if TYPE_CHECKING:
    import pandas as pd

MOVED: Final = 0.2
"""Share by which `sensitivity` moves a number for which no interval is known."""


def part(ledger: Ledger, keep: Flags, known: Population) -> Population:
    """Estimate from some rows what `known` has from all of them; what the caller stated stays as it is.

    Raises
    ------
    LackingError
        If the rows do not suffice.
    """
    if not keep.any():
        raise LackingError(Words("there is no other group", "没有其他组"))
    rates, weights = known.retention, known.weights
    if rates[0].basis == "data":
        rates = ledger.retention(keep)
        size = np.array([rate.n for rate in rates], dtype=float)
        weights = size / size.sum()
    money = {name: ledger.amount(name, keep) if one.basis == "data" else one for name, one in known.money.items()}
    return Population(retention=rates, money=money, weights=weights)


def compared(own: Population, rest: Population | None, plan: Plan, *, seed: int, confidence: float) -> "pd.DataFrame":
    """Lay out one group, all others, and their difference."""
    import pandas as pd

    tables = [table(own, plan, seed=seed, confidence=confidence).assign(part="focus")]
    if rest is not None:
        tables.append(table(rest, plan, seed=seed, confidence=confidence).assign(part="rest"))
        tables.append(_difference(own, rest, plan, draw([own, rest], seed=seed), confidence))
    joined = pd.concat(tables, ignore_index=True)
    return joined[["part", *(column for column in joined if column != "part")]]


def _difference(
    own: Population, rest: Population, plan: Plan, draws: Sequence[Values], confidence: float
) -> "pd.DataFrame":
    import pandas as pd

    both = (own, rest)
    estimates = [quantities(best(who), who.weights, plan) for who in both]
    drawn = [quantities(values, who.weights, plan) for values, who in zip(draws, both, strict=True)]
    rows = []
    for name in (name for name in MEASURES if name in estimates[0]):
        apart = np.asarray(drawn[0][name] - drawn[1][name])
        # what was stated for all has no difference to judge
        size = float(np.abs(drawn[0][name]).max())
        shared = apart.ndim == 0 or (np.isfinite(size) and bool(np.abs(apart).max() <= 1e-12 * size))
        limits = [interval(name, apart, who, confidence) for who in both]
        ends = (np.nan,) * 3 if shared or np.isnan([end[1] for end in limits]).any() else limits[0]
        n = int(sum(rate.n for who in both for rate in who.retention))
        rows.append((name, MEASURES[name], float(estimates[0][name] - estimates[1][name]), *ends, "computed", n))
    columns = ["quantity", "measure", "estimate", "se", "ci_low", "ci_high", "basis", "n"]
    return pd.DataFrame(rows, columns=columns).assign(part="difference")


def by_tenure(who: Population, plan: Plan, *, seed: int, confidence: float) -> "pd.DataFrame":
    """Lay out retention and what a customer is worth, by period of tenure."""
    import pandas as pd

    worth = []
    for values in (best(who), *draw([who], seed=seed)):
        begun = lifetime.starts(values["retention"], plan.discount)
        margin, keep = (np.asarray(values.get(name, 0.0))[..., None] for name in ("margin", "cost_to_keep"))
        worth.append(lifetime.value(begun, margin, keep, paid_at_end=plan.paid_at_end))
    rates = draw([replace(who, money={})], seed=seed)[0]["retention"]
    rows = []
    for t, rate in enumerate(who.retention):
        limits = [
            interval(name, drawn[..., t], who, confidence)[1:]
            for name, drawn in (("retention", rates), ("lifetime_value", worth[1]))
        ]
        rows.append((t + 1, rate.n, rate.estimate, *limits[0], float(worth[0][t]), *limits[1]))
    columns = ["tenure", "at_risk", "retention", "retention_ci_low", "retention_ci_high"]
    return pd.DataFrame(rows, columns=[*columns, "value", "value_ci_low", "value_ci_high"])


def break_even(
    who: Population, plan: Plan, uplifts: Sequence[float], *, seed: int, confidence: float
) -> "pd.DataFrame":
    """Lay out what may be spent on keeping customers, by uplift."""
    import pandas as pd

    (values,) = draw([who], seed=seed)
    rows = []
    for uplift in uplifts:
        spends = [
            lifetime.largest_spend(v["retention"], uplift, plan.discount, v["margin"] - v.get("cost_to_keep", 0.0))
            for v in (best(who), values)
        ]
        limits = interval("value_of_one_point", spends[1], who, confidence)[1:]
        rows.append((float(uplift), float(spends[0]), *limits, _as_winning(who, plan, uplift)))
    return pd.DataFrame(rows, columns=["uplift", "estimate", "ci_low", "ci_high", "as_winning"])


def _as_winning(who: Population, plan: Plan, uplift: float) -> float:
    """Return the spend at which a customer saved costs as much as one won; NaN if that is not known."""
    values = best(who)
    found = quantities(values, who.weights, plan)
    if "cost_to_win" not in found:
        return float("nan")
    rates, profit = values["retention"], values["margin"] - values.get("cost_to_keep", 0.0)
    begun = lifetime.starts(rates, plan.discount)
    saved = (lifetime.lifted(rates, uplift) - rates) * who.weights
    head_start = profit * (saved @ np.r_[begun[1:], begun[-1:]]) - saved.sum() * found["lifetime_value"]
    return float((saved.sum() * found["cost_to_win"] + head_start) / (1 + plan.discount))


def sensitivity(who: Population, plan: Plan, quantity: str, confidence: float) -> "pd.DataFrame":
    """Lay out what becomes of a quantity as one input at a time is moved."""
    import pandas as pd

    rows = []
    for name, low, high, how in _moves(who, plan, confidence):
        at = [float(_moved(who, plan, name, value).get(quantity, np.nan)) for value in (low, high)]
        if at[0] != at[1]:
            rows.append((name, low, high, how, *at))
    moved = pd.DataFrame(rows, columns=["input", "low", "high", "moved_by", "at_low", "at_high"])
    order = (moved["at_high"] - moved["at_low"]).abs().sort_values(ascending=False, kind="stable").index
    return moved.loc[order].reset_index(drop=True)


def _moves(who: Population, plan: Plan, confidence: float) -> list[tuple[str, float, float, str]]:
    """Return how far each input is moved: its interval, or a fifth down and up where none is known."""
    mean = float(best(who)["retention"] @ who.weights)
    _, low, high = interval(
        "retention", np.asarray(draw([replace(who, money={})], seed=0)[0]["retention"] @ who.weights), who, confidence
    )
    share = MOVED * (1 - mean)  # of those who leave
    known = np.isfinite(low)
    moves = [("retention", low, high, "interval") if known else ("retention", mean - share, mean + share, "share")]
    ends = np.array([1 - confidence, 1 + confidence]) / 2
    for name, one in who.money.items():
        if one.quantile is not None:
            low, high = one.quantile(ends)
            moves.append((name, float(low), float(high), "interval"))
        else:
            moves.append((name, one.estimate * (1 - MOVED), one.estimate * (1 + MOVED), "share"))
    ratio = plan.ratio if plan.assumed else None
    for name, value in (("discount", plan.discount), ("programme_cost", plan.programme_cost), ("ratio", ratio)):
        if value:
            moves.append((name, value * (1 - MOVED), value * (1 + MOVED), "share"))
    return moves


def _moved(who: Population, plan: Plan, name: str, value: float) -> dict[str, Any]:
    """Return the quantities at the best values, but for one input."""
    values = best(who)
    if name == "retention":
        rates = values["retention"]
        values["retention"] = np.clip(rates + value - rates @ who.weights, 0, 1)
    elif name in INPUTS:
        values[name] = np.asarray(value)
    else:
        moved: dict[str, Any] = {name: value}
        plan = replace(plan, **moved)
    return quantities(values, who.weights, plan)
