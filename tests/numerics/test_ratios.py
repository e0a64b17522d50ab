"""Ratios of totals against clustered regression."""

import numpy as np
import pytest

from cxresearch.numerics import ratios


def test_ratio_of_totals_matches_clustered_regression_in_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    cluster = rng.integers(12, size=300)
    y = rng.normal(size=12)[cluster] + rng.normal(size=300) + 5
    estimate, influence = ratios.ratio(y, np.ones(300), cluster, 12)
    fitted = sm.OLS(y, np.ones(300)).fit(cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False})
    variance = ratios.covariance(influence[:, None], 12)[0, 0]
    assert estimate == pytest.approx(y.mean())
    assert variance == pytest.approx(fitted.cov_params()[0, 0] * 12 / 11)
