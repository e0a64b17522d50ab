"""Drawing of the raters: who is strict, who is mild, who departs from the panel."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import checks, style
from cxresearch.language import Words, check, percent
from cxresearch.mystery_shopping import rater_words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from cxresearch.mystery_shopping.agreement_results import AgreementResult

MOST_RATERS: Final = 24
"""Raters drawn at most: with more, those at both ends."""

_SEVERITY: Final = Words("points below the others on the same targets", "对同样的对象比其他人低多少分")
_GAP: Final = Words(
    "agreement with the others, less theirs among themselves", "与其他人的一致程度，减去其他人彼此之间的一致程度"
)


def raters(result: "AgreementResult", language: str) -> "Axes":
    """Draw each rater's severity, or at the nominal level gap, with intervals that hold for all at once."""
    check(language)
    numeric = result.level != "nominal"
    value = "severity" if numeric else "gap"
    table = _both_ends(rater_words.known(result.raters).dropna(subset=value), value)
    marked = table["standing"].str.startswith(("stricter", "milder")) if numeric else table["standing"] == "apart"
    with style.figure(1.5 + 0.24 * max(len(table), 3)) as (_, ax):
        ax.axvline(0, color=style.INK, linewidth=0.9, linestyle=(0, (4, 3)))
        places = np.arange(len(table))
        for part, color, marker in ((~marked, style.MUTED, "o"), (marked, style.FOCUS, "D")):
            chosen = part.to_numpy()
            ends = (table.loc[part, name].to_numpy(float) for name in (value, f"{value}_low", f"{value}_high"))
            style.interval_plot(ax, places[chosen], *ends, color=color, marker=marker, vertical=False)
        ax.set_yticks(places, [_short(name) for name in table["rater"]])
        ax.set_ylim(-0.7, max(len(table), 1) - 0.3)
        ax.grid(axis="y", visible=False)
        ax.set_ylabel(_short(result.names[1]))
        ax.set_xlabel((_SEVERITY if numeric else _GAP)(language))
        ax.set_title(_title(result, table, marked, language), linespacing=1.45)
    axes: Axes = ax
    return axes


def _both_ends(table: "pd.DataFrame", value: str) -> "pd.DataFrame":
    table = table.sort_values(value, kind="stable")
    if len(table) <= MOST_RATERS:
        return table
    ends = [*range(MOST_RATERS // 2), *range(len(table) - MOST_RATERS // 2, len(table))]
    return table.iloc[ends]


def _title(result: "AgreementResult", table: "pd.DataFrame", marked: Any, language: str) -> str:
    who, level = checks.listed(table.loc[marked, "rater"], 4), percent(result.confidence)
    size = len(result.raters)
    if not marked.any():
        finding = Words("No rater can be told from the others", "没有哪位评分者与其他人有明显差别")
    elif result.level == "nominal":
        finding = Words(f"Departing from the panel: {who}", f"偏离小组：{who}")
    else:
        finding = Words(f"Stricter or milder than the others: {who}", f"明显偏严或偏松：{who}")
    below = Words(
        f"{size} raters, {level} intervals that hold for all of them at once",
        f"{size} 名评分者；{level} 置信区间，对所有人同时成立",
    )
    return f"{finding(language)}\n{below(language)}"


def _short(label: Any, most: int = 18) -> str:
    text = str(label)
    return text if len(text) <= most else text[: most - 1] + "…"
