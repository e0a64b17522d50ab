"""Leads as a placebo, joint tests, weights, and lags by local projections."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError

EFFECTS = [0.4, 0.3, 0.2, 0.1]


def feedback(strength, units=400, years=10, seed=1):
    """Satisfaction that follows last year's loyalty."""
    rng = np.random.default_rng(seed)
    x, y = np.zeros((units, years)), np.zeros((units, years))
    before = np.zeros(units)
    for t in range(years):
        x[:, t] = strength * before + rng.normal(size=units)
        y[:, t] = before = 0.5 * x[:, t] + rng.normal(size=units)
    unit, year = (axis.ravel() for axis in np.indices((units, years)))
    return pd.DataFrame({"customer": unit, "year": year, "satisfaction": x.ravel(), "loyalty": y.ravel()})


def test_feedback_is_seen_and_said(columns):
    result = cx.distributed_lags(feedback(0.5), **columns, lags=1, leads=1)
    assert result.placebo.fails
    assert result.placebo.table[["driver", "lead"]].to_numpy().tolist() == [["satisfaction", 1]]
    assert result.text().startswith("The future seems to matter")
    assert "不可信" in result.text("zh")
    assert "not to be believed" in result.remarks()


def test_no_feedback_passes_and_leaves_the_estimates_alone(columns):
    frame = feedback(0.0)
    plain = cx.distributed_lags(frame, **columns, lags=1)
    result = cx.distributed_lags(frame, **columns, lags=1, leads=2)
    pd.testing.assert_frame_equal(plain.table, result.table)
    assert plain.placebo is None
    assert not result.placebo.fails
    assert result.placebo.df == (2, 398)
    assert "no proof" in result.remarks()
    assert "The future" not in result.text()


def test_leads_are_calendar_leads(panel, columns):
    frame = panel(units=60, share=0.9)
    moved = frame.assign(year=frame["year"] - 1, later=frame["satisfaction"])[["customer", "year", "later"]]
    both = frame.merge(moved, on=["customer", "year"])
    rng = np.random.default_rng(1)
    both["loyalty"] += rng.normal(size=len(both))
    wide = cx.distributed_lags(both, **columns, lags=0, covariates=["later"])
    frame = frame.merge(both[["customer", "year", "loyalty"]], on=["customer", "year"], how="left")
    frame = frame.assign(loyalty=frame["loyalty_y"]).drop(columns=["loyalty_x", "loyalty_y"])
    ours = cx.distributed_lags(frame, **columns, lags=0, leads=1).placebo
    assert ours.table["estimate"].iloc[0] == pytest.approx(wide.controls["estimate"].iloc[0])
    assert ours.table["se"].iloc[0] == pytest.approx(wide.controls["se"].iloc[0])
    assert ours.statistic == pytest.approx((ours.table["estimate"] / ours.table["se"]).iloc[0] ** 2)
    assert ours.p_value == pytest.approx(ours.table["p_value"].iloc[0])


def test_joint_test_of_one_lag_is_its_t_test(panel, columns):
    result = cx.distributed_lags(panel(noise=3.0), **columns, lags=3)
    row = result.table.iloc[3]
    one = result.joint([3]).iloc[0]
    assert one["p_value"] == pytest.approx(row["p_value"])
    assert one["statistic"] == pytest.approx((row["estimate"] / row["se"]) ** 2)
    several = result.joint([3, 2]).iloc[0]
    assert several["lags"] == "2, 3"
    assert (several["df1"], several["df2"]) == (2, 38)
    effects, block = result.table["estimate"].iloc[2:], result.covariance.iloc[2:, 2:]
    assert several["statistic"] == pytest.approx(effects @ np.linalg.inv(block) @ effects * 38 / 39)


def test_whole_weights_are_repeated_rows(panel, columns):
    from cxresearch.numerics import panel as core

    frame = panel(noise=1.0, units=30).reset_index(drop=True)
    frame["w"] = np.random.default_rng(1).integers(1, 4, size=len(frame))
    result = cx.distributed_lags(frame, **columns, lags=1, weights="w")
    wide = frame.assign(before=frame.groupby("customer")["satisfaction"].shift(1)).dropna()
    wide = wide.loc[wide.index.repeat(wide["w"])]
    unit, year = pd.factorize(wide["customer"])[0], wide["year"].to_numpy() - 2010
    expected = core.fit(wide["loyalty"].to_numpy(), wide[["satisfaction", "before"]].to_numpy(), unit, year)
    np.testing.assert_allclose(result.table["estimate"], expected.coef, rtol=1e-8)
    few, many = result.table["n"].iloc[0], len(wide)  # the factor for degrees of freedom counts rows, not weights
    factor = (few - 1) / (few - 2) / ((many - 1) / (many - 2))
    np.testing.assert_allclose(result.covariance, expected.covariance * factor, rtol=1e-8)


def test_equal_weights_change_nothing_and_missing_ones_are_dropped(panel, columns):
    frame = panel(noise=1.0, share=0.9, seed=1).assign(w=2.5)
    plain = cx.distributed_lags(frame, **columns, lags=1)
    pd.testing.assert_frame_equal(cx.distributed_lags(frame, **columns, lags=1, weights="w").table, plain.table)
    frame.iloc[-1, frame.columns.get_loc("w")] = np.nan
    part = cx.distributed_lags(frame, **columns, lags=1, weights="w").sample
    assert {why.en: n for why, n in part.dropped}["weight missing or zero"] == 1
    assert part.used + sum(n for _, n in part.dropped) == len(frame)
    frame.iloc[0, frame.columns.get_loc("w")] = -1.0
    with pytest.raises(InputError, match="weights='w': row 1 holds -1; weights are 0 or more"):
        cx.distributed_lags(frame, **columns, lags=1, weights="w")


def test_projections_need_no_last_lag_but_values_before(panel, columns):
    frame = panel(units=300)
    result = cx.distributed_lags(frame, **columns, lags=3, method="projections")
    np.testing.assert_allclose(result.table["estimate"], EFFECTS, atol=0.06)  # what is left out shows a little
    whole = cx.distributed_lags(frame, **columns, lags=3, method="projections", past=3)
    np.testing.assert_allclose(whole.table["estimate"], EFFECTS, atol=1e-9)
    assert result.table["n"].is_monotonic_decreasing
    assert result.method == "projections"
    assert "local projection" in result.remarks()


def test_a_projection_is_the_regression_with_one_lag_more(panel, columns):
    frame = panel(noise=1.0, share=0.9)
    two = frame.assign(price=np.random.default_rng(2).normal(size=len(frame)))
    both = columns | {"driver": ["satisfaction", "price"]}
    result = cx.distributed_lags(two, **both, lags=2, method="projections")
    for lag in range(3):
        longer = cx.distributed_lags(two, **both, lags=lag + 1)
        for driver in ("satisfaction", "price"):
            ours, theirs = result.effects_of(driver).iloc[lag], longer.effects_of(driver).iloc[lag]
            for name in ("estimate", "se", "n"):
                assert ours[name] == pytest.approx(theirs[name])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"leads": -1}, "leads=-1 must be a whole number"),
        ({"leads": 9}, "lags=1 with leads=9 needs 11 years in a row"),
        ({"method": "lp"}, "method='lp' is not known"),
        ({"method": "projections", "group": "community"}, "cannot fit groups"),
        ({"past": 0}, "past=0 leaves each lag"),
        ({"weights": "w"}, "weights='w': no such column"),
    ],
)
def test_refusals(panel, columns, given, message):
    with pytest.raises(InputError, match=message):
        cx.distributed_lags(panel(noise=1.0), **columns, lags=1, **given)


def test_joint_refuses_lags_it_has_not(panel, columns):
    with pytest.raises(InputError, match="0 to 1"):
        cx.distributed_lags(panel(), **columns, lags=1).joint([2])


def test_one_driver_of_several_that_follows_the_outcome_is_seen(columns):
    frame = feedback(0.5).assign(price=np.random.default_rng(2).normal(size=4000))
    both = columns | {"driver": ["price", "satisfaction"]}
    placebo = cx.distributed_lags(frame, **both, lags=1, leads=1).placebo
    assert placebo.fails
    assert placebo.df == (2, 398)
    p = placebo.table.set_index("driver")["p_value"]
    assert p["satisfaction"] < 0.001
    assert p["price"] > 0.01
    assert not cx.distributed_lags(feedback(0.0).assign(price=frame["price"]), **both, lags=1, leads=1).placebo.fails


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_placebo_reads_as_a_paragraph(columns, language):
    placebo = cx.distributed_lags(feedback(0.5), **columns, lags=1, leads=1).placebo
    assert placebo.text(language) == placebo.note(language)
    assert placebo.text(language)._repr_html_().startswith("<p>")


def test_projections_take_weights_and_covariates(panel, columns):
    frame = panel(noise=1.0, share=0.9).reset_index(drop=True)
    rng = np.random.default_rng(3)
    frame = frame.assign(price=rng.normal(size=len(frame)), w=rng.uniform(0.5, 2, len(frame)))
    held = {"weights": "w", "covariates": ["price"]}
    result = cx.distributed_lags(frame, **columns, **held, lags=2, method="projections")
    for lag in range(3):
        longer = cx.distributed_lags(frame, **columns, **held, lags=lag + 1).table.iloc[lag]
        for name in ("estimate", "se", "n"):
            assert result.table.iloc[lag][name] == pytest.approx(longer[name])
