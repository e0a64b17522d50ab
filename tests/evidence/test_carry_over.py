"""How often `carry_over` finds the true horizon, and how often its intervals hold the truth.

The numeric cores are called as the public function calls them (tests/loyalty holds the two equal).
"""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.special import stdtrit

from cxresearch.defaults import SEED
from cxresearch.loyalty import reach
from cxresearch.numerics import horizon, panel
from cxresearch.numerics.bootstrap import cluster_bootstrap, unit_moments

pytestmark = pytest.mark.evidence

EFFECTS = np.array([0.4, 0.3, 0.2, 0.1, 0.0, 0.0, 0.0])
YEARS = 10
FEW = "the bootstrap of whole units is too narrow with few units"
DISCRETE = "bounds on whole numbers, each at half the error allowed, hold the truth more often than they must"


def simulate(rng, units, max_lag, effects, uneven=False):
    """Ten years of customers whose satisfaction lasts: autocorrelation 0.5, SD 0.9; noise of SD 1."""
    level = rng.normal(size=(units, 1))
    shocks = rng.normal(size=(units, YEARS + 8)) * 0.9 * np.sqrt(0.75)
    x = level + lfilter([1], [1, -0.5], shocks, axis=1)[:, 8:]
    years = YEARS - max_lag
    noise = rng.normal(size=(units, years))
    if uneven:
        noise = lfilter([1], [1, -0.5], noise, axis=1) * np.exp(0.5 * rng.normal(size=(units, 1)))
    lags = np.stack([x[:, max_lag - k : YEARS - k] for k in range(max_lag + 1)], axis=-1)
    y = lags @ effects[: max_lag + 1] + noise + 2 * level + rng.normal(size=years)
    unit, year = (axis.ravel() for axis in np.indices((units, years)))
    return y.ravel(), lags.reshape(-1, max_lag + 1), unit, year


def many(rng, samples, units, max_lag, effects):
    """As `simulate`, many samples at once: loyalty, and the lags of satisfaction."""
    level = rng.normal(size=(samples, units, 1))
    shocks = rng.normal(size=(samples, units, YEARS + 8)) * 0.9 * np.sqrt(0.75)
    x = level + lfilter([1], [1, -0.5], shocks, axis=2)[..., 8:]
    years = YEARS - max_lag
    lags = np.stack([x[..., max_lag - k : YEARS - k] for k in range(max_lag + 1)], axis=-1)
    common = 2 * level + rng.normal(size=(samples, 1, years))
    return lags @ effects[: max_lag + 1] + rng.normal(size=(samples, units, years)) + common, lags


def judge(coef, covariance, units):
    """The horizon chosen, that of a rule that is not used, and the verdict on "felt for four years"."""
    chosen = horizon.select(coef, covariance, units)
    clear = np.flatnonzero(np.abs(coef) > stdtrit(units - 1, 0.975) * np.sqrt(np.diag(covariance)))
    smallest = reach.SMALLEST * abs(float(coef.sum()))
    low, high = horizon.bounds(coef, covariance, units, confidence=0.95, smallest=smallest, reach=chosen)
    said = "contradicted" if not low <= 3 <= high else "supported" if low == high else "undecided"
    return chosen.horizon, int(clear[-1]) if len(clear) else -1, said


def test_many_fits_are_single_fits(fit_many):
    y, x = many(np.random.default_rng([SEED, 1]), 2, 40, 6, EFFECTS)
    unit, year = (axis.ravel() for axis in np.indices(y.shape[1:]))
    coef, influence = fit_many(y, x)
    for i in range(2):
        fit = panel.fit(y[i].ravel(), x[i].reshape(len(unit), -1), unit, year)
        np.testing.assert_allclose(coef[i], fit.coef, rtol=1e-9)
        np.testing.assert_allclose(influence[i].T @ influence[i], fit.covariance, rtol=1e-9)


@pytest.mark.parametrize(("size", "max_lag"), [(1.0, 4), (1.0, 6), (1.0, 8), (0.5, 4), (0.5, 6)])
@pytest.mark.parametrize("units", [50, 200, 1000, 5000])
def test_true_horizon_is_found(tally, fit_many, units, size, max_lag):
    rng = np.random.default_rng([SEED, units, int(10 * size), max_lag])
    effects, found = size * np.append(EFFECTS, [0.0, 0.0]), []
    for _ in range(100):
        coef, influence = fit_many(*many(rng, 10, units, max_lag, effects))
        covariance = influence.transpose(0, 2, 1) @ influence
        found += [judge(b, v, units) for b, v in zip(coef, covariance, strict=True)]
    ours, tested, said = zip(*found, strict=True)
    scenario = f"{units} units, {YEARS} years, effects {size * 0.4:.2g} to {size * 0.1:.2g}, max_lag {max_lag}"
    shares = [
        tally(study=study, quantity="horizon found exactly", scenario=scenario, found=[one == 3 for one in horizons])
        for study, horizons in (("carry_over", ours), ("last lag significant at 5 % (not used)", tested))
    ]
    right, wrong = (
        tally(study="carry_over", quantity=f"felt for four years: {word}", scenario=scenario,
              found=[one == word for one in said])
        for word in ("supported", "contradicted")
    )  # fmt: skip
    assert wrong <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    if units == 5000 and size == 1.0:
        assert shares[0] >= (0.95 if max_lag <= 6 else 0.85)
        assert shares[0] > shares[1]
        assert right > (0.9 if max_lag <= 6 else 0.4)


@pytest.mark.parametrize(
    ("units", "uneven", "replications"), [(50, False, 2000), (200, False, 4000), (200, True, 4000), (5000, False, 1000)]
)
def test_intervals(record, units, uneven, replications):
    rng = np.random.default_rng([SEED, units, int(uneven)])
    truth = {name: float(value) for name, value in reach.summaries(EFFECTS, 0.9).items()} | {"duration": 4.0}
    held, width = ({name: [] for name in truth} for _ in range(2))
    for i in range(replications):
        y, x, unit, year = simulate(rng, units, 6, EFFECTS, uneven)
        fit = panel.fit(y, x, unit, year)
        draws = cluster_bootstrap([unit_moments(y, x, unit, year)], 400, i)[0]
        judged = reach.judge(
            fit.coef, fit.covariance, units, draws, share=0.9, confidence=0.95, smallest=None if units > 50 else 0.1
        )
        for name, value in truth.items():
            _, low, high = judged.ranges[name]
            if not np.isnan(low):
                held[name].append(low - 1e-9 <= value <= high + 1e-9)
                width[name].append(high - low)
    for name in truth:
        coverage = record(
            study="carry_over",
            quantity=name.replace("_", " "),
            scenario=f"{units} units, {YEARS} years, max_lag 6, "
            + ("autocorrelated, uneven errors" if uneven else "independent errors"),
            covered=held[name],
            width=width[name],
            undefined=1 - len(held[name]) / replications,
            reason=DISCRETE if name == "duration" else FEW,
        )
        if name == "duration":
            assert coverage >= 0.93
        else:
            assert 0.93 <= coverage <= 0.97 or (units <= 200 and coverage >= 0.88)
