"""Correlation of scores given at one occasion, once what is lasting and who scored are held equal.

Own code: pingouin's partial correlation takes neither hundreds of levels nor rows that hang together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cxresearch.numerics.panel import within

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Partial:
    """A partial correlation.

    Parameters
    ----------
    estimate, se, low, high : float
        The correlation, its standard error, and the interval by Fisher's transformation.
    n : int
        Rows.
    df : float
        Rows less the effects held equal.
    influence : array, shape (clusters,)
        What each cluster contributes to the error.
    """

    estimate: float
    se: float
    low: float
    high: float
    n: int
    df: float
    influence: Floats


def partial(
    first: Floats, second: Floats, *, lasting: Integers, rater: Integers, cluster: Integers, confidence: float
) -> Partial:
    """Correlate two scores with the effects of two factors held equal.

    Parameters
    ----------
    first, second : array, shape (n,)
        Scores.
    lasting, rater : integer array, shape (n,)
        Codes from 0 whose effects on each of the scores are swept out.
    cluster : integer array, shape (n,)
        Codes from 0: rows of one cluster may hang together in any way.
    confidence : float
        Level of the interval.

    Returns
    -------
    Partial
        NaN where no degrees of freedom or no variance are left.

    Notes
    -----
    The estimate is the ordinary partial correlation given the factors' dummies. The standard error sums the influence
    of rows within clusters (a sandwich, times n/df for the effects swept out and G/(G-1) for few clusters), so it needs
    neither normal scores nor independent rows; the interval is symmetric on Fisher's z, with t.
    """
    clusters = int(cluster.max()) + 1 if cluster.size else 0
    none = Partial(
        estimate=np.nan, se=np.nan, low=np.nan, high=np.nan, n=first.size, df=0.0, influence=np.zeros(clusters)
    )
    if first.size < 3:
        return none
    swept = within(np.column_stack([first, second]), _dense(lasting), _dense(rater))
    e, df = swept.columns, float(first.size - swept.absorbed)
    size = np.sqrt((e**2).sum(axis=0))
    spread = np.array([np.ptp(first), np.ptp(second)])
    if df < 3 or (size <= 1e-9 * np.maximum(spread, 1e-300) * np.sqrt(first.size)).any():
        return none
    a, b = (e / size * np.sqrt(df)).T
    r = float(a @ b / df)
    psi = (a * b - r * (a**2 + b**2) / 2) / df
    together = np.bincount(cluster, weights=psi, minlength=clusters)
    used = int(np.count_nonzero(np.bincount(cluster)))
    influence = together * np.sqrt(first.size / df * used / max(used - 1, 1))
    return _with_interval(r, influence, df * used / first.size, first.size, df, confidence)


def average(parts: list[Partial], confidence: float) -> Partial:
    """Average correlations that rest on the same clusters; their errors may hang together."""
    known = [part for part in parts if np.isfinite(part.estimate)]
    if not known:
        return parts[0]
    r = float(np.mean([part.estimate for part in known]))
    influence = np.mean([part.influence for part in known], axis=0)
    free = min(part.df * np.count_nonzero(part.influence) / part.n for part in known)
    return _with_interval(r, influence, free, max(p.n for p in known), min(p.df for p in known), confidence)


def _with_interval(r: float, influence: Floats, free: float, n: int, df: float, confidence: float) -> Partial:
    se = float(np.sqrt((influence**2).sum()))
    inside = min(max(r, -1 + 1e-12), 1 - 1e-12)
    reach = special.stdtrit(max(free - 1, 1.0), (1 + confidence) / 2) * se / (1 - inside**2)
    low, high = np.tanh(np.arctanh(inside) + np.array([-reach, reach]))
    return Partial(estimate=r, se=se, low=float(low), high=float(high), n=n, df=df, influence=influence)


def _dense(codes: Integers) -> Integers:
    return np.asarray(np.unique(codes, return_inverse=True)[1], dtype=np.int64)
