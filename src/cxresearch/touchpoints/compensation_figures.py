"""Drawings of compensation: the outcome along one score at three levels of the other, and the rivals."""

from typing import TYPE_CHECKING

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.touchpoints import compensation_words as words
from cxresearch.touchpoints.driver_figures import fold
from cxresearch.touchpoints.driver_words import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.touchpoints.compensation_results import Compensation

_LOOK = {"poor": (style.SIGNAL["below"], "-"), "middle": (style.MUTED, "--"), "good": (style.SIGNAL["above"], "-.")}


def curves_plot(result: "Compensation", language: str = "en") -> "Figure":
    """Draw the outcome along the first score at three levels of the second, and how well each rule predicts.

    Parameters
    ----------
    result : Compensation
        What `cxresearch.compensation` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    """
    check(language)
    with style.figure(3.7, ncols=2, width_ratios=(3, 2)) as (fig, (left, right)):
        _curves(result, left, language)
        _rivals(result, right, language)
        fig.suptitle(fold(words.finding(result, language)), x=0.01, ha="left", fontsize=11, color=style.INK)
        base = f"n = {number(result.cases, 0)}"
        if result.bootstraps:
            level = percent(result.confidence)
            base += Words(f"; bands and bars: {level} intervals", f"；色带与横线：{level} 区间")(language)
        fig.supxlabel(base, fontsize=8, color=style.MUTED, x=0.01, ha="left")
    return fig  # type: ignore[no-any-return]


def _curves(result: "Compensation", ax: "Axes", language: str) -> None:
    said = {"poor": Words("poor", "差"), "middle": Words("middling", "居中"), "good": Words("good", "好")}
    second = short(result.second, language)
    fine = 2 * result.middle[1] - result.poor
    at = {"poor": result.poor, "middle": result.middle[1], "good": fine}
    for level, (color, line) in _LOOK.items():
        rows = result.curves[result.curves["second"] == level]
        x = rows["first"].to_numpy()
        if level != "middle":
            ax.fill_between(x, rows["ci_low"], rows["ci_high"], color=color, alpha=0.15, linewidth=0)
        what = said[level](language)
        label = Words(f"{what} ({number(at[level], 1)})", f"{what}（{number(at[level], 1)}）")
        ax.plot(x, rows["outcome"], color=color, linestyle=line, label=label(language))
    for level, score, marker in (("middle", result.middle[0], "o"), ("poor", result.good, "D")):
        rows = result.curves[result.curves["second"] == level]
        value = np.interp(score, rows["first"], rows["outcome"])
        ax.plot([score], [value], marker, color=style.FOCUS, markersize=7, zorder=4)
    lines = result.curves["outcome"]
    reach = float(lines.max() - lines.min())  # a band that leaves the figure says enough
    bottom, top = ax.get_ylim()
    ax.set_ylim(max(bottom, float(lines.min()) - reach), min(top, float(lines.max()) + reach))
    ax.set_xlabel(Words(f"{short(result.first, 'en')}, score", f"{short(result.first, 'zh')}（得分）")(language))
    ax.set_ylabel(Words(f"{short(result.outcome, 'en')}, points", f"{short(result.outcome, 'zh')}（分）")(language))
    ax.legend(fontsize=8, loc="best", title=second, title_fontsize=8)


def _rivals(result: "Compensation", ax: "Axes", language: str) -> None:
    table = result.rivals
    place = np.arange(len(table), dtype=float)
    ahead, low, high = (table[c].to_numpy(dtype=float) for c in ("ahead", "ahead_low", "ahead_high"))
    ax.axvline(0, color=style.MUTED, linewidth=1, linestyle="--")
    style.interval_plot(ax, place, ahead, low, high, vertical=False)
    ax.set_yticks(place, [_folded(words.MODELS[m](language), language) for m in table["model"]], fontsize=8)
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    ax.locator_params(axis="x", nbins=4)
    ax.set_xlabel(Words("R² ahead of adding up", "R² 比“相加”高出")(language))


def _folded(text: str, language: str) -> str:
    return fold(text, 20 if language == "en" else 24)
