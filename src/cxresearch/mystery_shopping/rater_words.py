"""What the study of agreement says of scores and of raters, in English and Chinese."""

import math
from typing import TYPE_CHECKING, Any

from cxresearch import checks
from cxresearch.language import Words, number, percent

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.mystery_shopping.agreement_results import AgreementResult


def join(parts: list[str], language: str) -> str:
    """Put sentences together: Chinese ones stand without a space."""
    return ("" if language == "zh" else " ").join(part for part in parts if part)


def plain(score: Any) -> str:
    """Write a score: a number as it is usually written, anything else as it is."""
    if isinstance(score, bool) or not isinstance(score, int | float):
        return str(score)
    return number(score, 0 if float(score).is_integer() else 2)


def known(raters: "pd.DataFrame") -> "pd.DataFrame":
    """Return the raters with enough ratings to speak of: five, or as many as the busiest has."""
    enough: pd.DataFrame = raters[raters["n"] >= min(5, raters["n"].max())]
    return enough


def shares(result: "AgreementResult", language: str) -> str:
    """Say how often raters give the same score, and what chance makes of it."""
    agree = result.row("percent")
    if math.isnan(agree.estimate) or not (result.level == "nominal" or result.paradox):
        return ""
    known = result.level == "nominal" and not math.isnan(agree.ci_low)
    ends = (percent(agree.ci_low), percent(agree.ci_high))
    said = Words(
        f"Two raters give the same target the same answer in {percent(result.same)} of cases"
        f"{' ({} to {})'.format(*ends) if known else ''}",
        f"任意两名评分者对同一对象的判断有 {percent(result.same)} 相同{'（{} 至 {}）'.format(*ends) if known else ''}",
    )(language)
    return said + (_by_chance(result)(language) if result.paradox else Words(".", "。")(language))


def _by_chance(result: "AgreementResult") -> Words:
    """Say what the frequent score brings about, and how often the rare ones are confirmed."""
    table = result.prevalence.sort_values("n", ascending=False, kind="stable")
    most, rare = table.iloc[0], table.iloc[1:]
    chance, share = percent(float((table["share"] ** 2).sum())), percent(most["share"])
    confirmed = percent(float((rare["confirmed"].fillna(0) * rare["n"]).sum() / rare["n"].sum()))
    name = plain(most["category"])
    return Words(
        f", but {share} of all answers are {name}, so chance alone would bring {chance}. When a rater gives another "
        f"answer, a second one confirms it in {confirmed} of cases.",
        f"；但全部判断中有 {share} 是“{name}”，仅凭随机就会有 {chance} 相同。"
        f"当一名评分者给出别的判断时，另一名与之相同的只有 {confirmed}。",
    )


def strictness(result: "AgreementResult", language: str) -> str:
    """Say who is strict, who is mild, and who departs from the panel."""
    raters = known(result.raters.dropna(subset="severity"))
    severity, said = raters["severity"].to_numpy(), []
    if len(raters) >= 2 and severity.max() > 0 > severity.min():
        names = raters["rater"].tolist()
        strict, mild = names[severity.argmax()], names[severity.argmin()]
        below, above = number(severity.max()), number(-severity.min())
        said.append(
            Words(
                f"On the same targets the strictest rater ({strict}) scores {below} points below the others, the "
                f"mildest ({mild}) {above} above{_beyond_chance(result)('en')}.",
                f"对同样的对象，最严的评分者（{strict}）平均比其他人低 {below} 分，最松的（{mild}）平均高 {above} 分"
                f"{_beyond_chance(result)('zh')}。",
            )(language)
        )
    return join([*said, _departing(result)(language)], language)


def _beyond_chance(result: "AgreementResult") -> Words:
    standing = result.raters["standing"]
    strict, mild = (result.raters.loc[standing.str.startswith(s), "rater"] for s in ("stricter", "milder"))
    if (standing == "unknown").all():
        return Words("", "")
    if strict.empty and mild.empty:
        return Words("; chance could account for such differences", "，这样的差异可能出于偶然")
    parts = [
        Words(f"{checks.listed(who, 5)} ({said.en})", f"{checks.listed(who, 5)} {said.zh}")
        for who, said in ((strict, Words("stricter", "偏严")), (mild, Words("milder", "偏松")))
        if len(who)
    ]
    en, zh = " and ".join(part.en for part in parts), "、".join(part.zh for part in parts)
    return Words(f"; for {en} that is more than chance explains", f"；其中 {zh}，不是偶然所能解释的")


def _departing(result: "AgreementResult") -> Words:
    """Name the raters who agree with the others less than these do among themselves."""
    found = result.raters[result.raters["standing"].str.endswith("apart")].sort_values("gap")
    if found.empty:
        return Words("", "")
    first, who = found.iloc[0], checks.listed(found["rater"], 5)
    with_others, among = number(first["agreement"]), number(first["agreement"] - first["gap"])
    verb = "agrees" if len(found) == 1 else "agree"
    worst = "" if len(found) == 1 else f"{first['rater']}: "
    return Words(
        f"Rater {who} {verb} with the others clearly less than these do among themselves ({worst}{with_others} against "
        f"{among}, where 1 is full agreement): look at what is done differently.",
        f"评分者 {who} 与其他人的一致程度明显低于其他人彼此之间（{worst}{with_others} 对 {among}，1 为完全一致）："
        "应弄清做法有何不同。",
    )
