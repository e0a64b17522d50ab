"""Pairwise correlation: its closed forms against brute-force matrices, known truth, and size."""

import numpy as np
import pytest
from scipy import sparse

from cxresearch.numerics import flocks, logit


def grid(counts, n):
    """Design of group and period effects for a table of counts, both cut to those in which somebody left."""
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    groups, periods = counts.shape
    group, period = np.repeat(np.arange(groups), periods), np.tile(np.arange(periods), groups)
    x = np.column_stack([np.eye(groups)[group], np.eye(periods)[period][:, 1:]])
    size, events = np.full(groups * periods, float(n)), counts.ravel().astype(float)
    return x, logit.fit(x, events / size, size), size, events, group


def flocking(rng, groups, periods, n, correlation):
    chance = 1 / (1 + np.exp(2.6 - rng.normal(0, 0.3, (groups, 1, 1)) - rng.normal(0, 0.3, (1, periods, 1))))
    follows = rng.random((groups, periods, n)) < np.sqrt(correlation)
    draw = np.where(follows, rng.random((groups, periods, 1)), rng.random((groups, periods, n)))
    return (draw < chance).sum(axis=2)


def test_expectations_match_brute_force_matrices():
    rng = np.random.default_rng(1)
    n = 60
    group, period = rng.integers(0, 4, n), rng.integers(0, 3, n)
    x = np.column_stack([np.eye(4)[group], np.eye(3)[period][:, 1:], rng.normal(size=n)])
    chance = 1 / (1 + np.exp(-x @ rng.normal(0, 0.5, 7)))
    v = chance * (1 - chance)
    bread = np.linalg.inv((x.T * v) @ x)
    cell = np.unique(group * 3 + period, return_inverse=True)[1]
    member = sparse.csr_array((np.ones(n), (cell, np.arange(n))))
    expected, reached = flocks._expectations(sparse.csr_array(x), member, bread, v, np.ones(n))
    off = np.eye(n) - np.diag(v) @ x @ bread @ x.T
    same = (cell[:, None] == cell[None, :]) & ~np.eye(n, dtype=bool)
    null = off @ np.diag(v) @ off.T * same
    np.testing.assert_allclose(expected, [null[np.ix_(cell == c, cell == c)].sum() / 2 for c in range(cell.max() + 1)])
    tied = off @ (same * np.sqrt(np.outer(v, v))) @ off.T * same
    assert reached.sum() == pytest.approx(tied.sum() / 2)


def test_alike_rows_may_be_grouped():
    rng = np.random.default_rng(2)
    counts = flocking(rng, 6, 4, 25, 0.05)
    x, fitted, size, events, group = grid(counts, 25)
    one = flocks.correlation(x, fitted, n=size, events=events, cell=np.arange(len(x)), group=group)
    row = np.repeat(np.arange(len(x)), 25)
    single = np.concatenate([np.r_[np.ones(int(e)), np.zeros(25 - int(e))] for e in events])
    again = logit.fit(x[row], single)
    two = flocks.correlation(x[row], again, n=np.ones(len(row)), events=single, cell=row, group=group[row])
    assert one.estimate == pytest.approx(two.estimate)
    assert one.se == pytest.approx(two.se)
    assert one.z == pytest.approx(two.z)
    assert one.pairs == two.pairs == len(x) * 25 * 24 // 2


@pytest.mark.parametrize("truth", [0.0, 0.03])
def test_finds_the_correlation_that_is_there(truth):
    rng = np.random.default_rng(3)
    found = []
    for _ in range(60):
        x, fitted, size, events, group = grid(flocking(rng, 30, 8, 30, truth), 30)
        found.append(flocks.correlation(x, fitted, n=size, events=events, cell=np.arange(len(x)), group=group))
    mean = np.mean([f.estimate for f in found])
    error = np.std([f.estimate for f in found]) / np.sqrt(60)
    assert abs(mean - truth) < 3.5 * error
    z = np.array([f.z for f in found])
    assert abs(z.mean()) < 0.45 if truth == 0 else (z > 1.96).mean() > 0.9
    assert all(f.expected < 0 for f in found)
    assert found[0].df == 29
