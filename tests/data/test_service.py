"""Simulated processes hold the effects they come with."""

import numpy as np
import pytest

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.data import simulate


def test_processes_without_noise_give_their_effects_back():
    frame, truth = simulate.processes(customers=400, noise=0)
    names = list(truth["effects"])
    for market, effects in (("quiet", truth["effects"]), ("contested", truth["contested_effects"])):
        part = frame[frame["market"] == market]
        lags = cx.distributed_lags(part, unit="customer", period="year", outcome="overall", driver=names, lags=2)
        for name in names:
            expected = np.zeros(3)
            expected[: len(effects[name])] = effects[name]
            np.testing.assert_allclose(lags.effects_of(name)["estimate"], expected, atol=1e-9)


def test_truth_says_how_long():
    truth = simulate.processes(customers=5, effects={"a": [0.2, 0.0, 0.1, 0.0], "b": [0.0]})[1]
    assert truth["duration"] == {"a": 3, "b": 0}
    assert truth["contested_duration"] == truth["duration"]


def test_same_seed_same_rows():
    one, two, three = (simulate.processes(customers=20, seed=s)[0] for s in (1, 1, 2))
    assert one.equals(two)
    assert not one.equals(three)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"customers": 0}, "customers=0 must be a whole number of at least 1"),
        ({"effects": {"a": ["x"]}}, "must be a list of finite numbers"),
        ({"contested": {"repair": [1.0]}}, "contested='repair' is not known"),
        ({"noise": -1}, "noise=-1 must be"),
    ],
)
def test_what_cannot_be_simulated_is_refused(given, told):
    with pytest.raises(InputError, match=told):
        simulate.processes(**given)
