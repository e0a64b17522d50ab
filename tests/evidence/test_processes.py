"""How often `process_carry_over` judges wrongly for any process at all, and how often it judges rightly.

The numeric cores are called as the public function calls them (tests/loyalty holds the two equal).
"""

import numpy as np
import pytest

from cxresearch.defaults import SEED
from cxresearch.loyalty.processes import holm, p_values, verdicts
from cxresearch.numerics import panel

pytestmark = pytest.mark.evidence

REPLICATIONS = 2000
YEARS, MAX_LAG, SMALLEST = 7, 3, 0.1
SHAPES = {
    "felt for 1 year": (0.4, 0.0, 0.0, 0.0),
    "felt for 2 years": (0.4, 0.3, 0.0, 0.0),
    "felt for 3 years": (0.4, 0.3, 0.1, 0.0),
}
CAUTIOUS = "both verdicts need every part of them shown, so wrong ones are rarer than allowed"


@pytest.mark.parametrize("units", [100, 500, 2000])
@pytest.mark.parametrize("shape", SHAPES)
def test_wrong_verdicts_for_any_of_four_processes(record, tally, shape, units):
    rng = np.random.default_rng([SEED, units, list(SHAPES).index(shape)])
    effects = np.array(SHAPES[shape])
    years, processes = YEARS - MAX_LAG, 4
    unit, year = (axis.ravel() for axis in np.indices((units, years)))
    right = "supported" if shape == "felt for 2 years" else "contradicted"
    spared, found = [], []
    for _ in range(REPLICATIONS if units < 2000 else 500):
        liking = rng.normal(size=(units, 1, 1))
        x = 0.5 * liking + rng.normal(size=(units, YEARS, processes))
        lags = np.stack([x[:, MAX_LAG - k : YEARS - k] for k in range(MAX_LAG + 1)], axis=-1)
        y = (lags @ effects).sum(axis=-1) + liking[:, :, 0] + rng.normal(size=(units, years))
        fit = panel.fit(y.ravel(), lags.reshape(len(unit), -1), unit, year)
        p = []
        for i in range(processes):
            block = slice(i * (MAX_LAG + 1), (i + 1) * (MAX_LAG + 1))
            p.append(p_values(fit.coef[block], fit.covariance[block, block], units, 2, SMALLEST))
        claim, against = (holm(np.array(p)[:, column]) for column in (2, 5))
        said = verdicts(claim, against, 0.05)
        spared.append(all(word in (right, "undecided") for word in said))
        found.append(np.mean([word == right for word in said]))
    scenario = f"4 processes {shape}, {units} units, {YEARS} years"
    share = record(
        study="process_carry_over",
        quantity="no wrong verdict on two years for any process",
        scenario=scenario,
        covered=spared,
        width=[0.0],
        reason=CAUTIOUS,
    )
    tally(study="process_carry_over", quantity="right verdict", scenario=scenario, found=found)
    assert share >= 0.93
