"""``index.html``: all reports of a folder on one page, to search and to filter, and the ledger of claims."""

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from cxresearch.batch import publish
from cxresearch.batch.document import document
from cxresearch.batch.findings import EVIDENCE, VERDICTS, known_claims, stored
from cxresearch.batch.run import write

STYLE = Path(__file__).with_name("gallery.css")
SCRIPT = Path(__file__).with_name("gallery.js")
THUMBNAILS = "figures"


@dataclass(frozen=True)
class Entry:
    """What the gallery says of one report."""

    name: str
    title: str
    question: str
    notebook: str
    language: str
    parameters: dict[str, Any]
    error: str
    seconds: float
    thumbnail: str
    findings: list[dict[str, Any]]


def write_index(out: Path, names: Iterable[str]) -> Path:
    """Write the gallery of the named reports, those that have been made.

    Parameters
    ----------
    out : Path
        Folder of the reports.
    names : iterable of str
        Reports in the order to show them.

    Returns
    -------
    Path
        The page.
    """
    entries = [_entry(out, name) for name in names if (out / f"{name}.ipynb").is_file()]
    index = out / "index.html"
    write(index, _page(entries))
    return index


def _entry(out: Path, name: str) -> Entry:
    notebook = json.loads((out / f"{name}.ipynb").read_text(encoding="utf-8"))
    made = notebook["metadata"]["cxresearch"]
    image, thumbnail = publish.key_figure(notebook), ""
    if image:
        thumbnail = f"{THUMBNAILS}/{name}.png"
        (out / THUMBNAILS).mkdir(exist_ok=True)
        write(out / thumbnail, base64.b64decode(image))
    language = made["language"]
    return Entry(
        name=name,
        title=publish.title(notebook, language) or made["title"],
        question=publish.question(notebook, language),
        notebook=made["title"],
        language=language,
        parameters={k: v for k, v in made["parameters"].items() if k != "language"},
        error=made["error"],
        seconds=made["seconds"],
        thumbnail=thumbnail,
        findings=stored(notebook),
    )


def _page(entries: list[Entry]) -> str:
    script = SCRIPT.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    failed = sum(bool(e.error) for e in entries)
    body = "\n".join(
        (
            "<h1>Reports <span>报告</span></h1>",
            f'<p id="count">{len(entries)} reports{f", {failed} failed" if failed else ""}</p>',
            _controls(entries),
            '<ul id="reports">',
            *(_card(e) for e in entries),
            "</ul>",
            '<p id="nothing" hidden>No report matches. 没有符合条件的报告。</p>',
            _ledger(entries),
            f"<script>{script}</script>",
        )
    )
    # only this very script may run
    policy = f"img-src 'self' file: data:; script-src 'sha256-{digest}'"
    return document(body, title="Reports · 报告", css=STYLE, language="en", policy=policy)


def _controls(entries: list[Entry]) -> str:
    def select(name: str, label: str, values: Iterable[str]) -> str:
        options = "".join(f'<option value="{escape(v)}">{escape(v)}</option>' for v in sorted(set(values)))
        return f'<label>{label} <select id="{name}"><option value="">all · 全部</option>{options}</select></label>'

    return (
        '<form id="controls"><label>Search · 搜索 <input id="search" type="search" autocomplete="off"></label>'
        + select("notebook", "Study · 研究", (e.notebook for e in entries))
        + select("language", "Language · 语言", (e.language for e in entries))
        + "</form>"
    )


def _card(entry: Entry) -> str:
    detail = " · ".join(f"{k} = {v}" for k, v in entry.parameters.items())
    words = " ".join((entry.title, entry.question, entry.notebook, detail)).lower()
    # beyond the first screen a figure is fetched only when it is scrolled to
    image = f'<img src="{escape(entry.thumbnail)}" alt="" loading="lazy">' if entry.thumbnail else ""
    simulated = any(f["evidence"] == "simulated" for f in entry.findings)
    badges = [("failed", "failed · 失败")] if entry.error else []
    badges += [("simulated", "simulated data · 模拟数据")] if simulated else []
    return (
        f'<li class="card" data-notebook="{escape(entry.notebook)}" data-language="{entry.language}" '
        f'data-words="{escape(words)}" lang="{entry.language}">'
        f'<a href="{escape(entry.name)}.html">{image}<h2>{escape(entry.title)}</h2></a>'
        + (f'<p class="detail">{escape(detail)}</p>' if detail else "")
        + "".join(f'<p class="badge {kind}">{text}</p>' for kind, text in badges)
        + f'<p>{escape(entry.error or entry.question)}</p><p class="meta">{escape(entry.notebook)} · '
        f"{entry.language} · {entry.seconds:.0f} s</p></li>"
    )


def _ledger(entries: list[Entry]) -> str:
    """Claim by claim, what each report said of it and on what evidence."""
    known = known_claims()
    answers: dict[str, list[str]] = {}
    for entry in entries:
        for found in entry.findings:
            for claim, verdict in found["claims"].items():
                link = f'<a href="{escape(entry.name)}.html">{escape(entry.name)}</a>'
                said = f"{VERDICTS[verdict]} · {VERDICTS[verdict]('zh')} ({EVIDENCE[found['evidence']]})"
                answers.setdefault(claim, []).append(f"<li>{said}: {link}</li>")
    if not answers:
        return ""
    rows = "".join(
        f"<tr><th>{escape(claim)}</th><td>{escape(known.get(claim, {}).get('english', ''))}<br>"
        f'<span lang="zh">{escape(known.get(claim, {}).get("chinese", ""))}</span></td>'
        f"<td><ul>{''.join(answers[claim])}</ul></td></tr>"
        for claim in sorted(answers)
    )
    return f'<section id="ledger"><h2>Claims · 论断</h2><table>{rows}</table></section>'
