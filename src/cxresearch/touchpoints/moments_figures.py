"""Drawings of moments of truth: a blueprint with its failures, how they add up, and what moves the answer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.touchpoints import moments_words as words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.touchpoints.moments_results import MomentsOfTruth

MOST: Final = 10
"""Moments that the blueprint's figure names where there are more than `_ALL`."""
_ALL: Final = 16
_FRONT, _BACK = style.ACCENT, style.SIGNAL["below"]
_LABEL: Final = 22
_HATCH: Final = {"color": _BACK, "hatch": "////", "edgecolor": "white", "linewidth": 0}


def blueprint_plot(result: "MomentsOfTruth", language: str = "en", *, focus: Any = None) -> "Figure":
    """Draw the service in its order: above the line what customers meet, below it what starts where they are not.

    Parameters
    ----------
    result : MomentsOfTruth
        What `cxresearch.moments_of_truth` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    focus : optional
        Moment to mark.
    """
    check(language)
    marked = None if focus is None else int(result.moment(focus)["order"]) - 1
    read = result.blueprint
    per_day = read.failure * result.house.arriving
    back = (read.steps["stage"] == "back").to_numpy()
    seen = read.met >= 0
    place = _places(result)
    k = len(read.all_moments)
    met_front, met_back = (
        np.bincount(place[read.met[which & seen]], per_day[which & seen], k) for which in (~back, back)
    )
    begun = np.bincount(read.starts[back], per_day[back], k)
    x = np.arange(k)
    with style.figure(4.3) as (fig, ax):
        ax.bar(x, met_front, width=0.72, color=_FRONT, label=_legend("front", language))
        ax.bar(x, met_back, bottom=met_front, width=0.72, label=_legend("back", language), **_HATCH)
        ax.bar(x, -begun, width=0.72, **_HATCH)
        ax.axhline(0, color=style.INK, linewidth=1.4)
        tall = float(max((met_front + met_back).max(), begun.max(), 1e-9))
        has_back = bool(back.any())
        _phases(ax, result, place, language)
        ax.set_xlim(-0.8, k - 0.2)
        ax.set_ylim(-1.35 * max(begun.max(), 0.25 * tall) if has_back else 0, 1.75 * tall)
        _write_names(ax, result, language, (met_front + met_back)[place], place, marked)
        ax.grid(visible=False, axis="x")
        ax.set_ylabel(_upwards(language, has_back=has_back))
        ticks = [tick for tick in ax.get_yticks() if tick <= 1.15 * tall]
        ax.set_yticks(ticks, [number(abs(tick), 0 if tall > 4 else 1) for tick in ticks])
        ax.set_ylim(-1.35 * max(begun.max(), 0.25 * tall) if has_back else 0, 1.75 * tall)
        ax.set_title(words.finding(result, language))
        if has_back:
            fig.legend(loc="outside lower right", ncols=2, fontsize=8)
        who = words.amount(result.house.arriving)
        base = Words(f"{who} customers a day; moments in their order", f"每天 {who} 位客户；按经历顺序排列")(language)
        fig.supxlabel(base, fontsize=8, color=style.MUTED, x=0.01, ha="left")  # fmt: skip
    return fig  # type: ignore[no-any-return]


def _places(result: "MomentsOfTruth") -> Any:
    """Return where each moment that customers see stands among all moments."""
    read = result.blueprint
    front = (read.steps["stage"] == "front").to_numpy()
    place = np.zeros(len(read.moments), dtype=np.intp)
    place[read.met[front]] = read.starts[front]
    return place


def _legend(stage: str, language: str) -> str:
    return (Words("begun front stage", "起于前台") if stage == "front" else Words("begun back stage", "起于后台"))(
        language
    )


def _phases(ax: "Axes", result: "MomentsOfTruth", place: Any, language: str) -> None:
    """Mark the groups along the axis where each is one stretch of the service; numbers otherwise."""
    groups = result.blueprint.groups
    starts = [i for i in range(len(groups)) if i == 0 or groups[i] != groups[i - 1]]
    ax.tick_params(axis="x", length=0)
    if not groups or len(starts) > len(set(groups)):
        shown = range(0, len(place), max(1, len(place) // 10))
        ax.set_xticks([place[i] for i in shown], [f"{i + 1}" for i in shown])
        ax.set_xlabel(Words("moment of truth", "关键时刻")(language))
        return
    ends = [*starts[1:], len(groups)]
    # back-stage moments before a group's first one belong to it
    edges = [-0.5, *(place[i - 1] + 0.5 for i in starts[1:]), len(result.blueprint.all_moments) - 0.5]
    for edge in edges[1:-1]:
        ax.axvline(edge, color=style.GRID, linewidth=1, zorder=0)
    middles = [(edges[i] + edges[i + 1]) / 2 for i in range(len(ends))]
    ax.set_xticks(middles, [_short(result.name(groups[i], language), 14) for i in starts], fontsize=8)


def _write_names(
    ax: "Axes", result: "MomentsOfTruth", language: str, height: Any, place: Any, marked: int | None
) -> None:
    """Write the names of the moments at which most goes wrong above their bars."""
    k = len(place)
    order = np.argsort(-height, kind="stable")
    chosen = set(order[: k if k <= _ALL else MOST].tolist()) | (set() if marked is None else {marked})
    for i in sorted(chosen):
        name = _short(result.name(result.blueprint.moments[i], language), _LABEL)
        color = style.FOCUS if i == marked else style.INK
        ax.annotate(name, (place[i], height[i]), (0, 3), textcoords="offset points", rotation=90, ha="center",
                    va="bottom", fontsize=7.5, color=color)  # fmt: skip


def _upwards(language: str, *, has_back: bool) -> str:
    """Say what lies above the line, which customers see, and what below."""
    above = Words("failures customers meet, per day →", "客户每天遇到的失误 →")(language)
    return above if not has_back else f"{Words('← start unseen', '← 起于幕后')(language)}    {above}"


def _short(name: str, longest: int) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def curve_plot(result: "MomentsOfTruth", language: str = "en", *, focus: Any = None) -> "Figure":
    """Draw how many customers have met a failure by each moment, and would leave with one; arguments as above."""
    check(language)
    marked = None if focus is None else result.moment(focus)
    curve = result.curve
    with style.figure(3.4) as (fig, ax):
        x = curve["order"].to_numpy()
        for name, color, label in (
            ("met", style.ACCENT, Words("have met a failure", "已遇到失误")),
            ("lasting", style.FOCUS, Words("would leave with a failure", "若此时离开，失误未被挽回")),
        ):
            y = 100 * curve[name].to_numpy()
            ax.plot(x, y, color=color, linewidth=1.8, label=label(language), marker="o" if len(x) <= 15 else None)
            ax.annotate(f"{number(y[-1], 0)} %", (x[-1], y[-1]), (5, 0), textcoords="offset points", va="center",
                        fontsize=8.5, color=color)  # fmt: skip
        if marked is not None:
            ax.axvline(marked["order"], color=style.INK, linewidth=0.9, linestyle="--")
            ax.annotate(result.name(marked["moment"], language), (marked["order"], ax.get_ylim()[1]), (4, -10),
                        textcoords="offset points", fontsize=8)  # fmt: skip
        ax.set_xlim(0 if len(x) > 1 else 0.5, x[-1] * 1.06 + 0.1)
        ax.set_ylim(bottom=0)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_xlabel(Words("moment of truth, in order", "关键时刻（按顺序）")(language))
        ax.set_ylabel(Words("customers, %", "客户（%）")(language))
        ax.set_title(words.finding(result, language) if not result.blueprint.given else _curve_title(result, language))
        ax.legend(loc="upper left", fontsize=8.5)
        fig.supxlabel(_base(result, language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
    return fig  # type: ignore[no-any-return]


def _curve_title(result: "MomentsOfTruth", language: str) -> str:
    met, lasting = (percent(result.curve[name].iloc[-1]) for name in ("met", "lasting"))
    return Words(
        f"{met} of customers meet a failure, {lasting} leave with one", f"{met} 的客户遇到失误，{lasting} 带着失误离开"
    )(language)


def _base(result: "MomentsOfTruth", language: str) -> str:
    failure, recovery = (float(values.mean()) for values in (result.blueprint.failure, result.blueprint.recovery))
    return Words(
        f"mean chance of failure {percent(failure, 1)} per step, of recovery {percent(recovery)}",
        f"每个步骤的平均失误概率 {percent(failure, 1)}，平均补救成功率 {percent(recovery)}",
    )(language)


def sensitivity_plot(
    result: "MomentsOfTruth",
    language: str = "en",
    *,
    quantity: str = "customers_lasting",
    ranges: "Mapping[str, tuple[float, float]] | None" = None,
) -> "Figure":
    """Draw how far each number moves a quantity per day, the widest on top (a tornado).

    Parameters
    ----------
    result : MomentsOfTruth
        What `cxresearch.moments_of_truth` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    quantity : str
        A row of the table.
    ranges : mapping of input to (low, high), optional
        As in ``result.sensitivity``.
    """
    check(language)
    moved = result.sensitivity(quantity, ranges)
    now = float(result.row(quantity)["per_day"])
    heading = words.HEADINGS[quantity]
    with style.figure(1.3 + 0.42 * len(moved)) as (fig, ax):
        for at, (_, row) in enumerate(moved.iterrows()):
            for end, color in (("low", style.MUTED), ("high", style.ACCENT)):
                ax.barh(at, row[f"at_{end}"] - now, left=now, height=0.55, color=color,
                        label=_end(end, language) if at == 0 else None)  # fmt: skip
        ax.axvline(now, color=style.INK, linewidth=1)
        ax.set_yticks(range(len(moved)), [_input(row, language) for _, row in moved.iterrows()])
        ax.set_ylim(len(moved) - 0.5, -0.5)
        ax.grid(visible=False, axis="y")
        ax.set_xlabel(Words(f"{heading('en')}, per day", f"每天{heading('zh')}")(language))
        most = words.called(moved["input"].iloc[0], language)
        ax.set_title(Words(f"What a day brings depends most on {most}", f"影响最大的是：{most}")(language))
        ax.legend(loc="lower right", fontsize=8)
        told = Words("a fifth less and more, one number at a time", "每次只变动一项，上下各变动五分之一")
        own = Words("one number at a time, over the range given", "每次只变动一项，按给定范围变动")
        fig.supxlabel((own if ranges else told)(language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
    return fig  # type: ignore[no-any-return]


def _end(end: str, language: str) -> str:
    return (Words("lower", "取低值") if end == "low" else Words("higher", "取高值"))(language)


def _input(row: "pd.Series[Any]", language: str) -> str:
    name = words.HEADINGS[row["input"]](language)
    share = row["input"] in ("failure", "recovery", "occupancy")
    low, high = (percent(row[end], 1) if share else f"{row[end]:,.4g}" for end in ("low", "high"))
    return f"{name}\n{low} – {high}"
