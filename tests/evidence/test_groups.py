"""How often intervals of differences between two groups, or two eras of the same customers, hold the truth.

What is compared is how long an effect is felt (claim L5: cycles are shorter under competition). The numeric cores
are called as `compare` and `shorter` call them (tests/loyalty holds the two equal).
"""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter

import cxresearch as cx
from cxresearch.defaults import SEED
from cxresearch.loyalty import reach
from cxresearch.numerics import horizon, panel
from cxresearch.numerics.bootstrap import cluster_bootstrap, unit_moments

pytestmark = pytest.mark.evidence

REPLICATIONS, DRAWS = 4000, 200
YEARS, MAX_LAG, PROCESSES = 9, 4, 4
LONG = np.array([0.4, 0.3, 0.2, 0.1, 0.0])
SHORT = np.array([0.6, 0.4, 0.0, 0.0, 0.0])
FEW = "the bootstrap of whole units is too narrow with few units"
DISCRETE = "bounds on whole numbers, each at a quarter of the error allowed, hold the truth more often than they must"


def satisfaction(rng, units, level, years):
    return level + lfilter([1], [1, -0.5], rng.normal(size=(units, years + 8)), axis=1)[:, 8:]


def part(rng, x, effects, uneven):
    """Complete rows of one part of a panel: outcome and lags, by unit and year."""
    lags = np.stack([x[:, MAX_LAG - k : x.shape[1] - k] for k in range(MAX_LAG + 1)], axis=-1)
    noise = rng.normal(size=lags.shape[:2])
    if uneven is not None:
        noise = lfilter([1], [1, -0.5], noise, axis=1) * uneven
    return (lags @ effects + noise).ravel(), lags.reshape(-1, MAX_LAG + 1)


def two_parts(rng, units, eras):
    """Two groups of customers, or the same customers before and after: outcome, lags and unit of each."""
    uneven = np.exp(0.5 * rng.normal(size=(units, 1)))
    level = rng.normal(size=(units, 1))
    if eras:
        x = satisfaction(rng, units, level, 2 * YEARS - MAX_LAG)
        seen = x[:, :YEARS], x[:, YEARS - MAX_LAG :]
        return [(*part(rng, own, effects, uneven), 0) for own, effects in zip(seen, (SHORT, LONG), strict=True)]
    return [
        (*part(rng, satisfaction(rng, units, rng.normal(size=(units, 1)), YEARS), effects, uneven), first)
        for effects, first in ((SHORT, 0), (LONG, units))
    ]


def compare(parts, unit, year, every, seed):
    """Differences of the first part from the second, by quantity, with their intervals."""
    fits = [panel.fit(y, x, unit + first, year, units=every) for y, x, first in parts]
    moments = [unit_moments(y, x, unit + first, year, units=every) for y, x, first in parts]
    judged = [
        [
            reach.judge(fit.coef, fit.covariance, fit.units, drawn, share=0.9, confidence=level, smallest=None)
            for level in (0.95, 0.975)
        ]
        for fit, drawn in zip(fits, cluster_bootstrap(moments, DRAWS, seed), strict=True)
    ]
    return reach.difference(judged[0][0], judged[1][0], (judged[0][1], judged[1][1]), 0.95)


def test_the_cores_are_called_as_the_function_calls_them():
    rng = np.random.default_rng([SEED, 6])
    units = 60
    unit, year = (axis.ravel() for axis in np.indices((2 * units, YEARS)))
    x = satisfaction(rng, 2 * units, 0.0, YEARS)
    y = rng.normal(size=x.shape)
    y[:, MAX_LAG:] += sum(b * x[:, MAX_LAG - k : YEARS - k] for k, b in enumerate(LONG))
    frame = pd.DataFrame({"u": unit, "t": year, "x": x.ravel(), "y": y.ravel(), "g": np.where(unit < units, "a", "b")})
    found = cx.carry_over(
        frame, unit="u", period="t", outcome="y", driver="x", max_lag=MAX_LAG, group="g", bootstraps=DRAWS, seed=5
    ).compare("a", "b")
    lags = np.stack([x[:, MAX_LAG - k : YEARS - k] for k in range(MAX_LAG + 1)], axis=-1)
    parts = [(y[a : a + units, MAX_LAG:].ravel(), lags[a : a + units].reshape(-1, MAX_LAG + 1), a) for a in (0, units)]
    short = tuple(axis.ravel() for axis in np.indices((units, YEARS - MAX_LAG)))
    ours = compare(parts, *short, 2 * units, 5)
    table = found[found["part"] == "difference"].set_index("quantity")[["estimate", "ci_low", "ci_high"]]
    for name, values in ours.items():
        assert tuple(table.loc[name]) == pytest.approx(values, rel=1e-8, nan_ok=True)


@pytest.mark.parametrize(("units", "eras"), [(60, False), (250, False), (250, True)])
def test_differences_of_quantities(record, units, eras):
    rng = np.random.default_rng([SEED, units, int(eras)])
    unit, year = (axis.ravel() for axis in np.indices((units, YEARS - MAX_LAG)))
    every = units if eras else 2 * units
    true = [reach.summaries(effects, 0.9) for effects in (SHORT, LONG)]
    truth = {name: float(true[0][name] - true[1][name]) for name in true[0]} | {"duration": -2.0}
    held, width = ({name: [] for name in truth} for _ in range(2))
    for i in range(REPLICATIONS):
        apart = compare(two_parts(rng, units, eras), unit, year, every, i)
        for name, value in truth.items():
            _, low, high = apart[name]
            if not np.isnan(low):
                held[name].append(low - 1e-9 <= value <= high + 1e-9)
                width[name].append(high - low)
    who = f"{units} units in two eras" if eras else f"{units} units against {units}"
    coverages = {
        name: record(
            study="carry_over, compare", quantity=f"difference of {name.replace('_', ' ')}",
            scenario=f"{who}, {YEARS} years each, felt for 2 years and for 4, autocorrelated, uneven errors",
            covered=held[name], width=width[name], undefined=1 - len(held[name]) / REPLICATIONS,
            reason=DISCRETE if name == "duration" else FEW,
        )
        for name in truth
    }  # fmt: skip
    for name, coverage in coverages.items():
        most = 1.0 if name == "duration" else 0.975
        assert (0.93 if units > 100 else 0.9) <= coverage <= most, coverages


@pytest.mark.parametrize("units", [250, 2000])
@pytest.mark.parametrize("alike", [True, False])
def test_shorter_cycles_of_four_processes(tally, units, alike):
    """Claim L5 as `Cycles.verdict` judges it, all processes together."""
    rng = np.random.default_rng([SEED, units, int(alike), 5])
    unit, year = (axis.ravel() for axis in np.indices((units, YEARS - MAX_LAG)))
    strict = 1 - 0.05 / PROCESSES / 2
    held, said = [], []
    for _ in range(1000 if units < 1000 else 300):
        ends = []
        for effects in (LONG if alike else SHORT, LONG):
            x = [satisfaction(rng, units, rng.normal(size=(units, 1)), YEARS) for _ in range(PROCESSES)]
            parts = [part(rng, one, effects, None) for one in x]
            y = sum(y for y, _ in parts) / np.sqrt(PROCESSES)  # noise of variance 1
            fit = panel.fit(y, np.hstack([lags for _, lags in parts]) / np.sqrt(PROCESSES), unit, year)
            blocks = [slice(i, i + MAX_LAG + 1) for i in range(0, PROCESSES * (MAX_LAG + 1), MAX_LAG + 1)]
            ends.append([bounds(fit.coef[b], fit.covariance[b, b], units, strict) for b in blocks])
        first, second = (np.array(one) for one in ends)
        low, high = first[:, 0] - second[:, 1], first[:, 1] - second[:, 0]
        held.append(((low <= -2 * (not alike)) & (-2 * (not alike) <= high)).all())
        shorter, longer = bool((high < 0).any()), bool((low > 0).any())
        said.append("undecided" if shorter == longer else "supported" if shorter else "contradicted")
    what = "felt for 4 years in both" if alike else "felt for 2 years and for 4"
    scenario = f"{PROCESSES} processes, {units} units against {units}, {YEARS} years, {what}"
    both = tally(study="process_carry_over, compare", quantity="all differences of duration hold", scenario=scenario,
                 found=held)  # fmt: skip
    found = tally(study="process_carry_over, compare", quantity="shorter cycles found", scenario=scenario,
                  found=[word == "supported" for word in said])  # fmt: skip
    against = tally(study="process_carry_over, compare", quantity="longer cycles found", scenario=scenario,
                    found=[word == "contradicted" for word in said])  # fmt: skip
    assert both >= 0.94
    assert against + found * alike <= 0.05
    assert alike or units < 1000 or found > 0.9


def bounds(effects, covariance, units, confidence):
    """The bounds that `reach.judge` gives the horizon."""
    smallest = reach.SMALLEST * abs(float(effects.sum()))
    found = horizon.select(effects, covariance, units)
    return horizon.bounds(effects, covariance, units, confidence=confidence, smallest=smallest, reach=found)
