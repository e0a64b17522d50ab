"""What studies of lags say, in both languages."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch.language import Paragraph, Words, check, interval, number, percent
from cxresearch.loyalty.nouns import NAMES, digits, name, units
from cxresearch.loyalty.periods import Step
from cxresearch.loyalty.placebo import WARNING

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.loyalty.lag_results import Lags, PanelLags, SeriesLags

HEADINGS: Final[dict[str, Words]] = {
    "covariate": Words("covariate", "协变量"),
    "cumulative": Words("added up", "累计"),
    "cumulative_ci_high": Words("added up to", "累计上限"),
    "cumulative_ci_low": Words("added up from", "累计下限"),
    "difference": Words("difference", "差异"),
    "driver": Words("driver", "驱动因素"),
    "focus": Words("this one", "本单位"),
    "group": Words("group", "组"),
    "n": Words("rows", "行数"),
    "part": Words("part", "部分"),
    "rest": Words("all others", "其余"),
    "truth": Words("truth", "真值"),
    "units": Words("units", "单位数"),
}


def last_clear(table: "pd.DataFrame") -> int:
    """Return the last lag whose interval excludes zero; -1 if none does."""
    clear = table.loc[(table["ci_low"] > 0) | (table["ci_high"] < 0), "lag"]
    return int(clear.max()) if len(clear) else -1


def finding(result: "Lags", table: "pd.DataFrame", driver: str, language: str) -> str:
    """Say in one line what the effects by lag show."""
    last, cause, effect = last_clear(table), name(driver, language), name(result.outcome, language)
    if last < 0:
        return Words(f"No lag of {cause} stands clear of zero", f"{cause}的各滞后期均不能与零区分")(language)
    if last == 0:
        return Words(
            f"{_headline(driver)} shows in {effect} {same(result.step)}; later lags are not clear of zero",
            f"{cause}与{same(result.step, 'zh')}{effect}有关，此后各期的区间都含零",
        )(language)
    ago = result.step.length(last, language)
    return Words(f"{_headline(driver)} of {ago} ago still shows in {effect}", f"{ago}前的{cause}仍与{effect}有关")(
        language
    )


def finding_in_all(result: "Lags", table: "pd.DataFrame", driver: str, language: str) -> str:
    """Say in one line what the effects add up to."""
    end = table.iloc[-1]
    places = digits(table["cumulative"])
    over = result.step.length(result.lags + 1, language)
    cause, effect = name(driver, language), name(result.outcome, language)
    return Words(
        f"Over {over}, a point of {cause} adds up to {number(end['cumulative'], places)} of {effect}",
        f"{over}累计，{cause}每高 1 分对应{effect} {number(end['cumulative'], places)} 分",
    )(language)


def same(step: Step, language: str = "en") -> str:
    """Write "in the same period"."""
    if step.size > 1 and step.unit != "period":
        return Words("at the same time", "同期")(language)
    if step.unit == "day":
        return Words("on the same day", "当天")(language)
    zh = {"year": "当年", "quarter": "当季", "month": "当月", "week": "当周", "period": "当期"}
    return Words(f"in the same {step.unit}", zh[step.unit])(language)


def panel_text(result: "PanelLags", language: str, focus: Any) -> Paragraph:
    """Say what a panel shows; with `focus`, of that group first."""
    check(language)
    whom = units(result.sample.counts["units"], result.unit, language)
    everyone = [_driver_text(result, driver, language) for driver in result.drivers]
    first = [] if focus is None else _focus_text(result, focus, language)
    if focus is not None:
        everyone[0] = Words("All together: ", "全部合计：")(language) + everyone[0]
    base = Words(
        f"based on {number(result.sample.used, 0)} rows of {whom}; {percent(result.confidence)} intervals in brackets.",
        f"依据 {whom}的 {number(result.sample.used, 0)} 行数据；括号内为 {percent(result.confidence)} 区间。",
    )(language)
    warned = [WARNING(language)] if result.placebo is not None and result.placebo.fails else []
    return _paragraph([*warned, *first, *everyone, base], language)


def series_text(result: "SeriesLags", language: str) -> Paragraph:
    """Say what one series shows."""
    check(language)
    periods = Step(unit=result.step.unit).length(result.sample.used, language)
    base = Words(
        f"based on {periods}; {percent(result.confidence)} intervals in brackets.",
        f"依据 {periods}的数据；括号内为 {percent(result.confidence)} 区间。",
    )(language)
    return _paragraph([*(_driver_text(result, driver, language) for driver in result.drivers), base], language)


def _paragraph(sentences: list[str], language: str) -> Paragraph:
    if language == "zh":
        return Paragraph("".join(sentences))
    return Paragraph(" ".join(_capital(sentence) for sentence in sentences))


def _driver_text(result: "Lags", driver: str, language: str) -> str:
    """Say what a point of one driver goes with up to the last clear lag, and in all."""
    table = result.effects_of(driver)
    places, last = digits(table["estimate"]), last_clear(table)
    texts = [_at_once(result, table.iloc[0], driver, places, language)]
    reached = [(int(lag), value) for lag, value in zip(table["lag"], table["estimate"], strict=True) if 0 < lag <= last]
    shown = reached if len(reached) <= 6 else [*reached[:4], reached[-1]]
    texts += [
        Words(
            f"{_amount(value, places, 'en')} after {result.step.length(lag)}",
            f"{result.step.length(lag, 'zh')}后{_amount(value, places, 'zh')}",
        )(language)
        for lag, value in shown
    ]
    listed = Words(", ", "，")(language).join(texts)
    return listed + _how_far(result, last, language) + _in_all(result, table, language)


def _at_once(result: "Lags", row: "pd.Series", driver: str, places: int, language: str) -> str:
    """Say what a point of a driver goes with in the same period, with its interval."""
    cause, effect = name(driver, language), name(result.outcome, language)
    amount = _amount(row["estimate"], places, language)
    around = interval(row["ci_low"], row["ci_high"], language, places)
    return Words(
        f"one point more {cause} goes with {amount} {effect} {same(result.step)} ({around})",
        f"{cause}每高 1 分，{same(result.step, 'zh')}{effect}平均{amount}（{around}）",
    )(language)


def _how_far(result: "Lags", last: int, language: str) -> str:
    """End the list of lags: how far effects can be told from zero."""
    longest = result.step.length(result.lags, language)
    if result.lags == 0:
        return Words(".", "。")(language)
    if last < 0:
        return Words(
            f"; at no lag up to {longest} does the interval exclude zero.", f"；直到 {longest}后，各期区间都含零。"
        )(language)
    if last == result.lags:
        return Words(
            ", the longest lag looked at: effects may last longer.", "；这已是所考察的最长滞后期，影响可能更久。"
        )(language)
    return Words(
        ", the last whose interval excludes zero (a rough reading, not an estimate of how long effects last).",
        "，再往后区间都含零（这只是粗略读数，不等于影响持续的时间）。",
    )(language)


def _in_all(result: "Lags", table: "pd.DataFrame", language: str) -> str:
    if result.lags == 0:
        return ""
    end, places = table.iloc[-1], digits(table["cumulative"])
    over = result.step.length(result.lags + 1, language)
    total = _amount(end["cumulative"], places, language)
    within = interval(end["cumulative_ci_low"], end["cumulative_ci_high"], language, places)
    return Words(f" Over {over} it adds up to {total} ({within}).", f"{over}累计{total}（{within}）。")(language)


def _amount(value: float, places: int, language: str) -> str:
    """Write an effect with its direction: ``0.40 more``, ``高 0.40 分``."""
    size = number(abs(value), places)
    if np.isnan(value):
        return "–"
    if float(size.replace(",", "")) == 0:
        return Words("no more", "没有变化")(language)
    return Words(f"{size} {'more' if value > 0 else 'less'}", f"{'高' if value > 0 else '低'} {size} 分")(language)


def _focus_text(result: "PanelLags", focus: Any, language: str) -> list[str]:
    """Speak of one group, compared with all others."""
    why, both = result.why_not(focus), result.compare(focus)
    count = units(int(both["units"].iloc[0]), result.unit, language)
    if why is not None:
        return [
            Words(
                f"{focus} ({count}) cannot be judged by itself: {why('en')}.",
                f"{focus}（{count}）无法单独估计：{why('zh')}。",
            )(language)
        ]
    texts = [_focus_driver(result, both[both["driver"] == driver], driver, language) for driver in result.drivers]
    return [Words(f"{focus} ({count}): ", f"{focus}（{count}）：")(language) + texts[0], *texts[1:]]


def _focus_driver(result: "PanelLags", both: "pd.DataFrame", driver: str, language: str) -> str:
    own, rest, apart = (both[both["part"] == part].iloc[-1] for part in ("focus", "rest", "difference"))
    places = digits(both.loc[both["part"] == "focus", "cumulative"])
    start = _at_once(result, both.iloc[0], driver, places, language)
    if result.lags:
        over = result.step.length(result.lags + 1, language)
        total = _with_interval(own, places, language)
        start += Words(f"; over {over} it adds up to {total}", f"；{over}累计 {total}")(language)
    if np.isnan(rest["estimate"]):
        return start + Words(". There is no other group to compare it with.", "。没有其他组可供比较。")(language)
    clear = apart["cumulative_ci_low"] > 0 or apart["cumulative_ci_high"] < 0
    judged = Words(
        "which is more than chance explains" if clear else "which these data cannot tell from none",
        "超出偶然所能解释的范围" if clear else "现有数据不足以判断有无差异",
    )(language)
    others, gap = number(rest["cumulative"], places), _with_interval(apart, places, language)
    return start + Words(
        f", against {others} in all others. The difference is {gap}, {judged}.",
        f"，其余为 {others}。两者相差 {gap}，{judged}。",
    )(language)


def _with_interval(row: "pd.Series", places: int, language: str) -> str:
    around = interval(row["cumulative_ci_low"], row["cumulative_ci_high"], language, places)
    total = number(row["cumulative"], places)
    return Words(f"{total} ({around})", f"{total}（{around}）")(language)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _headline(column: str) -> str:
    """Begin a line with a column's name; the caller's own spelling is kept."""
    return _capital(NAMES[column].en) if column in NAMES else name(column, "en")
