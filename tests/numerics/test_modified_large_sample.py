"""Modified large-sample intervals: exact where exact ones exist, and Burdick and Graybill's formulas written out."""

import numpy as np
import pytest
from scipy import stats

from cxresearch.numerics.expected_mean_squares import analyse
from cxresearch.numerics.modified_large_sample import Bounds, Squares


def squares(value, df, coefficient=None):
    value = np.asarray(value, dtype=float)
    return Squares(
        coefficient=np.eye(value.size) if coefficient is None else coefficient, value=value, df=np.array(df, float)
    )


def one_way(n, k, rng, target=1.0):
    scores = np.sqrt(target) * rng.normal(size=(n, 1)) + rng.normal(size=(n, k))
    found = analyse(scores, [frozenset({0}), frozenset({0, 1})])
    return found, Squares(coefficient=found.coefficient, value=found.mean_square, df=found.df)


def test_one_mean_square_has_the_exact_chi_square_interval():
    low, high = Bounds(squares([3.0], [12]), 0.9).interval(np.ones(1))
    tails = stats.chi2.ppf([0.95, 0.05], 12)
    assert [low, high] == pytest.approx((12 * 3 / tails).tolist())


@pytest.mark.parametrize("target", [0.05, 1.0, 10.0])
def test_one_way_reliability_has_the_exact_f_interval(target):
    """ICC(1,1) and ICC(1,k) by inverting F, as Shrout and Fleiss (1979) give them."""
    found, made = one_way(9, 4, np.random.default_rng(5), target)
    f = found.mean_square[0] / found.mean_square[1]
    ends = f / stats.f.ppf([0.975, 0.025], *found.df)
    for k, divisor in ((1, 1), (4, 4)):
        exact = np.clip(1 - 1 / (1 + k * (ends - 1) / 4), 0, 1)
        low, high = Bounds(made, 0.95).share(np.array([1.0, 0.0]), np.array([0.0, 1 / divisor]))
        assert [float(low), float(high)] == pytest.approx(exact.tolist(), abs=1e-9)


def test_number_needed_in_one_way_inverts_spearman_brown():
    _, made = one_way(20, 3, np.random.default_rng(6))
    bounds = Bounds(made, 0.95)
    low, high = bounds.share(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    few, many = bounds.number(lambda n: np.stack([np.full(np.shape(n), 0.2), -0.8 / n], axis=-1))
    assert float(few) == pytest.approx(4 * (1 - high) / high)
    assert float(many) == pytest.approx(4 * (1 - low) / low)


def test_bounds_are_the_formulas_of_burdick_and_graybill():
    """Lower and upper bound of 2 a + b - 3 c, written out term by term (1992, section 3.3)."""
    value, df, c = np.array([4.0, 2.0, 1.0]), [6, 10, 20], np.array([2.0, 1.0, -3.0])
    a, b, d = 2 * 4.0, 2.0, 3.0
    f = stats.f.isf
    big = lambda p, q: stats.chi2.isf(p, q) / q  # noqa: E731
    g = {n: 1 - 1 / big(0.025, n) for n in df}
    h = {n: 1 / big(0.975, n) - 1 for n in df}
    mixed = {
        n: ((f(0.025, n, 20) - 1) ** 2 - (g[n] * f(0.025, n, 20)) ** 2 - h[20] ** 2) / f(0.025, n, 20) for n in (6, 10)
    }
    alike = (1 - 1 / big(0.025, 16)) ** 2 * 16**2 / 60 - g[6] ** 2 * 6 / 10 - g[10] ** 2 * 10 / 6
    lower = (g[6] * a) ** 2 + (g[10] * b) ** 2 + (h[20] * d) ** 2 + mixed[6] * a * d + mixed[10] * b * d + alike * a * b
    found = Bounds(squares(value, df), 0.95)
    assert float(found.lower(c)) == pytest.approx(a + b - d - np.sqrt(lower))
    turned = {
        n: ((1 - f(0.975, n, 20)) ** 2 - (h[n] * f(0.975, n, 20)) ** 2 - g[20] ** 2) / f(0.975, n, 20) for n in (6, 10)
    }
    upper = (h[6] * a) ** 2 + (h[10] * b) ** 2 + (g[20] * d) ** 2 + turned[6] * a * d + turned[10] * b * d
    assert float(found.upper(c)) == pytest.approx(a + b - d + np.sqrt(upper))


def test_no_number_will_do_where_what_remains_is_too_large():
    bounds = Bounds(squares([1.0, 4.0, 1.0], [500, 500, 500]), 0.95)
    few, many = bounds.number(
        lambda n: np.stack([np.full(np.shape(n), 0.2), np.full(np.shape(n), -0.8), -0.8 / n], axis=-1)
    )
    assert np.isinf([few, many]).all()


def test_replications_are_bounded_one_by_one():
    rng = np.random.default_rng(8)
    value, df = rng.chisquare(5, size=(4, 2)), np.array([5.0, 9.0])
    made = Squares(coefficient=np.array([[0.5, -0.5], [0.0, 1.0]]), value=value, df=df)
    wanted, unwanted = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    together = Bounds(made, 0.95).share(wanted, unwanted)
    for i in range(4):
        one = Bounds(Squares(coefficient=made.coefficient, value=value[i], df=df), 0.95).share(wanted, unwanted)
        assert [float(e) for e in one] == pytest.approx([e[i] for e in together])
