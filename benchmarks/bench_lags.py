"""Lags in panels: seconds by rows and lags, against peers where they are installed, and 1,000 cluster bootstraps.

Each line is measured in a process of its own, so that its peak memory is its own. ``make bench`` runs it; the peers
(pyfixest, linearmodels) are measured warm, after a small fit, in the same run.
"""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

START = """
import json, resource, sys, time
import numpy as np
import pandas as pd

rows, lags = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(20080)


def simulate(rows):
    units = rows // 10
    x = rng.normal(size=(units, 1)) + rng.normal(size=(units, 10))
    y = x + 2 * rng.normal(size=(units, 1)) + rng.normal(size=(units, 10))
    y[:, 1:] += 0.5 * x[:, :-1]
    unit, year = (axis.ravel() for axis in np.indices((units, 10)))
    return pd.DataFrame({"unit": unit, "year": year, "x": x.ravel(), "y": y.ravel()})


def wide(frame):
    # lags as columns, which the peers need; their making is not counted against them
    return frame.assign(**{f"x{k}": frame.groupby("unit")["x"].shift(k) for k in range(lags + 1)}).dropna()


def measure(what, times):
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        answer = what()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": min(seconds), "megabytes": peak, "answer": answer}))


names = [f"x{k}" for k in range(lags + 1)]
small, frame = simulate(2000), simulate(rows)
"""
OURS = """
from cxresearch.numerics import panel
def fit(table):
    return panel.fit(table["y"].to_numpy(), table[names].to_numpy(), table["unit"].to_numpy(), table["year"].to_numpy())
fit(wide(small))
table = wide(frame)
measure(lambda: fit(table).coef.tolist(), 3)
"""
WHOLE = """
import cxresearch as cx
def fit(table):
    return cx.distributed_lags(table, unit="unit", period="year", outcome="y", driver="x", lags=lags)
fit(small)
measure(lambda: fit(frame).table["estimate"].tolist(), 3)
"""
PYFIXEST = """
import pyfixest
def fit(table):
    return pyfixest.feols("y ~ " + " + ".join(names) + " | unit + year", table, vcov={"CRV1": "unit"})
fit(wide(small))
table = wide(frame)
measure(lambda: fit(table).coef()[names].tolist(), 3)
"""
LINEARMODELS = """
from linearmodels.panel import PanelOLS
def fit(table):
    model = PanelOLS(table["y"], table[names], entity_effects=True, time_effects=True)
    return model.fit(cov_type="clustered", cluster_entity=True, group_debias=True)
fit(wide(small).set_index(["unit", "year"]))
table = wide(frame).set_index(["unit", "year"])
measure(lambda: fit(table).params[names].tolist(), 2)
"""
BOOTSTRAP = """
import cxresearch as cx
def fit(table, samples=1000):
    return cx.carry_over(
        table, unit="unit", period="year", outcome="y", driver="x", max_lag=lags, bootstraps=samples
    )
fit(small, 100)
measure(lambda: fit(frame).table["estimate"].tolist(), 2)
"""
PEERS = {"pyfixest": PYFIXEST, "linearmodels": LINEARMODELS}


def run(code, rows, lags):
    """Measure in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START + code, str(rows), str(lags)], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def show(capsys):
    """Print past pytest's capture."""

    def say(*lines):
        with capsys.disabled():
            print("", *lines, sep="\n")

    return say


def test_growth_with_rows_and_lags(show):
    """Seconds grow in proportion to rows, and a little faster than lags."""
    lines = [f"{'rows':>10} {'lags':>5} {'fit, s':>8} {'frame to table, s':>18} {'MB':>6}"]
    for rows, lags in ((10_000, 4), (100_000, 4), (1_000_000, 1), (1_000_000, 4), (1_000_000, 8)):
        fit, whole = run(OURS, rows, lags), run(WHOLE, rows, lags)
        assert fit["answer"] == pytest.approx(whole["answer"], rel=1e-6)
        lines.append(
            f"{rows:>10,} {lags:>5} {fit['seconds']:>8.3f} {whole['seconds']:>18.3f} {whole['megabytes']:>6.0f}"
        )
    show(*lines)


@pytest.mark.parametrize("peer", PEERS)
def test_a_million_rows_against_peers(show, peer):
    """The fit alone, lags given as columns to both."""
    if find_spec(peer) is None:
        pytest.skip(f"{peer} is not installed")
    ours, theirs = run(OURS, 1_000_000, 4), run(PEERS[peer], 1_000_000, 4)
    assert ours["answer"] == pytest.approx(theirs["answer"], abs=1e-6)
    show(f"a million rows, 4 lags: ours {ours['seconds']:.2f} s, {peer} (warm) {theirs['seconds']:.2f} s")
    assert ours["seconds"] <= theirs["seconds"]


def test_a_thousand_cluster_bootstraps(show):
    """5,000 customers × 10 years, data frame to intervals, in 10 s."""
    done = run(BOOTSTRAP, 50_000, 6)
    show(f"1,000 cluster bootstraps of 5,000 × 10, 6 lags: {done['seconds']:.2f} s, {done['megabytes']:.0f} MB")
    assert done["seconds"] <= 10
