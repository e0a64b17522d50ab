"""The batch engine without its kernels: a plan, an unchanged rebuild and the findings of 1,000 reports.

``make bench`` runs it. The reports are made by a stand-in that copies one executed notebook, so that what is
measured is the engine alone; each step is a command of its own, started as a user starts it.
"""

import json
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from pathlib import Path

import nbformat
import pytest

from cxresearch.batch import plan, run, shelf

CXRESEARCH = str(Path(sys.executable).with_name("cxresearch"))
NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "touchpoints" / "benchmark.ipynb"
REPORTS = 1000


class Copies(Executor):
    """Answers with the same executed notebook for each report, under the report's own name."""

    def __init__(self, notebook):
        self._notebook, self._made = notebook, None

    def submit(self, _make, report, _root, options):
        """Answer at once."""
        if self._made is None:
            self._first, self._made = report.name, run._finished(self._notebook, report, options, "", 1.0)
        files = {file.replace(self._first, report.name): content for file, content in self._made.files.items()}
        own = {"name": report.name, "parameters": report.parameters, "figure": f"figures/{report.name}.png"}
        future = Future()
        future.set_result(shelf.Made(files, self._made.record | own))
        return future


@pytest.fixture
def thousand(tmp_path, monkeypatch):
    """Set up a project in which a thousand reports have been made."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "units.ipynb").write_bytes(NOTEBOOK.read_bytes())
    focus = json.dumps([f"Unit {n}" for n in range(REPORTS)])
    (tmp_path / "reports.toml").write_text(f'[[report]]\nnotebook = "units"\nmatrix = {{ focus = {focus} }}\n')
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "reports"
    shelf.prepare(out)
    tasks = run.plan(plan.read(tmp_path / "reports.toml"), out)
    run.build(tasks, out, executor=Copies(nbformat.read(NOTEBOOK, as_version=4)))
    return tmp_path


def seconds(folder, *command):
    """Return the best of three, and what was printed last."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([CXRESEARCH, *command], cwd=folder, capture_output=True, text=True, check=True)
        times.append(time.perf_counter() - start)
    return min(times), done.stdout.strip().splitlines()[-1]


def test_a_thousand_reports(thousand, capsys):
    """Time the commands; what is unchanged must not be made again."""
    lines = []
    for command in (
        ("--help",),
        ("build", "--dry-run"),
        ("build",),
        ("findings", "--to", "findings.parquet"),
        ("findings", "--to", "findings.csv"),
    ):
        taken, said = seconds(thousand, *command)
        lines.append(f"cxresearch {' '.join(command):40} {taken:6.2f} s   {said[-70:]}")
        if command[0] == "build":
            assert "1000 unchanged" in said or "1000 are unchanged" in said
    with capsys.disabled():
        print("\n" + "\n".join(lines))
