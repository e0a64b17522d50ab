"""An executor of worker processes in which the loss of one process is the failure of one call.

`concurrent.futures.ProcessPoolExecutor` gives up as a whole when a process dies, and its workers live on when
the main process is killed. Here each thread owns one process, and starts another where that is lost; a
process ends as soon as the one that started it is gone.
"""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import connection, get_context, parent_process
from typing import Any


class WorkerLostError(RuntimeError):
    """The process that worked on a call has died."""


class Processes(ThreadPoolExecutor):
    """Run calls in `workers` processes; each takes one call after another.

    Parameters
    ----------
    workers : int
        Calls that run at once.
    """

    def __init__(self, workers: int) -> None:
        super().__init__(workers, thread_name_prefix="worker")
        self._mine = threading.local()
        self._all: set[_Process] = set()
        self._stopped = threading.Event()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run ``fn(*args, **kwargs)`` in a worker process; all of it must be picklable."""
        return super().submit(self._call, fn, args, kwargs)

    def _call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        process = getattr(self._mine, "process", None)
        if process is None:
            process = self._mine.process = _Process()
            self._all.add(process)
        try:
            if self._stopped.is_set():
                raise WorkerLostError("stopped")
            return process.call(fn, args, kwargs)
        except WorkerLostError:
            self._all.discard(process)
            del self._mine.process
            raise

    def stop(self) -> None:
        """End at once: what runs is killed, its kernel with it, and what waits is not begun."""
        self._stopped.set()
        super().shutdown(wait=False, cancel_futures=True)
        for process in list(self._all):
            process.kill()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the workers go when they have done what was given to them."""
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        if wait:
            for process in self._all:
                process.close()

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        """Wait for what was given, or end at once where something was raised."""
        if kind is not None:
            self.stop()
        self.shutdown()


class _Process:
    """One worker process, and the pipe to it."""

    def __init__(self) -> None:
        # spawned, so that it inherits no thread and no open file
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def call(self, *what: Any) -> Any:
        try:
            self._pipe.send(what)
            good, answer = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            status = self._process.exitcode
            raise WorkerLostError(f"its worker process died with exit status {status}") from None
        if not good:
            raise RuntimeError(answer)
        return answer

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._pipe.close()  # the end of its work: it leaves by itself
        self._process.join()


def _serve(pipe: connection.Connection) -> None:
    """Do in a worker process what comes through the pipe, until it is closed."""
    # Ctrl-C reaches every process of the terminal; the main one decides. Not SIG_IGN: kernels would inherit it.
    signal.signal(signal.SIGINT, lambda *_: None)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    while True:
        try:
            fn, args, kwargs = pipe.recv()
        except EOFError:
            return
        try:
            answer = (True, fn(*args, **kwargs))
        except Exception as error:  # a sentence: not every exception survives being sent
            answer = (False, f"{type(error).__name__}: {error}")
        pipe.send(answer)


def _leave_with_parent() -> None:
    parent: Any = parent_process()
    connection.wait([parent.sentinel])
    os._exit(1)
