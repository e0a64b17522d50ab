"""REML components on small designs: are they right on average, and do their intervals hold what they promise?

Four designs of a mystery-shopping study. The intervals are what `combine` (Satterthwaite) gives for components and
sums, and prediction ± 1.96 standard errors for level effects. Components kept at zero make the average too large
where the true component is small against its error; that is measured too, and bounded. Upper ends run away where an
estimate is near zero: for the mean width, an interval counts at most ten times the true value. No interval counts as
one that misses.
"""

import numpy as np
import pytest
from scipy import stats

from cxresearch.numerics import reml

pytestmark = pytest.mark.evidence

REPLICATIONS = 4000
Z = stats.norm.ppf(0.975)
FEW = "rests on few levels: a chi-square with estimated degrees of freedom is too narrow"
SMALL = "the component is small against its error: it is often put at zero, where there is no interval, or near it"
PLUG_IN = (
    "the error takes the variances as known, which few levels tell badly; it is zero where a variance is put at zero"
)


def balanced():
    """40 outlets, 6 scores each."""
    return [np.repeat(np.arange(40), 6)]


def roaming():
    """25 outlets, 8 shoppers who each score about two outlets in three."""
    outlet, shopper = np.indices((25, 8)).reshape(2, -1)
    seen = np.random.default_rng(1).random(outlet.size) < 0.65
    return [outlet[seen], shopper[seen]]


def few():
    """10 outlets, 3 shoppers who visit each once."""
    return list(np.indices((10, 3)).reshape(2, -1))


def nested():
    """20 outlets, 2 to 4 visits each, 6 items at every visit."""
    count = np.resize([2, 3, 4], 20)
    outlet = np.repeat(np.arange(20), count)
    visit, item = np.indices((outlet.size, 6)).reshape(2, -1)
    return [outlet[visit], visit, item]


SCENARIOS = {  # name: design, variances, and how far above the truth the average may lie, as a share of it
    "40 outlets x 6 scores, variances 0.5 and 1": (balanced, {"outlet": 0.5}, 0.0),
    "25 outlets x 8 roaming shoppers, a third missing; 0.6, 0.3, 1": (roaming, {"outlet": 0.6, "shopper": 0.3}, 0.02),
    "20 outlets x 2-4 visits x 6 items; 0.4, 0.3, 0.2, 1": (nested, {"outlet": 0.4, "visit": 0.3, "item": 0.2}, 0.02),
    "10 outlets x 3 shoppers; 0.5, 0.2, 1": (few, {"outlet": 0.5, "shopper": 0.2}, 0.3),
}


def simulate(factors, truth, rng):
    """One outcome, and the level effects in it."""
    levels = [f.max() + 1 for f in factors]
    effects = [np.sqrt(v) * rng.normal(size=m) for v, m in zip(truth, levels, strict=False)]
    y = 3 + sum(u[f] for u, f in zip(effects, factors, strict=True)) + rng.normal(size=factors[0].size)
    return y, effects


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_components_and_their_intervals(scenario, record):
    make, named, excess = SCENARIOS[scenario]
    factors, truth, names = make(), np.array([*named.values(), 1.0]), [*named, "residual"]
    design, rng = reml.prepare(None, factors, names=list(named)), np.random.default_rng(20080)
    weights = {name: np.eye(truth.size)[k] for k, name in enumerate(names)} | {"total": np.ones(truth.size)}
    estimates, ends, inside, width = [], {name: [] for name in weights}, [], []
    for _ in range(REPLICATIONS):
        y, effects = simulate(factors, truth, rng)
        found = reml.fit_design(y, design, effects=True)
        assert found.converged
        estimates.append(found.variance)
        for name, weight in weights.items():
            ends[name].append(reml.combine(found, weight).interval(0.95))
        error = Z * found.effects[0].se[0]
        inside.append(abs(found.effects[0].estimate[0] - effects[0][0]) <= error)
        width.append(2 * error)
    estimates = np.array(estimates)
    for name, weight in weights.items():
        low, high = np.array(ends[name]).T
        value, given = float(weight @ truth), np.isfinite(low)
        covered = record(
            study="reml.combine", quantity=f"variance: {name}", scenario=scenario,
            covered=(low <= value) & (value <= high), width=np.minimum(high - low, 10 * value)[given],
            undefined=float(1 - given.mean()), reason=SMALL if (~given).mean() > 0.005 else FEW,
        )  # fmt: skip
        assert covered > (0.6 if name in named else 0.92), name
    coverage = record(study="reml.fit", quantity="effect of one outlet", scenario=scenario, covered=inside, width=width,
                      reason=PLUG_IN)  # fmt: skip
    assert coverage > 0.8
    error = estimates.std(axis=0) / REPLICATIONS**0.5
    assert np.all(np.abs(estimates.mean(axis=0) - truth) < 4 * error + excess * truth)


def test_a_component_that_is_not_there_is_put_at_zero_half_of_the_time(record):
    """Without differences between outlets the likelihood is highest at zero in a little over half of all samples."""
    factors = balanced()
    design, rng = reml.prepare(None, factors), np.random.default_rng(20080)
    held = [reml.fit_design(rng.normal(size=240), design).at_boundary[0] for _ in range(REPLICATIONS)]
    exact = stats.f.cdf(1.0, 39, 200)
    assert np.mean(held) == pytest.approx(exact, abs=4 * (exact * (1 - exact) / REPLICATIONS) ** 0.5)
