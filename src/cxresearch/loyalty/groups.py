"""One group beside all others: each side of a panel fitted by itself, and their difference with an interval."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.loyalty.lag_rows import Rows
from cxresearch.loyalty.lag_tables import effect_table, sum_variances, t_critical, t_p_value
from cxresearch.loyalty.periods import shown
from cxresearch.numerics import panel
from cxresearch.numerics.least_squares import RankError

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Effects = Literal["two-way", "unit", "none"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One side of a comparison: its fit, or why there is none."""

    fit: panel.Fit | None
    why: Words | None
    n: int
    units: int


class Groups:
    """The groups of a panel, each fitted by itself when it is asked for.

    Parameters
    ----------
    column : Series
        The caller's column of groups.
    rows : Rows
        Complete rows of the panel.
    effects : {"two-way", "unit", "none"}
        What is held constant, in each part by itself.
    confidence : float
        Coverage probability of the intervals.

    Raises
    ------
    InputError
        If no row names its group.
    """

    def __init__(self, column: "pd.Series", rows: Rows, *, effects: Effects, confidence: float) -> None:
        import pandas as pd

        codes, labels = pd.factorize(column.iloc[rows.position])
        if not len(labels):
            raise checks.InputError(f"group={column.name!r}: empty in every row used; group names are needed")
        found = [value.item() if isinstance(value, np.generic) else value for value in labels]
        order = _sorted(found)
        rank = np.empty(len(found) + 1, dtype=np.int64)
        rank[order], rank[-1] = np.arange(len(found)), -1  # a missing group has code -1, the last place
        self.names = [found[i] for i in order]
        self.rows, self.effects, self.confidence = rows, effects, confidence
        self._codes: Integers = rank[codes]
        self._terms = rows.terms[: rows.drivers]
        self._fits: dict[tuple[int, bool], Part] = {}

    @property
    def movers(self) -> int:
        """Units whose rows name more than one group."""
        pairs = np.unique(np.column_stack([self.rows.unit, self._codes]), axis=0)
        return int((np.bincount(pairs[:, 0]) > 1).sum())

    def fit(self, focus: Any, *, rest: bool = False) -> Part:
        """Fit one group, or all the others.

        Raises
        ------
        InputError
            If there is no such group.
        """
        code = self._code(focus)
        if (code, rest) not in self._fits:
            self._fits[code, rest] = self._fit(self._keep(code, rest))
        return self._fits[code, rest]

    def rows_of(self, focus: Any, *, rest: bool = False) -> Rows:
        """Return the rows that `fit` uses."""
        return self.rows.only(self._keep(self._code(focus), rest), self.effects)

    def _keep(self, code: int, rest: bool) -> NDArray[np.bool_]:
        return np.asarray((self._codes != code) & (self._codes >= 0) if rest else self._codes == code)

    def _code(self, focus: Any) -> int:
        texts = [str(name) for name in self.names]
        if str(focus) not in texts:
            raise checks.InputError(
                f"focus={shown(focus)}: no such group{checks.nearest(str(focus), texts)}; "
                f"groups are {checks.listed(texts)}"
            )
        return texts.index(str(focus))

    def _fit(self, keep: NDArray[np.bool_]) -> Part:
        rows = self.rows.only(keep, self.effects)
        try:
            if rows.y.size and rows.unit[0] != rows.unit[-1]:
                every = int(self.rows.unit.max()) + 1  # both sides of a comparison count units alike
                fitted = panel.fit(
                    rows.y, rows.x, rows.unit, rows.period, effects=self.effects, units=every, weights=rows.weights
                )
                return Part(fit=fitted, why=None, n=fitted.n, units=fitted.units)
            why = Words("fewer than two units have complete rows", "数据完整的单位不足两个")
        except RankError as error:
            name = rows.terms[error.column][0]
            why = Words(f"{name!r} does not move enough within it", f"“{name}”在其中的变化不足")
        except ValueError:
            n = len(rows.y)
            why = Words(f"its {n} complete rows are too few", f"完整的行只有 {n} 行，不够估计")
        units = int(np.count_nonzero(np.bincount(self.rows.unit[keep])))
        return Part(fit=None, why=why, n=int(keep.sum()), units=units)

    def table(self, part: Part) -> "pd.DataFrame":
        """Lay out the effects in one part; NaN where it has no fit."""
        k = len(self._terms)
        if part.fit is None:
            return self._blank(part.n, part.units)
        table = effect_table(
            self._terms,
            part.fit.coef[:k],
            part.fit.covariance[:k, :k],
            critical=float(t_critical(self.confidence, part.fit.df)),
            p_value=t_p_value(part.fit.df),
            n=part.n,
        )
        return table.assign(units=part.units)

    def compare(self, focus: Any) -> "pd.DataFrame":
        """Lay out one group, all others, and the difference."""
        import pandas as pd

        own, rest = self.fit(focus), self.fit(focus, rest=True)
        tables = {"focus": self.table(own), "rest": self.table(rest), "difference": self._difference(own, rest)}
        table = pd.concat([rows.assign(part=part) for part, rows in tables.items()], ignore_index=True)
        return table[["part", *(column for column in table if column != "part")]]

    def _difference(self, own: Part, rest: Part) -> "pd.DataFrame":
        k = len(self._terms)
        n, units = own.n + rest.n, own.units + rest.units
        if own.fit is None or rest.fit is None:
            return self._blank(n, units)
        # a unit that moved between groups counts on both sides; through its influence the covariance knows
        influence = own.fit.influence[:, :k] - rest.fit.influence[:, :k]
        df, df_sums = (
            (a + b) ** 2 / (a**2 / own.fit.df + b**2 / rest.fit.df)
            for a, b in zip(self._variances(own.fit), self._variances(rest.fit), strict=True)
        )
        table = effect_table(
            self._terms,
            own.fit.coef[:k] - rest.fit.coef[:k],
            influence.T @ influence,
            critical=(t_critical(self.confidence, df), t_critical(self.confidence, df_sums)),
            p_value=t_p_value(df),
            n=n,
        )
        return table.assign(units=units)

    def _variances(self, fitted: panel.Fit) -> tuple[Floats, Floats]:
        """Return the variances of effects, and of their running sums."""
        k = len(self._terms)
        covariance = fitted.covariance[:k, :k]
        return np.diag(covariance), sum_variances(self._terms, covariance)

    def _blank(self, n: int, units: int) -> "pd.DataFrame":
        k = len(self._terms)
        nothing = np.full((k, k), np.nan)
        table = effect_table(self._terms, nothing[0], nothing, critical=1.0, p_value=lambda t: t, n=n)
        return table.assign(units=units)


def _sorted(labels: list[Any]) -> list[int]:
    """Return the order of labels: their own, or that of their texts where they cannot be compared."""
    try:
        return sorted(range(len(labels)), key=lambda i: labels[i])
    except TypeError:
        return sorted(range(len(labels)), key=lambda i: str(labels[i]))
