"""Agreement beyond chance: the arithmetic, on arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.numerics import agreement_bootstrap as resampled
from cxresearch.numerics import agreement_errors as errors
from cxresearch.numerics import chance_agreement as chance
from cxresearch.numerics import resampling


def ratings(seed, targets=40, raters=3, categories=4, missing=0.0):
    """Raters who see the truth, give or take one."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, categories, targets)
    codes = np.clip(truth[:, None] + rng.integers(-1, 2, (targets, raters)), 0, categories - 1)
    codes = np.where(rng.random(codes.shape) < missing, -1, codes)
    return codes[(codes >= 0).any(1)]


def krippendorff_directly(codes, level, values):
    """Compute alpha by its definition: every pair of values, one after another."""
    units = [[c for c in row if c >= 0] for row in codes]
    units = [unit for unit in units if len(unit) >= 2]
    pooled = [c for unit in units for c in unit]
    count = np.bincount(pooled, minlength=len(values))

    def delta(a, b):
        if level == "nominal":
            return float(a != b)
        if level == "interval":
            return (values[a] - values[b]) ** 2
        if level == "linear":
            return abs(values[a] - values[b])
        if level == "ratio":
            return ((values[a] - values[b]) / (values[a] + values[b])) ** 2 if a != b else 0.0
        low, high = min(a, b), max(a, b)
        return (count[low : high + 1].sum() - (count[low] + count[high]) / 2) ** 2 if a != b else 0.0

    observed = sum(delta(a, b) / (len(unit) - 1) for unit in units for a in unit for b in unit) / len(pooled)
    expected = sum(delta(a, b) for a in pooled for b in pooled) / (len(pooled) * (len(pooled) - 1))
    return 1 - observed / expected


@pytest.mark.parametrize("level", chance.LEVELS)
def test_alpha_matches_krippendorff_2011(published, level):
    table = published("krippendorff_2011_example_c")
    data = np.array([[np.nan if x is None else x for x in row] for row in table["data"]]).T
    codes = np.where(np.isnan(data), -1, data - 1).astype(int)
    panel = chance.panel(codes, np.arange(1.0, 6), level)
    assert chance.estimates(panel)["krippendorff"] == pytest.approx(table["alpha"][level], abs=1e-6)


@pytest.mark.parametrize("level", chance.METRICS)
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_alpha_is_its_definition(level, missing):
    values = np.array([1.0, 2.0, 4.0, 5.0])
    codes = ratings(5, missing=missing)
    panel = chance.panel(codes, values, level)
    assert chance.estimates(panel)["krippendorff"] == pytest.approx(
        krippendorff_directly(codes, level, values), abs=1e-12
    )


def test_the_distance_is_the_same_in_its_three_forms():
    values, x = np.array([1.0, 3.0, 4.0, 9.0]), np.random.default_rng(1).random((5, 4))
    squared = (values[:, None] - values) ** 2 / 64
    plain = chance.Distance(4, matrix=squared)
    places = chance.distance("interval", values, np.ones(4))
    np.testing.assert_allclose(places.times(x), plain.times(x), atol=1e-14)
    np.testing.assert_allclose(places.total, squared.sum(), atol=1e-14)
    np.testing.assert_allclose(chance.Distance(4).times(x), x @ (1 - np.eye(4)), atol=1e-14)


@pytest.mark.parametrize("level", chance.METRICS)
@pytest.mark.parametrize(("raters", "missing"), [(2, 0.0), (2, 0.4), (4, 0.0), (4, 0.4)])
def test_influences_are_the_derivatives_of_the_estimates(level, raters, missing):
    """Each target's weight is moved a little, and the estimate with it."""
    values = np.arange(1.0, 5)
    codes = ratings(7, raters=raters, missing=missing)
    n, step = len(codes), 1e-5
    panel = chance.panel(codes, values, level)
    found = errors.influences(panel, level)
    up, down = (
        resampled.bootstrap(codes, values, level, replicates=n, seed=0, targets=1 + sign * step * np.eye(n))
        for sign in (1, -1)
    )
    for name, influence in found.items():
        used = panel.paired.sum() if name in ("cohen", "krippendorff") else n
        # alpha is linearised without its factor of about 1 - 1 / (number of ratings)
        tolerance = 0.1 if name == "krippendorff" else 1e-7
        np.testing.assert_allclose(used * (up[name] - down[name]) / (2 * step), influence, atol=tolerance, err_msg=name)
        assert influence.sum() == pytest.approx(0, abs=1e-9), name


def test_alpha_is_linearised_to_its_small_sample_factor():
    codes, values = ratings(8, targets=2000), np.arange(1.0, 5)
    found = errors.influences(chance.panel(codes, values, "ordinal"), "ordinal")["krippendorff"]
    targets = np.ones((50, 2000)) + 1e-4 * np.eye(50, 2000)
    moved = resampled.bootstrap(codes, values, "ordinal", replicates=50, seed=0, targets=targets)["krippendorff"]
    still = chance.estimates(chance.panel(codes, values, "ordinal"))["krippendorff"]
    np.testing.assert_allclose(2000 * (moved - still) / 1e-4, found[:50], atol=2e-3)


def test_a_batch_gives_what_each_panel_gives_alone():
    values = np.arange(1.0, 5)
    codes = np.stack([ratings(seed) for seed in range(4)])
    codes[:, ::7, 0] = -1
    for level in chance.LEVELS:
        panel = chance.panel(codes, values, level)
        together, (se, used) = chance.estimates(panel), errors.standard_errors(panel, level)
        for i, one in enumerate(codes):
            panel = chance.panel(one, values, level)
            alone, (se_alone, used_alone) = chance.estimates(panel), errors.standard_errors(panel, level)
            for name in alone:
                assert together[name][i] == pytest.approx(alone[name], abs=1e-12), (level, name)
                assert se[name][i] == pytest.approx(se_alone[name], abs=1e-12), (level, name)
                assert used[name][i] == used_alone[name]


@pytest.mark.parametrize("level", chance.METRICS)
def test_bootstrap_weights_give_what_the_resampled_targets_give(level):
    codes, values = ratings(9, missing=0.2), np.arange(1.0, 5)
    weights = np.random.default_rng(3).multinomial(len(codes), np.full(len(codes), 1 / len(codes)), size=5)
    together = resampled.bootstrap(codes, values, level, replicates=5, seed=0, targets=weights)
    for i, weight in enumerate(weights):
        alone = chance.estimates(chance.panel(np.repeat(codes, weight, axis=0), values, level))
        for name, value in alone.items():
            assert together[name][i] == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("raters", [2, 3])
def test_bootstrap_blocks_and_sparse_margins_do_not_change_the_result(monkeypatch, raters):
    codes, values = ratings(10, raters=raters, missing=0.2), np.arange(1.0, 5)
    whole = resampled.bootstrap(codes, values, "ordinal", replicates=40, seed=4)
    monkeypatch.setattr(resampled, "_BLOCK", 1)
    monkeypatch.setattr(resampled, "_DENSE", 1)
    parts = resampled.bootstrap(codes, values, "ordinal", replicates=40, seed=4)
    for name, value in whole.items():
        np.testing.assert_allclose(parts[name], value, atol=1e-12)
    some = resampled.bootstrap(codes, values, "ordinal", replicates=40, seed=4, wanted=("krippendorff",))
    assert set(some) == {"krippendorff"}
    np.testing.assert_array_equal(some["krippendorff"], parts["krippendorff"])


def test_every_target_is_as_likely_to_be_drawn():
    drawn = np.concatenate(list(resampling.draws(7, 20_000, 1, 300)))
    assert drawn.shape == (20_000, 7)
    assert (drawn.sum(1) == 7).all()
    # mean 1, variance 6/7, covariance -1/7; four standard errors of 20,000 draws
    np.testing.assert_allclose(drawn.mean(0), 1, atol=0.027)
    np.testing.assert_allclose(np.cov(drawn.T), np.eye(7) - 1 / 7, atol=0.045)


def test_bootstrap_spread_is_near_the_analytic_error():
    codes, values = ratings(11, targets=400), np.arange(1.0, 5)
    for level in chance.LEVELS:
        panel = chance.panel(codes, values, level)
        se, _ = errors.standard_errors(panel, level)
        drawn = resampled.bootstrap(codes, values, level, replicates=2000, seed=5)
        for name, value in se.items():
            # 2,000 resamples know a standard deviation to 1.6 %; four times that
            assert drawn[name].std() == pytest.approx(float(value), rel=0.065), (level, name)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), level=st.sampled_from(chance.LEVELS), factor=st.floats(0.01, 100))
def test_order_of_targets_and_unit_do_not_matter(seed, level, factor):
    rng = np.random.default_rng(seed)
    codes, values = ratings(seed, targets=12, missing=0.2), np.array([1.0, 2.0, 4.0, 7.0])
    before = chance.estimates(chance.panel(codes, values, level))
    after = chance.estimates(chance.panel(rng.permutation(codes), values * factor, level))
    for name, value in before.items():
        assert after[name] == pytest.approx(value, abs=1e-9, nan_ok=True), name


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_names_of_nominal_categories_do_not_matter(seed):
    codes = ratings(seed, targets=12, missing=0.2)
    renamed = np.where(codes >= 0, np.random.default_rng(seed).permutation(4)[np.maximum(codes, 0)], -1)
    before, after = (chance.estimates(chance.panel(c, np.arange(4.0), "nominal")) for c in (codes, renamed))
    for name, value in before.items():
        assert after[name] == pytest.approx(value, abs=1e-12, nan_ok=True), name


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), level=st.sampled_from(chance.LEVELS))
def test_coefficients_are_at_most_one_and_full_agreement_is_one(seed, level):
    codes, values = ratings(seed, targets=15, missing=0.3), np.arange(1.0, 5)
    for value in chance.estimates(chance.panel(codes, values, level)).values():
        assert np.isnan(value) or value <= 1 + 1e-12
    same = np.repeat(codes.max(1)[:, None], 3, axis=1)
    if len(np.unique(same)) > 1:
        for value in chance.estimates(chance.panel(same, values, level)).values():
            assert value == pytest.approx(1)


def test_independent_raters_agree_by_chance_only():
    codes = np.random.default_rng(12).choice(4, p=[0.1, 0.2, 0.3, 0.4], size=(20_000, 3))
    for level in chance.LEVELS:
        found = chance.estimates(chance.panel(codes, np.arange(1.0, 5), level))
        for name in ("conger", "fleiss", "krippendorff"):
            assert found[name] == pytest.approx(0, abs=0.02), (level, name)  # four standard errors


def test_one_category_leaves_kappas_undefined():
    found = chance.estimates(chance.panel(np.zeros((5, 3), int), np.array([1.0]), "nominal"))
    assert found["percent"] == 1
    assert all(np.isnan(value) for name, value in found.items() if name != "percent")


def test_t_interval_is_cut_at_one_and_undefined_without_error():
    low, high = errors.t_interval(np.array([0.95, 1.0]), np.array([0.1, 0.0]), np.array([10.0, 10.0]), 0.95)
    assert high[0] == 1
    assert low[0] == pytest.approx(0.95 - 2.262157 * 0.1, abs=1e-6)
    assert np.isnan([low[1], high[1]]).all()


def test_bca_interval_is_the_percentile_interval_without_bias_and_skewness():
    drawn = np.linspace(-1, 1, 20_001)
    low, high = resampling.bca_interval(0.0, drawn, np.array([-1.0, 1.0]), 0.9)
    assert (low, high) == (pytest.approx(-0.9, abs=1e-3), pytest.approx(0.9, abs=1e-3))


def test_bca_interval_is_undefined_when_many_resamples_are():
    drawn = np.where(np.arange(1000) < 200, np.nan, np.linspace(0, 1, 1000))
    assert np.isnan(resampling.bca_interval(0.5, drawn, np.array([-1.0, 1.0]), 0.95)).all()
    assert np.isnan(resampling.bca_interval(1.0, np.ones(1000), np.array([0.0, 0.0]), 0.95)).all()
