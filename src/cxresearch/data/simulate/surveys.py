"""Surveys: respondents of several units score touchpoints and the service overall."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import checks, defaults
from cxresearch.data.simulate import draws

if TYPE_CHECKING:
    import pandas as pd

TOUCHPOINTS = ("reception", "cleaning", "greening", "security", "repairs")
"""Touchpoints of `responses`, as its defaults have them."""


def responses(
    units: int = 40,
    respondents: tuple[int, int] = (20, 200),
    *,
    touchpoints: int | Sequence[str] = TOUCHPOINTS,
    weights: Sequence[float] | None = None,
    scale: tuple[float, float] = (0.0, 10.0),
    between_sd: float = 0.5,
    within_sd: float = 1.0,
    noise: float = 0.5,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate a survey: residents of several units score touchpoints and the service overall.

    Decides whether a benchmark finds which units truly differ, and whether a driver study finds the
    weights. ``overall = sum of weight × touchpoint score + noise``. Touchpoint scores go together:
    correlation 0.5 between the true means of a unit, 0.4 between the scores of one respondent.

    Parameters
    ----------
    units : int
        Number of units (communities, outlets).
    respondents : (int, int)
        Fewest and most respondents of a unit; every number between them has the same chance.
    touchpoints : int or sequence of str
        Names of the touchpoint columns, or how many.
    weights : sequence of float, optional
        Points of ``overall`` per point of each touchpoint. By default they fall evenly and sum to 1:
        5/15, 4/15, … for five.
    scale : (float, float)
        Ends of the scale; the mean lies at 60 % of it.
    between_sd, within_sd, noise : float
        Standard deviation in points of a scale from 0 to 10, stretched with the scale: of the units' true
        means, of respondents around them, and of ``overall`` around the weighted sum.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per respondent: ``respondent`` (number), ``unit`` (text), one column per touchpoint and
        ``overall`` (points of the scale, continuous).
    truth : dict
        ``unit_means`` (DataFrame: unit, touchpoint, mean), ``between_variance``, ``within_variance``
        (squared points, the same for every touchpoint), ``reliability_of_one`` (between over the sum of
        both: the intraclass correlation), ``weights`` (touchpoint to weight), ``noise_sd``, ``seed``.

    Raises
    ------
    InputError
        If a size, scale or standard deviation is out of range, or names and weights do not fit.

    Notes
    -----
    Respondents answer every question; there is no non-response. Validated by variance components of
    large surveys and by regressing a survey without noise, which gives the weights back to 1e-10.

    Examples
    --------
    >>> frame, truth = responses(units=3, respondents=(2, 2))
    >>> list(frame.columns)
    ['respondent', 'unit', 'reception', 'cleaning', 'greening', 'security', 'repairs', 'overall']
    >>> len(frame), round(truth["reliability_of_one"], 2)
    (6, 0.2)
    """
    import pandas as pd

    names, slopes = _touchpoints(touchpoints, weights)
    if not isinstance(respondents, Sequence) or len(respondents) != 2:
        raise checks.InputError(f"respondents={respondents!r} must be fewest and most per unit, for example (20, 200)")
    few, many = respondents
    draws.at_least(0, seed=seed)
    draws.at_least(1, units=units, respondents=few)
    draws.at_least(few, respondents=many)
    draws.not_negative(between_sd=between_sd, within_sd=within_sd, noise=noise)
    low, high = scale
    if not low < high:
        raise checks.InputError(f"scale={scale!r}: the first number must lie below the second, for example (0, 10)")
    stretch = (high - low) / 10
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), rng.integers(few, many + 1, size=units))
    means = low + 0.6 * (high - low) + stretch * between_sd * _sharing(rng, units, len(names), 0.5)
    scores = means[unit] + stretch * within_sd * _sharing(rng, len(unit), len(names), 0.4)
    overall = scores @ slopes + rng.normal(0, stretch * noise, len(unit))
    labels = draws.numbered("U", units)
    frame = pd.DataFrame(
        {
            "respondent": np.arange(1, len(unit) + 1),
            "unit": pd.array(labels[unit], dtype="str"),
            **dict(zip(names, scores.T, strict=True)),
            "overall": overall,
        }
    )
    true_means = pd.DataFrame(
        {
            "unit": pd.array(np.repeat(labels, len(names)), dtype="str"),
            "touchpoint": pd.array(np.tile(np.array(names, dtype=object), units), dtype="str"),
            "mean": means.ravel(),
        }
    )
    between, within = (stretch * between_sd) ** 2, (stretch * within_sd) ** 2
    return frame, {
        "unit_means": true_means,
        "between_variance": between,
        "within_variance": within,
        "reliability_of_one": between / (between + within) if between + within else math.nan,
        "weights": dict(zip(names, slopes.tolist(), strict=True)),
        "noise_sd": stretch * noise,
        "seed": seed,
    }


def _sharing(rng: np.random.Generator, rows: int, columns: int, correlation: float) -> np.ndarray:
    """Draw standard normal columns of which every two have the same correlation."""
    common = rng.standard_normal((rows, 1))
    own = rng.standard_normal((rows, columns))
    return math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own


def _touchpoints(touchpoints: int | Sequence[str], weights: Sequence[float] | None) -> tuple[list[str], np.ndarray]:
    if isinstance(touchpoints, int):
        draws.at_least(1, touchpoints=touchpoints)
        names = [f"touchpoint_{i}" for i in range(1, touchpoints + 1)]
    else:
        names = [touchpoints] if isinstance(touchpoints, str) else list(touchpoints)
    taken = {"respondent", "unit", "overall"}
    if not names or len(set(names)) < len(names) or taken & set(names):
        raise checks.InputError(
            f"touchpoints={names!r}: names must differ from each other and from respondent, unit and overall"
        )
    falling = np.arange(len(names), 0, -1.0)
    slopes = falling / falling.sum() if weights is None else draws.finite("weights", weights)
    if len(slopes) != len(names):
        raise checks.InputError(f"weights has {len(slopes)} numbers, but there are {len(names)} touchpoints")
    return names, slopes
