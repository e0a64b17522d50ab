"""Rows of a generalizability study: read, counted, and laid out by the effects of the design."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.mystery_shopping.generalizability_design import REPEATS, Plan
from cxresearch.mystery_shopping.ratings import labels
from cxresearch.result import Sample

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """The rows that hold a score and a level of every facet.

    Parameters
    ----------
    plan : Plan
        The design.
    score : array, shape (used,)
        Scores.
    codes : dict of frozenset to int array
        For sets of facets each row's combination of levels, numbered from 0.
    targets : list
        Names of the objects, in the order of their codes.
    sample : Sample
        Rows given, used, and dropped by reason.
    studied : dict of str to float
        How many levels of each facet of error a score of one object rests on (harmonic mean over objects), and
        under `REPEATS` how many scores each combination holds.
    carried : dict of str to tuple of str
        For a crossed facet that keeps its level throughout a visit (or another level of the design): the facets of
        error that number those levels.
    """

    plan: Plan
    score: "npt.NDArray[np.float64]"
    codes: "dict[frozenset[str], Integers]"
    targets: list[Any]
    sample: Sample
    studied: dict[str, float]
    carried: dict[str, tuple[str, ...]]

    @property
    def single(self) -> bool:
        """Whether each cell of the design holds one score, so that its effect is part of the residual."""
        return levels(self.codes[self.plan.cell]) == self.score.size

    def levels(self, facet: str) -> int:
        """Count a facet's levels, nested ones within all they are nested in."""
        return levels(self.codes[self.plan.closed(frozenset({facet}))])

    def places(self) -> "tuple[Integers, npt.NDArray[np.float64], npt.NDArray[np.float64]]":
        """Return each object's number of scores, their mean, and how far each component is averaged out in it.

        The last has a row per object and a column per effect and the residual: the variance of the mean, as a share of
        the component (1 where all its scores share one level).
        """
        at = self.codes[self.plan.judged]
        count = np.bincount(at)
        shares = [_concentration(at, self.codes[effect.facets], count) for effect in self.plan.effects]
        return count, np.bincount(at, self.score) / count, np.column_stack([*shares, 1 / count])


def read_rows(data: pd.DataFrame, plan: Plan, score: str) -> Rows:
    """Find the complete rows, and hold them to the design.

    Raises
    ------
    InputError
        If a column is missing or stands for two things, no row is complete, or scores are not finite numbers; if a
        facet, or the object, has one level; if each object has one score; or if all scores are the same.
    """
    facets = [*plan.facets, *plan.crossed]
    checks.columns(data, score=score, design=plan.facets, crossed=plan.crossed)
    if score in facets:
        raise checks.InputError(f"score={score!r} is a facet of the design too; it must be a column of its own")
    values = checks.numbers(data, "score", score)
    left, dropped = np.ones(len(data), dtype=bool), []
    for name in facets:
        missing = left & data[name].isna().to_numpy()
        dropped.append((Words(f"no {name} named", f"未注明“{name}”"), int(missing.sum())))
        left &= ~missing
    empty = left & np.isnan(values)
    dropped.append((Words("no score", "没有分数"), int(empty.sum())))
    left &= ~empty
    if not left.any():
        raise checks.InputError(
            f"no row has {checks.listed(map(repr, [*facets, score]))} together: {len(data)} rows, none usable"
        )
    single = {name: labels(data[name][left]) for name in facets}
    codes = _codes(plan, {name: found for name, (found, _) in single.items()})
    used = values[left]
    _refuse(plan, codes, {name: names for name, (_, names) in single.items()}, used, score)
    counts = {"targets": levels(codes[plan.judged])}
    sample = Sample(len(data), int(left.sum()), tuple(dropped), counts)
    carried = _carried(plan, codes)
    return Rows(
        plan=plan,
        score=used,
        codes=codes,
        targets=_targets(plan, codes, single),
        sample=sample,
        studied=_studied(plan, codes),
        carried=carried,
    )


def levels(codes: "Integers") -> int:
    """Count what is numbered from 0."""
    return int(codes.max()) + 1


def _codes(plan: Plan, single: "Mapping[str, Integers]") -> "dict[frozenset[str], Integers]":
    """Give numbers to the combinations of every set of facets that will be asked for."""
    wanted = {effect.facets for effect in plan.effects} | {plan.judged, plan.cell}
    wanted |= {plan.closed(frozenset({f})) for f in (*plan.facets, *plan.crossed)} | {
        plan.within[f] for f in plan.facets
    }
    wanted |= {plan.judged | plan.closed(frozenset({f})) for f in plan.error}
    wanted |= {plan.judged | plan.within.get(f, frozenset()) for f in plan.error}
    wanted.add(plan.cell | frozenset(plan.crossed))
    size = next(iter(single.values())).size
    found: dict[frozenset[str], Integers] = {frozenset(): np.zeros(size, dtype=np.intp)}
    for facets in wanted:
        found[facets] = combined([single[f] for f in sorted(facets)], size)
    return found


def combined(codes: "list[Integers]", size: int) -> "Integers":
    """Give numbers to the combinations that occur, in the order of their codes."""
    whole = np.zeros(size, dtype=np.intp)
    for one in codes:
        whole = np.unique(whole * levels(one) + one, return_inverse=True)[1]
    return whole


def _refuse(
    plan: Plan, codes: "dict[frozenset[str], Integers]", names: dict[str, list[Any]], used: Any, score: str
) -> None:
    """Refuse what holds nothing to compare, in plain words."""
    for facet in (*plan.facets, *plan.crossed):
        if len(names[facet]) == 1:
            what = "object" if facet == plan.object else "facet"
            raise checks.InputError(
                f"{what} {facet!r} has one level only ({names[facet][0]!r}); two at least are needed to compare them"
                + ("" if what == "object" else ", or leave it out of the design")
            )
    for facet in plan.facets:
        outer = plan.within[facet]
        if outer and levels(codes[plan.closed(frozenset({facet}))]) == levels(codes[outer]):
            parent = " x ".join(f for f in plan.facets if f in outer)
            raise checks.InputError(
                f"every level of {parent!r} holds one level of {facet!r} only: what belongs to which cannot be told; "
                f"leave {facet!r} out of the design, or collect more"
            )
    if levels(codes[plan.judged]) == used.size:
        raise checks.InputError(
            f"each {plan.object!r} has one score only: nothing tells how far another score would differ"
        )
    if np.ptp(used) == 0:
        raise checks.InputError(f"score={score!r}: every score is {used[0]:g}; there are no differences to divide up")


def _targets(plan: Plan, codes: "dict[frozenset[str], Integers]", single: Mapping[str, Any]) -> list[Any]:
    """Name the objects; where a name stands for several, put what they are nested in behind it."""
    at = codes[plan.judged]
    first = np.unique(at, return_index=True)[1]
    found, names = single[plan.object]
    own = [names[i] for i in found[first]]
    if len(set(own)) == len(own):
        return own
    order = [f for f in plan.facets if f in plan.judged]
    return [" / ".join(str(single[f][1][single[f][0][i]]) for f in order) for i in first]


def _carried(plan: Plan, codes: "dict[frozenset[str], Integers]") -> dict[str, tuple[str, ...]]:
    """Find, for each crossed facet, the smallest cell of the design throughout which it keeps its level."""
    cells = sorted({e.facets for e in plan.effects if e.facets <= plan.cell}, key=len)
    found = {}
    for facet in plan.crossed:
        code = codes[frozenset({facet})]
        for cell in cells:
            inside = codes[cell]
            keeps = np.zeros(levels(inside), dtype=np.intp)
            keeps[inside] = code
            if levels(inside) < code.size and np.array_equal(keeps[inside], code):
                found[facet] = tuple(f for f in plan.error if f in cell)
                break
    return found


def _studied(plan: Plan, codes: "dict[frozenset[str], Integers]") -> dict[str, float]:
    found = {
        facet: _each(codes[plan.judged | plan.closed(frozenset({facet}))], codes[plan.judged | outer])
        for facet in plan.error
        for outer in [plan.within.get(facet, frozenset())]
    }
    finest = codes[plan.cell | frozenset(plan.crossed)]
    found[REPEATS] = round(float(levels(finest) / (1 / np.bincount(finest)).sum()), 9)
    return found


def _each(inner: "Integers", outer: "Integers") -> float:
    """Harmonic mean, over the levels of `outer`, of how many levels of `inner` each holds."""
    pairs = np.unique(inner * levels(outer) + outer) % levels(outer)
    return round(float(levels(outer) / (1 / np.bincount(pairs)).sum()), 9)


def _concentration(target: "Integers", effect: "Integers", count: "Integers") -> "npt.NDArray[np.float64]":
    """Sum of squared shares of an effect's levels among each target's scores: 1 if it is always the same level."""
    pairs, times = np.unique(target * levels(effect) + effect, return_counts=True)
    where = pairs // levels(effect)
    return np.asarray(np.bincount(where, (times / count[where]) ** 2, minlength=count.size))


def balanced(rows: Rows) -> tuple["npt.NDArray[np.float64]", list[frozenset[int]]]:
    """Lay complete, balanced rows out as an array with an axis per facet; answer with the effects as sets of axes.

    The residual comes last: all axes, that of repeated scores included.

    Raises
    ------
    InputError
        If the design has crossed facets, or is not balanced; the first shortfall is named.
    """
    plan, place = rows.plan, {f: i for i, f in enumerate(rows.plan.facets)}
    if plan.crossed:
        raise checks.InputError(
            f"method='anova' is for balanced designs, and crossed={list(plan.crossed)!r} cuts across one; "
            "use method='reml'"
        )
    index, shape = [], []
    for facet in plan.facets:
        own, outer = rows.codes[plan.closed(frozenset({facet}))], rows.codes[plan.within[facet]]
        within, sizes = _numbered_within(own, outer)
        if np.ptp(sizes):
            few, many = int(sizes.min()), int(sizes.max())
            parent = " x ".join(f for f in plan.facets if f in plan.within[facet])
            raise _unbalanced(f"{facet!r} has {few} levels in some levels of {parent!r} and {many} in others")
        index.append(within)
        shape.append(int(sizes[0]))
    cell = np.ravel_multi_index(index, shape)
    count = np.bincount(cell, minlength=int(np.prod(shape)))
    if np.ptp(count):
        empty, few = int((count == 0).sum()), int(count.min())
        what = f"{empty:,} of {count.size:,} combinations have no score" if empty else (
            f"some combinations have {few} scores and others {count.max()}"
        )  # fmt: skip
        raise _unbalanced(what)
    effects = [frozenset(place[f] for f in e.facets) for e in plan.effects]
    if count[0] > 1:
        shape.append(int(count[0]))
        effects.append(frozenset(range(len(shape))))
    return rows.score[np.argsort(cell, kind="stable")].reshape(shape), effects


def _numbered_within(own: "Integers", outer: "Integers") -> "tuple[Integers, Integers]":
    """Give levels numbers anew within each level they lie in, and say how many each holds."""
    pair, inverse = np.unique(outer * levels(own) + own, return_inverse=True)
    sizes = np.bincount(pair // levels(own))
    start = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return inverse - start[outer], sizes


def _unbalanced(what: str) -> checks.InputError:
    return checks.InputError(f"method='anova' needs a balanced design: {what}; use method='reml'")
