"""Text files, comma-, semicolon- or tab-separated: encoding, delimiter, structure, row by row."""

import contextlib
import csv
import io
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cxresearch.checks import InputError
from cxresearch.data import columns

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS: Final = (",", ";", "\t")
_NAMES: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}
_BOMS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_OTHER_FORMATS: Final = (
    (b"PK\x03\x04", "an .xlsx workbook"),
    (b"\xd0\xcf\x11\xe0", "an old .xls workbook"),
    (b"PAR1", "a .parquet file"),
    (b"\x1f\x8b", "compressed"),
)
_CHUNK = 20_000


def decode(raw: bytes, file: str) -> tuple[str, str]:
    """Return a text file's text and its encoding: UTF-8, UTF-16 with its mark, or GB18030.

    GB18030 is tried only where UTF-8 fails; it contains GBK and GB2312.

    Raises
    ------
    InputError
        If the bytes are none of these, or no text at all.
    """
    for magic, what in _OTHER_FORMATS:
        if raw.startswith(magic):
            raise InputError(f"{file}: the contents are {what}, not text; give the file its right ending")
    marked = next((encoding for mark, encoding in _BOMS if raw.startswith(mark)), None)
    for encoding in [marked] if marked else ["utf-8", "gb18030"]:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            row = raw.count(b"\n", 0, error.start) + 1
            if encoding == "utf-8" and _was_utf8(raw[: error.start]):
                break
            continue
        if "\0" in text:
            row = text.count("\n", 0, text.index("\0")) + 1
            raise InputError(f"{file}, row {row}: holds a NUL byte, so this is no text file, or a damaged one")
        return text, encoding.removesuffix("-sig").upper()
    raise InputError(f"{file}, row {row}: bytes that are neither UTF-8 nor GB18030; save the file as UTF-8")


def _was_utf8(start: bytes) -> bool:
    """Tell a damaged UTF-8 file from one in GB18030 by what comes before the first byte that fits no UTF-8.

    One in seven Chinese characters in GB18030 looks like UTF-8, so eight in a row are no accident.
    """
    return sum(not character.isascii() for character in start.decode("utf-8")) >= 8


def read(raw: bytes, file: str, delimiter: str | None = None) -> tuple["pd.DataFrame", str]:
    """Read a delimited text file.

    Parameters
    ----------
    raw : bytes
        The file's contents.
    file : str
        Name for messages.
    delimiter : str, optional
        What separates the fields; by default the one of comma, semicolon and tab that fits header and rows.

    Returns
    -------
    frame : DataFrame
        The index holds row numbers as a spreadsheet shows them: the header is row 1. Empty rows are left out.
    encoding : str
        ``UTF-8``, ``UTF-16`` or ``GB18030``.

    Raises
    ------
    InputError
        If the file is empty, has a header only, duplicate or missing column names, rows of different
        length, broken quoting, NUL bytes, decimal commas or an unknown encoding.
    """
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]

    text, encoding = decode(raw, file)
    if not text.strip():
        raise InputError(f"{file}: the file is empty; a first row with column names and rows of data are needed")
    delimiter = delimiter or _sniffed(text)
    records = _records(text, delimiter, file)
    header_row, header = next(records)
    if header_row > 1:
        raise InputError(f"{file}, row 1: is empty; the first row must hold the column names")
    names = columns.headers(header, file)
    rows: list[int] = []
    parts: list[list[pa.Array]] = [[] for _ in names]
    while chunk := list(itertools.islice(records, _CHUNK)):
        for row, fields in chunk:
            if len(fields) != len(names):
                raise _ragged(file, row, fields, len(names), delimiter)
        rows += [row for row, _ in chunk]
        # text is packed chunk by chunk, so that a large file never lies in memory as Python objects
        for part, texts in zip(parts, zip(*(fields for _, fields in chunk), strict=True), strict=True):
            part.append(pa.array(texts, pa.large_string()))
    if not rows:
        raise InputError(f"{file}: there is a header but no row of data below it")
    index = pd.Index(rows)
    typed = []
    for place, (name, part) in enumerate(zip(names, parts, strict=True), start=1):
        cells = pd.array(pa.chunked_array(part), dtype="str")
        column = pd.Series(cells, index=index, name=name or f"column {place}")
        typed.append(columns.from_text(column, file).rename(name))
        part.clear()
    return columns.without_unnamed(pd.concat(typed, axis=1), file), encoding


def _records(text: str, delimiter: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield row number and fields of every row that is not empty."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    try:
        for row, fields in enumerate(reader, start=1):
            if fields and (fields[0].strip() or any(map(str.strip, fields))):
                yield row, fields
    except csv.Error as error:
        what = "a field is too long" if "limit" in str(error) else "a quotation mark opens or closes in the wrong place"
        raise InputError(
            f'{file}, row {row + 1}: {what}; quote a field whole, "like this", and double a quotation mark inside it'
        ) from None


def _sniffed(text: str) -> str:
    """Return the delimiter that cuts header and first rows into equally many fields."""

    def fit(delimiter: str) -> tuple[bool, float, int]:
        rows: list[list[str]] = []
        with contextlib.suppress(InputError):  # a row that is broken is refused later, with its number
            rows.extend(fields for _, fields in itertools.islice(_records(text, delimiter, ""), 20))
        if not rows:
            return False, 0.0, 0
        same = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        return len(rows[0]) > 1, same, len(rows[0])

    return max(DELIMITERS, key=fit)


def _ragged(file: str, row: int, fields: list[str], width: int, delimiter: str) -> InputError:
    message = f"{file}, row {row}: {len(fields)} fields, but the header has {width} (separated by {_NAMES[delimiter]})"
    neighbours = itertools.pairwise(field.strip() for field in fields)
    if delimiter == "," and len(fields) > width and any(a.isdigit() and b.isdigit() for a, b in neighbours):
        return InputError(f"{message}; does a decimal comma split a number? write 4.5, not 4,5")
    return InputError(f"{message}; add or remove a field, or quote a text that holds the separator")
