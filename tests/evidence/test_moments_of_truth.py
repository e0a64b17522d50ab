"""How often the intervals of `moments_of_truth` hold the truth, where steps were watched so many times.

The tables are computed by the functions that the public function calls; the last test holds them equal.
"""

import numpy as np
import pytest

import cxresearch as cx
from cxresearch.defaults import SEED
from cxresearch.numerics import encounters
from cxresearch.touchpoints import moments_blueprint, moments_tables

pytestmark = pytest.mark.evidence

REPLICATIONS, LEVEL = 4000, 0.95
LONG = "the interval holds its level even where one step weighs most, and counts vary less than Poisson counts do"
ROWS = ("failures", "customers_failed", "customers_lasting")
HOUSE = moments_tables.House(rooms=200, occupancy=0.6, guests_per_room=1.0, nights=1.0, customers=None, days=365)


def scenarios():
    rng = np.random.default_rng(SEED)
    yield "39 moments, chance 1 %, each watched 100 times", np.full(39, 0.01), np.full(39, 100)
    uneven = 0.008 * np.exp(0.7 * rng.standard_normal(39))
    yield "39 moments of uneven chances around 1 %, watched 400 to 2,000 times", uneven, rng.integers(8, 41, 39) * 50
    yield "6 moments, chance 5 %, each watched 60 times", np.full(6, 0.05), np.full(6, 60)
    yield "6 moments, chance 2 %, one watched 30 times, five 600 times", np.full(6, 0.02), np.array([30] + [600] * 5)
    yield "12 moments, chance 30 %, each watched 50 times", np.full(12, 0.3), np.full(12, 50)


@pytest.mark.parametrize(("scenario", "chance", "watched"), list(scenarios()))
def test_intervals_hold_the_truth(record, scenario, chance, watched):
    k, recovery = len(chance), np.full(len(chance), 0.5)
    made = moments_blueprint.alike(k, 0.01, 0.5)
    of = encounters.chain(chance, recovery, np.arange(k), k)
    truth = {"failures": of.failed.sum(), "customers_failed": of.met[-1], "customers_lasting": of.lasting[-1]}
    rng = np.random.default_rng([SEED, k, int(watched.sum())])
    seen = rng.binomial(watched, chance, size=(REPLICATIONS, k)) / watched
    held = {name: [] for name in ROWS}
    for rate in seen:
        ends = [moments_tables.per_customer(made, f, recovery) for f in limits(rate, watched)]
        for name in ROWS:
            held[name].append((ends[0][name] <= truth[name] <= ends[1][name], ends[1][name] - ends[0][name]))
    for name, pairs in held.items():
        covered, width = zip(*pairs, strict=True)
        share = record(
            study="moments_of_truth", quantity=f"{name} per customer", scenario=scenario, covered=covered, width=width,
            reason=LONG,
        )  # fmt: skip
        assert share >= 0.93, (name, scenario)


def limits(rate, watched):
    """All chances moved to the ends of the interval of their sum."""
    low, high = encounters.sum_of_rates(rate, watched, LEVEL)
    total = rate.sum()
    share = rate / total if total > 0 else (1 / watched) / (1 / watched).sum()
    return low * share, np.minimum(high * share, 1.0)


def test_intervals_are_those_of_the_public_function():
    frame, _ = cx.simulate.blueprint()
    frame = frame[frame["stage"] == "front"]
    result = cx.moments_of_truth(frame, failure="failure", recovery=0.5, observed="observed")
    made = moments_blueprint.alike(len(frame), 0.01, 0.5)
    ends = [
        moments_tables.per_customer(made, f, np.full(len(frame), 0.5))
        for f in limits(frame["failure"].to_numpy(), frame["observed"].to_numpy())
    ]
    for name in ROWS:
        row = result.row(name)
        np.testing.assert_allclose([row["ci_low"], row["ci_high"]], [end[name] * HOUSE.arriving for end in ends])
