"""Mystery visits to key posts: several posts of a community, each scored on its duties."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import checks, defaults
from cxresearch.data.simulate import draws

if TYPE_CHECKING:
    import pandas as pd

POST_MEANS: Final[dict[str, dict[str, float]]] = {
    "gate": {"management": 64.0, "image": 61.0, "etiquette": 56.0},
    "front_desk": {"management": 67.0, "image": 68.0, "etiquette": 66.0},
    "patrol": {"management": 60.0, "image": 62.0, "etiquette": 59.0},
    "repairs": {"timeliness": 54.0, "conformity": 62.0, "quality": 65.0},
}
"""Mean score of each post on each of its duties, as an average shopper sees it: points of a 0 to 100 scale."""

POST_VARIANCES: Final[dict[str, float]] = {
    "shopper": 16.0,
    "community": 6.0,
    "community:post": 9.0,
    "community:post:duty": 3.0,
    "visit": 3.0,
    "visit:post": 18.0,
    "residual": 27.0,
}
"""Variance components of the scores in squared points; "visit:post" is what all duties of a post share in a visit."""

VALUE_EFFECTS: Final[dict[str, float]] = {"gate": 0.30, "front_desk": 0.35, "patrol": 0.0, "repairs": 0.15}
"""Points of the sense of value per point of a post's score in the same visit."""

_SHARE_SKIPPED, _SKIPPED_BY_MILD = 0.25, 1.5


def posts(
    communities: int = 24,
    shoppers: int = 10,
    *,
    visits: int = 6,
    means: Mapping[str, Mapping[str, float]] | None = None,
    variances: Mapping[str, float] | None = None,
    effects: Mapping[str, float] | None = None,
    pass_mark: float = 60.0,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate mystery visits to key posts, with strict and mild shoppers and a halo between duties.

    Decides whether a study of posts finds the weak ones although shoppers differ: mild shoppers often leave out the
    second post (the front desk), so its plain mean looks worse than it is. ``score = mean of post and duty + shopper
    + community + community:post + community:post:duty + visit + visit:post + residual``, all parts normal.

    Parameters
    ----------
    communities, shoppers : int
        How many of each. Every visit has one shopper, drawn at random.
    visits : int
        Visits to each community.
    means : mapping of str to mapping of str to float, optional
        Mean score by post and duty; `POST_MEANS` by default. At least two posts.
    variances : mapping of str to float, optional
        Squared points for some of the parts; the others keep the values of `POST_VARIANCES`.
    effects : mapping of str to float, optional
        What a point of a post's mean score adds to the sense of value; `VALUE_EFFECTS` by default, none for other
        posts.
    pass_mark : float
        A score from here on passes; only the truth depends on it.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per score: ``community``, ``visit`` (1, 2, … in each community), ``shopper``, ``post``, ``duty``
        (text), ``score`` (points) and ``value`` (the visit's sense of value, points, the same in all rows of a visit).
    truth : dict
        ``means`` and ``pass_rates`` by (post, duty); ``severity`` by shopper (points below the average shopper of
        this panel); ``halo`` (correlation of two duties of a post within a visit, shopper and place held equal);
        ``value_effects`` by post; ``variances``; ``seed``.

    Raises
    ------
    InputError
        If a size or variance is out of range, there is one post only, or a part or post is unknown.

    Examples
    --------
    >>> frame, truth = posts(communities=2, shoppers=3, visits=2)
    >>> list(frame.columns), round(truth["halo"], 2)
    (['community', 'visit', 'shopper', 'post', 'duty', 'score', 'value'], 0.44)
    """
    import pandas as pd

    draws.at_least(0, seed=seed)
    draws.at_least(1, communities=communities, shoppers=shoppers, visits=visits)
    cells = _cells(means)
    names = list(dict.fromkeys(post for post, _ in cells))
    part = _parts(variances)
    slope = _effects(effects, names)
    rng = np.random.default_rng(seed)

    def draw(name: str, *shape: int) -> np.ndarray:
        return rng.normal(0, math.sqrt(part[name]), shape)

    severe = draw("shopper", shoppers)
    place = draw("community", communities)
    there = draw("community:post", communities, len(names))
    exactly = draw("community:post:duty", communities, len(cells))
    community = np.repeat(np.arange(communities), visits)
    shopper = rng.integers(shoppers, size=community.size)
    at = np.array([names.index(post) for post, _ in cells])
    score = (
        np.array(list(cells.values()))
        - severe[shopper, None]
        + place[community, None]
        + there[community][:, at]
        + exactly[community]
        + draw("visit", community.size)[:, None]
        + draw("visit:post", community.size, len(names))[:, at]
        + draw("residual", community.size, len(cells))
    )
    seen = np.stack([score[:, at == post].mean(axis=1) for post in range(len(names))], axis=1)
    value = 65 + (seen - seen.mean(axis=0)) @ slope - 0.5 * severe[shopper] + rng.normal(0, 4, community.size)
    spread = severe.std() or 1.0
    skipped = rng.random(community.size) < _skip(-severe[shopper] / spread)
    kept = ~(skipped[:, None] & (at == 1))
    row, column = np.nonzero(kept)
    label = [np.array([cell[k] for cell in cells], dtype=object)[column] for k in (0, 1)]
    frame = pd.DataFrame(
        {
            "community": pd.array(draws.numbered("C", communities)[community[row]], dtype="str"),
            "visit": np.tile(np.arange(1, visits + 1), communities)[row],
            "shopper": pd.array(draws.numbered("S", shoppers)[shopper[row]], dtype="str"),
            "post": pd.array(label[0], dtype="str"),
            "duty": pd.array(label[1], dtype="str"),
            "score": score[row, column],
            "value": value[row],
        }
    )
    panel = dict(zip(draws.numbered("S", shoppers).tolist(), (severe - severe.mean()).tolist(), strict=True))
    return frame, {
        "means": cells,
        "pass_rates": _rates(cells, part, pass_mark),
        "severity": panel,
        "halo": _halo(part),
        "value_effects": dict(zip(names, slope.tolist(), strict=True)),
        "variances": part,
        "seed": seed,
    }


def _skip(mildness: np.ndarray) -> np.ndarray:
    """Return the chance that a visit leaves out the second post: the milder the shopper, the more often."""
    return np.asarray(
        1 / (1 + np.exp(-(math.log(_SHARE_SKIPPED / (1 - _SHARE_SKIPPED)) + _SKIPPED_BY_MILD * mildness)))
    )


def _rates(cells: Mapping[tuple[str, str], float], part: Mapping[str, float], mark: float) -> dict[Any, float]:
    """Return the share of scores at or above the mark, over all shoppers and communities of this kind."""
    spread = math.sqrt(2 * sum(part.values()))
    return {cell: 0.5 * math.erfc((mark - mean) / spread) if spread else float(mean >= mark)
            for cell, mean in cells.items()}  # fmt: skip


def _halo(part: Mapping[str, float]) -> float:
    shared = part["visit"] + part["visit:post"]
    return shared / (shared + part["residual"]) if shared + part["residual"] else math.nan


def _cells(means: Mapping[str, Mapping[str, float]] | None) -> dict[tuple[str, str], float]:
    given = POST_MEANS if means is None else means
    if len(given) < 2:
        raise checks.InputError(f"means={given!r}: at least two posts are needed")
    cells = {(post, duty): value for post, duties in given.items() for duty, value in duties.items()}
    draws.finite("means", list(cells.values()))
    return cells


def _parts(variances: Mapping[str, float] | None) -> dict[str, float]:
    for name in variances or {}:
        checks.choice("variances", name, POST_VARIANCES)
    draws.not_negative(**{f"variances[{name!r}]": value for name, value in (variances or {}).items()})
    return {**POST_VARIANCES, **(variances or {})}


def _effects(effects: Mapping[str, float] | None, names: list[str]) -> np.ndarray:
    for name in effects or {}:
        checks.choice("effects", name, names)
    given = VALUE_EFFECTS if effects is None else effects
    return draws.finite("effects", [given.get(name, 0.0) for name in names])
