"""Reliable change and regression to the mean, against closed forms and other people's code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.numerics import change, proportions

LEVEL = 0.95


def drawn(n=40, k=2, seed=1):
    rng = np.random.default_rng(seed)
    true = rng.normal(70, 6, n)
    early, late = (true[:, None] + rng.normal(0, 5, (n, k)) for _ in range(2))
    return early, late + 2


def measured(early, late, reliability=None):
    return change.measure(
        early.mean(axis=1), reliability=reliability, early=change.repeats(early), late=change.repeats(late)
    )


@pytest.mark.filterwarnings("ignore:The inplace keyword:pandas.errors.Pandas4Warning")  # pingouin's own
def test_reliability_of_repeated_scores_is_pingouins_icc1k():
    import pandas as pd
    import pingouin

    early, late = drawn(k=3)
    long = pd.DataFrame(early).rename_axis("t").reset_index().melt("t", var_name="r", value_name="s")
    theirs = pingouin.intraclass_corr(long, targets="t", raters="r", ratings="s").set_index("Type")["ICC"]
    assert measured(early, late).reliability == pytest.approx(theirs.filter(like="1,k").iloc[0], abs=1e-12)


def test_indices_are_their_closed_forms():
    """The published formulas, written out: s 7.5 and r 0.8 give the errors 3.354 and 4.743."""
    before = np.array([-1.0, 0, 1]) * 7.5 + 40
    late = np.array([[47.5], [40], [40]])
    known = measured(before[:, None], late, reliability=0.8)
    assert known.error == pytest.approx(7.5 * np.sqrt(0.2))
    assert known.difference == pytest.approx(np.sqrt(2 * 7.5**2 * 0.2))
    assert known.prediction == pytest.approx(7.5 * np.sqrt(1 - 0.8**2))
    after = late[:, 0]
    assert change.jacobson_truax(before, after, known)[0] == pytest.approx(15 / 4.7434, abs=1e-3)  # 3.16
    expected = 40 + 0.8 * (before - 40)
    np.testing.assert_allclose(change.edwards_nunnally(before, after, known), (after - expected) / (7.5 * np.sqrt(0.2)))
    np.testing.assert_allclose(change.gulliksen_lord_novick(before, after, known), (after - expected) / (7.5 * 0.6))


def test_ancova_is_statsmodels_with_hc3():
    import statsmodels.api as sm

    early, late = drawn()
    before, after = early.mean(axis=1), late.mean(axis=1)
    treated = np.arange(40) % 3 == 0
    ours = change.ancova(before, after, treated, LEVEL)
    x = np.column_stack([np.ones(40), before, treated])
    theirs = sm.OLS(after, x).fit().get_robustcov_results("HC3", use_t=True)
    assert ours.estimate == pytest.approx(theirs.params[2])
    assert ours.se == pytest.approx(theirs.bse[2])
    np.testing.assert_allclose((ours.low, ours.high), theirs.conf_int()[2])


def test_welch_is_scipys():
    from scipy import stats

    a, b = np.random.default_rng(3).normal(size=(2, 12)) * [[1], [3]]
    ours, theirs = change.welch(a, b, LEVEL), stats.ttest_ind(a, b, equal_var=False)
    ends = theirs.confidence_interval(LEVEL)
    np.testing.assert_allclose((ours.low, ours.high, ours.df), (ends.low, ends.high, theirs.df))


def test_wilson_is_statsmodels():
    from statsmodels.stats.proportion import proportion_confint

    count, n = np.array([0, 1, 7, 30]), np.array([4, 9, 20, 30])
    np.testing.assert_allclose(
        proportions.wilson(count, n, 0.9), proportion_confint(count, n, 0.1, method="wilson"), atol=1e-12
    )
    assert np.isnan(proportions.wilson(0.0, 0.0, 0.9)).all()


def test_regression_and_what_is_left_add_up_to_the_change():
    early, late = drawn()
    before, after = early.mean(axis=1), late.mean(axis=1)
    known, low = measured(early, late), before < 70
    by_itself = change.regression(before, low, known, LEVEL)
    left = change.beyond(before, after, low, known, LEVEL)
    assert by_itself.estimate + left.estimate == pytest.approx((after - before)[low].mean())
    assert by_itself.estimate == pytest.approx((1 - known.reliability) * (before.mean() - before[low].mean()))


def test_standard_errors_are_those_of_the_jackknife():
    early, late = drawn(200)
    before, after = early.mean(axis=1), late.mean(axis=1)

    def both(kept):
        known = measured(early[kept], late[kept])
        args = before[kept], before[kept] < 70, known, LEVEL
        return change.regression(*args), change.beyond(args[0], after[kept], *args[1:])

    everyone = np.arange(200)
    left_out = np.array([[m.estimate for m in both(np.delete(everyone, i))] for i in everyone])
    errors = np.sqrt(199 / 200 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose([m.se for m in both(everyone)], errors, rtol=0.05)


def test_fewer_scores_after_have_a_larger_error():
    early, late = drawn(k=4)
    known = measured(early, late[:, :1])
    assert known.error_after == pytest.approx(2 * known.error)
    given_ = measured(early, late[:, :1], reliability=0.7)
    assert given_.error_after == pytest.approx(2 * given_.error)


def test_scores_that_tell_nothing_have_reliability_zero():
    early = np.tile([[0.0, 10.0]], (20, 1)) + np.linspace(0, 0.1, 20)[:, None]
    assert measured(early, early).reliability == 0


@given(st.floats(0.1, 10), st.floats(-50, 50))
def test_the_unit_of_measurement_does_not_matter(scale, shift):
    early, late = drawn(12)
    low = early.mean(axis=1) < 71
    one, two = (
        change.gulliksen_lord_novick(e.mean(axis=1), a.mean(axis=1), measured(e, a))[low]
        for e, a in ((early, late), (early * scale + shift, late * scale + shift))
    )
    np.testing.assert_allclose(one, two, rtol=1e-7)
