"""What a notebook may be given: names, types, defaults and meanings, read from its parameters cell.

papermill reads the same cell, but keeps defaults as text and passes over any line with a second
equals sign; a parameter lost that way would be refused as unknown. Here Python's own parser reads it.
"""

import ast
import builtins
import datetime
import io
import json
import re
import tokenize
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cxresearch.checks import InputError, listed, nearest

TAG = "parameters"
TABLE = re.compile(r"\.(csv|tsv|parquet|xlsx|json|sav|dta)$", flags=re.IGNORECASE)
"""How the name of a table's file ends."""
_TYPES: dict[str, Any] = {
    name: getattr(builtins, name) for name in ("bool", "dict", "float", "int", "list", "object", "str", "tuple")
} | {name: getattr(typing, name) for name in ("Any", "Literal", "Optional", "Union")}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: ``name: type = default  # meaning, one of a, b``."""

    name: str
    annotation: str
    default: Any
    meaning: str

    @property
    def choices(self) -> tuple[str, ...]:
        """The closed set of values that the comment ends with (``one of a, b``), or nothing."""
        found = re.search(r"\bone of ([^()]+)$", self.meaning)
        return tuple(part.strip() for part in found.group(1).split(",")) if found else ()

    @property
    def is_table(self) -> bool:
        """Whether the comment says that it names a table or file to read."""
        about = re.search(r"\b(data|files?|tables?)\b", f"{self.name} {self.meaning}", flags=re.IGNORECASE)
        return about is not None and not re.search(r"\b(write|written|save|saved|output)\b", self.meaning)

    def check(self, value: Any) -> Any:
        """Return the value if it is of the parameter's type and among its choices.

        Raises
        ------
        InputError
            If it is not; the message names the parameter, the type and the value.
        """
        if isinstance(value, datetime.date | datetime.time):
            raise InputError(f"{self.name}: a date is passed as text, for example {self.name} = {str(value)!r}")
        if self.annotation:
            from pydantic import ValidationError

            try:
                value = self._adapter().validate_python(value, strict=True)
            except ValidationError as error:
                raise InputError(f"{self.name}={value!r} must be {self.annotation} ({_first(error)})") from None
        if self.choices and str(value) not in self.choices:
            raise InputError(
                f"{self.name}={value!r} must be one of {', '.join(self.choices)}{nearest(str(value), self.choices)}"
            )
        return value

    def parse(self, text: str) -> Any:
        """Read a value typed on a command line: text as it is, anything else as JSON, a list also as ``a,b,c``."""
        from pydantic import ValidationError

        if self.annotation in ("", "str"):
            return self.check(text)
        if self.annotation.startswith("list") and not text.lstrip().startswith("["):
            inner = self.annotation.removeprefix("list").strip("[]") or "str"
            return self.check([Parameter(self.name, inner, None, "").parse(part.strip()) for part in text.split(",")])
        try:
            return self.check(self._adapter().validate_json(text))
        except ValidationError as error:
            raise InputError(f"{self.name}={text!r} must be {self.annotation} ({_first(error)})") from None

    def _adapter(self) -> Any:
        try:
            return _adapter(self.annotation)
        except Exception:
            raise InputError(
                f"the notebook declares {self.name}: {self.annotation}, which is not a type known here; "
                f"use {listed(sorted(_TYPES))}"
            ) from None


@cache
def _adapter(annotation: str) -> Any:
    from pydantic import TypeAdapter

    # only type names are within reach of the annotation
    return TypeAdapter(eval(annotation, {"__builtins__": {}}, _TYPES))  # noqa: S307


def _first(error: Any) -> str:
    return str(error.errors()[0]["msg"]).lower()


def read(notebook: Mapping[str, Any], name: str) -> dict[str, Parameter]:
    """Return the parameters of a notebook, in their order.

    Parameters
    ----------
    notebook : mapping
        A notebook as nbformat or json reads it.
    name : str
        What to call it in a message.

    Raises
    ------
    InputError
        If no cell is tagged ``parameters`` or the cell is not Python.
    """
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code" and TAG in c["metadata"].get("tags", [])]
    if not cells:
        raise InputError(f"{name}: no code cell is tagged {TAG!r}, so it takes no parameters")
    source = cells[0]["source"]
    text = source if isinstance(source, str) else "".join(source)
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise InputError(f"{name}: line {error.lineno} of the parameters cell is not Python: {error.msg}") from None
    comments = {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    for statement in tree.body:
        target: ast.expr
        if isinstance(statement, ast.AnnAssign):
            target, annotation = statement.target, ast.unparse(statement.annotation)
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, annotation = statement.targets[0], ""
        else:
            continue
        if isinstance(target, ast.Name):
            meaning = comments.get(statement.end_lineno or statement.lineno, "")
            found[target.id] = Parameter(target.id, annotation, _default(statement.value), meaning)
    return found


def _default(node: ast.expr | None) -> Any:
    """Return the default where it is written out, else its source (a default may be computed)."""
    if node is None:
        return None
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def resolve(
    known: Mapping[str, Parameter], given: Mapping[str, Any], *, typed: bool = False
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Check given values against a notebook's parameters.

    Parameters
    ----------
    known : mapping of str to Parameter
        The notebook's parameters.
    given : mapping
        Values by parameter name.
    typed : bool
        The values are text from a command line.

    Returns
    -------
    values : dict
        The checked values.
    problems : list of (str, str)
        For each value that was refused, its name and a sentence.
    """
    values, problems = {}, []
    for key, value in given.items():
        if key not in known:
            problems.append((key, f"unknown parameter {key!r}{nearest(key, known)}; it takes {listed(known, 30)}"))
            continue
        try:
            values[key] = known[key].parse(value) if typed else known[key].check(value)
        except InputError as error:
            problems.append((key, str(error)))
    return values, problems


def glance(path: Path) -> Any:
    """Read a notebook to look at its cells: at once, where importing nbformat alone takes two seconds.

    Raises
    ------
    InputError
        As `load` does, to which anything unusual is left.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for cell in notebook["cells"] if notebook["nbformat"] == 4 else [{}]:
            cell["source"] = "".join(cell["source"])
            cell["metadata"].get("tags")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return load(path)
    return notebook


def load(path: Path) -> Any:
    """Read a notebook.

    Raises
    ------
    InputError
        If the file is not there or is not a notebook.
    """
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise InputError(f"{path.name}: there is no such notebook") from None
    except Exception as error:  # nbformat raises many kinds for a file that is not a notebook
        raise InputError(
            f"{path.name} is not a Jupyter notebook ({type(error).__name__}); a .ipynb file is needed"
        ) from None
