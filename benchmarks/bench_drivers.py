"""Shares of all subsets against least squares on every subset: seconds and peak memory, in the same run.

Each line is measured in a process of its own, so that its peak memory is its own. ``make bench`` runs it;
``CXRESEARCH_BENCH_30=1 make bench`` adds 30 drivers (about half a minute).
"""

import json
import os
import subprocess
import sys

import pytest

ROWS = 1000
START = """
import json, resource, sys, time
from itertools import combinations
from math import comb, factorial
import numpy as np
import pandas as pd

p, rows = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(20080)
z = rng.normal(size=(rows, p + 1)) + rng.normal(size=(rows, 1))
z[:, -1] += z[:, :-1] @ np.linspace(1, 0.1, p)
z -= z.mean(axis=0)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(what, times):
    before, seconds = peak(), []
    for _ in range(times):
        start = time.perf_counter()
        answer = what()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": min(seconds), "megabytes": peak() - before, "total": peak(), "answer": answer}))
"""
OURS = """
from cxresearch.numerics.subsets import shapley_r2
measure(lambda: shapley_r2(np.corrcoef(z, rowvar=False)).tolist(), 5 if p < 20 else 1)
"""
BRUTE = """
def least_squares():
    r2 = {}
    for k in range(p + 1):
        for s in combinations(range(p), k):
            left = z[:, -1] - z[:, s] @ np.linalg.lstsq(z[:, s], z[:, -1], rcond=None)[0] if s else z[:, -1]
            r2[sum(1 << j for j in s)] = 1 - (left @ left) / (z[:, -1] @ z[:, -1])
    values = np.array([r2[code] for code in range(2**p)])
    size = np.array([code.bit_count() for code in range(2**p)])
    weight = np.array([1 / (p * comb(p - 1, s)) if s < p else 0.0 for s in range(p + 1)])
    shares = []
    for j in range(p):
        without = np.flatnonzero(~np.arange(2**p) >> j & 1)
        shares.append(float(weight[size[without]] @ (values[without + (1 << j)] - values[without])))
    return shares
measure(least_squares, 1)
"""
FRAME = """
import cxresearch as cx
names = [f"d{j}" for j in range(p)]
frame = pd.DataFrame(z, columns=[*names, "y"])
cx.drivers(frame.head(100), outcome="y", drivers=names[:2], bootstraps=100)
measure(lambda: cx.drivers(frame, outcome="y", drivers=names, bootstraps=1000).table["share"].tolist(), 1)
"""


def run(code, p, rows=ROWS):
    """Measure in a process of its own."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", START + code, str(p), str(rows)], capture_output=True, text=True, env=environment,
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


def test_shares_of_all_subsets(show):
    """25 drivers exactly in 10 s, 12 a hundred times as fast as least squares on every subset."""
    lines = [f"{'drivers':>7} {'subsets':>13} {'ours, s':>9} {'MB more':>8} {'least squares, s':>17} {'ratio':>7}"]
    ours, ratio = {}, {}
    for p in (10, 12, 15, 16, 20, 25, *((30,) if os.environ.get("CXRESEARCH_BENCH_30") else ())):
        ours[p] = run(OURS, p)
        peer = run(BRUTE, p) if p <= 16 else None
        if peer:
            assert ours[p]["answer"] == pytest.approx(peer["answer"], abs=1e-9)
            ratio[p] = peer["seconds"] / ours[p]["seconds"]
        lines.append(
            f"{p:>7} {2**p:>13,} {ours[p]['seconds']:>9.4f} {ours[p]['megabytes']:>8.0f} "
            + (f"{peer['seconds']:>17.2f} {ratio[p]:>7,.0f}" if peer else f"{'–':>17} {'–':>7}")
        )
    growth = (ours[25]["seconds"] / ours[20]["seconds"]) ** (1 / 5)
    show(*lines, f"time grows {growth:.2f}-fold per driver from 20 to 25")
    assert ratio[12] >= 100
    assert ours[25]["seconds"] <= 10
    assert max(measured["total"] for measured in ours.values()) < 1024
    if 30 in ours:
        assert ours[30]["seconds"] <= 120


def test_bootstraps_and_surveys(show):
    """1,000 bootstrap samples through the public function, data frame to intervals, in 15 s."""
    lines = [f"{'rows':>9} {'drivers':>7} {'samples':>7} {'seconds':>8} {'MB more':>8}"]
    for p, rows in ((12, 1000), (14, 26_000), (14, 130_000)):
        done = run(FRAME, p, rows)
        lines.append(f"{rows:>9,} {p:>7} {1000:>7,} {done['seconds']:>8.2f} {done['megabytes']:>8.0f}")
        assert done["seconds"] < 15
        assert done["total"] < 1024
    show(*lines)
