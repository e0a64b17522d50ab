"""`cx.benchmark` with survey weights and covariates: the effective number of answers, and the same mix for all."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError


@pytest.fixture
def survey():
    """Twelve stores that serve equally well; old customers answer a point higher, and stores differ in their share."""
    rng = np.random.default_rng(9)
    store = np.repeat(np.arange(12), 200)
    old = rng.random(2400) < np.linspace(0.1, 0.9, 12)[store]
    score = 6 + old + rng.normal(size=2400)
    age = np.where(old, "old", "young")
    return pd.DataFrame({"store": store, "age": age, "score": score, "weight": np.where(old, 0.5, 1.5), "one": 1.0})


def test_like_is_compared_with_like(survey):
    plain = cx.benchmark(survey, unit="store", score="score")
    fair = cx.benchmark(survey, unit="store", score="score", covariates=["age"])
    assert (plain.table["signal"] != "expected").sum() >= 6
    assert (fair.table["signal"] == "expected").all()
    both = fair.table.set_index("unit")["observed"], plain.table.set_index("unit")["mean"]
    pd.testing.assert_series_equal(both[0].sort_index(), both[1].sort_index(), check_names=False)
    assert (fair.table["n_effective"] < 200).all()
    spread = fair.reliability["between_variance"].iloc[0]
    assert spread < 0.2 * plain.reliability["between_variance"].iloc[0]
    for language in ("en", "zh"):
        assert any("age" in note(language) for note in fair.notes)


def test_weights_count(survey):
    found = cx.benchmark(survey, unit="store", score="score", weight="weight").table.set_index("unit")
    own = survey[survey["store"] == 3]
    assert found.loc[3, "mean"] == pytest.approx(np.average(own["score"], weights=own["weight"]))
    kish = own["weight"].sum() ** 2 / (own["weight"] ** 2).sum()
    assert found.loc[3, "n_effective"] == pytest.approx(kish)
    assert found.loc[3, "n"] == 200
    assert "observed" not in found


def test_equal_weights_change_nothing(survey):
    same = cx.benchmark(survey, unit="store", score="score", weight="one").table.drop(columns="n_effective")
    pd.testing.assert_frame_equal(same, cx.benchmark(survey, unit="store", score="score").table)


def test_answers_without_weight_or_covariate_are_dropped_for_that_reason(survey):
    survey.loc[:9, "weight"], survey.loc[10:14, "weight"] = 0.0, np.nan
    survey.loc[100:129, "age"] = None
    result = cx.benchmark(survey, unit="store", score="score", weight="weight", covariates=["age"])
    lost = {why("en"): n for why, n in result.sample.dropped if n}
    assert lost == {"no weight (empty or 0)": 15, "a covariate is empty": 30}


def test_shares_of_yes_are_adjusted_as_means(survey):
    survey["again"] = (survey["score"] > 6.5).astype(int)
    result = cx.benchmark(survey, unit="store", score="again", covariates=["age"])
    assert result.kind == "means"
    assert (result.table["signal"] == "expected").all()


def test_wide_answers_are_adjusted_touchpoint_by_touchpoint(survey):
    wide = survey.assign(meal=survey["score"] + 1, bed=survey["score"].where(survey["store"] < 6))
    both = cx.benchmark(wide, unit="store", score=["meal", "bed"], covariates=["age"]).table
    alone = cx.benchmark(wide, unit="store", score="bed", covariates=["age"]).table
    columns = ["unit", "mean", "n_effective", "shrunken"]
    one = both.loc[both["touchpoint"] == "bed", columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, alone[columns])


def test_bad_weights_and_covariates_are_refused(survey):
    ask = {"unit": "store", "score": "score"}
    with pytest.raises(InputError, match=r"weight='weight': row 7 holds -1; a weight cannot be negative"):
        cx.benchmark(survey.assign(weight=survey["weight"].where(survey.index != 7, -1.0)), weight="weight", **ask)
    with pytest.raises(InputError, match=r"weight='age': row 0 holds .*; numbers are needed"):
        cx.benchmark(survey, weight="age", **ask)
    with pytest.raises(InputError, match=r"covariates='aeg': no such column.*did you mean 'age'"):
        cx.benchmark(survey, covariates=["aeg"], **ask)
    with pytest.raises(InputError, match="what belongs to the unit itself cannot be held equal"):
        cx.benchmark(survey.assign(region=survey["store"] % 3), covariates=["region"], **ask)
    rates = pd.DataFrame({"store": [1, 2], "score": [0.5, 0.6], "n": [100, 100], "w": [1, 1]})
    with pytest.raises(InputError, match="belong to single answers"):
        cx.benchmark(rates, n="n", weight="w", **ask)


def test_suppressed_units_keep_their_numbers_to_themselves(survey):
    few = survey.drop(survey.index[(survey["store"] == 4) & (survey.index % 20 > 0)])
    table = cx.benchmark(few, unit="store", score="score", weight="weight", covariates=["age"]).table.set_index("unit")
    assert table.loc[4, "suppressed"]
    assert table.loc[4, ["mean", "observed", "n_effective", "shrunken"]].isna().all()
