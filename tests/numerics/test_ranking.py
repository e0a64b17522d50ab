"""Ranks and their bounds."""

import numpy as np

from cxresearch.numerics.ranking import rank_bounds, ranks


def test_ties_share_the_better_rank_and_noise_breaks_none():
    np.testing.assert_array_equal(ranks(np.array([0.3, 0.1, 0.3 + 1e-16, np.nan])), [1, 3, 1, np.nan])


def test_clear_differences_fix_the_ranks():
    rng = np.random.default_rng(0)
    estimate = np.array([0.5, 0.3, 0.2])
    low, high = rank_bounds(estimate, estimate + 0.001 * rng.normal(size=(500, 3)), 0.95)
    np.testing.assert_array_equal([low, high], [[1, 2, 3], [1, 2, 3]])


def test_hopeless_differences_leave_every_rank_open():
    rng = np.random.default_rng(0)
    estimate = np.array([0.5, 0.3, 0.2])
    low, high = rank_bounds(estimate, estimate + 5 * rng.normal(size=(500, 3)), 0.95)
    np.testing.assert_array_equal([low, high], [[1, 1, 1], [3, 3, 3]])


def test_duplicates_never_part():
    draws = 0.3 + 0.01 * np.random.default_rng(0).normal(size=(500, 1))
    low, high = rank_bounds(np.array([0.3, 0.3]), np.hstack([draws, draws]), 0.95)
    np.testing.assert_array_equal([low, high], [[1, 1], [2, 2]])


def test_true_ranks_are_held_among_many_near_equals():
    """Forty items all but equal: percentiles of bootstrapped ranks would hold the true rank far less often."""
    rng = np.random.default_rng(1)
    truth = np.arange(40) * 1e-4
    rank = 40 - np.arange(40)
    held = []
    for _ in range(100):
        estimate = truth + 0.1 * rng.normal(size=40)
        low, high = rank_bounds(estimate, estimate + 0.1 * rng.normal(size=(300, 40)), 0.95)
        held.append((low <= rank) & (rank <= high))
    assert np.mean(held) > 0.95


def test_few_free_cases_reach_out_further():
    rng = np.random.default_rng(0)
    estimate = np.array([0.5, 0.0])
    draws = estimate + np.array([0.2, 0.0]) * rng.normal(size=(2000, 2))
    assert rank_bounds(estimate, draws, 0.95)[1][0] == 1
    assert rank_bounds(estimate, draws, 0.95, n=8, free=3)[1][0] == 2
