"""What the study of agreement says, in English and Chinese."""

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from cxresearch import checks
from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping import rater_words
from cxresearch.mystery_shopping.rater_words import plain
from cxresearch.numerics.reliability import spearman_brown

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.mystery_shopping.agreement_results import AgreementResult

join = rater_words.join

COEFFICIENTS: Final = {
    "percent": Words("percent agreement", "一致百分比"),
    "cohen": Words("Cohen's kappa", "科恩 κ（Cohen）"),
    "conger": Words("Conger's kappa", "康格 κ（Conger）"),
    "fleiss": Words("Fleiss' kappa", "弗莱斯 κ（Fleiss）"),
    "gwet": Words("Gwet's AC", "格维特 AC（Gwet）"),
    "brennan_prediger": Words("Brennan–Prediger", "布伦南–普雷迪格"),
    "krippendorff": Words("Krippendorff's alpha", "克里彭多夫 α"),
}

AGREEMENT_HEADINGS: Final = COEFFICIENTS | {
    "rater": Words("rater", "评分者"),
    "target": Words("target", "评分对象"),
    "spread": Words("spread (SD)", "离散（标准差）"),
    "severity": Words("stricter by (points)", "偏严（分）"),
    "severity_low": Words("interval from", "区间下限"),
    "severity_high": Words("interval to", "区间上限"),
    "scatter": Words("scatter around the others (SD)", "相对他人的波动（标准差）"),
    "agreement": Words("agreement (0 to 1)", "一致程度"),
    "gap": Words("less that of the others", "与他人彼此之差"),
    "standing": Words("standing", "判定"),
    "stricter": Words("stricter", "偏严"),
    "milder": Words("milder", "偏松"),
    "apart": Words("departs", "偏离"),
    "stricter_apart": Words("stricter, departs", "偏严且偏离"),
    "milder_apart": Words("milder, departs", "偏松且偏离"),
    "as_others": Words("as the others", "相当"),
    "unknown": Words("cannot be said", "无从判断"),
    "category": Words("score", "分数"),
    "share": Words("share of all ratings", "占全部评分"),
    "lowest_rater": Words("rater who gives it least", "给得最少者"),
    "highest_rater": Words("rater who gives it most", "给得最多者"),
    "confirmed": Words("confirmed by another rater", "获他人认同"),
    "lowest": Words("lowest", "最低"),
    "highest": Words("highest", "最高"),
    "most_common": Words("most common", "最常见"),
}

NUMERIC_ONLY: Final = ("mean", "spread", "severity", "severity_low", "severity_high", "scatter")
"""Columns that unordered categories leave empty."""

_METRIC: Final = {
    "identity": Words(
        "Two scores agree if they are the same; how far apart they are does not count.",
        "两个分数相同才算一致，相差多少不计。",
    ),
    "ordinal": Words(
        "How far two scores are apart: Krippendorff's ordinal metric (squared difference of mid-ranks), for all "
        "coefficients. What irrCAC calls ordinal weights is another metric and gives other values.",
        "两个分数相差多少：所有系数都用克里彭多夫的顺序度量（中位秩之差的平方）。"
        "irrCAC 的“顺序权重”是另一种度量，结果不同。",
    ),
    "linear": Words(
        "How far two scores are apart: their difference, over the largest one possible, for all coefficients (linear "
        "weights). Krippendorff's own metrics square it, so this alpha does not compare with others'.",
        "两个分数相差多少：分差除以可能的最大值，所有系数一致（线性权重）。"
        "克里彭多夫自己的度量都取平方，此处的 α 不能与别处的 α 相比。",
    ),
    "quadratic": Words(
        "How far two scores are apart: their squared difference, over the largest one possible, for all coefficients.",
        "两个分数相差多少：分差的平方除以可能的最大值，所有系数一致。",
    ),
    "ratio": Words(
        "How far two scores are apart: squared difference over squared sum, for all coefficients (ratio level). "
        "A zero is as far as possible from every other score.",
        "两个分数相差多少：差的平方除以和的平方，所有系数一致（等比尺度）。零分与任何其他分数的距离都最大。",
    ),
}
_STEPS: Final = Words(
    " Steps between neighbouring scores count the same, whatever their names or numbers.",
    "相邻两档之间的距离一律相同，与名称或数字无关。",
)


def metric(level: str, weights: str) -> Words:
    """Say what counts as disagreement."""
    said = _METRIC[weights]
    if level != "ordinal" or weights not in ("linear", "quadratic"):
        return said
    return Words(said.en + _STEPS.en, said.zh + _STEPS.zh)


ONE_SCORE: Final = Words(
    "Some coefficients are undefined (–): where all scores are alike, chance cannot produce disagreement either.",
    "部分系数无法计算（–）：所有分数都相同时，随机评分也不会产生分歧。",
)
ONE_TARGET: Final = Words(
    "Only one target was rated twice or more: there is no standard error and no interval.",
    "只有一个对象被两人以上评过：没有标准误，也没有区间。",
)


def positions(labels: list[Any]) -> Words:
    """Say what ordered words count as in means."""
    listed = checks.listed(f"{label} = {i}" for i, label in enumerate(labels, 1))
    return Words(f"In means and spreads the scores count {listed}.", f"计算均值和离散时，分数按 {listed} 处理。")


def rated_once(once: int, targets: int, bootstrapped: bool) -> Words:
    """Say what targets rated once do."""
    advice = Words(
        " They make the analytic standard errors of the other coefficients too large; bootstraps=2000 does not.",
        "它们使其他系数的解析标准误偏大；用 bootstraps=2000 可避免。",
    )
    said = Words(
        f"{once} of {targets} targets were rated once: they count towards chance in Fleiss, Gwet and Conger, and not "
        "at all in Cohen and Krippendorff.",
        f"{targets} 个对象中有 {once} 个只被评过一次：它们只进入 Fleiss、Gwet、Conger 的随机一致部分，"
        "不进入 Cohen 和 Krippendorff。",
    )
    return said if bootstrapped else Words(said.en + advice.en, said.zh + advice.zh)


def no_disagreement(targets: int) -> Words:
    """Say what a sample without disagreement tells."""
    share = percent(min(3 / targets, 1))
    return Words(
        f"The sample holds no disagreement, so its size cannot be estimated and there is no interval. By the rule of "
        f"three, raters may still differ on up to about {share} of targets.",
        f"样本中没有任何分歧，因此无法估计误差，也没有区间。按“三分法则”，实际仍可能有至多约 {share} 的对象存在分歧。",
    )


def few_targets(targets: int) -> Words:
    """Warn of few targets."""
    return Words(
        f"Only {targets} targets were rated twice or more: the intervals are rough, and rather too narrow than wide.",
        f"被两人以上评过的对象只有 {targets} 个：区间较粗略，宁可认为偏窄。",
    )


def few_resamples(bootstraps: int) -> Words:
    """Warn of few resamples."""
    return Words(
        f"{bootstraps} resamples leave the ends of the intervals uncertain; 2000 are better.",
        f"{bootstraps} 次重抽样不足以确定区间端点；建议 2000 次。",
    )


def lost_resamples(share: float) -> Words:
    """Say that resamples were undefined."""
    return Words(
        f"Up to {percent(share, 1)} of the resamples left a coefficient undefined; above 10 % it has no interval.",
        f"最多有 {percent(share, 1)} 的重抽样无法算出某个系数；超过 10 % 时不给区间。",
    )


def paradox(agree: float, kappa: float, ac: float, share: float) -> Words:
    """Explain high agreement beside a low kappa."""
    return Words(
        f"High agreement, lower kappa: two raters agree in {percent(agree)} of cases, yet Fleiss' kappa is "
        f"{number(kappa)}. One score makes up {percent(share)} of all, so chance alone would agree nearly as often, "
        f"and the few other cases decide kappa. Gwet's AC, {number(ac)}, is less moved by this. Neither is wrong: "
        "kappa asks whether the rare cases are told apart.",
        f"一致率高而 κ 低：两名评分者有 {percent(agree)} 的情况一致，Fleiss κ 却只有 {number(kappa)}。"
        f"某一个分数占了全部的 {percent(share)}，随机评分也几乎同样一致，κ 由少数其他情况决定。"
        f"Gwet AC 为 {number(ac)}，受此影响较小。两者都没有错：κ 问的是少见的情况能否被区分出来。",
    )


VERDICTS: Final = {
    "reliable": Words("one rater's score can be relied on", "单个评分者的分数可以采信"),
    "tentative": Words(
        "one rater's score is good enough for tentative conclusions only", "单个评分者的分数只够作初步判断"
    ),
    "unreliable": Words("one rater's score cannot be relied on", "单个评分者的分数不足采信"),
    "open": Words(
        "it is not settled whether one rater's score can be relied on", "单个评分者的分数能否采信，现有数据尚不能断定"
    ),
    "unknown": Words("whether one rater's score can be relied on cannot be said", "单个评分者的分数能否采信，无从判断"),
}
"""What the interval of Krippendorff's alpha says, as the end of a sentence."""

ANSWERS: Final = {"reliable": Words("Yes: ", "可以："), "unreliable": Words("No: ", "不可以：")}

WEIGHTS: Final = {
    "identity": Words("identity weights", "同一性权重"),
    "ordinal": Words("ordinal weights", "顺序权重"),
    "linear": Words("linear weights", "线性权重"),
    "quadratic": Words("quadratic weights", "平方权重"),
}
LEVELS: Final = {
    "nominal": Words("nominal", "名义尺度"),
    "ordinal": Words("ordinal", "顺序尺度"),
    "interval": Words("interval", "等距尺度"),
    "ratio": Words("ratio", "等比尺度"),
}


def find(frame: "pd.DataFrame", name: str, focus: Any) -> SimpleNamespace:
    """Return the row of `frame` whose target is `focus`; ``"3"`` finds 3.

    Raises
    ------
    InputError
        If there is no such target; the nearest known one is named.
    """
    labels = frame["target"].tolist()
    same = [i for i, label in enumerate(labels) if label == focus] or [
        i for i, label in enumerate(labels) if str(label) == str(focus)
    ]
    if not same:
        raise checks.InputError(
            f"focus={focus!r}: no such {name}{checks.nearest(str(focus), labels)}; known are {checks.listed(labels)}"
        )
    return SimpleNamespace(**{str(column): frame[column].tolist()[same[0]] for column in frame})


def name_target(column: str, label: Any) -> str:
    """Name a target in a sentence: ``bottle 3``, but ``Outlet 3`` where the label says already what it is."""
    return str(label) if column.lower() in str(label).lower() else f"{column} {label}"


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


_DEFAULT_WEIGHTS: Final = {"nominal": "identity", "ordinal": "ordinal", "interval": "quadratic", "ratio": "ratio"}


def agreement_text(result: "AgreementResult", language: str, focus: Any) -> str:
    """Write the paragraph on agreement."""
    check(language)
    verdict = VERDICTS[result.verdict](language)
    if focus is None:
        answer = ANSWERS.get(result.verdict)
        begin = answer(language) + verdict if answer else capital(verdict)
        parts = [begin]
    else:
        parts = [
            _focus(result, language, focus),
            Words("On all targets together, ", "就全部对象而言，")(language) + verdict,
        ]
    parts[-1] += _alpha(result, language)
    parts.extend(
        [rater_words.shares(result, language), _averaged(result, language), rater_words.strictness(result, language)]
    )
    return join(parts, language)


def _alpha(result: "AgreementResult", language: str) -> str:
    """End the sentence that began with the verdict, and say the number it rests on."""
    alpha = result.row("krippendorff")
    targets, raters, ratings = (number(n, 0) for n in (alpha.n, len(result.raters), len(result.ratings)))
    size = Words(
        f"{targets} targets, {raters} raters, {ratings} ratings",
        f"{targets} 个对象、{raters} 名评分者、{ratings} 个评分",
    )(language)
    if math.isnan(alpha.estimate):
        return Words(
            f": no agreement beyond chance can be computed ({size}; see the notes).",
            f"：无法计算剔除随机因素后的一致程度（{size}；见附注）。",
        )(language)
    if math.isnan(alpha.ci_low):
        between = Words("no interval, see the notes", "无区间，见附注")(language)
    else:
        ends = interval(alpha.ci_low, alpha.ci_high, language)
        between = Words("{} interval {}", "{} 置信区间 {}")(language).format(percent(result.confidence), ends)
    level = LEVELS[result.level](language)
    if result.weights != _DEFAULT_WEIGHTS[result.level]:
        level += Words(", ", "，")(language) + WEIGHTS[result.weights](language)
    return Words(
        f". Beyond chance the raters agree to {number(alpha.estimate)}, where 1 is full agreement and 0 what chance "
        f"alone would bring (Krippendorff's alpha, {level}; {between}; {size}). As a rule of thumb 0.80 is needed, and "
        "0.67 for tentative conclusions.",
        f"。剔除随机因素后，评分者的一致程度为 {number(alpha.estimate)}（1 为完全一致，0 相当于随机评分；克里彭多夫 α，"
        f"{level}；{between}；{size}）。经验上需达到 0.80，0.67 以上可作初步判断。",
    )(language)


def _averaged(result: "AgreementResult", language: str) -> str:
    """Say what the mean of as many raters as a target has would reach."""
    alpha, k = result.row("krippendorff"), int(result.targets["n"].median())
    if result.weights in ("identity", "linear") or k < 2 or math.isnan(alpha.ci_low):
        return ""
    mean, low, high = (float(spearman_brown(max(x, 0), k)) for x in (alpha.estimate, alpha.ci_low, alpha.ci_high))
    return Words(
        f"The mean of {k} raters would come to about {number(mean)} ({interval(low, high)}).",
        f"取 {k} 名评分者的均值，约可达到 {number(mean)}（{interval(low, high, 'zh')}）。",
    )(language)


def _focus(result: "AgreementResult", language: str, focus: Any) -> str:
    row = find(result.targets, result.names[0], focus)
    called = name_target(result.names[0], row.target)
    if row.n < 2:
        gave = plain(row.most_common if result.level == "nominal" else row.lowest)
        return Words(
            f"{called}: one rater only scored it ({gave}), which says nothing about agreement there.",
            f"{called}：只有一名评分者打过分（{gave}），一致与否无从谈起。",
        )(language)
    return (
        Words(f"{called}: ", f"{called}：")(language) + _gave(result, row)(language) + _compared(result, row)(language)
    )


def _gave(result: "AgreementResult", row: Any) -> Words:
    if result.level == "nominal":
        common, agree = plain(row.most_common), percent(row.agreement)
        return Words(
            f"its {row.n} raters said {common} most often, and any two of them agree in {agree} of cases.",
            f"{row.n} 名评分者的判断以“{common}”最多，任意两人有 {agree} 的情况相同。",
        )
    if row.lowest == row.highest:
        same = plain(row.lowest)
        return Words(f"all {row.n} raters gave it {same}.", f"{row.n} 名评分者都给了 {same}。")
    low, high, mean, spread = plain(row.lowest), plain(row.highest), number(row.mean), number(row.spread)
    return Words(
        f"its {row.n} raters gave scores from {low} to {high}, {mean} on average (standard deviation {spread}).",
        f"{row.n} 名评分者给出 {low} 至 {high}，平均 {mean}（标准差 {spread}）。",
    )


def _compared(result: "AgreementResult", row: Any) -> Words:
    """Compare how far a target's raters are apart with the other targets."""
    others = result.targets[(result.targets["n"] > 1) & (result.targets["target"] != row.target)]["agreement"]
    if others.empty:
        return Words("", "")
    more, less = int((others > row.agreement + 1e-9).sum()), int((others < row.agreement - 1e-9).sum())
    if not more or not less:
        than = Words("less", "分歧更大") if more else Words("more", "更一致")
        return Words(f" The raters of no other target agree {than('en')}.", f"没有别的对象比它{than('zh')}。")
    return Words(
        f" They agree less than the raters of {more} of the {len(others)} other targets, and more than the raters of "
        f"{less}.",
        f"其余 {len(others)} 个对象中，{more} 个的评分比它更一致，{less} 个比它分歧更大。",
    )
