"""When the dissatisfied leave: the chance of leaving by the length of the dissatisfied run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.loyalty import streak_notes, streak_rows, streak_tables, streak_words
from cxresearch.loyalty.periods import Step
from cxresearch.loyalty.rows import check_whole, names
from cxresearch.loyalty.streak_rows import AtRisk, Panel
from cxresearch.numerics import hazard
from cxresearch.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def streak_hazard(
    data: "pd.DataFrame",
    *,
    unit: str,
    period: str,
    satisfaction: str,
    left: str,
    threshold: float,
    max_streak: int = 4,
    covariates: Sequence[str] = (),
    confidence: float = defaults.CONFIDENCE,
    restart: bool = False,
    cluster: str | None = None,
    weight: str | None = None,
    group: str | None = None,
    step: str = "auto",
    draws: int = 4000,
    seed: int = defaults.SEED,
) -> "StreakHazard":
    """Estimate the chance of leaving by how many periods in a row a unit has been dissatisfied.

    Decides when the dissatisfied leave: whether customers who have had four dissatisfied years in a row are
    likely to go, and how much likelier than the satisfied.

    Parameters
    ----------
    data : DataFrame
        One row per unit and period, up to the period in which the unit leaves or is last seen; periods may be missing.
    unit : str
        Column that names the unit: customer, household, contract.
    period : str
        Column of whole numbers, dates, pandas Periods, or texts such as 2020, 2020-03, 202003, 2020-Q1.
    satisfaction : str
        Column of scores, in points.
    left : str
        Column that says whether the unit left in that period, after the score was given: 0 and 1, true and
        false, or words (yes, no, 是, 否, 流失, 未流失). Missing where it is not known yet.
    threshold : float
        A period is dissatisfied if its score lies below this many points.
    max_streak : int
        Longest run told apart; it stands for itself and all longer ones.
    covariates : list of str
        Columns held constant in the odds ratios, as they are in that period.
    confidence : float
        Coverage probability of the intervals.
    restart : bool
        A run that begins at a unit's first row, or right after a gap, may have begun before. False: its rows are
        dropped until the run is known to be of length `max_streak`. True: it counts from the first row seen, which is
        right for customers who are new then.
    cluster : str, optional
        Column of clusters, such as communities, whose units may leave together. By default units leave
        independently of each other.
    weight : str, optional
        Column of weights above 0, such as those of `attrition`.
    group : str, optional
        Column of groups, such as communities, that `focus` may name.
    step : {"auto", "year", "quarter", "month", "week", "day"}
        Length of one period; "auto" takes it from the data.
    draws : int
        Draws that the intervals of survival curves are read from.
    seed : int
        Seed of these draws.

    Returns
    -------
    StreakHazard
        ``table``: streak (periods in a row, this one counted; the last stands for itself and more), at_risk
        (rows), left (of these), hazard (chance of leaving in such a period), ci_low, ci_high, odds_ratio (of leaving,
        against streak 0 in the same period), odds_ratio_ci_low, odds_ratio_ci_high. ``tests``: whether leaving rises
        with the run. ``controls``: odds ratios of the covariates. ``leavers``: how long those who left had been
        dissatisfied. ``survival()``: the chance of still being there, by scenario. ``sensitivity()``: the same with
        other thresholds. ``compare(focus)``: a group beside all others. ``verdict()``: the rule for claim L3.

    Raises
    ------
    InputError
        If a column is missing or not numeric, `left` is neither yes nor no, a unit has two rows in a period or a row
        after it left, nobody leaves, no or every score lies below the threshold, or a covariate never changes.

    Notes
    -----
    **Chances.** ``hazard = left / at_risk``, with mid-P intervals. A unit counts in every period it is seen and
    leaves once: given its past, each period is one draw, so rows add up like independent trials (the errors are a
    martingale's), and a unit's coming back row after row does not shorten the intervals. Units that leave together
    do; with `cluster` the intervals rest on the effective number of rows (Korn and Graubard 1998).

    **Odds ratios.** Logit with an effect of each period, the runs' lengths, and covariates; errors
    clustered by unit or `cluster`, with G/(G-1) * (N-1)/(N-K); t with G-1 degrees of freedom. If nobody
    with a run left, the odds ratio is 0 and only its upper end is estimated (mid-P); if everybody left, it is
    infinite and only its lower end is.

    **Gaps.** A run counts consecutive periods of the calendar. A missing period, or a missing score, leaves the run
    behind it unknown; see `restart`. A period with a satisfied score is always known to have run 0.

    It describes who leaves; it does not prove that dissatisfaction makes them. Customers who are dissatisfied for
    years may differ in other ways, and those who remain after years of it are the patient ones. It takes units
    that vanish without a word to be like those that stay with the same run.

    Validated against statsmodels' logit, a Kaplan-Meier product, and simulated leavers with known chances;
    ``data/evidence/streaks.csv`` has the coverage of every interval.

    References
    ----------
    Singer, J. D., & Willett, J. B. (1993). It's about time: Using discrete-time survival analysis to study duration
    and the timing of events. Journal of Educational Statistics, 18, 155-195.

    Korn, E. L., & Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data. Survey Methodology, 24, 193-201.

    Examples
    --------
    >>> from cxresearch.data.simulate.leavers import leaving
    >>> frame, truth = leaving()
    >>> result = streak_hazard(
    ...     frame, unit="customer", period="year", satisfaction="satisfaction", left="left", threshold=5
    ... )
    >>> result.table["hazard"].round(1).tolist(), [round(chance, 1) for chance in truth["hazards"]]
    ([0.0, 0.1, 0.1, 0.2, 0.6], [0.0, 0.1, 0.1, 0.2, 0.6])
    """
    checks.confidence(confidence)
    longest = check_whole("max_streak", max_streak, "the longest run told apart")
    if longest < 1:
        raise checks.InputError(f"max_streak={max_streak!r} must be at least 1: with 0 no run is told apart")
    if check_whole("draws", draws, "how many draws intervals of survival curves are read from") < 100:
        raise checks.InputError(f"draws={draws!r} must be at least 100")
    others = names(covariates, "covariates")
    panel = streak_rows.prepare(
        data,
        unit=unit,
        period=period,
        satisfaction=satisfaction,
        left=left,
        covariates=others,
        cluster=cluster,
        weight=weight,
        group=group,
        restart=restart,
        step=step,
    )
    _check_threshold(panel, threshold, satisfaction)
    rows = panel.at(float(threshold), longest)
    _refuse_none_left(rows, left)
    found = streak_tables.estimate(rows, longest, clustered=cluster is not None, confidence=confidence, names=others)
    return StreakHazard(
        table=found.table,
        sample=rows.sample,
        notes=streak_notes.notes(
            rows, found, panel, period=period, satisfaction=satisfaction, threshold=threshold, cluster=cluster
        ),
        confidence=confidence,
        tests=found.tests,
        controls=found.controls,
        leavers=streak_tables.leavers(rows, longest, confidence),
        threshold=float(threshold),
        max_streak=longest,
        step=panel.rows.step,
        unit=unit,
        satisfaction=satisfaction,
        covariates=tuple(others),
        cluster=cluster,
        group=group,
        seed=seed,
        draws=draws,
        panel=panel,
        rates=found.rates,
    )


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


def _check_threshold(panel: Panel, threshold: float, satisfaction: str) -> None:
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not np.isfinite(threshold):
        raise checks.InputError(f"threshold={threshold!r} must be a number of points: below it is dissatisfied")
    low, high = panel.satisfaction.min(), panel.satisfaction.max()
    if not low < threshold <= high:
        raise checks.InputError(
            f"threshold={threshold!r}: scores in {satisfaction!r} run from {low:g} to {high:g}, so "
            f"{'nobody is ever' if threshold <= low else 'everybody is always'} dissatisfied; choose one between"
        )


def _refuse_none_left(rows: AtRisk, left: str) -> None:
    if not len(rows.cell):
        reasons = ", ".join(f"{n} {why.en}" for why, n in rows.sample.dropped if n)
        raise checks.InputError(f"no rows are left ({reasons})")
    if not rows.left.any():
        raise checks.InputError(f"left={left!r}: nobody leaves in the {len(rows.left)} rows that can be used")
