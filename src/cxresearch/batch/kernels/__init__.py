"""Warm kernels: a fresh kernel for every report, forked from a process that has imported the libraries already.

An ordinary kernel spends nearly all its time on starting and importing. Here one process, the *warm parent*, does that
once; each kernel is a fork of it, with memory, namespace and random state of its own.

- `preload`: what is imported, and when a fork would not be faithful
- `parent`: the process that waits for clients and forks
- `child`: what a fork does to become an ordinary IPython kernel
- `lease`: the client's side, a socket to the parent; closing it, even by dying, ends the kernel
- `provisioner`: hands such kernels to Jupyter

papermill, nbclient, nbconvert, nbval and nbgrader use them unchanged: run them inside ``with kernels.warm():``, or with
``JUPYTER_DEFAULT_PROVISIONER_NAME=cxresearch-warm`` in the environment.

Outputs are an ordinary kernel's, figures to the byte. What differs, and a notebook must not rely on:

- the libraries of `preload.LIBRARIES` and this package are in ``sys.modules`` from the start, with the environment
  variables, warnings filters and exit handlers that importing them sets: a notebook that forgets an import may work;
- ``hash()`` of a text is the same in all kernels of one parent, as if ``PYTHONHASHSEED`` were set;
- settings that libraries read when imported are read once per parent, not once per kernel;
- the process's parent and its command line in ``ps`` are the warm parent's, and what the client does to itself after
  the parent has started (``umask``, ``nice``, resource limits) does not reach the kernel;
- at exit, ``__del__`` is not called for what modules hold; files left open are written all the same;
- ``gc.get_freeze_count()`` is not 0, and messages go through files only the user can open, not over TCP.

Where outputs could differ, the kernel is an ordinary one, and the log (level info) says why: outside Linux; when the
environment differs from the warm parent's; when the notebook's folder holds a file that would be imported in place of a
library; when a library prints or starts a thread as it is imported.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

NAME: Final = "cxresearch-warm"
"""The provisioner's name in pyproject.toml."""

SHARED: Final = "CXRESEARCH_WARM_PARENT"
"""Environment variable: address of a warm parent that another process keeps."""

CHOICE: Final = "JUPYTER_DEFAULT_PROVISIONER_NAME"
"""Environment variable: which provisioner Jupyter uses."""


def supported() -> bool:
    """Tell whether kernels can be forked here: on Linux, from 5.3 on."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


@contextmanager
def warm(**variables: str) -> Iterator[bool]:
    """Let this process, and those it starts meanwhile, take their kernels from one warm parent.

    Parameters
    ----------
    **variables : str
        Environment variables for the time of the block; one that is set already keeps its value.

    Yields
    ------
    bool
        Whether there are warm kernels. If not, the kernels are ordinary ones, with the same variables.
    """
    before, parent = dict(os.environ), None
    try:
        for name, value in variables.items():
            os.environ.setdefault(name, value)
        if supported():
            from jupyter_client.kernelspec import KernelSpecManager

            from cxresearch.batch.kernels import lease

            os.environ[CHOICE] = NAME
            argv = KernelSpecManager().get_kernel_spec("python3").argv
            # the argument with which nbclient and papermill start a kernel
            if command := lease.command(argv, ["--HistoryManager.hist_file=:memory:"]):
                parent = lease.Parent(command, os.environ)
                os.environ[SHARED] = parent.address
        yield parent is not None
    finally:
        del parent
        os.environ.clear()
        os.environ.update(before)
