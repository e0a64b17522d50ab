"""An executed notebook becomes one page that stands alone: no script, no request, and code only where asked for.

nbconvert does the conversion. What it does not do is done here: one language is kept, the answer moves up
to stand below the title, formulas become MathML, and the page says what it was made from.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from cxresearch import mime
from cxresearch.batch import clean
from cxresearch.batch.document import document
from cxresearch.batch.findings import stored
from cxresearch.language import LANGUAGES, Words, number

STYLE = Path(__file__).with_name("page.css")

SIMULATED = Words(
    "Simulated data: this report shows what the method recovers from data made with a known truth; "
    "it says nothing about real customers.",
    "模拟数据：本报告展示该方法能从真值已知的模拟数据中还原出什么，不代表任何真实客户。",
)
FAILED = Words("This report failed", "本报告运行失败")
MADE_FROM = Words("What this report was made from", "本报告的数据来源与参数")
ROWS = Words("{kept} of {rows} rows", "{rows} 行中的 {kept} 行")


def page(notebook: Any, language: str = "en", *, show_code: bool = False) -> str:
    """Return a notebook as a page.

    Parameters
    ----------
    notebook : NotebookNode
        The executed notebook; its metadata hold what `batch.run` noted under ``cxresearch``.
    language : {"en", "zh"}
        The narrative cells to keep; a notebook with no language tags keeps them all.
    show_code : bool
        Keep the code of the cells.

    Returns
    -------
    str
        HTML.
    """
    made = notebook["metadata"].get("cxresearch", {})
    body, _ = _exporter(language, show_code=show_code).from_notebook_node(_arranged(notebook))
    return document(
        _banner(notebook, made, language) + body + _sources(notebook, made, language),
        title=_with_focus(title(notebook, language), made),
        css=STYLE,
        language=language,
        policy="img-src data:",
    )


def title(notebook: Mapping[str, Any], language: str = "en") -> str:
    """Return the text of the notebook's first H1 in a language."""
    others = {f"lang-{other}" for other in LANGUAGES if other != language}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown" and not others & set(cell["metadata"].get("tags", [])):
            for line in "".join(cell["source"]).splitlines():
                if line.startswith("# "):
                    return line[2:].strip()
    return str(notebook["metadata"].get("cxresearch", {}).get("title", ""))


def question(notebook: Mapping[str, Any], language: str = "en") -> str:
    """Return the paragraph below the notebook's H1: the question it asks."""
    heading = title(notebook, language)
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if heading and text.startswith(f"# {heading}"):
            paragraphs = [p.strip() for p in text.split("\n\n")[1:] if p.strip() and not p.lstrip().startswith("#")]
            return paragraphs[0].replace("*", "") if paragraphs else ""
    return ""


def key_figure(notebook: Mapping[str, Any]) -> str | None:
    """Return the report's key figure, the last image of its answer, as base64 PNG."""
    cells = notebook["cells"]
    for chosen in ([c for c in cells if _tagged(c, "answer")], cells):
        for cell in chosen:
            images = [o["data"]["image/png"] for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
            if images:
                return str(images[-1])
    return None


def _tagged(cell: Mapping[str, Any], tag: str) -> bool:
    return tag in cell["metadata"].get("tags", [])


def _with_focus(heading: str, made: Mapping[str, Any]) -> str:
    focus = made.get("parameters", {}).get("focus")
    return f"{heading} · {focus}" if focus else heading


def _arranged(notebook: Any) -> Any:
    """Return a copy for reading: the answer below the title, no records, no tracebacks."""
    from copy import deepcopy

    arranged = deepcopy(notebook)
    # papermill heads a failed notebook with a notice of its own; the page's banner says it
    cells = [c for c in arranged["cells"] if not _tagged(c, "papermill-error-cell-tag")]
    answers = [c for c in cells if _tagged(c, "answer")]
    rest = [c for c in cells if not _tagged(c, "answer")]
    # the title cells, one per language, are the markdown cells before the first code cell
    first_code = next((i for i, c in enumerate(rest) if c["cell_type"] == "code"), len(rest))
    arranged["cells"] = rest[:first_code] + answers + rest[first_code:]
    for cell in arranged["cells"]:
        # a traceback names folders of the machine it ran on; the notebook keeps it, the page does not
        cell["outputs"] = [
            o
            for o in cell.get("outputs", [])
            if o["output_type"] != "error" and mime.INPUT not in o.get("data", {}) and o.get("name") != "stderr"
        ]
        clean.outputs(cell)
        if cell["cell_type"] != "code":
            del cell["outputs"]
    return arranged


def _exporter(language: str, *, show_code: bool) -> Any:
    from jinja2 import pass_context
    from nbconvert.exporters import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return _mathml(body, "block")

        def inline_math(self, body: str) -> str:
            return _mathml(body, "inline")

    class Exporter(HTMLExporter):
        @pass_context
        def markdown2html(self, context: Any, source: str) -> str:
            cell = context.get("cell", {})
            renderer = Renderer(
                escape=cell.get("cell_type") == "code",  # what a cell shows may come from data: HTML in it is text
                exclude_anchor_links=True,
                attachments=cell.get("attachments", {}),
            )
            return str(MarkdownWithMath(renderer=renderer).render(source))

    drop = {"exercise", *(f"lang-{other}" for other in LANGUAGES if other != language)}
    make: Any = Exporter  # traitlets declare no argument types
    return make(
        template_name="basic",
        exclude_input=not show_code,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        config={"TagRemovePreprocessor": {"enabled": True, "remove_cell_tags": drop}},
    )


def _mathml(source: str, display: str) -> str:
    from latex2mathml.converter import convert

    try:
        return str(convert(source, display=display))
    except Exception:  # whatever it cannot read is shown as it was written
        return f"<code>{escape(source)}</code>"


def _banner(notebook: Any, made: Mapping[str, Any], language: str) -> str:
    if error := made.get("error"):
        return f'<p class="banner failed">{FAILED(language)}: {escape(error)}</p>'
    if any(found["evidence"] == "simulated" for found in stored(notebook)):
        return f'<p class="banner simulated">{SIMULATED(language)}</p>'
    return ""


def _sources(notebook: Any, made: Mapping[str, Any], language: str) -> str:
    """List what was read and which parameters were set: enough to make the report again."""
    lines = []
    for read in stored(notebook, mime.INPUT):
        rows = ROWS(language).format(kept=number(read["kept"], 0), rows=number(read["rows"], 0))
        digest = f"SHA-256 {read['sha256'][:12]}…" if read.get("sha256") else ""
        lines.append(" · ".join(part for part in (read["source"], rows, digest) if part))
    lines.append(
        " · ".join([str(made.get("title", "")), *(f"{k} = {v}" for k, v in made.get("parameters", {}).items())])
    )
    lines.append(f"cxresearch {made['version']}" if "version" in made else "")
    items = "".join(f"<li>{escape(line)}</li>" for line in lines if line)
    return f"<footer><h2>{MADE_FROM(language)}</h2><ul>{items}</ul></footer>" if items else ""
