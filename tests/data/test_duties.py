"""Simulated visits to key posts, and simulated cycles of rectification, hold the truth they come with."""

import numpy as np
import pytest

from cxresearch.checks import InputError
from cxresearch.data import simulate

NOTHING = dict.fromkeys(simulate.POST_VARIANCES, 0.0)


def test_posts_without_noise_are_their_means():
    frame, truth = simulate.posts(communities=5, shoppers=3, variances=NOTHING)
    for (post, duty), part in frame.groupby(["post", "duty"]):
        np.testing.assert_allclose(part["score"], truth["means"][post, duty])
        assert truth["pass_rates"][post, duty] == float(truth["means"][post, duty] >= 60)
    assert np.isnan(truth["halo"])


def test_posts_have_the_severity_and_the_pass_rates_of_their_truth():
    frame, truth = simulate.posts(communities=4000, shoppers=400, visits=2, seed=3)
    for cell, part in frame.groupby(["post", "duty"]):
        if cell[0] != "front_desk":  # which mild shoppers leave out
            assert (part["score"] >= 60).mean() == pytest.approx(truth["pass_rates"][cell], abs=0.03)
    gate = frame[frame["post"] == "gate"].groupby("shopper")["score"].mean()
    severity = np.array([truth["severity"][name] for name in gate.index])
    assert np.corrcoef(gate, severity)[0, 1] < -0.9
    desk = frame[frame["post"] == "front_desk"]
    assert desk["shopper"].map(truth["severity"]).mean() > frame["shopper"].map(truth["severity"]).mean() + 0.5


def test_posts_have_the_halo_of_their_truth():
    still = {"shopper": 0.0, "community": 0.0, "community:post": 0.0, "community:post:duty": 0.0}
    frame, truth = simulate.posts(communities=3000, variances=still)
    gate = frame[frame["post"] == "gate"].pivot_table(index=["community", "visit"], columns="duty", values="score")
    off = gate.corr().to_numpy()[np.triu_indices(3, 1)]
    np.testing.assert_allclose(off, truth["halo"], atol=0.03)


def test_cycles_without_error_or_variation_follow_the_plan():
    frame, truth = simulate.rectification(sites=5, quality=0, error=0, planned=1, carried_out=1, cycles=3)
    first = frame[frame["cycle"] == 1]
    assert (first["score"] == 66).all()
    assert first["rectified"].all()
    assert np.isnan(truth["reliability"])
    assert truth["distance"][0] == -4


def test_rectification_brings_its_gain_and_the_others_stay():
    frame, truth = simulate.rectification(sites=20_000, cycles=2, drift=1.0)
    mean = frame.pivot_table(index="site", columns="cycle", values="score")
    first = frame[frame["cycle"] == 1].groupby("site")
    done, planned = first["rectified"].first(), first["planned"].first()
    found = mean[1] < truth["standard"]
    assert planned[found].mean() == pytest.approx(0.8, abs=0.02)
    assert done[planned].mean() == pytest.approx(0.75, abs=0.02)
    change = mean[2] - mean[1]
    assert change[found & done].mean() - change[found & ~done].mean() == pytest.approx(5, abs=0.3)
    assert change.mean() == pytest.approx(1 + 5 * done.mean(), abs=0.2)
    assert mean[1].var() * truth["reliability"] == pytest.approx(36, rel=0.05)


@pytest.mark.parametrize(
    ("what", "given", "told"),
    [
        ("posts", {"communities": 0}, "communities=0 must be a whole number"),
        ("posts", {"means": {"gate": {"image": 1.0}}}, "at least two posts"),
        ("posts", {"variances": {"visits": 1.0}}, "did you mean 'visit'"),
        ("posts", {"effects": {"gates": 1.0}}, "did you mean 'gate'"),
        ("rectification", {"planned": 1.5}, "planned=1.5 must be a share"),
        ("rectification", {"cycles": 0}, "cycles=0 must be"),
        ("rectification", {"gain": float("nan")}, "must be a list of finite numbers"),
    ],
)
def test_what_cannot_be_simulated_is_refused(what, given, told):
    with pytest.raises(InputError, match=told):
        getattr(simulate, what)(**given)


@pytest.mark.parametrize("what", [simulate.posts, simulate.rectification])
def test_same_seed_same_rows(what):
    one, two, three = (what(6, seed=s)[0] for s in (1, 1, 2))
    assert one.equals(two)
    assert not one.equals(three)
