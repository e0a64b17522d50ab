"""Files of every known kind to one frame; no library's own error reaches the reader."""

import hashlib
import io
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxresearch import checks, project
from cxresearch.checks import InputError, listed
from cxresearch.data import columns, delimited

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Table:
    """What a file held.

    Parameters
    ----------
    frame : DataFrame
        Its rows; the index holds row numbers as a spreadsheet shows them (the header is row 1).
    sha256 : str
        Hash of the bytes.
    encoding : str, optional
        Of a text file.
    labels : dict
        Value labels of a statistics file: column to label to code.
    """

    frame: "pd.DataFrame"
    sha256: str = ""
    encoding: str | None = None
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Given:
    path: Path
    raw: bytes
    file: str  # name for messages


def load(path: Path) -> Table:
    """Read a file by its ending.

    Raises
    ------
    InputError
        If it is missing, a folder, of unknown kind or damaged.
    """
    file = project.relative(path)
    _refuse_folder(path, file)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        hint = "; save it as .xlsx" if path.suffix.lower() == ".xls" else ""
        raise InputError(f"{file}: unknown kind of file{hint}; known endings are {listed(_READERS)}")
    _refuse_missing(path, file)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be opened ({error.strerror})") from None
    if not raw:
        raise InputError(f"{file}: the file is empty; a first row with column names and rows of data are needed")
    try:
        with warnings.catch_warnings():
            # libraries remark on styles and formats here; a remark is neither an error nor the reader's concern
            warnings.simplefilter("ignore")
            table = reader(_Given(path, raw, file))
    except (InputError, MemoryError):
        raise
    except Exception as error:  # damaged files make the libraries raise almost anything
        raise InputError(
            f"{file}: cannot be read as {path.suffix.lower()}; it is damaged or of another kind "
            f"({type(error).__name__})"
        ) from None
    if table.frame.empty:
        raise InputError(f"{file}: there is no row of data")
    table.sha256 = hashlib.sha256(raw).hexdigest()
    return table


def known(suffix: str) -> bool:
    """Tell whether files with this ending can be read."""
    return suffix.lower() in _READERS


def _refuse_folder(path: Path, file: str) -> None:
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if known(p.suffix))
        raise InputError(f"{file} is a folder; name a file in it{': ' if inside else ''}{listed(inside)}")


def _refuse_missing(path: Path, file: str) -> None:
    if not path.is_file():
        folder = path.parent
        if not folder.is_dir():
            raise InputError(f"{file}: there is no such folder as {project.relative(folder)}")
        near = checks.nearest(path.name, [p.name for p in folder.iterdir() if p.is_file()])
        raise InputError(f"{file}: there is no such file in {project.relative(folder)}{near}")


def _separated(delimiter: str | None) -> Callable[[_Given], Table]:
    def reader(given: _Given) -> Table:
        frame, encoding = delimited.read(given.raw, given.file, delimiter)
        return Table(frame, encoding=encoding)

    return reader


def _workbook(given: _Given) -> Table:
    """Read the first sheet of a workbook: cell values, formulas as last calculated."""
    import openpyxl  # type: ignore[import-untyped]
    import pandas as pd

    sheet = openpyxl.load_workbook(io.BytesIO(given.raw), read_only=True, data_only=True).worksheets[0]
    sheet.reset_dimensions()  # some programs write wrong ones
    cells = [list(row) for row in sheet.iter_rows(values_only=True)]
    width = max((len(row) for row in cells), default=0)
    cells = [row + [None] * (width - len(row)) for row in cells]
    if not cells or all(cell is None for cell in cells[0]):
        raise InputError(f"{given.file}, row 1: is empty; the first row must hold the column names")
    names = columns.headers(cells[0], given.file)
    filled = [i for i, row in enumerate(cells) if i and any(cell not in (None, "") for cell in row)]
    index = pd.Index([i + 1 for i in filled])
    frame = pd.DataFrame([cells[i] for i in filled], index=index, columns=range(width), dtype=object)
    frame = columns.settle(frame.set_axis(names, axis=1), given.file, parse=True)
    return Table(columns.without_unnamed(frame, given.file))


def _parquet(given: _Given) -> Table:
    import pandas as pd

    frame = pd.read_parquet(io.BytesIO(given.raw))
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    return Table(_named(frame, given.file))


def _json(given: _Given) -> Table:
    """Read a list of records, or an object that maps column names to lists."""
    import pandas as pd

    text, encoding = delimited.decode(given.raw, given.file)
    try:
        found = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, given.file))
    except json.JSONDecodeError as error:
        raise InputError(f"{given.file}, line {error.lineno}: is not JSON ({error.msg})") from None
    except RecursionError:
        raise InputError(f"{given.file}: is nested too deeply for a table") from None
    if isinstance(found, dict) and len(found) == 1 and isinstance(next(iter(found.values())), list):
        inner = next(iter(found.values()))
        found = inner if inner and isinstance(inner[0], dict) else found
    if isinstance(found, list) and all(isinstance(record, dict) for record in found):
        names = list(dict.fromkeys(name for record in found for name in record))
        frame = pd.DataFrame([[r.get(n) for n in names] for r in found], columns=names, dtype=object)
    elif isinstance(found, dict) and all(isinstance(v, list) for v in found.values()):
        lengths = {name: len(values) for name, values in found.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"{given.file}: the columns differ in length ({lengths}); all need one value per row")
        frame = pd.DataFrame(found, dtype=object)
    else:
        raise InputError(f'{given.file}: must hold a list of records, as in [{{"unit": "A", "score": 4.5}}, …]')
    return Table(_named(frame, given.file), encoding=encoding)


def _once(pairs: list[tuple[str, Any]], file: str) -> dict[str, Any]:
    columns.headers([name for name, _ in pairs], file)
    return dict(pairs)


def _statistics(kind: str) -> Callable[[_Given], Table]:
    def reader(given: _Given) -> Table:
        """Read an SPSS or Stata file; a column whose every value has a label comes out as labels."""
        try:
            import pyreadstat
        except ImportError:
            raise InputError(
                f"{given.file}: SPSS and Stata files need pyreadstat: pip install 'cxresearch[spss]'"
            ) from None
        reading = getattr(pyreadstat, f"read_{kind}")
        try:
            frame, meta = reading(str(given.path))
        except (UnicodeDecodeError, pyreadstat.ReadstatError):
            frame, meta = reading(str(given.path), encoding="GB18030")  # older files carry no encoding
        frame = _named(frame, given.file)
        labels = {}
        for name, values in meta.variable_value_labels.items():
            if name not in frame:
                continue
            ordered = meta.variable_measure.get(name) in ("ordinal", "scale")
            if frame[name].isin(list(values)).where(frame[name].notna(), True).all():
                labels[name] = {str(label): code for code, label in values.items()}
                if not ordered:
                    frame[name] = frame[name].map(values).astype("str")
        return Table(frame, labels=labels)

    return reader


def _named(frame: "pd.DataFrame", file: str) -> "pd.DataFrame":
    """Give a typed source clean names, plain types and spreadsheet row numbers."""
    import pandas as pd

    frame = frame.set_axis(columns.headers(frame.columns, file), axis=1).set_axis(pd.RangeIndex(2, len(frame) + 2))
    return columns.settle(columns.without_unnamed(frame, file), file)


_READERS: dict[str, Callable[[_Given], Table]] = {
    ".csv": _separated(None),
    ".tsv": _separated("\t"),
    ".parquet": _parquet,
    ".xlsx": _workbook,
    ".json": _json,
    ".sav": _statistics("sav"),
    ".dta": _statistics("dta"),
}
