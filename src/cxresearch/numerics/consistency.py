"""Internal consistency of items from their covariances: alpha, lambda 2, item-rest correlations, intervals.

pingouin has alpha with Feldt's interval; it has none of the rest, and with missing answers its interval takes the
number of rows before they are dropped.

References
----------
Feldt, L. S. (1965). The approximate sampling distribution of Kuder-Richardson reliability coefficient twenty.
Psychometrika 30(3), 357-370.
Guttman, L. (1945). A basis for analyzing test-retest reliability. Psychometrika 10(4), 255-282.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def alpha(covariance: Array) -> float:
    """Return Cronbach's alpha; NaN where the sum has no variance.

    Examples
    --------
    >>> alpha(np.array([[2.0, 1.0], [1.0, 2.0]])).__round__(4)
    0.6667
    """
    k, total = len(covariance), covariance.sum()
    return float(k / (k - 1) * (1 - np.trace(covariance) / total)) if total > 0 and k > 1 else np.nan


def standardised_alpha(covariance: Array) -> float:
    """Return alpha of the items brought to equal variance; NaN where one has none."""
    spread = np.sqrt(np.diag(covariance))
    return alpha(covariance / np.outer(spread, spread)) if (spread > 0).all() else np.nan


def lambda2(covariance: Array) -> float:
    """Return Guttman's lambda 2, a lower limit of reliability that is never below alpha."""
    k, total = len(covariance), covariance.sum()
    off = covariance - np.diag(np.diag(covariance))
    return float((off.sum() + np.sqrt(k / (k - 1) * (off**2).sum())) / total) if total > 0 else np.nan


def alpha_slope(covariance: Array) -> Array:
    """Return how alpha moves with the covariances, shape (items, items)."""
    k, total = len(covariance), covariance.sum()
    return np.asarray(k / (k - 1) * (np.trace(covariance) / total**2 - np.eye(k) / total))


def feldt(estimate: float, n: float, items: int, confidence: float) -> tuple[float, float]:
    """Return Feldt's interval of alpha, exact for normal items of equal variances and covariances.

    Parameters
    ----------
    estimate : float
        Alpha.
    n : float
        Rows; with missing answers the number of complete rows that would tell as much.
    items : int
        Number of items.
    confidence : float
        Coverage probability.
    """
    from scipy import special

    if not n > 1 or not estimate < 1:
        return np.nan, np.nan
    tails = np.array([(1 + confidence) / 2, (1 - confidence) / 2])
    low, high = 1 - (1 - estimate) * special.fdtri(n - 1, (n - 1) * (items - 1), tails)
    return float(low), float(high)


def log_interval(estimate: float, error: float, confidence: float) -> tuple[float, float]:
    """Return an interval that is normal on the scale of ``log(1 - estimate)``, as Feldt's is to first order."""
    from scipy import special

    if not estimate < 1 or not error > 0:
        return np.nan, np.nan
    half = special.ndtri((1 + confidence) / 2) * error / (1 - estimate)
    return float(1 - (1 - estimate) * np.exp(half)), float(1 - (1 - estimate) * np.exp(-half))


def item_rest(covariance: Array) -> Array:
    """Return each item's correlation with the sum of the others; NaN where either has no variance."""
    own, with_all = np.diag(covariance), covariance.sum(0)
    rest = covariance.sum() - 2 * with_all + own
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (with_all - own) / np.sqrt(own * rest)
    return np.asarray(np.where((own > 0) & (rest > 1e-12 * covariance.sum()), found, np.nan))


def alpha_without(covariance: Array) -> Array:
    """Return alpha without each item; NaN for two items."""
    k = len(covariance)
    if k == 2:
        return np.full(2, np.nan)
    kept = (np.delete(np.delete(covariance, i, 0), i, 1) for i in range(k))
    return np.array([alpha(part) for part in kept])
