"""What studies of moments of truth say, in both languages."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cxresearch.language import Paragraph, Words, check, number, percent

if TYPE_CHECKING:
    from cxresearch.touchpoints.moments_results import MomentsOfTruth

HEADINGS: Final[dict[str, Words]] = {
    "attempts": Words("failures with a next moment", "有补救机会的失误"),
    "back": Words("back stage", "后台"),
    "contacts": Words("contacts", "接触次数"),
    "customers": Words("customers", "客户数"),
    "customers_failed": Words("customers who meet a failure", "遇到失误的客户"),
    "customers_lasting": Words("customers who leave with a failure", "带着失误离开的客户"),
    "expected": Words("computed", "公式计算"),
    "failure": Words("chance of failure", "失误概率"),
    "failures": Words("failures", "失误次数"),
    "failures_per_day": Words("failures a day", "每天失误"),
    "from_back": Words("begun back stage", "起于后台"),
    "from_back_stage": Words("failed steps begun back stage", "起于后台的失误步骤"),
    "front": Words("front stage", "前台"),
    "gap": Words("too high by", "超出"),
    "group": Words("group", "分组"),
    "guests_per_room": Words("guests per room", "每间客人数"),
    "harm_share": Words("share of harm", "占损害"),
    "lasting": Words("failures not made good", "未能挽回的失误"),
    "lasting_per_day": Words("not made good a day", "每天未挽回"),
    "made_good": Words("failures made good", "已挽回的失误"),
    "met_at": Words("customers meet it at", "客户在何处遇到"),
    "moment": Words("moment of truth", "关键时刻"),
    "moments": Words("moments of a stay", "关键时刻数"),
    "needed": Words("needed", "所需标准"),
    "nights": Words("nights of a stay", "入住晚数"),
    "occupancy": Words("occupancy", "入住率"),
    "per_customer": Words("per customer", "每位客户"),
    "per_day": Words("per day", "每天"),
    "per_year": Words("per year", "每年"),
    "quantity": Words("quantity", "项目"),
    "recovery": Words("chance of recovery", "补救成功率"),
    "recovery_cost": Words("spent on recovery (money)", "补救花费（金额）"),
    "role": Words("role", "角色"),
    "rooms": Words("rooms", "客房数"),
    "share": Words("share", "占比"),
    "simulated": Words("drawn", "模拟"),
    "spared_per_day": Words("customers spared a day if mended", "改好后每天少受损的客户"),
    "stage": Words("stage", "前台或后台"),
    "step": Words("step", "步骤"),
    "steps": Words("steps", "步骤数"),
    "tool": Words("tool", "道具"),
    "weight": Words("weight", "权重"),
}

_CALLED: Final[dict[str, Words]] = {
    "failure": Words("how often things fail", "失误概率"),
    "recovery": Words("how often recovery works", "补救成功率"),
    "recovery_cost": Words("what a recovery costs", "单次补救费用"),
    "customers": Words("customers a day", "每天客户数"),
}


def called(name: str, language: str) -> str:
    """Return what an input is called in a sentence."""
    return _CALLED.get(name, HEADINGS[name])(language)


def amount(value: float, language: str = "en") -> str:
    """Write a count with as many decimals as it needs: none from 20 on, one below, two below 1."""
    check(language)
    return number(value, 0 if abs(value) >= 20 else 1 if abs(value) >= 1 else 2)


def finding(result: "MomentsOfTruth", language: str) -> str:
    """Say in one line what a day brings."""
    check(language)
    if result.blueprint.given:
        worst = worst_moments(result, 1)
        if not worst:
            return Words("Nothing fails", "没有失误")(language)
        name = result.name(worst[0]["moment"], language)
        spared = amount(worst[0]["spared_per_day"])
        return Words(
            f"Mend “{name}” first: {spared} fewer customers a day leave with a failure",
            f"优先改进“{name}”：每天带着失误离开的客户可减少 {spared} 位",
        )(language)
    row = result.row("contacts")
    failed = result.row("customers_failed")["per_customer"]
    return Words(
        f"{number(row['per_day'], 0)} contacts a day: {percent(failed)} of customers meet a failure",
        f"每天 {number(row['per_day'], 0)} 次接触：{percent(failed)} 的客户会遇到失误",
    )(language)


def worst_moments(result: "MomentsOfTruth", most: int) -> "list[pd.Series[Any]]":
    """Return the moments whose mending spares most customers, the first one first."""
    table = result.moments.sort_values("spared_per_day", ascending=False, kind="stable")
    table = table[table["spared_per_day"] > 1e-12].head(most)
    return [row for _, row in table.iterrows()]


def text(result: "MomentsOfTruth", language: str, focus: Any) -> Paragraph:
    """Say how many contacts a day brings, what fails and what lasts."""
    check(language)
    parts = [] if focus is None else [_moment(result, result.moment(focus), language)]
    parts += [_exposure(result, language), _failures(result, language), _recovery(result, language)]
    if result.blueprint.given:
        parts += [_starts(result, language), _first(result, language)]
    if result.recovery_cost is not None:
        parts.append(_cost(result, language))
    if result.target is not None:
        parts.append(_needed(result, language))
    parts.append(_assumed(result, language))
    return Paragraph((" " if language == "en" else "").join(part for part in parts if part))


def _bracket(row: "pd.Series[Any]", scale: float, language: str, digits: int) -> str:
    if np.isnan(row["ci_low"]):
        return ""
    low, high = (number(row[end] * scale, digits) for end in ("ci_low", "ci_high"))
    return Words(f" ({low} to {high})", f"（{low} 至 {high}）")(language)


def _exposure(result: "MomentsOfTruth", language: str) -> str:
    house, row = result.house, result.row("contacts")
    k, day, year = number(row["per_customer"], 0), number(row["per_day"], 0), number(row["per_year"], 0)
    who = amount(house.arriving)
    if house.customers is not None:
        return Words(
            f"{who} customers a day, each with {k} moments of truth, make {day} contacts a day and {year} a year.",
            f"每天 {who} 位客户，每位经历 {k} 个关键时刻，合计每天 {day} 次接触、每年 {year} 次。",
        )(language)
    rooms, full = number(house.rooms, 0), percent(house.occupancy)
    more_en, more_zh = "", ""
    if (house.guests_per_room, house.nights) != (1.0, 1.0):
        g, n = f"{house.guests_per_room:g}", f"{house.nights:g}"
        more_en, more_zh = f", {g} guests per room staying {n} nights", f"、每间 {g} 位客人、每次住 {n} 晚"
    return Words(
        f"{rooms} rooms at {full} occupancy{more_en} make {day} contacts a day and {year} a year: {who} stays begin "
        f"each day, and each has {k} moments of truth.",
        f"{rooms} 间客房、入住率 {full}{more_zh}，每天产生 {day} 次接触、每年 {year} 次：每天有 {who} 位客人开始入住，"
        f"每位经历 {k} 个关键时刻。",
    )(language)


def _failures(result: "MomentsOfTruth", language: str) -> str:
    rows = {name: result.row(name) for name in ("failures", "customers_failed")}
    day, span = amount(rows["failures"]["per_day"]), _bracket(rows["failures"], 1, language, 0)
    of = rows["customers_failed"]
    share, of_span = percent(of["per_customer"]), _bracket(of, 100 / result.house.arriving, language, 0)
    chances = result.blueprint.failure
    each_en, each_zh = "", ""
    if not result.blueprint.given:
        each_en = f"If {_often(chances[0], 'en')} goes wrong, that is {day} failures a day: "
        each_zh = f"若{_often(chances[0], 'zh')}出错，每天就有 {day} 次失误："
    else:
        each_en, each_zh = f"{day} of them go wrong each day{span}: ", f"其中每天有 {day} 次出错{span}："
    return Words(
        f"{each_en}{share} of customers meet at least one{of_span}, {amount(of['per_day'])} a day.",
        f"{each_zh}{share} 的客户至少遇到一次{of_span}，每天 {amount(of['per_day'])} 位。",
    )(language)


def _often(chance: float, language: str) -> str:
    """Write a chance as one in so many."""
    if chance <= 0:
        return Words("none of them", "一次也没有")(language)
    many = 1 / chance
    if abs(many - round(many)) < 1e-9 and many > 1:
        return Words(f"one contact in {number(many, 0)}", f"每 {number(many, 0)} 次接触有一次")(language)
    return Words(f"{percent(chance, 1)} of contacts", f"{percent(chance, 1)} 的接触")(language)


def _recovery(result: "MomentsOfTruth", language: str) -> str:
    failures, made = result.row("failures")["per_customer"], result.row("made_good")["per_customer"]
    if failures <= 0:
        return ""
    of = result.row("customers_lasting")
    share, span = percent(of["per_customer"]), _bracket(of, 100 / result.house.arriving, language, 0)
    good, day = percent(made / failures), amount(of["per_day"])
    return Words(
        f"The next moment makes {good} of the failures good; {share} of customers still leave with one{span}, {day} a "
        "day.",
        f"下一个关键时刻能挽回其中 {good}；仍有 {share} 的客户带着失误离开{span}，每天 {day} 位。",
    )(language)


def _starts(result: "MomentsOfTruth", language: str) -> str:
    steps = result.steps[result.steps["failures_per_day"] > 0]
    if steps.empty:
        return ""
    top = steps.sort_values("failures_per_day", ascending=False, kind="stable").iloc[0]
    name, per_day = result.name(top["step"], language), amount(top["failures_per_day"])
    who = "" if pd.isna(top["role"]) else result.name(top["role"], language)
    stage = HEADINGS[top["stage"]](language)
    by_en, by_zh = (f", {who}", f"，{who}") if who else ("", "")
    told = Words(
        f"Most failures start at “{name}” ({stage}{by_en}): {per_day} a day",
        f"失误最多起于“{name}”（{stage}{by_zh}）：每天 {per_day} 次",
    )(language)
    back = steps.loc[steps["stage"] == "back", "failures_per_day"].sum() / steps["failures_per_day"].sum()
    if not (result.steps["stage"] == "back").any():
        return told + Words(".", "。")(language)
    return told + Words(
        f"; {percent(back)} of all failures start back stage, where no customer is.",
        f"；全部失误中有 {percent(back)} 起于客户看不见的后台。",
    )(language)


def _first(result: "MomentsOfTruth", language: str) -> str:
    worst = worst_moments(result, 3)
    if not worst:
        return ""
    pairs = [(result.name(row["moment"], language), amount(row["spared_per_day"])) for row in worst]
    if language == "zh":
        told = [f"{name}（{spared}）" for name, spared in pairs]
        return f"优先改进以下时刻（括号内为每天可少受损的客户数）：{'、'.join(told)}。"
    told = [f"{name} ({spared})" for name, spared in pairs]
    return f"Mend first, with the customers a day that it would spare: {', '.join(told)}."


def _cost(result: "MomentsOfTruth", language: str) -> str:
    row = result.row("recovery_cost")
    day, year = (number(row[column], 0) for column in ("per_day", "per_year"))
    return Words(
        f"Trying to make failures good costs {day} a day and {year} a year.", f"补救失误每天花费 {day}，每年 {year}。"
    )(language)


def _needed(result: "MomentsOfTruth", language: str) -> str:
    table = result.moments
    above = int((table["gap"] > 0).sum())
    typical = percent(float(table["needed"].median()), 2)
    return Words(
        f"For at most {percent(result.target or 0)} of customers to meet one, a moment may fail in {typical} of cases "
        f"(median); {above} of {len(table)} fail more often than they may.",
        f"若要使遇到失误的客户不超过 {percent(result.target or 0)}，每个时刻的失误概率不得高于 {typical}（中位数）；"
        f"{len(table)} 个时刻中有 {above} 个超标。",
    )(language)


def _assumed(result: "MomentsOfTruth", language: str) -> str:
    if not result.assumed:
        level = percent(result.confidence)
        if result.blueprint.observed is None:
            return ""
        return Words(f"{level} intervals in brackets.", f"括号内为 {level} 区间。")(language)
    both = len(result.assumed) == 2
    what = Words("failure and recovery" if both else result.assumed[0], "")("en")
    which = {"failure": "失误概率", "recovery": "补救成功率"}
    zh = "失误概率和补救成功率" if both else which[result.assumed[0]]
    recovery = percent(float(result.blueprint.recovery.mean()))
    half = (
        Words(f" (recovery {recovery})", f"（补救成功率 {recovery}）")(language) if "recovery" in result.assumed else ""
    )
    return Words(f"The chances of {what}{half} are assumed, not measured.", f"{zh}{half}是假定的，并非实测。")(language)


def _moment(result: "MomentsOfTruth", row: "pd.Series[Any]", language: str) -> str:
    name, k = result.name(row["moment"], language), len(result.moments)
    rank = int((result.moments["spared_per_day"] > row["spared_per_day"] + 1e-12).sum()) + 1
    back = row["from_back"]
    back_en = "" if np.isnan(back) or back == 0 else f", {percent(back)} of them begun back stage"
    back_zh = "" if np.isnan(back) or back == 0 else f"，其中 {percent(back)} 起于后台"
    spared = amount(row["spared_per_day"])
    return Words(
        f"“{name}” (moment {row['order']} of {k}) goes wrong {amount(row['failures_per_day'])} times a day{back_en}; "
        f"mended, it would spare {spared} customers a day, rank {rank} of {k}.",
        f"“{name}”（第 {row['order']} 个时刻，共 {k} 个）每天出错 {amount(row['failures_per_day'])} 次{back_zh}；"
        f"若能改好，每天可少损失 {spared} 位客户，在 {k} 个时刻中排第 {rank}。",
    )(language)
