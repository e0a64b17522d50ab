"""One build at a time in a folder of reports; the system frees the lock however the build ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from cxresearch.checks import InputError

FILE = ".lock"


@contextmanager
def lock(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the folder while reports are written into it.

    Parameters
    ----------
    folder : Path
        Folder of the reports.
    shared : bool
        Others that share may write too: single reports do, a build does not.

    Raises
    ------
    InputError
        If another process builds there; it is named by its process id.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows: there it is for the user to run one build at a time
        yield
        return
    with os.fdopen(os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644), "r+") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "which has just begun"
            raise InputError(
                f"another build, {holder}, writes to {folder.name}/ at this moment; "
                "wait for it, or choose another folder with --out"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} since {datetime.now().astimezone():%H:%M}")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
