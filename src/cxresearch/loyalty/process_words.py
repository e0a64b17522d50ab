"""What the study of processes says, in both languages."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch.language import Paragraph, Words, check, number, percent
from cxresearch.loyalty import nouns
from cxresearch.loyalty.carry_over_words import HEADINGS as CARRY_OVER
from cxresearch.loyalty.carry_over_words import lengths
from cxresearch.loyalty.periods import WORDS

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.loyalty.processes import Processes
    from cxresearch.loyalty.reach import Judged

NAMES: Final[dict[str, Words]] = {
    "billing": Words("billing", "收费"),
    "cleaning": Words("cleaning", "保洁"),
    "overall": Words("overall satisfaction", "总体满意度"),
    "reception": Words("reception", "前台接待"),
    "repairs": Words("repairs", "维修"),
}
HEADINGS: Final[dict[str, Words]] = (
    CARRY_OVER
    | NAMES
    | {
        "contradicted": Words("contradicted", "不支持"),
        "driver": Words("process", "流程"),
        "p_against_holm": Words("p against (Holm)", "反对的 p 值（Holm）"),
        "p_claim_holm": Words("p for the claim (Holm)", "支持的 p 值（Holm）"),
        "supported": Words("supported", "支持"),
        "undecided": Words("undecided", "无法判断"),
        "verdict": Words("verdict", "判断"),
    }
)


def name(column: str, language: str) -> str:
    """Return how a process is called in a sentence."""
    return NAMES[column](language) if column in NAMES else nouns.name(column, language)


def notes(columns: list[str], judged: "list[Judged]") -> tuple[Words, ...]:
    """Say what is undefined, and for which process."""
    return tuple(
        Words(f"{name(column, 'en')}: {why.en}", f"{name(column, 'zh')}：{why.zh}")
        for column, one in zip(columns, judged, strict=True)
        for why in one.why
    )


def text(result: "Processes", language: str, focus: Any) -> Paragraph:
    """Say for how long each process is felt, and what that says of the claim."""
    check(language)
    rows: list[Any] = list(result.table.itertuples(index=False))
    rows.sort(key=lambda row: row.driver != focus)
    listed = Words("; ", "；")(language).join(_one(result, row, language) for row in rows)
    effect = name(result.outcome, language)
    said = Words(
        f"How long processes are felt in {effect}, the current {_period(result, 'en')} counted: {listed}.",
        f"各流程对{effect}的影响持续多久（含当{_period(result, 'zh')}）：{listed}。",
    )(language)
    whom = nouns.units(result.sample.counts["units"], result.unit, language)
    level, used = percent(result.confidence), number(result.sample.used, 0)
    bare = any(_sure(row, result.max_lag) for row in rows)
    alone = Words("; without brackets, the interval holds that length alone", "；未加括号的，区间只含该时长")
    base = Words(
        f"Based on {used} rows of {whom}; {level} intervals in brackets{alone.en if bare else ''}.",
        f"依据 {whom}的 {used} 行数据；括号内为 {level} 区间{alone.zh if bare else ''}。",
    )(language)
    return Paragraph((" " if language == "en" else "").join([said, judged(result, language), base]))


def judged(result: "Processes", language: str) -> str:
    """Say which processes bear the claim out."""
    claim = result.step.length(result.lasts, language)
    every: list[Any] = list(result.table.itertuples())
    by = {verdict: [name(row.driver, language) for row in every if row.verdict == verdict]
          for verdict in ("supported", "contradicted", "undecided")}  # fmt: skip
    comma = Words(", ", "、")(language)
    said = {
        "supported": Words("borne out for", "得到支持的有")(language),
        "contradicted": Words("contradicted for", "不成立的有")(language),
        "undecided": Words("left open for", "无法判断的有")(language),
    }
    parts = [
        f"{said[verdict]}{Words(' ', '：')(language)}{comma.join(found)}" for verdict, found in by.items() if found
    ]
    line = Words("; ", "；")(language).join(parts) + Words(".", "。")(language)
    return Words(f"That it is {claim} is ", f"“持续 {claim}”一说：")(language) + line


def headline(result: "Processes", language: str) -> str:
    """Say the finding above the figure."""
    known = result.table.dropna(subset=["duration"])
    if known.empty:
        return Words(
            "These units are too few to say how long processes are felt", "单位太少，无法判断各流程影响的持续时间"
        )(language)
    low, high = int(known["duration"].min()), int(known["duration"].max())
    span = result.step.length(high, language)
    if low != high:
        size = 1 if result.step.unit == "period" else result.step.size
        span = Words(f"{low * size} to {span}", f"{low * size} 至 {span}")(language)
    effect = name(result.outcome, language)
    return Words(f"Processes are felt in {effect} for {span}", f"各流程对{effect}的影响持续 {span}")(language)


def _one(result: "Processes", row: Any, language: str) -> str:
    called = name(row.driver, language)
    if np.isnan(row.duration):
        return Words(f"{called} cannot be judged", f"{called}无法判断")(language)
    long = result.step.length(int(row.duration), language)
    if _sure(row, result.max_lag):
        return Words(f"{called} for {long}", f"{called} {long}")(language)
    around = lengths(row.ci_low, row.ci_high, result.step, result.max_lag, language)
    return Words(f"{called} for about {long} ({around})", f"{called}约 {long}（{around}）")(language)


def _sure(row: Any, max_lag: int) -> bool:
    """Whether an interval holds one length alone."""
    return bool(row.ci_low == row.ci_high and row.ci_high <= max_lag)


def _period(result: "Processes", language: str) -> str:
    step = result.step
    if step.size > 1 and step.unit != "period":
        return Words("one", "期")(language)
    return Words(step.unit, WORDS[step.unit][0]("zh").removeprefix("个"))(language)


def differences(table: "pd.DataFrame", confidence: float, language: str) -> Paragraph:
    """Say whether cycles differ between the two parts of a comparison."""
    rows: list[Any] = list(table.itertuples())
    shorter = [name(row.driver, language) for row in rows if row.ci_high < 0]
    longer = [name(row.driver, language) for row in rows if row.ci_low > 0]
    open_ = [name(row.driver, language) for row in rows if not (row.ci_high < 0 or row.ci_low > 0)]
    comma = Words(", ", "、")(language)
    said = [
        (shorter, Words("shorter for", "较短的有")),
        (longer, Words("longer for", "较长的有")),
        (open_, Words("not told apart for", "无法区分的有")),
    ]
    parts = [f"{word(language)}{Words(' ', '：')(language)}{comma.join(who)}" for who, word in said if who]
    level = percent(confidence)
    return Paragraph(
        Words(
            f"In the first group, against the second, cycles are {'; '.join(parts)} ({level} for all together).",
            f"前者与后者相比，周期{'；'.join(parts)}（全部流程合计的置信水平为 {level}）。",
        )(language)
    )
