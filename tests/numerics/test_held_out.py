"""Errors of what was left out: held to refitting without it, and to the sister module for bootstrap samples."""

import numpy as np
import pytest

from cxresearch.numerics import left_out
from cxresearch.numerics.held_out import compare, losses


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)) + 5
    return x, x @ [1, 0.5, 0] + rng.normal(size=40), rng.uniform(0.5, 2, 40), np.arange(40) // 4


def refitted(x, y, weight, unit):
    """Squared errors of rows from fits without their unit."""
    out = np.empty(len(y))
    design = np.column_stack([np.ones(len(y)), x])
    for u in np.unique(unit):
        inside = unit == u
        root = np.sqrt(weight[~inside])
        slope = np.linalg.lstsq(design[~inside] * root[:, None], y[~inside] * root, rcond=None)[0]
        out[inside] = (y[inside] - design[inside] @ slope) ** 2
    return out


def test_losses_are_those_of_refitting_without_the_row(data):
    x, y, weight, _ = data
    np.testing.assert_allclose(losses(x, y, weight), refitted(x, y, weight, np.arange(40)), rtol=1e-9)


def test_losses_are_those_of_refitting_without_the_unit(data):
    x, y, weight, unit = data
    np.testing.assert_allclose(losses(x, y, weight, unit), refitted(x, y, weight, unit), rtol=1e-9)
    shuffled = np.random.default_rng(1).permutation(40)
    moved = losses(x[shuffled], y[shuffled], weight[shuffled], unit[shuffled])
    np.testing.assert_allclose(moved, losses(x, y, weight, unit)[shuffled])


def test_r2_matches_the_sister_module(data):
    x, y, weight, unit = data
    none = np.empty((40, 0))
    for counts, w, u in ((np.ones((1, 40)), np.ones(40), None), (weight[None], weight, None),
                         (np.ones((1, 10)), np.ones(40), unit)):  # fmt: skip
        r2 = compare([losses(x, y, w, u)], losses(none, y, w, u), w, 0.95, unit=u)[0][0]
        assert r2 == pytest.approx(left_out.r_squared(y, x, counts, unit=u)[0], rel=1e-9)


def test_a_duplicated_predictor_changes_nothing(data):
    x, y, weight, _ = data
    np.testing.assert_allclose(losses(np.column_stack([x, x[:, 0]]), y, weight), losses(x, y, weight), rtol=1e-8)


def test_a_row_that_alone_determines_a_slope_has_no_error(data):
    x, y, weight, _ = data
    only = np.zeros(40)
    only[7] = 1
    assert np.flatnonzero(np.isnan(losses(np.column_stack([x, only]), y, weight))).tolist() == [7]


def test_the_lead_of_a_model_over_itself_is_none(data):
    x, y, weight, _ = data
    loss, base = losses(x, y, weight), losses(np.empty((40, 0)), y, weight)
    _, ahead, low, high = compare([loss, loss, base], base, weight, 0.95)
    assert ahead[:2].tolist() == [0, 0]
    assert low[1] == high[1] == 0
    assert low[2] < ahead[2] < high[2] < 0
