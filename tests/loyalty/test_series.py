"""Lags in one series: Newey-West errors on the calendar, fixed-b intervals, refusals."""

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.numerics import hac

COLUMNS = {"period": "month", "outcome": "loyalty", "driver": "score"}


def series(n=120, noise=1.0, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n + 2)
    y = 3 + 0.5 * x[2:] + 0.2 * x[1:-1] - 0.1 * x[:-2] + noise * rng.normal(size=n)
    return pd.DataFrame({"month": pd.period_range("2010-01", periods=n, freq="M"), "score": x[2:], "loyalty": y})


@pytest.fixture(scope="module")
def thatcher():
    return cx.read("stevedata/thatcher_approval")


def test_noise_free_series_gives_its_effects_back():
    result = cx.series_lags(series(noise=0), **COLUMNS, lags=3)
    np.testing.assert_allclose(result.table["estimate"], [0.5, 0.2, -0.1, 0.0], atol=1e-12)
    np.testing.assert_allclose(result.table["cumulative"], [0.5, 0.7, 0.6, 0.6], atol=1e-12)


def test_thatcher_approval_uses_calendar_lags(thatcher):
    result = cx.series_lags(thatcher, period="date", outcome="thatcher_sat", driver="govt_sat", lags=6)
    assert result.sample.used == 82
    assert {why.en: n for why, n in result.sample.dropped if n} == {
        "driver missing": 1,
        "a lag lies before the first row": 5,
        "a lag lies in a gap": 37,
    }
    assert (result.table["n"] == 82).all()
    assert "months" in result.text()
    assert "One period is 1 month: dates in 'date' fall on varying days" in result.remarks()


def test_table_is_the_numeric_core_with_fixed_b_intervals():
    frame = series().drop(index=[30, 31, 77])
    result = cx.series_lags(frame, **COLUMNS, lags=2, bandwidth=5, confidence=0.9)
    wide = frame.set_index(frame["month"].map(lambda p: p.ordinal))
    x = np.column_stack([wide["score"].reindex(wide.index - lag).to_numpy() for lag in range(3)])
    whole = ~np.isnan(x).any(axis=1)
    fit = hac.fit(wide["loyalty"].to_numpy()[whole], x[whole], wide.index.to_numpy()[whole], 5)
    table = result.table
    np.testing.assert_allclose(table["estimate"], fit.coef[1:])
    np.testing.assert_allclose(result.covariance, fit.covariance[1:, 1:])
    half = hac.critical_value(0.9, fit.fraction)
    np.testing.assert_allclose(table["ci_high"] - table["estimate"], half * table["se"])
    total = np.sqrt(fit.covariance[1:, 1:].sum())
    assert table["cumulative_ci_high"].iloc[-1] - table["cumulative"].iloc[-1] == pytest.approx(half * total)
    assert (result.bandwidth, result.fraction) == (5, 6 / fit.span)
    assert table["p_value"].iloc[0] == pytest.approx(hac.p_value(table["estimate"] / table["se"], fit.fraction)[0])


def test_rows_in_any_order_and_any_driver_list():
    frame = series().assign(price=np.random.default_rng(2).normal(size=120))
    plain = cx.series_lags(frame, **COLUMNS, lags=2).table
    mixed = cx.series_lags(frame.sample(frac=1, random_state=3), **COLUMNS, lags=2).table
    pd.testing.assert_frame_equal(plain, mixed)
    both = cx.series_lags(frame, **COLUMNS | {"driver": ["score", "price"]}, lags=1)
    assert both.table["driver"].tolist() == ["score"] * 2 + ["price"] * 2
    assert "One point more price" in both.text()


def test_short_and_slow_series_carry_a_warning():
    assert "periods are few" not in cx.series_lags(series(300), **COLUMNS, lags=1).remarks()
    assert "59 periods are few" in cx.series_lags(series(60), **COLUMNS, lags=1).remarks()
    assert "只有 59 期" in cx.series_lags(series(60), **COLUMNS, lags=1).remarks("zh")
    slow = series(200).assign(score=lambda f: f["score"].cumsum().cumsum())
    assert "hard to tell apart" in cx.series_lags(slow, **COLUMNS, lags=2).remarks()


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda f: f, {"bandwidth": -1}, "bandwidth=-1 must be a whole number from 0 upwards"),
        (lambda f: f, {"bandwidth": 2.5}, r"bandwidth=2\.5 must be"),
        (lambda f: f.iloc[:4], {}, r"3 rows are not enough for 3 coefficients; fewer lags or a longer series"),
        (lambda f: f.assign(score=1.0), {}, "driver='score' never changes in the 119 rows used"),
        (lambda f: f.assign(score=range(120)), {}, "driver='score' at lag 1 is explained by the columns before it"),
        (
            lambda f: pd.concat([f, f.iloc[[5]]]),
            {},
            r"data: two rows in 2010-06 \(rows 5 and 5\); a series has one per period",
        ),
        (lambda f: f.iloc[:1], {}, "all rows are of one period"),
        (lambda f: f.assign(loyalty="good"), {}, "row 0 holds 'good'; numbers are needed"),
    ],
)
def test_series_that_cannot_be_used_are_refused(change, arguments, message):
    with pytest.raises(InputError, match=message):
        cx.series_lags(change(series()), **{"lags": 1, **COLUMNS, **arguments})


def test_a_constant_outcome_is_refused():
    with pytest.raises(InputError, match="outcome='loyalty' does not change in the 119 rows used"):
        cx.series_lags(series().assign(loyalty=2.0), **COLUMNS, lags=1)


def test_one_series_has_no_focus():
    result = cx.series_lags(series(), **COLUMNS, lags=1)
    with pytest.raises(InputError, match="one series has no units to name"):
        result.text(focus="North")
    with pytest.raises(InputError, match="one series has no units to name"):
        result.plot(focus="North")
