"""Fit and compare the units on one touchpoint."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from cxresearch.checks import InputError
from cxresearch.numerics import ranks, rates, shrinkage
from cxresearch.touchpoints.benchmark_cells import Cells, Floats

DRAWS: Final = 4000
"""Joint draws of all units from the posterior: where each stands relative to the middle one."""
LEAST_TABLES: Final = 1999
"""Random tables for the test of equal rates; more where many touchpoints share its level."""
COLUMNS: Final = [
    "touchpoint", "unit", "n", "mean", "se", "shrunken", "ci_low", "ci_high", "rank", "rank_low", "rank_high",
    "signal", "suppressed", "wrong_side", "n_effective", "observed",
]  # fmt: skip
AGAINST: Final = [
    "touchpoint", "unit", "against", "reference", "difference", "ci_low", "ci_high", "signal", "wrong_side",
]  # fmt: skip
_HIDDEN: Final = dict.fromkeys(["mean", "n_effective", "observed"], np.nan)
"""What a suppressed unit's row must not tell."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How units are to be compared.

    Parameters
    ----------
    better : {"high", "low"}
        Which scores are good.
    wrong_side : float
        Expected share of flags on the wrong side, at most.
    confidence : float
        Coverage of intervals.
    seed : int
        Every touchpoint starts from it, so that their order cannot matter.
    tables : int
        Random tables for the test of equal rates.
    against : tuple of str
        "network" and "best_quarter", if units are to be held against them.
    target : float, optional
        A fixed score to hold them against, too.
    """

    better: str
    wrong_side: float
    confidence: float
    seed: int
    tables: int
    against: tuple[str, ...] = ()
    target: float | None = None

    def good(self, mean: Floats) -> Floats:
        """Turn scores so that high is good."""
        return mean if self.better == "high" else -mean

    def yardsticks(self, n: Floats, top: float = 1.0) -> dict[str, shrinkage.Yardstick]:
        """Return what units are held against; `n` are their answers, `top` what a share of 1 is written as."""
        best = 0.75 if self.better == "high" else 0.25
        known: dict[str, shrinkage.Yardstick] = {
            "network": lambda theta: theta @ (n / n.sum()),
            "best_quarter": lambda theta: np.quantile(theta, best, axis=1),
        }
        chosen = {name: known[name] for name in self.against}
        if self.target is not None:
            fixed = self.target / top
            chosen["target"] = lambda theta: np.full(len(theta), fixed)
        return chosen


@dataclass(frozen=True)
class Fit:
    """What the units' data say: the hierarchical model, standard errors, p-value of no difference at all, ranks."""

    model: shrinkage.Shrunken
    se: Floats
    p: float
    rank_low: NDArray[np.int64]
    rank_high: NDArray[np.int64]

    @property
    def wrong(self) -> Floats:
        """Probability of each unit that it is not on the side of the middle unit where the data put it."""
        return shrinkage.wrong_side(self.model.above, self.model.below)

    def signals(self, wrong_side: float) -> NDArray[np.object_]:
        """Return "above", "below" or "expected" for each unit, not yet gated by the test of any difference."""
        return shrinkage.sides(self.model.above, self.model.below, wrong_side)


@dataclass(frozen=True)
class Compared:
    """The units on one touchpoint.

    Parameters
    ----------
    table : DataFrame
        Rows of the table, flags not yet gated by the test of any difference.
    reliability : dict
        Row of the table of reliability.
    against : DataFrame, optional
        Rows of the table of yardsticks, if any were asked for.
    """

    table: pd.DataFrame
    reliability: dict[str, Any]
    against: pd.DataFrame | None = None


def compare(found: Cells, touchpoint: Any, terms: Terms) -> Compared:
    """Compare the units on one touchpoint.

    Raises
    ------
    InputError
        If every unit has one answer only.
    """
    own = found.table[found.table["touchpoint"] == touchpoint]
    # an order that names, rows and the last digits of floating point have no say in
    shown = own[~own["suppressed"]].sort_values(["mean", "n"], key=_nine_digits)
    n, mean = shown["n_effective"].to_numpy(dtype=float), shown["mean"].to_numpy(dtype=float)
    row: dict[str, Any] = {"touchpoint": touchpoint, "units": len(shown)}
    if len(shown) < 2:
        return Compared(_arranged(shown.assign(signal="expected"), own), row)
    row["typical_n"] = n.size / np.sum(1 / n)
    if found.kind == "rates":
        fit = fit_rates(shown["successes"].to_numpy(dtype=float), n, mean / found.top, terms, found.top)
    else:
        df, squares = float(shown["df"].sum()), float(shown["squares"].sum())
        if df <= 0:
            raise InputError("every unit has one answer only; if scores are rates, give n, the column of denominators")
        if _no_spread(mean, squares):
            filled = shown.assign(se=0.0, rank=_rank(terms.good(mean), np.ptp(mean)), signal="expected")
            return Compared(_arranged(filled, own), row | {"within_variance": 0.0})
        fit = fit_means(mean, n, squares / df, df, terms)
    model, top = fit.model, found.top
    filled = shown.assign(
        se=top * fit.se, shrunken=top * model.mean, ci_low=top * model.low, ci_high=top * model.high,
        rank=_rank(terms.good(mean), top * fit.se.max()), rank_low=fit.rank_low, rank_high=fit.rank_high,
        signal=fit.signals(terms.wrong_side), wrong_side=fit.wrong,
    )  # fmt: skip
    reliability = row | _reliability(model, row["typical_n"], top) | {"p_value": fit.p}
    return Compared(_arranged(filled, own), reliability, _against(shown, model, top, terms))


def _against(shown: pd.DataFrame, model: shrinkage.Shrunken, top: float, terms: Terms) -> pd.DataFrame | None:
    parts = []
    for name, held in model.against.items():
        reference = top * held.reference
        difference, low, high = (top * part for part in (held.difference, held.low, held.high))
        if name == "target":  # no need for draws
            reference = float(terms.target or 0.0)
            difference, low, high = (top * part - reference for part in (model.mean, model.low, model.high))
        parts.append(
            shown[["touchpoint", "unit"]].assign(
                against=name, reference=reference, difference=difference, ci_low=low, ci_high=high,
                signal=shrinkage.sides(held.above, held.below, terms.wrong_side),
                wrong_side=shrinkage.wrong_side(held.above, held.below),
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else None


def fit_rates(successes: Floats, n: Floats, share: Floats, terms: Terms, top: float = 1.0) -> Fit:
    """Fit rates; `share` are the rates as given, which rounding may keep from being successes / n.

    `top` is what a share of 1 is written as in a target.
    """
    rng = np.random.default_rng(terms.seed)
    p = rates.equal_rates_p(successes, n, draws=terms.tables, rng=rng)
    yardsticks = terms.yardsticks(n, top)
    model = shrinkage.shrink_rates(successes, n, level=terms.confidence, draws=DRAWS, rng=rng, yardsticks=yardsticks)
    good = successes if terms.better == "high" else n - successes
    low, high = ranks.rank_intervals_of_rates(good, n, terms.confidence)
    return Fit(model, np.sqrt(share * (1 - share) / n), p, low, high)


def fit_means(mean: Floats, n: Floats, within: float, df: float, terms: Terms) -> Fit:
    """Fit means of answers with a variance pooled over units."""
    rng = np.random.default_rng(terms.seed)
    between = float(n @ (mean - (n @ mean) / n.sum()) ** 2) / (n.size - 1)
    p = float(special.fdtrc(n.size - 1, df, between / within))
    model = shrinkage.shrink_means(
        mean, n, within, df, level=terms.confidence, draws=DRAWS, rng=rng, yardsticks=terms.yardsticks(n)
    )
    low, high = ranks.rank_intervals_of_means(terms.good(mean), n, within, df, terms.confidence)
    return Fit(model, np.sqrt(within / n), p, low, high)


def _nine_digits(column: pd.Series) -> pd.Series:
    largest = column.abs().max()
    return (column / largest).round(9) if largest > 0 else column


def _no_spread(mean: Floats, squares: float) -> bool:
    """Tell whether no unit's answers vary, floating-point noise aside: nothing then tells chance from difference."""
    return squares <= 1e-24 * max(float(np.abs(mean).max()), 1e-150) ** 2


def _reliability(model: shrinkage.Shrunken, typical_n: float, top: float) -> dict[str, float]:
    return {
        "between_variance": top**2 * model.between,
        "within_variance": top**2 * model.within,
        "reliability": typical_n / (typical_n + model.ratio),
        "reliability_ci_low": typical_n / (typical_n + model.ratio_high),
        "reliability_ci_high": typical_n / (typical_n + model.ratio_low),
        "n_for_reliability_0_7": model.ratio * 0.7 / 0.3,
        "middle": top * model.centre,
    }


def _rank(good: Floats, error: float) -> NDArray[np.int64]:
    """Rank means, blind to differences in the last digits of floating point."""
    return ranks.rank_of(np.round(good / error, 9) if error > 0 else good)


def _arranged(filled: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Put the best unit first and the suppressed ones last, without their numbers."""
    both = pd.concat([filled, own[own["suppressed"]].assign(**_HIDDEN)]).reindex(columns=COLUMNS)
    both["signal"] = both["signal"].astype(object).where(~both["suppressed"], None)
    numeric = [c for c in COLUMNS if c not in {"touchpoint", "unit", "n", "signal", "suppressed"}]
    both[numeric] = both[numeric].astype(float)
    key = pd.DataFrame(
        {"late": both["suppressed"], "rank": both["rank"], "n": -both["n"], "name": both["unit"].map(str)}
    )
    return both.loc[key.sort_values(["late", "rank", "n", "name"]).index]
