"""Leaving by length of the dissatisfied run: hand counts, known truth, invariances, degenerate panels, sentences."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.loyalty import presence
from cxresearch.numerics import proportions

NAMES = {"unit": "customer", "period": "year", "satisfaction": "satisfaction", "left": "left"}


@pytest.fixture(scope="module")
def simulated():
    return cx.simulate.leaving(customers=1500, years=8, contagion=0.0, dropout=0.0)


@pytest.fixture(scope="module")
def result(simulated):
    return cx.streak_hazard(simulated[0], **NAMES, threshold=5, group="community")


def small():
    """Three customers: low is 1, high is 9, and the threshold lies between."""
    rows = [
        ("a", 2010, 9, 0), ("a", 2011, 1, 0), ("a", 2012, 1, 0), ("a", 2013, 1, 1),
        ("b", 2010, 1, 0), ("b", 2011, 9, 0), ("b", 2013, 1, 0), ("b", 2014, 1, 0),
        ("c", 2010, 9, 0), ("c", 2011, 9, 1),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["customer", "year", "satisfaction", "left"])


def test_runs_are_counted_by_hand():
    result = cx.streak_hazard(small(), **NAMES, threshold=5, max_streak=2)
    # a: runs 0 1 2 2; b: unknown 0, then after the gap unknown and 2; c: 0 0
    assert result.table["at_risk"].tolist() == [4, 1, 3]
    assert result.table["left"].tolist() == [1, 0, 1]
    low, high = proportions.interval(1.0, 3.0, 0.95)
    last = result.table[["hazard", "ci_low", "ci_high"]].to_numpy()[2]
    assert last == pytest.approx([1 / 3, float(low), float(high)])
    assert result.sample.used == 8
    assert sum(n for _, n in result.sample.dropped) == 2
    assert dict(result.sample.counts) == {"units": 3, "periods": 5, "leavers": 2}


def test_restart_counts_from_the_first_row_and_after_a_gap():
    result = cx.streak_hazard(small(), **NAMES, threshold=5, max_streak=2, restart=True)
    assert result.table["at_risk"].tolist() == [4, 3, 3]
    assert result.sample.used == 10


def test_a_missing_score_is_a_gap():
    frame = small()
    frame.loc[1, "satisfaction"] = np.nan
    result = cx.streak_hazard(frame, **NAMES, threshold=5, max_streak=2)
    # a's run behind the gap is known only once it is two periods long
    assert result.table["at_risk"].tolist() == [4, 0, 2]
    assert np.isnan(result.table.loc[1, "hazard"])
    assert any("Nobody was seen with a run of 1" in note.en for note in result.notes)


def test_who_is_not_known_to_have_left_is_dropped_and_still_lengthens_the_run():
    frame = small().assign(left=lambda f: f["left"].astype(float))
    frame.loc[1, "left"] = np.nan
    result = cx.streak_hazard(frame, **NAMES, threshold=5, max_streak=2)
    assert result.table["at_risk"].tolist() == [4, 0, 3]
    assert (presence.NO_LEFT, 1) in result.sample.dropped


def test_recovers_the_chances_it_was_simulated_with(result, simulated):
    truth = simulated[1]
    assert (result.table["ci_low"] <= np.array(truth["hazards"])).all()
    assert (result.table["ci_high"] >= np.array(truth["hazards"])).all()
    low, high = (result.table[f"odds_ratio_ci_{end}"].to_numpy()[1:] for end in ("low", "high"))
    assert ((low <= truth["odds_ratios"][1:]) & (high >= truth["odds_ratios"][1:])).all()


def test_odds_ratios_match_statsmodels(result, simulated):
    frame = simulated[0].sort_values(["customer", "year"])
    run, known = [], []
    for _, own in frame.groupby("customer"):
        length, sure = 0, False
        for low in own["satisfaction"] < 5:
            length, sure = (length + 1, sure) if low else (0, True)
            run.append(length)
            known.append(sure or length >= 4)
    run, known = np.minimum(run, 4), np.array(known)
    frame = frame[known].assign(run=run[known])
    x = np.column_stack([frame["run"].to_numpy()[:, None] == np.arange(1, 5), pd.get_dummies(frame["year"])])
    peer = sm.Logit(frame["left"].to_numpy(), x.astype(float)).fit(
        disp=0, method="newton", tol=1e-12, cov_type="cluster", cov_kwds={"groups": frame["customer"].to_numpy()}
    )
    np.testing.assert_allclose(result.table["odds_ratio"][1:], np.exp(peer.params[:4]), rtol=1e-7)
    width = np.log(result.table["odds_ratio_ci_high"] / result.table["odds_ratio"])[1:]
    np.testing.assert_allclose(width, 1.9615 * peer.bse[:4], rtol=1e-3)  # t with 1,492 degrees of freedom


def test_survival_is_a_product_along_the_scenario(result):
    table = result.survival(starts=(0, 1, 3), periods=5)
    hazard = result.table["hazard"].to_numpy()
    last = table[table["period"] == 5].set_index("start")["estimate"]
    assert last[0] == pytest.approx((1 - hazard[0]) ** 5)
    assert last[1] == pytest.approx(np.prod(1 - hazard[[1, 2, 3, 4, 4]]))
    assert last[3] == pytest.approx(np.prod(1 - hazard[[0, 0, 1, 2, 3]]))
    assert ((table["ci_low"] <= table["estimate"]) & (table["estimate"] <= table["ci_high"])).all()


def test_survival_repeats_itself_with_its_seed(result):
    pd.testing.assert_frame_equal(result.survival(), result.survival())


def test_leavers_are_those_whose_run_is_known_whatever_its_length(result):
    assert result.leavers["share"].sum() == pytest.approx(1)
    assert result.leavers["n"].sum() < result.table["left"].sum()
    assert result.leavers["n"].iloc[-1] == result.table["left"].iloc[-1]


def test_sensitivity_agrees_with_a_study_of_its_own(result, simulated):
    table = result.sensitivity([4.5, 5, 5.5])
    own = cx.streak_hazard(simulated[0], **NAMES, threshold=5.5).table.iloc[-1]
    assert table.iloc[1]["hazard"] == result.table["hazard"].iloc[-1]
    assert table.iloc[2][["hazard", "odds_ratio"]].tolist() == own[["hazard", "odds_ratio"]].tolist()
    assert (np.diff(table["share_dissatisfied"]) > 0).all()


def test_a_short_scale_offers_its_neighbouring_points(simulated):
    frame = simulated[0].assign(satisfaction=simulated[0]["satisfaction"].round().clip(2, 9))
    result = cx.streak_hazard(frame, **NAMES, threshold=4.5)
    assert result.sensitivity()["threshold"].tolist() == [3, 4, 4.5, 6, 7]


def test_a_threshold_nobody_stays_below_gives_an_empty_line(result):
    line = result.sensitivity([float(result.panel.satisfaction.min()) + 1e-9]).iloc[0]
    assert line["at_risk"] == 0
    assert np.isnan(line["hazard"])


def test_verdict_follows_from_the_intervals(result):
    low, high = result.chance()[1:]
    assert result.verdict(probable=low - 0.01) == "supported"
    assert result.verdict(probable=(low + high) / 2) == "undecided"
    assert result.verdict(probable=high + 0.01) == "contradicted"
    h = result.table["hazard"].iloc[-1]
    assert result.chance(3)[0] == pytest.approx(1 - (1 - h) ** 3)
    assert result.verdict(probable=high + 0.01, within=3) == "supported"


def test_no_effect_is_not_taken_for_one():
    frame, _ = cx.simulate.leaving(customers=1500, odds_ratios=(1, 1, 1, 1), hazard=0.1, contagion=0, seed=3)
    result = cx.streak_hazard(frame, **NAMES, threshold=5)
    assert result.verdict() == "contradicted"
    assert result.tests["p_value"].min() > 0.05


def test_covariates_are_held_constant_and_shown(simulated):
    result = cx.streak_hazard(simulated[0], **NAMES, threshold=5, covariates=["loyalty"])
    assert result.controls["covariate"].tolist() == ["loyalty"]
    assert 0.8 < result.controls["odds_ratio"].iloc[0] < 1.25
    assert "period and loyalty held equal" in result.text()


def test_clusters_widen_intervals_where_customers_leave_in_flocks():
    frame, _ = cx.simulate.leaving(customers=2500, years=6, contagion=0.1)
    alone = cx.streak_hazard(frame, **NAMES, threshold=5).table
    flock = cx.streak_hazard(frame, **NAMES, threshold=5, cluster="community").table
    assert flock["hazard"].tolist() == alone["hazard"].tolist()
    width = (flock["ci_high"] - flock["ci_low"]) / (alone["ci_high"] - alone["ci_low"])
    assert width.iloc[0] > 1.4


def test_equal_weights_change_nothing(result, simulated):
    frame = simulated[0].assign(w=2.5)
    weighted = cx.streak_hazard(frame, **NAMES, threshold=5, weight="w")
    pd.testing.assert_frame_equal(weighted.table, result.table)
    assert any("weighted" in note.en for note in weighted.notes)


def test_rows_of_any_order_index_names_and_units_of_time_give_the_same(result, simulated):
    frame = simulated[0].sample(frac=1, random_state=1).reset_index(drop=True)
    frame.index = frame.index[::-1] + 7
    frame["year"] = pd.to_datetime(frame["year"].astype(str) + "-06-30")
    frame["left"] = frame["left"].map({0: "否", 1: "是"})
    frame = frame.rename(columns={"customer": "客户", "year": "hazard", "satisfaction": "streak", "left": "是否流失"})
    before = frame.copy()
    again = cx.streak_hazard(
        frame, unit="客户", period="hazard", satisfaction="streak", left="是否流失", threshold=5, group="community"
    )
    pd.testing.assert_frame_equal(again.table, result.table)
    pd.testing.assert_frame_equal(frame, before)


@settings(max_examples=15, deadline=None)
@given(shift=st.floats(-50, 50), scale=st.sampled_from([0.1, 1, 20]))
def test_units_of_measurement_do_not_matter(shift, scale):
    frame = small()
    moved = frame.assign(satisfaction=frame["satisfaction"] * scale + shift)
    one = cx.streak_hazard(frame, **NAMES, threshold=5, max_streak=2).table
    two = cx.streak_hazard(moved, **NAMES, threshold=5 * scale + shift, max_streak=2).table
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 0], [0, 1, 0]),
        ([True, False, None], [1, 0, np.nan]),
        (["yes", "No ", None], [1, 0, np.nan]),
        (["是", "否", "是"], [1, 0, 1]),
        (["流失", "在网", ""], None),
        (["left", "stayed", "maybe"], None),
        ([0, 1, 2], None),
        ([0.0, 1.0, 0.5], None),
    ],
)
def test_left_is_read_or_refused(values, expected):
    column = pd.Series(values, name="gone", index=[5, 6, 7])
    if expected is None:
        with pytest.raises(InputError, match=r"gone.*row 7"):
            presence.yes_or_no(column, "left")
    else:
        np.testing.assert_array_equal(presence.yes_or_no(column, "left"), expected)


def changed(**columns):
    return small().assign(**columns)


@pytest.mark.parametrize(
    ("frame", "more", "message"),
    [
        (small(), {"left": "lefft"}, "did you mean 'left'"),
        (small(), {"threshold": 0.5}, "nobody is ever dissatisfied"),
        (small(), {"threshold": 10}, "everybody is always dissatisfied"),
        (small(), {"threshold": "5"}, "threshold='5'"),
        (small(), {"max_streak": 0}, "max_streak=0"),
        (small(), {"draws": 3}, "draws=3"),
        (small(), {"covariates": ["satisfaction"]}, "is the satisfaction already"),
        (changed(left=0), {}, "nobody ever leaves"),
        (changed(left=[0, 0, 1, 1, 0, 0, 0, 0, 0, 0]), {}, "left in 2012 .row 2., yet row 3 is later"),
        (changed(year=[2010, 2011, 2012, 2012, 2010, 2011, 2013, 2014, 2010, 2011]), {}, "two rows in 2012"),
        (changed(satisfaction=np.nan), {}, "every row is empty"),
        (changed(satisfaction="good"), {}, "numbers are needed"),
        (changed(w=[0.0, *range(1, 10)]), {"weight": "w"}, "row 0 is not above 0"),
        (small()[:0], {}, "no rows"),
        (changed(customer=None), {}, "both its unit and its period"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(frame, more, message):
    with pytest.raises(InputError, match=message):
        cx.streak_hazard(frame, **(NAMES | {"threshold": 5} | more))


def test_a_covariate_that_never_changes_is_named(simulated):
    frame = simulated[0].assign(one=1.0, again=simulated[0]["loyalty"] * 2)
    with pytest.raises(InputError, match="covariates='one' never changes"):
        cx.streak_hazard(frame, **NAMES, threshold=5, covariates=["one"])
    with pytest.raises(InputError, match="covariates='again' is explained"):
        cx.streak_hazard(frame, **NAMES, threshold=5, covariates=["loyalty", "again"])


def test_a_row_per_customer_in_one_period_is_enough(simulated):
    frame = simulated[0][simulated[0]["year"] == 2015]
    result = cx.streak_hazard(frame, **NAMES, threshold=5, restart=True)
    assert result.table["at_risk"].iloc[2:].tolist() == [0, 0, 0]
    assert "no customers were seen to be dissatisfied for 4" in result.text().lower()
    assert "没有连续" in result.text("zh")
    assert result.verdict() == "undecided"
    result.plot("zh")


def test_nobody_left_after_so_long_a_run():
    frame, _ = cx.simulate.leaving(customers=400, odds_ratios=(1, 1, 1, 1e-9), contagion=0, dropout=0)
    result = cx.streak_hazard(frame, **NAMES, threshold=5)
    last = result.table.iloc[-1]
    assert last["odds_ratio"] == 0
    assert last["odds_ratio_ci_low"] == 0
    assert 0 < last["odds_ratio_ci_high"] < 2
    assert any("only its upper end is estimated" in note.en for note in result.notes)
    assert result.verdict() == "contradicted"
    assert "times" in result.text()


def test_text_holds_the_numbers_in_both_languages(result):
    last, first = result.table.iloc[-1], result.table.iloc[0]
    for language in ("en", "zh"):
        text = result.text(language)
        for value in (last["hazard"], last["ci_low"], last["ci_high"]):
            assert f"{100 * value:.0f} %" in text
        assert f"{100 * first['hazard']:.1f} %" in text
        assert f"{result.sample.used:,}" in text
        assert f"{last['odds_ratio']:.0f}" in text
    assert result.text().startswith("Of customers dissatisfied for 4 years or longer in a row, ")
    assert result.text("zh").startswith("连续不满意达 4 年或更久的客户，当年流失 ")


def test_focus_speaks_of_that_group_first(result, simulated):
    own = cx.streak_hazard(simulated[0][simulated[0]["community"] == "C05"], **NAMES, threshold=5)
    both = result.compare("C05")
    mine = both[both["part"] == "focus"].reset_index(drop=True)
    pd.testing.assert_series_equal(mine["hazard"], own.table["hazard"])
    assert mine["at_risk"].sum() + both[both["part"] == "rest"]["at_risk"].sum() == result.sample.used
    assert result.text(focus="C05").startswith("C05 (")
    assert result.text("zh", focus="C05").startswith("C05（")
    assert "All together: of customers" in result.text(focus="C05")
    with pytest.raises(InputError, match="did you mean"):
        result.text(focus="C5")
    with pytest.raises(InputError, match="focus needs groups"):
        cx.streak_hazard(simulated[0], **NAMES, threshold=5).text(focus="C05")


def test_tables_read_in_both_languages(result, simulated):
    shown = result.readable("zh", truth=simulated[1]["hazards"])
    assert "流失率" in shown.frame.columns
    assert "模拟的真值" in shown.frame.columns
    assert "dissatisfied in a row" in result.readable(focus="C05").frame.columns
    assert "流失客户" in result.sample.text("zh")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figures_say_the_finding(result, simulated, language):
    truth = simulated[1]["hazards"]
    hazard = result.plot(language, truth=truth, focus="C05")
    assert hazard.axes[0].get_title(loc="left").startswith("C05")
    assert len(hazard.axes[0].get_xticks()) == 5
    survival = result.plot_survival(language, truth=truth)
    assert "%" in survival.axes[0].get_title(loc="left")
    assert len(result.plot_sensitivity(language).axes[0].get_xticks()) == 5


def test_periods_of_two_years_are_named_as_such(simulated):
    frame = simulated[0][simulated[0]["year"] % 2 == 1]
    result = cx.streak_hazard(frame, **NAMES, threshold=5, max_streak=2)
    assert "dissatisfied for 4 years or longer in a row" in result.text()
    assert "leave in that period" in result.text()
