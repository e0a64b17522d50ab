"""Quantile functions, points and limits against peers and definitions."""

import numpy as np
import pytest

from cxresearch.numerics import propagation


@pytest.mark.parametrize(("events", "n"), [(0, 20), (1, 20), (7, 50), (20, 20), (500, 4000)])
def test_rate_matches_jeffreys_in_statsmodels(events, n):
    from statsmodels.stats.proportion import proportion_confint

    low, high = propagation.limits(propagation.rate(events, n, 0.95)(propagation.points(1, seed=0)[:, 0]), 0.95)
    expected = proportion_confint(events, n, alpha=0.05, method="jeffreys")
    assert low == pytest.approx(0.0 if events == 0 else expected[0], rel=1e-5)
    assert high == pytest.approx(1.0 if events == n else expected[1], rel=1e-5)


def test_effective_size_is_the_size_over_the_design_effect():
    p, n = 0.2, 400
    fair = p * (1 - p) / n
    assert propagation.effective_size(n, p * n, 2 * fair, 10**6, 0.95) == pytest.approx(n / 2, rel=1e-4)
    assert propagation.effective_size(n, p * n, fair / 2, 10**6, 0.95) == n
    # 8 clusters: (1.96 / 2.365)²
    assert propagation.effective_size(n, p * n, 2 * fair, 8, 0.95) == pytest.approx(n / 2 * 0.6870, rel=1e-3)
    assert propagation.effective_size(n, 0, 0.0, 8, 0.95) == n


@pytest.mark.parametrize("scale", ["identity", "log", "logit"])
def test_stated_interval_comes_back(scale):
    quantile = propagation.stated(0.3, 0.2, 0.6, 0.9, scale)
    np.testing.assert_allclose(quantile(np.array([0.05, 0.5, 0.95])), [0.2, 0.3, 0.6], rtol=1e-12)


def test_points_go_together_as_asked_and_have_even_margins():
    target = np.array([[1, 0.6, 0], [0.6, 1, -0.3], [0, -0.3, 1]])
    points = propagation.points(3, seed=1, correlation=target)
    from scipy.special import ndtri

    np.testing.assert_allclose(np.corrcoef(ndtri(points).T), target, atol=0.01)
    for column in points.T:
        np.testing.assert_allclose(np.quantile(column, [0.025, 0.5, 0.975]), [0.025, 0.5, 0.975], atol=0.004)
    assert propagation.points(0, seed=1).shape[1] == 0


def test_limits_with_infinite_and_undefined_values():
    values = np.r_[np.arange(1.0, 100), np.inf]
    assert propagation.limits(values, 0.9)[1] == pytest.approx(95.5)
    assert propagation.limits(np.r_[np.arange(1.0, 95), np.full(6, np.inf)], 0.9)[1] == np.inf
    assert np.isnan(propagation.limits(np.r_[1.0, np.nan], 0.9)).all()
