"""The loop of rectification over several cycles: distance to the promised standard, and whether findings are closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.mystery_shopping import rectification_loop as loop
from cxresearch.mystery_shopping import rectification_words as words
from cxresearch.mystery_shopping.rectification_change import FEWEST, ChangeResult, analyse
from cxresearch.mystery_shopping.rectification_rows import Cycles, Pairs, read_cycles
from cxresearch.numerics import change
from cxresearch.result import Result

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.figure import Figure

    Booleans = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]

_FEW: Final = 10
"""Units below which a note warns."""


@dataclass(frozen=True, kw_only=True)
class RectificationResult(Result):
    """What `rectification` answers with.

    Parameters
    ----------
    steps : DataFrame
        The loop, over all cycles that were followed by another: step, n, of, share, ci_low, ci_high.
    units : DataFrame
        Where each unit stood when last visited: unit, cycle, score, standard, distance, ci_low, ci_high (of its true
        distance), verdict ("meets", "falls short" or "cannot be told").
    trend : Mean
        Points per cycle by which units come nearer to the standard, with interval.
    cycles : Cycles
        What was read.
    reliability : float or None
        As it was given.
    name : str
        The caller's column of units.
    """

    steps: pd.DataFrame
    units: pd.DataFrame
    trend: change.Mean
    cycles: Cycles
    reliability: float | None
    name: str

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def step(self, name: str) -> Any:
        """Return one row of `steps`, or None if the data do not have it."""
        found = self.steps[self.steps["step"] == name]
        return None if found.empty else found.iloc[0]

    def between(self, first: Any = None, second: Any = None) -> ChangeResult:
        """Judge the change from one cycle to another, as `reliable_change` does.

        Units with a finding in the first cycle are judged; those without one only serve as reference for regression
        to the mean. Where the data say who was rectified, findings without rectification are compared with.

        Parameters
        ----------
        first, second : optional
            Two cycles; the first and the one after it if left out.

        Raises
        ------
        InputError
            If a cycle is unknown or the other, or `reliable_change` refuses.
        """
        known = self.cycles.cycles
        at = [0] if first is None else [_place("first", first, known)]
        at.append(min(at[0] + 1, len(known) - 1) if second is None else _place("second", second, known))
        if at[0] == at[1]:
            raise checks.InputError(f"first and second are both {known[at[0]]!r}; two cycles are needed")
        pairs = _pairs(self.cycles, *at)
        return analyse(pairs, self.name, reliability=self.reliability, confidence=self.confidence)

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say whether the loop closes and the standard comes nearer; with `focus`, a unit, its standing comes first.

        Raises
        ------
        InputError
            If `focus` is not a unit.
        """
        return Paragraph(words.loop_text(self, language, focus))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw the distance to the standard by cycle, and the steps of the loop.

        Raises
        ------
        InputError
            If `focus` is not a unit.
        """
        from cxresearch.mystery_shopping import rectification_figures

        return rectification_figures.loop(self, language, focus)

    def readable(
        self,
        language: str = "en",
        *,
        digits: int = 2,
        part: str = "table",
        most: int | None = None,
        truth: Mapping[str, Sequence[float]] | None = None,
    ) -> Readable:
        """Return a table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        part : {"table", "steps", "units"}
            Which table; units furthest below the standard come first.
        most : int, optional
            Rows shown at most.
        truth : mapping of str to sequence of float, optional
            What simulated cycles were made from: ``distance`` and ``share_meeting`` by cycle.
        """
        checks.choice("part", part, ("table", "steps", "units"))
        frame = self.units.sort_values("distance", kind="stable") if part == "units" else getattr(self, part)
        if part == "steps":
            frame = frame.rename(columns={"n": "number"})
        if part == "table" and truth:
            frame = frame.copy()
            for name, after in (("distance", "distance"), ("share_meeting", "meeting_true")):
                frame.insert(list(frame.columns).index(after) + 1, f"true_{name}", list(truth[name]))
        return Readable(frame.head(most) if most else frame, language, digits, self.headings)


def rectification(
    data: pd.DataFrame,
    *,
    unit: str,
    cycle: str,
    score: str,
    standard: float | str,
    planned: str | None = None,
    rectified: str | None = None,
    reliability: float | None = None,
    confidence: float = defaults.CONFIDENCE,
) -> RectificationResult:
    """Follow units through cycles of evaluation, plan, rectification and return visit.

    Decides whether the loop closes: whether findings get a plan, plans are carried out, and return visits find the
    standard met more often than chance alone would bring; and whether the promised standard comes nearer.

    Parameters
    ----------
    data : DataFrame
        One row per visit; not changed. Higher scores are better.
    unit, cycle, score : str
        Columns of what was visited, of the cycle (a number or date that sorts), and of the score in points.
    standard : float or str
        The promised score in points, or the column that holds it. A unit whose mean score in a cycle lies below
        it is a finding; the next cycle is its return visit.
    planned, rectified : str, optional
        Columns that say whether a unit's finding got a plan, and was rectified before the next cycle (true or false,
        1 or 0, yes or no, 是 or 否; empty counts as no). It is enough to say so in one row of the unit's visits.
    reliability : float, optional
        Reliability of a unit's mean score in the first cycle, between 0 and 1, if it is known from another study;
        otherwise it is estimated from repeated visits.
    confidence : float
        Coverage probability of intervals.

    Returns
    -------
    RectificationResult
        ``table`` has a row per cycle: cycle, n (units), mean (points), distance (from the standard, points), se,
        ci_low, ci_high; meeting, meeting_low, meeting_high (share of units scored at the standard or above);
        meeting_true (share whose true score is there, chance taken out); reliability (of a unit's mean score).

        ``steps`` holds the loop: "findings" (of unit-cycles with a cycle to follow), "planned" and "rectified" (of
        findings), "revisited" (of the rectified findings, or of all if the data do not say), "met" and "verified" (of
        the revisited: at the standard; and also improved beyond expectation), "by_chance" (the share that would have
        met it if nothing had changed; no interval), "untouched_met" (of revisited findings without rectification),
        "closed" (rectified, revisited and met, of all findings).

        ``units``, ``trend`` and ``between()`` hold where each unit stands, the trend, and the change between cycles.

    Raises
    ------
    InputError
        If a column is missing, scores are no numbers, there is one cycle only, fewer than three units, or a unit was
        visited once per cycle and no reliability is given.

    Notes
    -----
    Distances are averaged over units, with t intervals; each unit counts once, however often it was visited. The trend
    is the mean over units of each unit's least-squares slope over cycles, with a t interval.

    A low score is partly bad luck, so part of the findings disappear by themselves when measured again. Of a finding
    with score x this part is the chance that a normal score with mean M + r (x - M) and variance s² (1 - r²) reaches
    the standard: M, s and r are mean, deviation and reliability of all units' scores in that cycle. Shares have Wilson
    intervals for an effective number of findings, since findings of one unit resemble each other.

    ``meeting_true`` takes true scores for normal: the share above the standard when the error variance is taken off.
    Where only low units were lifted they are not quite normal, and it may be a few percentage points too low.

    Validated against closed forms, statsmodels' Wilson intervals, and by simulation
    (data/evidence/rectification.csv).

    References
    ----------
    Barnett, A. G., van der Pols, J. C. & Dobson, A. J. (2005). Regression to the mean: what it is and how to deal with
    it. International Journal of Epidemiology 34(1), 215-220.

    Examples
    --------
    >>> from cxresearch.data import simulate
    >>> frame, truth = simulate.rectification(sites=40, cycles=2)
    >>> result = rectification(frame, unit="site", cycle="cycle", score="score", standard=70, rectified="rectified")
    >>> closed = result.step("closed")
    >>> int(closed.n), int(closed.of), round(float(closed.share), 2)
    (8, 27, 0.3)
    """
    checks.confidence(confidence)
    cycles = read_cycles(
        data, unit=unit, cycle=cycle, score=score, standard=standard, planned=planned, rectified=rectified
    )
    _refuse(cycles, cycle, unit, reliability)
    error = loop.error(cycles, reliability)
    return RectificationResult(
        table=loop.table(cycles, error, confidence),
        steps=loop.steps(cycles, error, confidence),
        units=loop.units(cycles, error, confidence),
        trend=loop.trend(cycles.means, confidence),
        cycles=cycles,
        reliability=reliability,
        name=unit,
        sample=cycles.sample,
        notes=_notes(cycles, error, reliability),
        confidence=confidence,
    )


def _refuse(cycles: Cycles, cycle: str, unit: str, reliability: float | None) -> None:
    if len(cycles.cycles) < 2:
        raise checks.InputError(f"cycle={cycle!r} holds {cycles.cycles[0]!r} only; a return visit needs a second cycle")
    if len(cycles.units) < FEWEST:
        raise checks.InputError(f"unit={unit!r}: {len(cycles.units)} units; at least {FEWEST} are needed")
    if reliability is not None and (isinstance(reliability, bool) or not 0 < reliability < 1):
        raise checks.InputError(f"reliability={reliability!r} must lie between 0 and 1, for example 0.8")
    if reliability is None and change.repeats(loop.flat(cycles)).df == 0:
        raise checks.InputError(
            "every unit was visited once per cycle, so measurement error cannot be estimated: give reliability=0.7, "
            "known from another study"
        )


def _place(argument: str, name: Any, known: list[Any]) -> int:
    """Return where a cycle stands; ``"2"`` finds 2."""
    same = [i for i, cycle in enumerate(known) if cycle == name] or [
        i for i, cycle in enumerate(known) if str(cycle) == str(name)
    ]
    if not same:
        raise checks.InputError(f"{argument}={name!r} is no cycle; cycles are {checks.listed(known)}")
    return same[0]


def _pairs(cycles: Cycles, first: int, second: int) -> Pairs:
    """Lay two cycles out side by side: only units with a finding in the first are followed."""
    here = np.isfinite(cycles.means[:, first])
    found = here & (np.where(here, cycles.means[:, first], 0) < 0)
    add = cycles.standard[:, first, None]
    late = cycles.scores[:, second] + cycles.standard[:, second, None]
    after = np.where(found[:, None], late, np.nan)
    rectified = None if cycles.rectified is None else cycles.rectified[here, first]
    sample = words.pair_sample(len(here), int(here.sum()), int(np.isfinite(after[here]).any(axis=1).sum()))
    return Pairs(
        units=[unit for unit, kept in zip(cycles.units, here, strict=True) if kept],
        before=(cycles.scores[:, first] + add)[here],
        after=after[here],
        rectified=rectified,
        sample=sample,
    )


def _notes(cycles: Cycles, error: "Floats", reliability: float | None) -> tuple[Words, ...]:
    notes = [words.cycle_error(float(np.sqrt(np.nanmean(error))), estimated=reliability is None), words.BY_CHANCE]
    if len(cycles.units) < _FEW:
        notes.append(words.few_units(len(cycles.units)))
    if cycles.rectified is None:
        notes.append(words.NOT_SAID_WHO)
    return tuple(notes)
