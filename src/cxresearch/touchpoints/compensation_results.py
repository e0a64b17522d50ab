"""What the study of compensation answers with."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from cxresearch import checks
from cxresearch.language import LANGUAGES, Paragraph, Readable, Words
from cxresearch.touchpoints import compensation_words as words
from cxresearch.touchpoints.driver_results import Named

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MARGIN: Final = 0.25
"""Part of the effect by which the weaker of the two may count extra, and the two still be said to add up."""
CEILING: Final = 0.15
"""Share of outcomes at the highest answer from which that may pass for softening."""


def judge(effects: "pd.DataFrame") -> tuple[str, str]:
    """Return answer and pattern by the stated rules; rows are named by the effects."""
    low, high = effects["ci_low"], effects["ci_high"]
    answer = "makes_up" if low["net"] >= 0 else "falls_short" if high["net"] < 0 else "open"
    if low["weaker"] > -MARGIN and high["weaker"] < MARGIN:
        return answer, "adds_up"
    if low["weaker"] > 0 and not high["product"] < 0:
        return answer, "weakest"
    return answer, "softens" if high["weaker"] < 0 and not low["product"] > 0 else "open"


@dataclass(frozen=True, kw_only=True)
class Compensation(Named):
    """Whether one touchpoint makes up for another; see `cxresearch.compensation` for the tables.

    Parameters
    ----------
    rivals : DataFrame
        Models by how well they predict what was left out.
    curves : DataFrame
        The fitted outcome along the first score, at three levels of the second.
    first, second : str
        The touchpoints: does the first make up for the second?
    good, poor : float
        A good score of the first, a poor score of the second.
    middle : (float, float)
        Means of both.
    corner : int
        Respondents at least halfway to good on the first and to poor on the second.
    at_top : float
        Share of outcomes at the highest answer.
    cases : int
        Respondents behind the numbers.
    bootstraps : int
        Bootstrap samples behind the intervals; 0 if there are none.
    """

    rivals: "pd.DataFrame"
    curves: "pd.DataFrame"
    first: str
    second: str
    good: float
    poor: float
    middle: tuple[float, float]
    corner: int
    at_top: float
    cases: int
    bootstraps: int

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def effect(self, name: str) -> "pd.Series[Any]":
        """Return the row of one effect."""
        checks.choice("effect", name, self.table["effect"])
        return self.table.set_index("effect").loc[name]  # type: ignore[return-value]

    @property
    def answer(self) -> str:
        """Whether the first makes up for the second: "makes_up", "falls_short" or "open"."""
        return judge(self.table.set_index("effect"))[0]

    @property
    def pattern(self) -> str:
        """By which rule the two go together: "weakest", "softens", "adds_up" or "open"."""
        return judge(self.table.set_index("effect"))[1]

    def verdict(self, *, makes_up: bool = True) -> str:
        """Judge the claim that the first makes up for the second, or that it does not, by ``answer``."""
        if self.answer == "open":
            return "undecided"
        return "supported" if (self.answer == "makes_up") == makes_up else "contradicted"

    def numbers(self) -> dict[str, Any]:
        """Return the main effects and the pattern, by name, for a report's findings."""
        net, weaker = self.effect("net"), self.effect("weaker")
        return {
            "pair_net": float(net["estimate"]),
            "pair_net_ci_low": float(net["ci_low"]),
            "pair_net_ci_high": float(net["ci_high"]),
            "pair_weaker": float(weaker["estimate"]),
            "pair_weaker_ci_low": float(weaker["ci_low"]),
            "pair_weaker_ci_high": float(weaker["ci_high"]),
            "pair_pattern": self.pattern,
        }

    def called(self, language: str) -> Self:
        """Return the same result with the readable names of `language` in place of the columns' own."""
        own = {c: self.names[c](language) for c in (self.outcome, self.first, self.second) if c in self.names}
        return replace(
            self, names={}, outcome=own.get(self.outcome, self.outcome), first=own.get(self.first, self.first),
            second=own.get(self.second, self.second),
        )  # fmt: skip

    def known(self, focus: Any, language: str) -> Any:
        """Return what a touchpoint is called, having refused one that is not of the two."""
        if focus is None:
            return None
        own = {name(spoken): column for column, name in self.names.items() for spoken in LANGUAGES}
        column, pair = own.get(focus, focus), (self.first, self.second)
        if column not in pair:
            raise checks.InputError(
                f"focus={focus!r} is neither of the two touchpoints{checks.nearest(str(focus), pair)}; "
                f"they are {checks.listed(pair)}"
            )
        return self.names[column](language) if column in self.names else column

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say whether the first makes up for the second, and what cannot be told; `focus` is one of the two."""
        self.known(focus, language)
        return words.paragraph(self.called(language), language, ceiling=self.at_top >= CEILING)

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw the outcome along the first score at three levels of the second, and the rivals beside it."""
        from cxresearch.touchpoints import compensation_figures

        self.known(focus, language)
        return compensation_figures.curves_plot(self.called(language), language)

    def readable(self, language: str = "en", *, digits: int = 3) -> Readable:
        """Return the table for reading."""
        return Readable(self.table, language, digits, words.HEADINGS | words.EFFECTS)

    def readable_rivals(self, language: str = "en", *, digits: int = 3) -> Readable:
        """Return ``rivals`` for reading."""
        return Readable(self.rivals, language, digits, words.HEADINGS | words.MODELS)
