"""What studies of episodes say, in both languages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch.language import Paragraph, Words, check, interval, number, percent

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.touchpoints.peak_end_results import PeakEnd

HEADINGS: Final[dict[str, Words]] = {
    "bad": Words("bad and worsening", "糟糕且走低"),
    "behind": Words("behind the best by", "落后最优者"),
    "behind_high": Words("behind, to", "落后上限"),
    "behind_low": Words("behind, from", "落后下限"),
    "coefficients": Words("slopes fitted", "待估系数"),
    "difference": Words("difference", "差值"),
    "end": Words("end", "结尾"),
    "ending": Words("how the episode ends", "结尾情况"),
    "estimate": Words("R², left out", "R²（留一）"),
    "found": Words("found", "选定"),
    "further": Words("further than the end by", "比结尾远"),
    "further_high": Words("further, to", "远上限"),
    "further_low": Words("further, from", "远下限"),
    "intercept": Words("intercept", "截距"),
    "loses": Words("clearly behind", "明显落后"),
    "mean": Words("mean", "平均"),
    "middle": Words("middle of peak and trough", "高峰与低谷的中点"),
    "n": Words("episodes", "体验次数"),
    "near_end": Words("overall = end", "总体＝结尾"),
    "other": Words("any other", "其他"),
    "overall": Words("overall", "总体"),
    "peak": Words("peak", "高峰"),
    "peak_and_end": Words("peak and end", "高峰与结尾"),
    "place": Words("distance to", "与何者的距离"),
    "rival": Words("what counts", "起作用的是"),
    "standing": Words("standing", "结论"),
    "term": Words("term", "项"),
    "ties": Words("may be best, too", "也可能最优"),
    "trend": Words("trend", "走势"),
    "trough": Words("trough", "低谷"),
    "undefined": Words("undefined", "无法计算"),
}
POINTS: Final = {"estimate": Words("points of overall per point", "每分对应总体评分")}
AWAY: Final = {"estimate": Words("points away", "相距（分）")}
PEAKS: Final = {"estimate": Words("overall per point of peak", "高峰每高 1 分对应总体")}

_CALLED: Final[dict[str, Words]] = {
    "end": Words("the end", "结尾"),
    "mean": Words("the mean of all moments", "所有时刻的平均"),
    "middle": Words("the middle of peak and trough", "高峰与低谷的中点"),
    "near_end": Words("the end itself", "“总体就等于结尾”"),
    "peak": Words("the peak", "高峰"),
    "peak_and_end": Words("the peak and the end together", "高峰与结尾"),
    "trend": Words("the trend", "走势"),
    "trough": Words("the trough", "低谷"),
}


def called(name: str, language: str) -> str:
    """Return what a rival or a place is called in a sentence."""
    return _CALLED[name](language)


def listed(names: Sequence[str], language: str, last: Words = Words("and", "以及")) -> str:  # noqa: B008 - frozen
    """Write ``a, b and c`` or ``a、b和c``; `last` stands before the last one."""
    told = [called(name, language) for name in names]
    if len(told) == 1:
        return told[0]
    comma = Words(", ", "、")(language)
    gap = " " if language == "en" else ""
    return f"{comma.join(told[:-1])}{gap}{last(language)}{gap}{told[-1]}"


_OR: Final = Words("or", "还是")


def finding(result: "PeakEnd", language: str) -> str:
    """Say in one line what explains the overall score best."""
    check(language)
    if not result.explains:
        return Words("Nothing here explains the overall score", "没有哪一项能解释总体评分")(language)
    if result.found is None:
        return Words(
            f"The data do not tell which counts: {listed(result.first, 'en', _OR)}",
            f"数据无法判断起作用的是{listed(result.first, 'zh', _OR)}",
        )(language)
    what = called(result.found, language)
    if result.found == "near_end":
        return Words("The overall score is close to the end itself", "总体评分就接近结尾的评分")(language)
    verb = "explain" if result.found == "peak_and_end" else "explains"
    return Words(f"{what[:1].upper() + what[1:]} {verb} the overall score best", f"{what}最能解释总体评分")(language)


def text(result: "PeakEnd", language: str, focus: Any) -> Paragraph:
    """Say what customers keep of an episode, and how surely."""
    check(language)
    parts = [] if focus is None else [_profile(result, result.profile(focus), language)]
    parts += [_answer(result, language), _ties(result, language), _losers(result, language)]
    parts += [_weights(result, language), _distance(result, language), _used_up(result, language)]
    parts.append(_base(result, language))
    return Paragraph((" " if language == "en" else "").join(part for part in parts if part))


def _bracket(low: float, high: float, language: str, digits: int = 2) -> str:
    if np.isnan(low) or np.isnan(high):
        return ""
    told = interval(low, high, language, digits)
    return f" ({told})" if language == "en" else f"（{told}）"


def _share(row: "pd.Series[Any]", language: str) -> str:
    low, high = 100 * row["ci_low"], 100 * row["ci_high"]
    return f"{percent(row['estimate'])}{_bracket(low, high, language, 0)}"


def _answer(result: "PeakEnd", language: str) -> str:
    best = result.table.iloc[0]
    if not result.explains:
        return Words(
            "None of the rivals explains the overall score by more than chance: the best, "
            f"{called(best['rival'], 'en')}, would predict {_share(best, 'en')} of its differences.",
            f"没有哪种说法能以超出偶然的程度解释总体评分：最好的{called(best['rival'], 'zh')}只能预测其差异的 "
            f"{_share(best, 'zh')}。",
        )(language)
    if result.found is None:
        return Words(
            f"These data cannot tell what counts, {listed(result.first, 'en', _OR)}: each may "
            f"explain the overall score best. In this sample it is {called(best['rival'], 'en')}, with "
            f"{_share(best, 'en')} of its differences.",
            f"数据无法判断起作用的是{listed(result.first, 'zh', _OR)}：每一种都可能最能解释总体评分。"
            f"在本样本中最好的是{called(best['rival'], 'zh')}，可预测其差异的 {_share(best, 'zh')}。",
        )(language)
    row = result.row(result.found)
    if result.found == "near_end":
        return Words(
            "The overall score is close to the end itself: taking the last score for it, with nothing fitted, "
            f"predicts {_share(row, 'en')} of its differences.",
            f"总体评分就接近结尾的评分：不作任何拟合，直接用最后一次评分代替，即可预测其差异的 {_share(row, 'zh')}。",
        )(language)
    what, verb = called(result.found, "en"), "they predict" if result.found == "peak_and_end" else "it predicts"
    return Words(
        f"What customers keep here is {what}: {verb} {_share(row, 'en')} of the differences in their overall score.",
        f"客户在这里记住的是{called(result.found, 'zh')}：可预测总体评分差异的 {_share(row, 'zh')}。",
    )(language)


def _ties(result: "PeakEnd", language: str) -> str:
    if result.found is None or not result.explains or len(result.first) == 1:
        return ""
    others = [name for name in result.first if name != result.found]
    verb, holds = ("does", "contains") if len(others) == 1 else ("do", "contain")
    return Words(
        f"{_capital(listed(others, 'en'))} {verb} no better by more than chance, and {holds} the simpler answer: "
        "the tie goes to the simpler.",
        f"{listed(others, 'zh')}包含了这一较简单的说法，却并未好出偶然范围；打平时取较简单者。",
    )(language)


def _losers(result: "PeakEnd", language: str) -> str:
    table = result.table[result.table["standing"] == "loses"]
    if table.empty or not result.explains:
        return ""
    if len(table) == len(result.table) - 1:
        told = Words("All other answers are clearly behind", "其余说法明显落后")(language)
    else:
        told = Words("Clearly behind", "明显落后的")(language)
    rows = [row for _, row in table.iterrows() if row["estimate"] > 0]
    shown = [f"{called(row['rival'], language)} {percent(row['estimate'])}" for row in rows[:4]]
    rest = len(table) - len(shown)
    more = "" if not rest else Words(f", {rest} others less", f"，另有 {rest} 种更低")(language)
    if not shown:
        return "" if len(table) < len(result.table) - 1 else told + Words(".", "。")(language)
    return Words(f"{told}: {', '.join(shown)}{more}.", f"{told}：{'、'.join(shown)}{more}。")(language)


def _weights(result: "PeakEnd", language: str) -> str:
    if result.found is None or not result.explains or result.found == "near_end":
        return ""
    rows = result.weights[(result.weights["rival"] == result.found) & (result.weights["term"] != "intercept")]
    parts = [_weight(row, language, first=i == 0) for i, (_, row) in enumerate(rows.iterrows())]
    equal = Words(", the other held equal", "（另一项不变）")(language) if len(parts) > 1 else ""
    return Words(f"One point more {', one '.join(parts)}{equal}.", f"{'，'.join(parts)}{equal}。")(language)


def _weight(row: "pd.Series[Any]", language: str, *, first: bool) -> str:
    what, value = called(row["term"], language), number(row["estimate"])
    span = _bracket(row["ci_low"], row["ci_high"], language)
    where = Words("in" if row["term"] in ("trend", "mean") else "at", "")("en")
    return Words(
        f"{where} {what} {f'goes with {value} more of the overall score' if first else f'with {value} more'}{span}",
        f"{what}每高 1 分，总体评分高 {value} 分{span}",
    )(language)


def _distance(result: "PeakEnd", language: str) -> str:
    rows: Any = result.distances.set_index("place")
    if rows["estimate"].isna().all():
        return ""
    end = rows.loc["end"]
    nearest = rows["estimate"].idxmin()
    value, span = number(end["estimate"]), _bracket(end["ci_low"], end["ci_high"], language)
    middle, mean = number(rows.loc["middle", "estimate"]), number(rows.loc["mean", "estimate"])
    said = Words(
        f"The overall score lies {value} points from the end on average{span}, {middle} from the middle of peak and "
        f"trough and {mean} from the mean of all moments",
        f"总体评分与结尾平均相差 {value} 分{span}，与高峰低谷中点相差 {middle} 分，与所有时刻的平均相差 {mean} 分",
    )(language)
    if nearest in ("end", "mean", "middle"):
        return said + Words(".", "。")(language)
    near = number(rows.loc[nearest, "estimate"])
    return said + Words(
        f"; it lies nearest to {called(str(nearest), 'en')} ({near}).",
        f"；离{called(str(nearest), 'zh')}最近（{near} 分）。",
    )(language)


def _used_up(result: "PeakEnd", language: str) -> str:
    rows: Any = result.used_up.set_index("ending")
    gap = rows.loc["difference"]
    if np.isnan(gap["estimate"]) or np.isnan(gap["ci_low"]):
        return ""
    bad, other = number(rows.loc["bad", "estimate"]), number(rows.loc["other", "estimate"])
    span = _bracket(gap["ci_low"], gap["ci_high"], language)
    if gap["ci_low"] <= 0 <= gap["ci_high"]:
        return ""  # the table tells; a paragraph need not
    if gap["ci_high"] < 0:
        said = Words("A bad and worsening end uses up part of the peak", "糟糕且走低的结尾会消耗掉一部分高峰的好感")
    else:
        said = Words("A bad and worsening end makes the peak count for more", "结尾糟糕且走低时，高峰反而更重要")
    return said(language) + Words(
        f": there a point of the peak goes with {bad} points of overall score, elsewhere with {other}, a difference of "
        f"{number(gap['estimate'])}{span}.",
        f"：此时高峰每高 1 分对应总体 {bad} 分，其他情况下为 {other} 分，相差 {number(gap['estimate'])}{span}。",
    )(language)


def _profile(result: "PeakEnd", row: "pd.Series[Any]", language: str) -> str:
    name, n = row["unit"], number(row["n"], 0)
    values = {place: number(row[place], 1) for place in ("overall", "end", "peak", "trough", "mean")}
    told = Words(
        f"In {name}, over {n} episodes, customers give {values['overall']} overall; the end has {values['end']}, the "
        f"peak {values['peak']}, the trough {values['trough']}, the mean of all moments {values['mean']}",
        f"{name}：{n} 次体验的总体评分为 {values['overall']}；结尾 {values['end']}，高峰 {values['peak']}，"
        f"低谷 {values['trough']}，所有时刻平均 {values['mean']}",
    )(language)
    if not result.same_scale:
        return told + Words(".", "。")(language)
    nearest = min(("end", "peak", "trough", "mean"), key=lambda place: abs(row["overall"] - row[place]))
    return told + Words(f": nearest is {called(nearest, 'en')}.", f"：最接近的是{called(nearest, 'zh')}。")(language)


def _base(result: "PeakEnd", language: str) -> str:
    n, level = number(result.episodes, 0), percent(result.confidence)
    units = result.sample.counts.get("units")
    of_en = "" if units is None else f" of {number(units, 0)} units"
    of_zh = "" if units is None else f"、{number(units, 0)} 个单位"
    return Words(
        f"Based on {n} episodes{of_en}; {level} intervals in brackets.",
        f"基于 {n} 次体验{of_zh}；括号内为 {level} 区间。",
    )(language)


def _capital(told: str) -> str:
    return told[:1].upper() + told[1:]
