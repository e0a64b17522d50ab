"""A small project of its own for each test, with notebooks whose names say what they do."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = """\
data: str = "scores.csv"  # file to read
threshold: float = 3.5  # score from which a visit passes, points, 0 to 5
min_n: int = 30  # smallest cell shown, answers
focus: str = ""  # unit this report is for
items: list[str] = []  # columns to read
where: dict[str, object] = {}  # column -> value or list of values
language: str = "en"  # language of the report, one of en, zh
"""

TITLES = [
    ("en", "# Do the visits pass?\n\nHow many visits reach the threshold? Claim X1."),
    ("zh", "# 走访是否合格？\n\n有多少次走访达到门槛？"),
]

ANSWER = """\
import matplotlib.pyplot as plt
print(f"passes from {threshold}, focus {focus!r}")
plt.plot([1, 2]);
"""

BODIES = {
    "answers": [ANSWER],
    "raises": ["1 + 1", "raise ValueError('the third shelf is empty')"],
    "dies": ["import os; os._exit(3)"],
    "killed": ["import os; os.kill(os.getpid(), 9)"],
    "fills_memory": ["import resource as r; r.setrlimit(r.RLIMIT_AS, (2**30, 2**30)); x = bytearray(2**31)"],
    "sleeps": ["import time; time.sleep(float(threshold))"],
    "reads": ["import cxresearch as cx; frame = cx.read(data); second = cx.read('second.csv')"],
    "quick": ["print(threshold, focus)"],
    "hostile": [
        "import pandas as pd\npd.DataFrame({'unit': [focus], 'score': [1]})",
        "from IPython.display import HTML, Markdown, display\n"
        'display(HTML(f\'<p onclick="x()">{focus}</p><a href="javascript:alert(2)">here</a>\'))\n'
        "display(Markdown(f'*so* {focus}'))",
    ],
}


def notebook(body: list[str]) -> nbformat.NotebookNode:
    cells = [new_markdown_cell(text, metadata={"tags": [f"lang-{language}"]}) for language, text in TITLES]
    cells.append(new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}))
    cells.append(new_markdown_cell("The share is $p = k / n$.\n\n$$p = \\frac{k}{n}$$", metadata={"tags": ["lang-en"]}))
    cells.append(new_markdown_cell("Try another threshold.", metadata={"tags": ["lang-en", "exercise"]}))
    cells += [new_code_cell(source, metadata={"tags": ["answer"]}) for source in body]
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": spec, "language_info": {"name": "python"}})


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the notebooks of BODIES under notebooks/visits/."""
    folder = tmp_path / "house" / "notebooks" / "visits"
    folder.mkdir(parents=True)
    for name, body in BODIES.items():
        nbformat.write(notebook(body), folder / f"{name}.ipynb")
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), folder / "no_parameters.ipynb")
    (tmp_path / "house" / "reports.toml").write_text('[[report]]\nnotebook = "visits/answers"\n')
    (tmp_path / "house" / "scores.csv").write_text("unit,score\na,4\n")
    (tmp_path / "house" / "second.csv").write_text("unit,score\nb,3\n")
    monkeypatch.chdir(tmp_path / "house")
    return tmp_path / "house"


@pytest.fixture
def batch(house: Path) -> Callable[[str], Path]:
    """Write a reports.toml and return its path."""

    def write(text: str) -> Path:
        path = house / "reports.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
