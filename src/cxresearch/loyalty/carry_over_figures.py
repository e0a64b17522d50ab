"""Drawing of the carry-over: how effects add up, and where they end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.loyalty import carry_over_words as say
from cxresearch.loyalty import nouns
from cxresearch.loyalty.lag_figures import fold

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.loyalty.carry_over_results import CarryOver


def carry_over_plot(
    result: "CarryOver", language: str = "en", *, focus: Any = None, truth: Sequence[float] | None = None
) -> "Figure":
    """Draw the effect of every lag, and a band for the last one that has any.

    Parameters
    ----------
    result : CarryOver
        What `carry_over` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    focus : optional
        Group whose effects and band are drawn in another colour beside all units.
    truth : sequence of float, optional
        Effects the data were simulated with.
    """
    check(language)
    with style.figure(3.7) as (fig, ax):
        lag = result.lags["lag"].to_numpy(dtype=float)
        apart = 0.0 if focus is None else 0.12
        _band(ax, result.ranges["horizon"], language)
        ax.axhline(0, color=style.INK, linewidth=0.8, zorder=1)
        if truth is not None:
            values = np.zeros(len(lag))
            values[: len(truth)] = np.asarray(truth, dtype=float)[: len(lag)]
            label = Words("truth of the simulation", "模拟的真值")(language)
            ax.hlines(values, lag - 0.3, lag + 0.3, color=style.INK, linewidth=1.6, label=label, zorder=2)
        _effects(
            ax, lag - apart, result.lags, style.ACCENT, "o", Words("effect of the lag", "该滞后期的效应")(language)
        )
        if focus is not None and result.parts is not None:
            own = result.parts.table(result.parts.fit(focus))
            _effects(ax, lag + apart, own, style.FOCUS, "D", str(focus))
        ax.set_xticks(lag if len(lag) <= 13 else lag[:: -(-len(lag) // 13)])
        ax.set_xlim(-0.5, lag[-1] + 0.5)
        ax.grid(visible=False, axis="x")
        cause, effect = nouns.name(result.driver, language), nouns.name(result.outcome, language)
        many = nouns.spell(result.step, language)
        ax.set_xlabel(Words(f"{many} since {cause} was measured", f"距测量{cause}的{many}")(language))
        ax.set_ylabel(
            Words(f"{effect} (points) per point of {cause}", f"{cause}每高 1 分对应的{effect}（分）")(language)
        )
        ax.set_title(fold(say.headline(result, language), 76))
        fig.supxlabel(_base(result, language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
        ax.legend(loc="best")
    return fig  # type: ignore[no-any-return]


def _effects(ax: "Axes", x: np.ndarray, table: Any, color: str, marker: str, label: str) -> None:
    drawn = [table[name].to_numpy(dtype=float) for name in ("estimate", "ci_low", "ci_high")]
    style.interval_plot(ax, x, *drawn, color=color, marker=marker, label=label)


def _band(ax: "Axes", horizon: tuple[float, float, float], language: str) -> None:
    """Shade the lags that may be the last one with an effect, and mark the one that was chosen."""
    chosen, low, high = horizon
    if np.isnan(chosen):
        return
    label = Words("where effects may end", "影响可能终止之处")(language)
    ax.axvspan(low - 0.5, high + 0.5, color=style.ACCENT, alpha=0.10, linewidth=0, zorder=0.4, label=label)
    last = Words("last lag with an effect", "最后一个有影响的滞后期")(language)
    ax.axvline(chosen, color=style.ACCENT, linewidth=1, linestyle=(0, (4, 3)), zorder=0.6, label=last)


def _base(result: "CarryOver", language: str) -> str:
    rows, level = number(result.sample.used, 0), percent(result.confidence)
    whom = nouns.units(result.sample.counts["units"], result.unit, language)
    return Words(
        f"n = {rows} rows of {whom}; lines and band are {level} intervals",
        f"n = {rows} 行（{whom}）；竖线和色带为 {level} 区间",
    )(language)
