"""Did the score really change: reliable change, and change beyond regression to the mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import pandas as pd
from scipy import special

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.mystery_shopping import rectification_words as words
from cxresearch.mystery_shopping.rectification_rows import Pairs, read_pairs
from cxresearch.numerics import change, proportions
from cxresearch.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST: Final = 3
"""Units that a standard deviation, a reliability or a comparison rests on at least."""


@dataclass(frozen=True, kw_only=True)
class ChangeResult(Result):
    """What `reliable_change` answers with.

    Parameters
    ----------
    units : DataFrame
        A row per unit with a score before and after: unit, rectified, before, after, change, ci_low, ci_high
        (interval of the true change, after Jacobson and Truax), expected (score after if nothing had changed),
        beyond, beyond_low, beyond_high (what lies above that, with its prediction interval), jacobson_truax,
        edwards_nunnally, gulliksen_lord_novick (the indices), verdict by the last ("improved", "worse", "not shown").
    reliability : float
        Share of the variance of the scores before that is the units' own (0 to 1).
    estimated : bool
        Whether it comes from repeated scores in the data; otherwise it was given.
    error, difference : float
        Standard error of measurement of a unit's score before, and of a difference of two scores, in points.
    reference : float
        Mean score before of all units measured: what scores regress to.
    compared : bool
        Whether there are units without rectification to compare with.
    name : str
        The caller's column of units.
    """

    units: pd.DataFrame
    reliability: float
    estimated: bool
    error: float
    difference: float
    reference: float
    compared: bool
    name: str

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def row(self, quantity: str) -> Any:
        """Return one row of the table."""
        return self.table.set_index("quantity").loc[quantity]

    @property
    def headline(self) -> str:
        """Name the row that answers: "ancova" with units to compare with, else "beyond"."""
        return "ancova" if self.compared else "beyond"

    @property
    def verdict(self) -> str:
        """Say "better", "worse" or "not shown", from the interval of the headline."""
        row = self.row(self.headline)
        return "better" if row.ci_low > 0 else "worse" if row.ci_high < 0 else "not shown"

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say whether it got better by more than chance; with `focus`, a unit, its change comes first.

        Raises
        ------
        InputError
            If `focus` is not a unit.
        """
        return Paragraph(words.change_text(self, language, focus))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Axes":
        """Draw scores after against scores before, with what to expect if nothing had changed.

        Raises
        ------
        InputError
            If `focus` is not a unit.
        """
        from cxresearch.mystery_shopping import rectification_figures

        return rectification_figures.before_after(self, language, focus)

    def readable(
        self, language: str = "en", *, digits: int = 2, part: str = "table", most: int | None = None
    ) -> Readable:
        """Return a table for reading.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        part : {"table", "units"}
            Which table; units with the largest change beyond expectation come first.
        most : int, optional
            Rows shown at most.
        """
        checks.choice("part", part, ("table", "units"))
        frame = self.table if part == "table" else self.units.sort_values("beyond", ascending=False, kind="stable")
        if part == "units":
            frame = frame.drop(columns=["edwards_nunnally", "ci_low", "ci_high"])
            frame = frame.assign(rectified=np.where(frame["rectified"], "yes", "no"))
        return Readable(frame.head(most) if most else frame, language, digits, self.headings)


def reliable_change(
    data: pd.DataFrame,
    *,
    unit: str,
    before: str | Sequence[str],
    after: str | Sequence[str],
    reliability: float | None = None,
    rectified: str | None = None,
    confidence: float = defaults.CONFIDENCE,
) -> ChangeResult:
    """Tell real change from measurement error and from regression to the mean.

    Decides whether a return visit verifies a rectification: which units changed by more than the score's own error,
    whether all together gained more than the low ones gain anyway when they are measured again, and, where some were
    not rectified, what the rectified gained beyond those.

    Parameters
    ----------
    data : DataFrame
        One row per unit; not changed. Give *all* units that were measured before, not only the low ones that were
        revisited: their mean is what low scores regress to. Higher scores are better.
    unit : str
        Column that names what was scored: community, post, checklist item of a place.
    before, after : str or sequence of str
        Column, or columns of repeated scores (several visits or shoppers), in points. Empty where not visited.
    reliability : float, optional
        Reliability of the score before, between 0 and 1, if it is known from another study; otherwise it is
        estimated from the repeated scores before.
    rectified : str, optional
        Column that says who was rectified (true or false, 1 or 0, yes or no, 是 or 否). Revisited units that were
        not are compared with. Without it, every revisited unit counts as rectified.
    confidence : float
        Coverage probability of intervals; the indices are judged at the same level, two-sided.

    Returns
    -------
    ChangeResult
        ``table`` has the columns quantity, estimate, se, ci_low, ci_high, n (units), in points or shares, and the rows

        - before, after, change : means of the rectified units
        - regression : the change to expect of them by regression to the mean alone
        - beyond : change less regression
        - control_change, difference, ancova : mean change of the others; difference of mean changes (Welch); what
          rectification adds at equal scores before (analysis of covariance)
        - reliable : share of rectified units that improved by Jacobson and Truax's index
        - improved, worse : share that improved, or got worse, beyond expectation (Gulliksen, Lord and Novick)

        ``units`` judges each unit; ``reliability``, ``error``, ``difference`` say how well the score measures.

    Raises
    ------
    InputError
        If a column is missing, scores are no numbers or all alike, a unit has two rows, fewer than three units have a
        score before or fewer than two are revisited, or the reliability is neither given nor can be estimated.

    Notes
    -----
    With M and s the mean and standard deviation of all units' scores before, r the reliability, SEM = s √(1 - r):

    - Jacobson and Truax: (after - before) / √(2 SEM²), with the denominator of Christensen and Mendoza. It flags low
      units too often, since it expects no regression to the mean.
    - Edwards and Nunnally, as Speer gives it: the score after against M + r (before - M), over SEM. It allows for
      regression, but not for the error of the score after, and flags too many.
    - Gulliksen, Lord and Novick, as Hsu gives it: the same distance over s √(1 - r²). It allows for both; the
      verdicts use it. Of units that did not change it flags 5 to 7 %, however they were chosen, if 60 or more were
      measured; of the low ones among 20 it flags 11 %.

    r is estimated as 1 - mean error variance of the units' mean scores / variance of these; with k scores each this is
    ICC(1,k). Where scores after are repeated as well, their own error replaces SEM after. Intervals of `regression`
    and `beyond` allow for the estimation of M and r (infinitesimal jackknife, t); a reliability given as a number
    counts as known. The analysis of covariance uses HC3 errors. It is free of bias where units were chosen for
    rectification by their score before, or by lot; not where the choice rested on something else that matters.

    It cannot tell rectification from anything else that happened to all units at once, unless some were not rectified.

    Validated against closed forms, statsmodels' least squares with HC3 errors, scipy's Welch interval, pingouin's
    ICC(1,k), and by simulation (data/evidence/rectification.csv).

    References
    ----------
    Jacobson, N. S. & Truax, P. (1991). Clinical significance: a statistical approach to defining meaningful change in
    psychotherapy research. Journal of Consulting and Clinical Psychology 59(1), 12-19.

    Christensen, L. & Mendoza, J. L. (1986). A method of assessing change in a single subject: an alteration of the RC
    index. Behavior Therapy 17, 305-308.

    Speer, D. C. (1992). Clinically significant change: Jacobson and Truax (1991) revisited. Journal of Consulting and
    Clinical Psychology 60(3), 402-408.

    Hsu, L. M. (1989). Reliable changes in psychotherapy: taking into account regression toward the mean. Behavioral
    Assessment 11, 459-467.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"site": list("abcdef"), "june": [55, 62, 70, 74, 80, 85]})
    >>> data["july"] = [69, 70, 75, None, None, None]
    >>> result = reliable_change(data, unit="site", before="june", after="july", reliability=0.7)
    >>> result.table.set_index("quantity").loc[["change", "regression", "beyond"], "estimate"].round(2).tolist()
    [9.0, 2.6, 6.4]
    """
    checks.confidence(confidence)
    early, late = ([columns] if isinstance(columns, str) else list(columns) for columns in (before, after))
    if not early or not late:
        raise checks.InputError("before and after need a column of scores each")
    pairs = read_pairs(data, unit=unit, before=early, after=late, rectified=rectified)
    return analyse(pairs, unit, reliability=reliability, confidence=confidence)


def analyse(pairs: Pairs, name: str, *, reliability: float | None, confidence: float) -> ChangeResult:
    """Analyse pairs that were read from either shape of table."""
    before, after = (_row_means(scores) for scores in (pairs.before, pairs.after))
    seen = np.isfinite(after)
    chosen = seen if pairs.rectified is None else seen & pairs.rectified
    _refuse(pairs, name, before, chosen, reliability)
    early, late = change.repeats(pairs.before), change.repeats(pairs.after)
    known = change.measure(before, reliability=reliability, early=early, late=late)
    if not known.error > 0 or not known.error_after > 0:
        raise checks.InputError(
            "repeated scores of a unit never differ, so there is no measurement error to judge change by; "
            "give reliability=..., known from another study"
        )
    others = seen & ~chosen
    compared = bool(min(others.sum(), chosen.sum()) >= FEWEST and np.ptp(before[seen]) > 0)
    units = _units(pairs, before, after, seen, chosen, known, confidence)
    return ChangeResult(
        table=_table(before, after, chosen, others if compared else None, known, units, confidence),
        units=units,
        reliability=known.reliability,
        estimated=reliability is None,
        error=known.error,
        difference=known.difference,
        reference=known.mean,
        compared=compared,
        name=name,
        sample=pairs.sample,
        notes=_notes(pairs, before, chosen, others, known, reliability, compared=compared),
        confidence=confidence,
    )


def _row_means(scores: Any) -> Any:
    count = np.isfinite(scores).sum(axis=1)
    return np.where(count > 0, np.where(np.isfinite(scores), scores, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _refuse(pairs: Pairs, name: str, before: Any, chosen: Any, reliability: float | None) -> None:
    if reliability is not None and (isinstance(reliability, bool) or not 0 < reliability < 1):
        raise checks.InputError(f"reliability={reliability!r} must lie between 0 and 1, for example 0.8")
    if before.size < FEWEST:
        raise checks.InputError(
            f"unit={name!r}: {before.size} units have a score before; at least {FEWEST} are needed, and better all"
        )
    if np.ptp(before) <= 1e-12 * np.abs(before).max():
        raise checks.InputError(f"all scores before are {before[0]:g}: without differences nothing can be judged")
    if chosen.sum() < 2:
        who = "revisited" if pairs.rectified is None else "both rectified and revisited"
        raise checks.InputError(f"{int(chosen.sum())} units were {who}; at least two are needed")
    if reliability is None and change.repeats(pairs.before).df == 0:
        raise checks.InputError(
            "each unit has one score before, so the study's own reliability cannot be estimated: give several columns "
            "(before=['visit 1', 'visit 2']), or reliability=0.7, known from another study"
        )


def _units(
    pairs: Pairs, before: Any, after: Any, seen: Any, chosen: Any, known: change.Measure, confidence: float
) -> pd.DataFrame:
    b, a = before[seen], after[seen]
    z = float(special.ndtri((1 + confidence) / 2))
    index = change.gulliksen_lord_novick(b, a, known)
    gain, extra = a - b, a - change.expected(b, known)
    return pd.DataFrame(
        {
            "unit": [unit for unit, here in zip(pairs.units, seen, strict=True) if here],
            "rectified": chosen[seen],
            "before": b,
            "after": a,
            "change": gain,
            "ci_low": gain - z * known.difference,
            "ci_high": gain + z * known.difference,
            "expected": change.expected(b, known),
            "beyond": extra,
            "beyond_low": extra - z * known.prediction,
            "beyond_high": extra + z * known.prediction,
            "jacobson_truax": change.jacobson_truax(b, a, known),
            "edwards_nunnally": change.edwards_nunnally(b, a, known),
            "gulliksen_lord_novick": index,
            "verdict": np.select([index > z, index < -z], ["improved", "worse"], "not shown"),
        }
    )


def _table(
    before: Any, after: Any, chosen: Any, others: Any, known: change.Measure, units: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    b, a, z = before[chosen], after[chosen], float(special.ndtri((1 + confidence) / 2))
    n = b.size
    rows = {
        "before": (change.mean_of(b, confidence), n),
        "after": (change.mean_of(a, confidence), n),
        "change": (change.mean_of(a - b, confidence), n),
        "regression": (change.regression(before, chosen, known, confidence), n),
        "beyond": (change.beyond(before, after, chosen, known, confidence), n),
    }
    if others is not None:
        gain, both = after - before, chosen | others
        rows |= {
            "control_change": (change.mean_of(gain[others], confidence), int(others.sum())),
            "difference": (change.welch(gain[chosen], gain[others], confidence), int(both.sum())),
            "ancova": (change.ancova(before[both], after[both], chosen[both], confidence), int(both.sum())),
        }
    table = [(name, m.estimate, m.se, m.low, m.high, size) for name, (m, size) in rows.items()]
    mine = units[units["rectified"]]
    for name, hits in (
        ("reliable", mine["jacobson_truax"] > z),
        ("improved", mine["verdict"] == "improved"),
        ("worse", mine["verdict"] == "worse"),
    ):
        low, high = proportions.wilson(float(hits.sum()), float(n), confidence)
        share = float(hits.mean())
        table.append((name, share, float(np.sqrt(share * (1 - share) / n)), float(low), float(high), n))
    return pd.DataFrame(table, columns=["quantity", "estimate", "se", "ci_low", "ci_high", "n"])


def _notes(
    pairs: Pairs,
    before: Any,
    chosen: Any,
    others: Any,
    known: change.Measure,
    reliability: float | None,
    *,
    compared: bool,
) -> tuple[Words, ...]:
    notes = [words.how_measured(known, estimated=reliability is None)]
    if known.reliability == 0:
        notes.append(words.NO_RELIABILITY)
    if chosen.sum() == before.size:
        notes.append(words.NOBODY_ELSE)
    if compared:
        ends = before[others].min(), before[others].max()
        inside = float(((before[chosen] >= ends[0]) & (before[chosen] <= ends[1])).mean())
        notes.append(words.COMPARED)
        if inside < 0.5:
            notes.append(words.no_overlap(inside))
    elif pairs.rectified is not None:
        notes.append(words.too_few_others(int(others.sum())))
    else:
        notes.append(words.NO_CONTROL)
    notes.append(words.JACOBSON_TRUAX)
    return tuple(notes)
