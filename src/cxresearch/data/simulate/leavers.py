"""Customers who leave, with known truth: chances by length of the dissatisfied run, reasons, flocks, drop-out."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks, defaults
from cxresearch.data.simulate import draws
from cxresearch.data.simulate.panels import panel

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

REASONS: Final[Mapping[str, float]] = {
    "unstable product": 0.25,
    "weak service culture": 0.25,
    "no innovation": 0.1,
    "account manager left": 0.1,
    "price": 0.2,
    "moved away": 0.1,
}
"""Reasons for leaving and their shares; the first four are what the source documents call unmet needs."""
_MIDDLE: Final = 6.0  # satisfaction at which `dropout` is the chance of dropping out


def leaving(
    customers: int = 4000,
    years: int = 10,
    *,
    hazard: float = 0.04,
    odds_ratios: Sequence[float] = (1.5, 3.0, 6.0, 36.0),
    threshold: float = 5.0,
    reasons: Mapping[str, float] | None = None,
    unstated: float = 0.1,
    contagion: float = 0.02,
    dropout: float = 0.03,
    dropout_odds: float = 0.6,
    communities: int = 40,
    first_year: int = 2015,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate customers who leave the sooner, the longer they have been dissatisfied.

    Decides whether a study of leaving finds what is there. Satisfaction and loyalty are those of `panel`,
    which also runs for as many years before the first one as `odds_ratios` has numbers: a customer's run may
    begin before the data do, as in life.

    Parameters
    ----------
    customers, years : int
        Customers in the first year, and years.
    hazard : float
        Chance (above 0, below 1) of leaving in a year in which the customer is satisfied.
    odds_ratios : sequence of float
        How many times as high the odds of leaving are in the 1st, 2nd, … dissatisfied year in a row; the
        last holds from then on.
    threshold : float
        Points of satisfaction below which a year is dissatisfied.
    reasons : mapping of str to float, optional
        Reasons for leaving and their shares, which are scaled to sum to 1; ``REASONS`` by default.
    unstated : float
        Share (0 to below 1) of leavers who give no reason.
    contagion : float
        Correlation (0 to below 1) of leaving between two equally satisfied customers of one community in one year.
    dropout : float
        Chance (0 to below 1) of vanishing without a word after a year of satisfaction 6.
    dropout_odds : float
        How many times as high the odds of vanishing are per point of satisfaction; below 1, the dissatisfied vanish.
    communities : int
        Number of communities; every customer lives in one.
    first_year : int
        The first calendar year.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per customer and year, up to the year in which the customer leaves or after which the customer
        vanishes: ``customer`` (number), ``community`` (text), ``year``, ``satisfaction`` (points, scale 0 to 10,
        continuous), ``loyalty`` (points), ``left`` (1 if the customer leaves in that year, else 0), ``reason``
        (text; missing unless the customer leaves and says why).
    truth : dict
        ``hazards`` (tuple: chance of leaving with a run of 0, 1, 2, … years), ``odds_ratios`` (against a run of 0,
        which comes first), ``threshold``, ``reasons`` (dict, shares), ``contagion`` (as given),
        ``pair_correlation`` (mean pairwise correlation within community and year in these data, lower than
        ``contagion`` where satisfaction differs), ``dropout``, ``dropout_odds``, ``mean_satisfaction`` and
        ``leaving_rate`` (of the last year, had nobody vanished), ``share_long_run`` (share of those who leave, once
        seen for that many years, whose run was the longest listed), ``seed``.

    Raises
    ------
    InputError
        If a size, chance or ratio is out of range.

    Notes
    -----
    In flocks, a customer follows the community's draw of that year with chance ``sqrt(contagion)``, and makes a draw
    of the customer's own otherwise; either way the chance of leaving is the one stated. A local event that nobody
    recorded would look the same. Validated by the chances, correlations and shares of large panels.

    Examples
    --------
    >>> frame, truth = leaving(customers=3, years=2)
    >>> list(frame.columns)
    ['customer', 'community', 'year', 'satisfaction', 'loyalty', 'left', 'reason']
    >>> [round(chance, 3) for chance in truth["hazards"]]
    [0.04, 0.059, 0.111, 0.2, 0.6]
    """
    import pandas as pd

    ratios = np.r_[1.0, _positive("odds_ratios", odds_ratios)]
    draws.share(hazard=hazard, unstated=unstated, contagion=contagion, dropout=dropout)
    _positive("hazard", [hazard])
    slope = math.log(_positive("dropout_odds", [dropout_odds])[0])
    shares = _shares(REASONS if reasons is None else reasons)
    before = len(ratios) - 1
    frame, _ = panel(customers, years + before, communities=communities, first_year=first_year - before, seed=seed)
    rng = np.random.default_rng([seed, 1])  # a stream of its own: the panel's draws stay what they are
    satisfaction = frame["satisfaction"].to_numpy().reshape(customers, -1)
    home = pd.factorize(frame["community"])[0][:: years + before]
    run = _runs(satisfaction < threshold, before)
    odds = hazard / (1 - hazard) * ratios
    chances = odds / (1 + odds)
    chance, seen = chances[run][:, before:], satisfaction[:, before:]

    leaves = _draws(rng, home, years, contagion) < chance
    there = np.cumsum(leaves, axis=1) - leaves == 0  # up to the year of leaving
    left = leaves & there
    vanishes = rng.random(seen.shape) < _logistic(dropout, slope * (seen - _MIDDLE))
    shown = there & (np.cumsum(vanishes, axis=1) - vanishes == 0)
    names = np.array(list(shares), dtype=object)
    told = names[rng.choice(len(names), size=left.shape, p=list(shares.values()))]
    told[~left | (rng.random(left.shape) < unstated)] = None

    keep = np.column_stack([np.zeros((customers, before), dtype=bool), shown]).ravel()
    table = frame[keep].reset_index(drop=True)
    table["left"] = left[shown].astype(np.int64)
    table["reason"] = pd.array(told[shown], dtype="str")
    long = run[:, before:][:, before - 1 :][left[:, before - 1 :]]
    return table, {
        "hazards": tuple(chances.tolist()),
        "odds_ratios": tuple(ratios.tolist()),
        "threshold": float(threshold),
        "reasons": shares,
        "contagion": float(contagion),
        "pair_correlation": contagion * _alike(chances, run[:, before:], home, shown),
        "dropout": float(dropout),
        "dropout_odds": float(dropout_odds),
        "mean_satisfaction": float(seen[:, -1][there[:, -1]].mean()) if there[:, -1].any() else math.nan,
        "leaving_rate": float(left[:, -1][there[:, -1]].mean()) if there[:, -1].any() else math.nan,
        "share_long_run": float((long == before).mean()) if len(long) else math.nan,
        "seed": seed,
    }


def _runs(low: NDArray[np.bool_], longest: int) -> Integers:
    """Return the length of the low run that each year ends, counted up to `longest`."""
    run = np.zeros(low.shape, dtype=np.int64)
    for year in range(low.shape[1]):
        earlier = run[:, year - 1] if year else 0
        run[:, year] = np.where(low[:, year], np.minimum(earlier + 1, longest), 0)
    return run


def _draws(rng: np.random.Generator, home: Integers, years: int, contagion: float) -> Floats:
    """Draw from 0 to 1 for each customer and year; some share their community's draw."""
    own = rng.random((len(home), years))
    common = rng.random((int(home.max()) + 1, years))[home]
    return np.where(rng.random(own.shape) < math.sqrt(contagion), common, own)


def _logistic(chance: float, shift: Floats) -> Floats:
    odds = chance / (1 - chance) * np.exp(shift)
    return np.asarray(odds / (1 + odds))


def _alike(chances: Floats, run: Integers, home: Integers, shown: NDArray[np.bool_]) -> float:
    """Return by what factor pairs that differ in satisfaction lower the correlation of a common draw."""
    k, years = len(chances), run.shape[1]
    cell = home[:, None] * years + np.arange(years)
    n = np.bincount((cell * k + run)[shown], minlength=(int(home.max()) + 1) * years * k).reshape(-1, k).astype(float)
    sd = np.sqrt(chances * (1 - chances))
    shared = np.minimum.outer(chances, chances) - np.outer(chances, chances)
    covariance, both = (((n @ m) * n).sum() - (n * np.diag(m)).sum() for m in (shared, np.outer(sd, sd)))
    return float(covariance / both) if both > 0 else math.nan


def _positive(argument: str, values: Sequence[float]) -> Floats:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        array = np.array([math.nan])
    if array.ndim != 1 or not len(array) or not (np.isfinite(array) & (array > 0)).all():
        raise checks.InputError(f"{argument}={values!r} must be finite numbers above 0, for example 1.5 and 3")
    return array


def _shares(given: Mapping[str, float]) -> dict[str, float]:
    values = _positive("reasons", list(given.values()))
    return dict(zip(map(str, given), (values / math.fsum(values)).tolist(), strict=True))
