"""Mystery visits as they are made: some outlets see more of them than others, and shoppers roam."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import checks, defaults
from cxresearch.data.simulate import draws

if TYPE_CHECKING:
    import pandas as pd

VISIT_VARIANCES: Mapping[str, float] = {
    "outlet": 22.0,
    "visit": 14.0,
    "shopper": 10.0,
    "item": 6.0,
    "outlet:item": 10.0,
    "residual": 60.0,
}
"""Variance components of `mystery_visits` in squared points of a 0 to 100 scale."""
_MEAN = 65.0
_TARGET = 0.8


def mystery_visits(
    outlets: int = 60,
    shoppers: int = 20,
    *,
    fewest: int = 2,
    most: int = 5,
    items: int = 15,
    missing: float = 0.0,
    variances: Mapping[str, float] | None = None,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate visits nested in outlets, in unequal numbers, by shoppers who each see some outlets.

    Decides whether a generalizability study of such visits finds where the differences come from and how many visits
    a judgement needs. Every component is normal and independent of the others.

    Parameters
    ----------
    outlets, shoppers, items : int
        How many of each. Items are the lines of the checklist; every visit scores all of them.
    fewest, most : int
        Each outlet gets so many visits, drawn at random between the two; a shopper is drawn for every visit.
    missing : float
        Share of scores left out at random, from 0 to below 1.
    variances : mapping of str to float, optional
        Squared points for any of ``outlet``, ``visit`` (what all items of one visit share), ``shopper`` (strictness),
        ``item`` (difficulty), ``outlet:item`` and ``residual``; the others keep the values of ``VISIT_VARIANCES``.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per score: ``outlet``, ``visit`` (1, 2, … in each outlet), ``shopper``, ``item``, ``score`` (points,
        scale 0 to 100, continuous, mean 65).
    truth : dict
        ``variances`` (squared points), ``mean`` (points), ``phi_one_visit``: dependability of one visit with all items;
        ``visits_needed``: visits, each by another shopper, for a dependability of 0.80, before rounding up, infinite
        where the items alone prevent it; ``sizes``; ``seed``.

    Raises
    ------
    InputError
        If a size, share or variance is out of range, or a component is unknown.

    Notes
    -----
    Items are random: other items might have been asked. The dependability of n visits is
    outlet / (outlet + (item + outlet:item) / items + (visit + shopper + residual / items) / n).

    Examples
    --------
    >>> frame, truth = mystery_visits(outlets=3, fewest=2, most=2, items=4)
    >>> frame.shape, round(truth["visits_needed"], 1)
    ((24, 5), 26.0)
    """
    import pandas as pd

    draws.at_least(0, seed=seed)
    draws.at_least(1, outlets=outlets, shoppers=shoppers, items=items, fewest=fewest, most=most)
    draws.share(missing=missing)
    if most < fewest:
        raise checks.InputError(f"most={most} is less than fewest={fewest}")
    parts = _components(variances)
    rng = np.random.default_rng(seed)

    def draw(name: str, *shape: int) -> np.ndarray:
        return rng.normal(0, math.sqrt(parts[name]), shape)

    count = rng.integers(fewest, most + 1, outlets)
    outlet = np.repeat(np.arange(outlets), count)
    visit = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + 1
    shopper = rng.integers(0, shoppers, outlet.size)
    score = (
        _MEAN
        + draw("outlet", outlets)[outlet, None]
        + (draw("visit", outlet.size) + draw("shopper", shoppers)[shopper])[:, None]
        + draw("item", items)
        + draw("outlet:item", outlets, items)[outlet]
        + draw("residual", outlet.size, items)
    )
    frame = pd.DataFrame(
        {
            "outlet": pd.array(draws.numbered("O", outlets)[np.repeat(outlet, items)], dtype="str"),
            "visit": np.repeat(visit, items),
            "shopper": pd.array(draws.numbered("S", shoppers)[np.repeat(shopper, items)], dtype="str"),
            "item": pd.array(draws.numbered("I", items)[np.tile(np.arange(items), outlet.size)], dtype="str"),
            "score": score.ravel(),
        }
    )
    if missing:
        frame = frame[rng.random(len(frame)) >= missing].reset_index(drop=True)
    sizes = {"outlets": outlets, "shoppers": shoppers, "fewest": fewest, "most": most, "items": items}
    return frame, {"variances": parts, "mean": _MEAN, **_truth(parts, items), "sizes": sizes, "seed": seed}


def _truth(parts: Mapping[str, float], items: int) -> dict[str, float]:
    lasting = (parts["item"] + parts["outlet:item"]) / items
    passing = parts["visit"] + parts["shopper"] + parts["residual"] / items
    whole = parts["outlet"] + lasting + passing
    room = parts["outlet"] * (1 - _TARGET) / _TARGET - lasting
    needed = passing / room if room > 0 else math.inf
    return {"phi_one_visit": parts["outlet"] / whole if whole else math.nan, "visits_needed": needed}


def _components(variances: Mapping[str, float] | None) -> dict[str, float]:
    given = dict(variances or {})
    for name in given:
        checks.choice("variances", name, VISIT_VARIANCES)
    draws.not_negative(**{f"variances[{name!r}]": value for name, value in given.items()})
    return {name: float(given.get(name, value)) for name, value in VISIT_VARIANCES.items()}
