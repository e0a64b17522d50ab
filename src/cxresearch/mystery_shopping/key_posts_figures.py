"""Drawings of the study of key posts."""

from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping import key_posts_words as words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.mystery_shopping.key_posts import KeyPostsResult

MOST_CELLS = 30
"""Posts and duties drawn at most: with more, the lowest and the highest, and the post in focus."""


def cells(result: "KeyPostsResult", language: str, focus: Any) -> "Figure":
    """Draw every post and duty: its score on the left, its pass rate on the right."""
    check(language)
    named = None if focus is None else words.find(result, focus)
    table = _shown(result, named)
    places = np.arange(len(table))[::-1]
    rates = not result.passes.empty
    with style.figure(1.7 + 0.24 * max(len(table), 6), ncols=2 if rates else 1, sharey=True, squeeze=False) as (
        fig,
        axes,
    ):
        left = axes[0, 0]
        _scores(left, table, places, result, language)
        left.set_yticks(places, [_label(row, language) for row in table.itertuples()])
        left.set_ylim(-0.6, len(table) - 0.4)
        if rates:
            _rates(axes[0, 1], table, places, result, language)
        for ax in axes[0]:
            ax.grid(axis="y", visible=False)
            for place, post in zip(places, table["post"], strict=True):
                if post == named:
                    ax.axhspan(place - 0.5, place + 0.5, color=style.FOCUS, alpha=0.09, linewidth=0)
        for tick, post in zip(left.get_yticklabels(), table["post"], strict=True):
            tick.set_color(style.FOCUS if post == named else style.INK)
        fig.suptitle(_title(result, language), x=0.01, ha="left", fontsize=11, linespacing=1.45)
        fig.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=3, fontsize=8)
    return _figure(fig)


def _shown(result: "KeyPostsResult", named: Any) -> Any:
    """Return the rows to draw, post by post; both ends and the focus if they are too many."""
    table = result.table
    if len(table) <= MOST_CELLS:
        return table
    order = table["mean"].rank(method="first")
    ends = (order <= MOST_CELLS // 2) | (order > len(table) - MOST_CELLS // 2)
    return table[ends | (table["post"] == named)]


def _label(row: Any, language: str) -> str:
    return f"{_short(words.said(row.post, language))} · {_short(words.said(row.duty, language))}"


def _scores(ax: "Axes", table: Any, places: Any, result: "KeyPostsResult", language: str) -> None:
    ax.axvline(result.centre, color=style.INK, linewidth=1, linestyle=(0, (4, 3)))
    said = {
        "above": Words("above the mean of all", "高于总体均值"),
        "expected": Words("not told from it", "与均值无法区分"),
        "below": Words("below it", "低于总体均值"),
    }
    for signal, label in said.items():
        part = (table["signal"] == signal).to_numpy()
        if part.any():
            ends = (result.centre + table.loc[part, name].to_numpy() for name in ("gap", "gap_low", "gap_high"))
            style.interval_plot(
                ax, places[part], *ends, color=style.SIGNAL[signal], marker=style.SIGNAL_MARKER[signal], vertical=False,
                label=label(language),
            )  # fmt: skip
    ax.plot(
        table["raw"], places, "x", color=style.MUTED, markersize=5,
        label=Words("plain mean (strictness left in)", "原始均值（未扣除宽严）")(language),
    )  # fmt: skip
    ax.set_xlabel(Words("score (points; intervals against the mean)", "得分（分；区间为与均值相比）")(language))


def _rates(ax: "Axes", table: Any, places: Any, result: "KeyPostsResult", language: str) -> None:
    rates = result.passes.loc[table.index]
    ends = (100 * rates[name].to_numpy() for name in ("estimate", "ci_low", "ci_high"))
    style.interval_plot(ax, places, *ends, vertical=False)
    ax.set_xlim(0, 100)
    mark = number(result.pass_mark, 0 if float(result.pass_mark).is_integer() else 1)
    binary = result.pass_mark == 1 and result.table["raw"].max() <= 1
    label = (
        Words("pass rate (%)", "合格率（%）")
        if binary
        else Words(f"pass rate (%, {mark} points or more)", f"合格率（%，{mark} 分及以上）")
    )
    ax.set_xlabel(label(language))


def _title(result: "KeyPostsResult", language: str) -> str:
    low, level = result.weakest, percent(result.confidence)
    ends = interval(low.shrunken_low, low.shrunken_high, language, 1)
    n, visits = number(result.sample.used, 0), number(result.sample.counts["visits"], 0)
    return Words(
        f"Weakest: {words.cell(low, language)}, {number(low.shrunken, 1)} points\n"
        f"{level} interval {ends}; {n} scores, {visits} visits",
        f"最弱：{words.cell(low, language)}，{number(low.shrunken, 1)} 分\n"
        f"{level} 置信区间 {ends}；{n} 个评分，{visits} 次暗访",
    )(language)


def shoppers(result: "KeyPostsResult", language: str) -> "Axes":
    """Draw how strict each shopper is, the strictest on top; the ends if there are many."""
    check(language)
    table = result.severity
    if len(table) > MOST_CELLS:
        table = table.iloc[[*range(MOST_CELLS // 2), *range(len(table) - MOST_CELLS // 2, len(table))]]
    places = np.arange(len(table))[::-1]
    with style.figure(1.4 + 0.22 * max(len(table), 4)) as (_, ax):
        ax.axvline(0, color=style.INK, linewidth=1, linestyle=(0, (4, 3)))
        ends = (table[name].to_numpy() for name in ("severity", "ci_low", "ci_high"))
        style.interval_plot(ax, places, *ends, vertical=False)
        ax.set_yticks(places, [_short(name) for name in table["shopper"]])
        ax.set_ylim(-0.6, max(len(table), 1) - 0.4)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(Words("stricter than the average shopper by (points)", "比平均严格（分）")(language))
        spread = number(table["severity"].max() - table["severity"].min(), 1) if len(table) else "–"
        level, n = percent(result.confidence), len(result.severity)
        ax.set_title(
            Words(
                f"The strictest and the mildest shopper differ by {spread} points\n{n} shoppers, {level} intervals",
                f"最严与最宽的神秘客户相差 {spread} 分\n{n} 名神秘客户，{level} 置信区间",
            )(language),
            linespacing=1.45,
        )
    axes: Axes = ax
    return axes


def _short(label: Any, most: int = 18) -> str:
    text = str(label)
    return text if len(text) <= most else text[: most - 1] + "…"


def _figure(fig: Any) -> "Figure":
    figure: Figure = fig
    return figure
