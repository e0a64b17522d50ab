"""Retention economics: closed forms, peers, known truth, invariances, and every refusal."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch.checks import InputError

TABLE = ["quantity", "measure", "estimate", "se", "ci_low", "ci_high", "basis", "n"]
COLUMNS = {
    "left": "left",
    "unit": "customer",
    "period": "year",
    "margin": "margin",
    "cost_to_keep": "cost_to_keep",
    "cost_to_win": "cost_to_win",
}
PLAN = {"discount": 0.1, "uplift": 0.03, "programme_cost": 15.0}


def estimates(result):
    return result.table.set_index("quantity")["estimate"].to_dict()


def limits(result, quantity):
    return tuple(result.row(quantity)[["ci_low", "ci_high"]])


def counts(left, at_risk, **more):
    frame = pd.DataFrame({"gone": [left], "there": [at_risk]})
    return cx.retention_value(frame, left="gone", at_risk="there", **({"margin": 100.0, "discount": 0.1} | more))


@pytest.fixture(scope="module")
def simulated():
    return cx.simulate.profits(customers=600)


@pytest.fixture(scope="module")
def result(simulated):
    return cx.retention_value(simulated[0], **COLUMNS, **PLAN, group="community")


@pytest.mark.parametrize("payment", ["start", "end"])
def test_every_quantity_matches_its_closed_form(payment):
    r, m, c, d, u, x, w = 0.8, 100.0, 40.0, 0.1, 0.05, 8.0, 260.0
    found = estimates(
        cx.retention_value(
            retention=r, margin=m, cost_to_keep=c, discount=d, uplift=u, programme_cost=x, cost_to_win=w,
            payment=payment,
        )
    )  # fmt: skip
    late = m if payment == "end" else 0.0
    value = (m - c) * (1 + d) / (1 + d - r) - late
    assert found == pytest.approx(
        {
            "retention": r,
            "expected_periods": 1 / (1 - r),
            "lifetime_value": value,
            "value_of_one_point": (m - c) * (1 + d) * (1 / (1 + d - r - 0.01) - 1 / (1 + d - r)),
            "margin": m,
            "cost_to_keep": c,
            "cost_to_win": w,
            "cost_ratio": w / c,
            "net_value_of_winning": value - w,
            "break_even_spend": u * (m - c) / (1 + d - r),
            "programme_gain": (m - c - x) * (1 + d) / (1 + d - r - u) - (m - c) * (1 + d) / (1 + d - r),
            "break_even_uplift": x * (1 + d - r) / (m - c),
            "cost_per_save": x * (1 + d) / u,
            "advantage_of_keeping": w + late - x * (1 + d) / u,
            # a customer saved pays the margin of the period that ends, one won does not
            "break_even_ratio": (x * (1 + d) / u - late) / c,
            "uplift_to_match_winning": x * (1 + d) / (w + late),
        }
    )


def test_at_the_break_even_ratio_saving_and_winning_leave_the_same():
    plan = {
        "retention": 0.8,
        "margin": 100,
        "cost_to_keep": 40,
        "uplift": 0.05,
        "programme_cost": 8,
        "discount": 0.1,
    }
    ratio = estimates(cx.retention_value(**plan))["break_even_ratio"]
    at = cx.retention_value(**plan, cost_to_win=40 * ratio)
    assert at.row("uplift_to_match_winning")["estimate"] == pytest.approx(0.05)


def test_with_one_uncertain_input_intervals_are_images_of_its_own():
    from statsmodels.stats.proportion import proportion_confint

    result = counts(12, 110, cost_to_keep=30.0, uplift=0.02)
    low, high = (1 - end for end in proportion_confint(12, 110, method="jeffreys")[::-1])
    assert limits(result, "retention") == pytest.approx((low, high), rel=1e-6)
    for name, image in {
        "expected_periods": lambda r: 1 / (1 - r),
        "lifetime_value": lambda r: 70 * 1.1 / (1.1 - r),
        "break_even_spend": lambda r: 0.02 * 70 / (1.1 - r),
    }.items():
        assert limits(result, name) == pytest.approx((image(low), image(high)), rel=1e-6)
    assert result.row("retention")[["n", "basis"]].tolist() == [110, "data"]


def test_given_intervals_come_back_and_go_through():
    result = cx.retention_value(
        retention=(0.8, 0.75, 0.84), margin=(100, 90, 115), cost_to_keep=(40, 35, 50), discount=0.1
    )
    assert limits(result, "retention") == pytest.approx((0.75, 0.84), rel=2e-3)
    assert limits(result, "margin") == pytest.approx((90, 115), rel=2e-3)
    rng = np.random.default_rng(0)
    z = rng.standard_normal((3, 400_000)) / 1.959964

    def two_piece(middle, low, high, values):
        return middle + np.where(values < 0, middle - low, high - middle) * values

    logit = lambda p: np.log(p / (1 - p))  # noqa: E731
    r = 1 / (1 + np.exp(-two_piece(*map(logit, (0.8, 0.75, 0.84)), z[0])))
    m, c = two_piece(100, 90, 115, z[1]), np.exp(two_piece(*np.log([40, 35, 50]), z[2]))
    expected = np.quantile((m - c) * 1.1 / (1.1 - r), [0.025, 0.975])
    assert limits(result, "lifetime_value") == pytest.approx(tuple(expected), rel=0.01)


def test_simulated_customers_hold_their_truth():
    frame, truth = cx.simulate.profits(customers=4000, seed=5)
    result = cx.retention_value(frame, **COLUMNS, **PLAN)
    true = cx.retention_value(
        retention=truth["retention"][0],
        **{name: truth[name] for name in ("margin", "cost_to_keep", "cost_to_win")},
        **PLAN,
    )
    both = result.table.merge(true.table, on="quantity", suffixes=("", "_true"))
    both = both[both["se"] > 0]
    assert len(both) >= 10
    z = (both["estimate"] - both["estimate_true"]) / both["se"]
    assert z.abs().max() < 4


def test_tenures_are_told_apart():
    frame, truth = cx.simulate.profits(customers=6000, leaving=(0.4, 0.2, 0.1))
    plan = {**COLUMNS, "discount": 0.1, "tenures": 3}
    by_column = cx.retention_value(frame, **plan, tenure="tenure")
    table = by_column.by_tenure
    assert np.abs(table["retention"] - np.array(truth["retention"])).max() < 0.02
    assert (table["retention_ci_low"] < table["retention"]).all()
    assert table["value"].is_monotonic_increasing
    # the first rows here are those of the first year, so tenure can be counted from them
    counted = cx.retention_value(frame.sample(frac=1, random_state=1), **plan)
    pd.testing.assert_series_equal(counted.by_tenure["retention"], table["retention"])
    found = estimates(by_column)
    assert found["lifetime_value"] == pytest.approx(table["value"][0])
    assert found["remaining_value"] == pytest.approx(table["value"] @ table["at_risk"] / table["at_risk"].sum())
    assert table["value_ci_low"][0] == pytest.approx(by_column.row("lifetime_value")["ci_low"])
    # one rate for all misses what the loyal are worth
    assert estimates(cx.retention_value(frame, **plan | {"tenures": 1}))["lifetime_value"] < found["remaining_value"]


def test_clusters_widen_the_interval_as_in_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    community = np.repeat(np.arange(60), 40)
    left = rng.random(2400) < rng.beta(2, 10, 60)[community]
    frame = pd.DataFrame({"left": left.astype(int), "community": community})
    plain = cx.retention_value(frame, left="left", margin=1.0, discount=0.1)
    clustered = cx.retention_value(frame, left="left", margin=1.0, discount=0.1, cluster="community")
    fitted = sm.OLS(frame["left"].astype(float), np.ones(2400)).fit()
    robust = fitted.get_robustcov_results("cluster", groups=community, use_correction=False)
    half = 1.959964 * robust.bse[0] * np.sqrt(60 / 59) * 2.001 / 1.96
    low, high = limits(clustered, "retention")
    assert (high - low) / 2 == pytest.approx(half, rel=0.02)
    assert high - low > 1.3 * np.subtract(*limits(plain, "retention")[::-1])
    assert clustered.sample.counts == {}
    assert any("independently" in note.en for note in plain.notes)
    assert not any("independently" in note.en for note in clustered.notes)


def test_cost_ratio_matches_the_delta_method(simulated):
    frame, _ = simulated
    result = cx.retention_value(frame, **COLUMNS, discount=0.1)
    row = result.row("cost_ratio")
    sums = (
        frame.assign(rows=1.0, first=frame["cost_to_win"].notna().astype(float))
        .groupby("customer")[["cost_to_win", "first", "cost_to_keep", "rows"]]
        .sum()
    )
    a, n, b, k = (sums[column] for column in sums)
    score = a / a.sum() - n / n.sum() - b / b.sum() + k / k.sum()
    se = np.sqrt((score**2).sum() * len(sums) / (len(sums) - 1))
    from scipy.stats import t

    half = t.ppf(0.975, len(sums) - 1) * se
    ratio = frame["cost_to_win"].mean() / frame["cost_to_keep"].mean()
    assert row["estimate"] == pytest.approx(ratio)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((ratio * np.exp(-half), ratio * np.exp(half)), rel=1e-9)


def test_counted_customers_are_what_single_ones_are(simulated):
    frame, _ = simulated
    single = cx.retention_value(frame, left="left", margin="margin", cost_to_win="cost_to_win", discount=0.1)
    grouped = (
        frame.assign(n=1, won=frame["cost_to_win"].notna().astype(int))
        .groupby(["community", "year"])[["n", "won", "left", "margin", "cost_to_win"]]
        .sum()
        .reset_index()
    )
    counted = cx.retention_value(
        grouped, left="left", at_risk="n", margin="margin", cost_to_win="cost_to_win", won="won", discount=0.1
    )
    assert estimates(counted) == pytest.approx(estimates(single))
    assert limits(counted, "retention") == pytest.approx(limits(single, "retention"))
    assert counted.row("cost_to_win")["n"] == 600


@pytest.mark.parametrize("yes", [["yes", "no"], ["Y", "N"], ["True", "False"], ["是", "否"], [True, False], [1.0, 0.0]])
def test_any_writing_of_leaving_gives_the_same_answer(yes):
    gone = [1, 0, 0, 0, 1, 0, 0]
    frame = pd.DataFrame({"流失": [yes[0] if one else yes[1] for one in gone]})
    result = cx.retention_value(frame, left="流失", margin=10.0, discount=0.1)
    assert result.row("retention")["estimate"] == pytest.approx(5 / 7)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(1e-3, 1e4))
def test_neither_the_order_of_rows_nor_labels_nor_the_currency_matter(seed, unit):
    frame, _ = cx.simulate.profits(customers=60, years=3)
    result = cx.retention_value(frame, **COLUMNS, **PLAN)
    money = ["margin", "cost_to_keep", "cost_to_win"]
    other = frame.sample(frac=1, random_state=seed % 2**32).rename(columns={"customer": "名", "left": "level_0"})
    other[money] *= unit
    other["名"] = "c" + other["名"].astype(str)
    moved = cx.retention_value(
        other, **COLUMNS | {"unit": "名", "left": "level_0"}, **PLAN | {"programme_cost": 15.0 * unit}
    )
    scale = np.where(result.table["measure"] == "money", unit, 1.0)
    for column in ("estimate", "ci_low", "ci_high"):
        np.testing.assert_allclose(moved.table[column], result.table[column] * scale, rtol=1e-6, atol=1e-9)


def test_sample_accounts_for_every_row(simulated):
    frame = simulated[0].head(60).copy().reset_index(drop=True)
    frame["customer"] = frame["customer"].astype("object")
    frame["left"] = frame["left"].astype(float)
    frame["tenure"] = frame["tenure"].astype(float)
    frame.loc[0, "customer"] = None
    frame.loc[1, "community"] = None
    frame.loc[2, "year"] = np.nan
    frame.loc[[3, 4], "left"] = np.nan
    frame.loc[5, "tenure"] = np.nan
    before = frame.copy()
    result = cx.retention_value(
        frame, **COLUMNS, discount=0.1, cluster="community", tenure="tenure", tenures=2, group="community"
    )
    dropped = {why.en: n for why, n in result.sample.dropped if n}
    assert dropped == {
        "unit missing": 1,
        "cluster missing": 1,
        "period missing": 1,
        "tenure missing": 1,
        "whether left is missing": 2,
    }
    assert (result.sample.rows, result.sample.used) == (60, 54)
    pd.testing.assert_frame_equal(frame, before)


def test_nobody_left():
    result = counts(0, 40, uplift=0.05, programme_cost=2.0, cost_to_keep=20.0)
    found = estimates(result)
    assert found["expected_periods"] == np.inf
    assert limits(result, "retention")[1] == 1
    assert limits(result, "expected_periods") == (pytest.approx(1 / 0.0607, rel=0.01), np.inf)
    assert found["lifetime_value"] == pytest.approx(80 * 11)
    assert found["break_even_spend"] == 0
    assert found["cost_per_save"] == np.inf
    assert "at the least" in result.text()
    assert "至少" in result.text("zh")
    assert any("Nobody left" in note.en for note in result.notes)
    result.plot()
    forever = counts(0, 40, discount=0.0)
    assert estimates(forever)["lifetime_value"] == np.inf
    assert "∞" in forever.text()


def test_everybody_left():
    result = counts(30, 30)
    assert estimates(result)["lifetime_value"] == 100
    assert estimates(result)["expected_periods"] == 1
    assert limits(result, "retention")[0] == 0


def test_a_customer_who_costs_more_than_it_earns():
    result = cx.retention_value(retention=0.8, margin=10, cost_to_keep=40, discount=0.1, uplift=0.05, programme_cost=1)
    assert estimates(result)["lifetime_value"] < 0
    assert estimates(result)["break_even_uplift"] == np.inf
    assert "does not pay at any price" in result.text()
    assert "不划算" in result.text("zh")
    result.plot("zh")


def test_few_leavers_and_few_clusters_are_told():
    assert any("Only 2 of 300 left" in note.en for note in counts(2, 300).notes)
    assert not any("Only" in note.en for note in counts(20, 300).notes)
    frame = pd.DataFrame({"left": [0, 1] * 20, "town": np.arange(40) % 4})
    result = cx.retention_value(frame, left="left", margin=1, discount=0, cluster="town")
    assert any("4 clusters" in note.en for note in result.notes)
    alone = cx.retention_value(frame.assign(town=1), left="left", margin=1, discount=0, cluster="town")
    assert np.isnan(limits(alone, "retention")).all()
    assert np.isnan(limits(alone, "lifetime_value")).all()
    assert any("one cluster" in note.en for note in alone.notes)


def test_an_uplift_beyond_all_leavers_is_held_and_told():
    result = cx.retention_value(retention=0.98, margin=10, discount=0.1, uplift=0.05)
    assert estimates(result)["break_even_spend"] == pytest.approx(10 * (1 - 0.1 / 0.12))
    assert any("held at 100 %" in note.en for note in result.notes)


def test_what_winning_costs_may_be_assumed():
    result = cx.retention_value(
        retention=0.8, margin=100, cost_to_keep=(40, 30, 50), discount=0.1, ratio=6, uplift=0.1, programme_cost=10
    )
    row = result.row("cost_to_win")
    assert (row["estimate"], row["basis"]) == (240, "assumed")
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(180, rel=1e-3), pytest.approx(300, rel=1e-3))
    assert not result.has("cost_ratio")
    assert result.verdict() == "not tested"
    assert "not measured" in result.text()
    assert "ratio" in set(result.sensitivity("net_value_of_winning")["input"])


def test_the_verdict_follows_the_interval_of_the_ratio():
    rng = np.random.default_rng(0)

    def verdict(true, n=400, spread=0.2, **more):
        frame = pd.DataFrame({"left": rng.integers(0, 2, n), "keep": rng.lognormal(0, spread, n)})
        frame["win"] = true * rng.lognormal(0, spread, n)
        value = cx.retention_value(frame, left="left", margin=9.0, cost_to_keep="keep", cost_to_win="win", discount=0.1)
        return value.verdict(**more)

    assert verdict(5) == "supported"
    assert verdict(5.5) == "supported"
    assert verdict(2.5) == "contradicted"
    assert verdict(9) == "contradicted"
    assert verdict(6) == "undecided"
    assert verdict(5, n=10, spread=1.5) == "undecided"
    assert verdict(3, ratio=3) == "supported"
    assert verdict(4.5, tolerance=0.05) == "contradicted"
    given = cx.retention_value(retention=0.8, margin=9, cost_to_keep=1, cost_to_win=5, discount=0.1)
    assert given.verdict() == "not tested"
    with pytest.raises(InputError, match="tolerance=1"):
        given.verdict(tolerance=1)


def test_a_group_beside_all_others(result, simulated):
    frame = simulated[0]
    both = result.compare("C3")
    assert list(both.columns) == ["part", *TABLE]
    own = cx.retention_value(frame[frame["community"] == "C3"], **COLUMNS, **PLAN).table
    rest = cx.retention_value(frame[frame["community"] != "C3"], **COLUMNS, **PLAN).table
    for part, alone in (("focus", own), ("rest", rest)):
        found = both[both["part"] == part].reset_index(drop=True)
        np.testing.assert_allclose(found["estimate"], alone["estimate"])
        np.testing.assert_allclose(found["ci_low"], alone["ci_low"], rtol=0.02, atol=1e-3)
    gap = both[both["part"] == "difference"].set_index("quantity")
    np.testing.assert_allclose(
        gap["estimate"], own.set_index("quantity")["estimate"] - rest.set_index("quantity")["estimate"]
    )
    sides = [table.set_index("quantity").loc["lifetime_value", "se"] for table in (own, rest)]
    assert gap.loc["lifetime_value", "se"] == pytest.approx(np.hypot(*sides), rel=0.05)
    assert np.isnan(gap.loc["cost_per_save", "se"])  # stated, the same for all
    assert result.row("retention", focus="C3")["estimate"] == own["estimate"][0]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_holds_the_numbers(result, language):
    text = result.text(language)
    rows = result.table.set_index("quantity")
    for shown in (
        f"{rows.loc['lifetime_value', 'estimate']:.0f}",
        f"{100 * rows.loc['retention', 'estimate']:.0f}",
        f"{rows.loc['expected_periods', 'estimate']:.1f}",
        f"{rows.loc['break_even_spend', 'estimate']:.1f}",
        f"{rows.loc['cost_ratio', 'estimate']:.1f}",
        "550",
        "600",
        "95 %",
    ):
        assert shown in text, shown
    own = result.text(language, focus="C3")
    assert own.startswith("C3")
    assert f"{result.row('lifetime_value', focus='C3')['estimate']:,.0f}" in own
    assert result.readable(language)
    assert result.remarks(language)
    for name in result.table["quantity"]:
        assert name in result.headings
    for mark in ("nan", "None", "{", "  "):
        assert mark not in text + own


def test_text_says_when_all_is_arithmetic():
    result = cx.retention_value(retention=0.8, margin=100, discount=0.1, step="month")
    assert "arithmetic" in result.text()
    assert "算术" in result.text("zh")
    assert "month" in result.text()
    assert result.table["ci_low"].isna().all()
    assert result.sample.rows == 0
    assert "€" in cx.retention_value(retention=0.8, margin=100, discount=0.1, currency="€").text()


def test_readable_shows_the_truth_beside(result):
    true = cx.retention_value(retention=0.85, margin=300, cost_to_keep=100, discount=0.1)
    shown = result.readable(truth=true).frame
    assert shown.columns[2] == "truth"
    assert shown.iloc[2, 2] == "880.0"
    assert "–" in set(shown["truth"])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("focus", [None, "C3"])
def test_figures_say_the_finding(result, language, focus):
    import matplotlib.pyplot as plt

    figure = result.plot(language, focus=focus)
    (ax,) = figure.axes
    title = ax.get_title(loc="left").replace("\n", " ")
    assert "3" in title
    assert title.startswith(focus or ("Keeping" if language == "en" else "每"))
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert "n = " in figure.get_supxlabel()
    plt.close(figure)
    figure = result.plot_sensitivity(language)
    assert figure.axes[0].get_yticklabels()
    plt.close(figure)


def test_sensitivity_moves_one_input_at_a_time(result):
    table = result.sensitivity()
    assert list(table.columns) == ["input", "low", "high", "moved_by", "at_low", "at_high"]
    assert "cost_to_win" not in set(table["input"])  # changes nothing
    widths = (table["at_high"] - table["at_low"]).abs()
    assert widths.is_monotonic_decreasing
    row = table.set_index("input").loc["discount"]
    found = estimates(result)
    for end in ("low", "high"):
        expected = (found["margin"] - found["cost_to_keep"]) * (1 + row[end]) / (1 + row[end] - found["retention"])
        assert row[f"at_{end}"] == pytest.approx(expected)


def test_the_break_even_curve_passes_through_the_table(result):
    curve = result.break_even([0.0, 0.03])
    assert curve.loc[0, ["estimate", "as_winning"]].tolist() == [0, 0]
    at = result.row("break_even_spend")
    assert curve.loc[1, ["estimate", "ci_low", "ci_high"]].tolist() == pytest.approx(
        at[["estimate", "ci_low", "ci_high"]].tolist(), rel=1e-6
    )
    needed = result.row("uplift_to_match_winning")["estimate"]
    assert result.break_even([needed])["as_winning"][0] == pytest.approx(15)


def test_curve_meets_the_programme_with_several_tenures():
    frame, _ = cx.simulate.profits(customers=800, leaving=(0.4, 0.1))
    result = cx.retention_value(frame, **COLUMNS, **PLAN, tenure="tenure", tenures=2)
    needed = result.row("uplift_to_match_winning")["estimate"]
    assert result.break_even([needed])["as_winning"][0] == pytest.approx(15)


def refused(call):
    with pytest.raises(InputError) as refusal:
        call()
    return str(refusal.value)


ROWS = pd.DataFrame(
    {"who": [1, 1, 2, 2], "year": [2020, 2021, 2020, 2021], "left": [0, 1, 0, 0], "n": [9, 9, 9, 9], "money": [1.0] * 4}
)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"left": None}, "give either left"),
        ({"retention": 0.5}, "give either left"),
        ({"left": "gone"}, "left='gone': no such column"),
        ({"left": "n"}, "1 (left) or 0 (stayed)"),
        ({"margin": "who"}, "margin='who' is the unit already"),
        ({"margin": "profit"}, "margin='profit': no such column"),
        ({"margin": float("nan")}, "margin=nan must be a finite number"),
        ({"margin": (1, 2, 3)}, "estimate between low and high"),
        ({"margin": None}, "margin=None must be"),
        ({"discount": 10}, "10 % is 0.1"),
        ({"discount": -0.1}, "discount=-0.1"),
        ({"uplift": 3}, "3 % is 0.03"),
        ({"uplift": 0}, "uplift=0"),
        ({"uplift": (0.03, 0.04, 0.05)}, "estimate between low and high"),
        ({"programme_cost": 0}, "programme_cost=0"),
        ({"cost_to_keep": -1}, "cost_to_keep=-1"),
        ({"cost_to_keep": (1, -1, 2)}, "lies above 0"),
        ({"cost_to_win": "money", "won": "left", "period": None, "unit": None, "left": "n"}, "1 (left) or 0"),
        ({"ratio": 0}, "ratio=0"),
        ({"tenures": 0}, "tenures=0"),
        ({"tenures": 3}, "nobody is seen in period 3"),
        ({"tenures": 2, "unit": None}, "need a tenure column"),
        ({"tenure": "left", "tenures": 2}, "left='left' is the tenure already"),
        ({"payment": "monthly"}, "payment='monthly' is not known"),
        ({"step": "decade"}, "step='decade'"),
        ({"at_risk": "money"}, "row 0 has"),
        ({"confidence": 95}, "confidence=95"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_by_name(change, told):
    whole = {"left": "left", "unit": "who", "period": "year", "margin": 10.0, "discount": 0.1} | change
    frame = ROWS.assign(left=[3, 1, 0, 0]) if "at_risk" in change else ROWS
    assert told in refused(lambda: cx.retention_value(frame, **whole))


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (ROWS.assign(left=[1, 0, 0, 0]), "1 left, and has a later row in 2021 (row 1)"),
        (ROWS.assign(year=2020), "1 has two rows in 2020"),
        (ROWS.assign(left=np.nan), "no rows are left (4 whether left is missing)"),
        (ROWS.iloc[:0], "no rows are left (data has no rows)"),
        (ROWS.assign(left=["yes", "no", "maybe", "no"]), "1 or yes means left"),
        (ROWS.to_dict(), "data must be a pandas DataFrame"),
    ],
)
def test_data_that_cannot_be_used_are_refused_by_row(frame, told):
    call = {"left": "left", "unit": "who", "period": "year", "margin": 10.0, "discount": 0.1}
    assert told in refused(lambda: cx.retention_value(frame, **call))


def test_columns_without_data_and_unknown_groups_are_refused(result):
    assert "no data are given" in refused(lambda: cx.retention_value(left="left", margin=1, discount=0))
    assert "no data are given" in refused(lambda: cx.retention_value(retention=0.5, margin="m", discount=0))
    assert "did you mean 'C3'" in refused(lambda: result.text(focus="c3x"))
    assert "groups are C1" in refused(lambda: result.plot(focus="North"))
    assert "name their column" in refused(lambda: counts(3, 9).text(focus="C1"))
    assert "did you mean 'lifetime_value'" in refused(lambda: result.row("lifetime"))
    assert "did you mean" in refused(lambda: result.sensitivity("retentions"))
    assert "language" in refused(lambda: result.text("fr"))


def test_a_group_that_cannot_be_judged_says_why(simulated):
    frame = simulated[0].copy()
    frame.loc[frame["community"] == "C2", "cost_to_win"] = np.nan
    result = cx.retention_value(frame, **COLUMNS, **PLAN, group="community")
    assert result.compare("C2").empty
    assert "C2 cannot be judged by itself: no row states its cost_to_win" in result.text(focus="C2")
    assert "无法单独估计" in result.text("zh", focus="C2")
    result.plot(focus="C2")
    one = cx.retention_value(frame[frame["community"] == "C1"], **COLUMNS, **PLAN, group="community")
    assert set(one.compare("C1")["part"]) == {"focus"}
    assert "no other group" in one.text(focus="C1")


@pytest.mark.parametrize(
    ("uplift", "cost_to_win", "english", "chinese"),
    [
        (0.05, 300, "keeping is the cheaper way", "维系更省钱"),
        (0.05, 100, "winning is the cheaper way", "获客更省钱"),
        ((0.05, 0.02, 0.09), 180, "cannot tell which is cheaper", "不足以判断哪个更省钱"),
        ((0.05, -0.02, 0.09), 1e6, "cannot tell which is cheaper", "不足以判断哪个更省钱"),  # it may save nobody
    ],
)
def test_which_is_cheaper_follows_the_interval(uplift, cost_to_win, english, chinese):
    result = cx.retention_value(
        retention=(0.8, 0.75, 0.84), margin=100, cost_to_keep=40, discount=0.1, uplift=uplift, programme_cost=8,
        cost_to_win=cost_to_win,
    )  # fmt: skip
    assert english in result.text()
    assert chinese in result.text("zh")


@pytest.mark.parametrize(
    ("spend", "told"), [(5, "the programme pays"), (20, "the programme does not pay"), (10, "cannot tell whether")]
)
def test_whether_the_programme_pays_follows_the_interval(spend, told):
    result = cx.retention_value(
        retention=(0.8, 0.75, 0.84), margin=100, cost_to_keep=40, discount=0.1, uplift=0.05, programme_cost=spend
    )
    assert told in result.text()
