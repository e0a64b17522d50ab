"""Coverage of the intervals of `internal_consistency`.

Items are normal, their covariances given; the truth is the coefficient of the population. Ordinal items are normal
ones cut into five points; their truth is the coefficient of 4,000,000 rows. Gaps are missing completely at random, or
at random: the later items are left out more often where the first one is low.
"""

import numpy as np
import pandas as pd
import pytest

from cxresearch.mystery_shopping.consistency import internal_consistency
from cxresearch.numerics import consistency, item_covariance, one_factor

pytestmark = pytest.mark.evidence

LEVEL = 0.95
REPLICATIONS = 4_000
NAMES = ("alpha", "omega", "alpha_standardised", "lambda2")

SMALL = "few rows: the asymptotic error is too small, and the coefficient itself biased"
EXACT = "Feldt's interval is meant for items of equal variances and covariances"
SKEWED = "Feldt's interval is meant for normal items"

MODELS = {
    "parallel": (np.full(5, 0.7), np.full(5, 0.6)),
    "congeneric": (np.array([0.9, 0.8, 0.7, 0.5, 0.3]), np.array([0.4, 0.5, 0.6, 0.8, 1.0])),
    "8 congeneric": (np.linspace(0.4, 1.1, 8), np.full(8, 0.7)),
}


def covariance_of(model):
    loading, unique = MODELS[model]
    return np.outer(loading, loading) + np.diag(unique)


def draw(rng, model, n, points=None):
    loading, unique = MODELS[model]
    x = rng.normal(size=(n, 1)) * loading + rng.normal(size=(n, len(loading))) * np.sqrt(unique)
    return x if points is None else np.searchsorted(points, x).astype(float)


def coefficients(covariance):
    factor = one_factor.fit(covariance)
    return factor, (
        consistency.alpha(covariance),
        factor.omega,
        consistency.standardised_alpha(covariance),
        consistency.lambda2(covariance),
    )


def intervals(found, effective):
    """As `internal_consistency` makes them, without its frames."""
    covariance = found.covariance
    factor, estimates = coefficients(covariance)
    slopes = (
        consistency.alpha_slope(covariance),
        one_factor.omega_slope(factor, covariance),
        item_covariance.slope(consistency.standardised_alpha, covariance),
        item_covariance.slope(consistency.lambda2, covariance),
    )
    errors = [np.sqrt(item_covariance.variance(found, slope)) for slope in slopes]
    ends = [consistency.log_interval(e, s, LEVEL) for e, s in zip(estimates, errors, strict=True)]
    if effective is None:  # as many complete rows as give alpha this error
        gradient = slopes[0] @ covariance
        effective = 2 * float((gradient * gradient.T).sum()) / errors[0] ** 2
    ends[0] = consistency.feldt(estimates[0], effective, len(covariance), LEVEL)
    return ends


def keep(record, ends, truth, scenario, reasons, documented):
    for at, name in enumerate(NAMES):
        low, high = ends[:, at].T
        known = np.isfinite(low)
        share = record(
            study="internal_consistency",
            quantity=name,
            scenario=scenario,
            covered=((low <= truth[at]) & (truth[at] <= high))[known],
            width=(high - low)[known],
            undefined=float(1 - known.mean()),
            reason=reasons[name == "alpha"],
        )
        assert documented(name) or 0.93 <= share <= 0.97, (scenario, name, share)


@pytest.mark.parametrize(
    ("model", "n"),
    [(model, n) for model in ("parallel", "congeneric") for n in (20, 50, 200)] + [("8 congeneric", 50)],
)
def test_intervals_of_complete_answers(record, model, n):
    rng = np.random.default_rng([n, len(model)])
    truth = coefficients(covariance_of(model))[1]
    ends = np.array([intervals(item_covariance.moments(draw(rng, model, n)), n) for _ in range(REPLICATIONS)])
    keep(record, ends, truth, f"{model} items, {n} rows", (SMALL, EXACT), lambda name: n < 200 and name != "alpha")


@pytest.mark.parametrize("n", [50, 200])
def test_intervals_of_skewed_five_point_items(record, n):
    """Four in ten answers are the highest."""
    rng, points = np.random.default_rng(n), np.array([-1.6, -1.0, -0.4, 0.3])
    truth = coefficients(np.cov(draw(rng, "congeneric", 4_000_000, points).T, bias=True))[1]
    ends = np.array(
        [intervals(item_covariance.moments(draw(rng, "congeneric", n, points)), n) for _ in range(REPLICATIONS)]
    )
    keep(record, ends, truth, f"five-point congeneric items, skewed, {n} rows", (SKEWED, SKEWED), lambda _: True)


@pytest.mark.parametrize(("pattern", "n"), [("completely at random", 50), ("at random", 50), ("at random", 200)])
def test_intervals_of_answers_with_gaps(record, pattern, n):
    rng = np.random.default_rng([n, len(pattern)])
    truth = coefficients(covariance_of("congeneric"))[1]
    ends = np.empty((REPLICATIONS, len(NAMES), 2))
    for i in range(REPLICATIONS):
        x = draw(rng, "congeneric", n)
        chance = np.full(x.shape, 0.2)
        if pattern == "at random":
            chance[:] = np.where(x[:, :1] < 0, 0.35, 0.05)
            chance[:, 0] = 0
        x[rng.random(x.shape) < chance] = np.nan
        ends[i] = intervals(item_covariance.moments(x[~np.isnan(x).all(1)]), None)
    scenario = f"congeneric items, {n} rows, 20% missing {pattern}"
    keep(record, ends, truth, scenario, (SMALL, EXACT), lambda name: n < 200 and name != "alpha")


def test_public_function_gives_the_simulated_intervals():
    rng = np.random.default_rng(5)
    x = draw(rng, "congeneric", 60)
    x[rng.random(x.shape) < 0.2] = np.nan
    expected = intervals(item_covariance.moments(x), None)
    table = internal_consistency(pd.DataFrame(x, columns=list("abcde")), items=list("abcde")).table
    np.testing.assert_allclose(table[["ci_low", "ci_high"]], expected, atol=1e-9)
