"""Intervals of `benchmark` with survey weights, with covariates held equal, against yardsticks, and between waves.

The cores are called as the public function calls them, one touchpoint at a time.
"""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxresearch.numerics.cell_means import cell_means, held_equal
from cxresearch.numerics.nested_shrinkage import within_places
from cxresearch.numerics.shrinkage import flag
from cxresearch.touchpoints import benchmark_changes as waves
from cxresearch.touchpoints.benchmark_fit import LEAST_TABLES, Terms, fit_means, fit_rates

pytestmark = pytest.mark.evidence

REPLICATIONS = 4000
UNITS = 14
TERMS = Terms(better="high", wrong_side=0.05, confidence=0.95, seed=1, tables=LEAST_TABLES)
HELD = Terms(better="high", wrong_side=0.05, confidence=0.95, seed=1, tables=LEAST_TABLES,
             against=("network", "best_quarter"))  # fmt: skip
ESTIMATE = "estimates of true values, average over units"
TIED = "heavy weights fall on answers that scatter more, and the effective number of answers does not know it"
FEW_PEOPLE = "three places of three people say too little about how far people differ"
RARE = "Newcombe's interval leans to the long side where few answers are no"


def sizes(rng: np.random.Generator, low: int, high: int) -> np.ndarray:
    return np.exp(rng.uniform(np.log(low), np.log(high + 1), UNITS)).astype(int)


def fitted(cells: Any, terms: Terms) -> Any:
    return fit_means(cells.mean, cells.n_effective, cells.squares.sum() / cells.df.sum(), cells.df.sum(), terms)


@pytest.mark.parametrize("tied", [False, True])
def test_weighted_means(record: Any, tied: bool) -> None:
    rng, covered, width = np.random.default_rng([1, tied]), [], []
    for _ in range(REPLICATIONS):
        unit = np.repeat(np.arange(UNITS), sizes(rng, 30, 300))
        theta, weight = 0.16 * rng.standard_normal(UNITS), np.exp(0.7 * rng.standard_normal(unit.size))
        scatter = np.sqrt(weight / weight.mean()) if tied else 1.0
        value = theta[unit] + scatter * rng.standard_normal(unit.size)
        model = fitted(cell_means(value, unit, UNITS, weight), TERMS).model
        covered.append(((model.low <= theta) & (theta <= model.high)).mean())
        width.append((model.high - model.low).mean())
    share = record(
        study="benchmark", quantity=ESTIMATE, covered=covered, width=width, reason=TIED,
        scenario=f"14 units, weights with cv 0.8{', which go with the scatter' if tied else ''}, n 30 to 300",
    )  # fmt: skip
    assert share >= (0.80 if tied else 0.93)
    assert share <= 0.97


@pytest.mark.parametrize("low", [10, 30])
def test_means_with_covariates_held_equal(record: Any, low: int) -> None:
    rng, covered, width = np.random.default_rng([2, low]), [], []
    for _ in range(REPLICATIONS):
        unit = np.repeat(np.arange(UNITS), sizes(rng, low, 10 * low))
        theta, mix = 0.3 * rng.standard_normal(UNITS), rng.standard_normal((UNITS, 2))
        x = np.column_stack([rng.random(unit.size) < 1 / (1 + np.exp(-mix[unit, 0])), mix[unit, 1]]).astype(float)
        x[:, 1] += rng.standard_normal(unit.size)
        value = theta[unit] + x @ [0.8, -0.5] + rng.standard_normal(unit.size)
        model = fitted(held_equal(value, unit, UNITS, x), TERMS).model
        truth = theta + x.mean(0) @ [0.8, -0.5]
        covered.append(((model.low <= truth) & (truth <= model.high)).mean())
        width.append((model.high - model.low).mean())
    scenario = f"14 units, two covariates whose mix differs between units, n {low} to {10 * low}"
    share = record(study="benchmark", quantity=ESTIMATE, scenario=scenario, covered=covered, width=width)
    assert 0.93 <= share <= 0.97


@pytest.mark.parametrize("kind", ["means", "rates"])
def test_differences_from_yardsticks(record: Any, kind: str) -> None:
    rng = np.random.default_rng([3, kind == "rates"])
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in HELD.against}
    right: dict[str, list[float]] = {name: [] for name in HELD.against}
    for _ in range(REPLICATIONS):
        n = sizes(rng, 30, 300).astype(float)
        if kind == "rates":
            theta = rng.beta(10.5, 4.5, UNITS)
            hits = rng.binomial(n.astype(int), theta).astype(float)
            fit = fit_rates(hits, n, hits / n, HELD)
        else:
            theta, df = 0.16 * rng.standard_normal(UNITS), n.sum() - UNITS
            fit = fit_means(theta + rng.standard_normal(UNITS) / np.sqrt(n), n, rng.chisquare(df) / df, df, HELD)
        for name, yardstick in HELD.yardsticks(n).items():
            truth, held = theta - yardstick(theta[None])[0], fit.model.against[name]
            found[name][0].append(((held.low <= truth) & (truth <= held.high)).mean())
            found[name][1].append((held.high - held.low).mean())
            sure = np.minimum(held.above, held.below) <= 0.05
            wrong = sure & ((held.above > held.below) != (truth > 0))
            right[name].append(1 - wrong.sum() / max(1, sure.sum()))
    for name, (covered, width) in found.items():
        share = record(study="benchmark", quantity=f"difference from the {name.replace('_', ' ')}", covered=covered,
                       scenario=f"14 units, {kind}, n 30 to 300", width=width)  # fmt: skip
        assert 0.93 <= share <= 0.97
        assert np.mean(right[name]) >= 0.95


def cells(kind: str, n: np.ndarray, mean: np.ndarray, squares: np.ndarray) -> Any:
    table = pd.DataFrame({"touchpoint": "t", "unit": range(n.size), "n": n, "n_effective": n.astype(float),
                          "mean": mean, "successes": np.round(mean * n), "squares": squares, "df": n - 1.0,
                          "suppressed": False})  # fmt: skip
    from cxresearch.result import Sample
    from cxresearch.touchpoints.benchmark_cells import Cells

    return Cells(table=table, kind=kind, top=1.0, sample=Sample(rows=0, used=0), notes=())  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "low"), [("means", 5), ("means", 30), ("rates", 30), ("rates near 97 %", 30)])
def test_changes_between_waves(record: Any, kind: str, low: int) -> None:
    rng, covered, width, quiet = np.random.default_rng([4, low, len(kind)]), [], [], []
    for _ in range(REPLICATIONS):
        n = np.stack([sizes(rng, low, 10 * low), sizes(rng, low, 10 * low)])
        if kind == "means":
            truth = 0.2 * rng.standard_normal((2, UNITS)) * np.array([[1.0], [1.3]])
            mean = truth + rng.standard_normal((2, UNITS)) * np.array([[1.0], [1.5]]) / np.sqrt(n)
            squares = rng.chisquare(n - 1) * np.array([[1.0], [2.25]])
        else:
            truth = rng.beta(48.5, 1.5, (2, UNITS)) if "97" in kind else rng.beta(10.5, 4.5, (2, UNITS))
            mean, squares = rng.binomial(n, truth) / n, np.zeros((2, UNITS))
        both = {wave: cells(kind.split(maxsplit=1)[0], n[wave], mean[wave], squares[wave]) for wave in (0, 1)}
        table = waves.changes(both, 0.95).sort_values("unit")
        change = truth[1] - truth[0]
        covered.append(((table["ci_low"] <= change) & (change <= table["ci_high"])).mean())
        width.append((table["ci_high"] - table["ci_low"]).mean())
        turned = (table["signal"] == "up") & (change <= 0) | (table["signal"] == "down") & (change >= 0)
        quiet.append(not turned.any())
    scenario = f"14 units, {kind}, n {low} to {10 * low}"
    share = record(study="benchmark", quantity="change between two waves, average over units", scenario=scenario,
                   covered=covered, width=width, reason=RARE)  # fmt: skip
    assert 0.93 <= share <= (0.985 if "97" in kind else 0.97)
    assert np.mean(quiet) >= 0.95


@pytest.mark.parametrize(("places", "people"), [(3, 3), (5, 4), (20, 6)])
@pytest.mark.parametrize("between", [0.0, 0.3])
def test_people_against_the_others_at_their_place(record: Any, places: int, people: int, between: float) -> None:
    rng, covered, width, right = np.random.default_rng([5, places, int(10 * between)]), [], [], []
    place = np.repeat(np.arange(places), people)
    for _ in range(REPLICATIONS):
        n = np.exp(rng.uniform(np.log(20), np.log(121), place.size)).astype(int).astype(float)
        theta = rng.standard_normal(places)[place] + between * rng.standard_normal(place.size)
        df = n.sum() - n.size
        found = within_places(theta + rng.standard_normal(place.size) / np.sqrt(n), n, place, rng.chisquare(df) / df,
                              df, level=0.95, draws=2000, rng=rng)  # fmt: skip
        truth = theta - (np.bincount(place, theta) / people)[place]
        covered.append(((found.low <= truth) & (truth <= found.high)).mean())
        width.append((found.high - found.low).mean())
        sure = flag(1 - np.maximum(found.above, found.below), 0.05)
        wrong = sure & ((found.above > found.below) != (truth > 0))
        right.append(1 - wrong.sum() / max(1, sure.sum()))
    reason = "people alike in truth: intervals hold all differences, which are none" if not between else FEW_PEOPLE
    share = record(study="benchmark", quantity="difference from the others at a place", covered=covered, width=width,
                   scenario=f"{places} places of {people} people, sd among them {between}, n 20 to 120", reason=reason,
                   )  # fmt: skip
    assert share >= (0.92 if places == 3 else 0.93)
    assert share <= (1.0 if not between else 0.97)
    assert not between or np.mean(right) >= 0.94
