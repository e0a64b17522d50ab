"""What studies of lags answer with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from cxresearch import checks
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.loyalty import lag_words as words
from cxresearch.loyalty.groups import Groups
from cxresearch.loyalty.periods import Step
from cxresearch.loyalty.placebo import Placebo
from cxresearch.numerics import horizon
from cxresearch.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Lags(Result):
    """Effects of a driver now and in earlier periods.

    Parameters
    ----------
    covariance : DataFrame
        Joint covariance of the effects; rows and columns are (driver, lag).
    outcome : str
        Column explained.
    drivers : tuple of str
        Columns that explain it.
    lags : int
        Longest lag.
    step : Step
        How long one period is.
    """

    covariance: "pd.DataFrame"
    outcome: str
    drivers: tuple[str, ...]
    lags: int
    step: Step

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def effects_of(self, driver: str | None = None) -> "pd.DataFrame":
        """Return the table's rows of one driver; of the only one, or the first, by default."""
        name = self.drivers[0] if driver is None else driver
        checks.choice("driver", name, self.drivers)
        return self.table[self.table["driver"] == name].reset_index(drop=True)

    def last_clear(self, driver: str | None = None) -> int:
        """Return the last lag whose interval excludes zero, -1 if none does: a rough reading, not a horizon."""
        return words.last_clear(self.effects_of(driver))

    def verdict(self, *, lag: int, smallest: float, driver: str | None = None) -> str:
        """Judge the claim that an effect still lasts after so many periods.

        Parameters
        ----------
        lag : int
            Periods after which the effect is claimed to be there; 3 for "goes on for four periods".
        smallest : float
            Smallest effect that matters: points of the outcome per point of the driver, above 0.
        driver : str, optional
            Which driver; the first by default.

        Returns
        -------
        str
            "supported" if the interval of that lag lies above 0, "contradicted" if it ends below `smallest`,
            otherwise "undecided". An interval that does both (above 0, yet below `smallest`) is undecided:
            an effect is there, and it is too small to matter.

        Raises
        ------
        InputError
            If the lag was not estimated, or `smallest` is not above 0.
        """
        if not smallest > 0:
            raise checks.InputError(f"smallest={smallest!r} must be above 0: the smallest effect that matters")
        table = self.effects_of(driver)
        if lag not in set(table["lag"]):
            raise checks.InputError(f"lag={lag!r} was not estimated; lags run from 0 to {self.lags}")
        low, high = table.loc[table["lag"] == lag, ["ci_low", "ci_high"]].iloc[0]
        if (low > 0) == (high < smallest):
            return "undecided"
        return "supported" if low > 0 else "contradicted"

    def compare(self, focus: Any) -> "pd.DataFrame":
        """Compare one group with all others.

        Parameters
        ----------
        focus : object
            A value of the group column.

        Returns
        -------
        DataFrame
            ``part`` ("focus", "rest", "difference"), then the columns of `table`, then ``units``. The
            difference is focus less rest; both sides are fitted by themselves, each with its own period effects.
            Its t has Welch-Satterthwaite degrees of freedom. NaN where a side cannot be fitted.

        Raises
        ------
        InputError
            If there are no groups, or no such group.
        """
        raise checks.InputError(f"focus={focus!r}: one series has no units to name")

    def readable(
        self, language: str = "en", *, digits: int = 3, focus: Any = None, truth: Sequence[float] | None = None
    ) -> Readable:
        """Return the table for reading; a single driver is not named in every row.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals of fractional numbers.
        focus : optional
            Group to compare with all others instead, without the columns se and p_value.
        truth : sequence of float, optional
            Effects the data were simulated with, lag 0 first; lags beyond its end are zero.
        """
        table = self.table.copy() if focus is None else self.compare(focus).drop(columns=["se", "p_value"])
        if truth is not None:
            values = table["lag"].map(dict(enumerate(truth))).fillna(0.0)
            if focus is not None:  # one truth for all, so no difference in truth
                values = values.where(table["part"] != "difference", 0.0)
            table.insert(list(table.columns).index("estimate"), "truth", values.astype(float))
        if len(self.drivers) == 1:
            table = table.drop(columns="driver")
        return Readable(table, language, digits, self.headings)

    def plot(self, language: str = "en", *, focus: Any = None, truth: Sequence[float] | None = None) -> "Figure":
        """Draw the effect of each lag with its interval.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of titles and labels.
        focus : optional
            Group to mark beside all units.
        truth : sequence of float, optional
            Effects the data were simulated with, lag 0 first; lags beyond its end are zero.
        """
        from cxresearch.loyalty.lag_figures import lag_plot

        return lag_plot(self, language, focus=focus, truth=truth)

    def plot_cumulative(
        self, language: str = "en", *, focus: Any = None, truth: Sequence[float] | None = None
    ) -> "Figure":
        """Draw how the effects add up over the periods; arguments as in `plot`."""
        from cxresearch.loyalty.lag_figures import lag_plot

        return lag_plot(self, language, focus=focus, truth=truth, cumulative=True)


@dataclass(frozen=True, kw_only=True)
class PanelLags(Lags):
    """What `distributed_lags` found.

    Parameters
    ----------
    unit, period : str
        Columns.
    effects : {"two-way", "unit", "none"}
        Effects swept out.
    controls : DataFrame
        Slopes of the covariates: covariate, estimate, se, ci_low, ci_high, p_value.
    group : str or None
        Column of the groups that `focus` may name.
    placebo : Placebo or None
        What later values of the drivers seem to do; None if no leads were asked for.
    method : {"together", "projections"}
        How the lags were estimated.
    clusters : int
        Units that errors rest on.
    """

    unit: str
    period: str
    effects: str
    controls: "pd.DataFrame"
    group: str | None = None
    parts: Groups | None = field(default=None, repr=False, compare=False)
    placebo: Placebo | None = None
    method: str = "together"
    clusters: int = 0

    def joint(self, lags: Sequence[int], driver: str | None = None) -> "pd.DataFrame":
        """Test jointly that some lags have no effect.

        Parameters
        ----------
        lags : sequence of int
            Lags tested together.
        driver : str, optional
            Which driver; the first by default.

        Returns
        -------
        DataFrame
            One row: driver, lags (as text), statistic (Wald, clustered by unit, scaled as Hotelling's T² is), df1,
            df2, p_value (of statistic / df1 under F).

        Raises
        ------
        InputError
            If a lag was not estimated, or units are no more than lags.
        """
        import pandas as pd

        tested = self.effects_of(driver)
        chosen = sorted(set(lags))
        if not chosen or not set(chosen) <= set(tested["lag"]):
            raise checks.InputError(f"lags={list(lags)!r}: name some of the lags estimated, 0 to {self.lags}")
        terms = [(tested["driver"].iloc[0], lag) for lag in chosen]
        effects = tested.set_index("lag").loc[chosen, "estimate"].to_numpy()
        try:
            wald, p = horizon.joint(effects, self.covariance.loc[terms, terms].to_numpy(), self.clusters)
        except ValueError as error:
            raise checks.InputError(str(error)) from None
        row = (terms[0][0], ", ".join(map(str, chosen)), wald, len(terms), self.clusters - len(terms), p)
        return pd.DataFrame([row], columns=["driver", "lags", "statistic", "df1", "df2", "p_value"])

    @cached_property
    def groups(self) -> "pd.DataFrame":
        """Every group fitted by itself: the columns of `table` after ``group``, and ``units``; NaN where impossible."""
        import pandas as pd

        parts = self._groups()
        fits = [parts.table(parts.fit(name)).assign(group=name) for name in parts.names]
        table = pd.concat(fits, ignore_index=True)
        return table[["group", *(column for column in table if column != "group")]]

    def compare(self, focus: Any) -> "pd.DataFrame":
        """Compare one group with all others; see `Lags.compare`."""
        return self._groups().compare(focus)

    def why_not(self, focus: Any) -> Words | None:
        """Say why a group has no estimate of its own; None if it has one."""
        return self._groups().fit(focus).why

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say what a point of satisfaction goes with, period by period, and in all."""
        return words.panel_text(self, language, focus)

    def _groups(self) -> Groups:
        if self.parts is None:
            raise checks.InputError("focus needs groups; name their column: distributed_lags(..., group='community')")
        return self.parts


@dataclass(frozen=True, kw_only=True)
class SeriesLags(Lags):
    """What `series_lags` found.

    Parameters
    ----------
    period : str
        Column.
    bandwidth : int
        Longest lag of the Bartlett kernel, in periods.
    fraction : float
        Length of the kernel as a share of the series.
    """

    period: str
    bandwidth: int
    fraction: float

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say what a point of the driver goes with, period by period, and in all; one series has no `focus`."""
        if focus is not None:
            self.compare(focus)
        return words.series_text(self, language)
