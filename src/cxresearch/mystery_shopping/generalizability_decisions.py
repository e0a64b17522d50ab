"""Decision studies: what scores would be worth with other numbers of visits, and how many are needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from cxresearch import checks
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.mystery_shopping import generalizability_words as words
from cxresearch.mystery_shopping.generalizability_weights import (
    Decision,
    Weights,
    bill,
    check_sizes,
    grid,
    price,
)
from cxresearch.numerics.modified_large_sample import Bounds, turning
from cxresearch.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cxresearch.mystery_shopping.generalizability import GStudyResult

Floats = npt.NDArray[np.float64]

SHOPS: Final = (3, 4)
"""Visits per store and round that the industry's rule of thumb calls for."""
MARGINS: Final = (0.10, 0.05)
"""Half widths of an interval for a pass rate, for which the other rule of thumb counts visits."""
_ERRORS: Final = ("error_relative", "sem_relative", "error_absolute", "sem_absolute")
_MOST_ROWS: Final = 10_000
_CURVE: Final = 40
_FOREVER: Final = 1e12


@dataclass(frozen=True, kw_only=True)
class DStudyResult(Result):
    """What `GStudyResult.d_study` answers with.

    Parameters
    ----------
    study : GStudyResult
        The study it rests on.
    decision : Decision
        Its rules.
    varied : tuple of str
        Facets of which several sizes were asked for.
    """

    study: "GStudyResult"
    decision: Decision
    varied: tuple[str, ...]

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say how far the smallest and the largest design go, and which is the cheapest that reaches 0.80."""
        return Paragraph(words.decision(self, language, focus))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Axes":
        """Draw the dependability by the first facet of which several sizes were asked for."""
        from cxresearch.mystery_shopping import generalizability_figures as figures

        if focus is not None:
            words.place(self.study, focus)
        return figures.designs(self, language)

    def readable(self, language: str = "en", *, digits: int = 3, part: str = "coefficients") -> Readable:
        """Return the table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        part : {"coefficients", "errors", "table"}
            Sizes with g and phi, sizes with errors in points, or all columns.
        """
        checks.choice("part", part, ("coefficients", "errors", "table"))
        start = {"coefficients": ("g", "phi", "cost"), "errors": ("sem_",), "table": ("",)}[part]
        names = [*_ends("g"), *_ends("phi"), *(n for k in _ERRORS for n in _ends(k)), "cost"]
        wanted = [c for c in self.table if c not in names or any(_begins(c, s) for s in start)]
        return Readable(self.table[wanted], language, digits, self.headings)


@dataclass(frozen=True, kw_only=True)
class VisitsResult(Result):
    """What `GStudyResult.visits_needed` answers with.

    Parameters
    ----------
    curve : DataFrame
        size, estimate, ci_low, ci_high: the coefficient by number of visits; cost, if priced.
    rules : DataFrame
        rule, size, estimate, ci_low, ci_high: the coefficient that rules of thumb reach; cost, if priced.
        "shops_3", "shops_4": visits per store and round. "margin_10", "margin_5": visits for a pass rate within 10 or 5
        percentage points (binomial, at worst), which asks how well one outlet's rate is known, not whether outlets can
        be told apart.
    bill : DataFrame
        facet, price, times: what the needed number costs for one object; empty without prices.
    remaining : tuple of (str, float)
        Components of error that no number averages out, with their share of it, the largest first.
    study : GStudyResult
        The study it rests on.
    decision : Decision
        Its rules.
    sizes : dict of str to float
        Sizes of the other facets.
    """

    curve: pd.DataFrame
    rules: pd.DataFrame
    bill: pd.DataFrame
    remaining: tuple[tuple[str, float], ...]
    study: "GStudyResult"
    decision: Decision
    sizes: dict[str, float]

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    @property
    def answer(self) -> Any:
        """The table's one row."""
        return SimpleNamespace(**{str(name): self.table[name].tolist()[0] for name in self.table})

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say how many are needed, what the number now in use and the rules of thumb reach, and what it costs.

        Raises
        ------
        InputError
            If `focus` is not one of the objects.
        """
        return Paragraph(words.needed(self, language, focus))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Axes":
        """Draw the coefficient by number of visits, with the target, the answer and the rules of thumb.

        Raises
        ------
        InputError
            If `focus` is not one of the objects.
        """
        from cxresearch.mystery_shopping import generalizability_figures as figures

        if focus is not None:
            words.place(self.study, focus)
        return figures.curve(self, language)

    def readable(self, language: str = "en", *, digits: int = 3, part: str = "table") -> Readable:
        """Return a table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        part : {"table", "curve", "rules", "bill"}
            Which table.
        """
        checks.choice("part", part, ("table", "curve", "rules", "bill"))
        frame = getattr(self, part)
        counts = [c for c in ("needed", "needed_low", "needed_high", "times") if c in frame]
        if part != "table":
            counts += [c for c in ("size",) if c in frame]
        shown = frame.assign(**{c: pd.Series([_count(n) for n in frame[c]], dtype=object) for c in counts})
        return Readable(shown, language, digits, self.headings)


def d_study(
    study: "GStudyResult", rules: Decision, sizes: Mapping[str, Any], costs: Mapping[str, float]
) -> DStudyResult:
    """Weigh the components of a study for a grid of sizes."""
    wanted = check_sizes(rules, sizes)
    rows = int(np.prod([len(v) for v in wanted.values()]))
    if rows > _MOST_ROWS:
        raise checks.InputError(f"sizes make {rows:,} designs; {_MOST_ROWS:,} at most")
    given = grid(wanted) or {rules.plan.error[0]: np.array([rules.studied[rules.plan.error[0]]])}
    filled = rules.sizes(given)
    weights = rules.weights(given)
    shown = [f for f in filled if f in rules.plan.error or f in given]
    columns: dict[str, Any] = {_column(f): _counts(np.broadcast_to(filled[f], (max(rows, 1),))) for f in shown}
    columns |= _coefficients(study, weights)
    if costs:
        columns["cost"] = np.broadcast_to(price(rules, costs, given), (max(rows, 1),))
    return DStudyResult(
        table=pd.DataFrame(columns),
        sample=study.sample,
        notes=words.rules(rules),
        confidence=study.confidence,
        study=study,
        decision=rules,
        varied=tuple(f for f, v in wanted.items() if len(v) > 1),
    )


def _count(n: float) -> float:
    """Give a whole number as such, so that it is shown without decimals; infinity stays."""
    return int(n) if np.isfinite(n) else n


def _begins(column: str, start: str) -> bool:
    return column == start or column.startswith(start if start.endswith("_") or not start else f"{start}_ci_")


def _counts(sizes: Floats) -> Any:
    """Give whole numbers as such: a study's own sizes may be means."""
    return sizes.astype(np.int64) if (sizes == np.round(sizes)).all() else sizes


def _column(facet: str) -> str:
    """Name a size's column after its facet, unless a column of that name is there already."""
    return f"n {facet}" if facet in words.RESERVED else facet


def _coefficients(study: "GStudyResult", weights: Weights) -> dict[str, Floats]:
    kept, bounds = np.maximum(study.table["variance"].to_numpy(), 0), Bounds(study.squares, study.confidence)
    columns: dict[str, Floats] = {}
    for name in ("g", "phi"):
        columns |= dict(zip(_ends(name), coefficient(kept, bounds, weights, name), strict=True))
    for name, weight in (("relative", weights.relative), ("absolute", weights.absolute)):
        ends = [weight @ kept, *(np.maximum(end, 0) for end in bounds.interval(weight))]
        columns |= dict(zip(_ends(f"error_{name}"), ends, strict=True))
        columns |= dict(zip(_ends(f"sem_{name}"), map(np.sqrt, ends), strict=True))
    return columns


def _ends(name: str) -> tuple[str, str, str]:
    return name, f"{name}_ci_low", f"{name}_ci_high"


def coefficient(kept: Floats, bounds: Bounds, weights: Weights, name: str) -> tuple[Floats, Floats, Floats]:
    """Return a coefficient with its interval; NaN where neither objects nor error vary."""
    wanted, unwanted = weights.universe, weights.error(name)
    signal, noise = wanted @ kept, unwanted @ kept
    with np.errstate(invalid="ignore"):
        estimate = np.asarray(signal / (signal + noise))
    low, high = bounds.share(wanted, unwanted)
    return estimate, low, high


def visits_needed(
    study: "GStudyResult",
    rules: Decision,
    facet: str,
    target: float,
    name: str,
    sizes: Mapping[str, Any],
    costs: Mapping[str, float],
) -> VisitsResult:
    """Look for the size of one facet at which a coefficient reaches its target."""
    others = _checked(rules, facet, target, name, sizes)
    kept, bounds = np.maximum(study.table["variance"].to_numpy(), 0), Bounds(study.squares, study.confidence)

    def at(n: Any) -> Weights:
        return rules.weights(others | {facet: n})

    def balance(n: Floats) -> Floats:
        weights = at(n)
        return (1 - target) * weights.universe - target * weights.error(name)

    size = float(turning(lambda log: np.asarray(balance(np.exp(log)) @ kept < 0)))
    ends = [float(end) for end in bounds.number(balance)]
    needed, low, high = (whole_number(n) for n in (size, *ends))
    limit = [float(v) for v in coefficient(kept, bounds, at(_FOREVER), name)]
    paid = bill(rules, costs, others | {facet: needed}) if np.isfinite(needed) else []
    row = {"facet": facet, "target": float(target), "coefficient": name, "size": size, "ci_low": ends[0]}
    row |= {"ci_high": ends[1], "needed": needed, "needed_low": low, "needed_high": high}
    row |= dict(zip(_ends("limit"), limit, strict=True)) | {"reachable": bool(np.isfinite(size))}
    if costs:
        row["cost"] = float(price(rules, costs, others | {facet: needed})) if paid else np.inf
    remaining = _remaining(study, at(_FOREVER).error(name) * kept)

    def along(numbers: Any) -> pd.DataFrame:
        numbers = np.asarray(numbers, dtype=float)
        found = dict(zip(("estimate", "ci_low", "ci_high"), coefficient(kept, bounds, at(numbers), name), strict=True))
        if costs:
            found["cost"] = np.broadcast_to(price(rules, costs, others | {facet: numbers}), numbers.shape)
        return pd.DataFrame({"size": numbers} | found)

    named, thumb = _rules(study.confidence)
    table = along(thumb)
    table.insert(0, "rule", named)
    return VisitsResult(
        table=pd.DataFrame([row]),
        sample=study.sample,
        notes=(*words.rules(rules), *words.cap(remaining, limit[0], target)),
        confidence=study.confidence,
        curve=along(_numbers(needed, high, rules.studied[facet])),
        rules=table,
        bill=pd.DataFrame([(f, p, float(t)) for f, p, t in paid], columns=["facet", "price", "times"]),
        remaining=remaining,
        study=study,
        decision=rules,
        sizes={f: float(s) for f, s in rules.sizes(others).items() if f in others or f not in (facet, *rules.carried)},
    )


def whole_number(n: float) -> float:
    """Round a number of visits up, one at least; what rounding errors add does not count."""
    return float(max(np.ceil(n * (1 - 1e-9)), 1.0)) if np.isfinite(n) else float(n)


def _checked(rules: Decision, facet: str, target: float, name: str, sizes: Mapping[str, Any]) -> dict[str, float]:
    checks.choice("facet", facet, rules.plan.error)
    checks.choice("coefficient", name, ("phi", "g"))
    if facet in rules.fixed:
        raise checks.InputError(f"facet={facet!r} is fixed: its levels studied are all there is")
    if isinstance(target, bool) or not isinstance(target, int | float) or not 0 < target < 1:
        raise checks.InputError(f"target={target!r} must lie between 0 and 1, for example 0.8")
    if facet in sizes:
        raise checks.InputError(f"sizes[{facet!r}]: this is the number looked for; give sizes of other facets")
    found = check_sizes(rules, sizes)
    for other, values in found.items():
        if len(values) > 1:
            raise checks.InputError(f"sizes[{other!r}]={values!r}: one size per facet here; d_study takes lists")
    return {f: v[0] for f, v in found.items()}


def _rules(confidence: float) -> tuple[list[str], list[float]]:
    z = stats.norm.ppf((1 + confidence) / 2)
    names = [f"shops_{n}" for n in SHOPS] + [f"margin_{round(100 * m)}" for m in MARGINS]
    return names, [*map(float, SHOPS), *(float(np.ceil(z**2 / 4 / m**2)) for m in MARGINS)]


def _numbers(needed: float, high: float, studied: float) -> Floats:
    """Choose the numbers that the curve shows: to a little beyond the answer and its interval, where they end."""
    far = [8.0, 1.5 * studied]
    if np.isfinite(needed):
        far += [1.6 * needed, min(1.15 * high, (4 if np.isfinite(high) else 2) * needed)]
    else:
        far.append(30.0)
    most = float(min(np.ceil(max(far)), 2000))
    # the curve bends where numbers are small
    return np.unique(np.round(np.geomspace(1, most, _CURVE)).tolist() + np.round(np.linspace(1, most, _CURVE)).tolist())


def _remaining(study: "GStudyResult", error: Floats) -> tuple[tuple[str, float], ...]:
    total = error.sum()
    if total <= 1e-9 * np.maximum(study.table["variance"].to_numpy(), 0).sum():
        return ()
    names = study.table["component"]
    order = np.argsort(-error, kind="stable")
    return tuple((str(names[i]), float(error[i] / total)) for i in order if error[i] > 1e-6 * total)
