"""Regression with two crossed effects and errors that may go together along either of them.

Own code, because no library among the dependencies has it: statsmodels would need a dummy column per rater and per
thing rated, and clusters one way at a time.
"""

from dataclasses import dataclass

import numpy as np

from cxresearch.numerics.least_squares import Floats, Integers, solve
from cxresearch.numerics.panel import within


@dataclass(frozen=True, kw_only=True)
class TwoWayFit:
    """A least-squares fit with errors clustered two ways.

    Parameters
    ----------
    coef : array, shape (k,)
        Slopes.
    covariance : array, shape (k, k)
        Their covariance, small-sample factor included.
    n : int
        Rows.
    clusters : tuple of int
        How many of each kind have rows.
    """

    coef: Floats
    covariance: Floats
    n: int
    clusters: tuple[int, int]

    @property
    def df(self) -> int:
        """Degrees of freedom of t: the fewer of the two kinds, less one."""
        return min(self.clusters) - 1


def fit(y: Floats, x: Floats, first: Integers, second: Integers) -> TwoWayFit:
    """Regress y on x with effects of two crossed factors, errors clustered by both.

    Parameters
    ----------
    y : array, shape (n,)
        Outcome.
    x : array, shape (n, k)
        Regressors, without an intercept.
    first, second : array of int, shape (n,)
        Codes from 0: who rates and what is rated. A pair may come several times.

    Raises
    ------
    RankError
        If a column is constant, explained by the effects, or by the columns before it.
    ValueError
        If a factor has one level only, or effects and slopes use up all rows.

    Notes
    -----
    The covariance adds the one clustered by the first factor to that by the second, and takes off that by their
    pairs, which both hold (Cameron, Gelbach and Miller 2011). All three carry the factor G/(G-1) * (N-1)/(N-K), G the
    fewer of the two kinds; effects are not counted. A difference of covariances may fail to be one: then its negative
    eigenvalues are set to zero, as they propose.

    Validated against pyfixest.

    References
    ----------
    Cameron, A. C., Gelbach, J. B., & Miller, D. L. (2011). Robust inference with multiway clustering. Journal of
    Business & Economic Statistics, 29, 238-249.
    """
    n, k = x.shape
    pair = np.unique(first * (second.max() + 1) + second, return_inverse=True)[1]
    many = (int(np.count_nonzero(np.bincount(first))), int(np.count_nonzero(np.bincount(second))))
    if min(many) < 2:
        raise ValueError("errors clustered two ways need two or more of each kind")
    columns = np.asfortranarray(np.column_stack([y, x]))
    swept = within(columns, first, second)
    solution = solve(swept.columns[:, 0], swept.columns[:, 1:], before=columns[:, 1:])
    if n <= swept.absorbed + k:
        raise ValueError(f"{n} rows leave nothing for errors after {swept.absorbed} effects and {k} slopes")
    scores = swept.columns[:, 1:] * solution.residual[:, None]
    middle = _outer(scores, first) + _outer(scores, second) - _outer(scores, pair)
    factor = min(many) / (min(many) - 1) * (n - 1) / (n - k)
    return TwoWayFit(
        coef=solution.coef,
        covariance=_positive(factor * solution.bread @ middle @ solution.bread),
        n=n,
        clusters=many,
    )


def _outer(scores: Floats, codes: Integers) -> Floats:
    """Return the sum over clusters of the outer products of their scores."""
    sums = np.column_stack([np.bincount(codes, weights=column) for column in scores.T])
    return np.asarray(sums.T @ sums)


def _positive(covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    if values[0] >= 0:
        return covariance
    return np.asarray((vectors * np.maximum(values, 0)) @ vectors.T)
