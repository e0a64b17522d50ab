"""nbval must be able to fail: a number that changed in a committed notebook is found."""

import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output


def notebook(printed: str, tags: list[str]) -> nbformat.NotebookNode:
    shown = [new_output("stream", name="stdout", text=printed)]
    cell = new_code_cell("print(f'{1 / 3:.3f}')", execution_count=1, outputs=shown, metadata={"tags": tags})
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=[cell], metadata={"kernelspec": spec})


@pytest.mark.parametrize(
    ("printed", "tags", "code"),
    [("0.333\n", [], 0), ("0.334\n", [], 1), ("0.334\n", ["nbval-ignore-output"], 0)],
    ids=["same number passes", "changed number fails", "tagged cell is free"],
)
def test_a_changed_number_fails(tmp_path, printed, tags, code):
    nbformat.write(notebook(printed, tags), tmp_path / "n.ipynb")
    options = ["--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "n.ipynb"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout


def test_the_projects_nbval_has_no_sanitiser_and_is_strict(pytestconfig):
    addopts = pytestconfig.getini("addopts")
    assert "--nbval" in addopts
    assert not [o for o in addopts if "sanitize" in o or "lax" in o]
