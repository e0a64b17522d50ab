"""What the study of fading says, in both languages."""

from typing import TYPE_CHECKING, Final

from cxresearch.language import Paragraph, Words, check, interval, number, percent
from cxresearch.loyalty.nouns import digits

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from cxresearch.loyalty.fading import Fading

HEADINGS: Final[dict[str, Words]] = {
    "estimate": Words("change (points)", "变化（分）"),
    "n": Words("ratings", "评分数"),
    "raw": Words("plain averages", "直接比较均值"),
    "since": Words("periods since the service", "距服务的期数"),
}
NO_RATER: Final = Words("rater missing", "评分者缺失")
NO_TARGET: Final = Words("what is rated missing", "评分对象缺失")
NO_SCORE: Final = Words("rating missing", "评分缺失")
NO_TIME: Final = Words("time since the service missing", "距服务的时间缺失")
ALONE: Final = Words("the only rating by its rater or of what it rates", "其评分者或评分对象只有这一条评分")
FEW: Final = 40
"""Below this many clusters, intervals are known to be too short."""


def notes(since: "NDArray[np.int64]", clusters: int) -> tuple[Words, ...]:
    """Say what a reader must know."""
    least = int(since.min())
    found = [
        Words(
            f"Every change is against ratings given {_after(least, 'en')} the service.",
            f"各期的变化都是与{_after(least, 'zh')}的评分相比。",
        ),
        Words(
            "Raters and what they rate are held equal. What got better or worse since the service, and who bothers to "
            "look back so far, are not.",
            "评分者和评分对象保持不变；但服务之后对象本身变好变差、哪些人愿意回顾那么久，都无法排除。",
        ),
    ]
    if clusters < FEW:
        found.append(
            Words(
                f"With {clusters} raters or targets only, the intervals are too short.",
                f"评分者或评分对象只有 {clusters} 个，区间偏窄。",
            )
        )
    return tuple(found)


def text(result: "Fading", language: str) -> Paragraph:
    """Say how far a rating has moved after the longest time, and per period."""
    check(language)
    first, last, line = result.table.iloc[0], result.table.iloc[-1], result.trend.iloc[0]
    places = max(2, digits([last["estimate"]]))
    long, short = int(last["since"]), int(first["since"])
    rows, level = number(result.sample.used, 0), percent(result.confidence)
    raters, targets = (number(result.sample.counts[key], 0) for key in ("raters", "targets"))
    moved = {at: _moved(last, places, at) for at in ("en", "zh")}
    step = {at: _moved(line, places + 1, at) for at in ("en", "zh")}
    raw = number(last["raw"], places)
    parts = Words(
        f"{_finding(result, 'en')}: {_after(long, 'en')} the service, the same rater rates the same one "
        f"{moved['en']} than {_after(short, 'en')} it, or {step['en']} with every period. Plain averages, which mix "
        f"raters and what they rate, differ by {raw}. Based on {rows} ratings, by {raters} raters, of {targets} rated; "
        f"{level} intervals in brackets.",
        f"{_finding(result, 'zh')}：同一评分者对同一对象的评分，{_after(long, 'zh')}比{_after(short, 'zh')}"
        f"{moved['zh']}，平均每隔一期{step['zh']}。直接比较均值会混入不同的评分者和评分对象，差 {raw} 分。"
        f"依据 {rows} 条评分（{raters} 名评分者、{targets} 个评分对象）；括号内为 {level} 区间。",
    )
    return Paragraph(parts(language))


def headline(result: "Fading", language: str) -> str:
    """Say the finding above the figure."""
    last = result.table.iloc[-1]
    far, near, places = int(last["since"]), int(result.table["since"].iloc[0]), max(2, digits([last["estimate"]]))
    change = {at: _moved(last, places, at) for at in ("en", "zh")}
    return Words(
        f"{_finding(result, 'en')}: {change['en']} after {_periods(far, 'en')} than after {near}",
        f"{_finding(result, 'zh')}：隔 {far} 期比隔 {near} 期{change['zh']}",
    )(language)


def _finding(result: "Fading", language: str) -> str:
    line = result.trend.iloc[0]
    if line["ci_high"] < 0:
        return Words("Ratings fade with time", "时间越久，评分越低")(language)
    if line["ci_low"] > 0:
        return Words("Ratings grow kinder with time", "时间越久，评分越高")(language)
    return Words("No fading with time can be told from chance", "看不出评分随时间变化")(language)


def _after(periods: int, language: str) -> str:
    if periods == 0:
        return Words("in the period of", "当期")(language)
    return Words(f"{_periods(periods, 'en')} after", f"隔 {periods} 期")(language)


def _periods(many: int, language: str) -> str:
    return Words(f"{many} period{'' if many == 1 else 's'}", f"{many} 期")(language)


def _moved(row: "pd.Series", places: int, language: str) -> str:
    """Write a change and its interval: less or more where that is clear, with signs where it is not."""
    low, high = row["ci_low"], row["ci_high"]
    if low <= 0 <= high:
        change, around = number(row["estimate"], places), interval(low, high, language, places)
        return Words(f"{change} points differently ({around})", f"相差 {change} 分（{around}）")(language)
    size = number(abs(row["estimate"]), places)
    around = interval(min(abs(low), abs(high)), max(abs(low), abs(high)), language, places)
    less, lower = ("lower", "低") if row["estimate"] < 0 else ("higher", "高")
    return Words(f"{size} points {less} ({around})", f"{lower} {size} 分（{around}）")(language)
