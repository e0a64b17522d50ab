"""Drawing of a mediation: the steps as arrows, the effects with their intervals."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, interval, number, percent
from cxresearch.loyalty import mediation_words as words
from cxresearch.loyalty.economics_words import records
from cxresearch.loyalty.lag_figures import fold

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.loyalty.mediation import Mediation

PLACES: Final = {"service": (0.14, 0.2), "loyalty": (0.5, 0.8), "profit": (0.86, 0.2)}
"""Where the three boxes stand."""


def path_plot(result: "Mediation", language: str = "en", *, focus: Any = None) -> "Figure":
    """Draw both steps as arrows, and the total, direct and indirect effects with their intervals.

    Parameters
    ----------
    result : Mediation
        What `mediation` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    focus : optional
        Group to mark beside all rows.
    """
    check(language)
    own = None
    if focus is not None and result.why_not(focus) is None:
        both = result.compare(focus)
        own = both[both["part"] == "focus"]
    told = result.table if own is None else own
    with style.figure(3.4, ncols=2, width_ratios=[1.15, 1]) as (fig, (left, right)):
        _diagram(left, result, told, language)
        _effects(right, result, own, focus, language)
        if own is not None:
            fig.legend(loc="outside lower right", ncols=2, fontsize=8.5)
        title = words.finding(result, told, language)
        fig.suptitle(
            fold(title if own is None else f"{focus}{Words(': ', '：')(language)}{title}", 82),
            x=0.01, ha="left", fontsize=11, color=style.INK,
        )  # fmt: skip
        fig.supxlabel(_base(result, language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
    return fig  # type: ignore[no-any-return]


def _diagram(ax: "Axes", result: "Mediation", table: "pd.DataFrame", language: str) -> None:
    rows = records(table, "path")
    ax.set_axis_off()
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": style.ACCENT, "linewidth": 1.4}
    for role, (x, y) in PLACES.items():
        text = fold(words.name(getattr(result, role), language), 14)
        ax.text(x, y, text, ha="center", va="center", bbox=box, zorder=3)
    for path, start, end, at, side in (
        ("a", "service", "loyalty", (0.27, 0.55), "right"),
        ("b", "loyalty", "profit", (0.73, 0.55), "left"),
        ("direct", "service", "profit", (0.5, 0.24), "center"),
    ):
        arrow = {"arrowstyle": "-|>", "color": style.INK, "linewidth": 1.2, "shrinkA": 24, "shrinkB": 24}
        ax.annotate("", PLACES[end], PLACES[start], arrowprops=arrow)
        row = rows[path]
        shown = words.decimals(row)
        around = interval(row["ci_low"], row["ci_high"], language, shown)
        text = f"{number(row['estimate'], shown)}\n({around})"
        ax.text(*at, text, ha=side, va="bottom", fontsize=8.5, color=style.INK)


def _effects(ax: "Axes", result: "Mediation", own: "pd.DataFrame | None", focus: Any, language: str) -> None:
    loyalty = fold(words.name(result.loyalty, language), 14)
    names = {
        "total": Words("in all", "合计"),
        "direct": Words("not\nthrough it", "不经由它"),
        "indirect": Words(f"through\n{loyalty}", f"经由\n{loyalty}"),
    }
    place = np.arange(len(names))[::-1].astype(float)
    apart = 0.0 if own is None else 0.13
    everyone = Words("all", "全部")(language)
    for table, shift, color, marker, label in (
        (result.table, apart, style.ACCENT, "o", everyone),
        (own, -apart, style.FOCUS, "D", str(focus)),
    ):
        if table is not None:
            rows = table.set_index("path").loc[list(names)]
            ends = [rows[column].to_numpy(dtype=float) for column in ("estimate", "ci_low", "ci_high")]
            style.interval_plot(ax, place + shift, *ends, color=color, marker=marker, label=label, vertical=False)
    ax.axvline(0, color=style.INK, linewidth=0.8, zorder=1)
    ax.set_yticks(place, [which(language) for which in names.values()])
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.grid(visible=False, axis="y")
    service, profit = (words.name(column, language) for column in (result.service, result.profit))
    ax.set_xlabel(fold(Words(f"{profit} per point of {service}", f"{service}每高 1 分对应的{profit}")(language), 40))


def _base(result: "Mediation", language: str) -> str:
    n, level = number(result.sample.used, 0), percent(result.confidence)
    return Words(f"n = {n} rows; {level} intervals as lines and in brackets", f"n = {n} 行；横线和括号为 {level} 区间")(
        language
    )
