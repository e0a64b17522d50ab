"""Mid-P intervals against their definition, exact coverage, and survey weights against Korn and Graubard."""

import numpy as np
import pytest
from scipy import stats

from cxresearch.numerics import proportions


@pytest.mark.parametrize(("count", "n"), [(1, 7), (3, 20), (19, 20), (250, 1000)])
def test_ends_solve_the_definition_of_mid_p(count, n):
    low, high = proportions.interval(count, n, 0.95)
    above = stats.binom.sf(count, n, low) + stats.binom.pmf(count, n, low) / 2
    below = stats.binom.cdf(count, n, high) - stats.binom.pmf(count, n, high) / 2
    assert above == pytest.approx(0.025, abs=1e-10)
    assert below == pytest.approx(0.025, abs=1e-10)


def test_nothing_seen_leaves_an_upper_end_and_everything_a_lower_one():
    low, high = proportions.interval(np.array([0.0, 10.0]), 10, 0.95)
    assert low[0] == 0
    assert high[1] == 1
    assert high[0] == pytest.approx(1 - 0.05 ** (1 / 10), abs=1e-10)  # half the chance of nothing is 2.5 %
    assert low[1] == pytest.approx(0.05 ** (1 / 10), abs=1e-10)


def test_exact_coverage_is_never_far_below_the_level():
    for n in (5, 10, 20, 40, 80, 200, 1000):
        count = np.arange(n + 1.0)
        low, high = proportions.interval(count, n, 0.95)
        for p in (0.005, 0.02, 0.05, 0.1, 0.3, 0.5, 0.6):
            covered = stats.binom.pmf(count, n, p)[(low <= p) & (p <= high)].sum()
            assert covered > 0.925, (n, p)


def test_it_lies_inside_clopper_pearson():
    for count, n in ((0, 5), (2, 9), (30, 40)):
        exact = stats.binomtest(count, n).proportion_ci(0.9, method="exact")
        low, high = proportions.interval(count, n, 0.9)
        assert exact.low <= low <= count / n <= high <= exact.high


def test_no_trials_have_no_interval():
    assert np.isnan(proportions.interval(0.0, 0.0, 0.95)).all()


def test_quantiles_rise_and_hold_the_estimate_between_them():
    levels = np.linspace(0.001, 0.999, 101)
    found = proportions.quantile(levels, 3.4, 17.2)
    assert (np.diff(found) > 0).all()
    assert found[0] < 3.4 / 17.2 < found[-1]


def test_effective_size_follows_korn_and_graubard():
    rate, variance, n, clusters = 0.2, 0.004, 200.0, 12.0
    size = proportions.effective_size(
        np.array(rate), np.array(n), np.array(variance), clusters=np.array(clusters), confidence=0.95
    )
    plain = rate * (1 - rate) / variance
    assert size == pytest.approx(plain * (stats.t.ppf(0.975, 199) / stats.t.ppf(0.975, 11)) ** 2)
    less = proportions.effective_size(
        np.array(rate), np.array(n), np.array(1e-9), clusters=np.array(1e6), confidence=0.95
    )
    assert less == pytest.approx(n)  # never more than there are
    one = proportions.effective_size(
        np.array(rate), np.array(n), np.array(variance), clusters=np.array(1.0), confidence=0.95
    )
    assert np.isnan(one)
