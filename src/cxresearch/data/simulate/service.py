"""Customers who rate the processes of a service year by year, and the service as a whole."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import checks, defaults
from cxresearch.data.simulate import draws

if TYPE_CHECKING:
    import pandas as pd

PROCESSES: Final[dict[str, tuple[float, ...]]] = {
    "repairs": (0.35, 0.25),
    "billing": (0.45,),
    "cleaning": (0.30, 0.20, 0.15),
    "reception": (0.30, 0.25, 0.20),
}
CONTESTED: Final[dict[str, tuple[float, ...]]] = {"reception": (0.40, 0.30)}
_LEVEL, _WITHIN, _AUTOCORRELATION = 0.5, 0.9, 0.3


def processes(
    customers: int = 3000,
    years: int = 8,
    *,
    effects: Mapping[str, Sequence[float]] | None = None,
    contested: Mapping[str, Sequence[float]] | None = None,
    noise: float = 0.8,
    first_year: int = 2017,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate customers whose overall satisfaction depends on what processes did this year and before.

    Decides whether a study of processes finds for how long each is felt: ``overall = customer effect + year
    effect + sum over processes and lags of effect × score that many years ago + noise``. Half of the customers
    live in contested markets, where some processes may act for a shorter time.

    Parameters
    ----------
    customers, years : int
        Number of customers and of consecutive years.
    effects : mapping of str to sequence of float, optional
        By process, points of overall satisfaction per point of its score 0, 1, … years ago; four processes felt
        for 2, 1, 3 and 3 years by default.
    contested : mapping of str to sequence of float, optional
        The same in contested markets, for the processes that differ there; reception, felt for 2 years, by default.
    noise : float
        Standard deviation, in points, of what nothing explains.
    first_year : int
        The first calendar year.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per customer and year: ``customer`` (number), ``market`` ("contested" or "quiet"), ``year``, a column
        per process (points, scale 0 to 10), ``overall`` (points).
    truth : dict
        ``effects`` and ``duration`` by process in quiet markets, ``contested_effects`` and ``contested_duration``,
        ``noise_sd``, ``seed``.

    Raises
    ------
    InputError
        If a size is out of range, effects are no numbers, or a contested process is not among the processes.

    Examples
    --------
    >>> frame, truth = processes(customers=2, years=3)
    >>> list(frame.columns), len(frame)
    (['customer', 'market', 'year', 'repairs', 'billing', 'cleaning', 'reception', 'overall'], 6)
    >>> truth["duration"]
    {'repairs': 2, 'billing': 1, 'cleaning': 3, 'reception': 3}
    """
    import pandas as pd

    draws.at_least(0, seed=seed)
    draws.at_least(1, customers=customers, years=years)
    draws.not_negative(noise=noise)
    quiet = {name: draws.finite("effects", betas) for name, betas in (effects or PROCESSES).items()}
    given = (CONTESTED if effects is None else {}) if contested is None else contested
    for name in given:
        checks.choice("contested", name, quiet)
    fierce = quiet | {name: draws.finite("contested", betas) for name, betas in given.items()}

    rng = np.random.default_rng(seed)
    before = max(len(betas) for betas in [*quiet.values(), *fierce.values()]) - 1
    hard = rng.random(customers) < 0.5
    liking = rng.normal(size=(customers, 1))
    overall = 1.5 + 0.8 * liking + 0.3 * rng.normal(size=years) + noise * rng.normal(size=(customers, years))
    columns = {}
    for name, calm in quiet.items():
        scores = 6 + _LEVEL * liking + _wave(rng, customers, years + before)
        for who, betas in ((~hard, calm), (hard, fierce[name])):
            for lag, beta in enumerate(betas):
                overall[who] += beta * (scores[who, before - lag : before - lag + years] - 3)
        columns[name] = scores[:, before:].ravel()
    frame = pd.DataFrame(
        {
            "customer": np.repeat(np.arange(1, customers + 1), years),
            "market": pd.array(np.where(hard, "contested", "quiet").repeat(years), dtype="str"),
            "year": np.tile(np.arange(first_year, first_year + years), customers),
            **columns,
            "overall": overall.ravel(),
        }
    )
    return frame, {
        "effects": {name: tuple(betas.tolist()) for name, betas in quiet.items()},
        "duration": {name: _duration(betas) for name, betas in quiet.items()},
        "contested_effects": {name: tuple(betas.tolist()) for name, betas in fierce.items()},
        "contested_duration": {name: _duration(betas) for name, betas in fierce.items()},
        "noise_sd": float(noise),
        "seed": seed,
    }


def _wave(rng: np.random.Generator, customers: int, times: int) -> np.ndarray:
    """Draw stationary scores that last a little from year to year."""
    shocks = _WITHIN * rng.standard_normal((customers, times))
    shocks[:, 1:] *= np.sqrt(1 - _AUTOCORRELATION**2)
    for time in range(1, times):
        shocks[:, time] += _AUTOCORRELATION * shocks[:, time - 1]
    return shocks


def _duration(betas: np.ndarray) -> int:
    return int(np.flatnonzero(betas)[-1]) + 1 if betas.any() else 0
