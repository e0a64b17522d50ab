"""Peak and end: each rival is found where it is true, and what the numbers mean."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.data.simulate.episodes import RULES
from cxresearch.numerics import left_out
from cxresearch.numerics.episodes import summaries
from cxresearch.touchpoints import peak_end_fit as fit

ROLES = {"episode": "episode", "position": "position", "score": "score", "overall": "overall"}


def run(frame, **changes):
    return cx.peak_end(frame, **(ROLES | {"bootstraps": 200} | changes))


def small(**changes):
    return cx.simulate.episodes(**({"episodes": 120, "seed": 3} | changes))[0]


@pytest.mark.parametrize("rule", RULES)
def test_the_true_rival_is_found_and_ties_only_with_what_contains_it(rule):
    frame, truth = cx.simulate.episodes(rule=rule)
    result = run(frame)
    assert result.found == truth["rule"] == rule
    for other in result.first:
        assert other == rule or rule in fit.CONTAINED[other]
    if rule in {"end", "near_end", "peak_and_end"}:
        assert result.verdict() == ("supported" if result.near else "undecided")
        assert result.near or rule != "near_end"
    else:
        assert result.verdict() == "contradicted"
    weights = result.weights[result.weights["rival"] == rule].set_index("term")
    for term, value in truth["weights"].items():
        if rule != "near_end":
            assert weights.loc[term, "ci_low"] - 0.05 < value < weights.loc[term, "ci_high"] + 0.05


def test_without_noise_the_weights_come_back_exactly():
    frame, truth = cx.simulate.episodes(episodes=60, noise=0)
    result = run(frame)
    weights = result.weights[result.weights["rival"] == "peak_and_end"].set_index("term")["estimate"]
    assert weights.to_dict() == pytest.approx({"intercept": truth["intercept"], **truth["weights"]}, abs=1e-9)
    assert result.row("peak_and_end")["estimate"] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("rival", ["end", "peak", "trough", "mean"])
def test_weights_are_those_of_a_line(rival):
    frame = small()
    by = frame.groupby("episode")
    x = by["score"].agg({"end": "last", "peak": "max", "trough": "min", "mean": "mean"}[rival])
    slope, intercept = np.polyfit(x, by["overall"].first(), 1)
    weights = run(frame).weights
    assert list(weights.loc[weights["rival"] == rival, "estimate"]) == pytest.approx([intercept, slope])


def test_summaries_are_those_of_pandas():
    frame = small()
    by = frame.groupby("episode")["score"]
    first = np.flatnonzero(frame["position"] == 1)
    found = summaries(frame["score"].to_numpy(), first)
    slope = by.apply(lambda y: np.polyfit(np.arange(len(y)), y, 1)[0])
    np.testing.assert_allclose(found, np.column_stack([by.last(), by.max(), by.min(), by.mean(), slope]), atol=1e-12)


def left_out_by_hand(y, x, weight, group):
    """R² with each group left out, by fitting again."""
    errors = base = 0.0
    for g in np.unique(group[weight[group] > 0] if len(weight) <= group.max() else group):
        out, kept = (group == g) & (weight > 0), (group != g) & (weight > 0)
        if not out.any():
            continue
        root = np.sqrt(weight[kept])[:, None]
        design = np.column_stack([np.ones(len(y)), x])
        line = np.linalg.lstsq(root * design[kept], root[:, 0] * y[kept], rcond=None)[0]
        errors += (weight[out] * (y[out] - design[out] @ line) ** 2).sum()
        base += (weight[out] * (y[out] - np.average(y[kept], weights=weight[kept])) ** 2).sum()
    return 1 - errors / base


@pytest.mark.parametrize("columns", [[0], [0, 1]])
def test_r_squared_is_that_of_fitting_again_without_each_case_or_unit(columns):
    rng = np.random.default_rng(5)
    x = 50 + rng.normal(size=(25, 2))[:, columns]
    y = x.sum(axis=1) + rng.normal(size=25)
    counts = fit.draws(rng, 25, 4)
    expected = [left_out_by_hand(y, x, weight, np.arange(25)) for weight in counts]
    np.testing.assert_allclose(left_out.r_squared(y, x, counts), expected, rtol=1e-9)
    unit = np.arange(25) % 7
    counts = fit.draws(rng, 7, 4)
    expected = [left_out_by_hand(y, x, weight[unit], unit) for weight in counts]
    np.testing.assert_allclose(left_out.r_squared(y, x, counts, unit=unit), expected, rtol=1e-9)


def test_cases_as_units_of_one_give_the_same():
    rng = np.random.default_rng(6)
    x, counts = rng.normal(size=(30, 2)), fit.draws(rng, 30, 5)
    y = x[:, 0] + rng.normal(size=30)
    one = left_out.r_squared(y, x, counts, unit=np.arange(30))
    np.testing.assert_allclose(left_out.r_squared(y, x, counts), one, rtol=1e-10)


def test_coefficients_are_least_squares():
    rng = np.random.default_rng(7)
    x, counts = 100 + rng.normal(size=(30, 2)), fit.draws(rng, 30, 3)
    y = x @ [0.5, 0.2] + rng.normal(size=30)
    for weight, found in zip(counts, left_out.coefficients(y, x, counts), strict=True):
        root = np.sqrt(weight)[:, None]
        line = np.linalg.lstsq(root * np.column_stack([np.ones(30), x]), root[:, 0] * y, rcond=None)[0]
        np.testing.assert_allclose(found, line, rtol=1e-7)


def test_distances_are_means_of_absolute_differences():
    frame = small(rule="near_end", noise=0.0)
    result = run(frame)
    by = frame.groupby("episode")
    overall, score = by["overall"].first(), by["score"]
    expected = {
        "end": 0.0, "peak": (overall - score.max()).abs().mean(), "trough": (overall - score.min()).abs().mean(),
        "middle": (overall - (score.max() + score.min()) / 2).abs().mean(),
        "mean": (overall - score.mean()).abs().mean(),
    }  # fmt: skip
    assert result.distances.set_index("place")["estimate"].to_dict() == pytest.approx(expected)


def test_a_bad_end_that_uses_up_the_peak_is_seen():
    frame = small(episodes=600, noise=0.3)
    by = frame.groupby("episode")["score"]
    last, before = by.last(), by.apply(lambda s: s.iloc[-2])
    bad = (last < by.mean()) & (last < before)
    overall = last * 0.5 + by.max() * np.where(bad, 0.1, 0.5) + np.random.default_rng(0).normal(0, 0.3, len(bad))
    result = run(frame.assign(overall=frame["episode"].map(overall)))
    rows = result.used_up.set_index("ending")
    assert rows.loc["bad", "n"] == bad.sum()
    assert rows.loc["bad", "estimate"] == pytest.approx(0.1, abs=0.06)
    assert rows.loc["difference", "ci_high"] < 0
    assert "uses up part of the peak" in result.text()
    assert "消耗" in result.text("zh")


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 1000))
def test_rows_may_come_in_any_order(seed):
    frame = small()
    shuffled = frame.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(run(shuffled).table, run(frame).table)


def test_unit_of_measurement_and_names_play_no_part():
    frame = small()
    other = frame.assign(score=10 * frame["score"], overall=10 * frame["overall"]).rename(
        columns={"episode": "客户", "position": "end", "score": "before", "overall": "n"}
    )
    result = run(other, episode="客户", position="end", score="before", overall="n")
    pd.testing.assert_frame_equal(result.table, run(frame).table, rtol=1e-8)


def test_dates_order_as_numbers_do_and_the_frame_stays():
    frame = small()
    dated = frame.assign(position=pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["position"], unit="D"))
    before = dated.copy()
    pd.testing.assert_frame_equal(run(dated).table, run(frame).table)
    pd.testing.assert_frame_equal(dated, before)


def test_what_is_dropped_adds_up():
    frame = small().astype({"episode": object})
    ends = frame.groupby("episode").tail(1).index
    frame.loc[ends[0], "score"] = np.nan  # the end is unknown
    frame.loc[1, "episode"] = None
    frame.loc[ends[5] - 1, "score"] = np.nan  # a moment in between
    frame.loc[frame["episode"] == 9, "overall"] = np.nan
    frame.loc[ends[11], "position"] = np.nan
    frame = frame.drop(frame[(frame["episode"] == 15) & (frame["position"] > 1)].index)
    result = run(frame)
    lost = {why.en: n for why, n in result.sample.dropped}
    size = frame.groupby("episode").size()
    assert lost["no episode"] == lost["moment has no score"] == lost["episode of a single scored moment"] == 1
    assert lost["the last moment has no score"] == size[frame["episode"][ends[0]]]
    assert lost["episode has no overall score"] == size[9]
    assert lost["a moment has no position, so the end is unknown"] == size[frame["episode"][ends[11]]]
    assert result.sample.used + sum(lost.values()) == len(frame)
    assert result.episodes == result.sample.counts["episodes"] == 116


def test_the_overall_score_may_stand_on_one_row_of_an_episode():
    frame = small()
    once = frame.assign(overall=frame["overall"].where(frame["position"] == 2))
    pd.testing.assert_frame_equal(run(once).table, run(frame).table)


def test_units_are_left_out_and_redrawn_whole():
    frame = cx.simulate.episodes(episodes=300)[0]
    result = run(frame, unit="unit")
    assert result.sample.counts["units"] == 40
    assert result.profiles["n"].sum() == 300
    row = result.profile("C07")
    mean = frame[frame["unit"] == "C07"].drop_duplicates("episode")["overall"].mean()
    assert row["overall"] == pytest.approx(mean)
    assert f"In C07, over {int(row['n'])} episodes, customers give {mean:.1f} overall" in result.text(focus="C07")
    assert result.text("zh", focus="C07").startswith(f"C07：{int(row['n'])} 次体验的总体评分为 {mean:.1f}")
    with pytest.raises(InputError, match="did you mean 'C07'"):
        result.text(focus="C007")


def test_text_holds_the_numbers_in_both_languages():
    result = run(cx.simulate.episodes()[0])
    row = result.row("peak_and_end")
    share, n = f"{100 * row['estimate']:.0f} % ({100 * row['ci_low']:.0f} to {100 * row['ci_high']:.0f})", "800"
    assert f"the peak and the end together: they predict {share}" in result.text()
    assert f"Based on {n} episodes; 95 % intervals" in result.text()
    assert f"{100 * row['estimate']:.0f} %（{100 * row['ci_low']:.0f} 至 {100 * row['ci_high']:.0f}）" in result.text(
        "zh"
    )
    assert "高峰与结尾" in result.text("zh")
    end = result.distances.loc[0, "estimate"]
    assert f"{end:.2f} points from the end" in result.text()


def test_a_tie_is_told():
    result = run(cx.simulate.episodes(rule="end")[0])
    assert result.first[0] in {"end", "peak_and_end"}
    assert set(result.first) == {"end", "peak_and_end"}
    assert "The peak and the end together does no better by more than chance" in result.text()
    assert "打平时取较简单者" in result.text("zh")


def test_too_few_episodes_are_said_to_decide_nothing():
    frame = cx.simulate.episodes(episodes=14, rule="mean", noise=1.5, seed=1)[0]
    result = run(frame)
    assert result.verdict() == "undecided"
    assert "cannot tell" in result.text() or "None of the rivals" in result.text()
    assert "无法判断" in result.text("zh") or "没有哪种说法" in result.text("zh")
    result.plot("zh")


def test_another_scale_leaves_nearness_out():
    frame = small()
    result = run(frame.assign(overall=frame["overall"] / 2), same_scale=False)
    assert "near_end" not in set(result.table["rival"])
    assert result.distances["estimate"].isna().all()
    assert "points from the end" not in result.text()
    assert any("different scales" in note.en for note in result.notes)
    result.plot()


def test_what_never_varies_is_undefined_and_ties_stay_open():
    frame = small()
    level = run(frame.assign(score=frame.groupby("episode")["score"].transform("first")))
    assert set(level.first) == {"end", "peak", "trough", "mean"}
    assert level.found is None
    assert level.verdict() == "undecided"
    assert set(level.table.loc[level.table["standing"] == "undefined", "rival"]) == {"trend", "peak_and_end"}
    assert any("No R² for the trend and the peak and the end together" in note.en for note in level.notes)
    still = run(frame.assign(score=5.0))
    assert still.found is None
    assert "None of the rivals explains" in still.text()
    assert "没有哪种说法" in still.text("zh")


def test_two_moments_each_are_said_to_tell_little():
    result = run(small(moments=(2, 2)))
    assert any("two moments" in note.en for note in result.notes)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figures_are_drawn(language, tmp_path):
    result = run(small(units=12), unit="unit")
    for figure in (result.plot(language, focus="C05"), result.plot_distances(language)):
        figure.savefig(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size < 70_000
    for table in (result.readable, result.readable_weights, result.readable_distances, result.readable_used_up):
        assert "_" not in repr(table(language))
    assert result.remarks(language)


@pytest.mark.parametrize(
    ("change", "options", "told"),
    [
        ({}, {"score": "scores"}, "did you mean 'score'"),
        ({}, {"score": "overall"}, "named for two roles"),
        ({"score": "good"}, {}, "numbers are needed"),
        ({"position": "first"}, {}, "numbers are needed"),
        ({"overall": 5.0}, {}, "nothing to explain"),
        ({"position": 1}, {}, "has position 1 twice"),
        ({}, {"bootstraps": 50}, "at least 200"),
        ({}, {"confidence": 95}, "between 0 and 1"),
        ({}, {"same_scale": "yes"}, "must be True or False"),
    ],
)
def test_what_cannot_be_used_is_refused(change, options, told):
    with pytest.raises(InputError, match=told):
        run(small().assign(**change), **options)


def test_two_overall_scores_of_one_episode_are_refused():
    frame = small()
    frame.loc[1, "overall"] += 1
    with pytest.raises(InputError, match=r"row 1 holds .* an episode has one"):
        run(frame)


def test_few_episodes_and_few_units_are_refused():
    with pytest.raises(InputError, match=r"9 episodes .* at least 10 are needed"):
        run(small(episodes=9))
    with pytest.raises(InputError, match="3 units; at least 5"):
        run(small(units=3), unit="unit")
    assert any("units are few" in note.en for note in run(small(units=12), unit="unit").notes)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"rule": "ends"}, "did you mean 'end'"),
        ({"moments": (1, 3)}, "moments=1 must be a whole number of at least 2"),
        ({"moments": 5}, "fewest and most"),
        ({"weights": {"ende": 1.0}}, "did you mean 'end'"),
        ({"noise": -1}, "noise=-1"),
    ],
)
def test_what_cannot_be_simulated_is_refused(options, told):
    with pytest.raises(InputError, match=told):
        cx.simulate.episodes(**options)


def test_simulated_episodes_fit_their_schema():
    frame = cx.read("simulated/episodes", schema="episodes")
    assert list(frame.columns) == ["episode", "unit", "position", "score", "overall"]
    assert frame["score"].between(0, 10.2).all()
    weighted, truth = cx.simulate.episodes(episodes=20, weights={"trough": 1.0}, noise=0)
    assert truth["rule"] == "own weights"
    low = weighted.groupby("episode")["score"].transform("min")
    np.testing.assert_allclose(weighted["overall"], truth["intercept"] + low)
