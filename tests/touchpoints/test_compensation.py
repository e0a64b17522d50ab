"""Does one touchpoint make up for another: effects by closed form, each rule found, rivals, refusals."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.touchpoints import compensation_fit as fit

RULES = {"adds_up": lambda a, b: 0.6 * a + 0.4 * b, "weakest": np.minimum, "softens": np.maximum}


def survey(rule="adds_up", n=400, noise=0.3, seed=0, **changes):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    x = 6 + 0.6 * common[:, None] + 0.8 * rng.normal(size=(n, 2))
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(c=rng.normal(size=n))
    frame["y"] = RULES[rule](frame["a"], frame["b"]) + 0.2 * frame["c"] + noise * rng.normal(size=n)
    return frame.assign(**changes)


def run(frame, **changes):
    options = {"outcome": "y", "first": "a", "second": "b", "covariates": ["c"], "bootstraps": 200} | changes
    return cx.compensation(frame, **options)


def estimates(result, column="estimate"):
    return result.table.set_index("effect")[column].to_dict()


@pytest.mark.parametrize("rule", list(RULES))
def test_without_noise_each_rule_gives_its_closed_form(rule):
    frame = survey(rule, noise=0)
    result = run(frame, bootstraps=0)
    (a, b), f = result.middle, RULES[rule]
    found = estimates(result)
    assert found["cost"] == pytest.approx(f(a, result.poor) - f(a, b), abs=1e-8)
    assert found["net"] == pytest.approx(f(result.good, result.poor) - f(a, b), abs=1e-8)
    assert found["weaker"] == pytest.approx({"adds_up": 0, "weakest": 1, "softens": -1}[rule], abs=1e-8)
    assert result.good == pytest.approx(frame["a"].mean() + frame["a"].std(ddof=0))
    assert result.poor == pytest.approx(frame["b"].mean() - frame["b"].std(ddof=0))
    if rule == "adds_up":
        assert found["product"] == pytest.approx(0, abs=1e-8)
        assert found["slope_poor"] == pytest.approx(0.6)
        assert estimates(result, "if_adding")["net"] == pytest.approx(found["net"])
    if rule == "weakest":
        assert estimates(result, "if_weakest")["net"] == pytest.approx(found["net"])


@pytest.mark.parametrize("rule", list(RULES))
def test_the_rule_that_made_the_answers_is_found(rule):
    result = run(survey(rule, n=1500, seed=1))
    assert result.pattern == rule
    best = {"adds_up": "adds_up", "weakest": "weakest", "softens": "strongest"}[rule]
    rivals = result.rivals.set_index("model")
    assert rivals["r2"].max() - rivals.loc[best, "r2"] < 1e-3
    if rule != "adds_up":
        assert rivals.loc[best, "ahead_low"] > 0
    assert result.answer == {"adds_up": "makes_up", "weakest": "falls_short", "softens": "makes_up"}[rule]


def test_slopes_are_those_of_statsmodels():
    from statsmodels.api import WLS

    frame = survey(w=np.tile([1.0, 2.0], 200))
    result = run(frame, weight="w", bootstraps=0)
    a, b = (frame[c] - m for c, m in zip("ab", result.middle, strict=True))
    table = np.column_stack([np.ones(400), a, b, a**2, b**2, a * b, frame["c"]])
    slope = WLS(frame["y"], table, frame["w"]).fit().params.to_numpy()
    found = estimates(result)
    assert found["product"] == pytest.approx(slope[5])
    assert found["slope_poor"] == pytest.approx(slope[1] + slope[5] * (result.poor - result.middle[1]))
    assert found["slope_good"] == pytest.approx(slope[1] - slope[5] * (result.poor - result.middle[1]))


def test_curves_pass_through_the_effects():
    result = run(survey())
    at = result.curves.set_index("second")
    middle = np.interp(result.middle[0], at.loc["middle", "first"], at.loc["middle", "outcome"])
    poor = np.interp(result.good, at.loc["poor", "first"], at.loc["poor", "outcome"])
    assert poor - middle == pytest.approx(estimates(result)["net"], abs=0.01)
    assert (result.curves["ci_low"] <= result.curves["outcome"]).mean() > 0.95


def test_good_and_poor_can_be_named():
    result = run(survey(), good=8, poor=4, bootstraps=0)
    assert (result.good, result.poor) == (8, 4)
    assert estimates(result)["net"] < estimates(run(survey(), good=8, bootstraps=0))["net"]


def test_row_order_and_repeats_do_not_matter():
    frame = survey(n=80, k=2)
    one = run(frame, count="k", bootstraps=0)
    other = run(frame.loc[frame.index.repeat(2)].sample(frac=1, random_state=0), bootstraps=0)
    np.testing.assert_allclose(one.table["estimate"], other.table["estimate"], rtol=1e-7)
    assert one.cases == other.cases == 160


def test_units_are_redrawn_and_left_out_together():
    frame = survey(unit=np.repeat(np.arange(40), 10))
    frame["y"] += np.random.default_rng(3).normal(size=40)[frame["unit"]]
    alone, together = run(frame), run(frame, unit="unit")
    assert together.rivals["r2"].iloc[0] != alone.rivals["r2"].iloc[0]
    assert together.sample.counts["units"] == 40


def test_with_answers_0_and_1_the_product_is_the_lower_one():
    rng = np.random.default_rng(0)
    x = (rng.random((400, 2)) < 0.6).astype(float)
    frame = pd.DataFrame(x, columns=["a", "b"])
    frame["y"] = np.minimum(frame["a"], frame["b"]) + 0.1 * rng.normal(size=400)
    result = run(frame, covariates=[])
    assert estimates(result)["product"] == pytest.approx(1, abs=0.1)
    assert estimates(result)["weaker"] == pytest.approx(1, abs=0.1)
    assert result.pattern == "weakest"


def test_one_that_is_always_the_lower_decides_alone():
    frame = survey()
    frame["b"] -= 20
    result = run(frame)
    assert np.isnan(estimates(result)["weaker"])
    assert any("determined by the other columns" in str(note) for note in result.notes)


def test_no_common_effect_leaves_the_weaker_part_undefined():
    result = run(survey(y=np.random.default_rng(9).normal(size=400)))
    assert np.isnan(estimates(result)["weaker"])
    assert any("does not clearly go" in str(note) for note in result.notes)
    assert result.pattern == "open"


def test_what_cannot_be_told_is_said():
    frame = survey(n=40)
    notes = " ".join(map(str, run(frame).notes))
    assert "is little for 7 columns" in notes
    assert "Only" in notes
    top = survey()
    top["y"] = top["y"].clip(upper=6)
    assert "highest answer" in " ".join(map(str, run(top).notes))
    apart = survey()
    apart["b"] -= 5
    assert "b is the lower of the two" in " ".join(map(str, run(apart).notes))


def test_the_sample_adds_up_and_the_frame_is_left_alone():
    frame = survey()
    frame.loc[[1, 2, 3], "b"] = np.nan
    before = frame.copy()
    result = run(frame, bootstraps=0)
    assert (result.sample.rows, result.sample.used) == (400, 397)
    pd.testing.assert_frame_equal(frame, before)
    assert result.table["ci_low"].isna().all()
    assert (result.answer, result.pattern) == ("open", "open")
    assert "–" not in result.text()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": "z"}, "no such column"),
        ({"second": "a"}, "twice"),
        ({"first": "text"}, "'text' is a category"),
        ({"first": "still"}, "'still' is 1 in every row"),
        ({"second": "double"}, "determine each other"),
        ({"covariates": "c"}, "must be a list"),
        ({"good": 3}, "good=3 must lie between"),
        ({"poor": 9}, "poor=9 must lie between"),
        ({"bootstraps": 7}, "bootstraps=7"),
        ({"confidence": 2}, "confidence=2"),
        ({"outcome": "still"}, "nothing to explain"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, message):
    frame = survey(text="x", still=1.0)
    frame["text"] = np.where(frame.index % 2, "x", "y")
    with pytest.raises(InputError, match=message):
        run(frame.assign(double=2 * frame["a"]), **changes)


def test_fewer_rows_than_columns_are_refused():
    with pytest.raises(InputError, match="at least 5 are needed"):
        run(survey().head(4))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("rule", list(RULES))
def test_text_holds_the_numbers(rule, language):
    names = {"a": ("Front desk", "前台"), "b": ("Facilities", "设施")}
    result = run(survey(rule), names=names)
    text = result.text(language)
    assert {"en": "Front desk", "zh": "前台"}[language] in text
    for effect in ("cost", "net", "slope_poor", "weaker"):
        assert f"{abs(result.effect(effect)['estimate']):.2f}" in text
    assert "400" in text
    assert result.text(language, focus="Facilities") == text
    assert len(result.readable(language).frame) == len(fit.EFFECTS)
    assert len(result.readable_rivals(language).frame) == len(fit.RIVALS)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figure_shows_three_levels_and_the_rivals(language):
    left, right = run(survey()).plot(language).axes
    assert len(left.get_legend().get_texts()) == 3
    assert len(right.get_yticklabels()) == len(fit.RIVALS)


def test_an_unknown_focus_is_refused():
    with pytest.raises(InputError, match="they are a, b"):
        run(survey(), bootstraps=0).text(focus="c")
