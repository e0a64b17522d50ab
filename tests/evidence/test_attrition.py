"""Whether weights against drop-out take its bias out, and how often intervals of who vanishes hold the truth.

Dissatisfied customers vanish without a word; what they would have said is known, since they are simulated. The
numeric cores are called as `attrition` calls them (a test below holds the two equal).
"""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, stdtrit

import cxresearch as cx
from cxresearch.defaults import SEED
from cxresearch.numerics import hazard, logit
from cxresearch.numerics.odds import odds as odds_of

pytestmark = pytest.mark.evidence

REPLICATIONS, YEARS = 4000, 4
LEFT_OUT = "those who vanish are not those who stay: what the weights are for"
HEAVY = "a few heavy weights carry the mean, and the interval takes weights, and the spread they show, as known"
NAMES = {"unit": "customer", "period": "year", "satisfaction": "satisfaction", "left": "left"}


def simulate(rng, customers, odds):
    """Satisfaction by year, who leaves, and who is seen; the odds of vanishing are `odds` times as high per point."""
    level = rng.normal(0, 0.8, (customers, 1))
    wave = rng.normal(0, 1.0, (customers, YEARS))
    for year in range(1, YEARS):
        wave[:, year] = 0.5 * wave[:, year - 1] + np.sqrt(0.75) * wave[:, year]
    satisfaction = 6 + level + wave
    leaves = rng.random(wave.shape) < expit(-2.2 - 0.5 * (satisfaction - 6))
    vanishes = rng.random(wave.shape) < expit(-1.73 + np.log(odds) * (satisfaction - 6))
    there = leaves.cumsum(axis=1) - leaves == 0
    return satisfaction, leaves, there, there & (vanishes.cumsum(axis=1) - vanishes == 0)


def frame_of(satisfaction, leaves, seen):
    customer, year = np.nonzero(seen)
    at = customer, year
    return pd.DataFrame({"customer": customer, "year": year, "satisfaction": satisfaction[at],
                         "left": leaves[at].astype(int)})  # fmt: skip


def study(satisfaction, leaves, seen):
    """Weights of the last year's rows, and the odds ratio of vanishing with its interval."""
    asked = (seen & ~leaves)[:, :-1]
    customer, year = np.nonzero(asked)
    gone = (~seen[:, 1:])[asked].astype(float)
    x = satisfaction[:, :-1][asked][:, None]
    found = odds_of(np.zeros_like(year), year, gone, cells=1, cluster=customer, confidence=0.95, covariates=x)
    half = stdtrit(found.df, 0.975) * found.slopes_se[0]
    design = np.column_stack([(x - x.mean()) / x.std(), np.eye(YEARS - 1)[year]])
    stay = np.ones(asked.shape)
    stay[asked] = (1 - np.bincount(year, gone) / np.bincount(year))[year] / (1 - logit.fit(design, gone).chance)
    return stay.prod(axis=1)[seen[:, -1]], np.exp(found.slopes[0] + np.array([-half, 0, half]))


def test_the_study_is_the_function():
    satisfaction, leaves, _, seen = simulate(np.random.default_rng(SEED), 300, 0.5)
    frame = frame_of(satisfaction, leaves, seen)
    answer = cx.attrition(frame, **NAMES)
    w, ends = study(satisfaction, leaves, seen)
    np.testing.assert_allclose(answer.weights[frame["year"] == YEARS - 1], w, rtol=1e-8)
    np.testing.assert_allclose(answer.effect.loc[0, ["ci_low", "odds_ratio", "ci_high"]].astype(float), ends, rtol=1e-8)


def means(y, left, w):
    """Mean satisfaction and share of leavers, with intervals that take weights as known."""
    mean = np.average(y, weights=w)
    half = 1.96 * np.sqrt((w**2 * (y - mean) ** 2).sum()) / w.sum()
    rate = hazard.rates(np.zeros(len(y), dtype=int), left.astype(float), 1, confidence=0.95, weight=w)
    return {"satisfaction": (mean, mean - half, mean + half), "left": (rate.rate[0], rate.low[0], rate.high[0])}


@pytest.mark.parametrize(("customers", "odds"), [(150, 0.6), (600, 0.4)])
def test_weights_take_the_bias_out(record, tally, customers, odds):
    """The last year's mean satisfaction and share of leavers, as seen and weighted for those who vanished."""
    rng = np.random.default_rng([SEED, customers, int(10 * odds)])
    satisfaction, leaves, there, _ = simulate(rng, 500_000, odds)  # had nobody vanished
    true = {"satisfaction": satisfaction[there[:, -1], -1].mean(), "left": leaves[there[:, -1], -1].mean()}
    del satisfaction, leaves, there
    found = {(how, column): [] for how in ("as seen", "weighted") for column in true}
    effect, clear = [], []
    for _ in range(REPLICATIONS):
        satisfaction, leaves, _, seen = simulate(rng, customers, odds)
        weights, (low, _, high) = study(satisfaction, leaves, seen)
        last = seen[:, -1]
        for how, w in (("as seen", np.ones(last.sum())), ("weighted", weights)):
            for column, values in means(satisfaction[last, -1], leaves[last, -1], w).items():
                found[how, column].append(values)
        effect.append((low <= odds <= high, high - low))
        clear.append(high < 1)
    scenario = f"{customers} customers, {YEARS} years, odds of vanishing times {odds} per point of satisfaction"
    what = {"satisfaction": "mean satisfaction of the last year", "left": "share leaving in the last year"}
    coverage, bias, error = {}, {}, {}
    for (how, column), values in found.items():
        estimate, low, high = np.array(values).T
        bias[how, column] = estimate.mean() - true[column]
        error[column] = estimate.std() / np.sqrt(REPLICATIONS)
        coverage[how, column] = record(
            study="attrition" if how == "weighted" else "attrition (as seen, not weighted)",
            quantity=what[column], scenario=scenario,
            covered=(low <= true[column]) & (true[column] <= high), width=high - low,
            reason=LEFT_OUT if how == "as seen" else HEAVY,
        )  # fmt: skip
    coverage["odds"] = record(study="attrition", quantity="odds ratio of vanishing per point", scenario=scenario,
                              covered=[held for held, _ in effect], width=[width for _, width in effect])  # fmt: skip
    power = tally(study="attrition", quantity="drop-out of the dissatisfied found", scenario=scenario, found=clear)
    assert 0.93 <= coverage["odds"] <= 0.97
    assert power > (0.95 if customers > 150 else 0.8)
    for column in true:
        assert abs(bias["weighted", column]) < 0.15 * abs(bias["as seen", column]) + 3 * error[column], (bias, error)
        assert (0.93 if odds == 0.6 and customers > 150 else 0.9) <= coverage["weighted", column] <= 0.97, coverage
    assert coverage["as seen", "satisfaction"] < 0.85, coverage


def test_drop_out_by_satisfaction_is_seldom_found_where_there_is_none(record, tally):
    rng = np.random.default_rng([SEED, 1])
    held, width = [], []
    for _ in range(REPLICATIONS):
        satisfaction, leaves, _, seen = simulate(rng, 150, 1.0)
        _, (low, _, high) = study(satisfaction, leaves, seen)
        held.append(low <= 1 <= high)
        width.append(high - low)
    scenario = f"150 customers, {YEARS} years, vanishing has nothing to do with satisfaction"
    coverage = record(study="attrition", quantity="odds ratio of vanishing per point", scenario=scenario, covered=held,
                      width=width)  # fmt: skip
    share = tally(study="attrition", quantity="drop-out by satisfaction found", scenario=scenario,
                  found=~np.array(held))  # fmt: skip
    assert 0.93 <= coverage <= 0.97
    assert share <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)
