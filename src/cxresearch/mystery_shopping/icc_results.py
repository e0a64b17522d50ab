"""What `icc` answers with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from cxresearch import checks
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.mystery_shopping import icc_words, words
from cxresearch.numerics import reliability as numeric
from cxresearch.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True)
class IccResult(Result):
    """What `icc` answers with: besides the six forms, the components and mean squares they are made of.

    Parameters
    ----------
    components : DataFrame
        component ("target", "rater", "residual"); variance in squared points, as estimated, so possibly below 0 by
        "anova"; share of the total (0 to 1, a negative variance counting as 0).
    mean_squares : DataFrame
        source ("target", "rater", "residual", "within"), df, mean_square. With gaps targets are cleared of raters, and
        raters of targets.
    method : {"anova", "reml"}
        How the components were estimated: from the mean squares of complete ratings, or by restricted likelihood.
    k : float
        Number of raters whose mean the forms ending in k judge: all of them on complete ratings, otherwise the
        harmonic mean of the ratings per target.
    targets : DataFrame
        target; n ratings; mean of them; adjusted: that mean without the strictness of the raters who happened to give
        it (the same as the mean on complete ratings); margin: half the width of an interval for what infinitely many
        such raters would give on average, in points (absolute error).
    missing : float
        Share of the pairs of target and rater without a score.
    names : tuple of str
        The caller's columns for target, rater and score.
    """

    components: pd.DataFrame
    mean_squares: pd.DataFrame
    method: str
    k: float
    targets: pd.DataFrame
    missing: float
    names: tuple[str, str, str]

    headings: ClassVar[dict[str, Words]] = icc_words.HEADINGS

    def row(self, form: str) -> Any:
        """Return one form's row of the table."""
        return self.table.set_index("form").loc[form]

    @property
    def leading(self) -> str:
        """The letter of the form that sentences speak of: A, or 1 where raters cannot be told from targets."""
        return "1" if np.isnan(self.row("ICC(A,1)").estimate) else "A"

    def raters_needed(self, target: float = 0.8) -> tuple[float, float, float]:
        """Return how many raters' mean reaches a target reliability: estimate, and the interval's ends.

        By Spearman-Brown from ICC(A,1), for raters drawn like these; rounded up to whole raters. Infinite where
        the data do not rule out that single scores hold nothing of the target.

        Raises
        ------
        InputError
            If `target` is not strictly between 0 and 1.
        """
        if not 0 < target < 1:
            raise checks.InputError(f"target={target!r} must lie between 0 and 1, for example 0.8")
        one = self.row(f"ICC({self.leading},1)")
        needed = numeric.ratings_needed(np.array([one.estimate, one.ci_high, one.ci_low]), target)
        # 3.0000000001 raters are 3
        estimate, low, high = np.maximum(np.ceil(needed - 1e-9), 1)
        return float(estimate), float(low), float(high)

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say how much one rater's score and the mean of all tell; with `focus`, a target, its mean comes first.

        Raises
        ------
        InputError
            If `focus` is not a target.
        """
        return Paragraph(icc_words.text(self, language, focus))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Axes":
        """Draw the six forms with their intervals; the bands are a rule of thumb and say so.

        The correlations belong to the panel, so `focus`, a target, changes nothing here.

        Raises
        ------
        InputError
            If `focus` is not a target.
        """
        from cxresearch.mystery_shopping import figures

        if focus is not None:
            words.find(self.targets, self.names[0], focus)
        return figures.icc_forms(self, language)

    def readable(self, language: str = "en", *, digits: int = 3, part: str = "table") -> Readable:
        """Return a table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        part : {"table", "components", "mean_squares", "targets", "questions"}
            Which table; "questions" says what each form answers.
        """
        checks.choice("part", part, ("table", "components", "mean_squares", "targets", "questions"))
        if part == "questions":
            frame = pd.DataFrame(
                {"form": list(icc_words.QUESTIONS), "question": [q(language) for q in icc_words.QUESTIONS.values()]}
            )
        else:
            frame = getattr(self, part)
        headings = self.headings | ({"n": icc_words.RATINGS} if part == "targets" else {})
        return Readable(frame, language, digits, headings)
