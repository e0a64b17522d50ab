"""Runs on a calendar, chances by cell, and survival along a path."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cxresearch.numerics import hazard, proportions


def plain_runs(low, unit, time):
    """The definition, row by row."""
    length, known = [], []
    for i in range(len(low)):
        k, j = 0, i
        while low[j]:
            k += 1
            if j == 0 or unit[j - 1] != unit[j] or time[j - 1] != time[j] - 1:
                j = -1
                break
            j -= 1
        length.append(k)
        known.append(j >= 0)
    return length, known


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8), st.booleans()), max_size=30))
def test_runs_match_a_loop_over_rows(cells):
    cells = sorted({(u, t): low for u, t, low in cells}.items())
    unit, time = (np.array([key[k] for key, _ in cells], dtype=int) for k in (0, 1))
    low = np.array([value for _, value in cells], dtype=bool)
    length, known = hazard.runs(low, unit, time)
    expected = plain_runs(low, unit, time)
    assert length.tolist() == expected[0]
    assert known.tolist() == expected[1]


def test_steps_of_two_years_are_no_gap():
    time = np.array([2010, 2012, 2014, 2018])
    length, known = hazard.runs(np.array([False, True, True, True]), np.zeros(4, dtype=int), time, step=2)
    assert length.tolist() == [0, 1, 2, 1]
    assert known.tolist() == [True, True, True, False]


def test_rates_are_shares_with_mid_p_intervals():
    cell, event = np.array([0, 0, 0, 0, 1, 1, 3]), np.array([0, 0, 1, 0, 1, 0, 0.0])
    found = hazard.rates(cell, event, 4, confidence=0.9)
    assert found.n.tolist() == [4, 2, 0, 1]
    assert found.events.tolist() == [1, 1, 0, 0]
    np.testing.assert_allclose(found.rate, [0.25, 0.5, np.nan, 0])
    low, high = proportions.interval(1.0, 4.0, 0.9)
    assert (found.low[0], found.high[0]) == (low, high)
    assert np.isnan([found.low[2], found.high[2]]).all()
    assert found.low[3] == 0


def test_equal_weights_change_nothing_and_a_double_row_counts_as_two():
    cell, event = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 0, 1, 0.0])
    plain = hazard.rates(cell, event, 2, confidence=0.95)
    same = hazard.rates(cell, event, 2, confidence=0.95, weight=np.full(5, 3.0))
    np.testing.assert_allclose(same.low, plain.low)
    heavy = hazard.rates(cell, event, 2, confidence=0.95, weight=np.array([1, 2, 1, 1, 1.0]))
    assert heavy.rate[0] == pytest.approx(0.5)
    assert heavy.size[0] == pytest.approx(16 / 6)


def test_cluster_variance_matches_the_ratio_estimators_closed_form():
    rng = np.random.default_rng(2)
    cluster, cell = rng.integers(0, 15, 400), rng.integers(0, 2, 400)
    shift = rng.normal(0, 0.1, 15)[cluster]
    event = (rng.random(400) < 0.3 + shift).astype(float)
    found = hazard.rates(cell, event, 2, confidence=0.95, cluster=cluster)
    for k in (0, 1):
        mine = cell == k
        sums = np.array([(event[mine & (cluster == g)] - found.rate[k]).sum() for g in range(15)])
        variance = 15 / 14 * (sums**2).sum() / mine.sum() ** 2
        plain = found.rate[k] * (1 - found.rate[k])
        ratio = stats.t.ppf(0.975, mine.sum() - 1) / stats.t.ppf(0.975, 14)
        assert found.size[k] == pytest.approx(min(mine.sum(), plain / variance) * ratio**2)
    assert found.correlation[0, 1] == found.correlation[1, 0]
    assert (found.clusters == 15).all()


def test_survival_of_one_period_has_the_interval_of_the_rate():
    cell, event = np.repeat([0, 1], [200, 30]), np.r_[np.ones(10), np.zeros(190), np.ones(6), np.zeros(24)]
    found = hazard.rates(cell, event, 2, confidence=0.95)
    rng = np.random.default_rng(0)
    estimate, low, high = hazard.survival(found, np.array([[0], [1]]), confidence=0.95, draws=200_000, rng=rng)
    np.testing.assert_allclose(estimate[:, 0], 1 - found.rate)
    np.testing.assert_allclose(low[:, 0], 1 - found.high, atol=0.003)
    np.testing.assert_allclose(high[:, 0], 1 - found.low, atol=0.003)


def test_survival_multiplies_along_the_path_and_keeps_to_its_ends():
    cell, event = np.repeat([0, 1], [50, 10]), np.r_[np.ones(5), np.zeros(45), np.zeros(10)]
    found = hazard.rates(cell, event, 3, confidence=0.95)
    rng = np.random.default_rng(0)
    paths = np.array([[0, 0, 0], [1, 1, 1], [0, 2, 2]])
    estimate, low, high = hazard.survival(found, paths, confidence=0.95, draws=500, rng=rng)
    np.testing.assert_allclose(estimate[0], [0.9, 0.81, 0.729])
    assert (estimate[1] == 1).all()
    assert (high[1] == 1).all()
    assert (low[1] < 1).all()
    assert np.isnan(estimate[2, 1:]).all()  # nobody was ever in that cell
    assert np.isnan(low[2, 1:]).all()
    assert not np.isnan(low[2, 0])


def test_correlated_cells_widen_the_survival_interval():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(30), 40)
    cell = np.tile(np.repeat([0, 1], 20), 30)
    shift = rng.normal(0, 0.12, 30)[cluster]
    event = (rng.random(1200) < np.clip(0.3 + shift, 0, 1)).astype(float)
    found = hazard.rates(cell, event, 2, confidence=0.95, cluster=cluster)
    assert found.correlation[0, 1] > 0.3
    apart = hazard.rates(cell, event, 2, confidence=0.95)
    path = np.array([[0, 1]])
    wide = hazard.survival(found, path, confidence=0.95, draws=4000, rng=np.random.default_rng(0))
    narrow = hazard.survival(apart, path, confidence=0.95, draws=4000, rng=np.random.default_rng(0))
    assert wide[2][0, 1] - wide[1][0, 1] > 1.2 * (narrow[2][0, 1] - narrow[1][0, 1])
