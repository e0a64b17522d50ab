"""How often the intervals of `compensation` hold the truth, and how often it finds the rule that made the answers.

The numeric cores are called as the public function calls them; tests/touchpoints holds the answers equal.
"""

import numpy as np
import pytest

from cxresearch.defaults import SEED
from cxresearch.result import Sample
from cxresearch.touchpoints import compensation as study
from cxresearch.touchpoints import compensation_fit as fit
from cxresearch.touchpoints.compensation_results import judge
from cxresearch.touchpoints.driver_design import Design

pytestmark = pytest.mark.evidence

REPLICATIONS = 4000
BOOTSTRAPS = 200
LEVEL = 0.95
RULES = {
    "adds_up": lambda a, b: (a + b) / 2,
    "weakest": np.minimum,
    "softens": np.maximum,
}
"""Rules by which two scores make an outcome."""
PART = {"adds_up": 0.0, "weakest": 1.0, "softens": -1.0}
"""What `weaker` is for each rule: max(a, b) = a + b - min(a, b)."""
RIVAL = {"adds_up": "adds_up", "weakest": "weakest", "softens": "strongest"}
PERCENTILES = (
    "percentiles are somewhat short for curvature, most so where a curve stands in for the kink of the true rule"
)
RATIO = "a ratio whose denominator is uncertain: its percentile interval is wide on one side"
LEFT = "the spread of errors leaves out that slopes, too, would differ in another sample"


def survey(x, y, unit=None):
    """What the public function makes of two columns of scores and an outcome."""
    return Design(
        x=x, y=y, weight=np.ones(len(y)), count=None, unit=unit, names=("a", "b"), columns=((0,), (1,)),
        performance=x.mean(axis=0), groups=None, sample=Sample(rows=len(y), used=len(y)), notes=(),
    )  # fmt: skip


def scores(rng, n, *, units=None, fives=False):
    """Two scores that correlate 0.4, around 7; half their variance lies between units, if there are any."""
    root = np.linalg.cholesky([[1, 0.4], [0.4, 1]])
    x, unit = rng.normal(size=(n, 2)) @ root.T, None
    if units:
        unit = np.repeat(np.arange(units), n // units)
        x = (x + (rng.normal(size=(units, 2)) @ root.T)[unit]) / np.sqrt(2)
    return (np.clip(np.rint(4 + x), 1, 5) if fives else 7 + x), unit


def projected(rule, **shape):
    """Slopes of the model with a product for a whole population, around the origin of the scores' scale."""
    x, _ = scores(np.random.default_rng(SEED), 2_000_000, **shape)
    a, b = x.T
    table = np.column_stack([np.ones(len(a)), a, b, a**2, b**2, a * b])
    return np.linalg.lstsq(table, RULES[rule](a, b), rcond=None)[0]


def simulate(rule, n, *, noise=0.6, **shape):
    """Which intervals held the truth, and what was concluded."""
    rng, slopes = np.random.default_rng(SEED), projected(rule, **shape)
    names = [*fit.EFFECTS, "ahead"]
    held, width = {k: [] for k in names}, {k: [] for k in names}
    pattern, best, lead, leads = [], [], [], []
    for rep in range(REPLICATIONS):
        x, unit = scores(rng, n, **shape)
        common = 0 if unit is None else rng.normal(size=unit.max() + 1)[unit] * noise / 2
        y = RULES[rule](*x.T) + noise * rng.normal(size=n) + common
        design = survey(x, y, unit)
        points = study._points(design, None, None)
        surface = fit.Surface(design, points, BOOTSTRAPS, rep)
        table = study._table(surface, LEVEL).set_index("effect")
        p, f = points, RULES[rule]
        middle = f(p.first, p.second)
        truth = {
            "cost": f(p.first, p.poor) - middle, "net": f(p.good, p.poor) - middle,
            "slope_poor": slopes[1] + 2 * slopes[3] * p.first + slopes[5] * p.poor,
            "slope_good": slopes[1] + 2 * slopes[3] * p.first + slopes[5] * p.fine,
            "product": slopes[5], "weaker": PART[rule],
        }  # fmt: skip
        for name, value in truth.items():
            low, high = table.loc[name, ["ci_low", "ci_high"]]
            held[name].append(np.nan if np.isnan(low) else low <= value <= high)
            width[name].append(high - low)
        pattern.append(judge(table)[1])
        rivals = study._rivals(design, points, LEVEL).set_index("model")
        best.append(rivals["r2"].idxmax())
        if rule != "adds_up":
            lead.append(rivals.loc[RIVAL[rule], ["ahead", "ahead_low", "ahead_high"]].to_numpy(dtype=float))
    if lead:
        leads = np.array(lead)
        held["ahead"] = (leads[:, 1] <= leads[:, 0].mean()) & (leads[:, 0].mean() <= leads[:, 2])
        width["ahead"] = leads[:, 2] - leads[:, 1]
    return held, width, pattern, best


QUANTITIES = {
    "cost": "points that go with the second being poor",
    "net": "points with the first good and the second poor",
    "slope_poor": "slope of the first where the second is poor",
    "slope_good": "slope of the first where the second is good",
    "product": "change of the slope per point",
    "weaker": "part of the weaker one",
    "ahead": "lead of the true rule in prediction",
}


def keep(record, tally, scenario, rule, found):
    """Record coverage by quantity, and how often the rule was found, missed or taken for another."""
    held, width, pattern, best = found
    coverage = {}
    for name, quantity in QUANTITIES.items():
        values = np.array(held[name], dtype=float)
        if len(values):
            known = ~np.isnan(values)
            reason = {"weaker": RATIO, "ahead": LEFT}.get(name, PERCENTILES)
            coverage[name] = record(
                study="compensation", quantity=quantity, scenario=scenario, covered=values[known],
                width=np.array(width[name])[known], undefined=float(1 - known.mean()), reason=reason,
            )  # fmt: skip
    conclusions = {
        "the rule is found": [p == rule for p in pattern],
        "the rule stays open": [p == "open" for p in pattern],
        "another rule is found": [p not in {rule, "open"} for p in pattern],
        "the true rule predicts best": [b == RIVAL[rule] for b in best],
    }
    shares = {
        what: tally(study="compensation", quantity=what, scenario=scenario, found=each)
        for what, each in conclusions.items()
    }
    return coverage, shares


SCENARIOS = [
    ("adds_up", 100, {}, "two scores that correlate 0.4 add up, R² 0.66, 100 rows"),
    ("adds_up", 400, {}, "two scores that correlate 0.4 add up, R² 0.66, 400 rows"),
    ("weakest", 100, {}, "the weaker of two scores decides, correlation 0.4, R² 0.69, 100 rows"),
    ("softens", 400, {}, "the stronger of two scores decides, correlation 0.4, R² 0.69, 400 rows"),
    ("adds_up", 400, {"fives": True}, "two scores from 1 to 5 add up, correlation 0.4, 400 rows"),
    ("weakest", 400, {"units": 40}, "the weaker of two scores decides, 40 units of 10 rows, half the variance between"),
]


@pytest.mark.parametrize(("rule", "n", "shape", "scenario"), SCENARIOS)
def test_intervals_hold_and_the_true_rule_is_found(record, tally, rule, n, shape, scenario):
    coverage, shares = keep(record, tally, scenario, rule, simulate(rule, n, **shape))
    assert all(0.90 <= value <= 0.98 for value in coverage.values())
    assert coverage["net"] > 0.92
    assert shares["another rule is found"] < 0.10
    if rule != "adds_up":
        assert shares["the rule is found"] > 0.9
        assert shares["the true rule predicts best"] > 0.8
