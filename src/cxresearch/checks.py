"""Checks of what a caller passes in; every refusal says what is wrong, where, and what would be right."""

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class InputError(ValueError):
    """What the user gave cannot be used; the message is for the user, and no traceback is needed."""


def nearest(name: str, known: Iterable[object]) -> str:
    """Return `` (did you mean 'x'?)`` for the known name closest to `name`, or an empty text."""
    by_lower = {str(k).lower(): str(k) for k in known}
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.5)
    return f" (did you mean {by_lower[close[0]]!r}?)" if close else ""


def listed(names: Iterable[object], most: int = 12) -> str:
    """Return the names as ``a, b, c``, cut after `most` with the number left out."""
    texts = [str(n) for n in names]
    more = f", … ({len(texts) - most} more)" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def choice(argument: str, value: object, allowed: Iterable[str]) -> None:
    """Refuse a value that is not among the allowed ones.

    Raises
    ------
    InputError
        If `value` is not in `allowed`.
    """
    options = list(allowed)
    if value not in options:
        raise InputError(
            f"{argument}={value!r} is not known{nearest(str(value), options)}; choose from {listed(options)}"
        )


def confidence(value: float) -> None:
    """Refuse a confidence level outside 0 to 1.

    Raises
    ------
    InputError
        If `value` is not strictly between 0 and 1.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise InputError(f"confidence={value!r} must lie between 0 and 1, for example 0.95")


def columns(data: "pd.DataFrame", **names: str | Iterable[str] | None) -> None:
    """Refuse a column name that the frame does not have.

    Parameters
    ----------
    data : DataFrame
        The caller's frame.
    **names : str, iterable of str or None
        Argument name and the column, or columns, it stands for; None is passed over.

    Raises
    ------
    InputError
        If `data` is not a frame, a column is missing, or a frame carries a column twice.
    """
    if not hasattr(data, "columns"):
        raise InputError(f"data must be a pandas DataFrame, not {type(data).__name__}")
    have = list(data.columns)
    for argument, given in names.items():
        for name in [] if given is None else [given] if isinstance(given, str) else given:
            if name not in have:
                raise InputError(
                    f"{argument}={name!r}: no such column{nearest(str(name), have)}; columns are {listed(have)}"
                )
            if have.count(name) > 1:
                raise InputError(
                    f"{argument}={name!r}: the frame has {have.count(name)} columns of that name; rename all but one"
                )


def numbers(data: "pd.DataFrame", argument: str, column: str) -> "np.ndarray":
    """Return a column as floats, missing values as NaN.

    Raises
    ------
    InputError
        If the column holds text, dates or infinite numbers; the first such row is named.
    """
    import numpy as np
    import pandas as pd

    values = pd.to_numeric(data[column], errors="coerce") if data[column].dtype == object else data[column]
    lost = data[column].notna() & values.isna()
    if lost.any() or not (pd.api.types.is_numeric_dtype(values) or values.isna().all()):
        at = int((lost if lost.any() else data[column].notna()).to_numpy().argmax())  # by place: labels may repeat
        found: Any = data[column].iloc[at]
        raise InputError(f"{argument}={column!r}: row {_label(data, at)} holds {found!r}; numbers are needed")
    array = values.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(array).any():
        at = int(np.isinf(array).argmax())
        raise InputError(f"{argument}={column!r}: row {_label(data, at)} is infinite; finite numbers are needed")
    return array


def _label(data: "pd.DataFrame", at: int) -> str:
    """Write a row's label as a reader would type it, not as numpy shows it."""
    label: Any = data.index[at]
    return repr(label.item() if hasattr(label, "item") else label)
