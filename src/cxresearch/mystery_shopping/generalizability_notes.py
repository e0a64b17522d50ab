"""What a reader of a generalizability study must know, in English and Chinese."""

from typing import TYPE_CHECKING, Final

from cxresearch.language import Words, number
from cxresearch.mystery_shopping.words import capital

if TYPE_CHECKING:
    from cxresearch.mystery_shopping.generalizability_nouns import Noun
    from cxresearch.mystery_shopping.generalizability_rows import Rows

_FEW: Final = 5
"""Levels up to which a facet's component is hardly known."""

NOT_CONVERGED: Final = Words(
    "The search for the most likely components did not end: take them as rough.",
    "寻找最可能的方差成分时未能收敛：结果只作粗略参考。",
)

METHOD: Final = {
    "reml": Words(
        "Components are estimated by restricted maximum likelihood (REML), which keeps them at zero or above. "
        "Intervals rest on the uncorrelated mean squares behind them (modified large-sample method, Ting et al. 1990; "
        "exact mean squares in a balanced design), those of ratios on the values at which the matching difference "
        "may be zero; standard errors are those of estimates that may go below zero.",
        "方差成分用限制性最大似然法（REML）估计，不会低于零。区间依据其背后互不相关的均方"
        "（修正大样本法，Ting 等，1990；平衡设计下即为精确的均方），比率的区间取相应差值可能为零的范围；"
        "标准误按可低于零的估计计算。",
    ),
    "anova": Words(
        "Components are estimated from mean squares (analysis of variance). Intervals by the modified large-sample "
        "method (Ting et al. 1990), those of ratios from the values at which the matching difference may be zero.",
        "方差成分由均方估计（方差分析）。区间用修正大样本法（Ting 等，1990），比率的区间取相应差值可能为零的范围。",
    ),
}


def at_zero(names: list[str]) -> Words:
    """Say which components are put at zero."""
    said = ", ".join(names)
    return Words(
        f"Estimated at zero: {said}. The data show no sign of it beyond chance; the interval says how large it may "
        "still be.",
        f"估计为零：{'、'.join(names)}。数据中看不出超出偶然的成分；区间说明它最大可能有多大。",
    )


def negative(name: str, value: float) -> Words:
    """Say that a component came out below zero."""
    said = f"{value:.4f}" if abs(value) >= 0.001 else f"{value:.2g}"
    said = said.replace("-", "−")
    return Words(
        f"The variance of {name} is estimated at {said}: below zero by chance. It stands in the table as it is, and "
        "counts as zero in shares and decisions.",
        f"{name} 的方差估计为 {said}：因抽样误差低于零。表中照列，计算占比和决策时按零处理。",
    )


def study(rows: "Rows", method: str, called: "dict[str, Noun]") -> tuple[Words, ...]:
    """Say what the residual holds, what crossed facets do, and where levels are few."""
    plan, judged = rows.plan, called[rows.plan.object]
    notes = [METHOD[method]]
    if rows.single:
        cell = plan.name(plan.cell)
        notes.append(
            Words(
                f"Each combination holds one score, so the residual includes {cell}.",
                f"每种组合只有一个分数，因此剩余中包含 {cell}。",
            )
        )
    notes.extend(_crossed(called, facet, rows.carried.get(facet), judged) for facet in plan.crossed)
    notes.extend(_across(judged, called[f]) for f in plan.facets if f in plan.judged - {plan.object})
    few = [(f, rows.levels(f)) for f in (*plan.facets, *plan.crossed) if rows.levels(f) <= _FEW]
    notes.extend(
        Words(
            f"Only {called[f].counted(n)}: how much it matters which is hardly known, and intervals are wide for it.",
            f"只有 {called[f].counted(n, 'zh')}：换一个影响有多大难以确定，区间也因此很宽。",
        )
        for f, n in few
    )
    return tuple(notes)


def _across(judged: "Noun", outer: "Noun") -> Words:
    return Words(
        f"{capital(judged.many)} are compared across {outer.many}, so differences between {outer.many} count as "
        f"differences between {judged.many}.",
        f"{judged.zh}跨{outer.zh}比较，因此{outer.zh}之间的差别也算作{judged.zh}之间的差别。",
    )


def _crossed(called: "dict[str, Noun]", facet: str, carried: tuple[str, ...] | None, judged: "Noun") -> Words:
    noun = called[facet]
    if not carried:
        return Words(
            f"In decisions each {judged.one} has {noun.many} of its own, so strict and mild ones hinder comparison "
            "too.",
            f"决策时各{judged.zh}的{noun.zh}不相同，所以宽严差异同样妨碍相互比较。",
        )
    by = [called[f] for f in carried]
    each, each_zh = " and ".join(n.one for n in by), "、".join(n.zh for n in by)
    return Words(
        f"Each {each} has one {noun.one}. In decisions every {each} brings another one unless sizes says otherwise, "
        f"and each {judged.one} gets its own, so strict and mild ones hinder comparison too.",
        f"每{by[0].measure}{each_zh}由一{noun.measure}{noun.zh}完成。决策时除非另行指定，每次都换一{noun.measure}，"
        f"各{judged.zh}之间也不相同，所以宽严差异同样妨碍相互比较。",
    )


def capped(name: str, share: float) -> Words:
    """Say what keeps a target out of reach."""
    return Words(
        f"What no number of them averages out is mostly {name} ({number(100 * share, 0)} % of it).",
        f"增加多少都平均不掉的误差，主要来自 {name}（占 {number(100 * share, 0)} %）。",
    )
