"""Means of cells against statsmodels, closed forms and known truth."""

import numpy as np
import pytest
import statsmodels.api as sm

from cxresearch.numerics.cell_means import cell_means, held_equal


@pytest.fixture
def answers():
    rng = np.random.default_rng(5)
    cell = np.sort(rng.integers(0, 6, 300))
    x = rng.normal(size=(300, 2)) + 0.8 * cell[:, None]
    value = 7 + 0.3 * cell + x @ [0.5, -0.2] + rng.normal(size=300)
    return value, cell, x


def test_equal_weights_give_what_no_weights_give(answers):
    value, cell, _ = answers
    plain, equal = cell_means(value, cell, 6), cell_means(value, cell, 6, np.full(300, 0.4))
    for name in ("n", "n_effective", "mean", "squares", "df"):
        np.testing.assert_allclose(getattr(equal, name), getattr(plain, name), rtol=1e-12)
    np.testing.assert_allclose(plain.squares / plain.df, [value[cell == c].var(ddof=1) for c in range(6)])


def test_effective_answers_are_kishs():
    found = cell_means(np.array([1.0, 2.0, 4.0]), np.zeros(3, dtype=int), 1, np.array([1.0, 1.0, 2.0]))
    assert found.n_effective[0] == pytest.approx(16 / 6)
    assert found.mean[0] == pytest.approx(11 / 4)


def test_weighted_scatter_is_unbiased():
    rng = np.random.default_rng(8)
    weight = rng.uniform(0.2, 3, size=12)
    cell = np.repeat(np.arange(20_000), 12)
    found = cell_means(rng.normal(scale=2, size=cell.size), cell, 20_000, np.tile(weight, 20_000))
    variance = found.squares.sum() / found.df.sum()
    assert variance == pytest.approx(4, abs=0.05)
    assert found.mean.var() == pytest.approx(4 / found.n_effective[0], rel=0.05)


@pytest.mark.parametrize("weighted", [False, True])
def test_held_equal_is_what_statsmodels_predicts_at_the_common_mix(answers, weighted):
    value, cell, x = answers
    weight = np.random.default_rng(6).uniform(0.5, 2, size=300) if weighted else np.ones(300)
    found = held_equal(value, cell, 6, x, weight if weighted else None)
    fit = sm.WLS(value, np.column_stack([np.eye(6)[cell], x]), weights=weight).fit()
    at = np.column_stack([np.eye(6), np.tile(np.average(x, axis=0, weights=weight), (6, 1))])
    np.testing.assert_allclose(found.mean, at @ fit.params, rtol=1e-9)
    if not weighted:
        assert found.df.sum() == pytest.approx(fit.df_resid)
        variance = found.squares.sum() / found.df.sum()
        assert variance == pytest.approx(fit.scale)
        np.testing.assert_allclose(variance / found.n_effective, np.diag(at @ fit.cov_params() @ at.T), rtol=1e-9)


def test_units_of_the_covariates_do_not_matter(answers):
    value, cell, x = answers
    one, other = held_equal(value, cell, 6, x), held_equal(value, cell, 6, x * [1e6, 1e-6] + [5, -3])
    np.testing.assert_allclose(other.mean, one.mean, rtol=1e-8)
    np.testing.assert_allclose(other.n_effective, one.n_effective, rtol=1e-6)


@pytest.mark.parametrize("what", ["constant in cells", "constant", "twice"])
def test_what_does_not_vary_within_cells_is_refused(answers, what):
    value, cell, x = answers
    bad = {"constant in cells": 2.0 * cell, "constant": np.ones(300), "twice": 3 * x[:, 0]}[what]
    with pytest.raises(np.linalg.LinAlgError):
        held_equal(value, cell, 6, np.column_stack([x[:, 0], bad]))
