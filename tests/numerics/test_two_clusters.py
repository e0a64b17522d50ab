"""Errors clustered two ways: pyfixest, closed forms, and what must not matter."""

import numpy as np
import pandas as pd
import pytest

from cxresearch.numerics import panel, two_clusters


def ratings(seed=1, raters=50, targets=18, n=400):
    rng = np.random.default_rng(seed)
    who, what = rng.integers(raters, size=n), rng.integers(targets, size=n)
    x = rng.normal(size=(n, 2)) + rng.normal(size=(targets, 2))[what]
    y = x @ [0.5, -1.0] + rng.normal(size=raters)[who] + rng.normal(size=(targets, 3))[what, rng.integers(3, size=n)]
    return y + rng.normal(size=n), x, who, what


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # pyfixest 0.60 calls pandas as pandas 3 no longer likes it
def test_matches_pyfixest():
    import pyfixest

    y, x, who, what = ratings()
    frame = pd.DataFrame({"y": y, "a": x[:, 0], "b": x[:, 1], "who": who, "what": what})
    peer = pyfixest.feols(
        "y ~ a + b | who + what",
        frame,
        vcov={"CRV1": "who + what"},
        ssc=pyfixest.ssc(k_adj=True, k_fixef="none", G_adj=True, G_df="min"),
        demeaner=pyfixest.MapDemeaner(fixef_tol=1e-13),
        fixef_rm="none",
    )
    fit = two_clusters.fit(y, x, who, what)
    np.testing.assert_allclose(fit.coef, peer.coef(), rtol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), peer.se(), rtol=1e-7)
    assert fit.df == 17


def test_clusters_nested_in_the_other_kind_are_one_way():
    """Where every rater rates one target, clustering by both is clustering by target."""
    rng = np.random.default_rng(2)
    who, what = np.repeat(np.arange(40), 5), np.repeat(np.arange(10), 20)
    x, y = rng.normal(size=(200, 1)), rng.normal(size=200)
    both, one = two_clusters.fit(y, x, who, what), panel.fit(y, x, what, who)
    np.testing.assert_allclose(both.covariance, one.covariance, rtol=1e-9)


def test_a_covariance_stays_one_where_the_difference_is_none():
    """One rating a pair and few clusters: the difference may come out negative, and is held at zero."""
    for seed in range(40):
        y, x, who, what = ratings(seed, raters=4, targets=4, n=40)
        assert np.linalg.eigvalsh(two_clusters.fit(y, x, who, what).covariance)[0] >= -1e-15


def test_order_and_labels_do_not_matter():
    y, x, who, what = ratings(3)
    plain = two_clusters.fit(y, x, who, what)
    order = np.random.default_rng(4).permutation(len(y))
    other = two_clusters.fit(y[order], x[order] + 7, (49 - who)[order], (17 - what)[order])
    np.testing.assert_allclose(other.coef, plain.coef, rtol=1e-9)
    np.testing.assert_allclose(other.covariance, plain.covariance, rtol=1e-8)


def test_one_target_is_refused():
    y, x, who, what = ratings(5)
    with pytest.raises(ValueError, match="two or more of each kind"):
        two_clusters.fit(y, x, who, what * 0)
