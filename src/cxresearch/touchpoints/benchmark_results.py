"""What a benchmark answers with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from cxresearch import checks
from cxresearch.checks import InputError, listed, nearest
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.result import Result
from cxresearch.touchpoints import benchmark_change_words as change_words
from cxresearch.touchpoints import benchmark_words as words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KINDS: Final = ("overview", "ranks", "funnel", "changes")


@dataclass(frozen=True, kw_only=True)
class Benchmark(Result):
    """Units compared on touchpoints; see `cxresearch.touchpoints.benchmark.benchmark`.

    Parameters
    ----------
    reliability : DataFrame
        How far units differ on each touchpoint, and how well the data tell.
    kind : {"rates", "means"}
        What scores are.
    top : float
        What a rate of all cases is written as, 1 or 100; 1 for means.
    better : {"high", "low"}
        Which scores are good.
    wrong_side : float
        Expected share of flags on the wrong side, at most.
    min_n : int
        Answers below which a score is suppressed.
    names : mapping
        Readable names of touchpoints.
    against : DataFrame
        Units held against yardsticks; empty unless asked for.
    at_places : DataFrame
        Units held against the others at their place; empty without places.
    changes : DataFrame
        Units' changes from wave to wave; empty without waves.
    """

    reliability: "pd.DataFrame"
    kind: str
    top: float
    better: str
    wrong_side: float
    min_n: int
    names: Mapping[Any, Words] = field(default_factory=dict)
    against: "pd.DataFrame"
    at_places: "pd.DataFrame"
    changes: "pd.DataFrame"

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def text(self, language: str = "en", *, focus: Any = None, touchpoint: Any = None) -> Paragraph:
        """Say which units differ from the rest and which ranks mean nothing.

        Parameters
        ----------
        language : {"en", "zh"}
            English or Chinese.
        focus : optional
            The unit to speak of first, over all its touchpoints.
        touchpoint : optional
            The touchpoint to speak of in detail; by default the one on which units differ most reliably.

        Raises
        ------
        InputError
            If there is no such unit or touchpoint.
        """
        return words.paragraph(self, language, self.unit(focus), self.lead(touchpoint))

    def plot(
        self, language: str = "en", *, focus: Any = None, touchpoint: Any = None, kind: str | None = None
    ) -> "Figure":
        """Draw the comparison.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of titles and labels.
        focus : optional
            The unit to mark.
        touchpoint : optional
            The touchpoint to draw; by default the one on which units differ most reliably.
        kind : {"overview", "ranks", "funnel", "changes"}, optional
            "overview": every unit on every touchpoint, with the ranks it could hold. "ranks": estimates and rank
            intervals on one touchpoint. "funnel": observed scores against the number of answers, with the limits of
            chance. "changes": change on one touchpoint since the last wave but one. By
            default an overview of several touchpoints, the ranks of one.

        Raises
        ------
        InputError
            If there is no such unit, touchpoint or kind, or there are no waves.
        """
        from cxresearch.touchpoints import benchmark_change_figures as change_figures
        from cxresearch.touchpoints import benchmark_figures as figures

        if kind is None:
            kind = "ranks" if touchpoint is not None or len(self.reliability) == 1 else "overview"
        checks.choice("kind", kind, KINDS)
        focus = self.unit(focus)
        if kind == "overview":
            return figures.overview(self, language, focus)
        if kind == "changes" and self.changes.empty:
            raise InputError("kind='changes': there are no waves to compare; name their column, wave=...")
        draw = {"ranks": figures.rank_plot, "funnel": figures.funnel, "changes": change_figures.changes}[kind]
        return draw(self, language, focus, self.lead(touchpoint))

    def held_text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say which units stand above and below the network, the best quarter or the target."""
        return change_words.held(self, language, self.unit(focus))

    def place_text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say which units stand out among the others at their place."""
        return change_words.at_places(self, language, self.unit(focus))

    def change_text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say which scores rose and fell since the wave before."""
        return change_words.changed(self, language, self.unit(focus))

    def recovered(self, truth: "pd.DataFrame", language: str = "en") -> Paragraph:
        """Hold the answer against the known truth of simulated data.

        Parameters
        ----------
        truth : DataFrame
            Columns unit, touchpoint and mean: the true values.
        language : {"en", "zh"}
            English or Chinese.

        Raises
        ------
        InputError
            If a column is missing, or a true value of a unit that is shown.
        """
        checks.columns(truth, unit="unit", touchpoint="touchpoint", mean="mean")
        shown = self.table[~self.table["suppressed"]]
        true = truth.set_index(["touchpoint", "unit"])["mean"]
        places = list(zip(shown["touchpoint"], shown["unit"], strict=True))
        lost = [place for place in places if place not in true.index]
        if lost:
            raise InputError(f"truth has no mean of unit {lost[0][1]!r} on {lost[0][0]!r}")
        return words.recovered(self, shown.assign(truth=true.loc[places].to_numpy()), language)

    def readable(
        self,
        language: str = "en",
        *,
        digits: int = 3,
        touchpoint: Any = None,
        focus: Any = None,
        most: int | None = None,
    ) -> Readable:
        """Return the table for reading, without the columns that it can do without: all of it, or a part.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of the headings.
        digits : int
            Decimals.
        touchpoint, focus : optional
            Only this touchpoint, only this unit.
        most : int, optional
            Rows at most: the first and the last ones, none of them suppressed.
        """
        table = self.table.drop(columns=["se", "wrong_side"])
        if touchpoint is not None:
            table = table[table["touchpoint"] == self.lead(touchpoint)]
        if focus is not None:
            table = table[table["unit"] == self.unit(focus)].drop(columns="unit")
        if most is not None and len(table) > most:
            table = table[~table["suppressed"]]
            most = min(most, len(table))
            keep = [*range(most - most // 2), *range(len(table) - most // 2, len(table))]
            table = table.iloc[keep]
        if not table["suppressed"].any():
            table = table.drop(columns="suppressed")
        table = words.named(self, table, language)
        if touchpoint is not None:
            table = table.drop(columns="touchpoint")
        return Readable(table, language, digits, self.headings)

    def readable_reliability(self, language: str = "en", *, digits: int = 3) -> Readable:
        """Return the table of reliability for reading, without variances and counts."""
        table = words.named(self, self.reliability[_RELIABILITY], language)
        return Readable(table, language, digits, self.headings)

    def remarks(self, language: str = "en") -> Paragraph:
        """Return what the first paragraph leaves out, and the notes, a line each, for reading."""
        told = words.details(self, language)
        return Paragraph("\n".join([*([told] if told else []), *(note(language) for note in self.notes)]))

    def label(self, touchpoint: Any, language: str = "en") -> str:
        """Return a touchpoint's readable name."""
        return self.names[touchpoint](language) if touchpoint in self.names else str(touchpoint)

    def shown(self, touchpoint: Any) -> "pd.DataFrame":
        """Return the rows of a touchpoint that are not suppressed, best first."""
        rows: pd.DataFrame = self.table.loc[(self.table["touchpoint"] == touchpoint) & ~self.table["suppressed"]]
        return rows

    def row(self, touchpoint: Any) -> "pd.Series[Any]":
        """Return a touchpoint's row of the table of reliability."""
        row: pd.Series[Any] = self.reliability[self.reliability["touchpoint"] == touchpoint].iloc[0]
        return row

    def differing(self, differ: bool) -> list[Any]:
        """Return the touchpoints on which units differ by more than chance, or those on which they do not."""
        tested = self.reliability.dropna(subset="p_adjusted")
        return tested.loc[(tested["p_adjusted"] <= 1 - self.confidence) == differ, "touchpoint"].tolist()

    def is_lead(self, touchpoint: Any) -> bool:
        """Tell whether units differ most reliably on this touchpoint."""
        return bool(touchpoint == self.lead())

    def unit(self, focus: Any) -> Any:
        """Return the unit that `focus` names, as it stands in the table; numbers may be given as text.

        Raises
        ------
        InputError
            If there is no such unit.
        """
        return None if focus is None else _known(focus, self.table["unit"].drop_duplicates().tolist(), "focus", "unit")

    def lead(self, touchpoint: Any = None) -> Any:
        """Return the touchpoint that `touchpoint` names; by default the one on which units differ most reliably.

        Raises
        ------
        InputError
            If there is no such touchpoint.
        """
        if touchpoint is not None:
            return _known(touchpoint, self.reliability["touchpoint"].tolist(), "touchpoint", "touchpoint")
        rows = self.reliability.fillna({"reliability": -1.0})
        differ = rows[rows["touchpoint"].isin(self.differing(True))]
        best = differ if len(differ) else rows
        return best.sort_values("reliability", ascending=False, kind="stable")["touchpoint"].iloc[0]


_RELIABILITY = [
    "touchpoint",
    "units",
    "typical_n",
    "reliability",
    "reliability_ci_low",
    "reliability_ci_high",
    "n_for_reliability_0_7",
    "p_adjusted",
]


def _known(given: Any, known: list[Any], argument: str, what: str) -> Any:
    if given in known:
        return given
    same = [value for value in known if str(value) == str(given)]
    if not same:
        raise InputError(
            f"{argument}={given!r}: there is no such {what}{nearest(str(given), known)}; there are {listed(known)}"
        )
    return same[0]
