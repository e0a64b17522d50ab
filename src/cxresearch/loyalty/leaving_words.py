"""What studies of leaving say, in both languages: reasons, flocks, and silent drop-out."""

from typing import TYPE_CHECKING, Final

import numpy as np

from cxresearch.language import Paragraph, Words, check, interval, number, percent
from cxresearch.loyalty.nouns import COUNTED, name, units
from cxresearch.loyalty.streak_words import chance, chances, people, then, times

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.loyalty.attrition import Attrition
    from cxresearch.loyalty.contagion_results import Clusters
    from cxresearch.loyalty.leaving import Reasons

REASONS: Final[dict[str, Words]] = {
    "account manager left": Words("account manager left", "客户经理跳槽"),
    "moved away": Words("moved away", "搬迁"),
    "no innovation": Words("no innovation", "缺乏创新"),
    "not stated": Words("not stated", "未说明"),
    "price": Words("price", "价格"),
    "unmet needs": Words("unmet needs together", "需求未满足（合计）"),
    "unstable product": Words("unstable product", "产品质量不稳定"),
    "weak service culture": Words("weak service culture", "服务意识淡薄"),
}
"""Reasons of the simulated data, and the two that the study adds; any other keeps its name."""

HEADINGS: Final[dict[str, Words]] = REASONS | {
    "at_risk": Words("at risk", "在险数"),
    "column": Words("column", "列"),
    "effective_n": Words("effective n", "有效样本量"),
    "estimate": Words("correlation", "相关"),
    "everything": Words("… and dissatisfaction", "再加不满意等"),
    "expected": Words("of residuals, if none", "无相关时残差的期望"),
    "held": Words("held equal", "控制"),
    "high": Words("satisfaction to", "满意度上限"),
    "incidence": Words("left for it, of all", "占全体的比例"),
    "largest_weight": Words("largest weight", "最大权重"),
    "left": Words("left", "流失"),
    "low": Words("satisfaction from", "满意度下限"),
    "mean": Words("mean as seen", "实测均值"),
    "n": Words("n", "人数"),
    "nothing": Words("nothing", "无"),
    "odds_ratio": Words("odds ratio", "优势比"),
    "pairs": Words("pairs", "对数"),
    "period": Words("period", "时期"),
    "period and group": Words("period and group", "时期与群组"),
    "reason": Words("reason", "原因"),
    "satisfaction": Words("satisfaction", "满意度"),
    "share": Words("share", "占比"),
    "truth": Words("truth of the simulation", "模拟的真值"),
    "vanished": Words("vanished", "失联"),
    "weighted_mean": Words("weighted mean", "加权均值"),
}


GROUPS: Final[dict[str, Words]] = {"community": Words("community", "小区"), "小区": Words("community", "小区")}
"""Column names of groups, for sentences."""


def grouping(column: str, language: str) -> str:
    """Return how groups are called in a sentence."""
    return GROUPS[column](language) if column in GROUPS else name(column, language)


def called(reason: str, language: str) -> str:
    """Return how a reason is called."""
    return REASONS[reason](language) if reason in REASONS else reason


def _joined(sentences: list[str], language: str) -> Paragraph:
    said = [sentence for sentence in sentences if sentence]
    if language == "zh":
        return Paragraph("".join(said))
    return Paragraph(" ".join(sentence[:1].upper() + sentence[1:] for sentence in said))


def _with(row: "pd.Series", language: str, column: str) -> str:
    around = chances(row["ci_low"], row["ci_high"], language)
    return Words(f"{chance(row[column])} ({around})", f"{chance(row[column])}（{around}）")(language)


def reasons_finding(result: "Reasons", language: str) -> str:
    """Say in one line what most leavers named."""
    first = result.shares.iloc[0]
    if first["reason"] == "unmet needs":
        return Words(
            f"Of those who said why they left, {chance(first['share'])} named an unmet need",
            f"说明原因的流失者中，{chance(first['share'])} 属于需求未满足",
        )(language)
    return Words(
        f"Named most often: {called(first['reason'], 'en')} ({chance(first['share'])} of those who said why)",
        f"提到最多的原因：{called(first['reason'], 'zh')}（占说明原因者的 {chance(first['share'])}）",
    )(language)


def reasons_text(result: "Reasons", language: str) -> Paragraph:
    """Say how many leave, and why."""
    check(language)
    shares = result.shares
    single = shares[shares["reason"] != "unmet needs"]
    sentences = []
    if result.unmet:
        rival = single[~single["unmet"]]
        first = Words(
            f"of those who said why they left, {_with(shares.iloc[0], 'en', 'share')} named an unmet need",
            f"说明原因的流失者中，{_with(shares.iloc[0], 'zh', 'share')}属于需求未满足",
        )(language)
        if len(rival):
            second = rival.iloc[0]
            first += Words(
                f"; the commonest other reason is {called(second['reason'], 'en')} ({chance(second['share'])})",
                f"；其他原因中最常见的是{called(second['reason'], 'zh')}（{chance(second['share'])}）",
            )(language)
        sentences.append(first + Words(".", "。")(language))
    top = [
        Words(
            f"{called(row['reason'], 'en')} {_with(row, 'en', 'share')}",
            f"{called(row['reason'], 'zh')} {_with(row, 'zh', 'share')}",
        )(language)
        for _, row in single.head(3).iterrows()
    ]
    listed = Words(", ", "，")(language).join(top)
    sentences.append(Words(f"single reasons: {listed}.", f"单项原因：{listed}。")(language))
    last = result.at()
    over = result.step.length(int(last["period"].iloc[0]), language)
    whom = units(result.sample.used, result.unit, language)
    gone = number(result.sample.counts["leavers"], 0)
    sentences.append(
        Words(
            f"Within {over} of being first seen, {chance(last['estimate'].sum())} leave. Based on {whom}, of whom "
            f"{gone} left; {percent(result.confidence)} intervals in brackets.",
            f"首次出现后的 {over}内，流失 {chance(last['estimate'].sum())}。依据 {whom}的数据，"
            f"其中流失 {gone} {_each(result.unit)}；括号内为 {percent(result.confidence)} 区间。",
        )(language)
    )
    return _joined(sentences, language)


def _each(unit: str) -> str:
    return "名" if unit in COUNTED else "个"


def clusters_finding(result: "Clusters", language: str) -> str:
    """Say in one line whether units leave together."""
    last = result.table.iloc[-1]
    if last["ci_low"] > 0:
        return Words("They leave in flocks, beyond the causes held equal", "控制已知原因后，仍有成群流失的现象")(
            language
        )
    if last["ci_high"] < 0:
        return Words("They avoid leaving together", "同群单位反而错开流失")(language)
    return Words("No flocks beyond what chance would do", "未见超出偶然的成群流失")(language)


def clusters_text(result: "Clusters", language: str) -> Paragraph:
    """Say whether units leave together, and what that means."""
    check(language)
    last, told = result.table.iloc[-1], result.spread
    who, when = people(result.unit, language), then(result.step, language)
    group = grouping(result.group, language)
    causes = Words(f"period and {group}", f"时期、{group}")(language)
    if result.causes:
        listed = Words(", ", "、")(language).join(name(cause, language) for cause in result.causes)
        causes = Words(f"period, {group} and {listed}", f"时期、{group}、{listed}")(language)
    around = chances(told["chance_if_one_leaves_low"], told["chance_if_one_leaves_high"], language)
    swing = interval(told["swing_low"], told["swing_high"], language, 1)
    clear, each = _judged(last, language), _each(result.unit)
    base = Words(
        f"Based on {number(last['pairs'], 0)} pairs of {who}; {percent(result.confidence)} intervals in brackets.",
        f"依据 {number(last['pairs'], 0)} 对{who}；括号内为 {percent(result.confidence)} 区间。",
    )(language)
    return _joined(
        [
            Words(
                f"where one of the {who} of a {group} leaves, another one leaves {when} with a chance of "
                f"{chance(told['chance_if_one_leaves'])} ({around}) rather than {chance(told['chance'])}, with "
                f"{causes} held equal: {clear}.",
                f"在{causes}相同的条件下，同一{group}内有一{each}{who}流失时，另一{each}{when}也流失的概率为 "
                f"{chance(told['chance_if_one_leaves'])}（{around}），平均为 {chance(told['chance'])}：{clear}。",
            )(language),
            Words(
                f"the number of leavers of a {group} swings {number(told['swing'], 1)} times as widely as chance alone "
                f"would make it ({swing}).",
                f"各{group}每期流失数的波动，是纯属偶然时的 {number(told['swing'], 1)} 倍（{swing}）。",
            )(language),
            base,
        ],
        language,
    )


def _judged(last: "pd.Series", language: str) -> str:
    if last["ci_low"] > 0:
        return Words("they leave in flocks", "确有成群流失")(language)
    if last["ci_high"] < 0:
        return Words("they leave less together than chance would have it", "一起流失的比偶然还少")(language)
    return Words("which these data cannot tell from no flocking", "现有数据无法与“没有成群流失”区分")(language)


def attrition_finding(result: "Attrition", language: str) -> str:
    """Say in one line who vanishes."""
    low, high = result.table.iloc[0], result.table.iloc[-1]
    return Words(
        f"After the lowest scores {chance(low['share'])} vanish, after the highest {chance(high['share'])}",
        f"评分最低者失联 {chance(low['share'])}，最高者失联 {chance(high['share'])}",
    )(language)


def attrition_text(result: "Attrition", language: str) -> Paragraph:
    """Say who vanishes, and how far that moves the picture."""
    check(language)
    vanished = int(result.table["vanished"].sum())
    rows, level = number(result.sample.used, 0), percent(result.confidence)
    base = Words(
        f"Based on {rows} rows, after {number(vanished, 0)} of which a unit vanished; {level} intervals in brackets.",
        f"依据 {rows} 行数据，其中 {number(vanished, 0)} 行之后失联；括号内为 {level} 区间。",
    )(language)
    if not vanished:
        none = Words(
            f"nobody vanished before the end: who is left was not picked by {name(result.satisfaction, 'en')}.",
            f"直到最后一期都没有人失联，留下的人并未经过{name(result.satisfaction, 'zh')}的筛选。",
        )
        return _joined([none(language), base], language)
    return _joined([*_who_vanishes(result, language), _weighted_mean(result, language), base], language)


def _who_vanishes(result: "Attrition", language: str) -> list[str]:
    low, high, ratio = result.table.iloc[0], result.table.iloc[-1], result.effect.iloc[0]
    score, who = name(result.satisfaction, language), people(result.unit, language)
    said = Words(
        f"after the lowest scores {_with(low, 'en', 'share')} of {who} vanish without having left, after the "
        f"highest {_with(high, 'en', 'share')}.",
        f"{score}最低的{who}，未告知流失而失联的占 {_with(low, 'zh', 'share')}；"
        f"最高的占 {_with(high, 'zh', 'share')}。",
    )(language)
    if np.isnan(ratio["odds_ratio"]):
        return [said]
    clear = ratio["ci_low"] > 1 or ratio["ci_high"] < 1
    around = f"{times(ratio['ci_low'])} {Words('to', '至')(language)} {times(ratio['ci_high'])}"
    odds = Words(
        f"per point of {score}, the odds of vanishing are multiplied by {times(ratio['odds_ratio'])} ({around})"
        + ("." if clear else ", which is not clear of no difference."),
        f"{score}每高 1 分，失联与未失联之比变为原来的 {times(ratio['odds_ratio'])} 倍（{around}）"
        + ("。" if clear else "，与没有差异无法区分。"),
    )(language)
    return [said, odds]


def _weighted_mean(result: "Attrition", language: str) -> str:
    end = result.balance.iloc[-1]
    if np.isnan(end["weighted_mean"]):
        return ""
    score = name(result.satisfaction, language)
    yearly = (result.step.unit, result.step.size) == ("year", 1)
    return Words(
        f"weighted for those who vanished, mean {score} in {end['period']} is {number(end['weighted_mean'])} "
        f"rather than {number(end['mean'])}.",
        f"对失联者加权补偿后，{end['period']} {'年' if yearly else ''}的平均{score}为 "
        f"{number(end['weighted_mean'])}，未加权为 {number(end['mean'])}。",
    )(language)
