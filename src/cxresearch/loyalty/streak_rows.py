"""From the caller's frame to rows at risk of leaving, each with the length of its dissatisfied run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.loyalty import presence
from cxresearch.loyalty.presence import Flags, Floats, Integers, Presence
from cxresearch.numerics.hazard import runs
from cxresearch.result import Sample

if TYPE_CHECKING:
    import pandas as pd

NO_SATISFACTION: Final = Words("satisfaction missing", "满意度缺失")
NO_RUN: Final = Words(
    "length of the dissatisfied run not known: it begins at the unit's first row or after a gap",
    "连续不满意的时长不明：始于该单位的首行或缺口之后",
)


@dataclass(frozen=True, kw_only=True)
class AtRisk:
    """Rows at risk, with all that an estimate needs.

    Parameters
    ----------
    unit : array of int, shape (n,)
        Whose row it is.
    cell : array of int, shape (n,)
        Length of the dissatisfied run, counted up to the longest that is told apart.
    period : array of int, shape (n,)
        Period codes from 0.
    left : array, shape (n,)
        1 or 0.
    long_seen : array of bool, shape (n,)
        Whether the row and enough before it were seen to tell whether the run is a longest one, whatever it is.
    cluster : array of int, shape (n,)
        Whose row it is, or the wider cluster it belongs to.
    covariates : array, shape (n, c)
        Held constant.
    weight : array, shape (n,), or None
        Weights of rows.
    group : array of int, shape (n,), or None
        Group codes.
    sample : Sample
        Rows used and dropped.
    """

    unit: Integers
    cell: Integers
    period: Integers
    left: Floats
    long_seen: Flags
    cluster: Integers
    covariates: Floats
    weight: Floats | None
    group: Integers | None
    sample: Sample


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Rows whose satisfaction is known, before it is decided what counts as dissatisfied."""

    rows: Presence
    satisfaction: Floats
    covariates: Floats
    covariate_names: tuple[str, ...]
    cluster: Integers | None
    weight: Floats | None
    group: Integers | None
    group_names: tuple[Any, ...]
    restart: bool

    def at(self, threshold: float, max_streak: int) -> AtRisk:
        """Count runs below a threshold, and keep the rows that are complete and whose run is known."""
        rows = self.rows
        length, known = runs(self.satisfaction < threshold, rows.unit, rows.time, rows.step.size)
        seen = runs(np.ones(len(length), dtype=bool), rows.unit, rows.time, rows.step.size)[0]
        keep = np.ones(len(rows.unit), dtype=bool)

        def drop(bad: Flags, why: Words) -> None:
            nonlocal rows, keep
            rows = rows.only(~bad[keep], why)
            keep = keep & ~bad

        drop(np.isnan(self.rows.left), presence.NO_LEFT)
        drop(np.asarray(np.isnan(self.covariates).any(axis=1)), presence.NO_COVARIATE)
        for codes in (self.cluster, self.group):
            if codes is not None:
                drop(codes < 0, presence.NO_GROUP)
        if self.weight is not None:
            drop(np.isnan(self.weight), presence.NO_WEIGHT)
        if not self.restart:
            drop(~known & (length < max_streak), NO_RUN)
        return AtRisk(
            unit=rows.unit,
            cell=np.minimum(length, max_streak)[keep],
            period=rows.period,
            left=rows.left,
            long_seen=(seen >= max_streak)[keep] | self.restart,
            cluster=rows.unit if self.cluster is None else self.cluster[keep],
            covariates=self.covariates[keep],
            weight=None if self.weight is None else self.weight[keep],
            group=None if self.group is None else self.group[keep],
            sample=rows.sample(),
        )


def prepare(
    data: "pd.DataFrame",
    *,
    unit: str,
    period: str,
    satisfaction: str,
    left: str,
    covariates: Sequence[str],
    cluster: str | None,
    weight: str | None,
    group: str | None,
    restart: bool,
    step: str,
) -> Panel:
    """Check the columns and place the rows on the calendar; arguments as in `streak_hazard`."""
    checks.columns(
        data,
        unit=unit,
        period=period,
        satisfaction=satisfaction,
        left=left,
        covariates=covariates,
        cluster=cluster,
        weight=weight,
        group=group,
    )
    presence.distinct_roles(
        unit=unit, period=period, satisfaction=satisfaction, left=left, covariates=covariates, weight=weight
    )
    rows = presence.prepare(data, unit=unit, period=period, left=left, step=step)
    score = rows.numbers(data, "satisfaction", satisfaction)
    known = ~np.isnan(score)
    if not known.any():
        raise checks.InputError(f"satisfaction={satisfaction!r}: every row is empty; numbers are needed")
    rows = rows.only(known, NO_SATISFACTION)
    codes, names = (None, []) if group is None else rows.codes(data, group)
    return Panel(
        rows=rows,
        satisfaction=score[known],
        covariates=rows.matrix(data, "covariates", covariates),
        covariate_names=tuple(covariates),
        cluster=None if cluster is None else rows.codes(data, cluster)[0],
        weight=None if weight is None else _weights(rows, data, weight),
        group=codes,
        group_names=tuple(names),
        restart=restart,
    )


def _weights(rows: Presence, data: "pd.DataFrame", weight: str) -> Floats:
    values = rows.numbers(data, "weight", weight)
    if (values <= 0).any():
        bad = data.index[rows.position[int((values <= 0).argmax())]]
        raise checks.InputError(f"weight={weight!r}: row {bad} is not above 0; weights are positive numbers")
    return values


def check_threshold(scores: Floats, threshold: object, satisfaction: str) -> None:
    """Refuse a threshold that is no number, or that all scores lie on one side of.

    Raises
    ------
    InputError
        If nobody, or everybody, is dissatisfied.
    """
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not np.isfinite(threshold):
        raise checks.InputError(f"threshold={threshold!r} must be a number of points: below it is dissatisfied")
    low, high = scores.min(), scores.max()
    if not low < threshold <= high:
        raise checks.InputError(
            f"threshold={threshold!r}: scores in {satisfaction!r} run from {low:g} to {high:g}, so "
            f"{'nobody is ever' if threshold <= low else 'everybody is always'} dissatisfied; choose one between"
        )
