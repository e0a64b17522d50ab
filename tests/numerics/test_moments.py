"""Weighted moments of a table and of its bootstrap samples."""

import numpy as np
import pytest

from cxresearch.numerics import moments


@pytest.fixture
def table():
    rng = np.random.default_rng(4)
    return rng.normal(size=(50, 3)) + rng.normal(size=(50, 1)) + [0, 100, 1e4], rng.uniform(0.5, 2, 50)


def test_moments_are_numpys(table):
    z, weight = table
    found = moments.moments(z, weight)
    np.testing.assert_allclose(found.mean, np.average(z, axis=0, weights=weight))
    np.testing.assert_allclose(found.covariance, np.cov(z, rowvar=False, aweights=weight, ddof=0), atol=1e-9)


def test_correlation_is_unknown_where_a_column_does_not_vary():
    found = moments.moments(np.column_stack([np.full(5, 0.1), np.arange(5.0)]), np.ones(5))
    assert np.isnan(found.correlation[0]).all()
    assert found.correlation[1, 1] == 1


def test_bootstrap_moments_are_those_of_the_drawn_rows(table):
    z, weight = table
    found = moments.bootstrap(z, weight, reps=5, rng=np.random.default_rng(1))
    rng = np.random.default_rng(1)
    rng.multinomial(len(z), [1.0], size=5)
    drawn = rng.integers(0, len(z), (5, len(z)))
    for k in range(5):
        expected = moments.moments(z[drawn[k]], weight[drawn[k]])
        np.testing.assert_allclose(found.mean[k], expected.mean, rtol=1e-12)
        np.testing.assert_allclose(found.covariance[k], expected.covariance, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("cells", [2**21, 2000])
def test_bootstrap_spreads_as_theory_says_whatever_the_chunks(monkeypatch, table, cells):
    monkeypatch.setattr(moments, "_CELLS", cells)
    z, _ = table
    found = moments.bootstrap(z, np.ones(50), reps=4000, rng=np.random.default_rng(2))
    assert found.mean.std(axis=0) == pytest.approx(z.std(axis=0) / np.sqrt(50), rel=0.05)


@pytest.mark.parametrize("times", [3, 80])
def test_counts_stand_for_repeated_rows(table, times):
    z, _ = table
    count = np.arange(50) % times + 1
    found = moments.bootstrap(z, np.ones(50), reps=4000, rng=np.random.default_rng(3), count=count)
    spelt = np.repeat(z, count, axis=0)
    assert found.mean.mean(axis=0) == pytest.approx(spelt.mean(axis=0), abs=0.005)
    assert found.mean.std(axis=0) == pytest.approx(spelt.std(axis=0) / np.sqrt(len(spelt)), rel=0.05)


def test_units_are_drawn_whole(table):
    z, weight = table
    unit = np.arange(50) % 5
    found = moments.bootstrap(z, weight, reps=3, rng=np.random.default_rng(1), unit=unit)
    rng = np.random.default_rng(1)
    rng.multinomial(5, [1.0], size=3)
    drawn = rng.integers(0, 5, (3, 5))
    for k in range(3):
        rows = np.concatenate([np.flatnonzero(unit == u) for u in drawn[k]])
        expected = moments.moments(z[rows], weight[rows])
        np.testing.assert_allclose(found.mean[k], expected.mean, rtol=1e-12)
        np.testing.assert_allclose(found.covariance[k], expected.covariance, rtol=1e-8, atol=1e-8)


def test_units_with_counts_are_units_of_repeated_rows(table):
    z, weight = table
    unit, count = np.arange(50) % 5, np.arange(50) % 3 + 1
    by_count = moments.bootstrap(z, weight, reps=3, rng=np.random.default_rng(1), unit=unit, count=count)
    spelt = moments.bootstrap(
        np.repeat(z, count, axis=0), np.repeat(weight, count), reps=3, rng=np.random.default_rng(1),
        unit=np.repeat(unit, count),
    )  # fmt: skip
    np.testing.assert_allclose(by_count.mean, spelt.mean, rtol=1e-12)
    np.testing.assert_allclose(by_count.covariance, spelt.covariance, rtol=1e-8, atol=1e-8)


def test_a_column_that_is_constant_in_a_sample_has_no_spread():
    z = np.column_stack([np.repeat([0.1, 0.7], [58, 2]), np.random.default_rng(0).normal(size=60)])
    found = moments.bootstrap(z, np.ones(60), reps=400, rng=np.random.default_rng(0))
    still = found.sd[:, 0] == 0
    assert 0.05 < still.mean() < 0.25  # (1 - 2/60)^60 = 0.13
    assert (found.sd[~still, 0] > 0.01).all()


def test_counts_of_rows_add_up():
    rng = np.random.default_rng(0)
    count, unit = np.array([3, 1, 2]), np.array([0, 0, 1])
    for drawn in moments.bootstrap_counts(3, reps=20, rng=rng, count=count):
        assert drawn.sum() == 6
    for drawn in moments.bootstrap_counts(3, reps=20, rng=rng, count=count, unit=unit):
        assert drawn[0] == 3 * drawn[1]
        assert drawn[1] + drawn[2] // 2 == 2
    assert all(drawn.sum() == 4 for drawn in moments.bootstrap_counts(4, reps=5, rng=rng))
