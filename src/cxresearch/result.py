"""The one result type: what every analysis answers with."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from cxresearch.language import Paragraph, Readable, Words, check, number

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sample:
    """What was used and what was dropped, and why; the counts add up.

    Parameters
    ----------
    rows : int
        Rows of the frame that the analysis was given.
    used : int
        Rows that entered it.
    dropped : tuple of (Words, int)
        Reason and number of rows dropped for it, in the order of dropping.
    counts : mapping of str to int
        What else was counted: units, periods, raters, targets, touchpoints.
    """

    rows: int
    used: int
    dropped: tuple[tuple[Words, int], ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold the counts to their sum: a mistake here is ours, not the caller's."""
        if self.used + sum(n for _, n in self.dropped) != self.rows:
            raise RuntimeError(f"sample audit does not add up: {self}")

    def text(self, language: str = "en") -> Paragraph:
        """Say in one sentence how many rows were used, of what, and what was dropped."""
        check(language)
        zh = language == "zh"
        words = {k: COUNTED.get(k, Words(k, k))(language) for k in self.counts}
        of = [f"{number(n, 0)} {words[k]}" for k, n in self.counts.items()]
        lost = [f"{number(n, 0)}: {why(language)}" for why, n in self.dropped if n]
        if zh:
            text = f"使用 {number(self.used, 0)} 行，共 {number(self.rows, 0)} 行"
            text += f"（{'，'.join(of)}）" if of else ""
            return Paragraph(text + (f"；剔除 {'；'.join(lost)}。" if lost else "；没有剔除。"))
        text = f"{number(self.used, 0)} of {number(self.rows, 0)} rows used"
        text += f" ({', '.join(of)})" if of else ""
        return Paragraph(text + (f"; dropped {'; '.join(lost)}." if lost else "; none dropped."))

    def _repr_html_(self) -> str:
        return self.text()._repr_html_()


COUNTED: dict[str, Words] = {
    "cycles": Words("cycles", "轮"),
    "drivers": Words("drivers", "个驱动因素"),
    "episodes": Words("episodes", "次体验"),
    "items": Words("items", "个条目"),
    "leavers": Words("leavers", "名流失客户"),
    "posts": Words("posts", "个岗位"),
    "respondents": Words("respondents", "名受访者"),
    "revisited": Words("revisited", "个已回访"),
    "shoppers": Words("shoppers", "名神秘客户"),
    "units": Words("units", "个单位"),
    "periods": Words("periods", "个时期"),
    "moments": Words("moments", "个关键时刻"),
    "raters": Words("raters", "名评分者"),
    "targets": Words("targets", "个评分对象"),
    "touchpoints": Words("touchpoints", "个接触点"),
    "waves": Words("waves", "期调查"),
    "visits": Words("visits", "次暗访"),
}


@dataclass(frozen=True, kw_only=True)
class Result(ABC):
    """Base of all results: each analysis adds its own words and its own figure.

    Parameters
    ----------
    table : DataFrame
        Tidy table, snake_case columns, nothing rounded, no arrays in cells.
    sample : Sample
        Rows and units used and dropped.
    notes : tuple of Words
        Why a number is undefined, and what a reader must know before using the table.
    confidence : float
        Coverage probability of the intervals.
    """

    table: "pd.DataFrame"
    sample: Sample
    notes: tuple[Words, ...] = ()
    confidence: float

    headings: ClassVar[dict[str, Words]] = {}
    """Words for the columns and values that this result's tables have beyond the shared ones."""

    @abstractmethod
    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say the answer in one paragraph that a manager can read.

        Parameters
        ----------
        language : {"en", "zh"}
            English or Chinese.
        focus : optional
            The unit the paragraph is to speak of first.
        """

    @abstractmethod
    def plot(self, language: str = "en", *, focus: Any = None) -> "Axes | Figure":
        """Draw the answer.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of titles and labels.
        focus : optional
            The unit to mark.
        """

    def readable(self, language: str = "en", *, digits: int = 3) -> Readable:
        """Return the table for reading: rounded, headings in `language`."""
        return Readable(self.table, language, digits, self.headings)

    def remarks(self, language: str = "en") -> Paragraph:
        """Return the notes, a line each, for reading."""
        return Paragraph("\n".join(note(language) for note in self.notes))

    def _repr_html_(self) -> str:
        return self.text()._repr_html_() + self.readable()._repr_html_() + self.remarks()._repr_html_()
