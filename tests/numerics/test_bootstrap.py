"""The cluster bootstrap against fits on rows that were really resampled."""

import numpy as np
import pytest

from cxresearch.numerics import panel
from cxresearch.numerics.bootstrap import cluster_bootstrap, unit_moments, weighted_slopes


def draw(rng, units=30, periods=6, share=0.8):
    unit, period = (axis.ravel() for axis in np.indices((units, periods)))
    kept = rng.random(len(unit)) < share
    unit, period = unit[kept], period[kept]
    x = rng.normal(size=(len(unit), 3)) + unit[:, None] / 10 + period[:, None]
    y = x @ [1.0, 0.5, 0.0] + unit + period**2 + rng.normal(size=len(unit))
    return y, x, unit, period


def resampled(y, x, unit, period, counts):
    """Copy every unit as often as it was drawn, each copy a unit of its own."""
    rows, codes, copies = [], [], 0
    for u, times in enumerate(counts.astype(int)):
        for _ in range(times):
            own = np.flatnonzero(unit == u)
            rows.append(own)
            codes.append(np.full(len(own), copies))
            copies += 1
    at = np.concatenate(rows)
    return y[at], x[at], np.concatenate(codes), np.unique(period[at], return_inverse=True)[1]


@pytest.mark.parametrize("effects", ["two-way", "unit", "none"])
def test_samples_equal_fits_on_resampled_rows_of_an_unbalanced_panel(effects):
    rng = np.random.default_rng(2)
    y, x, unit, period = draw(rng)
    moments = unit_moments(y, x, unit, period, effects=effects)
    counts = rng.multinomial(30, np.full(30, 1 / 30), size=20).astype(float)
    ours = weighted_slopes(moments, counts)
    for row, drawn in zip(ours, counts, strict=True):
        fitted = panel.fit(*resampled(y, x, unit, period, drawn), effects=effects)
        np.testing.assert_allclose(row, fitted.coef, rtol=1e-8, atol=1e-9)


def test_a_period_that_no_drawn_unit_saw_changes_nothing():
    rng = np.random.default_rng(3)
    y, x, unit, period = draw(rng, share=1.0)
    kept = (period < 5) | (unit == 0)
    y, x, unit, period = y[kept], x[kept], unit[kept], period[kept]
    counts = np.ones((1, 30))
    counts[0, 0] = 0
    ours = weighted_slopes(unit_moments(y, x, unit, period), counts)[0]
    rest = unit > 0
    np.testing.assert_allclose(ours, panel.fit(y[rest], x[rest], unit[rest] - 1, period[rest]).coef, rtol=1e-8)


def test_a_sample_that_determines_nothing_is_undefined():
    rng = np.random.default_rng(4)
    y, x, unit, period = draw(rng, units=4, periods=3, share=1.0)
    counts = np.array([[4.0, 0, 0, 0], [1, 1, 1, 1]])
    slopes = weighted_slopes(unit_moments(y, x, unit, period), counts)
    assert np.isnan(slopes[0]).all()
    assert np.isfinite(slopes[1]).all()


def test_spread_of_samples_is_the_clustered_error():
    rng = np.random.default_rng(5)
    y, x, unit, period = draw(rng, units=400)
    slopes = cluster_bootstrap([unit_moments(y, x, unit, period)], 1000, 1)[0]
    error = np.sqrt(np.diag(panel.fit(y, x, unit, period).covariance))
    np.testing.assert_allclose(slopes.std(axis=0), error, rtol=0.12)  # 1,000 samples: 2 % on one, 3 compared


def test_parts_share_their_samples():
    rng = np.random.default_rng(6)
    y, x, unit, period = draw(rng)
    moments = unit_moments(y, x, unit, period)
    one, two = cluster_bootstrap([moments, moments], 50, 1)
    np.testing.assert_array_equal(one, two)
    again = cluster_bootstrap([moments], 50, 1)[0]
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, cluster_bootstrap([moments], 50, 2)[0])


def test_weights_are_those_of_least_squares_on_repeated_rows():
    rng = np.random.default_rng(7)
    y, x, unit, period = draw(rng)
    weights = rng.integers(1, 4, size=len(y))
    at = np.repeat(np.arange(len(y)), weights)
    ours = weighted_slopes(unit_moments(y, x, unit, period, weights=weights.astype(float)), np.ones((1, 30)))[0]
    np.testing.assert_allclose(ours, panel.fit(y[at], x[at], unit[at], period[at]).coef, rtol=1e-8)
