import os
import signal
import time

import pytest

from cxresearch.batch.workers import Processes, WorkerLostError


def test_a_lost_worker_is_one_failed_call_and_the_others_are_answered():
    with Processes(2) as pool:
        calls = [pool.submit(pow, n, 2) for n in range(4)]
        lost = pool.submit(os._exit, 7)
        calls += [pool.submit(pow, n, 2) for n in range(4, 8)]
        assert [call.result(60) for call in calls] == [n * n for n in range(8)]
        with pytest.raises(WorkerLostError, match="died with exit status 7"):
            lost.result(60)


def test_an_error_comes_back_as_a_sentence():
    with Processes(1) as pool:
        with pytest.raises(RuntimeError, match="ZeroDivisionError: "):
            pool.submit(pow, 0.0, -1).result(60)
        assert pool.submit(pow, 2, 3).result(60) == 8


def test_a_stop_kills_what_runs_and_begins_nothing_more():
    started = time.perf_counter()
    pool = Processes(1)
    first = pool.submit(os.getpid).result(60)
    running, waiting = pool.submit(time.sleep, 600), pool.submit(time.sleep, 600)
    time.sleep(0.2)
    pool.__exit__(KeyboardInterrupt, None, None)
    assert time.perf_counter() - started < 60
    with pytest.raises(WorkerLostError):
        running.result(0)
    assert waiting.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_ctrl_c_is_for_the_main_process():
    with Processes(1) as pool:
        worker = pool.submit(os.getpid).result(60)
        os.kill(worker, signal.SIGINT)
        assert pool.submit(os.getpid).result(60) == worker
