"""Readable names of drivers, in both languages, where the survey's own columns are codes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cxresearch import checks
from cxresearch.language import Words


def read(names: Mapping[Any, Any] | None, columns: Sequence[Any]) -> dict[Any, Words]:
    """Return the names given for columns in use, checked.

    Parameters
    ----------
    names : mapping or None
        Column → `Words`, pair (English, Chinese), or text for both. Columns that are not in use are passed over.
    columns : sequence
        The columns in use.

    Raises
    ------
    InputError
        If a name is none of these, or two columns in use would go by one name.
    """
    if names is not None and not isinstance(names, Mapping):
        raise checks.InputError(f"names must map a column to its name, not be a {type(names).__name__}")
    found = {column: _words(column, names[column]) for column in columns if names and column in names}
    for language in ("en", "zh"):
        taken: dict[str, Any] = {}
        for column in columns:
            text = found[column](language) if column in found else str(column)
            if text in taken:
                raise checks.InputError(f"names: {taken[text]!r} and {column!r} would both be called {text!r}")
            taken[text] = column
    return found


def _words(column: Any, name: Any) -> Words:
    if isinstance(name, Words):
        return name
    pair = (name, name) if isinstance(name, str) else name
    if not isinstance(pair, Sequence) or len(pair) != 2 or not all(isinstance(text, str) and text for text in pair):
        raise checks.InputError(f"names: {column!r} → {name!r}; give a text, or a pair (English, Chinese)")
    return Words(*pair)


def listed(columns: Iterable[Any], names: Mapping[Any, Words]) -> Words:
    """Return columns by their readable names, as a list in each language."""
    columns = list(columns)
    called = [[names[c](language) if c in names else c for c in columns] for language in ("en", "zh")]
    return Words(*(checks.listed(texts) for texts in called))
