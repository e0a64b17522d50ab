"""Whether customers leave in flocks: leaving within groups and periods beyond what common causes explain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from cxresearch import checks, defaults
from cxresearch.language import Words
from cxresearch.loyalty import presence
from cxresearch.loyalty.contagion_results import Clusters
from cxresearch.loyalty.lag_rows import check_whole, names
from cxresearch.loyalty.presence import Flags, Floats, Integers, Presence
from cxresearch.loyalty.streak_rows import NO_SATISFACTION, check_threshold
from cxresearch.numerics import flocks, logit
from cxresearch.numerics.hazard import runs

if TYPE_CHECKING:
    import pandas as pd

LARGEST: Final = 20_000_000
"""Numbers that the largest matrix of the study may hold: about a thousand groups over ten periods."""
FEW_GROUPS: Final = 30
"""Below this many groups, intervals are clearly too short: with 40 they hold 92 % of the time, with 10 less than 90
(data/evidence/streaks.csv)."""


def leaving_clusters(
    data: "pd.DataFrame",
    *,
    unit: str,
    period: str,
    left: str,
    group: str,
    satisfaction: str | None = None,
    threshold: float | None = None,
    max_streak: int = 4,
    covariates: Sequence[str] = (),
    confidence: float = defaults.CONFIDENCE,
    step: str = "auto",
) -> Clusters:
    """Estimate whether the units of a group leave together more than common causes explain.

    Decides whether leaving spreads, or looks as if it did: in a bad year everybody leaves more, in a bad community
    more leave every year, and the dissatisfied leave more anyhow. What is left after these is flocking.

    Parameters
    ----------
    data : DataFrame
        One row per unit and period, up to the period in which the unit leaves or is last seen.
    unit, period, left : str
        Columns as in `streak_hazard`.
    group : str
        Column of groups whose units may leave together: communities, stores.
    satisfaction : str, optional
        Column of scores; with `threshold`, the length of the dissatisfied run is among the common causes.
    threshold : float, optional
        A period is dissatisfied if its score lies below this many points.
    max_streak : int
        Longest run told apart. A run of unknown length (see `streak_hazard`) is a length of its own.
    covariates : list of str
        Further columns among the common causes.
    confidence : float
        Coverage probability of the intervals.
    step : {"auto", "year", "quarter", "month", "week", "day"}
        Length of one period; "auto" takes it from the data.

    Returns
    -------
    Clusters
        ``table``: held (what is held constant: "nothing", "period", "period and group", and "everything", which adds
        runs and covariates, if there are any), estimate (mean correlation of leaving between two units of a group in
        the same period), se, ci_low, ci_high, p_value (two-sided, of no correlation), expected (what the
        correlation of residuals would be if there were none), pairs, n. ``spread``: what the last line means.

    Raises
    ------
    InputError
        As `streak_hazard`; also if there are fewer than two groups or periods, no two units share a group and period,
        only one of `satisfaction` and `threshold` is given, or groups are too many to be held at once.

    Notes
    -----
    Leaving is fitted by a logit with effects of what is held constant; the residuals of all pairs of units in
    the same group and period are multiplied, and divided by their standard deviations. Fitting draws residuals
    apart, so the correlation seen is corrected by its exact expectation (of the linearised fit). Intervals come from
    the jackknife over groups, with t on groups less one degrees of freedom, and are symmetric on the log of the factor
    by which flocking raises the variance of the number of leavers; p values from a score test, whose
    variance is that of independent leaving. Groups, periods and runs in which all did the same hold no information
    about what differs within them and are left out of the lines that hold them constant.

    What is left may be contagion, or a local cause that the data do not name, such as a competitor who opened next
    door; no correlation of leaving in the same period can tell one from the other.

    Flocks are rare and uneven, and few groups misjudge how uneven: intervals at 95 % held a correlation of 0.02 to
    0.03 in 87 % of simulations with 10 groups, 92 % with 40 and 94 % with 100 (``data/evidence/streaks.csv``). The p
    value held its level with 10 groups already (``data/evidence/choices/streaks.csv``).

    Validated against brute-force matrices, and on simulated flocks with known correlation.

    References
    ----------
    Commenges, D., & Jacqmin-Gadda, H. (1997). Generalized score test of homogeneity based on correlated random effects
    models. Journal of the Royal Statistical Society B, 59, 157-171.

    Examples
    --------
    >>> from cxresearch.data.simulate.leavers import leaving
    >>> frame, truth = leaving()
    >>> result = leaving_clusters(frame, unit="customer", period="year", left="left", group="community")
    >>> round(float(result.table["estimate"].iloc[-1]), 2), round(truth["pair_correlation"], 2)
    (0.02, 0.02)
    """
    checks.confidence(confidence)
    others = names(covariates, "covariates")
    longest = check_whole("max_streak", max_streak, "the longest run told apart")
    if (satisfaction is None) != (threshold is None):
        raise checks.InputError("satisfaction and threshold go together: name both, or neither")
    checks.columns(data, unit=unit, period=period, left=left, group=group, satisfaction=satisfaction, covariates=others)
    presence.distinct_roles(unit=unit, period=period, left=left, group=group, covariates=others)
    rows = presence.prepare(data, unit=unit, period=period, left=left, step=step)
    run = np.zeros(len(rows.unit), dtype=np.int64)
    if satisfaction is not None and threshold is not None:
        score = rows.numbers(data, "satisfaction", satisfaction)
        rows, score = rows.only(~np.isnan(score), NO_SATISFACTION), score[~np.isnan(score)]
        if not len(score):
            raise checks.InputError(f"satisfaction={satisfaction!r}: every row is empty; numbers are needed")
        check_threshold(score, threshold, satisfaction)
        length, known = runs(score < threshold, rows.unit, rows.time, rows.step.size)
        run = np.where(known | (length >= longest), np.minimum(length, longest), longest + 1)
    model = _Model(*_complete(data, rows, run, others, group))
    model.refuse_unfit(group, period)
    layers = [("nothing", ()), ("period", ("period",)), ("period and group", ("period", "group"))]
    if satisfaction is not None or others:
        layers.append(("everything", ("period", "group", "run", "covariates")))
    found = [(held, *model.fit(factors)) for held, factors in layers]
    return Clusters(
        table=_table(found, confidence),
        sample=model.rows.sample(),
        notes=_notes(model, group, satisfaction, others),
        confidence=confidence,
        rate=float(model.rows.left.mean()),
        size=float(model.partners),
        step=model.rows.step,
        unit=unit,
        group=group,
        period=period,
        causes=tuple(name for name in (satisfaction, *others) if name is not None),
    )


@dataclass(frozen=True)
class _Model:
    """Complete rows, and what leaving may depend on."""

    rows: Presence
    run: Integers
    group: Integers
    covariates: Floats

    @property
    def partners(self) -> float:
        """How many others of its group a unit meets in a period, on average."""
        size = np.bincount(np.unique(self.cell, return_inverse=True)[1])
        return float((size * (size - 1)).sum() / size.sum())

    @property
    def cell(self) -> Integers:
        return self.group * (int(self.rows.period.max()) + 1) + self.rows.period

    def refuse_unfit(self, group: str, period: str) -> None:
        """Refuse too few groups or periods, no pairs, or more groups than can be held."""
        groups, periods = len(np.unique(self.group)), len(np.unique(self.rows.period))
        if groups < 2:
            raise checks.InputError(f"group={group!r}: there must be at least two groups, with complete rows")
        if periods < 2:
            raise checks.InputError(
                f"period={period!r}: all rows are of one period, in which a bad group and a flock look alike; "
                "two or more are needed"
            )
        if self.partners == 0:
            raise checks.InputError(f"group={group!r}: no two units share a group and period")
        if groups * periods * (groups + periods) > LARGEST:
            raise checks.InputError(
                f"group={group!r}: {groups} groups in {periods} periods are too many to be held at once; "
                "take a coarser grouping, or some of the groups with where"
            )

    def fit(self, factors: Sequence[str]) -> tuple[flocks.Flocks, int]:
        """Fit leaving to some causes, and return the correlation left within groups and periods, and rows used."""
        from scipy import sparse

        codes = {"period": self.rows.period, "group": self.group, "run": self.run}
        named = [codes[factor] for factor in factors if factor in codes]
        keep = _informative(named, self.rows.left)
        z = self.covariates[keep] if "covariates" in factors else np.empty((int(keep.sum()), 0))
        cell, run, event = self.cell[keep], self.run[keep], self.rows.left[keep]
        if z.shape[1]:
            first = row = np.arange(len(cell))
        else:  # units alike in all that is held constant stand together in one line
            first, row = np.unique(cell * (int(run.max()) + 1) + run, return_index=True, return_inverse=True)[1:]
        blocks = [sparse.csr_array(np.ones((len(first), 1)))]
        for values in named:
            level = np.unique(values[keep], return_inverse=True)[1][first]
            dummies = sparse.csr_array((np.ones(len(first)), (np.arange(len(first)), level)))
            blocks.append(dummies.tocsc()[:, 1:])
        if z.shape[1]:
            blocks.append(sparse.csr_array((z - z.mean(axis=0)) / np.where(z.std(axis=0) > 0, z.std(axis=0), 1)))
        x = sparse.hstack(blocks).tocsr()
        n = np.bincount(row).astype(float)
        events = np.asarray(np.bincount(row, event), dtype=float)
        try:
            fitted = logit.fit(x, events / n, n)
        except ValueError:
            raise checks.InputError(
                "covariates and satisfaction: some columns determine each other, or groups and periods do; drop one"
            ) from None
        if fitted.separated:
            raise checks.InputError(
                "covariates and satisfaction: some combination predicts who leaves without error; leave one out"
            )
        found = flocks.correlation(x, fitted, n=n, events=events, cell=cell[first], group=self.group[keep][first])
        return found, len(cell)


def _complete(
    data: "pd.DataFrame", rows: Presence, run: Integers, covariates: Sequence[str], group: str
) -> tuple[Presence, Integers, Integers, Floats]:
    """Drop rows in which something is missing."""
    z = rows.matrix(data, "covariates", covariates)
    codes = rows.codes(data, group)[0]
    keep = np.ones(len(run), dtype=bool)
    for bad, why in (
        (np.isnan(rows.left), presence.NO_LEFT),
        (np.asarray(np.isnan(z).any(axis=1)), presence.NO_COVARIATE),
        (codes < 0, presence.NO_GROUP),
    ):
        rows = rows.only(~bad[keep], why)
        keep = keep & ~bad
    return rows, run[keep], codes[keep], z[keep]


def _informative(factors: Sequence[Integers], event: Floats) -> Flags:
    """Leave out levels in which all did the same, until there are none."""
    keep = np.ones(len(event), dtype=bool)
    before = -1
    while before != (before := int(keep.sum())):
        for codes in factors:
            n = np.bincount(codes[keep], minlength=int(codes.max()) + 1)
            left = np.bincount(codes[keep], event[keep], len(n))
            keep &= ~((left == 0) | (left == n))[codes]
    return keep


def _table(found: Sequence[tuple[str, flocks.Flocks, int]], confidence: float) -> "pd.DataFrame":
    import pandas as pd
    from scipy.special import ndtr

    lines = []
    for held, pair, n in found:
        low, high = pair.interval(confidence)
        lines.append(
            {
                "held": held,
                "estimate": pair.estimate,
                "se": pair.se,
                "ci_low": low,
                "ci_high": high,
                "p_value": float(2 * ndtr(-abs(pair.z))),
                "expected": pair.expected,
                "pairs": pair.pairs,
                "n": n,
            }
        )
    return pd.DataFrame(lines)


def _notes(model: _Model, group: str, satisfaction: str | None, others: Sequence[str]) -> tuple[Words, ...]:
    groups = len(np.unique(model.group))
    held = [name for name in (satisfaction, *others) if name is not None]
    notes = [
        Words(
            "What is left may be contagion, or a local cause that the data do not name: a rival next door, a quarrel, "
            "a scandal.",
            "剩下的相关可能是传染，也可能是数据没有记录的当地原因，例如附近新开了竞争对手、邻里纠纷或负面事件。",
        )
    ]
    if not held:
        notes.append(
            Words(
                "Dissatisfaction is not held constant here: name its column to see what it explains.",
                "这里没有控制不满意：指定其所在列，才能看出它能解释多少。",
            )
        )
    if groups < FEW_GROUPS:
        notes.append(
            Words(
                f"{groups} groups in {group!r} are few: the intervals are too short.",
                f"“{group}”只有 {groups} 个群组：区间偏窄。",
            )
        )
    return tuple(notes)
