"""How often the placebo of `distributed_lags` raises a false alarm, and how often it sees feedback.

The numeric cores are called as the public function calls them (tests/loyalty holds the two equal).
"""

import numpy as np
import pytest
from scipy.signal import lfilter

from cxresearch.defaults import SEED
from cxresearch.numerics import horizon, panel

pytestmark = pytest.mark.evidence

REPLICATIONS = 4000
YEARS, LAGS, LEADS = 9, 2, 2
EFFECTS = np.array([0.4, 0.3, 0.2])


def simulate(rng, units, feedback, uneven):
    """Customers over years; with feedback, satisfaction follows last year's loyalty."""
    level = rng.normal(size=(units, 1))
    own = level + lfilter([1], [1, -0.5], rng.normal(size=(units, YEARS + 6)), axis=1)
    noise = rng.normal(size=(units, YEARS + 6))
    if uneven:
        noise = lfilter([1], [1, -0.5], noise, axis=1) * np.exp(0.5 * rng.normal(size=(units, 1)))
    x, y = own.copy(), np.zeros_like(own)
    for t in range(2, YEARS + 6):
        x[:, t] += feedback * y[:, t - 1]
        y[:, t] = x[:, t] * EFFECTS[0] + x[:, t - 1] * EFFECTS[1] + x[:, t - 2] * EFFECTS[2] + noise[:, t]
    return x[:, 6:], y[:, 6:] + 2 * level + rng.normal(size=YEARS)


@pytest.mark.parametrize(
    ("units", "feedback", "uneven"),
    [
        (20, 0.0, False), (50, 0.0, False), (200, 0.0, False), (200, 0.0, True), (1000, 0.0, True),
        (50, 0.1, False), (200, 0.05, False), (200, 0.1, False), (200, 0.1, True), (1000, 0.1, True),
    ],
)  # fmt: skip
def test_size_and_power_of_the_placebo(tally, units, feedback, uneven):
    rng = np.random.default_rng([SEED, units, int(100 * feedback), int(uneven)])
    years = YEARS - LAGS - LEADS
    unit, year = (axis.ravel() for axis in np.indices((units, years)))
    failed = []
    for _ in range(1000 if feedback else REPLICATIONS):
        x, y = simulate(rng, units, feedback, uneven)
        shifts = [*range(LAGS, -1, -1), *(LAGS + lead for lead in range(1, LEADS + 1))]
        columns = np.stack([x[:, s : s + years] for s in shifts], axis=-1).reshape(-1, len(shifts))
        fit = panel.fit(y[:, LAGS : LAGS + years].ravel(), columns, unit, year)
        at = slice(LAGS + 1, None)
        failed.append(horizon.joint(fit.coef[at], fit.covariance[at, at], units)[1] < 0.05)
    scenario = f"{units} units, {YEARS} years, {LEADS} leads, "
    scenario += "autocorrelated, uneven errors" if uneven else "independent errors"
    if feedback:
        seen = tally(
            study="distributed_lags, placebo", quantity="feedback seen",
            scenario=f"{scenario}, feedback {feedback} of last year's loyalty", found=failed,
        )  # fmt: skip
        assert seen > (0.5 if units * feedback >= 20 else 0.1)
    else:
        alarms = tally(study="distributed_lags, placebo", quantity="false alarm", scenario=scenario, found=failed)
        # errors clustered by unit are too small with few units
        assert alarms <= (0.05 + 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS) if units > 50 else 0.1)
