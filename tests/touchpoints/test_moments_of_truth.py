"""Moments of truth: the documents' figure, the closed forms, and blueprints of one's own."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.numerics import encounters

HOTEL, TRUTH = cx.simulate.blueprint()
COLUMNS = {
    "step": "step", "role": "role", "stage": "stage", "tool": "tool", "failure": "failure", "recovery": "recovery",
}  # fmt: skip
FULL = COLUMNS | {"observed": "observed", "group": "phase", "names": TRUTH["names"]}


def value(result, quantity, column="per_customer"):
    return float(result.row(quantity)[column])


def test_the_documents_hotel_makes_4680_contacts_a_day():
    result = cx.moments_of_truth()
    row = result.row("contacts")
    assert (row["per_day"], row["per_year"]) == (4680, 1_708_200)
    assert "4,680 contacts a day and 1,708,200 a year" in result.text()
    assert "每天产生 4,680 次接触、每年 1,708,200 次" in result.text("zh")
    assert any("as in the documents" in note.en for note in result.notes)


def test_guests_and_nights_move_the_contacts():
    result = cx.moments_of_truth(guests_per_room=1.5, nights=2.0)
    assert value(result, "contacts", "per_day") == pytest.approx(200 * 0.6 * 1.5 / 2 * 39)
    assert "1.5 guests per room staying 2 nights" in result.text()
    assert "每间 1.5 位客人、每次住 2 晚" in result.text("zh")
    hall = cx.moments_of_truth(customers=400, moments=6, days=250)
    assert value(hall, "contacts", "per_year") == 400 * 6 * 250
    assert hall.text().startswith("400 customers a day, each with 6 moments")


def test_failures_of_equal_moments_follow_the_binomial():
    result = cx.moments_of_truth(moments=20, failure=0.03, recovery=0.4)
    assert value(result, "failures") == pytest.approx(20 * 0.03)
    assert value(result, "customers_failed") == pytest.approx(1 - 0.97**20)
    assert value(result, "attempts") == pytest.approx(19 * 0.03)
    assert value(result, "made_good") == pytest.approx(19 * 0.03 * 0.97 * 0.4)
    assert value(result, "lasting") == pytest.approx(value(result, "failures") - value(result, "made_good"))


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), min_size=1, max_size=6).filter(
        lambda steps: any(front for *_, front in steps)
    )
)
def test_chain_is_that_of_listing_every_course(steps):
    """Every combination of steps that fail and can be made good, with its chance."""
    chance, mended, front = (np.array(column) for column in zip(*steps, strict=True))
    shown = np.flatnonzero(front)
    met = np.array([np.searchsorted(shown, at) if at <= shown[-1] else -1 for at in range(len(steps))])
    found = encounters.chain(chance, mended, met, len(shown))
    any_failure = lasting = good = 0.0
    for course in product(range(3), repeat=len(steps)):  # fine, fails and mendable, fails for good
        weight = np.prod([[1 - p, p * r, p * (1 - r)][how] for how, p, r in zip(course, chance, mended, strict=True)])
        failed = [any(how > 0 for how, at in zip(course, met, strict=True) if at == k) for k in range(len(shown))]
        stuck = [any(how == 2 for how, at in zip(course, met, strict=True) if at == k) for k in range(len(shown))]
        saved = [failed[k] and not stuck[k] and k + 1 < len(shown) and not failed[k + 1] for k in range(len(shown))]
        any_failure += weight * any(failed)
        good += weight * sum(saved)
        lasting += weight * any(f and not s for f, s in zip(failed, saved, strict=True))
    np.testing.assert_allclose(
        [found.met[-1], found.made_good.sum(), found.lasting[-1]], [any_failure, good, lasting], atol=1e-12
    )


def test_drawn_guests_agree_with_the_closed_form():
    result = cx.moments_of_truth(HOTEL, **FULL, confidence=0.999)
    table = result.check(cx.simulate.stays(HOTEL, guests=20_000)[0])
    assert (table["ci_low"] < table["expected"]).all()
    assert (table["expected"] < table["ci_high"]).all()
    plain = cx.moments_of_truth(failure=0.05, recovery=0.5, confidence=0.999)
    table = plain.check(cx.simulate.stays(guests=20_000, failure=0.05)[0])
    assert table["expected"].between(table["ci_low"], table["ci_high"]).all()
    assert "drawn" in repr(plain.readable_check(cx.simulate.stays(guests=50)[0]))


def test_back_stage_failures_are_met_at_the_next_front_stage():
    frame = pd.DataFrame(
        {
            "moment": ["kitchen", "table", "table", "till", "dishes"],
            "stage": ["back", "back", "front", "front", "back"],
            "failure": [0.1, 0.2, 0.3, 0.05, 0.4],
        }
    )
    result = cx.moments_of_truth(frame, stage="stage", failure="failure")
    assert list(result.steps["met_at"].fillna("nowhere")) == ["table", "table", "table", "till", "nowhere"]
    assert list(result.moments["moment"]) == ["table", "till"]
    table = result.moments.set_index("moment")
    assert table.loc["table", "failure"] == pytest.approx(1 - 0.9 * 0.8 * 0.7)
    assert table.loc["table", "from_back"] == pytest.approx(0.3 / 0.6)
    assert value(result, "from_back_stage") == pytest.approx(0.3)
    assert any("1 back-stage steps come after" in note.en for note in result.notes)
    result.plot()


def test_a_moment_that_comes_back_is_met_again():
    frame = pd.DataFrame({"moment": ["meal", "walk", "meal"], "failure": [0.1, 0.2, 0.3]})
    result = cx.moments_of_truth(frame, failure="failure")
    assert list(result.moments["failure"]) == pytest.approx([0.1, 0.2, 0.3])
    assert value(result, "contacts") == 3


def test_spared_customers_are_those_of_a_blueprint_without_the_moments_failures():
    result = cx.moments_of_truth(HOTEL, **FULL)
    worst = result.moments.sort_values("spared_per_day").iloc[-1]
    steps = result.steps["met_at"] == worst["moment"]
    mended = cx.moments_of_truth(HOTEL.assign(failure=HOTEL["failure"].where(~steps, 0.0)), **FULL)
    fewer = value(result, "customers_lasting", "per_day") - value(mended, "customers_lasting", "per_day")
    assert worst["spared_per_day"] == pytest.approx(fewer)
    assert f"“{worst['moment']}” first" in result.plot().get_axes()[0].get_title(loc="left")


def test_needed_chances_reach_the_target_and_follow_the_weights():
    weight = pd.Series([1.0, 2.0, 4.0])
    frame = pd.DataFrame({"moment": ["a", "b", "c"], "failure": [0.1, 0.1, 0.1], "weight": weight})
    result = cx.moments_of_truth(frame, failure="failure", weight="weight", target=0.05)
    table = result.moments
    assert 1 - (1 - table["needed"]).prod() == pytest.approx(0.05)
    hazard = -np.log1p(-table["needed"])
    np.testing.assert_allclose(hazard * weight, hazard[0])
    np.testing.assert_allclose(table["gap"], 0.1 - table["needed"])
    assert table["harm_share"].sum() == pytest.approx(1)
    assert "3 of 3 fail more often than they may" in result.text()
    assert "3 个时刻中有 3 个超标" in result.text("zh")


def test_interval_of_one_watched_step_is_poissons():
    from scipy.stats import chi2

    frame = pd.DataFrame({"moment": ["a"], "failure": [0.02], "seen": [500]})
    row = cx.moments_of_truth(frame, failure="failure", observed="seen", customers=100).row("failures")
    assert row["ci_low"] == pytest.approx(100 * chi2.ppf(0.025, 20) / 2 / 500)
    assert row["ci_high"] == pytest.approx(100 * chi2.ppf(0.975, 22) / 2 / 500)


def test_nothing_seen_to_fail_still_has_an_upper_end():
    frame = pd.DataFrame({"moment": ["a", "b"], "failure": 0.0, "seen": [100, 400]})
    result = cx.moments_of_truth(frame, failure="failure", observed="seen", customers=100)
    row = result.row("failures")
    assert (row["per_day"], row["ci_low"]) == (0, 0)
    assert row["ci_high"] == pytest.approx(100 * 3.689 / 100, rel=1e-3)
    assert "Nothing fails" in result.plot().get_axes()[0].get_title(loc="left")
    result.text("zh")


def test_sensitivity_moves_one_number_at_a_time():
    result = cx.moments_of_truth(recovery_cost=20)
    table = result.sensitivity("contacts").set_index("input")
    assert table.loc["rooms", ["at_low", "at_high"]].tolist() == pytest.approx([0.8 * 4680, 1.2 * 4680])
    assert table.loc["failure", "at_high"] == 4680
    assert table.loc["moments", "at_high"] == 120 * 47
    own = result.sensitivity("customers_failed", {"failure": (0.0, 0.1)}).set_index("input")
    assert own.loc["failure", ["at_low", "at_high"]].tolist() == pytest.approx([0, 120 * (1 - 0.9**39)])
    assert own.index[0] == "failure"
    cost = result.sensitivity("recovery_cost").set_index("input").loc["recovery_cost"]
    assert cost["at_high"] == pytest.approx(1.2 * value(result, "recovery_cost", "per_day"))
    assert "Trying to make failures good costs 912 a day" in result.text()
    with pytest.raises(InputError, match="did you mean 'failure'"):
        result.sensitivity(ranges={"failures": (0, 1)})
    with pytest.raises(InputError, match="lowest and highest"):
        result.sensitivity(ranges={"occupancy": (0.5, 1.5)})


def test_failures_add_up_by_role_and_group():
    result = cx.moments_of_truth(HOTEL, **FULL)
    for column in ("role", "tool", "stage", "group"):
        table = result.by(column)
        assert table["share"].sum() == pytest.approx(1)
        assert table["steps"].sum() == len(HOTEL)
    assert result.moments["failures_per_day"].sum() == pytest.approx(value(result, "failures", "per_day"))
    groups = dict(zip(HOTEL["moment"], HOTEL["phase"], strict=True))
    other = cx.moments_of_truth(HOTEL, **COLUMNS, groups=groups)
    pd.testing.assert_frame_equal(other.by("group"), result.by("group"))
    with pytest.raises(InputError, match="the blueprint does not say"):
        cx.moments_of_truth().by("role")


def test_the_developers_touchpoints_can_be_grouped():
    points, grouping = cx.read("touchpoints"), cx.read("touchpoint_groups")
    assert list(grouping["id"]) == list(points["id"])
    assert (grouping["stage"] == points["stage"]).all()
    assert set(grouping["seven_p"]) <= {
        "product", "price", "place", "promotion", "people", "environment", "process"
    }  # fmt: skip
    assert set(grouping["four_factor"]) <= {"product", "price", "channel", "competitors"}
    result = cx.moments_of_truth(
        points, moment="id", groups=dict(zip(grouping["id"], grouping["stage"], strict=True)), customers=10
    )
    assert result.by("group").set_index("group")["steps"].to_dict() == {
        "service": 14, "marketing": 5, "product": 4, "brand": 2
    }  # fmt: skip


def test_focus_speaks_of_a_moment_first():
    result = cx.moments_of_truth(HOTEL, **FULL)
    row = result.moment("dish")
    assert result.text(focus="dish").startswith(f"“dish” (moment {row['order']} of 39)")
    assert result.text("zh", focus="菜品").startswith(f"“菜品”（第 {row['order']} 个时刻，共 39 个）")
    with pytest.raises(InputError, match="did you mean 'dish'"):
        result.text(focus="dishh")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figures_and_tables(language, tmp_path):
    result = cx.moments_of_truth(HOTEL, **FULL, target=0.1)
    plain = cx.moments_of_truth()
    figures = [result.plot(language, focus="dish"), result.plot_curve(language, focus="dish"), plain.plot(language),
               plain.plot_sensitivity(language, quantity="failures", ranges={"rooms": (100, 300)})]  # fmt: skip
    for figure in figures:
        figure.savefig(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size < 60_000
    for table in (result.readable(language), result.readable_moments(language), result.readable_steps(language),
                  result.readable_by("role", language)):  # fmt: skip
        assert "_" not in repr(table)
    assert result.remarks(language)
    assert result.sample.text(language)


def test_words_are_chinese_where_they_should_be():
    result = cx.moments_of_truth(HOTEL, **FULL)
    assert "登记" in result.text("zh")
    assert "registration" not in result.text("zh")


def test_rows_without_a_chance_are_dropped_and_counted():
    frame = HOTEL.astype({"moment": object}).copy()
    frame.loc[0, "failure"] = np.nan
    frame.loc[3, "recovery"] = np.nan
    frame.loc[5, "moment"] = None
    frame.loc[8, "observed"] = 0
    before = frame.copy()
    result = cx.moments_of_truth(frame, **FULL)
    assert [n for _, n in result.sample.dropped] == [1, 1, 1, 1]
    assert result.sample.used == len(HOTEL) - 4
    pd.testing.assert_frame_equal(frame, before)


def test_chinese_columns_and_stages():
    frame = pd.DataFrame({"时刻": ["入住", "入住"], "台": ["后台", "前台"], "失误": [0.1, 0.2]})
    result = cx.moments_of_truth(frame, moment="时刻", stage="台", failure="失误", recovery=0.0)
    assert value(result, "customers_failed") == pytest.approx(1 - 0.9 * 0.8)
    assert "入住" in result.text("zh")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"moment": "moments"}, "did you mean 'moment'"),
        ({"failure": 1.5}, "failure=1.5 must be a chance from 0 to 1"),
        ({"failure": "observed"}, "a chance lies between 0 and 1"),
        ({"stage": "tool"}, "a step is 'front' or 'back' stage"),
        ({"occupancy": 60}, "must be a share of rooms up to 1"),
        ({"rooms": 0}, "rooms=0 must be a number above 0"),
        ({"days": 400}, "366 at most"),
        ({"target": 10}, "target=10 must be a share"),
        ({"recovery_cost": -1}, "must be an amount of money"),
        ({"groups": {"x": "y"}}, "say the same twice"),
        ({"groups": {"x": "y"}, "group": None}, "none of its moments"),
        ({"groups": ["x"], "group": None}, "groups must map moments to groups"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"weight": "failure"}, "needs one number above 0"),
        ({"group": "step"}, "it needs one group"),
    ],
)
def test_what_cannot_be_used_is_refused(change, told):
    with pytest.raises(InputError, match=told):
        cx.moments_of_truth(HOTEL, **(FULL | change))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"moments": 0}, "moments=0 must be a whole number"),
        ({"failure": "failure"}, "there is no blueprint; give a chance"),
        ({"role": "role"}, "names a column, but there is no blueprint"),
    ],
)
def test_without_a_blueprint_columns_are_refused(given, told):
    with pytest.raises(InputError, match=told):
        cx.moments_of_truth(**given)


def test_empty_and_back_stage_only_blueprints_are_refused():
    with pytest.raises(InputError, match="no step with a moment"):
        cx.moments_of_truth(HOTEL.assign(failure=np.nan), failure="failure")
    with pytest.raises(InputError, match="no step is on the front stage"):
        cx.moments_of_truth(HOTEL.assign(stage="back"), stage="stage")
    with pytest.raises(InputError, match="data must be a pandas DataFrame"):
        cx.moments_of_truth([1, 2])


def test_simulated_blueprint_and_stays_say_what_they_are():
    frame = cx.read("simulated/blueprint")
    assert TRUTH["moments"] == cx.moments_of_truth(frame, stage="stage").row("contacts")["per_customer"] == 39
    labels = {label for column in ("phase", "moment", "step", "role", "stage") for label in frame[column]}
    assert labels <= set(TRUTH["names"])
    assert cx.simulate.blueprint(failure=0.0)[0]["failure"].sum() == 0
    assert cx.simulate.stays(failure=0.0, guests=10)[0]["failures"].sum() == 0
    with pytest.raises(InputError, match="chances from 0 to 1"):
        cx.simulate.stays(failure=2.0)
    with pytest.raises(InputError, match="failure=-1"):
        cx.simulate.blueprint(failure=-1)
