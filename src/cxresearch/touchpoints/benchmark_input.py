"""What a benchmark was asked, and which way its frame is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cxresearch import checks
from cxresearch.checks import InputError
from cxresearch.touchpoints import benchmark_cells as cells


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The arguments of `cxresearch.touchpoints.benchmark.benchmark` that say what the frame holds."""

    unit: str
    score: str | Sequence[str]
    touchpoint: str | None
    n: str | None
    rate_max: float | None
    weight: str | None
    covariates: tuple[str, ...]
    min_n: int

    @property
    def scores(self) -> list[str]:
        """Columns of scores: one, or one per touchpoint."""
        return [self.score] if isinstance(self.score, str) else list(self.score)

    def check(self) -> None:
        """Refuse arguments that do not go together, whatever the frame.

        Raises
        ------
        InputError
            If a column is named twice, or two arguments exclude each other.
        """
        if not self.scores or len(set(self.scores)) < len(self.scores):
            raise InputError(f"score={self.scores}: name each column of answers once")
        if self.touchpoint is not None and not isinstance(self.score, str):
            raise InputError(
                "give either touchpoint (one column names it) or a list of scores (a column each), not both"
            )
        if self.n is None and self.rate_max is not None:
            raise InputError("rate_max belongs to aggregated rates: give n, the column of denominators, too")
        if self.n is not None and len(self.scores) > 1:
            raise InputError("n goes with one column of rates; bring the others below each other (DataFrame.melt)")
        if self.n is not None and (self.weight is not None or self.covariates):
            raise InputError("weight and covariates belong to single answers: give those, without n")


def read(data: Any, asked: Asked) -> cells.Cells:
    """Return the cells of any frame: pandas' row by row, others by their totals.

    Raises
    ------
    InputError
        If `data` is no frame, lacks a column, or holds what it cannot hold.
    """
    answers: dict[str, Any] = {
        "unit": asked.unit,
        "score": asked.scores,
        "touchpoint": asked.touchpoint,
        "min_n": asked.min_n,
    }
    answers |= {"weight": asked.weight}
    if not isinstance(data, pd.DataFrame):
        from cxresearch.touchpoints import benchmark_totals as totals

        totals.check(data)
        asked.check()
        if asked.covariates:
            raise InputError("covariates need every answer in memory: give a pandas frame")
        if asked.n is None:
            return totals.from_frame(data, **answers)
        data = totals.collect(data, unit=asked.unit, score=asked.score, touchpoint=asked.touchpoint, n=asked.n)
    checks.columns(
        data, unit=asked.unit, score=asked.score, touchpoint=asked.touchpoint, n=asked.n, weight=asked.weight,
        covariates=asked.covariates,
    )  # fmt: skip
    asked.check()
    if asked.n is None:
        return cells.from_answers(data, **answers, covariates=asked.covariates)
    return cells.from_rates(
        data, unit=asked.unit, score=asked.scores[0], touchpoint=asked.touchpoint, n=asked.n, rate_max=asked.rate_max,
        min_n=asked.min_n,
    )  # fmt: skip
