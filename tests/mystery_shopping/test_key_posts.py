"""Key posts: from a frame to an answer."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError

NAMES = {"post": "post", "duty": "duty", "score": "score", "shopper": "shopper", "unit": "community", "visit": "visit"}


@pytest.fixture(scope="module")
def visited():
    return cx.simulate.posts()


@pytest.fixture(scope="module")
def result(visited):
    return cx.key_posts(visited[0], **NAMES, value="value", pass_mark=60)


def small(seed=1, **sizes):
    return cx.simulate.posts(**({"communities": 6, "shoppers": 4, "visits": 3} | sizes), seed=seed)


def of_cells(truth, table):
    return pd.Series(truth).rename_axis(["post", "duty"]).reindex(table.index)


def test_truth_is_recovered(visited, result):
    frame, truth = visited
    table = result.table.set_index(["post", "duty"])
    means, chances = (of_cells(truth[name], table) for name in ("means", "pass_rates"))
    assert ((table["ci_low"] <= means) & (means <= table["ci_high"])).all()
    assert ((table["shrunken_low"] <= means) & (means <= table["shrunken_high"])).all()
    found = result.severity.set_index("shopper")["severity"]
    severity = pd.Series(truth["severity"])
    assert np.corrcoef(found, severity[found.index])[0, 1] > 0.97
    halo = result.overall_halo
    assert halo.ci_low <= truth["halo"] <= halo.ci_high
    rates = result.passes.set_index(["post", "duty"])
    assert ((rates["ci_low"] <= chances) & (chances <= rates["ci_high"])).all()
    effects = result.effects.set_index("post")
    for post, effect in truth["value_effects"].items():
        assert effects.loc[post, "ci_low"] <= effect <= effects.loc[post, "ci_high"]
    assert len(frame) == result.sample.used


def test_severity_taken_out_brings_the_comparison_nearer_to_the_truth():
    off = {"raw": [], "mean": []}
    for seed in range(8):
        frame, truth = cx.simulate.posts(communities=12, seed=seed)
        table = cx.key_posts(frame, **NAMES).table.set_index(["post", "duty"])
        gap = table[["raw", "mean"]].sub(of_cells(truth["means"], table), axis=0)
        gap = gap - gap.mean()
        for name, found in off.items():
            found.append(gap[name].xs("front_desk").mean())
    assert np.mean(off["raw"]) < -0.7  # mild shoppers leave the front desk out
    assert abs(np.mean(off["mean"])) < 0.4


def test_means_are_plain_means_where_everything_is_balanced():
    frame, _ = small(variances={"shopper": 0.0})
    full = frame[frame["post"] != "front_desk"]
    table = cx.key_posts(full, **NAMES, shoppers="fixed").table
    assert cx.key_posts(full.assign(shopper="one"), **NAMES).table["mean"].tolist() == pytest.approx(
        table["raw"].tolist()
    )


def test_fixed_shoppers_are_dummies_in_statsmodels():
    import statsmodels.formula.api as smf

    frame, _ = small()
    frame = frame.assign(cell=frame["post"] + frame["duty"])
    keep = {"post": "post", "duty": "duty", "score": "score", "shopper": "shopper"}
    ours = cx.key_posts(frame.assign(visit=range(len(frame))), **keep, visit="visit", shoppers="fixed")
    theirs = smf.ols("score ~ 0 + C(cell) + C(shopper, Sum)", frame).fit()
    means = theirs.params.filter(like="C(cell)")
    table = ours.table.assign(cell=lambda t: t["post"] + t["duty"]).set_index("cell")
    np.testing.assert_allclose(means, table.loc[[n[8:-1] for n in means.index], "mean"], rtol=1e-6)
    np.testing.assert_allclose(
        theirs.bse.filter(like="C(cell)"), table.loc[[n[8:-1] for n in means.index], "se"], rtol=0.05
    )
    assert ours.severity["severity"].sum() == pytest.approx(0, abs=1e-9)


def test_halo_of_a_pair_is_pingouins_partial_correlation(visited, result):
    import pingouin

    frame = visited[0]
    wide = frame[frame["post"] == "repairs"].pivot_table(
        index=["community", "visit", "shopper"], columns="duty", values="score"
    ).reset_index()  # fmt: skip
    dummies = pd.get_dummies(wide[["community", "shopper"]], drop_first=True, dtype=float)
    theirs = pingouin.partial_corr(
        pd.concat([wide[["quality", "timeliness"]], dummies], axis=1),
        x="quality", y="timeliness", covar=list(dummies.columns),
    )  # fmt: skip
    row = result.halo[(result.halo["duty"] == "quality") & (result.halo["other"] == "timeliness")].iloc[0]
    assert row.estimate == pytest.approx(theirs["r"].iloc[0], abs=1e-9)


def test_pass_rates_of_independent_scores_are_wilsons():
    from statsmodels.stats.proportion import proportion_confint

    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"post": np.repeat(["a", "b"], 300), "duty": "d", "shopper": [f"S{i}" for i in range(300)] * 2,
         "score": (rng.random(600) < 0.7).astype(int)}
    )  # fmt: skip
    rates = cx.key_posts(frame, post="post", duty="duty", score="score", shopper="shopper").passes
    for row in rates.itertuples():
        # a score a shopper: the variance has n - 1, so n shrinks by one
        ends = proportion_confint(row.estimate * (row.n - 1), row.n - 1, method="wilson")
        np.testing.assert_allclose((row.ci_low, row.ci_high), ends, rtol=1e-6)


def test_effects_on_value_are_least_squares_on_dummies(visited, result):
    import statsmodels.formula.api as smf

    frame = visited[0].assign(dev=lambda f: f["score"] - f.groupby(["post", "duty"])["score"].transform("mean"))
    keys = ["community", "visit", "shopper"]
    wide = frame.pivot_table(index=keys, columns="post", values="dev")
    wide = wide.join(frame.groupby(keys)["value"].first()).dropna().reset_index()
    theirs = smf.ols("value ~ front_desk + gate + patrol + repairs + C(community) + C(shopper)", wide).fit()
    effects = result.effects.set_index("post")
    np.testing.assert_allclose(effects["estimate"], theirs.params[effects.index])
    np.testing.assert_allclose(effects[["ci_low", "ci_high"]], theirs.conf_int().loc[effects.index])
    assert (effects["df"] == theirs.df_resid).all()


def test_few_shoppers_are_a_fixed_panel():
    assert not cx.key_posts(small()[0], **NAMES).random
    assert cx.key_posts(small()[0], **NAMES, shoppers="random").random
    assert cx.key_posts(small(shoppers=8)[0], **NAMES).random


def test_one_shopper_leaves_no_severity():
    frame = small()[0].assign(shopper="one")
    result = cx.key_posts(frame, **NAMES)
    assert result.severity.empty
    assert any("one shopper only" in str(note) for note in result.notes)
    assert "strictest" not in result.text()


def test_without_places_and_visits_it_works_too():
    frame, _ = small(communities=20, shoppers=8)
    keep = {name: NAMES[name] for name in ("post", "duty", "score", "shopper")}
    result = cx.key_posts(frame, **keep)
    assert result.sample.counts["visits"] == 8
    assert "unit" not in result.variances
    result.plot()


def test_any_names_and_order_will_do_and_the_frame_is_unchanged():
    frame, _ = small()
    copy = frame.copy()
    ours = cx.key_posts(frame, **NAMES, pass_mark=60)
    pd.testing.assert_frame_equal(frame, copy)
    names = {"post": "duty", "duty": "post", "score": "分数", "shopper": "n", "community": "rank", "visit": "次"}
    theirs = cx.key_posts(
        frame.rename(columns=names).sample(frac=1, random_state=3),
        post="duty", duty="post", score="分数", shopper="n", unit="rank", visit="次", pass_mark=60,
    )  # fmt: skip
    for part in ("table", "severity", "passes"):
        one, two = getattr(ours, part), getattr(theirs, part)
        pd.testing.assert_frame_equal(one, two, rtol=1e-5, check_exact=False, atol=1e-6)


def test_the_unit_of_measurement_does_not_matter():
    frame, _ = small()
    one = cx.key_posts(frame, **NAMES).table
    two = cx.key_posts(frame.assign(score=frame["score"] / 20 - 1), **NAMES).table
    np.testing.assert_allclose(one["mean"] / 20 - 1, two["mean"], rtol=1e-5)
    assert one["signal"].tolist() == two["signal"].tolist()


def test_rows_with_something_missing_are_counted():
    frame, _ = small()
    frame = frame.astype({"post": object, "shopper": object})
    frame.loc[0, "post"] = None
    frame.loc[[1, 2], "shopper"] = None
    frame.loc[[2, 3], "score"] = np.nan
    sample = cx.key_posts(frame, **NAMES).sample
    assert sample.used == len(frame) - 4
    assert [n for _, n in sample.dropped if n] == [1, 2, 1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"post": "posts"}, "did you mean 'post'"),
        ({"duty": "post"}, "'post' is given twice"),
        ({"score": "word"}, "numbers are needed"),
        ({"score": "same"}, "all scores are 5"),
        ({"post": "one", "duty": "same"}, "one post with one duty only"),
        ({"score": "nothing"}, "none usable"),
        ({"shoppers": "some"}, "shoppers='some' is not known"),
        ({"pass_mark": "high"}, "pass_mark='high' must be a number"),
        ({"wrong_side": 0.7}, "must lie between 0 and 0.5"),
        ({"value": "value", "unit": None}, "value needs unit"),
        ({"value": "same"}, "value"),
        ({"shopper": "post too"}, "cannot be told apart"),
        ({"post": "row"}, "too many to compare"),
    ],
)
def test_what_cannot_be_judged_is_refused(change, told):
    frame, _ = small()
    frame = frame.assign(word="x", same=5.0, one="a", nothing=np.nan, row=[f"R{i}" for i in range(len(frame))]).assign(
        **{"post too": frame["post"]}
    )
    if change.get("value") == "same":
        frame = frame[frame["visit"] == 1]
    with pytest.raises(InputError, match=told):
        cx.key_posts(frame, **({**NAMES, "shoppers": "fixed"} | change))


def test_verdicts_follow_their_intervals(result):
    assert result.verdict(["gate", "front_desk"]) == "supported"
    each = result.verdicts()
    assert each["post"].tolist() == ["front_desk", "gate", "patrol", "repairs"]
    # four together: each interval is wider than alone
    assert (each["ci_low"] < result.effects["ci_low"]).all()
    with pytest.raises(InputError, match="did you mean 'gate'"):
        result.verdicts(["gates"])


def test_a_large_effect_that_matters_contradicts(visited):
    strict = cx.key_posts(visited[0], **NAMES, value="value", smallest=0.9)
    assert strict.verdict(["gate"]) == "contradicted"
    middle = cx.key_posts(visited[0], **NAMES, value="value", smallest=0.3)
    assert middle.verdict(["gate"]) == "undecided"
    assert "none of these" in middle.value_text(posts=["gate"])


def test_without_value_there_is_no_verdict(visited):
    with pytest.raises(InputError, match="no sense of value"):
        cx.key_posts(small()[0], **NAMES).verdict()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_tables_and_figures(result, language):
    text = result.text(language, focus="gate")
    low = result.weakest
    assert f"{low.shrunken:.1f}" in text
    assert f"{result.overall_halo.estimate:.2f}" in text
    assert {"en": "Gate:", "zh": "门岗："}[language] in text
    assert result.text(language, focus={"en": "front desk", "zh": "前台"}[language])
    assert f"{result.effects['estimate'].iloc[0]:.2f}" in result.value_text(language)
    for part in ("table", "severity", "halo", "passes", "effects"):
        assert repr(result.readable(language, part=part))
    assert result.remarks(language)
    result.plot(language, focus="gate")
    result.plot_shoppers(language)
    with pytest.raises(InputError, match="no such post"):
        result.plot(language, focus="gat")


def test_many_posts_are_drawn_from_both_ends():
    means = {f"P{i:02d}": {"image": 50.0 + i, "etiquette": 50.0 + i} for i in range(20)}
    frame, _ = cx.simulate.posts(communities=4, shoppers=4, visits=2, means=means, effects={})
    result = cx.key_posts(frame, **NAMES)
    axes = result.plot(focus="P10").axes
    assert 30 <= len(axes[0].get_yticks()) <= 32
