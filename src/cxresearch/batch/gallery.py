"""``index.html``: all reports of a folder on one page, to search and to filter, and the ledger of claims."""

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from pathlib import Path

from cxresearch.batch import shelf
from cxresearch.batch.document import document
from cxresearch.batch.findings import EVIDENCE, VERDICTS, known_claims
from cxresearch.batch.shelf import Record

STYLE = Path(__file__).with_name("gallery.css")
SCRIPT = Path(__file__).with_name("gallery.js")


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
    records = [record for name in names if (record := shelf.record(out, name))]
    index = out / "index.html"
    shelf.write(index, _page(records))
    return index


def _page(records: list[Record]) -> str:
    script = SCRIPT.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    failed = sum(bool(r["error"]) for r in records)
    body = "\n".join(
        (
            "<h1>Reports <span>报告</span></h1>",
            f'<p id="count">{len(records)} reports{f", {failed} failed" if failed else ""}</p>',
            _controls(records),
            '<ul id="reports">',
            *(_card(r) for r in records),
            "</ul>",
            '<p id="nothing" hidden>No report matches. 没有符合条件的报告。</p>',
            _ledger(records),
            f"<script>{script}</script>",
        )
    )
    # only this very script may run
    policy = f"img-src 'self' file: data:; script-src 'sha256-{digest}'"
    return document(body, title="Reports · 报告", css=STYLE, language="en", policy=policy)


def _controls(records: list[Record]) -> str:
    def select(name: str, label: str, values: Iterable[str]) -> str:
        options = "".join(f'<option value="{escape(v)}">{escape(v)}</option>' for v in sorted(set(values)))
        return f'<label>{label} <select id="{name}"><option value="">all · 全部</option>{options}</select></label>'

    return (
        '<form id="controls"><label>Search · 搜索 <input id="search" type="search" autocomplete="off"></label>'
        + select("notebook", "Study · 研究", (r["notebook"] for r in records))
        + select("language", "Language · 语言", (r["language"] for r in records))
        + "</form>"
    )


def _card(record: Record) -> str:
    heading, notebook = record["heading"] or record["notebook"], record["notebook"]
    detail = " · ".join(f"{k} = {v}" for k, v in record["parameters"].items() if k != "language")
    words = " ".join((heading, record["question"], notebook, detail)).lower()
    # beyond the first screen a figure is fetched only when it is scrolled to
    image = f'<img src="{escape(record["figure"])}" alt="" loading="lazy">' if record["figure"] else ""
    simulated = any(f["evidence"] == "simulated" for f in record["findings"])
    badges = [("failed", "failed · 失败")] if record["error"] else []
    badges += [("simulated", "simulated data · 模拟数据")] if simulated else []
    language = escape(record["language"])
    return (
        f'<li class="card" data-notebook="{escape(notebook)}" data-language="{language}" '
        f'data-words="{escape(words)}" lang="{language}">'
        f'<a href="{escape(record["name"])}.html">{image}<h2>{escape(heading)}</h2></a>'
        + (f'<p class="detail">{escape(detail)}</p>' if detail else "")
        + "".join(f'<p class="badge {kind}">{text}</p>' for kind, text in badges)
        + f'<p>{escape(record["error"] or record["question"])}</p><p class="meta">{escape(notebook)} · '
        f"{language} · {record['seconds']:.0f} s</p></li>"
    )


def _ledger(records: list[Record]) -> str:
    """Claim by claim, what each report said of it and on what evidence."""
    known = known_claims()
    answers: dict[str, list[str]] = {}
    for record in records:
        name = escape(record["name"])
        for found in record["findings"]:
            for claim, verdict in found["claims"].items():
                link = f'<a href="{name}.html">{name}</a>'
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
