"""Intraclass correlations: the arithmetic, on arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.numerics import reliability as icc

# the published table prints two decimals of the intervals
INTERVAL_TOLERANCE = 0.005


@pytest.fixture
def shrout_fleiss(published):
    table = published("shrout_fleiss_1979")
    return table, np.array(table["data_rows_are_targets"], float)


def test_mean_squares_match_shrout_fleiss_1979(shrout_fleiss):
    table, scores = shrout_fleiss
    squares, expected = icc.mean_squares(scores), table["mean_squares"]
    assert squares.targets == pytest.approx(expected["between_targets"], abs=5e-5)
    assert squares.within == pytest.approx(expected["within_targets"], abs=5e-5)
    assert squares.raters == pytest.approx(expected["between_judges"], abs=5e-5)
    assert squares.residual == pytest.approx(expected["residual"], abs=5e-5)


def test_six_forms_match_shrout_fleiss_1979(shrout_fleiss):
    table, scores = shrout_fleiss
    forms = icc.intraclass(icc.mean_squares(scores), 0.95)
    for i, form in enumerate(icc.FORMS):
        assert forms.estimate[i] == pytest.approx(table["icc"][form], abs=1e-6), form
        assert forms.low[i] == pytest.approx(table["ci95_lower_2dp"][form], abs=INTERVAL_TOLERANCE), form
        assert forms.high[i] == pytest.approx(table["ci95_upper_2dp"][form], abs=INTERVAL_TOLERANCE), form
    for form, f in table["f"].items():
        assert forms.f[icc.FORMS.index(form)] == pytest.approx(f, abs=0.05), form  # printed to one decimal
        assert forms.df2[icc.FORMS.index(form)] == table["df2"][form]
    assert set(forms.df1) == {table["df1"]}
    for form, p in table["p_value"].items():
        assert forms.p_value[icc.FORMS.index(form)] == pytest.approx(p, abs=5e-6), form


def test_components_without_noise_are_the_true_ones():
    targets, raters = np.array([1.0, 4.0, 7.0]), np.array([0.0, 2.0])
    squares = icc.mean_squares(targets[:, None] + raters)
    parts = squares.components()
    assert parts["residual"] == 0
    assert parts["target"] == pytest.approx(targets.var(ddof=1))
    assert parts["rater"] == pytest.approx(raters.var(ddof=1))


def test_a_batch_gives_what_each_table_gives_alone():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(5, 7, 3))
    together = icc.intraclass(icc.mean_squares(scores), 0.9)
    for i, one in enumerate(scores):
        alone = icc.intraclass(icc.mean_squares(one), 0.9)
        np.testing.assert_allclose(together.estimate[i], alone.estimate, rtol=1e-12)
        np.testing.assert_allclose(together.low[i], alone.low, rtol=1e-10)
        np.testing.assert_allclose(together.high[i], alone.high, rtol=1e-10)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    shift=st.floats(-1e4, 1e4),
    scale=st.floats(1e-3, 1e3),
    n=st.integers(2, 9),
    k=st.integers(2, 6),
)
def test_units_and_order_do_not_matter(seed, shift, scale, n, k):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, 1)) + rng.normal(size=k) + rng.normal(size=(n, k))
    before = icc.intraclass(icc.mean_squares(scores), 0.95)
    moved = (scores * scale + shift)[rng.permutation(n)][:, rng.permutation(k)]
    after = icc.intraclass(icc.mean_squares(moved), 0.95)
    tolerance = 1e-7 * max(1, abs(shift) / scale)
    np.testing.assert_allclose(after.f, before.f, rtol=tolerance)
    # a negative correlation near a pole magnifies rounding; compare where it is tame
    tame = np.abs(before.estimate) < 10
    np.testing.assert_allclose(after.estimate[tame], before.estimate[tame], atol=100 * tolerance)


def test_an_approximation_without_degrees_of_freedom_gives_no_interval():
    # raters who reverse each other's order: the sum of mean squares behind form A is next to zero
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(2, 1)) + rng.normal(size=2) + rng.normal(size=(2, 2))
    forms = icc.intraclass(icc.mean_squares(scores), 0.95)
    assert np.isnan([*forms.low[[1, 4]], *forms.high[[1, 4]]]).all()
    assert np.isfinite(forms.estimate).all()
    assert np.isfinite([*forms.low[[0, 2]], *forms.high[[0, 2]]]).all()


def test_estimates_lie_in_their_intervals_and_more_confidence_widens_them():
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(200, 8, 1)) + rng.normal(size=(200, 1, 4)) + rng.normal(size=(200, 8, 4))
    squares = icc.mean_squares(scores)
    narrow, wide = icc.intraclass(squares, 0.8), icc.intraclass(squares, 0.99)
    positive = narrow.estimate > 0
    assert (narrow.low[positive] <= narrow.estimate[positive]).all()
    assert (narrow.high[positive] >= narrow.estimate[positive]).all()
    assert (wide.low < narrow.low).all()
    assert (wide.high > narrow.high).all()


def test_the_mean_of_k_follows_spearman_brown():
    scores = np.random.default_rng(3).normal(size=(6, 1)) + np.random.default_rng(4).normal(size=(6, 3))
    forms = icc.intraclass(icc.mean_squares(scores), 0.95)
    np.testing.assert_allclose(forms.estimate[3:], icc.spearman_brown(forms.estimate[:3], 3), rtol=1e-12)
    np.testing.assert_allclose(forms.low[4], icc.spearman_brown(forms.low[1], 3), rtol=1e-9)
    np.testing.assert_allclose(forms.high[4], icc.spearman_brown(forms.high[1], 3), rtol=1e-9)


def test_ratings_needed_undoes_spearman_brown():
    for reliability in (0.05, 0.3, 0.6):
        needed = icc.ratings_needed(reliability, 0.8)
        assert icc.spearman_brown(reliability, needed) == pytest.approx(0.8)
    needed = icc.ratings_needed(np.array([0.0, -0.2, np.nan]), 0.8)
    assert np.isinf(needed[:2]).all()
    assert np.isnan(needed[2])


@pytest.mark.parametrize("level", [0.0, 0.1, 1e6 / 3])
def test_scores_all_alike_are_undefined(level):
    forms = icc.intraclass(icc.mean_squares(np.full((4, 3), level)), 0.95)
    assert np.isnan(forms.estimate).all()
    assert np.isnan(forms.f).all()
    assert np.isnan(forms.p_value).all()
    assert np.isnan([forms.low, forms.high]).all()


def test_perfect_consistency_has_an_estimate_and_no_interval():
    forms = icc.intraclass(icc.mean_squares(np.arange(5.0)[:, None] + np.array([0.1, 0.7, 3.3])), 0.95)
    by_form = dict(zip(icc.FORMS, range(6), strict=True))
    assert forms.estimate[by_form["ICC(C,1)"]] == 1
    assert forms.estimate[by_form["ICC(A,1)"]] < 1
    assert np.isinf(forms.f[by_form["ICC(C,1)"]])
    assert np.isnan(forms.low[by_form["ICC(C,1)"]])
    assert np.isfinite(forms.low[by_form["ICC(1,1)"]])
