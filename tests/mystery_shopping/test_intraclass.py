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


def test_missing_scores_are_refused_by_name(shrout_fleiss):
    gaps = shrout_fleiss.drop(index=[2, 9]).reset_index(drop=True)
    with pytest.raises(InputError, match=r"2 of 24 scores are missing: target 1 by judge 'c', target 3 by judge 'b'.*"):
        icc(gaps, **NAMES)
    with pytest.raises(InputError, match="agreement"):
        icc(shrout_fleiss.assign(score=shrout_fleiss["score"].where(shrout_fleiss.index != 3)), **NAMES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d[d["judge"] == "a"], r"rater='judge' holds one rater only \('a'\)"),
        (lambda d: d[d["target"] == 2], r"target='target' holds one target only \(2\)"),
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
