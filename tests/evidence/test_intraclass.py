"""Coverage of the intervals of `icc` where ratings are missing, by `method="reml"`, and from resampled targets.

Scores are target + rater + residual, residual variance 1; the truth is the ratio of the variances put in. Gaps are
drawn once per scenario, so that a pattern is decomposed once for all replications. A test holds the public function to
the same numbers.
"""

import numpy as np
import pandas as pd
import pytest

from cxresearch.mystery_shopping.intraclass import icc
from cxresearch.numerics import incomplete_ratings as incomplete
from cxresearch.numerics import reliability, reml
from cxresearch.numerics.resampling import bca_interval

pytestmark = pytest.mark.evidence

LEVEL = 0.95
REPLICATIONS = 4_000
FORMS = ("ICC(1,1)", "ICC(A,1)", "ICC(C,1)")


def pattern_of(rng, n, k, missing):
    target, rater = np.indices((n, k)).reshape(2, -1)
    kept = rng.random(n * k) >= missing
    return np.unique(target[kept], return_inverse=True)[1], rater[kept]


@pytest.mark.parametrize(
    ("n", "k", "missing"), [(8, 9, 0.3), (30, 3, 0.0), (30, 3, 0.3), (100, 2, 0.0), (60, 6, 0.5), (40, 20, 0.8)]
)
@pytest.mark.parametrize("consistency", [0.2, 0.8])
@pytest.mark.parametrize("rater", [0.0, 0.5, 3.0])
def test_intervals_with_gaps(record, n, k, missing, consistency, rater):
    rng = np.random.default_rng([n, k, int(10 * missing), int(10 * consistency), int(10 * rater)])
    targets, raters = pattern_of(rng, n, k, missing)
    layout, variance = incomplete.layout(targets, raters), consistency / (1 - consistency)
    chi = incomplete.chi_squares(layout, 20080)
    ends = np.empty((REPLICATIONS, 2, 2))
    for i in range(REPLICATIONS):
        y = variance**0.5 * rng.normal(size=n)[targets] + rater**0.5 * rng.normal(size=k)[raters]
        found = incomplete.squares(layout, y + rng.normal(size=len(y)))
        ratio = incomplete.exact_ratio(layout.targets, found.targets, found.residual, layout.residual, LEVEL)
        ends[i] = incomplete.absolute(layout, found, chi, LEVEL), [end / (1 + end) for end in ratio]
    truth = variance / (variance + rater + 1), consistency
    for at, form in enumerate(FORMS[1:]):
        low, high = ends[:, at].T
        known = np.isfinite(low)
        share = record(
            study="icc",
            quantity=form,
            scenario=f"reml, {n} targets, {k} raters, {missing:.0%} missing, ICC(C,1) {consistency}, "
            f"rater variance {rater:g} x residual",
            covered=((low <= truth[at]) & (truth[at] <= high))[known],
            width=(high - low)[known],
            undefined=float(1 - known.mean()),
        )
        assert 0.93 <= share <= 0.97, (form, share)


@pytest.mark.parametrize(("n", "most"), [(20, 3), (60, 6)])
@pytest.mark.parametrize("consistency", [0.2, 0.8])
def test_intervals_of_raters_of_each_targets_own(record, n, most, consistency):
    """From one rating to `most`, another rater each time: exact, so that 4,000 replications decide nothing but that."""
    rng = np.random.default_rng([n, most, int(10 * consistency)])
    each = rng.integers(1, most + 1, n)
    targets, variance = np.repeat(np.arange(n), each), consistency / (1 - consistency)
    spectrum = incomplete.spectrum(np.diag(each) - np.outer(each, each) / each.sum())
    ends = np.empty((REPLICATIONS, 2))
    for i in range(REPLICATIONS):
        y = variance**0.5 * rng.normal(size=n)[targets] + rng.normal(size=len(targets))
        totals = np.bincount(targets, y - y.mean())
        within = ((y - y.mean()) ** 2).sum() - (totals**2 / each).sum()
        ends[i] = incomplete.exact_ratio(spectrum, totals @ spectrum.turn, within, len(y) - n, LEVEL)
    low, high = ends.T / (1 + ends.T)
    known = np.isfinite(low)
    share = record(
        study="icc",
        quantity="ICC(1,1)",
        scenario=f"reml, raters of each target's own, {n} targets, 1 to {most} ratings, ICC(1,1) {consistency}",
        covered=((low <= consistency) & (consistency <= high))[known],
        width=(high - low)[known],
        undefined=float(1 - known.mean()),
    )
    assert 0.93 <= share <= 0.97, share


def test_intervals_from_errors(record):
    """What more than 2,000 targets or raters get, on a design small enough to be fitted 4,000 times."""
    rng = np.random.default_rng(4)
    n, k, rater, variance = 120, 40, 0.5, 1.0
    targets, raters = pattern_of(rng, n, k, 0.92)
    design, ends = reml.prepare(None, [targets, raters]), np.empty((REPLICATIONS, 2, 2))
    n = targets.max() + 1
    for i in range(REPLICATIONS):
        y = variance**0.5 * rng.normal(size=n)[targets] + rater**0.5 * rng.normal(size=k)[raters]
        found = reml.fit_design(y + rng.normal(size=len(y)), design)
        for at, weights in enumerate(([1.0, 1.0, 1.0], [1.0, 0.0, 1.0])):
            ends[i, at] = incomplete.by_errors(found.variance, found.covariance, np.array(weights), LEVEL)
    for at, (form, truth) in enumerate(zip(FORMS[1:], (1 / 2.5, 1 / 2), strict=True)):
        low, high = ends[:, at].T
        share = record(
            study="icc",
            quantity=form,
            scenario=f"reml by asymptotic errors, {n} targets, {k} raters, 92% missing, ICC(C,1) 0.5, "
            "rater variance 0.5 x residual",
            covered=(low <= truth) & (truth <= high),
            width=high - low,
        )
        assert 0.93 <= share <= 0.97, (form, share)


SHAPES = {
    "normal": lambda rng, size: rng.normal(size=size),
    "heavy-tailed": lambda rng, size: rng.standard_t(5, size) / (5 / 3) ** 0.5,
    "skewed": lambda rng, size: rng.exponential(size=size) - 1,
}
TAILS = "targets far from normal: the few extreme ones decide, and a sample may lack them"
FEW = "few targets: the resamples vary less than new samples would"
FIXED = "meant for normal scores"


@pytest.mark.parametrize("n", [20, 50, 200])
@pytest.mark.parametrize("shape", list(SHAPES))
def test_resampled_intervals_speak_of_these_raters(record, n, shape):
    """Four raters whose strictness stays the same from sample to sample; the closed interval of form C beside it."""
    rng = np.random.default_rng([n, len(shape)])
    strictness, ends, closed = np.array([-0.6, -0.2, 0.2, 0.6]), np.empty((REPLICATIONS, 2, 2)), []
    for i in range(REPLICATIONS):
        scores = SHAPES[shape](rng, (n, 1)) + strictness + SHAPES[shape](rng, (n, 4))
        estimate = reliability.estimates(reliability.mean_squares(scores))
        drawn, influence = reliability.bootstrap(scores, 999, i)
        ends[i] = [bca_interval(float(estimate[j]), drawn[:, j], influence[:, j], LEVEL) for j in (1, 2)]
        forms = reliability.intraclass(reliability.mean_squares(scores), LEVEL)
        closed.append((forms.low[2], forms.high[2]))
    truth = 1 / (2 + strictness.var(ddof=1)), 0.5
    for study, form, pair, value in (
        ("icc, bootstraps", FORMS[1], ends[:, 0], truth[0]),
        ("icc, bootstraps", FORMS[2], ends[:, 1], truth[1]),
        ("icc", FORMS[2], np.array(closed), truth[1]),
    ):
        low, high = pair.T
        share = record(
            study=study,
            quantity=form,
            scenario=f"{'bootstrap' if 'boot' in study else 'closed'}, {shape} targets and errors, {n} targets, "
            "4 raters who stay the same, ICC(C,1) 0.5",
            covered=(low <= value) & (value <= high),
            width=high - low,
            reason=FIXED if study == "icc" else FEW if n <= 50 else TAILS,
        )
        documented = n < 200 or shape != "normal"
        assert documented or 0.93 <= share <= 0.97, (study, form, share)


def test_public_icc_gives_the_simulated_intervals():
    rng = np.random.default_rng(5)
    targets, raters = pattern_of(rng, 20, 4, 0.3)
    y = rng.normal(size=20)[targets] + rng.normal(size=4)[raters] + rng.normal(size=len(targets))
    layout = incomplete.layout(targets, raters)
    found = incomplete.squares(layout, y)
    table = icc(pd.DataFrame({"t": targets, "r": raters, "s": y}), target="t", rater="r", score="s").table
    ratio = incomplete.exact_ratio(layout.targets, found.targets, found.residual, layout.residual, LEVEL)
    absolute = incomplete.absolute(layout, found, incomplete.chi_squares(layout, 20080), LEVEL)
    expected = np.array([absolute, [end / (1 + end) for end in ratio]])
    np.testing.assert_allclose(table.loc[1:2, ["ci_low", "ci_high"]], expected, atol=1e-9)
