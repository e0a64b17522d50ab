"""What `leaving_clusters` answers with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cxresearch import checks
from cxresearch.language import Paragraph, Words
from cxresearch.loyalty import leaving_words
from cxresearch.loyalty.periods import Step
from cxresearch.result import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Clusters(Result):
    """What `leaving_clusters` found.

    Parameters
    ----------
    rate : float
        Share of rows that end in leaving.
    size : float
        How many others of its group a unit meets in a period, on average.
    step : Step
        How long one period is.
    unit, group, period : str
        Columns.
    causes : tuple of str
        Columns held constant besides.
    """

    rate: float
    size: float
    step: Step
    unit: str
    group: str
    period: str
    causes: tuple[str, ...]

    headings: ClassVar[dict[str, Words]] = leaving_words.HEADINGS | {"n": Words("rows", "行数")}

    @property
    def spread(self) -> dict[str, float]:
        """What the correlation means, with all causes held constant.

        Returns
        -------
        dict
            ``chance`` (of leaving in a period), ``chance_if_one_leaves`` (of another unit of the group, in the same
            period, if one leaves), with ``_low`` and ``_high``; ``swing``: how many times as widely the number of
            leavers of a group swings as it would if units left independently, with ``_low`` and ``_high``.
        """
        last = self.table.iloc[-1]
        told: dict[str, float] = {"chance": self.rate}
        for end, column in (("", "estimate"), ("_low", "ci_low"), ("_high", "ci_high")):
            correlation = float(last[column])
            told[f"chance_if_one_leaves{end}"] = min(max(self.rate + correlation * (1 - self.rate), 0.0), 1.0)
            told[f"swing{end}"] = float(np.sqrt(max(1 + self.size * correlation, 0.0)))
        return told

    def verdict(self, *, smallest: float = 0.01) -> str:
        """Judge the claim that leaving is contagious.

        Parameters
        ----------
        smallest : float
            Smallest correlation that matters, above 0.

        Returns
        -------
        str
            "supported" if the interval of the last line lies above 0; "contradicted" if it ends below `smallest`;
            otherwise, or if both, "undecided". Support means flocks beyond the causes named, not proof of contagion.

        Raises
        ------
        InputError
            If `smallest` is not above 0.
        """
        if not smallest > 0:
            raise checks.InputError(f"smallest={smallest!r} must be above 0: the smallest correlation that matters")
        low, high = self.table.iloc[-1][["ci_low", "ci_high"]]
        if (low > 0) == (high < smallest):
            return "undecided"
        return "supported" if low > 0 else "contradicted"

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say whether units leave together, and what that means; there is no `focus`."""
        if focus is not None:
            raise checks.InputError(f"focus={focus!r}: one group cannot show whether groups go in flocks")
        return leaving_words.clusters_text(self, language)

    def plot(self, language: str = "en", *, focus: Any = None, truth: float | None = None) -> "Figure":
        """Draw the correlation by what is held constant.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of titles and labels.
        focus : None
            There is none.
        truth : float, optional
            Correlation the data were simulated with.
        """
        from cxresearch.loyalty.leaving_figures import clusters_plot

        if focus is not None:
            raise checks.InputError(f"focus={focus!r}: one group cannot show whether groups go in flocks")
        return clusters_plot(self, language, truth=truth)
