"""Coverage of every interval of `g_study`, `d_study` and `visits_needed`.

Normal effects with known variances in designs of a mystery-shopping study: crossed, nested, roaming shoppers, gaps,
and small ones. Balanced designs are analysed by mean squares, all replications at once; the others by REML, one by
one. The functions that `g_study` calls are simulated; a test holds it to the same numbers.

The number of visits is judged before rounding and rounded up. Ends run away where the data do not bound them: for the
mean width an interval counts at most ten times the true value; how many numbers had no upper end stands in
choices/generalizability.csv.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from cxresearch.mystery_shopping.generalizability import g_study
from cxresearch.mystery_shopping.generalizability_design import read_design
from cxresearch.mystery_shopping.generalizability_fit import by_anova, by_reml
from cxresearch.mystery_shopping.generalizability_rows import balanced, read_rows
from cxresearch.numerics import reml
from cxresearch.numerics.expected_mean_squares import analyse
from cxresearch.numerics.modified_large_sample import Bounds, Squares
from cxresearch.numerics.reml_squares import unbounded

pytestmark = pytest.mark.evidence

REPLICATIONS = 4000
LEVEL = 0.95
SEED = 20080


def cells(**sizes):
    """Every combination, the last facet varying fastest."""
    grid = np.indices(tuple(sizes.values())).reshape(len(sizes), -1)
    return pd.DataFrame(dict(zip(sizes, grid, strict=True)))


def visited(outlets, counts, items, shoppers=None):
    """Outlets with different numbers of visits, all items at each, a shopper drawn for each visit."""
    rng, count = np.random.default_rng(1), np.resize(counts, outlets)
    calls = pd.DataFrame({"outlet": np.repeat(np.arange(outlets), count)})
    calls["visit"] = calls.groupby("outlet").cumcount()
    if shoppers:
        calls["shopper"] = rng.integers(0, shoppers, len(calls))
    return calls.merge(pd.DataFrame({"item": range(items)}), how="cross")


def gaps():
    """30 outlets, each seen once by 3 or 4 of 8 shoppers."""
    frame, rng = cells(outlet=30, shopper=8), np.random.default_rng(2)
    place = rng.random((30, 8)).argsort(axis=1).argsort(axis=1)
    return frame[(place < np.resize([3, 4], 30)[:, None]).ravel()].reset_index(drop=True)


NESTED, CROSSED = "(visit:outlet) x item", "outlet x shopper x item"
FULL = {
    "outlet": 0.4,
    "shopper": 0.15,
    "item": 0.1,
    "outlet x shopper": 0.2,
    "outlet x item": 0.1,
    "shopper x item": 0.05,
}
DAYS = {"outlet": 0.4, "item": 0.1, "visit:outlet": 0.2, "outlet x item": 0.1}
ROAMING = DAYS | {"shopper": 0.15}
# design, facets beside it, rows, variances (residual 1), the facet counted, target, sizes of the others
SCENARIOS = {
    "crossed, 30 outlets x 6 shoppers x 8 items": (
        CROSSED, (), lambda: cells(outlet=30, shopper=6, item=8), FULL, "shopper", 0.6, {"item": 20}),
    "crossed, 10 outlets x 3 shoppers x 5 items": (
        CROSSED, (), lambda: cells(outlet=10, shopper=3, item=5), FULL, "shopper", 0.6, {"item": 20}),
    "crossed, 6 outlets x 2 shoppers x 3 items": (
        CROSSED, (), lambda: cells(outlet=6, shopper=2, item=3), FULL, "shopper", 0.6, {"item": 20}),
    "nested, 30 outlets x 3 visits x 8 items": (
        NESTED, (), lambda: cells(outlet=30, visit=3, item=8), DAYS, "visit", 0.7, {"item": 20}),
    "nested, 30 outlets x 3 visits, reliability of one visit 0.2": (
        "visit:outlet", (), lambda: cells(outlet=30, visit=3), {"outlet": 0.25}, "visit", 0.8, {}),
    "nested, 100 outlets x 4 visits, reliability of one visit 0.5": (
        "visit:outlet", (), lambda: cells(outlet=100, visit=4), {"outlet": 1.0}, "visit", 0.8, {}),
    "nested, 30 outlets x 3 visits x 8 items; the items cap what visits reach": (
        NESTED, (), lambda: cells(outlet=30, visit=3, item=8), DAYS, "visit", 0.9, {"item": 3}),
    "unbalanced, 15 outlets x 2-4 visits x 3 items": (
        NESTED, (), lambda: visited(15, [2, 3, 4], 3), DAYS, "visit", 0.7, {"item": 20}),
    "roaming, 15 outlets x 2-4 visits x 3 items, 8 shoppers": (
        NESTED, ("shopper",), lambda: visited(15, [2, 3, 4], 3, 8), ROAMING, "visit", 0.7, {"item": 20}),
    "roaming, 10 outlets x 1-3 visits x 3 items, 5 shoppers": (
        NESTED, ("shopper",), lambda: visited(10, [1, 2, 3], 3, 5), ROAMING, "visit", 0.7, {"item": 20}),
    "tiny, 7 outlets x 1-2 visits x 3 items, 3 shoppers": (
        NESTED, ("shopper",), lambda: visited(7, [1, 2, 2], 3, 3), ROAMING, "visit", 0.7, {"item": 20}),
    "gaps, 30 outlets, each seen by 3-4 of 8 shoppers": (
        "outlet x shopper", (), gaps, {"outlet": 0.5, "shopper": 0.2}, "shopper", 0.6, {}),
}  # fmt: skip
FEW = "few levels: the mean squares are correlated and no multiples of chi-squares in an unbalanced design this small"
SHARED = "mean squares enter with both signs, for which the method keeps to the safe side"
TINY = "so few levels bound hardly anything: most intervals reach as far as they can"
CAPPED = "the true number is infinite, so only a finite upper end can miss it"
ZERO = (
    "a component small against its error: the lower end is zero in nearly every sample, so only the upper end can miss"
)


def simulate(rows, effects, truth, rng, count):
    """Scores of many replications, one row each."""
    y = rng.normal(size=(count, rows.score.size))
    for effect in effects[:-1]:
        code = rows.codes[effect.facets]
        y += truth[effect.name] ** 0.5 * rng.normal(size=(count, code.max() + 1))[:, code]
    return y


def by_mean_squares(scores, sets):
    """Mean squares of all replications."""
    found = analyse(scores, sets)
    return Squares(coefficient=found.coefficient, value=found.mean_square, df=found.df)


def by_likelihood(rows, effects, scores):
    design = reml.prepare(None, [rows.codes[e.facets] for e in effects[:-1]], names=[e.name for e in effects[:-1]])
    free = [unbounded(design, reml.fit_design(y, design)).squares for y in scores]
    return Squares(**{part: np.stack([getattr(one, part) for one in free]) for part in ("coefficient", "value", "df")})


def true_number(weights, variance):
    """The number, not rounded, at which the balance of the target turns; infinite if it never does."""
    balance = lambda log: float(weights(np.exp(log)) @ variance)  # noqa: E731
    return float(np.exp(optimize.brentq(balance, -8, 18))) if balance(18) > 0 else np.inf


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_intervals(scenario, record, tally):
    design, crossed, make, truth, facet, target, sizes = SCENARIOS[scenario]
    frame, rng = make().astype(str), np.random.default_rng(SEED)
    plan = read_design(design, object="outlet", crossed=crossed)
    rows = read_rows(frame.assign(score=rng.normal(size=len(frame))), plan, "score")
    even = scenario.startswith(("crossed", "nested"))
    effects = (by_anova if even else by_reml)(rows).effects
    scores = simulate(rows, effects, truth, rng, REPLICATIONS)
    if even:
        layout, sets = balanced(rows)
        squares = by_mean_squares(_in_layout(rows, layout, scores), sets)
    else:
        squares = by_likelihood(rows, effects, scores)
    study = g_study(frame.assign(score=scores[0]), score="score", design=design, object="outlet", crossed=crossed,
                    method="anova" if even else "reml")  # fmt: skip
    bounds, variance = Bounds(squares, LEVEL), np.array([*(truth[e.name] for e in effects[:-1]), 1.0])
    _hold_public(study, bounds, facet, target, sizes)

    shares, capped, small = {}, "cap what" in scenario, "tiny" in scenario or "6 outlets" in scenario
    mixed = TINY if small else SHARED if even else FEW

    def keep(quantity, low, high, value, study_name, reason):
        covered = (low <= value * (1 + 1e-9)) & (value <= high * (1 + 1e-9))
        width = _width(low, high, value) if np.isfinite(value) else np.full(low.shape, np.nan)
        share = record(
            study=study_name, quantity=quantity, scenario=scenario, covered=covered, width=width, reason=reason
        )
        shares[quantity] = share

    for k, effect in enumerate(effects if not capped else ()):
        low, high = (np.maximum(end, 0) for end in bounds.interval(np.eye(variance.size)[k]))
        keep(f"variance: {effect.name}", low, high, variance[k], "g_study", ZERO if (low == 0).mean() > 0.5 else mixed)
    studied = study.decision.weights({})
    for name in ("g", "phi") if not capped else ():
        error = studied.error(name)
        value = float(studied.universe @ variance / ((studied.universe + error) @ variance))
        keep(name, *bounds.share(studied.universe, error), value, "d_study", mixed)
    for name in ("error_relative", "error_absolute") if not capped else ():
        weight = studied.relative if name == "error_relative" else studied.absolute
        keep(name, *(np.maximum(end, 0) for end in bounds.interval(weight)), float(weight @ variance), "d_study",
             mixed)  # fmt: skip

    def balance(n):
        weights = study.decision.weights(sizes | {facet: n})
        return (1 - target) * weights.universe - target * weights.absolute

    low, high = bounds.number(balance)
    value = true_number(balance, variance)
    why = CAPPED if np.isinf(value) else mixed
    keep(f"number of {facet}s before rounding", low, high, value, "visits_needed", why)
    up = [np.maximum(np.ceil(end * (1 - 1e-9)), 1) for end in (low, high, value)]
    keep(f"number of {facet}s, rounded up", *up, "visits_needed", why if np.isinf(value) else "rounding up widens")
    tally(study="visits_needed", quantity=f"interval of the number of {facet}s has no upper end", scenario=scenario,
          found=np.isinf(high))  # fmt: skip
    assert min(shares.values()) >= (0.93 if even else 0.92), shares
    assert shares[f"number of {facet}s, rounded up"] >= 0.95
    assert capped or small or shares[f"number of {facet}s before rounding"] <= 0.975


def _width(low, high, value):
    """Width, at most ten times the true value; so too where both ends are infinite."""
    return np.where(
        np.isinf(low) | np.isinf(high), 10 * value, np.minimum(high - np.where(np.isinf(low), 0, low), 10 * value)
    )


def _in_layout(rows, layout, scores):
    """Order the rows of every replication as the table's cells are ordered."""
    place = np.arange(rows.score.size, dtype=float)
    table, _ = balanced(_with_scores(rows, place))
    return scores[:, table.ravel().astype(int)].reshape(len(scores), *layout.shape)


def _with_scores(rows, scores):
    from dataclasses import replace

    return replace(rows, score=scores)


def _hold_public(study, bounds, facet, target, sizes):
    """The public functions give the first replication's intervals."""
    low, high = (np.maximum(end[0], 0) for end in bounds.interval(np.eye(len(study.table))[0]))
    assert study.table.loc[0, ["ci_low", "ci_high"]].tolist() == pytest.approx([low, high], rel=1e-6)
    weights = study.decision.weights({})
    ends = study.d_study().table.loc[0, ["phi_ci_low", "phi_ci_high"]].tolist()
    assert ends == pytest.approx([end[0] for end in bounds.share(weights.universe, weights.absolute)], abs=1e-6)
    answer = study.visits_needed(facet, target, sizes=sizes).answer
    assert answer.ci_low > 0
    assert answer.ci_high >= answer.ci_low


@pytest.mark.parametrize(
    "design", ["crossed, 30 outlets x 6 shoppers x 8 items", "gaps, 30 outlets, each seen by 3-4 of 8 shoppers"]
)
def test_the_number_is_recovered(design, tally):
    """Half of the estimates lie below the truth and half above, so far as rounding allows."""
    notation, crossed, make, truth, facet, target, sizes = SCENARIOS[design]
    frame, rng = make().astype(str), np.random.default_rng(SEED + 1)
    rows = read_rows(frame.assign(score=rng.normal(size=len(frame))), read_design(notation, object="outlet"), "score")
    effects = (by_anova if design.startswith("crossed") else by_reml)(rows).effects
    below = []
    for y in simulate(rows, effects, truth, rng, 100):
        study = g_study(frame.assign(score=y), score="score", design=notation, object="outlet", crossed=crossed)
        variance = np.array([*(truth[e.name] for e in effects[:-1]), 1.0])

        def balance(n, study=study):
            weights = study.decision.weights(sizes | {facet: n})
            return (1 - target) * weights.universe - target * weights.absolute

        below.append(study.visits_needed(facet, target, sizes=sizes).answer.size < true_number(balance, variance))
    tally(study="visits_needed", quantity="estimate below the true number", scenario=design, found=below)
    assert 0.35 < np.mean(below) < 0.65
