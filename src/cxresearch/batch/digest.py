"""What a report depends on, as hashes; and why it has to be made again.

A report depends on its notebook (cells, not their outputs), its parameters, the package's code, the packages
that are installed and locked, how its page is to look, and its data: the files that parameters name, and what
``cx.read`` recorded in the notebook when it ran.
"""

import hashlib
import json
import sysconfig
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cxresearch
from cxresearch.batch import parameters
from cxresearch.batch.plan import Report

_PACKAGE = Path(cxresearch.__file__).parent
_CHANGED = {
    "notebook": "its notebook has changed",
    "parameters": "its parameters have changed",
    "code": "the code has changed",
    "packages": "the installed packages have changed",
    "page": "its page is to look different",
}


class Digests:
    """The digests of reports at one moment: a file that many of them read is looked at once.

    Parameters
    ----------
    root : Path
        The project.
    show_code : bool
        Whether pages show the code.
    """

    def __init__(self, root: Path, *, show_code: bool) -> None:
        self._root = root
        self._same = {"code": _code(), "packages": _packages(root), "page": "code shown" if show_code else ""}
        self._seen: dict[str, str] = {}

    def of(self, report: Report) -> dict[str, Any]:
        """Return a hash of each part a report depends on; under ``data``, of each file that a parameter names."""
        notebook, defaults = _notebook(report.notebook, report.notebook.stat().st_mtime_ns)
        values = {**defaults, **report.parameters}
        return self._same | {
            "notebook": notebook,
            "parameters": _hash(json.dumps(report.parameters, sort_keys=True, default=str)),
            "data": {name: found for name, value in sorted(values.items()) if (found := self._content(value))},
        }

    def why(self, record: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str:
        """Say why a report has to be made; an empty text if it is as it would be made now.

        Parameters
        ----------
        record : mapping or None
            What `shelf.record` has of the report.
        now : mapping
            Its digest at this moment.
        """
        if record is None:
            return "new"
        if record["error"]:
            return f"failed before: {record['error']}"
        then = record.get("digest", {})
        for part, sentence in _CHANGED.items():
            if then.get(part) != now[part]:
                return sentence
        old, new = then.get("data", {}), now["data"]
        if old != new:
            return f"its data have changed ({', '.join(n for n in {**old, **new} if old.get(n) != new.get(n))})"
        return next(filter(None, (self._other_now(read, new) for read in record["inputs"])), "")

    def _other_now(self, read: Mapping[str, Any], named: Mapping[str, str]) -> str:
        """Say whether an input that ``cx.read`` recorded is another one now."""
        source, kind = read["source"], read["kind"]
        if kind == "sql":
            return f"a database may always have changed ({source})"
        if kind in ("open", "simulated"):
            return ""  # they come with the packages and the code
        places = [source]
        if kind == "facts":
            places = [str(folder / f"{source}.csv") for folder in (_PACKAGE.parents[1] / "data", self._root / "data")]
        found = next(filter(None, map(self._content, places)), "")
        if not found and read["sha256"] in named.values():
            return ""  # a file outside the project, which a parameter names
        if not found:
            return f"its data cannot be found again ({source})"
        return "" if found == read["sha256"] else f"its data have changed ({source})"

    def _content(self, value: Any) -> str:
        """Hash the file that a value names, or the list of a folder's files; an empty text where it names none."""
        if isinstance(value, list):
            found = [self._content(item) for item in value]
            return _hash("".join(found)) if any(found) else ""
        if not isinstance(value, str) or not value or len(value) > 1000 or "\0" in value:
            return ""
        if value not in self._seen:
            self._seen[value] = _of_path(self._root / value)
        return self._seen[value]


def _hash(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


@cache
def _notebook(path: Path, _time: int) -> tuple[str, dict[str, Any]]:
    """Return the hash of a notebook's cells, and the defaults of its parameters."""
    notebook = parameters.glance(path)
    cells = [
        (c["cell_type"], c["source"], c["metadata"].get("tags", []), c.get("attachments", {}))
        for c in notebook["cells"]
    ]
    defaults = {p.name: p.default for p in parameters.read(notebook, path.name).values()}
    return _hash(json.dumps(cells)), defaults


@cache
def _code() -> str:
    """Hash the package: code, style sheets, and the facts that come with it."""
    files = [p for p in _PACKAGE.rglob("*") if p.suffix in {".py", ".css", ".js"}]
    facts = _PACKAGE.parents[1] / "data"
    if (facts / "published").is_dir():
        files += [facts / "claims.csv", *(facts / "published").glob("*.json")]
    return _hash(b"".join(str(p.name).encode() + p.read_bytes() for p in sorted(files)))


@cache
def _packages(root: Path) -> str:
    """Hash the lock, and the names and versions of what is installed."""
    lock = root / "requirements.lock"
    installed = sorted(p.name for p in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    return _hash(" ".join(installed).encode() + (lock.read_bytes() if lock.is_file() else b""))


def _of_path(path: Path) -> str:
    try:
        if path.is_dir():
            return _hash("\n".join(sorted(p.name for p in path.iterdir())))
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
