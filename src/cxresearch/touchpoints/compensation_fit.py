"""How an outcome depends on two touchpoints together: columns, rival models, effects and their bootstrap draws."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxresearch.numerics import held_out, moments, subsets
from cxresearch.numerics.moments import Moments
from cxresearch.touchpoints import driver_estimates
from cxresearch.touchpoints.driver_design import Design

Floats = NDArray[np.float64]

COLUMNS: Final = ("first", "second", "first²", "second²", "product", "lower")
"""Columns made of the two scores, both centred at their means; ``lower`` is the lower of the two."""
PRODUCT: Final = ("first", "second", "first²", "second²", "product")
LOWER: Final = ("first", "second", "first²", "second²", "lower")
RIVALS: Final = {
    "adds_up": ("first", "second"),
    "bends": ("first", "second", "first²", "second²"),
    "product": ("first", "second", "product"),
    "weakest": ("lower",),
    "strongest": ("higher",),
    "partly_weakest": ("first", "second", "lower"),
}
"""Rival models by their columns; the first is the one the others are held against."""
EFFECTS: Final = ("cost", "net", "slope_poor", "slope_good", "product", "weaker")


@dataclass(frozen=True, kw_only=True)
class Points:
    """Where the two scores are looked at.

    Parameters
    ----------
    first, second : float
        The means: "in the middle".
    good : float
        A good score of the first.
    poor, fine : float
        A poor score of the second, and one as far above its mean.
    """

    first: float
    second: float
    good: float
    poor: float
    fine: float

    def columns(self, first: Floats, second: Floats) -> Floats:
        """Return the columns of pairs of scores, shape (n, 6)."""
        a, b = first - self.first, second - self.second
        return np.column_stack([a, b, a**2, b**2, a * b, np.minimum(first, second)])


class Surface:
    """The outcome over both scores, fitted to the sample and to its bootstrap samples.

    Parameters
    ----------
    design : Design
        The first two drivers are the two touchpoints, the others are held fixed.
    points : Points
        Where they are looked at.
    bootstraps : int
        Bootstrap samples.
    seed : int
        Seed of the bootstrap.
    """

    def __init__(self, design: Design, points: Points, bootstraps: int, seed: int) -> None:
        self.design, self.points = design, points
        self.others = design.x[:, 2:]
        pair = points.columns(design.x[:, 0], design.x[:, 1])
        table = np.column_stack([pair, self.others, design.y])
        self.whole = moments.moments(table, design.mass)
        self._kept: dict[tuple[str, ...], list[int]] = {}
        self.draws = self._drawn(table, bootstraps, seed)

    def kept(self, columns: tuple[str, ...]) -> list[int]:
        """Return a model's columns that are not determined by those before them; covariates come first."""
        if columns not in self._kept:
            corr, width = self.whole.correlation, len(COLUMNS)
            kept: list[int] = []
            for j in [*range(width, len(corr) - 1), *(COLUMNS.index(name) for name in columns)]:
                inner, across = corr[np.ix_(kept, kept)], corr[kept, j]
                left = 1.0 - float(across @ np.linalg.solve(inner, across)) if kept else 1.0
                if not np.isnan(corr[j, j]) and left > 1e-8:
                    kept.append(j)
            self._kept[columns] = sorted(kept)
        return self._kept[columns]

    def _drawn(self, table: Floats, bootstraps: int, seed: int) -> Moments:
        m = table.shape[1]
        if not bootstraps:
            return Moments(mean=np.empty((0, m)), covariance=np.empty((0, m, m)))
        rng, design = np.random.default_rng(seed), self.design
        return moments.bootstrap(
            table,
            design.weight,
            reps=bootstraps,
            rng=rng,
            count=design.count,
            unit=driver_estimates.redrawn(design, seed),
        )

    def slopes(self, columns: tuple[str, ...], of: Moments) -> Floats:
        """Return the slopes of all six columns, those left out being 0, with covariates held fixed."""
        used = self.kept(columns)
        index = [*used, self.whole.mean.shape[-1] - 1]
        corr, sd = of.correlation[..., index, :][..., index], of.sd
        defined = np.asarray(~np.isnan(corr).any(axis=(-1, -2)))
        safe = np.where(defined[..., None, None], corr, np.eye(len(index)))
        raw = subsets.slopes(safe) * sd[..., [-1]] / np.where(sd[..., used] > 0, sd[..., used], 1.0)
        out = np.zeros((*corr.shape[:-2], len(COLUMNS)))
        pair = [k for k, j in enumerate(used) if j < len(COLUMNS)]
        out[..., [used[k] for k in pair]] = raw[..., pair]
        out[~defined] = np.nan
        return out

    def has(self, columns: tuple[str, ...]) -> bool:
        """Tell whether the sample can tell a model's last column from the others."""
        return COLUMNS.index(columns[-1]) in self.kept(columns)

    def effects(self, of: Moments) -> Floats:
        """Return the effects, shape (..., 6), in the order of `EFFECTS`; NaN where they are not determined."""
        p = self.points
        middle, cost, net = p.columns(np.array([p.first, p.first, p.good]), np.array([p.second, p.poor, p.poor]))
        full, product, lower = (self.slopes(columns, of) for columns in (COLUMNS, PRODUCT, LOWER))
        share = self._weaker(lower)
        bend = product[..., 4] if self.has(PRODUCT) else np.full(full.shape[:-1], np.nan)
        slopes = [product[..., 0] + bend * (at - p.second) for at in (p.poor, p.fine)]
        return np.stack([full @ (cost - middle), full @ (net - middle), *slopes, bend, share], axis=-1)

    def _weaker(self, slopes: Floats) -> Floats:
        """Return which part of a common rise of both works through the lower of the two."""
        both = slopes[..., 0] + slopes[..., 1] + slopes[..., 5]
        known = self.has(LOWER) & (np.abs(both) > 1e-12)
        return np.where(known, slopes[..., 5] / np.where(known, both, 1.0), np.nan)

    def rises(self) -> Floats:
        """Return, for each bootstrap sample, what a rise of both by a point goes with."""
        slopes = self.slopes(LOWER, self.draws)
        return np.asarray(slopes[..., 0] + slopes[..., 1] + slopes[..., 5])

    def expected(self, rule: str) -> tuple[float, float]:
        """Return cost and net, had a simple rule made the outcome and were it fitted to these data."""
        p = self.points
        slope = self.slopes(("first", "second") if rule == "adds_up" else ("lower",), self.whole)
        middle, cost, net = p.columns(np.array([p.first, p.first, p.good]), np.array([p.second, p.poor, p.poor]))
        return float(slope @ (cost - middle)), float(slope @ (net - middle))

    def levels(self, first: Floats, second: Floats, of: Moments) -> Floats:
        """Return the outcome at pairs of scores, with covariates at their means."""
        slopes = self.slopes(COLUMNS, of)
        at = self.points.columns(first, second)
        return np.asarray(of.mean[..., [-1]] + slopes @ at.T - (slopes * of.mean[..., :6]).sum(-1, keepdims=True))


def rivals(design: Design, points: Points, confidence: float) -> list[tuple[str, int, float, float, float, float]]:
    """Return the rivals with slopes fitted, R² of what was left out, and the lead over adding up with its interval."""
    first, second = design.x[:, 0], design.x[:, 1]
    columns = dict(zip(COLUMNS, points.columns(first, second).T, strict=True))
    columns["higher"] = np.maximum(first, second)
    mass = design.mass
    others = design.x[:, 2:]
    base = held_out.losses(np.empty((len(first), 0)), design.y, mass, design.unit)
    tables = [np.column_stack([*(columns[name] for name in names), others]) for names in RIVALS.values()]
    losses = [held_out.losses(table, design.y, mass, design.unit) for table in tables]
    found = held_out.compare(losses, base, mass, confidence, unit=design.unit)
    sizes = [len(names) for names in RIVALS.values()]
    return list(zip(RIVALS, sizes, *(values.tolist() for values in found), strict=True))


def interval(draws: Floats, design: Design, confidence: float) -> tuple[Floats, Floats]:
    """Return expanded percentile intervals of bootstrap draws."""
    return driver_estimates.interval(draws, design, confidence)
