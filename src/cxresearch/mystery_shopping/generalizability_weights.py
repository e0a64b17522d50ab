"""What a decision study does with variance components: which belong to the object, which to error, divided by what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cxresearch import checks
from cxresearch.mystery_shopping.generalizability_design import REPEATS, Plan, read_product

Floats = npt.NDArray[np.float64]
Sizes = Mapping[str, Any]
"""For each facet of error, and ``repeats``, a number or an array of numbers."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Weights of the components in three variances, each with the components along the last axis.

    Parameters
    ----------
    universe : array
        Variance of universe scores: what the objects really differ by.
    relative, absolute : array
        Error variances: for comparing objects with each other, and with a standard.
    """

    universe: Floats
    relative: Floats
    absolute: Floats

    def error(self, coefficient: str) -> Floats:
        """Return the error that a coefficient counts."""
        return self.relative if coefficient == "g" else self.absolute


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The rules of one decision study.

    Parameters
    ----------
    plan : Plan
        The design.
    sets : tuple of frozenset of str
        Facets of each component, the residual last.
    studied : mapping of str to float
        Sizes of the study, taken where none is given.
    carried : mapping of str to tuple of str
        Crossed facets that keep their level throughout a visit (say), and the facets that number the visits.
    fixed : frozenset of str
        Facets whose levels are all there is to generalize to.
    own : frozenset of str
        Facets of which each object has levels of its own, so that they hinder comparison too.
    """

    plan: Plan
    sets: tuple[frozenset[str], ...]
    studied: Mapping[str, float]
    carried: Mapping[str, tuple[str, ...]]
    fixed: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()

    def sizes(self, given: Sizes) -> dict[str, Any]:
        """Fill in the sizes that were not given: as studied; for a carried facet a new level at each visit."""
        sizes = {f: given.get(f, self.studied[f]) for f in (*self.plan.error, REPEATS)}
        for facet, by in self.carried.items():
            if by:
                most = np.prod([np.asarray(sizes[f], dtype=float) for f in by], axis=0)
                sizes[facet] = np.minimum(given[facet], most) if facet in given else most
        return sizes

    def weights(self, given: Sizes) -> Weights:
        """Weigh the components for given sizes."""
        sizes = self.sizes(given)
        kinds: dict[str, list[Any]] = {"universe": [], "relative": [], "absolute": []}
        shape = np.broadcast_shapes(*(np.shape(s) for s in sizes.values()))
        for i, facets in enumerate(self.sets):
            last = i == len(self.sets) - 1
            one = 1 / np.broadcast_to(self._divisor(facets, sizes, last=last), shape)
            into = self._kinds(facets, last=last)
            for kind, column in kinds.items():
                column.append(one if kind in into else np.zeros(shape))
        return Weights(**{kind: np.stack(columns, axis=-1) for kind, columns in kinds.items()})

    def _divisor(self, facets: frozenset[str], sizes: Mapping[str, Any], *, last: bool) -> Any:
        if last:
            names = [f for f in self.plan.error if f not in self.carried] + [REPEATS]
        else:
            names = [f for f in self.plan.error if f in facets]
        return np.prod(np.broadcast_arrays(1.0, *(np.asarray(sizes[f], dtype=float) for f in names)), axis=0)

    def _kinds(self, facets: frozenset[str], *, last: bool) -> tuple[str, ...]:
        """Say into which variances a component goes."""
        random = facets - self.plan.judged - self.fixed
        judged = bool(facets & self.plan.judged)
        if not random and not last:
            return ("universe",) if judged else ()
        return ("relative", "absolute") if judged or facets & self.own else ("absolute",)


def decide(base: Decision, *, fixed: Iterable[str], nested: Iterable[str]) -> Decision:
    """Set the facets that are fixed, and those of which each object has its own.

    Raises
    ------
    InputError
        If one of them is not a facet of error, is nested in the object or in a random facet, cuts across the design, or
        nothing is left to generalize over.
    """
    plan = base.plan
    named = {"fixed": _names(fixed), "nested": _names(nested)}
    for argument, names in named.items():
        for name in names:
            checks.choice(argument, name, plan.error)
    for name in named["fixed"]:
        outer = plan.within.get(name, frozenset())
        if name in plan.crossed or name in named["nested"] or outer & plan.judged:
            raise checks.InputError(
                f"fixed={name!r}: each {plan.object!r} has levels of its own of it, so it cannot be the same for all"
            )
        if outer - frozenset(named["fixed"]):
            raise checks.InputError(
                f"fixed={name!r} is nested in {sorted(outer)[0]!r}, which is random: fix that too, or neither"
            )
    if set(plan.error) <= set(named["fixed"]):
        raise checks.InputError(f"fixed={named['fixed']!r}: no random facet is left over which to generalize")
    return Decision(
        plan=plan,
        sets=base.sets,
        studied=base.studied,
        carried=base.carried,
        fixed=frozenset(named["fixed"]),
        own=frozenset(plan.crossed) | frozenset(named["nested"]),
    )


def _names(given: Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def check_sizes(decision: Decision, sizes: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the sizes as lists of whole numbers.

    Raises
    ------
    InputError
        If a facet is unknown, a size is not a whole number of at least 1, or a fixed facet is given another size than
        the study's.
    """
    allowed = [*decision.plan.error, REPEATS]
    found = {}
    for name, given in sizes.items():
        checks.choice("sizes", name, allowed)
        numbers = [given] if isinstance(given, int | float | np.number) else list(given)
        if not numbers or not all(whole(n) for n in numbers):
            raise checks.InputError(
                f"sizes[{name!r}]={given!r} must be whole numbers of at least 1, for example [1, 2, 4]"
            )
        if name in decision.fixed and any(n != decision.studied[name] for n in numbers):
            raise checks.InputError(
                f"sizes[{name!r}]={given!r}: a fixed facet keeps the {decision.studied[name]:g} levels studied"
            )
        found[name] = [float(n) for n in numbers]
    return found


def whole(number: Any) -> bool:
    """Tell whether this is a whole number of at least 1."""
    if isinstance(number, bool) or not isinstance(number, int | float | np.number):
        return False
    return 1 <= float(number) < np.inf and float(number).is_integer()


def price(decision: Decision, costs: Mapping[str, float], given: Sizes) -> Any:
    """Return what the scores of one object cost: each price times how often its facet occurs.

    Raises
    ------
    InputError
        If a price is not a number of at least 0, or stands for no facet of error.
    """
    return sum((amount * times for _, amount, times in bill(decision, costs, given)), np.float64(0))


def bill(decision: Decision, costs: Mapping[str, float], given: Sizes) -> list[tuple[str, float, Any]]:
    """Return for each price its name, the price, and how often it is paid for one object."""
    sizes, lines = decision.sizes(given), []
    for name, amount in costs.items():
        if isinstance(amount, bool) or not isinstance(amount, int | float | np.number) or not 0 <= amount < np.inf:
            raise checks.InputError(f"costs[{name!r}]={amount!r} must be an amount of at least 0")
        facets = read_product(name, (*decision.plan.error, REPEATS), "costs")
        closed = decision.plan.closed(frozenset(facets))
        names = [f for f in (*decision.plan.error, REPEATS) if f in closed]
        times = np.prod(np.broadcast_arrays(1.0, *(np.asarray(sizes[f], dtype=float) for f in names)), axis=0)
        lines.append((name, float(amount), times))
    return lines


def grid(sizes: Mapping[str, Sequence[float]]) -> dict[str, Floats]:
    """Cross the sizes: one entry per combination, the last facet varying fastest."""
    if not sizes:
        return {}
    mesh = np.meshgrid(*(np.asarray(v, dtype=float) for v in sizes.values()), indexing="ij")
    return {name: m.ravel() for name, m in zip(sizes, mesh, strict=True)}
