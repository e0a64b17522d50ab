"""Drawing of how a rating moves with the time since the service."""

from typing import TYPE_CHECKING

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.loyalty import fading_words as words
from cxresearch.loyalty.lag_figures import fold
from cxresearch.loyalty.nouns import name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cxresearch.loyalty.fading import Fading


def fading_plot(result: "Fading", language: str = "en") -> "Figure":
    """Draw the change at every distance in time, its straight line, and what plain averages would say.

    Parameters
    ----------
    result : Fading
        What `fading` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    """
    check(language)
    table = result.table
    since, estimate = table["since"].to_numpy(dtype=float), table["estimate"].to_numpy()
    with style.figure(3.4) as (fig, ax):
        ax.axhline(0, color=style.INK, linewidth=0.8, zorder=1)
        low, high = (table[column].fillna(0.0).to_numpy() for column in ("ci_low", "ci_high"))
        own = Words("same rater, same rated", "同一评分者、同一对象")(language)
        style.interval_plot(ax, since, estimate, low, high, label=own)
        slope = result.trend["estimate"].iloc[0]
        middle = np.average(since, weights=table["n"])
        line = np.average(estimate, weights=table["n"]) + slope * (since[[0, -1]] - middle)
        straight = Words(f"straight line: {number(slope, 3)} per period", f"直线：每期 {number(slope, 3)} 分")(language)
        ax.plot(since[[0, -1]], line, color=style.ACCENT, linewidth=1, linestyle=(0, (4, 3)), label=straight)
        plain = words.HEADINGS["raw"](language)
        ax.plot(since, table["raw"], "s", color=style.MUTED, markersize=4, fillstyle="none", label=plain)
        if len(since) <= 15:
            ax.set_xticks(since)
        ax.set_xlabel(Words("Periods between the service and the rating", "服务与评分相隔的期数")(language))
        score = name(result.score, language)
        ax.set_ylabel(Words(f"change of {score}, points", f"{score}的变化（分）")(language))
        ax.set_title(fold(words.headline(result, language), 76))
        ax.legend(loc="best")
        rows, level = number(result.sample.used, 0), percent(result.confidence)
        base = Words(f"n = {rows} ratings; lines are {level} intervals", f"n = {rows} 条评分；竖线为 {level} 区间")
        fig.supxlabel(base(language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
    return fig  # type: ignore[no-any-return]
