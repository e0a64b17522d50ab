"""Published pages in a real browser: whole, quiet, readable on a narrow screen."""

import pytest

from cxresearch.batch import parameters, plan, publish
from cxresearch.batch.gallery import write_index
from cxresearch.batch.run import write

pytestmark = pytest.mark.browser

LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def shelf(request, tmp_path_factory):
    """Pages of all committed notebooks in both languages, and their gallery; no kernel is started."""
    import nbformat

    root, out = request.config.rootpath, tmp_path_factory.mktemp("shelf")
    names = []
    for title, path in plan.notebooks(root).items():
        for language in LANGUAGES:
            notebook = parameters.load(path)
            name = plan.slug(title, {"language": language})
            notebook["metadata"]["cxresearch"] = {
                "name": name, "title": title, "parameters": {"language": language}, "language": language,
                "seconds": 1.0, "error": "", "version": "0",
            }  # fmt: skip
            write(out / f"{name}.ipynb", nbformat.writes(notebook))
            write(out / f"{name}.html", publish.page(notebook, language))
            names.append(name)
    write_index(out, names)
    return out


def test_every_report_opens_quietly(shelf, visit):
    pages = sorted(p for p in shelf.glob("*.html") if p.name != "index.html")
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


def test_the_first_screen_has_the_answer_in_words_and_a_figure(shelf, visit):
    for path in sorted(shelf.glob("*.html")):
        if path.name != "index.html":
            page = visit(path)
            assert page.locator(".celltag_answer p").first.bounding_box()["y"] < 500, path.name
            assert page.locator(".celltag_answer img").first.bounding_box()["y"] < 850, path.name
            page.close()


def test_nothing_is_wider_than_a_phone(shelf, visit):
    for path in sorted(shelf.glob("*.html")):
        page = visit(path, width=390, height=800)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path.name
        page.close()


def test_the_gallery_searches_filters_and_opens_a_report(shelf, visit):
    page = visit(shelf / "index.html")
    cards = page.locator(".card:visible")
    everything = cards.count()
    assert everything == len(list(shelf.glob("*.html"))) - 1
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
