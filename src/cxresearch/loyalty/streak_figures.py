"""Drawings of leaving by length of the dissatisfied run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.loyalty import streak_words as words
from cxresearch.loyalty.nouns import units

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.loyalty.streak_results import StreakHazard

PATHS: Final = ("#1b7f5c", "#1f6f8b", "#b3382c", "#7a5195", "#8a97a3")
"""Colours of scenarios."""


def hazard_plot(
    result: "StreakHazard", language: str = "en", *, focus: Any = None, truth: Sequence[float] | None = None
) -> "Figure":
    """Draw the chance of leaving by length of the run; arguments as in `StreakHazard.plot`."""
    check(language)
    table, own = result.table, None
    if focus is not None:
        both = result.compare(focus)
        own = both[both["part"] == "focus"]
    place = table["streak"].to_numpy(dtype=float)
    apart = 0.0 if own is None else 0.12
    with style.figure(3.7) as (fig, ax):
        if truth is not None:
            _truth(ax, place, truth, language)
        label = Words("estimate", "估计值") if own is None else Words("all", "全部")
        _points(ax, place - apart, table, color=style.ACCENT, marker="o", label=label(language))
        if own is not None:
            _points(ax, place + apart, own, color=style.FOCUS, marker="D", label=str(focus))
        _percent_axis(ax, "y", [table["ci_high"], *([own["ci_high"]] if own is not None else [])])
        ax.set_xticks(place, [_tick(result, row, language) for row in table.itertuples()])
        ax.set_xlim(-0.5, place[-1] + 0.5)
        ax.grid(visible=False, axis="x")
        ax.set_ylabel(_y_label(result, language))
        ax.set_xlabel(Words("Dissatisfied in a row, this period counted", "连续不满意的时长（含当期）")(language))
        title = words.finding(result, table if own is None else own, language)
        ax.set_title(title if own is None else Words(f"{focus}: {title}", f"{focus}：{title}")(language))
        fig.supxlabel(_base(result, language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
        if ax.get_legend_handles_labels()[1][1:]:
            ax.legend(loc="upper left")
    return fig  # type: ignore[no-any-return]


def survival_plot(
    result: "StreakHazard",
    language: str = "en",
    *,
    starts: Sequence[int] = (0, 3, 1),
    periods: int = 8,
    truth: Sequence[float] | None = None,
) -> "Figure":
    """Draw the chance of still being there by scenario; arguments as in `StreakHazard.plot_survival`."""
    check(language)
    table = result.survival(starts, periods)
    with style.figure(3.5) as (fig, ax):
        for start, color in zip(starts, PATHS * len(starts), strict=False):
            path = table[table["start"] == start]
            when = np.r_[0, path["period"]]
            value, low, high = (np.r_[1.0, path[name]] for name in ("estimate", "ci_low", "ci_high"))
            ax.fill_between(when, low, high, color=color, alpha=0.18, linewidth=0)
            ax.plot(when, value, color=color, linewidth=1.8, label=_scenario(result, start, language))
            if truth is not None:
                known = np.asarray(truth, dtype=float)[np.minimum(path["streak"], len(truth) - 1)]
                ax.plot(when[1:], (1 - known).cumprod(), "_", color=style.INK, markersize=9, markeredgewidth=1.4)
        if truth is not None:
            ax.plot([], [], "_", color=style.INK, markersize=9, label=words.HEADINGS["truth"](language))
        _percent_axis(ax, "y", [np.array([1.0])])
        ax.set_ylim(0, 1.02)
        ax.set_xticks(range(periods + 1))
        ax.grid(visible=False, axis="x")
        ax.set_ylabel(Words("still there", "仍在的比例")(language))
        ax.set_xlabel(_ahead(result, language))
        ax.set_title(_survival_finding(result, table, periods, language))
        fig.supxlabel(_base(result, language, bands=True), fontsize=8, color=style.MUTED, x=0.01, ha="left")
        fig.legend(*ax.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return fig  # type: ignore[no-any-return]


def threshold_plot(result: "StreakHazard", language: str = "en", thresholds: Sequence[float] = ()) -> "Figure":
    """Draw the answer with other thresholds; arguments as in `StreakHazard.sensitivity`."""
    check(language)
    table = result.sensitivity(thresholds)
    place = np.arange(len(table), dtype=float)
    chosen = table["threshold"].to_numpy() == result.threshold
    long = words.run(result.step, result.max_streak, language, longest=True)
    with style.figure(3.4) as (fig, ax):
        _points(
            ax, place, table, color=style.ACCENT, marker="o", label=Words(f"after {long}", f"连续 {long}")(language)
        )
        satisfied = Words("satisfied", "满意")(language)
        ax.plot(place, table["hazard_satisfied"], "s", color=style.MUTED, markersize=5, label=satisfied)
        for at in place[chosen]:
            ax.axvspan(at - 0.4, at + 0.4, color=style.GRID, alpha=0.6, zorder=0)
        ticks = [
            Words(
                f"{row['threshold']:g}\n{percent(row['share_dissatisfied'])} below\nn = {number(row['at_risk'], 0)}",
                f"{row['threshold']:g}\n低于者 {percent(row['share_dissatisfied'])}\nn = {number(row['at_risk'], 0)}",
            )(language)
            for _, row in table.iterrows()
        ]
        ax.set_xticks(place, ticks)
        ax.set_xlim(-0.6, len(table) - 0.4)
        ax.grid(visible=False, axis="x")
        _percent_axis(ax, "y", [table["ci_high"]])
        ax.set_ylabel(_y_label(result, language))
        ax.set_xlabel(
            Words(
                "Dissatisfied below (points); n: rows after so long a run; grey: the threshold in use",
                "不满意的界限（分）；n 为达到该时长的行数；灰底为所用界限",
            )(language)
        )
        ax.set_title(_threshold_finding(table, language))
        fig.legend(*ax.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return fig  # type: ignore[no-any-return]


def _points(ax: "Axes", place: np.ndarray, table: "pd.DataFrame", **look: Any) -> None:
    drawn = [table[name].to_numpy(dtype=float) for name in ("hazard", "ci_low", "ci_high")]
    style.interval_plot(ax, place, *drawn, **look)


def _truth(ax: "Axes", place: np.ndarray, truth: Sequence[float], language: str) -> None:
    known = np.asarray(truth, dtype=float)[np.minimum(place.astype(int), len(truth) - 1)]
    label = words.HEADINGS["truth"](language)
    ax.hlines(known, place - 0.3, place + 0.3, color=style.INK, linewidth=1.6, label=label, zorder=2)


def _percent_axis(ax: "Axes", axis: str, highs: Sequence[Any]) -> None:
    from matplotlib.ticker import PercentFormatter

    top = max((float(np.nanmax(values)) for values in highs if not np.isnan(values).all()), default=1.0)
    ax.set_ylim(0, min(1.02, top * 1.12) if top > 0 else 1.0)
    getattr(ax, f"{axis}axis").set_major_formatter(PercentFormatter(1, decimals=0 if top > 0.05 else 1, symbol=" %"))


def _tick(result: "StreakHazard", row: Any, language: str) -> str:
    longest = row.streak == result.max_streak
    if row.streak == 0:
        name = Words("satisfied", "满意")(language)
    else:
        name = words.run(result.step, int(row.streak), language)
        name = Words(f"{name} or longer", f"{name}或更久")(language) if longest else name
    return f"{name}\nn = {number(row.at_risk, 0)}"


def _scenario(result: "StreakHazard", start: int, language: str) -> str:
    if start == 0:
        return Words("always satisfied", "一直满意")(language)
    if start == 1:
        return Words("dissatisfied from the start", "从一开始就不满意")(language)
    after = result.step.length(start - 1, language)
    return Words(f"dissatisfied after {after}", f"{after}后开始不满意")(language)


def _ahead(result: "StreakHazard", language: str) -> str:
    from cxresearch.loyalty.nouns import spell

    many = spell(result.step, language)
    return Words(f"{many} from now", f"从现在起的{many}")(language)


def _survival_finding(result: "StreakHazard", table: "pd.DataFrame", periods: int, language: str) -> str:
    at = min(result.max_streak, periods)
    after = result.step.length(at, language)
    now = table[table["period"] == at].set_index("start")["estimate"]
    bad = [start for start in now.index if start == 1 and not np.isnan(now[start])]
    if not bad or 0 not in now.index:
        return Words("Chance of still being there", "仍在的概率")(language)
    return Words(
        f"After {after} of dissatisfaction {words.chance(now[1])} are still there, of the satisfied "
        f"{words.chance(now[0])}",
        f"一直不满意，{after}后仍在的有 {words.chance(now[1])}；一直满意的有 {words.chance(now[0])}",
    )(language)


def _threshold_finding(table: "pd.DataFrame", language: str) -> str:
    seen = table["hazard"].dropna()
    if len(seen) < 2:
        return Words("The answer by threshold", "不同界限下的结果")(language)
    low, high = words.chance(seen.min()), words.chance(seen.max())
    return Words(
        f"With other thresholds, between {low} and {high} leave after so long a run",
        f"换用其他界限，达到该时长后的流失率在 {low} 至 {high} 之间",
    )(language)


def _y_label(result: "StreakHazard", language: str) -> str:
    when = words.then(result.step, language)
    return Words(f"leave {when}", f"{when}流失率")(language)


def _base(result: "StreakHazard", language: str, *, bands: bool = False) -> str:
    rows, level = number(result.sample.used, 0), percent(result.confidence)
    whom = units(result.sample.counts["units"], result.unit, language)
    en, zh = ("bands", "阴影") if bands else ("lines", "竖线")
    return Words(
        f"n = {rows} rows of {whom}; {en} are {level} intervals", f"n = {rows} 行（{whom}）；{zh}为 {level} 区间"
    )(language)
