"""Customers followed over years."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import defaults
from cxresearch.data.simulate import draws

if TYPE_CHECKING:
    import pandas as pd

# Panel: satisfaction on a scale of 0 to 10, in points.
_SATISFACTION_MEAN = 6.0
_SATISFACTION_SD = {"customer": 0.6, "community": 0.3, "year": 0.2, "within": 0.9}
_AUTOCORRELATION = 0.5
_LOYALTY_SD = {"customer": 1.0, "community": 0.3, "year": 0.3}
_CORRELATION = 0.6


def panel(
    customers: int = 2000,
    years: int = 10,
    *,
    effects: Sequence[float] = (0.4, 0.3, 0.2, 0.1),
    noise: float = 1.0,
    communities: int = 8,
    missing: float = 0.0,
    first_year: int = 2015,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate customers followed over years whose loyalty depends on this and earlier years' satisfaction.

    Decides whether a study of lags finds what is there: ``loyalty = customer effect + year effect +
    sum over k of effects[k] × satisfaction k years ago + noise``. The years before the first one are
    simulated too, so every lag has its true value even where a reader of the frame cannot see it.
    Customers who like the service anyway are also more satisfied (correlation 0.6 between the customer's
    level of satisfaction and the customer effect), and good years lift both: an analysis that ignores
    customers or years overestimates the effects.

    Parameters
    ----------
    customers, years : int
        Number of customers and of consecutive years.
    effects : sequence of float
        Points of loyalty per point of satisfaction 0, 1, 2, … years ago.
    noise : float
        Standard deviation, in points, of what nothing explains; independent over customers and years.
    communities : int
        Number of communities; every customer lives in one, drawn with equal chance.
    missing : float
        Share (0 to below 1) of customer-years left out at random: gaps, not leavers.
    first_year : int
        The first calendar year.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per customer and year, sorted by both: ``customer`` (number), ``community`` (text),
        ``year``, ``satisfaction`` (points, scale 0 to 10, continuous, autocorrelation 0.5 from year to
        year around the customer's own level), ``loyalty`` (points, around 6).
    truth : dict
        ``effects`` (tuple), ``total_effect`` (their sum), ``mean_lag`` (years; NaN if effects differ in
        sign or all are zero), ``horizon`` (the last lag with an effect; -1 without one), ``duration``
        (horizon + 1, years counting the current one), ``noise_sd``, ``customer_sd``, ``community_sd``,
        ``year_sd`` (points of loyalty), ``autocorrelation``, ``correlation`` (of customer effect and
        level of satisfaction), ``satisfaction_sd`` (within customers), ``missing``, ``seed``.

    Raises
    ------
    InputError
        If a size, share or standard deviation is out of range.

    Notes
    -----
    It cannot simulate leavers: rows are missing at random. Validated by regressing noise-free panels,
    which gives the effects back to 1e-10, and by the moments of large panels.

    Examples
    --------
    >>> frame, truth = panel(customers=3, years=2)
    >>> list(frame.columns), len(frame)
    (['customer', 'community', 'year', 'satisfaction', 'loyalty'], 6)
    >>> truth["mean_lag"], truth["duration"]
    (1.0, 4)
    """
    import pandas as pd

    draws.at_least(0, seed=seed)
    draws.at_least(1, customers=customers, years=years, communities=communities)
    draws.not_negative(noise=noise)
    draws.share(missing=missing)
    betas = draws.finite("effects", effects)
    rng = np.random.default_rng(seed)
    before = len(betas) - 1
    home = rng.integers(communities, size=customers)
    level, effect = _correlated(rng, customers, _SATISFACTION_SD["customer"], _LOYALTY_SD["customer"])
    satisfaction_year, loyalty_year = _correlated(rng, years + before, _SATISFACTION_SD["year"], _LOYALTY_SD["year"])
    level = level + rng.normal(0, _SATISFACTION_SD["community"], communities)[home]
    effect = effect + rng.normal(0, _LOYALTY_SD["community"], communities)[home]

    wave = _autoregression(rng, customers, years + before, _SATISFACTION_SD["within"], _AUTOCORRELATION)
    satisfaction = _SATISFACTION_MEAN + level[:, None] + satisfaction_year[None, :] + wave
    loyalty = _SATISFACTION_MEAN * (1 - betas.sum()) + effect[:, None] + loyalty_year[None, before:]
    for lag, beta in enumerate(betas):
        loyalty = loyalty + beta * satisfaction[:, before - lag : before - lag + years]
    loyalty = loyalty + rng.normal(0, noise, (customers, years))

    names = draws.numbered("C", communities)
    frame = pd.DataFrame(
        {
            "customer": np.repeat(np.arange(1, customers + 1), years),
            "community": pd.array(names[np.repeat(home, years)], dtype="str"),
            "year": np.tile(np.arange(first_year, first_year + years), customers),
            "satisfaction": satisfaction[:, before:].ravel(),
            "loyalty": loyalty.ravel(),
        }
    )
    kept = rng.random(len(frame)) >= missing
    return frame[kept].reset_index(drop=True), {
        **_lag_truth(betas),
        "noise_sd": float(noise),
        "customer_sd": _LOYALTY_SD["customer"],
        "community_sd": _LOYALTY_SD["community"],
        "year_sd": _LOYALTY_SD["year"],
        "satisfaction_sd": _SATISFACTION_SD["within"],
        "autocorrelation": _AUTOCORRELATION,
        "correlation": _CORRELATION,
        "missing": float(missing),
        "seed": seed,
    }


def _correlated(rng: np.random.Generator, n: int, first_sd: float, second_sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw n pairs of normal effects with the panel's correlation."""
    one, two = rng.standard_normal((2, n))
    return first_sd * one, second_sd * (_CORRELATION * one + math.sqrt(1 - _CORRELATION**2) * two)


def _autoregression(rng: np.random.Generator, n: int, times: int, sd: float, rho: float) -> np.ndarray:
    """Draw n stationary AR(1) series; the first value has the stationary variance, so none needs a run-up."""
    shocks = rng.standard_normal((n, times)) * sd
    shocks[:, 1:] *= math.sqrt(1 - rho**2)
    for time in range(1, times):
        shocks[:, time] += rho * shocks[:, time - 1]
    return shocks


def _lag_truth(betas: np.ndarray) -> dict[str, Any]:
    total = math.fsum(betas)
    one_sign = bool((betas >= 0).all() or (betas <= 0).all()) and total != 0
    horizon = int(np.flatnonzero(betas)[-1]) if betas.any() else -1
    return {
        "effects": tuple(betas.tolist()),
        "total_effect": total,
        "mean_lag": math.fsum(np.arange(len(betas)) * betas) / total if one_sign else math.nan,
        "horizon": horizon,
        "duration": horizon + 1,
    }
