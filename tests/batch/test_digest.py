"""What counts as changed; the reports are made by a stand-in that starts no kernel."""

import json
from concurrent.futures import Executor, Future

import nbformat
import pytest

from cxresearch import mime
from cxresearch.batch import digest, parameters, plan, run, shelf


class Here(Executor):
    """Runs at once, in this process."""

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


BATCH = '[[report]]\nnotebook = "visits/reads"\nmatrix = { focus = ["north", "south"] }\n'


@pytest.fixture
def read():
    """What the stand-in says that a notebook has read, besides what its parameters name."""
    return []


@pytest.fixture
def whys(house, batch, read, monkeypatch):
    """Build once; return a function that says why each report would be made now."""

    def make(report, _root, options):
        notebook = parameters.load(report.notebook)
        outputs = [nbformat.v4.new_output("display_data", data={mime.INPUT: told}) for told in read]
        notebook.cells[-1].outputs = outputs
        return run._finished(notebook, report, options, "", 1.0)

    monkeypatch.setattr(run, "make", make)
    batch(BATCH)
    out = house / "reports"
    shelf.prepare(out)

    def again(**options):
        return [t.why for t in run.plan(plan.read(house / "reports.toml"), out, run.Options(**options))]

    assert again() == ["new", "new"]

    def build():
        run.build(run.plan(plan.read(house / "reports.toml"), out), out, executor=Here())
        return again

    return build


def told(house, name, **other):
    return {"source": name, "kind": "file", "rows": 1, "kept": 1, "columns": 2,
            "sha256": digest._of_path(house / name), **other}  # fmt: skip


def test_nothing_changed_is_nothing_made(whys, house, read):
    read.append(told(house, "scores.csv"))
    again = whys()
    assert again() == ["", ""]
    # a notebook run again in place has other outputs, and is the same notebook
    path = house / "notebooks/visits/reads.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="other")]
    nbformat.write(notebook, path)
    assert again() == ["", ""]


def test_a_changed_cell_or_tag_is_a_changed_notebook(whys, house):
    again = whys()
    path = house / "notebooks/visits/reads.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].metadata["tags"] = []
    nbformat.write(notebook, path)
    assert again() == ["its notebook has changed"] * 2


def test_only_the_report_whose_parameter_changed_is_made(whys, house):
    again = whys()
    (house / "reports.toml").write_text(BATCH + 'parameters = { threshold = 4.0 }\nexclude = [{ focus = "south" }]')
    assert again() == ["its parameters have changed"]


def test_data_are_compared_by_content_not_by_date(whys, house):
    again = whys()
    (house / "scores.csv").write_text((house / "scores.csv").read_text())
    assert again() == ["", ""]
    (house / "scores.csv").write_text("unit,score\na,5\n")
    assert again() == ["its data have changed (data)"] * 2


def test_what_a_cell_has_read_counts_too(whys, house, read):
    read.append(told(house, "second.csv"))
    again = whys()
    assert again() == ["", ""]
    (house / "second.csv").write_text("unit,score\na,5\n")
    assert again() == ["its data have changed (second.csv)"] * 2
    (house / "second.csv").unlink()
    assert again() == ["its data cannot be found again (second.csv)"] * 2


@pytest.mark.parametrize(
    ("source", "kind", "why"),
    [
        ("lme4/InstEval", "open", ""),
        ("simulated/panel", "simulated", ""),
        ("visits", "sql", "a database may always have changed (visits)"),
        ("touchpoints", "facts", "its data have changed (touchpoints)"),
    ],
)
def test_kinds_of_data(whys, house, read, source, kind, why):
    read.append(told(house, source, kind=kind, sha256="ab"))
    assert whys()() == [why, why]


def test_facts_that_come_with_the_code_are_found(whys, house, read, root):
    read.append(told(house, "touchpoints", kind="facts", sha256=digest._of_path(root / "data" / "touchpoints.csv")))
    assert whys()() == ["", ""]


def test_a_new_file_in_a_folder_that_a_parameter_names(whys, house):
    (house / "tables").mkdir()
    (house / "reports.toml").write_text('[[report]]\nnotebook = "visits/reads"\nparameters = { data = "tables" }\n')
    again = whys()
    assert again() == [""]
    (house / "tables" / "new.csv").write_text("a\n1\n")
    assert again() == ["its data have changed (data)"]


def test_lock_code_and_look(whys, house, monkeypatch):
    again = whys()
    assert again(show_code=True) == ["its page is to look different"] * 2
    (house / "requirements.lock").write_text("x==1")
    digest._packages.cache_clear()
    assert again() == ["the installed packages have changed"] * 2
    monkeypatch.setattr(digest, "_code", lambda: "other")
    assert again() == ["the code has changed"] * 2


def test_a_failure_is_made_again_and_so_is_a_lost_page(whys, house):
    again = whys()
    place = house / "reports" / "records" / "visits-reads--north.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"error": "no rows"}))
    (house / "reports" / "visits-reads--south.html").unlink()
    assert again() == ["failed before: no rows", "new"]
