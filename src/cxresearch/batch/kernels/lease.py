"""The client's side of a warm kernel: start a parent, ask it for a kernel, hold the lease.

A lease is one connection to the parent. The client asks twice through it, first whether a kernel as it would be started
can be forked, then for the kernel itself; from then on each byte it sends is a signal for the kernel, and the parent
says when the kernel has ended. Whoever closes the connection, dying included, ends the kernel.
"""

import asyncio
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from cxresearch.batch.kernels import SHARED

LIMIT = 120.0
"""Seconds a parent may take to import everything, and a kernel to start, on a machine that is busy."""

_number = count()
_parents: dict[tuple[str, ...], "Parent | None"] = {}


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """The kernel must be an ordinary one; says why."""


def command(argv: Sequence[str], extra: Sequence[str]) -> list[str]:
    """Return the command that starts such a kernel; empty if it is not an IPython kernel as ipykernel installs it."""
    python, *rest = argv
    own = python in ("python", "python3", f"python3.{sys.version_info.minor}", sys.executable)
    usual = rest[-4:] == ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return [sys.executable, *rest, *extra] if own and usual else []


@cache
def _folder(process: int) -> Path:
    """Return a folder of this process for its sockets; a fork of this process must not remove it."""
    folder = Path(tempfile.mkdtemp(prefix="cxk-"))
    atexit.register(_remove, folder, process)
    return folder


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


class Parent:
    """A warm parent that this process keeps. It ends with the last reference to it, or with this process.

    Parameters
    ----------
    kernel : sequence of str
        What `command` returned.
    env : mapping of str to str
        The environment of the kernels.
    """

    def __init__(self, kernel: Sequence[str], env: Mapping[str, str]) -> None:
        folder = _folder(os.getpid())
        self.address = str(folder / f"parent-{next(_number)}")
        self.served = False
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            # who asks before the parent is ready waits in the queue
            listener.bind(self.address)
            listener.listen(128)
            flags = kernel[: kernel.index("-m")]
            arguments = [str(listener.fileno()), str(folder), json.dumps(kernel)]
            process = subprocess.Popen(  # noqa: S603 - the command that Jupyter would run
                [*flags, "-m", "cxresearch.batch.kernels", *arguments],
                bufsize=0,
                stdin=subprocess.PIPE,  # its lifeline: closed when this process is gone
                env=env,
                cwd="/",
                start_new_session=True,  # a terminal's Ctrl-C is for the client, as with ordinary kernels
                pass_fds=[listener.fileno()],
            )
        weakref.finalize(self, _end, process, os.getpid())


def _end(process: "subprocess.Popen[bytes]", owner: int) -> None:
    if os.getpid() == owner:  # not in a fork of the owner
        with suppress(OSError, subprocess.TimeoutExpired):
            process.communicate(b"end", timeout=5)
        process.kill()
        process.wait()


class Lease:
    """A kernel's process as `jupyter_client` sees it: the part of `subprocess.Popen` that it uses."""

    stdin = stdout = stderr = None
    pid = 0
    returncode: int | None = None

    def __init__(self, connection: socket.socket, address: str, parent: Parent | None) -> None:
        self.connection = connection
        self.address = address
        self.parent = parent  # keeps it alive as long as the kernel is needed

    async def ask(self, question: Mapping[str, Any], streams: Sequence[int] = ()) -> dict[str, Any]:
        """Send a question, with open files, and return the answer."""
        socket.send_fds(self.connection, [json.dumps(question).encode()], streams)
        return await asyncio.wait_for(self._hear(), LIMIT)

    async def _hear(self) -> dict[str, Any]:
        return self._heard(await asyncio.get_running_loop().sock_recv(self.connection, 65536))

    def _heard(self, data: bytes) -> dict[str, Any]:
        # no data: the parent is gone, and the kernel with it
        message: dict[str, Any] = json.loads(data or b'{"ended": -9}')
        if self.returncode is None and "ended" in message:
            self.returncode = message["ended"]
            self.connection.close()
        return message

    def poll(self) -> int | None:
        """Return how the kernel ended; None while it runs."""
        with suppress(BlockingIOError):
            while self.returncode is None:
                try:
                    self._heard(self.connection.recv(65536))
                except ConnectionError:
                    self._heard(b"")
        return self.returncode

    async def ended(self) -> None:
        """Wait until the kernel has ended."""
        while self.returncode is None:
            with suppress(ConnectionError):
                await self._hear()
            self.poll()

    def wait(self) -> int | None:
        """Return how the kernel ended, which `ended` has waited for."""
        return self.poll()

    def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel and the processes it started."""
        # the parent passes it on: it alone knows that the number is still that process
        with suppress(OSError):
            self.connection.send(bytes([signum]))

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the kernel."""
        self.send_signal(signal.SIGKILL)


async def reserve(kernel: Sequence[str], env: Mapping[str, str], cwd: str) -> Lease:
    """Return a lease on a kernel that can be forked.

    Raises
    ------
    Refused
        If only an ordinary kernel would do what is asked, and why.
    """
    question = {"command": kernel, "env": dict(env), "cwd": cwd}
    if address := os.environ.get(SHARED):
        with suppress(OSError, Refused):
            return await _reserve(address, question, None)
    key = tuple(kernel)
    for _ in range(2):
        parent = _parents[key] if key in _parents else _parents.setdefault(key, Parent(kernel, env))
        if parent is None:
            break
        try:
            return await _reserve(parent.address, question, parent)
        except OSError:
            if _parents.get(key) is parent:
                # start another, unless this one never answered: then the next would not either
                _parents.pop(key)
                if not parent.served:
                    _parents[key] = None
    raise Refused("no warm parent could be started")


async def _reserve(address: str, question: Mapping[str, Any], parent: Parent | None) -> Lease:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, address)
        lease = Lease(connection, address, parent)
        answer = await lease.ask(question)
        if parent and "ended" not in answer:
            parent.served = True
        if "refused" not in answer:
            raise ConnectionError("the warm parent is gone, or older than the code on disk")
        if answer["refused"]:
            raise Refused(answer["refused"])
    except BaseException:
        connection.close()
        raise
    return lease
