"""What retention economics says, in both languages."""

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch.language import Paragraph, Readable, Words, check, interval, number, percent
from cxresearch.loyalty.nouns import digits, units
from cxresearch.loyalty.periods import WORDS, Step

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.loyalty.economics_results import RetentionValue

Row = dict[str, Any]
Rows = dict[str, Row]


def records(table: "pd.DataFrame", key: str) -> Rows:
    """Return a table's rows by the values of a column."""
    rows: Any = table.set_index(key).to_dict("index")
    return rows  # type: ignore[no-any-return]


def each(step: Step, language: str = "en") -> str:
    """Write "a year", "every 2 years", "每年"."""
    many = step.size if step.unit != "period" else 1
    if language == "zh":
        return f"每 {step.length(1, 'zh')}" if many > 1 else f"每{WORDS[step.unit][0]('zh').removeprefix('个')}"
    return f"every {step.length(1)}" if many > 1 else f"a {step.unit}"


def per(step: Step, language: str = "en") -> str:
    """Write "per customer and year", "每客每年"."""
    if language == "zh":
        return f"每客{each(step, 'zh')}"
    return f"per customer and {step.unit if step.size == 1 or step.unit == 'period' else step.length(1)}"


def periods(value: float, step: Step, language: str) -> str:
    """Write a number of periods as a length: ``6.7 years``."""
    many = step.size if step.unit != "period" else 1
    places = 1 if value * many < 100 else 0
    return f"{number(value * many, places)} {WORDS[step.unit][1](language)}"


def places(value: float) -> int:
    """Return the decimals of an amount of money that has an interval."""
    if not np.isfinite(value) or abs(value) >= 100:
        return 0
    return 1 if abs(value) >= 10 else digits([value])


def amount(value: float, result: "RetentionValue", *, exact: bool = False) -> str:
    """Write money, with the currency if there is one; `exact` for numbers someone stated, which keep their decimals."""
    decimals = places(value)
    if exact and np.isfinite(value):
        decimals = next((d for d in range(5) if round(value, d) == value), decimals)
    text = number(value, decimals)
    return f"{text} {result.currency}" if result.currency and np.isfinite(value) else text


def readable(
    result: "RetentionValue", language: str, digits: int, focus: Any, truth: "RetentionValue | None"
) -> Readable:
    """Lay the table out for reading: each quantity with the decimals that suit what it is measured in."""
    table = result.table if focus is None else result.compare(focus)
    if truth is not None and focus is None:
        known = truth.table.set_index("quantity")["estimate"]
        table = table.copy()
        table.insert(2, "truth", [float(known.get(name, np.nan)) for name in table["quantity"]])
    shown = Readable(table, language, digits, result.headings)
    largest = table["estimate"].abs().groupby(table["quantity"]).max()  # a difference has the decimals of its parts
    fixed = {"share": digits, "points": digits + 1}
    decimals = [
        places(float(largest[name])) + 1 if measure == "money" else fixed.get(measure, 2)
        for name, measure in zip(table["quantity"], table["measure"], strict=True)
    ]
    for at, name in enumerate(table.columns):
        if name in ("truth", "estimate", "se", "ci_low", "ci_high"):
            cells = [number(value, d) for value, d in zip(table[name], decimals, strict=True)]
            shown.frame.isetitem(at, cells)
    return shown


def value_text(result: "RetentionValue", language: str, focus: Any) -> Paragraph:
    """Say how many stay, what a customer is worth, and what keeping one may cost."""
    check(language)
    if focus is None:
        return _paragraph([*_told(result, result.table, language), _base(result, language)], language)
    why = result.why_not(focus)
    if why is not None:
        first = [
            Words(f"{focus} cannot be judged by itself: {why('en')}.", f"{focus}无法单独估计：{why('zh')}。")(language)
        ]
    else:
        both = result.compare(focus)
        first = [*_told(result, both[both["part"] == "focus"], language), _apart(both, result, language)]
        first[0] = Words(f"{focus}: ", f"{focus}：")(language) + first[0]
    everyone = _told(result, result.table, language)[:2]
    everyone[0] = Words("All together: ", "全部合计：")(language) + everyone[0]
    return _paragraph([*first, *everyone, _base(result, language)], language)


def _told(result: "RetentionValue", table: "pd.DataFrame", language: str) -> list[str]:
    rows = records(table, "quantity")
    sentences = [_worth(result, rows, language), _stay(result, rows, language)]
    if "break_even_spend" in rows:
        sentences.append(_programme(result, rows, language))
    if "cost_to_win" in rows:
        sentences.append(_winning(result, rows, language))
    return sentences


def _stay(result: "RetentionValue", rows: Rows, language: str) -> str:
    rate, stay = rows["retention"], rows["expected_periods"]
    places = 1 if rate["ci_high"] - rate["ci_low"] < 0.05 or rate["estimate"] > 0.95 else 0
    share = number(100 * rate["estimate"], places)
    around = _around(100 * rate["ci_low"], 100 * rate["ci_high"], language, places)
    later = result.step.length(1, language)
    start = Words(
        f"of every 100 customers, {share} are still there {later} later{around}",
        f"每 100 名客户中，{later}后仍有 {share} 名留下{around}",
    )(language)
    if np.isinf(stay["estimate"]):
        least = periods(stay["ci_low"], result.step, language)
        bound = Words(f", so that customers stay for {least} at the least", f"，平均至少留存 {least}")(language)
        return start + (bound if np.isfinite(stay["ci_low"]) else "") + Words(".", "。")(language)
    many = result.step.size if result.step.unit != "period" else 1
    around = _around(stay["ci_low"] * many, stay["ci_high"] * many, language, 1 if stay["estimate"] < 100 else 0)
    length = periods(stay["estimate"], result.step, language)
    return start + Words(
        f"; one stays for {length} on average, the current {result.step.unit} included{around}.",
        f"；连当期在内，平均留存 {length}{around}。",
    )(language)


def _worth(result: "RetentionValue", rows: Rows, language: str) -> str:
    worth, each_period = rows["lifetime_value"], each(result.step, language)
    rate = percent(result.plan.discount, 0 if round(100 * result.plan.discount, 6).is_integer() else 1)
    earned, spent = (
        amount(rows[name]["estimate"], result, exact=rows[name]["basis"] == "given") if name in rows else ""
        for name in ("margin", "cost_to_keep")
    )
    kept = Words(f", {spent} spent on keeping", f"、维系支出 {spent}")(language) if spent else ""
    value = amount(worth["estimate"], result) + _money_around(worth, language)
    start = Words(
        f"a customer is worth {value}, with {earned} earned {each_period}{kept} and interest at {rate}",
        f"一名客户价值 {value}：{each_period}毛利 {earned}{kept}，贴现率 {rate}",
    )(language)
    point = rows["value_of_one_point"]
    if not np.isfinite(point["estimate"]) or "break_even_spend" in rows:  # a programme's own points say it better
        return start + Words(".", "。")(language)
    gain, more = amount(point["estimate"], result) + _money_around(point, language), point["estimate"] >= 0
    return start + Words(
        f"; keeping one more of every 100 each time would {'add' if more else 'change that by'} {gain}.",
        f"；{each_period}每 100 名多留住 1 名，价值{'增加' if more else '变动'} {gain}。",
    )(language)


def _programme(result: "RetentionValue", rows: Rows, language: str) -> str:
    """Say what a programme may cost, and whether it pays."""
    largest, spend = rows["break_even_spend"], result.plan.programme_cost
    if not largest["estimate"] > 0:
        return Words(
            "keeping more of them does not pay at any price, since a customer costs as much as it earns or more.",
            "客户的支出不低于毛利，再便宜的挽留方案也不划算。",
        )(language)
    more = points(result.population.money["uplift"].estimate)
    most = amount(largest["estimate"], result) + _money_around(largest, language)
    whom = per(result.step, language)
    start = Words(
        f"keeping {more} more of every 100 pays as long as it costs at most {most} {whom}",
        f"每 100 名客户多留住 {more} 名，{whom}花费不超过 {most} 才划算",
    )(language)
    if spend is None:
        return start + Words(".", "。")(language)
    cost = amount(spend, result, exact=True)
    return start + {
        True: Words(f"; at {cost} the programme pays.", f"；方案花费 {cost}，划算。"),
        False: Words(f"; at {cost} the programme does not pay.", f"；方案花费 {cost}，不划算。"),
        None: Words(
            f"; at {cost} these data cannot tell whether the programme pays.",
            f"；方案花费 {cost}，现有数据不足以判断是否划算。",
        ),
    }[pays(result, largest)](language)


def pays(result: "RetentionValue", largest: Row) -> bool | None:
    """Tell whether the programme costs less than the largest spend that pays; None where the interval holds both."""
    spend = result.plan.programme_cost
    low, high = largest["ci_low"], largest["ci_high"]
    if np.isnan(low):
        low = high = largest["estimate"]
    if spend is None or low <= spend <= high:
        return None
    return bool(spend < low)


def _winning(result: "RetentionValue", rows: Rows, language: str) -> str:
    """Say what winning costs against keeping, and which is cheaper."""
    told = _cost_of_winning(result, rows, language)
    if "cost_per_save" not in rows:
        return told + _worth_winning(rows, language)
    save = amount(rows["cost_per_save"]["estimate"], result)
    verdict = {
        True: Words("keeping is the cheaper way", "维系更省钱"),
        False: Words("winning is the cheaper way", "获客更省钱"),
        None: Words("these data cannot tell which is cheaper", "现有数据不足以判断哪个更省钱"),
    }[keeping_is_cheaper(rows)]
    around = _money_around(rows["cost_per_save"], language)
    return told + Words(
        f". The programme spends {save}{around} for each customer it saves: {verdict('en')}.",
        f"。方案每挽留一名客户要花 {save}{around}：{verdict('zh')}。",
    )(language)


def _cost_of_winning(result: "RetentionValue", rows: Rows, language: str) -> str:
    win = rows["cost_to_win"]
    cost = amount(win["estimate"], result, exact=win["basis"] == "given")
    if result.plan.assumed:
        times = f"{result.plan.ratio:g}"
        return Words(
            f"what winning one costs was not measured; at {times} times the cost of keeping it is {cost}",
            f"获客成本没有实测数据；按维系成本的 {times} 倍计，为 {cost}",
        )(language)
    ratio = rows.get("cost_ratio")
    if ratio is None or not np.isfinite(ratio["estimate"]):
        return Words(f"winning one costs {cost}", f"获得一名新客户花费 {cost}")(language)
    around = _around(ratio["ci_low"], ratio["ci_high"], language, 1)
    times, each_period = number(ratio["estimate"], 1), each(result.step, language)
    return Words(
        f"winning one costs {cost}, {times} times what keeping one costs {each_period}{around}",
        f"获得一名新客户花费 {cost}，是{each_period}维系成本的 {times} 倍{around}",
    )(language)


def _worth_winning(rows: Rows, language: str) -> str:
    gain = rows["net_value_of_winning"]["estimate"]
    if gain >= 0:
        return Words(", less than a customer is worth.", "，低于一名客户的价值。")(language)
    return Words(", more than a customer is worth.", "，高于一名客户的价值。")(language)


def keeping_is_cheaper(rows: Rows) -> bool | None:
    """Tell whether a customer saved costs less than one won; None where the interval holds both."""
    row = rows["advantage_of_keeping"]
    low, high = row["ci_low"], row["ci_high"]
    if np.isnan(low):
        low = high = row["estimate"]
    if low > 0:
        return True
    return False if high < 0 else None


def _apart(both: "pd.DataFrame", result: "RetentionValue", language: str) -> str:
    """Say how a group differs from the rest."""
    rows = records(both[both["quantity"] == "retention"], "part")
    if "difference" not in rows:
        return Words("There is no other group to compare it with.", "没有其他组可供比较。")(language)
    rest, gap = rows["rest"], rows["difference"]
    if result.population.retention[0].basis != "data":
        return Words("Its retention was given, the same for all.", "留存率为给定值，各组相同。")(language)
    clear = gap["ci_low"] > 0 or gap["ci_high"] < 0
    judged = Words(
        "more than chance explains" if clear else "which these data cannot tell from none",
        "超出偶然所能解释的范围" if clear else "现有数据不足以判断有无差异",
    )(language)
    others, size = number(100 * rest["estimate"], 1), number(100 * gap["estimate"], 1)
    around = _around(100 * gap["ci_low"], 100 * gap["ci_high"], language, 1)
    return Words(
        f"in all others {others} of 100 stay; the difference is {size} points{around}, {judged}.",
        f"其余各组每 100 名留下 {others} 名，相差 {size} 个百分点{around}，{judged}。",
    )(language)


def _base(result: "RetentionValue", language: str) -> str:
    level = percent(result.confidence)
    brackets = Words(f"{level} intervals in brackets.", f"括号内为 {level} 区间。")(language)
    ledger = result.ledger
    if ledger is None or result.population.retention[0].basis != "data":
        told = Words("retention was given, not estimated; ", "留存率为给定值，并非估计；")(language) + brackets
        arithmetic = Words(
            "every number was given without an interval: this is arithmetic, not evidence.",
            "所有数字均为给定且不带区间：这只是算术推导，不是证据。",
        )(language)
        return arithmetic if result.table["ci_low"].isna().all() else told
    rows, gone = number(ledger.customers.sum(), 0), number(ledger.left.sum(), 0)
    of = Words("", "")
    if result.unit:
        count = result.sample.counts["units"]
        of = Words(f" of {units(count, result.unit, 'en')}", f"（{units(count, result.unit, 'zh')}）")
    length = WORDS[result.step.unit][1]("en") if result.step.size == 1 else "periods"
    start = Words(
        f"based on {rows} customer {length}{of('en')}, in which {gone} left; ",
        f"依据 {rows} 个客户期次{of('zh')}，其中 {gone} 名流失；",
    )(language)
    return start + brackets


def points(uplift: float) -> str:
    """Write an uplift as customers of every 100."""
    value = 100 * uplift
    return number(value, 0 if abs(value - round(value)) < 1e-9 else 1 if value >= 1 else 2)


def _around(low: float, high: float, language: str, places: int) -> str:
    """Write an interval in brackets, or nothing where there is none."""
    if np.isnan(low) or np.isnan(high):
        return ""
    return Words(f" ({interval(low, high, 'en', places)})", f"（{interval(low, high, 'zh', places)}）")(language)


def _money_around(row: Row, language: str) -> str:
    return _around(row["ci_low"], row["ci_high"], language, places(row["estimate"]))


def closed(text: str) -> str:
    """Take out spaces between two Chinese letters; a space stands only beside numbers and other scripts."""
    return re.sub(r"(?<=[\u3000-\uffef]) (?=[\u3000-\uffef])", "", text)


def _paragraph(sentences: list[str], language: str) -> Paragraph:
    if language == "zh":
        return Paragraph(closed("".join(sentences)))
    return Paragraph(" ".join(sentence[:1].upper() + sentence[1:] for sentence in sentences))


def finding(result: "RetentionValue", table: "pd.DataFrame", language: str) -> str:
    """Say in one line what the break-even figure shows."""
    rows = records(table, "quantity")
    worth = amount(rows["lifetime_value"]["estimate"], result)
    if "break_even_spend" not in rows:
        return Words(f"A customer is worth {worth}", f"一名客户价值 {worth}")(language)
    more = points(result.population.money["uplift"].estimate)
    most = amount(rows["break_even_spend"]["estimate"], result)
    start = Words(
        f"Keeping {more} more of 100 pays up to {most} {per(result.step)}",
        closed(f"每 100 名客户多留住 {more} 名，{per(result.step, 'zh')}花费 {most} 以内划算"),
    )(language)
    if "advantage_of_keeping" not in rows:
        return start
    return start + {
        True: Words("; it is cheaper than winning", "；比获客省钱"),
        False: Words("; winning is cheaper", "；获客更省钱"),
        None: Words("; which is cheaper is open", "；孰省尚难判断"),
    }[keeping_is_cheaper(rows)](language)
