"""A page keeps what a reader needs and nothing else; no kernel is started here."""

import base64

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxresearch import mime
from cxresearch.batch import document, publish

FOUND = {"claims": {}, "evidence": "real", "numbers": {}}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def md(text, *tags):
    return new_markdown_cell(text, metadata={"tags": list(tags)})


def code(*outputs, tags=()):
    return new_code_cell("secret = 1", outputs=list(outputs), metadata={"tags": list(tags)})


def display(**data):
    return new_output("display_data", data={k.replace("_", "/"): v for k, v in data.items()})


def stream(name, text):
    return new_output("stream", name=name, text=text)


@pytest.fixture
def notebook():
    read = {"source": "panel.csv", "kind": "file", "sha256": "ab" * 32, "rows": 1200, "kept": 1100, "columns": 4}
    return new_notebook(
        cells=[
            md("# How long?\n\n*How* long does it last?\n\nClaim L1.", "lang-en"),
            md("# 能持续多久？\n\n影响能持续多久？", "lang-zh"),
            code(tags=["parameters"]),
            code(new_output("display_data", data={mime.INPUT: read, "text/plain": "panel.csv · 1200"})),
            md("## Method\n\nThe sum $\\sum_k \\beta_k$ & more.", "lang-en"),
            code(stream("stderr", "careful"), stream("stdout", "plain words")),
            code(display(text_html="<p>Four years.</p>"), display(image_png=PNG), tags=["answer"]),
            md("## Exercise", "lang-en", "exercise"),
            code(new_output("display_data", data={mime.FINDINGS: FOUND | {}, "text/plain": "found"})),
        ]
    )


def test_title_and_question_are_those_of_the_language(notebook):
    assert publish.title(notebook) == "How long?"
    assert publish.title(notebook, "zh") == "能持续多久？"
    assert publish.question(notebook) == "How long does it last?"
    assert publish.question(notebook, "zh") == "影响能持续多久？"


def test_the_answer_stands_below_the_title(notebook):
    page = publish.page(notebook)
    assert page.index("How long?") < page.index("Four years.") < page.index("Method")


def test_code_exercises_warnings_and_the_other_language_are_left_out(notebook):
    page = publish.page(notebook)
    for absent in ("secret", "Exercise", "careful", "能持续多久", "<script"):
        assert absent not in page
    assert "plain words" in page


def test_formulas_become_mathml(notebook):
    page = publish.page(notebook)
    assert "<math" in page
    assert "$" not in page.split("<body>")[1]


def test_a_formula_that_cannot_be_read_is_shown_as_written(notebook):
    notebook.cells.append(md("Then $\\left($ & so on."))
    assert r"<code>\left(</code>" in publish.page(notebook)


def test_code_is_kept_where_it_is_asked_for(notebook):
    assert "secret" in publish.page(notebook, show_code=True)


def test_the_page_says_what_was_read_and_with_which_parameters(notebook):
    notebook.metadata["cxresearch"] = {"title": "loyalty/x", "parameters": {"focus": "<North>"}, "version": "1.2"}
    page = publish.page(notebook)
    footer = page.split("<footer>")[1]
    assert "panel.csv · 1,100 of 1,200 rows · SHA-256 abababababab…" in footer
    assert "loyalty/x · focus = &lt;North&gt;" in footer
    assert "How long? · &lt;North&gt;" in page.split("<body>")[0]


@pytest.mark.parametrize(("language", "words"), [("en", "Simulated data:"), ("zh", "模拟数据：")])
def test_simulated_data_are_called_simulated_before_anything_else(notebook, language, words):
    notebook.cells[-1].outputs[0].data[mime.FINDINGS]["evidence"] = "simulated"
    page = publish.page(notebook, language)
    assert page.index(words) < page.index("<h1")
    assert words not in publish.page(new_notebook(cells=notebook.cells[:-1]), language)


def test_a_failed_report_says_why_and_shows_no_traceback(notebook):
    trace = ["Traceback", 'File "somewhere/secret_folder/x.py"']
    notebook.cells.append(code(new_output("error", ename="ValueError", evalue="no rows", traceback=trace)))
    notebook.metadata["cxresearch"] = {"error": "ValueError: no <rows>", "title": "x", "parameters": {}}
    page = publish.page(notebook)
    assert "This report failed: ValueError: no &lt;rows&gt;" in page
    assert "secret_folder" not in page


def test_the_key_figure_is_the_answers(notebook):
    assert publish.key_figure(notebook) == PNG
    assert publish.key_figure(new_notebook(cells=[md("text")])) is None


def test_publishing_leaves_the_notebook_as_it_was(notebook):
    before = str(notebook)
    publish.page(notebook)
    assert str(notebook) == before


def test_a_page_carries_the_chinese_letters_it_uses_and_no_others(notebook):
    assert "font/woff" not in document.chinese_letters("<p>plain</p>")
    few, more = document.chinese_letters("<p>满意</p>"), document.chinese_letters("<p>满意度与忠诚度的滞后</p>")
    assert "data:font/woff;base64," in few
    assert len(few) < len(more) < 20_000
    assert "cx-hans" in publish.STYLE.read_text()
    assert "font-src data:" in publish.page(notebook, "zh")
