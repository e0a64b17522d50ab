"""Failures along a sequence of moments, each of which can be made good at the next one only.

Own code: a chain of two states per moment, short enough that a library would only hide it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What happens to one guest; the last axis runs over moments.

    Parameters
    ----------
    fine : array, shape (..., k)
        Chance that nothing fails at the moment.
    mendable : array, shape (..., k)
        Chance that something fails there, all of which the next moment makes good if it goes well itself.
    """

    fine: Floats
    mendable: Floats

    @property
    def failed(self) -> Floats:
        """Chance of a failure at each moment."""
        return np.asarray(1 - self.fine)

    @property
    def met(self) -> Floats:
        """Chance of at least one failure up to and with each moment."""
        return np.asarray(1 - np.cumprod(self.fine, axis=-1))

    @property
    def made_good(self) -> Floats:
        """Chance that a moment fails and the next one makes it good; 0 for the last, which has no next."""
        good = np.zeros_like(self.fine)
        good[..., :-1] = self.mendable[..., :-1] * self.fine[..., 1:]
        return good

    @property
    def lasting(self) -> Floats:
        """Chance of at least one failure that is not made good, if the sequence ended with each moment."""
        out = np.empty_like(self.fine)
        clear, pending = self.fine[..., 0], self.mendable[..., 0]
        out[..., 0] = 1 - clear
        for k in range(1, self.fine.shape[-1]):
            # a pending failure is made good only if this moment goes well; then nothing is pending
            clear, pending = (clear + pending) * self.fine[..., k], clear * self.mendable[..., k]
            out[..., k] = 1 - clear
        return out


def chain(failure: Floats, recovery: Floats, moment: Integers, moments: int) -> Chain:
    """Gather steps into moments.

    Parameters
    ----------
    failure : array, shape (..., steps)
        Chance that each step fails, independently of the others.
    recovery : array, shape (..., steps)
        Chance that its failure is made good by a next moment that goes well.
    moment : array of int, shape (steps,)
        Moment at which customers meet it, from 0; -1 if they never do.
    moments : int
        Number of moments.

    Examples
    --------
    >>> found = chain(np.array([0.1, 0.2]), np.array([0.5, 0.5]), np.array([0, 1]), 2)
    >>> found.met.round(3).tolist(), found.lasting.round(3).tolist()
    ([0.1, 0.28], [0.1, 0.24])
    """
    failure, recovery = np.broadcast_arrays(failure, recovery)
    fine = np.ones((*failure.shape[:-1], moments))
    no_worse = fine.copy()
    for step in np.flatnonzero(moment >= 0):
        at = moment[step]
        fine[..., at] *= 1 - failure[..., step]
        no_worse[..., at] *= 1 - failure[..., step] * (1 - recovery[..., step])
    return Chain(fine=fine, mendable=no_worse - fine)


def sum_of_rates(rate: Floats, n: Floats, confidence: float) -> tuple[float, float]:
    """Return an interval for a sum of rates, each seen in its own number of trials.

    Parameters
    ----------
    rate : array, shape (k,)
        Events per trial.
    n : array, shape (k,)
        Trials, above 0.
    confidence : float
        Coverage probability.

    Notes
    -----
    The gamma interval for weighted sums of Poisson counts. It holds its level also where events are rare, none among
    them, and is somewhat long; all the more where rates are high, since counts then vary less than Poisson's.

    References
    ----------
    Fay & Feuer (1997), Statistics in Medicine 16, 791-801.

    Examples
    --------
    >>> tuple(round(end, 4) for end in sum_of_rates(np.array([0.02, 0.0]), np.array([500, 250]), 0.95))
    (0.0096, 0.0407)
    """
    from scipy.special import chdtri

    tail, weight = (1 - confidence) / 2, 1 / n
    total, variance, largest = float(rate.sum()), float((rate * weight).sum()), float(weight.max())
    low = 0.0
    if total > 0:
        low = variance / (2 * total) * float(chdtri(2 * total**2 / variance, 1 - tail))
    more, spread = total + largest, variance + largest**2
    return low, spread / (2 * more) * float(chdtri(2 * more**2 / spread, tail))
