"""Tables of a streak study: chances and odds by length of run, tests, leavers, survival, other thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import checks
from cxresearch.loyalty.presence import Floats
from cxresearch.loyalty.streak_rows import AtRisk, Panel
from cxresearch.numerics import hazard, proportions
from cxresearch.numerics.least_squares import RankError
from cxresearch.numerics.odds import Odds, odds

if TYPE_CHECKING:
    import pandas as pd

FEW_SCORES: Final = 11
"""Up to this many different scores are taken for a scale whose neighbouring points may serve as thresholds."""


@dataclass(frozen=True, kw_only=True)
class Estimates:
    """Chances and odds, and their tables."""

    table: "pd.DataFrame"
    tests: "pd.DataFrame"
    controls: "pd.DataFrame"
    rates: hazard.Rates
    odds: Odds


def estimate(rows: AtRisk, max_streak: int, *, clustered: bool, confidence: float, names: Sequence[str]) -> Estimates:
    """Estimate chances of leaving by run, and odds against run 0.

    Raises
    ------
    InputError
        If a covariate never changes within periods or is explained by other columns.
    """
    cells = max_streak + 1
    rates = hazard.rates(
        rows.cell,
        rows.left,
        cells,
        confidence=confidence,
        weight=rows.weight,
        cluster=rows.cluster if clustered else None,
    )
    try:
        ratios = odds(
            rows.cell,
            rows.period,
            rows.left,
            cells=cells,
            cluster=rows.cluster,
            confidence=confidence,
            covariates=rows.covariates,
            weight=rows.weight,
        )
    except RankError as error:
        why = "never changes" if error.reason == "constant" else "is explained by periods, runs or the columns before"
        raise checks.InputError(f"covariates={names[error.column]!r} {why} in the rows used; leave it out") from None
    return Estimates(
        table=_table(rates, ratios),
        tests=_tests(ratios, confidence),
        controls=_controls(ratios, names, confidence),
        rates=rates,
        odds=ratios,
    )


def _table(rates: hazard.Rates, ratios: Odds) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        {
            "streak": np.arange(len(rates.n)),
            "at_risk": rates.n,
            "left": rates.events,
            "hazard": rates.rate,
            "ci_low": rates.low,
            "ci_high": rates.high,
            "odds_ratio": _exp(ratios.log_odds),
            "odds_ratio_ci_low": _exp(ratios.low),
            "odds_ratio_ci_high": _exp(ratios.high),
        }
    )


def _tests(ratios: Odds, confidence: float) -> "pd.DataFrame":
    table = _wald(
        np.array([ratios.log_odds[-1], ratios.trend]), np.array([ratios.se[-1], ratios.trend_se]), ratios.df, confidence
    )
    # where nobody, or everybody, left, one end of the interval is known all the same
    table.loc[0, ["ci_low", "ci_high"]] = _exp(np.array([ratios.low[-1], ratios.high[-1]]))
    table.insert(0, "test", ["longest", "trend"])
    return table


def _controls(ratios: Odds, names: Sequence[str], confidence: float) -> "pd.DataFrame":
    table = _wald(ratios.slopes, ratios.slopes_se, ratios.df, confidence)
    table.insert(0, "covariate", list(names))
    return table


def _wald(log_odds: Floats, se: Floats, df: int, confidence: float) -> "pd.DataFrame":
    import pandas as pd
    from scipy.special import stdtr, stdtrit

    critical = stdtrit(df, (1 + confidence) / 2) if df > 0 else np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        t = log_odds / se
    return pd.DataFrame(
        {
            "odds_ratio": _exp(log_odds),
            "ci_low": _exp(log_odds - critical * se),
            "ci_high": _exp(log_odds + critical * se),
            "p_value": 2 * stdtr(df, -np.abs(t)) if df > 0 else np.full(len(log_odds), np.nan),
        }
    )


def _exp(values: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(values))


def leavers(rows: AtRisk, max_streak: int, confidence: float) -> "pd.DataFrame":
    """Say how long those who left had been dissatisfied.

    Only leavers seen for `max_streak` periods in a row count: of the others, just those with short runs are known.
    """
    import pandas as pd

    gone = (rows.left == 1) & rows.long_seen
    weight = np.ones(int(gone.sum())) if rows.weight is None else rows.weight[gone]
    total = weight.sum()
    with np.errstate(invalid="ignore"):
        share = np.bincount(rows.cell[gone], weight, max_streak + 1) / total
        size = total**2 / (weight**2).sum()
    low, high = proportions.interval(share * size, size, confidence)
    return pd.DataFrame(
        {
            "streak": np.arange(max_streak + 1),
            "n": np.bincount(rows.cell[gone], minlength=max_streak + 1),
            "share": share,
            "ci_low": low,
            "ci_high": high,
        }
    )


def survival(
    rates: hazard.Rates,
    starts: Sequence[int],
    periods: int,
    *,
    max_streak: int,
    confidence: float,
    draws: int,
    seed: int,
) -> "pd.DataFrame":
    """Lay out survival along scenarios."""
    import pandas as pd

    if periods < 1:
        raise checks.InputError(f"periods={periods!r} must be at least 1")
    if not len(starts) or len(set(starts)) < len(starts):
        raise checks.InputError(f"starts={list(starts)!r} must name one scenario or more, each once")
    when = np.arange(1, periods + 1)
    paths = np.array([np.clip(when - s + 1, 0, max_streak) if s else np.zeros(periods, dtype=int) for s in starts])
    rng = np.random.default_rng(seed)
    value, low, high = hazard.survival(rates, paths, confidence=confidence, draws=draws, rng=rng)
    return pd.DataFrame(
        {
            "start": np.repeat(starts, periods),
            "period": np.tile(when, len(starts)),
            "streak": paths.ravel(),
            "estimate": value.ravel(),
            "ci_low": low.ravel(),
            "ci_high": high.ravel(),
        }
    )


def neighbours(satisfaction: Floats, threshold: float) -> list[float]:
    """Return the threshold with up to two others on either side, all of which split the scores."""
    scores = np.unique(satisfaction)
    if len(scores) <= FEW_SCORES:
        # below the k-th score: every threshold between two scores says the same
        inside = [float(score) for score in scores[1:]]
        here = float(scores[scores >= threshold][0])
        at = inside.index(here)
        near = inside[max(0, at - 2) : at + 3]
        return [threshold if value == here else value for value in near]
    spread = float(satisfaction.std())
    digits = max(0, 1 - int(np.floor(np.log10(spread))))
    tried = {threshold, *(round(threshold + k * spread, digits) for k in (-1, -0.5, 0.5, 1))}
    return sorted(value for value in tried if scores[0] < value <= scores[-1])


def sensitivity(
    panel: Panel, thresholds: Sequence[float], *, max_streak: int, clustered: bool, confidence: float
) -> "pd.DataFrame":
    """Lay out the longest run's chance and odds by threshold."""
    import pandas as pd

    lines = []
    for threshold in thresholds:
        rows = panel.at(float(threshold), max_streak)
        line: dict[str, Any] = {
            "threshold": float(threshold),
            "share_dissatisfied": float((panel.satisfaction < threshold).mean()),
        }
        if len(rows.cell) and rows.left.any():
            found = estimate(
                rows, max_streak, clustered=clustered, confidence=confidence, names=panel.covariate_names
            ).table
            line.update(found.iloc[-1].drop("streak"))
            line["hazard_satisfied"] = found["hazard"].iloc[0]
        lines.append(line)
    columns = ["threshold", "share_dissatisfied", "at_risk", "left", "hazard", "ci_low", "ci_high", "hazard_satisfied",
               "odds_ratio", "odds_ratio_ci_low", "odds_ratio_ci_high"]  # fmt: skip
    table = pd.DataFrame(lines, columns=columns)
    return table.assign(**{name: table[name].fillna(0).astype(int) for name in ("at_risk", "left")})


def compare(rows: AtRisk, code: int, max_streak: int, confidence: float) -> "pd.DataFrame":
    """Lay out one group beside all others."""
    import pandas as pd

    parts = []
    for part, mine in (("focus", rows.group == code), ("rest", rows.group != code)):
        rates = hazard.rates(
            rows.cell[mine],
            rows.left[mine],
            max_streak + 1,
            confidence=confidence,
            weight=None if rows.weight is None else rows.weight[mine],
        )
        table = pd.DataFrame(
            {
                "part": part,
                "streak": np.arange(max_streak + 1),
                "at_risk": rates.n,
                "left": rates.events,
                "hazard": rates.rate,
                "ci_low": rates.low,
                "ci_high": rates.high,
            }
        )
        parts.append(table)
    return pd.concat(parts, ignore_index=True)
