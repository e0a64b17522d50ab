"""Run reports: only what has changed, each in a kernel process of its own; a failure is kept and told.

Workers compute, on this machine or elsewhere; only the build itself writes, so that a folder has one author.
"""

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, as_completed
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cxresearch
from cxresearch import project
from cxresearch.batch import execute, parameters, publish, shelf
from cxresearch.batch.digest import Digests
from cxresearch.batch.plan import Report
from cxresearch.batch.shelf import Made
from cxresearch.batch.workers import Processes
from cxresearch.language import LANGUAGES


@dataclass(frozen=True)
class Options:
    """How reports are made: with the code in their pages or without, and in how many seconds at most."""

    show_code: bool = False
    time_limit: float | None = 3600.0


@dataclass(frozen=True)
class Task:
    """A report, its digest, and why it is to be made; an empty reason says that it is as it should be."""

    report: Report
    digest: dict[str, Any]
    why: str


@dataclass(frozen=True)
class Outcome:
    """What became of a report: its page, seconds taken, the reason if it failed, and why it was made at all."""

    name: str
    page: Path
    seconds: float
    error: str = ""
    why: str = "asked for"


def plan(reports: Iterable[Report], out: Path, options: Options | None = None, *, force: bool = False) -> list[Task]:
    """Say of each report whether it has to be made, and why.

    Parameters
    ----------
    reports : iterable of Report
        What `plan.read` resolved.
    out : Path
        Where the outputs are.
    options : Options, optional
        How they are to be made.
    force : bool
        Make all of them.
    """
    tasks = []
    digests = Digests(project.root(), show_code=(options or Options()).show_code)
    for report in reports:
        now = digests.of(report)
        why = "asked for" if force else digests.why(shelf.record(out, report.name), now)
        tasks.append(Task(report, now, why))
    return tasks


def build(
    tasks: Iterable[Task],
    out: Path,
    options: Options | None = None,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    tell: Callable[[Outcome], None] = lambda _: None,
) -> list[Outcome]:
    """Make the reports that have to be made: ``<name>.ipynb``, ``<name>.html``, a picture and a record of each.

    Parameters
    ----------
    tasks : iterable of Task
        What `plan` answered.
    out : Path
        Where the outputs go; `shelf.prepare` has made it.
    options : Options, optional
        How they are made.
    workers : int, optional
        Reports that run at once; as many as there are cores by default.
    executor : Executor, optional
        What runs them instead of processes of this machine. It must reach the project under the same path.
    tell : callable
        Called with each outcome as it comes.

    Returns
    -------
    list of Outcome
        In the order of `tasks`. A failed report does not stop the others.
    """
    tasks, options = list(tasks), options or Options()
    due = [task for task in tasks if task.why]
    workers = max(1, min(workers or os.cpu_count() or 1, len(due)))
    with nullcontext(executor) if executor else Processes(workers) as pool:
        outcomes = _gather(pool, due, out, options, tell)
    return [outcomes.get(t.report.name) or Outcome(t.report.name, _page(out, t.report), 0.0, why="") for t in tasks]


def _gather(
    pool: Executor, tasks: list[Task], out: Path, options: Options, tell: Callable[[Outcome], None]
) -> dict[str, Outcome]:
    """Hand out the tasks, and place each report as it comes back."""
    futures = {pool.submit(make, task.report, project.root(), options): task for task in tasks}
    outcomes = {}
    try:
        for future in as_completed(list(futures)):
            task = futures.pop(future)  # a report that has been placed is not kept in memory
            made = _result(future, task.report, options)
            shelf.put(out, replace(made, record={**made.record, "digest": task.digest}))
            name, record = task.report.name, made.record
            outcome = Outcome(name, _page(out, task.report), record["seconds"], record["error"], task.why)
            outcomes[name] = outcome
            tell(outcome)
    finally:
        for future in futures:
            future.cancel()
    return outcomes


def _result(future: "Future[Made]", report: Report, options: Options) -> Made:
    """Return what a worker made; if it was lost, the page that says so."""
    try:
        return future.result()
    except Exception as error:  # whatever an executor raises: say so for this report, go on with the rest
        return _finished(parameters.load(report.notebook), report, options, f"not finished: {error}", 0.0)


def _page(out: Path, report: Report) -> Path:
    return out / f"{report.name}.html"


def make(report: Report, root: Path, options: Options) -> Made:
    """Run one report and publish it; nothing is written here.

    Parameters
    ----------
    report : Report
        What to run.
    root : Path
        The project; the notebook runs with it as its folder.
    options : Options
        How it is made.

    Returns
    -------
    Made
        Its record holds ``error`` if a cell raised, the kernel died or time ran out.
    """
    notebook = parameters.load(report.notebook)
    started = time.perf_counter()
    notebook, error = execute.execute(notebook, report.parameters, root, options.time_limit)
    return _finished(notebook, report, options, error, time.perf_counter() - started)


def _finished(notebook: Any, report: Report, options: Options, error: str, seconds: float) -> Made:
    """Return an executed notebook with its page, picture and record."""
    import nbformat

    asked = _value(report, notebook, "language")
    language = asked if asked in LANGUAGES else "en"
    shown = {name: _shown(value) for name, value in report.parameters.items()}
    notebook["metadata"]["cxresearch"] = {
        "name": report.name,
        "title": report.title,
        "parameters": shown,
        "language": language,
        "seconds": round(seconds, 2),
        "error": error,
        "version": cxresearch.__version__,
    }
    _forget_folders(notebook, report.parameters, shown)
    try:
        page = publish.page(notebook, language, show_code=options.show_code)
    except Exception as failure:  # a cell that cannot be shown must not cost the report
        error = error or f"the page could not be made: {type(failure).__name__}: {failure}"
        notebook["metadata"]["cxresearch"]["error"] = error
        page = publish.page(nbformat.v4.new_notebook(metadata=notebook["metadata"]), language)
    files = {f"{report.name}.ipynb": nbformat.writes(notebook).encode(), f"{report.name}.html": page.encode()}
    record = {**shelf.describe(notebook, report.name), "figure": ""}
    if image := shelf.thumbnail(notebook):
        record["figure"] = f"{shelf.FIGURES}/{report.name}.png"
        files[record["figure"]] = image
    return Made(files, record)


def _value(report: Report, notebook: Any, name: str) -> Any:
    """Return the value a parameter had in a report: as given, or the notebook's default."""
    if name in report.parameters:
        return report.parameters[name]
    known = parameters.read(notebook, report.title)
    return known[name].default if name in known else None


def _shown(value: Any) -> Any:
    """Return a parameter as a report may show it: a file outside the project by its name alone."""
    return project.relative(Path(value)) if isinstance(value, str) and os.path.isabs(value) else value  # noqa: PTH117


def _forget_folders(notebook: Any, given: dict[str, Any], shown: dict[str, Any]) -> None:
    """Write files outside the project by their names alone where papermill has noted the parameters, too."""
    noted = notebook["metadata"].get("papermill", {})
    if "parameters" in noted:
        noted["parameters"] = shown
    for cell in notebook["cells"]:
        if "injected-parameters" in cell["metadata"].get("tags", []):
            for name, value in given.items():
                if shown[name] != value:
                    cell["source"] = cell["source"].replace(value, shown[name])
