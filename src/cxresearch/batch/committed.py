"""Run the committed notebooks again, in place: ``make notebooks``.

A notebook is committed executed, so that a reader sees results without running it and nbval can hold it to
what it printed. What differs from run to run without meaning (timings, ids) is left out, so that a
commit shows only what changed.
"""

import sys
from pathlib import Path
from typing import Any

from cxresearch.batch import parameters
from cxresearch.batch.execute import QUIET
from cxresearch.batch.plan import notebooks
from cxresearch.batch.shelf import write

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def execute(notebook: Any, folder: Path) -> Any:
    """Run every cell and return the notebook as it is committed.

    Parameters
    ----------
    notebook : NotebookNode
        Any notebook.
    folder : Path
        The folder it runs in.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises.
    RuntimeError
        If a cell writes to stderr: a committed notebook leaves no warning.
    """
    from nbclient import NotebookClient

    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number:02d}"
        cell["metadata"] = {k: v for k, v in cell["metadata"].items() if k == "tags"}
    notebook["metadata"] = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=QUIET,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    notebook["metadata"] = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise RuntimeError(f"cell {cell['id']} wrote to stderr: {output['text']}")
    return notebook


def main(names: list[str]) -> None:
    """Run the named notebooks again, or all of them."""
    import nbformat

    known = notebooks()
    for name in names or known:
        path = known[name]
        print(name, flush=True)  # noqa: T201
        write(path, nbformat.writes(execute(parameters.load(path), path.parent)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
