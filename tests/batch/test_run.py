import json
import re

import nbformat
import pytest

from cxresearch.batch import plan, run
from cxresearch.batch.committed import execute
from cxresearch.batch.gallery import write_index

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def built(house, batch):
    """Build five reports, two of which fail; return their outcomes by name, and the folder."""
    path = batch(
        f"""
        [[report]]
        notebook = "visits/answers"
        parameters = {{ threshold = 4 }}
        matrix = {{ language = ["en", "zh"] }}
        [[report]]
        notebook = "visits/raises"
        [[report]]
        notebook = "visits/dies"
        [[report]]
        notebook = "visits/hostile"
        parameters = {{ focus = "{HOSTILE}" }}
        """
    )
    reports = plan.read(path)
    outcomes = run.build(reports, house / "out", workers=2)
    assert [o.name for o in outcomes] == [r.name for r in reports]
    write_index(house / "out", [r.name for r in reports])
    return {o.name: o for o in outcomes}, house / "out"


def test_a_batch_keeps_failures_and_goes_on(built):
    outcomes, out = built
    pages = {name: (out / f"{name}.html").read_text() for name in outcomes}
    notebooks = {name: nbformat.read(out / f"{name}.ipynb", as_version=4) for name in outcomes}

    # failures are told and kept, the others are made
    assert {n for n, o in outcomes.items() if o.error} == {"visits-raises", "visits-dies"}
    assert outcomes["visits-raises"].error == "ValueError: the third shelf is empty"
    assert "DeadKernelError" in outcomes["visits-dies"].error
    assert any(o["output_type"] == "error" for c in notebooks["visits-raises"].cells for o in c.get("outputs", []))
    assert "the third shelf is empty" in pages["visits-raises"]
    assert "Traceback" not in pages["visits-raises"]

    # parameters arrive, and each report keeps one language
    english, chinese = pages["visits-answers--en"], pages["visits-answers--zh"]
    assert "passes from 4" in english
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
    assert "&lt;script&gt;" in pages["visits-hostile"]

    # nothing half-written is left, and no folder of this machine is named
    assert not [p for p in out.iterdir() if p.name.startswith(".")]
    for name in ("visits-answers--en", "visits-hostile"):
        assert str(out.parent) not in (out / f"{name}.ipynb").read_text() + pages[name]

    index = (out / "index.html").read_text()
    assert index.count('class="card"') == 5
    assert "5 reports, 2 failed" in index
    assert "the third shelf is empty" in index
    assert HOSTILE not in index
    assert (out / "figures" / "visits-answers--en.png").is_file()


def test_a_report_made_again_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")

    class Stops(str):
        def encode(self, *_):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.write(path, Stops("new"))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_lost_worker_is_one_failed_report(house):
    from concurrent.futures import Future

    class Lost:
        def submit(self, *_):
            future: Future = Future()
            future.set_exception(RuntimeError("the machine went away"))
            return future

    (outcome,) = run.submit(Lost(), [plan.single("visits/answers", [], house)], house / "out", lambda _: None)
    assert outcome.error == "worker lost: the machine went away"


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
