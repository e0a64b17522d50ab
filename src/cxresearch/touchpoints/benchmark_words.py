"""What a benchmark says, in both languages."""

import math
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from cxresearch.language import Paragraph, Words, check, number, ordinal, percent

if TYPE_CHECKING:
    from cxresearch.touchpoints.benchmark_results import Benchmark

HEADINGS: Final[dict[str, Words]] = {
    "between_variance": Words("variance between units", "单位间方差"),
    "middle": Words("middle unit", "居中单位"),
    "n_effective": Words("effective n", "有效样本量"),
    "n_for_reliability_0_7": Words("n for reliability 0.7", "信度 0.7 所需样本"),
    "observed": Words("unadjusted mean", "调整前均值"),
    "p_adjusted": Words("p, adjusted", "校正 p 值"),
    "rank_high": Words("rank to", "名次至"),
    "rank_low": Words("rank from", "名次从"),
    "reliability": Words("reliability", "信度"),
    "reliability_ci_high": Words("reliability to", "信度上限"),
    "reliability_ci_low": Words("reliability from", "信度下限"),
    "shrunken": Words("estimate", "估计值"),
    "signal": Words("signal", "信号"),
    "suppressed": Words("not shown", "未显示"),
    "typical_n": Words("typical n", "典型样本量"),
    "units": Words("units", "单位数"),
    "within_variance": Words("variance within units", "单位内方差"),
    "wrong_side": Words("chance of wrong side", "站错边的概率"),
}
SIGNALS: Final = {
    "above": Words("above", "高于"),
    "below": Words("below", "低于"),
    "expected": Words("expected", "符合预期"),
}
MOST_NAMED: Final = 3
"""Units, or touchpoints, that a sentence names."""


def paragraph(result: "Benchmark", language: str, focus: Any, lead: Any) -> Paragraph:
    """Say which units differ and which ranks mean nothing; with a focus, first where this unit stands."""
    check(language)
    sentences = [_in_detail(result, lead, language), _ranks(result, lead, language)]
    if len(result.reliability) > 1:
        sentences.insert(0, _overall(result, language))
    everyone = _space(language).join(sentence for sentence in sentences if sentence)
    return Paragraph(everyone if focus is None else f"{_one(result, focus, language)}\n{everyone}")


def details(result: "Benchmark", language: str) -> str:
    """Say what the first paragraph leaves out: where nothing is found, which ranks are firm, how far flags go."""
    check(language)
    lead = result.lead()
    said = [_alike(result, language), _others(result, lead, language), _firm(result, lead, language)]
    return _space(language).join(part for part in [*said, _flags(result, language)] if part)


def _space(language: str) -> str:
    return " " if language == "en" else ""


def named(result: "Benchmark", table: pd.DataFrame, language: str) -> pd.DataFrame:
    """Return a table with readable touchpoints, whole numbers as such, and words for signals."""
    out = table.copy()
    out["touchpoint"] = [result.label(t, language) for t in table["touchpoint"]]
    if "unit" in out:
        out["unit"] = [str(unit) for unit in table["unit"]]  # a number here is a name
    for column in out.columns.intersection(["n", "n_effective", "rank", "rank_low", "rank_high", "units", "typical_n"]):
        out[column] = table[column].round().astype("Int64")
    if "signal" in out:
        out["signal"] = [SIGNALS[s](language) if s in SIGNALS else "–" for s in table["signal"]]
    if "signal" in out and "suppressed" in out:
        out["suppressed"] = [Words("yes", "是")(language) if hidden else "" for hidden in table["suppressed"]]
    return out


def value(result: "Benchmark", score: float, touchpoint: Any) -> str:
    """Write a score: a rate as a percentage, a mean with as many decimals as the answers' spread calls for."""
    if result.kind == "rates":
        return percent(score / result.top, 1)
    return number(score, decimals(result, touchpoint))


def decimals(result: "Benchmark", touchpoint: Any) -> int:
    """Return how many decimals show a hundredth of the answers' standard deviation."""
    within = float(result.row(touchpoint)["within_variance"])
    return min(6, max(0, 2 - round(math.log10(within) / 2))) if within > 0 else 2


def listing(names: list[str], language: str) -> str:
    """Join names: ``A, B and C``."""
    if language == "zh":
        return "、".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def quoted(result: "Benchmark", touchpoint: Any, language: str) -> str:
    """Name a touchpoint within a sentence; in Chinese it stands in quotes."""
    label = result.label(touchpoint, language)
    return f"“{label}”" if language == "zh" else label


def recovered(result: "Benchmark", table: pd.DataFrame, language: str) -> Paragraph:
    """Say how many intervals hold the truth, and how many flags stand on the wrong side; `table` has a truth."""
    inside = int(((table["ci_low"] <= table["truth"]) & (table["truth"] <= table["ci_high"])).sum())
    middle = table.groupby("touchpoint", observed=True)["truth"].transform("median")
    above, below = table["signal"] == "above", table["signal"] == "below"
    wrong = int(((above & (table["truth"] <= middle)) | (below & (table["truth"] >= middle))).sum())
    flags, rows, level = int((above | below).sum()), len(table), percent(result.confidence)
    share = percent(inside / rows, 1)
    return Paragraph(
        Words(
            f"These data are simulated, so the truth is known. {inside} of {rows} intervals hold it "
            f"({share}; {level} were to be expected), and {wrong} of {flags} flags stand on the wrong side (at most "
            f"{percent(result.wrong_side, 1)} were to be expected).",
            f"数据是模拟的，真值已知。{rows} 个区间中有 {inside} 个包含真值（{share}，应约为 {level}）；"
            f"{flags} 个标记中有 {wrong} 个站错了边（预计至多 {percent(result.wrong_side, 1)}）。",
        )(language)
    )


def _overall(result: "Benchmark", language: str) -> str:
    """Say on how many touchpoints units differ at all."""
    differ, same = result.differing(True), result.differing(False)
    units, tested = result.sample.counts["units"], len(differ) + len(same)
    if not differ:
        return Words(
            f"The {number(units, 0)} units do not differ by more than chance on any of the {tested} touchpoints.",
            f"{number(units, 0)} 个单位在 {tested} 个接触点上都没有超出偶然的差异。",
        )(language)
    where = Words(f"{len(differ)} of {tested} touchpoints", f"{tested} 个接触点中的 {len(differ)} 个上")
    if not same:
        where = Words(f"all {tested} touchpoints", f"全部 {tested} 个接触点上都")
    text = Words(
        f"The {number(units, 0)} units differ by more than chance on {where('en')}",
        f"{number(units, 0)} 个单位在{' ' if same else ''}{where('zh')}存在超出偶然的差异",
    )(language)
    return text + Words(".", "。")(language)


def _alike(result: "Benchmark", language: str) -> str:
    """Name the touchpoints on which units do not differ, where they do on others."""
    same = result.differing(False)
    if not same or not result.differing(True):
        return ""
    names, more = [quoted(result, t, language) for t in same[:MOST_NAMED]], len(same) - MOST_NAMED
    if more > 0:
        names.append(Words(f"{more} more", f"另外 {more} 个")(language))
    said = listing(names, language)
    return Words(f"No difference beyond chance shows on {said}.", f"{said}看不出超出偶然的差异。")(language)


def _in_detail(result: "Benchmark", lead: Any, language: str) -> str:
    """Say who stands out on one touchpoint."""
    table, name, many = result.shown(lead), quoted(result, lead, language), len(result.reliability) > 1
    row, units = result.row(lead), number(len(table), 0)
    if pd.isna(row["reliability"]):
        return Words(f"On {name} chance cannot be told from difference.", f"在{name}上无从区分偶然与差异。")(language)
    if lead not in result.differing(True):
        p = number(row["p_value"], 3 if row["p_value"] < 0.1 else 2)
        return Words(
            f"On {name} the {units} units cannot be told apart: chance alone makes differences as large as these"
            f" (p = {p}{', before allowing for the number of touchpoints' if many else ''}).",
            f"在{name}上，{units} 个单位分不出高下：仅凭偶然就会出现这么大的差异"
            f"（p = {p}{'，未按接触点个数校正' if many else ''}）。",
        )(language)
    sides = _sides(result, lead, language)
    middle = value(result, row["middle"], lead)
    good = Words("", "") if result.better == "high" else Words(", low being good", "，数值越低越好")
    first = result.is_lead(lead) and many
    return Words(
        f"{'Most reliably they differ on' if first else 'On'} {name}{':' if first else ','} of {units} units, compared "
        f"with the middle one ({middle}{good('en')}), {sides or 'none stands out by itself'}.",
        f"{'差异最可靠的是' if first else '在'}{name}{'：' if first else '上，'}{units} 个单位中，"
        f"与居中单位（{middle}{good('zh')}）相比，{sides or '没有哪一个单独突出'}。",
    )(language)


def _others(result: "Benchmark", lead: Any, language: str) -> str:
    """Say of how many units on the touchpoint spoken of nothing can be told, where something can of others."""
    table = result.shown(lead)
    rest = int((table["signal"] == "expected").sum())
    if not rest or rest == len(table):
        return ""
    name, whom, side = quoted(result, lead, language), "one unit" if rest == 1 else f"{rest} units", "they are"
    side = "it is" if rest == 1 else side
    return Words(
        f"On {name} the data cannot tell of {whom} on which side {side}.",
        f"在{name}上，有 {rest} 个单位，数据还说不清在哪一边。",
    )(language)


def _sides(result: "Benchmark", lead: Any, language: str) -> str:
    """Count and name the units above and below, the farthest first, with their observed scores."""
    said: list[str] = []
    table = result.shown(lead)
    for signal, clearly in (
        ("above", Words("clearly above", "明显偏高")),
        ("below", Words("clearly below", "明显偏低")),
    ):
        rows = table[table["signal"] == signal].sort_values("shrunken", ascending=signal == "below")
        if rows.empty:
            continue
        names = [_extreme(result, row, lead, language) for row in rows.head(1).to_dict("records")]
        names += [str(unit) for unit in rows["unit"].iloc[1:MOST_NAMED]]
        if len(rows) > MOST_NAMED:
            names.append(Words(f"{len(rows) - MOST_NAMED} more", f"另外 {len(rows) - MOST_NAMED} 个")(language))
        stand = "" if said else "stands " if len(rows) == 1 else "stand "
        who = listing(names, language)
        said.append(
            Words(f"{len(rows)} {stand}{clearly('en')}: {who}", f"{len(rows)} 个{clearly('zh')}：{who}")(language)
        )
    return Words("; ", "；")(language).join(said)


def _extreme(result: "Benchmark", row: dict[Any, Any], lead: Any, language: str) -> str:
    """Name a unit with its score, the interval of its true value, and the answers behind it."""
    score, n = value(result, row["mean"], lead), number(row["n"], 0)
    low, high = (value(result, row[c], lead) for c in ("ci_low", "ci_high"))
    level = percent(result.confidence)
    return Words(
        f"{row['unit']} ({score}; {level} interval {low} to {high}; n = {n})",
        f"{row['unit']}（{score}；{level} 区间 {low} 至 {high}；n = {n}）",
    )(language)


def _ranks(result: "Benchmark", lead: Any, language: str) -> str:
    """Say which ranks are certain, and how wide the others are."""
    table = result.shown(lead).dropna(subset="rank_low")
    units = number(len(table), 0)
    if table.empty:
        return ""
    if (table["rank_low"] == table["rank_high"]).all():
        return Words(f"All {units} ranks there are certain.", f"该处 {units} 个名次都是确定的。")(language)
    places = float((table["rank_high"] - table["rank_low"] + 1).mean())
    if places > 0.95 * len(table):
        return Words(
            f"The ranks mean nothing: a unit could truly hold almost any of the {units} places.",
            f"名次毫无意义：一个单位的真实名次几乎可能是 {units} 个位置中的任何一个。",
        )(language)
    return Words(
        f"Most ranks mean little: on average a unit could truly hold any of {number(places, 0)} of the {units} places.",
        f"多数名次说明不了什么：每个单位的真实名次平均有 {number(places, 0)} 种可能（共 {units} 位）。",
    )(language)


def _firm(result: "Benchmark", lead: Any, language: str) -> str:
    """Name the units whose rank is certain, if they are few, and the one whose rank is vaguest."""
    table = result.shown(lead).dropna(subset="rank_low")
    firm = table[table["rank_low"] == table["rank_high"]]
    if table.empty or len(firm) == len(table):
        return ""
    text = ""
    if 0 < len(firm) <= MOST_NAMED:
        who = [
            Words(f"{u} ({ordinal(int(r))})", f"{u}（{ordinal(int(r), 'zh')}）")(language)
            for u, r in zip(firm["unit"], firm["rank"], strict=True)
        ]
        who_said = listing(who, language)
        text = Words(
            f"Only {who_said} {'holds a certain rank' if len(firm) == 1 else 'hold certain ranks'} there. ",
            f"其中只有{who_said}的名次是确定的。",
        )(language)
    vague = _vaguest(table)
    low, high, listed = (int(vague[c]) for c in ("rank_low", "rank_high", "rank"))
    return text + Words(
        f"{vague['unit']}, listed {ordinal(listed)}, could be anywhere from {ordinal(low)} to {ordinal(high)}.",
        f"{vague['unit']}名列{ordinal(listed, 'zh')}，实际可能在{ordinal(low, 'zh')}到{ordinal(high, 'zh')}之间。",
    )(language)


def _vaguest(table: pd.DataFrame) -> Any:
    """Return the row with the widest rank interval; of several, the most middling rank."""
    key = pd.DataFrame(
        {
            "width": table["rank_low"] - table["rank_high"],
            "off": (table["rank"] - (len(table) + 1) / 2).abs(),
            "name": table["unit"].map(str),
        }
    )
    return table.loc[key.sort_values(["width", "off", "name"]).index[0]]


def _flags(result: "Benchmark", language: str) -> str:
    """Say how far the flags can be trusted."""
    shown = result.table[~result.table["suppressed"]]
    flagged = int(shown["signal"].isin(["above", "below"]).sum())
    if not flagged:
        return ""
    share = percent(result.wrong_side, 0 if round(100 * result.wrong_side, 6).is_integer() else 1)
    some, total = number(flagged, 0), number(len(shown), 0)
    if len(result.reliability) == 1:
        return Words(
            f"At most {share} of such verdicts are expected to be on the wrong side.",
            f"这类判断预计至多 {share} 站错了边。",
        )(language)
    return Words(
        f"Over all touchpoints {some} of {total} scores stand out; at most {share} of such verdicts are expected to "
        "be on the wrong side.",
        f"所有接触点合计，{total} 个得分中有 {some} 个突出；这类判断预计至多 {share} 站错了边。",
    )(language)


def _one(result: "Benchmark", focus: Any, language: str) -> str:
    """Say where one unit stands."""
    own = result.table[result.table["unit"] == focus]
    shown, hidden = own[~own["suppressed"]], int(own["suppressed"].sum())
    if shown.empty:
        return Words(
            f"{focus} has fewer than {result.min_n} answers everywhere: its scores are not shown.",
            f"{focus}在各处的样本均不足 {result.min_n} 份，得分不予显示。",
        )(language)
    flagged = shown[shown["signal"].isin(["above", "below"])]
    sentences = _one_sides(result, focus, shown, language)
    rest = len(shown) - len(flagged)
    if flagged.empty:
        sentences.append(_one_expected(result, focus, shown, language))
    elif rest:
        on = Words("one" if rest == 1 else str(rest), f"{rest} 个接触点")(language)
        sentences.append(
            Words(
                f"On the other {on} the data cannot tell on which side it is.", f"其余 {on}，数据还说不清它在哪一边。"
            )(language)
        )
    if hidden:
        rests, is_ = ("rests", "is") if hidden == 1 else ("rest", "are")
        sentences.append(
            Words(
                f"{hidden} of its scores {rests} on fewer than {result.min_n} answers and {is_} not shown.",
                f"另有 {hidden} 个得分的样本不足 {result.min_n} 份，不予显示。",
            )(language)
        )
    if shown["shrunken"].notna().any() and any("true value" in s or "真实水平" in s for s in sentences):
        level = percent(result.confidence)
        sentences.append(Words(f"Ranges are {level} intervals.", f"范围均为 {level} 区间。")(language))
    return Words(" ", "")(language).join(s for s in sentences if s)


def _one_sides(result: "Benchmark", focus: Any, shown: pd.DataFrame, language: str) -> list[str]:
    sides = [side for side in ("below", "above") if (shown["signal"] == side).any()]
    subjects = [str(focus), Words("It", "它")(language)]
    return [_one_side(result, who, shown, side, language) for who, side in zip(subjects, sides, strict=False)]


def _one_side(result: "Benchmark", who: str, shown: pd.DataFrame, signal: str, language: str) -> str:
    rows = shown[shown["signal"] == signal]
    per_touchpoint = result.reliability.set_index("touchpoint").loc[rows["touchpoint"]]
    gap = (rows["shrunken"].to_numpy() - per_touchpoint["middle"]).abs() / per_touchpoint["between_variance"] ** 0.5
    rows = rows.iloc[(-gap.to_numpy()).argsort(kind="stable")]  # the farthest from the middle first
    told = [
        Words(
            f"{result.label(r['touchpoint'], 'en')} ({_score(result, r, 'en')})",
            f"“{result.label(r['touchpoint'], 'zh')}”（{_score(result, r, 'zh')}）",
        )(language)
        for r in rows.to_dict("records")
    ]
    many = len(result.reliability) > 1
    where = Words(f" on {len(rows)} of {len(shown)} touchpoints", f"在 {len(shown)} 个接触点中的 {len(rows)} 个上")(
        language
    )
    return Words(
        f"{who} is clearly {signal} the middle unit{where if many else ''}: {'; '.join(told)}.",
        f"{who}{where if many else ''}明显{SIGNALS[signal]('zh')}居中单位：{'；'.join(told)}。",
    )(language)


def _one_expected(result: "Benchmark", focus: Any, shown: pd.DataFrame, language: str) -> str:
    lead = shown[shown["touchpoint"] == result.lead()]
    row = (shown if lead.empty else lead).to_dict("records")[0]
    name, score = quoted(result, row["touchpoint"], language), _score(result, row, language)
    if len(shown) > 1:
        return Words(
            f"{focus} cannot be told from the middle unit on any of its {len(shown)} touchpoints, not even on {name} "
            f"({score}).",
            f"{focus}在其 {len(shown)} 个接触点上都无法与居中单位区分开，包括{name}（{score}）。",
        )(language)
    return Words(
        f"{focus} cannot be told from the middle unit on {name} ({score}).",
        f"{focus}在{name}上无法与居中单位区分开（{score}）。",
    )(language)


def _score(result: "Benchmark", row: dict[Any, Any], language: str) -> str:
    """Write a unit's score, its interval and the ranks it could hold."""
    t = row["touchpoint"]
    n, observed = number(row["n"], 0), value(result, row["mean"], t)
    text = Words(f"{observed}, n = {n}", f"{observed}，n = {n}")(language)
    if pd.isna(row["shrunken"]):
        return text
    low, high, of = int(row["rank_low"]), int(row["rank_high"]), len(result.shown(t))
    ends = [value(result, row[c], t) for c in ("ci_low", "ci_high")]
    places = [ordinal(low, language)] if low == high else [ordinal(low, language), ordinal(high, language)]
    to = Words(" to ", "至")(language)
    return text + Words(
        f"; true value {' to '.join(ends)}; rank {to.join(places)} of {of}",
        f"；真实水平 {' 至 '.join(ends)}；在 {of} 个单位中位列{to.join(places)}",
    )(language)
