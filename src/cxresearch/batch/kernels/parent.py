"""The warm parent: it imports the libraries once, then waits for clients and forks a kernel for each that asks.

It speaks with a client over one connection per kernel (see `lease`), and lives as long as the process that started it,
whose end of a pipe it has as standard input. It has one thread and no event loop: a fork copies neither whole.
"""

import gc
import json
import os
import re
import selectors
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, Final

import cxresearch
from cxresearch.batch.kernels import SHARED, child

PRELOAD: Final = (
    # what notebooks need, and what the libraries put off until they are used
    *("numpy", "pandas", "pandas.io.formats.html", "pyarrow.pandas_compat", "scipy.stats", "scipy.optimize"),
    *("matplotlib.pyplot", "matplotlib.backends.backend_agg", "seaborn", "statsmodels.api", "pandera.pandas"),
    # what a kernel imports as it starts, at its first figure and as it ends. Not the inline backend: imported where
    # there is no kernel yet, it draws other figures
    *("IPython.core.pylabtools", "IPython.core.debugger", "IPython.core.logger", "IPython.extensions.storemagic"),
    *("ipykernel_launcher", "matplotlib_inline.config", "psutil", "sqlite3", "tornado.platform.asyncio"),
)
"""Imported before the fork. Imported only: a fork of a process that has *used* OpenMP or polars hangs."""

CHOICE: Final = "CXRESEARCH_PRELOAD"
"""Environment variable: the modules to import in place of `PRELOAD` and our own, with spaces between."""

PER_KERNEL: Final = re.compile(rf"JPY_\w+|PYTEST_CURRENT_TEST|PWD|OLDPWD|SHLVL|_|{SHARED}")
"""Environment variables that no library reads when imported. Where any other differs, the kernel is an ordinary one."""


def main() -> None:
    """Prepare, serve, and in each fork become a kernel."""
    listener, folder, command = socket.socket(fileno=int(sys.argv[1])), sys.argv[2], json.loads(sys.argv[3])
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder that this process was started in, as ipykernel_launcher does
    env = dict(os.environ)
    gc.disable()
    app = child.IPKernelApp.instance()
    app.prepare(command[command.index("-m") + 2 :])
    server = Server(listener, folder, command, env, preload(app))
    gc.collect()
    gc.freeze()  # the collector then leaves these objects alone, and their memory stays shared
    child.run(app, server.serve())


def preload(app: "child.IPKernelApp") -> str:
    """Import the libraries, and return why kernels forked now would not be faithful; empty if they will be."""
    names: Sequence[str] = os.environ.get(CHOICE, "").split()
    if CHOICE not in os.environ:
        ours = (module.name for module in walk_packages(cxresearch.__path__, "cxresearch."))
        names = [*PRELOAD, *(name for name in ours if not re.search(r"\.(cli|kernels)\b", name))]
    with _heard():  # a note of the debugger's, which an ordinary kernel gives before anyone listens
        import_module("ipykernel.debugger")
    # with a shell, and its builtins: libraries ask for it as they are imported, and draw or print otherwise without
    with app.prepared_shell.builtin_trap, _heard() as said:
        for name in names:
            with suppress(Exception):  # absent or broken: the notebook's own import will say so
                import_module(name)
    if said:
        return f"a library prints as it is imported, which no notebook would show: {said[0].strip()[:200]}"
    return "a library starts a thread as it is imported" if threading.active_count() > 1 else ""


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Catch what is written meanwhile, by Python or below it; the list holds it afterwards."""
    said: list[str] = []
    sink, kept = os.memfd_create("said"), (os.dup(1), os.dup(2))
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    try:
        yield said
    finally:
        for stream, original, target in zip((sys.stdout, sys.stderr), kept, (1, 2), strict=True):
            stream.flush()
            os.dup2(original, target)
            os.close(original)
        if text := os.pread(sink, 4096, 0).decode(errors="replace"):
            said.append(text)
        os.close(sink)


@dataclass(frozen=True)
class Kernel:
    """A running kernel, and the files that its client removes if it can."""

    pid: int
    pidfd: int
    connection_file: str
    sockets: str

    def signal(self, signum: int) -> None:
        """Send a signal to the kernel and the processes it started."""
        # the number is still that process: only `Server._ended` reaps it
        try:
            os.killpg(self.pid, signum)
        except ProcessLookupError:  # forked a moment ago, and not yet a group of its own
            os.kill(self.pid, signum)

    def abandon(self) -> None:
        """End a kernel whose client is gone, and remove what the client left."""
        self.signal(signal.SIGKILL)
        sockets = Path(self.sockets)
        for path in (Path(self.connection_file), *sockets.parent.glob(f"{sockets.name}-*")):
            path.unlink(missing_ok=True)


class Server:
    """Waits for clients, for kernels that end, and for the end of the owner, all in one loop.

    Parameters
    ----------
    listener : socket
        Where clients connect.
    folder : str
        The owner's folder, removed if the owner could not.
    command : list of str
        The command that would start an ordinary kernel.
    env : mapping of str to str
        The environment in which everything was imported.
    trouble : str
        Why every kernel must be an ordinary one.
    """

    def __init__(
        self, listener: socket.socket, folder: str, command: list[str], env: Mapping[str, str], trouble: str
    ) -> None:
        self.listener, self.folder = listener, folder
        self.command, self.env, self.trouble = command, env, trouble
        modules = {n: str(m.__file__) for n, m in list(sys.modules.items()) if getattr(m, "__file__", None)}
        # the notebook's folder comes before site-packages: what lies there under a library's name would be imported
        self.names = {n.partition(".")[0] for n in modules} - sys.stdlib_module_names | {"matplotlibrc"}
        self.code = [Path(f) for n, f in modules.items() if n.startswith("cxresearch")]
        self.edited = self._edited()
        self.kernels: dict[socket.socket, Kernel] = {}
        self.selector = selectors.DefaultSelector()
        self._when(listener, self._accept)
        self._when(0, self._orphaned)

    def serve(self) -> "child.Request":
        """Serve clients until the owner is gone; returns in forks only, with what is asked of each."""
        while True:
            for key, _ in self.selector.select():
                if request := key.data():
                    return request  # type: ignore[no-any-return]

    def _when(self, readable: socket.socket | int, do: Callable[[], Any]) -> None:
        self.selector.register(readable, selectors.EVENT_READ, do)

    def _edited(self) -> list[int]:
        return [file.stat().st_mtime_ns if file.exists() else 0 for file in self.code]

    def _accept(self) -> None:
        lease, _ = self.listener.accept()
        self._when(lease, partial(self._hear, lease))

    def _orphaned(self) -> None:
        """End every kernel: the owner is gone, or has let go of this parent."""
        said = os.read(0, 1)
        for kernel in self.kernels.values():
            kernel.abandon()
        if not said:  # it had no time to say so, nor to tidy up
            shutil.rmtree(self.folder, ignore_errors=True)
        os._exit(0)

    def _hear(self, lease: socket.socket) -> "child.Request | None":
        data, streams = b"", list[int]()
        with suppress(ConnectionError):
            data, streams, _, _ = socket.recv_fds(lease, 1 << 20, 2)
        kernel = self.kernels.get(lease)
        if not data:
            if kernel:
                kernel.abandon()
            self._close(lease)
        elif kernel:
            kernel.signal(data[0])
        elif streams:
            return self._fork(lease, streams, json.loads(data))
        else:
            answer = {"stale": True} if self._edited() != self.edited else {"refused": self.refusal(**json.loads(data))}
            self._tell(lease, answer)
        return None

    def refusal(self, command: Sequence[str], env: Mapping[str, str], cwd: str) -> str:
        """Return why this kernel must be an ordinary one; empty if it can be forked."""
        if self.trouble or command != self.command:
            return self.trouble or "it starts with other arguments than the warm parent's kernels"
        names = env.keys() | self.env.keys()
        if differ := [n for n in sorted(names) if env.get(n) != self.env.get(n) and not PER_KERNEL.fullmatch(n)]:
            return f"the environment differs from the warm parent's in {', '.join(differ)}"
        if not all(Path(path).is_absolute() for path in (env.get("PYTHONPATH") or "/").split(os.pathsep)):
            return "PYTHONPATH holds a relative path"
        with suppress(OSError):
            for entry in Path(cwd).iterdir():
                if entry.stem in self.names and (entry.is_file() or (entry / "__init__.py").exists()):
                    return f"{entry} is found before the library of that name"
        return ""

    def _fork(self, lease: socket.socket, streams: list[int], message: dict[str, Any]) -> "child.Request | None":
        parent = os.getpid()
        sockets = message.pop("sockets")
        pid = os.fork()
        if pid == 0:
            # a kernel that kept another's lease open would hide the end of the parent from its client
            for key in list(self.selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket):
                    if key.fileobj is not lease:
                        key.fileobj.close()
                elif key.fd:
                    os.close(key.fd)
            self.selector.close()
            return child.Request(lease=lease, streams=streams, parent=parent, before=self.env, **message)
        for stream in streams:
            os.close(stream)
        kernel = Kernel(pid, os.pidfd_open(pid), message["connection_file"], sockets)
        self.kernels[lease] = kernel
        self._when(kernel.pidfd, partial(self._ended, lease, kernel))
        return None

    def _ended(self, lease: socket.socket, kernel: Kernel) -> None:
        """Tell the client that the kernel is dead, and end the processes it left in its group."""
        kernel.signal(signal.SIGKILL)
        _, status = os.waitpid(kernel.pid, 0)
        self.selector.unregister(kernel.pidfd)
        os.close(kernel.pidfd)
        if self.kernels.pop(lease, None):
            self._tell(lease, {"ended": os.waitstatus_to_exitcode(status)})
            self._close(lease)

    def _close(self, lease: socket.socket) -> None:
        self.kernels.pop(lease, None)
        self.selector.unregister(lease)
        lease.close()

    @staticmethod
    def _tell(lease: socket.socket, answer: dict[str, Any]) -> None:
        with suppress(OSError):
            lease.send(json.dumps(answer).encode())
