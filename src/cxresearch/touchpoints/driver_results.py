"""What studies of drivers answer with."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from cxresearch import checks
from cxresearch.language import LANGUAGES, Paragraph, Readable, Words
from cxresearch.result import Result
from cxresearch.touchpoints import driver_words as words

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


_SHOWN = (
    "priority", "driver", "share", "ci_low", "ci_high", "performance", "quadrant", "quadrant_share", "among_first",
    "rise", "headroom", "headroom_low", "headroom_high",
)  # fmt: skip


_DRIVER_COLUMNS = (
    "driver", "group", "importance", "share", "ci_low", "ci_high", "rank", "rank_low", "rank_high", "performance",
    "slope",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Named(Result):
    """A result with a row per driver, which may have readable names.

    Parameters
    ----------
    outcome : str
        Column that was explained.
    names : mapping
        Readable names of columns, for sentences and figures.
    """

    outcome: str
    names: Mapping[Any, Words] = field(default_factory=dict)

    def called(self, language: str) -> Self:
        """Return the same result with the readable names of `language` in place of the columns' own."""
        if not self.names:
            return self

        def call(column: Any) -> Any:
            return self.names[column](language) if column in self.names else column

        tables = {
            field: table.assign(**{c: table[c].map(call) for c in ("driver", "group") if c in table})
            for field in ("table", "groups")
            if (table := getattr(self, field, None)) is not None
        }
        return replace(self, names={}, outcome=call(self.outcome), **tables)

    def known(self, focus: Any, language: str) -> Any:
        """Return what a driver is called, having refused one that is unknown; a readable name is known too."""
        if focus is None:
            return None
        own = {name(spoken): column for column, name in self.names.items() for spoken in LANGUAGES}
        column = self.row(own.get(focus, focus))["driver"]
        return self.names[column](language) if column in self.names else column

    def row(self, focus: Any) -> "pd.Series[Any]":
        """Return the row of one driver.

        Raises
        ------
        InputError
            If there is no such driver.
        """
        known = list(self.table["driver"])
        if focus not in known:
            raise checks.InputError(
                f"focus={focus!r} is no driver{checks.nearest(str(focus), known)}; drivers are {checks.listed(known)}"
            )
        return self.table.iloc[known.index(focus)]


@dataclass(frozen=True, kw_only=True)
class DriverResult(Named):
    """What `drivers` and `priorities` have in common.

    Parameters
    ----------
    family : {"linear", "binary", "ordinal"}
        What kind of outcome it is.
    method : {"lmg", "johnson"}
        How R² was split.
    r2 : float
        R² with all drivers in; McFadden's pseudo-R² if `family` is not linear.
    condition : float
        Condition number of the drivers: 1 if uncorrelated, infinite if some determine each other.
    inflation : dict of str to float
        Variance inflation factor of each driver; the largest of its columns for a category.
    cases : int
        Respondents behind the numbers.
    bootstraps : int
        Bootstrap samples behind the intervals; 0 if there are none.
    groups : DataFrame or None
        Groups of drivers: group, drivers (how many), importance, share, ci_low, ci_high, rank, rank_low, rank_high.
    """

    family: str
    method: str
    r2: float
    condition: float
    inflation: dict[str, float]
    cases: int
    bootstraps: int
    groups: "pd.DataFrame | None" = None

    headings: ClassVar[dict[str, Words]] = words.HEADINGS

    def readable(self, language: str = "en", *, digits: int = 3) -> Readable:
        """Return the table for reading: rounded, headings in `language`, a dash for what is undefined."""
        return _readable(self.called(language).table, language, digits)

    def readable_groups(self, language: str = "en", *, digits: int = 3) -> Readable:
        """Return ``groups`` for reading.

        Raises
        ------
        InputError
            If drivers were not grouped.
        """
        if self.groups is None:
            raise checks.InputError("there are no groups: name them with groups={driver: group}")
        groups = self.called(language).groups
        return _readable(groups if groups is not None else self.groups, language, digits)

    def shares(self) -> "Drivers":
        """Return the part of the answer that is about importance alone, with text and figure of its own."""
        columns = [c for c in _DRIVER_COLUMNS if c in self.table]
        own = {f.name: getattr(self, f.name) for f in fields(DriverResult)}
        table = self.table[columns].sort_values("rank", kind="stable", na_position="last", ignore_index=True)
        return Drivers(**own | {"table": table})


@dataclass(frozen=True, kw_only=True)
class Drivers(DriverResult):
    """Importance of drivers; see `cxresearch.drivers` for the columns of ``table``."""

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say what drives the outcome most; with `focus`, of that driver first."""
        return words.drivers_text(self.called(language), language, self.known(focus, language))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw the shares with their intervals; `focus` is marked."""
        from cxresearch.touchpoints import driver_figures

        return driver_figures.share_plot(self.called(language), language, focus=self.known(focus, language))


@dataclass(frozen=True, kw_only=True)
class Priorities(DriverResult):
    """What to mend first; see `cxresearch.priorities` for the columns of ``table``.

    Parameters
    ----------
    pattern : DataFrame
        Do the strongest drivers score lowest? Rows ``rank_correlation`` and ``overlap``; columns statistic,
        estimate, by_chance, ci_low, ci_high, p_value.
    scale : (float, float)
        Ends of the drivers' scale.
    performance_cut, share_cut : float
        Where the quadrants part.
    first : int
        How many drivers are to be mended first.
    target : {"point", "best_quarter"}
        What `headroom` is measured to.
    """

    pattern: "pd.DataFrame"
    scale: tuple[float, float]
    performance_cut: float
    share_cut: float
    first: int
    target: str

    def chosen(self) -> list[Any]:
        """Return the drivers to mend first, the first one first."""
        return words.first_drivers(self)

    def verdict(self) -> str:
        """Judge whether the strongest drivers score lowest: "supported", "contradicted" or "undecided"."""
        row = self.pattern.iloc[0]
        return "supported" if row["ci_high"] < 0 else "contradicted" if row["ci_low"] > 0 else "undecided"

    def pattern_numbers(self) -> dict[str, float]:
        """Return the rank correlation of share and score with its interval, by name, for a report's findings."""
        row = self.pattern.iloc[0]
        return {
            "rank_correlation": float(row["estimate"]),
            "rank_correlation_ci_low": float(row["ci_low"]),
            "rank_correlation_ci_high": float(row["ci_high"]),
        }

    def text(self, language: str = "en", *, focus: Any = None) -> Paragraph:
        """Say what to mend first and how sure that is; with `focus`, of that driver first."""
        return words.priorities_text(self.called(language), language, self.known(focus, language))

    def plot(self, language: str = "en", *, focus: Any = None) -> "Figure":
        """Draw importance against performance with the quadrants; `focus` is marked."""
        from cxresearch.touchpoints import driver_figures

        return driver_figures.priority_plot(self.called(language), language, focus=self.known(focus, language))

    def readable(self, language: str = "en", *, digits: int = 2) -> Readable:
        """Return the table's main columns for reading; ``table`` has them all."""
        return _readable(self.called(language).table[list(_SHOWN)], language, digits)

    def readable_pattern(self, language: str = "en", *, digits: int = 3) -> Readable:
        """Return ``pattern`` for reading."""
        return _readable(self.pattern, language, digits)


def _readable(table: "pd.DataFrame", language: str, digits: int) -> Readable:
    plain = table.astype(object)
    return Readable(plain.where(table.notna(), float("nan")), language, digits, words.HEADINGS | words.NAMES)
