"""Priorities: quadrants by the stated rule, headroom, what is uncertain, the pattern of claim T2."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.touchpoints import priorities as study

DRIVERS = ["a", "b", "c", "d"]
LEVELS = {"a": 5.0, "b": 7.0, "c": 6.0, "d": 8.0}
SLOPES = {"a": 0.8, "b": 0.5, "c": 0.2, "d": 0.1}


def survey(n=400, units=20, noise=0.5, seed=0, **changes):
    """Scores of units that differ by 1 point; the strongest driver scores lowest, but for b and c."""
    rng = np.random.default_rng(seed)
    unit = np.arange(n) % units
    x = rng.normal(size=(units, 4))[unit] + rng.normal(size=(n, 4)) + [LEVELS[k] for k in DRIVERS]
    frame = pd.DataFrame(x, columns=DRIVERS)
    frame["y"] = x @ [SLOPES[k] for k in DRIVERS] + noise * rng.normal(size=n)
    return frame.assign(unit=[f"u{k}" for k in unit], **changes)


def run(frame, **changes):
    return cx.priorities(frame, **({"outcome": "y", "drivers": DRIVERS, "scale": (0, 10), "bootstraps": 200} | changes))


def by_name(result, column):
    return result.table.set_index("driver")[column].to_dict()


def test_table_extends_that_of_drivers():
    frame = survey()
    result = run(frame)
    plain = cx.drivers(frame, outcome="y", drivers=DRIVERS, bootstraps=200)
    columns = list(plain.table.columns)
    both = result.table.sort_values("rank", ignore_index=True)[columns]
    pd.testing.assert_frame_equal(both, plain.table)


def test_quadrants_follow_the_stated_rule():
    result = run(survey())
    table = result.table
    strong, high = table["share"] >= 1 / 4, table["performance"] >= table["performance"].mean()
    names = {(1, 0): "concentrate_here", (1, 1): "keep_up", (0, 0): "low_priority", (0, 1): "possible_overkill"}
    assert list(table["quadrant"]) == [names[int(s), int(h)] for s, h in zip(strong, high, strict=True)]
    assert by_name(result, "quadrant") == {
        "a": "concentrate_here", "b": "keep_up", "c": "low_priority", "d": "possible_overkill"
    }  # fmt: skip
    assert by_name(run(survey(), performance_cut=7.5), "quadrant")["b"] == "concentrate_here"


def test_priority_is_the_quadrant_first_and_then_share_times_room():
    result = run(survey())
    table = result.table
    expected = table["share"] * (10 - table["performance"]) / 10
    np.testing.assert_allclose(table["opportunity"], expected)
    order = (expected + (table["quadrant"] == "concentrate_here")).rank(ascending=False)
    assert list(table["priority"]) == list(order) == [1, 2, 3, 4]
    assert table["driver"][0] == "a"


def test_headroom_of_a_point_is_the_slope_and_stops_at_the_top():
    result = run(survey(noise=0))
    assert by_name(result, "headroom") == pytest.approx(SLOPES, abs=1e-9)
    near = run(survey(noise=0), scale=(0, 8.5))
    rise = 8.5 - survey()["d"].mean()
    assert by_name(near, "rise")["d"] == pytest.approx(rise)
    assert by_name(near, "headroom")["d"] == pytest.approx(rise * SLOPES["d"], abs=1e-9)


def test_best_quarter_is_the_upper_quartile_once_chance_is_out():
    frame = survey(n=40_000, units=40)
    result = run(frame, target="best_quarter", unit="unit", bootstraps=0)
    for name in DRIVERS:
        means = frame.groupby("unit")[name].mean()  # 1,000 respondents each: chance is all but out
        assert by_name(result, "rise")[name] == pytest.approx(means.quantile(0.75) - frame[name].mean(), abs=0.01)


def test_units_that_differ_by_chance_alone_leave_no_best_quarter():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(5, 1, size=(800, 4)), columns=DRIVERS).assign(unit=np.arange(800) % 200)
    frame["y"] = frame[DRIVERS].sum(axis=1) + rng.normal(size=800)
    raw = frame.groupby("unit")[DRIVERS].mean().quantile(0.75) - frame[DRIVERS].mean()
    rise = by_name(run(frame, target="best_quarter", unit="unit", bootstraps=0), "rise")
    assert raw.min() > 0.25
    assert max(rise.values()) < 0.15


def test_a_clear_answer_is_sure_and_a_tie_is_not():
    sure = run(survey(n=4000, noise=0.1))
    assert by_name(sure, "quadrant_share")["a"] == 1
    assert by_name(sure, "among_first")["a"] == 1
    rng = np.random.default_rng(0)
    alike = pd.DataFrame(rng.normal(5, 1, size=(100, 6)), columns=list("abcdef"))
    alike["y"] = alike.sum(axis=1) + 3 * rng.normal(size=100)
    unsure = run(alike, drivers=list("abcdef")).table
    assert unsure["quadrant_share"].min() < 0.6
    assert unsure["among_first"].between(0.05, 0.95).all()
    assert unsure["among_first"].sum() == pytest.approx(3, abs=1e-9)


def test_intervals_hold_the_estimate():
    table = run(survey(), unit="unit").table
    for name in ("performance", "slope", "headroom"):
        assert (table[f"{name}_low"] < table[name]).all()
        assert (table[name] < table[f"{name}_high"]).all()


def test_without_bootstraps_nothing_is_said_of_certainty():
    result = run(survey(), bootstraps=0)
    assert result.table[["quadrant_share", "among_first", "headroom_low", "ci_low"]].isna().all(axis=None)
    assert result.pattern["ci_low"].isna().all()
    assert result.pattern["p_value"].notna().all()
    assert "redrawn" not in result.text()


def test_the_pattern_is_spearmans_correlation_with_its_permutation_chance():
    result = run(survey())
    share, score = result.table["share"], result.table["performance"]
    row = result.pattern.set_index("statistic").loc["rank_correlation"]
    assert row["estimate"] == pytest.approx(stats.spearmanr(share, score).statistic)
    all_orders = [stats.spearmanr(list(order), score).statistic for order in permutations(share)]
    assert row["p_value"] == pytest.approx(np.mean(np.array(all_orders) <= row["estimate"] + 1e-9))


def test_many_drivers_draw_permutations_and_agree_with_spearmans_p():
    rng = np.random.default_rng(0)
    names = [f"t{k}" for k in range(12)]
    level = np.linspace(4, 8, 12) + rng.normal(0, 1, 12)
    frame = pd.DataFrame(level + rng.normal(size=(500, 12)), columns=names)
    frame["y"] = frame @ np.linspace(1, 0.1, 12) + rng.normal(size=500)
    result = run(frame, drivers=names, method="johnson")
    row = result.pattern.set_index("statistic").loc["rank_correlation"]
    peer = stats.spearmanr(result.table["share"], result.table["performance"], alternative="less").pvalue
    assert row["p_value"] == pytest.approx(peer, abs=0.01)


def test_t2s_pattern_is_found_where_it_is_true():
    rng = np.random.default_rng(0)
    slopes = np.array([1.0, 0.8, 0.6, 0.4, 0.2, 0.05])
    names = list("abcdef")
    frame = pd.DataFrame(9 - 4 * slopes + rng.normal(size=(2000, 6)), columns=names)
    frame["y"] = frame[names] @ slopes + 0.3 * rng.normal(size=2000)
    result = run(frame, drivers=names)
    pattern = result.pattern.set_index("statistic")
    assert pattern.loc["rank_correlation", "estimate"] == -1
    assert pattern.loc["rank_correlation", "p_value"] == pytest.approx(1 / 720)
    assert pattern.loc["overlap", "estimate"] == 3
    assert pattern.loc["overlap", "p_value"] == pytest.approx(1 / 20)
    assert pattern.loc["overlap", "by_chance"] == pytest.approx(1.5)
    assert "The strongest drivers score lowest" in result.text()
    assert "越重要的因素得分越低" in result.text("zh")
    frame[names] = 10 - frame[names]
    frame["y"] = -frame["y"]
    assert "The strongest drivers score highest" in run(frame, drivers=names).text()


def test_a_falling_slope_is_told():
    frame = survey()
    frame["y"] -= 0.5 * frame["d"]
    result = run(frame)
    assert by_name(result, "headroom")["d"] < 0
    assert any(note.en.startswith("d: with the other drivers held fixed") for note in result.notes)


def test_a_constant_driver_has_no_place():
    result = run(survey(flat=5.0), drivers=[*DRIVERS, "flat"])
    row = result.row("flat")
    assert pd.isna(row["quadrant"])
    assert pd.isna(row["priority"])
    assert "cannot be placed" in result.text(focus="flat")
    assert by_name(result, "quadrant")["a"] == "concentrate_here"
    result.plot("zh")


def test_one_and_two_drivers_have_no_pattern():
    for names in (["a"], ["a", "b"]):
        result = run(survey(), drivers=names)
        assert result.pattern["estimate"].isna().all()
        assert any("fewer than three drivers" in note.en for note in result.notes)
        assert "rank correlation" not in result.text()
        result.plot()


def test_the_callers_frame_is_unchanged():
    frame = survey()
    before = frame.copy(deep=True)
    run(frame, unit="unit", target="best_quarter")
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": (10, 0)}, "the first number must lie below the second"),
        ({"scale": 10}, r"must be lowest and highest answer, for example \(1, 5\)"),
        ({"scale": (1, 5)}, r"drivers='b' has a mean of .* outside scale=\(1.0, 5.0\)"),
        ({"scale": (0, float("nan"))}, "must lie below"),
        ({"target": "best"}, "target='best' is not known"),
        ({"target": "best_quarter"}, "name their column with unit="),
        ({"target": "best_quarter", "unit": "few"}, "3 units in 400 rows; at least 4 units"),
        ({"target": "best_quarter", "unit": "each"}, "units with more than one row"),
        ({"performance_cut": 11}, "outside the scale"),
        ({"first": 0}, "whole number from 1 on"),
        ({"drivers": ["a", "unit"]}, "'unit' is a category; scores are needed"),
        ({"drivers": ["a", "z"]}, "no such column"),
        ({"method": "dominance"}, "use 'lmg'"),
    ],
)
def test_refusals_say_what_is_wrong_and_what_would_be_right(changes, message):
    frame = survey(few=np.arange(400) % 3, each=np.arange(400))
    with pytest.raises(InputError, match=message):
        run(frame, **changes)


def test_text_names_what_to_mend_and_how_sure():
    result = run(survey())
    text = result.text()
    assert text.startswith("Mend first: a (over 99 %), ")
    assert "a carries more than an equal share (25 %)" in text.replace("A carries", "a carries")
    assert "among the first 3" in text
    assert "redrawn" in text
    assert "400" in text
    zh = result.text("zh")
    assert zh.startswith("优先改进：“a”")
    assert "重抽 400 名受访者" in zh
    assert result.text(focus="d").startswith("D is ")
    assert "可能投入过多" in result.text("zh", focus="d")
    none = run(survey(), performance_cut=1.0)
    assert "No driver both" in none.text()
    assert "没有哪个因素" in none.text("zh")
    with pytest.raises(InputError, match="no driver"):
        result.text(focus="x")


def test_text_says_what_the_best_quarter_brings():
    result = run(survey(), unit="unit", target="best_quarter")
    assert "reaching the best quarter of units" in result.text()
    assert "前四分之一" in result.text("zh")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figure_names_points_quadrants_and_n(language):
    figure = run(survey()).plot(language, focus="c")
    ax = figure.axes[0]
    written = [text.get_text() for text in ax.texts]
    assert {"1. a", "2. b", "3. c", "d"} <= set(written)
    assert study.QUADRANTS[0] not in written
    assert ("concentrate here" if language == "en" else "集中改进") in written
    assert "400" in figure.get_supxlabel()


def test_names_without_room_are_counted():
    rng = np.random.default_rng(0)
    names = [f"a touchpoint with a rather long name {k}" for k in range(40)]
    frame = pd.DataFrame(rng.normal(5, 1, size=(300, 40)), columns=names)
    frame["y"] = frame.sum(axis=1) + rng.normal(size=300)
    figure = run(frame, drivers=names, method="johnson", bootstraps=0).plot()
    assert "without room for a name" in figure.get_supxlabel()


def test_readable_tables_speak_both_languages():
    result = run(survey())
    assert "改进次序" in str(result.readable("zh"))
    assert "集中改进" in str(result.readable("zh"))
    assert "rank correlation" in str(result.readable_pattern())


def test_readable_names_stand_in_text_figure_table_and_notes():
    names = {"a": ("Front desk", "前台"), "d": ("Repairs", "维修"), "y": ("overall", "总体"), "other": "not in use"}
    frame = survey()
    frame["y"] = frame["y"] - 0.6 * frame["d"]
    result = run(frame, names=names, drivers=["a", "d"], first=1)
    assert "Front desk" in result.text()
    assert "“前台”" in result.text("zh")
    assert list(result.table["driver"]) == list(run(frame, drivers=["a", "d"], first=1).table["driver"])
    assert "Front desk" in repr(result.readable())
    assert "前台" in repr(result.readable("zh"))
    assert any("Repairs" in note.en and "维修" in note.zh for note in result.notes)
    assert any("Front desk" in text.get_text() for text in result.plot(focus="a").axes[0].texts)
    assert result.text(focus="Front desk") == result.text(focus="a") == result.text(focus="前台")


def test_shares_are_those_of_drivers():
    groups = {"a": "front", "b": "front"}
    frame = survey()
    part = run(frame, groups=groups).shares()
    whole = cx.drivers(frame, outcome="y", drivers=DRIVERS, bootstraps=200, groups=groups)
    pd.testing.assert_frame_equal(part.table, whole.table)
    pd.testing.assert_frame_equal(part.groups, whole.groups)
    assert part.text() == whole.text()
    assert whole.shares().text() == whole.text()
    assert run(frame, groups={}).groups is None


def test_verdict_follows_the_interval_of_the_rank_correlation():
    result = run(survey())
    for low, high, verdict in ((-0.9, -0.1, "supported"), (0.1, 0.9, "contradicted"), (-0.5, 0.5, "undecided"),
                               (np.nan, np.nan, "undecided")):  # fmt: skip
        result.pattern.loc[0, ["ci_low", "ci_high"]] = [low, high]
        assert result.verdict() == verdict
    assert set(result.pattern_numbers()) == {
        "rank_correlation", "rank_correlation_ci_low", "rank_correlation_ci_high"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"a": "b"}, "'a' and 'b' would both be called 'b'"),
        ({"a": ("x", "y", "z")}, "give a text, or a pair"),
        ([("a", "x")], "names must map a column"),
    ],
)
def test_names_that_confuse_are_refused(names, message):
    with pytest.raises(InputError, match=message):
        run(survey(), names=names)


def test_a_large_survey_is_redrawn_in_packs():
    """Intervals from 5,000 packs of rows are those from single rows, to the noise of the bootstrap."""
    from cxresearch.touchpoints import driver_design, driver_estimates

    frame = survey(n=60_000, units=60_000)
    result = run(frame, bootstraps=1000)
    table = result.table.set_index("driver").loc[DRIVERS]
    x = frame[DRIVERS].to_numpy() - frame[DRIVERS].mean().to_numpy()
    left = frame["y"] - frame["y"].mean() - x @ table["slope"].to_numpy()
    se = np.sqrt(np.diag(np.linalg.inv(x.T @ x)) * (left @ left) / (60_000 - 5))
    np.testing.assert_allclose((table["slope_high"] - table["slope_low"]) / (2 * 1.96 * se), 1, atol=0.1)
    design = driver_design.read(frame.head(500), outcome="y", drivers=DRIVERS, weight=None, count=None, unit=None,
                                groups=None, family="linear", levels=None)  # fmt: skip
    assert driver_estimates.redrawn(design, 0) is None
