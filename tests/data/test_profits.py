"""Simulated profits hold what they say: chances, means, paths, and the costs of winning."""

import math

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from cxresearch.checks import InputError
from cxresearch.data import simulate


@pytest.fixture(scope="module")
def large():
    return simulate.profits(customers=60_000, years=5, leaving=(0.3, 0.2, 0.1))


def test_customers_leave_with_the_stated_chance_at_each_tenure(large) -> None:
    frame, truth = large
    rates = frame.groupby("tenure")["left"].agg(["mean", "size"])
    expected = np.array([0.3, 0.2, 0.1, 0.1, 0.1])
    z = (rates["mean"] - expected) / np.sqrt(expected * (1 - expected) / rates["size"])
    assert np.abs(z).max() < 4
    assert truth["retention"] == pytest.approx((0.7, 0.8, 0.9))


def test_the_less_loyal_leave_sooner(large) -> None:
    frame, _ = large
    means = frame.groupby("left")["loyalty"].mean()
    assert means[0] - means[1] > 0.5


def test_money_and_paths_are_those_stated(large) -> None:
    frame, truth = large
    # standard errors: about 0.25 for the margin, 0.15 for costs of keeping, 1 for those of winning
    assert frame["margin"].mean() == pytest.approx(truth["margin"], abs=1)
    assert frame["cost_to_keep"].mean() == pytest.approx(truth["cost_to_keep"], abs=0.6)
    assert frame["cost_to_win"].mean() == pytest.approx(truth["cost_to_win"], abs=4)
    x = np.column_stack([np.ones(len(frame)), frame["service"], frame["loyalty"]])
    _, direct, b = np.linalg.lstsq(x, frame["margin"], rcond=None)[0]
    a = np.linalg.lstsq(x[:, :2], frame["loyalty"], rcond=None)[0][1]
    assert a == pytest.approx(truth["a"], abs=0.02)
    assert b == pytest.approx(truth["b"], abs=1)
    assert direct == pytest.approx(truth["direct"], abs=1.5)
    assert truth["indirect"] + truth["direct"] == truth["total"]


def test_a_customers_rows_run_from_winning_to_leaving(large) -> None:
    frame, _ = large
    assert not frame.duplicated(["customer", "year"]).any()
    rows = frame.groupby("customer")
    assert (rows["tenure"].max() == rows.size()).all()
    assert (rows["left"].sum() == rows["left"].last()).all()
    assert (frame["cost_to_win"].notna() == (frame["tenure"] == 1)).all()
    assert rows["community"].nunique().eq(1).all()
    assert (rows["year"].last() < 2018 + 5).all()


def test_the_seed_decides() -> None:
    first, _ = simulate.profits(customers=40, seed=1)
    again, _ = simulate.profits(customers=40, seed=1)
    other, _ = simulate.profits(customers=40, seed=2)
    assert_frame_equal(first, again)
    assert not first.equals(other)


def test_nobody_leaves_at_chance_zero_and_no_total_has_no_share() -> None:
    frame, truth = simulate.profits(customers=50, leaving=0.0, loyalty_to_margin=0.0, service_to_margin=0.0)
    assert frame["left"].sum() == 0
    assert math.isnan(truth["share_mediated"])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: simulate.profits(customers=0), "customers=0"),
        (lambda: simulate.profits(leaving=1.0), "leaving[0]=1.0"),
        (lambda: simulate.profits(leaving=(0.1, -0.1)), "leaving[1]=-0.1"),
        (lambda: simulate.profits(leaving=()), "leaving"),
        (lambda: simulate.profits(cost_to_keep=0), "cost_to_keep=0"),
        (lambda: simulate.profits(cost_to_win=-1), "cost_to_win=-1"),
        (lambda: simulate.profits(margin=math.nan), "margin"),
        (lambda: simulate.profits(seed=-1), "seed=-1"),
    ],
)
def test_what_cannot_be_simulated_is_refused(call, told: str) -> None:
    with pytest.raises(InputError) as refusal:
        call()
    assert told in str(refusal.value)
