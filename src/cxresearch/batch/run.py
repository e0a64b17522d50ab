"""Run reports: each in a kernel process of its own, a failure kept and told, outputs by atomic rename."""

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cxresearch
from cxresearch import project
from cxresearch.batch import parameters
from cxresearch.batch.plan import Report
from cxresearch.language import LANGUAGES

# a kernel that only this machine can reach warns at each start that its messages are not encrypted
QUIET = ["--IPKernelApp.log_level=ERROR"]


@dataclass(frozen=True)
class Outcome:
    """What became of a report: its page, seconds taken, and the reason if it failed."""

    name: str
    page: Path
    seconds: float
    error: str = ""


def build(
    reports: Iterable[Report],
    out: Path,
    workers: int | None = None,
    tell: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Run reports and write ``<name>.ipynb`` and ``<name>.html`` for each.

    Parameters
    ----------
    reports : iterable of Report
        What `plan.read` resolved.
    out : Path
        Where the outputs go; made if it is not there.
    workers : int, optional
        Reports that run at once; as many as there are cores by default.
    tell : callable
        Called with each outcome as it comes.

    Returns
    -------
    list of Outcome
        In the order of `reports`. A failed report does not stop the others.
    """
    reports = list(reports)
    out.mkdir(parents=True, exist_ok=True)
    workers = max(1, min(workers or os.cpu_count() or 1, len(reports)))
    # a spawned worker inherits no thread and no open file, and changing its folder disturbs nobody
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread_each) as pool:
        return submit(pool, reports, out, tell)


def submit(pool: Executor, reports: list[Report], out: Path, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Run reports on any executor; returns as `build` does."""
    futures = {pool.submit(make, report, out, project.root()): report for report in reports}
    outcomes = {}
    for future in as_completed(futures):
        report = futures[future]
        try:
            outcome = future.result()
        except Exception as error:  # the worker itself died: say so for this report, go on with the rest
            outcome = Outcome(report.name, out / f"{report.name}.html", 0.0, f"worker lost: {error}")
        outcomes[report.name] = outcome
        tell(outcome)
    return [outcomes[report.name] for report in reports]


def _one_thread_each() -> None:
    """Keep linear algebra to one thread per kernel: the workers fill the cores already."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


def make(report: Report, out: Path, root: Path) -> Outcome:
    """Run one report and publish it.

    Parameters
    ----------
    report : Report
        What to run.
    out : Path
        Folder of the outputs.
    root : Path
        The project; the notebook runs with it as its folder.

    Returns
    -------
    Outcome
        With ``error`` set if a cell raised, the kernel died or took too long to start.
    """
    from cxresearch.batch import publish

    started = time.perf_counter()
    notebook, error = _execute(report, root)
    seconds = time.perf_counter() - started
    asked = _value(report, notebook, "language")
    language = asked if asked in LANGUAGES else "en"
    notebook["metadata"]["cxresearch"] = {
        "name": report.name,
        "title": report.title,
        "parameters": {k: _shown(v) for k, v in report.parameters.items()},
        "language": language,
        "seconds": round(seconds, 2),
        "error": error,
        "version": cxresearch.__version__,
    }
    import nbformat

    write(out / f"{report.name}.ipynb", nbformat.writes(notebook))
    write(out / f"{report.name}.html", publish.page(notebook, language))
    return Outcome(report.name, out / f"{report.name}.html", seconds, error)


def _execute(report: Report, root: Path) -> tuple[Any, str]:
    """Return the executed notebook, and in a word what went wrong."""
    from tempfile import TemporaryDirectory

    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook

    notebook, error = parameters.load(report.notebook), ""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "executed.ipynb"  # papermill leaves here what it has when it stops
        try:
            notebook = execute_notebook(
                notebook,
                path,
                report.parameters,
                kernel_name="python3",
                cwd=root,
                progress_bar=False,
                extra_arguments=QUIET,
            )
        except PapermillExecutionError as failure:
            # what the user gave wrong is said in a sentence; any other error also by its kind
            error = failure.evalue if failure.ename == "InputError" else f"{failure.ename}: {failure.evalue}"
        except (DeadKernelError, CellTimeoutError, RuntimeError, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        if error and path.is_file():
            notebook = nbformat.read(path, as_version=4)
    # papermill notes the paths it used; a report that is sent on names no folder of this machine
    for key in ("input_path", "output_path"):
        notebook["metadata"].get("papermill", {}).pop(key, None)
    return notebook, error


def _value(report: Report, notebook: Any, name: str) -> Any:
    """Return the value a parameter had in a report: as given, or the notebook's default."""
    if name in report.parameters:
        return report.parameters[name]
    known = parameters.read(notebook, report.title)
    return known[name].default if name in known else None


def _shown(value: Any) -> Any:
    """Return a parameter as a report may show it: a file outside the project by its name alone."""
    return project.relative(Path(value)) if isinstance(value, str) and os.path.isabs(value) else value  # noqa: PTH117


def write(path: Path, content: str | bytes) -> None:
    """Write a file so that readers see the old one or the new one, never half of it."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
