"""What the studies of change and rectification say, in English and Chinese."""

import math
from typing import TYPE_CHECKING, Any, Final

from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping.rectification_rows import NO_BEFORE
from cxresearch.mystery_shopping.words import capital, find, name_target
from cxresearch.result import Sample

if TYPE_CHECKING:
    from cxresearch.mystery_shopping.rectification import RectificationResult
    from cxresearch.mystery_shopping.rectification_change import ChangeResult
    from cxresearch.numerics.change import Measure

HEADINGS: Final = {
    "quantity": Words("quantity", "指标"),
    "before": Words("before", "整改前"),
    "after": Words("after", "整改后"),
    "change": Words("change", "变化"),
    "regression": Words("of it by regression to the mean", "其中属于向均值回归"),
    "beyond": Words("beyond expectation", "超出预期"),
    "beyond_low": Words("interval from", "区间下限"),
    "beyond_high": Words("interval to", "区间上限"),
    "control_change": Words("change without rectification", "未整改单位的变化"),
    "difference": Words("difference of changes", "变化之差"),
    "ancova": Words("brought by rectification, at equal scores before", "整改带来的提升（整改前同分相比）"),
    "reliable": Words("share improved (Jacobson–Truax)", "可靠提升占比（Jacobson–Truax）"),
    "improved": Words("improved beyond chance", "提升超出偶然"),
    "worse": Words("worse beyond chance", "下降超出偶然"),
    "not shown": Words("not shown", "未能证明"),
    "rectified": Words("rectified", "已整改"),
    "expected": Words("to expect without change", "无变化时的预期"),
    "jacobson_truax": Words("index (Jacobson–Truax)", "指数（Jacobson–Truax）"),
    "gulliksen_lord_novick": Words("index (allowing for regression)", "指数（扣除回归）"),
    "verdict": Words("verdict", "判断"),
    "cycle": Words("cycle", "轮次"),
    "n": Words("units", "单位数"),
    "mean": Words("mean score (points)", "平均分"),
    "score": Words("score (points)", "得分"),
    "standard": Words("standard (points)", "标准分"),
    "distance": Words("distance from the standard (points)", "与标准的差距（分）"),
    "meeting": Words("share at the standard", "达标占比"),
    "meeting_low": Words("interval from", "区间下限"),
    "meeting_high": Words("interval to", "区间上限"),
    "meeting_true": Words("truly there (chance taken out)", "真实达标占比（扣除偶然）"),
    "reliability": Words("reliability", "信度"),
    "true_distance": Words("truth", "真值"),
    "true_share_meeting": Words("truth", "真值"),
    "number": Words("number", "数量"),
    "yes": Words("yes", "是"),
    "no": Words("no", "否"),
    "step": Words("step", "环节"),
    "of": Words("of", "总数"),
    "share": Words("share", "占比"),
    "findings": Words("findings (below the standard)", "发现问题（低于标准）"),
    "planned": Words("with a plan", "已定计划"),
    "revisited": Words("revisited", "已回访"),
    "met": Words("standard met on return visit", "回访达标"),
    "verified": Words("met, and improved beyond chance", "达标且提升超出偶然"),
    "by_chance": Words("would have met it by chance", "仅凭偶然就会达标"),
    "untouched_met": Words("met without rectification", "未整改而达标"),
    "closed": Words("loop closed, of all findings", "闭环（占全部问题）"),
    "meets": Words("meets", "达标"),
    "falls short": Words("falls short", "未达标"),
    "cannot be told": Words("cannot be told", "难以判断"),
}

NO_RELIABILITY: Final = Words(
    "The scores before do not tell units apart at all (reliability 0): whatever score a unit had, its best forecast is "
    "the mean of all.",
    "整改前的分数完全无法区分各单位（信度为 0）：不论某单位得几分，对它的最佳预测都是总体均值。",
)
NOBODY_ELSE: Final = Words(
    "All units measured before are judged, so nothing is regressing to the mean on average. If they were chosen for "
    "low scores, add the other units that were measured, with the score after left empty: otherwise part of the gain "
    "is only that low scores rise again.",
    "整改前测评过的单位全部参与判断，因此平均而言没有向均值回归。如果这些单位是因为得分低才被选出的，请补上其他测评过的单位"
    "（整改后分数留空）；否则部分提升只是低分的自然回升。",
)
COMPARED: Final = Words(
    "Rectified units are compared with revisited ones that were not, at equal scores before. This holds if the choice "
    "of whom to rectify rested on that score or on chance, not on something else that matters.",
    "已整改单位与回访过但未整改的单位相比，且按整改前同分比较。前提是：整改谁，取决于这个分数或者偶然，而不是其他有影响的因素。",
)
NO_CONTROL: Final = Words(
    "Nobody was left without rectification, so whatever else changed for everyone counts as its effect.",
    "没有未整改的单位可比，因此同期影响所有单位的其他变化都会算作整改的效果。",
)
JACOBSON_TRUAX: Final = Words(
    "Jacobson and Truax's index takes no account of regression to the mean and calls too many low units improved; the "
    "verdicts use the index that does (Gulliksen, Lord and Novick).",
    "Jacobson–Truax 指数不考虑向均值回归，会把过多的低分单位判为提升；"
    "判断采用考虑了回归的指数（Gulliksen、Lord 与 Novick）。",
)
BY_CHANCE: Final = Words(
    "By chance: a low score is partly bad luck, so some findings meet the standard when measured again although "
    "nothing changed. The share follows from the reliability of the scores.",
    "仅凭偶然：低分里有一部分是运气不好，所以即使什么都没变，再测一次也会有一部分问题“达标”。这个占比由分数的信度推算。",
)
NOT_SAID_WHO: Final = Words(
    "The data do not say which findings were rectified: all revisited findings count.",
    "数据未注明哪些问题已整改：凡回访过的问题都计入。",
)


def how_measured(known: "Measure", *, estimated: bool) -> Words:
    """Say how reliable the scores are, and where that is known from."""
    said = number(known.reliability), number(known.error), number(known.difference)
    source = (
        Words("estimated from the repeated scores", "由重复评分估计") if estimated else Words("as given", "按给定值")
    )
    return Words(
        f"One unit's score before has a reliability of {said[0]} ({source('en')}) and a standard error of {said[1]} "
        f"points; a difference of two scores has one of {said[2]}.",
        f"一个单位整改前分数的信度为 {said[0]}（{source('zh')}），测量标准误为 {said[1]} 分；"
        f"两次分数之差的标准误为 {said[2]} 分。",
    )


def no_overlap(inside: float) -> Words:
    """Warn that rectified units and the others hardly overlap before."""
    return Words(
        f"Only {percent(inside)} of the rectified units had a score before that lies within the range of the others: "
        "the comparison at equal scores extends a straight line beyond the data.",
        f"已整改单位中，整改前分数落在未整改单位范围内的只有 {percent(inside)}：同分比较是沿直线外推得出的。",
    )


def too_few_others(others: int) -> Words:
    """Say why there is no comparison."""
    return Words(
        f"{others} revisited units were not rectified, too few to compare with.",
        f"回访过而未整改的单位只有 {others} 个，太少，无法比较。",
    )


def cycle_error(error: float, *, estimated: bool) -> Words:
    """Say how much of a unit's score in a cycle is chance."""
    source = (
        Words("estimated from repeated visits", "由重复暗访估计")
        if estimated
        else Words("from the reliability given", "由给定信度推算")
    )
    return Words(
        f"A unit's mean score in a cycle has a standard error of measurement of {number(error)} points "
        f"({source('en')}).",
        f"一个单位在一轮中的平均分，测量标准误为 {number(error)} 分（{source('zh')}）。",
    )


def few_units(units: int) -> Words:
    """Warn of few units."""
    return Words(
        f"Only {units} units: the intervals are rough, and those of shares rather too narrow.",
        f"只有 {units} 个单位：区间较粗略，占比的区间偏窄。",
    )


def pair_sample(given: int, used: int, revisited: int) -> Sample:
    """Count the units of two cycles laid side by side."""
    return Sample(given, used, ((NO_BEFORE, given - used),), {"units": used, "revisited": revisited})


def row_of(result: "ChangeResult | RectificationResult", focus: Any) -> Any:
    """Return the row of the unit in focus; an unknown one is refused with the nearest known name."""
    return find(result.units.rename(columns={"unit": "target"}), result.name, focus)


def change_text(result: "ChangeResult", language: str, focus: Any) -> str:
    """Write the paragraph on change."""
    check(language)
    said = [] if focus is None else [_unit_changed(result, row_of(result, focus))(language)]
    said += [_headline(result, language), _course(result, language), _each(result, language)]
    return _together(said, language)


def _unit_changed(result: "ChangeResult", row: Any) -> Words:
    called = name_target(result.name, row.target)
    before, after, beyond = number(row.before, 1), number(row.after, 1), number(abs(row.beyond), 1)
    side = Words("above", "高") if row.beyond >= 0 else Words("below", "低")
    ends = [interval(row.beyond_low, row.beyond_high, lang, 1) for lang in ("en", "zh")]
    verdict = {
        "improved": Words("it improved by more than chance", "提升超出偶然"),
        "worse": Words("it got worse by more than chance", "下降超出偶然"),
        "not shown": Words("that may be chance", "可能只是偶然"),
    }[row.verdict]
    return Words(
        f"{capital(called)} went from {before} to {after}, {beyond} points {side('en')} what to expect without "
        f"change (difference {ends[0]}): "
        f"{verdict('en')}.",
        f"{called} 由 {before} 分变为 {after} 分，比无变化时的预期{side('zh')} {beyond} 分"
        f"（差值 {ends[1]}）：{verdict('zh')}。",
    )


def _headline(result: "ChangeResult", language: str) -> str:
    row, level = result.row(result.headline), percent(result.confidence)
    points, ends = number(row.estimate, 1), interval(row.ci_low, row.ci_high, language, 1)
    answer = {
        "better": Words("Yes, it got better", "是，确有改善"),
        "worse": Words("No, it got worse", "否，反而变差"),
        "not shown": Words("Not shown that it got better", "未能证明有改善"),
    }[result.verdict]
    if result.compared:
        return Words(
            f"{answer('en')}: rectification brought {points} points ({level} interval {ends}) over units that scored "
            "equally before and were not rectified.",
            f"{answer('zh')}：与整改前同分而未整改的单位相比，整改带来 {points} 分（{level} 置信区间 {ends}）。",
        )(language)
    return Words(
        f"{answer('en')}: {points} points ({level} interval {ends}) are left once regression to the mean is taken off. "
        "Whether rectification did it cannot be said without units that were not rectified.",
        f"{answer('zh')}：扣除向均值回归后，仍有 {points} 分（{level} 置信区间 {ends}）。没有未整改的单位作比较，"
        "无法断定是否由整改带来。",
    )(language)


def _course(result: "ChangeResult", language: str) -> str:
    before, after, gain, by_itself = (result.row(name) for name in ("before", "after", "change", "regression"))
    said = [number(row.estimate, 1) for row in (before, after, gain, by_itself)]
    ends, n = interval(by_itself.ci_low, by_itself.ci_high, language, 1), int(before.n)
    return Words(
        f"The {n} rectified units went from {said[0]} to {said[1]}, {said[2]} points. Of these {said[3]} ({ends}) were "
        "to be expected without any rectification: a low score is partly bad luck, and does not last.",
        f"{n} 个已整改单位由 {said[0]} 分变为 {said[1]} 分，变化 {said[2]} 分；其中 {said[3]} 分（{ends}）"
        "即使不整改也会发生：低分有一部分只是运气不好，不会持续。",
    )(language)


def _each(result: "ChangeResult", language: str) -> str:
    row, worse = result.row("improved"), result.row("worse")
    n, up, down = int(row.n), round(row.estimate * row.n), round(worse.estimate * worse.n)
    ends = f"{percent(row.ci_low)} {Words('to', '至')(language)} {percent(row.ci_high)}"
    needed = number((result.units["beyond_high"] - result.units["beyond"]).iloc[0], 1)
    return Words(
        f"Taken one by one, {up} of {n} ({percent(row.estimate)}, {ends}) improved by more than chance and {down} got "
        f"worse; a single unit has to end {needed} points above expectation before that can be said.",
        f"逐个来看，{n} 个中有 {up} 个（{percent(row.estimate)}，{ends}）的提升超出偶然，{down} 个变差；"
        f"单个单位要比预期高出 {needed} 分才能下结论。",
    )(language)


def loop_text(result: "RectificationResult", language: str, focus: Any) -> str:
    """Write the paragraph on the loop."""
    check(language)
    said = [] if focus is None else [_stands(result, row_of(result, focus))(language)]
    said += [_closed(result, language), _steps(result, language), _nearer(result, language)]
    return _together([sentence for sentence in said if sentence], language)


def _stands(result: "RectificationResult", row: Any) -> Words:
    called, score, standard = name_target(result.name, row.target), number(row.score, 1), number(row.standard, 1)
    low, high = number(row.ci_low, 1), number(row.ci_high, 1)
    verdict = {
        "meets": Words("it meets the standard", "达标"),
        "falls short": Words("it falls short", "未达标"),
        "cannot be told": Words("whether it meets the standard cannot be told", "是否达标难以判断"),
    }[row.verdict]
    return Words(
        f"{capital(called)} scored {score} when last visited, against a standard of {standard}; its true distance lies "
        f"between {low} and {high} points: {verdict('en')}.",
        f"{called} 最近一次得 {score} 分，标准为 {standard} 分；真实差距在 {low} 至 {high} 分之间：{verdict('zh')}。",
    )


def _closed(result: "RectificationResult", language: str) -> str:
    closed, level = result.step("closed"), percent(result.confidence)
    if not closed.of:
        return Words("There are no findings: no unit scored below the standard.", "没有发现问题：没有单位低于标准。")(
            language
        )
    share, ends = percent(closed.share), _ends(closed, language)
    done = result.cycles.rectified is not None
    english = "were rectified and met the standard on the return visit" if done else "met it on the return visit"
    chinese = "已整改且回访达标" if done else "回访达标"
    return Words(
        f"The loop closed for {share} of findings ({level} interval {ends}): {closed.n} of {closed.of} {english}.",
        f"{share} 的问题实现闭环（{level} 置信区间 {ends}）：{int(closed.of)} 个问题中有 {int(closed.n)} 个{chinese}。",
    )(language)


def _steps(result: "RectificationResult", language: str) -> str:
    met, chance = result.step("met"), result.step("by_chance")
    if not met.of:
        return (
            Words("No finding has been revisited yet.", "尚无问题经过回访。")(language)
            if result.step("closed").of
            else ""
        )
    before = []
    for name, words in (("planned", Words("got a plan", "有计划")), ("rectified", Words("were rectified", "完成整改"))):
        row = result.step(name)
        if row is not None:
            before.append(Words(f"{percent(row.share)} {words('en')}", f"{percent(row.share)} {words('zh')}")(language))
    ends, share, alone = _ends(met, language), percent(met.share), percent(chance.share)
    lead = (
        Words(f"Of all findings {' and '.join(before)}. ", f"全部问题中，{'，'.join(before)}。")(language)
        if before
        else ""
    )
    verdict = (
        Words("more than chance", "高于偶然")
        if met.ci_low > chance.share
        else Words("no more than chance explains", "未超出偶然")
    )
    return lead + Words(
        f"On the return visit {share} ({ends}) of {int(met.of)} met the standard, where {alone} would have by chance "
        f"alone, since low scores rise again: {verdict('en')}.",
        f"回访的 {int(met.of)} 个中，{share}（{ends}）达标；低分会自然回升，"
        f"仅凭偶然也有 {alone} 会达标：{verdict('zh')}。",
    )(language)


def _nearer(result: "RectificationResult", language: str) -> str:
    first, last, trend = result.table.iloc[0], result.table.iloc[-1], result.trend
    left, right = ("（", "）") if language == "zh" else (" (", ")")
    said = [
        f"{number(row.distance, 1)}{left}{interval(row.ci_low, row.ci_high, language, 1)}{right}"
        for row in (first, last)
    ]
    slope = number(trend.estimate, 1), interval(trend.low, trend.high, language, 1)
    way = Words("comes nearer", "更接近标准") if trend.low > 0 else Words("moves away", "更远离标准")
    clear = trend.low > 0 or trend.high < 0
    moving = Words(
        f"a unit {way('en')} by {number(abs(trend.estimate), 1)} points a cycle (trend {slope[0]}, {slope[1]})"
        if clear
        else f"no trend can be shown ({slope[0]} points a cycle, {slope[1]})",
        f"平均每轮{way('zh')} {number(abs(trend.estimate), 1)} 分（趋势 {slope[0]}，{slope[1]}）"
        if clear
        else f"看不出趋势（每轮 {slope[0]} 分，{slope[1]}）",
    )
    n = int(last.n)
    return Words(
        f"The mean distance from the standard went from {said[0]} to {said[1]} points in {len(result.table)} cycles "
        f"({n} units); {moving('en')}.",
        f"{len(result.table)} 轮之间，与标准的平均差距由 {said[0]}变为 {said[1]}分，共 {n} 个单位；{moving('zh')}。",
    )(language)


def _ends(row: Any, language: str) -> str:
    if math.isnan(row.ci_low):
        return "–"
    return f"{percent(row.ci_low)} {Words('to', '至')(language)} {percent(row.ci_high)}"


def _together(sentences: list[str], language: str) -> str:
    """Put sentences together: Chinese ones stand without a space."""
    return Words(" ", "")(language).join(sentence for sentence in sentences if sentence)
