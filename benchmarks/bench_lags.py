"""Lags in panels: seconds by rows and lags, against pyfixest and linearmodels, and 1,000 cluster bootstraps.

Each line is measured in a process of its own, so that its peak memory is its own, and after a small fit, so that all
are warm. Times are the least of some repetitions. Nobody is held to fewer threads than the machine has. ``make bench``
runs it.
"""

import json
import os
import subprocess
import sys

import pytest

START = """
import json, resource, sys, time
import numpy as np
import pandas as pd

rows, lags, share = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
rng = np.random.default_rng(20080)


def simulate(rows, years=10):
    units = rows // years
    x = rng.normal(size=(units, 1)) + rng.normal(size=(units, years))
    y = x + 2 * rng.normal(size=(units, 1)) + rng.normal(size=(units, years))
    y[:, 1:] += 0.5 * x[:, :-1]
    unit, year = (axis.ravel() for axis in np.indices((units, years)))
    frame = pd.DataFrame({"unit": unit, "year": year, "x": x.ravel(), "y": y.ravel()})
    return frame[rng.random(len(frame)) < share].reset_index(drop=True)


def wide(frame):
    # calendar lags as columns, which the peers need
    past = frame.set_index(["unit", "year"])["x"]
    here = frame.set_index(["unit", "year"])
    for k in range(lags + 1):
        moved = past.copy()
        moved.index = pd.MultiIndex.from_arrays([frame["unit"], frame["year"] + k], names=["unit", "year"])
        here[f"x{k}"] = moved.reindex(here.index) if k else past
    whole = here.dropna().reset_index()
    return whole[whole.groupby("unit")["year"].transform("size") > 1].reset_index(drop=True)


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
errors = {"CRV1": "unit"}
"""
OURS = """
from cxresearch.numerics import panel
def fit(table):
    found = panel.fit(
        table["y"].to_numpy(), table[names].to_numpy(), table["unit"].to_numpy(), table["year"].to_numpy()
    )
    return [found.n, *found.coef]
"""
WHOLE = """
import cxresearch as cx
def fit(table):
    found = cx.distributed_lags(table, unit="unit", period="year", outcome="y", driver="x", lags=lags).table
    return [int(found["n"][0]), *found["estimate"]]
"""
PYFIXEST = """
import pyfixest
formula = "y ~ " + " + ".join(names) + " | unit + year"
def fit(table):
    return [len(table), *pyfixest.feols(formula, table, vcov=errors).coef()[names]]
"""
LEAN = """
import pyfixest
formula = "y ~ " + " + ".join(names) + " | unit + year"
def fit(table):
    found = pyfixest.feols(formula, table, vcov=errors, copy_data=False, store_data=False, lean=True)
    return [len(table), *found.coef()[names]]
"""
LINEARMODELS = """
from linearmodels.panel import PanelOLS
def fit(table):
    model = PanelOLS(table["y"], table[names], entity_effects=True, time_effects=True)
    return [len(table), *model.fit(cov_type="clustered", cluster_entity=True, group_debias=True).params[names]]
"""
FIT = """
fit(wide(small))
table = wide(frame)
measure(lambda: fit(table), 5)
"""
INDEXED = """
fit(wide(small).set_index(["unit", "year"]))
table = wide(frame).set_index(["unit", "year"])
measure(lambda: fit(table), 3)
"""
FRAME = """
fit(small)
measure(lambda: fit(frame), 5)
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
ONE_BY_ONE = """
from cxresearch.numerics import panel
table = wide(frame)
units = table["unit"].unique()
where = table.groupby("unit").indices
def fit():
    drawn = [where[u] for u in rng.choice(units, len(units))]
    rows, unit = np.concatenate(drawn), np.repeat(np.arange(len(drawn)), [len(r) for r in drawn])
    part = table.iloc[rows]
    return panel.fit(part["y"].to_numpy(), part[names].to_numpy(), unit, part["year"].to_numpy()).coef.tolist()
measure(lambda: [fit() for _ in range(20)], 1)
"""
PEERS = {"pyfixest": PYFIXEST + FIT, "pyfixest, lean": LEAN + FIT, "linearmodels": LINEARMODELS + INDEXED}


def run(code, rows, lags, share=1.0):
    """Measure in a process of its own, with all the machine's threads."""
    threads = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START + code, str(rows), str(lags), str(share)],
        capture_output=True, text=True, check=False, env={k: v for k, v in os.environ.items() if k not in threads},
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
    lines = [f"{'rows':>10} {'lags':>5} {'rows used':>10} {'fit, s':>8} {'frame to table, s':>18} {'MB':>6}"]
    seconds = {}
    for rows, lags in ((10_000, 4), (100_000, 4), (1_000_000, 0), (1_000_000, 2), (1_000_000, 4), (1_000_000, 8)):
        fit, whole = run(OURS + FIT, rows, lags), run(WHOLE + FRAME, rows, lags)
        assert fit["answer"] == pytest.approx(whole["answer"], rel=1e-6)
        seconds[rows, lags] = whole["seconds"]
        lines.append(
            f"{rows:>10,} {lags:>5} {fit['answer'][0]:>10,} {fit['seconds']:>8.3f} {whole['seconds']:>18.3f} "
            f"{whole['megabytes']:>6.0f}"
        )
    show(*lines)
    assert seconds[1_000_000, 4] <= 20 * seconds[100_000, 4]  # in proportion, with room for the cache's end


@pytest.mark.parametrize(("share", "kind"), [(1.0, "complete"), (0.9, "one row in ten missing")])
def test_a_million_rows_against_peers(show, share, kind):
    """The fit alone, lags given as columns to all; ratios are times and memory of the peer over ours."""
    for peer in ("pyfixest", "linearmodels"):
        pytest.importorskip(peer)
    ours = run(OURS + FIT, 1_000_000, 4, share)
    lines = [
        f"a million rows, 4 lags, {kind}: {ours['answer'][0]:,} rows used, {os.cpu_count()} cores",
        f"{'':>16} {'seconds':>8} {'ratio':>6} {'MB':>6} {'ratio':>6}",
        f"{'ours':>16} {ours['seconds']:>8.2f} {1:>6.2f} {ours['megabytes']:>6.0f} {1:>6.2f}",
    ]
    for name, code in PEERS.items():
        peer = run(code, 1_000_000, 4, share)
        assert ours["answer"] == pytest.approx(peer["answer"], abs=1e-6)
        slower, larger = peer["seconds"] / ours["seconds"], peer["megabytes"] / ours["megabytes"]
        lines.append(f"{name:>16} {peer['seconds']:>8.2f} {slower:>6.2f} {peer['megabytes']:>6.0f} {larger:>6.2f}")
        assert slower >= 1, "\n".join(lines)
    show(*lines)


def test_a_thousand_cluster_bootstraps(show):
    """5,000 customers × 10 years, data frame to intervals, in 10 s; growth with customers and lags."""
    lines = [f"{'customers':>10} {'lags':>5} {'1,000 samples, s':>17} {'MB':>6} {'one by one, s':>14}"]
    done = {}
    for customers, lags in ((1000, 4), (5000, 4), (5000, 6), (5000, 8), (20_000, 4)):
        done[customers, lags] = one = run(BOOTSTRAP, 10 * customers, lags)
        line = f"{customers:>10,} {lags:>5} {one['seconds']:>17.2f} {one['megabytes']:>6.0f}"
        if (customers, lags) == (5000, 4):  # a loop of fits, timed over 20 samples and multiplied up
            line += f" {50 * run(ONE_BY_ONE, 10 * customers, lags)['seconds']:>14.1f}"
        lines.append(line)
    show(*lines)
    assert max(done[5000, lags]["seconds"] for lags in (4, 6, 8)) <= 10
