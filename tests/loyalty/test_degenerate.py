"""Panels that are barely panels: every study of loyalty uses them rightly, or refuses them in words."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError

UNITS, YEARS = 60, 8
PANEL = {"unit": "customer", "period": "year"}
STUDIES = {
    "distributed_lags": lambda f: cx.distributed_lags(f, **PANEL, outcome="loyalty", driver="satisfaction", lags=1),
    "carry_over": lambda f: cx.carry_over(
        f, **PANEL, outcome="loyalty", driver="satisfaction", max_lag=1, bootstraps=100
    ),
    "process_carry_over": lambda f: cx.process_carry_over(
        f, **PANEL, outcome="loyalty", drivers=["satisfaction", "repairs"], max_lag=2, bootstraps=100
    ),
    "streak_hazard": lambda f: cx.streak_hazard(
        f, **PANEL, satisfaction="satisfaction", left="left", threshold=5, max_streak=2
    ),
    "attrition": lambda f: cx.attrition(f, **PANEL, satisfaction="satisfaction", left="left"),
    "leaving_reasons": lambda f: cx.leaving_reasons(f, **PANEL, left="left", reason="reason"),
    "leaving_clusters": lambda f: cx.leaving_clusters(
        f, **PANEL, left="left", group="community", satisfaction="satisfaction", threshold=5, max_streak=2
    ),
    "retention_value": lambda f: cx.retention_value(
        f, **PANEL, left="left", margin="profit", cost_to_keep=1.0, discount=0.1
    ),
    "mediation": lambda f: cx.mediation(
        f, service="satisfaction", loyalty="loyalty", profit="profit", cluster="customer", bootstraps=200
    ),
}
LAGS = ("distributed_lags", "carry_over", "process_carry_over")
LEAVING = ("streak_hazard", "attrition", "leaving_reasons", "leaving_clusters", "retention_value")


@pytest.fixture(scope="module")
def frame():
    """Customers with scores, who leave (and say why) or vanish."""
    rng = np.random.default_rng(1)
    x, z = rng.normal(6, 1.5, (UNITS, YEARS)), rng.normal(6, 1, (UNITS, YEARS))
    y = 6 + 0.4 * (x - 6) + rng.normal(size=x.shape)
    unit, year = (axis.ravel() for axis in np.indices(x.shape))
    whole = pd.DataFrame(
        {
            "customer": unit,
            "community": np.array(list("ABCDEF"))[unit % 6],
            "year": 2010 + year,
            "satisfaction": x.ravel(),
            "repairs": z.ravel(),
            "loyalty": y.ravel(),
            "profit": 2 * y.ravel() + rng.normal(size=y.size),
        }
    )
    leaves, vanishes = rng.integers(3, YEARS + 3, UNITS), rng.integers(2, 20, UNITS)
    whole["left"] = (year == leaves[unit]).astype(int)
    whole["reason"] = np.where(whole["left"] == 1, np.where(unit % 2, "service", "price"), None)
    return whole[year <= np.minimum(leaves, vanishes)[unit]].reset_index(drop=True)


def answered(study, data):
    """Run a study, and see that it speaks, adds up, and leaves the frame alone."""
    before = data.copy(deep=True)
    result = STUDIES[study](data)
    pd.testing.assert_frame_equal(data, before)
    assert result.text("en")
    assert result.text("zh")
    assert result.sample.used + sum(n for _, n in result.sample.dropped) == len(data)
    return result


def refused(study, data, message):
    with pytest.raises(InputError, match=message):
        STUDIES[study](data)


@pytest.mark.parametrize("study", STUDIES)
def test_gaps_are_gaps(frame, study):
    hole = frame[(frame["year"] != 2012) | (frame["customer"] % 3 > 0)]
    result = answered(study, hole)
    reasons = {why.en: n for why, n in result.sample.dropped if n}
    if study in LAGS:
        assert reasons["a lag lies in a gap"] > 0
    if study == "streak_hazard":  # behind a gap nobody knows how long the run is
        assert reasons["length of the dissatisfied run not known: it begins at the unit's first row or after a gap"] > 0
    if study == "attrition":  # who answers again has not vanished
        assert result.table["vanished"].sum() == answered(study, frame).table["vanished"].sum()


ONE_PERIOD = dict.fromkeys((*LAGS, "leaving_clusters"), "period='year': all rows are of one period") | {
    "attrition": "no complete row lies before the panel's last period"
}


@pytest.mark.parametrize("study", STUDIES)
def test_one_period(frame, study):
    data = frame[frame["year"] == 2013]
    if study in ONE_PERIOD:
        refused(study, data, ONE_PERIOD[study])
        return
    result = answered(study, data)
    if study == "streak_hazard":  # nobody can have a run of two in one year
        assert result.table["at_risk"].tolist()[1:] == [0, 0]
    if study == "leaving_reasons":
        assert result.table["estimate"].sum() == pytest.approx(data["left"].mean())


ONE_UNIT = dict.fromkeys(LAGS, "is the only unit; a panel needs two") | {
    "leaving_clusters": "group='community': there must be at least two groups",
    "mediation": "5 complete rows are too few for 3 columns",
}


@pytest.mark.parametrize("study", STUDIES)
def test_one_unit(frame, study):
    left = frame[frame["left"] == 1]
    who = next(c for c in left["customer"] if frame[frame["customer"] == c]["satisfaction"].min() < 5)
    data = frame[frame["customer"] == who]
    if study in ONE_UNIT:
        refused(study, data, ONE_UNIT[study].replace("5 complete", rf"{len(data)} complete"))
        return
    result = answered(study, data)
    if study == "streak_hazard":  # a few rows say next to nothing, and their intervals say so
        known = result.table[result.table["at_risk"] > 0]
        assert (known["ci_high"] - known["ci_low"]).max() > 0.5
    if study == "leaving_reasons":
        assert result.table["estimate"].max() == 1


CONSTANT = dict.fromkeys(LAGS, "driver='satisfaction' never changes") | {
    "streak_hazard": "run from 6 to 6, so nobody is ever dissatisfied",
    "leaving_clusters": "run from 6 to 6, so nobody is ever dissatisfied",
    "attrition": "satisfaction='satisfaction' never changes within a period",
    "mediation": "service='satisfaction' never changes",
}


@pytest.mark.parametrize("study", CONSTANT)
def test_a_score_that_never_changes_is_refused(frame, study):
    refused(study, frame.assign(satisfaction=6.0), CONSTANT[study])


@pytest.mark.parametrize("study", [name for name in STUDIES if name != "mediation"])
def test_two_rows_of_a_unit_in_a_period_are_refused_by_name(frame, study):
    refused(study, pd.concat([frame, frame.iloc[[5]]], ignore_index=True), r"data: \S+ has two rows in 2015")


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("writing", ["dates", "texts", "periods"])
def test_dates_are_years(frame, study, writing):
    year = frame["year"].astype(str)
    when = {
        "dates": pd.to_datetime(year + "-03-31"),
        "texts": year + "年",
        "periods": pd.PeriodIndex(year, freq="Y"),
    }[writing]
    dated, plain = (STUDIES[study](data).table for data in (frame.assign(year=when), frame))
    pd.testing.assert_frame_equal(dated, plain)


YES = {"en": ("yes", "no"), "zh": ("是", "否"), "bool": (True, False)}


@pytest.mark.parametrize("study", [*LAGS, "mediation"])
@pytest.mark.parametrize("language", YES)
def test_loyalty_as_yes_and_no(frame, study, language):
    loyal = frame["loyalty"] > 6
    column = loyal.map(dict(zip((True, False), YES[language], strict=True)))
    if language == "bool":
        result = answered(study, frame.assign(loyalty=column))
        pd.testing.assert_frame_equal(result.table, STUDIES[study](frame.assign(loyalty=loyal.astype(int))).table)
        return
    role = "loyalty" if study == "mediation" else "outcome"
    refused(study, frame.assign(loyalty=column), f"{role}='loyalty': row 0 holds .*; code yes as 1 and no as 0")


@pytest.mark.parametrize("study", LEAVING)
@pytest.mark.parametrize("language", YES)
def test_left_as_yes_and_no(frame, study, language):
    told = (frame["left"] == 1).map(dict(zip((True, False), YES[language], strict=True)))
    pd.testing.assert_frame_equal(STUDIES[study](frame.assign(left=told)).table, STUDIES[study](frame).table)


@pytest.mark.parametrize("study", [*LAGS, "streak_hazard", "attrition", "leaving_reasons", "leaving_clusters"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda f: f[:0], "data has no rows"),
        (lambda f: f.assign(customer=None), "no row has both its unit and its period"),
        (lambda f: f.assign(year=f["year"] + 0.5), "period='year'.*whole number"),
    ],
)
def test_no_panel_at_all(frame, study, data, message):
    refused(study, data(frame), message)
