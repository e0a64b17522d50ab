"""The folder of reports: what lies in it, and how it gets there whole.

A report is a notebook, a page, a small picture and a record: a JSON file with what programs want to know
(parameters, findings, what was read, the digest). The record is taken away before the others are replaced and
put back last, so that whatever has a record is complete, however a build ended.
"""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxresearch import mime
from cxresearch.batch import execute, parameters, publish
from cxresearch.batch.findings import stored
from cxresearch.checks import InputError

RECORDS = "records"
FIGURES = "figures"

Record = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """A report as a worker hands it over: file name → content, and the record."""

    files: dict[str, bytes]
    record: Record


def write(path: Path, content: str | bytes) -> None:
    """Write a file so that readers see the old one or the new one, never half of it.

    Raises
    ------
    InputError
        If it cannot be written: the disk is full, or the folder is closed to us.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{path.name} cannot be written to {path.parent.name}/: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def prepare(out: Path) -> None:
    """Make the folder, and remove what killed builds have left half-written.

    Raises
    ------
    InputError
        If there can be no such folder.
    """
    try:
        for folder in (out, out / RECORDS, out / FIGURES):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out.name}/ cannot be made: {error.strerror}") from None
    for folder in (out, out / RECORDS, out / FIGURES):
        for path in folder.glob(".*.*"):
            pid = path.suffix[1:]
            if pid.isdigit() and not execute.alive(int(pid)):
                path.unlink(missing_ok=True)
    execute.sweep()


def put(out: Path, made: Made) -> None:
    """Place a report in the folder."""
    name = made.record["name"]
    place = out / RECORDS / f"{name}.json"
    place.unlink(missing_ok=True)
    for file, content in made.files.items():
        write(out / file, content)
    sizes = {file: len(content) for file, content in made.files.items()}
    write(place, json.dumps({**made.record, "files": sizes}, ensure_ascii=False, indent=1) + "\n")


def record(out: Path, name: str) -> Record | None:
    """Return a report's record, or None if there is no whole report of that name."""
    try:
        found = json.loads((out / RECORDS / f"{name}.json").read_text(encoding="utf-8"))
        whole = all((out / file).stat().st_size == size for file, size in found["files"].items())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return found if whole else None


def describe(notebook: Any, name: str) -> Record:
    """Return the record of an executed notebook, as far as the notebook itself tells.

    Parameters
    ----------
    notebook : mapping
        Run by `batch.run`, or by papermill alone.
    name : str
        The report's name.
    """
    metadata = notebook["metadata"]
    made = metadata.get("cxresearch", {})
    given = made.get("parameters", metadata.get("papermill", {}).get("parameters", {}))
    language = made.get("language", given.get("language", "en"))
    return {
        "name": name,
        "notebook": made.get("title", name),
        "heading": publish.title(notebook, language),
        "question": publish.question(notebook, language),
        "language": language,
        "parameters": dict(given),
        "defaults": _defaults(notebook),
        "error": made.get("error", ""),
        "seconds": made.get("seconds", metadata.get("papermill", {}).get("duration")),
        "version": made.get("version", ""),
        "inputs": stored(notebook, mime.INPUT),
        "findings": stored(notebook),
    }


def _defaults(notebook: Any) -> dict[str, Any]:
    try:
        return {p.name: p.default for p in parameters.read(notebook, "").values()}
    except InputError:  # it takes no parameters
        return {}


def thumbnail(notebook: Any) -> bytes | None:
    """Return the report's key figure as PNG."""
    image = publish.key_figure(notebook)
    return base64.b64decode(image) if image else None
