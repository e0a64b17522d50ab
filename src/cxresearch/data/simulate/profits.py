"""Customers who are won, served and lost, with what they earn and cost."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import checks, defaults
from cxresearch.data.simulate import draws

if TYPE_CHECKING:
    import pandas as pd

_MEAN = 6.0  # of service and loyalty, on a scale of 0 to 10
_SPREAD = {"service": 1.0, "loyalty": 1.0, "customer": 40.0, "margin": 60.0}
_COST_VARIATION = {"keep": 0.5, "win": 0.6}  # standard deviation over mean
_DISLOYALTY = 0.5  # correlation of a year's loyalty with what decides who leaves


def profits(
    customers: int = 2000,
    years: int = 6,
    *,
    leaving: float | Sequence[float] = 0.15,
    margin: float = 300.0,
    cost_to_keep: float = 100.0,
    cost_to_win: float = 400.0,
    service_to_loyalty: float = 0.6,
    loyalty_to_margin: float = 20.0,
    service_to_margin: float = 8.0,
    communities: int = 8,
    first_year: int = 2018,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate customers who are won, served for some years and lost, with what they earn and cost.

    Decides whether a study of retention finds what a customer is worth and how winning compares with keeping, and
    whether a study of mediation finds how service turns into loyalty and loyalty into money. Customers are won
    evenly over the years. Each year brings every customer new scores:
    ``loyalty = 6 + service_to_loyalty × (service - 6) + noise`` and
    ``margin = mean + loyalty_to_margin × (loyalty - 6) + service_to_margin × (service - 6) + customer + noise``.
    The less loyal leave sooner, while the chance of leaving over all is the one stated.

    Parameters
    ----------
    customers, years : int
        Customers won in all, and years in which they are won.
    leaving : float or sequence of float
        Chance (0 to below 1) of leaving by the end of a year: one, or by year of tenure, the last for all later ones.
    margin, cost_to_keep, cost_to_win : float
        Means, in money: earned on and spent on a customer in a year, and spent once on winning one.
    service_to_loyalty : float
        Points of loyalty per point of service.
    loyalty_to_margin, service_to_margin : float
        Money per point of loyalty, service being equal, and per point of service, loyalty being equal.
    communities : int
        Number of communities, which do not differ; every customer lives in one.
    first_year : int
        The first calendar year.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per customer and year from being won to leaving, or to the last year: ``customer`` (number),
        ``community`` (text), ``year``, ``tenure`` (1 in the year of being won), ``service`` and ``loyalty``
        (points, scale 0 to 10, continuous), ``margin`` (money earned, before the cost of keeping),
        ``cost_to_keep`` (money), ``cost_to_win`` (money; missing after the first year), ``left`` (1 if the
        customer leaves by the end of that year, else 0).
    truth : dict
        ``retention`` (tuple: chance of staying, by year of tenure), ``margin``, ``cost_to_keep``,
        ``cost_to_win`` (means), ``cost_ratio`` (cost to win over cost to keep), ``a``, ``b``, ``direct`` (the
        three paths as given), ``indirect`` (a × b), ``total`` (direct + indirect), ``share_mediated``
        (indirect / total; NaN without a total), ``seed``.

    Raises
    ------
    InputError
        If a size, chance or amount is out of range.

    Notes
    -----
    Scores are drawn anew each year: in life they stay alike, and those who stay are ever more loyal. So the
    retention rate here is the same for all of one tenure, as the study assumes. A customer's margins go together
    over the years (correlation 0.31 at given scores). Validated by the moments and regressions of large draws.

    Examples
    --------
    >>> frame, truth = profits(customers=50)
    >>> list(frame.columns)[3:]
    ['tenure', 'service', 'loyalty', 'margin', 'cost_to_keep', 'cost_to_win', 'left']
    >>> truth["cost_ratio"], truth["indirect"], truth["retention"]
    (4.0, 12.0, (0.85,))
    """
    import pandas as pd

    draws.at_least(0, seed=seed)
    draws.at_least(1, customers=customers, years=years, communities=communities)
    draws.not_negative(cost_to_win=cost_to_win)
    if not (isinstance(cost_to_keep, int | float) and math.isfinite(cost_to_keep) and cost_to_keep > 0):
        raise checks.InputError(f"cost_to_keep={cost_to_keep!r} must be a finite number above 0")
    paths = draws.finite("margin and paths", [margin, service_to_loyalty, loyalty_to_margin, service_to_margin])
    chances = draws.finite("leaving", [leaving] if isinstance(leaving, int | float) else leaving)
    draws.share(**{f"leaving[{i}]": float(chance) for i, chance in enumerate(chances)})
    rng = np.random.default_rng(seed)  # draws go through the columns of the frame, from left to right
    home = rng.integers(communities, size=customers)
    won = rng.integers(years, size=customers)

    # every customer's years up to the last one, cut after the year of leaving
    seen = years - won
    customer = np.repeat(np.arange(customers), seen)
    tenure = np.arange(len(customer)) - np.repeat(np.cumsum(seen) - seen, seen) + 1
    service = _MEAN + rng.normal(0, _SPREAD["service"], len(customer))
    loyalty = _MEAN + paths[1] * (service - _MEAN) + rng.normal(0, _SPREAD["loyalty"], len(customer))
    own = rng.normal(0, _SPREAD["customer"], customers)
    earned = paths[0] + paths[2] * (loyalty - _MEAN) + paths[3] * (service - _MEAN) + own[customer]
    earned = earned + rng.normal(0, _SPREAD["margin"], len(customer))
    kept = cost_to_keep * _around_one(rng, _COST_VARIATION["keep"], len(customer))
    bought = cost_to_win * _around_one(rng, _COST_VARIATION["win"], customers)
    left = _leavers(rng, loyalty, chances[np.minimum(tenure, len(chances)) - 1], float(paths[1]))
    first = np.full(customers, years + 1)
    np.minimum.at(first, customer[left], tenure[left])
    frame = pd.DataFrame(
        {
            "customer": customer + 1,
            "community": pd.array(draws.numbered("C", communities)[home[customer]], dtype="str"),
            "year": first_year + won[customer] + tenure - 1,
            "tenure": tenure,
            "service": service,
            "loyalty": loyalty,
            "margin": earned,
            "cost_to_keep": kept,
            "cost_to_win": np.where(tenure == 1, bought[customer], np.nan),
            "left": left.astype(np.int64),
        }
    )[tenure <= first[customer]]
    indirect = float(paths[1] * paths[2])
    total = indirect + float(paths[3])
    return frame.reset_index(drop=True), {
        "retention": tuple((1 - chances).tolist()),
        "margin": float(margin),
        "cost_to_keep": float(cost_to_keep),
        "cost_to_win": float(cost_to_win),
        "cost_ratio": cost_to_win / cost_to_keep,
        "a": float(service_to_loyalty),
        "b": float(loyalty_to_margin),
        "direct": float(service_to_margin),
        "indirect": indirect,
        "total": total,
        "share_mediated": indirect / total if total else math.nan,
        "seed": seed,
    }


def _leavers(rng: np.random.Generator, loyalty: np.ndarray, chance: np.ndarray, slope: float) -> np.ndarray:
    """Draw who leaves: the less loyal rather, yet with the chance stated, by a normal that goes with loyalty."""
    from scipy.special import ndtri

    spread = math.hypot(slope * _SPREAD["service"], _SPREAD["loyalty"])
    score = _DISLOYALTY * (loyalty - _MEAN) / spread
    score = score + math.sqrt(1 - _DISLOYALTY**2) * rng.standard_normal(len(loyalty))
    return np.asarray(score < ndtri(chance))


def _around_one(rng: np.random.Generator, variation: float, n: int) -> np.ndarray:
    """Draw lognormal factors of mean 1."""
    variance = math.log1p(variation**2)
    return np.asarray(np.exp(rng.normal(-variance / 2, math.sqrt(variance), n)))
