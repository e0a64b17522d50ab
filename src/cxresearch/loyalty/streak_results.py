"""What `streak_hazard` answers with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cxresearch import checks
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.loyalty import streak_tables, streak_words
from cxresearch.loyalty.lag_rows import check_whole
from cxresearch.loyalty.periods import Step
from cxresearch.loyalty.streak_rows import AtRisk, Panel
from cxresearch.numerics import hazard
from cxresearch.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class StreakHazard(Result):
    """What `streak_hazard` found.

    Parameters
    ----------
    tests : DataFrame
        ``test`` ("longest": the longest run against none; "trend": per period of the run), odds_ratio, ci_low,
        ci_high, p_value (two-sided; NaN where an odds ratio is 0 or infinite).
    controls : DataFrame
        Odds ratios per unit of each covariate: covariate, odds_ratio, ci_low, ci_high, p_value.
    leavers : DataFrame
        ``streak``, n (units that left with that run), share, ci_low, ci_high; of those seen in each of the last
        `max_streak` periods, so that their run is known whatever its length.
    threshold : float
        Score below which a period is dissatisfied.
    max_streak : int
        Longest run told apart.
    step : Step
        How long one period is.
    unit, satisfaction, cluster, group : str
        Columns.
    covariates : tuple of str
        Columns.
    seed, draws : int
        Of the intervals of survival curves.
    """

    tests: "pd.DataFrame"
    controls: "pd.DataFrame"
    leavers: "pd.DataFrame"
    threshold: float
    max_streak: int
    step: Step
    unit: str
    satisfaction: str
    covariates: tuple[str, ...]
    cluster: str | None
    group: str | None
    seed: int
    draws: int
    panel: Panel = field(repr=False, compare=False)
    rates: hazard.Rates = field(repr=False, compare=False)

    headings: ClassVar[dict[str, Words]] = streak_words.HEADINGS

    def verdict(self, *, probable: float = 0.5, within: int = 1) -> str:
        """Judge the claim that who has been dissatisfied for `max_streak` periods in a row very probably leaves.

        Parameters
        ----------
        probable : float
            Chance (above 0, below 1) from which on leaving counts as very probable.
        within : int
            Periods, from the one in which the run reaches that length, within which the unit is to have left, if it
            stays dissatisfied. 1, the default, is the strictest reading: it leaves in that very period.

        Returns
        -------
        str
            "supported" if the chance's interval lies above `probable` and the odds ratio's above 1; "contradicted"
            if the one ends below `probable` or the other below 1; otherwise "undecided".

        Raises
        ------
        InputError
            If `probable` or `within` is out of range.
        """
        if isinstance(probable, bool) or not isinstance(probable, int | float) or not 0 < probable < 1:
            raise checks.InputError(f"probable={probable!r} must lie between 0 and 1, for example 0.5")
        low, high = self.chance(within)[1:]
        last = self.table.iloc[-1]
        if low > probable and last["odds_ratio_ci_low"] > 1:
            return "supported"
        return "contradicted" if high < probable or last["odds_ratio_ci_high"] < 1 else "undecided"

    def chance(self, within: int = 1) -> tuple[float, float, float]:
        """Return the chance, with its interval, that a unit with the longest run leaves within so many periods.

        Parameters
        ----------
        within : int
            Periods, this one counted, in all of which the unit is dissatisfied.
        """
        if check_whole("within", within, "periods within which the unit leaves") < 1:
            raise checks.InputError(f"within={within!r} must be at least 1")
        last = self.table.iloc[-1]
        leave, low, high = (float(1 - (1 - last[name]) ** within) for name in ("hazard", "ci_low", "ci_high"))
        return leave, low, high

    def survival(self, starts: Sequence[int] = (0, 3, 1), periods: int = 8) -> "pd.DataFrame":
        """Return the chance of still being there, for units that become dissatisfied at some time and stay so.

        Parameters
        ----------
        starts : list of int
            One scenario each: the period from which on the unit is dissatisfied, counted from 1; 0 for never.
        periods : int
            Periods to look ahead.

        Returns
        -------
        DataFrame
            ``start``, period (from 1), streak (the run in it), estimate (chance of being there after it), ci_low,
            ci_high; NaN once a run was never seen.

        Raises
        ------
        InputError
            If a number is out of range.
        """
        return streak_tables.survival(
            self.rates,
            [check_whole("starts", start, "the first dissatisfied period, 0 for never") for start in starts],
            check_whole("periods", periods, "periods to look ahead"),
            max_streak=self.max_streak,
            confidence=self.confidence,
            draws=self.draws,
            seed=self.seed,
        )

    def sensitivity(self, thresholds: Sequence[float] = ()) -> "pd.DataFrame":
        """Return the answer with other thresholds for "dissatisfied".

        Parameters
        ----------
        thresholds : list of float
            Thresholds in points; by default up to two on either side: the neighbouring scores of a scale with few, or
            half and one standard deviation away.

        Returns
        -------
        DataFrame
            ``threshold``, share_dissatisfied (of rows), at_risk, left, hazard, ci_low, ci_high (of the longest
            run), hazard_satisfied (of run 0), odds_ratio, odds_ratio_ci_low, odds_ratio_ci_high. NaN where nobody has
            such a run.
        """
        return streak_tables.sensitivity(
            self.panel,
            thresholds or streak_tables.neighbours(self.panel.satisfaction, self.threshold),
            max_streak=self.max_streak,
            clustered=self.cluster is not None,
            confidence=self.confidence,
        )

    def compare(self, focus: Any) -> "pd.DataFrame":
        """Return one group beside all others.

        Parameters
        ----------
        focus : object
            A value of the group column.

        Returns
        -------
        DataFrame
            ``part`` ("focus", "rest"), streak, at_risk, left, hazard, ci_low, ci_high. Intervals of one group take its
            units to be independent of each other.

        Raises
        ------
        InputError
            If there are no groups, or no such group.
        """
        return streak_tables.compare(self._rows, self._group_code(focus), self.max_streak, self.confidence)

    def units_of(self, focus: Any) -> int:
        """Return how many units a group has among the rows used."""
        code = self._group_code(focus)
        return len(np.unique(self._rows.unit[self._rows.group == code]))

    def readable(
        self, language: str = "en", *, digits: int = 3, focus: Any = None, truth: Sequence[float] | None = None
    ) -> Readable:
        """Return the table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        focus : optional
            Show this group beside all others instead.
        truth : sequence of float, optional
            Chances the data were simulated with, run 0 first, in a column beside the estimates.
        """
        table = self.table if focus is None else self.compare(focus)
        if truth is not None:
            values = np.asarray(truth, dtype=float)[np.minimum(table["streak"], len(truth) - 1)]
            table = table.assign(truth=values)
        return Readable(table, language, digits, self.headings)

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say who leaves after how long a run; with `focus`, of that group first."""
        return streak_words.text(self, language, focus)

    def plot(self, language: str = "en", *, focus: Any = None, truth: Sequence[float] | None = None) -> "Figure":
        """Draw the chance of leaving by length of the run.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of titles and labels.
        focus : optional
            Group to mark beside all units.
        truth : sequence of float, optional
            Chances the data were simulated with, run 0 first.
        """
        from cxresearch.loyalty.streak_figures import hazard_plot

        return hazard_plot(self, language, focus=focus, truth=truth)

    def plot_survival(
        self,
        language: str = "en",
        *,
        starts: Sequence[int] = (0, 3, 1),
        periods: int = 8,
        truth: Sequence[float] | None = None,
    ) -> "Figure":
        """Draw the chance of still being there by scenario; arguments as in `survival` and `plot`."""
        from cxresearch.loyalty.streak_figures import survival_plot

        return survival_plot(self, language, starts=starts, periods=periods, truth=truth)

    def plot_sensitivity(self, language: str = "en", *, thresholds: Sequence[float] = ()) -> "Figure":
        """Draw the answer with other thresholds; arguments as in `sensitivity`."""
        from cxresearch.loyalty.streak_figures import threshold_plot

        return threshold_plot(self, language, thresholds)

    @cached_property
    def _rows(self) -> AtRisk:
        return self.panel.at(self.threshold, self.max_streak)

    def _group_code(self, focus: Any) -> int:
        if self.group is None:
            raise checks.InputError("focus needs groups; name their column: streak_hazard(..., group='community')")
        texts = [str(name) for name in self.panel.group_names]
        if str(focus) not in texts:
            raise checks.InputError(
                f"focus={focus!r}: no such group{checks.nearest(str(focus), texts)}; groups are {checks.listed(texts)}"
            )
        return texts.index(str(focus))
