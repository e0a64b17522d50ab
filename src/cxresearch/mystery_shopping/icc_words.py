"""What the study of intraclass correlations says, in English and Chinese."""

import math
from typing import TYPE_CHECKING, Any, Final

from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping.words import find, join, name_target

if TYPE_CHECKING:
    from cxresearch.mystery_shopping.icc_results import IccResult

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
    "adjusted": Words("mean without raters' strictness", "剔除评分者宽严后的均值"),
    "margin": Words("give or take (points)", "上下误差（分）"),
}
RATINGS: Final = Words("ratings", "评分数")

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
SHARED_RATERS: Final = Words(
    "The same raters scored several targets, and they differ in strictness: read the forms A or C. ICC(1,·) is meant "
    "for raters drawn anew for each target.",
    "同一评分者评过多个对象，而他们宽严不一：请看 A 或 C 形式。ICC(1,·) 适用于每个对象另选评分者的情形。",
)
BOOTSTRAPPED: Final = Words(
    "Intervals from resampled targets speak of these raters; raters drawn anew could differ more in strictness.",
    "重抽样对象所得的区间只就这些评分者而言；换一批评分者，宽严差异可能更大。",
)
HOW_LIKELIHOOD: Final = Words(
    "Variances come from restricted likelihood (REML). Intervals of the forms 1 and C are exact for normal scores "
    "(Wald), those of A generalized ones. Where scores are missing, that must have nothing to do with what they would "
    "have been.",
    "方差由限制极大似然（REML）估计。1 和 C 形式的区间在分数服从正态时是精确的（Wald），A 形式为广义置信区间。"
    "若有缺失，前提是缺失与本应打出的分数无关。",
)
HOW_LARGE: Final = Words(
    "There are so many targets or raters that intervals come from the asymptotic errors of REML, without an F test of "
    "the forms A and C.",
    "对象或评分者太多，区间由 REML 的渐近误差得出，A 和 C 形式不做 F 检验。",
)
NOT_APART: Final = Words(
    "Raters cannot be told from targets: each scored one target only, or there are too few ratings. The forms A and C "
    "are undefined; ICC(1,·), meant for raters of each target's own, is what these ratings can give.",
    "无法把评分者与对象区分开：每人只评过一个对象，或评分太少。A 和 C 形式无法计算；"
    "这样的数据只能得出 ICC(1,·)，它适用于每个对象各有评分者的情形。",
)
NOT_CONVERGED: Final = Words(
    "The search for the variances did not come to an end: read the correlations with caution.",
    "方差估计未能收敛：请谨慎看待这些系数。",
)
CLOSER_THAN_CHANCE: Final = Words(
    "Targets lie closer together than chance alone would leave them in nearly all samples: there is no interval.",
    "对象之间的差别比随机误差通常造成的还小：没有区间。",
)


def few_resampled(targets: int) -> Words:
    """Warn of few targets to resample."""
    return Words(
        f"{targets} targets are few to resample: the intervals are too narrow; with bootstraps=0 they are wider.",
        f"只有 {targets} 个对象可供重抽样，区间偏窄；用 bootstraps=0 所得区间较宽。",
    )


def zero_variance(component: str) -> Words:
    """Say that a variance component was estimated at zero."""
    name = HEADINGS[component]
    return Words(
        f"The variance of {name('en')} is estimated at 0, the smallest it can be.",
        f"{name('zh')}的方差估计为 0，即可能的最小值。",
    )


def raw_means(raw: float, adjusted: float) -> Words:
    """Say what strictness does to the raw means of targets that different raters scored."""
    return Words(
        f"Targets were scored by different raters, so their plain means carry strictness too: they order the targets "
        f"with a reliability of {number(raw)}, means cleared of it with {number(adjusted)} (table of targets).",
        f"各对象的评分者不尽相同，直接取均值会混入宽严差异：用它区分对象高低，信度为 {number(raw)}；"
        f"剔除宽严后的均值，信度为 {number(adjusted)}（见对象表）。",
    )


def few_raters(k: int) -> Words:
    """Warn that the A forms' intervals are too narrow."""
    return Words(
        f"With {k} raters who differ this much in strictness, the intervals of ICC(A,1) and ICC(A,k) are too narrow; "
        "those of method='reml' hold.",
        f"只有 {k} 名评分者而宽严差异又大，ICC(A,1) 和 ICC(A,k) 的区间偏窄；method='reml' 的区间可靠。",
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
    if math.isnan(result.row(f"ICC({result.leading},1)").estimate):
        cannot = Words(
            "How far these scores tell targets apart cannot be said.", "这些评分能把对象区分到什么程度，无从判断。"
        )
        said += [cannot(language), *(note(language) for note in result.notes[:1])]
    else:
        said += [_parts(result)(language), _reliable(result, language), _needed(result)(language)]
        said += [_same_raters(result, language)]
    return join(said, language)


def _mean_of(result: "IccResult", row: Any) -> Words:
    called, mean, margin = name_target(result.names[0], row.target), number(row.mean), number(row.margin)
    adjusted = number(row.adjusted)
    cleared = adjusted not in (mean, "–")
    within = (
        Words(f" ({adjusted} without their strictness)", f"（剔除宽严后为 {adjusted}）") if cleared else Words("", "")
    )
    return Words(
        f"{called}: its {row.n} {'raters' if row.n > 1 else 'rater'} gave {mean} on average{within('en')}; very many "
        f"raters of this kind would arrive within about {margin} of that.",
        f"{called}：{row.n} 名评分者平均给 {mean}{within('zh')}；若由很多名这样的评分者来评，"
        f"均值大约不出上下 {margin}。",
    )


def _parts(result: "IccResult") -> Words:
    share = result.components.set_index("component")["share"]
    target, rater, residual = (percent(share[part]) for part in ("target", "rater", "residual"))
    if math.isnan(share["rater"]):
        return Words(
            f"Of the differences among single scores, {target} are real differences between targets; {residual} come "
            "from the raters and chance, which cannot be told apart here.",
            f"单个分数之间的差异，{target} 是对象之间的真实差别，{residual} 来自评分者和偶然，两者在此无法分开。",
        )
    return Words(
        f"Of the differences among single scores, {target} are real differences between targets, {rater} come from "
        f"raters being stricter or milder, and {residual} are chance.",
        f"单个分数之间的差异，{target} 是对象之间的真实差别，{rater} 来自评分者宽严不一，{residual} 是偶然。",
    )


def panel(k: float) -> Words:
    """Name the raters whose mean is taken: all of them, or as many as targets have in incomplete ratings."""
    if float(k).is_integer():
        return Words(f"{k:.0f} raters", f"{k:.0f} 名评分者")
    k_said = number(k, 1)
    return Words(f"{k_said} raters (as many as targets have on average)", f"{k_said} 名评分者（各对象平均数）")


def _reliable(result: "IccResult", language: str) -> str:
    form = result.leading
    one, mean = result.row(f"ICC({form},1)"), result.row(f"ICC({form},k)")
    said = [number(one.estimate), _range(one, language), number(mean.estimate), _range(mean, language)]
    level, n, of = percent(result.confidence), int(one.n), panel(result.k)
    gaps = percent(result.missing)
    lost = Words(f", {gaps} of scores missing", f"，缺失 {gaps} 的评分") if result.missing else Words("", "")
    every = "" if result.missing else "all "
    return Words(
        f"One rater's score therefore has a reliability of {said[0]} ({level} interval {said[1]}; ICC({form},1), {n} "
        f"targets{lost('en')}), the mean of {every}{of('en')} one of {said[2]} ({said[3]}).",
        f"因此一名评分者的分数，信度为 {said[0]}（{level} 置信区间 {said[1]}；ICC({form},1)，{n} 个对象{lost('zh')}），"
        f"{of('zh')}的均值，信度为 {said[2]}（{said[3]}）。",
    )(language)


def _same_raters(result: "IccResult", language: str) -> str:
    """Say which form the sentences above rest on, and when the other one answers the question."""
    one, mean = result.row("ICC(C,1)"), result.row("ICC(C,k)")
    if result.leading != "A" or math.isnan(one.estimate):
        return ""
    said = [number(row.estimate) for row in (one, mean)]
    return Words(
        "A strict rater's low scores count as error here, as they do when scores are held against a standard or given "
        f"by different people; where the same raters score all that is compared, it is {said[0]} and {said[1]} "
        "(ICC(C,1), ICC(C,k)).",
        "以上把严格者打分偏低算作误差：凡是拿分数对照标准，或由不同的人打分，都应这样算。若相互比较的对象由同一批人评分，"
        f"则分别为 {said[0]} 和 {said[1]}（ICC(C,1)、ICC(C,k)）。",
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
