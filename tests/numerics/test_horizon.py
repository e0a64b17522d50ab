"""Where lag effects end: the selector, its bounds, and summaries with closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.numerics.horizon import bounds, mean_lag, reached, select

EFFECTS = np.array([0.4, 0.3, 0.2, 0.1])


def test_summaries_of_known_effects():
    assert mean_lag(EFFECTS) == pytest.approx(1.0)
    assert reached(EFFECTS, 0.5) == pytest.approx(1 / 3)
    assert reached(EFFECTS, 0.9) == pytest.approx(2.0)
    assert reached(EFFECTS, 0.3) == 0.0


def test_summaries_of_geometric_effects():
    decay = 0.6 ** np.arange(200)
    assert mean_lag(decay) == pytest.approx(0.6 / 0.4)


def test_summaries_work_on_many_samples_at_once_and_pass_over_the_undefined():
    many = np.vstack([EFFECTS, -EFFECTS, np.full(4, np.nan), np.zeros(4)])
    np.testing.assert_allclose(reached(many, 0.5), [1 / 3, 1 / 3, np.nan, np.nan])
    np.testing.assert_allclose(mean_lag(many), [1.0, 1.0, np.nan, np.nan])


@given(st.floats(0.01, 100), st.floats(0.05, 0.95))
def test_summaries_do_not_depend_on_the_unit_of_measurement(scale, share):
    assert mean_lag(scale * EFFECTS) == pytest.approx(mean_lag(EFFECTS))
    assert reached(scale * EFFECTS, share) == pytest.approx(reached(EFFECTS, share), abs=1e-9)


def test_wald_statistics_of_independent_effects_are_sums_of_squares():
    effects, error = np.array([0.4, 0.0, 0.4, 0.01]), 0.05
    found = select(effects, error**2 * np.eye(4), 10**6)
    expected = [((effects[j:] / error) ** 2).sum() for j in range(5)]
    np.testing.assert_allclose(found.wald, expected, rtol=1e-5, atol=1e-12)
    assert found.horizon == 2  # a lag without an effect in between does not end it


def test_no_effect_has_no_horizon():
    assert select(np.array([0.01, -0.01]), np.eye(2), 100).horizon == -1


def test_noise_free_effects_end_where_they_end():
    assert select(np.array([0.4, 0.3, 0.0]), np.zeros((3, 3)), 50).horizon == 1


def test_too_few_units_are_refused():
    with pytest.raises(ValueError, match="4 units are too few to judge 4 lags"):
        select(EFFECTS, np.eye(4), 4)


def test_bounds_hold_the_choice_and_open_up_with_noise():
    effects = np.array([0.4, 0.3, 0.2, 0.1, 0.0, 0.0])
    sharp, dull = 0.001**2 * np.eye(6), 0.2**2 * np.eye(6)
    for covariance, expected in ((sharp, (3, 3)), (dull, (-1, 5))):
        found = select(effects, covariance, 1000)
        low, high = bounds(effects, covariance, 1000, confidence=0.95, smallest=0.05, reach=found)
        assert low <= found.horizon <= high
        assert (low, high) == expected or (covariance is dull and high == 5 and low < 2)


def test_chance_of_overstating_is_the_one_stated():
    """P(chi2 with 1 df > log G) for one superfluous lag."""
    from scipy.stats import chi2

    rng = np.random.default_rng(1)
    draws = np.array([5.0, 0.0]) + rng.normal(size=(20_000, 2))
    over = np.mean([select(draw, np.eye(2), 200).horizon == 1 for draw in draws])
    assert over == pytest.approx(chi2.sf(np.log(200), 1), abs=0.004)  # three Monte Carlo errors
