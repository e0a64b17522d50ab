"""What the study of intraclass correlations says, in English and Chinese."""

import math
from typing import TYPE_CHECKING, Any, Final

from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping.words import find, join, name_target

if TYPE_CHECKING:
    from cxresearch.mystery_shopping.intraclass import IccResult

HEADINGS: Final = {
    "question": Words("which question it answers", "回答什么问题"),
    "f": Words("F", "F"),
    "df1": Words("df 1", "自由度 1"),
    "df2": Words("df 2", "自由度 2"),
    "df": Words("degrees of freedom", "自由度"),
    "n": Words("targets", "对象数"),
    "variance": Words("variance (squared points)", "方差（分的平方）"),
    "share": Words("share", "占比"),
    "source": Words("source", "来源"),
    "mean_square": Words("mean square", "均方"),
    "target": Words("targets", "评分对象"),
    "rater": Words("raters", "评分者"),
    "residual": Words("residual", "剩余"),
    "within": Words("within targets", "对象内"),
}

QUESTIONS: Final = {
    "ICC(1,1)": Words(
        "One rater, each target scored by raters of its own: how much of a score is the target?",
        "单个评分者，每个对象各有自己的评分者：一个分数里有多少来自对象本身？",
    ),
    "ICC(A,1)": Words(
        "One rater, absolute: would another rater give the same score? Strictness counts as error.",
        "单个评分者，绝对一致：换一个人会打同样的分吗？宽严差异算作误差。",
    ),
    "ICC(C,1)": Words(
        "One rater, consistency: would another rater order the targets alike? Strictness is set aside.",
        "单个评分者，相对一致：换一个人，对象的高低次序还一样吗？宽严差异不计。",
    ),
    "ICC(1,k)": Words(
        "Mean of k raters, each target with raters of its own.", "k 名评分者的均值，每个对象各有自己的评分者。"
    ),
    "ICC(A,k)": Words(
        "Mean of k raters, absolute: would another panel arrive at the same mean?",
        "k 名评分者的均值，绝对一致：换一组人会得到同样的均值吗？",
    ),
    "ICC(C,k)": Words(
        "Mean of k raters, consistency: would another panel order the targets alike?",
        "k 名评分者的均值，相对一致：换一组人，对象的高低次序还一样吗？",
    ),
}

NO_VARIANCE: Final = Words(
    "All scores are the same: the correlations are undefined.", "所有分数都相同：相关系数无法计算。"
)
NO_RESIDUAL: Final = Words(
    "Raters differ by a constant at most: the sample holds no chance error, and says nothing about how much another "
    "one would hold. Intervals are undefined where they need it.",
    "评分者之间至多相差一个常数：样本中没有随机误差，也就无从推断别的样本会有多少；需要它的区间无法计算。",
)
NO_TARGET_VARIANCE: Final = Words(
    "All targets have the same mean: the forms for mean scores are undefined.",
    "所有对象的均值都相同：均值形式的系数无法计算。",
)
FRESH_RATERS: Final = Words(
    "The same raters scored every target, and they differ in strictness: read the forms A or C. ICC(1,·) is meant "
    "for raters drawn anew for each target, and is too low here.",
    "所有对象由同一批人评分，而他们宽严不一：请看 A 或 C 形式。ICC(1,·) 适用于每个对象另选评分者的情形，在这里偏低。",
)


def few_raters(k: int) -> Words:
    """Warn that the A forms' intervals are too narrow."""
    return Words(
        f"With {k} raters who differ this much in strictness, the intervals of ICC(A,1) and ICC(A,k) are too narrow.",
        f"只有 {k} 名评分者而宽严差异又大，ICC(A,1) 和 ICC(A,k) 的区间偏窄。",
    )


def negative_variance(component: str, value: float) -> Words:
    """Say that a variance component came out below zero."""
    name = HEADINGS[component]
    return Words(
        f"The variance of {name('en')} is estimated at {number(value, 3)}: below 0 by chance, so it counts as 0 in the "
        "shares.",
        f"{name('zh')}的方差估计为 {number(value, 3)}：因抽样误差低于 0，计算占比时按 0 处理。",
    )


def text(result: "IccResult", language: str, focus: Any) -> str:
    """Write the paragraph on intraclass correlations."""
    check(language)
    said = [] if focus is None else [_mean_of(result, find(result.targets, result.names[0], focus))(language)]
    if math.isnan(result.row("ICC(A,1)").estimate):
        cannot = Words(
            "How far these scores tell targets apart cannot be said.", "这些评分能把对象区分到什么程度，无从判断。"
        )
        said += [cannot(language), *(note(language) for note in result.notes[:1])]
    else:
        said += [_parts(result)(language), _reliable(result, language), _needed(result)(language)]
    return join(said, language)


def _mean_of(result: "IccResult", row: Any) -> Words:
    called, k, mean, margin = name_target(result.names[0], row.target), result.k, number(row.mean), number(row.margin)
    return Words(
        f"{called}: its {k} raters gave {mean} on average; very many raters of this kind would arrive within "
        f"about {margin} of that.",
        f"{called}：{k} 名评分者平均给 {mean}；若由很多名这样的评分者来评，均值大约不出上下 {margin}。",
    )


def _parts(result: "IccResult") -> Words:
    share = result.components.set_index("component")["share"]
    target, rater, residual = (percent(share[part]) for part in ("target", "rater", "residual"))
    return Words(
        f"Of the differences among single scores, {target} are real differences between targets, {rater} come from "
        f"raters being stricter or milder, and {residual} are chance.",
        f"单个分数之间的差异，{target} 是对象之间的真实差别，{rater} 来自评分者宽严不一，{residual} 是偶然。",
    )


def _reliable(result: "IccResult", language: str) -> str:
    one, mean = result.row("ICC(A,1)"), result.row("ICC(A,k)")
    said = [number(one.estimate), _range(one, language), number(mean.estimate), _range(mean, language)]
    level, n, k = percent(result.confidence), int(one.n), result.k
    return Words(
        f"One rater's score therefore has a reliability of {said[0]} ({level} interval {said[1]}; ICC(A,1), {n} "
        f"targets), the mean of all {k} raters one of {said[2]} ({said[3]}).",
        f"因此一名评分者的分数，信度为 {said[0]}（{level} 置信区间 {said[1]}；ICC(A,1)，{n} 个对象），"
        f"{k} 名评分者的均值，信度为 {said[2]}（{said[3]}）。",
    )(language)


def _needed(result: "IccResult") -> Words:
    needed, low, high = result.raters_needed()
    if math.isinf(needed):
        return Words("Averaging more raters would not help.", "增加评分者取均值也无济于事。")
    if math.isnan(low):
        return Words(f"The mean of {needed:.0f} would reach 0.80.", f"取 {needed:.0f} 名的均值可达到 0.80。")
    if math.isinf(high):
        most = Words("or any number: the data do not bound it", "或任意多名：数据不足以给出上限")
    else:
        most = Words(f"to {high:.0f}", f"至 {high:.0f} 名")
    return Words(
        f"For 0.80 the mean of {needed:.0f} would do (interval {low:.0f} {most('en')}).",
        f"要达到 0.80，需取 {needed:.0f} 名的均值（区间 {low:.0f} {most('zh')}）。",
    )


def _range(row: Any, language: str) -> str:
    if math.isnan(row.ci_low) or math.isnan(row.ci_high):
        return Words("undefined, see the notes", "无法计算，见附注")(language)
    return interval(row.ci_low, row.ci_high, language)
