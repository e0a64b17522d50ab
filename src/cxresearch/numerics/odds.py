"""How much likelier an event is in one cell than in another, with period effects held constant.

The logit is `cxresearch.numerics.logit`; what is here is what a hazard study needs around it: periods and cells in
which all did the same (the estimate is then infinite, and only one end of its interval is finite), errors
clustered by unit, and the trend over the cells.
"""

from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from cxresearch.numerics import logit
from cxresearch.numerics.least_squares import RankError, solve
from cxresearch.numerics.panel import within

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Why = Literal["", "empty", "none left", "all left", "reference", "confounded", "separated"]

_WIDEST: Final = 60.0
"""Log-odds between which a one-sided limit is looked for."""


@dataclass(frozen=True, kw_only=True)
class Odds:
    """Odds of an event in each cell, against cell 0.

    Parameters
    ----------
    log_odds, se : array, shape (cells,)
        Log odds ratio and its clustered error; infinite, and NaN, where nobody or everybody had the event.
    low, high : array, shape (cells,)
        Ends of the interval of the log odds ratio.
    why : tuple of str
        "" for an ordinary estimate; "empty": no row; "none left", "all left": the estimate is infinite;
        "reference": cell 0 tells nothing to compare with; "confounded": periods or covariates determine the
        cell; "separated": some combination of columns predicts without error.
    trend, trend_se : float
        Log odds ratio from one cell to the next, were it the same throughout, and its clustered error.
    slopes, slopes_se : array, shape (covariates,)
        Log odds ratio per unit of each covariate.
    df : int
        Degrees of freedom of t: clusters less one.
    n : int
        Rows that tell cells apart.
    """

    log_odds: Floats
    se: Floats
    low: Floats
    high: Floats
    why: tuple[Why, ...]
    trend: float = np.nan
    trend_se: float = np.nan
    slopes: Floats = field(default_factory=lambda: np.empty(0))
    slopes_se: Floats = field(default_factory=lambda: np.empty(0))
    df: int = 0
    n: int = 0


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """The rows that tell cells apart."""

    cell: Integers
    period: Integers
    event: Floats
    others: Floats
    weight: Floats
    cluster: Integers

    def only(self, keep: Flags) -> "_Rows":
        return replace(self, **{name: value[keep] for name, value in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class _Lines:
    """Distinct lines of a design, and the line each row belongs to."""

    first: Integers  # a row that stands for each line
    row: Integers
    codes: Integers  # periods that occur
    period: Integers  # which of them each line is in


@dataclass(frozen=True, kw_only=True)
class _Fit:
    coef: Floats
    se: Floats
    base: Floats  # effect of each period, by its code
    df: int


def odds(
    cell: Integers,
    period: Integers,
    event: Floats,
    *,
    cells: int,
    cluster: Integers,
    confidence: float,
    covariates: Floats | None = None,
    weight: Floats | None = None,
) -> Odds:
    """Compare cells by a logit with period effects, errors clustered.

    Parameters
    ----------
    cell, period : array of int, shape (n,)
        Codes from 0.
    event : array, shape (n,)
        1 or 0.
    cells : int
        Number of cells; cell 0 is the one compared with.
    cluster : array of int, shape (n,)
        Codes from 0: whose row it is, or what wider cluster it belongs to.
    confidence : float
        Coverage probability of the intervals.
    covariates : array, shape (n, c), optional
        Held constant.
    weight : array, shape (n,), optional
        Weights of rows; their scale does not matter.

    Raises
    ------
    RankError
        If a covariate never changes within periods, or other columns explain it; its position is given.

    Notes
    -----
    Periods in which all did the same say nothing about differences, and are left out. A cell in which nobody
    had the event has an odds ratio of 0; its upper end is the ratio under which that would have had a chance of
    1 - confidence (the mid-P limit), the other estimates taken as given. Likewise for the lower end where all had it.
    """
    rows = _Rows(
        cell=cell,
        period=period,
        event=event,
        others=np.empty((len(cell), 0)) if covariates is None else covariates,
        weight=np.ones(len(cell)) if weight is None else weight / weight.mean(),
        cluster=cluster,
    )
    keep, why = _informative(rows, cells)
    none = np.full(cells, np.nan)
    nothing = Odds(log_odds=none, se=none, low=none, high=none, why=tuple(w or "reference" for w in why))
    if why[0]:
        return nothing
    used = _scaled(rows, keep)
    kept, there = used.only(keep), [k for k in range(1, cells) if not why[k]]
    dummies = (kept.cell[:, None] == np.array(there, dtype=int)).astype(float)
    x = np.column_stack([dummies, kept.others])
    lines = _lines(kept)
    try:
        _check_rank(x, kept, lines)
    except RankError as error:
        if error.column >= len(there):
            raise RankError(error.column - len(there), error.reason) from None
        return replace(nothing, why=tuple(w or "confounded" for w in why))
    fitted = _fit(x, kept, lines)
    if fitted is None:
        return replace(nothing, why=tuple(w or "separated" for w in why))
    line = _fit(np.column_stack([kept.cell.astype(float), kept.others]), kept, lines) if there else None
    found = _answer(used, kept, fitted, there=there, why=why, confidence=confidence, scale=_scale(rows.others[keep]))
    return replace(found, trend=float(line.coef[0]), trend_se=float(line.se[0])) if line else found


def _answer(
    used: _Rows, kept: _Rows, fitted: _Fit, *, there: list[int], why: list[Why], confidence: float, scale: Floats
) -> Odds:
    from scipy.special import stdtrit

    cells, m = len(why), len(there)
    estimate, se, low, high = np.full((4, cells), np.nan)
    critical = stdtrit(fitted.df, (1 + confidence) / 2) if fitted.df else np.nan
    estimate[[0, *there]], se[[0, *there]] = np.r_[0.0, fitted.coef[:m]], np.r_[0.0, fitted.se[:m]]
    low[[0, *there]], high[[0, *there]] = (
        estimate[[0, *there]] - critical * se[[0, *there]],
        estimate[[0, *there]] + critical * se[[0, *there]],
    )
    for k, reason in enumerate(why):
        if reason in ("none left", "all left"):
            mine = used.only((used.cell == k) & np.isin(used.period, kept.period))
            eta = fitted.base[mine.period] + mine.others @ fitted.coef[m:]
            estimate[k], low[k], high[k] = _one_sided(eta, reason == "none left", confidence)
    return Odds(
        log_odds=estimate,
        se=se,
        low=low,
        high=high,
        why=tuple(why),
        slopes=fitted.coef[m:] / scale,
        slopes_se=fitted.se[m:] / scale,
        df=fitted.df,
        n=len(kept.cell),
    )


def _informative(rows: _Rows, cells: int) -> tuple[Flags, list[Why]]:
    """Leave out periods and cells in which all did the same, until there are none."""
    keep = np.ones(len(rows.cell), dtype=bool)
    why: list[Why] = ["" if n else "empty" for n in np.bincount(rows.cell, minlength=cells)]
    before = -1
    while before != (before := int(keep.sum())):
        for codes in (rows.period, rows.cell):
            n = np.bincount(codes[keep], minlength=max(cells, int(codes.max()) + 1))
            left = np.bincount(codes[keep], rows.event[keep], len(n))
            pure = (n > 0) & ((left == 0) | (left == n))
            if codes is rows.cell:
                for k in np.flatnonzero(pure):
                    why[k] = "all left" if left[k] else "none left"
            keep &= ~pure[codes]
    held = np.bincount(rows.cell[keep], minlength=cells)
    # a cell whose periods all told nothing has no estimate either
    return keep, [w or ("" if n else "confounded") for w, n in zip(why, held, strict=True)]


def _scale(columns: Floats) -> Floats:
    spread = columns.std(axis=0)
    return np.where(spread > 0, spread, 1.0)


def _scaled(rows: _Rows, keep: Flags) -> _Rows:
    """Centre and scale covariates, for the digits' sake."""
    centre = rows.others[keep].mean(axis=0)
    return replace(rows, others=(rows.others - centre) / _scale(rows.others[keep]))


def _lines(rows: _Rows) -> _Lines:
    """Put rows that are alike in cell and period together, if nothing else tells them apart."""
    codes, period = np.unique(rows.period, return_inverse=True)
    if rows.others.shape[1]:
        first = row = np.arange(len(period))
    else:  # a large panel is a few dozen distinct lines
        key = rows.cell * len(codes) + period
        seen = np.bincount(key) > 0
        row = (np.cumsum(seen) - 1)[key]
        first = np.empty(int(seen.sum()), dtype=np.int64)
        first[row] = np.arange(len(row))
    return _Lines(first=first, row=row, codes=codes, period=period[first])


def _check_rank(x: Floats, rows: _Rows, lines: _Lines) -> None:
    if x.shape[1]:
        distinct = x[lines.first]
        swept = within(np.column_stack([rows.event[lines.first], distinct]), None, lines.period).columns
        solve(swept[:, 0], swept[:, 1:], distinct)


def _fit(x: Floats, rows: _Rows, lines: _Lines) -> _Fit | None:
    """Fit slopes and period effects; None if something is separated."""
    k, row = x.shape[1], lines.row
    design = np.column_stack([x[lines.first], np.eye(len(lines.codes))[lines.period]])
    total = np.bincount(row, rows.weight).astype(float)
    fitted = logit.fit(design, np.bincount(row, rows.weight * rows.event) / total, total)
    if fitted.separated:
        return None
    residual = rows.weight * (rows.event - fitted.chance[row])
    covariance = logit.clustered(fitted, design, residual=residual, row=row, cluster=rows.cluster)
    base = np.full(int(lines.codes[-1]) + 1, np.nan)
    base[lines.codes] = fitted.coef[k:]
    df = int((np.bincount(rows.cluster) > 0).sum()) - 1
    return _Fit(coef=fitted.coef[:k], se=np.sqrt(np.diag(covariance))[:k], base=base, df=df)


def _one_sided(eta: Floats, none_left: bool, confidence: float) -> tuple[float, float, float]:
    """Return estimate and interval where all did the same; `eta` are the log-odds that cell 0 would have there."""
    from scipy.optimize import brentq

    sign = 1.0 if none_left else -1.0

    def excess(beta: float) -> float:
        """Log of the chance that all do the same, above what it is at the limit."""
        return float(-np.logaddexp(0, sign * (eta + beta)).sum() - np.log(1 - confidence))

    end = float(brentq(excess, -_WIDEST, _WIDEST)) if len(eta) else sign * np.inf
    return (-np.inf, -np.inf, end) if none_left else (np.inf, end, np.inf)
