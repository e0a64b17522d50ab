"""The warm parent: it imports everything once, then waits for clients and forks a kernel for each that asks.

It speaks with a client over one connection per kernel (see `lease`), and lives as long as the process that started it,
whose end of a pipe is its standard input. Until it forks it has one thread and no event loop, since a fork would copy
neither whole.
"""

import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cxresearch.batch.kernels.child import IPKernelApp, Request, run
from cxresearch.batch.kernels.preload import Preloaded, preload

OWNER = 0
"""The owner's end of the pipe."""


def main() -> None:
    """Prepare, serve, and in each fork become a kernel."""
    listener, folder, command = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]), json.loads(sys.argv[3])
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder that this process was started in, as ipykernel_launcher does
    env = dict(os.environ)
    gc.disable()
    app = IPKernelApp.instance()
    shell = app.prepare(command[command.index("-m") + 2 :])
    server = Server(listener, folder, preload(shell, command, env))
    gc.collect()
    gc.freeze()  # the collector then leaves all this alone, and its memory stays shared
    run(app, server.serve())


@dataclass(frozen=True)
class Kernel:
    """A running kernel, and the files that its client removes if it can."""

    pid: int
    pidfd: int
    connection_file: Path
    sockets: Path

    def signal(self, signum: int) -> None:
        """Send a signal to the kernel and the processes it started."""
        # the number is still that process: nobody but `Server._ended` reaps it
        try:
            os.killpg(self.pid, signum)
        except ProcessLookupError:  # forked a moment ago, and not yet a group of its own
            os.kill(self.pid, signum)

    def abandon(self) -> None:
        """End a kernel whose client is gone, and remove what the client left."""
        self.signal(signal.SIGKILL)
        for path in (self.connection_file, *self.sockets.parent.glob(f"{self.sockets.name}-*")):
            path.unlink(missing_ok=True)


class Server:
    """Waits, in one loop, for clients, for kernels that end, and for the end of the owner.

    Parameters
    ----------
    listener : socket
        Where clients connect.
    folder : Path
        The owner's folder, removed if the owner could not.
    preloaded : Preloaded
        What kernels forked from here are like.
    """

    def __init__(self, listener: socket.socket, folder: Path, preloaded: Preloaded) -> None:
        self.listener, self.folder, self.preloaded = listener, folder, preloaded
        self.kernels: dict[socket.socket, Kernel] = {}
        self.selector = selectors.DefaultSelector()
        self._when(listener, self._accept)
        self._when(OWNER, self._orphaned)

    def serve(self) -> Request:
        """Serve clients; returns in forks only, with what is asked of each."""
        while True:
            for key, _ in self.selector.select():
                request: Request | None = key.data()
                if request:
                    return request

    def _when(self, readable: socket.socket | int, do: Callable[[], Any]) -> None:
        self.selector.register(readable, selectors.EVENT_READ, do)

    def _accept(self) -> None:
        lease, _ = self.listener.accept()
        self._when(lease, partial(self._hear, lease))

    def _orphaned(self) -> None:
        """End: the owner is gone, or has let go of this parent."""
        said = os.read(OWNER, 1)
        for kernel in self.kernels.values():
            kernel.abandon()
        if not said:  # it had no time to say so, nor to tidy up
            shutil.rmtree(self.folder, ignore_errors=True)
        os._exit(0)

    def _hear(self, lease: socket.socket) -> Request | None:
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
            stale = self.preloaded.stale()
            self._tell(lease, {"stale": True} if stale else {"refused": self.preloaded.refusal(**json.loads(data))})
        return None

    def _fork(self, lease: socket.socket, streams: list[int], asked: dict[str, Any]) -> Request | None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            # a kernel that kept another's lease open would hide the parent's end from its client
            for key in list(self.selector.get_map().values()):
                if isinstance(key.fileobj, socket.socket) and key.fileobj is not lease:
                    key.fileobj.close()
                elif isinstance(key.fileobj, int) and key.fileobj != OWNER:
                    os.close(key.fileobj)
            self.selector.close()
            return Request(lease=lease, streams=streams, parent=parent, before=self.preloaded.env, **asked)
        for stream in streams:
            os.close(stream)
        kernel = Kernel(pid, os.pidfd_open(pid), Path(asked["connection_file"]), Path(asked["sockets"]))
        self.kernels[lease] = kernel
        self._when(kernel.pidfd, partial(self._ended, lease, kernel))
        return None

    def _ended(self, lease: socket.socket, kernel: Kernel) -> None:
        """Reap a kernel that has ended, end the processes it left in its group, and tell its client."""
        kernel.signal(signal.SIGKILL)
        _, status = os.waitpid(kernel.pid, 0)
        self.selector.unregister(kernel.pidfd)
        os.close(kernel.pidfd)
        if lease in self.kernels:
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
