"""The logit against statsmodels, on dense, sparse and grouped rows."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import sparse

from cxresearch.numerics import logit


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(4)
    x = np.column_stack([np.ones(600), rng.normal(size=(600, 2)), rng.integers(0, 2, 600)])
    y = (rng.random(600) < 1 / (1 + np.exp(-x @ [-1, 0.5, 0, 1.0]))).astype(float)
    return x, y, rng.integers(0, 80, 600)


def test_matches_statsmodels_with_clustered_errors(rows):
    x, y, cluster = rows
    peer = sm.Logit(y, x).fit(disp=0, method="newton", tol=1e-12, cov_type="cluster", cov_kwds={"groups": cluster})
    plain = sm.Logit(y, x).fit(disp=0, method="newton", tol=1e-12)
    fitted = logit.fit(x, y)
    np.testing.assert_allclose(fitted.coef, peer.params, atol=1e-8)
    np.testing.assert_allclose(fitted.covariance, plain.cov_params(), atol=1e-8)
    assert fitted.loglik == pytest.approx(plain.llf, abs=1e-8)
    found = logit.clustered(fitted, x, residual=y - fitted.chance, row=np.arange(600), cluster=cluster)
    np.testing.assert_allclose(found, peer.cov_params(), atol=1e-8)


def test_sparse_and_grouped_rows_give_the_same(rows):
    x, y, cluster = rows
    x = x[:, [0, 3]]
    whole = logit.fit(x, y)
    thin = logit.fit(sparse.csr_array(x), y)
    np.testing.assert_allclose(thin.coef, whole.coef, atol=1e-10)
    distinct, row = np.unique(x, axis=0, return_inverse=True)
    total = np.bincount(row).astype(float)
    grouped = logit.fit(distinct, np.bincount(row, y) / total, total)
    np.testing.assert_allclose(grouped.covariance, whole.covariance, atol=1e-10)
    one = logit.clustered(whole, x, residual=y - whole.chance, row=np.arange(600), cluster=cluster)
    two = logit.clustered(grouped, distinct, residual=y - grouped.chance[row], row=row, cluster=cluster)
    np.testing.assert_allclose(one, two, atol=1e-10)


def test_separation_is_seen():
    x = np.column_stack([np.ones(40), np.r_[np.zeros(20), np.ones(20)]])
    y = np.r_[np.zeros(20), np.ones(10), np.zeros(10)]
    fitted = logit.fit(x, y)
    assert fitted.separated
    assert np.isnan(fitted.covariance).all()


def test_columns_that_determine_each_other_are_refused():
    x = np.column_stack([np.ones(30), np.arange(30) % 2, 1 - np.arange(30) % 2]).astype(float)
    with pytest.raises(ValueError, match="determine each other"):
        logit.fit(x, (np.arange(30) % 3 == 0).astype(float))
