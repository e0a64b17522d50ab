"""The kernel: what a fork of the warm parent does to become an ordinary IPython kernel.

ipykernel's own application does nearly all of it. It is cut in two: what opens no file and starts no thread happens
before the fork (reading configuration, making the shell), the rest after.
"""

import atexit
import ctypes
import gc
import io
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ipykernel import kernelapp
from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.application import BaseIPythonApplication

PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


@dataclass(frozen=True)
class Request:
    """What a client asks for, as the fork finds it."""

    lease: socket.socket
    command: list[str]
    connection_file: str
    cwd: str
    env: Mapping[str, str]
    before: Mapping[str, str]
    streams: list[int]
    parent: int


class _Once(BaseIPythonApplication):
    """Comes after `IPKernelApp` in the order of classes, so that its ``super().initialize()`` ends here."""

    configured = False

    def initialize(self, argv: Sequence[str] | None = None) -> None:
        if not self.configured:
            super().initialize(argv)  # type: ignore[no-untyped-call]
            self.configured = True


class IPKernelApp(kernelapp.IPKernelApp, _Once):
    """ipykernel's application, initialised in two steps: `prepare` before the fork, `initialize` after.

    Its name is a section of the configuration that a notebook can see, so it stays the same.
    """

    def prepare(self, argv: Sequence[str]) -> None:
        """Read arguments and configuration, and make the shell that libraries look for when they are imported."""
        _Once.initialize(self, argv)
        # the history is a database with a thread; what the namespace holds of it comes with it, after the fork
        put_off = ("init_history", "init_user_ns")
        for name in put_off:
            setattr(ZMQInteractiveShell, name, lambda _: None)
        self.prepared_shell = ZMQInteractiveShell.instance(
            parent=self, profile_dir=self.profile_dir, user_ns=self.user_ns, compiler_class=XCachingCompiler
        )
        for name in put_off:
            delattr(ZMQInteractiveShell, name)
        # what an ordinary kernel sets just before it runs the first cell, and matplotlib reads when imported
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")

    def init_shell(self) -> None:
        """Join the shell to the kernel that now exists."""
        shell = self.kernel.shell
        shell.kernel = shell.parent = self.kernel
        shell.starting_dir = str(Path.cwd())
        shell.init_environment()
        shell.init_history()
        # the names come in the order in which an ordinary shell makes them
        results = {name: shell.user_ns.pop(name) for name in ("_", "__", "___")}
        shell.init_user_ns()
        shell.user_ns.update(results)
        # last in, first out: the shell must end before the sockets do
        atexit.unregister(shell.atexit_operations)
        atexit.register(shell.atexit_operations)
        super().init_shell()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End the control thread first: it may be flushing through the thread that `close` is about to end."""
        if self.control_thread and self.control_thread.is_alive():
            self.control_thread.stop()
            self.control_thread.join()
        super().close()  # type: ignore[no-untyped-call]


def run(app: IPKernelApp, request: Request) -> None:
    """Be the kernel that is asked for, until it is shut down."""
    _become(request)
    app.connection_file = app.config.IPKernelApp.connection_file = request.connection_file
    app.parent_handle = request.parent  # ipykernel's own watch over the parent
    app.initialize()  # type: ignore[no-untyped-call]
    # now the sockets are bound; a client that connected earlier would try again only after a tenth of a second
    request.lease.send(json.dumps({"pid": os.getpid()}).encode())
    request.lease.close()
    app.start()  # type: ignore[no-untyped-call]
    _leave()


def _become(request: Request) -> None:
    """Take on what an ordinary kernel process would have from its client."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != request.parent:  # it died before the line above
        os._exit(1)
    empty, end = os.pipe()
    os.close(end)
    for source, target in zip((empty, *request.streams), (0, 1, 2), strict=True):
        os.dup2(source, target)
        os.close(source)
    os.chdir(request.cwd)
    # only what differs for this kernel: libraries set variables of their own as they are imported
    for name in request.before.keys() - request.env.keys():
        os.environ.pop(name, None)
    os.environ.update({n: value for n, value in request.env.items() if request.before.get(n) != value})
    sys.orig_argv = request.command
    arguments = request.command[request.command.index("-m") + 2 :]
    sys.argv = [str(sys.modules["ipykernel_launcher"].__file__), *arguments]
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # or all kernels would draw the same numbers; `random` reseeds itself in a fork
    gc.enable()


def _leave() -> None:
    """End as Python does, but for taking apart every module, which takes longer than all the rest together."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()
    everything: list[Any] = [sys.__stdout__, sys.__stderr__, *gc.get_objects()]
    for thing in everything:
        if issubclass(type(thing), io.IOBase):  # a file that a module holds open is written out
            with suppress(Exception):
                thing.flush()
    os._exit(0)
