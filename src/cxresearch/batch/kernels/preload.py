"""What the warm parent imports before it forks, and when a fork would not be faithful to an ordinary kernel."""

import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, Final

import cxresearch
from cxresearch.batch.kernels import SHARED

LIBRARIES: Final = (
    # what notebooks import, and what these libraries put off until they are used
    *("numpy", "pandas", "pandas.io.formats.html", "pyarrow.pandas_compat", "scipy.stats", "scipy.optimize"),
    *("matplotlib.pyplot", "matplotlib.backends.backend_agg", "seaborn", "statsmodels.api", "pandera.pandas"),
)
"""Imported before the fork, with this package. Only imported: who has *used* OpenMP or polars has forks that hang."""

KERNEL: Final = (
    # what a kernel imports as it starts, at its first figure and as it ends. Not the inline backend: imported where
    # there is no kernel yet, it draws other figures
    *("IPython.core.debugger", "IPython.core.logger", "IPython.core.pylabtools", "IPython.extensions.storemagic"),
    *("ipykernel_launcher", "psutil", "sqlite3", "tornado.platform.asyncio"),
)

CHOICE: Final = "CXRESEARCH_PRELOAD"
"""Environment variable: modules to import in place of `LIBRARIES` and this package, with spaces between."""

PER_KERNEL: Final = re.compile(rf"JPY_\w+|PYTEST_CURRENT_TEST|PWD|OLDPWD|SHLVL|_|{SHARED}")
"""Environment variables that no library reads when imported."""


@dataclass(frozen=True)
class Preloaded:
    """What kernels forked from this process are like.

    Parameters
    ----------
    command : sequence of str
        The command that starts such a kernel the ordinary way.
    env : mapping of str to str
        The environment in which everything was imported.
    trouble : str
        Why no kernel would be faithful; empty if kernels can be.
    names : collection of str
        Names of files in a notebook's folder that would be found before what was imported.
    code : mapping of Path to int
        Our own files, and when each was written.
    """

    command: Sequence[str]
    env: Mapping[str, str]
    trouble: str
    names: frozenset[str]
    code: Mapping[Path, int]

    def stale(self) -> bool:
        """Tell whether our own code was edited since."""
        return self.code != _written(self.code)

    def refusal(self, command: Sequence[str], env: Mapping[str, str], cwd: str) -> str:
        """Return why such a kernel must be an ordinary one; empty if it can be forked."""
        if self.trouble or command != self.command:
            return self.trouble or "it starts with other arguments than the warm parent's kernels"
        names = sorted(env.keys() | self.env.keys())
        if differ := [n for n in names if env.get(n) != self.env.get(n) and not PER_KERNEL.fullmatch(n)]:
            return f"the environment differs from the warm parent's in {', '.join(differ)}"
        if not all(Path(path).is_absolute() for path in (env.get("PYTHONPATH") or "/").split(os.pathsep)):
            return "PYTHONPATH holds a relative path"
        with suppress(OSError):
            for entry in Path(cwd).iterdir():
                if entry.stem in self.names and (entry.is_file() or (entry / "__init__.py").exists()):
                    return f"{entry} is found before the library of that name"
        return ""


def preload(shell: Any, command: Sequence[str], env: Mapping[str, str]) -> Preloaded:
    """Import everything, in a shell that has no kernel yet."""
    names = os.environ.get(CHOICE, "").split()
    if CHOICE not in os.environ:
        ours = (module.name for module in walk_packages(cxresearch.__path__, "cxresearch."))
        names = [*LIBRARIES, *(name for name in ours if not re.search(r"\.(cli|kernels)\b", name))]
    with _heard():  # a note of the debugger's, which an ordinary kernel gives before anyone listens
        import_module("ipykernel.debugger")
    # within the shell: libraries look for it as they are imported, and draw and print otherwise without it
    with shell.builtin_trap, _heard() as said:
        for name in (*KERNEL, *names):
            with suppress(Exception):  # absent or broken: the notebook's own import will say so
                import_module(name)
    trouble = "a library starts a thread as it is imported" if threading.active_count() > 1 else ""
    if said:
        trouble = f"a library prints as it is imported, which no notebook would show: {said[0].strip()[:200]}"
    files = {n: Path(str(m.__file__)) for n, m in list(sys.modules.items()) if getattr(m, "__file__", None)}
    libraries = {name.partition(".")[0] for name in files} - sys.stdlib_module_names
    code = [file for name, file in files.items() if name.startswith("cxresearch")]
    return Preloaded(command, env, trouble, frozenset(libraries | {"matplotlibrc"}), _written(code))


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Catch what is written meanwhile, by Python or below it; the list holds it afterwards."""
    said: list[str] = []
    streams: list[Any] = [sys.__stdout__, sys.__stderr__]
    kept = [(os.dup(stream.fileno()), stream.encoding, stream.errors) for stream in streams]
    sink = os.memfd_create("said")
    for stream in streams:
        os.dup2(sink, stream.fileno())
        stream.reconfigure(encoding="UTF-8", errors=stream.errors)  # a notebook's encoding, which pandas takes over
    try:
        yield said
    finally:
        for stream, (original, encoding, errors) in zip(streams, kept, strict=True):
            stream.reconfigure(encoding=encoding, errors=errors)  # writes out what it holds, too
            os.dup2(original, stream.fileno())
            os.close(original)
        if text := os.pread(sink, 4096, 0).decode(errors="replace"):
            said.append(text)
        os.close(sink)


def _written(files: Iterable[Path]) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns if file.exists() else 0 for file in files}
