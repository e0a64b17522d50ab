"""What retention economics answers with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from cxresearch import checks
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.loyalty import economics_curves as curves
from cxresearch.loyalty import economics_words as words
from cxresearch.loyalty.economics_headings import HEADINGS
from cxresearch.loyalty.economics_ledger import LackingError, Ledger
from cxresearch.loyalty.economics_quantities import Plan, Population
from cxresearch.loyalty.periods import Step
from cxresearch.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class RetentionValue(Result):
    """What `retention_value` found.

    Parameters
    ----------
    population : Population
        Retention rates and money, each with what is known of its uncertainty.
    plan : Plan
        What is taken as certain: discount, time of payment, the programme's cost, the claim's ratio.
    step : Step
        Length of a period.
    currency : str
        Written after amounts of money.
    seed : int
        Seed of the points at which uncertainty is evaluated.
    unit, group : str or None
        Columns.
    ledger : Ledger or None
        The rows; None if there were none.
    """

    population: Population
    plan: Plan
    step: Step
    currency: str
    seed: int
    unit: str | None = None
    group: str | None = None
    ledger: Ledger | None = field(default=None, repr=False, compare=False)

    headings: ClassVar[dict[str, Words]] = HEADINGS

    def has(self, *quantities: str) -> bool:
        """Tell whether the table has all these quantities."""
        return set(quantities) <= set(self.table["quantity"])

    def row(self, quantity: str, *, focus: Any = None) -> "pd.Series":
        """Return one row of the table; with `focus`, that group's.

        Raises
        ------
        InputError
            If the inputs did not allow for the quantity, or there is none of that name.
        """
        checks.choice("quantity", quantity, self.table["quantity"])
        rows = self.table if focus is None else self.compare(focus)
        return rows[rows["quantity"] == quantity].iloc[0]

    def verdict(self, *, ratio: float | None = None, tolerance: float = 0.2) -> str:
        """Judge the claim that winning a customer costs so many times what keeping one does for a period.

        Parameters
        ----------
        ratio : float, optional
            The claim; the `ratio` that `retention_value` was given by default.
        tolerance : float
            Share by which the true ratio may differ and the claim still be called right: 0.2 and a ratio of 5
            take 4 to 6, which holds both readings of 多花费五倍 (5 times, and 5 times more).

        Returns
        -------
        str
            "supported" if the interval of the cost ratio lies within the tolerance, "contradicted" if it lies
            outside altogether (winning costs less than claimed, or still more), otherwise "undecided".
            "not tested" unless both costs come from rows and have an interval.

        Raises
        ------
        InputError
            If `ratio` is not above 0, or `tolerance` not from 0 to below 1.
        """
        claimed = self.plan.ratio if ratio is None else ratio
        if not claimed > 0 or not 0 <= tolerance < 1:
            raise checks.InputError(f"ratio={ratio!r} must be above 0 and tolerance={tolerance!r} from 0 to below 1")
        costs = [self.population.money.get(name) for name in ("cost_to_win", "cost_to_keep")]
        if any(cost is None or cost.basis != "data" for cost in costs) or not self.has("cost_ratio"):
            return "not tested"
        low, high = self.row("cost_ratio")[["ci_low", "ci_high"]].astype(float)
        least, most = claimed * (1 - tolerance), claimed * (1 + tolerance)
        if not low <= high:
            return "not tested"
        if least <= low and high <= most:
            return "supported"
        return "contradicted" if high < least or low > most else "undecided"

    @cached_property
    def by_tenure(self) -> "pd.DataFrame":
        """Retention and what a customer is worth, by period of tenure; the last holds for all later ones.

        Columns: ``tenure``, ``at_risk`` (customer periods), ``retention``, ``retention_ci_low``,
        ``retention_ci_high``, ``value`` (of a customer who begins that period), ``value_ci_low``,
        ``value_ci_high``.
        """
        return curves.by_tenure(self.population, self.plan, seed=self.seed, confidence=self.confidence)

    def sensitivity(self, quantity: str = "lifetime_value") -> "pd.DataFrame":
        """Move one input at a time, and see what becomes of a quantity.

        Parameters
        ----------
        quantity : str
            A row of the table.

        Returns
        -------
        DataFrame
            ``input``; ``low``, ``high`` (where it was moved to); ``moved_by``: "interval" (the ends of its
            interval) or "share" (20 % down and up, where none is known; of retention, 20 % more and fewer
            leavers); ``at_low``, ``at_high`` (the quantity). Widest first; inputs that change nothing are left out.
        """
        checks.choice("quantity", quantity, self.table["quantity"])
        return curves.sensitivity(self.population, self.plan, quantity, self.confidence)

    def break_even(self, uplifts: Sequence[float], *, focus: Any = None) -> "pd.DataFrame":
        """Return what may be spent on keeping customers, for a range of uplifts.

        Parameters
        ----------
        uplifts : sequence of float
            Points of retention, as shares: 0.03 for three more of every 100.
        focus : optional
            Group.

        Returns
        -------
        DataFrame
            ``uplift``; ``estimate``, ``ci_low``, ``ci_high``: largest spend per customer and period that pays;
            ``as_winning``: spend at which a customer saved costs as much as one won (NaN without a cost to win).
        """
        who = self.population if focus is None else self.part(focus)
        return curves.break_even(who, self.plan, uplifts, seed=self.seed, confidence=self.confidence)

    def compare(self, focus: Any) -> "pd.DataFrame":
        """Compare one group with all others.

        Parameters
        ----------
        focus : object
            A value of the group column.

        Returns
        -------
        DataFrame
            ``part`` ("focus", "rest", "difference"), then the columns of `table`. The difference is focus less
            rest; numbers stated for all are the same on both sides, so that their uncertainty cancels. No rows
            where the group cannot be judged by itself, and "focus" alone where the others cannot: `why_not`.

        Raises
        ------
        InputError
            If there are no groups, or no such group.
        """
        if self.why_not(focus) is not None:
            return self.table.iloc[:0].assign(part="")[["part", *self.table]]
        try:
            rest = self.part(focus, rest=True)
        except LackingError:
            rest = None
        return curves.compared(self.part(focus), rest, self.plan, seed=self.seed, confidence=self.confidence)

    def why_not(self, focus: Any) -> Words | None:
        """Say why a group has no answer of its own; None if it has one."""
        try:
            self.part(focus)
        except LackingError as error:
            return error.words
        return None

    def part(self, focus: Any, *, rest: bool = False) -> Population:
        """Return one group, or all others.

        Raises
        ------
        LackingError
            If its rows do not suffice.
        InputError
            If there are no groups, or no such group.
        """
        if self.ledger is None or self.group is None:
            raise checks.InputError("focus needs groups; name their column: retention_value(..., group='community')")
        texts = [str(name) for name in self.ledger.groups]
        if str(focus) not in texts:
            raise checks.InputError(
                f"focus={focus!r}: no such group{checks.nearest(str(focus), texts)}; groups are {checks.listed(texts)}"
            )
        code, group = texts.index(str(focus)), self.ledger.group
        return curves.part(self.ledger, (group != code) & (group >= 0) if rest else group == code, self.population)

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say how many stay, what a customer is worth, and what keeping one may cost."""
        return words.value_text(self, language, focus)

    def readable(
        self, language: str = "en", *, digits: int = 3, focus: Any = None, truth: "RetentionValue | None" = None
    ) -> Readable:
        """Return the table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals of shares.
        focus : optional
            Group to compare with all others instead.
        truth : RetentionValue, optional
            What `retention_value` says when given the numbers that the data were simulated with.
        """
        return words.readable(self, language, digits, focus, truth)

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw what may be spent on keeping a customer, against what winning one costs."""
        from cxresearch.loyalty.economics_figures import break_even_plot

        return break_even_plot(self, language, focus=focus)

    def plot_sensitivity(self, language: str = "en", *, quantity: str = "lifetime_value") -> "Figure":
        """Draw how far each input moves a quantity, widest first."""
        from cxresearch.loyalty.economics_figures import sensitivity_plot

        return sensitivity_plot(self, language, quantity=quantity)
