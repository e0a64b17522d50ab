"""Drawings of studies of episodes."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.touchpoints import peak_end_words as words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.touchpoints.peak_end_results import PeakEnd

_LOOK: Final = {
    "found": (style.SIGNAL["above"], "D"),
    "ties": (style.ACCENT, "o"),
    "loses": (style.MUTED, "o"),
}
_NAME_LENGTH: Final = 18


def rival_plot(result: "PeakEnd", language: str = "en", *, focus: Any = None) -> "Figure":
    """Draw the rivals' R² with intervals, the best on top, and beside it the mean journey with the overall score.

    Parameters
    ----------
    result : PeakEnd
        What `cxresearch.peak_end` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    focus : optional
        Unit whose journey is marked.
    """
    check(language)
    profile = None if focus is None else result.profile(focus)
    with style.figure(3.4, ncols=2, width_ratios=(1.25, 1)) as (fig, (left, right)):
        _rivals(left, result, language)
        _journey(right, result, profile, language)
        fig.suptitle(words.finding(result, language), x=0.01, ha="left", fontsize=11, color=style.INK)
        n, level = number(result.episodes, 0), percent(result.confidence)
        base = Words(
            f"{n} episodes; left: {level} intervals; right: mean score of the last moments",
            f"{n} 次体验；左图为 {level} 区间；右图为最后若干时刻的平均得分",
        )
        fig.supxlabel(base(language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
    return fig  # type: ignore[no-any-return]


def _rivals(ax: "Axes", result: "PeakEnd", language: str) -> None:
    table = result.table[result.table["estimate"].notna()].reset_index(drop=True)
    place = np.arange(len(table), dtype=float)
    values = {name: 100 * table[name].to_numpy(dtype=float) for name in ("estimate", "ci_low", "ci_high")}
    floor = min(-5.0, float(np.nanmax([-60.0, np.nanmin(values["ci_low"])])))
    for standing, (color, marker) in _LOOK.items():
        shown = (table["standing"] == standing).to_numpy() & (values["estimate"] >= floor)
        drawn = (values[name][shown] for name in ("estimate", "ci_low", "ci_high"))
        label = words.HEADINGS[standing](language)
        if shown.any():
            style.interval_plot(ax, place[shown], *drawn, color=color, marker=marker, vertical=False, label=label)
    for at in np.flatnonzero(values["estimate"] < floor):  # far below zero: said, not drawn
        told = number(values["estimate"][at], 0)
        ax.annotate(f"← {told} %", (floor, place[at]), (3, 0), textcoords="offset points", va="center", fontsize=8,
                    color=style.MUTED)  # fmt: skip
    ax.axvline(0, color=style.INK, linewidth=0.9)
    ax.set_yticks(place, [words.HEADINGS[name](language) for name in table["rival"]])
    ax.set_ylim(len(table) - 0.5, -0.6)
    ax.set_xlim(left=floor)
    ax.grid(visible=False, axis="y")
    ax.set_xlabel(Words("differences in overall score predicted, %", "可预测的总体评分差异（%）")(language))
    ax.legend(loc="lower right", fontsize=8)


def _journey(ax: "Axes", result: "PeakEnd", profile: "pd.Series[Any] | None", language: str) -> None:
    every = Words("all", "全部")(language)
    lines = [(result.journey, None, style.ACCENT, every)]
    if profile is not None:
        name = str(profile["unit"])
        short = name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"
        lines.append((result.of_unit[profile["unit"]], profile["overall"], style.FOCUS, short))
    for table, overall, color, label in lines:
        ax.plot(-table["before"], table["mean"], "-o", color=color, markersize=4, label=label)
        if result.same_scale:
            level = result.mean_overall if overall is None else overall
            told = Words(f"overall score, {label}", f"总体评分（{label}）")(language)
            ax.axhline(level, color=color, linewidth=1.2, linestyle="--", label=told)
    ax.grid(visible=False)  # the dashed lines are what to read against
    ticks = [tick for tick in sorted(-result.journey["before"]) if tick % 2 == 0]
    ax.set_xticks(
        ticks, [Words("end", "结尾")(language) if tick == 0 else f"{tick}".replace("-", "−") for tick in ticks]
    )
    ax.set_xlabel(Words("moments before the end", "距结尾的时刻数")(language))
    ax.set_ylabel(Words("mean score, points", "平均得分（分）")(language))
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + (0.2 + 0.1 * len(lines)) * (high - low))  # room for the legend
    ax.legend(loc="upper left", fontsize=7.5, ncols=1 if len(lines) == 1 else 2)


def distance_plot(result: "PeakEnd", language: str = "en") -> "Figure":
    """Draw how far the overall score lies from the end and its rivals, nearest on top; arguments as above."""
    check(language)
    table = result.distances[result.distances["estimate"].notna()].sort_values("estimate", ignore_index=True)
    place = np.arange(len(table), dtype=float)
    with style.figure(1.2 + 0.32 * max(len(table), 2)) as (fig, ax):
        for is_end, color, marker in ((True, style.FOCUS, "D"), (False, style.ACCENT, "o")):
            which = ((table["place"] == "end") == is_end).to_numpy()
            drawn = (table.loc[which, name].to_numpy() for name in ("estimate", "ci_low", "ci_high"))
            style.interval_plot(ax, place[which], *drawn, color=color, marker=marker, vertical=False)
        ax.set_yticks(place, [words.HEADINGS[name](language) for name in table["place"]])
        ax.set_ylim(len(table) - 0.5, -0.5)
        ax.set_xlim(left=0)
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(Words("mean distance of the overall score, points", "总体评分与其平均相距（分）")(language))
        if len(table):
            near = words.called(table["place"].iloc[0], language)
            ax.set_title(Words(f"The overall score lies nearest to {near}", f"总体评分离{near}最近")(language))
        level = percent(result.confidence)
        fig.supxlabel(Words(f"{level} intervals", f"{level} 区间")(language), fontsize=8, color=style.MUTED, x=0.01,
                      ha="left")  # fmt: skip
    return fig  # type: ignore[no-any-return]
