"""What `carry_over` answers with."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cxresearch import checks
from cxresearch.language import Paragraph, Readable, Words, number
from cxresearch.loyalty import carry_over_words as words
from cxresearch.loyalty import reach
from cxresearch.loyalty.carry_over_fit import Settings, compared
from cxresearch.loyalty.groups import Groups
from cxresearch.loyalty.periods import Step
from cxresearch.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class CarryOver(Result):
    """What `carry_over` found.

    Parameters
    ----------
    lags : DataFrame
        Effects of all lags, as in `distributed_lags`.
    horizons : DataFrame
        Every horizon judged: horizon (-1 for no effect at all), wald (statistic of "no effect later than that"),
        p_value, criterion (the smallest is chosen), chosen.
    outcome, driver, unit, period : str
        Columns.
    max_lag : int
        Longest lag looked at.
    step : Step
        How long one period is.
    settings : Settings
        Share, smallest effect, effects held constant, bootstrap samples and seed.
    smallest : float
        Smallest effect that matters: the upper end of the horizon's interval is for effects no smaller.
    group : str or None
        Column of the groups that `compare` may name.
    """

    lags: "pd.DataFrame"
    horizons: "pd.DataFrame"
    outcome: str
    driver: str
    unit: str
    period: str
    max_lag: int
    step: Step
    settings: Settings
    smallest: float
    group: str | None = None
    parts: Groups | None = field(default=None, repr=False, compare=False)

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    @cached_property
    def ranges(self) -> dict[str, tuple[float, float, float]]:
        """The table as a mapping: quantity to (estimate, ci_low, ci_high)."""
        return {row[0]: row[1:4] for row in self.table.itertuples(index=False, name=None)}

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say for how long an improvement is felt."""
        return words.text(self, language, focus)

    def plot(self, language: str = "en", *, focus: Any = None, truth: "Sequence[float] | None" = None) -> "Figure":
        """Draw how the effects add up, and the horizon with its interval.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of titles and labels.
        focus : optional
            Group to mark.
        truth : sequence of float, optional
            Effects the data were simulated with, lag 0 first; lags beyond its end are zero.
        """
        from cxresearch.loyalty.carry_over_figures import carry_over_plot

        return carry_over_plot(self, language, focus=focus, truth=truth)

    def readable(
        self, language: str = "en", *, digits: int = 2, truth: "Mapping[str, float] | None" = None
    ) -> Readable:
        """Return the table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals of fractional numbers.
        truth : mapping of str to float, optional
            True values by quantity, shown beside the estimates; see `truth_of`.
        """
        table = self.table
        if truth is not None:
            table = table.copy()
            table.insert(1, "truth", [float(truth.get(name, np.nan)) for name in table["quantity"]])
        shown = Readable(table, language, digits, words.headings(self))
        whole = table["quantity"].isin(["horizon", "duration"])  # counts of periods have no decimals
        for at, name in enumerate(table.columns[1:], start=1):
            cells = zip(table[name], whole, strict=True)
            shown.frame.isetitem(at, [number(value, 0 if counted else digits) for value, counted in cells])
        return shown

    def truth_of(self, effects: "Sequence[float]") -> dict[str, float]:
        """Return the quantities of known effects, lag 0 first, by the definitions used here."""
        known = np.asarray(effects, dtype=float)
        last = int(np.flatnonzero(known)[-1]) if known.any() else -1
        shapes = {name: float(value) for name, value in reach.summaries(known, self.settings.share).items()}
        return shapes | {"horizon": float(last), "duration": float(last + 1)}

    def verdict(self, *, duration: int) -> str:
        """Judge the claim that an effect is felt for so many periods, the current one included.

        Parameters
        ----------
        duration : int
            Periods claimed: 4 for lags 0 to 3.

        Returns
        -------
        str
            "supported" if the interval of the duration holds that number alone, "contradicted" if it does not
            hold it, otherwise "undecided", also where the duration is not defined.
        """
        _, low, high = self.ranges["duration"]
        if not low <= duration <= high:
            return "undecided" if np.isnan(low) else "contradicted"
        return "supported" if low == high else "undecided"

    def verdict_built(self, *, periods: int) -> str:
        """Judge the claim that the effect takes so many periods to build up, the first one included.

        Parameters
        ----------
        periods : int
            Periods claimed: with 4, the share asked for arrives between lag 2 and lag 3.

        Returns
        -------
        str
            "supported" if the whole interval of ``share_lag`` lies in the last of these periods, "contradicted" if
            none of it does, otherwise "undecided", also where it is not defined.
        """
        _, low, high = self.ranges["share_lag"]
        start, end = periods - 2, periods - 1
        if np.isnan(low):
            return "undecided"
        if high <= start or low > end:
            return "contradicted"
        return "supported" if start < low and high <= end else "undecided"

    def compare(self, first: Any, second: Any = None) -> "pd.DataFrame":
        """Compare how long an improvement is felt in two groups.

        Parameters
        ----------
        first : object
            A value of the group column.
        second : object, optional
            Another one; all other groups by default.

        Returns
        -------
        DataFrame
            ``part`` ("first", "second", "difference": first less second), quantity, estimate, ci_low, ci_high,
            units. Both parts are resampled together, so differences are right even where they share units,
            as the years before and after an event do.

        Raises
        ------
        InputError
            If there are no groups, no such group, or one of the two has too few rows.
        """
        import pandas as pd

        if self.parts is None:
            raise checks.InputError("compare needs groups; name their column: carry_over(..., group='community')")
        (one, one_wide), (two, two_wide) = compared(self.parts, first, second, self.settings)[0]
        frames = [reach.table(one).assign(part="first"), reach.table(two).assign(part="second")]
        apart = reach.difference(one, two, (one_wide, two_wide), self.confidence)
        rows = [(name, *apart[name]) for name in reach.QUANTITIES]
        frames.append(pd.DataFrame(rows, columns=frames[0].columns[:4]).assign(part="difference"))
        table = pd.concat(frames, ignore_index=True)
        return table[["part", "quantity", "estimate", "ci_low", "ci_high"]]
