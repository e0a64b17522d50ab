"""Drawings of the mystery-shopping studies."""

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cxresearch import style
from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cxresearch.mystery_shopping.agreement_results import AgreementResult
    from cxresearch.mystery_shopping.icc_results import IccResult

MOST_TARGETS: Final = 16
"""Targets drawn at most: with more, the highest, the lowest and the one in focus."""

_ENDS: Final = ("estimate", "ci_low", "ci_high")
_BANDS: Final = ((0.0, 0.5), (0.5, 0.75), (0.75, 0.9), (0.9, 1.0))
_BAND_NAMES: Final = (Words("poor", "差"), Words("moderate", "中等"), Words("good", "良好"), Words("excellent", "优秀"))


def scores(result: "AgreementResult", language: str, focus: Any) -> "Axes":
    """Draw every rater's score of every target: highest mean on top, or, without an order, most agreement on top."""
    check(language)
    named = None if focus is None else words.find(result.targets, result.names[0], focus).target
    ordered = result.level != "nominal"
    order = _order(result.targets, "mean" if ordered else "agreement", named)
    height = {target: len(order) - 1 - i for i, target in enumerate(order["target"])}
    dots = result.ratings[result.ratings["target"].isin(height)]
    dots = dots.groupby(["target", "place"], observed=True, sort=False).size().reset_index(name="raters")
    with style.figure(1.6 + 0.21 * max(len(order), 5)) as (fig, ax):
        rows = dots["target"].map(height)
        colors = [style.FOCUS if target == named else style.ACCENT for target in dots["target"]]
        area = min(26.0, 160 / dots["raters"].max())  # the largest dot fills its row
        ax.scatter(dots["place"], rows, s=area * dots["raters"], c=colors, alpha=0.55, linewidths=0)
        ax.plot([], [], "o", color=style.ACCENT, alpha=0.55, markersize=6, markeredgewidth=0, label=_DOT(language))
        if ordered:
            places = [height[target] for target in order["target"]]
            ax.plot(
                order["mean"], places, "|", color=style.INK, markersize=11, markeredgewidth=2, label=_MEAN(language)
            )
        _label_rows(ax, order, height, named)
        ax.set_ylabel(_rows_named(result.names[0], len(order), len(result.targets))(language))
        _label_scores(ax, result, language)
        ax.set_title(_title(result, language), linespacing=1.45)
        fig.legend(loc="outside lower left", ncols=2)
    return _axes(ax)


_DOT: Final = Words("scores (larger: several raters gave the same)", "评分（点越大，给同一分数的人越多）")
_MEAN: Final = Words("mean", "均值")


def _order(targets: pd.DataFrame, by: str, named: Any) -> pd.DataFrame:
    """Sort targets, highest first, and keep both ends and the one in focus if they are too many to read."""
    ordered = targets.sort_values(by, ascending=False, kind="stable", na_position="last")
    if len(ordered) <= MOST_TARGETS:
        return ordered
    ends = [*range(MOST_TARGETS // 2), *range(len(ordered) - MOST_TARGETS // 2, len(ordered))]
    kept = ordered.iloc[ends]
    if named is not None and named not in set(kept["target"]):
        middle = MOST_TARGETS // 2
        chosen = ordered[ordered["target"] == named]
        kept = pd.concat([kept.iloc[: middle - 1], chosen, kept.iloc[middle:]])
    return kept


def _label_rows(ax: "Axes", order: pd.DataFrame, height: dict[Any, int], named: Any) -> None:
    ax.set_yticks([height[target] for target in order["target"]], [_short(target) for target in order["target"]])
    ax.set_ylim(-0.7, len(order) - 0.3)
    ax.grid(axis="x", visible=False)
    if named is not None:
        ax.axhspan(height[named] - 0.45, height[named] + 0.45, color=style.FOCUS, alpha=0.1, linewidth=0)
        ax.get_yticklabels()[list(order["target"]).index(named)].set_color(style.FOCUS)


def _label_scores(ax: "Axes", result: "AgreementResult", language: str) -> None:
    name, categories = _short(result.names[2], 40), result.categories
    if result.level == "nominal" or not all(isinstance(score, int | float) for score in categories):
        ax.set_xticks(range(1, len(categories) + 1), [_short(score) for score in categories])
        ax.set_xlim(0.5, len(categories) + 0.5)
        ax.set_xlabel(name)
        return
    ax.set_xlabel(Words(f"{name} (points)", f"{name}（分）")(language))
    if len(categories) <= 11:
        ax.set_xticks(list(categories))


def _title(result: "AgreementResult", language: str) -> str:
    """Say the finding, and below it the number it rests on."""
    alpha = result.row("krippendorff")
    finding = words.capital(words.VERDICTS[result.verdict](language))
    ends = interval(alpha.ci_low, alpha.ci_high, language)
    between = "" if math.isnan(alpha.ci_low) else f" ({percent(result.confidence)}: {ends})"
    size = [number(n, 0) for n in (alpha.n, len(result.raters))]
    rests = Words(
        f"Krippendorff's alpha {number(alpha.estimate)}{between}, {size[0]} targets, {size[1]} raters",
        f"克里彭多夫 α {number(alpha.estimate)}{between}，{size[0]} 个对象，{size[1]} 名评分者",
    )
    return f"{finding}\n{rests(language)}"


def _rows_named(name: str, shown: int, targets: int) -> Words:
    name = _short(name)
    if shown == targets:
        return Words(name, name)
    of = number(targets, 0)
    return Words(f"{name}: both ends, {shown} of {of}", f"{name}（{of} 个中首尾 {shown} 个）")


def coefficients(result: "AgreementResult", language: str) -> "Axes":
    """Draw the coefficients with their intervals, and the rule of thumb."""
    from cxresearch.mystery_shopping.agreement_results import RELIABLE, TENTATIVE

    check(language)
    table = result.table
    places = np.arange(len(table))[::-1]
    with style.figure(1.5 + 0.3 * len(table)) as (_, ax):
        for line, said in ((TENTATIVE, "0.67"), (RELIABLE, "0.80")):
            ax.axvline(line, color=style.MUTED, linewidth=1, linestyle="--")
            ax.annotate(
                said,
                (line, 1),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="bottom",
                fontsize=8,
                color=style.MUTED,
            )
        for by_chance, color in ((True, style.ACCENT), (False, style.MUTED)):
            part = (table["coefficient"] != "percent").to_numpy() == by_chance
            rows = table[part]
            style.interval_plot(ax, places[part], *(rows[c].to_numpy() for c in _ENDS), color=color, vertical=False)
        ax.set_yticks(places, [words.COEFFICIENTS[name](language) for name in table["coefficient"]])
        ax.set_ylim(-0.7, len(table) - 0.3)
        ax.grid(axis="y", visible=False)
        ends = table[["estimate", "ci_low"]].min().min()
        ax.set_xlim(min(0.0, 0.0 if math.isnan(ends) else ends) - 0.03, 1.03)
        ax.set_xlabel(_AGREEMENT(language))
        ax.set_title(f"{_coefficient_title(table, language)}\n{_size(result)(language)}", pad=20, linespacing=1.45)
    return _axes(ax)


_AGREEMENT: Final = Words(
    "agreement: 1 is full, 0 is chance (percent: none); dashed: rule of thumb",
    "一致程度：1 为完全一致，0 为随机水平（百分比则为毫无一致）；虚线为经验界限",
)


def _size(result: "AgreementResult") -> Words:
    targets, raters, level = len(result.targets), len(result.raters), percent(result.confidence)
    return Words(
        f"{number(targets, 0)} targets, {number(raters, 0)} raters, {level} intervals",
        f"{number(targets, 0)} 个对象，{number(raters, 0)} 名评分者，{level} 置信区间",
    )


def _coefficient_title(table: pd.DataFrame, language: str) -> str:
    known = table.loc[table["coefficient"] != "percent", "estimate"].dropna()
    if known.empty:
        return Words("No agreement beyond chance can be computed", "无法计算剔除随机因素后的一致程度")(language)
    low, high = number(known.min()), number(known.max())
    if low == high:
        return Words(f"Agreement beyond chance is {low}", f"剔除随机因素后的一致程度为 {low}")(language)
    return Words(
        f"Beyond chance {low} to {high}, depending on what counts as chance",
        f"剔除随机因素后的一致程度为 {low} 至 {high}，取决于何为“随机”",
    )(language)


def icc_forms(result: "IccResult", language: str) -> "Axes":
    """Draw the six forms with their intervals on the bands of the rule of thumb."""
    check(language)
    table = result.table
    places = np.arange(len(table))[::-1]
    lowest = np.nanmin([0.0, *table["estimate"], *table["ci_low"]])
    left = max(float(lowest), -1.0) - 0.03
    with style.figure(3.4) as (_, ax):
        for (low, high), name, shade in zip(_BANDS, _BAND_NAMES, (0.0, 0.05, 0.1, 0.16), strict=True):
            ax.axvspan(low, high, color=style.ACCENT, alpha=shade, linewidth=0)
            ax.annotate(
                name(language), ((low + high) / 2, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom",
                fontsize=8, color=style.MUTED,
            )  # fmt: skip
        style.interval_plot(ax, places, *(table[c].to_numpy() for c in _ENDS), vertical=False)
        ax.set_yticks(places, [form.replace("k)", f"{_raters(result.k)})") for form in table["form"]])
        ax.set_ylim(-0.6, len(table) - 0.4)
        ax.grid(axis="y", visible=False)
        ax.set_xlim(left, 1.03)
        ax.set_xlabel(_RELIABILITY(language))
        ax.set_title(_icc_title(result, language), pad=20, linespacing=1.45)
    return _axes(ax)


_RELIABILITY: Final = Words(
    "reliability; bands: a rule of thumb (Koo & Li 2016)", "信度；底色为经验分级（Koo 与 Li，2016）"
)


def _icc_title(result: "IccResult", language: str) -> str:
    one, mean = (number(result.row(f"ICC({result.leading},{k})").estimate) for k in "1k")
    n, level, k = len(result.targets), percent(result.confidence), _raters(result.k)
    return Words(
        f"Reliability is {one} for one rater's score and {mean} for the mean of {k}\n{n} targets, {level} intervals",
        f"单个评分者的信度为 {one}，{k} 名评分者均值的信度为 {mean}\n{n} 个对象，{level} 置信区间",
    )(language)


def _raters(k: float) -> str:
    return number(k, 0 if float(k).is_integer() else 1)


def _short(label: Any, most: int = 18) -> str:
    text = str(label)
    return text if len(text) <= most else text[: most - 1] + "…"


def _axes(ax: Any) -> "Axes":
    axes: Axes = ax
    return axes
