"""Drawing of how long each process is felt."""

from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.loyalty import nouns
from cxresearch.loyalty import process_words as say
from cxresearch.loyalty.lag_figures import fold

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cxresearch.loyalty.processes import Processes


def process_plot(result: "Processes", language: str = "en", *, focus: Any = None) -> "Figure":
    """Draw every process' duration with its interval, and the duration claimed.

    Parameters
    ----------
    result : Processes
        What `process_carry_over` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    focus : optional
        Process to mark.
    """
    check(language)
    table = result.table
    place = np.arange(len(table))[::-1].astype(float)
    marked = (table["driver"] == focus).to_numpy()
    with style.figure(1.5 + 0.42 * len(table)) as (fig, ax):
        claim = Words(f"claimed: {result.step.length(result.lasts)}", f"论断：{result.step.length(result.lasts, 'zh')}")
        ax.axvline(result.lasts, color=style.INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0.6, label=claim(language))
        for who, color, marker in ((~marked, style.ACCENT, "o"), (marked, style.FOCUS, "D")):
            drawn = [table.loc[who, column].to_numpy(dtype=float) for column in ("duration", "ci_low", "ci_high")]
            style.interval_plot(ax, place[who], *drawn, color=color, marker=marker, vertical=False)
        ax.set_yticks(place, [say.name(name, language) for name in table["driver"]])
        ax.set_ylim(-0.6, len(table) - 0.4)
        ax.set_xlim(-0.3, result.max_lag + 1.3)
        ax.set_xticks(range(result.max_lag + 2))
        ax.grid(visible=False, axis="y")
        many, effect = nouns.spell(result.step, language), say.name(result.outcome, language)
        ax.set_xlabel(
            Words(
                f"{many} for which a process is felt in {effect}, the current one counted",
                f"流程对{effect}的影响持续的{many}（含当期）",
            )(language)
        )
        ax.set_title(fold(say.headline(result, language), 76))
        whom = nouns.units(result.sample.counts["units"], result.unit, language)
        rows, level = number(result.sample.used, 0), percent(result.confidence)
        base = Words(
            f"n = {rows} rows of {whom}; lines are {level} intervals; a point without one is its own interval",
            f"n = {rows} 行（{whom}）；横线为 {level} 区间；没有横线的，区间只含该点",
        )
        fig.supxlabel(base(language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
        fig.legend(loc="outside upper right")
    return fig  # type: ignore[no-any-return]
