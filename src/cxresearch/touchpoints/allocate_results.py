"""What dividing a budget answers with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cxresearch.language import Paragraph, Readable, Words
from cxresearch.touchpoints import allocate_words as words
from cxresearch.touchpoints.driver_results import Named

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_SHOWN = ("driver", "performance", "cost", "spend", "spend_low", "spend_high", "funded", "rise", "gain", "next_unit",
          "next_low", "next_high")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Allocation(Named):
    """A budget over touchpoints; see `cxresearch.allocate` for the columns of ``table``.

    Parameters
    ----------
    plans : DataFrame
        The best plan, one in proportion to importance, and equal sums: plan, gain, optimism, ci_low, ci_high,
        behind, behind_low, behind_high.
    curve : DataFrame
        What other budgets gain: budget, gain, next_unit.
    budget : float
        Money to be divided.
    step : float
        The next sum of money, whose gain `next_unit` holds.
    money : str
        Name of its unit; may be empty.
    returns : {"saturating", "power", "constant"}
        How money lifts scores.
    cases : int
        Respondents behind the numbers.
    bootstraps : int
        Bootstrap samples behind the intervals; 0 if there are none.
    """

    plans: "pd.DataFrame"
    curve: "pd.DataFrame"
    budget: float
    step: float
    money: str
    returns: str
    cases: int
    bootstraps: int

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say where the money goes, what it gains and how sure that is; with `focus`, of that driver first."""
        return words.paragraph(self.called(language), language, self.known(focus, language))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw the plan with its uncertainty, and what other budgets would gain; `focus` is marked."""
        from cxresearch.touchpoints import allocate_figures

        return allocate_figures.plan_plot(self.called(language), language, focus=self.known(focus, language))

    def numbers(self) -> dict[str, float]:
        """Return what the plans gain, by name, for a report's findings."""
        plans = self.plans.set_index("plan").astype(float)
        found = {"plan_gain": ("best", "gain", "ci_low", "ci_high"),
                 "by_importance_behind": ("by_importance", "behind", "behind_low", "behind_high")}  # fmt: skip
        return {
            f"{name}{end}": float(plans[column].loc[plan])
            for name, (plan, *columns) in found.items()
            for end, column in zip(("", "_ci_low", "_ci_high"), columns, strict=True)
        }

    def readable(self, language: str = "en", *, digits: int = 2) -> Readable:
        """Return the table's main columns for reading; ``table`` has them all."""
        return Readable(self.called(language).table[list(_SHOWN)], language, digits, words.HEADINGS)

    def readable_plans(self, language: str = "en", *, digits: int = 2) -> Readable:
        """Return ``plans`` for reading."""
        return Readable(self.plans, language, digits, words.HEADINGS | words.PLANS)
