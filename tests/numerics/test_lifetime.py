"""Lifetimes against sums over periods, peers and their own inverses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.numerics import lifetime

RATES = [[0.8], [0.5, 0.7, 0.9], [0.95, 0.6]]


def summed(rates, discount, margin, cost, paid_at_end, periods=4000):
    """The same value, period by period."""
    ahead = np.r_[rates, np.full(periods, rates[-1])]
    there = np.r_[1.0, np.cumprod(ahead)]  # at the start of each period
    factor = (1 + discount) ** -np.arange(len(there), dtype=float)
    spent = -cost * (there[:-1] * factor[:-1]).sum()
    paid = there[1:] * factor[1:] if paid_at_end else there[:-1] * factor[:-1]
    return spent + margin * paid.sum()


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("paid_at_end", [False, True])
@pytest.mark.parametrize("discount", [0.0, 0.1, 0.5])
def test_value_matches_the_sum_over_periods(rates, paid_at_end, discount):
    begun = lifetime.starts(rates, discount)[0]
    found = lifetime.value(begun, 100, 30, paid_at_end=paid_at_end)
    assert found == pytest.approx(summed(rates, discount, 100, 30, paid_at_end), rel=1e-9)


def test_textbook_formulas_with_one_rate():
    # Gupta and Lehmann (2003): margin r / (1 + i - r) where the first margin comes a period from now
    begun = lifetime.starts([0.9], 0.12)[0]
    assert lifetime.value(begun, 50, 0, paid_at_end=True) == pytest.approx(50 * 0.9 / (1 + 0.12 - 0.9))
    assert lifetime.value(begun, 50, 0, paid_at_end=False) == pytest.approx(50 * 1.12 / (1 + 0.12 - 0.9))
    assert lifetime.starts([0.75])[0] == pytest.approx(4)  # geometric: 1 / (1 - r)


def test_nobody_leaves():
    assert np.isinf(lifetime.starts([1.0])).all()
    assert lifetime.starts([1.0], 0.1)[0] == pytest.approx(11)
    assert lifetime.starts([0.0, 1.0])[0] == 1  # who leaves at once sees nothing of what comes after
    assert lifetime.value(np.inf, 30, 30, paid_at_end=False) == 0
    assert lifetime.largest_spend([1.0], 0.1, 0.0, 60) == 0
    assert lifetime.largest_spend([0.9], 0.1, 0.0, 60) == 60


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("discount", [0.0, 0.08])
def test_at_the_largest_spend_a_customer_is_worth_as_much_either_way(rates, discount):
    spend = lifetime.largest_spend(rates, 0.04, discount, 70)
    raised = np.asarray(rates) + 0.04
    assert summed(raised, discount, 100, 30 + spend, False) == pytest.approx(summed(rates, discount, 100, 30, False))
    assert summed(raised, discount, 100, 30 + spend, True) == pytest.approx(summed(rates, discount, 100, 30, True))


@pytest.mark.parametrize("rates", RATES)
def test_smallest_uplift_is_the_inverse_of_largest_spend(rates):
    spend = lifetime.largest_spend(rates, 0.03, 0.1, 70)
    assert lifetime.smallest_uplift(rates, spend, 0.1, 70) == pytest.approx(0.03, abs=1e-12)


def test_no_uplift_pays_for_more_than_the_profit():
    assert lifetime.smallest_uplift([0.8], 80, 0.1, 70) == np.inf
    assert lifetime.smallest_uplift([0.7, 0.8], 80, 0.1, 70) == np.inf
    assert lifetime.smallest_uplift([0.8], 5, 0.1, -1) == np.inf


@given(
    st.lists(st.floats(0.05, 0.95), min_size=1, max_size=4),
    st.floats(0, 0.5),
    st.floats(1, 1e4),
    st.floats(1e-3, 1e3),
)
def test_money_scales_with_its_unit_and_more_retention_is_worth_more(rates, discount, profit, unit):
    begun = lifetime.starts(rates, discount)
    assert (lifetime.starts(lifetime.lifted(rates, 0.01), discount) >= begun).all()
    spend = lifetime.largest_spend(rates, 0.02, discount, profit)
    assert lifetime.largest_spend(rates, 0.02, discount, profit * unit) == pytest.approx(spend * unit)
    assert 0 < spend < profit


def test_arrays_of_rates_are_what_single_ones_are():
    rates = np.random.default_rng(0).uniform(0.1, 0.9, (5, 3))
    together = lifetime.starts(rates, 0.1)
    for row, found in zip(rates, together, strict=True):
        np.testing.assert_allclose(lifetime.starts(row, 0.1), found, rtol=1e-14)
    np.testing.assert_allclose(
        lifetime.smallest_uplift(rates, 5.0, 0.1, 70),
        [lifetime.smallest_uplift(row, 5.0, 0.1, 70) for row in rates],
        rtol=1e-12,
    )
