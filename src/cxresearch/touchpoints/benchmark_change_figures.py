"""How much each unit changed since the wave before, with intervals."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, percent
from cxresearch.touchpoints.benchmark_change_words import SIDES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cxresearch.touchpoints.benchmark_results import Benchmark

MOST: Final = 40
"""Units that a figure can name; of more, those that changed most surely are drawn."""
LOOK: Final = {
    "up": (style.SIGNAL["above"], "^"),
    "down": (style.SIGNAL["below"], "v"),
    "unclear": (style.MUTED, "o"),
}


def changes(result: "Benchmark", language: str, focus: Any, touchpoint: Any) -> "Figure":
    """Draw the changes of one touchpoint between the last two waves, the largest fall first."""
    check(language)
    rows = result.changes[result.changes["touchpoint"] == touchpoint]
    rows = rows[rows["wave_to"] == result.changes["wave_to"].iloc[-1]]
    table = rows.sort_values("p_value").head(MOST).sort_values("change").reset_index(drop=True)
    up, down = (int((rows["signal"] == side).sum()) for side in ("up", "down"))
    with style.figure(1.3 + 0.2 * len(table)) as (fig, ax):
        for signal, (colour, marker) in LOOK.items():
            at = (table["signal"] == signal).to_numpy()
            ends = [table.loc[at, c].to_numpy(dtype=float) for c in ("change", "ci_low", "ci_high")]
            label = f"{SIDES[signal](language)} ({int((rows['signal'] == signal).sum())})"
            style.interval_plot(ax, np.flatnonzero(at), *ends, color=colour, marker=marker, vertical=False, label=label)
        ax.axvline(0, color=style.INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0.5)
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.set_yticks(range(len(table)), [str(unit) for unit in table["unit"]], fontsize=8)
        for tick in ax.get_yticklabels():
            if tick.get_text() == str(focus):
                tick.set_color(style.FOCUS)
        ax.grid(visible=False, axis="y")
        scale = Words(" (percentage points)", "（百分点）") if result.kind == "rates" else Words("", "")
        ax.set_xlabel(Words(f"change of the score{scale('en')}", f"得分变化{scale('zh')}")(language))
        name = result.label(touchpoint, language)
        waves = [str(rows[c].iloc[0]) for c in ("wave_from", "wave_to")]
        ax.set_title(
            Words(
                f"{name}, {waves[0]} to {waves[1]}: {up} rose, {down} fell, {len(rows) - up - down} unclear",
                f"{name}，{waves[0]} 至 {waves[1]}：{up} 个上升，{down} 个下降，{len(rows) - up - down} 个无法判断",
            )(language)
        )
        key = Words(
            f"Lines: {percent(result.confidence)} intervals, each by itself; colours allow for the number of scores",
            f"横线：各自的 {percent(result.confidence)} 区间；颜色已按得分个数校正",
        )(language)
        fig.supxlabel(key, x=0.01, ha="left", fontsize=8, color=style.MUTED)
        fig.legend(loc="outside lower right", ncols=3, fontsize=8)
    return fig  # type: ignore[no-any-return]
