"""One notebook in one fresh kernel process, through papermill; what went wrong is said in a sentence."""

import ctypes
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any

# a kernel that only this machine can reach warns at each start that its messages are not encrypted, and at its end
# that it was interrupted
QUIET = ["--IPKernelApp.log_level=CRITICAL"]

_LONGEST = 90  # letters of a folder: systems allow 100 or so for the path of a socket
_UNSAID = {"MemoryError": "memory has run out", "KeyboardInterrupt": "interrupted"}
_ENGINE = "cxresearch"
_PREFIX = "cxresearch-kernel-"
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def execute(
    notebook: Any, parameters: Mapping[str, Any], folder: Path, time_limit: float | None = None
) -> tuple[Any, str]:
    """Run a notebook.

    Parameters
    ----------
    notebook : NotebookNode
        It is left as it is.
    parameters : mapping
        Values that differ from the notebook's defaults.
    folder : Path
        The folder it runs in.
    time_limit : float, optional
        Seconds for all cells together.

    Returns
    -------
    notebook : NotebookNode
        Executed, as far as it came.
    error : str
        What went wrong; empty if nothing did.
    """
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook

    _register()
    run = _Run(notebook, time_limit)
    try:
        execute_notebook(
            notebook, None, dict(parameters), engine_name=_ENGINE, kernel_name="python3", progress_bar=False,
            run=run, resources={"metadata": {"path": str(folder)}},
        )  # fmt: skip
        error = ""
    except PapermillExecutionError as failure:
        # what the user gave wrong is said in a sentence; any other error also by its kind
        said = failure.evalue or _UNSAID.get(failure.ename, "no reason given")
        error = said if failure.ename == "InputError" else f"{failure.ename}: {said}"
    except CellTimeoutError:
        error = f"stopped at the time limit of {time_limit:g} s"
    except DeadKernelError:
        error = f"the kernel died{run.last_words()}"
    except (RuntimeError, OSError) as failure:
        error = f"{type(failure).__name__}: {failure}"
    # papermill notes where it read and wrote; a report that is sent on names no folder of this machine
    for key in ("input_path", "output_path"):
        run.notebook["metadata"].get("papermill", {}).pop(key, None)
    return run.notebook, error


class _Run:
    """What is known of a notebook while it runs, and stays known when papermill raises."""

    def __init__(self, notebook: Any, time_limit: float | None) -> None:
        self.notebook = notebook
        self.process: Any = None  # the kernel's
        self._time_limit = time_limit
        self._end: float | None = None

    def remaining(self, _cell: Any) -> float | None:
        """Return the seconds a cell may take; the clock starts with the first one."""
        if self._time_limit is None:
            return None
        self._end = self._end or time.monotonic() + self._time_limit
        return max(self._end - time.monotonic(), 0.001)

    def last_words(self) -> str:
        """Say how the kernel died, as far as its exit status tells."""
        status = self.process.poll() if self.process else None
        if status == -getattr(signal, "SIGKILL", 9):
            return ": it was killed (signal 9), as the system does when memory runs out (DeadKernelError)"
        if status is not None and status < 0:
            return f": signal {-status}, {signal.strsignal(-status)} (DeadKernelError)"
        return f" with exit status {status} (DeadKernelError)"


def _register() -> None:
    """Make papermill run notebooks in kernels as they are needed here, under an engine name of its own."""
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    class Client(PapermillNotebookClient):  # type: ignore[misc]
        run: _Run

        @contextmanager
        def setup_kernel(self, **_: Any) -> Iterator[None]:
            with private_folder() as folder:
                self.km = self.create_kernel_manager()
                self.km.connection_file = str(folder / "kernel.json")
                if os.name == "posix" and len(str(folder)) < _LONGEST:
                    # sockets in a folder of its own: two kernels cannot be given the same port
                    self.km.transport = "ipc"
                    self.km.ip = str(folder / "s")
                env = {**dict.fromkeys(_THREADS, "1"), **os.environ}  # the workers fill the cores already
                with super().setup_kernel(env=env, **_with_parent(), cleanup_kc=True):
                    self.run.process = self.km.provisioner.process
                    yield

    class Engine(NBClientEngine):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(
            cls, nb_man: Any, kernel_name: str, *, run: _Run, resources: dict[str, Any], **_: Any
        ) -> None:
            run.notebook = nb_man.nb
            client = Client(
                nb_man, kernel_name=kernel_name, resources=resources, extra_arguments=list(QUIET),
                timeout_func=run.remaining, startup_timeout=120,
            )  # fmt: skip
            client.run = run
            client.execute()

    papermill_engines.register(_ENGINE, Engine)


def _with_parent() -> dict[str, Callable[[], None]]:
    """Return what makes the system kill a kernel with the process that started it, where the system can.

    Elsewhere the kernel itself looks once a second whether its parent is still there.
    """
    if sys.platform != "linux":
        return {}
    libc = ctypes.CDLL(None)
    return {"preexec_fn": lambda: libc.prctl(1, signal.SIGKILL)}  # 1: PR_SET_PDEATHSIG


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder for a kernel's sockets, and remove it afterwards."""
    folder = Path(mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove the folders of kernels whose starter was killed before it could."""
    for folder in Path(gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def alive(pid: int) -> bool:
    """Tell whether a process of this number runs on this machine; where that cannot be asked, suppose it does."""
    if os.name != "posix":  # there the question would be a signal
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, and belongs to somebody else
        return True
    return True
