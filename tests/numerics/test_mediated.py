"""Paths of a mediation and their bootstrap, against least squares and by counting."""

import numpy as np
import pytest

from cxresearch.numerics import mediated


def test_paths_match_regressions():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 4))
    x[:, 2] += 0.5 * x[:, 1] + x[:, 0]
    x[:, 3] += 2 * x[:, 2] - x[:, 1]
    found = mediated.paths(mediated.cross_products(x, np.zeros(200, dtype=int), 1)[0])
    whole = np.column_stack([np.ones(200), x])
    a = np.linalg.lstsq(whole[:, :3], x[:, 2], rcond=None)[0]
    b = np.linalg.lstsq(whole[:, :4], x[:, 3], rcond=None)[0]
    total = np.linalg.lstsq(whole[:, :3], x[:, 3], rcond=None)[0]
    assert found.a == pytest.approx(a[2])
    assert (found.b, found.direct) == (pytest.approx(b[3]), pytest.approx(b[2]))
    assert found.total == pytest.approx(total[2])


def test_a_resample_without_a_solution_is_undefined():
    products = np.stack([np.eye(4), np.zeros((4, 4))])
    assert np.isnan(mediated.paths(products).a).tolist() == [False, True]


def test_the_bootstrap_resamples_clusters_with_replacement():
    # with two clusters, a resample is the first twice, one of each, or the second twice: 1/4, 1/2, 1/4
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 3))
    x[:, 1] += x[:, 0] * np.repeat([0.0, 2.0], 30)
    products = mediated.cross_products(x, np.repeat([0, 1], 30), 2)
    drawn = mediated.bootstrap(products, 4000, 0).a.round(9)
    found, share = np.unique(drawn, return_counts=True)
    weights = np.array([[2.0, 0], [1, 1], [0, 2]])
    expected = sorted(float(mediated.paths(np.tensordot(w, products, 1)).a) for w in weights)
    np.testing.assert_allclose(found, expected, atol=1e-8)
    np.testing.assert_allclose(share / 4000, [0.25, 0.5, 0.25], atol=0.03)
