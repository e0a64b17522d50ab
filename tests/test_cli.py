"""The command line: what it prints and the exit codes it gives."""

import subprocess
import sys
from pathlib import Path

import pytest

CXRESEARCH = [str(Path(sys.executable).with_name("cxresearch"))]


def call(*arguments, folder):
    return subprocess.run([*CXRESEARCH, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def refused(done, *words):
    """Exit code 2, one or two lines, no traceback."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2
    for word in words:
        assert word in done.stderr


def test_help_lists_the_commands(root):
    done = call("--help", folder=root)
    assert done.returncode == 0
    for command in ("list", "run", "build", "findings", "check"):
        assert f"\n  {command} " in done.stdout


def test_list_tells_questions_and_parameters(root):
    done = call("list", folder=root / "notebooks")
    assert done.returncode == 0, done.stderr
    assert "touchpoints/benchmark" in done.stdout
    assert "language: str = 'en'" in done.stdout
    assert "?" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "touchpoints/benchmark", "-p", "min_m=5"), ("min_m", "min_n")),
        (("run", "touchpoints/benchmrk"), ("did you mean 'touchpoints/benchmark'",)),
        (("run", "touchpoints/benchmark", "-p", "language=fr"), ("one of en, zh",)),
        (("build", "nowhere.toml"), ("nowhere.toml", "no such file")),
        (("build", "--only", "*nothing*"), ("fits no report",)),
        (("build", "--out", "README.md"), ("README.md/ cannot be made",)),
        (("run", "touchpoints/benchmark", "-p", "data=visits.csv"), ("data='visits.csv': there is no such file",)),
        (("findings", "docs"), ("docs/ holds no report",)),
        (("check", "nowhere.csv", "--schema", "panel"), ("nowhere.csv",)),
        (("check", "README.md", "--schema", "panell"), ("panel",)),
    ],
)
def test_bad_input_exits_2_in_a_line_or_two(root, arguments, words):
    refused(call(*arguments, folder=root), *words)


def test_run_on_ones_own_csv_with_other_column_names(root, tmp_path):
    rows = ["店,题目,得分率,人数"]
    for i in range(12):
        rows += [f"门店{i},接待,{60 + 3 * i},{100 + i}", f"门店{i},环境,90,{80 + i}"]
    (tmp_path / "my.csv").write_text("\n".join(rows), encoding="gb18030")
    given = {
        "data": "my.csv", "unit": "店", "touchpoint": "题目", "score": "得分率", "n": "人数",
        "where": "{}", "labels": "", "focus": "门店3", "language": "zh",
    }  # fmt: skip
    options = [part for name, value in given.items() for part in ("-p", f"{name}={value}")]
    # my.csv lies outside the project, and no file of that name in it
    refused(call("run", "touchpoints/benchmark", *options, folder=root), "data='my.csv': there is no such file")
    given["data"] = str(tmp_path / "my.csv")
    options = [part for name, value in given.items() for part in ("-p", f"{name}={value}")]
    done = call("run", "touchpoints/benchmark", *options, "--out", str(tmp_path / "out"), folder=root)
    assert done.returncode == 0, done.stdout
    (page,) = (tmp_path / "out").glob("*.html")
    text = page.read_text(encoding="utf-8")
    assert "门店3" in text
    assert str(tmp_path) not in text


def test_a_focus_matrix_gives_one_report_per_unit_and_a_failure_exits_1(root, tmp_path):
    (tmp_path / "batch.toml").write_text(
        '[[report]]\nnotebook = "touchpoints/benchmark"\n'
        'matrix = { focus = ["Saad Hospice Services", "Cullman Regional Hospice", "Nobody"] }\n'
    )
    out = ("--out", str(tmp_path / "out"))
    done = call("build", str(tmp_path / "batch.toml"), *out, "--dry-run", folder=root)
    assert done.returncode == 0
    assert "3 reports would be made, 0 are unchanged" in done.stdout
    assert not (tmp_path / "out").exists()
    done = call("build", str(tmp_path / "batch.toml"), *out, folder=root)
    assert done.returncode == 1
    assert "2 reports made, 1 failed" in done.stdout
    assert len(list((tmp_path / "out").glob("*.html"))) == 4
    assert "Nobody" in (tmp_path / "out" / "touchpoints-benchmark--nobody.html").read_text()
    assert "Saad" in (tmp_path / "out" / "touchpoints-benchmark--saad-hospice-services.html").read_text()
    done = call("findings", str(tmp_path / "out"), "--to", str(tmp_path / "findings.csv"), folder=root)
    assert done.returncode == 0
    assert "3 reports: " in done.stdout
    assert ", 1 failures: " in done.stdout
