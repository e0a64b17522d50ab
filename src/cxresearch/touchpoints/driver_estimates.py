"""What the drivers of a design are credited with, in the sample and in its bootstrap samples."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.language import number
from cxresearch.numerics import cumulative_logit, moments, ranking, subsets
from cxresearch.numerics.moments import Moments
from cxresearch.touchpoints.driver_design import Design

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

MOST_DRIVERS: Final = 30
"""Drivers (or groups of drivers) up to which LMG shares are computed: 2^30 subsets take about half a minute."""
MOST_SUBSETS: Final = 2**31
"""Subsets over all bootstrap samples: 1,000 samples of 21 drivers, about a minute."""
LARGE: Final = 50_000
"""Rows up to which single rows are redrawn."""
PACKS: Final = 5_000
"""Random packs that the rows of a larger survey are redrawn in."""
MOST_FITTED: Final = 8
"""Drivers up to which a binary or ordinal outcome is refitted for every subset: 256 fits."""
MOST_FIT_TIME: Final = 180.0
"""Seconds that refitting over all bootstrap samples may take by our estimate."""


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """Importances and what goes with them; the last axis runs over the drivers of `Design.varying`.

    Parameters
    ----------
    importance : array, shape (k,)
        Part of R² credited to each driver.
    draws : array, shape (reps, k)
        The same in each bootstrap sample in which every driver and the outcome varied.
    group_importance, group_draws : arrays, shape (groups,) and (reps, groups)
        The same for `Design.grouping`.
    r2 : float
        R² with all drivers in, McFadden's for binary and ordinal outcomes.
    slope : array, shape (k,)
        Coefficient of each driver with the others held fixed; NaN for categories.
    slope_draws, performance_draws : arrays, shape (reps, k)
        Slopes and means in the bootstrap samples; empty for binary and ordinal outcomes.
    undefined : int
        Bootstrap samples in which a driver or the outcome did not vary.
    separated : bool
        Drivers tell the outcome's levels apart without error.
    """

    importance: Floats
    draws: Floats
    group_importance: Floats
    group_draws: Floats
    r2: float
    slope: Floats
    slope_draws: Floats
    performance_draws: Floats
    undefined: int = 0
    separated: bool = False


def shares(importance: Floats) -> Floats:
    """Divide importances by their sum along the last axis; NaN where nothing is explained."""
    total = importance.sum(axis=-1, keepdims=True)
    return np.asarray(importance / np.where(total > 1e-12, total, np.nan))


def interval(draws: Floats, design: Design, confidence: float) -> tuple[Floats, Floats]:
    """Return expanded percentile intervals of bootstrap draws along the first axis; NaN without draws."""
    n, free = _drawn(design)
    return moments.expanded_percentiles(draws, confidence, n=n, free=free)


def rank_interval(share: Floats, draws: Floats, design: Design, confidence: float) -> tuple[Floats, Floats]:
    """Return best and worst ranks of shares; NaN without draws."""
    draws = draws[~np.isnan(draws).any(axis=1)]
    if not len(draws) or np.isnan(share).any():
        nothing = np.full(len(share), np.nan)
        return nothing, nothing
    n, free = _drawn(design)
    return ranking.rank_bounds(share, draws, confidence, n=n, free=free)


def _drawn(design: Design) -> tuple[int, int]:
    """Return how many cases or units the bootstrap draws, and how many are free once the model is fitted."""
    if design.unit is None:
        return design.cases, design.cases - design.x.shape[1] - 1
    units = int(design.unit.max()) + 1
    return units, units - 1


def redrawn(design: Design, seed: int) -> Integers | None:
    """Return what is redrawn together: units; in a large survey random packs of rows; None for single rows.

    Rows that are independent make packs that are independent, so redrawing packs is as right as redrawing rows; it is
    faster by the size of a pack, and its standard errors are good to 1 % (the root of 1 over twice the packs).
    """
    if design.unit is not None or design.count is not None or len(design.y) <= LARGE:
        return design.unit
    return np.random.default_rng([seed, len(design.y)]).permutation(len(design.y)) % PACKS


def linear(design: Design, method: str, bootstraps: int, seed: int) -> Estimates:
    """Estimate for a numeric outcome, by LMG or Johnson's weights."""
    _refuse_large(design, method, bootstraps)
    table = np.column_stack([design.x, design.y])
    whole = moments.moments(table, design.mass)
    importance, group_importance = _credit(design, whole.correlation, method)
    samples, undefined = _samples(design, table, bootstraps, seed)
    draws, group_draws = _credit(design, samples.correlation, method)
    means = samples.mean[:, :-1]
    return Estimates(
        importance=importance,
        draws=draws,
        group_importance=group_importance,
        group_draws=group_draws,
        r2=float(subsets.r2_full(whole.correlation)),
        slope=_slopes(design, whole),
        slope_draws=_slopes(design, samples),
        performance_draws=np.stack([_single(design, means, j) for j in design.varying], axis=-1),
        undefined=undefined,
    )


def _samples(design: Design, table: Floats, bootstraps: int, seed: int) -> tuple[Moments, int]:
    """Return the moments of the bootstrap samples in which every column varies."""
    m = table.shape[1]
    if not bootstraps:
        return Moments(mean=np.empty((0, m)), covariance=np.empty((0, m, m))), 0
    drawn = moments.bootstrap(
        table, design.weight, reps=bootstraps, rng=np.random.default_rng(seed), count=design.count,
        unit=redrawn(design, seed),
    )  # fmt: skip
    fine = (drawn.sd > 0).all(axis=1)
    return Moments(mean=drawn.mean[fine], covariance=drawn.covariance[fine]), int((~fine).sum())


def _single(design: Design, values: Floats, j: int) -> Floats:
    """Return the column of a driver that has one; NaN for a category."""
    columns = design.columns[j]
    numeric = not np.isnan(design.performance[j])
    return values[..., columns[0]] if numeric else np.full(values.shape[:-1], np.nan)


def _slopes(design: Design, of: Moments) -> Floats:
    standardised = subsets.slopes(of.correlation)
    sd = of.sd
    raw = standardised * sd[..., -1:] / sd[..., :-1]
    return np.stack([_single(design, raw, j) for j in design.varying], axis=-1)


def _credit(design: Design, corr: Floats, method: str) -> tuple[Floats, Floats]:
    """Return what drivers and groups are credited with, for one correlation matrix or a stack."""
    grouping = design.grouping
    if corr.ndim == 3 and not len(corr):
        return np.empty((0, len(design.varying))), np.empty((0, len(grouping)))
    if method == "johnson":
        credit = subsets.relative_weights(corr)
        return credit, np.stack([credit[..., places].sum(axis=-1) for places in _places(design)], axis=-1)
    if design.groups is None:
        credit = subsets.shapley_r2(corr, [design.columns[j] for j in design.varying])
        return credit, credit
    parts = subsets.owen_r2(corr, [[design.columns[j] for j in members] for _, members in grouping])
    credit = np.empty((*corr.shape[:-2], len(design.varying)))
    for places, part in zip(_places(design), parts, strict=True):
        credit[..., places] = part
    return credit, np.stack([part.sum(axis=-1) for part in parts], axis=-1)


def _places(design: Design) -> list[list[int]]:
    """Return where each group's drivers stand among those that vary."""
    place = {j: k for k, j in enumerate(design.varying)}
    return [[place[j] for j in members] for _, members in design.grouping]


def _subsets(design: Design) -> int:
    """Return how many subsets one sample takes."""
    if design.groups is None:
        return 1 << len(design.varying)
    grouping = design.grouping
    return sum(1 << (len(grouping) - 1 + len(members)) for _, members in grouping)


def _refuse_large(design: Design, method: str, bootstraps: int) -> None:
    if method == "johnson":
        return
    needed = _subsets(design)
    if needed > 2**MOST_DRIVERS:
        what = f"{len(design.varying)} drivers" + (
            "" if design.groups is None else f" in {len(design.grouping)} groups"
        )
        raise checks.InputError(
            f"drivers: {what} have {needed:.1e} subsets; method='lmg' goes up to {MOST_DRIVERS} drivers. "
            "Use method='johnson', or put drivers into groups that enter together"
        )
    if needed * bootstraps > MOST_SUBSETS:
        possible = MOST_SUBSETS // needed
        raise checks.InputError(
            f"bootstraps={bootstraps}: {len(design.varying)} drivers allow {number(possible, 0)} with method='lmg' "
            "(1,000 up to 21 drivers); use fewer, or method='johnson'"
        )


def fitted(design: Design, bootstraps: int, seed: int) -> Estimates:
    """Estimate for a binary or ordinal outcome: one logit per subset, McFadden's pseudo-R²."""
    _refuse_slow(design, bootstraps)
    level = design.y.astype(np.intp)
    full = cumulative_logit.fit(design.x, level, design.mass)
    importance, group_importance = _fitted_credit(design, level, design.mass)
    draws, group_draws, undefined = [], [], 0
    counts = moments.bootstrap_counts(
        len(level), reps=bootstraps, rng=np.random.default_rng(seed), count=design.count, unit=design.unit
    )
    for drawn in counts:
        kept = drawn > 0
        found, code = np.unique(level[kept], return_inverse=True)
        if len(found) < 2 or (np.ptp(design.x[kept], axis=0) == 0).any():
            undefined += 1
            continue
        one, group = _fitted_credit(design, code.astype(np.intp), (design.weight * drawn)[kept], kept)
        draws.append(one)
        group_draws.append(group)
    return Estimates(
        importance=importance,
        draws=np.array(draws).reshape(-1, len(importance)),
        group_importance=group_importance,
        group_draws=np.array(group_draws).reshape(-1, len(group_importance)),
        r2=1 - full.loglik / cumulative_logit.null_loglik(level, design.mass),
        slope=np.array([float(_single(design, full.coef, j)) for j in design.varying]),
        slope_draws=np.empty((0, len(importance))),
        performance_draws=np.empty((0, len(importance))),
        undefined=undefined,
        separated=full.separated,
    )


def _fitted_credit(
    design: Design, level: NDArray[np.intp], mass: Floats, kept: NDArray[np.bool_] | None = None
) -> tuple[Floats, Floats]:
    x = design.x if kept is None else design.x[kept]
    null = cumulative_logit.null_loglik(level, mass)

    @cache
    def mcfadden(code: int) -> float:
        columns = [c for k, j in enumerate(design.varying) if code >> k & 1 for c in design.columns[j]]
        return max(0.0, 1 - cumulative_logit.fit(x[:, columns], level, mass).loglik / null) if columns else 0.0

    return _split(mcfadden, design)


def _split(value: Callable[[int], float], design: Design) -> tuple[Floats, Floats]:
    if design.groups is None:
        credit = subsets.shapley_of(value, [1 << k for k in range(len(design.varying))])
        return credit, credit
    places = _places(design)
    whole = [sum(1 << k for k in members) for members in places]
    credit = np.empty(len(design.varying))
    for g, members in enumerate(places):
        players = [*whole[:g], *whole[g + 1 :], *(1 << k for k in members)]
        credit[members] = subsets.shapley_of(value, players, others=len(whole) - 1)
    return credit, np.array([credit[members].sum() for members in places])


def _refuse_slow(design: Design, bootstraps: int) -> None:
    fits = _subsets(design)
    if fits > 2**MOST_FITTED:
        raise checks.InputError(
            f"drivers: {len(design.varying)} drivers would need {number(fits, 0)} fits for a binary or ordinal "
            f"outcome; at most {MOST_FITTED} drivers are refitted. Name fewer, group them, or use family='linear'"
        )
    each = 0.001 + 1e-6 * len(design.y)  # seconds, measured with 8 drivers and 5 levels
    if fits * bootstraps * each > MOST_FIT_TIME:
        raise checks.InputError(
            f"bootstraps={bootstraps}: {number(fits * bootstraps, 0)} fits over {number(len(design.y), 0)} rows would "
            f"take about {number(fits * bootstraps * each / 60, 0)} minutes; at most "
            f"{int(MOST_FIT_TIME / fits / each)} here"
        )
