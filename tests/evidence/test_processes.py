"""How often `process_carry_over` judges wrongly for any process at all, and how often it judges rightly.

The numeric cores are called as the public function calls them (tests/loyalty holds the two equal).
"""

import gc

import numpy as np
import pytest

from cxresearch.defaults import SEED
from cxresearch.loyalty.processes import p_values, verdicts
from cxresearch.numerics import panel
from cxresearch.numerics.multiplicity import holm

pytestmark = pytest.mark.evidence

REPLICATIONS = 4000
YEARS, MAX_LAG, SMALLEST, PROCESSES = 7, 3, 0.1, 4
SHAPES = {
    "felt for 1 year": (0.4, 0.0, 0.0, 0.0),
    "felt for 2 years": (0.4, 0.3, 0.0, 0.0),
    # just large enough to matter in the third year: the hardest case for the claim
    "felt for 3 years": (0.4, 0.3, 0.1, 0.0),
}


def effects_of(shape):
    """Effects of each process by lag."""
    one, other = SHAPES[shape[0]], SHAPES[shape[-1]]
    return np.array([one] * (PROCESSES // 2) + [other] * (PROCESSES // 2))


def simulate(rng, units, effects):
    """Four processes that a customer's liking moves together, and what they do to overall satisfaction."""
    liking = rng.normal(size=(units, 1, 1))
    x = 0.5 * liking + rng.normal(size=(units, YEARS, PROCESSES))
    years = YEARS - MAX_LAG
    lags = np.stack([x[:, MAX_LAG - k : YEARS - k] for k in range(MAX_LAG + 1)], axis=-1)
    y = (lags * effects).sum(axis=(2, 3)) + liking[:, :, 0] + rng.normal(size=(units, years))
    return y.ravel(), lags.reshape(units * years, -1)


@pytest.mark.parametrize(("units", "replications"), [(100, REPLICATIONS), (500, REPLICATIONS), (2000, 1000)])
@pytest.mark.parametrize("shape", [*((name,) for name in SHAPES), ("felt for 2 years", "felt for 3 years")])
def test_verdicts_on_four_processes(tally, monkeypatch, shape, units, replications):
    # statsmodels' multipletests clears memory in every call, nine tenths of the time of a replication
    monkeypatch.setattr(gc, "collect", lambda *_: 0)
    rng = np.random.default_rng([SEED, units, list(SHAPES).index(shape[0]), len(shape)])
    effects = effects_of(shape)
    unit, year = (axis.ravel() for axis in np.indices((units, YEARS - MAX_LAG)))
    right = ["supported" if row[1] and not row[2] else "contradicted" for row in effects]
    wrong, found = [], []
    for _ in range(replications):
        y, x = simulate(rng, units, effects)
        fit = panel.fit(y, x, unit, year)
        p = []
        for i in range(PROCESSES):
            block = slice(i * (MAX_LAG + 1), (i + 1) * (MAX_LAG + 1))
            p.append(p_values(fit.coef[block], fit.covariance[block, block], units, 2, SMALLEST))
        claim, against = (holm(np.array(p)[:, column]) for column in (2, 5))
        said = verdicts(claim, against, 0.05)
        wrong.append(any(word not in (truth, "undecided") for word, truth in zip(said, right, strict=True)))
        found.append([word == truth for word, truth in zip(said, right, strict=True)])
    what = shape[0] if len(shape) == 1 else f"{shape[0]}, half of them 3 years"
    scenario = f"{PROCESSES} processes {what}, {units} units, {YEARS} years"
    share = tally(study="process_carry_over", quantity="any process judged wrongly", scenario=scenario, found=wrong)
    seen = tally(
        study="process_carry_over", quantity="process judged rightly", scenario=scenario,
        found=np.array(found).ravel(),
    )  # fmt: skip
    assert share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / replications)
    assert units < 2000 or seen > 0.95
