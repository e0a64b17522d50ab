"""Drawings of retention economics: what keeping may cost, and what moves a customer's value."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import style
from cxresearch.language import Words, check, number, percent
from cxresearch.loyalty import economics_words as words
from cxresearch.loyalty.economics_headings import HEADINGS
from cxresearch.loyalty.lag_figures import fold

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cxresearch.loyalty.economics_results import RetentionValue

STEPS: Final = 41
"""Uplifts at which the curves are computed."""
TITLE: Final = 82
"""Letters of a title's line."""


def break_even_plot(result: "RetentionValue", language: str = "en", *, focus: Any = None) -> "Figure":
    """Draw what may be spent on keeping a customer, by how many more it keeps.

    Parameters
    ----------
    result : RetentionValue
        What `retention_value` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    focus : optional
        Group to mark beside all customers.
    """
    check(language)
    told, own = result.table, None
    if focus is not None and result.why_not(focus) is None:
        both = result.compare(focus)
        told = both[both["part"] == "focus"]
        own = result.break_even(_uplifts(result), focus=focus)
    curve = result.break_even(_uplifts(result))
    with style.figure(3.8) as (fig, ax):
        everyone = Words("most that pays", "仍划算的最高花费")
        _curve(ax, curve, color=style.ACCENT, label=everyone(language) if own is None else _all(everyone, language))
        if own is not None:
            _curve(ax, own, color=style.FOCUS, label=f"{focus}")
        line = curve if own is None else own
        if line["as_winning"].notna().all():
            label = Words("as dear as winning a new one", "与获得一名新客户一样贵")(language)
            ax.plot(100 * line["uplift"], line["as_winning"], "--", color=style.INK, linewidth=1.4, label=label)
        _programme(ax, result, language)
        ax.set_xlim(0, 100 * line["uplift"].iloc[-1])
        _heights(ax, [line for line in (curve, own) if line is not None], result)
        ax.set_xlabel(
            Words("more customers kept, of every 100, each period", "每期每 100 名客户多留住的人数")(language)
        )
        unit = result.currency or Words("money", "金额")(language)
        ax.set_ylabel(Words(f"{unit} {words.per(result.step)}", f"{words.per(result.step, 'zh')}（{unit}）")(language))
        title = words.finding(result, told, language)
        ax.set_title(fold(f"{focus}{Words(': ', '：')(language)}{title}" if own is not None else title, TITLE))
        fig.supxlabel(_base(result, language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
        fig.legend(loc="outside upper right", ncols=4, fontsize=8.5)
    return fig  # type: ignore[no-any-return]


def _uplifts(result: "RetentionValue") -> list[float]:
    """Return uplifts from 0 to three times the programme's, and never more than all leavers."""
    uplift = result.population.money.get("uplift")
    lost = 1 - float(result.row("retention")["estimate"])
    reach = 0.1 if uplift is None else max(2 * uplift.estimate, 1.25 * _ends(result)[1])
    return [float(uplift) for uplift in np.linspace(0, min(reach, max(lost, 0.01)), STEPS)]


def _ends(result: "RetentionValue") -> tuple[float, float]:
    """Return the interval of the uplift; the uplift itself twice where it has none."""
    uplift = result.population.money["uplift"]
    if uplift.quantile is None:
        return uplift.estimate, uplift.estimate
    low, high = uplift.quantile(np.array([1 - result.confidence, 1 + result.confidence]) / 2)
    return float(low), float(high)


def _curve(ax: "Axes", curve: "pd.DataFrame", *, color: str, label: str) -> None:
    x = 100 * curve["uplift"]
    ax.fill_between(x, curve["ci_low"], curve["ci_high"], color=color, alpha=0.2, linewidth=0)
    ax.plot(x, curve["estimate"], color=color, linewidth=1.8, label=label)


def _programme(ax: "Axes", result: "RetentionValue", language: str) -> None:
    if result.plan.programme_cost is None or "uplift" not in result.population.money:
        return
    low, high = _ends(result)
    at, spend = result.population.money["uplift"].estimate, result.plan.programme_cost
    ax.hlines(spend, 100 * low, 100 * high, color=style.INK, linewidth=2, alpha=0.55)
    label = Words("the programme", "该方案")(language)
    ax.plot([100 * at], [spend], "D", color=style.INK, markersize=6, label=label, zorder=5)


def _heights(ax: "Axes", curves: list["pd.DataFrame"], result: "RetentionValue") -> None:
    """Leave room above the lines; an upper limit far beyond them is cut off."""
    lines = np.concatenate([curve[["estimate", "as_winning"]].to_numpy().ravel() for curve in curves])
    limits = np.concatenate([curve["ci_high"].to_numpy() for curve in curves])
    lines, limits = lines[np.isfinite(lines)], limits[np.isfinite(limits)]
    spend = result.plan.programme_cost or 0.0
    top = max([spend, *lines, *np.minimum(limits, 2 * lines.max(initial=0))], default=1.0)
    ax.set_ylim(min(0.0, lines.min(initial=0)), 1.08 * top if top > 0 else 1.0)


def _all(label: Words, language: str) -> str:
    return Words(f"all: {label('en')}", f"全部：{label('zh')}")(language)


def _base(result: "RetentionValue", language: str) -> str:
    level = percent(result.confidence)
    band = Words(f"the band is the {level} interval", f"色带为 {level} 区间")
    at_risk = int(result.row("retention")["n"])
    if not at_risk:
        return Words(f"retention given, not estimated; {band('en')}", f"留存率为给定值；{band('zh')}")(language)
    n = number(at_risk, 0)
    return Words(f"n = {n} customer periods; {band('en')}", f"n = {n} 个客户期次；{band('zh')}")(language)


def sensitivity_plot(result: "RetentionValue", language: str = "en", *, quantity: str = "lifetime_value") -> "Figure":
    """Draw how far each input moves a quantity, widest first.

    Parameters
    ----------
    result : RetentionValue
        What `retention_value` answered with.
    language : {"en", "zh"}
        Language of titles and labels.
    quantity : str
        A row of the table.
    """
    check(language)
    moved = result.sensitivity(quantity)
    known = np.isfinite(moved[["at_low", "at_high"]].to_numpy(dtype=float)).all(axis=1)
    moved = moved.loc[known].iloc[::-1].reset_index(drop=True)
    best = float(result.row(quantity)["estimate"])
    with style.figure(1.3 + 0.5 * max(len(moved), 1)) as (fig, ax):
        place = np.arange(len(moved))
        for ends, value, color in (("low", "at_low", style.MUTED), ("high", "at_high", style.ACCENT)):
            which = Words(f"{ends}er end" if ends == "low" else "upper end", "下限" if ends == "low" else "上限")
            ax.barh(place, moved[value] - best, left=best, height=0.55, color=color, label=which(language))
        ax.axvline(best, color=style.INK, linewidth=1)
        ax.set_yticks(place, [_moved(row, language) for _, row in moved.iterrows()])
        ax.grid(visible=False, axis="y")
        unit = result.currency or Words("money", "金额")(language)
        name = HEADINGS[quantity]
        ax.set_xlabel(Words(f"{name('en')} ({unit})", f"{name('zh')}（{unit}）")(language))
        if len(moved):
            most = HEADINGS[moved["input"].iloc[-1]]
            what = name("en").split(",")[0].capitalize()  # per whom stands on the axis
            title = Words(f"{what} depends most on: {most('en')}", f"{most('zh')}对{name('zh')}影响最大")
            ax.set_title(fold(title(language), TITLE))
        note = Words(
            "each input moved alone: to the ends of its interval, or by 20 % where none is known",
            "每次只变动一项：取其区间两端；没有区间的上下各变动 20%",
        )
        fig.supxlabel(note(language), fontsize=8, color=style.MUTED, x=0.01, ha="left")
        fig.legend(loc="outside upper right", ncols=2, fontsize=8.5)
    return fig  # type: ignore[no-any-return]


def _moved(row: "pd.Series", language: str) -> str:
    """Name an input and where it was moved to."""
    short = {
        "cost_to_keep": Words("cost to keep", "维系成本"),
        "cost_to_win": Words("cost to win", "获客成本"),
        "discount": Words("interest", "贴现率"),
        "margin": Words("margin", "毛利"),
        "programme_cost": Words("programme's cost", "方案成本"),
        "ratio": Words("assumed cost ratio", "假定的成本倍数"),
        "retention": Words("retention", "留存率"),
        "uplift": Words("uplift", "留存率提升"),
    }[row["input"]](language)
    if row["input"] in ("retention", "uplift", "discount"):
        ends = [percent(row[end], 1) for end in ("low", "high")]
    else:
        decimals = words.places(max(row["low"], row["high"], key=abs))
        ends = [number(row[end], decimals) for end in ("low", "high")]
    return f"{short}\n{ends[0]} – {ends[1]}"
