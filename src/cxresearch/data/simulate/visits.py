"""Mystery visits: shoppers score outlets on a checklist."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import checks, defaults
from cxresearch.data.simulate import draws

if TYPE_CHECKING:
    import pandas as pd

RATING_VARIANCES: Mapping[str, float] = {
    "outlet": 15.0,
    "shopper": 5.0,
    "item": 20.0,
    "outlet:shopper": 2.5,
    "outlet:item": 7.5,
    "shopper:item": 2.5,
    "visit": 7.5,
    "residual": 40.0,
}
"""Variance components of `ratings` in squared points of a 0 to 100 scale; they sum to 100: each is a percentage too."""
_RATING_MEAN = 65.0


def ratings(
    outlets: int = 60,
    shoppers: int = 6,
    *,
    visits: int = 1,
    items: int = 10,
    shoppers_per_outlet: int | None = None,
    variances: Mapping[str, float] | None = None,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate mystery visits: shoppers score outlets on a checklist, with known sources of difference.

    Decides whether a study of reliability finds how much of the scores is the outlet and how much is the
    shopper, the item, the day or chance. Every component is normal and independent of the others.

    Parameters
    ----------
    outlets, shoppers, items : int
        How many of each. Items are the lines of the checklist; every visit scores all of them.
    visits : int
        Visits of each shopper to each of the shopper's outlets.
    shoppers_per_outlet : int, optional
        Each outlet is visited by this many shoppers, drawn at random; by all of them if left out.
    variances : mapping of str to float, optional
        Squared points for any of ``outlet``, ``shopper``, ``item``, ``outlet:shopper``, ``outlet:item``,
        ``shopper:item``, ``visit`` (what all items of one visit share: the day's form) and ``residual``;
        the others keep the values of ``RATING_VARIANCES``.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per score: ``outlet``, ``shopper`` (text), ``visit`` (1, 2, … for each shopper and outlet),
        ``item`` (text), ``score`` (points, scale 0 to 100, continuous, mean 65).
    truth : dict
        ``variances`` (squared points), ``mean`` (points); for the score a shopper gives an outlet, the
        mean over items and visits: ``mean_score_variances`` (``outlet``, ``shopper``, ``residual``),
        ``ICC(A,1)`` and ``ICC(C,1)`` (absolute agreement and consistency of one shopper), ``ICC(A,k)``
        and ``ICC(C,k)`` (of the mean of k = shoppers per outlet, crossed design); ``sizes``; ``seed``.

    Raises
    ------
    InputError
        If a size or variance is out of range, or a component is unknown.

    Notes
    -----
    The implied ICCs take the checklist as it is (items fixed): what an outlet scores on these very items
    belongs to the outlet. A generalizability study with random items moves ``outlet:item`` to the error;
    its coefficients follow from ``variances``. Validated by mean squares of large designs against their
    expectations.

    Examples
    --------
    >>> frame, truth = ratings(outlets=4, shoppers=2, items=3)
    >>> frame.shape, round(truth["ICC(A,1)"], 2)
    ((24, 5), 0.37)
    """
    import pandas as pd

    each = shoppers if shoppers_per_outlet is None else shoppers_per_outlet
    draws.at_least(0, seed=seed)
    draws.at_least(1, outlets=outlets, shoppers=shoppers, visits=visits, items=items, shoppers_per_outlet=each)
    if each > shoppers:
        raise checks.InputError(f"shoppers_per_outlet={each} is more than shoppers={shoppers}")
    parts = _components(variances)
    rng = np.random.default_rng(seed)

    def draw(name: str, *shape: int) -> np.ndarray:
        return rng.normal(0, math.sqrt(parts[name]), shape)

    # one line per visit: which outlet, which shopper; then all items of that visit side by side
    panels = np.argsort(rng.random((outlets, shoppers)), axis=1)[:, :each] if each < shoppers else None
    who = np.tile(np.arange(shoppers), (outlets, 1)) if panels is None else np.sort(panels, axis=1)
    outlet = np.repeat(np.arange(outlets), each * visits)
    shopper = np.repeat(who.ravel(), visits)
    visit = np.tile(np.arange(1, visits + 1), outlets * each)
    score = (
        _RATING_MEAN
        + draw("outlet", outlets)[outlet, None]
        + draw("shopper", shoppers)[shopper, None]
        + draw("item", items)[None, :]
        + draw("outlet:shopper", outlets, shoppers)[outlet, shopper, None]
        + draw("outlet:item", outlets, items)[outlet]
        + draw("shopper:item", shoppers, items)[shopper]
        + draw("visit", len(visit))[:, None]
        + draw("residual", len(visit), items)
    )
    frame = pd.DataFrame(
        {
            "outlet": pd.array(draws.numbered("O", outlets)[np.repeat(outlet, items)], dtype="str"),
            "shopper": pd.array(draws.numbered("S", shoppers)[np.repeat(shopper, items)], dtype="str"),
            "visit": np.repeat(visit, items),
            "item": pd.array(draws.numbered("I", items)[np.tile(np.arange(items), len(visit))], dtype="str"),
            "score": score.ravel(),
        }
    )
    sizes = {"outlets": outlets, "shoppers": shoppers, "visits": visits, "items": items}
    return frame, {
        "variances": parts,
        "mean": _RATING_MEAN,
        **_rating_truth(parts, each, visits, items),
        "sizes": sizes | {"shoppers_per_outlet": each},
        "seed": seed,
    }


def _rating_truth(parts: Mapping[str, float], raters: int, visits: int, items: int) -> dict[str, Any]:
    outlet = parts["outlet"] + parts["outlet:item"] / items
    shopper = parts["shopper"] + parts["shopper:item"] / items
    rest = parts["outlet:shopper"] + (parts["visit"] + parts["residual"] / items) / visits

    def share(error: float) -> float:
        return outlet / (outlet + error) if outlet + error else math.nan

    return {
        "mean_score_variances": {"outlet": outlet, "shopper": shopper, "residual": rest},
        "ICC(A,1)": share(shopper + rest),
        "ICC(C,1)": share(rest),
        "ICC(A,k)": share((shopper + rest) / raters),
        "ICC(C,k)": share(rest / raters),
    }


def _components(variances: Mapping[str, float] | None) -> dict[str, float]:
    given = dict(variances or {})
    for name in given:
        checks.choice("variances", name, RATING_VARIANCES)
    draws.not_negative(**{f"variances[{name!r}]": value for name, value in given.items()})
    return {name: float(given.get(name, value)) for name, value in RATING_VARIANCES.items()}
