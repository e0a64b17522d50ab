"""The findings of all reports of a folder in one tidy table; no kernel is started."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxresearch import checks
from cxresearch.batch import shelf
from cxresearch.checks import InputError, listed

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("report", "notebook", "language", "kind", "name", "value", "text", "evidence")
KINDS = (".csv", ".parquet")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def gather(folder: Path) -> "pd.DataFrame":
    """Return what the reports of a folder found, one row per number, verdict or failure.

    Parameters
    ----------
    folder : Path
        Folder of reports: made by `batch.run`, or notebooks that papermill alone has executed.

    Returns
    -------
    DataFrame
        ``report``, ``notebook``, ``language``; ``kind`` (``claim``, ``number`` or ``failure``); ``name`` of the
        claim or number; ``value`` where it is a number, ``text`` where it is not: the verdict, a text, or why
        the report failed; ``evidence`` (``real``, ``simulated``, ``arithmetic``); then ``parameter_<name>`` for
        each parameter that was set in any of the reports, with the default where a report did not set it.

    Raises
    ------
    InputError
        If there is no report.
    """
    import pandas as pd

    paths = sorted(folder.glob("*.ipynb"))
    records = [shelf.record(folder, path.stem) or _described(path) for path in paths]
    if not records:
        raise InputError(f"{folder.name}/ holds no report; `cxresearch build` makes them, or name another folder")
    names = list(dict.fromkeys(name for r in records for name in r["parameters"] if name != "language"))
    rows = [row | _parameters(record, names) for record in records for row in _rows(record)]
    table = pd.DataFrame(rows, columns=[*COLUMNS, *(f"parameter_{name}" for name in names)])
    table["value"] = table["value"].astype(float)
    for column in table.columns.drop("value"):
        if any(isinstance(value, str) for value in table[column]) or column in COLUMNS:
            table[column] = table[column].astype("str")
    return table


def _described(path: Path) -> shelf.Record:
    try:
        return shelf.describe(json.loads(path.read_text(encoding="utf-8")), path.stem)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise InputError(f"{path.name} is not an executed notebook ({type(error).__name__})") from None


def _rows(record: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    about = {key: record[key] for key in ("notebook", "language")} | {"report": record["name"]}
    if record["error"]:
        yield about | {"kind": "failure", "text": record["error"]}
    for found in record["findings"]:
        evidence = {"evidence": found["evidence"]}
        for claim, verdict in found["claims"].items():
            yield about | evidence | {"kind": "claim", "name": claim, "text": verdict}
        for name, number in found["numbers"].items():
            yield about | evidence | {"kind": "number", "name": name} | _number(number)


def _number(number: Any) -> dict[str, Any]:
    if number in ("inf", "-inf"):  # as `cx.findings` stores what JSON cannot hold
        return {"value": math.inf if number == "inf" else -math.inf}
    if isinstance(number, str | bool):
        return {"text": str(number).lower() if isinstance(number, bool) else number}
    return {"value": number}


def _parameters(record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    values = {**record.get("defaults", {}), **record["parameters"]}
    return {f"parameter_{name}": _plain(values.get(name)) for name in names}


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def save(table: "pd.DataFrame", path: Path) -> None:
    """Write the table as .csv or .parquet, whole or not at all.

    In a .csv file a text that a spreadsheet would run as a formula is led by an apostrophe.

    Raises
    ------
    InputError
        If the file's ending is another one, or it cannot be written.
    """
    if path.suffix.lower() not in KINDS:
        near = checks.nearest(path.suffix, KINDS)
        raise InputError(f"--to {path.name}: write a file that ends in {listed(KINDS)}{near}")
    if path.suffix.lower() == ".parquet":
        shelf.write(path, table.to_parquet(index=False))
        return
    safe = table.apply(lambda column: column.map(_harmless) if column.name != "value" else column)
    shelf.write(path, "\ufeff" + safe.rename(columns=_harmless).to_csv(index=False))


def _harmless(cell: Any) -> Any:
    """Lead a text that a spreadsheet takes for a formula by an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(_FORMULA) else cell
