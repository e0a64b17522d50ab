"""Drawings of a divided budget: where the money goes, and what other budgets would gain."""

from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.touchpoints import allocate_words as words
from cxresearch.touchpoints.driver_figures import LONGEST_LABEL, fold
from cxresearch.touchpoints.driver_words import name, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.touchpoints.allocate_results import Allocation

_MOST = 14


def plan_plot(result: "Allocation", language: str = "en", *, focus: Any = None) -> "Figure":
    """Draw the money for each driver with its uncertainty, and the gain of other budgets beside it.

    Parameters
    ----------
    result : Allocation
        What `cxresearch.allocate` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    focus : optional
        Driver to mark.
    """
    check(language)
    rows = min(len(result.table), _MOST)
    with style.figure(max(3.2, 1.7 + 0.27 * rows), ncols=2, width_ratios=(3, 2)) as (fig, (left, right)):
        _money(result, left, language, focus)
        _curve(result, right, language)
        fig.suptitle(fold(words.finding(result, language)), x=0.01, ha="left", fontsize=11, color=style.INK)
        base = f"n = {number(result.cases, 0)}"
        if result.bootstraps:
            level, many = percent(result.confidence), number(result.bootstraps, 0)
            base += Words(f"; bars: {level} of plans over {many} redrawn samples",
                          f"；横线：{many} 个重抽样本中 {level} 的方案")(language)  # fmt: skip
        fig.supxlabel(base, fontsize=8, color=style.MUTED, x=0.01, ha="left")
    return fig  # type: ignore[no-any-return]


def _money(result: "Allocation", ax: "Axes", language: str, focus: Any) -> None:
    table = result.table.dropna(subset="spend")
    if len(table) > _MOST:
        marked = table["driver"] == focus
        table = table[marked | (np.arange(len(table)) < _MOST - int(marked[_MOST:].any()))]
    place = np.arange(len(table), dtype=float)
    spend, low, high = (table[c].to_numpy(dtype=float) for c in ("spend", "spend_low", "spend_high"))
    ax.barh(place, spend, height=0.55, color=style.ACCENT, alpha=0.85)
    ax.hlines(place, low, high, color=style.INK, linewidth=1.6, alpha=0.7)
    ax.set_yticks(place, [short(driver, language, LONGEST_LABEL) for driver in table["driver"]])
    for tick, driver in zip(ax.get_yticklabels(), table["driver"], strict=True):
        tick.set_color(style.FOCUS if focus is not None and driver == focus else style.INK)
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlim(left=0)
    ax.grid(visible=False, axis="y")
    unit = f" ({result.money})" if result.money else ""
    ax.set_xlabel(Words(f"money{unit}", f"资金{unit.replace(' (', '（').replace(')', '）')}")(language))


def _curve(result: "Allocation", ax: "Axes", language: str) -> None:
    curve = result.curve.dropna(subset="gain")
    best = result.plans.iloc[0]
    ax.plot(curve["budget"], curve["gain"], color=style.ACCENT)
    style.interval_plot(
        ax, [result.budget], [best["gain"]], [best["ci_low"]], [best["ci_high"]], color=style.FOCUS, marker="D"
    )
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=min(0.0, float(np.nanmin([best["ci_low"], 0.0]))))
    unit = f" ({result.money})" if result.money else ""
    ax.set_xlabel(Words(f"budget{unit}", f"预算{unit.replace(' (', '（').replace(')', '）')}")(language))
    what = name(result.outcome, language)
    ax.set_ylabel(Words(f"gain in {what}, points", f"{what}的提升（分）")(language))
