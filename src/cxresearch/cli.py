"""The command line: a thin skin that parses, calls and prints.

Everything heavy is imported inside a command, so that ``cxresearch --help`` answers at once.
Exit code 0: done; 1: a report failed; 2: what was given cannot be used; 130 and 143: stopped by Ctrl-C or TERM.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxresearch.checks import InputError

if TYPE_CHECKING:
    from cxresearch.batch.plan import Report
    from cxresearch.batch.run import Options, Outcome

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich help takes three times as long to answer
    pretty_exceptions_enable=False,
    help="Put claims about customer experience to the test on your own data.",
)

Given = Annotated[list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for the reports.  [default: reports/ in the project]")]
ShowCode = Annotated[bool, typer.Option("--show-code", help="Keep the code in the pages.")]
TimeLimit = Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Stop a report that takes longer.")]


@app.command("list")
def list_() -> None:
    """List the notebooks: the question of each, and its parameters with type, default and meaning."""
    from rich.console import Console

    from cxresearch.batch import parameters, plan, publish

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for name, path in plan.notebooks().items():
        notebook = parameters.glance(path)
        console.print(name, style="bold")
        console.print(f"  {publish.title(notebook)}. {publish.question(notebook)}")
        for p in parameters.read(notebook, name).values():
            console.print(f"    {p.name}: {p.annotation} = {p.default!r}", style="cyan", end="")
            console.print(f"  {p.meaning}")
        console.print()


@app.command()
def run(
    notebook: str, parameter: Given = None, out: Out = None, show_code: ShowCode = False, time_limit: TimeLimit = 3600
) -> None:
    """Run one NOTEBOOK with parameters and write its report."""
    from cxresearch.batch import plan
    from cxresearch.batch.run import Options

    report = plan.single(notebook, parameter or [], Path.cwd())
    _build([report], _folder(out), Options(show_code, time_limit), force=True)


@app.command()
def build(
    batch: Annotated[Path | None, typer.Argument(help="A batch.  [default: reports.toml of the project]")] = None,
    only: Annotated[str | None, typer.Option(metavar="GLOB", help="Only reports whose name fits.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made, and why; make nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Make also what has not changed.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Reports at once.  [default: one per core]")] = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Run on a Dask cluster: tcp://HOST:PORT.")] = None,
    time_limit: TimeLimit = 3600,
    show_code: ShowCode = False,
    out: Out = None,
) -> None:
    """Build the reports that a batch file lists, those that are new or have changed, and a gallery of them."""
    from fnmatch import fnmatch

    from cxresearch import project
    from cxresearch.batch import plan
    from cxresearch.batch.run import Options
    from cxresearch.batch.run import plan as decide

    reports = plan.read(batch or project.root() / project.MARKER)
    chosen = [r for r in reports if only is None or fnmatch(r.name, only)]
    if not chosen:
        raise InputError(f"--only {only!r} fits no report; there are {', '.join(r.name for r in reports[:12])}")
    options = Options(show_code, time_limit)
    if dry_run:
        tasks = decide(chosen, _folder(out), options, force=force)
        due = [task for task in tasks if task.why]
        for task in due:
            typer.echo(f"{task.report.name}  {task.why}")
        typer.echo(f"{len(due)} reports would be made, {len(tasks) - len(due)} are unchanged")
        return
    _build(chosen, _folder(out), options, workers=workers, dask=dask, force=force, index=[r.name for r in reports])


@app.command()
def findings(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of reports.  [default: reports/ in the project]")
    ] = None,
    to: Annotated[Path, typer.Option("--to", help="File to write: .csv or .parquet.")] = Path("findings.csv"),
) -> None:
    """Gather the numbers and verdicts of all reports in one table."""
    from cxresearch.batch import gather

    table = gather.gather(_folder(folder))
    gather.save(table, to)
    kinds = table["kind"].value_counts()
    typer.echo(
        f"{table['report'].nunique()} reports: {kinds.get('claim', 0)} verdicts, {kinds.get('number', 0)} numbers, "
        f"{kinds.get('failure', 0)} failures: {to}"
    )


@app.command()
def check(
    file: Path,
    schema: Annotated[str, typer.Option(help="panel, ratings, responses, episodes or complaints.")],
    column: Annotated[list[str] | None, typer.Option("--column", metavar="OURS=THEIRS", help="Map a column.")] = None,
) -> None:
    """Check whether FILE is a table of the given kind, and say which row is not."""
    from cxresearch.data import sources

    columns = {}
    for text in column or []:
        ours, equals, theirs = text.partition("=")
        if not equals:
            raise InputError(f"--column {text!r}: write ours=theirs, for example --column customer=顾客编号")
        columns[ours] = theirs
    typer.echo(sources.check_file(Path.cwd() / file, schema, columns or None))


def _folder(given: Path | None) -> Path:
    from cxresearch import project

    return given or project.root() / "reports"


def _build(
    reports: "list[Report]",
    out: Path,
    options: "Options",
    *,
    workers: int | None = 1,
    dask: str | None = None,
    force: bool = False,
    index: list[str] | None = None,
) -> None:
    """Make reports behind a progress bar, and a gallery if `index` names what it shows; exit with 1 if one failed."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from cxresearch.batch import cluster, gallery, shelf
    from cxresearch.batch import run as engine
    from cxresearch.batch.lock import lock

    console = Console(highlight=False, markup=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shelf.prepare(out)
    elsewhere = cluster.dask(dask) if dask else nullcontext()
    with lock(out, shared=index is None), _stopped_by_term(), elsewhere as executor:
        tasks = engine.plan(reports, out, options, force=force)
        due = sum(bool(task.why) for task in tasks)
        done: list[Outcome] = []
        try:
            with Progress(*columns, console=console, disable=not due) as progress:
                bar = progress.add_task("reports", total=due)

                def tell(outcome: "Outcome") -> None:
                    done.append(outcome)
                    state = f"failed: {outcome.error}" if outcome.error else f"{outcome.seconds:.1f} s"
                    progress.console.print(f"{outcome.name}  {state}")
                    progress.advance(bar)

                outcomes = engine.build(tasks, out, options, workers=workers, executor=executor, tell=tell)
        except KeyboardInterrupt as stop:
            console.print(f"stopped: {len(done)} of {due} reports are made; the same command makes the rest")
            raise typer.Exit(143 if stop.args else 130) from None
        page = outcomes[0].page if index is None else gallery.write_index(out, index)
    failed = [o.name for o in done if o.error]
    unchanged = f", {len(tasks) - due} unchanged" if due < len(tasks) else ""
    console.print(f"{due - len(failed)} reports made, {len(failed)} failed{unchanged}: {page}")
    if failed:
        raise typer.Exit(1)


@contextmanager
def _stopped_by_term() -> Iterator[None]:
    """Stop at a TERM signal as at Ctrl-C: what is made is kept, and no kernel is left behind."""

    def stop(number: int, _: object) -> None:
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main() -> None:
    """Run the command line; what the user gave wrong is told in a line or two, with exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"cxresearch: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
