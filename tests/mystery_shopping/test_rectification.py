"""Change and rectification: from a frame to an answer."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError

WIDE = {"unit": "site", "before": ["b1", "b2"], "after": ["a1", "a2"]}
LONG = {"unit": "site", "cycle": "cycle", "score": "score", "standard": 70}
DONE = {"planned": "planned", "rectified": "rectified"}


def wide(n=400, gain=5.0, seed=1):
    """Sites below 70 are revisited; half of them were rectified."""
    rng = np.random.default_rng(seed)
    true = rng.normal(70, 6, n)
    early = true[:, None] + rng.normal(0, 6, (n, 2))
    done = rng.random(n) < 0.5
    late = (true + gain * done)[:, None] + rng.normal(0, 6, (n, 2))
    late[early.mean(axis=1) >= 70] = np.nan
    frame = pd.DataFrame(np.hstack([early, late]), columns=["b1", "b2", "a1", "a2"])
    return frame.assign(site=[f"S{i}" for i in range(n)], done=done)


@pytest.fixture(scope="module")
def cycles():
    return cx.simulate.rectification()


@pytest.fixture(scope="module")
def loop(cycles):
    return cx.rectification(cycles[0], **LONG, **DONE)


def test_known_truth_is_recovered():
    result = cx.reliable_change(wide(4000, seed=4), **WIDE, rectified="done")
    assert result.reliability == pytest.approx(36 / 54, abs=0.03)
    assert result.row("ancova").estimate == pytest.approx(5, abs=0.6)
    assert result.row("beyond").estimate == pytest.approx(5, abs=0.6)
    mean_of_low = -np.sqrt(54 * 2 / np.pi)
    assert result.row("regression").estimate == pytest.approx(-mean_of_low / 3, abs=0.2)
    assert result.row("control_change").estimate == pytest.approx(-mean_of_low / 3, abs=0.4)


def test_without_change_the_verdicts_flag_one_in_forty_and_jacobson_truax_more():
    result = cx.reliable_change(wide(8000, gain=0), **WIDE)
    assert result.row("improved").estimate == pytest.approx(0.025, abs=0.008)
    assert result.row("reliable").estimate > 0.04
    assert result.verdict == "not shown"


def test_the_row_that_answers_depends_on_who_can_be_compared():
    frame = wide(200)
    assert cx.reliable_change(frame, **WIDE).headline == "beyond"
    result = cx.reliable_change(frame, **WIDE, rectified="done")
    assert (result.headline, result.verdict) == ("ancova", "better")
    few = frame.assign(done=frame["a1"].notna() & (np.arange(200) > 5))
    assert cx.reliable_change(few, **WIDE, rectified="done").headline == "beyond"


def test_tables_hold_together():
    result = cx.reliable_change(wide(100), **WIDE, rectified="done")
    table = result.table.set_index("quantity")
    assert table.loc["change", "estimate"] == pytest.approx(
        table.loc["after", "estimate"] - table.loc["before", "estimate"]
    )
    assert table.loc["change", "estimate"] == pytest.approx(table.loc[["regression", "beyond"], "estimate"].sum())
    assert (table["ci_low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["ci_high"]).all()
    mine = result.units[result.units["rectified"]]
    assert table.loc["improved", "estimate"] == (mine["verdict"] == "improved").mean()
    np.testing.assert_allclose(result.units["change"] - result.units["ci_low"], 1.959964 * result.difference, rtol=1e-6)
    assert result.sample.used == 100
    assert result.sample.counts["revisited"] == len(result.units)


@pytest.mark.parametrize("answers", [("yes", "no"), (1, 0), ("是", "否"), (1.0, 0.0), ("True", "False")])
def test_yes_and_no_may_be_written_in_many_ways(answers):
    frame = wide(100)
    told = frame.assign(done=[answers[0] if done else answers[1] for done in frame["done"]])
    one, two = (cx.reliable_change(f, **WIDE, rectified="done") for f in (frame, told))
    pd.testing.assert_frame_equal(one.table, two.table)


def test_any_column_names_and_order_will_do_and_the_frame_is_unchanged():
    frame = wide(60)
    copy = frame.copy()
    ours = cx.reliable_change(frame, **WIDE, rectified="done").table
    pd.testing.assert_frame_equal(frame, copy)
    names = {"site": "unit", "b1": "after", "b2": "beyond", "a1": "整改后1", "a2": "n", "done": "rectified"}
    other = cx.reliable_change(
        frame.rename(columns=names).sample(frac=1, random_state=1),
        unit="unit", before=["after", "beyond"], after=["整改后1", "n"], rectified="rectified",
    )  # fmt: skip
    pd.testing.assert_frame_equal(ours, other.table)


def test_dropped_rows_are_counted():
    frame = wide(50)
    frame.loc[0, "site"] = None
    frame.loc[[1, 2], ["b1", "b2"]] = np.nan
    frame["done"] = frame["done"].astype(object)
    frame.loc[3, "done"] = None
    sample = cx.reliable_change(frame, **WIDE, rectified="done").sample
    assert sample.used == 46
    assert [n for _, n in sample.dropped] == [1, 2, 1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"unit": "sites"}, "did you mean 'site'"),
        ({"before": "b1"}, "the study's own reliability cannot be estimated"),
        ({"before": "b1", "reliability": 1.0}, "must lie between 0 and 1"),
        ({"before": []}, "need a column of scores each"),
        ({"after": ["b1"]}, "'b1' is given twice"),
        ({"rectified": "same"}, "true or false, 1 or 0"),
        ({"after": "empty"}, "0 units were revisited"),
        ({"before": ["same", "same too"]}, "all scores before are 5"),
        ({"before": ["b1", "b1 again"]}, "never differ"),
        ({"confidence": 2}, "confidence=2 must lie"),
    ],
)
def test_what_cannot_be_judged_is_refused(change, told):
    frame = wide(30).assign(empty=np.nan, same=5.0)
    frame = frame.assign(**{"same too": 5.0, "b1 again": frame["b1"]})
    with pytest.raises(InputError, match=told):
        cx.reliable_change(frame, **(WIDE | change))


def test_two_rows_of_a_unit_are_refused():
    frame = wide(30)
    with pytest.raises(InputError, match="'S0' has more than one row"):
        cx.reliable_change(pd.concat([frame, frame.head(1)]), **WIDE)
    with pytest.raises(InputError, match="2 units have a score before"):
        cx.reliable_change(frame.head(2), **WIDE)
    with pytest.raises(InputError, match="row 0 holds 'x'"):
        cx.reliable_change(frame.astype(object).assign(b1="x"), **WIDE)


def test_notes_warn_of_what_the_data_cannot_tell():
    frame = wide(60)
    assert any("Nobody was left" in str(n) for n in cx.reliable_change(frame, **WIDE).notes)
    followed = cx.reliable_change(frame[frame["a1"].notna()], **WIDE)
    assert any("add the other units" in str(n) for n in followed.notes)
    assert followed.row("regression").estimate == pytest.approx(0, abs=1e-9)
    apart = frame.assign(done=frame[["b1", "b2"]].mean(axis=1) < 66)
    assert any("extends a straight line" in str(n) for n in cx.reliable_change(apart, **WIDE, rectified="done").notes)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_paragraph_on_change_holds_the_numbers(language):
    result = cx.reliable_change(wide(200), **WIDE, rectified="done")
    text = result.text(language, focus=result.units["unit"].iloc[0])
    for quantity in ("ancova", "before", "after", "change", "regression"):
        assert f"{result.row(quantity).estimate:.1f}".replace("-", "−") in text
    with pytest.raises(InputError, match="no such site"):
        result.text(language, focus="S9999")
    alone = cx.reliable_change(wide(200), **WIDE).text(language)
    assert {"en": "cannot be said without", "zh": "无法断定"}[language] in alone


# --- cycles


def test_distances_are_means_of_units(cycles, loop):
    frame = cycles[0]
    mean = frame.groupby(["cycle", "site"])["score"].mean() - 70
    by_cycle = mean.groupby("cycle")
    table = loop.table.set_index("cycle")
    np.testing.assert_allclose(table["distance"], by_cycle.mean())
    np.testing.assert_allclose(table["se"], by_cycle.sem())
    np.testing.assert_allclose(table["meeting"], (mean >= 0).groupby("cycle").mean())


def test_truth_of_the_cycles_is_recovered():
    frame, truth = cx.simulate.rectification(sites=6000, gain=4.0, drift=0.5)
    loop = cx.rectification(frame, **LONG, **DONE)
    np.testing.assert_allclose(loop.table["distance"], truth["distance"], atol=0.25)
    assert loop.table["meeting_true"].iloc[0] == pytest.approx(truth["share_meeting"][0], abs=0.015)
    # once some are rectified, true scores are no longer normal: the approximation says so, and errs by this much
    np.testing.assert_allclose(loop.table["meeting_true"], truth["share_meeting"], atol=0.05)
    assert loop.table["reliability"].iloc[0] == pytest.approx(truth["reliability"], abs=0.03)
    assert loop.between().row("ancova").estimate == pytest.approx(4, abs=0.5)


def test_without_rectification_findings_close_by_chance_alone():
    frame, _ = cx.simulate.rectification(sites=8000, cycles=2, gain=0.0, planned=1.0, carried_out=1.0)
    loop = cx.rectification(frame, **LONG)
    assert loop.step("met").share == pytest.approx(loop.step("by_chance").share, abs=0.015)
    assert loop.step("rectified") is None


def test_steps_of_the_loop_can_be_counted_by_hand():
    frame = pd.DataFrame(
        {
            "site": ["a", "a", "a", "b", "b", "b", "c", "c", "d", "d"],
            "cycle": [1, 2, 3, 1, 2, 3, 1, 2, 1, 3],
            "score": [60.0, 72, 75, 65, 68, 71, 80, 79, 60, 75],
            "planned": [1, 0, 0, 1, 0, 0, 0, 0, 1, 0],
            "rectified": [1, 0, 0, 0, 0, 0, 0, 0, 1, 0],
        }
    )
    steps = cx.rectification(frame, **LONG, **DONE, reliability=0.7).steps.set_index("step")
    # findings: a1, b1, b2, d1; rectified: a1, d1; d was not visited in cycle 2
    assert steps["n"].drop("by_chance").to_dict() == {
        "findings": 4, "planned": 3, "rectified": 2, "revisited": 1, "met": 1,
        "verified": int(steps.loc["verified", "n"]), "untouched_met": 1, "closed": 1,
    }  # fmt: skip
    assert steps["of"].to_dict() == {
        "findings": 7, "planned": 4, "rectified": 4, "revisited": 2, "met": 1, "verified": 1, "by_chance": 1,
        "untouched_met": 2, "closed": 4,
    }  # fmt: skip


def test_shares_of_independent_findings_have_wilsons_interval(cycles):
    from statsmodels.stats.proportion import proportion_confint

    loop = cx.rectification(cycles[0][cycles[0]["cycle"] < 3], **LONG, **DONE)
    row = loop.step("closed")
    # one finding a unit: the cluster variance is n / (n - 1) times the binomial one, so n shrinks by one
    ends = proportion_confint(row.share * (row.of - 1), row.of - 1, method="wilson")
    np.testing.assert_allclose((row.ci_low, row.ci_high), ends, rtol=1e-6)


def test_the_promise_may_differ_from_row_to_row(cycles):
    frame = cycles[0]
    shifted = frame.assign(promise=70.0 + (frame["site"] > "S075"), score=frame["score"] + (frame["site"] > "S075"))
    one = cx.rectification(frame, **LONG).table
    two = cx.rectification(shifted, **(LONG | {"standard": "promise"})).table
    pd.testing.assert_frame_equal(one.drop(columns="mean"), two.drop(columns="mean"))


def test_trend_is_the_mean_of_the_units_slopes(cycles, loop):
    mean = cycles[0].pivot_table(index="site", columns="cycle", values="score")
    slopes = np.polyfit([1, 2, 3, 4], mean.to_numpy().T, 1)[0]
    assert loop.trend.estimate == pytest.approx(slopes.mean())
    assert loop.trend.se == pytest.approx(slopes.std(ddof=1) / np.sqrt(len(slopes)))


def test_units_stand_where_they_were_last_visited(cycles, loop):
    frame = cycles[0]
    last = frame[frame["cycle"] == 4].groupby("site")["score"].mean()
    np.testing.assert_allclose(loop.units["score"], last)
    assert set(loop.units["verdict"]) == {"meets", "falls short", "cannot be told"}


def test_change_between_cycles_is_reliable_change_of_the_findings(cycles, loop):
    frame = cycles[0].assign(at=lambda f: f["cycle"].astype(str) + "." + f["visit"].astype(str))
    table = frame.pivot_table(index="site", columns="at", values="score").reset_index()
    low = table[["1.1", "1.2"]].mean(axis=1) < 70
    table.loc[~low, ["2.1", "2.2"]] = np.nan
    table["done"] = frame[frame["at"] == "1.1"].set_index("site")["rectified"].loc[table["site"]].to_numpy()
    ours = cx.reliable_change(table, unit="site", before=["1.1", "1.2"], after=["2.1", "2.2"], rectified="done")
    pd.testing.assert_frame_equal(loop.between().table, ours.table)
    assert loop.between(2, 4).sample.used == 150


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"standard": "seventy"}, "standard='seventy': no such column"),
        ({"standard": True}, "must be a number of points"),
        ({"cycle": "one"}, "'one' holds 1 only"),
        ({"score": "word"}, "numbers are needed"),
        ({"score": "cycle"}, "'cycle' is given twice"),
        ({"reliability": 1.5}, "must lie between 0 and 1"),
    ],
)
def test_cycles_that_cannot_be_judged_are_refused(cycles, given, told):
    with pytest.raises(InputError, match=told):
        cx.rectification(cycles[0].assign(one=1, word="x"), **(LONG | given))


def test_single_visits_need_a_reliability(cycles):
    single = cycles[0][cycles[0]["visit"] == 1]
    with pytest.raises(InputError, match="every unit was visited once per cycle"):
        cx.rectification(single, **LONG)
    result = cx.rectification(single, **LONG, reliability=0.6)
    assert result.table["reliability"].iloc[0] == pytest.approx(0.6)


def test_cycles_to_compare_must_exist(loop):
    with pytest.raises(InputError, match="first=9 is no cycle"):
        loop.between(9)
    with pytest.raises(InputError, match="two cycles are needed"):
        loop.between(2, 2)


def test_no_finding_is_said_plainly(cycles):
    result = cx.rectification(cycles[0], **(LONG | {"standard": 0}))
    assert "no findings" in result.text().lower()
    result.plot()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_and_figures_of_the_loop(loop, language):
    text = loop.text(language, focus="S003")
    closed = loop.step("closed")
    assert f"{100 * closed.share:.0f} %" in text
    assert "S003" in text
    assert str(int(closed.of)) in text
    for part in ("table", "steps", "units"):
        assert repr(loop.readable(language, part=part, most=5))
    assert loop.remarks(language)
    loop.plot(language, focus="S003")
    change = loop.between()
    change.plot(language, focus=change.units["unit"].iloc[0])
    assert repr(change.readable(language, part="units", most=3))
    with pytest.raises(InputError, match="no such site"):
        loop.plot(language, focus="Sooo3")
