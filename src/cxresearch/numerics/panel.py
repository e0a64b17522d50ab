"""Regression on panels: unit and period effects swept out exactly, errors clustered by unit.

Own code, because no library among the dependencies has it: statsmodels fits fixed effects only as
dummy columns (2,000 units are 2,000 columns), and its clustered errors count those dummies, which makes
the errors of short panels larger than plm's, Stata's ``xtreg`` and linearmodels' ``group_debias``.

Everything works on whole arrays, and sums by group are ``numpy.bincount``: a million rows take well
under a second.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cxresearch.numerics.least_squares import Floats, Integers, solve


@dataclass(frozen=True, kw_only=True)
class Within:
    """Columns after effects were swept out.

    Parameters
    ----------
    columns : array, shape (n, k)
        What the effects do not explain.
    absorbed : int
        Number of free parameters swept out: the rank of the dummies, the intercept among them.
    """

    columns: Floats
    absorbed: int


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A least-squares fit with errors clustered by unit.

    Parameters
    ----------
    coef : array, shape (k,)
        Slopes.
    covariance : array, shape (k, k)
        Their cluster-robust covariance, small-sample factor included.
    influence : array, shape (units, k)
        What each unit contributes to the error of each slope, so that ``covariance`` is
        ``influence.T @ influence``; two fits that share units are compared through it.
    n, units, absorbed : int
        Rows, units that have rows, effects swept out.
    spread : array, shape (k,)
        Share of each column's variance that is left once the effects are swept out.
    outcome_spread : float
        The same for the outcome; 0 if the effects explain it entirely.
    inflation : array, shape (k,)
        Variance inflation factor of each column after the effects.
    """

    coef: Floats
    covariance: Floats
    influence: Floats
    n: int
    units: int
    absorbed: int
    spread: Floats
    outcome_spread: float
    inflation: Floats

    @property
    def df(self) -> int:
        """Degrees of freedom of t: units less one."""
        return self.units - 1


def lag_rows(unit: Integers, time: Integers, lags: int, step: int = 1) -> Integers:
    """Find the row that holds each row's past on the calendar.

    Parameters
    ----------
    unit, time : array of int, shape (n,)
        Unit and period number; rows sorted by unit, then time, each pair once.
    lags : int
        Longest lag, in steps.
    step : int
        Period numbers per step: 2 for a survey held every second year.

    Returns
    -------
    array of int, shape (n, lags + 1)
        Row of the same unit that lies `lag` steps earlier, -1 where there is none. A gap in the calendar
        gives -1; it never shifts another row into its place.
    """
    n = len(unit)
    rows = np.full((n, lags + 1), -1, dtype=np.int64)
    rows[:, 0] = np.arange(n)
    # periods of a unit ascend and differ, so the row `lag` steps back lies at most that many rows up
    for back in range(1, min(lags * step, n - 1) + 1):
        apart = time[back:] - time[:-back]
        near = (unit[back:] == unit[:-back]) & (apart <= lags * step)
        if not near.any():
            break
        lag, rest = np.divmod(apart, step)
        hit = np.flatnonzero(near & (rest == 0))
        rows[hit + back, lag[hit]] = hit
    return rows


def within(
    columns: Floats,
    unit: Integers | None = None,
    period: Integers | None = None,
    weights: Floats | None = None,
) -> Within:
    """Sweep out unit effects, period effects, or both, exactly, however unbalanced the panel is.

    Parameters
    ----------
    columns : array, shape (n, k)
        What to sweep; left unchanged.
    unit, period : array of int, shape (n,), optional
        Codes from 0; None leaves that effect out. With neither, the means are taken off.
    weights : array, shape (n,), optional
        Weight of each row, above 0; all alike by default.

    Notes
    -----
    Both effects: the factor with more levels is demeaned away, which leaves normal equations for the
    other, ``diag(n_t) - C' diag(1/n_i) C`` with C the counts of unit by period: a small system, solved
    once. It is singular by one for every set of units and periods that no row connects to the others: a
    constant on such a set changes nothing, so its sum is pinned, and Cholesky solves the rest. No
    iteration, no dummies, no threshold for rank; the answer is that of least squares on dummies.

    References
    ----------
    Wansbeek, T., & Kapteyn, A. (1989). Estimation of the error-components model with incomplete panels.
    Journal of Econometrics, 41, 341-361.
    """
    w = weights
    x = np.asfortranarray(columns - np.average(columns, axis=0, weights=w))
    factors = [codes for codes in (unit, period) if codes is not None]
    if not factors:
        return Within(columns=x, absorbed=1)
    if len(factors) == 1:
        sizes = _sizes(factors[0], w)
        _take_off(x, _means(x, w, factors[0], sizes), factors[0])
        return Within(columns=x, absorbed=int(np.count_nonzero(sizes)))
    small, large = sorted(factors, key=lambda codes: int(codes.max()))
    return _two_way(x, small, large, w)


def _two_way(x: Floats, small: Integers, large: Integers, w: Floats | None) -> Within:
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    few, many = _sizes(small, w), _sizes(large, w)
    shape, each = (len(many), len(few)), np.ones(len(x)) if w is None else w
    counts = csr_array((each, (large, small)), shape=shape)
    shares = csr_array((each / many[large], (large, small)), shape=shape)  # each level's rows sum to one
    _take_off(x, _means(x, w, large, many), large)
    shared = (counts.T @ shares).toarray()
    sets, member = connected_components(csr_array(shared), directed=False)
    together = np.equal.outer(member, member) / np.bincount(member)[member]
    system = np.diag(few) - (shared + shared.T) / 2 + few.mean() * together
    effect = cho_solve(cho_factor(system), _sums(_weighed(x, w), small, len(few)))
    _take_off(x, effect, small)
    _take_off(x, -(shares @ effect), large)

    unused = np.count_nonzero(few == 0)  # a level without rows is a set of its own, and absorbs nothing
    absorbed = np.count_nonzero(many) + np.count_nonzero(few) - (sets - unused)
    return Within(columns=x, absorbed=int(absorbed))


def _take_off(x: Floats, effects: Floats, codes: Integers) -> None:
    """Subtract each level's effects from its rows, in place: column by column, since columns lie side by side."""
    for j in range(x.shape[1]):
        x[:, j] -= effects[:, j][codes]


def _sums(x: Floats, codes: Integers, size: int) -> Floats:
    return np.column_stack([np.bincount(codes, weights=column, minlength=size) for column in x.T])


def _means(x: Floats, w: Floats | None, codes: Integers, sizes: Floats) -> Floats:
    return np.asarray(_sums(_weighed(x, w), codes, len(sizes)) / np.where(sizes > 0, sizes, 1)[:, None])


def _sizes(codes: Integers, w: Floats | None) -> Floats:
    return np.asarray(np.bincount(codes, weights=w), dtype=float)


def _weighed(x: Floats, w: Floats | None) -> Floats:
    return x if w is None else np.asfortranarray(x * w[:, None])


def fit(
    y: Floats,
    x: Floats,
    unit: Integers,
    period: Integers,
    *,
    effects: Literal["two-way", "unit", "none"] = "two-way",
    units: int | None = None,
    weights: Floats | None = None,
) -> Fit:
    """Regress y on x with unit and period effects, errors clustered by unit.

    Parameters
    ----------
    y : array, shape (n,)
        Outcome.
    x : array, shape (n, k)
        Regressors, without an intercept.
    unit, period : array of int, shape (n,)
        Codes from 0. A code without rows does no harm.
    effects : {"two-way", "unit", "none"}
        What is swept out; "none" leaves an intercept.
    units : int, optional
        Rows of `influence`; one more than the largest unit code by default.
    weights : array, shape (n,), optional
        Weight of each row in the sum of squares, above 0; only their proportions count.

    Raises
    ------
    RankError
        If a column is constant, explained by the effects, or by the columns before it.
    ValueError
        If there is one unit only, or if effects and slopes use up all rows.

    Notes
    -----
    The covariance is Arellano's (1987) with the factor G/(G-1) * (N-1)/(N-K): G units, N rows, K slopes
    (and the intercept where there are no effects). The effects themselves are not counted. plm calls this
    ``type="sss"``. t has G-1 degrees of freedom.

    Validated against plm's printed within estimates (Grunfeld, EmplUK, one-way and two-way) and against
    least squares on dummy columns in statsmodels.

    References
    ----------
    Arellano, M. (1987). Computing robust standard errors for within-groups estimators.
    Oxford Bulletin of Economics and Statistics, 49, 431-434.
    """
    n, k = x.shape
    clusters = int(np.count_nonzero(np.bincount(unit)))
    if clusters < 2:
        raise ValueError("errors clustered by unit need two units or more")
    w = None if weights is None else weights / weights.mean()
    columns = np.asfortranarray(np.column_stack([y, x]))  # columns side by side: all that follows goes down them
    swept = within(
        columns,
        unit if effects != "none" else None,
        period if effects == "two-way" else None,
        w,
    )
    # least squares of columns times the root of the weights; what is left, times them, is the score of a row
    left = swept.columns if w is None else swept.columns * np.sqrt(w)[:, None]
    solution = solve(left[:, 0], left[:, 1:], before=columns[:, 1:])
    if n <= swept.absorbed + k:
        raise ValueError(f"{n} rows leave nothing for errors after {swept.absorbed} effects and {k} slopes")
    scores = _sums(left[:, 1:] * solution.residual[:, None], unit, units or int(unit.max()) + 1)
    counted = k + (effects == "none")
    factor = clusters / (clusters - 1) * (n - 1) / (n - counted)
    influence = np.sqrt(factor) * scores @ solution.bread
    return Fit(
        coef=solution.coef,
        covariance=influence.T @ influence,
        influence=influence,
        n=n,
        units=clusters,
        absorbed=swept.absorbed,
        spread=solution.spread,
        outcome_spread=_share_left(y, swept.columns[:, 0]),
        inflation=solution.inflation,
    )


def _share_left(before: Floats, swept: Floats) -> float:
    total, left = ((before - before.mean()) ** 2).sum(), (swept**2).sum()
    return float(left / total) if left > 1e-24 * (before**2).sum() else 0.0
