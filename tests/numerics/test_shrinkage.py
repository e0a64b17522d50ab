"""The hierarchical models against dense quadrature, closed forms and symmetries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from cxresearch.numerics.shrinkage import FEWEST, OUTLIERS, flag, shrink_means, shrink_rates

DRAWS = 4000


def rates(successes, n, level=0.95, draws=DRAWS, seed=1):
    return shrink_rates(
        np.asarray(successes, dtype=float), np.asarray(n, dtype=float), level=level, draws=draws,
        rng=np.random.default_rng(seed),
    )  # fmt: skip


def means(mean, n, within=1.0, df=1e6, level=0.95, draws=DRAWS, seed=1):
    return shrink_means(
        np.asarray(mean, dtype=float), np.asarray(n, dtype=float), within, df, level=level, draws=draws,
        rng=np.random.default_rng(seed),
    )  # fmt: skip


def harmonic(n):
    return len(n) / np.sum(1 / np.asarray(n, dtype=float))


def outliers(units):
    return OUTLIERS if units >= FEWEST else 0.0


@pytest.mark.parametrize("units", [3, 9])
def test_rates_match_dense_quadrature_with_scipy_distributions(units):
    y = np.array([30, 44, 55, 33, 40, 41, 37, 52, 9])[:units]
    n = np.array([40, 50, 60, 42, 51, 47, 45, 60, 44])[:units]
    m = np.linspace(0.0005, 0.9995, 500)[:, None]
    reliability = np.linspace(0.0005, 0.9995, 500)[None, :]  # uniform prior on both
    phi = harmonic(n) * (1 - reliability) / reliability
    a, b = m * phi, (1 - m) * phi
    body = [(1 - outliers(units)) * stats.betabinom.pmf(k, size, a, b) for k, size in zip(y, n, strict=True)]
    odd = [outliers(units) / (size + 1) for size in n]
    joint = np.prod([x + o for x, o in zip(body, odd, strict=True)], axis=0)
    joint /= joint.sum()
    fit = rates(y, n)
    for j, (k, size) in enumerate(zip(y, n, strict=True)):
        share = odd[j] / (body[j] + odd[j])
        mean = (joint * ((1 - share) * (a + k) / (phi + size) + share * (1 + k) / (2 + size))).sum()
        assert fit.mean[j] == pytest.approx(mean, abs=2e-4)
        for end, q in ((fit.low[j], 0.025), (fit.high[j], 0.975)):
            below = (1 - share) * special.betainc(a + k, b + size - k, end)
            below = (joint * (below + share * special.betainc(1 + k, 1 + size - k, end))).sum()
            assert below == pytest.approx(q, abs=1e-3)


@pytest.mark.parametrize("units", [3, 9])
def test_means_match_dense_quadrature_with_scipy_distributions(units):
    y = np.array([0.1, 0.4, -0.3, 0.0, 0.1, -0.1, 0.2, 0.0, -1.5])[:units]
    n = np.array([40.0, 90, 60, 45, 70, 33, 88, 41, 52])[:units]
    mu = np.linspace(-3, 3, 1201)[:, None]
    reliability = np.linspace(0.0005, 0.9995, 600)[None, :]
    tau2 = reliability / (1 - reliability) / harmonic(n)
    joint, parts = np.ones((1201, 600)), []
    for value, size in zip(y, n, strict=True):
        body = (1 - outliers(units)) * stats.norm.pdf(value, mu, np.sqrt(tau2 + 1 / size))
        odd = outliers(units) * stats.norm.pdf(value, mu, np.sqrt(tau2 + 1 + 1 / size))
        joint, parts = joint * (body + odd), [*parts, odd / (body + odd)]
    joint /= joint.sum()
    fit = means(y, n)
    for j, (value, size) in enumerate(zip(y, n, strict=True)):
        below, mean = 0.0, 0.0
        for share, spread in ((1 - parts[j], tau2), (parts[j], tau2 + 1)):
            pull = 1 / (1 + size * spread)
            place, sd = pull * mu + (1 - pull) * value, np.sqrt((1 - pull) / size)
            mean += (joint * share * place).sum()
            below += (joint * share * special.ndtr((fit.low[j] - place) / sd)).sum()
        assert fit.mean[j] == pytest.approx(mean, abs=2e-4)
        assert below == pytest.approx(0.025, abs=1e-3)


def test_many_answers_leave_the_observed_rate_and_its_beta_interval():
    y, n = np.array([300_000, 520_000, 710_000]), np.full(3, 1_000_000)
    fit = rates(y, n)
    assert fit.mean == pytest.approx(y / n, abs=1e-5)
    assert fit.low == pytest.approx(stats.beta.ppf(0.025, y + 1, n - y + 1), abs=2e-5)
    assert fit.high == pytest.approx(stats.beta.ppf(0.975, y + 1, n - y + 1), abs=2e-5)


def test_many_units_shrink_as_james_and_stein():
    rng = np.random.default_rng(5)
    y = rng.normal(0, 0.1, 2000) + rng.normal(0, 0.1, 2000)
    fit = means(y, np.full(2000, 100), draws=500)
    stein = y.mean() + (1 - 1997 * 0.01 / ((y - y.mean()) ** 2).sum()) * (y - y.mean())
    ordinary = np.abs(y - y.mean()) < 0.3  # beyond, an outlier becomes likelier
    assert fit.mean[ordinary] == pytest.approx(stein[ordinary], abs=0.01)
    assert fit.between == pytest.approx(0.01, rel=0.1)
    assert fit.ratio == pytest.approx(100, rel=0.1)


def test_batting_averages_shrink_as_in_efron_and_morris_1977():
    hits = [18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]
    fit = rates(hits, [45] * 18)
    # Clemente: observed 0.400, James-Stein 0.294, the rest of the season 0.346; the mean of all is 0.265
    assert 0.28 < fit.mean[0] < 0.33
    assert fit.low[0] < 0.346 < fit.high[0]
    assert np.diff(fit.mean).max() <= 1e-12


def test_small_samples_widen_intervals_as_t_does():
    one = means([0.0, 10.0], [5, 5], within=1.0, df=8)
    known = means([0.0, 10.0], [5, 5], within=1.0, df=1e6)
    ratio = (one.high - one.low) / (known.high - known.low)
    assert ratio == pytest.approx(special.stdtrit(8, 0.975) / special.ndtri(0.975), rel=0.03)


def test_outlier_is_left_where_it_is_and_does_not_spread_the_others():
    y = np.append(np.linspace(-0.02, 0.02, 13), -3.0)
    fit = means(y, np.full(14, 100))
    assert fit.mean[-1] == pytest.approx(-3.0, abs=0.05)
    assert np.ptp(fit.mean[:-1]) < 0.5 * np.ptp(y[:-1])


def test_rates_mirror_when_successes_and_failures_change_places():
    y, n = np.array([28, 40, 33, 59, 60]), np.array([30, 50, 40, 60, 60])
    one, other = rates(y, n), rates(n - y, n)
    assert one.mean == pytest.approx(1 - other.mean, abs=1e-4)
    assert one.low == pytest.approx(1 - other.high, abs=1e-4)
    assert one.above == pytest.approx(other.below, abs=0.04)  # draws


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(-2, 2), min_size=3, max_size=9),
    st.floats(0.01, 1000),
    st.floats(-1000, 1000),
)
def test_means_do_not_depend_on_the_scale(values, scale, shift):
    n = np.arange(len(values)) * 7 + 30
    one = means(values, n, draws=200)
    other = means(np.array(values) * scale + shift, n, within=scale**2, draws=200)
    assert other.mean == pytest.approx(one.mean * scale + shift, abs=1e-4 * scale)
    assert other.high == pytest.approx(one.high * scale + shift, abs=1e-4 * scale)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 400), st.floats(0, 1)), min_size=2, max_size=8))
def test_rates_stay_between_zero_and_one_and_intervals_hold_the_estimate(units):
    n = np.array([size for size, _ in units])
    y = np.round(n * np.array([share for _, share in units]))
    fit = rates(y, n, draws=200)
    assert ((fit.low >= 0) & (fit.low < fit.mean) & (fit.mean < fit.high) & (fit.high <= 1)).all()
    assert (fit.above + fit.below <= 1 + 1e-12).all()
    assert 0 <= fit.ratio_low <= fit.ratio <= fit.ratio_high


def test_everyone_at_a_hundred_per_cent_is_no_certainty():
    fit = rates([100, 50, 600], [100, 50, 600])
    assert (fit.low < 1).all()
    assert (fit.mean < 1).all()
    assert fit.low[1] < fit.low[2]  # fewer cases say less
    assert np.abs(fit.above - fit.below).max() < 0.35


def test_units_with_equal_data_get_equal_answers():
    fit = rates([90, 95, 90, 80], [100, 100, 100, 100])
    for values in (fit.mean, fit.low, fit.high, fit.above, fit.below):
        assert values[0] == values[2]


def test_draws_agree_with_the_exact_interval():
    y, n = np.array([30.0, 44, 55, 20]), np.array([40.0, 50, 60, 40])
    fit = rates(y, n, draws=20_000)
    best = rates(y, n, level=0.5)
    assert fit.centre == pytest.approx(np.median(fit.mean), abs=0.02)
    assert (best.low > fit.low).all()
    assert (best.high < fit.high).all()


def test_flag_keeps_the_mean_within_the_share_and_nobody_beyond_twice_it():
    wrong = np.array([0.001, 0.002, 0.09, 0.11, 0.4])
    assert flag(wrong, 0.05).tolist() == [True, True, True, False, False]
    assert not flag(np.array([0.2, 0.3]), 0.05).any()
    assert flag(np.array([0.04, 0.08, 0.08]), 0.05).tolist() == [True, False, False]  # ties go together
