"""Two languages, English and Chinese: words, numbers in sentences, and headings of tables."""

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from cxresearch import checks

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def check(language: str) -> None:
    """Refuse a language we do not speak."""
    checks.choice("language", language, LANGUAGES)


@dataclass(frozen=True)
class Words:
    """One thing said in both languages: ``Words("unit", "单位")("zh")`` is ``'单位'``; ``str`` is English."""

    en: str
    zh: str

    def __call__(self, language: str = "en") -> str:
        """Return the words in `language`."""
        check(language)
        return self.zh if language == "zh" else self.en

    def __str__(self) -> str:
        """Return the English words."""
        return self.en


class Paragraph(str):
    """Plain text that notebooks and pages show as a paragraph.

    It may hold names from the reader's data, so every character stands for itself: nothing in it is
    read as markup.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(part)}</p>" for part in self.split("\n") if part.strip())


def number(value: float, digits: int = 2) -> str:
    """Write a number for a sentence: fixed digits, a real minus sign, thousands set apart; ``–`` if undefined.

    Examples
    --------
    >>> number(-1234.567), number(float("inf")), number(float("nan"))
    ('−1,234.57', '∞', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def percent(value: float, digits: int = 0) -> str:
    """Write a share (0 to 1) as a percentage.

    Examples
    --------
    >>> percent(0.953)
    '95 %'
    """
    return f"{number(100 * value, digits)} %"


def interval(low: float, high: float, language: str = "en", digits: int = 2) -> str:
    """Write an interval: ``0.10 to 0.25`` or ``0.10 至 0.25``."""
    return f"{number(low, digits)} {Words('to', '至')(language)} {number(high, digits)}"


def ordinal(rank: int, language: str = "en") -> str:
    """Write a rank: ``3rd`` or ``第3``.

    Examples
    --------
    >>> ordinal(3), ordinal(11), ordinal(3, "zh")
    ('3rd', '11th', '第3')
    """
    check(language)
    if language == "zh":
        return f"第{rank}"
    suffix = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{suffix}"


HEADINGS: dict[str, Words] = {
    "above": Words("above", "高于"),
    "below": Words("below", "低于"),
    "ci_high": Words("interval to", "区间上限"),
    "ci_low": Words("interval from", "区间下限"),
    "coefficient": Words("coefficient", "系数"),
    "component": Words("component", "成分"),
    "estimate": Words("estimate", "估计值"),
    "expected": Words("expected", "符合预期"),
    "form": Words("form", "形式"),
    "lag": Words("lag (periods)", "滞后期"),
    "mean": Words("mean", "均值"),
    "n": Words("n", "样本量"),
    "p_value": Words("p", "p 值"),
    "rank": Words("rank", "名次"),
    "se": Words("standard error", "标准误"),
    "term": Words("term", "项"),
    "touchpoint": Words("touchpoint", "接触点"),
    "unit": Words("unit", "单位"),
}
"""Headings that tables share; a wing adds its own with ``readable(..., headings=...)``."""


class Readable:
    """A table for reading: headings in one language, rounded numbers, no index.

    Parameters
    ----------
    table : DataFrame
        The table as computed.
    language : {"en", "zh"}
        Language of the headings.
    digits : int
        Decimals of fractional numbers.
    headings : dict of str to Words, optional
        Headings, and words for cell values, besides the shared ones.
    """

    def __init__(
        self, table: Any, language: str = "en", digits: int = 3, headings: dict[str, Words] | None = None
    ) -> None:
        check(language)
        words = HEADINGS | (headings or {})
        self.numeric = [all(map(_is_number, table.iloc[:, place])) for place in range(len(table.columns))]

        def say(text: Any) -> Any:
            return words[text](language) if isinstance(text, str) and text in words else text

        self.frame = table.apply(lambda column: [_cell(say(value), digits, column.name) for value in column])
        self.frame.columns = [say(name) for name in table.columns]

    def __repr__(self) -> str:
        """Return the table as text."""
        return str(self.frame.to_string(index=False))

    def _repr_html_(self) -> str:
        # pandas writes no class on a cell, and a page sets text to the left and numbers to the right
        def row(cells: Iterable[str], tag: str) -> str:
            opened = (f'<{tag} class="n">' if right else f"<{tag}>" for right in self.numeric)
            parts = (f"{start}{html.escape(cell)}</{tag}>" for start, cell in zip(opened, cells, strict=True))
            return f"<tr>{''.join(parts)}</tr>"

        body = "".join(row(cells, "td") for cells in self.frame.itertuples(index=False, name=None))
        heads = row(map(str, self.frame.columns), "th")
        return f'<table class="readable"><thead>{heads}</thead><tbody>{body}</tbody></table>'


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or hasattr(value, "dtype") or _is_missing(value)


def _is_missing(value: Any) -> bool:
    """Tell pandas' missing value; pandas itself is not imported for it."""
    return type(value).__name__ == "NAType"


def _cell(value: Any, digits: int, name: Any) -> str:
    if isinstance(value, bool) or not _is_number(value):
        return str(value)
    if _is_missing(value):
        return "–"
    if name in ("p_value", "p_adjusted") and value < 0.001:
        return "<0.001"
    if float(value).is_integer() and not isinstance(value, float):
        return number(float(value), 0)
    return number(float(value), digits)
