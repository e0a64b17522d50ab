"""The numbers a report stands on, shown to the reader and stored where a program finds them."""

import csv
import math
from collections.abc import Mapping, Sequence
from typing import Any

from cxresearch import checks, mime, project
from cxresearch.language import Words, check, number

VERDICTS = {
    "supported": Words("supported", "支持"),
    "contradicted": Words("contradicted", "不支持"),
    "undecided": Words("undecided", "无法判断"),
    "not tested": Words("not tested", "未检验"),
}
EVIDENCE = {
    "real": Words("real data", "真实数据"),
    "simulated": Words("simulated data", "模拟数据"),
    "arithmetic": Words("arithmetic", "算术推导"),
}


def findings(*, claims: Mapping[str, str], evidence: str, language: str = "en", **numbers: Any) -> None:
    """Show what a report found, and store it in the notebook's output.

    Parameters
    ----------
    claims : mapping of str to str
        Claim id → "supported", "contradicted", "undecided" or "not tested".
    evidence : {"real", "simulated", "arithmetic"}
        What the numbers come from. Only real data on the claim's own construct can support or contradict.
    language : {"en", "zh"}
        Language of the table.
    **numbers : float, int, bool, str or None
        The numbers the report stands on, by snake_case name. NaN is stored as null, an infinite number as text.

    Raises
    ------
    InputError
        If a verdict or a kind of evidence is not known, a claim id is not in the project's ``data/claims.csv``,
        a verdict is given on data that cannot carry one, or a number is not a single value.

    Examples
    --------
    >>> findings(claims={"L1": "not tested"}, evidence="simulated", total_effect=1.0)
    L1            not tested  simulated data
    total_effect  1
    """
    from IPython.display import display

    check(language)
    checks.choice("evidence", evidence, EVIDENCE)
    known = known_claims()
    for claim, verdict in claims.items():
        checks.choice(f"claims[{claim!r}]", verdict, VERDICTS)
        if known and claim not in known:
            raise checks.InputError(f"claim {claim!r} is not in data/claims.csv{checks.nearest(claim, known)}")
        if verdict in ("supported", "contradicted"):
            if evidence != "real":
                raise checks.InputError(f"{claim}: {evidence} evidence cannot say {verdict!r}; say 'not tested'")
            if known.get(claim, {}).get("kind") == "practice":
                raise checks.InputError(f"{claim} is a practice and has no truth value; say 'not tested'")
    content = {
        "claims": dict(claims),
        "evidence": evidence,
        "numbers": {name: _scalar(name, value) for name, value in numbers.items()},
    }
    display(_Findings(content, known, language))


def known_claims() -> dict[str, dict[str, str]]:
    """Return the rows of the project's ``data/claims.csv`` by claim id; nothing where there is no such file."""
    path = project.root() / "data" / "claims.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def _scalar(name: str, value: Any) -> float | int | str | bool | None:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if value is None or isinstance(value, float | int | str | bool):
        return value
    raise checks.InputError(f"finding {name!r} must be a single number or text, not {type(value).__name__}")


class _Findings:
    """Claims with their verdicts, then the numbers, as a table."""

    def __init__(self, content: dict[str, Any], known: dict[str, dict[str, str]], language: str) -> None:
        self.content = content
        column = "chinese" if language == "zh" else "english"
        evidence = EVIDENCE[content["evidence"]](language)
        self.claims = [
            (claim, known.get(claim, {}).get(column, ""), VERDICTS[verdict](language), evidence)
            for claim, verdict in content["claims"].items()
        ]
        self.numbers = [(name, _shown(value)) for name, value in content["numbers"].items()]

    def __repr__(self) -> str:
        rows = [(claim, verdict, evidence) for claim, _, verdict, evidence in self.claims]
        width = max((len(row[0]) for row in [*rows, *self.numbers]), default=0)
        return "\n".join("  ".join((row[0].ljust(width), *row[1:])) for row in [*rows, *self.numbers])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        from html import escape

        def table(rows: Sequence[tuple[str, ...]], name: str) -> str:
            body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
            return f'<table class="{name}">{body}</table>' if rows else ""

        return {
            mime.FINDINGS: self.content,
            "text/html": table(self.claims, "claims") + table(self.numbers, "numbers"),
            "text/plain": repr(self),
        }


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool | str):
        return str(value)
    return number(value, 0) if isinstance(value, int) or value.is_integer() else number(value, 3)


def stored(notebook: Mapping[str, Any], kind: str = mime.FINDINGS) -> list[dict[str, Any]]:
    """Return what a notebook's outputs hold under a MIME type, in their order.

    Parameters
    ----------
    notebook : mapping
        An executed notebook as nbformat or json reads it.
    kind : str
        ``mime.FINDINGS`` or ``mime.INPUT``.
    """
    return [
        output["data"][kind]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if kind in output.get("data", {})
    ]
