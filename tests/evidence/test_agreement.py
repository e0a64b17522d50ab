"""Coverage of the intervals of `icc` and `agreement`.

Intraclass correlations: normal scores, score = target + rater + residual, residual variance 1; the truth is the
ratio of the variances put in. Agreement: targets have a true category, raters report it with a probability of
their own and otherwise a near one, ratings are missing at random; the truth is the coefficient of the population,
exact: every pattern of ratings that the raters can produce, weighted with its probability.

The numeric cores are simulated, all replications at once; a test holds the public functions to the same numbers.
"""

import itertools

import numpy as np
import pandas as pd
import pytest

from cxresearch.mystery_shopping.agreement import agreement
from cxresearch.mystery_shopping.intraclass import icc
from cxresearch.numerics import agreement_bootstrap, reliability
from cxresearch.numerics import agreement_errors as errors
from cxresearch.numerics import chance_agreement as chance
from cxresearch.numerics.resampling import bca_interval

pytestmark = pytest.mark.evidence

LEVEL = 0.95
REPLICATIONS = 10_000
BLOCK = 1_000  # replications held at once

# --- intraclass correlations

SATTERTHWAITE = "approximate degrees of freedom fail where few raters differ much in strictness"
NOT_CROSSED = "form for raters drawn anew for each target, used on the same raters throughout, who differ"


def icc_truth(target, rater, k):
    """Forms 1 and A, then C, for one rater and the mean of k."""
    one = np.array([target / (target + rater + 1)] * 2 + [target / (target + 1)])
    return np.concatenate([one, reliability.spearman_brown(one, k)])


def icc_coverage(rng, n, k, target, rater, *, crossed):
    shape = (REPLICATIONS, 1, k) if crossed else (REPLICATIONS, n, k)
    scores = rng.normal(0, target**0.5, (REPLICATIONS, n, 1)) + rng.normal(0, rater**0.5, shape)
    forms = reliability.intraclass(reliability.mean_squares(scores + rng.normal(size=(REPLICATIONS, n, k))), LEVEL)
    truth = icc_truth(target, rater, k)
    return (forms.low <= truth) & (truth <= forms.high), forms.high - forms.low


@pytest.mark.parametrize(("n", "k"), [(8, 9), (30, 3), (60, 6), (100, 2)])
@pytest.mark.parametrize("consistency", [0.2, 0.8])
@pytest.mark.parametrize("rater", [0.0, 0.5, 3.0])
def test_icc_intervals_of_crossed_ratings(record, n, k, consistency, rater):
    rng = np.random.default_rng([n, k, int(10 * consistency), int(10 * rater)])
    covered, width = icc_coverage(rng, n, k, consistency / (1 - consistency), rater, crossed=True)
    for i, form in enumerate(reliability.FORMS):
        kind = form[4]
        # the one-way form is no fit for raters who score every target and differ in strictness
        misapplied = " (misapplied on purpose)" if kind == "1" and rater > 0 else ""
        found = record(
            study=f"icc{misapplied}",
            quantity=form,
            scenario=f"crossed, {n} targets, {k} raters, ICC(C,1) {consistency}, rater variance {rater:g} x residual",
            covered=covered[:, i],
            width=width[:, i],
            reason={"A": SATTERTHWAITE, "1": NOT_CROSSED, "C": ""}[kind],
        )
        documented = rater > 0 and (kind == "1" or (kind == "A" and k <= 6))
        assert documented or 0.93 <= found <= 0.97, (form, found)


@pytest.mark.parametrize(("n", "k"), [(8, 9), (30, 3), (60, 6), (100, 2)])
@pytest.mark.parametrize("consistency", [0.2, 0.8])
def test_icc_intervals_of_nested_ratings(record, n, k, consistency):
    rng = np.random.default_rng([n, k, int(10 * consistency)])
    covered, width = icc_coverage(rng, n, k, consistency / (1 - consistency), 0.5, crossed=False)
    for i in (0, 3):
        found = record(
            study="icc",
            quantity=reliability.FORMS[i],
            scenario=f"raters of each target's own, {n} targets, {k} raters, ICC(C,1) {consistency}, "
            "rater variance 0.5 x residual",
            covered=covered[:, i],
            width=width[:, i],
        )
        assert 0.93 <= found <= 0.97, (reliability.FORMS[i], found)


# --- agreement

POPULATIONS = {
    "3 scores": ("nominal", (0.5, 0.3, 0.2)),
    "yes/no, 9 in 10 yes": ("nominal", (0.9, 0.1)),
    "5 ranks": ("ordinal", (0.1, 0.2, 0.4, 0.2, 0.1)),
}
ACCURACY = (0.85, 0.75, 0.8, 0.7)
"""Chance that a rater reports the true category; neighbours share most of the rest."""

ONCE = "targets rated once count in Gwet's variance as targets without agreement"
FEW = "few targets, and few disagreements among them: the coefficient is skewed and its error underestimated"
RARE = "the rare score is seen in a few targets only: the coefficient is skewed and its error underestimated"


def population(name, raters, missing):
    """Return every pattern of ratings with its probability, and the coefficients' true values."""
    level, prevalence = POPULATIONS[name]
    q = len(prevalence)
    patterns = np.array(list(itertools.product(range(-1, q), repeat=raters)))
    patterns = patterns[(patterns >= 0).any(1)]
    chances = np.zeros(len(patterns))
    for true, share in enumerate(prevalence):
        each = np.full(len(patterns), share)
        for rater in range(raters):
            reports = np.exp(-np.abs(np.arange(q) - true) / 0.7)
            reports[true] = 0
            reports = reports / reports.sum() * (1 - ACCURACY[rater])
            reports[true] = ACCURACY[rater]
            codes = patterns[:, rater]
            each *= np.where(codes < 0, missing, (1 - missing) * reports[np.maximum(codes, 0)])
        chances += each
    chances /= chances.sum()
    # weights so large that alpha's small-sample term is gone
    truth = agreement_bootstrap.bootstrap(
        patterns, values(name), level, replicates=1, seed=0, targets=1e9 * chances[None]
    )
    return patterns, chances, {key: float(value[0]) for key, value in truth.items()}


def values(name):
    return np.arange(1.0, len(POPULATIONS[name][1]) + 1)


def reason(name, coefficient, n, missing):
    if missing and coefficient not in ("cohen", "krippendorff"):
        return f"{ONCE}; {FEW}" if n <= 100 else ONCE
    return RARE if name.startswith("yes") else FEW


def analytic(patterns, chances, name, n, rng):
    """Estimates and intervals of all replications, by coefficient."""
    level, found = POPULATIONS[name][0], {}
    for _ in range(REPLICATIONS // BLOCK):
        codes = patterns[rng.choice(len(chances), size=(BLOCK, n), p=chances)]
        panel = chance.panel(codes, values(name), level)
        estimate, (error, used) = chance.estimates(panel), errors.standard_errors(panel, level)
        for key, value in estimate.items():
            found.setdefault(key, []).append(errors.t_interval(value, error[key], used[key], LEVEL))
    return {key: np.concatenate([np.stack(ends) for ends in blocks], axis=1) for key, blocks in found.items()}


def keep(record, ends, truth, *, study, scenario, name, n, missing, documented):
    for key, (low, high) in ends.items():
        known = np.isfinite(low)
        covered = (low <= truth[key]) & (truth[key] <= high)
        found = record(
            study=study,
            quantity=key,
            scenario=scenario,
            covered=covered[known],
            width=(high - low)[known],
            undefined=float(1 - known.mean()),
            reason=reason(name, key, n, missing),
        )
        assert documented(key) or 0.93 <= found <= 0.97, (key, found)


@pytest.mark.parametrize("name", list(POPULATIONS))
@pytest.mark.parametrize("raters", [2, 4])
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("n", [8, 30, 100, 500])
def test_analytic_intervals_of_agreement(record, name, raters, missing, n):
    patterns, chances, truth = population(name, raters, missing)
    rng = np.random.default_rng([n, raters, int(10 * missing), len(patterns)])
    keep(
        record,
        analytic(patterns, chances, name, n, rng),
        truth,
        study="agreement",
        scenario=f"analytic, {name}, {n} targets, {raters} raters, {missing:.0%} missing",
        name=name,
        n=n,
        missing=missing,
        # large samples hold; smaller ones, rare scores and targets rated once are documented
        documented=lambda key: n < 500 or (missing and key not in ("cohen", "krippendorff")),
    )


@pytest.mark.parametrize(
    ("name", "raters", "missing", "n"),
    [
        ("3 scores", 2, 0.0, 8),
        ("3 scores", 2, 0.0, 30),
        ("3 scores", 4, 0.0, 100),
        ("3 scores", 2, 0.3, 100),
        ("5 ranks", 4, 0.0, 8),
        ("5 ranks", 2, 0.0, 30),
        ("5 ranks", 4, 0.0, 100),
        ("5 ranks", 2, 0.3, 100),
        ("yes/no, 9 in 10 yes", 2, 0.0, 100),
    ],
)
def test_bootstrap_intervals_of_agreement(record, name, raters, missing, n):
    """4,000 samples with 999 resamples each; the seed differs from sample to sample."""
    patterns, chances, truth = population(name, raters, missing)
    level = POPULATIONS[name][0]
    rng = np.random.default_rng([n, raters, int(10 * missing)])
    ends = {key: np.full((2, 4000), np.nan) for key in truth}
    for i in range(4000):
        codes = patterns[rng.choice(len(chances), size=n, p=chances)]
        panel = chance.panel(codes, values(name), level)
        estimate, influence = chance.estimates(panel), errors.influences(panel, level)
        drawn = agreement_bootstrap.bootstrap(codes, values(name), level, replicates=999, seed=i)
        for key, value in estimate.items():
            ends[key][:, i] = bca_interval(float(value), drawn[key], influence[key], LEVEL)
    keep(
        record,
        ends,
        truth,
        study="agreement",
        scenario=f"bootstrap, {name}, {n} targets, {raters} raters, {missing:.0%} missing",
        name=name,
        n=n,
        missing=0.0,  # the bootstrap knows nothing of the convention on targets rated once
        documented=lambda _: n < 100 or level == "ordinal" or name.startswith("yes"),
    )


# --- the public functions are what was simulated


def test_public_agreement_gives_the_simulated_intervals():
    patterns, chances, _ = population("5 ranks", 4, 0.3)
    codes = patterns[np.random.default_rng(1).choice(len(chances), size=(BLOCK, 30), p=chances)]
    ends = analytic_of(codes[:20], "ordinal")
    for i, one in enumerate(codes[:20]):
        cells = np.argwhere(one >= 0)
        data = pd.DataFrame({"t": cells[:, 0], "r": cells[:, 1], "s": one[one >= 0] + 1})
        table = agreement(data, target="t", rater="r", score="s", level="ordinal", categories=range(1, 6)).table
        for row in table.itertuples():
            low, high = ends[row.coefficient][:, i]
            assert row.ci_low == pytest.approx(max(low, 0) if row.coefficient == "percent" else low, abs=1e-10)
            assert row.ci_high == pytest.approx(high, abs=1e-10)


def analytic_of(codes, level):
    panel = chance.panel(codes, np.arange(1.0, 6), level)
    estimate, (error, used) = chance.estimates(panel), errors.standard_errors(panel, level)
    return {key: np.stack(errors.t_interval(x, error[key], used[key], LEVEL)) for key, x in estimate.items()}


def test_public_icc_gives_the_simulated_intervals():
    scores = np.random.default_rng(2).normal(size=(5, 8, 3)) + np.arange(8.0)[:, None]
    forms = reliability.intraclass(reliability.mean_squares(scores), LEVEL)
    for i, one in enumerate(scores):
        data = pd.DataFrame(one).rename_axis("t").reset_index().melt("t", var_name="r", value_name="s")
        table = icc(data, target="t", rater="r", score="s").table
        np.testing.assert_allclose(table["ci_low"], forms.low[i], atol=1e-10)
        np.testing.assert_allclose(table["ci_high"], forms.high[i], atol=1e-10)
