"""Odds ratios against a table's closed form and statsmodels; cells and periods in which all did the same."""

import numpy as np
import pytest
import statsmodels.api as sm

from cxresearch.numerics import odds
from cxresearch.numerics.least_squares import RankError


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(6)
    n = 2000
    cell, period = rng.choice(4, n, p=[0.7, 0.15, 0.1, 0.05]), rng.integers(0, 6, n)
    event = (rng.random(n) < np.array([0.05, 0.1, 0.2, 0.5])[cell]).astype(float)
    return cell, period, event, rng.integers(0, 500, n), rng.normal(50, 9, (n, 2))


def test_one_period_is_the_cross_ratio_of_the_table():
    cell = np.repeat([0, 1], [40, 20])
    event = np.r_[np.ones(8), np.zeros(32), np.ones(10), np.zeros(10)]
    found = odds.odds(cell, np.zeros(60, dtype=int), event, cells=2, cluster=np.arange(60), confidence=0.95)
    assert found.log_odds[1] == pytest.approx(np.log((10 / 10) / (8 / 32)), abs=1e-9)
    plain = np.sqrt(1 / 8 + 1 / 32 + 1 / 10 + 1 / 10)
    assert found.se[1] == pytest.approx(plain * np.sqrt(60 / 59 * 59 / 58), abs=1e-9)


@pytest.mark.parametrize("covariates", [False, True])
def test_matches_statsmodels_with_period_dummies(rows, covariates):
    cell, period, event, unit, z = rows
    found = odds.odds(cell, period, event, cells=4, cluster=unit, confidence=0.95, covariates=z if covariates else None)
    x = np.column_stack([cell[:, None] == np.arange(1, 4), np.eye(6)[period], *([z] if covariates else [])])
    peer = sm.Logit(event, x.astype(float)).fit(
        disp=0, method="newton", tol=1e-12, cov_type="cluster", cov_kwds={"groups": unit}
    )
    np.testing.assert_allclose(found.log_odds[1:], peer.params[:3], atol=1e-7)
    np.testing.assert_allclose(found.se[1:], peer.bse[:3], atol=1e-7)
    if covariates:
        np.testing.assert_allclose(found.slopes, peer.params[-2:], atol=1e-8)
        np.testing.assert_allclose(found.slopes_se, peer.bse[-2:], atol=1e-8)
    assert found.df == len(np.unique(unit)) - 1


def test_weights_count_like_repeated_rows(rows):
    cell, period, event, unit, _ = rows
    weight = 1.0 + (np.arange(len(cell)) % 3 == 0)
    twice = np.repeat(np.arange(len(cell)), weight.astype(int))
    one = odds.odds(cell, period, event, cells=4, cluster=unit, confidence=0.95, weight=weight)
    two = odds.odds(cell[twice], period[twice], event[twice], cells=4, cluster=unit[twice], confidence=0.95)
    np.testing.assert_allclose(one.log_odds, two.log_odds, atol=1e-9)
    np.testing.assert_allclose(one.se, two.se, rtol=1e-3)  # only the factor (N-1)/(N-K) sees the rows


def test_a_period_in_which_nobody_left_says_nothing(rows):
    cell, period, event, unit, _ = rows
    quiet = np.r_[period, np.full(50, 6)]
    one = odds.odds(cell, period, event, cells=4, cluster=unit, confidence=0.95)
    two = odds.odds(
        np.r_[cell, np.zeros(50, dtype=int)],
        quiet,
        np.r_[event, np.zeros(50)],
        cells=4,
        cluster=np.r_[unit, unit[:50]],
        confidence=0.95,
    )
    np.testing.assert_allclose(one.log_odds, two.log_odds, atol=1e-9)
    assert one.n == two.n


def test_nobody_left_has_a_finite_upper_end_and_everybody_a_lower_one():
    cell = np.repeat([0, 1, 2], [100, 12, 12])
    event = np.r_[np.ones(20), np.zeros(80), np.zeros(12), np.ones(12)]
    found = odds.odds(cell, np.zeros(124, dtype=int), event, cells=3, cluster=np.arange(124), confidence=0.95)
    assert found.why == ("", "none left", "all left")
    assert found.log_odds[1] == found.low[1] == -np.inf
    chance = 1 / (1 + np.exp(-(found.high[1] + np.log(0.2 / 0.8))))
    assert (1 - chance) ** 12 == pytest.approx(0.05)
    assert found.log_odds[2] == found.high[2] == np.inf
    chance = 1 / (1 + np.exp(-(found.low[2] + np.log(0.2 / 0.8))))
    assert chance**12 == pytest.approx(0.05)


def test_without_leavers_in_cell_0_there_is_nothing_to_compare_with():
    cell = np.repeat([0, 1], 20)
    event = np.r_[np.zeros(20), np.ones(5), np.zeros(15)]
    found = odds.odds(cell, np.zeros(40, dtype=int), event, cells=3, cluster=np.arange(40), confidence=0.95)
    assert found.why == ("none left", "reference", "empty")
    assert np.isnan(found.log_odds).all()


def test_a_cell_that_is_a_whole_period_cannot_be_told_from_it():
    rng = np.random.default_rng(0)
    period = np.repeat([0, 1], 50)
    event = (rng.random(100) < 0.3).astype(float)
    found = odds.odds(period.copy(), period, event, cells=2, cluster=np.arange(100), confidence=0.95)
    assert found.why[1] == "confounded"


def test_a_covariate_that_is_a_sum_of_others_is_named(rows):
    cell, period, event, unit, z = rows
    bad = np.column_stack([z, z.sum(axis=1)])
    with pytest.raises(RankError) as error:
        odds.odds(cell, period, event, cells=4, cluster=unit, confidence=0.95, covariates=bad)
    assert error.value.column == 2
