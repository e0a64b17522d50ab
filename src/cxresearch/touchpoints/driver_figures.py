"""Drawings of drivers: shares with their intervals, and importance against performance."""

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.touchpoints import driver_words as words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.touchpoints.driver_results import DriverResult, Drivers, Priorities

Floats = NDArray[np.float64]

LONGEST_LABEL: Final = 30
"""Letters of a driver's name that a figure shows."""
_CROWDED: Final = 12
_LOOK: Final = {
    "concentrate_here": (style.SIGNAL["below"], "v"),
    "keep_up": (style.SIGNAL["above"], "^"),
    "low_priority": (style.MUTED, "s"),
    "possible_overkill": (style.ACCENT, "o"),
}


def share_plot(result: "Drivers", language: str = "en", *, focus: Any = None) -> "Figure":
    """Draw each driver's share of what all explain, the strongest on top, with its interval and possible ranks.

    Parameters
    ----------
    result : Drivers
        What `cxresearch.drivers` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    focus : optional
        Driver to mark.
    """
    check(language)
    if focus is not None:
        result.row(focus)
    table = result.table
    k = int(table["share"].notna().sum())
    place = np.arange(len(table), dtype=float)
    with style.figure(1.5 + 0.27 * len(table)) as (fig, ax):
        marked = np.array([focus is not None and driver == focus for driver in table["driver"]])
        share, low, high = (100 * table[column].to_numpy(dtype=float) for column in ("share", "ci_low", "ci_high"))
        ax.hlines(place, 0, share, color=style.GRID, linewidth=6, zorder=1)
        for which, color, marker in ((~marked, style.ACCENT, "o"), (marked, style.FOCUS, "D")):
            style.interval_plot(
                ax, place[which], share[which], low[which], high[which], color=color, marker=marker, vertical=False
            )
        if k > 1:
            ax.axvline(100 / k, color=style.MUTED, linewidth=1, linestyle="--", zorder=0)
        ax.set_yticks(place, [_label(row, language) for _, row in table.iterrows()])
        for tick, is_marked in zip(ax.get_yticklabels(), marked, strict=True):
            tick.set_color(style.FOCUS if is_marked else style.INK)
        ax.set_ylim(len(table) - 0.4, -0.9)
        ax.set_xlim(left=0)
        ax.grid(visible=False, axis="y")
        _write_ranks(ax, table, language)
        equal = Words("; dashed: equal shares", "；虚线：平均占比")(language) if k > 1 else ""
        ax.set_xlabel(Words("share of what the drivers explain, %", "占可解释部分的比例（%）")(language) + equal)
        ax.set_title(fold(words.finding(result, language)))
        _base(fig, result, language)
    return fig  # type: ignore[no-any-return]


def _label(row: "pd.Series[Any]", language: str) -> str:
    label = words.short(row["driver"], language, LONGEST_LABEL)
    group = row.get("group")
    if group is None or group == row["driver"]:
        return label
    inside = words.short(group, language, 16)
    return Words(f"{label} ({inside})", f"{label}（{inside}）")(language)


def _write_ranks(ax: "Axes", table: "pd.DataFrame", language: str) -> None:
    """Write the possible ranks in a column at the right edge."""
    if table["rank_low"].isna().all():
        return
    look: dict[str, Any] = {
        "transform": ax.get_yaxis_transform(),
        "ha": "right",
        "va": "center",
        "fontsize": 8,
        "color": style.MUTED,
    }
    ax.set_xlim(right=ax.get_xlim()[1] * 1.14)
    ax.text(0.995, -0.75, Words("possible rank", "可能名次")(language), **look)
    for place in np.flatnonzero(table["rank_low"].notna()):
        low, high = table["rank_low"].iloc[place], table["rank_high"].iloc[place]
        ax.text(0.995, float(place), f"{low}–{high}" if low < high else f"{low}", **look)


def _base(fig: "Figure", result: "DriverResult", language: str, more: str = "") -> None:
    """Write below the figure what it stands on."""
    n, level = number(result.cases, 0), percent(result.confidence)
    what = words.name(result.outcome, language)
    kind = Words("R²", "R²") if result.family == "linear" else Words("McFadden R²", "McFadden R²")
    text = f"n = {n}{Words('; ', '；')(language)}{kind(language)} = {number(result.r2)}"
    if result.bootstraps:
        text += Words(f"; {level} intervals from {number(result.bootstraps, 0)} bootstrap samples",
                      f"；{level} 区间，{number(result.bootstraps, 0)} 个自助样本")(language)  # fmt: skip
    text = Words(f"{what}: {text}", f"{what}：{text}")(language)
    fig.supxlabel(text + more, fontsize=8, color=style.MUTED, x=0.01, ha="left")


def fold(text: str, width: int = 84) -> str:
    """Begin with a capital, and fold what is wider than the figure; a Chinese letter is as wide as two."""
    lines, line, taken = [], "", 0
    for word in re.findall(r"[^\s\u3000-\u9fff]+\s*|[\u3000-\u9fff，、：；]\s*", text[:1].upper() + text[1:]):
        size = sum(2 if ord(letter) > 0x2E80 else 1 for letter in word.rstrip())
        if line and taken + size > width:
            lines.append(line.rstrip())
            line, taken = "", 0
        line += word
        taken += size + len(word) - len(word.rstrip())
    return "\n".join([*lines, line.rstrip()])


def priority_plot(result: "Priorities", language: str = "en", *, focus: Any = None) -> "Figure":
    """Draw importance against performance with the lines between the quadrants; intervals as crosses.

    Parameters
    ----------
    result : Priorities
        What `cxresearch.priorities` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    focus : optional
        Driver to mark.
    """
    check(language)
    if focus is not None:
        result.row(focus)
    table = result.table[result.table["share"].notna()].reset_index(drop=True)
    x = table["performance"].to_numpy(dtype=float)
    y = 100 * table["share"].to_numpy(dtype=float)
    with style.figure(4.8) as (fig, ax):
        ax.axvline(result.performance_cut, color=style.MUTED, linewidth=1, linestyle="--")
        ax.axhline(100 * result.share_cut, color=style.MUTED, linewidth=1, linestyle="--")
        crowded = len(table) > _CROWDED
        ends = [100 * table[c].to_numpy(dtype=float) for c in ("ci_low", "ci_high")]
        ax.vlines(x, *ends, color=style.MUTED, linewidth=1, alpha=0.35 if crowded else 0.6)
        sides = [table[c].to_numpy(dtype=float) for c in ("performance_low", "performance_high")]
        ax.hlines(y, *sides, color=style.MUTED, linewidth=1, alpha=0.35 if crowded else 0.6)
        for quadrant, (color, marker) in _LOOK.items():
            which = (table["quadrant"] == quadrant).to_numpy()
            ax.plot(x[which], y[which], marker, color=color, markersize=7, zorder=3)
        if focus is not None:
            which = (table["driver"] == focus).to_numpy()
            ax.plot(
                x[which], y[which], "o", markersize=15, markerfacecolor="none", color=style.FOCUS, markeredgewidth=2
            )
        ax.set_xlabel(
            Words(
                f"mean score (scale {result.scale[0]:g} to {result.scale[1]:g})",
                f"平均得分（量表 {result.scale[0]:g} 至 {result.scale[1]:g}）",
            )(language)
        )
        ax.set_ylabel(Words("share of what the drivers explain, %", "占可解释部分的比例（%）")(language))
        ax.margins(x=0.14, y=0.14)
        top = ax.get_ylim()[1]
        ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= top])
        ax.set_ylim(-0.07 * top, 1.03 * top)  # room for the quadrants' names above and below all points
        ax.grid(visible=False)
        _write_corners(ax, language)
        ax.set_title(fold(words.priorities_finding(result, language)))
        _base(fig, result, language)
        unnamed = _write_names(fig, ax, table, language, x=x, y=y, focus=focus, first=result.first)
        if unnamed:
            more = Words(f"; {unnamed} without room for a name: see the table", f"；{unnamed} 个点无处标名，见表")
            _base(fig, result, language, more(language))
    return fig  # type: ignore[no-any-return]


def _write_corners(ax: "Axes", language: str) -> None:
    """Name the quadrants in the corners of the axes."""
    corners = {
        "concentrate_here": (0.01, 0.99, "left", "top"),
        "keep_up": (0.99, 0.99, "right", "top"),
        "low_priority": (0.01, 0.01, "left", "bottom"),
        "possible_overkill": (0.99, 0.01, "right", "bottom"),
    }
    for quadrant, (x, y, ha, va) in corners.items():
        text = words.HEADINGS[quadrant](language)
        ax.text(x, y, text, transform=ax.transAxes, ha=ha, va=va, fontsize=8, color=_LOOK[quadrant][0], style="italic")


def _write_names(
    fig: Any, ax: "Axes", table: "pd.DataFrame", language: str, *, x: Floats, y: Floats, focus: Any, first: int
) -> int:
    """Write names beside their points, the first priorities first, where they cover nothing; count those left out."""
    from matplotlib import patheffects

    fig.canvas.draw()  # places are known once the layout has run
    renderer = fig.canvas.get_renderer()
    inside = ax.get_window_extent(renderer)
    points = ax.transData.transform(np.column_stack([x, y]))
    taken = [(px - 6, py - 6, px + 6, py + 6) for px, py in points]
    taken += [_box(text.get_window_extent(renderer)) for text in ax.texts]
    unnamed = 0
    # a white rim keeps a name readable on a line; among many names it would only double the size of the file
    rim = [patheffects.withStroke(linewidth=2, foreground="white")] if len(table) <= _CROWDED else []
    for i in sorted(range(len(table)), key=lambda i: (table["driver"][i] != focus, i)):
        marked = focus is not None and table["driver"][i] == focus
        label = words.short(table["driver"][i], language, LONGEST_LABEL)
        place = table["priority"][i]
        text = ax.annotate(
            f"{place}. {label}" if place <= first else label, (x[i], y[i]), textcoords="offset points",
            xytext=(0, 0), fontsize=8, color=style.FOCUS if marked else style.INK, zorder=4,
            path_effects=rim,
        )  # fmt: skip
        for dx, dy, ha, va in _PLACES:
            text.set(position=(dx, dy), ha=ha, va=va)
            box = _box(text.get_window_extent(renderer))
            within = inside.x0 <= box[0] and box[2] <= inside.x1 and inside.y0 <= box[1] and box[3] <= inside.y1
            if within and not any(_touch(box, other) for other in taken):
                taken.append(box)
                break
        else:
            text.remove()
            unnamed += 1
    return unnamed


_PLACES: Final = (
    (8, 5, "left", "bottom"), (-8, 5, "right", "bottom"), (8, -5, "left", "top"), (-8, -5, "right", "top"),
    (9, 0, "left", "center"), (-9, 0, "right", "center"), (0, 9, "center", "bottom"), (0, -9, "center", "top"),
)  # fmt: skip
"""Where a name may stand beside its point, in points of type, the best place first."""


def _box(extent: Any) -> tuple[float, float, float, float]:
    return extent.x0, extent.y0, extent.x1, extent.y1


def _touch(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
