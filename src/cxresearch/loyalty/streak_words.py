"""What a study of leaving by length of the dissatisfied run says, in both languages."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch.language import Paragraph, Words, check, number, percent
from cxresearch.loyalty.nouns import COUNTED, name, units
from cxresearch.loyalty.periods import Step

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.loyalty.streak_results import StreakHazard

HEADINGS: Final[dict[str, Words]] = {
    "at_risk": Words("rows at risk", "在险行数"),
    "covariate": Words("covariate", "协变量"),
    "focus": Words("this one", "本单位"),
    "hazard": Words("chance of leaving", "流失率"),
    "hazard_satisfied": Words("chance if satisfied", "满意时的流失率"),
    "left": Words("left", "流失"),
    "longest": Words("longest run against none", "最长一档与满意相比"),
    "odds_ratio": Words("odds ratio", "优势比"),
    "odds_ratio_ci_high": Words("odds ratio to", "优势比上限"),
    "odds_ratio_ci_low": Words("odds ratio from", "优势比下限"),
    "part": Words("part", "部分"),
    "period": Words("period", "时期"),
    "rest": Words("all others", "其余"),
    "share": Words("share", "占比"),
    "share_dissatisfied": Words("share dissatisfied", "不满意占比"),
    "start": Words("dissatisfied from period", "自第几期起不满意"),
    "streak": Words("dissatisfied in a row", "连续不满意期数"),
    "test": Words("test", "检验"),
    "threshold": Words("threshold", "界限"),
    "trend": Words("per period of the run", "每多一期"),
    "truth": Words("truth of the simulation", "模拟的真值"),
}


def people(unit: str, language: str) -> str:
    """Return how units are called in a sentence: customers, or units."""
    if unit in COUNTED:
        return Words("customers", "客户")(language)
    return Words("units", "单位")(language)


def chance(value: float) -> str:
    """Write a chance: one decimal below ten per cent and above ninety, none between."""
    return percent(value, 0 if np.isnan(value) or 0.0995 <= value <= 0.9 or value in (0, 1) else 1)


def chances(low: float, high: float, language: str) -> str:
    """Write the ends of a chance's interval."""
    return f"{chance(low)} {Words('to', '至')(language)} {chance(high)}"


def times(value: float) -> str:
    """Write an odds ratio."""
    return number(value, 0 if value >= 10 else 1 if value >= 2 else 2)


def run(step: Step, streak: int, language: str, *, longest: bool = False) -> str:
    """Write how long a run is: ``4 years or longer``."""
    length = step.length(streak, language)
    if not longest:
        return length
    return Words(f"{length} or longer", f"{length}或更久")(language)


def then(step: Step, language: str) -> str:
    """Write "in that year"."""
    if step.size > 1 or step.unit == "period":
        return Words("in that period", "当期")(language)
    zh = {"year": "当年", "quarter": "当季", "month": "当月", "week": "当周", "day": "当天"}
    return Words(f"in that {step.unit}", zh[step.unit])(language)


def finding(result: "StreakHazard", table: "pd.DataFrame", language: str) -> str:
    """Say in one line who leaves."""
    first, last = table.iloc[0], table.iloc[-1]
    long = run(result.step, result.max_streak, language)
    if np.isnan(last["hazard"]):
        return Words(f"Nobody was dissatisfied for {long} in a row", f"没有连续 {long}不满意的记录")(language)
    return Words(
        f"Of those dissatisfied for {long} or longer, {chance(last['hazard'])} leave; of the satisfied, "
        f"{chance(first['hazard'])}",
        f"连续 {long}或更久不满意的，流失 {chance(last['hazard'])}；满意的，流失 {chance(first['hazard'])}",
    )(language)


def text(result: "StreakHazard", language: str, focus: Any) -> Paragraph:
    """Say who leaves after how long a run; with `focus`, of that group first."""
    check(language)
    sentences = [] if focus is None else [_focus_text(result, focus, language)]
    everyone = [*_answer(result, language), *_staying(result, language), *_share_of_leavers(result, language)]
    if focus is not None:
        everyone[0] = Words("All together: ", "全部合计：")(language) + everyone[0]
    sentences += [*everyone, _base(result, language)]
    if language == "zh":
        return Paragraph("".join(sentences))
    return Paragraph(" ".join(sentence[:1].upper() + sentence[1:] for sentence in sentences))


def _answer(result: "StreakHazard", language: str) -> list[str]:
    """Say the chance after the longest run beside that of the satisfied, the odds, and the way there."""
    first, last = result.table.iloc[0], result.table.iloc[-1]
    who, long = people(result.unit, language), run(result.step, result.max_streak, language, longest=True)
    when = then(result.step, language)
    if np.isnan(last["hazard"]):
        told = [
            Words(
                f"no {who} were seen to be dissatisfied for {long} in a row, so nothing can be said of them.",
                f"没有连续 {long}不满意的{who}，因此无从判断。",
            )(language)
        ]
    else:
        told = [
            Words(
                f"of {who} dissatisfied for {long} in a row, {_with(last, 'en')} leave {when}; of the satisfied, "
                f"{_with(first, 'en')}.",
                f"连续不满意达 {long}的{who}，{when}流失 {_with(last, 'zh')}；满意的{who}，流失 {_with(first, 'zh')}。",
            )(language),
            *_odds(result, last, language),
        ]
    between = result.table.iloc[1:-1]
    steps = [
        Words(
            f"{chance(row['hazard'])} after {run(result.step, int(row['streak']), 'en')}",
            f"{run(result.step, int(row['streak']), 'zh')} {chance(row['hazard'])}",
        )(language)
        for _, row in between.iterrows()
        if not np.isnan(row["hazard"])
    ]
    if steps:
        listed = Words(", ", "，")(language).join(steps)
        told.append(Words(f"before that, {listed}.", f"在此之前：{listed}。")(language))
    return told


def _odds(result: "StreakHazard", last: "pd.Series", language: str) -> list[str]:
    ratio, low, high = (last[column] for column in ("odds_ratio", "odds_ratio_ci_low", "odds_ratio_ci_high"))
    if np.isnan(low) and np.isnan(high):
        return []
    held = "".join(f"、{name(column, 'zh')}" for column in result.covariates)
    held_en = "".join(f" and {name(column, 'en')}" for column in result.covariates)
    return [
        Words(
            f"with the period{held_en} held equal, the odds of leaving (leavers to stayers) are {times(ratio)} times "
            f"as high ({times(low)} to {times(high)}).",
            f"在时期{held}相同的条件下，前者流失与未流失之比是后者的 {times(ratio)} 倍"
            f"（{times(low)} 至 {times(high)}）。",
        )(language)
    ]


def _staying(result: "StreakHazard", language: str) -> list[str]:
    """Compare who is dissatisfied from the first period on with who is always satisfied."""
    k = result.max_streak
    table = result.survival(starts=(1, 0), periods=k)
    bad, good = (table[(table["start"] == start) & (table["period"] == k)].iloc[0] for start in (1, 0))
    if np.isnan(bad["ci_low"]):
        return []
    after = run(result.step, k, language)
    return [
        Words(
            f"someone dissatisfied from the start is still there after {after} with a chance of "
            f"{_with(bad, 'en', 'estimate')}, someone always satisfied with {_with(good, 'en', 'estimate')}.",
            f"从一开始就一直不满意的，{after}后仍在的概率为 {_with(bad, 'zh', 'estimate')}；"
            f"一直满意的为 {_with(good, 'zh', 'estimate')}。",
        )(language)
    ]


def _share_of_leavers(result: "StreakHazard", language: str) -> list[str]:
    last, long = result.leavers.iloc[-1], run(result.step, result.max_streak, language, longest=True)
    if np.isnan(last["share"]):
        return []
    return [
        Words(
            f"of those who left, {_with(last, 'en', 'share')} had been dissatisfied for {long}.",
            f"流失者中，有 {_with(last, 'zh', 'share')}此前已连续 {long}不满意。",
        )(language)
    ]


def _focus_text(result: "StreakHazard", focus: Any, language: str) -> str:
    both = result.compare(focus)
    own, rest = (both[both["part"] == part] for part in ("focus", "rest"))
    count = units(result.units_of(focus), result.unit, language)
    long = run(result.step, result.max_streak, language, longest=True)
    last, first, when = own.iloc[-1], own.iloc[0], then(result.step, language)
    if last["at_risk"] == 0:
        worst = Words(f"nobody was dissatisfied for {long} in a row", f"没有连续 {long}不满意的记录")(language)
    else:
        rows = number(last["at_risk"], 0)
        worst = Words(
            f"of those dissatisfied for {long} in a row ({rows} rows), {_with(last, 'en')} leave {when}, against "
            f"{chance(rest.iloc[-1]['hazard'])} in all others",
            f"连续不满意达 {long}的（{rows} 行），{when}流失 {_with(last, 'zh')}，"
            f"其余群组为 {chance(rest.iloc[-1]['hazard'])}",
        )(language)
    fine = Words(
        f"of the satisfied, {_with(first, 'en')}, against {chance(rest.iloc[0]['hazard'])}.",
        f"满意的，流失 {_with(first, 'zh')}，其余群组为 {chance(rest.iloc[0]['hazard'])}。",
    )(language)
    start = Words(f"{focus} ({count}): ", f"{focus}（{count}）：")(language)
    return start + worst + Words("; ", "；")(language) + fine


def _with(row: "pd.Series", language: str, column: str = "hazard") -> str:
    around = chances(row["ci_low"], row["ci_high"], language)
    return Words(f"{chance(row[column])} ({around})", f"{chance(row[column])}（{around}）")(language)


def _base(result: "StreakHazard", language: str) -> str:
    whom = units(result.sample.counts["units"], result.unit, language)
    gone, rows = number(result.sample.counts["leavers"], 0), number(result.sample.used, 0)
    level = percent(result.confidence)
    return Words(
        f"based on {rows} rows of {whom}, of whom {gone} left; {level} intervals in brackets.",
        f"依据 {whom}的 {rows} 行数据，其中流失 {gone} {'名' if result.unit in COUNTED else '个'}；"
        f"括号内为 {level} 区间。",
    )(language)
