"""What `agreement` answers with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd

from cxresearch import checks
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.mystery_shopping import rater_words, words
from cxresearch.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RELIABLE: Final = 0.8
"""Krippendorff's rule of thumb: rely on scores from here on."""
TENTATIVE: Final = 0.667
"""Krippendorff's rule of thumb: tentative conclusions from here on."""


@dataclass(frozen=True, kw_only=True)
class AgreementResult(Result):
    """What `agreement` answers with: besides the coefficients, every rater and every target.

    Parameters
    ----------
    raters : DataFrame
        One row per rater, with

        - rater; n ratings; mean and spread (standard deviation) of the scores
        - severity : how many points lower than the other raters on the same targets, so above 0 for a strict rater;
          severity_low, severity_high : its interval
        - scatter : standard deviation of that difference from target to target: how unsteadily, in points
        - agreement : with the other raters on the same targets (0 to 1, before any correction for chance)
        - gap : that agreement less the agreement of the others among themselves, on the same targets, so below 0 for
          a rater who departs from the panel; needs a third rater; gap_low, gap_high : its interval
        - standing : "stricter", "milder" (the interval of severity lies above, below 0), "apart" (that of gap lies
          below 0), "stricter_apart", "milder_apart", "as_others" (none of these can be told), "unknown" (no interval)

        The intervals are t intervals over targets, and those of one column hold for all raters at once (Bonferroni).
        With few targets, or scores given rarely, those of gap are too narrow, though in simulation nobody was said to
        depart who did not in more than 1 % of samples (data/evidence/raters.csv and choices/raters.csv).
    prevalence : DataFrame
        One row per score: category; n; share of all ratings; lowest_rater, highest_rater: share among the ratings of
        the rater who gives it least and most often (of those with five ratings or more); confirmed: where one rater
        gives it, the share of the other raters on that target who give it too. By chance alone that would be `share`.
    targets : DataFrame
        target; n ratings; mean and spread; lowest and highest score, or at the nominal level the most_common one;
        agreement of its raters (0 to 1). Means and spreads of ordered words count them 1, 2, 3, …; the nominal level
        has none (NaN).
    ratings : DataFrame
        The ratings used: target, rater, score, and place: the score as a number, or its category's position.
    categories : tuple
        The scores that were compared, from lowest to highest where they have an order.
    level, weights : str
        Level of measurement, and how far scores are apart.
    same : float
        Share of pairs of raters who give a target the very same score.
    names : tuple of str
        The caller's columns for target, rater and score.
    """

    raters: pd.DataFrame
    prevalence: pd.DataFrame
    targets: pd.DataFrame
    ratings: pd.DataFrame
    categories: tuple[Any, ...]
    level: str
    weights: str
    same: float
    names: tuple[str, str, str]

    headings: ClassVar[dict[str, Words]] = words.AGREEMENT_HEADINGS

    def row(self, coefficient: str) -> Any:
        """Return one coefficient's row of the table."""
        return self.table.set_index("coefficient").loc[coefficient]

    @property
    def verdict(self) -> str:
        """What the interval of Krippendorff's alpha says by his rule of thumb.

        "reliable": all of it at 0.80 or above. "tentative": all of it at 0.667 or above. "unreliable": all of it
        below 0.667. "open": none of these. "unknown": there is no interval.
        """
        alpha = self.row("krippendorff")
        if np.isnan(alpha.ci_low) or np.isnan(alpha.ci_high):
            return "unknown"
        if alpha.ci_low >= RELIABLE:
            return "reliable"
        if alpha.ci_low >= TENTATIVE:
            return "tentative"
        return "unreliable" if alpha.ci_high < TENTATIVE else "open"

    @property
    def paradox(self) -> bool:
        """Whether raters give the same score in 80 % of cases or more, and kappa lies 0.2 below Gwet's AC or more.

        The reason is a score that is nearly always given.
        """
        estimate = self.table.set_index("coefficient")["estimate"]
        return bool(self.same >= 0.8 and estimate["gwet"] - estimate["fleiss"] >= 0.2)

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say whether the scores can be relied on; with `focus`, a target, what its raters gave it comes first.

        Raises
        ------
        InputError
            If `focus` is not a target.
        """
        return Paragraph(words.agreement_text(self, language, focus))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Axes":
        """Draw every rater's score of every target, `focus` marked.

        Raises
        ------
        InputError
            If `focus` is not a target.
        """
        from cxresearch.mystery_shopping import figures

        return figures.scores(self, language, focus)

    def plot_coefficients(self, language: str = "en") -> "Axes":
        """Draw the coefficients with their intervals."""
        from cxresearch.mystery_shopping import figures

        return figures.coefficients(self, language)

    def plot_raters(self, language: str = "en") -> "Axes":
        """Draw who is strict and who is mild; at the nominal level, who departs from the panel."""
        from cxresearch.mystery_shopping import rater_figures

        return rater_figures.raters(self, language)

    def readable(
        self, language: str = "en", *, digits: int = 3, part: str = "table", most: int | None = None
    ) -> Readable:
        """Return a table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        part : {"table", "raters", "targets", "prevalence"}
            Which table.
        most : int, optional
            Rows at most: of the targets those whose raters agree least, of the raters those who agree least with
            the others, among those with five ratings or more, of the scores the most frequent.
        """
        checks.choice("part", part, ("table", "raters", "targets", "prevalence"))
        frame: pd.DataFrame = getattr(self, part)
        if most is not None and len(frame) > most and part != "table":
            frame = rater_words.known(frame) if part == "raters" else frame
            by, falling = ("n", True) if part == "prevalence" else ("agreement", False)
            frame = frame.sort_values(by, ascending=not falling, kind="stable").head(most)
        if part != "table":  # what a page has no room for, and what unordered scores do not have
            left_out = {"scatter", "gap_low", "gap_high", *(words.NUMERIC_ONLY if self.level == "nominal" else ())}
            frame = frame.drop(columns=[column for column in frame if column in left_out])
        # a name made of digits is a name: no thousands are set apart in it
        frame = frame.assign(**{frame.columns[0]: frame.iloc[:, 0].astype(str)})
        counted = Words("ratings", "评分数") if part != "table" else Words("targets", "对象数")
        return Readable(frame, language, digits, self.headings | {"n": counted})
