"""Drawings of lag effects."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.loyalty import lag_words as words
from cxresearch.loyalty import nouns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.loyalty.lag_results import Lags

COLUMNS = 3
"""Drivers drawn side by side before a new row begins."""


def lag_plot(
    result: "Lags",
    language: str = "en",
    *,
    focus: Any = None,
    truth: Sequence[float] | None = None,
    cumulative: bool = False,
) -> "Figure":
    """Draw effects by lag, or what they add up to, one panel per driver.

    Parameters
    ----------
    result : Lags
        What a study of lags answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    focus : optional
        Group to mark beside all units.
    truth : sequence of float, optional
        Effects the data were simulated with, lag 0 first; lags beyond its end are zero.
    cumulative : bool
        Draw running sums instead of single effects.
    """
    check(language)
    both = result.compare(focus) if focus is not None else None
    columns = min(len(result.drivers), COLUMNS)
    rows = -(-len(result.drivers) // columns)
    with style.figure(0.8 + 2.9 * rows, nrows=rows, ncols=columns, squeeze=False, sharey=True) as (fig, axes):
        for ax, driver in zip(axes.flat, result.drivers, strict=False):
            own = None if both is None else both[(both["part"] == "focus") & (both["driver"] == driver)]
            if own is not None and own["estimate"].isna().all():
                own = None  # too little to judge it by itself: the text says why
            _panel(ax, result, driver, language, own=own, focus=focus, truth=truth, cumulative=cumulative)
        for ax in axes.flat[len(result.drivers) :]:
            ax.set_axis_off()
        for ax in axes[:, 0]:
            ax.set_ylabel(_y_label(result, language, cumulative))
        fig.supxlabel(_base(result, language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        if len(labels) > 1:
            fig.legend(handles, labels, loc="outside upper right", ncols=len(labels))
    return fig  # type: ignore[no-any-return]


def _panel(
    ax: "Axes",
    result: "Lags",
    driver: str,
    language: str,
    *,
    own: "pd.DataFrame | None",
    focus: Any,
    truth: Sequence[float] | None,
    cumulative: bool,
) -> None:
    table = result.effects_of(driver)
    lag = table["lag"].to_numpy(dtype=float)
    apart = 0.0 if own is None else 0.13
    ax.axhline(0, color=style.INK, linewidth=0.8, zorder=1)
    if truth is not None:
        _truth(ax, lag, truth, language, cumulative)
    everyone = Words("estimate", "估计值") if own is None else Words("all", "全部")
    _draw(ax, lag - apart, table, cumulative, color=style.ACCENT, marker="o", label=everyone(language))
    if own is not None:
        _draw(ax, lag + apart, own, cumulative, color=style.FOCUS, marker="D", label=str(focus))
    ax.set_xticks(lag if len(lag) <= 13 else lag[:: -(-len(lag) // 13)])
    ax.set_xlim(-0.5, lag[-1] + 0.5)
    ax.grid(visible=False, axis="x")
    alone = len(result.drivers) == 1
    ax.set_xlabel(_x_label(result, driver, language, cumulative) if alone else _x_short(result, language))
    say = words.finding_in_all if cumulative else words.finding
    title = say(result, table if own is None else own, driver, language)
    if own is not None:
        title = Words(f"{focus}: {title}", f"{focus}：{title}")(language)
    ax.set_title(fold(title, {1: 82, 2: 38}.get(len(result.drivers), 26)), fontsize=11 if alone else 10)


def _draw(ax: "Axes", x: np.ndarray, table: "pd.DataFrame", cumulative: bool, **look: Any) -> None:
    value, prefix = ("cumulative", "cumulative_") if cumulative else ("estimate", "")
    if cumulative:
        ax.plot(x, table[value], color=look["color"], linewidth=1, alpha=0.4)
    drawn = [table[name].to_numpy(dtype=float) for name in (value, f"{prefix}ci_low", f"{prefix}ci_high")]
    style.interval_plot(ax, x, *drawn, **look)


def _truth(ax: "Axes", lag: np.ndarray, truth: Sequence[float], language: str, cumulative: bool) -> None:
    """Mark the simulated effects by a short line at each lag, as wide as both estimates beside it."""
    values = np.zeros(len(lag))
    known = np.asarray(truth, dtype=float)[: len(lag)]
    values[: len(known)] = known
    values = values.cumsum() if cumulative else values
    label = Words("truth of the simulation", "模拟的真值")(language)
    ax.hlines(values, lag - 0.3, lag + 0.3, color=style.INK, linewidth=1.6, label=label, zorder=2)


def _x_label(result: "Lags", driver: str, language: str, cumulative: bool) -> str:
    step, cause = result.step, nouns.name(driver, language)
    many = nouns.spell(step, language)
    if cumulative:
        return Words(f"{many} since {cause} rose by one point for good", f"{cause}持久提高 1 分后的{many}")(language)
    return Words(f"{many} since {cause} was measured", f"距测量{cause}的{many}")(language)


def _x_short(result: "Lags", language: str) -> str:
    """Label panels that stand side by side; their titles name the driver."""
    return Words(f"{nouns.spell(result.step)} before", f"之前的{nouns.spell(result.step, 'zh')}")(language)


def _y_label(result: "Lags", language: str, cumulative: bool) -> str:
    effect = nouns.name(result.outcome, language)
    if cumulative:
        return Words(f"change in {effect} so far (points)", f"{effect}的累计变化（分）")(language)
    cause = nouns.name(result.drivers[0], language) if len(result.drivers) == 1 else ""
    return Words(
        f"{effect} (points) per point{' of ' if cause else ''}{cause}", f"{cause}每高 1 分对应的{effect}（分）"
    )(language)


def _base(result: "Lags", language: str) -> str:
    rows, level = number(result.sample.used, 0), percent(result.confidence)
    unit = getattr(result, "unit", None)
    if unit is None:
        return Words(f"n = {rows}; lines are {level} intervals", f"n = {rows}；竖线为 {level} 区间")(language)
    whom = nouns.units(result.sample.counts["units"], unit, language)
    return Words(
        f"n = {rows} rows of {whom}; lines are {level} intervals", f"n = {rows} 行（{whom}）；竖线为 {level} 区间"
    )(language)


def fold(text: str, width: int) -> str:
    """Break a title that is wider than its panel; a Chinese character counts for two letters.

    Chinese breaks after any character, other scripts at spaces, and punctuation stays with what it ends.
    """
    pieces = re.findall(r"\s*(?:[^\s\u2e80-\uffff]{1,24}|[\u2e80-\uffff])[，。；：、）”]*", text)
    lines = [""]
    for piece in pieces:
        if lines[-1] and _width(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return "\n".join(lines)


def _width(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)
