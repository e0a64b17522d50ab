import json
import re
from concurrent.futures import Executor, Future

import nbformat
import pytest

from cxresearch.batch import plan, publish, run, shelf
from cxresearch.batch.committed import execute
from cxresearch.batch.gallery import write_index
from cxresearch.checks import InputError

HOSTILE = "<script>alert(1)</script>"


class Lost(Executor):
    """An executor whose machine has gone."""

    def submit(self, *_):
        future: Future = Future()
        future.set_exception(RuntimeError("the machine went away"))
        return future


def build(reports, out, options=None, **how):
    shelf.prepare(out)
    return run.build(run.plan(reports, out, options), out, options, **how)


@pytest.fixture
def built(house, batch):
    """Build seven reports, four of which fail; return their outcomes by name, and the folder."""
    path = batch(
        f"""
        [[report]]
        notebook = "visits/answers"
        parameters = {{ threshold = 4.0 }}
        matrix = {{ language = ["en", "zh"] }}
        [[report]]
        notebook = "visits/raises"
        [[report]]
        notebook = "visits/dies"
        [[report]]
        notebook = "visits/killed"
        [[report]]
        notebook = "visits/fills_memory"
        [[report]]
        notebook = "visits/hostile"
        parameters = {{ focus = "{HOSTILE}" }}
        """
    )
    reports = plan.read(path)
    outcomes = build(reports, house / "out", workers=2)
    assert [o.name for o in outcomes] == [r.name for r in reports]
    write_index(house / "out", [r.name for r in reports])
    return {o.name: o for o in outcomes}, house / "out"


def test_a_batch_keeps_failures_and_goes_on(built):
    outcomes, out = built
    pages = {name: (out / f"{name}.html").read_text() for name in outcomes}
    notebooks = {name: nbformat.read(out / f"{name}.ipynb", as_version=4) for name in outcomes}

    # failures are told and kept, the others are made
    assert {n: o.error for n, o in outcomes.items() if o.error} == {
        "visits-raises": "ValueError: the third shelf is empty",
        "visits-dies": "the kernel died with exit status 3 (DeadKernelError)",
        "visits-killed": "the kernel died: it was killed (signal 9), as the system does when memory runs out "
        "(DeadKernelError)",
        "visits-fills_memory": "MemoryError: memory has run out",
    }
    for name, outcome in outcomes.items():
        assert outcome.error in pages[name]
    assert any(o["output_type"] == "error" for c in notebooks["visits-raises"].cells for o in c.get("outputs", []))
    assert "the third shelf is empty" in pages["visits-raises"]
    assert "Traceback" not in pages["visits-raises"]

    # parameters arrive, and each report keeps one language
    english, chinese = pages["visits-answers--en"], pages["visits-answers--zh"]
    assert "passes from 4.0" in english
    assert "Do the visits pass?" in english
    assert "走访是否合格" not in english
    assert "走访是否合格？" in chinese
    assert 'lang="zh-Hans"' in chinese

    # a page for reading: no code, no exercise, formulas as MathML, the answer before the method
    assert "import matplotlib" not in english
    assert "Try another threshold" not in english
    assert english.count("<math") == 2
    assert english.index("passes from 4") < english.index("The share is")
    assert "data:image/png;base64," in english

    # nothing in a page can load or run, and data stay text
    for page in pages.values():
        assert not re.search(r"<script|<link|https?://(?!www\.w3\.org)", page)
        assert "default-src 'none'" in page
    hostile = pages["visits-hostile"]
    assert hostile.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert not re.search(r"onclick|javascript:", hostile)
    assert ">here</a>" in hostile
    assert "<em>so</em>" in hostile

    # nothing half-written is left, and no folder of this machine is named
    assert not [p for p in out.iterdir() if p.name.startswith(".") and p.name != ".lock"]
    for name in ("visits-answers--en", "visits-hostile"):
        assert str(out.parent) not in (out / f"{name}.ipynb").read_text() + pages[name]

    index = (out / "index.html").read_text()
    assert index.count('class="card"') == 7
    assert "7 reports, 4 failed" in index
    assert "the third shelf is empty" in index
    assert HOSTILE not in index
    assert (out / "figures" / "visits-answers--en.png").is_file()

    # the next build makes again what failed, and nothing else
    tasks = run.plan(plan.read(out.parent / "reports.toml"), out)
    assert {t.report.name: t.why for t in tasks} == {
        name: f"failed before: {o.error}" if o.error else "" for name, o in outcomes.items()
    }


def test_a_report_that_takes_too_long_is_stopped(house):
    report = plan.single("visits/sleeps", ["threshold=600"], house)
    (outcome,) = build([report], house / "out", run.Options(time_limit=2))
    assert outcome.error == "stopped at the time limit of 2 s"
    assert outcome.error in outcome.page.read_text()
    assert outcome.seconds < 300


def test_a_report_made_again_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")

    class Stops(str):
        def encode(self, *_):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shelf.write(path, Stops("new"))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match=r"x\.csv cannot be written to nowhere/: No such file or directory"):
        shelf.write(tmp_path / "nowhere" / "x.csv", "new")


def test_whatever_has_a_record_is_whole(tmp_path, monkeypatch):
    shelf.prepare(tmp_path)
    record = {"name": "a", "error": ""}
    shelf.put(tmp_path, shelf.Made({"a.ipynb": b"{}", "a.html": b"<p>"}, record))
    assert shelf.record(tmp_path, "a")["files"] == {"a.ipynb": 2, "a.html": 3}
    # killed while it replaces the report: at no moment is there a record of two halves
    writes = shelf.write

    def killed(path, content):
        if path.suffix == ".html":
            raise KeyboardInterrupt
        writes(path, content)

    monkeypatch.setattr(shelf, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        shelf.put(tmp_path, shelf.Made({"a.ipynb": b"[]", "a.html": b"<i>"}, record))
    assert shelf.record(tmp_path, "a") is None


def test_a_cut_page_or_a_broken_record_counts_as_none(tmp_path):
    shelf.prepare(tmp_path)
    shelf.put(tmp_path, shelf.Made({"a.html": b"<p>"}, {"name": "a", "error": ""}))
    (tmp_path / "a.html").write_text("<")
    assert shelf.record(tmp_path, "a") is None
    (tmp_path / "records" / "a.json").write_text("[1")
    assert shelf.record(tmp_path, "a") is None
    assert shelf.record(tmp_path, "b") is None


def test_what_killed_builds_left_half_written_is_removed(tmp_path):
    (tmp_path / "records").mkdir()
    gone, ours = tmp_path / ".a.html.99999999", tmp_path / f".b.html.{__import__('os').getpid()}"
    for path in (gone, ours, tmp_path / "records" / ".a.json.99999999"):
        path.write_text("half")
    shelf.prepare(tmp_path)
    assert not gone.exists()
    assert not list((tmp_path / "records").iterdir())
    assert ours.exists()
    ours.rename(tmp_path / "file")
    with pytest.raises(InputError, match="file/ cannot be made"):
        shelf.prepare(tmp_path / "file")


def test_lost_workers_leave_a_page_for_each_report(house):
    reports = [plan.single("visits/answers", [f"language={language}"], house) for language in ("en", "zh")]
    outcomes = build(reports, house / "out", executor=Lost())
    assert {o.error for o in outcomes} == {"not finished: the machine went away"}
    for outcome in outcomes:
        assert "not finished: the machine went away" in outcome.page.read_text()
        assert nbformat.read(outcome.page.with_suffix(".ipynb"), as_version=4).cells


def test_a_cell_that_cannot_be_shown_does_not_cost_the_report(house, monkeypatch):
    def odd(_):
        raise TypeError("an odd output")

    monkeypatch.setattr(publish.clean, "outputs", odd)
    notebook = nbformat.read(house / "notebooks/visits/quick.ipynb", as_version=4)
    report = plan.single("visits/quick", [], house)
    made = run._finished(notebook, report, run.Options(), "", 1.0)
    assert made.record["error"] == "the page could not be made: TypeError: an odd output"
    assert made.record["error"] in made.files["visits-quick.html"].decode()


def test_a_file_outside_the_project_is_shown_by_its_name_alone(house, tmp_path):
    (tmp_path / "mine.csv").write_text("unit,score\na,1\n")
    report = plan.single("visits/quick", [f"data={tmp_path / 'mine.csv'}"], house)
    (outcome,) = build([report], house / "out", run.Options(show_code=True))
    assert not outcome.error
    for file in (outcome.page, outcome.page.with_suffix(".ipynb"), house / "out" / "records" / f"{outcome.name}.json"):
        assert str(tmp_path) not in file.read_text()
        assert "mine.csv" in file.read_text()


def test_committed_notebooks_carry_no_timings_and_no_warnings(house):
    notebook = nbformat.read(house / "notebooks" / "visits" / "answers.ipynb", as_version=4)
    done = execute(notebook, house)
    assert done.cells[-1].outputs
    assert [c["id"] for c in done.cells] == [f"cell-{i:02d}" for i in range(len(done.cells))]
    assert all(set(c.metadata) <= {"tags"} for c in done.cells)
    assert set(done.metadata) == {"kernelspec", "language_info"}
    notebook.cells[-1].source = "import warnings; warnings.warn('old habit')"
    with pytest.raises(RuntimeError, match="wrote to stderr"):
        execute(notebook, house)
    json.loads(nbformat.writes(done))
