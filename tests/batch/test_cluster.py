"""Reports on a real Dask cluster: a scheduler and two workers, each a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cxresearch.batch.cluster import dask
from cxresearch.checks import InputError

CXRESEARCH = str(Path(sys.executable).with_name("cxresearch"))
NO_DASHBOARD = ["--no-dashboard", "--host", "127.0.0.1"]


def part(kind, folder, *options):
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", str(folder / "where.json"),
         *NO_DASHBOARD, *options],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def cluster(tmp_path):
    """Start a cluster; return its address and its two workers."""
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    parts = [part("scheduler", tmp_path, "--port", "0")]
    parts += [part("worker", tmp_path, "--nthreads", "1", "--no-nanny") for _ in range(2)]
    end = time.monotonic() + 120
    while not (tmp_path / "where.json").is_file():
        assert time.monotonic() < end
        time.sleep(0.1)
    yield json.loads((tmp_path / "where.json").read_text())["address"], parts[1:]
    for process in reversed(parts):
        process.kill()
        process.wait()


def test_a_killed_worker_of_a_dask_cluster_costs_no_report(house, batch, cluster):
    address, workers = cluster
    batch('[[report]]\nnotebook = "visits/sleeps"\nmatrix = { threshold = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5] }\n')
    build = subprocess.Popen(
        [CXRESEARCH, "build", "--dask", address], cwd=house, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    records = house / "reports" / "records"
    while not list(records.glob("*.json")) and build.poll() is None:
        time.sleep(0.05)
    os.kill(workers[0].pid, signal.SIGKILL)
    said, _ = build.communicate(timeout=240)
    assert build.returncode == 0, said
    assert "6 reports made, 0 failed" in said
    assert len(list(records.glob("*.json"))) == 6
    assert len(list((house / "reports").glob("*.html"))) == 7


def test_a_cluster_that_does_not_answer_is_refused():
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    with pytest.raises(InputError, match=r"--dask nonsense://x: no scheduler answers there"), dask("nonsense://x"):
        pass
