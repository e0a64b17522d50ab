"""How often intervals hold the truth by local projections, with weights, and with covariates.

A hundred samples are fitted at once, as `distributed_lags` fits one (a test below holds the two equal).
"""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from scipy.special import stdtrit

import cxresearch as cx
from cxresearch.defaults import SEED

pytestmark = pytest.mark.evidence

BATCHES, SAMPLES, LAGS = 40, 100, 3
ENDING, LASTING = np.array([0.4, 0.3, 0.0, 0.0]), np.array([0.4, 0.3, 0.2, 0.1])
QUANTITIES = ("effect of lag 0", "effect of lag 3", "sum over lags 0 to 3")
FEW = "errors clustered by unit are too small with few units"
SHORT = "effects left out show through the means of units, which in a short panel are not those of all time"
UNWEIGHTED = "customers of the kind that is seen less often have another effect: what the weights are for"
CONFOUNDED = "what was left out moves both: what the covariate is for"


def lasting(rng, samples, units, years):
    """Satisfaction of customers who differ: autocorrelation 0.5; the years before the panel come first."""
    shocks = rng.normal(size=(samples, units, years + LAGS + 10))
    return rng.normal(size=(samples, units, 1)) + lfilter([1], [1, -0.5], shocks, axis=2)[..., 10:]


def loyalty(rng, x, effects):
    """Loyalty in the years that have a full past, with customers' levels and autocorrelated errors."""
    samples, units, years = *x.shape[:2], x.shape[2] - LAGS
    errors = lfilter([1], [1, -0.3], rng.normal(size=(samples, units, years)), axis=2)
    common = 2 * rng.normal(size=(samples, units, 1)) + rng.normal(size=(samples, 1, years))
    return sum(b * x[..., LAGS - lag : LAGS - lag + years] for lag, b in enumerate(effects)) + common + errors


def shifted(x, longest):
    """Columns of lags 0 to `longest`, in the years from that many on."""
    years = x.shape[2] - longest
    return np.stack([x[..., longest - lag : longest - lag + years] for lag in range(longest + 1)], axis=-1)


def interval(estimate, se, units):
    half = stdtrit(units - 1, 0.975) * se
    return estimate - half, estimate + half


def projected(fit_many, x, y, past):
    """Intervals of each lag by a regression of its own, in panels that begin when they are first seen."""
    ends = []
    for lag in range(LAGS + 1):
        longest = lag + past
        coef, influence = fit_many(y[..., longest:], shifted(x, longest))
        ends.append(interval(coef[:, lag], np.sqrt((influence[..., lag] ** 2).sum(axis=1)), x.shape[1]))
    low, high = zip(*ends, strict=True)
    return np.stack(low, axis=-1), np.stack(high, axis=-1)


def together(fit_many, x, y, weights=None, extra=None):
    """Intervals of lag 0, lag 3, their sum, and of a covariate's slope, by one regression."""
    columns = shifted(x, LAGS)
    if extra is not None:
        columns = np.concatenate([columns, extra[..., LAGS:, None]], axis=-1)
    coef, influence = fit_many(y[..., LAGS:], columns, weights)
    pick = np.zeros((3 + (extra is not None), columns.shape[-1]))
    pick[0, 0] = pick[1, LAGS] = pick[-1, -1] = 1
    pick[2] = np.arange(columns.shape[-1]) <= LAGS
    return interval(coef @ pick.T, np.sqrt(((influence @ pick.T) ** 2).sum(axis=1)), x.shape[1])


def test_the_fits_are_those_of_the_function(fit_many):
    rng = np.random.default_rng([SEED, 1])
    x, price = lasting(rng, 1, 30, 9), rng.normal(size=(1, 30, 9))
    y, x = loyalty(rng, x, LASTING), x[..., LAGS:]
    unit, year = (axis.ravel() for axis in np.indices(x.shape[1:]))
    w = 1.0 + np.arange(30) % 3
    frame = pd.DataFrame({"u": unit, "t": year, "x": x.ravel(), "y": y.ravel(), "w": w[unit], "p": price.ravel()})
    names = {"unit": "u", "period": "t", "outcome": "y", "driver": "x", "lags": LAGS}
    for past in (1, 2):
        table = cx.distributed_lags(frame, **names, method="projections", past=past).table
        low, high = projected(fit_many, x, y, past)
        np.testing.assert_allclose(table[["ci_low", "ci_high"]], np.c_[low[0], high[0]], rtol=1e-7)
    found = cx.distributed_lags(frame, **names, weights="w", covariates=["p"])
    low, high = (ends[0] for ends in together(fit_many, x, y, w[None], price))
    last = found.table.iloc[LAGS]
    assert last[["ci_low", "ci_high"]].tolist() == pytest.approx([low[1], high[1]], rel=1e-7)
    assert last[["cumulative_ci_low", "cumulative_ci_high"]].tolist() == pytest.approx([low[2], high[2]], rel=1e-7)
    assert found.controls.loc[0, ["ci_low", "ci_high"]].tolist() == pytest.approx([low[3], high[3]], rel=1e-7)


@pytest.mark.parametrize(
    ("units", "years", "past", "effects", "reason", "least"),
    [
        (200, 9, 1, ENDING, "", 0.93),
        (30, 9, 1, ENDING, FEW, 0.9),
        (200, 9, 1, LASTING, SHORT, 0.6),
        (200, 14, 3, LASTING, "", 0.93),
    ],
)
def test_local_projections(record, fit_many, units, years, past, effects, reason, least):
    rng = np.random.default_rng([SEED, units, years, past, int(effects is LASTING)])
    held, width = [], []
    for _ in range(BATCHES):
        x = lasting(rng, SAMPLES, units, years)
        low, high = projected(fit_many, x[..., LAGS:], loyalty(rng, x, effects), past)
        held.append((low <= effects) & (effects <= high))
        width.append(high - low)
    what = "felt for 2 years" if effects is ENDING else "felt for 4 years"
    scenario = f"{units} units, {years} years, {what}, earlier values held constant: {past}"
    coverages = keep(record, "distributed_lags, projections", scenario, held, width, reason,
                     [f"effect of lag {lag}" for lag in range(LAGS + 1)])  # fmt: skip
    assert least <= min(coverages), coverages
    assert max(coverages) <= 0.97, coverages


def keep(record, study, scenario, held, width, reason, quantities=QUANTITIES):
    held, width = np.concatenate(held), np.concatenate(width)
    return [
        record(study=study, quantity=quantity, scenario=scenario, covered=held[:, i], width=width[:, i], reason=reason)
        for i, quantity in enumerate(quantities)
    ]


@pytest.mark.parametrize(("units", "least"), [(60, 0.89), (400, 0.93)])
def test_weights_by_the_chance_of_being_seen(record, fit_many, units, least):
    """One kind of customers feels three times as much, and is asked a quarter as often; weights undo that."""
    rng = np.random.default_rng([SEED, units, 2])
    chance, ours, bare = 0.25, ([], []), ([], [])
    for _ in range(BATCHES):
        feels = rng.random((SAMPLES, units)) < chance / (1 + chance)  # as many of each kind before asking
        x = lasting(rng, SAMPLES, units, 10)
        y = loyalty(rng, x * np.where(feels, 1.5, 0.5)[..., None], LASTING)
        for (held, width), w in ((ours, np.where(feels, 1 / chance, 1.0)), (bare, None)):
            note(held, width, together(fit_many, x[..., LAGS:], y, w))
    scenario = f"{units} units, 10 years, a kind that feels three times as much is seen a quarter as often"
    coverages = keep(record, "distributed_lags, weights", scenario, *ours, FEW)
    without = keep(record, "distributed_lags (weights left out)", scenario, *bare, UNWEIGHTED)
    assert least <= min(coverages), coverages
    assert max(coverages) <= 0.97, coverages
    assert without[2] < 0.9, without


def note(held, width, ends, extra=()):
    low, high = ends
    true = np.array([LASTING[0], LASTING[LAGS], LASTING.sum(), *extra])
    held.append((low <= true) & (true <= high))
    width.append(high - low)


@pytest.mark.parametrize(("units", "least"), [(50, 0.92), (200, 0.93)])
def test_a_covariate_that_moves_both(record, fit_many, units, least):
    rng = np.random.default_rng([SEED, units, 3])
    ours, bare = ([], []), ([], [])
    for _ in range(BATCHES):
        x, price = lasting(rng, SAMPLES, units, 10), lasting(rng, SAMPLES, units, 10)
        x = x - 0.5 * price
        y = loyalty(rng, x, LASTING) - 0.3 * price[..., LAGS:]
        x, price = x[..., LAGS:], price[..., LAGS:]
        note(*ours, together(fit_many, x, y, extra=price), extra=[-0.3])
        note(*bare, together(fit_many, x, y))
    scenario = f"{units} units, 10 years, prices move satisfaction and loyalty"
    coverages = keep(record, "distributed_lags, covariate", scenario, *ours, FEW, (*QUANTITIES, "covariate's slope"))
    without = keep(record, "distributed_lags (covariate left out)", scenario, *bare, CONFOUNDED)
    assert least <= min(coverages), coverages
    assert max(coverages) <= 0.97, coverages
    assert without[0] < 0.9, without
