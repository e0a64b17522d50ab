"""Internal consistency: the arithmetic, on arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from cxresearch.numerics import consistency, item_covariance, one_factor


def answers(seed, n=60, k=5, missing=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 1)) * np.linspace(0.6, 1.2, k) + rng.normal(size=(n, k)) * 0.8 + 3
    return np.where(rng.random((n, k)) < missing, np.nan, x)


def log_likelihood(x, mean, covariance):
    total = 0.0
    for row in x:
        seen = ~np.isnan(row)
        total += stats.multivariate_normal.logpdf(row[seen], mean[seen], covariance[np.ix_(seen, seen)])
    return total


def test_em_is_at_the_top_of_the_likelihood():
    x = answers(1, missing=0.25)
    x = x[~np.isnan(x).all(1)]
    found = item_covariance.moments(x)
    assert found.converged
    assert found.rows.sum() == len(x)
    top = log_likelihood(x, found.mean, found.covariance)
    rng = np.random.default_rng(2)
    for _ in range(20):
        bend = 0.01 * rng.normal(size=(5, 5))
        for sign in (1, -1):
            moved = found.covariance + sign * (bend + bend.T) / 2
            assert log_likelihood(x, found.mean + sign * 0.01 * bend[0], moved) < top


def test_without_gaps_moments_are_the_plain_ones():
    x = answers(3)
    found = item_covariance.moments(x)
    np.testing.assert_allclose(found.mean, x.mean(0))
    np.testing.assert_allclose(found.covariance, np.cov(x.T, bias=True))


def test_answers_missing_at_random_leave_em_right_and_complete_rows_wrong():
    """The second item is asked only where the first is high: its mean among complete rows is too high."""
    rng = np.random.default_rng(4)
    common = rng.normal(size=20_000)
    x = common[:, None] + rng.normal(size=(20_000, 3))
    x[x[:, 0] < 0, 1] = np.nan
    found = item_covariance.moments(x)
    assert abs(found.mean[1]) < 0.04
    assert found.covariance[0, 1] == pytest.approx(1, abs=0.06)
    complete = x[~np.isnan(x).any(1)]
    assert complete[:, 1].mean() > 0.3
    assert np.cov(complete.T)[0, 1] < 0.6


def test_errors_with_gaps_are_those_of_the_information_written_out():
    x = answers(5, n=40, k=3, missing=0.3)
    found = item_covariance.moments(x[~np.isnan(x).all(1)])
    slope = consistency.alpha_slope(found.covariance)
    pairs = [(i, j) for i in range(3) for j in range(i + 1)]
    basis = np.zeros((6, 3, 3))
    for at, (i, j) in enumerate(pairs):
        basis[at, i, j] = basis[at, j, i] = 1
    weights = item_covariance.inverses(found.covariance, found.answered)
    information = np.array(
        [
            [sum(r / 2 * np.trace(w @ a @ w @ b) for r, w in zip(found.rows, weights, strict=True)) for a in basis]
            for b in basis
        ]
    )
    gradient = np.array([(slope * b).sum() for b in basis])
    expected = gradient @ np.linalg.solve(information, gradient)
    assert item_covariance.variance(found, slope) == pytest.approx(expected, rel=1e-8)


def test_slopes_are_derivatives():
    covariance = np.cov(answers(6, n=200).T, bias=True)
    found = one_factor.fit(covariance)
    np.testing.assert_allclose(
        consistency.alpha_slope(covariance), item_covariance.slope(consistency.alpha, covariance), atol=1e-9
    )
    numeric = item_covariance.slope(lambda s: one_factor.fit(s).omega, covariance)
    found_slope = one_factor.omega_slope(found, covariance)
    np.testing.assert_allclose(found_slope, numeric, atol=1e-3 * np.abs(numeric).max())  # refits are not exact


def test_one_factor_is_at_the_minimum_of_the_discrepancy():
    covariance = np.cov(answers(7, n=80, k=4).T, bias=True)
    found = one_factor.fit(covariance)

    def discrepancy(t):
        model = np.outer(t[:4], t[:4]) + np.diag(np.exp(t[4:]))
        return (
            np.linalg.slogdet(model)[1]
            + np.trace(np.linalg.solve(model, covariance))
            - np.linalg.slogdet(covariance)[1]
            - 4
        )

    start = np.append(np.sqrt(np.diag(covariance) / 2), np.log(np.diag(covariance) / 2))
    best = optimize.minimize(discrepancy, start, options={"gtol": 1e-8})
    assert found.converged
    assert found.discrepancy == pytest.approx(best.fun, abs=1e-9)
    np.testing.assert_allclose(found.loading, best.x[:4] * np.sign(best.x[0]), atol=1e-4)


def test_a_true_factor_is_recovered():
    loading, unique = np.array([0.9, 0.7, 0.5, 1.4]), np.array([0.4, 0.6, 0.8, 1.0])
    found = one_factor.fit(np.outer(loading, loading) + np.diag(unique))
    np.testing.assert_allclose(found.loading, loading, atol=1e-5)
    np.testing.assert_allclose(found.unique, unique, atol=1e-5)
    assert found.discrepancy == pytest.approx(0, abs=1e-10)
    assert found.omega == pytest.approx(loading.sum() ** 2 / (loading.sum() ** 2 + unique.sum()), abs=1e-6)


def test_a_heywood_case_is_told():
    r = np.array([[1.0, 0.8, 0.8], [0.8, 1.0, 0.5], [0.8, 0.5, 1.0]])
    found = one_factor.fit(r)
    assert found.at_bound.tolist() == [True, False, False]
    assert np.isfinite(one_factor.omega_slope(found, r)).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), unit=st.floats(0.01, 100))
def test_unit_order_and_shift_do_not_matter(seed, unit):
    x = answers(seed, n=25, missing=0.1)
    x = x[~np.isnan(x).all(1)]
    before = item_covariance.moments(x).covariance
    order = np.random.default_rng(seed).permutation(5)
    after = item_covariance.moments((x * unit + 7)[::-1][:, order]).covariance
    assert consistency.alpha(after) == pytest.approx(consistency.alpha(before), abs=1e-6)
    assert consistency.lambda2(after) == pytest.approx(consistency.lambda2(before), abs=1e-6)
    np.testing.assert_allclose(consistency.item_rest(after), consistency.item_rest(before)[order], atol=1e-6)


def test_alike_items_and_opposed_items():
    assert consistency.alpha(np.ones((4, 4))) == pytest.approx(1)
    assert np.isnan(consistency.feldt(1.0, 30, 4, 0.95)).all()
    assert consistency.alpha(np.array([[1.0, -0.5], [-0.5, 1.0]])) == pytest.approx(-2)
    assert np.isnan(consistency.alpha(np.zeros((3, 3))))
    assert np.isnan(consistency.log_interval(0.8, 0.0, 0.95)).all()
    assert np.isnan(consistency.item_rest(np.diag([1.0, 0.0]))).all()


def test_lambda2_is_never_below_alpha():
    for seed in range(20):
        covariance = np.cov(np.random.default_rng(seed).normal(size=(10, 4)).T)
        assert consistency.lambda2(covariance) >= consistency.alpha(covariance) - 1e-12
