"""Drawings of reasons for leaving, of flocks, and of silent drop-out."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.loyalty import leaving_words as words
from cxresearch.loyalty.nouns import name, units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.loyalty.attrition import Attrition
    from cxresearch.loyalty.contagion_results import Clusters
    from cxresearch.loyalty.leaving import Reasons


def reasons_plot(result: "Reasons", language: str = "en", *, truth: Mapping[str, float] | None = None) -> "Figure":
    """Draw each reason's share and incidence; arguments as in `Reasons.plot`."""
    check(language)
    shares = result.shares.iloc[::-1].reset_index(drop=True)
    last = result.at().set_index("reason")
    place = np.arange(len(shares), dtype=float)
    with style.figure(1.7 + 0.32 * len(shares), ncols=2, sharey=True, width_ratios=(1.15, 1)) as (fig, (left, right)):
        colours = [style.FOCUS if unmet else style.ACCENT for unmet in shares["unmet"]]
        if truth is not None:
            whole = {**truth, "unmet needs": sum(truth.get(name, 0.0) for name in result.unmet)}
            known = np.array([whole.get(reason, np.nan) for reason in shares["reason"]])
            left.vlines(known, place - 0.3, place + 0.3, color=style.INK, linewidth=1.6,
                        label=words.HEADINGS["truth"](language))  # fmt: skip
        for at, colour, (_, row) in zip(place, colours, shares.iterrows(), strict=True):
            _flat(left, at, row["share"], row["ci_low"], row["ci_high"], colour)
            if row["reason"] in last.index:
                own = last.loc[row["reason"]]
                _flat(right, at, own["estimate"], own["ci_low"], own["ci_high"], colour)
        over = result.step.length(int(result.table["period"].max()), language)
        labels = [f"{words.called(row['reason'], language)}  n = {number(row['n'], 0)}" for _, row in shares.iterrows()]
        left.set_yticks(place, labels)
        for ax, title in (
            (left, Words("of those who said why", "占说明原因者的比例")(language)),
            (right, Words(f"of all, within {over}", f"占全体的比例（{over}内）")(language)),
        ):
            _percent(ax, "x")
            ax.set_xlim(left=0)
            ax.grid(visible=False, axis="y")
            ax.set_xlabel(title)
        left.set_title(words.reasons_finding(result, language))
        _legend(fig, left, result, truth is not None, language)
        whom = units(result.sample.used, result.unit, language)
        level = percent(result.confidence)
        base = Words(f"n = {whom}; lines are {level} intervals", f"n = {whom}；横线为 {level} 区间")(language)
        fig.supxlabel(base, fontsize=8, color=style.MUTED, x=0.01, ha="left")
    return fig  # type: ignore[no-any-return]


def clusters_plot(result: "Clusters", language: str = "en", *, truth: float | None = None) -> "Figure":
    """Draw the correlation by what is held constant; arguments as in `Clusters.plot`."""
    check(language)
    table = result.table
    place, group = np.arange(len(table), dtype=float), words.grouping(result.group, language)
    with style.figure(3.3) as (fig, ax):
        ax.axhline(0, color=style.INK, linewidth=0.8, zorder=1)
        if truth is not None:
            ax.axhline(truth, color=style.INK, linewidth=1.2, linestyle=(0, (4, 3)),
                       label=words.HEADINGS["truth"](language))  # fmt: skip
            ax.legend(loc="best")
        drawn = [table[column].to_numpy(dtype=float) for column in ("estimate", "ci_low", "ci_high")]
        style.interval_plot(ax, place, *drawn)
        names = {
            "nothing": Words("nothing", "无"),
            "period": Words("period", "时期"),
            "period and group": Words(f"period\nand {group}", f"时期\n与{group}"),
            "everything": Words(
                f"period, {group}\nand {', '.join(name(c, 'en') for c in result.causes)}",
                f"时期、{group}\n与{'、'.join(name(c, 'zh') for c in result.causes)}",
            ),
        }
        ax.set_xticks(place, [names[held](language) for held in table["held"]])
        ax.set_xlim(-0.5, len(table) - 0.5)
        ax.grid(visible=False, axis="x")
        ax.set_xlabel(Words("Held equal", "控制的因素")(language))
        ax.set_ylabel(Words("correlation of leaving", "流失的相关系数")(language))
        ax.set_title(words.clusters_finding(result, language))
        pairs, level = number(table["pairs"].iloc[-1], 0), percent(result.confidence)
        base = Words(
            f"n = {pairs} pairs of the same {group} and period; lines are {level} intervals",
            f"n = {pairs} 对（同一{group}、同一时期）；竖线为 {level} 区间",
        )(language)
        fig.supxlabel(base, fontsize=8, color=style.MUTED, x=0.01, ha="left")
    return fig  # type: ignore[no-any-return]


def attrition_plot(result: "Attrition", language: str = "en") -> "Figure":
    """Draw the share that vanishes by satisfaction."""
    check(language)
    table = result.table
    place = np.arange(len(table), dtype=float)
    with style.figure(3.3) as (fig, ax):
        drawn = [table[column].to_numpy(dtype=float) for column in ("share", "ci_low", "ci_high")]
        style.interval_plot(ax, place, *drawn)
        ticks = []
        for row in table.itertuples():
            low, high = f"{row.low:.3g}", f"{row.high:.3g}"
            band = low if low == high else Words(f"{low} to {high}", f"{low} 至 {high}")(language)
            ticks.append(f"{band}\nn = {number(float(row.at_risk), 0)}")  # type: ignore[arg-type]
        ax.set_xticks(place, ticks)
        ax.set_xlim(-0.5, len(table) - 0.5)
        ax.set_ylim(0, float(table["ci_high"].max()) * 1.12)
        _percent(ax, "y", decimals=0 if table["ci_high"].max() > 0.05 else 1)
        ax.grid(visible=False, axis="x")
        score = name(result.satisfaction, language)
        ax.set_xlabel(Words(f"{score} last reported (points)", f"最后一次的{score}（分）")(language))
        ax.set_ylabel(Words("vanish after that period", "当期之后失联的比例")(language))
        ax.set_title(words.attrition_finding(result, language))
        rows, level = number(result.sample.used, 0), percent(result.confidence)
        base = Words(f"n = {rows} rows; lines are {level} intervals", f"n = {rows} 行；竖线为 {level} 区间")(language)
        fig.supxlabel(base, fontsize=8, color=style.MUTED, x=0.01, ha="left")
    return fig  # type: ignore[no-any-return]


def _flat(ax: "Axes", place: float, value: float, low: float, high: float, colour: Any) -> None:
    style.interval_plot(ax, [place], [value], [low], [high], color=colour, vertical=False)


def _percent(ax: "Axes", axis: str, decimals: int = 0) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    getattr(ax, f"{axis}axis").set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    getattr(ax, f"{axis}axis").set_major_formatter(PercentFormatter(1, decimals=decimals, symbol=" %"))


def _legend(fig: "Figure", ax: "Axes", result: "Reasons", truth: bool, language: str) -> None:
    """Name the colours, where there are two, and the truth."""
    handles, _ = ax.get_legend_handles_labels()
    if result.unmet:
        for colour, label in (
            (style.FOCUS, Words("counts as an unmet need", "属于需求未满足")),
            (style.ACCENT, Words("other reason", "其他原因")),
        ):
            handles += ax.plot([], [], "o", color=colour, markersize=5, label=label(language))
    if handles and (truth or result.unmet):
        fig.legend(handles=handles, loc="outside upper right", ncols=3)
