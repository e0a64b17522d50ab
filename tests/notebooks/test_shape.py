"""Every notebook has the one shape; a rule in prose would not hold."""

import ast
import json
import re

import nbformat
import pytest
from nbconvert.filters import markdown2html_mistune

from cxresearch import mime, project
from cxresearch.batch import parameters, plan, publish
from cxresearch.batch.findings import stored

NAMES = list(plan.notebooks(project.root()))
COMMON = {"data", "where", "focus", "language", "seed", "confidence"}
HEADINGS = {
    "en": ["Data", "Method", "Result", "What would change the answer", "Exercise"],
    "zh": ["数据", "方法", "结果", "什么会改变结论", "练习"],
}


def tags(cell):
    return set(cell["metadata"].get("tags", []))


@pytest.fixture(params=NAMES)
def notebook(request, root):
    return parameters.load(root / "notebooks" / f"{request.param}.ipynb")


def test_the_notebooks_are_found():
    assert {"loyalty/satisfaction_lags", "mystery_shopping/agreement", "touchpoints/benchmark"} <= set(NAMES)
    assert "methods/evidence" in NAMES


def test_it_is_a_valid_notebook_for_the_plain_python_kernel(notebook):
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    ids = [cell["id"] for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_has_one_title_and_the_headings_of_the_shape(notebook, language):
    told = [c for c in notebook.cells if c["cell_type"] == "markdown" and f"lang-{language}" in tags(c)]
    text = "\n".join(c["source"] for c in told)
    assert len(re.findall(r"^# ", text, flags=re.MULTILINE)) == 1
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert [h for h in headings if h in HEADINGS[language]] == HEADINGS[language]
    assert publish.question(notebook, language)


def test_no_asterisk_is_left_of_emphasis(notebook):
    # 。** before a Chinese letter does not close bold type: the asterisks would be printed
    for cell in (c for c in notebook.cells if c["cell_type"] == "markdown"):
        plain = re.sub(r"`[^`]*`|\$\$?[^$]*\$\$?", "x", cell["source"])
        assert "*" not in str(markdown2html_mistune(plain)), cell["source"]


def test_narrative_comes_in_pairs(notebook):
    told = [c for c in notebook.cells if c["cell_type"] == "markdown"]
    for english, chinese in zip(told[::2], told[1::2], strict=True):
        assert "lang-en" in tags(english)
        assert "lang-zh" in tags(chinese)
        assert tags(english) - {"lang-en"} == tags(chinese) - {"lang-zh"}
        assert english["source"].count("$$") == chinese["source"].count("$$")
        assert re.search(r"[\u4e00-\u9fff]", chinese["source"])


def test_parameters_are_annotated_and_explained(notebook):
    first = next(c for c in notebook.cells if c["cell_type"] == "code")
    assert "parameters" in tags(first)
    known = parameters.read(notebook, "notebook")
    assert set(known) >= COMMON
    lines = [line for line in first["source"].splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) == len(known), "one line per parameter"
    for parameter in known.values():
        assert parameter.annotation, parameter.name
        assert len(parameter.meaning) > 5, parameter.name
        parameter.check(parameter.default)


def test_it_is_thin(notebook):
    for cell in notebook.cells:
        if cell["cell_type"] == "code":
            for node in ast.walk(ast.parse(re.sub(r"^[%!].*$", "", cell["source"], flags=re.MULTILINE))):
                if isinstance(node, ast.FunctionDef):
                    assert (node.end_lineno or 0) - node.lineno < 10, node.name


def test_it_is_committed_executed_and_small(notebook):
    code = [c for c in notebook.cells if c["cell_type"] == "code"]
    assert [c["execution_count"] for c in code] == list(range(1, len(code) + 1))
    assert sum(bool(c["outputs"]) for c in code) >= 3
    for cell in code:
        assert len(json.dumps(cell["outputs"])) < 200_000, cell["id"]
        for output in cell["outputs"]:
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr"
            assert len(output.get("data", {}).get("image/png", "")) < 130_000, "a figure is under 100 KB"
            assert "object at 0x" not in str(output.get("data", {}).get("text/plain", "")), "differs from run to run"


def test_it_says_what_it_read_and_what_it_found(notebook):
    code = [c for c in notebook.cells if c["cell_type"] == "code"]
    assert "nbval-ignore-output" in tags(code[-1])
    (found,) = stored(notebook)
    assert found["claims"] or found["evidence"] == "arithmetic" or "evidence" in notebook["cells"][0]["source"].lower()
    assert len(found["numbers"]) >= 3
    for read in stored(notebook, mime.INPUT):
        assert set(read) >= {"source", "kind", "sha256", "rows", "kept"}
        assert not read["source"].startswith("/")


def test_the_answer_is_words_and_one_figure(notebook):
    answers = [c for c in notebook.cells if "answer" in tags(c)]
    assert len(answers) == 1
    kinds = [key for o in answers[0]["outputs"] for key in o.get("data", {})]
    assert kinds.count("image/png") == 1
    assert kinds.count("text/html") >= 1


def test_simulated_data_are_called_simulated_at_once(notebook):
    if stored(notebook)[0]["evidence"] == "simulated":
        for language, word in (("en", "simulated"), ("zh", "模拟")):
            assert word in publish.question(notebook, language).lower()
