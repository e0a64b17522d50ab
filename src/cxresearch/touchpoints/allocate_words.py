"""What the division of a budget says, in both languages."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cxresearch.language import Paragraph, Words, check, interval, number, percent
from cxresearch.touchpoints import driver_words
from cxresearch.touchpoints.driver_words import joined, name, sure_of

if TYPE_CHECKING:
    from cxresearch.touchpoints.allocate_results import Allocation

HEADINGS: Final[dict[str, Words]] = driver_words.HEADINGS | {
    "behind": Words("behind the best plan", "比最优方案少"),
    "behind_high": Words("behind, to", "少提升上限"),
    "behind_low": Words("behind, from", "少提升下限"),
    "cost": Words("cost of the first point", "第一分的成本"),
    "funded": Words("gets money in", "获得资金的比例"),
    "gain": Words("gain in outcome", "结果提升"),
    "next_high": Words("next step to", "再投一步上限"),
    "next_low": Words("next step from", "再投一步下限"),
    "next_unit": Words("next step of money buys", "再投一步带来的提升"),
    "optimism": Words("of it optimism", "其中高估"),
    "plan": Words("plan", "方案"),
    "spend": Words("money", "资金"),
    "spend_high": Words("money to", "资金上限"),
    "spend_low": Words("money from", "资金下限"),
}
PLANS: Final = {
    "best": Words("best by the estimates", "按估计最优"),
    "by_importance": Words("in proportion to importance", "按重要性比例"),
    "equal": Words("equal sums", "平均分配"),
}
MOST_NAMED: Final = 4


def amount(result: "Allocation", value: float) -> str:
    """Write an amount of money, with as many decimals as the budget calls for."""
    digits = max(0, 2 - int(np.floor(np.log10(result.budget)))) if result.budget < 1000 else 0
    text = number(value, min(digits, 4))
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {result.money}" if result.money else text


def points(value: float) -> str:
    """Write points of the outcome; small ones with three decimals."""
    return number(value, 2 if abs(value) >= 0.1 else 3)


def finding(result: "Allocation", language: str) -> str:
    """Say in one line where the money goes."""
    funded = funded_rows(result)
    if funded.empty:
        return Words("Money gains nothing here", "投入在这里没有提升")(language)
    top = funded.iloc[0]
    who = name(top["driver"], language)
    if len(funded) == 1:
        return Words(f"All the money to {who}", f"资金全部投向{who}")(language)
    share = percent(top["spend"] / result.budget)
    return Words(
        f"{share} of the money to {who}, the rest to {len(funded) - 1} more",
        f"{share} 的资金投向{who}，其余投向另外 {len(funded) - 1} 个",
    )(language)


def funded_rows(result: "Allocation") -> pd.DataFrame:
    """Return the rows that get money: at least a hundredth of the budget."""
    return result.table[result.table["spend"] >= 0.01 * result.budget]


def paragraph(result: "Allocation", language: str, focus: Any) -> Paragraph:
    """Say where the money goes, what that gains, whether simpler plans do as well, and what the next unit buys."""
    check(language)
    sentences = [] if focus is None else [_one(result, focus, language)]
    funded = funded_rows(result)
    if funded.empty:
        sentences.append(
            Words(
                "No driver has a slope above zero, so by these data money gains nothing.",
                "没有哪个因素的斜率大于零；就这些数据看，投入不会带来提升。",
            )(language)
        )
        return Paragraph(joined(sentences, language))
    sentences += [_plan(result, funded, language), _gain(result, language), _rivals(result, language)]
    sentences += [_next(result, language), CAVEAT(language)]
    return Paragraph(joined([s for s in sentences if s], language))


def _plan(result: "Allocation", funded: pd.DataFrame, language: str) -> str:
    rows = funded.head(MOST_NAMED)
    parts = [
        Words(f"{amount(result, row['spend'])} to {name(row['driver'], 'en')}",
              f"{name(row['driver'], 'zh')} {amount(result, row['spend'])}")(language)
        for _, row in rows.iterrows()
    ]  # fmt: skip
    said = {_certain(row, language) for _, row in rows.iterrows()}
    if len(said) > 1:
        parts = [part + _certain(row, language) for part, (_, row) in zip(parts, rows.iterrows(), strict=True)]
    rest = len(funded) - len(rows)
    if rest:
        parts.append(Words(f"the rest to {rest} more", f"其余投向另外 {rest} 个")(language))
    if len(said) == 1 and (alike := said.pop()):
        parts[-1] += alike if len(rows) == 1 else Words(alike.replace("it gets", "each gets"), alike)(language)
    spent = result.table["spend"].sum()
    left = result.budget - spent
    over = ""
    if left > 0.01 * result.budget:
        over = Words(f"; {amount(result, left)} are left over", f"；剩余 {amount(result, left)}")(language)
    budget = amount(result, result.budget)
    return Words(f"of a budget of {budget}, give {', '.join(parts)}{over}.",
                 f"预算 {budget}，建议分配为：{'，'.join(parts)}{over}。")(language)  # fmt: skip


def _certain(row: "pd.Series[Any]", language: str) -> str:
    if np.isnan(row["funded"]):
        return ""
    share = sure_of(row["funded"], language)
    return Words(f" (it gets money in {share} of redrawn samples)", f"（获得资金的重抽样本占 {share}）")(language)


def _gain(result: "Allocation", language: str) -> str:
    best = result.plans.iloc[0]
    what = name(result.outcome, language)
    span = "" if np.isnan(best["ci_low"]) else interval(best["ci_low"], best["ci_high"], language)
    level = percent(result.confidence)
    span = span and Words(f" ({level} interval {span})", f"（{level} 区间 {span}）")(language)
    return Words(
        f"By the estimates this goes with {points(best['gain'])} more points of {what}{span}, n = "
        f"{number(result.cases, 0)}.",
        f"按估计，{what}随之提高 {points(best['gain'])} 分{span}，n = {number(result.cases, 0)}。",
    )(language)


def _rivals(result: "Allocation", language: str) -> str:
    """Say whether simpler plans gain less."""
    parts = []
    for _, row in result.plans.iloc[1:].iterrows():
        share = percent(row["gain"] / result.plans["gain"].iloc[0])
        called = {"by_importance": Words("dividing by importance", "按重要性分配"),
                  "equal": Words("dividing evenly", "平均分配")}[row["plan"]]  # fmt: skip
        clear = row["behind_low"] > 0
        known = not np.isnan(row["behind_low"])
        less = Words("clearly less", "明显更少") if clear else Words("perhaps no less in truth", "实际上未必更少")
        said = Words(f" ({less('en')})", f"（{less('zh')}）")(language) if known else ""
        parts.append(Words(f"{called('en')} {share} of that{said}", f"{called('zh')}可得其 {share}{said}")(language))
    return Words(f"Simpler plans: {', '.join(parts)}.", f"更简单的方案：{'，'.join(parts)}。")(language)


def _next(result: "Allocation", language: str) -> str:
    table = result.table.dropna(subset="next_unit")
    row = table.iloc[int(table["next_unit"].argmax())]
    who = name(row["driver"], language)
    span = "" if np.isnan(row["next_low"]) else interval(row["next_low"], row["next_high"], language, 3)
    span = span and Words(f" ({span})", f"（{span}）")(language)
    one = amount(result, result.step)
    return Words(
        f"a further {one} buys most at {who}: {number(row['next_unit'], 3)} points{span}.",
        f"如再增加 {one}，投向{who}收益最大：{number(row['next_unit'], 3)} 分{span}。",
    )(language)


CAVEAT: Final = Words(
    "All this holds if costs and returns are as assumed, and if raising a score has the effect that goes with it in "
    "the survey.",
    "以上成立的前提是：成本和收益如所假定，且提高得分确实会产生调查中与之相伴的效果。",
)


def _one(result: "Allocation", focus: Any, language: str) -> str:
    row = result.table[result.table["driver"] == focus].iloc[0]
    who = name(focus, language)
    if np.isnan(row["spend"]):
        return Words(f"{who} never varies, so what money does there is unknown.",
                     f"{who}没有变化，无法判断资金在此的效果。")(language)  # fmt: skip
    span = ""
    if not np.isnan(row["spend_low"]):
        ends = [amount(result, row[c]) for c in ("spend_low", "spend_high")]
        span = Words(f" ({ends[0]} to {ends[1]} over redrawn samples)", f"（重抽样本中为 {ends[0]} 至 {ends[1]}）")(
            language
        )
    gain = points(row["gain"])
    return Words(
        f"{who} gets {amount(result, row['spend'])} of {amount(result, result.budget)}{span}; its score of "
        f"{number(row['performance'])} rises by {number(row['rise'])}, which goes with {gain} points of "
        f"{name(result.outcome, 'en')}.",
        f"{who}分得 {amount(result, row['spend'])}（共 {amount(result, result.budget)}）{span}；得分由 "
        f"{number(row['performance'])} 提高 {number(row['rise'])}，"
        f"对应{name(result.outcome, 'zh')}提高 {gain} 分。",
    )(language)
