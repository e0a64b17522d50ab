"""How often the placebo of `distributed_lags` raises a false alarm, and how often it sees feedback.

The numeric cores are called as the public function calls them (tests/loyalty holds the two equal).
"""

import numpy as np
import pytest
from scipy.signal import lfilter

from cxresearch.defaults import SEED
from cxresearch.numerics import horizon, panel

pytestmark = pytest.mark.evidence

BATCHES = 40  # of a hundred samples
YEARS, LAGS, LEADS = 9, 2, 2
EFFECTS = np.array([0.4, 0.3, 0.2])


def simulate(rng, samples, units, feedback, uneven):
    """Customers over years; with feedback, satisfaction follows last year's loyalty."""
    shape = samples, units
    level = rng.normal(size=(*shape, 1))
    own = level + lfilter([1], [1, -0.5], rng.normal(size=(*shape, YEARS + 6)), axis=2)
    noise = rng.normal(size=(*shape, YEARS + 6))
    if uneven:
        noise = lfilter([1], [1, -0.5], noise, axis=2) * np.exp(0.5 * rng.normal(size=(*shape, 1)))
    x, y = own.copy(), np.zeros_like(own)
    for t in range(2, YEARS + 6):
        x[..., t] += feedback * y[..., t - 1]
        y[..., t] = x[..., t] * EFFECTS[0] + x[..., t - 1] * EFFECTS[1] + x[..., t - 2] * EFFECTS[2] + noise[..., t]
    return x[..., 6:], y[..., 6:] + 2 * level + rng.normal(size=(samples, 1, YEARS))


def design(x, y):
    """Lags and leads side by side, in the years that have them all."""
    years = YEARS - LAGS - LEADS
    shifts = [*range(LAGS, -1, -1), *(LAGS + lead for lead in range(1, LEADS + 1))]
    return y[..., LAGS : LAGS + years], np.stack([x[..., s : s + years] for s in shifts], axis=-1)


def test_many_fits_are_single_fits(fit_many):
    rng = np.random.default_rng([SEED, 1])
    y, x = design(*simulate(rng, 3, 40, 0.1, True))
    unit, year = (axis.ravel() for axis in np.indices(y.shape[1:]))
    coef, influence = fit_many(y, x)
    for i in range(3):
        fit = panel.fit(y[i].ravel(), x[i].reshape(len(unit), -1), unit, year)
        np.testing.assert_allclose(coef[i], fit.coef, rtol=1e-9)
        np.testing.assert_allclose(influence[i].T @ influence[i], fit.covariance, rtol=1e-9)


@pytest.mark.parametrize(
    ("units", "feedback", "uneven"),
    [
        (20, 0.0, False), (50, 0.0, False), (200, 0.0, False), (200, 0.0, True), (1000, 0.0, True),
        (50, 0.1, False), (200, 0.05, False), (200, 0.1, False), (200, 0.1, True), (1000, 0.1, True),
    ],
)  # fmt: skip
def test_size_and_power_of_the_placebo(tally, fit_many, units, feedback, uneven):
    rng = np.random.default_rng([SEED, units, int(100 * feedback), int(uneven)])
    failed = []
    for _ in range(BATCHES if not feedback else BATCHES // 4):
        coef, influence = fit_many(*design(*simulate(rng, 100, units, feedback, uneven)))
        covariance = influence.transpose(0, 2, 1) @ influence
        at = slice(LAGS + 1, None)
        p = [horizon.joint(b[at], v[at, at], units)[1] for b, v in zip(coef, covariance, strict=True)]
        failed += [one < 0.05 for one in p]
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
        assert alarms <= (0.05 + 3 * np.sqrt(0.05 * 0.95 / len(failed)) if units > 50 else 0.1)
