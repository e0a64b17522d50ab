"""However a build ends, nothing is half-written, no kernel is left, and the next build makes the rest."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

CXRESEARCH = str(Path(sys.executable).with_name("cxresearch"))

pytestmark = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="looks for processes in /proc")

SLEEPERS = (
    '[[report]]\nnotebook = "visits/quick"\n[[report]]\nnotebook = "visits/sleeps"\nmatrix = { threshold = [%s] }\n'
)


@pytest.fixture
def start(house):
    """Start a build in a process group of its own; kill what is left of it at the end."""
    started = []

    def start(*options):
        process = subprocess.Popen(
            [CXRESEARCH, "build", "--workers", "2", *options], cwd=house, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def processes(house):
    """Return the processes that run in a project: builds, workers, kernels."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == house and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def sleeping(house):
    """Tell whether the quick report is made, and kernels of both sleepers run: build, 2 workers, 2 kernels."""
    return (house / "reports/records/visits-quick.json").is_file() and len(kernels(house)) == 2


def kernels(house):
    return [pid for pid in processes(house) if b"ipykernel_launcher" in command(pid)]


def command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def whole(out):
    """Check that every report that counts as made is whole."""
    for place in (out / "records").glob("*.json"):
        nbformat.read(out / f"{place.stem}.ipynb", as_version=4)
        assert (out / f"{place.stem}.html").read_text().endswith("</html>\n")


def test_stopped_and_killed_builds_leave_nothing_behind_and_the_next_one_goes_on(house, batch, start):
    batch(SLEEPERS % "600.0, 601.0")
    out = house / "reports"

    # a second build into the folder is refused, and told of the first
    first = start()
    wait(lambda: sleeping(house))
    second = start()
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 2
    assert f"another build, process {first.pid} since" in said
    assert "Traceback" not in said

    # Ctrl-C reaches every process of the terminal
    os.killpg(first.pid, signal.SIGINT)
    said, _ = first.communicate(timeout=60)
    assert first.returncode == 130
    assert "stopped: 1 of 3 reports are made; the same command makes the rest" in said
    assert "Traceback" not in said
    wait(lambda: not processes(house), 20)

    # killed as nobody can prepare for
    second = start()
    wait(lambda: len(kernels(house)) == 2)
    second.kill()
    second.wait()
    wait(lambda: not processes(house), 20)
    (out / f".visits-sleeps--600.0.html.{second.pid}").write_text("<half")

    # TERM, as a scheduler sends it
    third = start()
    wait(lambda: len(kernels(house)) == 2)
    third.send_signal(signal.SIGTERM)
    said, _ = third.communicate(timeout=60)
    assert third.returncode == 143
    assert "stopped: 0 of 2 reports are made" in said
    wait(lambda: not processes(house), 20)

    batch(SLEEPERS % "0.0, 0.1")
    last = start()
    said, _ = last.communicate(timeout=60)
    assert last.returncode == 0
    assert "2 reports made, 0 failed, 1 unchanged" in said
    assert sorted(p.name for p in out.iterdir()) == [
        ".lock", "figures", "index.html", "records", "visits-quick.html", "visits-quick.ipynb",
        "visits-sleeps--0.0.html", "visits-sleeps--0.0.ipynb", "visits-sleeps--0.1.html", "visits-sleeps--0.1.ipynb",
    ]  # fmt: skip
    whole(out)


def test_a_killed_worker_is_one_failed_report(house, batch, start):
    batch(SLEEPERS % "600.0, 0.0")
    build = start("--workers", "1")
    wait(lambda: len(kernels(house)) == 1 and (house / "reports/records/visits-quick.json").is_file())
    (kernel,) = kernels(house)
    worker = int(Path(f"/proc/{kernel}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(worker, signal.SIGKILL)
    said, _ = build.communicate(timeout=60)
    assert build.returncode == 1
    assert "visits-sleeps--600.0  failed: not finished: its worker process died with exit status -9" in said
    assert "2 reports made, 1 failed" in said
    assert "its worker process died" in (house / "reports" / "visits-sleeps--600.0.html").read_text()
    wait(lambda: not processes(house), 20)


@pytest.mark.slow
def test_a_hundred_kills_at_random_moments_leave_nothing_corrupt(house, batch, start):
    random.seed(20080)
    batch(f'[[report]]\nnotebook = "visits/quick"\nmatrix = {{ focus = {[str(n) for n in range(60)]} }}')
    out = house / "reports"
    for _ in range(100):
        build = start("--force")  # reports are replaced, not only added
        try:
            build.wait(timeout=random.uniform(0.3, 9))
        except subprocess.TimeoutExpired:
            build.kill()
        wait(lambda: not processes(house), 10)
        build.communicate()
        whole(out)
    build = start()
    said, _ = build.communicate(timeout=600)
    assert build.returncode == 0, said
    assert "0 failed" in said
    assert len(list(out.glob("*.html"))) == 61
    assert {p.name for p in out.glob(".*")} == {".lock"}
    whole(out)
