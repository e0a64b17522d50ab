"""Exact comparisons of rates against scipy, enumeration and their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cxresearch.numerics.rates import binomial_limits, equal_rates_p, higher_rate_p

COUNT = st.integers(1, 400)


@settings(max_examples=150, deadline=None)
@given(COUNT, COUNT, st.floats(0, 1), st.floats(0, 1))
def test_higher_rate_p_matches_scipy_fisher_exact(n, m, share, other):
    y, z = round(n * share), round(m * other)
    ours = float(higher_rate_p(y, n, z, m))
    if y * m > z * n:
        theirs = stats.fisher_exact([[y, n - y], [z, m - z]], alternative="greater")[1]
        assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-300)
    else:
        assert ours == 1.0


def test_higher_rate_p_with_many_cases_approaches_the_z_test():
    y, z, n = 510_400, 508_000, 1_000_000
    pooled = (y + z) / (2 * n)
    normal = stats.norm.sf((y - z) / np.sqrt(2 * n * pooled * (1 - pooled)))
    assert float(higher_rate_p(y, n, z, n)) == pytest.approx(normal, rel=0.02)


def test_equal_rates_p_of_two_units_matches_enumeration():
    y, n = np.array([45.0, 30.0]), np.array([50.0, 45.0])
    total, size = int(y.sum()), int(n.sum())
    first = np.arange(max(0, total - 45), min(50, total) + 1)
    chance = stats.hypergeom.pmf(first, size, total, 50)
    off = np.abs(first - 50 * total / size)
    exact = chance[off >= abs(45 - 50 * total / size) - 1e-9].sum()
    ours = equal_rates_p(y, n, draws=50_000, rng=np.random.default_rng(1))
    assert ours == pytest.approx(exact, abs=4 * np.sqrt(exact / 50_000))


def test_equal_rates_p_with_many_cases_approaches_pearson():
    y, n = np.array([520.0, 470, 510, 495, 540]), np.full(5, 1000.0)
    pearson = stats.chi2_contingency(np.stack([y, n - y]), correction=False).pvalue
    ours = equal_rates_p(y, n, draws=20_000, rng=np.random.default_rng(2))
    assert ours == pytest.approx(pearson, abs=0.01)


def test_equal_rates_p_keeps_its_level_near_a_hundred_per_cent():
    rng = np.random.default_rng(3)
    n = np.array([30, 45, 60, 100, 150, 300, 600])
    p = [equal_rates_p(rng.binomial(n, 0.99).astype(float), n.astype(float), draws=199, rng=rng) for _ in range(600)]
    assert np.mean(np.array(p) <= 0.05) <= 0.07


def test_equal_rates_p_has_nothing_to_say_where_all_or_none_succeed():
    n, rng = np.array([30.0, 40, 50]), np.random.default_rng(4)
    assert equal_rates_p(n, n, draws=99, rng=rng) == 1.0
    assert equal_rates_p(0 * n, n, draws=99, rng=rng) == 1.0
    assert equal_rates_p(n[:1], n[:1] + 1, draws=99, rng=rng) == 1.0


@pytest.mark.parametrize("rate", [0.02, 0.5, 0.9, 0.999])
def test_binomial_limits_lie_within_one_count_of_the_binomial_quantiles(rate):
    n = np.arange(20, 400, 7)
    low, high = binomial_limits(n, rate, 0.95)
    for limit, q in ((low, 0.025), (high, 0.975)):
        count = stats.binom.ppf(q, n, rate)
        assert (limit * n <= count + 1e-9).all()
        assert (limit * n >= np.maximum(count - 1, 0) - 1e-9).all()


def test_binomial_limits_at_the_ends_of_the_scale():
    low, high = binomial_limits([50, 500], 1.0, 0.95)
    assert (low >= 0.97).all()
    assert (high <= 1).all()
