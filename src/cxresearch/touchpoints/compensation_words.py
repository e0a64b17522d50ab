"""What the study of compensation says, in both languages."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch.language import Paragraph, Words, check, interval, number, percent
from cxresearch.touchpoints.driver_words import joined, name

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.touchpoints.compensation_results import Compensation

HEADINGS: Final = {
    "ahead": Words("ahead of adding up", "比“相加”多"),
    "ahead_high": Words("ahead, to", "多出上限"),
    "ahead_low": Words("ahead, from", "多出下限"),
    "effect": Words("effect", "效应"),
    "if_adding": Words("if scores add up", "若得分相加"),
    "if_weakest": Words("if the weakest decides", "若较弱者决定"),
    "model": Words("model", "模型"),
    "r2": Words("R² for those left out", "留出样本 R²"),
    "slopes": Words("slopes", "斜率个数"),
}
EFFECTS: Final = {
    "cost": Words("second poor, first middling, against both middling", "第二个差、第一个居中，与两者居中相比"),
    "net": Words("second poor, first good, against both middling", "第二个差、第一个好，与两者居中相比"),
    "slope_poor": Words("per point of the first where the second is poor", "第二个差时，第一个每提高一分"),
    "slope_good": Words("per point of the first where the second is good", "第二个好时，第一个每提高一分"),
    "product": Words("change of that slope per point of the second", "第二个每提高一分，该斜率的变化"),
    "weaker": Words("part that works through the weaker one (0 to 1)", "通过较弱者起作用的部分（0 至 1）"),
}
MODELS: Final = {
    "adds_up": Words("scores add up", "得分相加"),
    "bends": Words("add up, each with diminishing returns", "相加，各自收益递减"),
    "product": Words("add up, and act on each other", "相加并相互影响"),
    "weakest": Words("the weakest decides", "较弱者决定"),
    "strongest": Words("the strongest decides", "较强者决定"),
    "partly_weakest": Words("add up, the weakest counts extra", "相加，较弱者额外计入"),
}


def finding(result: "Compensation", language: str) -> str:
    """Say in one line whether the first makes up for the second."""
    first, second = name(result.first, language), name(result.second, language)
    return {
        "makes_up": Words(f"good {first} makes up for poor {second}", f"{first}好，能弥补{second}差"),
        "falls_short": Words(f"good {first} does not make up for poor {second}", f"{first}好，不能弥补{second}差"),
        "open": Words(
            f"whether good {first} makes up for poor {second} stays open", f"{first}好能否弥补{second}差，尚无定论"
        ),
    }[result.answer](language)  # fmt: skip


def paragraph(result: "Compensation", language: str, *, ceiling: bool) -> Paragraph:
    """Say whether the first makes up for the second, by which rule they go together, and what cannot be told."""
    check(language)
    sentences = [_answer(result, language), _slopes(result, language), _pattern(result, language)]
    if ceiling and result.pattern == "softens":
        sentences.append(
            Words(
                "Many answers stand at the top of the scale, though, which alone can look like this.",
                "不过，许多回答已在量表顶端，仅此一点也会呈现这种情形。",
            )(language)
        )
    sentences += [_rivals(result, language), CAVEAT(language)]
    return Paragraph(joined([s for s in sentences if s], language))


CAVEAT: Final = Words(
    "This compares respondents who gave different scores; it does not show what raising one score would do.",
    "这里比较的是给出不同评分的受访者，并不说明提高某一项得分会带来什么。",
)


def _span(row: "pd.Series[Any]", language: str, digits: int = 2) -> str:
    if np.isnan(row["ci_low"]):
        return ""
    span = interval(row["ci_low"], row["ci_high"], language, digits)
    return Words(f" ({span})", f"（{span}）")(language)


def _answer(result: "Compensation", language: str) -> str:
    net, cost = result.effect("net"), result.effect("cost")
    first, second, what = (name(c, language) for c in (result.first, result.second, result.outcome))
    good, poor = number(result.good, 1), number(result.poor, 1)
    n = number(result.cases, 0)
    level = percent(result.confidence)
    known = not np.isnan(net["ci_low"])
    alone = Words(
        f"a poor score of {poor} on {second} alone goes with {_points(cost['estimate'], 'en')} of {what}"
        f"{_span(cost, 'en')}; together with a good {good} on {first}, with {_points(net['estimate'], 'en')}"
        f"{_span(net, 'en')}, compared with the middle on both",
        f"与两项都居中相比，仅{second}差（{poor} 分）时，{what}{_points(cost['estimate'], 'zh')}{_span(cost, 'zh')}；"
        f"同时{first}好（{good} 分）时，{what}{_points(net['estimate'], 'zh')}{_span(net, 'zh')}",
    )(language)
    base = Words(f" (n = {n}{f'; {level} intervals in brackets' if known else ''})",
                 f"（n = {n}{f'；括号内为 {level} 区间' if known else ''}）")(language)  # fmt: skip
    said = finding(result, language)
    return Words(f"{said}: {alone}{base}.", f"{said}：{alone}{base}。")(language)


def _points(value: float, language: str) -> str:
    if language == "zh":
        return f"{'高' if value >= 0 else '低'} {number(abs(value))} 分"
    return f"{number(abs(value))} {'more' if value >= 0 else 'fewer'} points"


def _slopes(result: "Compensation", language: str) -> str:
    poor, good = result.effect("slope_poor"), result.effect("slope_good")
    if np.isnan(poor["estimate"]):
        return ""
    first, second = name(result.first, language), name(result.second, language)
    return Words(
        f"a point of {first} goes with {number(poor['estimate'])}{_span(poor, 'en')} where {second} is poor and with "
        f"{number(good['estimate'])}{_span(good, 'en')} where it is good.",
        f"{second}差时，{first}每高一分对应 {number(poor['estimate'])} 分{_span(poor, 'zh')}；"
        f"{second}好时对应 {number(good['estimate'])} 分{_span(good, 'zh')}。",
    )(language)


def _pattern(result: "Compensation", language: str) -> str:
    row = result.effect("weaker")
    said = {
        "weakest": Words("The weaker of the two counts extra", "两者中较弱者的影响更大"),
        "softens": Words("The stronger of the two counts extra: it softens", "两者中较强者的影响更大，有缓冲作用"),
        "adds_up": Words("The two simply add up", "两者的作用大致是相加"),
        "open": Words("Whether the two add up or the weaker one decides cannot be told from these data",
                      "两者是相加还是由较弱者决定，这些数据无法判断"),
    }[result.pattern](language)  # fmt: skip
    if np.isnan(row["estimate"]):
        return said + Words(".", "。")(language)
    value = number(row["estimate"])
    if not np.isnan(row["ci_low"]):
        value += Words(", ", "，")(language) + interval(row["ci_low"], row["ci_high"], language)
    part = Words(
        f" (the weaker one carries a part of {value}; 0 is adding up, 1 is the weakest deciding)",
        f"（较弱者所占部分为 {value}；0 为相加，1 为完全由较弱者决定）",
    )(language)
    return said + part + Words(".", "。")(language)


def _rivals(result: "Compensation", language: str) -> str:
    table = result.rivals.dropna(subset="r2")
    if table.empty:
        return ""
    best = table.loc[table.index[int(table["r2"].argmax())]]
    model = MODELS[str(best["model"])](language)
    if best["model"] == "adds_up":
        return Words("No rival rule predicts answers that were left out better than adding up.",
                     "对留出的回答，没有其他规则比“相加”预测得更好。")(language)  # fmt: skip
    sure = best["ahead_low"] > 0
    lead, span = number(best["ahead"], 3), interval(best["ahead_low"], best["ahead_high"], language, 3)
    if sure:
        return Words(
            f"Answers that were left out are predicted best by “{model}”, clearly better than by adding up (R² {lead} "
            f"higher, {span}).",
            f"对留出的回答，预测最好的是“{model}”，明显优于“相加”（R² 高 {lead}，{span}）。",
        )(language)
    return Words(
        f"Answers that were left out are predicted best by “{model}”, but not clearly better than by adding up (R² "
        f"{lead} higher, {span}).",
        f"对留出的回答，预测最好的是“{model}”，但并不明显优于“相加”（R² 高 {lead}，{span}）。",
    )(language)
