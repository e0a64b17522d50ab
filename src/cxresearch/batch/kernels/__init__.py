"""Warm kernels: a fresh kernel for every report, forked from a process that has imported the libraries already.

An ordinary kernel spends nearly all its time on starting and importing. Here one process, the *warm parent*, does
that once; each kernel is a fork of it, with a memory, a namespace and a random state of its own.

- `parent`: the process that imports, waits and forks
- `child`: what a fork does to become an ordinary IPython kernel
- `lease`: the client's side: a socket to the parent; closing it, even by dying, ends the kernel
- `provisioner`: hands such kernels to Jupyter, so that papermill, nbclient, nbconvert, nbval and nbgrader use them
  unchanged: set ``JUPYTER_DEFAULT_PROVISIONER_NAME=cxresearch-warm``, or run them inside ``with kernels.warm():``

Outputs are equal to an ordinary kernel's, figures to the byte. What differs, and may be relied on to differ:

- the libraries named in `parent.PRELOAD` are in ``sys.modules`` from the start (their warnings filters, loggers and
  exit handlers too), and ``gc.get_freeze_count()`` is not 0;
- the process's parent is the warm parent, its command line in ``ps`` too, and limits set after the warm parent
  started (``ulimit``, ``umask``, ``nice``) do not reach it;
- kernels talk through sockets in a folder only the user can read, not over TCP;
- ``hash()`` of a text is the same in all kernels of one parent, as if ``PYTHONHASHSEED`` were set;
- at exit, ``__del__`` of what modules hold is not called (files left open are written all the same);
- settings files that libraries read when imported are read once per warm parent.

Where it cannot be equal it is not used: there is an ordinary kernel instead, and the log (level info) says why. That is
so outside Linux, when the environment differs from the warm parent's, when the folder of the notebook holds a file that
would be imported in place of a library, and when a library prints something as it is imported.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

NAME: Final = "cxresearch-warm"
"""The provisioner's name, as registered in pyproject.toml."""

SHARED: Final = "CXRESEARCH_WARM_PARENT"
"""Environment variable: the address of a warm parent that another process keeps."""

_CHOICE: Final = "JUPYTER_DEFAULT_PROVISIONER_NAME"


def supported() -> bool:
    """Tell whether this machine can fork kernels: Linux from 5.3 on."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


@contextmanager
def warm(**variables: str) -> Iterator[bool]:
    """Let this process, and those it starts meanwhile, take their kernels from one warm parent.

    Parameters
    ----------
    **variables : str
        Environment variables for the time of the block; a variable that is set already keeps its value.

    Yields
    ------
    bool
        Whether there are warm kernels. If not, the ordinary ones are used, with the same variables.
    """
    before = dict(os.environ)
    parent = None
    try:
        for name, value in variables.items():
            os.environ.setdefault(name, value)
        if supported():
            from jupyter_client.kernelspec import KernelSpecManager

            from cxresearch.batch.kernels import lease

            os.environ[_CHOICE] = NAME
            # nbclient and papermill start a kernel with this argument
            extra = ["--HistoryManager.hist_file=:memory:"]
            if command := lease.command(KernelSpecManager().get_kernel_spec("python3").argv, extra):
                parent = lease.Parent(command, os.environ)
                os.environ[SHARED] = parent.address
        yield parent is not None
    finally:
        del parent
        os.environ.clear()
        os.environ.update(before)
