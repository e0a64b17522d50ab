"""Drawings of the studies of change and rectification."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping import rectification_words as words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.mystery_shopping.rectification import RectificationResult
    from cxresearch.mystery_shopping.rectification_change import ChangeResult

_MARKS: Final = {"improved": "^", "worse": "v", "not shown": "o"}
_BARS: Final = ("planned", "rectified", "closed", "met", "verified", "by_chance", "untouched_met")


def before_after(result: "ChangeResult", language: str, focus: Any) -> "Axes":
    """Draw scores after against scores before, the line of no change, and what to expect without rectification."""
    check(language)
    named = None if focus is None else words.row_of(result, focus).target
    units = result.units
    with style.figure(4.4) as (fig, ax):
        ends = np.array([units["before"].min(), units["before"].max()])
        expected = np.interp(ends, np.sort(units["before"]), units.sort_values("before")["expected"])
        reach = float((units["beyond_high"] - units["beyond"]).iloc[0])
        ax.fill_between(ends, expected - reach, expected + reach, color=style.MUTED, alpha=0.16, linewidth=0)
        ax.plot(ends, expected, color=style.INK, linewidth=1.2, label=_EXPECTED(language))
        ax.plot(ends, ends, color=style.MUTED, linewidth=1, linestyle="--", label=_SAME(language))
        for rectified, color in ((False, style.MUTED), (True, style.ACCENT)):
            for verdict, mark in _MARKS.items():
                part = units[(units["rectified"] == rectified) & (units["verdict"] == verdict)]
                ax.plot(part["before"], part["after"], mark, color=color, markersize=5, alpha=0.85)
        if named is not None:
            row = units[units["unit"] == named].iloc[0]
            ax.plot(row.before, row.after, "o", markersize=11, markerfacecolor="none", markeredgecolor=style.FOCUS)
            ax.annotate(
                str(named), (row.before, row.after), (8, 6), textcoords="offset points", color=style.FOCUS, fontsize=8
            )
        for verdict, mark in _MARKS.items():
            if verdict in set(units["verdict"]):
                ax.plot([], [], mark, color=style.INK, markersize=5, label=_MEANS[verdict](language))
        if (~units["rectified"]).any():
            ax.plot([], [], "s", color=style.ACCENT, label=words.HEADINGS["rectified"](language))
            ax.plot([], [], "s", color=style.MUTED, label=_OTHERS(language))
        ax.set_xlabel(Words("score before (points)", "整改前得分（分）")(language))
        ax.set_ylabel(Words("score after (points)", "整改后得分（分）")(language))
        ax.set_title(_change_title(result, language), linespacing=1.45)
        fig.legend(loc="outside lower left", ncols=2, fontsize=8)
    return _axes(ax)


_EXPECTED: Final = Words("to expect if nothing changed (band: chance)", "若无变化的预期（带：偶然范围）")
_SAME: Final = Words("same score as before", "与整改前同分")
_MEANS: Final = {
    "improved": Words("improved by more than chance", "提升超出偶然"),
    "worse": Words("worse by more than chance", "下降超出偶然"),
    "not shown": Words("within chance", "偶然范围内"),
}
_OTHERS: Final = Words("not rectified", "未整改")


def _change_title(result: "ChangeResult", language: str) -> str:
    row = result.row(result.headline)
    points, ends = number(row.estimate, 1), interval(row.ci_low, row.ci_high, language, 1)
    level, n = percent(result.confidence), int(result.row("change").n)
    if result.compared:
        first = Words(f"Rectification brought {points} points", f"整改带来 {points} 分的提升")
    else:
        first = Words(f"{points} points beyond regression to the mean", f"扣除向均值回归后提升 {points} 分")
    second = Words(f"{level} interval {ends}; {n} rectified units", f"{level} 置信区间 {ends}；{n} 个已整改单位")
    return f"{first(language)}\n{second(language)}"


def loop(result: "RectificationResult", language: str, focus: Any) -> "Figure":
    """Draw the distance to the standard by cycle on the left, the shares of the loop on the right."""
    check(language)
    named = None if focus is None else words.row_of(result, focus).target
    with style.figure(3.9, ncols=2, width_ratios=[1, 1.15]) as (fig, (left, right)):
        _distances(left, result, language, named)
        _shares(right, result, language)
        fig.suptitle(_loop_title(result, language), x=0.01, ha="left", fontsize=11, linespacing=1.45)
    return _figure(fig)


def _distances(ax: "Axes", result: "RectificationResult", language: str, named: Any) -> None:
    table, at = result.table, np.arange(len(result.table))
    ax.axhline(0, color=style.INK, linewidth=1, linestyle=(0, (4, 3)))
    ends = (table[name].to_numpy() for name in ("distance", "ci_low", "ci_high"))
    style.interval_plot(ax, at, *ends, label=Words("mean of all units", "全部单位均值")(language))
    ax.plot(at, table["distance"], color=style.ACCENT, linewidth=1, alpha=0.6)
    if named is not None:
        path = result.cycles.means[result.cycles.units.index(named)]
        ax.plot(at, path, "o-", color=style.FOCUS, markersize=4, linewidth=1, label=str(named))
        ax.legend(loc="best", fontsize=8)
    sizes = sorted(set(table["n"]))
    ax.set_xticks(at, [str(name) for name in table["cycle"]])
    ax.set_xlim(-0.4, len(at) - 0.6)
    said = number(sizes[0], 0) if len(sizes) == 1 else f"{number(sizes[0], 0)}–{number(sizes[-1], 0)}"
    ax.set_xlabel(Words(f"cycle ({said} units each)", f"轮次（每轮 {said} 个单位）")(language))
    ax.set_ylabel(Words("distance from the standard (points)", "与标准的差距（分）")(language))


def _shares(ax: "Axes", result: "RectificationResult", language: str) -> None:
    rows = result.steps[result.steps["step"].isin(_BARS) & result.steps["share"].notna()]
    rows = rows.set_index("step").reindex([name for name in _BARS if name in set(rows["step"])])
    places = np.arange(len(rows))[::-1]
    colors = [style.MUTED if name in ("by_chance", "untouched_met") else style.ACCENT for name in rows.index]
    ax.barh(places, 100 * rows["share"], color=colors, alpha=0.35, height=0.6)
    ends = [(100 * rows[name]).to_numpy() for name in ("share", "ci_low", "ci_high")]
    for at, color in enumerate(colors):
        style.interval_plot(ax, places[[at]], *(end[[at]] for end in ends), color=color, vertical=False)
    ax.set_yticks(places, [_BAR_NAMES[name](language) for name in rows.index])
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlim(0, 100)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(Words("share (%)", "占比（%）")(language))


_BAR_NAMES: Final = {
    "planned": Words("findings with a plan", "问题：已定计划"),
    "rectified": Words("findings rectified", "问题：已整改"),
    "closed": Words("findings closed", "问题：已闭环"),
    "met": Words("revisited: standard met", "回访：达标"),
    "verified": Words("… and beyond chance", "　其中提升超出偶然"),
    "by_chance": Words("… by chance alone", "　仅凭偶然会达标"),
    "untouched_met": Words("not rectified: met", "未整改而达标"),
}


def _loop_title(result: "RectificationResult", language: str) -> str:
    closed, level = result.step("closed"), percent(result.confidence)
    if not closed.of:
        return Words("No unit scored below the standard", "没有单位低于标准")(language)
    ends = f"{percent(closed.ci_low)} {Words('to', '至')(language)} {percent(closed.ci_high)}"
    return Words(
        f"The loop closes for {percent(closed.share)} of findings\n{level} interval {ends}; {closed.of} findings, "
        f"{len(result.units)} units",
        f"{percent(closed.share)} 的问题实现闭环\n{level} 置信区间 {ends}；"
        f"{closed.of} 个问题，{len(result.units)} 个单位",
    )(language)


def _axes(ax: Any) -> "Axes":
    axes: Axes = ax
    return axes


def _figure(fig: Any) -> "Figure":
    figure: Figure = fig
    return figure
