"""Tables in databases, named in ``sources.toml``; a password comes from the environment and goes nowhere else."""

import os
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxresearch import project
from cxresearch.checks import InputError, listed, nearest
from cxresearch.data import catalog, columns

if TYPE_CHECKING:
    import pandas as pd

FILE = "sources.toml"
NAME = re.compile(r"[\w-]+")
_KEYS = ("url", "table", "query", "password")
_DUCKDB = "duckdb:///"
_SECONDS = 10  # to wait for a server


@dataclass(frozen=True)
class Source:
    """One table of ``sources.toml``.

    Parameters
    ----------
    name : str
        What `cx.read` calls it.
    url : str
        Where it lies, as SQLAlchemy writes it, without a password; ``duckdb:///`` and a path for a DuckDB file.
    table, query : str
        What to read; one of the two.
    password : str
        The environment variable that holds the password; empty if none is needed.
    """

    name: str
    url: str
    table: str = ""
    query: str = ""
    password: str = ""


def sources() -> dict[str, Source]:
    """Return the databases that the project names.

    Raises
    ------
    InputError
        If ``sources.toml`` cannot be used.
    """
    path = project.root() / FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{FILE} is not a TOML file: {error}") from None
    return {name: _source(name, entry) for name, entry in content.items()}


def _source(name: str, entry: Any) -> Source:
    where = f"{FILE}, [{name}]"
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        raise InputError(f'{where}: write a table of texts: url = "…", table = "…"')
    if not NAME.fullmatch(name) or name in catalog.NAMES:
        raise InputError(f"{where}: choose another name: letters, digits, - and _, and no data set's name")
    if unknown := [key for key in entry if key not in _KEYS]:
        raise InputError(f"{where}: unknown key {unknown[0]!r}{nearest(unknown[0], _KEYS)}; it takes {listed(_KEYS)}")
    if not entry.get("url") or bool(entry.get("table")) == bool(entry.get("query")):
        raise InputError(f"{where}: a url is needed, and either a table or a query")
    if re.match(r"[^/]*//[^/@]*:[^/@]*@", entry["url"]) or re.search(r"[?&]password=", entry["url"]):
        raise InputError(
            f"{where}: the url holds a password; take it out, and name the environment variable that holds it: "
            'password = "MY_VARIABLE"'
        )
    return Source(name, **entry)


def load(source: Source) -> "pd.DataFrame":
    """Read a table; nothing is written to the database.

    Raises
    ------
    InputError
        If the database does not answer, refuses the password, or has no such table or column.
    """
    import pandas as pd

    password = _password(source)
    try:
        frame = _duckdb(source) if source.url.startswith(_DUCKDB) else _server(source, password)
    except ImportError as error:
        raise InputError(f"{source.name}: {error.name} is not installed: pip install 'cxresearch[sql]'") from None
    except InputError:
        raise
    except Exception as error:  # each driver raises errors of its own
        inner = error.__cause__ or error  # pandas wraps what SQLAlchemy wraps around the driver's own error
        said = str(getattr(inner, "orig", None) or inner).strip().partition("\n")[0]
        said = said.replace(password, "…") if password else said
        raise InputError(f"{source.name}: the database says: {said}") from None
    if frame.empty:
        raise InputError(f"{source.name}: there is no row of data")
    names = columns.headers(frame.columns, source.name)
    frame = frame.set_axis(names, axis=1).set_axis(pd.RangeIndex(2, len(frame) + 2))
    return columns.settle(frame, source.name)


def _password(source: Source) -> str:
    if not source.password:
        return ""
    if source.password not in os.environ:
        raise InputError(f"{source.name}: the environment variable {source.password} is not set; it holds the password")
    return os.environ[source.password]


def _duckdb(source: Source) -> "pd.DataFrame":
    import duckdb

    path = project.root() / source.url.removeprefix(_DUCKDB)
    if not path.is_file():
        raise InputError(f"{source.name}: there is no such file as {project.relative(path)}")
    with duckdb.connect(str(path), read_only=True) as connection:
        names = ".".join('"' + part.replace('"', '""') + '"' for part in source.table.split("."))
        return connection.execute(source.query or f"SELECT * FROM {names}").df()  # noqa: S608


def _server(source: Source, password: str) -> "pd.DataFrame":
    import pandas as pd
    import sqlalchemy

    url = sqlalchemy.make_url(source.url)
    if password:
        url = url.set(password=password)
    given = {"connect_timeout": _SECONDS} if url.get_backend_name() == "postgresql" else {}
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, connect_args=given)
    quote = engine.dialect.identifier_preparer.quote
    names = ".".join(quote(part) for part in source.table.split("."))
    with engine.connect() as connection:  # left without a commit
        return pd.read_sql_query(sqlalchemy.text(source.query or f"SELECT * FROM {names}"), connection)  # noqa: S608
