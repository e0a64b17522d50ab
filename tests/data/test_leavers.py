"""Simulated leavers hold what they say: chances, reasons, correlation, drop-out; the panel stays what it was."""

import math

import numpy as np
import pytest

from cxresearch.checks import InputError
from cxresearch.data import simulate


@pytest.fixture(scope="module")
def large():
    return simulate.leaving(customers=40_000, years=6, communities=200)


def with_runs(frame, threshold):
    """Length of the run as far as the frame shows it, and whether it is known."""
    run, known = [], []
    low = (frame["satisfaction"] < threshold).to_numpy()
    first = (frame["customer"].diff() != 0).to_numpy()
    length, sure = 0, False
    for is_low, begins in zip(low, first, strict=True):
        if begins:
            length, sure = 0, False
        length, sure = (length + 1, sure) if is_low else (0, True)
        run.append(min(length, 4))
        known.append(sure or length >= 4)
    return np.array(run), np.array(known)


def test_chances_follow_the_run(large):
    frame, truth = large
    run, known = with_runs(frame, truth["threshold"])
    for k, chance in enumerate(truth["hazards"]):
        left = frame["left"].to_numpy()[known & (run == k)]
        # flocks: four times the variance of independent leaving is more than enough here
        assert abs(left.mean() - chance) < 4 * 2 * math.sqrt(chance * (1 - chance) / len(left)), k


def test_one_row_per_year_up_to_leaving(large):
    frame, _ = large
    assert list(frame) == ["customer", "community", "year", "satisfaction", "loyalty", "left", "reason"]
    assert not frame.duplicated(["customer", "year"]).any()
    last = frame.groupby("customer").tail(1)
    assert frame["left"].sum() == last["left"].sum()
    assert (frame.groupby("customer")["year"].diff().dropna() == 1).all()
    assert frame.loc[frame["left"] == 0, "reason"].isna().all()


def test_reasons_have_their_shares(large):
    frame, truth = large
    left = frame[frame["left"] == 1]
    assert left["reason"].isna().mean() == pytest.approx(0.1, abs=0.01)
    shares = left["reason"].value_counts(normalize=True)
    for name, share in truth["reasons"].items():
        assert shares[name] == pytest.approx(share, abs=0.02)


def test_pairs_leave_together_as_often_as_stated():
    frame, truth = simulate.leaving(
        customers=20_000, years=5, communities=100, contagion=0.1, odds_ratios=(1.0,), hazard=0.2, dropout=0
    )
    assert truth["pair_correlation"] == pytest.approx(0.1)  # all alike: nothing lowers it
    error = frame["left"] - 0.2
    cells = error.groupby([frame["community"], frame["year"]])
    pairs = (cells.sum() ** 2 - (error**2).groupby([frame["community"], frame["year"]]).sum()).sum()
    n = cells.size()
    assert pairs / (n * (n - 1)).sum() / 0.16 == pytest.approx(0.1, abs=0.03)


def test_the_dissatisfied_vanish():
    frame, truth = simulate.leaving(customers=20_000, years=3, dropout=0.1, dropout_odds=0.5, contagion=0)
    first = frame[(frame["year"] == 2015) & (frame["left"] == 0)]
    vanished = ~first["customer"].isin(frame.loc[frame["year"] == 2016, "customer"])
    odds = 1 / 9 * 0.5 ** (first["satisfaction"] - 6)
    assert vanished.mean() == pytest.approx((odds / (1 + odds)).mean(), abs=0.01)
    seen = frame[frame["year"] == 2017]["satisfaction"].mean()
    assert seen > truth["mean_satisfaction"] + 0.05


def test_without_drop_out_the_frame_holds_the_truth_about_the_last_year():
    frame, truth = simulate.leaving(customers=500, dropout=0)
    last = frame[frame["year"] == 2024]
    assert last["satisfaction"].mean() == pytest.approx(truth["mean_satisfaction"])
    assert last["left"].mean() == pytest.approx(truth["leaving_rate"])


def test_satisfaction_is_the_panels():
    frame, _ = simulate.leaving(customers=50, years=4)
    panel, _ = simulate.panel(customers=50, years=8, communities=40, first_year=2011)
    both = frame.merge(panel, on=["customer", "year"], suffixes=("", "_panel"))
    assert len(both) == len(frame)
    assert (both["satisfaction"] == both["satisfaction_panel"]).all()


def test_the_same_seed_gives_the_same_frame():
    one, truth = simulate.leaving(customers=60, seed=4)
    two, again = simulate.leaving(customers=60, seed=4)
    assert one.equals(two)
    assert truth == again
    assert not one.equals(simulate.leaving(customers=60, seed=5)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hazard": 0}, "hazard"),
        ({"hazard": 1.0}, "hazard=1.0"),
        ({"odds_ratios": ()}, "odds_ratios"),
        ({"odds_ratios": (1.0, -2.0)}, "odds_ratios"),
        ({"contagion": 1.0}, "contagion=1.0"),
        ({"dropout": -0.1}, "dropout=-0.1"),
        ({"dropout_odds": 0.0}, "dropout_odds"),
        ({"reasons": {}}, "reasons"),
        ({"reasons": {"price": -1.0}}, "reasons"),
        ({"customers": 0}, "customers=0"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_what_cannot_be_simulated_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        simulate.leaving(**arguments)
