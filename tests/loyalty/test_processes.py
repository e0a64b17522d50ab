"""Processes: known durations found and judged, multiplicity held, groups compared, both languages."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.loyalty.processes import verdicts
from cxresearch.numerics.multiplicity import holm

COLUMNS = {"unit": "customer", "period": "year", "outcome": "overall"}


@pytest.fixture(scope="module")
def simulated():
    return cx.simulate.processes()


@pytest.fixture(scope="module")
def found(simulated):
    frame, truth = simulated
    return cx.process_carry_over(
        frame, **COLUMNS, drivers=list(truth["effects"]), max_lag=3, group="market", bootstraps=300
    )


def test_known_durations_are_found_and_judged(found, simulated):
    table = found.table.set_index("driver")
    assert table["duration"].to_dict() == simulated[1]["duration"]
    assert table["verdict"].to_dict() == {
        "repairs": "supported", "billing": "contradicted", "cleaning": "contradicted", "reception": "contradicted",
    }  # fmt: skip
    assert found.verdict() == "contradicted"
    assert (table["ci_low"] <= table["duration"]).all()
    assert (table["p_claim"] == table[["p_there", "p_over"]].max(axis=1)).all()


def test_one_process_is_its_carry_over(simulated):
    frame = simulated[0].query("customer <= 500")
    many = cx.process_carry_over(frame, **COLUMNS, drivers=["repairs"], max_lag=3, bootstraps=200)
    one = cx.carry_over(frame, **COLUMNS, driver="repairs", max_lag=3, bootstraps=200)
    pd.testing.assert_frame_equal(many.details.drop(columns="driver"), one.table)
    pd.testing.assert_frame_equal(many.lags, one.lags)


def test_effects_are_those_of_distributed_lags(found, simulated):
    lags = cx.distributed_lags(simulated[0], **COLUMNS, driver=list(found.drivers), lags=3)
    pd.testing.assert_frame_equal(found.lags, lags.table)


def test_shorter_cycles_under_competition_are_found(found, simulated):
    table = found.compare("contested", "quiet").set_index(["driver", "part", "quantity"])["estimate"]
    truth = simulated[1]
    for name in found.drivers:
        assert table[name, "first", "duration"] == truth["contested_duration"][name]
        assert table[name, "second", "duration"] == truth["duration"][name]
    assert table["reception", "difference", "duration"] == -1
    cycles = found.shorter("contested", "quiet")
    assert cycles.table["difference"].tolist() == [0, 0, 0, -1]
    assert "reception" in cycles.text()
    assert "前台接待" in cycles.text("zh")
    assert cycles.readable("zh").frame.shape == (4, 6)
    assert cycles.verdict() == ("supported" if cycles.table["ci_high"].iloc[3] < 0 else "undecided")


def test_holm_is_the_published_example():
    """Holm's rule by hand: sorted p values times 4, 3, 2, 1, never falling."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.01, np.nan])), [0.01, np.nan])


def test_verdicts_need_one_side_alone():
    claim, against = np.array([0.01, 0.5, 0.01, 0.5, np.nan]), np.array([0.5, 0.01, 0.01, 0.5, np.nan])
    assert verdicts(claim, against, 0.05) == ["supported", "contradicted", "undecided", "undecided", "undecided"]


@pytest.mark.parametrize(("language", "said"), [("en", "repairs for 2 years;"), ("zh", "维修 2 年；")])
def test_text_and_figure_hold_the_numbers(found, language, said):
    assert said in found.text(language)
    assert "15,000" in found.text(language)
    first = found.text(language, focus="cleaning")
    assert first.index("cleaning" if language == "en" else "保洁") < first.index(
        "repairs" if language == "en" else "维修"
    )
    title = found.plot(language, focus="cleaning").axes[0].get_title(loc="left")
    assert ("1 to 3 years" if language == "en" else "1 至 3 年") in title
    assert found.readable(language, truth={"repairs": 2}).frame.shape == (4, 9)


def test_caller_frame_is_unchanged_and_names_are_free(simulated):
    frame = simulated[0].query("customer <= 300").rename(columns={"repairs": "estimate", "billing": "收费"})
    before = frame.copy()
    result = cx.process_carry_over(frame, **COLUMNS, drivers=["estimate", "收费"], max_lag=2, bootstraps=100)
    pd.testing.assert_frame_equal(frame, before)
    assert result.table["driver"].tolist() == ["estimate", "收费"]
    assert result.sample.used + sum(n for _, n in result.sample.dropped) == len(frame)


def test_few_units_leave_every_verdict_open(simulated):
    result = cx.process_carry_over(
        simulated[0].query("customer <= 4"), **COLUMNS, drivers=["repairs"], max_lag=3, bootstraps=100
    )
    assert result.table["verdict"].tolist() == ["undecided"]
    assert "cannot be judged" in result.text()
    assert result.plot("zh") is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_lag": 1}, "max_lag=1 is too short to see an effect end after 2 periods"),
        ({"lasts": 0}, "lasts=0: claim 1 period or more"),
        ({"drivers": ["repair"]}, "did you mean 'repairs'"),
        ({"drivers": ["repairs", "repairs"]}, "'repairs' is named twice"),
        ({"drivers": []}, "names no column"),
    ],
)
def test_refusals(simulated, given, message):
    with pytest.raises(InputError, match=message):
        cx.process_carry_over(
            simulated[0].query("customer <= 50"), **COLUMNS | {"drivers": ["repairs"], "max_lag": 2} | given
        )


def test_focus_and_groups_that_are_not_there(found, simulated):
    with pytest.raises(InputError, match="did you mean 'repairs'"):
        found.text(focus="repair")
    with pytest.raises(InputError, match="compare needs groups"):
        cx.process_carry_over(
            simulated[0].query("customer <= 50"), **COLUMNS, drivers=["repairs"], max_lag=2, bootstraps=100
        ).compare("quiet")
