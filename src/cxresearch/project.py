"""Where the project lies: the nearest folder upwards that holds ``reports.toml``."""

import os
from pathlib import Path

MARKER = "reports.toml"


def root(start: str | os.PathLike[str] | None = None) -> Path:
    """Return the project root.

    Parameters
    ----------
    start : path, optional
        Where to start looking; the current folder by default.

    Returns
    -------
    Path
        The nearest folder, `start` itself or above it, that holds ``reports.toml``.
        Where there is none, `start`: a single file can then be read without a project.
    """
    here = Path(start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / MARKER).is_file():
            return folder
    return here


def relative(path: Path) -> str:
    """Write a path as it is seen from the project root, so that no report names a machine's folders.

    A file outside the project is written by its name alone.
    """
    try:
        return path.resolve().relative_to(root()).as_posix()
    except ValueError:
        return path.name
