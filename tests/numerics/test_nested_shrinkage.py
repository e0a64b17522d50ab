"""People within places: closed forms at both ends, invariances, known truth."""

import numpy as np
import pytest

from cxresearch.numerics.nested_shrinkage import within_places

PLACE = np.repeat(np.arange(6), 5)


def fit(mean, n=100.0, place=PLACE, within=1.0, df=1000.0, seed=1):
    n = np.broadcast_to(np.asarray(n, dtype=float), mean.shape)
    rng = np.random.default_rng(seed)
    return within_places(mean, n, place, within, df, level=0.95, draws=20_000, rng=rng)


def test_wide_differences_are_left_as_they_are():
    mean = 50 * np.random.default_rng(1).normal(size=30)
    found = fit(mean)
    apart = mean - (np.bincount(PLACE, mean) / 5)[PLACE]
    np.testing.assert_allclose(found.difference, apart, atol=0.01)
    # the error of a mean less that of five such means, one of them its own
    half = 1.96 * np.sqrt(0.01 * (1 - 1 / 5))
    np.testing.assert_allclose(found.high - found.difference, half, rtol=0.06)
    assert found.between == pytest.approx(apart.var() * 5 / 4, rel=0.3)


def test_people_who_differ_by_chance_are_drawn_together():
    mean = np.tile([0.0, 10.0, 3.0, 7.0, 5.0, 2.0], (5, 1)).T.ravel() + 0.1 * np.random.default_rng(2).normal(size=30)
    found = fit(mean)
    apart = mean - (np.bincount(PLACE, mean) / 5)[PLACE]
    assert np.abs(found.difference).max() < 0.6 * np.abs(apart).max()
    assert (found.low < 0).all()
    assert (found.high > 0).all()


def test_what_places_do_drops_out():
    mean = np.random.default_rng(3).normal(size=30)
    shifted = mean + 100 * np.random.default_rng(4).normal(size=6)[PLACE]
    np.testing.assert_allclose(fit(shifted).difference, fit(mean).difference, atol=1e-8)
    np.testing.assert_allclose(fit(3 * mean, within=9.0).low, 3 * fit(mean).low, rtol=1e-9)


def test_differences_at_a_place_cancel_and_loners_have_none():
    place = np.append(PLACE, 6)
    found = fit(np.random.default_rng(5).normal(size=31), place=place)
    np.testing.assert_allclose(np.bincount(place[:30], found.difference[:30]), 0, atol=1e-9)
    assert np.isnan([found.difference[30], found.low[30], found.high[30]]).all()
    with pytest.raises(ValueError, match="no two people share a place"):
        fit(np.arange(4.0), place=np.arange(4))


def test_an_unsure_variance_widens_intervals():
    mean = np.random.default_rng(6).normal(size=30)
    sure, unsure = fit(mean, n=5.0, df=1e6), fit(mean, n=5.0, df=6.0)
    assert (unsure.high - unsure.low > sure.high - sure.low).all()
