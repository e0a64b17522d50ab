"""What a cell shows, made safe to send on: text in the data stays text, whatever it looks like."""

import re
from functools import cache
from typing import Any

_TAGS = re.findall(
    r"\w+",
    """a abbr b blockquote br caption center code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4
    h5 h6 hr i img ins kbd li ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u
    ul var""",
)
_EVERYWHERE = {"align", "class", "colspan", "dir", "id", "lang", "rowspan", "style", "title", "valign"}
_ONLY_ON = {
    "a": {"href"}, "img": {"src", "alt", "width", "height"}, "table": {"border"}, "details": {"open"}, "ol": {"start"},
}  # fmt: skip
_NEVER = ("application/javascript", "text/javascript")
# style sheets, which pandas writes before its tables, are let through where they load nothing
_STYLE = re.compile(r"(<style[^<>]*>(?:(?!@import|url\()[^<])*</style>)", flags=re.IGNORECASE)


def outputs(cell: Any) -> None:
    """Clean the outputs of a code cell, in place: no script, no handler, no frame, no address that runs code."""
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        for kind in _NEVER:
            data.pop(kind, None)
        if "text/html" in data:
            data["text/html"] = html("".join(data["text/html"]))


def html(source: str) -> str:
    """Return HTML in which only harmless tags and attributes are left; the rest shows as text.

    Examples
    --------
    >>> html('<p class="x" onclick="run()">Hall <script>alert(1)</script></p>')
    '<p class="x">Hall &lt;script&gt;alert(1)&lt;/script&gt;</p>'
    """
    return "".join(
        part if _STYLE.fullmatch(part) else _sanitizer().sanitize_html_tags(part) for part in _STYLE.split(source)
    )


@cache
def _sanitizer() -> Any:
    from nbconvert.preprocessors.sanitize import SanitizeHTML

    make: Any = SanitizeHTML  # traitlets declare no argument types
    return make(tags=_TAGS, attributes=_allowed)


def _allowed(tag: str, name: str, value: str) -> bool:
    if (tag, name) == ("img", "src"):
        return value.startswith("data:image/")
    return name in _EVERYWHERE or name in _ONLY_ON.get(tag, ())
