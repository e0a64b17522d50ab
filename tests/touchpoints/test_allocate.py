"""A budget over touchpoints: the plan from known slopes, what the next money buys, uncertainty, refusals."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError

DRIVERS = ["a", "b", "c"]
LEVELS = {"a": 5.0, "b": 7.0, "c": 6.0}
SLOPES = {"a": 0.6, "b": 0.3, "c": 0.1}


def survey(n=300, noise=0.5, seed=0, **changes):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 1)) * 0.7 + rng.normal(size=(n, 3)) + list(LEVELS.values())
    frame = pd.DataFrame(x, columns=DRIVERS)
    return frame.assign(y=x @ list(SLOPES.values()) + noise * rng.normal(size=n), **changes)


def run(frame, **changes):
    options = {"outcome": "y", "drivers": DRIVERS, "scale": (0, 10), "budget": 3.0, "bootstraps": 200} | changes
    return cx.allocate(frame, **options)


def by_name(result, column):
    return result.table.set_index("driver")[column].to_dict()


@pytest.fixture(scope="module")
def plain():
    return run(survey())


def test_without_noise_the_plan_equalises_what_the_next_money_buys():
    """Slope over cost times exp(-spend / (cost × room)) is the same wherever money goes."""
    frame = survey(noise=0)
    costs = {"a": 2.0, "b": 1.0, "c": 1.0}
    table = run(frame, costs=costs).table.set_index("driver").loc[DRIVERS]
    np.testing.assert_allclose(table["slope"], list(SLOPES.values()), atol=1e-9)
    room, cost = 10 - frame[DRIVERS].mean().to_numpy(), np.array(list(costs.values()))
    paid = table["slope"] / cost * np.exp(-table["spend"] / (cost * room))
    funded = table["spend"] > 1e-9
    assert np.ptp(paid[funded]) < 1e-9
    assert (table["slope"] / cost)[~funded].max() <= paid[funded].max() + 1e-9
    np.testing.assert_allclose(table["rise"], room * (1 - np.exp(-table["spend"] / (cost * room))))
    np.testing.assert_allclose(table["gain"], table["slope"] * table["rise"])
    assert table["spend"].sum() == pytest.approx(3)


def test_slopes_and_their_intervals_are_those_of_priorities(plain):
    other = cx.priorities(survey(), outcome="y", drivers=DRIVERS, scale=(0, 10), bootstraps=200)
    columns = ["driver", "slope", "slope_low", "slope_high", "performance"]
    left, right = (r.table[columns].sort_values("driver", ignore_index=True) for r in (plain, other))
    pd.testing.assert_frame_equal(left, right)


def test_next_unit_is_what_one_more_step_buys(plain):
    more = run(survey(), budget=3.0 + plain.step, bootstraps=0)
    gained = more.table["gain"].sum() - plain.table["gain"].sum()
    best = plain.table["next_unit"].max()
    assert gained == pytest.approx(best, rel=0.02)
    assert plain.step == pytest.approx(0.1)
    assert run(survey(), step=1, bootstraps=0).step == 1


def test_the_curve_passes_through_the_plan_and_bends(plain):
    curve = plain.curve.set_index("budget")["gain"]
    assert curve.loc[3.0] == pytest.approx(plain.table["gain"].sum())
    assert curve.iloc[0] == 0
    assert (np.diff(curve, 2) < 1e-9).all()


def test_simpler_plans_gain_less_and_the_best_flatters_itself(plain):
    plans = plain.plans.set_index("plan")
    assert list(plans.index) == ["best", "by_importance", "equal"]
    assert plans.loc["best", "gain"] == pytest.approx(plain.table["gain"].sum())
    assert (plans["behind"] >= 0).all()
    assert plans.loc["best", "optimism"] > 0
    assert np.isnan(plans.loc["best", "behind_low"])
    shares = cx.drivers(survey(), outcome="y", drivers=DRIVERS).table.set_index("driver")["share"]
    table = plain.table.set_index("driver")
    room = 10 - table["performance"]
    money = 3 * shares.loc[table.index]
    assert plans.loc["by_importance", "gain"] == pytest.approx(
        (table["slope"] * room * (1 - np.exp(-money / room))).sum()
    )


def test_bounds_hold_and_costs_count():
    frame = survey()
    held = run(frame, least={"c": 0.5}, most={"a": 1.0})
    assert by_name(held, "spend")["c"] >= 0.5 - 1e-9
    assert by_name(held, "spend")["a"] <= 1 + 1e-9
    dear = run(frame, costs={"a": 5.0})
    assert by_name(dear, "spend")["a"] < by_name(run(frame), "spend")["a"]


@pytest.mark.parametrize("returns", ["saturating", "power", "constant"])
def test_no_score_rises_beyond_the_scale(returns):
    table = run(survey(), budget=1000, returns=returns, bootstraps=0).table
    assert (table["performance"] + table["rise"] <= 10 + 1e-9).all()


def test_money_that_would_gain_nothing_is_left_over():
    frame = survey()
    frame["y"] = -frame["y"]
    result = run(frame)
    assert result.table["spend"].sum() == 0
    assert "nothing" in result.text()
    assert any("left over" in str(note) for note in result.notes)
    assert result.plot() is not None


def test_row_order_and_unit_of_money_do_not_matter():
    frame = survey()
    one = run(frame, bootstraps=0).table
    other = run(frame.sample(frac=1, random_state=1), bootstraps=0, budget=300.0, costs=100.0).table
    np.testing.assert_allclose(other["spend"], 100 * one["spend"], rtol=1e-8)
    np.testing.assert_allclose(other["gain"], one["gain"], rtol=1e-8)


def test_weights_count_as_rows_do():
    frame = survey(80, w=np.tile([1, 2], 40))
    weighted = run(frame, weight="w", bootstraps=0).table
    repeated = run(frame.loc[frame.index.repeat(frame["w"])], bootstraps=0).table
    np.testing.assert_allclose(weighted["spend"], repeated["spend"], rtol=1e-8)


def test_the_sample_adds_up_and_the_frame_is_left_alone():
    frame = survey()
    frame.loc[[3, 5], "a"] = np.nan
    before = frame.copy()
    result = run(frame, bootstraps=0)
    assert (result.sample.rows, result.sample.used) == (300, 298)
    pd.testing.assert_frame_equal(frame, before)
    assert result.table[["spend_low", "gain_high", "funded"]].isna().all().all()
    assert result.plans[["optimism", "ci_low"]].isna().all().all()


def test_a_driver_that_never_varies_gets_nothing():
    result = run(survey().assign(c=6.0))
    assert np.isnan(by_name(result, "spend")["c"])
    assert result.table["spend"].sum() == pytest.approx(3)
    assert any("never varies" in str(note) for note in result.notes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": 0}, "budget=0"),
        ({"budget": True}, "above 0"),
        ({"step": -1}, "step=-1"),
        ({"costs": {"z": 1}}, "'z', which is no driver"),
        ({"costs": {"a": 0}}, "above 0"),
        ({"costs": "much"}, "above 0"),
        ({"least": {"a": 2, "b": 2}}, "more than the budget of 3"),
        ({"least": {"a": 2}, "most": {"a": 1}}, "'a' must get more than it may"),
        ({"most": {"a": -1}}, "0 or above"),
        ({"returns": "linear"}, "returns='linear' is not known"),
        ({"returns": "power", "elasticity": 1}, "elasticity=1"),
        ({"scale": (0, 5)}, "outside scale"),
        ({"scale": (5, 5)}, "the first number must lie below"),
        ({"bootstraps": 5}, "too few"),
        ({"drivers": ["a", "b", "twin"]}, "a, twin determine each other"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, message):
    frame = survey()
    with pytest.raises(InputError, match=message):
        run(frame.assign(twin=frame["a"]), **changes)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_holds_the_numbers(language):
    names = {"a": ("Front desk", "前台"), "y": ("overall", "总体")}
    result = run(survey(), money="k€", names=names)
    text = result.text(language)
    assert {"en": "Front desk", "zh": "前台"}[language] in text
    assert "3 k€" in text
    assert f"{result.plans['gain'].iloc[0]:.2f}" in text
    assert "300" in text
    focused = result.text(language, focus="b")
    assert focused.startswith("B gets" if language == "en" else "“b”分得")
    assert result.text(language, focus="Front desk") == result.text(language, focus="a")
    assert len(result.readable(language).frame) == 3
    assert len(result.readable_plans(language).frame) == 3


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figure_shows_the_plan_and_the_curve(language):
    figure = run(survey(), money="k€").plot(language, focus="b")
    left, right = figure.axes
    assert "k€" in left.get_xlabel()
    assert "k€" in right.get_xlabel()
    assert len(left.get_yticklabels()) == 3


def test_an_unknown_focus_is_refused():
    with pytest.raises(InputError, match="drivers are a, b, c"):
        run(survey()).text(focus="d")
