"""Agreement of raters: from a frame to an answer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.checks import InputError
from cxresearch.mystery_shopping import ratings as reading
from cxresearch.mystery_shopping.agreement import agreement

UNITS = {"target": "unit", "rater": "observer", "score": "value"}
VISITS = {"target": "outlet", "rater": "shopper", "score": "clean"}
WINE = {"target": "bottle", "rater": "judge", "score": "rating"}


def contingency(published):
    """One row per rating of Gwet's table of 100 targets and two raters."""
    table = published("gwet_contingency_3x3")["table"]
    pairs = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    return pd.DataFrame([(t, r, f"c{s}") for t, pair in enumerate(pairs) for r, s in zip("xy", pair, strict=True)],
                        columns=["unit", "observer", "value"])  # fmt: skip


def gwet_4_raters(krippendorff):
    """Krippendorff's ratings as irrCAC has them: unit 12's rating is the third rater's."""
    moved = krippendorff.copy()
    twelve = moved["unit"] == 12
    moved.loc[twelve, "value"] = np.where(moved.loc[twelve, "observer"] == "C", 3.0, np.nan)
    return moved


# --- published numbers


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_matches_krippendorff_2011(krippendorff, published, level):
    expected = published("krippendorff_2011_example_c")["alpha"][level]
    result = agreement(krippendorff, **UNITS, level=level)
    assert result.row("krippendorff").estimate == pytest.approx(expected, abs=1e-6)
    assert result.row("krippendorff").n == 11


def test_coefficients_and_errors_match_gwet_4_raters(krippendorff, published):
    table = agreement(gwet_4_raters(krippendorff), **UNITS).table.set_index("coefficient")
    expected = published("gwet_4_raters")["expected"]
    assert set(table.index) == set(expected)
    for name, values in expected.items():
        assert table.loc[name, "estimate"] == pytest.approx(values["estimate"], abs=1e-5), name
        assert table.loc[name, "se"] == pytest.approx(values["se"], abs=1e-5), name


def test_coefficients_and_errors_match_gwet_contingency_table(published):
    table = agreement(contingency(published), **UNITS).table.set_index("coefficient")
    expected = published("gwet_contingency_3x3")["expected"]
    expected["fleiss"] = expected.pop("scott")  # the same for two raters
    for name, values in expected.items():
        assert table.loc[name, "estimate"] == pytest.approx(values["estimate"], abs=1e-6), name
        assert table.loc[name, "se"] == pytest.approx(values["se"], abs=1e-6), name
    low, high = expected["gwet"]["ci"]
    assert round(table.loc["gwet", "ci_low"], 3) == low
    assert round(table.loc["gwet", "ci_high"], 3) == high


def test_cohen_and_fleiss_match_statsmodels(published):
    from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

    counts = np.array(published("gwet_contingency_3x3")["table"])
    data = contingency(published)
    table = agreement(data, **UNITS).table.set_index("coefficient")
    assert table.loc["cohen", "estimate"] == pytest.approx(cohens_kappa(counts).kappa, abs=1e-12)
    assert table.loc["cohen", "se"] == pytest.approx(cohens_kappa(counts).std_kappa, abs=1e-12)
    by_unit = pd.crosstab(data["unit"], data["value"]).to_numpy()
    assert table.loc["fleiss", "estimate"] == pytest.approx(fleiss_kappa(by_unit), abs=1e-12)


def test_interval_kappa_of_two_raters_matches_statsmodels_quadratic_weights(published):
    from statsmodels.stats.inter_rater import cohens_kappa

    data = contingency(published).assign(value=lambda d: d["value"].str[1].astype(int))
    kappa = cohens_kappa(np.array(published("gwet_contingency_3x3")["table"]), wt="quadratic")
    found = agreement(data, **UNITS, level="interval").row("cohen")
    assert found.estimate == pytest.approx(kappa.kappa, abs=1e-12)
    assert found.se == pytest.approx(kappa.std_kappa, abs=1e-12)


# --- known truth and invariance


def test_full_agreement_is_one_and_has_no_interval(visits):
    data = visits.assign(clean=visits["outlet"].isin(["outlet 1", "outlet 2"]).map({True: "yes", False: "no"}))
    for bootstraps in (0, 400):
        result = agreement(data, **VISITS, bootstraps=bootstraps)
        assert result.table["estimate"].to_numpy() == pytest.approx(1)
        assert result.table[["ci_low", "ci_high"]].isna().all().all()
    assert result.verdict == "unknown"
    # eleven outlets have two scores or more
    assert any("rule of three" in note("en") and "27 %" in note("en") for note in result.notes)
    for language in ("en", "zh"):
        assert "1.00" in result.text(language)


def test_severity_is_what_was_put_in():
    rng = np.random.default_rng(3)
    strict = {"a": -2.0, "b": 0.0, "c": 2.0}  # points added to every score
    quality = rng.normal(50, 10, 200)
    data = pd.DataFrame([(t, r, q + d) for t, q in enumerate(quality) for r, d in strict.items()], columns=list("trs"))
    data = data.sample(frac=0.8, random_state=1)
    raters = agreement(data.assign(s=data["s"].round(2)), target="t", rater="r", score="s", level="interval").raters
    severity = raters.set_index("rater")["severity"]
    # against the mean of whoever else scored: 2 or 4 points from one rater, 3 from both
    assert 2.9 < severity["a"] < 3.2
    assert abs(severity["b"]) < 0.3
    assert -3.2 < severity["c"] < -2.9


def test_rater_and_target_tables_by_hand(krippendorff):
    result = agreement(krippendorff, **UNITS, level="interval")
    first = result.targets.set_index("target").loc[6]  # 1, 2, 3, 4
    assert (first["n"], first["mean"], first["lowest"], first["highest"]) == (4, 2.5, 1, 4)
    assert first["spread"] == pytest.approx(np.std([1, 2, 3, 4], ddof=1))
    # twelve ordered pairs: mean squared difference 10/3, over the largest, 16
    assert first["agreement"] == pytest.approx(1 - (10 / 3) / 16)
    assert np.isnan(result.targets.set_index("target").loc[12, "agreement"])
    raters = result.raters.set_index("rater")
    assert raters.loc["A", "n"] == 9
    wide = krippendorff.pivot_table(index="unit", columns="observer", values="value").loc[:11]
    gaps = [(row.drop("A").mean() - row["A"]) for _, row in wide.iterrows() if not np.isnan(row["A"])]
    assert raters.loc["A", "severity"] == pytest.approx(np.mean(gaps))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), level=st.sampled_from(["nominal", "ordinal", "interval", "ratio"]))
def test_row_order_and_names_do_not_matter(seed, level):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"t": np.repeat(range(10), 3), "r": list("abc") * 10, "s": rng.integers(1, 5, 30)})
    data = data[rng.random(30) < 0.9]
    expected = agreement(data, target="t", rater="r", score="s", level=level)
    moved = data.sample(frac=1, random_state=seed).rename(columns={"t": "n", "r": "target", "s": "分数"})
    moved["target"] = moved["target"].map({"a": "丙", "b": "乙", "c": "甲"})
    found = agreement(moved, target="n", rater="target", score="分数", level=level)
    pd.testing.assert_frame_equal(found.table, expected.table)


def test_unit_of_measurement_does_not_matter(wine):
    scores = {"target": "bottle", "rater": "judge", "score": "response"}
    for level, other in (("interval", wine["response"] * 2.5 - 40), ("ratio", wine["response"] * 2.5)):
        found = agreement(wine.assign(response=other), **scores, level=level).table
        pd.testing.assert_frame_equal(found, agreement(wine, **scores, level=level).table)


def test_ordered_categories_are_as_good_as_numbers(wine):
    words = ["poor", "weak", "fair", "good", "fine"]
    named = wine["rating"].map(dict(enumerate(words, 1)))
    expected = agreement(wine, **WINE, level="ordinal")
    for data, categories in (
        (wine.assign(rating=pd.Categorical(named, categories=words, ordered=True)), None),
        (wine.assign(rating=named), words),
    ):
        found = agreement(data, **WINE, level="ordinal", categories=categories)
        pd.testing.assert_frame_equal(found.table, expected.table)
        np.testing.assert_allclose(found.raters["severity"], expected.raters["severity"])
        assert any("poor = 1" in note("en") for note in found.notes)
        assert "from poor to good" in found.text("en", focus=3)


def test_categories_no_one_used_count_in_brennan_prediger(visits):
    two = agreement(visits, **VISITS)
    three = agreement(visits, **VISITS, categories=["yes", "no", "closed"])
    percent = two.row("percent").estimate
    assert two.row("brennan_prediger").estimate == pytest.approx((percent - 1 / 2) / (1 / 2))
    assert three.row("brennan_prediger").estimate == pytest.approx((percent - 1 / 3) / (2 / 3))
    assert three.row("krippendorff").estimate == pytest.approx(two.row("krippendorff").estimate)
    declared = visits.assign(clean=pd.Categorical(visits["clean"], categories=["yes", "no", "closed"]))
    pd.testing.assert_frame_equal(agreement(declared, **VISITS).table, three.table)


def test_categories_of_numbers_may_be_text(wine):
    six = agreement(wine, **WINE, level="ordinal", categories=["1", "2", "3", "4", "5", "6"])
    five = agreement(wine, **WINE, level="ordinal")
    assert six.row("krippendorff").estimate == pytest.approx(five.row("krippendorff").estimate)
    assert six.categories == (1, 2, 3, 4, 5, 6)
    with pytest.raises(InputError, match="categories: 'best' is not a number"):
        agreement(wine, **WINE, level="ordinal", categories=[1, 2, "best"])


# --- bootstrap


def test_bootstrap_is_seeded_and_near_the_analytic_interval(published):
    data = contingency(published)
    first, again = (agreement(data, **UNITS, bootstraps=2000, seed=3).table for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    other, analytic = agreement(data, **UNITS, bootstraps=2000, seed=4).table, agreement(data, **UNITS).table
    assert not first["se"].equals(other["se"])
    np.testing.assert_array_equal(first["estimate"], analytic["estimate"])
    np.testing.assert_allclose(first["se"], analytic["se"], rtol=0.08)
    np.testing.assert_allclose(first["ci_low"], analytic["ci_low"], atol=0.04)
    assert (first["ci_high"] <= 1).all()


def test_few_resamples_and_lost_ones_are_noted():
    # one "no" among ten targets: a third of the resamples have none
    data = pd.DataFrame({"unit": np.repeat(range(10), 2), "observer": list("xy") * 10, "value": ["yes"] * 20})
    data.loc[0, "value"] = "no"
    result = agreement(data, **UNITS, bootstraps=100)
    texts = [note("en") for note in result.notes]
    assert any("100 resamples" in text for text in texts)
    assert any("resamples left a coefficient undefined" in text for text in texts)
    assert np.isnan(result.row("krippendorff").ci_low)
    assert np.isfinite(result.row("percent").ci_low)


# --- sample, missing ratings, notes


def test_rows_are_counted_and_the_frame_is_left_alone(krippendorff):
    before = krippendorff.copy(deep=True)
    result = agreement(krippendorff, **UNITS, level="ordinal", bootstraps=50)
    pd.testing.assert_frame_equal(krippendorff, before)
    assert (result.sample.rows, result.sample.used) == (48, 41)
    assert {reason("en"): n for reason, n in result.sample.dropped if n} == {"no score": 7}
    assert result.sample.counts == {"targets": 12, "raters": 4}
    assert len(result.ratings) == 41


def test_targets_rated_once_are_reported(krippendorff):
    result = agreement(krippendorff, **UNITS)
    note = next(note for note in result.notes if "rated once" in note("en"))
    assert note("en").startswith("1 of 12 targets")
    assert "bootstraps=2000" in note("zh")
    assert "bootstraps" not in agreement(krippendorff, **UNITS, bootstraps=50).notes[1]("en")


def test_cohen_uses_targets_both_rated(visits):
    pair = visits[visits["shopper"] != "z"]
    both = pair[pair.groupby("outlet")["clean"].transform("size") == 2]
    found, alone = agreement(pair, **VISITS).row("cohen"), agreement(both, **VISITS).row("cohen")
    assert found.estimate == alone.estimate
    assert found.n == alone.n == both["outlet"].nunique() < pair["outlet"].nunique()
    assert "cohen" not in set(agreement(visits, **VISITS).table["coefficient"])


def test_the_metric_is_named_at_every_level(wine):
    for level, word in {"nominal": "the same", "ordinal": "irrCAC", "interval": "squared", "ratio": "zero"}.items():
        assert word in agreement(wine, **WINE, level=level).notes[0]("en")


def test_high_agreement_with_low_kappa_is_explained():
    pairs = [("yes", "yes")] * 88 + [("yes", "no")] * 5 + [("no", "yes")] * 5 + [("no", "no")] * 2
    data = pd.DataFrame([(t, r, s) for t, pair in enumerate(pairs) for r, s in zip("xy", pair, strict=True)],
                        columns=["unit", "observer", "value"])  # fmt: skip
    note = next(note for note in agreement(data, **UNITS).notes if "kappa" in note("en"))
    for number in ("90 %", "0.23", "0.89", "93 %"):
        assert number in note("en")
        assert number in note("zh")
    assert not any("kappa asks" in note("en") for note in agreement(contingency_like(), **UNITS).notes)


def contingency_like():
    """Half yes, half no, nine in ten alike: no paradox."""
    pairs = [("yes", "yes")] * 45 + [("yes", "no")] * 5 + [("no", "yes")] * 5 + [("no", "no")] * 45
    rows = [(t, r, s) for t, pair in enumerate(pairs) for r, s in zip("xy", pair, strict=True)]
    return pd.DataFrame(rows, columns=["unit", "observer", "value"])


# --- what cannot be done


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "ordnal"}, r"level='ordnal' is not known \(did you mean 'ordinal'\?\)"),
        ({"level": "ordinal"}, r"score='clean' holds 'yes' and has no order.*categories=\["),
        ({"level": "interval"}, r"score='clean': row 0 holds 'yes'; numbers are needed"),
        ({"categories": ["no"]}, r"row 0 holds 'yes', which is not among categories: no"),
        ({"categories": ["no", "no", "yes"]}, "each category once"),
        ({"categories": []}, "at least one"),
        ({"bootstraps": -1}, "bootstraps=-1 must be a whole number"),
        ({"bootstraps": 2.5}, "whole number"),
        ({"seed": "x"}, "seed='x'"),
        ({"confidence": 1}, "confidence=1"),
        ({"rater": "shoper"}, r"rater='shoper': no such column \(did you mean 'shopper'\?\)"),
        ({"rater": "outlet"}, "three different columns"),
    ],
)
def test_what_it_cannot_do_is_refused(visits, options, message):
    with pytest.raises(InputError, match=message):
        agreement(visits.sort_values("clean", ascending=False).reset_index(drop=True), **VISITS | options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.assign(clean=None), "no row has"),
        (lambda d: d.iloc[:0], "0 rows, none usable"),
        (lambda d: d[d["shopper"] == "x"], r"rater='shopper' holds one rater only \('x'\)"),
        (lambda d: d.drop_duplicates("outlet").assign(shopper=list("xyz") * 4), "every outlet was rated once"),
        (lambda d: pd.concat([d, d.iloc[[3]]], ignore_index=True), "outlet 'outlet 1' has 2 scores from shopper 'x'"),
    ],
)
def test_data_without_comparisons_are_refused(visits, change, message):
    with pytest.raises(InputError, match=message):
        agreement(change(visits), **VISITS)


def test_ratio_needs_amounts_from_zero_up(wine):
    data = wine.assign(rating=wine["rating"] - 2)
    with pytest.raises(InputError, match=r"row 9 holds -1; level='ratio' is for amounts from 0 up"):
        agreement(data.set_axis(range(1, 73)), **WINE, level="ratio")
    zero = agreement(wine.assign(rating=wine["rating"] - 1), **WINE, level="ratio")
    assert np.isfinite(zero.table["estimate"]).all()


def test_too_many_cells_are_refused(wine, monkeypatch):
    monkeypatch.setattr(reading, "MOST_CELLS", 71)
    with pytest.raises(InputError, match=r"8 targets × 9 raters are too many"):
        agreement(wine, **WINE)
    monkeypatch.setattr(reading, "MOST_CELLS", 100)
    with pytest.raises(InputError, match=r"round the scores first"):
        agreement(wine, **WINE | {"score": "response"}, level="interval")


# --- degenerate data


def test_one_target_has_no_interval():
    data = pd.DataFrame({"unit": [1, 1, 1], "observer": list("xyz"), "value": [3, 4, 4]})
    result = agreement(data, **UNITS, level="interval")
    assert result.table[["se", "ci_low", "ci_high"]].isna().all().all()
    assert any("one target" in note("en") for note in result.notes)
    assert result.verdict == "unknown"
    assert "无从判断" in result.text("zh", focus=1)


def test_one_score_only_is_undefined_with_a_reason(visits):
    result = agreement(visits.assign(clean="yes"), **VISITS)
    table = result.table.set_index("coefficient")
    assert table.loc["percent", "estimate"] == 1
    assert table.drop(index="percent")["estimate"].isna().all()
    assert any("undefined" in note("en") for note in result.notes)
    for language in ("en", "zh"):
        assert result.text(language)
        result.plot(language)
        result.plot_coefficients(language)


def test_labels_of_mixed_types_dates_and_booleans_work():
    days = pd.to_datetime(["2024-01-01", "2024-01-02"] * 3)
    data = pd.DataFrame({"unit": [1, 1, "b", "b", 2.5, 2.5], "observer": days, "value": [True, True, False] * 2})
    result = agreement(data, **UNITS)
    assert result.row("percent").estimate == pytest.approx(1 / 3)
    assert "b" in result.text("en", focus="b")


def test_raters_with_few_ratings_are_not_called_strict(wine):
    odd = pd.DataFrame({"bottle": [1], "judge": [1234], "rating": [5]})
    result = agreement(pd.concat([wine, odd]), **WINE, level="ordinal")
    assert result.raters.set_index("rater").loc[1234, "severity"] < -3
    assert "mildest (1)" in result.text("en")
    assert "1234" not in repr(result.readable("en", part="raters", most=9))
    assert "1234" in repr(result.readable("en", part="raters"))


# --- words and figures


def test_text_holds_the_numbers_in_both_languages(wine):
    result = agreement(wine, **WINE, level="ordinal")
    alpha = result.row("krippendorff")
    assert result.verdict == "unreliable"
    for language in ("en", "zh"):
        text = result.text(language)
        for value in (alpha.estimate, alpha.ci_low, alpha.ci_high):
            assert f"{value:.2f}" in text
        for number in ("95 %", "72", "0.80", "0.67"):
            assert number in text
    assert result.text("en").startswith("No: one rater's score cannot be relied on.")
    assert result.text("zh").startswith("不可以：单个评分者的分数不足采信。")


def test_focus_comes_first(wine, visits):
    result = agreement(wine, **WINE, level="ordinal")
    for focus in (3, "3"):
        assert result.text("en", focus=focus).startswith(
            "bottle 3: its 9 raters gave scores from 1 to 4, 2.67 on average (standard deviation 0.87). "
            "They agree less than the raters of 4 of the 7 other targets, and more than the raters of 3. "
            "On all targets together, one rater's score cannot be relied on."
        )
    assert result.text("zh", focus=3).startswith("bottle 3：9 名评分者给出 1 至 4，平均 2.67（标准差 0.87）。")
    with pytest.raises(InputError, match=r"focus='9': no such bottle; known are 1, 2, 3"):
        result.text("en", focus="9")
    named = agreement(visits, **VISITS)
    assert named.text("en", focus="outlet 0").startswith("outlet 0: its 3 raters said")
    with pytest.raises(InputError, match=r"did you mean 'outlet 11'"):
        named.plot("en", focus="Outlet11")


@pytest.mark.parametrize(
    ("noise", "verdict"), [(0.0001, "reliable"), (0.42, "tentative"), (3.0, "unreliable"), (0.5, "open")]
)
def test_verdict_follows_from_the_interval(noise, verdict):
    rng = np.random.default_rng(8)
    n = 400 if verdict != "open" else 40
    quality = rng.normal(size=(n, 1)) + noise**0.5 * rng.normal(size=(n, 3))
    data = pd.DataFrame(quality).rename_axis("unit").reset_index().melt("unit", var_name="observer")
    result = agreement(data, **UNITS, level="interval")
    alpha = result.row("krippendorff")
    assert result.verdict == verdict, (alpha.ci_low, alpha.ci_high)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_figures_say_the_finding(wine, language, level):
    result = agreement(wine, **WINE, level=level)
    ax = result.plot(language, focus=3)
    title = ax.get_title(loc="left")
    assert f"{result.row('krippendorff').estimate:.2f}" in title
    assert "8" in title
    assert "9" in title
    assert len(ax.get_yticklabels()) == 8
    assert "rating" in ax.get_xlabel()
    ax.figure.canvas.draw()
    coefficients = result.plot_coefficients(language)
    assert len(coefficients.get_yticklabels()) == len(result.table)
    assert "8" in coefficients.get_title(loc="left")


def test_a_figure_of_many_targets_keeps_both_ends_and_the_one_in_focus():
    data = pd.DataFrame({"unit": np.repeat(range(100), 2), "observer": list("xy") * 100, "value": np.arange(200)})
    ax = agreement(data, **UNITS, level="interval").plot("en", focus=50)
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert len(shown) == 16
    assert {"0", "50", "99"} <= set(shown)
    assert "16 of 100" in ax.get_ylabel()


def test_hostile_names_are_shown_as_they_are(visits):
    data = visits.assign(outlet=visits["outlet"].str.replace("outlet 1", "$x_1$ <b>"))
    result = agreement(data, **VISITS)
    text = result.text("en", focus="$x_1$ <b>")
    assert "$x_1$ <b>" in text
    assert "<b>" not in text._repr_html_()
    result.plot("en").figure.canvas.draw()


def test_tables_for_reading(wine):
    result = agreement(wine, **WINE, level="ordinal")
    assert "Krippendorff's alpha" in repr(result.readable("en"))
    assert "偏严（分）" in repr(result.readable("zh", part="raters"))
    assert "lowest" in repr(result.readable("en", part="targets"))
    assert "stricter" not in repr(agreement(wine, **WINE).readable("en", part="raters"))
    least = result.readable("en", part="raters", most=3)
    assert least.frame["rater"].tolist() == ["7", "1", "3"]
    with pytest.raises(InputError, match="part"):
        result.readable("en", part="scores")
    assert "<table" in result._repr_html_()


# --- weights


@pytest.mark.parametrize(("weights", "theirs"), [("linear", "linear"), ("quadratic", "quadratic"), ("identity", None)])
def test_weighted_kappa_of_two_raters_matches_statsmodels(published, weights, theirs):
    from statsmodels.stats.inter_rater import cohens_kappa

    # categories 1, 2 and 7: at the ordinal level steps count the same, as in weighted kappa
    data = contingency(published).assign(value=lambda d: d["value"].map({"c0": 1, "c1": 2, "c2": 7}))
    kappa = cohens_kappa(np.array(published("gwet_contingency_3x3")["table"]), wt=theirs)
    found = agreement(data, **UNITS, level="ordinal", weights=weights).row("cohen")
    assert found.estimate == pytest.approx(kappa.kappa, abs=1e-12)
    assert found.se == pytest.approx(kappa.std_kappa, abs=1e-12)
    if weights != "identity":  # points count at the interval level
        assert agreement(data, **UNITS, level="interval", weights=weights).row("cohen").estimate != found.estimate


@pytest.mark.parametrize(("level", "weights"), [("nominal", "identity"), ("interval", "quadratic"), ("ratio", "ratio")])
def test_weights_left_out_are_krippendorffs(wine, level, weights):
    expected, found = (agreement(wine, **WINE, level=level, weights=w) for w in (None, weights))
    pd.testing.assert_frame_equal(found.table, expected.table)
    assert found.weights == expected.weights == weights


def test_alpha_by_linear_weights_is_its_definition(krippendorff):
    found = agreement(krippendorff, **UNITS, level="interval", weights="linear").row("krippendorff").estimate
    units = [unit["value"].dropna().to_numpy() for _, unit in krippendorff.groupby("unit")]
    pairable = [unit for unit in units if len(unit) >= 2]
    pooled = np.concatenate(pairable)
    observed = sum(np.abs(u[:, None] - u).sum() / (len(u) - 1) for u in pairable) / len(pooled)
    expected = np.abs(pooled[:, None] - pooled).sum() / (len(pooled) * (len(pooled) - 1))
    assert found == pytest.approx(1 - observed / expected, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "square"}, r"weights='square' is not known"),
        ({"weights": "linear"}, r"weights='linear' has no meaning at level='nominal': identity does"),
        ({"weights": "ratio", "level": "interval"}, "identity, ordinal, linear, quadratic do"),
    ],
)
def test_weights_that_do_not_suit_the_level_are_refused(wine, options, message):
    with pytest.raises(InputError, match=message):
        agreement(wine, **WINE | options)


def test_weights_are_named_in_text_and_notes(wine):
    result = agreement(wine, **WINE, level="ordinal", weights="linear")
    assert "ordinal, linear weights" in result.text("en")
    assert "顺序尺度，线性权重" in result.text("zh")
    assert "does not compare" in result.notes[0]("en")
    assert "Steps between neighbouring" in result.notes[0]("en")
    assert "would come to" not in result.text("en")  # Spearman-Brown does not hold for them


def test_alpha_and_its_resamples_match_the_krippendorff_package(krippendorff):
    import krippendorff as theirs

    from cxresearch.numerics import agreement_bootstrap, resampling

    wide = krippendorff.pivot_table(index="unit", columns="observer", values="value").to_numpy()
    codes, values = np.where(np.isnan(wide), -1, wide - 1).astype(int), np.arange(1.0, 6)
    for level in ("nominal", "ordinal", "interval", "ratio"):
        drawn = agreement_bootstrap.bootstrap(codes, values, level, replicates=20, seed=3)["krippendorff"]
        for count, ours in zip(np.concatenate(list(resampling.draws(12, 20, 3, 7))).astype(int), drawn, strict=True):
            other = theirs.alpha(np.repeat(wide, count, axis=0).T, level_of_measurement=level)
            assert ours == pytest.approx(other, abs=1e-10), level


# --- prevalence and the kappa paradox


def rare_failures(seed=4, n=120, wrong=(0.03, 0.03, 0.03, 0.03, 0.2)):
    """Nearly all pass; the last shopper errs far more often than the others."""
    rng = np.random.default_rng(seed)
    fails = rng.random(n) < 0.08
    seen = fails[:, None] ^ (rng.random((n, len(wrong))) < np.array(wrong))
    frame = pd.DataFrame(np.where(seen, "fail", "pass"), columns=list("ABCDE"[: len(wrong)]))
    return frame.rename_axis("outlet").reset_index().melt("outlet", var_name="shopper", value_name="clean")


def test_prevalence_by_hand(krippendorff):
    table = agreement(krippendorff, **UNITS).prevalence.set_index("category")
    assert table["n"].to_dict() == {1: 9, 2: 13, 3: 11, 4: 5, 5: 3}
    assert table["share"].sum() == pytest.approx(1)
    # a 4: in unit 6 given by one of four, in unit 7 by all four
    assert table.loc[4, "confirmed"] == pytest.approx(4 / 5)
    assert table.loc[4, "lowest_rater"] == pytest.approx(1 / 11)
    assert table.loc[4, "highest_rater"] == pytest.approx(2 / 11)


def test_the_paradox_is_said_in_the_text_with_its_numbers():
    result = agreement(rare_failures(), **VISITS)
    assert result.paradox
    assert result.same == pytest.approx(result.row("percent").estimate)
    table = result.prevalence.set_index("category")
    share, chance = table.loc["pass", "share"], (table["share"] ** 2).sum()
    for language in ("en", "zh"):
        text = result.text(language)
        for number in (share, chance, table.loc["fail", "confirmed"], result.same):
            assert f"{100 * number:.0f} %" in text
        assert "pass" in text
    assert "by chance" not in agreement(contingency_like(), **UNITS).text("en")
    assert not agreement(contingency_like(), **UNITS).paradox


def test_the_paradox_is_said_at_the_ordinal_level_too():
    data = rare_failures().assign(clean=lambda d: d["clean"].map({"fail": 4, "pass": 5}))
    result = agreement(data, **VISITS, level="ordinal")
    assert result.paradox
    assert "of all answers are 5" in result.text("en")
    assert any("kappa asks" in note("en") for note in result.notes)


# --- rater by rater


def test_severity_interval_is_a_t_interval_for_all_raters_at_once(wine):
    from scipy import stats

    raters = agreement(wine, **WINE, level="interval").raters.set_index("rater")
    wide = wine.pivot_table(index="bottle", columns="judge", values="rating", observed=True)
    lower = wide.drop(columns=wide.columns[6]).mean(axis=1) - wide.iloc[:, 6]
    half = stats.t.ppf(1 - 0.025 / 9, 7) * lower.std() / np.sqrt(8)
    seven = raters.iloc[6]
    assert seven["severity"] == pytest.approx(lower.mean())
    assert seven["scatter"] == pytest.approx(lower.std())
    assert (seven["severity_low"], seven["severity_high"]) == pytest.approx((lower.mean() - half, lower.mean() + half))
    assert seven["standing"] == "stricter"
    assert raters["standing"].iloc[0] == "milder"


def test_gap_is_agreement_with_the_others_less_theirs_among_themselves():
    data = rare_failures()
    result = agreement(data, **VISITS)
    wide = data.pivot_table(index="outlet", columns="shopper", values="clean", aggfunc="first")
    others = wide.drop(columns="E")
    own = np.mean([(others[c] == wide["E"]).mean() for c in others])
    among = np.mean([(others[a] == others[b]).mean() for a in others for b in others if a < b])
    row = result.raters.set_index("rater").loc["E"]
    assert row["agreement"] == pytest.approx(own)
    assert row["gap"] == pytest.approx(own - among)
    assert row["gap_low"] < row["gap"] < row["gap_high"] < 0
    assert row["standing"] == "apart"
    assert set(result.raters["standing"].iloc[:4]) == {"as_others"}


def test_who_departs_is_said_in_both_languages():
    result = agreement(rare_failures(), **VISITS)
    row = result.raters.set_index("rater").loc["E"]
    for language, said in (
        ("en", "Rater E agrees with the others clearly less"),
        ("zh", "评分者 E 与其他人的一致程度明显低于"),
    ):
        assert said in result.text(language)
        assert f"{row['agreement']:.2f}" in result.text(language)
        assert "E" in result.plot_raters(language).get_title(loc="left")
    assert "departs" in repr(result.readable("en", part="raters"))
    alike = agreement(rare_failures(wrong=(0.05,) * 4), **VISITS)
    assert "clearly less" not in alike.text("en")
    assert "No rater" in alike.plot_raters("en").get_title(loc="left")


def test_who_is_strict_is_said_with_what_chance_explains(wine):
    said = agreement(wine, **WINE, level="ordinal")
    assert "for 7 (stricter) and 1 (milder) that is more than chance explains" in said.text("en")
    assert "7 偏严、1 偏松" in said.text("zh")
    few = agreement(wine[wine["bottle"].astype(int) <= 3], **WINE, level="ordinal")
    assert "chance could account" in few.text("en")


def test_two_raters_have_no_gap_and_one_rating_no_interval(published):
    result = agreement(contingency(published), **UNITS)
    assert result.raters["gap"].isna().all()
    assert set(result.raters["standing"]) == {"unknown"}
    ax = result.plot_raters("en")
    assert len(ax.get_yticklabels()) == 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figure_of_raters_keeps_both_ends(language):
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"t": np.repeat(range(20), 40), "r": np.tile(range(40), 20)})
    data["s"] = rng.normal(size=800) + data["r"] / 10
    result = agreement(data.round(1), target="t", rater="r", score="s", level="interval")
    ax = result.plot_raters(language)
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert len(shown) == 24
    assert {"0", "39"} <= set(shown)
    assert "40" in ax.get_title(loc="left")
