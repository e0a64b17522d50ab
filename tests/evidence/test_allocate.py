"""How often the intervals of `allocate` hold what its plans truly gain, and how much a chosen plan flatters itself.

The estimates and plans are those of the public function; tests/touchpoints holds the answers equal.
"""

import numpy as np
import pytest

from cxresearch.defaults import SEED
from cxresearch.numerics.allocation import Returns, best
from cxresearch.result import Sample
from cxresearch.touchpoints import driver_estimates
from cxresearch.touchpoints.allocate import PLANS, _Terms
from cxresearch.touchpoints.driver_design import Design

pytestmark = pytest.mark.evidence

REPLICATIONS = 4000
BOOTSTRAPS = 200
LEVEL = 0.95
K, TOP, BUDGET = 5, 10.0, 3.0
SCORES = np.array([6.0, 7.0, 6.5, 5.5, 7.5])
COST = np.array([1.0, 1.5, 1.0, 2.0, 1.0])
FALLING = np.array([5, 4, 3, 2, 1]) / 15
EDGE = "where the best plan gives a driver nothing, the interval begins at nothing and holds that more often"
DRAWN = "the lower end is drawn down by the mean optimism, so that it also holds where touchpoints are worth the same"
EQUAL = "touchpoints are worth the same: any plan is as good, and the one chosen flatters itself most"
CORNER = "with constant returns all the money goes to one driver, and the interval is nothing or everything"


def population(slopes, between, r2):
    """Standard normal scores, equally correlated, and an outcome in points of them; the outcome comes last."""
    inner = np.full((K, K), between) + (1 - between) * np.eye(K)
    explained = slopes @ inner @ slopes
    cov = np.zeros((K + 1, K + 1))
    cov[:-1, :-1] = inner
    cov[-1, :-1] = cov[:-1, -1] = inner @ slopes
    cov[-1, -1] = explained / r2
    return cov


def design(z, cost):
    """What the public function makes of a survey."""
    n = len(z)
    return Design(
        x=z[:, :-1], y=z[:, -1], weight=np.ones(n), count=None, unit=None, names=tuple("abcde"),
        columns=tuple((j,) for j in range(K)), performance=z[:, :-1].mean(axis=0), groups=None,
        sample=Sample(rows=n, used=n), notes=(),
    )  # fmt: skip


def simulate(slopes, n, *, r2=0.6, shape="saturating", cost=COST):
    """Which intervals held what the sample's own plans truly gain, and the money of the truly best plan."""
    root = np.linalg.cholesky(population(slopes, 0.4, r2))
    rng = np.random.default_rng(SEED)
    true = Returns(shape=shape, cost=cost, room=TOP - SCORES)
    ideal = best(slopes, true, BUDGET, np.zeros(K), np.full(K, np.inf))
    found = {"gain": [], "by_importance": [], "equal": [], "money": [], "optimism": []}
    for rep in range(REPLICATIONS):
        z = rng.normal(size=(n, K + 1)) @ root.T + np.append(SCORES, 0)
        survey = design(z, cost)
        estimates = driver_estimates.linear(survey, "johnson", BOOTSTRAPS, rep)
        terms = _Terms(
            survey, estimates, budget=BUDGET, step=0.1, top=TOP, shape=shape, elasticity=0.5, cost=cost,
            least=np.zeros(K), most=np.full(K, np.inf),
        )  # fmt: skip
        plans = terms.plans(LEVEL).set_index("plan")
        gains = {plan: slopes @ true.rise(terms.spending(plan, drawn=False)) for plan in PLANS}
        row = plans.loc["best"]
        found["gain"].append((row["ci_low"] <= gains["best"] <= row["ci_high"], row["ci_high"] - row["ci_low"]))
        found["optimism"].append((row["gain"] - gains["best"], row["optimism"]))
        for plan in PLANS[1:]:
            low, high = plans.loc[plan, ["behind_low", "behind_high"]]
            found[plan].append((low <= gains["best"] - gains[plan] <= high, high - low))
        low, high = driver_estimates.interval(terms.spending("best", drawn=True), survey, LEVEL)
        found["money"].append(((low - 1e-9 <= ideal) & (ideal <= high + 1e-9), high - low))
    return {name: tuple(np.array(part) for part in zip(*rows, strict=True)) for name, rows in found.items()}


def keep(record, tally, scenario, found, *, reason, money=EDGE):
    """Record what held, and by how much a chosen plan's gain was overstated, truly and as estimated."""
    coverage = {}
    for name, quantity in {
        "gain": "gain of the best plan", "by_importance": "gain over dividing by importance",
        "equal": "gain over dividing evenly", "money": "money for a driver in the best plan",
    }.items():  # fmt: skip
        held, width = (part.ravel() for part in found[name])
        coverage[name] = record(
            study="allocate", quantity=quantity, scenario=scenario, covered=held, width=width,
            reason=money if name == "money" else reason,
        )  # fmt: skip
    over = found["optimism"][0] > 0
    tally(study="allocate", quantity="estimated gain of the best plan lies above its true gain", scenario=scenario,
          found=over)  # fmt: skip
    return coverage


@pytest.mark.parametrize("n", [100, 400])
def test_gain_of_plans_by_falling_slopes(record, tally, n):
    scenario = f"5 drivers of falling weight, correlation 0.4, R² 0.6, {n} rows, costs differ"
    found = simulate(FALLING, n)
    coverage = keep(record, tally, scenario, found, reason=DRAWN)
    assert all(0.93 <= value <= 0.995 for value in coverage.values())
    true, estimated = (part.mean() for part in found["optimism"])
    assert true > 0
    assert 0.5 < estimated / true < 2


def test_gain_where_no_plan_is_better(record, tally):
    scenario = "5 drivers of equal weight and cost, correlation 0.4, R² 0.6, 400 rows"
    coverage = keep(record, tally, scenario, simulate(np.full(K, 0.2), 400, cost=np.ones(K)), reason=EQUAL)
    assert min(coverage.values()) > 0.9


def test_gain_with_constant_returns(record, tally):
    scenario = "5 drivers of falling weight, correlation 0.4, R² 0.6, 400 rows, constant returns"
    coverage = keep(record, tally, scenario, simulate(FALLING, 400, shape="constant"), reason=DRAWN, money=CORNER)
    assert min(coverage.values()) > 0.92
