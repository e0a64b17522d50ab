"""Partial correlation with clustered errors."""

import numpy as np
import pytest

from cxresearch.numerics import halo

LEVEL = 0.95


def drawn(n=240, seed=1):
    rng = np.random.default_rng(seed)
    lasting, rater, cluster = rng.integers(12, size=n), rng.integers(5, size=n), np.arange(n)
    shared = rng.normal(size=n)
    first, second = (
        rng.normal(0, 3, 12)[lasting] + rng.normal(0, 2, 5)[rater] + shared + rng.normal(size=n) for _ in range(2)
    )
    return first, second, {"lasting": lasting, "rater": rater, "cluster": cluster, "confidence": LEVEL}


def test_estimate_is_pingouins_partial_correlation():
    import pandas as pd
    import pingouin

    first, second, held = drawn()
    dummies = pd.concat(
        [pd.get_dummies(held[name], drop_first=True, dtype=float).add_prefix(name) for name in ("lasting", "rater")],
        axis=1,
    )
    frame = dummies.assign(x=first, y=second)
    theirs = pingouin.partial_corr(frame, x="x", y="y", covar=list(dummies.columns))
    ours = halo.partial(first, second, **held)
    assert ours.estimate == pytest.approx(theirs["r"].iloc[0], abs=1e-10)
    assert ours.df == 240 - 12 - 4
    # theirs is Fisher's, for normal scores and independent rows; ours is robust, so near but not equal
    np.testing.assert_allclose((ours.low, ours.high), theirs["CI95"].iloc[0], atol=0.03)


def test_doubled_rows_in_clusters_are_no_more_certain():
    first, second, held = drawn()
    once = halo.partial(first, second, **held)
    twice = halo.partial(
        np.tile(first, 2), np.tile(second, 2), **{k: v if k == "confidence" else np.tile(v, 2) for k, v in held.items()}
    )
    assert twice.estimate == pytest.approx(once.estimate)
    assert twice.se == pytest.approx(once.se, rel=0.05)


def test_units_and_order_do_not_matter():
    first, second, held = drawn()
    order = np.random.default_rng(2).permutation(240)
    one = halo.partial(first, second, **held)
    two = halo.partial(
        5 * first[order] - 9, second[order],
        **{k: v if k == "confidence" else v[order] for k, v in held.items()},
    )  # fmt: skip
    np.testing.assert_allclose((one.estimate, one.low, one.high), (two.estimate, two.low, two.high), atol=1e-9)


def test_nothing_left_gives_nothing():
    first, second, held = drawn(40)
    each = np.arange(40)
    assert np.isnan(halo.partial(first, second, **(held | {"lasting": each})).estimate)
    constant = halo.partial(np.zeros(40), second, **held)
    assert np.isnan(constant.estimate)
    assert np.isnan(halo.average([constant], LEVEL).estimate)
    assert np.isnan(
        halo.partial(first[:2], second[:2], **{k: v if k == "confidence" else v[:2] for k, v in held.items()}).low
    )


def test_average_of_copies_is_the_copy():
    first, second, held = drawn()
    one = halo.partial(first, second, **held)
    mean = halo.average([one, one], LEVEL)
    np.testing.assert_allclose((mean.estimate, mean.se, mean.low), (one.estimate, one.se, one.low), atol=1e-12)
