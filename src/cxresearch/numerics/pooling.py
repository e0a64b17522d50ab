"""True values of a few cells whose estimates share errors: drawn together as far as chance makes them differ.

`shrinkage` does this for independent means. Here the errors hang together (the same raters and places stand behind
all cells), and their covariance is known from the model that gave the estimates.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

_GRID: Final = np.linspace(-6, 6, 121)
"""Log of the spread of true values over a typical error: from far below to far above it."""
_HALVINGS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """What the cells' true values are once chance is taken out.

    Parameters
    ----------
    mean, low, high : array, shape (cells,)
        Posterior mean and equal-tailed interval.
    gap, gap_low, gap_high : array, shape (cells,)
        The same for the cell's distance from the mean of all cells' true values: errors that all share cancel.
    above, below : array, shape (cells,)
        Probability that a cell's true value lies above, and below, the mean of all cells' true values.
    spread : float
        Standard deviation of true values among cells, posterior median.
    """

    mean: Floats
    low: Floats
    high: Floats
    gap: Floats
    gap_low: Floats
    gap_high: Floats
    above: Floats
    below: Floats
    spread: float


def pool(estimate: Floats, covariance: Floats, level: float) -> Pooled:
    """Fit ``estimate ~ N(theta, covariance)``, ``theta ~ N(mu, tau²)`` with mu flat.

    Parameters
    ----------
    estimate : array, shape (cells,)
        Two at least.
    covariance : array, shape (cells, cells)
        Of the estimates, positive definite; taken as known.
    level : float
        Probability content of the intervals.

    Returns
    -------
    Pooled

    Notes
    -----
    tau has the uniform shrinkage prior, as in `shrinkage`: the reliability tau² / (tau² + v) of a typical cell is
    uniform on 0 to 1, v being half the mean variance of a difference of two cells. The posterior is a mixture of
    normals over a grid of tau; no random numbers are used.
    """
    k = estimate.size
    among = np.eye(k) - 1 / k
    typical = float(np.trace(among @ covariance) / (k - 1))
    precision = np.linalg.inv(covariance)
    tau2 = (typical * np.exp(2 * _GRID))[:, None, None]
    inner = np.linalg.inv(covariance + tau2 * np.eye(k))
    total = inner.sum(axis=(1, 2))
    off = estimate - (inner.sum(axis=1) @ estimate / total)[:, None]
    misfit = np.einsum("gi,gij,gj->g", off, inner, off)
    prior = special.log_expit(2 * _GRID) + special.log_expit(-2 * _GRID)
    log_weight = 0.5 * (np.linalg.slogdet(inner)[1] - np.log(total) - misfit) + prior
    posterior = np.linalg.inv(precision + among / tau2)
    place = posterior @ (precision @ estimate)
    width = np.sqrt(np.diagonal(posterior, axis1=1, axis2=2))
    gap, side = place @ among, np.diagonal(among @ posterior @ among, axis1=1, axis2=2)
    gap_width = np.sqrt(np.maximum(side, 1e-300))
    weight = special.softmax(log_weight)
    tails = (1 - level) / 2, (1 + level) / 2
    low, high = (_quantile(q, weight, place, width) for q in tails)
    gap_low, gap_high = (_quantile(q, weight, gap, gap_width) for q in tails)
    above = weight @ special.ndtr(gap / gap_width)
    half = int(np.searchsorted(np.cumsum(weight), 0.5))
    return Pooled(
        mean=weight @ place, low=low, high=high, gap=weight @ gap, gap_low=gap_low, gap_high=gap_high,
        above=above, below=1 - above,
        spread=float(np.sqrt(typical) * np.exp(_GRID[min(half, int(_GRID.size) - 1)])),
    )  # fmt: skip


def _quantile(level: float, weight: Floats, place: Floats, width: Floats) -> Floats:
    """Return a quantile of each cell's mixture of normals by halving."""
    reach = 10 * width.max(axis=0)
    low, high = place.min(axis=0) - reach, place.max(axis=0) + reach
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = weight @ special.ndtr((middle - place) / width) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)
