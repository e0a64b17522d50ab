"""Ratios of totals, such as leavers per customer, and what each cluster adds to their error."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def ratio(numerator: Floats, denominator: Floats, cluster: Integers, clusters: int) -> tuple[float, Floats]:
    """Return a ratio of totals, and each cluster's influence on it.

    Parameters
    ----------
    numerator, denominator : array, shape (n,)
        Added up over the rows; the denominators' sum is above 0.
    cluster : array of int, shape (n,)
        Cluster of each row, from 0.
    clusters : int
        Number of clusters.

    Returns
    -------
    estimate : float
    influence : array, shape (clusters,)
        What `covariance` takes.

    Notes
    -----
    Linearised: (numerator - estimate × denominator) / total denominator, summed over a cluster (Cochran 1977, ch. 6).

    Examples
    --------
    >>> estimate, influence = ratio(np.array([1.0, 0.0, 1.0]), np.ones(3), np.array([0, 0, 1]), 2)
    >>> round(estimate, 3), influence.round(3).tolist()
    (0.667, [-0.111, 0.111])
    """
    total = denominator.sum()
    estimate = float(numerator.sum() / total)
    influence = np.bincount(cluster, (numerator - estimate * denominator) / total, minlength=clusters)
    return estimate, np.asarray(influence, dtype=float)


def covariance(influence: Floats, clusters: int) -> Floats:
    """Return the covariance of estimates from the influence of each cluster on each of them.

    Parameters
    ----------
    influence : array, shape (clusters, estimates)
        As `ratio` returns it, side by side; estimates of several groups of rows may share clusters.
    clusters : int
        G: clusters that have rows, at least 2.

    Notes
    -----
    The sum of outer products, times G / (G - 1): the with-replacement estimator of survey sampling.
    """
    return np.asarray(influence.T @ influence * clusters / (clusters - 1))
