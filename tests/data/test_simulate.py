"""Simulated data hold the truth they come with."""

import math
import time

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from cxresearch.checks import InputError
from cxresearch.data import simulate
from cxresearch.data.simulate.panels import _SATISFACTION_SD as SATISFACTION_SD


def within(frame: pd.DataFrame, columns: list[str], unit: str, period: str) -> np.ndarray:
    """Take unit and period means out of a balanced panel."""
    values = frame[columns]
    by_unit = frame.groupby(unit)[columns].transform("mean")
    by_period = frame.groupby(period)[columns].transform("mean")
    return (values - by_unit - by_period + values.mean()).to_numpy()


def with_lags(frame: pd.DataFrame, lags: int) -> pd.DataFrame:
    lagged = {f"s{k}": frame.groupby("customer")["satisfaction"].shift(k) for k in range(lags)}
    return frame.assign(**lagged).dropna()


def slopes(frame: pd.DataFrame, lags: int) -> np.ndarray:
    columns = ["loyalty", *(f"s{k}" for k in range(lags))]
    centred = within(with_lags(frame, lags), columns, "customer", "year")
    return np.linalg.lstsq(centred[:, 1:], centred[:, 0], rcond=None)[0]


@pytest.mark.parametrize("effects", [(0.4, 0.3, 0.2, 0.1), (0.5,), (0.3, -0.2, 0.0)])
def test_panel_without_noise_gives_the_effects_back(effects: tuple[float, ...]) -> None:
    frame, truth = simulate.panel(customers=200, years=8, effects=effects, noise=0)
    np.testing.assert_allclose(slopes(frame, len(effects)), truth["effects"], atol=1e-10)


def test_panel_with_noise_gives_the_effects_within_monte_carlo_error() -> None:
    frame, truth = simulate.panel(customers=4000, years=10, noise=1.0)
    # 28,000 rows, within variance 0.81, autocorrelation 0.5: standard errors near 0.01
    np.testing.assert_allclose(slopes(frame, 4), truth["effects"], atol=0.04)


def test_ignoring_customers_overestimates() -> None:
    frame, truth = simulate.panel(customers=4000, years=6)
    lagged = with_lags(frame, 4)
    design = np.column_stack([np.ones(len(lagged)), lagged[["s0", "s1", "s2", "s3"]]])
    pooled = np.linalg.lstsq(design, lagged["loyalty"].to_numpy(), rcond=None)[0]
    assert pooled[1:].sum() > truth["total_effect"] + 0.2
    assert slopes(frame, 4).sum() == pytest.approx(truth["total_effect"], abs=0.1)


def test_panel_moments_are_the_stated_ones() -> None:
    frame, truth = simulate.panel(customers=20_000, years=6, communities=400)
    wide = frame.pivot_table(index="customer", columns="year", values="satisfaction").to_numpy()
    wide = wide - wide.mean(axis=0)
    level = SATISFACTION_SD["customer"] ** 2 + SATISFACTION_SD["community"] ** 2
    wave = truth["satisfaction_sd"] ** 2
    covariance = np.cov(wide.T)
    for gap in range(6):
        found = np.diagonal(covariance, gap).mean()
        assert found == pytest.approx(level + wave * truth["autocorrelation"] ** gap, abs=0.03)


def test_panel_loyalty_before_the_first_year_counts() -> None:
    # had the earlier years been zero, loyalty would climb over the first years
    frame, _ = simulate.panel(customers=5000, effects=(0.1, 0.2, 0.3, 0.4), noise=0)
    by_year = frame.groupby("year")["loyalty"].mean()
    assert (by_year - by_year.mean()).abs().max() < 1.5


@pytest.mark.parametrize(
    ("effects", "mean_lag", "horizon"),
    [
        ((0.4, 0.3, 0.2, 0.1), 1.0, 3),
        ((0.4, 0.3, 0.0), 3 / 7, 1),
        ((0.0, 0.0), math.nan, -1),
        ((0.4, -0.2), math.nan, 1),
        ((-0.1, -0.1), 0.5, 1),
    ],
)
def test_panel_truth_follows_from_the_effects(effects: tuple[float, ...], mean_lag: float, horizon: int) -> None:
    _, truth = simulate.panel(customers=2, years=2, effects=effects)
    assert truth["mean_lag"] == pytest.approx(mean_lag, nan_ok=True)
    assert truth["horizon"] == horizon
    assert truth["duration"] == horizon + 1
    assert truth["total_effect"] == pytest.approx(sum(effects))


def test_panel_of_5000_customers_and_10_years_takes_well_under_a_second() -> None:
    simulate.panel(customers=2, years=2)
    start = time.perf_counter()
    frame, _ = simulate.panel(customers=5000, years=10)
    assert time.perf_counter() - start < 0.5
    assert len(frame) == 50_000


def test_missing_rows_are_gaps_at_random() -> None:
    full, _ = simulate.panel(customers=3000, years=10)
    gaps, truth = simulate.panel(customers=3000, years=10, missing=0.2)
    assert len(gaps) / len(full) == pytest.approx(0.8, abs=0.015)
    assert truth["missing"] == 0.2
    both = full.merge(gaps, on=["customer", "year"], suffixes=("", "_kept"))
    pd.testing.assert_series_equal(both["loyalty"], both["loyalty_kept"], check_names=False)
    assert gaps["satisfaction"].mean() == pytest.approx(full["satisfaction"].mean(), abs=0.02)


def test_panel_shape_and_types() -> None:
    frame, _ = simulate.panel(customers=30, years=4, communities=12, first_year=1999)
    assert not frame.duplicated(["customer", "year"]).any()
    assert sorted(frame["year"].unique()) == [1999, 2000, 2001, 2002]
    assert frame.groupby("customer")["community"].nunique().eq(1).all()
    assert frame["community"].str.fullmatch(r"C(0[1-9]|1[0-2])").all()
    assert frame["community"].dtype == "str"


@pytest.mark.parametrize("make", [simulate.panel, simulate.ratings, simulate.responses])
def test_the_seed_decides(make) -> None:
    first, _ = make(seed=1)
    again, _ = make(seed=1)
    other, _ = make(seed=2)
    assert_frame_equal(first, again)
    assert not first.equals(other)


def mean_squares(table: np.ndarray) -> tuple[float, float, float]:
    """Mean squares of a two-way table: rows, columns, residual."""
    rows, columns = table.shape
    row, column, grand = table.mean(axis=1), table.mean(axis=0), table.mean()
    rest = table - row[:, None] - column[None, :] + grand
    return (
        columns * ((row - grand) ** 2).sum() / (rows - 1),
        rows * ((column - grand) ** 2).sum() / (columns - 1),
        (rest**2).sum() / (rows - 1) / (columns - 1),
    )


@pytest.mark.parametrize("visits", [1, 3])
def test_rating_components_of_the_mean_score_match_mean_squares(visits: int) -> None:
    outlets, shoppers = 400, 60
    estimates = []
    for seed in range(6):
        frame, truth = simulate.ratings(outlets, shoppers, visits=visits, items=4, seed=seed)
        table = frame.groupby(["outlet", "shopper"])["score"].mean().unstack().to_numpy()  # noqa: PD010
        between, judges, rest = mean_squares(table)
        estimates.append([(between - rest) / shoppers, (judges - rest) / outlets, rest])
    expected = [truth["mean_score_variances"][name] for name in ("outlet", "shopper", "residual")]
    # relative standard errors of six designs: about 3 % (400 outlets), 8 % (60 shoppers), 0.4 %
    error = np.mean(estimates, axis=0) / expected - 1
    assert (np.abs(error) < [0.1, 0.25, 0.02]).all()


def test_rating_components_add_up_to_the_variance_of_a_score() -> None:
    squares = []
    for seed in range(40):
        frame, truth = simulate.ratings(40, 30, items=30, seed=seed)
        squares.append(((frame["score"] - truth["mean"]) ** 2).mean())
    assert np.mean(squares) == pytest.approx(sum(truth["variances"].values()), rel=0.06)


def test_rating_iccs_follow_from_the_components() -> None:
    _, truth = simulate.ratings(items=10, visits=1)
    # outlet 15 + 7.5/10; shopper 5 + 2.5/10; rest 2.5 + 7.5 + 40/10
    assert truth["mean_score_variances"] == pytest.approx({"outlet": 15.75, "shopper": 5.25, "residual": 14.0})
    assert truth["ICC(A,1)"] == pytest.approx(15.75 / 35)
    assert truth["ICC(C,1)"] == pytest.approx(15.75 / 29.75)
    assert truth["ICC(A,k)"] == pytest.approx(15.75 / (15.75 + 19.25 / 6))


def test_ratings_of_pure_outlets_agree_perfectly() -> None:
    none = dict.fromkeys(simulate.RATING_VARIANCES, 0.0)
    frame, truth = simulate.ratings(variances=none | {"outlet": 4.0})
    assert frame.groupby("outlet")["score"].nunique().eq(1).all()
    assert truth["ICC(A,1)"] == truth["ICC(C,1)"] == 1
    _, nothing = simulate.ratings(variances=none)
    assert math.isnan(nothing["ICC(A,1)"])


def test_each_outlet_gets_its_own_shoppers() -> None:
    frame, truth = simulate.ratings(outlets=50, shoppers=9, shoppers_per_outlet=3, visits=2, items=4)
    assert len(frame) == 50 * 3 * 2 * 4
    assert frame.groupby("outlet")["shopper"].nunique().eq(3).all()
    assert frame["shopper"].nunique() == 9
    assert not frame.duplicated(["outlet", "shopper", "visit", "item"]).any()
    assert truth["sizes"]["shoppers_per_outlet"] == 3


def test_response_variances_match_the_truth() -> None:
    frame, truth = simulate.responses(units=400, respondents=(50, 50))
    for name in truth["weights"]:
        groups = frame.groupby("unit")[name]
        inside = groups.var().mean()
        between = groups.mean().var() - inside / 50
        assert inside == pytest.approx(truth["within_variance"], rel=0.04)
        assert between == pytest.approx(truth["between_variance"], rel=0.25)
    assert truth["reliability_of_one"] == pytest.approx(0.2)


def test_response_unit_means_are_what_the_scores_scatter_around() -> None:
    frame, truth = simulate.responses(units=60, respondents=(400, 400))
    long = frame.melt("unit", list(truth["weights"]), "touchpoint", "score")
    found = long.groupby(["unit", "touchpoint"])["score"].mean()
    stated = truth["unit_means"].set_index(["unit", "touchpoint"])["mean"]
    z = (found - stated.reindex(found.index)) / math.sqrt(truth["within_variance"] / 400)
    assert abs(z.mean()) < 0.3
    assert z.std() == pytest.approx(1, abs=0.15)


def test_responses_without_noise_give_the_weights_back() -> None:
    frame, truth = simulate.responses(units=5, respondents=(30, 40), noise=0, weights=(0.5, 0.2, 0.1, 0.1, -0.1))
    names = list(truth["weights"])
    found = np.linalg.lstsq(frame[names].to_numpy(), frame["overall"].to_numpy(), rcond=None)[0]
    np.testing.assert_allclose(found, list(truth["weights"].values()), atol=1e-10)


def test_response_scores_go_together_as_stated() -> None:
    frame, truth = simulate.responses(units=300, respondents=(60, 60), touchpoints=3)
    names = list(truth["weights"])
    inside = frame[names] - frame.groupby("unit")[names].transform("mean")
    assert inside.corr().to_numpy()[np.triu_indices(3, 1)] == pytest.approx([0.4] * 3, abs=0.03)


def test_responses_stretch_with_the_scale() -> None:
    ten, _ = simulate.responses(units=4, respondents=(5, 9))
    hundred, truth = simulate.responses(units=4, respondents=(5, 9), scale=(0, 100))
    np.testing.assert_allclose(hundred["repairs"], 10 * ten["repairs"])
    assert truth["within_variance"] == pytest.approx(100)
    one_to_five, _ = simulate.responses(units=4, respondents=(5, 9), scale=(1, 5))
    np.testing.assert_allclose(one_to_five["repairs"], 1 + 0.4 * ten["repairs"])


def test_responses_take_names_and_sizes() -> None:
    frame, truth = simulate.responses(units=12, respondents=(3, 7), touchpoints=["保洁", "绿化"])
    assert list(frame.columns) == ["respondent", "unit", "保洁", "绿化", "overall"]
    assert frame.groupby("unit").size().between(3, 7).all()
    assert frame["unit"].nunique() == 12
    assert truth["weights"] == pytest.approx({"保洁": 2 / 3, "绿化": 1 / 3})
    counted, _ = simulate.responses(units=2, touchpoints=2)
    assert "touchpoint_2" in counted


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: simulate.panel(customers=0), "customers=0"),
        (lambda: simulate.panel(years=2.5), "years=2.5"),
        (lambda: simulate.panel(missing=1.0), "missing=1.0"),
        (lambda: simulate.panel(noise=-1), "noise=-1"),
        (lambda: simulate.panel(noise=math.nan), "noise=nan"),
        (lambda: simulate.panel(effects=()), "effects"),
        (lambda: simulate.panel(effects=(0.1, math.inf)), "effects"),
        (lambda: simulate.panel(effects="much"), "effects"),
        (lambda: simulate.panel(seed=-1), "seed=-1"),
        (lambda: simulate.ratings(shoppers_per_outlet=7), "more than shoppers=6"),
        (lambda: simulate.ratings(items=True), "items=True"),
        (lambda: simulate.ratings(variances={"outlets": 1}), "did you mean 'outlet'"),
        (lambda: simulate.ratings(variances={"outlet": -1}), "variances['outlet']=-1"),
        (lambda: simulate.responses(respondents=(5, 2)), "respondents=2"),
        (lambda: simulate.responses(respondents=50), "respondents=50"),
        (lambda: simulate.responses(scale=(5, 1)), "scale=(5, 1)"),
        (lambda: simulate.responses(weights=(1.0,)), "5 touchpoints"),
        (lambda: simulate.responses(touchpoints=["unit"]), "touchpoints=['unit']"),
        (lambda: simulate.responses(touchpoints=["a", "a"]), "must differ"),
        (lambda: simulate.responses(touchpoints=[]), "touchpoints=[]"),
    ],
)
def test_what_cannot_be_simulated_is_refused(call, told: str) -> None:
    with pytest.raises(InputError) as refusal:
        call()
    assert told in str(refusal.value)
