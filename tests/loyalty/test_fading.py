"""Ratings that fade: known fading found, real lectures, refusals, both languages."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError

COLUMNS = {"rater": "guest", "target": "hotel", "score": "score", "since": "months"}


def made(slope=-0.2, n=4000, noise=1.0, seed=1):
    """Guests who differ rate hotels that differ; the good hotels are rated late."""
    rng = np.random.default_rng(seed)
    guest, hotel = rng.integers(300, size=n), rng.integers(60, size=n)
    months = rng.integers(0, 4, size=n) + hotel // 30
    score = 6 + rng.normal(size=300)[guest] + hotel / 20 + slope * months + noise * rng.normal(size=n)
    return pd.DataFrame({"guest": guest, "hotel": hotel, "months": months, "score": score})


@pytest.fixture(scope="module")
def found():
    return cx.fading(made(), **COLUMNS)


def test_known_fading_is_found_where_plain_averages_see_the_reverse(found):
    truth = -0.2 * np.arange(5)
    assert found.table["since"].tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(found.table["se"].iloc[0])
    error = (found.table["estimate"] - truth)[1:] / found.table["se"][1:]
    assert np.abs(error).max() < 3
    line = found.trend.iloc[0]
    assert line["ci_low"] < -0.2 < line["ci_high"] < 0
    assert found.table["raw"].iloc[-1] > 0
    tests = found.tests.set_index("test")
    assert tests.loc["any", "p_value"] < 0.001
    assert tests.loc["bend", "p_value"] > 0.05
    assert found.text().startswith("Ratings fade with time: 4 periods after the service")


def test_noise_free_ratings_give_their_changes_back():
    result = cx.fading(made(noise=0.0), **COLUMNS)
    np.testing.assert_allclose(result.table["estimate"], -0.2 * np.arange(5), atol=1e-9)
    assert result.trend["estimate"].iloc[0] == pytest.approx(-0.2)


def test_no_fading_is_not_taken_for_one():
    result = cx.fading(made(slope=0.0, seed=3), **COLUMNS)
    assert result.tests["p_value"].min() > 0.05
    assert result.text().startswith("No fading with time can be told from chance")
    assert result.text("zh").startswith("看不出评分随时间变化")


def test_a_bend_is_seen():
    frame = made(slope=0.0).assign(score=lambda f: f["score"] - 0.8 * (f["months"] == 2))
    assert cx.fading(frame, **COLUMNS).tests.set_index("test").loc["bend", "p_value"] < 0.001


def test_lectures_are_rated_lower_the_longer_ago_they_were():
    result = cx.fading(cx.read("lme4/InstEval"), rater="s", target="d", score="y", since="lectage")
    assert result.sample.used == 73_416
    assert dict(result.sample.counts) == {"raters": 2967, "targets": 1128}
    # held to pyfixest: y ~ i(lectage, ref=1) | s + d, clustered by s and d
    np.testing.assert_allclose(result.table["estimate"][1:], [-0.0836, -0.1233, -0.2031, -0.1922, -0.2761], atol=5e-5)
    np.testing.assert_allclose(result.table["se"][1:], [0.0256, 0.0268, 0.0319, 0.0390, 0.0395], atol=5e-5)
    for language, said in (("en", "0.28 points lower (0.20 to 0.35)"), ("zh", "低 0.28 分（0.20 至 0.35）")):
        assert said in result.text(language)
        assert said in result.plot(language).axes[0].get_title(loc="left")


def test_covariates_are_held_constant():
    frame = made().assign(room=lambda f: np.random.default_rng(2).normal(size=len(f)) - f["months"])
    frame["score"] += frame["room"]
    plain, held = (cx.fading(frame, **COLUMNS, covariates=c).trend["estimate"].iloc[0] for c in ([], ["room"]))
    assert plain < -1
    assert held == pytest.approx(-0.2, abs=0.06)


def test_rows_names_and_order_do_not_matter(found):
    frame = made().sample(frac=1, random_state=1).rename(columns={"guest": "客人", "months": "estimate"})
    frame["客人"] = "c" + frame["客人"].astype(str)
    before = frame.copy()
    again = cx.fading(frame, **(COLUMNS | {"rater": "客人", "since": "estimate"}))
    pd.testing.assert_frame_equal(again.table, found.table, rtol=1e-7)
    pd.testing.assert_frame_equal(frame, before)


def test_sample_accounts_for_every_row():
    frame = made(n=500).astype({"guest": object, "hotel": object, "months": float})
    frame.loc[0, "guest"] = None
    frame.loc[1, "hotel"] = None
    frame.loc[2, "score"] = np.nan
    frame.loc[3, "months"] = np.nan
    frame.loc[4, "guest"] = "once"
    result = cx.fading(frame, **COLUMNS)
    dropped = [n for _, n in result.sample.dropped]
    assert dropped[:4] == [1, 1, 1, 1]
    assert dropped[-1] >= 1
    assert result.sample.used + sum(dropped) == 500
    assert "评分者缺失" in result.sample.text("zh")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(months=2), "since='months' is 2 in all rows used"),
        (lambda f: f.assign(months=f.index), "different values; group them into at most 60"),
        (lambda f: f.assign(months=-1), "row 0 holds -1; whole periods, 0 or more"),
        (lambda f: f.assign(months=0.5), "whole periods"),
        (lambda f: f.assign(months=f["hotel"]), "since='months' at .* is explained by"),
        (lambda f: f.assign(score="good"), "numbers are needed"),
        (lambda f: f.assign(guest=range(len(f))), "no rows are left"),
        (lambda f: f.assign(hotel=1), "two or more of each kind"),
        (lambda f: f[:0], "no rows"),
        (lambda f: f.drop(columns="hotel"), "target='hotel': no such column"),
    ],
)
def test_ratings_that_cannot_be_used_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        cx.fading(change(made(n=600)), **COLUMNS)


def test_there_is_no_focus(found):
    with pytest.raises(InputError, match="choose rows with where"):
        found.text(focus=3)
    with pytest.raises(InputError, match="choose rows with where"):
        found.plot(focus=3)


def test_few_targets_are_told():
    assert "the intervals are too short" in cx.fading(made(n=900).query("hotel < 12"), **COLUMNS).remarks()
