"""Drawing of items: how each goes with the others, and what alpha would be without it."""

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping import consistency_words as words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.mystery_shopping.consistency_results import ConsistencyResult

MOST_ITEMS: Final = 30
"""Items drawn at most: with more, those that go least with the others."""

_REST: Final = Words("correlation with the sum of the others", "与其余条目总分的相关")
_WITHOUT: Final = Words(
    "alpha without the item; band: alpha of all, interval", "去掉该条目后的 α；色带：全部条目的 α 及区间"
)
_TITLES: Final = {
    "consistent": Words("The items hang together", "条目彼此一致"),
    "inconsistent": Words("The items do not hang together well enough", "条目一致性不足"),
    "open": Words("Whether the items hang together is not settled", "条目是否一致，尚无定论"),
    "unknown": Words("Consistency cannot be computed", "一致性无法计算"),
}


def items(result: "ConsistencyResult", language: str, focus: Any) -> "Figure":
    """Draw the items, the one that goes most with the others on top."""
    check(language)
    if focus is not None:
        words.find(result, focus)
    table = result.items.sort_values("item_rest", kind="stable", na_position="first").head(MOST_ITEMS)
    places = np.arange(len(table))
    marked = (table["item"] == focus).to_numpy() if focus is not None else np.zeros(len(table), bool)
    with style.figure(1.5 + 0.26 * max(len(table), 4), ncols=2, sharey=True) as (fig, (left, right)):
        for ax, column in ((left, "item_rest"), (right, "alpha_without")):
            values = table[column].to_numpy(float)
            for part, color in ((~marked, style.ACCENT), (marked, style.FOCUS)):
                ax.plot(values[part], places[part], "o", color=color, markersize=6)
            ax.grid(axis="y", visible=False)
        left.axvline(0, color=style.INK, linewidth=0.9)
        left.set_xlim(min(-0.05, np.nanmin([0.0, *table["item_rest"]]) - 0.05), 1.0)
        _band(right, result)
        left.set_yticks(places, [_short(name) for name in table["item"]])
        left.set_ylim(-0.7, len(table) - 0.3)
        left.set_xlabel(_REST(language))
        right.set_xlabel(_WITHOUT(language))
        fig.suptitle(_title(result, language), x=0.01, ha="left", fontsize=11, linespacing=1.45)
    figure: Figure = fig
    return figure


def _band(ax: "Axes", result: "ConsistencyResult") -> None:
    alpha = result.row("alpha")
    if math.isnan(alpha.estimate):
        return
    ax.axvline(alpha.estimate, color=style.INK, linewidth=0.9, linestyle=(0, (4, 3)))
    if not math.isnan(alpha.ci_low):
        ax.axvspan(alpha.ci_low, alpha.ci_high, color=style.ACCENT, alpha=0.12, linewidth=0)


def _title(result: "ConsistencyResult", language: str) -> str:
    alpha = result.row("alpha")
    finding = _TITLES[result.verdict](language)
    if math.isnan(alpha.estimate):
        return finding
    value, n, k, level = number(alpha.estimate), number(alpha.n, 0), len(result.items), percent(result.confidence)
    ends = "" if math.isnan(alpha.ci_low) else f" ({level}: {interval(alpha.ci_low, alpha.ci_high, language)})"
    rests = Words(f"alpha {value}{ends}, {k} items, {n} rows", f"α {value}{ends}，{k} 个条目，{n} 行")
    return f"{finding}\n{rests(language)}"


def _short(label: Any, most: int = 22) -> str:
    text = str(label)
    return text if len(text) <= most else text[: most - 1] + "…"
