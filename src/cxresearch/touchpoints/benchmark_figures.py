"""Drawings of benchmarks."""

import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.numerics.rates import binomial_limits
from cxresearch.touchpoints import benchmark_words as words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.touchpoints.benchmark_results import Benchmark

MOST_ROWS: Final = 30
"""Units that an overview lists."""
MOST_NAMED: Final = 45
"""Units that a drawing of ranks names."""
MOST_COLUMNS: Final = 25
"""Touchpoints that an overview shows."""
UPRIGHT_COLUMNS: Final = 8
"""Touchpoints up to which an overview has room to write their names upright."""
OUTER: Final = 0.998
"""Content of a funnel's outer limits, by convention."""
_LONGEST: Final = 30


def colours(result: "Benchmark") -> dict[str, str]:
    """Return the colour of each signal: green is good, whichever side that is."""
    if result.better == "high":
        return dict(style.SIGNAL)
    return style.SIGNAL | {"above": style.SIGNAL["below"], "below": style.SIGNAL["above"]}


def overview(result: "Benchmark", language: str, focus: Any) -> "Figure":
    """Draw units by touchpoints: who stands out where, and the ranks each score could hold."""
    check(language)
    touchpoints = _columns(result)
    units, left_out = _rows(result, focus)
    upright = len(touchpoints) <= UPRIGHT_COLUMNS
    with style.figure(1.45 + 0.215 * len(units) + (0 if upright else 0.5)) as (fig, ax):
        _grid(ax, len(units), len(touchpoints))
        for x, touchpoint in enumerate(touchpoints):
            _column(ax, x, result, touchpoint, units)
        ax.set_yticks(range(len(units)), [_pointed(u, focus) for u in units], fontsize=8)
        _mark(ax.get_yticklabels(), units, focus)
        width = max(8, 80 // len(touchpoints)) if upright else _LONGEST
        labels = [_wrapped(result.label(t, language), width) for t in touchpoints]
        ax.set_xticks(range(len(touchpoints)), labels, fontsize=7.5, rotation=0 if upright else 50)
        for label in ax.get_xticklabels():
            label.set(ha="center" if upright else "left", va="bottom", rotation_mode="anchor")
        fig.suptitle(_overview_title(result, language), x=0.01, ha="left", fontsize=11, color=style.INK)
        fig.supxlabel(_overview_key(result, language, left_out), x=0.01, ha="left", fontsize=8, color=style.MUTED)
    return fig  # type: ignore[no-any-return]


def _columns(result: "Benchmark") -> list[Any]:
    """Return the touchpoints to show: all, or those on which units differ most reliably."""
    rows = result.reliability
    if len(rows) > MOST_COLUMNS:
        rows = rows.nlargest(MOST_COLUMNS, "reliability").sort_index()
    return rows["touchpoint"].tolist()


def _rows(result: "Benchmark", focus: Any) -> tuple[list[Any], int]:
    """Return the units to show, the best first: all, or those that stand out most often, and the focus."""
    shown = result.table[~result.table["suppressed"]]
    sign = shown["signal"].map({"above": 1, "below": -1}).fillna(0) * (1 if result.better == "high" else -1)
    place = (shown["rank"] - 1) / shown["touchpoint"].map(shown.groupby("touchpoint", observed=True).size())
    far = (place - 0.5).abs()
    score = pd.DataFrame({"unit": shown["unit"], "net": sign, "flags": sign.abs(), "place": place, "far": far})
    by_unit = score.groupby("unit", observed=True).agg(
        net=("net", "sum"), flags=("flags", "sum"), place=("place", "mean"), far=("far", "mean")
    )
    if focus is not None and focus not in by_unit.index:
        by_unit.loc[focus] = [0, 0, 1.0, 0.0]
    by_unit["name"] = by_unit.index.map(str)
    order = by_unit.sort_values(["net", "place", "name"], ascending=[False, True, True]).index.tolist()
    if len(order) <= MOST_ROWS:
        return order, 0
    strongest = by_unit.sort_values(["flags", "far", "name"], ascending=[False, False, True]).index[:MOST_ROWS].tolist()
    keep = {*strongest[: MOST_ROWS - 1], focus if focus is not None else strongest[-1]}
    return [unit for unit in order if unit in keep], len(order) - len(keep)


def _grid(ax: "Axes", rows: int, columns: int) -> None:
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    ax.grid(visible=False)
    ax.hlines(np.arange(rows + 1) - 0.5, -0.5, columns - 0.5, color=style.GRID, linewidth=0.7)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)


def _column(ax: "Axes", x: int, result: "Benchmark", touchpoint: Any, units: list[Any]) -> None:
    """Draw one touchpoint: for each unit the ranks it could hold, from the best (left) to the worst (right)."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    table = result.table[result.table["touchpoint"] == touchpoint].set_index("unit")
    table = table.loc[[u for u in units if u in table.index]]
    place = {unit: y for y, unit in enumerate(units)}
    hidden = table.index[table["suppressed"]]
    for unit in hidden:
        ax.text(x, place[unit], f"n<{result.min_n}", ha="center", va="center", fontsize=7, color=style.MUTED)
    last = max(1, len(result.shown(touchpoint)) - 1)
    for signal, colour in colours(result).items():
        rows = table[(table["signal"] == signal) & table["rank_low"].notna()]
        y = np.array([place[u] for u in rows.index])
        best, worst, rank = (x - 0.4 + 0.8 * (rows[c] - 1) / last for c in ("rank_low", "rank_high", "rank"))
        if signal != "expected":
            boxes = [Rectangle((x - 0.48, at - 0.45), 0.96, 0.9) for at in y]
            ax.add_collection(PatchCollection(boxes, facecolor=colour, alpha=0.15, linewidth=0))
        ax.hlines(y, best, worst, color=colour, linewidth=2, alpha=0.55)
        size = 3.5 if signal == "expected" else 6
        ax.plot(rank, y, style.SIGNAL_MARKER[signal], color=colour, markersize=size, linestyle="none")


def _overview_title(result: "Benchmark", language: str) -> str:
    shown = result.table[~result.table["suppressed"]]
    above, below = (int((shown["signal"] == s).sum()) for s in ("above", "below"))
    if not above + below:
        return Words("No unit stands out: chance explains the differences", "没有单位突出：偶然即可解释差异")(language)
    total, high, low, rest = (number(k, 0) for k in (len(shown), above, below, len(shown) - above - below))
    return Words(
        f"Of {total} scores {high} stand above and {low} below the middle unit; {rest} cannot be placed",
        f"{total} 个得分中，{high} 个高于、{low} 个低于居中单位，{rest} 个无法判断",
    )(language)


def _overview_key(result: "Benchmark", language: str, left_out: int) -> str:
    level = percent(result.confidence)
    good = Words("", "") if result.better == "high" else Words(" (low is good)", "（越低越好）")
    text = Words(
        f"▲ above, ▼ below the middle unit{good('en')}; bars: ranks it could hold, best at left ({level} intervals)",
        f"▲ 高于，▼ 低于居中单位{good('zh')}；横条：可能的名次，左端为最好（{level} 区间）",
    )(language)
    if left_out:
        text += Words(
            f"\n{number(left_out, 0)} units nearer to the middle are left out",
            f"\n另有 {number(left_out, 0)} 个更接近居中水平的单位未列出",
        )(language)
    hidden = len(result.reliability) - MOST_COLUMNS
    if hidden > 0:
        text += Words(f"; {hidden} touchpoints left out", f"；另有 {hidden} 个接触点未列出")(language)
    return text


def rank_plot(result: "Benchmark", language: str, focus: Any, touchpoint: Any) -> "Figure":
    """Draw, side by side, the units' true values with their intervals and the ranks they could hold."""
    check(language)
    table = result.shown(touchpoint).reset_index(drop=True)
    named = len(table) <= MOST_NAMED
    height = 1.15 + (0.22 if len(table) <= 20 else 0.17) * len(table) if named else 6.2
    with style.figure(height, ncols=2, sharey=True, width_ratios=[1.25, 1]) as (fig, (left, right)):
        y = np.arange(len(table))
        for signal, colour in colours(result).items():
            at = (table["signal"] == signal).to_numpy()
            rows, marker = table[at], style.SIGNAL_MARKER[signal]
            ends = [rows[c].to_numpy(dtype=float) for c in ("shrunken", "ci_low", "ci_high")]
            style.interval_plot(left, y[at], *ends, color=colour, marker=marker, vertical=False)
            ends = [rows[c].to_numpy(dtype=float) for c in ("rank", "rank_low", "rank_high")]
            style.interval_plot(right, y[at], *ends, color=colour, marker=marker, vertical=False)
        left.plot(table["mean"], y, "|", color=style.INK, markersize=8 if named else 3, markeredgewidth=1)
        middle = result.row(touchpoint)["middle"]
        if pd.notna(middle):
            left.axvline(middle, color=style.INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0.5)
        _lighter(left, right, named)
        left.set_ylim(len(table) - 0.4, -0.6)
        units = table["unit"].tolist() if named else []
        left.set_yticks(y[: len(units)], [_pointed(u, focus) for u in units], fontsize=8)
        _mark(left.get_yticklabels(), units, focus)
        _point_at(left, right, table, focus, named=named)
        left.grid(visible=False, axis="y")
        right.grid(visible=False, axis="y")
        right.set_xlim(0.5 if len(table) < 60 else 0, len(table) + (0.5 if len(table) < 60 else 1))
        _whole_ticks(right, len(table))
        left.set_xlabel(_scale(result, touchpoint, language))
        right.set_xlabel(Words("rank (1 is the best)", "名次（第 1 名最好）")(language))
        fig.suptitle(_rank_title(result, touchpoint, language), x=0.01, ha="left", fontsize=11, color=style.INK)
        fig.supxlabel(_rank_key(result, language), x=0.01, ha="left", fontsize=8, color=style.MUTED)
    return fig  # type: ignore[no-any-return]


def _lighter(left: "Axes", right: "Axes", named: bool) -> None:
    """Thin the lines of a drawing with hundreds of units."""
    if named:
        return
    for ax in (left, right):
        for lines in ax.collections:
            lines.set(linewidth=0.5)
        for line in ax.lines:
            line.set(markersize=1.6)


def _point_at(left: "Axes", right: "Axes", table: pd.DataFrame, focus: Any, *, named: bool) -> None:
    """Lay a band under the unit that the figure is for; name it where names do not fit on the axis."""
    if focus is None or focus not in table["unit"].tolist():
        return
    at = table.index[table["unit"] == focus][0]
    half = 0.5 if named else max(0.5, len(table) / 300)
    for ax in (left, right):
        ax.axhspan(at - half, at + half, color=style.FOCUS, alpha=0.15, linewidth=0, zorder=0)
    if not named:
        left.set_yticks([at], [_pointed(focus, focus)], fontsize=8)
        _mark(left.get_yticklabels(), [focus], focus)


def _rank_title(result: "Benchmark", touchpoint: Any, language: str) -> str:
    table, name = result.shown(touchpoint), result.label(touchpoint, language)
    above, below = (int((table["signal"] == s).sum()) for s in ("above", "below"))
    rest = len(table) - above - below
    if not above + below:
        title = Words(f"{name}: the {len(table)} units cannot be told apart", f"{name}：{len(table)} 个单位分不出高下")
    else:
        title = Words(
            f"{name}: {above} above, {below} below the middle unit, {rest} cannot be placed",
            f"{name}：{above} 个高于、{below} 个低于居中单位，{rest} 个无法判断",
        )
    return _folded(title(language), language)


def _rank_key(result: "Benchmark", language: str) -> str:
    level = percent(result.confidence)
    return Words(
        f"Symbols with lines: true value and rank, {level} intervals; bars: observed score; broken line: middle unit",
        f"符号与横线：真实水平及名次，{level} 区间；竖杠：观测得分；虚线：居中单位",
    )(language)


def funnel(result: "Benchmark", language: str, focus: Any, touchpoint: Any) -> "Figure":
    """Draw observed scores against the number of answers, with the limits within which chance alone keeps them."""
    check(language)
    table, row = result.shown(touchpoint), result.row(touchpoint)
    with style.figure(4.4) as (fig, ax):
        table = table.assign(n=table.get("n_effective", table["n"]))  # what chance depends on
        n = table["n"].to_numpy(dtype=float)
        if pd.notna(row["middle"]):
            grid = np.geomspace(max(1.0, n.min() * 0.8), n.max() * 1.1, 200)
            limits = [_limits(result, row, grid, level) for level in (result.confidence, OUTER)]
            style.funnel(ax, grid, float(row["middle"]), *limits)
        many = len(table) > 60
        for signal, colour in colours(result).items():
            rows = table[table["signal"] == signal]
            label = f"{words.SIGNALS[signal](language)} ({len(rows)})"
            look = {"color": colour, "markersize": 3 if many else 6, "alpha": 0.8, "label": label}
            ax.plot(rows["n"], rows["mean"], style.SIGNAL_MARKER[signal], linestyle="none", **look)
        ax.set_xlabel(Words("n (answers)", "n（样本量）")(language))
        ax.set_ylabel(_scale(result, touchpoint, language))
        ax.set_title(_rank_title(result, touchpoint, language))
        levels = percent(result.confidence), percent(OUTER, 1)
        key = Words(
            f"Shaded: limits of chance around the middle unit, {levels[0]} and {levels[1]}",
            f"阴影：居中单位周围的偶然波动范围（{levels[0]} 与 {levels[1]}）",
        )(language)
        fig.supxlabel(key, x=0.01, ha="left", fontsize=8, color=style.MUTED)
        fig.legend(loc="outside lower right", ncols=3, fontsize=8)
        fig.canvas.draw()  # places the axes, so that names can be laid around the points
        style.name_points(ax, *_to_name(result, table, focus), focus=None if focus is None else _short(focus))
    return fig  # type: ignore[no-any-return]


def _limits(result: "Benchmark", row: Any, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    if result.kind == "rates":
        low, high = binomial_limits(np.round(n), float(row["middle"]) / result.top, level)
        return low * result.top, high * result.top
    from scipy.special import ndtri

    half = ndtri((1 + level) / 2) * np.sqrt(row["within_variance"] / n)
    return row["middle"] - half, row["middle"] + half


def _to_name(result: "Benchmark", table: pd.DataFrame, focus: Any) -> tuple[Any, Any, list[str]]:
    """Return the points to name: the focus, then those that stand out, the farthest from the middle first."""
    middle = result.row(table["touchpoint"].iloc[0])["middle"]
    rows = table[table["signal"].isin(["above", "below"])]
    rows = rows.loc[(rows["shrunken"] - middle).abs().sort_values(ascending=False).index].head(8)
    if focus is not None:
        rows = pd.concat([table[table["unit"] == focus], rows[rows["unit"] != focus]])
    return rows["n"].to_numpy(dtype=float), rows["mean"].to_numpy(dtype=float), [_short(u) for u in rows["unit"]]


def _scale(result: "Benchmark", touchpoint: Any, language: str) -> str:
    name = result.label(touchpoint, language)
    name = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
    if result.kind == "means":
        return Words(f"{name} (mean score)", f"{name}（平均得分）")(language)
    if result.top == 1:
        return Words(f"{name} (share of cases)", f"{name}（比例）")(language)
    return Words(f"{name} (% of cases)", f"{name}（%）")(language)


def _whole_ticks(ax: "Axes", units: int) -> None:
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 10**9) if units <= 8 * s)
    ax.set_xticks([1, *range(2 if step == 1 else step, units + 1, step)])


def _mark(labels: Any, units: list[Any], focus: Any) -> None:
    for label, unit in zip(labels, units, strict=False):
        if focus is not None and unit == focus:
            label.set_color(style.FOCUS)


def _pointed(unit: Any, focus: Any) -> str:
    return f"▸ {_short(unit)}" if focus is not None and unit == focus else _short(unit)


def _short(unit: Any) -> str:
    text = str(unit)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _wrapped(text: str, width: int) -> str:
    """Break a name into lines: between words, and Chinese, which has no spaces and is twice as wide, anywhere."""
    text = text if len(text) <= 3 * _LONGEST else text[: 3 * _LONGEST - 1] + "…"
    if any(letter > "\u2e80" for letter in text):
        return "\n".join(textwrap.wrap(text, max(4, width // 2)))
    return "\n".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)) or text


def _folded(title: str, language: str) -> str:
    return "\n".join(textwrap.wrap(title, 44 if language == "zh" else 88))
