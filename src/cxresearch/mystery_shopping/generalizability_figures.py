"""Drawings of generalizability studies."""

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.mystery_shopping import generalizability_words as words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cxresearch.mystery_shopping.generalizability import GStudyResult
    from cxresearch.mystery_shopping.generalizability_decisions import DStudyResult, VisitsResult

_MOST_LINES: Final = 5
_COEFFICIENT: Final = {
    "phi": Words("dependability Φ of a mean score", "平均分的可靠性 Φ"),
    "g": Words("reliability Eρ² of comparisons", "相互比较的信度 Eρ²"),
}


def components(result: "GStudyResult", language: str) -> "Axes":
    """Draw each component as a share of the differences between single scores, largest on top."""
    check(language)
    table = result.table.sort_values("percent", kind="stable")
    kept = table["variance"].clip(lower=0)
    scale = 100 / kept.sum() if kept.sum() else math.nan
    low, high = table["ci_low"] * scale, table["ci_high"] * scale
    most = min(100.0, 1.25 * float(np.nanmax([*table["percent"], *high[table["percent"] > 5]])))
    own = {
        c
        for c, s in zip(result.table["component"], result.decision.sets, strict=True)
        if s <= result.decision.plan.judged
    }
    colors = [style.ACCENT if c in own else style.MUTED for c in table["component"]]
    places = np.arange(len(table))
    with style.figure(1.5 + 0.3 * len(table)) as (_, ax):
        ax.barh(places, table["percent"], color=colors, alpha=0.55, height=0.6)
        ax.hlines(places, low, np.minimum(high, most), color=style.INK, linewidth=1.2)
        cut = (high > most).to_numpy()
        ax.plot(np.full(cut.sum(), most), places[cut], ">", color=style.INK, markersize=5, clip_on=False)
        ax.set_yticks(places, [words.component(result, c, language) for c in table["component"]])
        ax.grid(axis="y", visible=False)
        ax.set_xlim(0, most)
        ax.set_xlabel(_SHARE(language).format(percent(result.confidence)))
        ax.set_title(_components_title(result, language), linespacing=1.45)
    return _axes(ax)


_SHARE: Final = Words(
    "share of the differences between single scores (%), with {} intervals",
    "占单个分数差异的比例（%），线段为 {} 置信区间",
)


def _components_title(result: "GStudyResult", language: str) -> str:
    plan = result.decision.plan
    own = [s <= plan.judged for s in result.decision.sets]
    share, judged = number(float(result.table["percent"][own].sum()), 0), result.nouns[plan.object]
    n, used = number(len(result.targets), 0), number(result.sample.used, 0)
    return Words(
        f"{share} % of the differences between scores are between {judged.many}\n{n} {judged.many}, {used} scores",
        f"单个分数之间的差异，{share} % 是{judged.zh}之间稳定的差别\n{n} {judged.measure}{judged.zh}，{used} 个分数",
    )(language)


def curve(result: "VisitsResult", language: str) -> "Axes":
    """Draw the coefficient by number, with its interval, the target, the answer and the rules of thumb."""
    check(language)
    table, row = result.curve, result.answer
    most = float(table["size"].max())
    with style.figure(4.0) as (fig, ax):
        ax.fill_between(table["size"], table["ci_low"], table["ci_high"], color=style.ACCENT, alpha=0.16, linewidth=0,
                        label=_BAND(language).format(percent(result.confidence)))  # fmt: skip
        ax.plot(table["size"], table["estimate"], color=style.ACCENT, linewidth=2, label=_ESTIMATE(language))
        ax.axhline(row.target, color=style.INK, linewidth=1, linestyle=(0, (4, 3)))
        ax.annotate(
            _TARGET(language).format(number(row.target)), (1, row.target), xycoords=("axes fraction", "data"),
            xytext=(-4, 4), textcoords="offset points", fontsize=8, ha="right",
        )  # fmt: skip
        _needed(ax, result, most, language)
        _thumb(ax, result, most, language)
        ax.set_xlim(min(1.0, most - 1), most)
        ax.set_ylim(0, 1)
        ax.set_xlabel(_number(result, language))
        ax.set_ylabel(_COEFFICIENT[row.coefficient](language))
        ax.set_title(_curve_title(result, language), linespacing=1.45)
        ax.xaxis.get_major_locator().set_params(integer=True)
        fig.legend(loc="outside lower left", ncols=4)
    return _axes(ax)


_BAND: Final = Words("{} interval", "{} 置信区间")
_ESTIMATE: Final = Words("estimate", "估计")
_TARGET: Final = Words("target {}", "目标 {}")
_NEEDED: Final = Words("number needed, with interval", "所需数量及区间")
_LIMIT: Final = Words("what no number exceeds", "再多也超不过")
_THUMB: Final = Words("3 and 4: rule of thumb", "3 和 4：行业经验")


def _needed(ax: "Axes", result: "VisitsResult", most: float, language: str) -> None:
    row = result.answer
    if not row.reachable:
        ax.axhline(row.limit, color=style.FOCUS, linewidth=1.2, linestyle=":", label=_LIMIT(language))
        return
    low, high = row.needed_low, min(row.needed_high, most)
    ax.hlines(row.target, low, high, color=style.FOCUS, linewidth=4, alpha=0.45, zorder=3)
    if row.needed_high > most:
        ax.plot([most], [row.target], ">", color=style.FOCUS, markersize=7, clip_on=False, zorder=4)
    if row.needed <= most:
        ax.plot([row.needed], [row.target], "o", color=style.FOCUS, markersize=7, zorder=4, label=_NEEDED(language))


def _thumb(ax: "Axes", result: "VisitsResult", most: float, language: str) -> None:
    rules = result.rules[result.rules["rule"].isin(["shops_3", "shops_4"]) & (result.rules["size"] <= most)]
    ax.plot(
        rules["size"], rules["estimate"], "D", color=style.INK, markersize=5, label=_THUMB(language), linestyle="None"
    )


def _number(result: "VisitsResult", language: str) -> str:
    noun, judged = result.study.nouns[result.answer.facet], result.study.nouns[result.decision.plan.object]
    return Words(f"number of {noun.many} per {judged.one}", f"{judged.each()}的{noun.zh}数（{noun.measure}）")(language)


def _curve_title(result: "VisitsResult", language: str) -> str:
    row, noun = result.answer, result.study.nouns[result.answer.facet]
    size = number(len(result.study.targets), 0), number(result.sample.used, 0)
    judged = result.study.nouns[result.decision.plan.object]
    rests = Words(
        f"{size[0]} {judged.many}, {size[1]} scores", f"{size[0]} {judged.measure}{judged.zh}，{size[1]} 个分数"
    )(language)
    target = number(row.target)
    if not row.reachable:
        return Words(
            f"More {noun.many} alone do not reach {target}: at most {number(row.limit)}\n{rests}",
            f"只增加{noun.zh}达不到 {target}：最多到 {number(row.limit)}\n{rests}",
        )(language)
    between = words.span(row.needed_low, row.needed_high)
    return Words(
        f"About {noun.counted(row.needed)} ({between.en}) for {target}\n{rests}",
        f"达到 {target} 大约需要 {noun.counted(row.needed, 'zh')}（{between.zh}）\n{rests}",
    )(language)


def designs(result: "DStudyResult", language: str) -> "Axes":
    """Draw dependability by the first facet of which several sizes were asked for, a line for each size of the next."""
    check(language)
    first, *others = result.varied or tuple(result.decision.plan.error[:1])
    column = f"n {first}" if first in words.RESERVED else first
    keys = [f"n {f}" if f in words.RESERVED else f for f in others]
    groups = list(result.table.groupby(keys, sort=True)) if keys else [((), result.table)]
    chosen = [
        groups[i] for i in np.unique(np.linspace(0, len(groups) - 1, min(len(groups), _MOST_LINES)).round().astype(int))
    ]
    with style.figure(3.8) as (fig, ax):
        for i, (key, rows) in enumerate(chosen):
            shade = 0.35 + 0.65 * (i + 1) / len(chosen)
            said = ", ".join(result.study.nouns[f].counted(n, language) for f, n in zip(others, key, strict=True))
            shift = (i - (len(chosen) - 1) / 2) * 0.06
            ax.plot(rows[column], rows["phi"], color=style.ACCENT, alpha=shade, linewidth=1.5)
            ends = (rows[c].to_numpy() for c in ("phi", "phi_ci_low", "phi_ci_high"))
            color = (*_rgb(style.ACCENT), shade)
            style.interval_plot(ax, rows[column].to_numpy() + shift, *ends, color=color, label=said or None)
        ax.set_ylim(0, 1)
        ax.xaxis.get_major_locator().set_params(integer=True)
        noun, judged = result.study.nouns[first], result.study.nouns[result.decision.plan.object]
        ax.set_xlabel(
            Words(
                f"number of {noun.many} per {judged.one}",
                f"{judged.each()}的{noun.zh}数（{noun.measure}）",
            )(language)
        )
        ax.set_ylabel(_COEFFICIENT["phi"](language))
        best = result.table["phi"].max()
        level = percent(result.confidence)
        ax.set_title(
            Words(
                f"These designs reach a dependability of up to {number(best)}\n{level} intervals",
                f"这些方案的可靠性最高到 {number(best)}\n{level} 置信区间",
            )(language),
            linespacing=1.45,
        )
        if keys:
            fig.legend(loc="outside lower left", ncols=3)
    return _axes(ax)


def _rgb(color: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(color)
    return red, green, blue


def _axes(ax: Any) -> "Axes":
    axes: Axes = ax
    return axes
