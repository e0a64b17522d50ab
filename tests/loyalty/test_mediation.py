"""Mediation: pingouin and statsmodels as peers, known truth, invariances, and every refusal."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch.checks import InputError

COLUMNS = {"service": "service", "loyalty": "loyalty", "profit": "margin"}
PATHS = ["a", "b", "total", "direct", "indirect", "share_mediated"]
TABLE = ["path", "estimate", "se", "ci_low", "ci_high", "p_value", "n"]


def made(n=300, a=0.6, b=20.0, direct=8.0, noise=1.0, seed=1):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    x = 6 + z + rng.normal(size=n)
    m = 2 + a * x + 0.5 * z + noise * rng.normal(size=n)
    y = 100 + b * m + direct * x - 5 * z + 20 * noise * rng.normal(size=n)
    town = np.array(["North", "South", "West"])[np.arange(n) % 3]
    return pd.DataFrame({"service": x, "loyalty": m, "margin": y, "income": z, "town": town, "who": np.arange(n) // 3})


def estimates(result):
    return result.table.set_index("path")["estimate"].to_dict()


@pytest.fixture(scope="module")
def result():
    return cx.mediation(made(), **COLUMNS, group="town", bootstraps=500)


def test_table_and_exact_paths_without_noise():
    result = cx.mediation(made(noise=1e-4), **COLUMNS, covariates="income", bootstraps=200)
    assert result.table["path"].tolist() == PATHS
    assert list(result.table.columns) == TABLE
    found = estimates(result)
    assert found["a"] == pytest.approx(0.6, abs=1e-4)
    assert found["total"] == pytest.approx(20, abs=2e-3)


@pytest.mark.parametrize("covariates", [[], ["income"]])
def test_matches_pingouin(covariates):
    import pingouin

    frame = made(n=150)
    ours = cx.mediation(frame, **COLUMNS, covariates=covariates, bootstraps=4000).table.set_index("path")
    peer, draws = pingouin.mediation_analysis(
        frame, x="service", m="loyalty", y="margin", covar=covariates or None, n_boot=2000, seed=1, return_dist=True
    )
    peer = peer.set_index("path")
    for path, name in (("a", "loyalty ~ X"), ("total", "Total"), ("direct", "Direct"), ("indirect", "Indirect")):
        assert ours.loc[path, "estimate"] == pytest.approx(peer.loc[name, "coef"], rel=1e-9), path
    # Monte Carlo errors of 4,000 and 2,000 resamples: about 2 % of a spread, 5 % of a tail's distance
    assert ours.loc["indirect", "se"] == pytest.approx(draws.std(ddof=1), rel=0.08)
    low, high = np.quantile(draws, [0.025, 0.975])
    width = high - low
    assert ours.loc["indirect", ["ci_low", "ci_high"]].tolist() == pytest.approx([low, high], abs=0.06 * width)


def test_pingouins_path_from_mediator_to_outcome_leaves_the_cause_out():
    # why b is not taken from pingouin: times a it does not give its own indirect effect
    import pingouin

    frame = made()
    peer = pingouin.mediation_analysis(frame, x="service", m="loyalty", y="margin", n_boot=200, seed=1)
    peer = peer.set_index("path")["coef"]
    ours = estimates(cx.mediation(frame, **COLUMNS, bootstraps=200))
    assert peer["loyalty ~ X"] * ours["b"] == pytest.approx(peer["Indirect"])
    assert abs(peer["Y ~ loyalty"] - ours["b"]) > 1


@pytest.mark.parametrize("cluster", [None, "who"])
def test_errors_match_statsmodels(cluster):
    import statsmodels.formula.api as smf

    frame = made()
    table = cx.mediation(frame, **COLUMNS, covariates=["income"], cluster=cluster, bootstraps=200).table
    table = table.set_index("path")
    kind = {"cov_type": "cluster", "cov_kwds": {"groups": frame["who"]}} if cluster else {"cov_type": "HC3"}
    for path, formula, term in (
        ("a", "loyalty ~ service + income", "service"),
        ("total", "margin ~ service + income", "service"),
        ("direct", "margin ~ service + loyalty + income", "service"),
        ("b", "margin ~ service + loyalty + income", "loyalty"),
    ):
        fitted = smf.ols(formula, frame).fit(use_t=True, **kind)
        low, high = fitted.conf_int().loc[term]
        assert table.loc[path, "estimate"] == pytest.approx(fitted.params[term])
        assert table.loc[path, "se"] == pytest.approx(fitted.bse[term])
        assert table.loc[path, ["ci_low", "ci_high"]].tolist() == pytest.approx([low, high], rel=1e-6)
        assert table.loc[path, "p_value"] == pytest.approx(fitted.pvalues[term], rel=1e-5)


def test_total_is_direct_plus_indirect_and_the_share_follows(result):
    found = estimates(result)
    assert found["total"] == pytest.approx(found["direct"] + found["indirect"], rel=1e-12)
    assert found["indirect"] == pytest.approx(found["a"] * found["b"], rel=1e-12)
    assert found["share_mediated"] == pytest.approx(found["indirect"] / found["total"], rel=1e-12)


def test_simulated_customers_hold_their_truth():
    frame, truth = cx.simulate.profits(customers=4000, seed=3)
    table = cx.mediation(frame, **COLUMNS, cluster="customer", bootstraps=400).table
    z = [(row["estimate"] - truth[row["path"]]) / row["se"] for _, row in table.iterrows()]
    assert np.abs(z).max() < 4


def test_a_covariate_that_moves_both_is_held_equal():
    frame = made(n=4000)
    held = estimates(cx.mediation(frame, **COLUMNS, covariates=["income"], bootstraps=200))
    left_out = estimates(cx.mediation(frame, **COLUMNS, bootstraps=200))
    assert held["a"] == pytest.approx(0.6, abs=0.06)
    assert left_out["a"] > 0.75


def test_clusters_are_resampled_whole():
    frame = pd.concat([made(n=90)] * 4, ignore_index=True)  # every row four times: no more is known than from one
    frame["copy"] = np.tile(np.arange(90), 4)
    rows = cx.mediation(frame, **COLUMNS, bootstraps=2000).row("indirect")["se"]
    copies = cx.mediation(frame, **COLUMNS, cluster="copy", bootstraps=2000).row("indirect")["se"]
    once = cx.mediation(made(n=90), **COLUMNS, bootstraps=2000).row("indirect")["se"]
    assert copies == pytest.approx(once, rel=0.1)
    assert rows == pytest.approx(once / 2, rel=0.1)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_order_units_and_names_do_not_matter(seed, one, two, three):
    frame = made(n=60)
    result = cx.mediation(frame, **COLUMNS, cluster="who", bootstraps=200)
    other = frame.rename(columns={"service": "服务", "loyalty": "index", "margin": "level_0"})
    other = other.assign(服务=one * other["服务"] + 3, index=two * other["index"] - 9, level_0=three * other["level_0"])
    moved = cx.mediation(other, service="服务", loyalty="index", profit="level_0", cluster="who", bootstraps=200)
    units = {"a": two / one, "b": three / two, "total": three / one, "direct": three / one, "indirect": three / one}
    scale = np.array([units.get(path, 1.0) for path in PATHS])
    for column in ("estimate", "se", "ci_low", "ci_high"):
        np.testing.assert_allclose(moved.table[column], result.table[column] * scale, rtol=1e-6)
    shuffled = cx.mediation(frame.sample(frac=1, random_state=seed % 2**32), **COLUMNS, cluster="who", bootstraps=200)
    np.testing.assert_allclose(shuffled.table["estimate"], result.table["estimate"], rtol=1e-9)


def test_the_seed_decides():
    first, again, other = (cx.mediation(made(), **COLUMNS, bootstraps=200, seed=seed).table for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert first["ci_low"][4] != other["ci_low"][4]


def test_sample_accounts_for_every_row():
    frame = made(n=40)
    frame["who"] = frame["who"].astype(float)
    frame.loc[0, "service"] = np.nan
    frame.loc[1, ["loyalty", "margin"]] = np.nan
    frame.loc[2, "margin"] = np.nan
    frame.loc[3, "income"] = np.nan
    frame.loc[4, "who"] = np.nan
    before = frame.copy()
    result = cx.mediation(frame, **COLUMNS, covariates=["income"], cluster="who", bootstraps=200)
    dropped = {why.en: n for why, n in result.sample.dropped}
    assert dropped == {
        "covariate missing": 1, "service missing": 1, "loyalty missing": 1, "profit missing": 1, "cluster missing": 1
    }  # fmt: skip
    assert (result.sample.used, result.sample.counts) == (35, {"units": 13})
    pd.testing.assert_frame_equal(frame, before)


def test_the_verdict_needs_both_steps():
    def verdict(smallest=1.0, **truth):
        return cx.mediation(made(n=400, **truth), **COLUMNS, covariates=["income"], bootstraps=400).verdict(
            smallest=smallest
        )

    assert verdict() == "supported"
    assert verdict(a=0.0) == "undecided" or verdict(a=0.0, smallest=5) == "contradicted"
    assert verdict(b=-20.0) == "contradicted"
    assert verdict(a=-0.6, b=-20.0) == "undecided"  # the product is positive, the steps are not
    assert verdict(smallest=100.0) == "undecided"  # there, and too small to matter
    with pytest.raises(InputError, match="smallest=0"):
        verdict(smallest=0)


def test_no_share_where_the_total_is_not_clear_of_zero():
    result = cx.mediation(made(direct=-12.0, n=120), **COLUMNS, covariates=["income"], bootstraps=200)
    assert np.isnan(result.row("share_mediated")["estimate"])
    for language in ("en", "zh"):
        assert "–" not in result.text(language)
        assert "nan" not in result.text(language)
    none = cx.mediation(made(a=0.0, n=60), **COLUMNS, covariates=["income"], bootstraps=200)
    assert "cannot be told" in none.text()
    assert "不足以判断" in none.text("zh")


def test_loyalty_as_yes_and_no():
    frame = made().assign(loyalty=lambda f: (f["loyalty"] > 5.6).astype(int))
    result = cx.mediation(frame, **COLUMNS, bootstraps=200)
    assert any("two values" in note.en for note in result.notes)
    with pytest.raises(InputError, match="code yes as 1 and no as 0"):
        cx.mediation(frame.assign(loyalty=np.where(frame["loyalty"] == 1, "yes", "no")), **COLUMNS)


def test_few_rows_are_told():
    assert any("30 rows" in note.en for note in cx.mediation(made(n=30), **COLUMNS, bootstraps=200).notes)
    few = cx.mediation(made(n=90), **COLUMNS, cluster="who", bootstraps=200)
    assert any("30 clusters" in note.en for note in few.notes)


def test_a_group_beside_all_others(result):
    both = result.compare("South")
    assert list(both.columns) == ["part", *TABLE]
    frame = made()
    own = estimates(cx.mediation(frame[frame["town"] == "South"], **COLUMNS, bootstraps=200))
    rest = estimates(cx.mediation(frame[frame["town"] != "South"], **COLUMNS, bootstraps=200))
    found = both.set_index(["part", "path"])
    for path in PATHS[:-1]:
        assert found.loc[("focus", path), "estimate"] == pytest.approx(own[path])
        assert found.loc[("difference", path), "estimate"] == pytest.approx(own[path] - rest[path])
    errors = [found.loc[(part, "indirect"), "se"] for part in ("focus", "rest")]
    assert found.loc[("difference", "indirect"), "se"] == pytest.approx(np.hypot(*errors), rel=0.15)


def test_a_group_that_cannot_be_judged_says_why():
    frame = made(n=60)
    frame.loc[:2, "town"] = "Tiny"
    flat = frame["town"] == "West"
    frame.loc[flat, "service"] = 5.0
    result = cx.mediation(frame, **COLUMNS, group="town", bootstraps=200)
    assert result.compare("Tiny").empty
    assert "Tiny cannot be judged by itself: 3 complete rows are too few" in result.text(focus="Tiny")
    assert "never changes" in result.text(focus="West")
    assert "无法单独估计" in result.text("zh", focus="Tiny")
    one = cx.mediation(frame[frame["town"] == "North"], **COLUMNS, group="town", bootstraps=200)
    assert set(one.compare("North")["part"]) == {"focus"}
    assert "no other group" in one.text(focus="North")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_holds_the_numbers(result, language):
    text = result.text(language)
    rows = result.table.set_index("path")
    for shown in (
        f"{rows.loc['a', 'estimate']:.2f}",
        f"{rows.loc['b', 'estimate']:.1f}",
        f"{rows.loc['total', 'estimate']:.1f}",
        f"{rows.loc['indirect', 'ci_low']:.1f}",
        f"{100 * rows.loc['share_mediated', 'estimate']:.0f} %",
        "300",
    ):
        assert shown in text, shown
    assert result.text(language, focus="South").startswith("South")
    assert result.readable(language)
    assert "truth" in result.readable(truth=dict.fromkeys(PATHS, 1.0)).frame
    assert "causal" in result.remarks().lower() or "associations" in result.remarks()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("focus", [None, "South"])
def test_figure_says_the_finding(result, language, focus):
    import matplotlib.pyplot as plt

    figure = result.plot(language, focus=focus)
    left, right = figure.axes
    shown = " ".join(text.get_text() for text in left.texts)
    row = result.row("direct") if focus is None else result.compare(focus).set_index("path").loc["direct"].iloc[0]
    assert f"{row['estimate']:.1f}" in shown or f"{row['estimate']:.2f}" in shown
    assert right.get_xlabel()
    assert "n = 300" in figure.get_supxlabel()
    assert (focus or "") in figure.get_suptitle()
    plt.close(figure)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"service": "servce"}, "did you mean 'service'"),
        ({"loyalty": "service"}, "loyalty='service' is the service already"),
        ({"covariates": ["income", "income"]}, "covariates='income' is the covariates already"),
        ({"cluster": "margin"}, "cluster='margin' is the profit already"),
        ({"service": "town"}, "numbers are needed"),
        ({"service": "one"}, "service='one' never changes"),
        ({"profit": "one"}, "profit='one' never changes"),
        ({"covariates": ["twice"]}, "service='service' is explained by the columns before it"),
        ({"bootstraps": 50}, "bootstraps=50"),
        ({"bootstraps": True}, "bootstraps=True"),
        ({"confidence": 2}, "confidence=2"),
        ({"cluster": "one"}, "all rows are of one cluster"),
        ({"group": "empty"}, "group='empty': empty in every row"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(change, told):
    frame = made(n=50).assign(one=1.0, twice=lambda f: 2 * f["service"] + 1, empty=np.nan)
    with pytest.raises(InputError) as refusal:
        cx.mediation(frame, **{**COLUMNS, "bootstraps": 200, **change})
    assert told in str(refusal.value)


def test_too_few_rows_and_unknown_groups_are_refused(result):
    with pytest.raises(InputError, match="5 complete rows are too few"):
        cx.mediation(made(n=5), **COLUMNS)
    with pytest.raises(InputError, match="did you mean 'South'"):
        result.text(focus="Soth")
    with pytest.raises(InputError, match="name their column"):
        cx.mediation(made(n=40), **COLUMNS, bootstraps=200).plot(focus="South")
    with pytest.raises(InputError, match="path="):
        result.row("indirects")
