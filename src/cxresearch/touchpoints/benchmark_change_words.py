"""What a benchmark says of yardsticks and of change, in English and Chinese."""

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from cxresearch.language import Paragraph, Words, check, number, percent
from cxresearch.touchpoints import benchmark_words as words

if TYPE_CHECKING:
    from cxresearch.touchpoints.benchmark_results import Benchmark

MOST_NAMED: Final = 3
AGAINST: Final = {
    "network": Words("the mean of all answers", "全体均值"),
    "best_quarter": Words("the level that the best quarter of the units exceeds", "最好的四分之一单位的门槛"),
    "target": Words("the target", "目标值"),
}
SIDES: Final = {"up": Words("rose", "上升"), "down": Words("fell", "下降"), "unclear": Words("unclear", "无法判断")}


def held(result: "Benchmark", language: str, focus: Any) -> Paragraph:
    """Say who stands above and below each yardstick, on the touchpoint on which units differ most."""
    check(language)
    lead = result.lead()
    rows = result.against[result.against["touchpoint"] == lead]
    if rows.empty:
        return Paragraph(Words("No yardstick was asked for.", "没有指定比较基准。")(language))
    name, parts = words.quoted(result, lead, language), []
    for yardstick, table in rows.groupby("against", sort=False):
        reference = words.value(result, float(table["reference"].iloc[0]), lead)
        what = AGAINST[str(yardstick)]
        above, below = (_who(table[table["signal"] == side], language, focus) for side in ("above", "below"))
        rest = int((table["signal"] == "expected").sum())
        parts.append(
            Words(
                f"Against {what('en')} ({reference}) on {name}: above {above}; below {below}; for {rest} of "
                f"{len(table)} the data cannot tell.",
                f"在{name}上与{what('zh')}（{reference}）相比，高于：{above}；低于：{below}；{len(table)} 个单位中"
                f"有 {rest} 个无法判断。",
            )(language)
        )
    return Paragraph((" " if language == "en" else "").join(parts))


def changed(result: "Benchmark", language: str, focus: Any) -> Paragraph:
    """Say which scores rose and fell since the wave before the last one."""
    check(language)
    if result.changes.empty:
        return Paragraph(Words("There is one wave only.", "只有一期调查。")(language))
    rows = result.changes[result.changes["wave_to"] == result.changes["wave_to"].iloc[-1]]
    waves = rows["wave_from"].iloc[0], rows["wave_to"].iloc[0]
    up, down = (_scores(result, rows[rows["signal"] == side], language) for side in ("up", "down"))
    rest = int((rows["signal"] == "unclear").sum())
    level = percent(1 - result.confidence)
    text = Words(
        f"From {_wave(waves[0])} to {_wave(waves[1])}, of {len(rows)} scores, {up} rose and {down} fell; for the other "
        f"{rest} no change can be shown. The chance that any of these verdicts is wrong is at most {level}.",
        f"从 {_wave(waves[0])} 到 {_wave(waves[1])}，{len(rows)} 个得分中，{up}上升、{down}下降；其余 {rest} 个看不出"
        f"变化。这些判断中出现任何错误的概率至多 {level}。",
    )(language)
    own = rows[rows["unit"] == result.unit(focus)] if focus is not None else rows.head(0)
    said = [_one(result, row, language) for _, row in own.sort_values("p_value").head(MOST_NAMED).iterrows()]
    return Paragraph(((" " if language == "en" else "").join(said) + "\n" if said else "") + text)


def at_places(result: "Benchmark", language: str, focus: Any) -> Paragraph:
    """Say who stands out among the people of one place, on the touchpoint on which units differ most."""
    check(language)
    lead = result.lead()
    rows = result.at_places[result.at_places["touchpoint"] == lead]
    if rows.empty:
        return Paragraph(Words("No two units share a place.", "没有两个单位同属一地。")(language))
    name, places = words.quoted(result, lead, language), rows["place"].nunique()
    above, below = (_who(rows[rows["signal"] == side], language, focus) for side in ("above", "below"))
    rest, alone = int((rows["signal"] == "expected").sum()), int(rows["difference"].isna().sum())
    text = Words(
        f"Held against the others at the same of {places} places, on {name}: above {above}; below {below}; for {rest} "
        f"of {len(rows)} the data cannot tell{f'; {alone} are alone at their place' if alone else ''}.",
        f"在{name}上与同一地点（共 {places} 个）的其他人相比，高于：{above}；低于：{below}；{len(rows)} 个中有"
        f" {rest} 个无法判断{f'，另有 {alone} 个在当地没有可比者' if alone else ''}。",
    )(language)
    return Paragraph(text)


def _who(table: pd.DataFrame, language: str, focus: Any) -> str:
    order = table.assign(first=table["unit"].astype(str) != str(focus), size=-table["difference"].abs())
    units = [str(unit) for unit in order.sort_values(["first", "size"])["unit"]]
    if not units:
        return Words("none", "无")(language)
    more = len(units) - MOST_NAMED
    named = units[:MOST_NAMED] + ([Words(f"{more} more", f"另外 {more} 个")(language)] if more > 0 else [])
    return words.listing(named, language)


def _scores(result: "Benchmark", rows: pd.DataFrame, language: str) -> str:
    """Write ``2 (North by 0.4, South by 0.3)``, the largest first."""
    if rows.empty:
        return Words("none", "0 个")(language)
    largest = rows.loc[rows["change"].abs().sort_values(ascending=False).index].head(MOST_NAMED)
    named = [_named(result, row, language) for _, row in largest.iterrows()]
    more = len(rows) - len(named)
    named += [Words(f"{more} more", f"另外 {more} 个")(language)] if more else []
    return Words(f"{len(rows)} ({', '.join(named)})", f"{len(rows)} 个（{'、'.join(named)}）")(language)


def _named(result: "Benchmark", row: Any, language: str) -> str:
    size = _size(result, abs(row["change"]), row["touchpoint"])
    where = "" if len(result.reliability) == 1 else words.quoted(result, row["touchpoint"], language)
    return Words(f"{row['unit']}{' on ' if where else ''}{where} by {size}", f"{row['unit']}{where}变化 {size}")(
        language
    )


def _one(result: "Benchmark", row: Any, language: str) -> str:
    size, low, high = (_size(result, row[c], row["touchpoint"], sign=True) for c in ("change", "ci_low", "ci_high"))
    name = words.quoted(result, row["touchpoint"], language)
    sure = row["signal"] != "unclear"
    return Words(
        f"{row['unit']} changed by {size} ({low} to {high}) on {name}{'' if sure else ', which chance may explain'}.",
        f"{row['unit']}在{name}上变化 {size}（{low} 至 {high}）{'' if sure else '，可能只是偶然'}。",
    )(language)


def _size(result: "Benchmark", change: float, touchpoint: Any, *, sign: bool = False) -> str:
    mark = ("+" if change > 0 else "−" if change < 0 else "") if sign else ""
    if result.kind == "rates":
        return f"{mark}{number(abs(change) / result.top * 100, 1)} pp"
    return mark + number(abs(change), words.decimals(result, touchpoint))


def _wave(wave: Any) -> str:
    return wave.strftime("%Y-%m-%d") if hasattr(wave, "strftime") else str(wave)
