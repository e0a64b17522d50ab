"""The command line: a thin skin that parses, calls and prints.

Everything heavy is imported inside a command, so that ``cxresearch --help`` answers at once.
Exit code 0: done; 1: a report failed; 2: what was given cannot be used.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cxresearch.checks import InputError

if TYPE_CHECKING:
    from cxresearch.batch.plan import Report
    from cxresearch.batch.run import Outcome

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich help takes three times as long to answer
    pretty_exceptions_enable=False,
    help="Put claims about customer experience to the test on your own data.",
)

Given = Annotated[list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a parameter.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for the reports.  [default: reports/ in the project]")]


@app.command("list")
def list_() -> None:
    """List the notebooks: the question of each, and its parameters with type, default and meaning."""
    from rich.console import Console

    from cxresearch.batch import parameters, plan, publish

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for name, path in plan.notebooks().items():
        notebook = parameters.load(path)
        console.print(name, style="bold")
        console.print(f"  {publish.title(notebook)}. {publish.question(notebook)}")
        for p in parameters.read(notebook, name).values():
            console.print(f"    {p.name}: {p.annotation} = {p.default!r}", style="cyan", end="")
            console.print(f"  {p.meaning}")
        console.print()


@app.command()
def run(notebook: str, parameter: Given = None, out: Out = None) -> None:
    """Run one NOTEBOOK with parameters and write its report."""
    from cxresearch.batch import plan

    _build([plan.single(notebook, parameter or [], Path.cwd())], out, 1)


@app.command()
def build(
    batch: Annotated[Path | None, typer.Argument(help="A batch.  [default: reports.toml of the project]")] = None,
    only: Annotated[str | None, typer.Option(metavar="GLOB", help="Only reports whose name fits.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Reports at once.  [default: one per core]")] = None,
    out: Out = None,
) -> None:
    """Build the reports that a batch file lists, and a gallery of them."""
    from fnmatch import fnmatch

    from cxresearch import project
    from cxresearch.batch import plan

    reports = plan.read(batch or project.root() / project.MARKER)
    chosen = [r for r in reports if only is None or fnmatch(r.name, only)]
    if not chosen:
        raise InputError(f"--only {only!r} fits no report; there are {', '.join(r.name for r in reports[:12])}")
    _build(chosen, out, workers, index=[r.name for r in reports])


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


def _build(reports: "list[Report]", out: Path | None, workers: int | None, index: list[str] | None = None) -> None:
    """Run reports behind a progress bar; exit with 1 if one failed."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from cxresearch import project
    from cxresearch.batch import run as engine

    folder = out or project.root() / "reports"
    console = Console(highlight=False, markup=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("reports", total=len(reports))

        def tell(outcome: "Outcome") -> None:
            state = f"failed: {outcome.error}" if outcome.error else f"{outcome.seconds:.1f} s"
            progress.console.print(f"{outcome.name}  {state}")
            progress.advance(task)

        outcomes = engine.build(reports, folder, workers, tell)
    failed = [o for o in outcomes if o.error]
    page = outcomes[0].page
    if index is not None:
        from cxresearch.batch.gallery import write_index

        page = write_index(folder, index)
    console.print(f"{len(outcomes) - len(failed)} reports made, {len(failed)} failed: {page}")
    if failed:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; what the user gave wrong is told in a line or two, with exit code 2."""
    try:
        app()
    except InputError as error:
        print(f"cxresearch: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
