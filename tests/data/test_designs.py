"""Simulated visits hold the truth they come with."""

import math

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from cxresearch.checks import InputError
from cxresearch.data import simulate


def test_visits_are_nested_and_shoppers_roam():
    frame, truth = simulate.mystery_visits(outlets=30, shoppers=6, fewest=1, most=4, items=5)
    counts = frame.groupby("outlet")["visit"].nunique()
    assert counts.between(1, 4).all()
    assert counts.min() < counts.max()
    assert (frame.groupby(["outlet", "visit"])["item"].nunique() == 5).all()
    assert frame.groupby(["outlet", "visit"])["shopper"].agg(lambda names: len(set(names))).max() == 1
    assert frame.groupby("shopper")["outlet"].nunique().min() > 1
    assert truth["sizes"]["items"] == 5


def test_components_are_those_stated():
    none = dict.fromkeys(simulate.VISIT_VARIANCES, 0.0)
    shared = {"outlet": ["outlet"], "visit": ["outlet", "visit"], "shopper": ["shopper"], "item": ["item"],
              "outlet:item": ["outlet", "item"]}  # fmt: skip
    for name, cell in shared.items():
        frame, _ = simulate.mystery_visits(outlets=200, shoppers=150, items=120, variances=none | {name: 9.0})
        assert frame.groupby(cell)["score"].std().fillna(0).max() < 1e-9, name
        assert frame.drop_duplicates(cell)["score"].var() == pytest.approx(9, rel=0.35), name


def test_the_stated_number_of_visits_reaches_the_target():
    _, truth = simulate.mystery_visits()
    v, n = truth["variances"], truth["visits_needed"]
    lasting, passing = (v["item"] + v["outlet:item"]) / 15, v["visit"] + v["shopper"] + v["residual"] / 15
    assert v["outlet"] / (v["outlet"] + lasting + passing / n) == pytest.approx(0.8)
    assert truth["phi_one_visit"] == pytest.approx(v["outlet"] / (v["outlet"] + lasting + passing))
    assert simulate.mystery_visits(items=1)[1]["visits_needed"] == math.inf


def test_missing_scores_and_seeds():
    whole, gaps = simulate.mystery_visits(seed=3)[0], simulate.mystery_visits(seed=3, missing=0.3)[0]
    assert len(gaps) / len(whole) == pytest.approx(0.7, abs=0.05)
    assert_frame_equal(simulate.mystery_visits(seed=3)[0], whole)
    assert not np.array_equal(simulate.mystery_visits(seed=4)[0]["score"][:50], whole["score"][:50])


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: simulate.mystery_visits(fewest=4, most=3), "most=3 is less than fewest=4"),
        (lambda: simulate.mystery_visits(outlets=0), "outlets=0"),
        (lambda: simulate.mystery_visits(missing=1.0), "missing=1.0"),
        (lambda: simulate.mystery_visits(variances={"day": 1}), "variances='day' is not known"),
        (lambda: simulate.mystery_visits(variances={"visit": -1}), "variances"),
    ],
)
def test_refusals(call, why):
    with pytest.raises(InputError, match=why):
        call()
