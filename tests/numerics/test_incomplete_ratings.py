"""Intervals of intraclass correlations with gaps: the arithmetic, on arrays."""

import numpy as np
import pytest
from scipy import optimize, stats

from cxresearch.numerics import incomplete_ratings as incomplete
from cxresearch.numerics import reliability, resampling


def ratings(seed, n=12, k=4, missing=0.0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, 1)) + rng.normal(size=k) + rng.normal(size=(n, k))
    target, rater = np.indices((n, k)).reshape(2, -1)
    kept = rng.random(n * k) >= missing
    return scores, scores.ravel()[kept], np.unique(target[kept], return_inverse=True)[1], rater[kept]


def share(ratio):
    return [end / (1 + end) for end in ratio]


def test_complete_ratings_have_the_closed_intervals():
    for seed in range(5):
        scores, y, target, rater = ratings(seed, n=12, k=4)
        forms = reliability.intraclass(reliability.mean_squares(scores), 0.9)
        pattern = incomplete.layout(target, rater)
        found = incomplete.squares(pattern, y)
        one = share(incomplete.exact_ratio(pattern.alone, found.alone, found.within, pattern.within, 0.9))
        two = share(incomplete.exact_ratio(pattern.targets, found.targets, found.residual, pattern.residual, 0.9))
        for at, (low, high) in ((0, one), (2, two)):
            assert low == pytest.approx(max(forms.low[at], 0), abs=1e-9)
            assert high == pytest.approx(forms.high[at], abs=1e-9)


def test_sums_of_squares_are_those_of_least_squares():
    _, y, target, rater = ratings(3, missing=0.3)
    pattern = incomplete.layout(target, rater)
    found = incomplete.squares(pattern, y)
    of_raters, of_both = np.eye(4)[rater], np.hstack([np.eye(4)[rater], np.eye(12)[target]])

    def left(columns):
        return float(((y - columns @ np.linalg.lstsq(columns, y)[0]) ** 2).sum())

    assert found.residual == pytest.approx(left(of_both), rel=1e-10)
    assert pattern.targets.squares(found.targets) == pytest.approx(left(of_raters) - left(of_both), rel=1e-10)
    assert pattern.raters.squares(found.raters) == pytest.approx(left(np.eye(12)[target]) - left(of_both), rel=1e-10)
    assert pattern.residual == len(y) - np.linalg.matrix_rank(of_both)


def test_the_exact_interval_solves_its_equation_with_gaps():
    """Against the equation written out with generalized least squares and solved by bisection."""
    _, y, target, rater = ratings(4, n=20, missing=0.4)
    pattern = incomplete.layout(target, rater)
    found = incomplete.squares(pattern, y)
    ends = incomplete.exact_ratio(pattern.targets, found.targets, found.residual, pattern.residual, 0.95)
    x, z = np.eye(4)[rater], np.eye(20)[target]

    def weighted(ratio):
        v = np.linalg.inv(np.eye(len(y)) + ratio * z @ z.T)
        beta = np.linalg.solve(x.T @ v @ x, x.T @ v @ y)
        return (y - x @ beta) @ v @ (y - x @ beta) - found.residual

    rank = pattern.targets.value.size
    for end, tail in zip(ends, (0.975, 0.025), strict=True):
        wanted = stats.f.ppf(tail, rank, pattern.residual) * rank * found.residual / pattern.residual
        assert end == pytest.approx(optimize.brentq(lambda s: weighted(s) - wanted, 0, 1e3), rel=1e-8)  # noqa: B023


def test_the_table_of_sums_is_as_good_as_the_exact_solution():
    _, y, target, rater = ratings(5, n=30, missing=0.5)
    pattern = incomplete.layout(target, rater)
    found = incomplete.squares(pattern, y)
    wanted = np.geomspace(0.05, 20, 40) * found.residual
    tabulated = pattern.targets.ratio_at(found.targets, wanted)
    exact = np.concatenate([pattern.targets.ratio_at(found.targets, wanted[i : i + 8]) for i in range(0, 40, 8)])
    np.testing.assert_allclose(tabulated, exact, atol=2e-3 / pattern.targets.value.max(), rtol=2e-3)


def test_absolute_intervals_agree_with_the_closed_ones_where_those_hold():
    """Many raters who differ little: Satterthwaite's approximation is good there."""
    rng = np.random.default_rng(6)
    scores = rng.normal(size=(60, 1)) + 0.3 * rng.normal(size=20) + rng.normal(size=(60, 20))
    target, rater = np.indices(scores.shape).reshape(2, -1)
    pattern = incomplete.layout(target, rater)
    found = incomplete.squares(pattern, scores.ravel())
    low, high = incomplete.absolute(pattern, found, incomplete.chi_squares(pattern, 1), 0.95)
    forms = reliability.intraclass(reliability.mean_squares(scores), 0.95)
    assert low == pytest.approx(forms.low[1], abs=0.01)
    assert high == pytest.approx(forms.high[1], abs=0.01)
    again = incomplete.absolute(pattern, found, incomplete.chi_squares(pattern, 2), 0.95)
    assert again == pytest.approx((low, high), abs=0.004)  # what another seed moves
    wide = incomplete.absolute(pattern, found, incomplete.chi_squares(pattern, 1), 0.99)
    assert wide[0] < low < high < wide[1]


def test_patterns_that_tell_nothing_apart_are_refused():
    with pytest.raises(ValueError, match="nothing is left"):
        incomplete.layout(np.repeat(np.arange(5), 3), np.arange(15))
    with pytest.raises(ValueError, match="no degree of freedom"):
        incomplete.layout(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 2, 2]))


def test_no_residual_and_no_differences_give_no_interval():
    target, rater = np.indices((6, 3)).reshape(2, -1)
    pattern = incomplete.layout(target, rater)
    found = incomplete.squares(pattern, target + 10.0 * rater)
    assert found.residual == 0
    chi = incomplete.chi_squares(pattern, 1)
    assert np.isnan(incomplete.absolute(pattern, found, chi, 0.95)).all()
    assert np.isnan(incomplete.exact_ratio(pattern.targets, found.targets, 0.0, pattern.residual, 0.95)).all()
    # targets closer together than chance: their means are all the same
    noise = np.random.default_rng(1).normal(size=(6, 3))
    noise -= noise.mean(1, keepdims=True)
    found = incomplete.squares(pattern, noise.ravel() + 5)
    ends = incomplete.exact_ratio(pattern.targets, found.targets, found.residual, pattern.residual, 0.95)
    assert np.isnan(ends).all()
    assert np.isnan(incomplete.absolute(pattern, found, chi, 0.95)).all()


def test_intervals_by_errors_are_the_delta_method():
    low, high = incomplete.by_errors(np.array([1.0, 1.0]), np.diag([0.01, 0.02]), np.ones(2), 0.95)
    # logit 0 with variance 0.03
    assert low == pytest.approx(stats.logistic.cdf(-1.959964 * 0.03**0.5), abs=1e-7)
    assert high == pytest.approx(1 - low)
    assert np.isnan(incomplete.by_errors(np.array([0.0, 1.0]), np.full((2, 2), np.nan), np.ones(2), 0.95)).all()


def test_overlap_is_nothing_for_shared_raters_and_all_for_separate_ones():
    assert incomplete.without_overlap(np.ones((7, 4))) == pytest.approx(0)
    assert incomplete.without_overlap(np.kron(np.eye(5), np.ones((1, 3)))) == pytest.approx(1 / 3)


def test_bootstrap_gives_what_resampled_targets_give():
    scores, *_ = ratings(7)
    drawn, influence = reliability.bootstrap(scores, 200, 5)
    for row, counts in zip(drawn, next(resampling.draws(12, 3, 5, 3)).astype(int), strict=False):
        again = np.repeat(scores, counts, axis=0)
        np.testing.assert_allclose(row, reliability.estimates(reliability.mean_squares(again)), atol=1e-12)
    without = [reliability.estimates(reliability.mean_squares(np.delete(scores, i, 0))) for i in range(12)]
    whole = reliability.estimates(reliability.mean_squares(scores))
    np.testing.assert_allclose(influence, 11 * (whole - np.array(without)), atol=1e-10)


def test_bootstrap_of_two_targets_has_no_influences():
    drawn, influence = reliability.bootstrap(np.array([[1.0, 2.0], [3.0, 5.0]]), 50, 1)
    assert np.isnan(drawn).any()  # the same target twice
    assert (influence == 0).all()
