"""`cx.benchmark` of people: held against the others at the same place."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import cxresearch as cx
from cxresearch.checks import InputError


@pytest.fixture
def survey():
    """Six branches that differ a lot, five managers each, of whom one in the best branch is bad for that branch."""
    rng = np.random.default_rng(4)
    manager = np.repeat(np.arange(30), 80)
    branch = manager // 5
    score = 5 + 0.5 * branch - 0.9 * (manager == 27) + rng.normal(size=2400)
    return pd.DataFrame({"manager": [f"M{m:02}" for m in manager], "branch": branch, "score": score})


TERMS = {"unit": "manager", "score": "score", "place": "branch"}


def test_a_bad_manager_of_a_good_branch_is_found(survey):
    result = cx.benchmark(survey, **TERMS)
    found = result.at_places.set_index("unit")
    assert found.loc["M27", "signal"] == "below"
    assert found.loc["M27", "ci_high"] < 0
    assert (found[found["place"] < 5]["signal"] == "expected").all()
    assert result.table.set_index("unit").loc["M27", "signal"] != "below"  # against all, the branch hides it
    own = survey[survey["branch"] == 5].groupby("manager")["score"].mean()
    assert own["M27"] - own.mean() < found.loc["M27", "difference"] < 0  # drawn to the others


def test_places_change_nothing_else_and_frames_do_not_matter(survey):
    result = cx.benchmark(survey, **TERMS)
    plain = cx.benchmark(survey, unit="manager", score="score")
    pd.testing.assert_frame_equal(result.table, plain.table)
    assert plain.at_places.empty
    other = cx.benchmark(pl.from_pandas(survey), **TERMS)
    pd.testing.assert_frame_equal(other.at_places, result.at_places, rtol=1e-9, check_dtype=False)


def test_rates_within_places(survey):
    yes = survey.assign(score=(survey["score"] > 6).astype(int))
    found = cx.benchmark(yes, **TERMS).at_places.set_index("unit")
    assert found["difference"].idxmin() == "M27"
    assert found["difference"].abs().max() < 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_name_who_stands_out(survey, language):
    result = cx.benchmark(survey, **TERMS)
    assert "M27" in str(result.place_text(language))
    assert cx.benchmark(survey, unit="manager", score="score").place_text(language)


def test_nobody_is_at_two_places_at_once(survey):
    with pytest.raises(InputError, match=r"'M00' of unit='manager' is at several places \(0, 9\)"):
        cx.benchmark(survey.assign(branch=survey["branch"].where(survey.index != 3, 9)), **TERMS)
    with pytest.raises(InputError, match=r"place='brnch': no such column.*did you mean 'branch'"):
        cx.benchmark(pl.from_pandas(survey), **TERMS | {"place": "brnch"})


def test_people_alone_at_their_place_are_not_judged(survey):
    alone = survey.assign(branch=survey["branch"].where(survey["manager"] != "M02", 77))
    found = cx.benchmark(alone, **TERMS).at_places.set_index("unit")
    assert found.loc["M02", ["difference", "ci_low", "ci_high"]].isna().all()
    assert found.loc["M02", "signal"] == "alone"
    every = survey.assign(branch=survey["manager"])
    assert cx.benchmark(every, **TERMS).at_places.empty
