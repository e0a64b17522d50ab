"""What a study of moments of truth answers with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from cxresearch import checks
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.numerics import moments as numeric
from cxresearch.result import Result
from cxresearch.touchpoints import moments_tables, moments_words
from cxresearch.touchpoints.moments_blueprint import Blueprint
from cxresearch.touchpoints.moments_tables import House

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLUMNS: Final = ("role", "tool", "stage", "group")
_MOMENTS: Final = (
    "moment", "group", "failure", "from_back", "recovery", "failures_per_day", "lasting_per_day", "spared_per_day",
    "weight", "harm_share", "needed", "gap",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MomentsOfTruth(Result):
    """Contacts, failures and recovery; see `cxresearch.moments_of_truth` for the columns.

    Parameters
    ----------
    moments, steps : DataFrame
        As described there.
    curve : DataFrame
        order, moment, met (share of customers who have met a failure by then), lasting (who would leave with a failure
        not made good if the service ended there).
    blueprint : Blueprint
        What was read.
    house : House
        How many customers there are.
    assumed : tuple of str
        Chances that are one number for all, not a column: "failure", "recovery".
    recovery_cost, target : float or None
        As given.
    names : mapping of label to (English, Chinese)
        Readable names.
    """

    moments: "pd.DataFrame"
    steps: "pd.DataFrame"
    curve: "pd.DataFrame"
    blueprint: Blueprint
    house: House
    assumed: tuple[str, ...]
    recovery_cost: float | None
    target: float | None
    names: "Mapping[Any, tuple[str, str]]"

    headings: ClassVar[dict[str, Words]] = moments_words.HEADINGS

    def row(self, quantity: str) -> "pd.Series[Any]":
        """Return a quantity's row of the table.

        Raises
        ------
        InputError
            If there is no such quantity.
        """
        checks.choice("quantity", quantity, list(self.table["quantity"]))
        return self.table[self.table["quantity"] == quantity].iloc[0]

    def moment(self, focus: Any) -> "pd.Series[Any]":
        """Return a moment's row of ``moments``, by its name in the blueprint or its readable name.

        Raises
        ------
        InputError
            If there is no such moment.
        """
        called = [str(focus) in (str(name), *self.names.get(name, ())) for name in self.moments["moment"]]
        if not any(called):
            checks.choice("focus", str(focus), [str(name) for name in self.moments["moment"]])
        return self.moments[called].iloc[0]

    def name(self, label: Any, language: str = "en") -> str:
        """Return how a moment, role, tool or group is called."""
        pair = self.names.get(label)
        return str(label) if pair is None else pair[language == "zh"]

    def by(self, column: str) -> "pd.DataFrame":
        """Add up where failures start by role, tool, stage or group: steps, failures_per_day, share.

        Raises
        ------
        InputError
            If the blueprint does not have it.
        """
        checks.choice("column", column, COLUMNS)
        groups = (
            dict(zip(self.moments["moment"], self.moments["group"], strict=True)) if "group" in self.moments else {}
        )
        known = bool(groups) if column == "group" else self.steps[column].notna().any()
        if not known:
            raise checks.InputError(f"column={column!r}: the blueprint does not say; name its column with {column}=…")
        return moments_tables.by(self.steps, groups, column)

    def sensitivity(
        self, quantity: str = "customers_lasting", ranges: "Mapping[str, tuple[float, float]] | None" = None
    ) -> "pd.DataFrame":
        """Move each number alone, by a fifth or over a range of one's own, and see what a day brings.

        Parameters
        ----------
        quantity : str
            A row of the table.
        ranges : mapping of input to (low, high), optional
            In place of a fifth less and more. Chances of a blueprint move in proportion; the range is that of their
            mean.

        Returns
        -------
        DataFrame
            input, value, low, high, at_low, at_high (quantity per day), the widest first.

        Raises
        ------
        InputError
            If a quantity or input is not known, or a range is out of bounds.
        """
        self.row(quantity)
        return moments_tables.sensitivity(self.blueprint, self.house, self.recovery_cost, quantity, ranges or {})

    def check(self, simulated: "pd.DataFrame") -> "pd.DataFrame":
        """Set drawn guests beside the closed form.

        Parameters
        ----------
        simulated : DataFrame
            From `cxresearch.simulate.stays` on the same blueprint: a row per guest; failures, made_good, lasting.

        Returns
        -------
        DataFrame
            quantity, expected (per customer, closed form), simulated (mean over guests), ci_low, ci_high.

        Raises
        ------
        InputError
            If a column is missing.
        """
        import numpy as np
        import pandas as pd
        from scipy import stats

        columns = ("failures", "made_good", "lasting")
        checks.columns(simulated, **{name: name for name in columns})
        drawn = {name: simulated[name].to_numpy(dtype=float) for name in columns}
        drawn |= {"customers_failed": drawn["failures"] > 0, "customers_lasting": drawn["lasting"] > 0}
        table = np.column_stack(list(drawn.values())).astype(float)
        found = numeric.moments(table, np.ones(len(table)))
        reach = stats.norm.ppf((1 + self.confidence) / 2) * found.sd / np.sqrt(len(table))
        expected = [self.row(name)["per_customer"] for name in drawn]
        return pd.DataFrame({"quantity": list(drawn), "expected": expected, "simulated": found.mean,
                             "ci_low": found.mean - reach, "ci_high": found.mean + reach})  # fmt: skip

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say how many contacts a day brings, what fails, and what lasts; with `focus`, of that moment first."""
        return moments_words.text(self, language, focus)

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw where failures start and where customers meet them; without a blueprint, how they add up."""
        from cxresearch.touchpoints import moments_figures

        if not self.blueprint.given:
            return moments_figures.curve_plot(self, language, focus=focus)
        return moments_figures.blueprint_plot(self, language, focus=focus)

    def plot_curve(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw how many customers have met a failure, moment by moment."""
        from cxresearch.touchpoints import moments_figures

        return moments_figures.curve_plot(self, language, focus=focus)

    def plot_sensitivity(
        self,
        language: str = "en",
        *,
        quantity: str = "customers_lasting",
        ranges: "Mapping[str, tuple[float, float]] | None" = None,
    ) -> "Figure":
        """Draw which number moves a quantity most."""
        from cxresearch.touchpoints import moments_figures

        return moments_figures.sensitivity_plot(self, language, quantity=quantity, ranges=ranges)

    def readable(self, language: str = "en", *, digits: int = 2) -> Readable:
        """Return the table for reading; without intervals where there are none."""
        table = self.table.dropna(axis="columns", how="all")
        return self._shown(table, language, digits)

    def readable_moments(self, language: str = "en", *, digits: int = 3, most: int = 12) -> Readable:
        """Return the moments that leave most customers with a failure, for reading; ``moments`` has them all."""
        table = self.moments.sort_values("spared_per_day", ascending=False, kind="stable").head(most)
        return self._shown(table[[column for column in _MOMENTS if column in table]], language, digits)

    def readable_steps(self, language: str = "en", *, digits: int = 3, most: int = 12) -> Readable:
        """Return the steps at which most failures start, for reading."""
        table = self.steps.sort_values("failures_per_day", ascending=False, kind="stable").head(most)
        shown = [c for c in ("step", "role", "tool", "stage", "failure", "met_at", "failures_per_day", "share")
                 if table[c].notna().any()]  # fmt: skip
        return self._shown(table[shown], language, digits)

    def readable_by(self, column: str, language: str = "en", *, digits: int = 2) -> Readable:
        """Return ``by(column)`` for reading."""
        return self._shown(self.by(column), language, digits)

    def readable_check(self, simulated: "pd.DataFrame", language: str = "en", *, digits: int = 3) -> Readable:
        """Return ``check(simulated)`` for reading."""
        return self._shown(self.check(simulated), language, digits)

    def _shown(self, table: "pd.DataFrame", language: str, digits: int) -> Readable:
        labels = {str(label): Words(*pair) for label, pair in self.names.items()}
        return Readable(table, language, digits, labels | self.headings)
