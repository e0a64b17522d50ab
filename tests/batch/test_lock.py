import os
import subprocess
import sys

import pytest

from cxresearch.batch.lock import lock
from cxresearch.checks import InputError

HOLD = """
import sys
from pathlib import Path
from cxresearch.batch.lock import lock
with lock(Path("."), shared=sys.argv[1] == "shared"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path):
    """Let another process hold the folder."""

    def hold(how):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, how], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    started: list[subprocess.Popen] = []
    yield hold
    for process in started:
        process.kill()
        process.communicate()


def test_a_second_build_is_refused_and_told_of_the_first(tmp_path, held):
    first = held("alone")
    for shared in (True, False):
        with pytest.raises(InputError, match=rf"another build, process {first.pid} since \d\d:\d\d, writes to"):
            lock(tmp_path, shared=shared).__enter__()


def test_a_killed_build_leaves_the_folder_free(tmp_path, held):
    first = held("alone")
    first.kill()
    first.wait()
    with lock(tmp_path):
        assert f"process {os.getpid()}" in (tmp_path / ".lock").read_text()
    assert (tmp_path / ".lock").read_text() == ""


def test_single_reports_may_be_run_side_by_side(tmp_path, held):
    held("shared")
    with lock(tmp_path, shared=True):
        pass
    with pytest.raises(InputError):
        lock(tmp_path).__enter__()
