"""Cells drawn together, and the certainty of fixed effects."""

import numpy as np
import pytest

from cxresearch.numerics import fixed_effects, pooling, reml, shrinkage


def test_independent_cells_are_those_of_the_hierarchical_model():
    """With independent errors of known size it is the model that `shrinkage` fits by other means."""
    mean = np.array([60.0, 62, 63, 63.5, 66, 70])
    theirs = shrinkage.shrink_means(
        mean, np.full(6, 10.0), 40.0, 1e6, level=0.9, draws=20_000, rng=np.random.default_rng(1)
    )
    ours = pooling.pool(mean, np.diag(np.full(6, 4.0)), 0.9)
    np.testing.assert_allclose(ours.mean, theirs.mean, atol=0.01)
    np.testing.assert_allclose(ours.low, theirs.low, atol=0.02)
    np.testing.assert_allclose(ours.high, theirs.high, atol=0.02)


def test_errors_that_all_cells_share_move_the_level_and_not_the_comparison():
    mean = np.array([1.0, 2, 4, 9])
    apart, shared = (pooling.pool(mean, np.eye(4) + extra, 0.95) for extra in (0.0, 25.0))
    for name in ("gap", "gap_low", "gap_high", "above"):
        np.testing.assert_allclose(getattr(apart, name), getattr(shared, name), atol=1e-6)
    assert (shared.high - shared.low > 2 * (apart.high - apart.low)).all()


def test_cells_that_differ_by_less_than_chance_are_drawn_together():
    close, far = (pooling.pool(np.array([1.0, 2, 3]) * f, np.eye(3) * 4, 0.95) for f in (0.01, 100))
    assert np.ptp(close.mean) < 0.5 * 0.02
    np.testing.assert_allclose(far.mean, [100, 200, 300], rtol=0.01)
    assert close.spread < far.spread


@pytest.fixture(scope="module")
def blocks():
    """Twelve blocks of three treatments, two scores each."""
    rng = np.random.default_rng(4)
    block, treatment = (a.ravel() for a in np.indices((12, 3, 2))[:2])
    y = rng.normal(0, 2, 12)[block] + treatment + rng.normal(size=72)
    return y, block, treatment


def test_degrees_of_freedom_of_balanced_designs_are_the_textbooks(blocks):
    y, block, treatment = blocks
    design = reml.prepare(np.eye(3)[treatment], [block])
    found = reml.fit_design(y, design)
    df = fixed_effects.degrees_of_freedom(design, found, np.array([[1.0, -1, 0], [1 / 3, 1 / 3, 1 / 3]]))
    # a difference is judged by the residual, the overall mean by the blocks
    np.testing.assert_allclose(df, [72 - 12 - 2, 11], rtol=1e-4)
    np.testing.assert_allclose(fixed_effects.covariance_at(design, found.variance), found.fixed_covariance, rtol=1e-8)


def test_means_and_errors_are_statsmodels(blocks):
    import statsmodels.api as sm

    y, block, treatment = blocks
    keep = np.random.default_rng(5).random(72) < 0.8  # unbalanced
    design = reml.prepare(np.eye(3)[treatment[keep]], [block[keep]])
    ours = reml.fit_design(y[keep], design)
    theirs = sm.MixedLM(y[keep], np.eye(3)[treatment[keep]], block[keep]).fit(reml=True)
    np.testing.assert_allclose(ours.fixed, theirs.fe_params, rtol=1e-4)
    np.testing.assert_allclose(np.sqrt(np.diag(ours.fixed_covariance)), theirs.bse_fe, rtol=1e-3)
    df = fixed_effects.degrees_of_freedom(design, ours, np.array([[1.0, -1, 0], [1.0, 0, 0]]))
    assert 30 < df[0] < 60
    assert 8 < df[1] < 20
