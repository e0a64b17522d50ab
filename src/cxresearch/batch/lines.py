"""On which line of a batch file something stands: Python's TOML reader does not tell."""

import re

_OPAQUE = re.compile(
    r'"""(?:\\.|[^\\])*?"""' r"|'''.*?'''" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'" r"|#[^\n]*", flags=re.DOTALL
)
_HEADER = re.compile(r"^[ \t]*\[\[\s*report\s*\]\]", flags=re.MULTILINE)


class Lines:
    r"""The places of keys in the text of a batch file.

    Examples
    --------
    >>> lines = Lines('[[report]]\nnotebook = "a"\n[[report]]\nnotebook = "b" # notebook = 3')
    >>> lines.of(0), lines.of(1), lines.of(1, "notebook"), lines.of(1, "matrix")
    (1, 3, 4, 3)
    """

    def __init__(self, text: str) -> None:
        self._text = _OPAQUE.sub(_blank, text)
        starts = [found.start() for found in _HEADER.finditer(self._text)] or [0]
        self._blocks = list(zip(starts, [*starts[1:], len(self._text)], strict=True))

    def of(self, number: int, key: str = "") -> int:
        """Return the line of a key of the report with this number, from 0; the report's first line if it has none."""
        start, end = self._blocks[min(number, len(self._blocks) - 1)]
        name = re.escape(key)
        pattern = rf"(?<![\w-]){name}(?![\w-])\s*=|\[\s*report\s*\.\s*{name}\s*\]"
        found = re.compile(pattern).search(self._text, start, end) if key else None
        if found is None:  # the header, or where the first key stands
            found = re.compile(r"\S").search(self._text, start, end)
        return self._text.count("\n", 0, found.start() if found else start) + 1


def _blank(found: re.Match[str]) -> str:
    """Blank out texts and comments, so that no key is seen in them; a quoted key stays."""
    if re.match(r"\s*=(?!=)", found.string[found.end() : found.end() + 20]) and found.group()[0] in "\"'":
        return f" {found.group()[1:-1]} "
    return re.sub(r"[^\n]", " ", found.group())
