"""Intraclass correlations: from a frame to an answer."""

import numpy as np
import pandas as pd
import pytest

from cxresearch.checks import InputError
from cxresearch.mystery_shopping.intraclass import icc
from cxresearch.numerics.reliability import FORMS

NAMES = {"target": "target", "rater": "judge", "score": "score"}
COLUMNS = ["form", "estimate", "f", "df1", "df2", "p_value", "ci_low", "ci_high", "n"]


def test_icc_matches_shrout_fleiss_1979(shrout_fleiss, published):
    expected = published("shrout_fleiss_1979")
    table = icc(shrout_fleiss, **NAMES).table
    assert list(table.columns) == COLUMNS
    assert tuple(table["form"]) == FORMS
    assert table["estimate"].to_numpy() == pytest.approx([expected["icc"][form] for form in FORMS], abs=1e-6)
    assert table["ci_low"].to_numpy() == pytest.approx([expected["ci95_lower_2dp"][form] for form in FORMS], abs=0.005)
    assert table["ci_high"].to_numpy() == pytest.approx([expected["ci95_upper_2dp"][form] for form in FORMS], abs=0.005)
    assert set(table["n"]) == {6}


@pytest.mark.filterwarnings("ignore:The inplace keyword:pandas.errors.Pandas4Warning")  # pingouin's own
def test_icc_matches_pingouin(wine):
    import pingouin

    for score in ("rating", "response"):
        theirs = pingouin.intraclass_corr(wine, targets="bottle", raters="judge", ratings=score).set_index("Type")
        ours = icc(wine, target="bottle", rater="judge", score=score).table.set_index("form").loc[theirs.index]
        np.testing.assert_allclose(ours["estimate"], theirs["ICC"], atol=1e-10)
        np.testing.assert_allclose(ours["f"], theirs["F"], rtol=1e-10)
        np.testing.assert_allclose(ours["p_value"], theirs["pval"], rtol=1e-6)
        # theirs are rounded to two digits
        np.testing.assert_allclose(ours[["ci_low", "ci_high"]], np.stack(theirs["CI95"]), atol=0.0051)


def test_components_are_those_of_the_mean_squares(shrout_fleiss):
    result = icc(shrout_fleiss, **NAMES)
    squares = result.mean_squares.set_index("source")["mean_square"]
    parts = result.components.set_index("component")
    assert parts.loc["target", "variance"] == pytest.approx((squares["target"] - squares["residual"]) / 4)
    assert parts.loc["rater", "variance"] == pytest.approx((squares["rater"] - squares["residual"]) / 6)
    assert parts["share"].sum() == pytest.approx(1)
    assert parts.loc["target", "share"] == pytest.approx(result.row("ICC(A,1)").estimate)


def test_known_truth_is_recovered():
    rng = np.random.default_rng(5)
    n, k = 2000, 30
    scores = rng.normal(0, 3, (n, 1)) + np.sqrt(2) * _standard(rng.normal(size=k)) + rng.normal(0, 4, (n, k))
    data = pd.DataFrame(scores).rename_axis("t").reset_index().melt("t", var_name="r", value_name="s")
    result = icc(data, target="t", rater="r", score="s")
    # standard error of the share of targets about 0.01
    assert result.row("ICC(A,1)").estimate == pytest.approx(9 / 27, abs=0.03)
    assert result.row("ICC(C,1)").estimate == pytest.approx(9 / 25, abs=0.03)
    assert result.raters_needed(0.8)[0] in (7, 8, 9)


def _standard(values):
    return (values - values.mean()) / values.std(ddof=1)


def test_raters_needed_by_spearman_brown(shrout_fleiss):
    result = icc(shrout_fleiss, **NAMES)
    estimate, low, high = result.raters_needed(0.8)
    one = result.row("ICC(A,1)")
    assert estimate == np.ceil(4 * (1 - one.estimate) / one.estimate)
    assert low == np.ceil(4 * (1 - one.ci_high) / one.ci_high)
    assert high == np.ceil(4 * (1 - one.ci_low) / one.ci_low)
    with pytest.raises(InputError, match=r"target=1.0 must lie between 0 and 1"):
        result.raters_needed(1.0)


def test_rows_without_a_score_are_counted_and_the_frame_is_left_alone(shrout_fleiss):
    extra = pd.DataFrame({"target": [1, 2], "judge": ["e", None], "score": [np.nan, 3.0]})
    data = pd.concat([shrout_fleiss, extra], ignore_index=True)
    before = data.copy(deep=True)
    result = icc(data, **NAMES)
    pd.testing.assert_frame_equal(data, before)
    assert (result.sample.rows, result.sample.used) == (26, 24)
    assert sum(n for _, n in result.sample.dropped) == 2
    assert result.sample.counts == {"targets": 6, "raters": 4}
    pd.testing.assert_frame_equal(result.table, icc(shrout_fleiss, **NAMES).table)


def test_column_names_row_order_and_unit_do_not_matter(shrout_fleiss):
    expected = icc(shrout_fleiss, **NAMES).table
    moved = shrout_fleiss.sample(frac=1, random_state=1).set_axis(["评分对象", "estimate", "n"], axis=1)
    moved["n"] = moved["n"] * 10 - 7
    pd.testing.assert_frame_equal(icc(moved, target="评分对象", rater="estimate", score="n").table, expected)


def test_missing_scores_are_refused_by_name_where_the_closed_form_is_asked_for(shrout_fleiss):
    gaps = shrout_fleiss.drop(index=[2, 9]).reset_index(drop=True)
    with pytest.raises(InputError, match=r"2 of 24 scores are missing: target 1 by judge 'c', target 3 by judge 'b'.*"):
        icc(gaps, **NAMES, method="anova")
    with pytest.raises(InputError, match=r"bootstraps=50 needs every.*Use bootstraps=0"):
        icc(gaps, **NAMES, bootstraps=50)
    with pytest.raises(InputError, match="goes with method='anova'"):
        icc(gaps, **NAMES, method="reml", bootstraps=50)
    with pytest.raises(InputError, match=r"method='rem' is not known \(did you mean 'reml'"):
        icc(gaps, **NAMES, method="rem")


# --- missing scores


def gaps(wine):
    return wine[wine.index % 5 != 2]


def test_components_and_tests_with_gaps_match_lme4_and_r(wine):
    """R 4.2: lme4's lmer(response ~ 1 + (1|bottle) + (1|judge)), and anova(lm(response ~ judge + bottle))."""
    result = icc(gaps(wine), target="bottle", rater="judge", score="response")
    assert result.method == "reml"
    parts = result.components.set_index("component")["variance"]
    assert parts.to_numpy() == pytest.approx([204.70611269, 48.48784798, 169.34930513], rel=1e-5)
    one = result.row("ICC(1,1)")
    assert one.estimate == pytest.approx(196.8141331 / (196.8141331 + 218.3148282), abs=1e-6)
    assert one.f == pytest.approx(7.525761079, rel=1e-8)
    for form in ("ICC(A,1)", "ICC(C,1)"):
        row = result.row(form)
        assert (row.df1, row.df2) == (7, 42)
        assert row.f == pytest.approx(9.722504771, rel=1e-8)
        assert row.p_value == pytest.approx(3.920786087e-07, rel=1e-6)
    squares = result.mean_squares.set_index("source")["mean_square"]
    assert squares["residual"] == pytest.approx(169.2900275, rel=1e-8)
    assert squares["within"] == pytest.approx(218.3092857, rel=1e-8)
    assert result.k == pytest.approx(8 / (2 / 8 + 6 / 7))
    assert result.missing == pytest.approx(14 / 72)
    # with lme4's predictions of the judges taken off the mean of the seven who scored bottle 2
    judges = [9.4562821, -1.6229084, 4.5565511, 1.3277676, 0.6054449, 1.2393668, -10.9628122, -1.4481178, -3.1515740]
    two = gaps(wine)[gaps(wine)["bottle"].astype(int) == 2]
    expected = (two["response"] - np.array(judges)[two["judge"].astype(int) - 1]).mean()
    assert result.targets["adjusted"].iloc[1] == pytest.approx(expected, abs=1e-3)


def test_reml_on_complete_ratings_is_the_closed_form(wine):
    closed, reml = (icc(wine, target="bottle", rater="judge", score="rating", method=m) for m in ("anova", "reml"))
    expected, found = (r.table.set_index("form") for r in (closed, reml))
    np.testing.assert_allclose(
        found[["estimate", "f", "df1", "df2"]], expected[["estimate", "f", "df1", "df2"]], rtol=1e-6
    )
    exact = ["ICC(1,1)", "ICC(C,1)", "ICC(1,k)", "ICC(C,k)"]
    np.testing.assert_allclose(
        found.loc[exact, ["ci_low", "ci_high"]], expected.loc[exact, ["ci_low", "ci_high"]], atol=1e-8
    )
    np.testing.assert_allclose(closed.targets[["mean", "margin"]], reml.targets[["mean", "margin"]], rtol=1e-6)
    np.testing.assert_allclose(reml.targets["adjusted"], reml.targets["mean"], atol=1e-6)
    assert closed.k == reml.k == 9


def test_row_order_names_and_unit_do_not_matter_with_gaps(wine):
    data = gaps(wine)
    expected = icc(data, target="bottle", rater="judge", score="response").table
    moved = data.sample(frac=1, random_state=1).assign(response=data["response"] * 0.03 + 1e3)
    moved = moved.rename(columns={"bottle": "评分", "judge": "target"})
    found = icc(moved, target="评分", rater="target", score="response").table
    pd.testing.assert_frame_equal(found, expected, rtol=1e-5, atol=1e-6)


def test_known_truth_is_recovered_with_gaps():
    rng = np.random.default_rng(8)
    n, k = 400, 30
    scores = 3 * rng.normal(size=(n, 1)) + 2 * _standard(rng.normal(size=k)) + 4 * rng.normal(size=(n, k))
    data = pd.DataFrame(scores).rename_axis("t").reset_index().melt("t", var_name="r", value_name="s")
    result = icc(data[rng.random(n * k) < 0.2], target="t", rater="r", score="s")
    for form, truth in (("ICC(A,1)", 9 / 29), ("ICC(C,1)", 9 / 25)):
        row = result.row(form)
        assert row.estimate == pytest.approx(truth, abs=0.09)  # about three standard errors
        assert row.ci_low < truth < row.ci_high
    spread = (result.targets["adjusted"] - scores.mean(1)).std(), (result.targets["mean"] - scores.mean(1)).std()
    assert spread[0] < spread[1]
    assert any("plain means carry strictness" in note("en") for note in result.notes)


def test_raters_of_each_targets_own_leave_the_one_way_form():
    rng = np.random.default_rng(9)
    data = pd.DataFrame({"t": np.repeat(range(20), 3), "r": range(60)})
    data["s"] = rng.normal(size=20)[data["t"]] + rng.normal(size=60)
    result = icc(data, target="t", rater="r", score="s")
    assert result.leading == "1"
    wide = data.assign(r=list("abc") * 20)
    expected = icc(wide, target="t", rater="r", score="s").row("ICC(1,1)")
    found = result.row("ICC(1,1)")
    assert (found.estimate, found.ci_low, found.ci_high) == pytest.approx(
        (expected.estimate, expected.ci_low, expected.ci_high), abs=1e-6
    )
    assert np.isnan(result.row("ICC(A,1)").estimate)
    assert any("cannot be told from targets" in note("en") for note in result.notes)
    for language, said in (("en", "cannot be told apart"), ("zh", "无法分开")):
        assert said in result.text(language)
        assert "ICC(1,1)" in result.text(language)
        result.plot(language)
        assert "–" in repr(result.readable(language))


def test_text_with_gaps_says_how_many_and_for_which_mean(wine):
    result = icc(gaps(wine), target="bottle", rater="judge", score="rating")
    for language, said in (("en", "19 % of scores missing"), ("zh", "缺失 19 % 的评分")):
        text = result.text(language, focus=3)
        assert said in text
        assert "7.2" in text
        assert f"{result.row('ICC(C,1)').estimate:.2f}" in text
        assert result.plot(language).get_yticklabels()[-1].get_text() == "ICC(C,7.2)"
    assert "ratings" in repr(result.readable("en", part="targets"))


def test_many_targets_take_intervals_from_errors(wine, monkeypatch):
    from cxresearch.mystery_shopping import icc_fit

    exact = icc(gaps(wine), target="bottle", rater="judge", score="response").table
    monkeypatch.setattr(icc_fit, "MOST_LEVELS", 3)
    result = icc(gaps(wine), target="bottle", rater="judge", score="response")
    np.testing.assert_array_equal(result.table["estimate"], exact["estimate"])
    assert result.table.loc[1:2, "f"].isna().all()
    assert (result.table["ci_low"] < result.table["estimate"]).all()
    assert (result.table["ci_high"] > result.table["estimate"]).all()
    assert any("asymptotic" in note("en") for note in result.notes)
    assert result.mean_squares["mean_square"].isna().sum() == 2


def test_resampled_intervals_are_seeded_and_said_to_be_of_these_raters(wine):
    names = {"target": "bottle", "rater": "judge", "score": "response"}
    first, again, other = (icc(wine, **names, bootstraps=400, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.table, again.table)
    assert not first.table.equals(other.table)
    np.testing.assert_array_equal(first.table["estimate"], icc(wine, **names).table["estimate"])
    assert any("these raters" in note("en") for note in first.notes)
    assert any("8 targets are few" in note("en") for note in first.notes)
    with pytest.raises(InputError, match=r"bootstraps=-1 must be a whole number"):
        icc(wine, **names, bootstraps=-1)


def test_no_variance_and_no_residual_with_gaps_are_undefined_with_a_reason(wine):
    data = gaps(wine)
    for scores, said in (
        (data["response"] * 0 + 3.3, "All scores are the same"),
        (data["bottle"].astype(int) * 1.0, "holds no chance error"),
    ):
        result = icc(data.assign(response=scores), target="bottle", rater="judge", score="response")
        assert result.table["ci_low"].isna().all()
        assert said in result.notes[0]("en")
        for language in ("en", "zh"):
            assert result.text(language, focus=3)
            result.plot(language)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d[d["judge"] == "a"], r"rater='judge' holds one rater only \('a'\)"),
        (lambda d: d[d["target"] == 2], r"target='target' holds one target only \(2\)"),
        (lambda d: d[d["judge"] == np.array(list("abcd"))[d["target"] % 4]], "every target was rated once"),
        (lambda d: d.assign(score=np.nan), "no row has 'target', 'judge' and 'score' together: 24 rows"),
        (lambda d: d.iloc[:0], "0 rows"),
        (lambda d: pd.concat([d, d.iloc[[5]]]), r"target 2 has 2 scores from judge 'b' \(rows 5, 5\)"),
        (lambda d: d.assign(score=d["score"].astype(str)), r"score='score': row 0 holds '9.0'; numbers are needed"),
        (lambda d: d.assign(score=d["score"].replace(9, np.inf)), "infinite"),
        (lambda d: d.rename(columns={"score": "scores"}), r"score='score': no such column \(did you mean 'scores'\?\)"),
    ],
)
def test_what_it_cannot_do_is_refused(shrout_fleiss, change, message):
    with pytest.raises(InputError, match=message):
        icc(change(shrout_fleiss.astype({"score": float})), **NAMES)


def test_one_column_for_two_things_is_refused(shrout_fleiss):
    with pytest.raises(InputError, match="three different columns"):
        icc(shrout_fleiss, target="judge", rater="judge", score="score")
    with pytest.raises(InputError, match="DataFrame"):
        icc([1, 2], **NAMES)
    with pytest.raises(InputError, match="confidence"):
        icc(shrout_fleiss, **NAMES, confidence=95)


def test_no_variance_is_undefined_with_a_reason(shrout_fleiss):
    result = icc(shrout_fleiss.assign(score=3.3), **NAMES)
    assert result.table[["estimate", "f", "p_value", "ci_low", "ci_high"]].isna().all().all()
    assert "same" in result.notes[0]("en")
    for language, word in (("en", "cannot be said"), ("zh", "无从判断")):
        assert word in result.text(language)
        result.plot(language)


def test_notes_name_what_the_reader_must_know(shrout_fleiss):
    perfect = shrout_fleiss.assign(score=shrout_fleiss["target"] + shrout_fleiss["judge"].map(ord))
    result = icc(perfect, **NAMES)
    assert any("differ by a constant" in note("en") for note in result.notes)
    assert result.row("ICC(C,1)").estimate == 1
    assert np.isnan(result.row("ICC(C,1)").ci_low)

    strict = icc(shrout_fleiss, **NAMES)  # rater variance five times the residual one
    assert any("too narrow" in note("en") for note in strict.notes)
    assert any("ICC(1,·)" in note("en") for note in strict.notes)

    opposed = pd.DataFrame({"target": [1, 1, 2, 2], "judge": list("abab"), "score": [1.0, 3, 3, 1.4]})
    result = icc(opposed, **NAMES)
    assert any("below 0" in note("en") for note in result.notes)
    assert result.row("ICC(C,1)").estimate < 0
    assert "not help" in result.text("en")


def test_text_holds_the_numbers_in_both_languages(wine):
    result = icc(wine, target="bottle", rater="judge", score="rating")
    one, mean = result.row("ICC(A,1)"), result.row("ICC(A,k)")
    for language in ("en", "zh"):
        text = result.text(language)
        for value in (one.estimate, one.ci_low, one.ci_high, mean.estimate, mean.ci_low, mean.ci_high):
            assert f"{value:.2f}" in text
        for share in result.components["share"]:
            assert f"{100 * share:.0f} %" in text
        assert "95 %" in text
    assert result.text("en").startswith("Of the differences among single scores, 39 % are real")
    assert result.text("en", focus="3").startswith("bottle 3: its 9 raters gave 2.67 on average")
    with pytest.raises(InputError, match=r"focus='33': no such bottle \(did you mean '3'\?\)"):
        result.text("en", focus="33")
    with pytest.raises(InputError, match="no such bottle"):
        result.plot("en", focus="x")
    with pytest.raises(InputError, match="language"):
        result.text("de")


def test_tables_for_reading(wine):
    result = icc(wine, target="bottle", rater="judge", score="rating")
    assert "回答什么问题" in repr(result.readable("zh", part="questions"))
    assert "df 1" in repr(result.readable("en"))
    for part in ("components", "mean_squares"):
        assert "residual" in repr(result.readable("en", part=part))
    with pytest.raises(InputError, match="part"):
        result.readable("en", part="all")
    assert "<table" in result._repr_html_()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figure_says_finding_n_and_rule_of_thumb(wine, language):
    ax = icc(wine, target="bottle", rater="judge", score="rating").plot(language, focus=3)
    assert "0.39" in ax.get_title(loc="left")
    assert "0.85" in ax.get_title(loc="left")
    assert "8" in ax.get_title(loc="left")
    assert {"en": "rule of thumb", "zh": "经验"}[language] in ax.get_xlabel()
    assert len(ax.get_yticklabels()) == 6
