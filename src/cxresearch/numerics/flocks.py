"""Whether the members of a cell go together more than chance: pairwise correlation of a binary event's residuals.

Own code: no library among the dependencies estimates it with fixed effects removed and their cost in degrees of
freedom given back; the expectations below are closed forms.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch.numerics import logit

Floats = NDArray[np.float64]
Integers = NDArray[np.integer[Any]]

_SMALL: Final = 0.1
"""Factor on the variance below which its log is no longer to be trusted."""


@dataclass(frozen=True, kw_only=True)
class Flocks:
    """Correlation between two members of one cell, beyond what the model explains.

    Parameters
    ----------
    estimate, se : float
        Mean pairwise correlation, and its error from the spread between groups.
    z : float
        Score statistic: how far the pairs lie from their expectation under independence, in its own errors.
    df : int
        Groups less one.
    pairs : int
        Pairs of rows that share a cell.
    partners : float
        How many others share a row's cell, on average.
    expected : float
        What the raw correlation of residuals would be under independence: below 0, since fitting takes off.
    """

    estimate: float
    se: float
    z: float
    df: int
    pairs: int
    partners: float
    expected: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the ends of the correlation's interval, with t on groups less one degrees of freedom.

        It is symmetric on the log of ``1 + partners * correlation``, the factor by which flocking raises the variance
        of a cell's number of events: flocks are rare and uneven, so the estimate is skewed, and its error grows
        with it. Where that factor is near 0 the interval is symmetric about the estimate itself.
        """
        from scipy.special import stdtrit

        reach = float(stdtrit(max(self.df, 1), (1 + confidence) / 2)) * self.se
        factor = 1 + self.partners * self.estimate
        if factor < _SMALL:
            return self.estimate - reach, self.estimate + reach
        times = np.exp(self.partners * reach / factor)
        return float((factor / times - 1) / self.partners), float((factor * times - 1) / self.partners)


def correlation(x: Any, fitted: logit.Logit, *, n: Floats, events: Floats, cell: Integers, group: Integers) -> Flocks:
    """Estimate the mean pairwise correlation of leaving within cells.

    Parameters
    ----------
    x : array or sparse matrix, shape (p, k)
        Design of the model of common causes; a row may stand for several that are alike.
    fitted : Logit
        Its fit to ``events / n`` with weight `n`.
    n, events : array, shape (p,)
        How many each row stands for, and how many of them had the event.
    cell : array of int, shape (p,)
        Rows with the same code may go together.
    group : array of int, shape (p,)
        Cells of a group may too; groups are taken to be independent of each other.

    Notes
    -----
    With residuals r = event - chance and v = chance (1 - chance), the pairs of a cell sum to
    ``((sum r)² - sum r²) / 2``; the sum over cells is divided by that of ``((sum √v)² - sum v) / 2``. Fitting
    makes residuals (I - H) e with H = V X (X'VX)⁻¹ X', so under independence the pairs do not sum to 0, and a
    correlation is seen smaller than it is. Both are put right by their exact expectations for that H. The error is
    the jackknife's over groups. The score statistic uses the variance under independence, ``sum over pairs of v v'``,
    less the share that fitting takes off.
    """
    from scipy import sparse

    x, p = sparse.csr_array(x), fitted.chance
    v, place = p * (1 - p), np.unique(cell, return_inverse=True)[1]
    cells = int(place.max()) + 1
    member = sparse.csr_array((np.ones(len(place)), (place, np.arange(len(place)))), shape=(cells, len(place)))
    pairs_seen = ((member @ (events - n * p)) ** 2 - member @ (events * (1 - 2 * p) + n * p**2)) / 2
    pairs_full = ((member @ (n * np.sqrt(v))) ** 2 - member @ (n * v)) / 2
    expected, reached = _expectations(x, member, fitted.covariance, v, n)
    scale = reached.sum() / pairs_full.sum()
    owner = np.zeros(cells, dtype=np.int64)
    owner[place] = np.unique(group, return_inverse=True)[1]
    groups = int(owner.max()) + 1
    seen = np.bincount(owner, pairs_seen - expected, groups)
    full = np.bincount(owner, pairs_full, groups) * scale
    estimate = seen.sum() / full.sum()
    se = np.nan
    if groups > 1:
        without = (seen.sum() - seen) / (full.sum() - full)
        se = float(np.sqrt(((without - estimate) ** 2).sum() * (groups - 1) / groups))
    null = ((member @ (n * v)) ** 2 - member @ (n * v**2)).sum() / 2
    size = member @ n
    return Flocks(
        estimate=float(estimate),
        se=se,
        z=float(seen.sum() / np.sqrt(null * scale)),
        df=groups - 1,
        pairs=int((size * (size - 1)).sum()) // 2,
        partners=float((size * (size - 1)).sum() / size.sum()),
        expected=float(expected.sum() / pairs_full.sum()),
    )


def _expectations(x: Any, member: Any, bread: Floats, v: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return what pairs of residuals sum to under independence, by cell, and how far a correlation of 1 moves that.

    Both are exact for the linearised fit; the second is only as a sum over cells.
    """
    root = np.sqrt(v)

    def summed(weight: Floats) -> Floats:
        return np.asarray((member @ x.multiply((n * weight)[:, None]).tocsr()).toarray())

    a, u, c = summed(v), summed(root), summed(v * root)
    single = np.asarray(x.multiply(x @ bread).sum(axis=1)).ravel()  # x'(X'VX)⁻¹x of each row
    expected = (member @ (n * v**2 * single) - (a @ bread * a).sum(axis=1)) / 2

    b = u @ bread  # what √v inside one cell does to the coefficients
    total = np.asarray(member @ (n * root))
    # sums of (I - H)√v over cells, squared and added up over the cells they fall in
    squared = total**2 - 2 * total * (a * b).sum(axis=1) + (b @ (a.T @ a) * b).sum(axis=1)
    length = np.asarray(member @ (n * v)) - 2 * (c * b).sum(axis=1) + (b @ logit.gram(x, n * v**2) * b).sum(axis=1)
    return expected, (squared - length) / 2 - expected
