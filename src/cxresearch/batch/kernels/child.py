"""The kernel: what a fork of the warm parent does to become an ordinary IPython kernel.

ipykernel's own application does nearly all of it, cut in two: what opens no file and starts no thread (configuration,
the shell) comes before the fork, the rest after.
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
    streams: list[int]
    parent: int
    before: Mapping[str, str]
    command: list[str]
    connection_file: str
    sockets: str
    cwd: str
    env: Mapping[str, str]


class _Once(BaseIPythonApplication):
    """Comes after ipykernel's application in the order of classes: its ``super().initialize()`` ends here."""

    configured = False

    def initialize(self, argv: Sequence[str] | None = None) -> None:
        if not self.configured:
            super().initialize(argv)  # type: ignore[no-untyped-call]
            self.configured = True


class IPKernelApp(kernelapp.IPKernelApp, _Once):
    """ipykernel's application, with `prepare` to be called before the fork and `initialize` after.

    Its name is that of a section of the configuration, which notebooks can see.
    """

    def prepare(self, argv: Sequence[str]) -> Any:
        """Read arguments and configuration, and return the shell: libraries look for it when they are imported."""
        _Once.initialize(self, argv)
        # the history opens a database and starts a thread; the names of its parts come with it, after the fork
        put_off = ("init_history", "init_user_ns")
        for name in put_off:
            setattr(ZMQInteractiveShell, name, lambda _: None)
        shell = ZMQInteractiveShell.instance(
            parent=self, profile_dir=self.profile_dir, user_ns=self.user_ns, compiler_class=XCachingCompiler
        )
        for name in put_off:
            delattr(ZMQInteractiveShell, name)
        # an ordinary kernel sets it before it runs the first cell; matplotlib reads it when imported
        os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        return shell

    def init_shell(self) -> None:
        """Join the shell to the kernel, which now exists."""
        shell = self.kernel.shell
        shell.kernel = shell.parent = self.kernel
        shell.starting_dir = str(Path.cwd())
        shell.init_environment()
        shell.init_history()
        # names come in the order in which an ordinary shell makes them
        results = {name: shell.user_ns.pop(name) for name in ("_", "__", "___")}
        shell.init_user_ns()
        shell.user_ns.update(results)
        # last in, first out: the shell must end before the sockets do
        atexit.unregister(shell.atexit_operations)
        atexit.register(shell.atexit_operations)
        super().init_shell()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End the control thread first: it may be flushing through a thread that `close` ends, and wait for ever."""
        if self.control_thread and self.control_thread.is_alive():
            self.control_thread.stop()
            self.control_thread.join()
        super().close()  # type: ignore[no-untyped-call]


def run(app: IPKernelApp, request: Request) -> None:
    """Be the kernel that is asked for, until it is shut down."""
    _become(request)
    app.connection_file = app.config.IPKernelApp.connection_file = request.connection_file
    app.parent_handle = request.parent  # for ipykernel's own watch over its parent
    app.initialize()  # type: ignore[no-untyped-call]
    # the sockets are bound: a client that connected earlier would try again only after a tenth of a second
    request.lease.send(json.dumps({"pid": os.getpid()}).encode())
    request.lease.close()
    app.start()  # type: ignore[no-untyped-call]
    _leave()


def _become(request: Request) -> None:
    """Take on what an ordinary kernel's process has from its client."""
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
    # what is different for this kernel, and no more: libraries set variables of their own when imported
    for name in request.before.keys() - request.env.keys():
        os.environ.pop(name, None)
    os.environ.update({name: value for name, value in request.env.items() if request.before.get(name) != value})
    sys.orig_argv = request.command
    arguments = request.command[request.command.index("-m") + 2 :]
    sys.argv = [str(sys.modules["ipykernel_launcher"].__file__), *arguments]
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # or all kernels would draw the same numbers; `random` reseeds itself
    gc.enable()


def _leave() -> None:
    """End as Python does, but without taking apart every module: that takes longer than the rest together."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()
    everything: list[Any] = [sys.__stdout__, sys.__stderr__, *gc.get_objects()]
    for thing in everything:
        if issubclass(type(thing), io.IOBase):  # a file that a module left open is written
            with suppress(Exception):
                thing.flush()
    os._exit(0)
