"""A divided budget: the optimum held to scipy's general optimisers, closed forms, and bounds that are kept."""

import numpy as np
import pytest
from scipy import optimize

from cxresearch.numerics.allocation import SHAPES, Returns, best, in_proportion

FREE = np.inf


def problem(seed, k=4):
    """A random problem: some uses are worth nothing, some have bounds."""
    rng = np.random.default_rng(seed)
    worth, cost, room = rng.normal(0.5, 0.5, k), rng.uniform(0.5, 3, k), rng.uniform(0.2, 4, k)
    low = rng.uniform(0, 0.5, k) * (rng.random(k) < 0.3)
    high = np.where(rng.random(k) < 0.4, low + rng.uniform(0.2, 3, k), FREE)
    return worth, cost, room, low, high, low.sum() + rng.uniform(0.2, 6)


@pytest.mark.parametrize("shape", ["saturating", "power"])
@pytest.mark.parametrize("seed", range(8))
def test_no_general_optimiser_finds_more(shape, seed):
    worth, cost, room, low, high, budget = problem(seed)
    returns = Returns(shape=shape, cost=cost, room=room, elasticity=0.6)
    found = best(worth, returns, budget, low, high)
    assert (found >= low - 1e-9).all()
    assert (found <= high + 1e-9).all()
    assert found.sum() <= budget * (1 + 1e-9)
    top = np.minimum(np.where(worth > 0, np.minimum(high, returns.most), low), budget)
    rival = optimize.minimize(
        lambda x: -worth @ returns.rise(np.maximum(x, 1e-12)),
        np.clip(low + (budget - low.sum()) / 4, low, np.maximum(top, low)),
        bounds=list(zip(low, np.maximum(top, low), strict=True)),
        constraints={"type": "ineq", "fun": lambda x: budget - x.sum()},
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    )
    assert worth @ returns.rise(found) >= -rival.fun - 1e-7


@pytest.mark.parametrize("seed", range(8))
def test_constant_returns_match_linear_programming(seed):
    worth, cost, room, low, high, budget = problem(seed)
    found = best(worth, Returns(shape="constant", cost=cost, room=room), budget, low, high)
    top = np.maximum(low, np.minimum(high, cost * room))
    rival = optimize.linprog(-worth / cost, A_ub=[np.ones(4)], b_ub=[budget], bounds=list(zip(low, top, strict=True)))
    assert found @ (worth / cost) == pytest.approx(-rival.fun, abs=1e-9)


def test_two_saturating_uses_match_the_closed_form():
    """With gaps a = c r, spending is a_j (ln(w_j / c_j) - ln L), and both add up to the budget."""
    worth, cost, room = np.array([0.6, 0.4]), np.array([1.0, 1.0]), np.array([4.0, 2.0])
    log_return = (room @ np.log(worth / cost) - 3.0) / room.sum()
    found = best(worth, Returns(shape="saturating", cost=cost, room=room), 3.0, np.zeros(2), np.full(2, FREE))
    np.testing.assert_allclose(found, room * (np.log(worth) - log_return), atol=1e-12)


def test_power_returns_are_spent_in_proportion_to_a_power_of_worth():
    """With equal costs and elasticity 0.5 the money goes by the squares of what a point is worth."""
    worth, cost, room = np.array([3.0, 1.0]), np.ones(2), np.full(2, 100.0)
    found = best(worth, Returns(shape="power", cost=cost, room=room), 10.0, np.zeros(2), np.full(2, FREE))
    np.testing.assert_allclose(found, [9.0, 1.0], atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stack_of_problems_is_solved_as_one_by_one(shape):
    rng = np.random.default_rng(0)
    worth, room = rng.normal(0.5, 0.5, (20, 3)), rng.uniform(0, 3, (20, 3))
    cost, low, high = np.array([1.0, 2.0, 0.5]), np.array([0.2, 0, 0]), np.array([FREE, 1.0, FREE])
    together = best(worth, Returns(shape=shape, cost=cost, room=room), 2.0, low, high)
    for one, w, r in zip(together, worth, room, strict=True):
        np.testing.assert_allclose(one, best(w, Returns(shape=shape, cost=cost, room=r), 2.0, low, high), atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_unit_of_money_does_not_matter(shape):
    worth, cost, room, low, high, budget = problem(3)
    one = best(worth, Returns(shape=shape, cost=cost, room=room), budget, low, high)
    cents = best(worth, Returns(shape=shape, cost=100 * cost, room=room), 100 * budget, 100 * low, 100 * high)
    np.testing.assert_allclose(cents, 100 * one, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("shape", SHAPES)
def test_slope_is_the_derivative_of_the_rise(shape):
    returns = Returns(shape=shape, cost=np.array([1.0, 2.0]), room=np.array([3.0, 1.5]), elasticity=0.7)
    spend, step = np.array([0.8, 1.1]), 1e-6
    numeric = (returns.rise(spend + step) - returns.rise(spend - step)) / (2 * step)
    np.testing.assert_allclose(returns.slope(spend), numeric, rtol=1e-6)


def test_nothing_of_worth_leaves_the_money_over():
    returns = Returns(shape="saturating", cost=np.ones(2), room=np.ones(2))
    np.testing.assert_array_equal(best(np.array([-1.0, 0.0]), returns, 5.0, np.zeros(2), np.full(2, FREE)), [0, 0])


def test_least_sums_that_use_up_the_budget_are_the_plan():
    returns = Returns(shape="saturating", cost=np.ones(2), room=np.ones(2))
    np.testing.assert_allclose(best(np.array([1.0, 9.0]), returns, 3.0, np.array([3.0, 0]), np.full(2, FREE)), [3, 0])


def test_proportion_holds_between_the_bounds():
    found = in_proportion(np.array([0.5, 0.3, 0.2]), 10.0, np.array([0, 4.0, 0]), np.array([3, 9.0, 9.0]))
    np.testing.assert_allclose(found, [3, 4.2, 2.8], atol=1e-9)
    np.testing.assert_allclose(in_proportion(np.array([1.0, 0]), 4.0, np.zeros(2), np.full(2, FREE)), [4, 0])
