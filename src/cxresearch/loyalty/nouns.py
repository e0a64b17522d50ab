"""What columns, units and numbers are called in the sentences and figures of this wing."""

from math import floor, log10
from typing import Any, Final

import numpy as np

from cxresearch.language import Words, number
from cxresearch.loyalty.periods import Step

NAMES: Final[dict[str, Words]] = {
    "loyalty": Words("loyalty", "忠诚度"),
    "satisfaction": Words("satisfaction", "满意度"),
}
"""Column names of the project's own data, for sentences; any other column keeps its name."""
LONGEST_NAME: Final = 40
"""Letters of a column's name that sentences and figures show."""
COUNTED: Final[dict[str, Words]] = {"customer": Words("customers", "名客户"), "客户": Words("customers", "名客户")}


def name(column: str, language: str) -> str:
    """Return how a column is called in a sentence; in Chinese a name that is none of ours stands in quotes."""
    if column in NAMES:
        return NAMES[column](language)
    text = str(column)
    if len(text) > LONGEST_NAME:  # a questionnaire's whole question, say; the table has it in full
        text = text[: LONGEST_NAME - 1] + "…"
    return f"“{text}”" if language == "zh" else text


def units(count: int, column: str, language: str) -> str:
    """Write how many units: ``2,000 customers``, or ``30 units`` of whatever else."""
    if column in COUNTED:
        word = COUNTED[column](language)
        return f"{number(count, 0)} {word.removesuffix('s') if count == 1 and language == 'en' else word}"
    if language == "zh":
        return f"{number(count, 0)} 个单位"
    return f"{number(count, 0)} unit{'' if count == 1 else 's'}"


def digits(values: Any) -> int:
    """Return how many decimals tell these numbers apart: two around 1, more for smaller, fewer for larger ones."""
    largest = float(np.nanmax(np.abs(np.append(np.asarray(values, dtype=float), 0.0))))
    if largest == 0 or not np.isfinite(largest):
        return 2
    place = floor(log10(largest))
    return min(1 - place, 6) if place < 0 else max(0, 2 - max(place - 1, 0))


def spell(step: Step, language: str = "en") -> str:
    """Name the axis of lags: "Years", "Steps of 2 years", "年数"."""
    zh = {"year": "年数", "quarter": "季度数", "month": "月数", "week": "周数", "day": "天数", "period": "期数"}
    if step.size == 1 or step.unit == "period":
        return Words(f"{step.unit.capitalize()}s", zh[step.unit])(language)
    return Words(f"Steps of {step.length(1)}", f"期数（每期 {step.length(1, 'zh')}）")(language)
