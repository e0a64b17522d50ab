import json
import subprocess
import sys
from pathlib import Path

import pytest

from cxresearch.batch import parameters, plan
from cxresearch.checks import InputError


def test_matrix_gives_one_report_per_combination(batch):
    reports = plan.read(
        batch(
            """
            [[report]]
            notebook = "visits/answers"
            parameters = { threshold = 4 }
            matrix = { focus = ["north", "south"], language = ["en", "zh"] }
            """
        )
    )
    assert [r.name for r in reports] == [
        "visits-answers--north--en",
        "visits-answers--north--zh",
        "visits-answers--south--en",
        "visits-answers--south--zh",
    ]
    assert reports[3].parameters == {"threshold": 4, "focus": "south", "language": "zh"}


def test_exclude_drops_the_combinations_it_fits(batch):
    reports = plan.read(
        batch(
            """
            [[report]]
            notebook = "visits/answers"
            name = "halls"
            matrix = { focus = ["north", "south", "west"], language = ["en", "zh"] }
            exclude = [{ focus = "north", language = "zh" }, { focus = "west" }]
            """
        )
    )
    assert [r.name for r in reports] == ["halls--north--en", "halls--south--en", "halls--south--zh"]


def test_all_problems_are_told_at_once(batch):
    path = batch(
        """
        [[report]]
        notebook = "visits/answers"
        [report.parameters]
        min_m = 5
        threshold = "high"
        language = "fr"
        data = "score.csv"
        [[report]]
        notebook = "visits/answer"
        """
    )
    with pytest.raises(InputError) as error:
        plan.read(path)
    lines = str(error.value).splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("reports.toml:5: visits/answers: unknown parameter 'min_m' (did you mean 'min_n'?)")
    assert lines[1].startswith("reports.toml:6: visits/answers: threshold='high' must be float")
    assert lines[2].startswith("reports.toml:7: visits/answers: language='fr' must be one of en, zh")
    assert lines[3].startswith(
        "reports.toml:8: visits/answers: data='score.csv': there is no such file (did you mean 'sc"
    )
    assert lines[4].startswith(
        "reports.toml:10: notebook 'visits/answer' is not known (did you mean 'visits/answers'?)"
    )


def test_a_place_is_the_line_of_the_key_not_of_its_like_in_a_text_or_comment(batch):
    path = batch(
        """# min_m = 1
[[report]]
notebook = "visits/answers" # [[report]] min_m = 2
name = \"\"\"
min_m = 3\"\"\"
[report.parameters]
focus = "min_m = 4"
"min_m" = 5
[[report]]
notebook = "visits/answers"
matrix.focus = ["a", "b"]
exclude = [{ focus = "c" }]
"""
    )
    with pytest.raises(InputError) as error:
        plan.read(path)
    first, second = str(error.value).splitlines()
    assert first.startswith("reports.toml:8: visits/answers: unknown parameter 'min_m'")
    assert second == "reports.toml:12: exclude: 'c' is not among the values of focus: a, b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no report"),
        ("[[report]", "not a TOML file"),
        ("[report]\nnotebook = 'visits/answers'", "with two brackets"),
        ("reports = 1", "unknown key 'reports'"),
        ("[[report]]", "notebook must be a text"),
        ("[[report]]\nnotebok = 'x'", "unknown key 'notebok' (did you mean 'notebook'?)"),
        ("[[report]]\nnotebook = 'visits/answers'\nmatrix = { focus = 'a' }", "matrix.focus must be a list"),
        ("[[report]]\nnotebook = 'visits/answers'\nmatrix = { focus = [] }", "matrix.focus must be a list"),
        (
            "[[report]]\nnotebook = 'visits/answers'\nparameters = { focus = 'a' }\nmatrix = { focus = ['b'] }",
            "both in parameters and in matrix",
        ),
        ("[[report]]\nnotebook = 'visits/answers'\nparameters = 3", "parameters and matrix are tables"),
        ("[[report]]\nnotebook = 'visits/no_parameters'", "no code cell is tagged 'parameters'"),
        ("[[report]]\nnotebook = 'visits/answers'\nparameters = { min_n = true }", "min_n=True must be int"),
        ("[[report]]\nnotebook = 'visits/answers'\nparameters = { focus = 2026-01-31 }", "a date is passed as text"),
        (
            "[[report]]\nnotebook = 'visits/answers'\n[[report]]\nnotebook = 'visits/answers'\nparameters.min_n = 1",
            "reports.toml:3: two reports are named 'visits-answers', the other one on line 1",
        ),
        ("[[report]]\nnotebook = 'visits/answers'\nmatrix = { focus = ['a', 'a'] }", "two reports are named"),
        ("[[report]]\nnotebook = 'visits/answers'\nname = 'Index'", "no report can be named 'Index'"),
        ("[[report]]\nnotebook = 'visits/answers'\nname = '…'", "no report can be named '…'"),
        ("[[report]]\nnotebook = 'visits/answers'\nexclude = { focus = 'a' }", "exclude is a list of tables"),
        ("[[report]]\nnotebook = 'visits/answers'\nexclude = [{ focus = 'a' }]", "'focus' is not in the matrix"),
        (
            "[[report]]\nnotebook = 'visits/answers'\nmatrix = { focus = ['a'] }\nexclude = [{ focus = 'a' }]",
            "reports.toml:4: exclude leaves no report",
        ),
    ],
)
def test_a_batch_that_cannot_be_used_is_refused(batch, text, message):
    with pytest.raises(InputError) as error:
        plan.read(batch(text))
    assert message in str(error.value)
    assert "reports.toml" in str(error.value)


def test_a_missing_batch_is_named(house):
    with pytest.raises(InputError, match=r"nowhere\.toml: there is no such file"):
        plan.read(house / "nowhere.toml")


def test_paths_are_relative_to_the_batch_file(house):
    other = house / "surveys"
    other.mkdir()
    (other / "mine.csv").write_text("unit,score\na,1\n")
    (other / "own.ipynb").write_bytes((house / "notebooks/visits/answers.ipynb").read_bytes())
    (other / "batch.toml").write_text('[[report]]\nnotebook = "own.ipynb"\nparameters = { data = "mine.csv" }\n')
    (report,) = plan.read(other / "batch.toml")
    assert report.parameters == {"data": "surveys/mine.csv"}
    assert report.title == "surveys/own.ipynb"
    assert report.name == "surveys-own"


def test_command_line_values_are_read_by_the_parameters_type(house):
    given = ["threshold=4", "items=a, b", 'where={"year": [2020, 2021]}', "focus=7", "min_n=5"]
    report = plan.single("visits/answers", given, house)
    assert report.parameters == {
        "threshold": 4.0,
        "items": ["a", "b"],
        "where": {"year": [2020, 2021]},
        "focus": "7",
        "min_n": 5,
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("min_m=5", "unknown parameter 'min_m' (did you mean 'min_n'?)"),
        ("min_n=many", "min_n='many' must be int"),
        ("min_n=5.5", "min_n='5.5' must be int"),
        ("threshold", "write name=value"),
        ("language=fr", "must be one of en, zh"),
        ("where=north", "must be dict"),
    ],
)
def test_a_command_line_value_that_cannot_be_used_is_refused(house, given, message):
    with pytest.raises(InputError) as error:
        plan.single("visits/answers", [given], house)
    assert message in str(error.value)


def test_parameters_are_read_with_type_default_and_meaning(house):
    notebook = json.loads(Path("notebooks/visits/answers.ipynb").read_text())
    known = parameters.read(notebook, "answers")
    assert list(known) == ["data", "threshold", "min_n", "focus", "items", "where", "language"]
    assert known["threshold"] == parameters.Parameter(
        "threshold", "float", 3.5, "score from which a visit passes, points, 0 to 5"
    )
    assert known["language"].choices == ("en", "zh")
    assert known["items"].default == []


def test_papermill_reads_the_same_parameters_from_our_notebooks(root, monkeypatch):
    monkeypatch.chdir(root)
    from papermill import inspect_notebook

    for name, path in plan.notebooks().items():
        ours = parameters.read(parameters.load(path), name)
        theirs = inspect_notebook(str(path))
        assert list(ours) == list(theirs), name
        assert [p.annotation.replace(" ", "") for p in ours.values()] == [
            t["inferred_type_name"].replace(" ", "") for t in theirs.values()
        ], name


@pytest.mark.parametrize("text", ["not json", "[1]", "{}", '{"nbformat": 4, "cells": [{}]}', '{"nbformat": 4}'])
def test_a_name_that_is_no_notebook_is_refused(house, text):
    (house / "notes.ipynb").write_text(text)
    with pytest.raises(InputError, match="is not a Jupyter notebook"):
        plan.single("notes.ipynb", [], house)


def test_a_glance_sees_what_nbformat_reads(root):
    for path in plan.notebooks(root).values():
        seen, read = parameters.glance(path), parameters.load(path)
        keys = ("cell_type", "source", "metadata")
        assert [[c[k] for k in keys] for c in seen["cells"]] == [[c[k] for k in keys] for c in read["cells"]]


def test_planning_imports_no_nbformat(house):
    code = "import sys; from cxresearch import cli; cli.app(['build', '--dry-run'], standalone_mode=False)"
    code += "; print('nbformat' in sys.modules, 'pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "False False"


def test_chinese_values_make_readable_names():
    assert plan.slug("touchpoints/benchmark", {"focus": "阳光花园", "language": "zh"}).endswith("--阳光花园--zh")


def test_a_long_chinese_name_fits_a_file_system():
    names = {plan.slug("touchpoints/benchmark", {"focus": "阳" * 60, "area": "光" * 60, "n": n}) for n in range(3)}
    assert len(names) == 3
    assert all(len(f".{name}.ipynb.1234567".encode()) < 255 for name in names)


def test_a_file_to_be_written_need_not_be_there():
    told = parameters.Parameter("export", "str", "x.csv", "file to write")
    assert not told.is_table
    assert parameters.Parameter("labels", "str", "", "table with readable names").is_table


def test_values_that_give_one_file_name_are_set_apart(batch):
    reports = plan.read(batch('[[report]]\nnotebook = "visits/answers"\nmatrix = { focus = ["A&B", "A B"] }'))
    names = [r.name for r in reports]
    assert len(set(names)) == 2
    assert all(name.startswith("visits-answers--a-b-") for name in names)


def test_the_default_batch_resolves(root, monkeypatch):
    monkeypatch.chdir(root)
    reports = plan.read(root / "reports.toml")
    assert {r.title for r in reports} == set(plan.notebooks())
    assert {r.parameters["language"] for r in reports} == {"en", "zh"}
