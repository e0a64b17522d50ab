"""What a study of episodes answers with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from cxresearch import checks
from cxresearch.language import Paragraph, Readable, Words
from cxresearch.result import Result
from cxresearch.touchpoints import peak_end_words as words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

RIVALS: Final[dict[str, tuple[str, ...]]] = {
    "end": ("end",),
    "peak": ("peak",),
    "trough": ("trough",),
    "mean": ("mean",),
    "trend": ("trend",),
    "peak_and_end": ("peak", "end"),
    "near_end": ("end",),
}
"""Which summaries of an episode each rival looks at."""
CLAIMED: Final = frozenset({"end", "near_end", "peak_and_end"})
"""Rivals that agree with claim T4: the end counts, with or without the peak."""


@dataclass(frozen=True, kw_only=True)
class PeakEnd(Result):
    """What customers keep of an episode; see `cxresearch.peak_end` for the columns.

    Parameters
    ----------
    weights, distances, used_up, journey : DataFrame
        As described there.
    profiles : DataFrame or None
        By unit: n (episodes), and means of overall, end, peak, trough, middle and mean.
    episodes, bootstraps : int
        Episodes used, and bootstrap samples.
    mean_overall : float
        Mean overall score.
    same_scale : bool
        Whether moments and overall score share a scale.
    of_unit : mapping of unit to DataFrame
        `journey` of each unit.
    """

    weights: "pd.DataFrame"
    distances: "pd.DataFrame"
    used_up: "pd.DataFrame"
    journey: "pd.DataFrame"
    profiles: "pd.DataFrame | None"
    episodes: int
    bootstraps: int
    mean_overall: float
    same_scale: bool
    of_unit: "Mapping[Any, pd.DataFrame]"

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    @property
    def found(self) -> str | None:
        """The rival that explains best, or the smallest of those that contain it; None if it stays open."""
        if not self.explains:
            return None
        named = self.table.loc[self.table["standing"] == "found", "rival"]
        return None if named.empty else str(named.iloc[0])

    @property
    def first(self) -> tuple[str, ...]:
        """All rivals that may be the best, the best first."""
        return tuple(self.table.loc[self.table["standing"].isin(["found", "ties"]), "rival"])

    @property
    def explains(self) -> bool:
        """Whether the best rival predicts better than the mean does, by more than chance."""
        return bool(self.table["ci_low"].iloc[0] > 0)

    def row(self, rival: str) -> "pd.Series[Any]":
        """Return a rival's row of the table.

        Raises
        ------
        InputError
            If there is no such rival.
        """
        checks.choice("rival", rival, list(self.table["rival"]))
        return self.table[self.table["rival"] == rival].iloc[0]

    def profile(self, focus: Any) -> "pd.Series[Any]":
        """Return a unit's row of ``profiles``.

        Raises
        ------
        InputError
            If there are no units, or none of that name.
        """
        if self.profiles is None:
            raise checks.InputError(f"focus={focus!r}: no units are known; name their column with unit=…")
        match = self.profiles[[str(name) == str(focus) for name in self.profiles["unit"]]]
        if match.empty:
            checks.choice("focus", focus, [str(name) for name in self.profiles["unit"]])
        return match.iloc[0]

    def verdict(self) -> Literal["supported", "contradicted", "undecided"]:
        """Judge claim T4: customers keep the peak and the end, and the overall score lies near its end.

        Contradicted if no rival that may be the best looks at the end (end, near_end, peak_and_end look at it).
        Supported if all of them do and the overall score lies nearer to the end than to the middle of peak and trough
        and to the mean, by more than chance (not asked where scales differ). Undecided otherwise, or if the best rival
        predicts no better than the mean. Where one is found, the others only contain it, add nothing that shows, and
        do not count.
        """
        first = set(self.first) if self.found is None else {self.found}
        if not self.explains or not first:
            return "undecided"
        if not first & CLAIMED:
            return "contradicted"
        return "supported" if first <= CLAIMED and self.near is not False else "undecided"

    @property
    def near(self) -> bool | None:
        """Whether the overall score lies clearly nearer to the end than to mean and middle; None if not asked."""
        rivals = self.distances[self.distances["place"].isin(["middle", "mean"])]
        return bool((rivals["further_low"] > 0).all()) if self.same_scale else None

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say what explains the overall score best, and how far it lies from the end; with `focus`, of that unit."""
        return words.text(self, language, focus)

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw the rivals with their intervals, and the mean journey; `focus` is marked in the latter."""
        from cxresearch.touchpoints import peak_end_figures

        return peak_end_figures.rival_plot(self, language, focus=focus)

    def plot_distances(self, language: str = "en") -> "Figure":
        """Draw how far the overall score lies from the end, the mean, the peak and the trough."""
        from cxresearch.touchpoints import peak_end_figures

        return peak_end_figures.distance_plot(self, language)

    def readable(self, language: str = "en", *, digits: int = 3) -> Readable:
        """Return the main columns of the table for reading; ``table`` has them all."""
        shown = ["rival", "coefficients", "estimate", "ci_low", "ci_high", "behind", "behind_low", "behind_high"]
        return Readable(self.table[[*shown, "standing"]], language, digits, self.headings)

    def readable_weights(self, language: str = "en", *, digits: int = 2) -> Readable:
        """Return ``weights`` for reading."""
        return Readable(self.weights, language, digits, self.headings | words.POINTS)

    def readable_distances(self, language: str = "en", *, digits: int = 2) -> Readable:
        """Return ``distances`` for reading."""
        return Readable(self.distances, language, digits, self.headings | words.AWAY)

    def readable_used_up(self, language: str = "en", *, digits: int = 2) -> Readable:
        """Return ``used_up`` for reading."""
        return Readable(self.used_up, language, digits, self.headings | words.PEAKS)
