"""Why customers leave: competing reasons, each with its own incidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from cxresearch import checks, defaults
from cxresearch.language import Paragraph, Readable, Words, number
from cxresearch.loyalty import leaving_words, presence
from cxresearch.loyalty.lag_rows import names
from cxresearch.loyalty.periods import Step
from cxresearch.loyalty.presence import Integers, Presence
from cxresearch.numerics import hazard
from cxresearch.numerics.incidence import cumulative_incidence
from cxresearch.result import Result

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

UNSTATED: Final = "not stated"
"""What the table calls leavers who gave no reason."""
MOST_REASONS: Final = 30
"""More different reasons than this are free text, which wants sorting into classes first."""
NOT_LAST: Final = Words(
    "earlier row of a unit, which only says that it was still there", "该单位的较早记录，只说明当时仍在"
)


def leaving_reasons(
    data: "pd.DataFrame",
    *,
    unit: str,
    period: str,
    left: str,
    reason: str,
    unmet: Sequence[str] = (),
    cluster: str | None = None,
    confidence: float = defaults.CONFIDENCE,
    step: str = "auto",
) -> "Reasons":
    """Estimate how many leave for which reason, and which reason is the chief one.

    Decides what to work on to keep customers: reasons compete, since who has left for one can no longer leave for
    another, so each reason's share is counted among all who were there.

    Parameters
    ----------
    data : DataFrame
        One row per unit and period, up to the period in which the unit leaves or is last seen.
    unit, period, left : str
        Columns as in `streak_hazard`.
    reason : str
        Column of reasons, read where `left` says yes; missing where none was given.
    unmet : list of str
        Reasons that count as unmet needs, for claim L7.
    cluster : str, optional
        Column of clusters, such as communities, whose units may leave together; a unit belongs to the cluster of its
        last row.
    confidence : float
        Coverage probability of the intervals.
    step : {"auto", "year", "quarter", "month", "week", "day"}
        Length of one period; "auto" takes it from the data.

    Returns
    -------
    Reasons
        ``table``: reason (the commonest first; "not stated" last), period (how many since the unit was first seen,
        that one counted), at_risk (units still there when it begins), left (units that leave in it for that reason),
        estimate (chance of having left for that reason by then), se, ci_low, ci_high. ``shares``: what those who said
        why named. ``verdict()``: the rule for claim L7.

    Raises
    ------
    InputError
        As `streak_hazard`; also if no leaver names a reason, there are more than 30 different ones, or `unmet`
        names one that nobody gave.

    Notes
    -----
    Aalen-Johansen estimates in discrete time; time counts from a unit's first row. Units still there, or lost from
    sight, are censored at their last row, taken to be like those that go on. Intervals are mid-P at the
    number of units that would leave a plain proportion as uncertain; without censoring they are those of a
    proportion. "Not stated" competes like a reason of its own; shares are of those who said why, as if the
    silent would have said the same.

    It takes people at their word: a reason given at the door need not be the cause.

    Validated against statsmodels' ``CumIncidenceRight`` and simulated leavers with known shares.

    References
    ----------
    Aalen, O. O., & Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov chains based on
    censored observations. Scandinavian Journal of Statistics, 5, 141-150.

    Examples
    --------
    >>> from cxresearch.data.simulate.leavers import leaving
    >>> frame, truth = leaving(customers=2000)
    >>> result = leaving_reasons(frame, unit="customer", period="year", left="left", reason="reason")
    >>> result.shares.set_index("reason")["share"].round(1).to_dict()["price"], round(truth["reasons"]["price"], 1)
    (0.2, 0.2)
    """
    import pandas as pd

    checks.confidence(confidence)
    needs = names(unmet, "unmet")
    checks.columns(data, unit=unit, period=period, left=left, reason=reason, cluster=cluster)
    presence.distinct_roles(unit=unit, period=period, left=left, reason=reason)
    everything = presence.prepare(data, unit=unit, period=period, left=left, step=step)
    rows = everything.only(~np.isnan(everything.left), presence.NO_LEFT)
    duration = (rows.time - rows.first_time) // rows.step.size + 1
    here = rows.last
    duration, rows = duration[here], rows.only(here, NOT_LAST)
    clusters = None if cluster is None else rows.codes(data, cluster)[0]
    if clusters is not None:
        known = clusters >= 0
        duration, clusters, rows = duration[known], clusters[known], rows.only(known, presence.NO_GROUP)
    told = _told(data, rows, reason)
    labels = _labels(told, reason)
    for name in needs:
        if name not in labels:
            raise checks.InputError(
                f"unmet={name!r}: nobody gave that reason{checks.nearest(name, labels)}; "
                f"reasons are {checks.listed(labels)}"
            )
    cause = np.array([0 if value is None else labels.index(value) + 1 for value in told], dtype=np.int64)
    found = cumulative_incidence(duration, cause, causes=len(labels), confidence=confidence, cluster=clusters)
    times = len(found.at_risk)
    table = pd.DataFrame(
        {
            "reason": np.repeat(np.array(labels, dtype=object), times),
            "period": np.tile(np.arange(1, times + 1), len(labels)),
            "at_risk": np.tile(found.at_risk, len(labels)),
            "left": found.events.T.ravel(),
            "estimate": found.estimate.T.ravel(),
            "se": found.se.T.ravel(),
            "ci_low": found.low.T.ravel(),
            "ci_high": found.high.T.ravel(),
        }
    )
    shares = _Shares(cause, labels, clusters, confidence)
    return Reasons(
        table=table,
        sample=rows.sample(),
        notes=_notes(told, cluster),
        confidence=confidence,
        shares=shares.table(needs),
        unmet=tuple(needs),
        step=rows.step,
        unit=unit,
        counts=shares,
    )


@dataclass(frozen=True)
class _Shares:
    """What those who said why named."""

    cause: Integers
    labels: Sequence[str]
    cluster: Integers | None
    confidence: float

    def share(self, of: Sequence[str], among: Sequence[str], confidence: float) -> hazard.Rates:
        """Return the share of some reasons among some, one cell."""
        codes = {name: i + 1 for i, name in enumerate(self.labels)}
        here = np.isin(self.cause, [codes[name] for name in among])
        event = np.isin(self.cause[here], [codes[name] for name in of]).astype(float)
        cluster = None if self.cluster is None else self.cluster[here]
        return hazard.rates(np.zeros(len(event), dtype=np.int64), event, 1, confidence=confidence, cluster=cluster)

    def table(self, unmet: Sequence[str]) -> "pd.DataFrame":
        """Lay out the shares of all reasons, and of unmet needs together."""
        import pandas as pd

        stated = [name for name in self.labels if name != UNSTATED]
        lines = []
        for label, of in [*(([("unmet needs", list(unmet))]) if unmet else []), *((name, [name]) for name in stated)]:
            found = self.share(of, stated, self.confidence)
            lines.append(
                {
                    "reason": label,
                    "unmet": all(name in unmet for name in of),
                    "n": int(found.events[0]),
                    "share": float(found.rate[0]),
                    "ci_low": float(found.low[0]),
                    "ci_high": float(found.high[0]),
                }
            )
        return pd.DataFrame(lines)


@dataclass(frozen=True, kw_only=True)
class Reasons(Result):
    """What `leaving_reasons` found.

    Parameters
    ----------
    shares : DataFrame
        ``reason`` ("unmet needs" first, if `unmet` was given, for all of them together), unmet (whether it counts as
        an unmet need), n (leavers who named it), share (of leavers who said why), ci_low, ci_high.
    unmet : tuple of str
        Reasons that count as unmet needs.
    step : Step
        How long one period is.
    unit : str
        Column.
    """

    shares: "pd.DataFrame"
    unmet: tuple[str, ...]
    step: Step
    unit: str
    counts: _Shares

    headings: ClassVar[dict[str, Words]] = leaving_words.HEADINGS

    def verdict(self) -> str:
        """Judge the claim that unmet needs are the chief cause of leaving.

        Returns
        -------
        str
            "supported" if unmet needs together are named more often than each other reason; "contradicted" if
            some other reason is named more often than unmet needs; otherwise "undecided". Two are compared among the
            leavers who named either, by whether the interval of the share lies on one side of one half; for
            "contradicted" the level is shared between the reasons (Bonferroni).

        Raises
        ------
        InputError
            If no reasons were named as unmet needs.
        """
        if not self.unmet:
            raise checks.InputError("unmet names no reason; name those that count as unmet needs")
        others = [name for name in self.counts.labels if name not in (*self.unmet, UNSTATED)]
        if not others:
            return "supported"
        pairs = [(list(self.unmet), [*self.unmet, other]) for other in others]
        if all(self.counts.share(of, among, self.confidence).low[0] > 0.5 for of, among in pairs):
            return "supported"
        stricter = 1 - (1 - self.confidence) / len(others)
        worse = any(self.counts.share(of, among, stricter).high[0] < 0.5 for of, among in pairs)
        return "contradicted" if worse else "undecided"

    def at(self, period: int | None = None) -> "pd.DataFrame":
        """Return the rows of the table at one period; at the last one by default."""
        last = int(self.table["period"].max()) if period is None else period
        if last not in set(self.table["period"]):
            raise checks.InputError(f"period={period!r}: periods run from 1 to {self.table['period'].max()}")
        return self.table[self.table["period"] == last].reset_index(drop=True)

    def readable(self, language: str = "en", *, digits: int = 3, truth: Mapping[str, float] | None = None) -> Readable:
        """Return the shares of reasons for reading, with their incidence at the last period.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        truth : mapping of str to float, optional
            Shares the data were simulated with.
        """
        table = self.shares.merge(self.at()[["reason", "estimate"]], on="reason", how="left")
        if "unmet needs" in set(table["reason"]):
            mine = self.at().set_index("reason")["estimate"]
            table.loc[table["reason"] == "unmet needs", "estimate"] = mine[list(self.unmet)].sum()
        table = table.rename(columns={"estimate": "incidence"})
        if truth is not None:
            whole = {**truth, "unmet needs": sum(truth.get(name, 0.0) for name in self.unmet)}
            table["truth"] = [whole.get(name, np.nan) for name in table["reason"]]
        return Readable(table.drop(columns="unmet"), language, digits, self.headings)

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say how many leave, and why; there is no `focus`."""
        if focus is not None:
            raise checks.InputError(f"focus={focus!r}: reasons are counted for all together; choose rows with where")
        return leaving_words.reasons_text(self, language)

    def plot(self, language: str = "en", *, focus: Any = None, truth: Mapping[str, float] | None = None) -> "Figure":
        """Draw each reason's incidence and share.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of titles and labels.
        focus : None
            There is none.
        truth : mapping of str to float, optional
            Shares the data were simulated with.
        """
        from cxresearch.loyalty.leaving_figures import reasons_plot

        if focus is not None:
            raise checks.InputError(f"focus={focus!r}: reasons are counted for all together; choose rows with where")
        return reasons_plot(self, language, truth=truth)


def _told(data: "pd.DataFrame", rows: Presence, reason: str) -> list[str | None]:
    """Return each unit's reason: None if it did not leave."""
    import pandas as pd

    given = data[reason].iloc[rows.position]
    silent = given.isna() | given.astype(str).str.strip().isin(["", "nan", "None"])
    texts = given.astype(str).str.strip()
    return [
        None if not gone else UNSTATED if quiet else text
        for gone, quiet, text in zip(rows.left == 1, pd.Series(silent), texts, strict=True)
    ]


def _labels(told: Sequence[str | None], reason: str) -> list[str]:
    """Return the reasons, the commonest first and silence last."""
    given = [value for value in told if value not in (None, UNSTATED)]
    counts = {str(name): given.count(name) for name in dict.fromkeys(given)}
    if not counts:
        raise checks.InputError(f"reason={reason!r}: no leaver gives a reason")
    if len(counts) > MOST_REASONS:
        raise checks.InputError(
            f"reason={reason!r} has {len(counts)} different values; sort them into at most {MOST_REASONS} classes first"
        )
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    return [*ordered, *([UNSTATED] if UNSTATED in told else [])]


def _notes(told: Sequence[str | None], cluster: str | None) -> tuple[Words, ...]:
    gone = sum(value is not None for value in told)
    silent = sum(value == UNSTATED for value in told)
    notes = [
        Words(
            "Time counts from the period in which a unit was first seen; who is lost from sight counts as still there "
            "until then.",
            "时间从首次出现的时期算起；中途失去联系的，在失联之前视为仍在。",
        )
    ]
    if silent:
        notes.append(
            Words(
                f"{number(silent, 0)} of {number(gone, 0)} leavers gave no reason; the shares are of those who did.",
                f"{number(gone, 0)} 个流失者中有 {number(silent, 0)} 个没有说明原因；占比只按说明原因者计算。",
            )
        )
    if cluster is not None:
        notes.append(
            Words(
                f"The intervals allow units of the same {cluster!r} to leave together.",
                f"区间允许同一“{cluster}”内的单位一起流失。",
            )
        )
    return tuple(notes)
