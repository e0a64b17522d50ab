"""`cx.benchmark` on known truth, peers, invariances and bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.language import Words
from cxresearch.numerics.multiplicity import holm

NUMBERS = ["mean", "se", "shrunken", "ci_low", "ci_high", "rank", "rank_low", "rank_high", "wrong_side"]


@pytest.fixture
def answers():
    """One row per answer: 10 halls × 60 answers; the first is worse, the last better, the rest alike."""
    rng = np.random.default_rng(7)
    level = np.r_[-0.8, np.zeros(8), 0.8]
    hall = np.repeat(np.arange(10), 60)
    return pd.DataFrame({"hall": [f"H{h}" for h in hall], "score": 7 + level[hall] + rng.normal(size=600)})


@pytest.fixture
def rated():
    """Aggregated: 12 stores × 2 touchpoints; on "till" store S00 is bad, on "door" all are alike."""
    rng = np.random.default_rng(11)
    rows = []
    for touchpoint, bad in (("till", 0.55), ("door", 0.95)):
        for store in range(12):
            cases = int(rng.integers(40, 300))
            p = bad if store == 0 else 0.95
            rows.append((f"S{store:02}", touchpoint, rng.binomial(cases, p) / cases, cases))
    return pd.DataFrame(rows, columns=["store", "touchpoint", "good", "cases"])


def of(result, touchpoint=None):
    table = result.table if touchpoint is None else result.table[result.table["touchpoint"] == touchpoint]
    return table.set_index("unit").sort_index()


def test_the_units_that_differ_are_flagged_and_the_others_are_not(answers):
    table = of(cx.benchmark(answers, unit="hall", score="score"))
    assert table["signal"].tolist() == ["below", *["expected"] * 8, "above"]
    assert table.loc["H0", ["rank", "rank_low", "rank_high"]].tolist() == [10, 10, 10]
    assert table.loc["H9", ["rank", "rank_low", "rank_high"]].tolist() == [1, 1, 1]
    assert (table["rank_low"] <= table["rank"]).all()
    assert (table["rank"] <= table["rank_high"]).all()


def test_columns_are_the_announced_ones(answers):
    result = cx.benchmark(answers, unit="hall", score="score")
    assert result.table.columns.tolist() == [
        "touchpoint", "unit", "n", "mean", "se", "shrunken", "ci_low", "ci_high", "rank", "rank_low", "rank_high",
        "signal", "suppressed", "wrong_side",
    ]  # fmt: skip
    assert result.reliability.columns.tolist()[:5] == [
        "touchpoint", "between_variance", "within_variance", "reliability", "n_for_reliability_0_7",
    ]  # fmt: skip


def test_test_of_no_difference_matches_scipy_f_oneway(answers):
    row = cx.benchmark(answers, unit="hall", score="score").reliability.iloc[0]
    groups = [g["score"].to_numpy() for _, g in answers.groupby("hall")]
    assert row["p_value"] == pytest.approx(stats.f_oneway(*groups).pvalue, rel=1e-9)
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (600 - 10)
    assert row["within_variance"] == pytest.approx(within, rel=0.01)


def test_standard_errors_come_from_the_pooled_variance(answers):
    table = of(cx.benchmark(answers, unit="hall", score="score"))
    deviation = answers["score"] - answers.groupby("hall")["score"].transform("mean")
    assert table["se"].to_numpy() == pytest.approx(np.sqrt((deviation**2).sum() / 590 / 60))
    assert table["mean"].to_numpy() == pytest.approx(answers.groupby("hall")["score"].mean().to_numpy())


def test_reliability_follows_from_the_variances(rated):
    rows = cx.benchmark(rated, unit="store", score="good", touchpoint="touchpoint", n="cases").reliability
    expected = rows["between_variance"] / (rows["between_variance"] + rows["within_variance"] / rows["typical_n"])
    assert rows["reliability"].to_numpy() == pytest.approx(expected.to_numpy())
    needed = rows["n_for_reliability_0_7"]
    at_need = rows["between_variance"] / (rows["between_variance"] + rows["within_variance"] / needed)
    assert at_need.to_numpy() == pytest.approx(0.7)
    assert (rows["reliability_ci_low"] < rows["reliability"]).all()
    assert (rows["reliability"] < rows["reliability_ci_high"]).all()


def test_flags_only_where_units_differ_at_all(rated):
    result = cx.benchmark(rated, unit="store", score="good", touchpoint="touchpoint", n="cases")
    assert of(result, "till").loc["S00", "signal"] == "below"
    assert (of(result, "door")["signal"] == "expected").all()
    row = result.reliability.set_index("touchpoint").loc["till"]
    assert [row["above"], row["below"], row["expected"], row["suppressed"]] == [0, 1, 11, 0]


def test_holm_matches_statsmodels():
    p = np.array([0.03, 0.001, np.nan, 0.04, 0.5, 0.001])
    known = ~np.isnan(p)
    assert holm(p)[known] == pytest.approx(multipletests(p[known], method="holm")[1])
    assert np.isnan(holm(p)[2])
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_p_values_are_adjusted_over_touchpoints(rated):
    rows = cx.benchmark(rated, unit="store", score="good", touchpoint="touchpoint", n="cases").reliability
    p = rows["p_value"].to_numpy()
    assert rows["p_adjusted"].min() == pytest.approx(2 * p.min())
    assert rows["p_adjusted"].max() == pytest.approx(p.max())


def test_rates_answers_and_wide_answers_give_the_same(rated):
    aggregated = cx.benchmark(rated, unit="store", score="good", touchpoint="touchpoint", n="cases")
    rows = []
    for store, touchpoint, good, cases in rated.itertuples(index=False):
        yes = round(good * cases)
        rows += [(store, touchpoint, i, float(i < yes)) for i in range(cases)]
    long = pd.DataFrame(rows, columns=["store", "touchpoint", "answer", "good"])
    wide = long.pivot_table(index=["store", "answer"], columns="touchpoint", values="good").reset_index()
    singly = cx.benchmark(long, unit="store", score="good", touchpoint="touchpoint")
    widely = cx.benchmark(wide, unit="store", score=["door", "till"])
    for other in (singly, widely):
        for touchpoint in ("till", "door"):
            ours, theirs = of(aggregated, touchpoint), of(other, touchpoint)
            np.testing.assert_allclose(ours[NUMBERS], theirs[NUMBERS], rtol=1e-9)
            assert ours["signal"].tolist() == theirs["signal"].tolist()
    assert any("0 or 1" in note("en") for note in singly.notes)


def test_percent_and_shares_give_the_same(rated):
    percent = rated.assign(good=100 * rated["good"])
    one = cx.benchmark(rated, unit="store", score="good", touchpoint="touchpoint", n="cases")
    other = cx.benchmark(percent, unit="store", score="good", touchpoint="touchpoint", n="cases")
    scaled = ["mean", "se", "shrunken", "ci_low", "ci_high"]
    np.testing.assert_allclose(100 * one.table[scaled], other.table[scaled])
    assert one.table["rank_low"].equals(other.table["rank_low"])
    assert (one.top, other.top) == (1, 100)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 1000), st.floats(0.01, 1000), st.floats(-100, 100))
def test_row_order_names_and_unit_of_measurement_do_not_matter(answers, seed, scale, shift):
    base = of(cx.benchmark(answers, unit="hall", score="score"))
    rng = np.random.default_rng(seed)
    new = {name: f"店{number}" for name, number in zip(answers["hall"].unique(), rng.permutation(10), strict=True)}
    changed = answers.sample(frac=1, random_state=seed).assign(
        hall=lambda d: d["hall"].map(new), score=lambda d: shift + scale * d["score"]
    )
    table = of(cx.benchmark(changed, unit="hall", score="score")).loc[[new[name] for name in base.index]]
    np.testing.assert_allclose(table["shrunken"], shift + scale * base["shrunken"], rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(table["ci_low"], shift + scale * base["ci_low"], rtol=1e-5, atol=1e-5 * scale)
    assert (
        table[["rank", "rank_low", "rank_high"]].to_numpy().tolist()
        == base[["rank", "rank_low", "rank_high"]].to_numpy().tolist()
    )
    assert table["signal"].tolist() == base["signal"].tolist()


def test_other_touchpoints_do_not_change_a_touchpoint(rated):
    both = cx.benchmark(rated, unit="store", score="good", touchpoint="touchpoint", n="cases")
    alone = cx.benchmark(rated[rated["touchpoint"] == "till"], unit="store", score="good", touchpoint="touchpoint",
                         n="cases")  # fmt: skip
    same = [c for c in NUMBERS if c != "wrong_side"]  # its draws follow those of the test, of which there are more
    np.testing.assert_allclose(of(both, "till")[same], of(alone, "till")[same])


def test_low_is_better_turns_ranks_round_and_leaves_sides_alone(answers):
    high = of(cx.benchmark(answers, unit="hall", score="score"))
    low = of(cx.benchmark(answers, unit="hall", score="score", better="low"))
    assert (low["rank_low"] == 11 - high["rank_high"]).all()
    assert (low["rank_high"] == 11 - high["rank_low"]).all()
    assert low["signal"].tolist() == high["signal"].tolist()
    assert (low["shrunken"] == high["shrunken"]).all()


def test_same_seed_same_answer(rated):
    call = {"unit": "store", "score": "good", "touchpoint": "touchpoint", "n": "cases"}
    pd.testing.assert_frame_equal(cx.benchmark(rated, **call).table, cx.benchmark(rated, **call).table)


def test_callers_frame_is_unchanged(rated):
    before = rated.copy(deep=True)
    cx.benchmark(rated, unit="store", score="good", touchpoint="touchpoint", n="cases")
    pd.testing.assert_frame_equal(rated, before)


def test_column_names_may_clash_with_ours_and_be_chinese():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"suppressed": np.repeat(list("ABC"), 40), "均值": rng.normal(size=120), "n": 1, "rank": "x"})
    result = cx.benchmark(frame, unit="suppressed", score="均值", touchpoint="rank")
    assert result.table["unit"].tolist() != []
    assert set(result.table["unit"]) == {"A", "B", "C"}
    one = cx.benchmark(frame.rename(columns={"n": "unit"}), unit="suppressed", score="均值")
    assert one.table["touchpoint"].unique().tolist() == ["均值"]


# --- small cells, missing values, the audit


def test_small_cells_are_suppressed_and_counted(rated):
    small = rated.copy()
    small.loc[(small["store"] == "S03") & (small["touchpoint"] == "till"), ["cases", "good"]] = [20, 0.9]
    result = cx.benchmark(small, unit="store", score="good", touchpoint="touchpoint", n="cases")
    row = of(result, "till").loc["S03"]
    assert row["suppressed"]
    assert row["n"] == 20
    assert row[NUMBERS].isna().all()
    assert pd.isna(row["signal"])
    assert of(result, "till").drop("S03")["rank"].max() == 11
    assert result.table["unit"].iloc[-1] == "S03" or result.table["touchpoint"].iloc[-1] == "till"
    assert result.sample.used == 23
    assert "不足 30 份" in result.remarks("zh")
    without = cx.benchmark(small[small["cases"] >= 30], unit="store", score="good", touchpoint="touchpoint", n="cases")
    np.testing.assert_allclose(of(result, "till").drop("S03")[NUMBERS], of(without, "till")[NUMBERS])


def test_sample_says_what_was_dropped_and_why(answers):
    frame = pd.concat([answers, pd.DataFrame({"hall": ["H1", None, "tiny"], "score": [np.nan, 5.0, 5.0]})])
    sample = cx.benchmark(frame, unit="hall", score="score").sample
    lost = {reason("en"): count for reason, count in sample.dropped if count}
    assert lost == {"no unit": 1, "no score": 1, "unit has fewer than 30 answers there": 1}
    assert (sample.rows, sample.used, sample.counts["units"]) == (603, 600, 10)


def test_sample_of_rates_counts_missing_rates_and_denominators(rated):
    broken = rated.assign(cases=rated["cases"].astype(float))
    broken.loc[0, "good"] = np.nan
    broken.loc[1, "cases"] = np.nan
    broken.loc[2, "cases"] = 0
    sample = cx.benchmark(broken, unit="store", score="good", touchpoint="touchpoint", n="cases").sample
    lost = {reason("en"): count for reason, count in sample.dropped if count}
    assert lost == {"no score": 1, "no cases (denominator empty or 0)": 2}


def test_wide_rows_count_once_and_empty_answers_are_noted(answers):
    frame = answers.assign(second=answers["score"].where(np.arange(600) % 5 > 0))
    result = cx.benchmark(frame, unit="hall", score=["score", "second"])
    assert result.sample.used == 600
    assert of(result, "second")["n"].tolist() == [48] * 10
    assert any("120 answers (10.0 %)" in note("en") for note in result.notes)


def test_a_unit_may_be_missing_on_a_touchpoint(rated):
    result = cx.benchmark(rated.drop(index=3), unit="store", score="good", touchpoint="touchpoint", n="cases")
    assert len(of(result, "till")) == 11
    assert len(of(result, "door")) == 12


# --- degenerate data


def test_two_units_can_be_compared():
    frame = pd.DataFrame({"u": ["a", "b"], "rate": [0.95, 0.55], "n": [200, 200]})
    table = of(cx.benchmark(frame, unit="u", score="rate", n="n"))
    assert table["signal"].tolist() == ["above", "below"]
    assert table["rank_low"].tolist() == table["rank_high"].tolist() == [1, 2]


def test_one_unit_is_refused():
    frame = pd.DataFrame({"u": ["a"] * 50, "score": np.arange(50.0)})
    with pytest.raises(InputError, match=r"min_n=30: on no touchpoint have two units so many answers .*50"):
        cx.benchmark(frame, unit="u", score="score")


def test_a_touchpoint_with_one_unit_is_shown_but_not_compared(rated):
    alone = pd.DataFrame([("S00", "yard", 0.9, 100)], columns=rated.columns)
    result = cx.benchmark(pd.concat([rated, alone]), unit="store", score="good", touchpoint="touchpoint", n="cases")
    row = of(result, "yard").loc["S00"]
    assert row["mean"] == 0.9
    assert pd.isna(row["shrunken"])
    assert row["signal"] == "expected"
    assert "nothing to compare" in result.remarks("en")
    assert "无从比较" in result.remarks("zh")
    assert result.lead() == "till"
    assert "S00" in result.text("en", focus="S00")


def test_everyone_at_a_hundred_per_cent():
    frame = pd.DataFrame({"u": list("abcde"), "rate": 100.0, "n": [40, 80, 200, 500, 60]})
    result = cx.benchmark(frame, unit="u", score="rate", n="n")
    table = of(result)
    assert (table["signal"] == "expected").all()
    assert (table["se"] == 0).all()
    assert ((table["ci_low"] < 100) & (table["ci_high"] <= 100) & (table["shrunken"] < 100)).all()
    assert table["rank_high"].tolist() == [5] * 5
    assert "cannot be told apart" in result.text("en")
    assert "mean nothing" in result.text("en")


def test_everyone_equal():
    frame = pd.DataFrame({"u": np.repeat(list("abcd"), 40), "score": [1.0, 2, 3, 4, 5, 4, 3, 2] * 20})
    table = of(cx.benchmark(frame, unit="u", score="score"))
    assert table["rank"].tolist() == [1] * 4
    assert table["rank_high"].tolist() == [4] * 4
    assert (table["signal"] == "expected").all()
    assert np.ptp(table["shrunken"]) < 1e-9


def test_no_spread_within_units_gives_no_interval_and_says_so():
    frame = pd.DataFrame({"u": np.repeat(list("abc"), 40), "score": np.repeat([3.0, 4.0, 5.0], 40)})
    result = cx.benchmark(frame, unit="u", score="score")
    table = of(result)
    assert table["rank"].tolist() == [3, 2, 1]
    assert table[["shrunken", "ci_low", "rank_low", "wrong_side"]].isna().all().all()
    assert "nothing tells chance from difference" in result.remarks("en")
    assert "无从区分" in result.text("zh")
    assert result.plot("en") is not None


def test_one_answer_each_is_refused():
    frame = pd.DataFrame({"u": list("abc"), "score": [3.0, 4.0, 5.5]})
    with pytest.raises(InputError, match="one answer only"):
        cx.benchmark(frame, unit="u", score="score", min_n=1)


def test_uneven_spread_is_noted():
    rng = np.random.default_rng(1)
    spread = np.repeat([0.2, 0.3, 0.5, 1.0, 2.0, 3.0], 60)
    frame = pd.DataFrame({"u": np.repeat(list("abcdef"), 60), "score": spread * rng.normal(size=360)})
    assert any(
        "vary much more in some units" in note("en") for note in cx.benchmark(frame, unit="u", score="score").notes
    )


# --- refusals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "stor"}, "did you mean 'store'"),
        ({"score": "nonsense"}, "score='nonsense'"),
        ({"score": ["good", "good"]}, "name each column of answers once"),
        ({"score": []}, "name each column"),
        ({"score": ["good"], "n": None, "touchpoint": "touchpoint"}, "not both"),
        ({"score": ["good", "cases"], "touchpoint": None}, "n goes with one column"),
        ({"n": None, "rate_max": 100}, "rate_max belongs to aggregated rates"),
        ({"rate_max": 10}, "rate_max=10 must be 1"),
        ({"better": "hi"}, "did you mean 'high'"),
        ({"min_n": 0}, "min_n=0"),
        ({"min_n": 2.5}, "min_n=2.5"),
        ({"min_n": 100_000}, "lower min_n"),
        ({"wrong_side": 0}, "wrong_side=0"),
        ({"confidence": 95}, "confidence=95"),
    ],
)
def test_what_cannot_be_is_refused(rated, change, message):
    call = {"unit": "store", "score": "good", "touchpoint": "touchpoint", "n": "cases"} | change
    with pytest.raises(InputError, match=message):
        cx.benchmark(rated, **call)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("cases", 50.5, r"n='cases': row 5 holds 50.5; whole numbers"),
        ("cases", -1, r"n='cases': row 5 holds -1"),
        ("good", -0.1, r"score='good': row 5 holds -0.1"),
        ("good", 101.0, r"score='good': row 5 holds 101; above rate_max=100"),
        ("good", "97 %", r"score='good': row 5 holds '97 %'; numbers"),
        ("good", np.inf, r"score='good': row 5 is infinite"),
    ],
)
def test_bad_cells_are_named(rated, column, value, message):
    broken = rated.assign(**{column: rated[column].astype(object)})
    broken.loc[5, column] = value
    with pytest.raises(InputError, match=message):
        cx.benchmark(broken, unit="store", score="good", touchpoint="touchpoint", n="cases")


def test_mean_scores_with_n_are_not_taken_for_per_cent(rated):
    scores = rated.assign(good=4 + rated["good"])
    with pytest.raises(InputError, match="mean scores cannot be"):
        cx.benchmark(scores, unit="store", score="good", touchpoint="touchpoint", n="cases")
    low = cx.benchmark(scores, unit="store", score="good", touchpoint="touchpoint", n="cases", rate_max=100)
    assert low.top == 100


def test_twice_the_same_unit_and_touchpoint_is_refused(rated):
    twice = pd.concat([rated, rated.iloc[[4]]], ignore_index=True)
    with pytest.raises(InputError, match=r"'S04' × 'till' comes twice \(rows 4, 24\)"):
        cx.benchmark(twice, unit="store", score="good", touchpoint="touchpoint", n="cases")


def test_rates_that_no_count_gives_are_noted(rated):
    result = cx.benchmark(
        rated.assign(good=(rated["good"] - 0.003).clip(0)),
        unit="store",
        score="good",
        touchpoint="touchpoint",
        n="cases",
    )
    assert any("fit no whole count" in note("en") for note in result.notes)


def test_no_usable_row_is_refused():
    frame = pd.DataFrame({"u": ["a", "b"], "score": [np.nan, np.nan]})
    with pytest.raises(InputError, match="no row has a unit and a score"):
        cx.benchmark(frame, unit="u", score="score")


# --- names


def test_names_set_order_and_labels(rated):
    call = {"unit": "store", "score": "good", "touchpoint": "touchpoint", "n": "cases"}
    named = {"till": ("Till", "收银"), "door": Words("Door", "门口")}
    result = cx.benchmark(rated, names=named, **call)
    assert result.reliability["touchpoint"].tolist() == ["till", "door"]
    assert cx.benchmark(rated, **call).reliability["touchpoint"].tolist() == ["door", "till"]
    assert "收银" in str(result.readable("zh"))
    assert "Till" in result.text("en")
    assert "收银" in result.text("zh")


# --- real data


def test_hospices_differ_truly_on_visits_when_death_is_near():
    care = cx.read("cms_patient_care")
    call = {"unit": "hospice", "touchpoint": "measure", "score": "rate", "n": "denominator"}
    result = cx.benchmark(care[care["measure"] != "composite_process"], **call)
    assert result.sample.used == 107
    assert result.lead() == "visits_imminent"
    saad = of(result, "visits_imminent").loc["Saad Hospice Services"]
    # 75 of 151: Clopper-Pearson is 41.4 to 57.9
    assert saad[["ci_low", "ci_high"]].tolist() == pytest.approx([41.4, 57.9], abs=0.6)
    assert saad[["rank_low", "rank_high", "signal"]].tolist() == [14, 14, "below"]
    assert result.differing(False) == ["opioid_bowel", "treat_pref"]


def test_a_thousand_lecturers_take_seconds():
    import time

    ratings = cx.read("lme4/InstEval")
    started = time.process_time()
    result = cx.benchmark(ratings, unit="d", score="y", min_n=1)
    assert time.process_time() - started < 20  # 1 to 2 s on an idle core
    assert result.sample.counts["units"] == 1128
    row = result.reliability.iloc[0]
    # lme4's variances of lecturers and residuals in y ~ 1 + (1 | d)
    assert row["between_variance"] == pytest.approx(0.27, abs=0.02)
    assert row["within_variance"] == pytest.approx(1.49, abs=0.02)
