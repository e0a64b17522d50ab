"""What `internal_consistency` answers with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd

from cxresearch import checks
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.mystery_shopping import consistency_words as words
from cxresearch.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENOUGH: Final = 0.7
"""Nunnally's rule of thumb: items may be added up from here on."""
POOR_FIT: Final = 0.08
"""Mean correlation left unexplained above which one factor is not enough."""


@dataclass(frozen=True, kw_only=True)
class Factor:
    """How well one factor describes four items or more.

    Parameters
    ----------
    chi2, p_value : float
        Likelihood ratio test that one factor is all there is; with missing answers approximate.
    df : int
        Its degrees of freedom.
    srmr : float
        Root mean square of the correlations it leaves unexplained; up to 0.08 counts as a good description.
    """

    chi2: float
    df: int
    p_value: float
    srmr: float

    @property
    def poor(self) -> bool:
        """Whether the items measure more than one thing, by Hu and Bentler's (1999) limit and beyond chance."""
        return self.srmr > POOR_FIT and self.p_value < 0.05


@dataclass(frozen=True, kw_only=True)
class ConsistencyResult(Result):
    """What `internal_consistency` answers with: besides the coefficients, every item.

    Parameters
    ----------
    items : DataFrame
        item; n answers; mean; sd; item_rest: correlation with the sum of the others; alpha_without: alpha if the item
        were left out (NaN for two items); loading: correlation with the common factor (NaN where none is fitted).
    factor : Factor or None
        Whether one factor describes the items; None for fewer than four.
    effective : float
        Complete rows that would tell as much of alpha; the rows used where nothing is missing.
    missing : float
        Share of the answers that are missing in the rows used.
    """

    items: pd.DataFrame
    factor: Factor | None
    effective: float
    missing: float

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def row(self, coefficient: str) -> Any:
        """Return one coefficient's row of the table."""
        return self.table.set_index("coefficient").loc[coefficient]

    @property
    def verdict(self) -> str:
        """What the interval of alpha says by the rule of thumb 0.70.

        "consistent": all of it at 0.70 or above. "inconsistent": all of it below. "open": neither. "unknown": there
        is no interval.
        """
        alpha = self.row("alpha")
        if np.isnan(alpha.ci_low):
            return "unknown"
        if alpha.ci_low >= ENOUGH:
            return "consistent"
        return "inconsistent" if alpha.ci_high < ENOUGH else "open"

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say whether the items may be added up; with `focus`, an item, how it goes with the others comes first.

        Raises
        ------
        InputError
            If `focus` is not an item.
        """
        return Paragraph(words.text(self, language, focus))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw how each item goes with the others, and alpha without it; `focus` marked.

        Raises
        ------
        InputError
            If `focus` is not an item.
        """
        from cxresearch.mystery_shopping import consistency_figures

        return consistency_figures.items(self, language, focus)

    def readable(self, language: str = "en", *, digits: int = 3, part: str = "table") -> Readable:
        """Return a table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        part : {"table", "items"}
            Which table.
        """
        checks.choice("part", part, ("table", "items"))
        counted = {"n": Words("answers", "回答数") if part == "items" else Words("rows", "行数")}
        return Readable(getattr(self, part), language, digits, self.headings | counted)
