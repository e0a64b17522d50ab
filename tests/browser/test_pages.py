"""Published pages in a real browser: whole, quiet, readable on a narrow screen."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cxresearch.batch import parameters, plan, publish, run, shelf
from cxresearch.batch.gallery import write_index

pytestmark = pytest.mark.browser

LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def folder(request, tmp_path_factory):
    """Pages of all committed notebooks in both languages, and their gallery; no kernel is started."""
    root, out = request.config.rootpath, tmp_path_factory.mktemp("shelf")
    shelf.prepare(out)
    names = []
    for title, path in plan.notebooks(root).items():
        for language in LANGUAGES:
            report = plan.Report(plan.slug(title, {"language": language}), path, title, {"language": language})
            shelf.put(out, run._finished(parameters.load(path), report, run.Options(), "", 1.0))
            names.append(report.name)
    write_index(out, names)
    return out


def test_every_report_opens_quietly(folder, visit):
    pages = sorted(p for p in folder.glob("*.html") if p.name != "index.html")
    assert len(pages) >= 8
    for path in pages:
        page = visit(path)
        assert page.locator("h1").count() == 1, path.name
        assert page.locator("pre code, .input_area").count() == 0, path.name
        # every figure has loaded
        assert page.locator("img").count() >= 1
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 300)"), path.name
        assert "$$" not in page.inner_text("main")
        assert page.locator("math").count() >= 1, path.name
        page.close()


def test_the_first_screen_has_the_answer_in_words_and_a_figure(folder, visit):
    for path in sorted(folder.glob("*.html")):
        if path.name != "index.html":
            page = visit(path)
            assert page.locator(".celltag_answer p").first.bounding_box()["y"] < 500, path.name
            assert page.locator(".celltag_answer img").first.bounding_box()["y"] < 850, path.name
            page.close()


def test_nothing_is_wider_than_a_phone(folder, visit):
    for path in sorted(folder.glob("*.html")):
        page = visit(path, width=390, height=800)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path.name
        page.close()


def test_the_gallery_searches_filters_and_opens_a_report(folder, visit):
    page = visit(folder / "index.html")
    cards = page.locator(".card:visible")
    everything = cards.count()
    assert everything == len(list(folder.glob("*.html"))) - 1
    page.select_option("#language", "zh")
    assert cards.count() == everything // 2
    page.select_option("#notebook", "touchpoints/benchmark")
    assert cards.count() == 1
    page.fill("#search", "no report says this")
    assert cards.count() == 0
    assert page.locator("#nothing").is_visible()
    page.fill("#search", "")
    page.select_option("#notebook", "")
    page.select_option("#language", "")
    assert cards.count() == everything
    assert page.locator("#ledger tr").count() >= 3
    page.locator(".card a").first.click()
    assert page.locator("h1").count() == 1


HOSTILE = """<script>document.title = "run"</script><img src="x" onerror="document.title='run'">
<svg onload="document.title='run'"></svg><iframe src="https://example.com"></iframe>
<a href="javascript:document.title='run'">link</a><meta http-equiv="refresh" content="0;url=https://example.com">
<form action="https://example.com"><button>send</button></form><style>@import "https://example.com/x.css";</style>"""


@pytest.mark.parametrize("kind", ["text/html", "text/markdown", "text/plain"])
def test_hostile_output_stays_text_and_nothing_runs(tmp_path, visit, kind):
    output = new_output("display_data", data={kind: HOSTILE, "application/javascript": "document.title = 'run'"})
    notebook = new_notebook(cells=[new_code_cell("pass", outputs=[output])])
    notebook.metadata["cxresearch"] = {"title": "visits", "parameters": {"focus": HOSTILE}, "error": HOSTILE}
    path = tmp_path / "hostile.html"
    shelf.write(path, publish.page(notebook))
    page = visit(path)
    page.wait_for_timeout(300)
    assert page.title() != "run"
    assert page.locator("script, iframe, form, button, svg, meta[http-equiv=refresh]").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    assert page.url == path.as_uri()
    assert page.locator(".banner").inner_text().count("<script>") == 1  # the error, as text
    assert page.locator("footer").inner_text().count("<script>") == 1  # the parameter, as text
    if kind != "text/plain":
        assert "<script>" in page.locator(".output").inner_text()


def test_code_is_shown_where_it_is_asked_for(root, tmp_path, visit):
    notebook = nbformat.read(root / "notebooks/touchpoints/benchmark.ipynb", as_version=4)
    path = tmp_path / "code.html"
    shelf.write(path, publish.page(notebook, show_code=True))
    page = visit(path, width=390, height=800)
    assert "import cxresearch as cx" in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
