"""How long an improvement is felt: horizon, duration and mean lag of the effects, with intervals."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.loyalty import carry_over_words as words
from cxresearch.loyalty import reach
from cxresearch.loyalty.groups import Groups
from cxresearch.loyalty.lags import EFFECTS, Effects, fit_or_say
from cxresearch.loyalty.notes import panel_notes
from cxresearch.loyalty.periods import Step
from cxresearch.loyalty.rows import Rows, check_whole, names, prepare
from cxresearch.loyalty.tables import effect_table, t_critical, t_p_value
from cxresearch.numerics import panel
from cxresearch.numerics.bootstrap import Moments, cluster_bootstrap, unit_moments
from cxresearch.result import Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How quantities are judged."""

    effects: Effects
    share: float
    confidence: float
    smallest: float | None
    bootstraps: int
    seed: int


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
        return Readable(table, language, digits, words.headings(self))

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


def carry_over(
    data: "pd.DataFrame",
    *,
    unit: str,
    period: str,
    outcome: str,
    driver: str,
    max_lag: int,
    share: float = 0.9,
    bootstraps: int = 1000,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
    effects: Effects = "two-way",
    covariates: "Sequence[str]" = (),
    smallest: float | None = None,
    group: str | None = None,
    step: str = "auto",
    weights: str | None = None,
) -> CarryOver:
    """Estimate for how long an improvement is felt, with intervals.

    Decides whether satisfaction goes on mattering for four years (claim L1), and how soon most of its effect
    has arrived (L2).

    Parameters
    ----------
    data : DataFrame
        One row per unit and period.
    unit, period, outcome : str
        Columns, as in `distributed_lags`.
    driver : str
        Column whose effects are followed, in points. Several drivers: `process_carry_over`.
    max_lag : int
        Longest lag looked at, in periods: at least one more than expected, so that an end can be seen.
    share : float
        Share of the total effect, above 0 and below 1, whose arrival is dated.
    bootstraps : int
        Bootstrap samples, 100 or more.
    seed : int
        Seed of the bootstrap.
    confidence : float
        Coverage probability of the intervals.
    effects : {"two-way", "unit", "none"}
        What is held constant, as in `distributed_lags`.
    covariates : list of str
        Columns held constant, without lags.
    smallest : float, optional
        Smallest effect that matters, in points of outcome per point of driver, above 0; a tenth of the total
        effect by default. Only the upper ends for horizon and duration use it.
    group : str, optional
        Column of groups, or of eras, that ``compare`` may name.
    step : {"auto", "year", "quarter", "month", "week", "day"}
        As in `distributed_lags`.
    weights : str, optional
        Column of weights, as in `distributed_lags`.

    Returns
    -------
    CarryOver
        ``table``: quantity, estimate, ci_low, ci_high. Rows: ``mean_lag`` (periods, each lag weighted by its
        effect), ``median_lag`` and ``share_lag`` (periods until half, or `share`, of the total effect has
        arrived, straight between lags; 0 if it does at once), ``horizon`` (last lag with an effect; -1 if there
        is none), ``duration`` (horizon + 1: periods counting the current one), ``total_effect`` (points of
        outcome per point of driver, over all lags). ``lags``: the effects. ``horizons``: every horizon judged.

    Raises
    ------
    InputError
        As `distributed_lags`; also if `share`, `smallest` or `bootstraps` is out of range.

    Notes
    -----
    Lags 0 to `max_lag` enter together, by `distributed_lags`. Mean, median and share lag and the total effect use
    all of them, so the choice of a horizon does not colour them.

    **Horizon.** The last lag whose interval excludes zero is no estimate of it: with three superfluous lags each
    tested at 5 % it is wrong in about 15 % of panels, however large. Ours minimises W(j) + j log(G) over the
    number j of effects kept: W(j) is the Wald statistic, clustered by unit, for no effect from lag j on, G the
    number of units. It is consistent: the chance to choose wrongly tends to zero as units are added. It overstates
    with a chance of about P(chi-squared with 1 df > log G) per superfluous lag: 2 % at 200 units, 0.4 % at
    5,000. It understates where the last effect is smaller than about sqrt(log G) standard errors. How often it
    was right in simulations, by units, size of effects and `max_lag`: ``data/evidence/choices/carry_over.csv``.

    Its interval is no bootstrap, which would be wrong for a number chosen by a rule that jumps. Below: the first
    lag from which on "no more effect" is not rejected at half the error allowed. Above: the last lag whose
    effect is not shown to be smaller than `smallest`. Together they hold the true horizon at least as often as
    `confidence` says, provided its effect is no smaller than `smallest`: no data can exclude an effect as
    small as one likes. In a small panel the upper end is often `max_lag`, which means "or longer".

    **The other intervals** are percentiles of the pairs cluster bootstrap: whole units are drawn, and unit and
    period effects are solved for anew in every sample, exactly. With fewer than about 40 units they are too
    short.

    Mean, median and share lag are NaN, with a note, where the total effect cannot be told from zero, or where
    effects of both signs stand clear of zero (all lags judged together, by Bonferroni). A horizon that equals
    `max_lag` may lie beyond it; raise `max_lag`, at the price of a year of rows.

    It cannot see what `distributed_lags` cannot: common causes that move within units, feedback, leavers.

    Validated against fits on resampled rows, and on simulated panels with known effects.

    References
    ----------
    Andrews, D. W. K. (1999). Consistent moment selection procedures for generalized method of moments
    estimation. Econometrica, 67, 543-564.

    Cameron, A. C., Gelbach, J. B., & Miller, D. L. (2008). Bootstrap-based improvements for inference with
    clustered errors. Review of Economics and Statistics, 90, 414-427.

    Examples
    --------
    >>> from cxresearch.data.simulate import panel
    >>> frame, truth = panel(customers=2000)
    >>> result = carry_over(
    ...     frame, unit="customer", period="year", outcome="loyalty", driver="satisfaction", max_lag=5
    ... )
    >>> result.table.set_index("quantity")["estimate"].round(1).iloc[3:].to_dict()
    {'horizon': 3.0, 'duration': 4.0, 'total_effect': 1.0}
    """
    if len(names(driver, "driver")) != 1:
        raise checks.InputError("driver must name one column; several together: process_carry_over")
    settings = check_settings(effects, share, confidence, smallest, bootstraps, seed)
    rows, fitted, groups = prepared(
        data, unit, period, outcome, names(driver, "driver"), covariates, max_lag, group, step, settings, weights
    )
    samples = cluster_bootstrap([moments(rows, effects)], bootstraps, seed)[0]
    judged = judge_drivers(fitted, rows, samples, settings)[0]
    k = rows.drivers
    return CarryOver(
        table=reach.table(judged),
        sample=rows.sample,
        notes=(
            *panel_notes(rows, fitted, effects=effects, period=period, outcome=outcome,
                         movers=groups.movers if groups else 0),
            *words.notes(judged, max_lag),
        ),
        confidence=confidence,
        lags=effect_table(
            rows.terms[:k], fitted.coef[:k], fitted.covariance[:k, :k], n=fitted.n,
            critical=float(t_critical(confidence, fitted.df)), p_value=t_p_value(fitted.df),
        ),
        horizons=_horizons(judged, max_lag),
        outcome=outcome,
        driver=rows.terms[0][0],
        unit=unit,
        period=period,
        max_lag=max_lag,
        step=rows.step,
        settings=settings,
        smallest=judged.smallest,
        group=group,
        parts=groups,
    )  # fmt: skip


def check_settings(
    effects: Effects, share: float, confidence: float, smallest: float | None, bootstraps: int, seed: int
) -> Settings:
    """Refuse what is out of range, and keep the rest together."""
    checks.choice("effects", effects, EFFECTS)
    checks.confidence(confidence)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise checks.InputError(f"share={share!r} must lie between 0 and 1, for example 0.9")
    if smallest is not None and (not isinstance(smallest, int | float) or not 0 < smallest < np.inf):
        raise checks.InputError(f"smallest={smallest!r} must be above 0: the smallest effect that matters")
    if check_whole("bootstraps", bootstraps, "bootstrap samples") < 100:
        raise checks.InputError(f"bootstraps={bootstraps!r} is too few for an interval; take 100 or more")
    check_whole("seed", seed, "seed of the bootstrap")
    return Settings(
        effects=effects, share=share, confidence=confidence, smallest=smallest, bootstraps=bootstraps, seed=seed
    )


def prepared(
    data: "pd.DataFrame",
    unit: str,
    period: str,
    outcome: str,
    drivers: list[str],
    covariates: "Sequence[str]",
    max_lag: int,
    group: str | None,
    step: str,
    settings: Settings,
    weights: str | None = None,
) -> tuple[Rows, panel.Fit, Groups | None]:
    """Prepare the rows, fit all lags, and set groups aside."""
    checks.columns(data, group=[] if group is None else [group])
    rows = prepare(
        data, unit=unit, period=period, outcome=outcome, drivers=drivers, covariates=names(covariates, "covariates"),
        lags=check_whole("max_lag", max_lag, "the longest lag, in periods"), effects=settings.effects, step=step,
        weights=weights,
    )  # fmt: skip
    fitted = fit_or_say(rows, settings.effects, outcome)
    groups = (
        None if group is None else Groups(data[group], rows, effects=settings.effects, confidence=settings.confidence)
    )
    return rows, fitted, groups


def moments(rows: Rows, effects: Effects, units: int | None = None) -> Moments:
    """Sum up what the bootstrap needs."""
    return unit_moments(rows.y, rows.x, rows.unit, rows.period, effects=effects, units=units, weights=rows.weights)


def judge_drivers(
    fitted: panel.Fit, rows: Rows, samples: Floats, settings: Settings, *, error: float = 1.0
) -> list[reach.Judged]:
    """Judge every driver's lags; `error` shrinks the error allowed."""
    lags = 1 + max(lag for _, lag in rows.terms[: rows.drivers])
    blocks = [slice(a, a + lags) for a in range(0, rows.drivers, lags)]
    return [
        reach.judge(
            fitted.coef[b], fitted.covariance[b, b], fitted.units, samples[:, b],
            share=settings.share, confidence=1 - (1 - settings.confidence) * error, smallest=settings.smallest,
        )
        for b in blocks
    ]  # fmt: skip


def compared(
    groups: Groups, first: Any, second: Any, settings: Settings
) -> list[tuple[tuple[reach.Judged, reach.Judged], tuple[reach.Judged, reach.Judged]]]:
    """Judge two parts, resampled together: per driver, (at the level asked for, at half the error) of each."""
    if second is not None and str(first) == str(second):
        raise checks.InputError(f"{first!r} cannot be compared with itself; name two groups")
    sides = [(first, False), (first, True) if second is None else (second, False)]
    parts, rows = [], []
    for name, rest in sides:
        part = groups.fit(name, rest=rest)
        if part.why is not None or part.fit is None:
            who = "the other groups" if rest else f"group {name!r}"
            raise checks.InputError(f"{who} cannot be judged: {part.why}")
        parts.append(part.fit)
        rows.append(groups.rows_of(name, rest=rest))
    every = int(groups.rows.unit.max()) + 1
    draws = cluster_bootstrap([moments(r, settings.effects, every) for r in rows], settings.bootstraps, settings.seed)
    judged = [
        [judge_drivers(fit, r, d, settings, error=error) for error in (1.0, 0.5)]
        for fit, r, d in zip(parts, rows, draws, strict=True)
    ]
    return [((judged[0][0][i], judged[0][1][i]), (judged[1][0][i], judged[1][1][i])) for i in range(len(judged[0][0]))]


def _horizons(judged: reach.Judged, max_lag: int) -> "pd.DataFrame":
    import pandas as pd

    nothing = np.full(max_lag + 2, np.nan)
    found = judged.reach
    return pd.DataFrame(
        {
            "horizon": np.arange(-1, max_lag + 1),
            "wald": nothing if found is None else found.wald,
            "p_value": nothing if found is None else found.p_value,
            "criterion": nothing if found is None else found.criterion,
            "chosen": [found is not None and h == found.horizon for h in range(-1, max_lag + 1)],
        }
    )
