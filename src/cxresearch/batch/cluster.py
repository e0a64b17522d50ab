"""A Dask cluster in place of the processes of this machine."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from cxresearch.checks import InputError


@contextmanager
def dask(address: str) -> Iterator[Executor]:
    """Connect to a cluster, and leave it running afterwards.

    Its workers need this package, and the project and its data under the same paths as here. A worker that is
    lost is no loss: Dask gives its reports to another one.

    Parameters
    ----------
    address : str
        Where the scheduler listens, such as ``tcp://10.0.0.5:8786``.

    Raises
    ------
    InputError
        If Dask is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--dask needs Dask: pip install 'cxresearch[dask]'") from None
    connect: Any = Client
    try:
        client = connect(address, timeout=10, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"--dask {address}: no scheduler answers there ({type(error).__name__})") from None
    with client:
        # a report is run each time it is asked for, not taken from an earlier answer
        yield client.get_executor(pure=False)
