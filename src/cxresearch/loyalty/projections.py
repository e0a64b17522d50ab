"""Each lag by a regression of its own: a second answer that does not assume where effects end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cxresearch.language import Words
from cxresearch.loyalty.lag_rows import Rows
from cxresearch.numerics.panel import Fit

Floats = NDArray[np.float64]

NOTE: Final = Words(
    "Each lag comes from a regression of its own (local projection): the driver's later values and those just before "
    "are held constant, and nothing is assumed about where effects end. Rows differ from lag to lag: see column n. "
    "In short panels they come out a little too small.",
    "每个滞后期各由一个回归估计（局部投影）：控制该期之后的各期值和紧邻其前的值，不假定影响在何处终止。各期所用行数不同，"
    "见“行数”列。面板较短时估计值略微偏小。",
)


@dataclass(frozen=True, kw_only=True)
class Projections:
    """Effects lag by lag.

    Parameters
    ----------
    coef, covariance : array, shape (k,) and (k, k)
        Effects, drivers side by side, and their joint covariance.
    n : array of int, shape (k,)
        Rows behind each.
    units : int
        Fewest units behind any.
    """

    coef: Floats
    covariance: Floats
    n: NDArray[np.int64]
    units: int


def project(
    lags: int, past: int, drivers: int, prepare: Callable[[int], Rows], fit: Callable[[Rows, int], Fit]
) -> Projections:
    """Fit every lag by itself.

    Parameters
    ----------
    lags : int
        Longest lag.
    past : int
        Earlier values held constant beside each lag.
    drivers : int
        How many drivers there are.
    prepare : callable
        Gives the rows that have so many lags.
    fit : callable
        Fits them, with errors by so many units, the same in every fit.

    Notes
    -----
    Errors of different lags come from the same units: every fit says what each unit contributes to its error, and
    the joint covariance is the sum of their products.
    """
    whole = prepare(past)
    every = int(whole.unit.max()) + 1
    coef, influence, n, units = [], [], [], []
    for lag in range(lags + 1):
        rows = whole if lag == 0 else prepare(lag + past)
        fitted = fit(rows, every)
        at = np.arange(drivers) * (lag + past + 1) + lag
        coef.append(fitted.coef[at])
        influence.append(fitted.influence[:, at])
        n.append([fitted.n] * drivers)
        units.append(fitted.units)
    # (lag, driver) becomes (driver, lag)
    by_unit = np.stack(influence, axis=-1).reshape(every, -1)
    return Projections(
        coef=np.stack(coef, axis=-1).ravel(),
        covariance=by_unit.T @ by_unit,
        n=np.array(n).T.ravel(),
        units=min(units),
    )
