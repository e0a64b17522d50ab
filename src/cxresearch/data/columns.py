"""From cells to typed columns: one set of rules for every kind of file.

A column of text becomes numbers only if every filled cell is a plain number. Codes stay text: a leading
zero ("007") or 16 digits and more would not survive as a number. A decimal comma is refused, because
nobody can tell "1,234" from 1.234. Dates in text files stay text, unless a schema asks for dates.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from cxresearch.checks import InputError, listed

if TYPE_CHECKING:
    import pandas as pd

MISSING: Final = ("", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NULL", "null")
"""What counts as an empty cell in a text file."""

EXCEL_ERRORS: Final = ("#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!")

_NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_WHOLE = r"-?[0-9]+"
_CODE = r"-?0[0-9].*|-?[0-9]{16,}"
_DECIMAL_COMMA = r"-?[0-9]*,[0-9]+|-?[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+"
_THOUSANDS = r"-?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?"


def headers(cells: Iterable[object], file: str) -> list[str]:
    """Return a header's cells as column names.

    Raises
    ------
    InputError
        If two columns have the same name.
    """
    names = ["" if cell is None else str(cell).strip() for cell in cells]
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names, start=1):
        places.setdefault(name, []).append(place)
    for name, where in places.items():
        if name and len(where) > 1:
            raise InputError(
                f"{file}, row 1: columns {listed(where)} are all named {name!r}; every column needs its own name"
            )
    return names


def without_unnamed(frame: "pd.DataFrame", file: str) -> "pd.DataFrame":
    """Drop columns without a name that hold nothing, or only count the rows; refuse the others.

    Spreadsheets export empty columns, and R and pandas write a first column of row numbers.

    Raises
    ------
    InputError
        If a column with contents has no name.
    """
    kept = []
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        if str(name):
            kept.append(place)
        elif not (column.isna().all() or (place == 0 and counts_rows(column))):
            row: Any = column.first_valid_index()
            found: object = column.loc[row]
            raise InputError(
                f"{file}, row 1: column {place + 1} has no name but holds {found!r} in row {row}; "
                "the first row must name every column"
            )
    return frame.iloc[:, kept]


def counts_rows(column: "pd.Series") -> bool:
    """Tell whether a column is a bare counter: 1, 2, 3, … or 0, 1, 2, …."""
    import numpy as np

    if column.dtype.kind not in "iu" or column.empty:
        return False
    values = column.to_numpy()
    return bool(values[0] in (0, 1) and (values == values[0] + np.arange(len(values))).all())


def from_text(text: "pd.Series", file: str) -> "pd.Series":
    """Turn a column of text cells into numbers or truth values where all of them are; else trimmed text.

    Parameters
    ----------
    text : Series of str
        The cells; the index holds the row numbers that messages name.
    file : str
        Name for messages.

    Raises
    ------
    InputError
        If the column has decimal commas, or a number too large to hold.
    """
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]

    text = text.str.strip()
    text = text.mask(text.isin(MISSING))
    filled = text.dropna()
    if filled.empty:
        return pd.Series(float("nan"), index=text.index, name=text.name, dtype=float)
    plain = filled.str.fullmatch(_NUMBER)
    if not plain.iloc[0] and filled.iloc[0].lower() in ("true", "false"):
        return _truth(text, filled)
    if not plain.all():
        _refuse_commas(filled[~plain], file)
        return text
    if filled.str.fullmatch(_CODE).any():
        return text
    whole = len(filled) == len(text) and bool(filled.str.fullmatch(_WHOLE).all())
    # Arrow parses text without making a Python object of every cell
    parsed = pa.array(text).cast(pa.int64() if whole else pa.float64()).to_numpy(zero_copy_only=False)
    numbers = pd.Series(parsed, index=text.index, name=text.name)
    if (numbers.abs() == float("inf")).any():
        row = numbers.index[numbers.abs() == float("inf")][0]
        raise InputError(f"{file}, column {text.name!r}, row {row}: {text.loc[row]} is too large for a number")
    return numbers


def _truth(text: "pd.Series", filled: "pd.Series") -> "pd.Series":
    lower = filled.str.lower()
    if not lower.isin(["true", "false"]).all():
        return text
    truth = (lower == "true").astype(bool)
    return truth if len(truth) == len(text) else truth.astype("boolean").reindex(text.index)


def _refuse_commas(odd: "pd.Series", file: str) -> None:
    """Refuse a column whose only cells that are not plain numbers are numbers with commas."""
    decimal = odd.str.fullmatch(_DECIMAL_COMMA)
    thousands = odd.str.fullmatch(_THOUSANDS)
    if not (decimal | thousands).all():
        return
    row = odd.index[decimal & ~thousands][0] if (decimal & ~thousands).any() else odd.index[0]
    cell = odd.loc[row]
    point = cell.replace(".", "").replace(",", ".")
    right = f"write {point}"
    if thousands.loc[row]:
        right = f"write {cell.replace(',', '')} if it sets thousands apart"
        right += f", {point} if it is a decimal comma" if cell.count(",") == 1 and "." not in cell else ""
    raise InputError(f"{file}, column {odd.name!r}, row {row}: {cell!r} has a comma in a number; {right}")


def settle(frame: "pd.DataFrame", file: str, *, parse: bool = False) -> "pd.DataFrame":
    """Give the columns of a typed source (workbook, Parquet, JSON, statistics file) plain types.

    Whole numbers become 64 bits wide, so that sums of small types cannot overflow; decimals become
    floats; mixed cells become text.

    Parameters
    ----------
    frame : DataFrame
        As the library read it; the index holds the row numbers that messages name.
    file : str
        Name for messages.
    parse : bool
        Read columns of text as in a text file: workbooks often store numbers as text.

    Raises
    ------
    InputError
        If a cell holds a list, bytes or an Excel error.
    """
    import pandas as pd

    if not len(frame.columns):
        return frame
    shown = [name or f"column {place}" for place, name in enumerate(frame.columns, start=1)]
    # by position, since a workbook may have several columns without a name
    settled = [_settled(frame.iloc[:, i].rename(name), file, parse) for i, name in enumerate(shown)]
    return pd.concat(settled, axis=1).set_axis(frame.columns, axis=1)


def _settled(column: "pd.Series", file: str, parse: bool) -> "pd.Series":
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype("str" if pd.api.types.is_string_dtype(column.cat.categories.dtype) else object)
    if column.dtype == object:
        column = _from_objects(column, file)
    if pd.api.types.is_string_dtype(column.dtype):
        text = column.astype("str")
        text = text.mask(text.str.strip() == "")
        _refuse_excel_errors(text, file)
        return from_text(text, file) if parse else text
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("boolean") if column.hasnans else column.astype(bool)
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        return column.astype(float if column.dtype == "uint64" else "int64")
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Series(column.to_numpy(dtype=float, na_value=float("nan")), index=column.index, name=column.name)
    return column


def _from_objects(column: "pd.Series", file: str) -> "pd.Series":
    """Find the type of a column of Python objects."""
    import pandas as pd

    filled = column.dropna()
    kind = pd.api.types.infer_dtype(filled, skipna=True)
    if filled.empty:
        return column.astype(float)
    if kind in ("integer", "floating", "mixed-integer-float", "decimal"):
        if kind == "integer" and filled.map(lambda value: abs(value) >= 2**63).any():
            return column.map(str, na_action="ignore").astype("str")
        exact = kind == "integer" and len(filled) == len(column)
        return column.astype("int64" if exact else float)
    if kind == "boolean":
        return column.astype("boolean")
    if kind in ("datetime", "date", "datetime64"):
        return pd.to_datetime(column)
    for row, value in filled.items():
        if hasattr(value, "__len__") and not isinstance(value, str):
            raise InputError(
                f"{file}, column {column.name!r}, row {row}: holds a {type(value).__name__}; "
                "every cell must hold one value"
            )
    return column.map(_as_text, na_action="ignore").astype("str")


def _as_text(value: Any) -> str:
    """Write a cell of a mixed column: 3.0 as 3, so that a code typed as number and as text is one code."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _refuse_excel_errors(text: "pd.Series", file: str) -> None:
    broken = text.isin(EXCEL_ERRORS)
    if broken.any():
        row = text.index[broken][0]
        raise InputError(
            f"{file}, column {text.name!r}, row {row}: {text.loc[row]} is a spreadsheet error; "
            "mend the formula, or leave the cell empty"
        )
