"""What a study of mediation says, in both languages."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch.language import Paragraph, Words, check, interval, number, percent
from cxresearch.loyalty import nouns
from cxresearch.loyalty.economics_words import Row, closed, places, records

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.loyalty.mediation import Mediation

HEADINGS: Final[dict[str, Words]] = {
    "a": Words("service → loyalty", "服务 → 忠诚度"),
    "b": Words("loyalty → profit, service equal", "忠诚度 → 利润（服务相同）"),
    "difference": Words("difference", "差异"),
    "direct": Words("service → profit, loyalty equal (direct)", "服务 → 利润（忠诚度相同，直接）"),
    "focus": Words("this one", "本单位"),
    "indirect": Words("through loyalty (indirect)", "经由忠诚度（间接）"),
    "n": Words("rows", "行数"),
    "part": Words("part", "部分"),
    "path": Words("path", "路径"),
    "rest": Words("all others", "其余"),
    "share_mediated": Words("share through loyalty", "经由忠诚度的比例"),
    "total": Words("service → profit (total)", "服务 → 利润（合计）"),
    "truth": Words("truth", "真值"),
}

NAMES: Final[dict[str, Words]] = {
    "margin": Words("margin", "毛利"),
    "profit": Words("profit", "利润"),
    "service": Words("service", "服务"),
}
"""Column names of the project's own data, beside those of `words.NAMES`."""


def name(column: str, language: str) -> str:
    """Return how a column is called in a sentence."""
    return NAMES[column](language) if column in NAMES else nouns.name(column, language)


def mediation_text(result: "Mediation", language: str, focus: Any) -> Paragraph:
    """Say what a point of service goes with, in loyalty and in profit."""
    check(language)
    told = _told(result, result.table, language)
    if focus is not None:
        told[0] = Words("All together: ", "全部合计：")(language) + told[0]
        told = [*_focus(result, focus, language), *told]
    n, level = number(result.sample.used, 0), percent(result.confidence)
    of = Words("", "")
    if result.cluster:
        count = result.sample.counts["units"]
        of = Words(f" of {nouns.units(count, result.cluster, 'en')}", f"（{nouns.units(count, result.cluster, 'zh')}）")
    base = Words(
        f"based on {n} rows{of('en')}; {level} intervals in brackets.",
        f"依据 {n} 行数据{of('zh')}；括号内为 {level} 区间。",
    )(language)
    if language == "zh":
        return Paragraph(closed("".join([*told, base])))
    return Paragraph(" ".join(text[:1].upper() + text[1:] for text in [*told, base]))


def _told(result: "Mediation", table: "pd.DataFrame", language: str) -> list[str]:
    """Say both steps, then what they add up to."""
    rows = records(table, "path")
    service, loyalty, profit = (name(column, language) for column in (result.service, result.loyalty, result.profit))
    a = _amount(rows["a"], loyalty, language)
    b, total = (_amount(rows[path], profit, language) for path in ("b", "total"))
    through = _plain(rows["indirect"], language)
    steps = Words(
        f"one point more {service} goes with {a}; one point more {loyalty}, at equal {service}, with {b}.",
        f"{service}每高 1 分，{a}；{service}相同时，{loyalty}每高 1 分，{b}。",
    )(language)
    share = rows.get("share_mediated")
    part = Words("", "")
    if share is not None and np.isfinite(share["estimate"]):
        around = [interval(100 * share["ci_low"], 100 * share["ci_high"], tongue, 0) for tongue in ("en", "zh")]
        size = percent(share["estimate"])
        part = Words(f": {size} ({around[0]})", f"，占 {size}（{around[1]}）")
    sums = Words(
        f"in all, a point of {service} goes with {total}, of which {through} run through {loyalty}{part('en')}.",
        f"合计起来，{service}每高 1 分，{total}，其中经由{loyalty} {through}{part('zh')}。",
    )(language)
    return [steps, sums + _clear(rows["indirect"], loyalty, language)]


def _clear(row: Row, loyalty: str, language: str) -> str:
    if row["ci_low"] > 0 or row["ci_high"] < 0:
        return ""
    return Words(
        f" Whether anything runs through {loyalty} cannot be told from these data.",
        f"现有数据不足以判断是否有影响经由{loyalty}。",
    )(language)


def _focus(result: "Mediation", focus: Any, language: str) -> list[str]:
    why = result.why_not(focus)
    if why is not None:
        return [
            Words(f"{focus} cannot be judged by itself: {why('en')}.", f"{focus}无法单独估计：{why('zh')}。")(language)
        ]
    both = result.compare(focus)
    own = both[both["part"] == "focus"]
    told = _told(result, own, language)
    told[0] = Words(f"{focus}: ", f"{focus}：")(language) + told[0]
    apart = records(both[both["part"] == "difference"], "path")
    if not apart:
        return [*told, Words("There is no other group to compare it with.", "没有其他组可供比较。")(language)]
    gap = apart["indirect"]
    clear = gap["ci_low"] > 0 or gap["ci_high"] < 0
    judged = Words(
        "more than chance explains" if clear else "which these data cannot tell from none",
        "超出偶然所能解释的范围" if clear else "现有数据不足以判断有无差异",
    )(language)
    loyalty, size = name(result.loyalty, language), _plain(gap, language)
    return [
        *told,
        Words(
            f"through {loyalty}, it differs from all others by {size}, {judged}.",
            f"经由{loyalty}的部分与其余各组相差 {size}，{judged}。",
        )(language),
    ]


def decimals(row: Row) -> int:
    """Return the decimals that suit an effect and its interval."""
    return places(max(abs(row[name]) for name in ("estimate", "ci_low", "ci_high")))


def _amount(row: Row, what: str, language: str) -> str:
    """Write an effect with its direction: ``0.40 more loyalty (0.31 to 0.49)``, ``忠诚度高 0.40（0.31 至 0.49）``."""
    shown = decimals(row)
    around = interval(row["ci_low"], row["ci_high"], language, shown)
    size, more = number(abs(row["estimate"]), shown), row["estimate"] >= 0
    return Words(
        f"{size} {'more' if more else 'less'} {what} ({around})", f"{what}{'高' if more else '低'} {size}（{around}）"
    )(language)


def _plain(row: Row, language: str) -> str:
    shown = decimals(row)
    around = interval(row["ci_low"], row["ci_high"], language, shown)
    size = number(row["estimate"], shown)
    return Words(f"{size} ({around})", f"{size}（{around}）")(language)


def finding(result: "Mediation", table: "pd.DataFrame", language: str) -> str:
    """Say in one line what the figure shows."""
    rows = records(table, "path")
    service, loyalty, profit = (name(column, language) for column in (result.service, result.loyalty, result.profit))
    row = rows["indirect"]
    if not (row["ci_low"] > 0 or row["ci_high"] < 0):
        return Words(
            f"Whether {service} works on {profit} through {loyalty} cannot be told",
            f"{service}是否经由{loyalty}影响{profit}，尚难判断",
        )(language)
    size = number(row["estimate"], decimals(row))
    return Words(
        f"A point of {service} goes with {size} of {profit} through {loyalty}",
        f"{service}每高 1 分，经由{loyalty}对应{profit} {size}",
    )(language)
