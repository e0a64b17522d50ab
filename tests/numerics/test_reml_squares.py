"""What a REML fit amounts to in mean squares: those of the analysis of variance where the design is balanced."""

import itertools

import numpy as np
import pytest

from cxresearch.numerics import reml, reml_squares
from cxresearch.numerics.expected_mean_squares import analyse

EFFECTS = [frozenset(s) for k in (1, 2, 3) for s in itertools.combinations(range(3), k)]


def crossed(shape):
    a, b, c = np.indices(shape).reshape(3, -1)
    return [a, b, c, a * shape[1] + b, a * shape[2] + c, b * shape[2] + c]


@pytest.mark.parametrize("seed", range(4))
def test_balanced_designs_give_the_mean_squares_back_even_where_components_are_held_at_zero(seed):
    rng, shape = np.random.default_rng(seed), (8, 4, 3)
    scores = rng.normal(size=shape) + rng.normal(size=(8, 1, 1))
    anova, design = analyse(scores, EFFECTS), reml.prepare(None, crossed(shape))
    found = reml.fit_design(scores.ravel(), design)
    assert found.at_boundary.any(), "the case of interest"
    free = reml_squares.unbounded(design, found)
    np.testing.assert_allclose(free.variance, anova.variance, atol=1e-8)
    np.testing.assert_allclose(np.sort(free.squares.df), np.sort(anova.df), rtol=1e-6)
    np.testing.assert_allclose(free.squares.coefficient @ free.squares.value, anova.variance, atol=1e-8)


def unbalanced(rng):
    outlet = np.repeat(np.arange(14), rng.integers(2, 7, 14))
    shopper = rng.integers(0, 5, outlet.size)
    y = rng.normal(size=14)[outlet] + 0.6 * rng.normal(size=5)[shopper] + rng.normal(size=outlet.size)
    return y, [outlet, shopper]


def test_expected_information_is_the_trace_formula():
    y, factors = unbalanced(np.random.default_rng(2))
    design, variance = reml.prepare(None, factors), np.array([0.7, 0.3, 1.2])
    z = [(f[:, None] == np.unique(f)).astype(float) for f in factors]
    patterns = [*(m @ m.T for m in z), np.eye(y.size)]
    inverse = np.linalg.inv(sum(v * p for v, p in zip(variance, patterns, strict=True)))
    ones = np.ones((y.size, 1))
    p = inverse - inverse @ ones @ np.linalg.inv(ones.T @ inverse @ ones) @ ones.T @ inverse
    expected = [[np.trace(p @ a @ p @ b) / 2 for a in patterns] for b in patterns]
    np.testing.assert_allclose(reml_squares.expected_information(design, variance), expected, rtol=1e-8)


def test_an_unbalanced_fit_is_the_sum_of_its_squares_and_they_are_uncorrelated():
    y, factors = unbalanced(np.random.default_rng(4))
    design = reml.prepare(None, factors)
    found = reml.fit_design(y, design)
    free = reml_squares.unbounded(design, found)
    np.testing.assert_allclose(free.squares.coefficient @ free.squares.value, found.variance, rtol=1e-6)
    spread = 2 * free.squares.value**2 / free.squares.df
    rebuilt = free.squares.coefficient * spread @ free.squares.coefficient.T
    np.testing.assert_allclose(rebuilt, free.covariance, rtol=1e-6)


def test_large_designs_use_the_average_information_and_agree_nearly(monkeypatch):
    rng = np.random.default_rng(6)
    outlet, shopper = np.repeat(np.arange(60), 8), rng.integers(0, 25, 480)
    y = rng.normal(size=60)[outlet] + 0.6 * rng.normal(size=25)[shopper] + rng.normal(size=480)
    design = reml.prepare(None, [outlet, shopper])
    found = reml.fit_design(y, design)
    exact = reml_squares.unbounded(design, found)
    monkeypatch.setattr(reml_squares, "_CELLS", 0)
    average = reml_squares.unbounded(design, found)
    np.testing.assert_allclose(average.squares.df, exact.squares.df, rtol=0.05)
    np.testing.assert_allclose(average.variance, exact.variance, rtol=1e-6)
