"""Cumulative incidence against statsmodels, and against plain proportions where nobody is censored."""

import warnings

import numpy as np
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight

from cxresearch.numerics import proportions
from cxresearch.numerics.incidence import cumulative_incidence


@pytest.fixture(scope="module")
def units():
    rng = np.random.default_rng(8)
    return rng.integers(1, 9, 400), rng.choice(4, 400, p=[0.4, 0.3, 0.2, 0.1]), rng.integers(0, 20, 400)


def test_estimates_and_errors_match_statsmodels(units):
    duration, cause, _ = units
    found = cumulative_incidence(duration, cause, causes=3, confidence=0.95)
    peer = CumIncidenceRight(duration, cause)
    for j in range(3):
        np.testing.assert_allclose(found.estimate[:, j], peer.cinc[j], atol=1e-12)
        np.testing.assert_allclose(found.se[:, j], peer.cinc_se[j], atol=1e-12)


def test_without_censoring_it_is_a_proportion_with_its_interval():
    duration, cause = np.array([1, 1, 2, 2, 2, 3, 3, 3, 3, 3]), np.array([1, 2, 1, 1, 2, 2, 1, 1, 2, 2])
    found = cumulative_incidence(duration, cause, causes=2, confidence=0.95)
    np.testing.assert_allclose(found.estimate[:, 0], [0.1, 0.3, 0.5])
    low, high = proportions.interval(np.array([1.0, 3.0, 5.0]), 10.0, 0.95)
    np.testing.assert_allclose(found.low[:, 0], low)
    np.testing.assert_allclose(found.high[:, 0], high)


def test_errors_stay_defined_when_all_who_are_left_leave():
    duration, cause = np.array([1, 1, 2, 2, 2]), np.array([0, 1, 1, 2, 2])
    found = cumulative_incidence(duration, cause, causes=2, confidence=0.95)
    assert np.isfinite(found.se).all()
    assert found.estimate[-1].sum() == pytest.approx(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = CumIncidenceRight(duration, cause)
    assert np.isnan(peer.cinc_se[0][-1])  # why this is our own code


def test_clusters_of_one_unit_change_only_the_factors(units):
    duration, cause, _ = units
    plain = cumulative_incidence(duration, cause, causes=3, confidence=0.95)
    single = cumulative_incidence(duration, cause, causes=3, confidence=0.95, cluster=np.arange(400))
    np.testing.assert_allclose(single.se, plain.se * np.sqrt(400 / 399))


def test_units_that_leave_together_have_larger_errors(units):
    duration, cause, _ = units
    twice = cumulative_incidence(np.tile(duration, 2), np.tile(cause, 2), causes=3, confidence=0.95)
    pairs = cumulative_incidence(
        np.tile(duration, 2), np.tile(cause, 2), causes=3, confidence=0.95, cluster=np.tile(np.arange(400), 2)
    )
    np.testing.assert_allclose(pairs.se, twice.se * np.sqrt(2 * 400 / 399), rtol=1e-10)
    assert (pairs.high - pairs.low >= twice.high - twice.low).all()


def test_a_cause_not_seen_yet_has_an_upper_end():
    found = cumulative_incidence(np.array([1, 2, 2, 3]), np.array([1, 0, 1, 2]), causes=2, confidence=0.95)
    assert found.estimate[0, 1] == 0
    assert found.low[0, 1] == 0
    assert 0 < found.high[0, 1] < 1


def test_causes_add_up_to_all_leaving(units):
    duration, cause, _ = units
    found = cumulative_incidence(duration, cause, causes=3, confidence=0.95)
    stay = np.cumprod([1 - ((duration == t) & (cause > 0)).sum() / (duration >= t).sum() for t in range(1, 9)])
    np.testing.assert_allclose(found.estimate.sum(axis=1), 1 - stay, atol=1e-12)
