"""From ``reports.toml`` to a list of reports; what can be refused is refused here, before a kernel starts."""

import itertools
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from cxresearch import project
from cxresearch.batch import parameters
from cxresearch.checks import InputError, listed, nearest

_KEYS = ("notebook", "name", "parameters", "matrix")


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
        (parameter → list of values) whose product gives one report each; ``name`` replaces the notebook's
        name in the names of the outputs. Relative paths are relative to the file.

    Returns
    -------
    list of Report
        In the file's order.

    Raises
    ------
    InputError
        If anything in it cannot be used; all problems are told at once.
    """
    path = path.resolve()
    reports, problems = [], []
    for number, entry in enumerate(_entries(path), start=1):
        where = f"{path.name}, report {number}"
        try:
            reports += _resolve(entry, path.parent, where)
        except InputError as error:
            problems.append(str(error))
    reports, same = _apart(reports)
    problems += [f"{path.name}: two reports are named {n!r} and have the same parameters; drop one" for n in same]
    if problems:
        raise InputError("\n".join(problems))
    return reports


def _apart(reports: list[Report]) -> tuple[list[Report], list[str]]:
    """Set apart reports whose values give one file name (``A&B`` and ``A B``); return also names of true doubles."""
    counts = Counter(r.name for r in reports)
    apart = [
        replace(r, name=f"{r.name}-{sha256(repr((r.title, r.parameters)).encode()).hexdigest()[:6]}")
        if counts[r.name] > 1
        else r
        for r in reports
    ]
    doubles = Counter(r.name for r in apart)
    return apart, sorted({r.name for r, a in zip(reports, apart, strict=True) if doubles[a.name] > 1})


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
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
    return entries


def _resolve(entry: dict[str, Any], base: Path, where: str) -> list[Report]:
    fixed, matrix = _values(entry, where)
    try:
        title, path = find(entry["notebook"], base)
        known = _parameters(path, title)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    reports, problems = [], []
    for combination in itertools.product(*matrix.values()):
        varied = dict(zip(matrix, combination, strict=True))
        values, wrong = parameters.resolve(known, {**fixed, **varied}, f"{where} ({title})")
        problems += [p for p in wrong if p not in problems]
        reports.append(Report(slug(entry.get("name", title), varied), path, title, anchored(values, base)))
    if problems:
        raise InputError("\n".join(problems))
    return reports


def _values(entry: dict[str, Any], where: str) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Return an entry's fixed parameters and its matrix, or refuse its shape."""
    for key in entry:
        if key not in _KEYS:
            raise InputError(f"{where}: unknown key {key!r}{nearest(key, _KEYS)}; it takes {listed(_KEYS)}")
    for key in ("notebook", "name"):
        if not isinstance(entry.get(key, ""), str) or (key == "notebook" and not entry.get(key)):
            raise InputError(f'{where}: {key} must be a text, for example {key} = "touchpoints/benchmark"')
    fixed, matrix = entry.get("parameters", {}), entry.get("matrix", {})
    if not isinstance(fixed, dict) or not isinstance(matrix, dict):
        raise InputError(f"{where}: parameters and matrix are tables, for example parameters = {{ min_n = 30 }}")
    for key, values in matrix.items():
        if not isinstance(values, list) or not values:
            raise InputError(f"{where}: matrix.{key} must be a list of values, for example {key} = [1, 2]")
        if key in fixed:
            raise InputError(f"{where}: {key!r} stands both in parameters and in matrix; keep one")
    return fixed, matrix


@cache
def _parameters(path: Path, title: str) -> dict[str, parameters.Parameter]:
    return parameters.read(parameters.load(path), title)


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
        If the notebook, a parameter or a value is not known.
    """
    title, path = find(name, base)
    pairs = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"-p {text!r}: write name=value, for example -p language=zh")
        pairs[key.strip()] = value
    values, problems = parameters.resolve(_parameters(path, title), pairs, title, typed=True)
    if problems:
        raise InputError("\n".join(problems))
    return Report(slug(title, values), path, title, anchored(values, base))


def anchored(values: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Write file names so that the project root finds them: a text that names a file below `base` becomes its path."""

    def anchor(value: Any) -> Any:
        if not isinstance(value, str) or not value or "\0" in value or len(value) > 500:
            return value
        path = base / value
        if not Path(value).suffix or not path.is_file():
            return value
        try:
            return path.resolve().relative_to(project.root()).as_posix()
        except ValueError:
            return str(path.resolve())

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
    return "--".join(word[:60] for word in words if word)[:180]
