"""Rank intervals against a plain implementation with scipy and statsmodels, and on ties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from cxresearch.numerics import ranks


def plainly(p_of, units, level):
    """Holm over all one-sided tests of each unit, by statsmodels; ``p_of(j, k)`` tests "j is not higher than k"."""
    low, high = [], []
    for j in range(units):
        others = [k for k in range(units) if k != j]
        p = [p_of(k, j) for k in others] + [p_of(j, k) for k in others]
        found = multipletests(p, alpha=1 - level, method="holm")[0]
        low.append(1 + found[: units - 1].sum())
        high.append(units - found[units - 1 :].sum())
    return low, high


def test_ranks_of_means_match_scipy_and_statsmodels():
    rng = np.random.default_rng(3)
    n, sd = np.array([30.0, 60, 45, 200, 33, 80]), 1.3
    mean, df = rng.normal(0, 0.5, 6), 442.0

    def p_of(j, k):
        return stats.t.sf((mean[j] - mean[k]) / (sd * np.sqrt(1 / n[j] + 1 / n[k])), df)

    low, high = ranks.rank_intervals_of_means(mean, n, sd**2, df, 0.95)
    assert (low.tolist(), high.tolist()) == plainly(p_of, 6, 0.95)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_ranks_of_rates_match_fisher_exact_and_statsmodels(level):
    y, n = np.array([30.0, 58, 44, 150, 33, 79]), np.array([30.0, 60, 45, 200, 44, 80])

    def p_of(j, k):
        return stats.fisher_exact([[y[j], n[j] - y[j]], [y[k], n[k] - y[k]]], alternative="greater")[1]

    low, high = ranks.rank_intervals_of_rates(y, n, level)
    assert (low.tolist(), high.tolist()) == plainly(p_of, 6, level)


def test_blocks_do_not_change_the_answer(monkeypatch):
    rng = np.random.default_rng(4)
    n = rng.integers(30, 300, 40).astype(float)
    y = rng.binomial(n.astype(int), 0.8 + 0.1 * rng.random(40)).astype(float)
    whole = ranks.rank_intervals_of_rates(y, n, 0.95)
    monkeypatch.setattr(ranks, "_BLOCK", 90)
    parts = ranks.rank_intervals_of_rates(y, n, 0.95)
    assert all((a == b).all() for a, b in zip(whole, parts, strict=True))


def test_clearly_apart_units_have_certain_ranks():
    low, high = ranks.rank_intervals_of_means(np.array([3.0, 1.0, 2.0]), np.full(3, 1e6), 1.0, 1e6, 0.95)
    assert low.tolist() == high.tolist() == [1, 3, 2]


def test_equal_units_may_hold_any_rank():
    for low, high in (
        ranks.rank_intervals_of_means(np.zeros(5), np.full(5, 100.0), 1.0, 495.0, 0.95),
        ranks.rank_intervals_of_rates(np.full(5, 100.0), np.full(5, 100.0), 0.95),
    ):
        assert low.tolist() == [1] * 5
        assert high.tolist() == [5] * 5


def test_two_units():
    low, high = ranks.rank_intervals_of_rates(np.array([90.0, 10]), np.array([100.0, 100]), 0.95)
    assert low.tolist() == high.tolist() == [1, 2]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 200), st.floats(0, 1)), min_size=2, max_size=10))
def test_intervals_hold_the_observed_rank_and_follow_the_order_of_units(units):
    n = np.array([float(size) for size, _ in units])
    y = np.round(n * np.array([share for _, share in units]))
    low, high = ranks.rank_intervals_of_rates(y, n, 0.95)
    rank = ranks.rank_of(y / n)
    assert ((low <= rank) & (rank <= high)).all()
    back = ranks.rank_intervals_of_rates(y[::-1].copy(), n[::-1].copy(), 0.95)
    assert (back[0][::-1] == low).all()
    assert (back[1][::-1] == high).all()


def test_equal_means_share_the_best_of_their_ranks():
    assert ranks.rank_of(np.array([5.0, 7, 5, 5, 1])).tolist() == [2, 1, 2, 2, 5]
