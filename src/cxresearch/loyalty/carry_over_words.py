"""What the study of carry-over says, in both languages."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch.language import Paragraph, Words, check, interval, number, percent
from cxresearch.loyalty import lag_words as words
from cxresearch.loyalty import nouns
from cxresearch.loyalty.periods import WORDS, Step

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.loyalty.carry_over_results import CarryOver
    from cxresearch.loyalty.reach import Judged

HEADINGS: Final[dict[str, Words]] = words.HEADINGS | {
    "chosen": Words("chosen", "选中"),
    "criterion": Words("criterion", "准则值"),
    "difference": Words("difference", "差异"),
    "duration": Words("duration (periods, this one counted)", "持续时间（期，含当期）"),
    "first": Words("first", "前者"),
    "horizon": Words("horizon (last lag with an effect)", "末期滞后（最后一个有影响的滞后期）"),
    "mean_lag": Words("mean lag (periods)", "平均滞后（期）"),
    "median_lag": Words("periods until half of the effect", "达到总效应一半所需期数"),
    "quantity": Words("quantity", "指标"),
    "second": Words("second", "后者"),
    "share_lag": Words("periods until the share of the effect", "达到指定份额所需期数"),
    "total_effect": Words("total effect (points per point)", "总效应（每高 1 分对应的分数）"),
    "wald": Words("Wald statistic", "Wald 统计量"),
}


def headings(result: "CarryOver") -> dict[str, Words]:
    """Return headings in which the share is named."""
    share = percent(result.settings.share)
    named = Words(f"periods until {share} of the effect", f"达到总效应 {share} 所需期数")
    return HEADINGS | {"share_lag": named}


def notes(judged: "Judged", max_lag: int) -> tuple[Words, ...]:
    """Say what a reader must know about horizon and intervals."""
    found = list(judged.why)
    if judged.reach is not None:
        if judged.reach.horizon == max_lag:
            found.append(
                Words(
                    f"The horizon found is the longest lag looked at ({max_lag}); effects may last longer.",
                    f"所得末期滞后就是所考察的最长滞后期（{max_lag}），影响可能更久。",
                )
            )
        least = number(judged.smallest, nouns.digits([judged.smallest]))
        found.append(
            Words(
                f"The upper end of the duration is for effects of {least} points or more per point; no data can rule "
                "out smaller ones.",
                f"持续时间的上限只针对每分不小于 {least} 分的效应；更小的效应，任何数据都无法排除。",
            )
        )
    return tuple(found)


def text(result: "CarryOver", language: str, focus: Any) -> Paragraph:
    """Say for how long an improvement is felt; with `focus`, in that group first."""
    check(language)
    whom = nouns.units(result.sample.counts["units"], result.unit, language)
    parts = [] if focus is None else [_focus(result, focus, language)]
    if focus is not None:
        parts.append(Words("All together:", "全部合计：")(language))
    parts += [felt(result, language), *_shape(result, language)]
    level, rows = percent(result.confidence), number(result.sample.used, 0)
    parts.append(
        Words(
            f"Based on {rows} rows of {whom}; {level} intervals in brackets.",
            f"依据 {whom}的 {rows} 行数据；括号内为 {level} 区间。",
        )(language)
    )
    return Paragraph((" " if language == "en" else "").join(parts))


def felt(result: "CarryOver", language: str) -> str:
    """Say for how long, in one sentence."""
    cause, effect = nouns.name(result.driver, language), nouns.name(result.outcome, language)
    duration = result.ranges["duration"]
    if np.isnan(duration[0]):
        return Words(
            f"These units are too few to say for how long {cause} is felt in {effect}.",
            f"单位太少，无法判断{cause}对{effect}的影响持续多久。",
        )(language)
    if duration[0] == 0:
        return Words(
            f"No effect of {cause} on {effect} is found ({between(result, duration, 'en')}).",
            f"没有发现{cause}对{effect}的影响（{between(result, duration, 'zh')}）。",
        )(language)
    long = result.step.length(int(duration[0]), language)
    around = between(result, duration, language)
    return Words(
        f"An improvement in {cause} is felt in {effect} for about {long} ({around}), counting the current "
        f"{_one(result.step)}.",
        f"{cause}的改善对{effect}的影响持续约 {long}（{around}），含当{_one(result.step, 'zh')}。",
    )(language)


def between(result: "CarryOver", duration: tuple[float, float, float], language: str) -> str:
    """Write the interval of a duration."""
    return lengths(duration[1], duration[2], result.step, result.max_lag, language)


def lengths(low: float, high: float, step: Step, max_lag: int, language: str) -> str:
    """Write from which length to which, ``3 to 5``; ``4 alone`` if no other; an end at the longest lag is open."""
    size = 1 if step.unit == "period" else step.size
    first, last, many = int(low) * size, int(high) * size, WORDS[step.unit][1]("zh")
    if high > max_lag:
        return Words(f"{first} to {last} or more", f"{first} 至 {last} {many}或更久")(language)
    if first == last:
        return Words(f"{first} alone", f"区间只含 {first} {many}")(language)
    return Words(f"{first} to {last}", f"{first} 至 {last} {many}")(language)


def headline(result: "CarryOver", language: str) -> str:
    """Say the finding above a figure, whose axes say in what."""
    duration = result.ranges["duration"]
    if not duration[0] > 0:
        return felt(result, language).rstrip(".。")
    long, around = result.step.length(int(duration[0]), language), between(result, duration, language)
    return Words(f"An improvement is felt for about {long} ({around})", f"改善的影响持续约 {long}（{around}）")(
        language
    )


def _shape(result: "CarryOver", language: str) -> list[str]:
    """Say what one point comes to, and how soon."""
    total, half, most = (result.ranges[name] for name in ("total_effect", "median_lag", "share_lag"))
    places = nouns.digits(total)
    over = result.step.length(result.max_lag + 1, language)
    cause, effect = nouns.name(result.driver, language), nouns.name(result.outcome, language)
    said = [
        Words(
            f"Over {over}, one point more {cause} comes to {number(total[0], places)} points of {effect} "
            f"({interval(*total[1:], 'en', places)}).",
            f"{over}累计，{cause}每高 1 分对应{effect} {number(total[0], places)} 分"
            f"（{interval(*total[1:], 'zh', places)}）。",
        )(language)
    ]
    if np.isnan(half[0]):
        return [*said, Words("How it spreads over time cannot be said.", "无法说明它在时间上如何分布。")(language)]
    share = percent(result.settings.share)
    first = after(result.step, half, language)
    second = after(result.step, most, language)
    said.append(
        Words(f"Half of that has arrived {first}, {share} {second}.", f"其中一半{first}实现，{share} {second}实现。")(
            language
        )
    )
    return said


def after(step: Step, value: tuple[float, float, float], language: str) -> str:
    """Write after how many periods, with the interval."""
    size = 1 if step.unit == "period" else step.size
    spent, low, high = (end * size for end in value)
    many = WORDS[step.unit][1](language)
    around = interval(low, high, language, 1)
    return Words(f"after {number(spent, 1)} {many} ({around})", f"在 {number(spent, 1)} {many}后（{around}）")(language)


def _focus(result: "CarryOver", focus: Any, language: str) -> str:
    sides = [] if result.parts is None else [result.parts.fit(focus, rest=rest).why for rest in (False, True)]
    for why in sides:
        if why is not None:
            return Words(
                f"{focus} and the others cannot be compared: {why('en')}.", f"{focus}与其余无法比较：{why('zh')}。"
            )(language)
    table = result.compare(focus)
    own, rest, apart = (_duration(table, part) for part in ("first", "second", "difference"))
    if np.isnan(apart[0]):
        return Words(
            f"{focus} has too few units to say for how long an improvement is felt there.",
            f"{focus}的单位太少，无法判断改善的影响持续多久。",
        )(language)
    long, others = (result.step.length(int(value[0]), language) for value in (own, rest))
    clear = apart[1] > 0 or apart[2] < 0
    judged = Words(
        "a difference that chance does not explain" if clear else "a difference these data cannot tell from none",
        "差异超出偶然所能解释的范围" if clear else "现有数据不足以判断有无差异",
    )(language)
    return Words(
        f"In {focus} an improvement is felt for about {long} ({between(result, own, 'en')}), elsewhere for about "
        f"{others} ({between(result, rest, 'en')}), {judged}.",
        f"{focus}：改善的影响持续约 {long}（{between(result, own, 'zh')}），其余约 {others}"
        f"（{between(result, rest, 'zh')}），{judged}。",
    )(language)


def _duration(table: "pd.DataFrame", part: str) -> tuple[float, float, float]:
    row = table[(table["part"] == part) & (table["quantity"] == "duration")].iloc[0]
    return row["estimate"], row["ci_low"], row["ci_high"]


def _one(step: Step, language: str = "en") -> str:
    if step.size > 1 and step.unit != "period":
        return Words("one", "期")(language)
    return Words(step.unit, WORDS[step.unit][0]("zh").removeprefix("个"))(language)
