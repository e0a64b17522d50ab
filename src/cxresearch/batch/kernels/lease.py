"""The client's side of a warm kernel: start a warm parent, ask it for a kernel, hold the lease.

A lease is a connection to the parent. The client asks twice, first whether such a kernel can be forked, then for the
kernel; after that each byte it sends is a signal for the kernel, and the parent says when the kernel has ended.
Whoever closes the connection, by dying too, ends the kernel.
"""

import asyncio
import atexit
import json
import os
import shutil
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
"""Seconds that a parent may take to import everything, or a kernel to start, on a busy machine."""

_number = count()
_parents: dict[tuple[str, ...], "Parent | None"] = {}


class Refused(Exception):  # noqa: N818 - an answer, not an error
    """The kernel must be an ordinary one, and why."""


def command(argv: Sequence[str], extra: Sequence[str]) -> list[str]:
    """Return the command that starts such a kernel; empty if it is not this Python's IPython kernel."""
    own = argv[0] in ("python", "python3", f"python3.{sys.version_info.minor}", sys.executable)
    usual = list(argv[-4:]) == ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return [sys.executable, *argv[1:], *extra] if own and usual else []


@cache
def _folder(process: int) -> Path:
    """Return the folder for this process's sockets."""
    folder = Path(tempfile.mkdtemp(prefix="cxk-"))
    atexit.register(_remove, folder, process)
    return folder


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # a fork of the owner has its exit handlers too
        shutil.rmtree(folder, ignore_errors=True)


class Parent:
    """A warm parent that this process keeps. It ends with the last reference to it, or with this process.

    Parameters
    ----------
    kernel : sequence of str
        What `command` returned.
    env : mapping of str to str
        The environment of its kernels.
    """

    def __init__(self, kernel: Sequence[str], env: Mapping[str, str]) -> None:
        folder = _folder(os.getpid())
        self.address = str(folder / f"parent-{next(_number)}")
        self.answered = False
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(self.address)
            listener.listen(128)  # who asks before the parent is ready waits here
            listen = listener.fileno()
            python = [*kernel[: kernel.index("-m")], "-m", "cxresearch.batch.kernels"]
            # the pipe is its lifeline, and a terminal's Ctrl-C is for the client alone, as with ordinary kernels
            how: Any = {"stdin": subprocess.PIPE, "bufsize": 0, "start_new_session": True, "pass_fds": [listen]}
            arguments = [str(listen), str(folder), json.dumps(kernel)]
            process = subprocess.Popen([*python, *arguments], env=env, cwd="/", **how)  # noqa: S603
        weakref.finalize(self, _end, process, os.getpid())


def _end(process: "subprocess.Popen[bytes]", owner: int) -> None:
    if os.getpid() == owner:
        with suppress(OSError, subprocess.TimeoutExpired):
            process.communicate(b"end", timeout=5)
        process.kill()
        process.wait()


class Lease:
    """A kernel's process as `LocalProvisioner` sees it: those parts of `subprocess.Popen` that it uses."""

    stdin = stdout = stderr = None
    pid = 0
    returncode: int | None = None

    def __init__(self, connection: socket.socket, address: str, parent: Parent | None) -> None:
        self.connection, self.address = connection, address
        self.parent = parent  # which lives as long as the lease

    async def ask(self, question: Mapping[str, Any], streams: Sequence[int] = ()) -> dict[str, Any]:
        """Send a question, with open files, and return the answer."""
        socket.send_fds(self.connection, [json.dumps(question).encode()], streams)
        receive = asyncio.get_running_loop().sock_recv(self.connection, 65536)
        return self._heard(await asyncio.wait_for(receive, LIMIT))

    def _heard(self, data: bytes) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(data or b'{"ended": -9}')  # without its parent a kernel is killed
        if self.returncode is None and "ended" in message:
            self.returncode = message["ended"]
            self.connection.close()
        return message

    def poll(self) -> int | None:
        """Return how the kernel ended; None while it runs."""
        if self.returncode is None:
            try:
                self._heard(self.connection.recv(65536))
            except BlockingIOError:
                return None
            except OSError:
                self._heard(b"")
        return self.returncode

    wait = poll  # only ever called when the kernel has ended

    async def ended(self) -> None:
        """Wait until the kernel has ended."""
        while self.poll() is None:
            with suppress(ConnectionError):
                self._heard(await asyncio.get_running_loop().sock_recv(self.connection, 65536))

    def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel and the processes it started."""
        # through the parent, which alone can tell that the number is still that process
        with suppress(OSError):
            self.connection.send(bytes([signum]))


async def reserve(kernel: Sequence[str], env: Mapping[str, str], cwd: str) -> Lease:
    """Return a lease on a kernel that can be forked.

    Raises
    ------
    Refused
        If it must be an ordinary kernel, and why.
    """
    question = {"command": kernel, "env": dict(env), "cwd": cwd}
    if address := env.get(SHARED):
        with suppress(OSError, Refused):
            return await _reserve(address, question, None)
    key = tuple(kernel)
    for _ in range(2):
        if key not in _parents:
            _parents[key] = Parent(kernel, env)
        if (parent := _parents[key]) is None:
            break
        try:
            return await _reserve(parent.address, question, parent)
        except OSError:
            # it was killed, or its code edited: start another. Not if it never answered: nor would the next
            if _parents.get(key) is parent:
                del _parents[key]
                if not parent.answered:
                    _parents[key] = None
    raise Refused("no warm parent can be started")


async def _reserve(address: str, question: Mapping[str, Any], parent: Parent | None) -> Lease:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setblocking(False)
    lease = Lease(connection, address, parent)
    try:
        await asyncio.get_running_loop().sock_connect(connection, address)
        answer = await lease.ask(question)
        if parent and "ended" not in answer:
            parent.answered = True
        if "refused" not in answer:
            raise ConnectionError("the warm parent is gone, or its code was edited")
        if reason := answer["refused"]:
            raise Refused(reason)
    except BaseException:
        connection.close()
        raise
    return lease
