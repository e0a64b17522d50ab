"""Totals of ten million answers from a folder of Parquet, against the bare DuckDB query, in the same run.

``make bench`` runs it. Both sides take turns in one process: seconds are the best of seven, peak memory is of both.
Only the totals are compared: what `cx.benchmark` makes of them afterwards takes the same time for a thousand rows.
"""

import json
import subprocess
import sys

import pytest

ROWS, FILES = 10_000_000, 10
WRITE = f"""
import sys
import numpy as np, pandas as pd
for i in range({FILES}):
    rng, n = np.random.default_rng([20080, i]), {ROWS // FILES}
    pd.DataFrame({{
        "store": rng.integers(0, 500, n).astype("int32"),
        "moment": np.array([f"moment {{m:02}}" for m in range(14)])[rng.integers(0, 14, n)],
        "score": np.where(rng.random(n) < 0.05, np.nan, rng.integers(1, 11, n)),
    }}).to_parquet(f"{{sys.argv[1]}}/{{i}}.parquet")
"""
MEASURE = """
import json, resource, sys, time
import duckdb
from cxresearch.touchpoints.benchmark_totals import from_frame
duckdb.sql("set threads = 2")
answers = f"{sys.argv[1]}/*.parquet"
QUERY = f'''
select store, moment, count(score) n, avg(score) mean, var_pop(score) variance, min(score) low, max(score) high
from read_parquet('{answers}') group by 1, 2
'''
def ours():
    cells = from_frame(duckdb.read_parquet(answers), unit="store", score=["score"], touchpoint="moment", min_n=30)
    return [len(cells.table), int(cells.table["n"].sum()), float(cells.table["squares"].sum())]
def bare():
    found = duckdb.sql(QUERY).df()
    return [len(found), int(found["n"].sum()), float((found["n"] * found["variance"]).sum())]
seconds, found = {"ours": [], "bare": []}, {}
for _ in range(7):  # in turns, so that both see the same machine
    for name, totals in (("ours", ours), ("bare", bare)):
        start = time.perf_counter()
        found[name] = totals()
        seconds[name].append(time.perf_counter() - start)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": {k: min(v) for k, v in seconds.items()}, "megabytes": peak, "found": found}))
"""


def _run(code, folder):
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else {}


def test_ten_million_rows_against_duckdb(capsys, tmp_path):
    """No more than 1.5 times the bare query, and under a gibibyte."""
    _run(WRITE, tmp_path)
    done = _run(MEASURE, tmp_path)
    ours, bare = done["seconds"]["ours"], done["seconds"]["bare"]
    with capsys.disabled():
        print(f"\n10,000,000 answers: ours {ours:.2f} s, bare DuckDB {bare:.2f} s, ratio {ours / bare:.2f}; ", end="")
        print(f"peak memory of both {done['megabytes']:.0f} MB")
    assert done["found"]["ours"] == pytest.approx(done["found"]["bare"], rel=1e-10)
    assert done["megabytes"] < 1024
    assert ours / bare <= 1.5
