"""Designs in the notation of generalizability theory: what is crossed, what is nested, and which effects follow."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cxresearch import checks

RESIDUAL: Final = "residual"
REPEATS: Final = "scores per cell"
"""Stands, among the sizes of a decision study, for the scores that each combination of levels holds."""

_TOKEN: Final = re.compile(r"\s*(?:`([^`]+)`|\"([^\"]+)\"|([()×:*])|([^\s()×:*`\"]+))")
_MOST_FACETS: Final = 6
_EXAMPLE: Final = '"(visit:outlet) x item": visits nested in outlets, crossed with items'


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One source of differences: a set of facets, complete with those they are nested in.

    Parameters
    ----------
    name : str
        In the field's notation: ``visit:outlet``, ``(visit x item):outlet``.
    facets : frozenset of str
        Their columns; all facets of the design for the residual.
    """

    name: str
    facets: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A design as read.

    Parameters
    ----------
    text : str
        The notation as given.
    object : str
        What is judged.
    facets : tuple of str
        Facets of the notation, in its order.
    within : dict of str to frozenset of str
        For each facet of the notation all those it is nested in.
    crossed : tuple of str
        Facets that cut across the design.
    effects : tuple of Effect
        The design's effects from small to large, then those of crossed facets; without the residual.
    """

    text: str
    object: str
    facets: tuple[str, ...]
    within: dict[str, frozenset[str]]
    crossed: tuple[str, ...]
    effects: tuple[Effect, ...]

    @property
    def judged(self) -> frozenset[str]:
        """The object and all it is nested in: what scores are meant to tell apart."""
        return self.within[self.object] | {self.object}

    @property
    def error(self) -> tuple[str, ...]:
        """The facets over which a score is to hold, crossed ones last."""
        return (*(f for f in self.facets if f not in self.judged), *self.crossed)

    @property
    def cell(self) -> frozenset[str]:
        """All facets of the notation."""
        return frozenset(self.facets)

    def closed(self, facets: frozenset[str]) -> frozenset[str]:
        """Add what the facets are nested in."""
        return facets.union(*(self.within.get(f, frozenset()) for f in facets))

    def name(self, facets: frozenset[str]) -> str:
        """Write an effect in the field's notation."""
        outer = frozenset().union(*(self.within.get(f, frozenset()) for f in facets))
        order = [f for f in (*self.facets, *self.crossed) if f in facets - outer]
        inner = " x ".join(order)
        if not outer:
            return inner
        inner = f"({inner})" if len(order) > 1 else inner
        behind = self.name(outer)
        return f"{inner}:({behind})" if " x " in behind and not behind.startswith("(") else f"{inner}:{behind}"


def read_design(
    text: str,
    *,
    object: str,  # noqa: A002 - the field's word
    crossed: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Plan:
    """Read a design such as ``(visit:outlet) x item``.

    Raises
    ------
    InputError
        If the notation cannot be read, a facet appears twice, the object is not among the facets, nothing but the
        object is there to generalize over, or a crossed facet is one of the design's.
    """
    if not isinstance(text, str) or not text.strip():
        raise checks.InputError(f"design={text!r} must be a text such as {_EXAMPLE}")
    within = _Reader(text).whole()
    facets = tuple(within)
    if object not in within:
        raise checks.InputError(
            f"object={object!r} is not in design={text!r}{checks.nearest(str(object), facets)}; its facets are "
            f"{checks.listed(facets)}"
        )
    if len(facets) > _MOST_FACETS:
        raise checks.InputError(
            f"design={text!r} has {len(facets)} facets, whose effects no data could tell apart; {_MOST_FACETS} at most"
        )
    extra = _crossed(crossed, facets, text, columns)
    singles = tuple(dict.fromkeys(f for effect in extra for f in effect if f not in within))
    plan = Plan(text=text, object=object, facets=facets, within=within, crossed=singles, effects=())
    if not plan.error:
        raise checks.InputError(
            f"design={text!r} holds nothing besides object={object!r} over which a score could be generalized; name "
            f"the visits, raters or items too, as in {_EXAMPLE}"
        )
    closed = {
        frozenset(s)
        for k in range(1, len(facets) + 1)
        for s in itertools.combinations(facets, k)
        if plan.closed(frozenset(s)) == frozenset(s)
    }
    place = {f: i for i, f in enumerate(facets)}
    own = sorted(closed, key=lambda s: (len(s), sorted(place[f] for f in s)))
    further = [plan.closed(frozenset(e)) for e in extra]
    effects = tuple(Effect(name=plan.name(s), facets=s) for s in dict.fromkeys([*own, *further]))
    return Plan(text=text, object=object, facets=facets, within=within, crossed=singles, effects=effects)


def _crossed(crossed: Sequence[str], facets: tuple[str, ...], text: str, columns: Sequence[str]) -> list[list[str]]:
    """Read crossed facets, and their interactions such as ``shopper x item``."""
    given = [crossed] if isinstance(crossed, str) else list(crossed)
    effects = []
    for one in given:
        try:
            names = [one] if one in columns else list(_Reader(str(one)).whole(nested=False))
        except checks.InputError as wrong:
            raise checks.InputError(f"crossed={one!r}: {wrong}") from None
        if all(n in facets for n in names):
            raise checks.InputError(
                f"crossed={one!r} is in design={text!r} already; crossed takes further facets that cut across it, such "
                "as shoppers who each visit some outlets"
            )
        effects.append(names)
    alone = [n for names in effects for n in names if n not in facets]
    return [*([n] for n in dict.fromkeys(alone)), *(names for names in effects if len(names) > 1)]


def read_product(text: str, known: Sequence[str], argument: str) -> list[str]:
    """Read one facet, or several with x between them.

    Raises
    ------
    InputError
        If it cannot be read, or names what is not known.
    """
    if text in known:  # a name may itself hold an x
        return [text]
    try:
        names = list(_Reader(str(text)).whole(nested=False))
    except checks.InputError:
        names = [str(text)]
    for name in names:
        checks.choice(argument, name, known)
    return names


class _Reader:
    """A reader by descent: ``expression = term x term …``, ``term = atom : term``, ``atom = name or (expression)``."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, at = text, list[tuple[str, bool]](), 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found:
                raise self._wrong(f"a quotation mark is not closed in {text[at:].strip()!r}")
            quoted = found[1] or found[2]
            self.tokens.append((quoted or found[3] or found[4], bool(quoted)))
            at = found.end()
        self.at = 0

    def whole(self, *, nested: bool = True) -> dict[str, frozenset[str]]:
        """Return what each facet is nested in, in the order of the text."""
        within = self._expression()
        if self.at < len(self.tokens):
            raise self._wrong(f"{self.tokens[self.at][0]!r} was not expected there; put x between crossed facets")
        if not nested and any(within.values()):
            raise self._wrong("a crossed facet is nested in nothing: write names with x between them")
        return within

    def _expression(self) -> dict[str, frozenset[str]]:
        found = self._term()
        while self._next() in ("x", "X", "×", "*"):
            self.at += 1
            found = self._joined(found, self._term())
        return found

    def _term(self) -> dict[str, frozenset[str]]:
        inner = self._atom()
        if self._next() != ":":
            return inner
        self.at += 1
        outer = self._term()
        nests = frozenset(outer)
        # the order of the text puts what is nested first; within[] keeps every ancestor
        return self._joined({f: w | nests for f, w in inner.items()}, outer)

    def _atom(self) -> dict[str, frozenset[str]]:
        if self.at >= len(self.tokens):
            raise self._wrong("it ends where a facet should follow")
        word, quoted = self.tokens[self.at]
        self.at += 1
        if quoted or word not in ("(", ")", ":", "×", "*"):
            return {word: frozenset()}
        if word != "(":
            raise self._wrong(f"{word!r} stands where a facet should be")
        inner = self._expression()
        if self._next() != ")":
            raise self._wrong("a bracket is not closed")
        self.at += 1
        return inner

    def _next(self) -> str | None:
        if self.at >= len(self.tokens) or self.tokens[self.at][1]:
            return None
        return self.tokens[self.at][0]

    def _joined(self, left: dict[str, frozenset[str]], right: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        both = sorted(set(left) & set(right))
        if both:
            raise self._wrong(f"{both[0]!r} stands in it twice")
        return left | right

    def _wrong(self, why: str) -> checks.InputError:
        return checks.InputError(f"design={self.text!r} cannot be read: {why}. Example: {_EXAMPLE}")
