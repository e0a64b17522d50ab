"""Fit, resample and judge: what studies of carry-over share, of one driver or of several processes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.loyalty import reach
from cxresearch.loyalty.groups import Groups
from cxresearch.loyalty.lag_fit import EFFECTS, Effects, fit_or_say
from cxresearch.loyalty.lag_rows import Rows, check_whole, names, prepare
from cxresearch.numerics import panel
from cxresearch.numerics.bootstrap import Moments, cluster_bootstrap, unit_moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

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
