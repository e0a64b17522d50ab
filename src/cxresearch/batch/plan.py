"""From ``reports.toml`` to a list of reports; what can be refused is refused here, before a kernel starts."""

import itertools
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from cxresearch import project
from cxresearch.batch import parameters
from cxresearch.batch.lines import Lines
from cxresearch.checks import InputError, listed, nearest

_KEYS = ("notebook", "name", "parameters", "matrix", "exclude")
_LONGEST = 150  # bytes of a report's name: file systems allow 255, and endings are added


@dataclass(frozen=True)
class Report:
    """One report to make.

    Parameters
    ----------
    name : str
        File name of its outputs, without ending.
    notebook : Path
        The notebook to run.
    title : str
        The notebook's name as it is listed: ``touchpoints/benchmark``, or a path.
    parameters : dict
        The values that differ from the notebook's defaults; checked.
    """

    name: str
    notebook: Path
    title: str
    parameters: dict[str, Any]


def notebooks(root: Path | None = None) -> dict[str, Path]:
    """Return the project's notebooks by name, such as ``touchpoints/benchmark``, in their order."""
    folder = (root or project.root()) / "notebooks"
    found = sorted(p for p in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
    return {p.relative_to(folder).with_suffix("").as_posix(): p for p in found}


def find(name: str, base: Path) -> tuple[str, Path]:
    """Find a notebook by its name below ``notebooks/``, or by a path to any .ipynb.

    Parameters
    ----------
    name : str
        ``touchpoints/benchmark``, or a path, relative to `base`.
    base : Path
        Where a relative path starts.

    Raises
    ------
    InputError
        If there is none; the nearest known name is given.
    """
    known = notebooks()
    path = base / name
    if name in known:
        return name, known[name]
    if path.suffix == ".ipynb" and path.is_file():
        listed_as = {p.resolve(): n for n, p in known.items()}
        return listed_as.get(path.resolve(), project.relative(path)), path
    raise InputError(f"notebook {name!r} is not known{nearest(name, known)}; there are {listed(known, 30)}")


def read(path: Path) -> list[Report]:
    """Read a batch and resolve every report in it.

    Parameters
    ----------
    path : Path
        A ``reports.toml``. Each ``[[report]]`` names a notebook, fixed ``parameters`` and a ``matrix``
        (parameter → list of values) whose product gives one report each, without the combinations that
        a table of the list ``exclude`` fits; ``name`` replaces the notebook's name in the names of the
        outputs. Relative paths are relative to the file.

    Returns
    -------
    list of Report
        In the file's order.

    Raises
    ------
    InputError
        If anything in it cannot be used; all problems are told at once, each with file and line.
    """
    path = path.resolve()
    text, entries = _entries(path)
    lines = Lines(text)
    reports, problems = [], []
    places: dict[str, int] = {}  # name of a report → line of the table it comes from
    for number, entry in enumerate(entries):
        line = partial(lines.of, number)
        made, wrong = _resolve(entry, path.parent)
        problems += [f"{path.name}:{line(key)}: {sentence}" for key, sentence in wrong]
        for report in made:
            if report.name in places:
                problems.append(
                    f"{path.name}:{line()}: two reports are named {report.name!r}, the other one on line "
                    f'{places[report.name]}; drop one, or give it another name = "…"'
                )
            places[report.name] = line()
        reports += made
    if problems:
        raise InputError("\n".join(problems))
    return reports


def _entries(path: Path) -> tuple[str, list[dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
    except FileNotFoundError:
        raise InputError(f"{path.name}: there is no such file; a batch is a TOML file with [[report]] tables") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path.name} is not a TOML file: {error}") from None
    entries = content.get("report", [])
    if unknown := [key for key in content if key != "report"]:
        raise InputError(f"{path.name}: unknown key {unknown[0]!r}; a batch is a list of [[report]] tables")
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise InputError(f"{path.name}: write each report as a [[report]] table, with two brackets")
    if not entries:
        raise InputError(f"{path.name} lists no report; add a [[report]] table with a notebook")
    return text, entries


_Problems = list[tuple[str, str]]  # the key at fault, and a sentence


def _resolve(entry: dict[str, Any], base: Path) -> tuple[list[Report], _Problems]:
    """Return an entry's reports, and what is wrong with it."""
    if problems := _misshapen(entry):
        return [], problems
    fixed, matrix = entry.get("parameters", {}), entry.get("matrix", {})
    try:
        title, path = find(entry["notebook"], base)
        known = _parameters(path, title)
    except InputError as error:
        return [], [("notebook", str(error))]
    reports: list[Report] = []
    for combination in itertools.product(*matrix.values()):
        varied = dict(zip(matrix, combination, strict=True))
        if any(all(varied[key] == value for key, value in table.items()) for table in entry.get("exclude", [])):
            continue
        values, wrong = parameters.resolve(known, {**fixed, **varied})
        wrong += _missing(known, values, base)
        problems += [(key, f"{title}: {sentence}") for key, sentence in wrong]
        reports.append(Report(slug(entry.get("name", title), varied), path, title, anchored(values, base)))
    if not reports:
        problems.append(("exclude", "exclude leaves no report"))
    if any(r.name in {"", "index"} for r in reports):
        problems.append(("name", f"no report can be named {entry.get('name', title)!r}; choose another name"))
    return _apart(reports), list(dict.fromkeys(problems))


def _misshapen(entry: dict[str, Any]) -> _Problems:
    """Tell what is wrong with the shape of an entry, before any value is looked at."""
    problems = [
        (key, f"unknown key {key!r}{nearest(key, _KEYS)}; a report takes {listed(_KEYS)}")
        for key in entry
        if key not in _KEYS
    ]
    if not isinstance(entry.get("notebook"), str) or not entry["notebook"]:
        problems.append(("notebook", 'notebook must be a text, for example notebook = "touchpoints/benchmark"'))
    if not isinstance(entry.get("name", ""), str):
        problems.append(("name", 'name must be a text, for example name = "stores"'))
    fixed, matrix, exclude = entry.get("parameters", {}), entry.get("matrix", {}), entry.get("exclude", [])
    for key, value in (("parameters", fixed), ("matrix", matrix)):
        if not isinstance(value, dict):
            problems.append((key, "parameters and matrix are tables, for example parameters = { min_n = 30 }"))
    if not isinstance(exclude, list) or not all(isinstance(table, dict) and table for table in exclude):
        problems.append(("exclude", 'exclude is a list of tables, for example exclude = [{ region = "north" }]'))
    return problems or _unfit(fixed, matrix, exclude)


def _unfit(fixed: dict[str, Any], matrix: dict[str, Any], exclude: list[dict[str, Any]]) -> _Problems:
    """Tell what in the matrix and what it leaves out cannot be."""
    problems = []
    for key, values in matrix.items():
        if not isinstance(values, list) or not values:
            problems.append((key, f"matrix.{key} must be a list of values, for example {key} = [1, 2]"))
        elif key in fixed:
            problems.append((key, f"{key!r} stands both in parameters and in matrix; keep one"))
    for key, value in (pair for table in exclude for pair in table.items()):
        if key not in matrix:
            problems.append(("exclude", f"exclude: {key!r} is not in the matrix{nearest(key, matrix)}"))
        elif isinstance(matrix[key], list) and value not in matrix[key]:
            problems.append(("exclude", f"exclude: {value!r} is not among the values of {key}: {listed(matrix[key])}"))
    return problems


def _apart(reports: list[Report]) -> list[Report]:
    """Set apart values of one matrix that give one file name (``A&B`` and ``A B``)."""
    counts = Counter(r.name for r in reports)
    return [
        replace(r, name=f"{r.name}-{_short_hash((r.title, r.parameters))}") if counts[r.name] > 1 else r
        for r in reports
    ]


def _short_hash(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()[:6]


def _parameters(path: Path, title: str) -> dict[str, parameters.Parameter]:
    return _read_parameters(path, title, path.stat().st_mtime_ns)


@cache
def _read_parameters(path: Path, title: str, _time: int) -> dict[str, parameters.Parameter]:
    return parameters.read(parameters.glance(path), title)


def single(name: str, given: Iterable[str], base: Path) -> Report:
    """Resolve one report asked for on the command line.

    Parameters
    ----------
    name : str
        A notebook.
    given : iterable of str
        ``name=value`` texts.
    base : Path
        Where relative paths start: the folder the command was given in.

    Raises
    ------
    InputError
        If the notebook, a parameter or a value is not known, or a file is not there.
    """
    title, path = find(name, base)
    pairs = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"-p {text!r}: write name=value, for example -p language=zh")
        pairs[key.strip()] = value
    known = _parameters(path, title)
    values, problems = parameters.resolve(known, pairs, typed=True)
    if problems := [*problems, *_missing(known, values, base)]:
        raise InputError("\n".join(f"{title}: {sentence}" for _, sentence in problems))
    return Report(slug(title, values), path, title, anchored(values, base))


def _missing(known: Mapping[str, parameters.Parameter], values: Mapping[str, Any], base: Path) -> _Problems:
    """Tell which values name a table to read that is not there."""
    problems = []
    for key, value in values.items():
        if known[key].is_table and isinstance(value, str) and parameters.TABLE.search(value):
            found = [place for place in (base, project.root()) if _is_file(place / value)]
            if not found:
                folder = (base / value).parent
                near = nearest(Path(value).name, [p.name for p in folder.iterdir()] if folder.is_dir() else [])
                problems.append((key, f"{key}={value!r}: there is no such file{near}"))
    return problems


def _is_file(path: Path) -> bool:
    try:
        return path.expanduser().is_file()
    except (OSError, RuntimeError, ValueError):  # too long, of an unknown user, or with a zero byte
        return False


def anchored(values: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Write file names so that the project root finds them: a text that names a file below `base` becomes its path."""

    def anchor(value: Any) -> Any:
        if not isinstance(value, str) or not Path(value).suffix or not _is_file(base / value):
            return value
        path = (base / value).resolve()
        try:
            return path.relative_to(project.root()).as_posix()
        except ValueError:
            return str(path)

    return {key: anchor(value) for key, value in values.items()}


def slug(title: str, varied: Mapping[str, Any]) -> str:
    """Make a file name of a notebook's name and the values that set its reports apart.

    Examples
    --------
    >>> slug("touchpoints/benchmark", {"focus": "Saad Hospice", "language": "zh"})
    'touchpoints-benchmark--saad-hospice--zh'
    """
    parts = [title.removesuffix(".ipynb"), *(str(value) for value in varied.values())]
    words = (re.sub(r"[^\w.]+", "-", unicodedata.normalize("NFKC", part).lower()).strip("-.") for part in parts)
    name = "--".join(word[:60] for word in words if word)
    if len(name.encode()) <= _LONGEST:
        return name
    return f"{name.encode()[:_LONGEST].decode(errors='ignore').strip('-.')}-{_short_hash(parts)}"
