"""Lags in panels: known effects recovered, calendar lags, peers, invariances, and every refusal."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch.checks import InputError

EFFECTS = [0.4, 0.3, 0.2, 0.1]
TABLE = [
    "driver", "lag", "estimate", "se", "ci_low", "ci_high", "p_value",
    "cumulative", "cumulative_ci_low", "cumulative_ci_high", "n",
]  # fmt: skip


def dropped(result):
    """Reasons that dropped any row, in English, with their counts."""
    return {why.en: n for why, n in result.sample.dropped if n}


@pytest.mark.parametrize("share", [1.0, 0.85])
@pytest.mark.parametrize("lags", [3, 5])
def test_noise_free_panel_gives_its_effects_back(panel, columns, share, lags):
    result = cx.distributed_lags(panel(share=share, units=80), **columns, lags=lags)
    truth = np.array([*EFFECTS, 0.0, 0.0])[: lags + 1]
    assert list(result.table.columns) == TABLE
    np.testing.assert_allclose(result.table["estimate"], truth, atol=1e-9)
    np.testing.assert_allclose(result.table["cumulative"], truth.cumsum(), atol=1e-9)
    assert result.table["se"].max() < 1e-9


def test_simulated_panel_holds_its_truth(columns):
    frame, truth = cx.simulate.panel(customers=1500, missing=0.1)
    result = cx.distributed_lags(frame, **columns, lags=3)
    error = (result.table["estimate"] - list(truth["effects"])) / result.table["se"]
    assert np.abs(error).max() < 4


def test_matches_dummy_variables_and_the_joint_covariance_in_statsmodels(panel, columns):
    import statsmodels.formula.api as smf

    frame = panel(noise=1.0, share=0.9)
    result = cx.distributed_lags(frame, **columns, lags=2, confidence=0.9)
    wide = frame.set_index(["customer", "year"])["satisfaction"]
    for lag in range(3):
        frame[f"x{lag}"] = [wide.get((c, y - lag), np.nan) for c, y in zip(frame.customer, frame.year, strict=True)]
    whole = frame.dropna()
    whole = whole[whole.groupby("customer")["year"].transform("size") > 1]
    model = smf.ols("loyalty ~ x0 + x1 + x2 + C(customer) + C(year)", whole).fit()
    robust = model.get_robustcov_results("cluster", groups=pd.factorize(whole.customer)[0], use_correction=False)
    slopes = [model.params.index.get_loc(f"x{lag}") for lag in range(3)]
    groups, n = whole.customer.nunique(), len(whole)
    factor = groups / (groups - 1) * (n - 1) / (n - 3)
    expected = robust.cov_params()[np.ix_(slopes, slopes)] * factor
    np.testing.assert_allclose(result.table["estimate"], model.params[["x0", "x1", "x2"]], rtol=1e-8)
    np.testing.assert_allclose(result.covariance, expected, rtol=1e-7)
    from scipy.stats import t

    half = t.ppf(0.95, groups - 1) * np.sqrt(expected.sum())
    last = result.table.iloc[-1]
    assert last["cumulative_ci_high"] - last["cumulative"] == pytest.approx(half, rel=1e-7)
    p = 2 * t.sf(np.abs(result.table["estimate"] / np.sqrt(np.diag(expected))), groups - 1)
    np.testing.assert_allclose(result.table["p_value"], p, rtol=1e-6)
    assert (result.table["n"] == n).all()


def test_a_gap_makes_a_missing_value_never_a_shift(panel, columns):
    frame = panel(units=60)
    hole = frame[frame["year"] != 2013]
    result = cx.distributed_lags(hole, **columns, lags=1)
    np.testing.assert_allclose(result.table["estimate"], EFFECTS[:2], atol=0.2)
    whole = cx.distributed_lags(frame, **columns, lags=3)
    part = cx.distributed_lags(hole, **columns, lags=3)
    np.testing.assert_allclose(part.table["estimate"], EFFECTS, atol=1e-9)
    assert whole.sample.used == 60 * 6
    assert part.sample.used == 60 * 2  # 2017 and 2018 alone have all of 2014 to 2018 behind them
    assert dropped(part) == {"a lag lies before the first row": 60 * 3, "a lag lies in a gap": 60 * 3}


def test_sample_accounts_for_every_row(panel, columns):
    frame = panel(units=12, years=6, noise=1.0).reset_index(drop=True)
    frame["price"] = np.random.default_rng(0).normal(size=len(frame))
    frame.loc[0, "customer"] = None
    frame.loc[7, "year"] = np.nan
    frame.loc[14, "loyalty"] = np.nan
    frame.loc[20, "satisfaction"] = np.nan
    frame.loc[[26, 27], "price"] = np.nan
    frame = frame.drop(index=[67, 68, 69, 70])  # the last customer keeps years 0 and 5, never two in a row
    result = cx.distributed_lags(frame, **columns, lags=1, covariates=["price"])
    assert result.sample.rows == len(frame) == 68
    assert dropped(result) == {
        "unit missing": 1,
        "period missing": 1,
        "outcome missing": 1,
        "driver missing": 1,
        "covariate missing": 2,
        "a lag lies before the first row": 12,
        "a lag lies in a gap": 3,
    }
    assert result.sample.used + sum(n for _, n in result.sample.dropped) == 68
    assert result.sample.counts == {"units": 11, "periods": 5}


def test_rows_alone_in_their_unit_or_period_are_dropped_and_counted(panel, columns):
    frame = panel(units=20, years=5, noise=1.0)
    first, second = frame["customer"] == "c000", frame["customer"] == "c001"
    extra = frame[second & (frame["year"] == 2014)].assign(year=2015)  # alone in 2015
    frame = frame[~(first & (frame["year"] > 2011))]  # two years: one row with a lag, alone in its unit
    result = cx.distributed_lags(pd.concat([frame, extra]), **columns, lags=1)
    assert dropped(result)["alone in its unit or period, whose effect absorbs it"] == 2
    pooled = cx.distributed_lags(frame, **columns, lags=1, effects="none")
    assert "alone in its unit or period, whose effect absorbs it" not in dropped(pooled)


def test_several_drivers_and_covariates_enter_together(panel, columns):
    frame = panel(units=60)
    rng = np.random.default_rng(3)
    frame = frame.assign(price=rng.normal(size=len(frame)), weather=rng.normal(size=len(frame)))
    frame["loyalty"] += 0.7 * frame["weather"]
    result = cx.distributed_lags(
        frame, **columns | {"driver": ["satisfaction", "price"]}, lags=3, covariates=["weather"]
    )
    np.testing.assert_allclose(result.table["estimate"], [*EFFECTS, 0, 0, 0, 0], atol=1e-9)
    assert result.table["driver"].tolist() == ["satisfaction"] * 4 + ["price"] * 4
    assert result.covariance.shape == (8, 8)
    assert result.covariance.index[5] == ("price", 1)
    assert result.controls.loc[0, ["covariate", "estimate"]].tolist() == ["weather", pytest.approx(0.7, abs=1e-9)]
    assert result.table["cumulative"].iloc[4] == pytest.approx(0, abs=1e-9)
    assert result.effects_of("price")["lag"].tolist() == [0, 1, 2, 3]


def test_unit_effects_matter(panel, columns):
    frame = panel(units=200)
    pooled = cx.distributed_lags(frame, **columns, lags=3, effects="none").table
    fixed = cx.distributed_lags(frame, **columns, lags=3, effects="two-way").table
    assert pooled["cumulative"].iloc[-1] > 2  # liking the service anyway lifts both columns
    assert fixed["cumulative"].iloc[-1] == pytest.approx(1)


DATED = {
    "integer": lambda y: y,
    "float": lambda y: y.astype(float),
    "text": lambda y: y.astype(str),
    "wave": lambda y: y - 2000,
    "biennial": lambda y: 2 * y - 2010,
    "date": lambda y: pd.to_datetime(y.astype(str) + "-06-30"),
    "date text": lambda y: y.astype(str) + "-06-30",
    "period": lambda y: pd.PeriodIndex(y.astype(str), freq="Y"),
    "months as numbers": lambda y: 100 * (2015 + (y - 2010) // 12) + (y - 2010) % 12 + 1,
    "month text": lambda y: [f"{2015 + (v - 2005) // 12}-{(v - 2005) % 12 + 1:02d}" for v in y],
    "quarters": lambda y: [f"{2015 + (v - 2010) // 4}Q{(v - 2010) % 4 + 1}" for v in y],
    "chinese": lambda y: [f"{v}年" for v in y],
}


@pytest.mark.parametrize("kind", DATED)
def test_any_writing_of_periods_gives_the_same_answer(panel, columns, kind):
    frame = panel(units=20, noise=1.0, share=0.9)
    expected = cx.distributed_lags(frame, **columns, lags=2).table
    written = frame.assign(year=DATED[kind](frame["year"]))
    pd.testing.assert_frame_equal(cx.distributed_lags(written, **columns, lags=2).table, expected)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    line=st.tuples(st.floats(1e-3, 1e3), st.floats(-100, 100)),
    names=st.permutations(["driver", "lag", "estimate", "客户", "index", "y"]),
)
def test_row_order_measurement_and_names_do_not_matter(panel, columns, seed, line, names):
    scale, shift = line
    frame = panel(units=15, years=6, noise=1.0, share=0.95)
    expected = cx.distributed_lags(frame, **columns, lags=1).table
    rng = np.random.default_rng(seed)
    other = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    other["satisfaction"] = other["satisfaction"] * scale + shift
    relabel = dict(zip(other["customer"].unique(), rng.permutation(other["customer"].nunique()), strict=True))
    other["customer"] = other["customer"].map(relabel)
    renamed = dict(zip(["customer", "year", "loyalty", "satisfaction"], names, strict=False))
    other = other.rename(columns=renamed)
    table = cx.distributed_lags(other, **{k: renamed[v] for k, v in columns.items()}, lags=1).table
    for column in ("estimate", "se", "ci_low", "ci_high", "cumulative", "cumulative_ci_low", "cumulative_ci_high"):
        np.testing.assert_allclose(table[column] * scale, expected[column], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(table["p_value"], expected["p_value"], rtol=1e-5, atol=1e-12)


def test_the_callers_frame_is_left_alone(panel, columns):
    frame = panel(units=10, noise=1.0)
    before = frame.copy(deep=True)
    cx.distributed_lags(frame, **columns, lags=2, group="community").text(focus="North")
    pd.testing.assert_frame_equal(frame, before)


def test_a_repeated_index_does_no_harm(panel, columns):
    frame = panel(units=10, noise=1.0)
    table = cx.distributed_lags(frame.set_axis([0] * len(frame)), **columns, lags=2).table
    pd.testing.assert_frame_equal(table, cx.distributed_lags(frame, **columns, lags=2).table)


def test_columns_may_be_called_by_numbers_or_pairs(panel, columns):
    frame = panel(units=10, noise=1.0)
    odd = {"customer": ("who", "id"), "year": 0, "loyalty": 1, "satisfaction": 2}
    table = cx.distributed_lags(
        frame.rename(columns=odd), **{role: odd[name] for role, name in columns.items()}, lags=2
    ).table
    expected = cx.distributed_lags(frame, **columns, lags=2).table.assign(driver=2)
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    with pytest.raises(InputError, match="row 0 holds 'x'; numbers are needed"):
        cx.distributed_lags(frame.assign(loyalty="x").set_axis([0] * len(frame)), **columns, lags=2)


def test_zero_and_one_as_outcome_is_a_chance(panel, columns):
    frame = panel(units=60, noise=1.0)
    frame["loyalty"] = frame["loyalty"] > frame["loyalty"].median()
    result = cx.distributed_lags(frame, **columns, lags=1)
    assert "takes two values only" in result.remarks()
    assert "“loyalty”只取两个值" in result.remarks("zh")


def test_notes_warn_of_few_units_little_variation_and_entangled_lags(panel, columns):
    frame = panel(units=30, noise=1.0)
    assert "With 30 units only" in cx.distributed_lags(frame, **columns, lags=1).remarks()
    frame = panel(units=50, noise=1.0)
    assert "units only" not in cx.distributed_lags(frame, **columns, lags=1).remarks()
    rng = np.random.default_rng(4)
    frame["satisfaction"] = frame.groupby("customer").ngroup() + 0.01 * rng.normal(size=len(frame))
    assert "explain all but 0.0 % of the driver's variance" in cx.distributed_lags(frame, **columns, lags=1).remarks()
    frame["satisfaction"] = frame.groupby("customer")["satisfaction"].cumsum() * (frame["year"] - 2009)
    assert "hard to tell apart" in cx.distributed_lags(frame, **columns, lags=3).remarks()


def spoil(frame, **columns):
    return frame.assign(**columns)


def test_data_that_cannot_be_used_are_refused_by_name(panel, columns):
    frame = panel(units=10, years=6, noise=1.0).reset_index(drop=True)
    cases = {
        "loyalty.*row 0 holds 'yes'; numbers are needed; code yes as 1 and no as 0": frame.assign(
            loyalty=np.where(frame["loyalty"] > 5, "yes", "yes")
        ),
        "loyalty.*row 0 holds 'high'; numbers are needed$": frame.assign(loyalty="high"),
        "'c000' has two rows in 2010 .rows 0 and 60.": pd.concat([frame, frame.iloc[[0]]], ignore_index=True),
        "outcome='loyalty' does not change": frame.assign(loyalty=3.0),
        "outcome='loyalty' does not change beyond two-way": frame.assign(loyalty=frame["year"] * 1.0),
        "driver='satisfaction' never changes in the 50 rows": frame.assign(satisfaction=0.1),
        "driver='satisfaction' never changes within a unit": frame.assign(
            satisfaction=frame.groupby("customer").ngroup() * 1.0
        ),
        "driver='satisfaction' is the same for all in each period": frame.assign(satisfaction=frame["year"] ** 0.5),
        "explained by unit and period effects together": frame.assign(
            satisfaction=frame.groupby("customer").ngroup() * 10.0 + frame["year"] ** 0.5
        ),
        "'c000' is the only unit; a panel needs two": frame[frame["customer"] == "c000"],
        "all rows are of one period": frame[frame["year"] == 2010],
        "data has no rows": frame.iloc[:0],
        "no row has both its unit and its period": frame.assign(
            customer=np.where(frame["year"] == 2010, frame["customer"], None),
            year=frame["year"].where(frame["year"] != 2010),
        ),
        "no rows are left .60 outcome missing": frame.assign(loyalty=np.nan),
        "infinite; finite": frame.assign(satisfaction=np.where(frame.index == 3, np.inf, 1.0)),
    }
    for message, data in cases.items():
        with pytest.raises(InputError, match=message):
            cx.distributed_lags(data, **columns, lags=1)


def test_lags_beyond_the_panel_are_refused_with_what_it_holds(panel, columns):
    frame = panel(units=10, years=6)
    with pytest.raises(InputError, match=r"lags=6 needs 7 years in a row, and the longest unit has 6 rows"):
        cx.distributed_lags(frame, **columns, lags=6)
    with pytest.raises(InputError, match=r"no rows are left .*alone in its unit"):
        cx.distributed_lags(frame, **columns, lags=5)
    few = frame[frame["customer"].isin(["c000", "c001"])]
    with pytest.raises(InputError, match="satisfaction' at lag 2 is explained by the columns before it"):
        cx.distributed_lags(few, **columns, lags=3)
    with pytest.raises(InputError, match=r"4 rows leave nothing for errors.*fewer lags, or more units"):
        cx.distributed_lags(few[few["year"] < 2012], **columns, lags=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lags": -1}, "lags=-1 must be a whole number from 0 upwards"),
        ({"lags": 1.5}, r"lags=1\.5 must be"),
        ({"lags": True}, "lags=True must be"),
        ({"effects": "twoway"}, r"effects='twoway' is not known \(did you mean 'two-way'\?\)"),
        ({"confidence": 95}, "confidence=95 must lie between 0 and 1"),
        ({"driver": "satisfcation"}, r"driver='satisfcation': no such column \(did you mean 'satisfaction'\?\)"),
        ({"driver": []}, "driver names no column"),
        ({"driver": ["satisfaction", "satisfaction"]}, "'satisfaction' is named twice"),
        ({"driver": "loyalty"}, "driver='loyalty' is the outcome already"),
        ({"covariates": ["satisfaction"]}, "covariates='satisfaction' is the driver already"),
        ({"unit": "year"}, "period='year' is the unit already"),
        ({"group": "comunity"}, "did you mean 'community'"),
        ({"step": "decade"}, "step='decade' is not known"),
    ],
)
def test_arguments_are_checked(panel, columns, arguments, message):
    with pytest.raises(InputError, match=message):
        cx.distributed_lags(panel(units=5), **{"lags": 1, **columns, **arguments})


def test_a_list_is_no_frame(columns):
    with pytest.raises(InputError, match="data must be a pandas DataFrame, not list"):
        cx.distributed_lags([1, 2], **columns, lags=1)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.01, 0.2, "supported"), (-0.1, 0.04, "contradicted"), (-0.1, 0.2, "undecided"), (0.01, 0.04, "undecided")],
)
def test_the_verdict_follows_from_the_interval(panel, columns, low, high, verdict):
    from dataclasses import replace

    result = cx.distributed_lags(panel(units=30, noise=1.0), **columns, lags=3)
    table = result.table.assign(ci_low=low, ci_high=high)
    assert replace(result, table=table).verdict(lag=3, smallest=0.05) == verdict


def test_a_verdict_needs_its_lag_and_a_smallest_effect(panel, columns):
    result = cx.distributed_lags(panel(units=30, noise=1.0), **columns, lags=2)
    with pytest.raises(InputError, match="lag=3 was not estimated; lags run from 0 to 2"):
        result.verdict(lag=3, smallest=0.05)
    with pytest.raises(InputError, match="smallest=0 must be above 0"):
        result.verdict(lag=2, smallest=0)
    with pytest.raises(InputError, match="driver='price' is not known"):
        result.verdict(lag=2, smallest=0.1, driver="price")
