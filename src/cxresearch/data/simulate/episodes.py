"""Episodes of several moments, and an overall score that follows from them by a known rule."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import checks, defaults
from cxresearch.data.simulate import draws
from cxresearch.numerics.episodes import SUMMARIES, summaries

if TYPE_CHECKING:
    import pandas as pd

RULES: Final[dict[str, tuple[float, dict[str, float]]]] = {
    "end": (1.8, {"end": 0.7}),
    "peak": (0.3, {"peak": 0.8}),
    "trough": (2.4, {"trough": 0.8}),
    "mean": (0.6, {"mean": 0.9}),
    "trend": (5.8, {"trend": 2.0}),
    "peak_and_end": (0.2, {"peak": 0.4, "end": 0.5}),
    "near_end": (0.0, {"end": 1.0}),
}
"""How the overall score follows: intercept, and points of it per point of what an episode leaves behind."""
_UNITS_SD, _EPISODES_SD, _MOMENTS_SD, _AUTOCORRELATION = 0.3, 0.5, 0.9, 0.4


def episodes(
    episodes: int = 800,
    moments: tuple[int, int] = (5, 9),
    *,
    rule: str = "peak_and_end",
    weights: Mapping[str, float] | None = None,
    noise: float = 0.6,
    units: int = 40,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate customers who score every moment of an episode, and then the episode as a whole.

    Decides whether a study of episodes finds the rule by which the overall score follows from the moments. Scores of
    an episode go together (0.4 from one moment to the next), rise towards its middle and sink at its end.

    Parameters
    ----------
    episodes : int
        Number of episodes, one per customer.
    moments : (int, int)
        Fewest and most moments of an episode, 2 at least; every number between them has the same chance.
    rule : {"end", "peak", "trough", "mean", "trend", "peak_and_end", "near_end"}
        What the overall score follows: the last score, the highest, the lowest, the mean, the slope per moment, the
        highest and the last, or the last score itself.
    weights : mapping of str to float, optional
        Points of overall score per point of ``end``, ``peak``, ``trough``, ``mean`` and ``trend``, in place of the
        rule's own.
    noise : float
        Standard deviation, in points, of what nothing explains.
    units : int
        Number of communities among which episodes are divided; they differ a little.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per moment: ``episode`` (number), ``unit`` (text), ``position`` (1, 2, …), ``score`` and ``overall``
        (points, scale 0 to 10; the same on every row of an episode).
    truth : dict
        ``rule``, ``intercept``, ``weights`` (by summary), ``noise_sd``, ``seed``.

    Raises
    ------
    InputError
        If a size is out of range, or the rule or a weight is not known.

    Examples
    --------
    >>> frame, truth = episodes(episodes=2, moments=(3, 3), rule="near_end", noise=0.0)
    >>> list(frame.columns), len(frame)
    (['episode', 'unit', 'position', 'score', 'overall'], 6)
    >>> bool((frame["overall"] == frame.groupby("episode")["score"].transform("last")).all())
    True
    """
    import pandas as pd

    checks.choice("rule", rule, RULES)
    draws.at_least(0, seed=seed)
    draws.at_least(1, episodes=episodes, units=units)
    draws.not_negative(noise=noise)
    few, many = _moments(moments)
    intercept, slopes = RULES[rule]
    if weights is not None:
        for name in weights:
            checks.choice("weights", name, SUMMARIES)
        slopes = {name: float(draws.finite("weights", [value])[0]) for name, value in weights.items()}
    rng = np.random.default_rng(seed)
    size = rng.integers(few, many + 1, size=episodes)
    first = np.append(0, np.cumsum(size)[:-1])
    unit = rng.integers(0, units, size=episodes)
    level = _UNITS_SD * rng.standard_normal(units)[unit] + _EPISODES_SD * rng.standard_normal(episodes)
    step = np.arange(size.sum()) - np.repeat(first, size)
    part = step / np.repeat(np.maximum(size - 1, 1), size)
    score = 5.4 + 0.8 * np.sin(np.pi * part) - 0.3 * part + np.repeat(level, size) + _walk(rng, size, step)
    left = dict(zip(SUMMARIES, summaries(score, first).T, strict=True))
    overall = intercept + sum(weight * left[name] for name, weight in slopes.items())
    overall = overall + noise * rng.standard_normal(episodes)
    frame = pd.DataFrame(
        {
            "episode": np.repeat(np.arange(1, episodes + 1), size),
            "unit": pd.array(np.repeat(draws.numbered("C", units)[unit], size), dtype="str"),
            "position": step + 1,
            "score": score,
            "overall": np.repeat(overall, size),
        }
    )
    truth = {"rule": rule if weights is None else "own weights", "intercept": intercept, "weights": dict(slopes)}
    return frame, truth | {"noise_sd": float(noise), "seed": seed}


def _moments(moments: Any) -> tuple[int, int]:
    try:
        few, many = moments
    except (TypeError, ValueError):
        raise checks.InputError(f"moments={moments!r} must be fewest and most, for example (5, 9)") from None
    draws.at_least(2, moments=few)
    draws.at_least(few, moments=many)
    return few, many


def _walk(rng: np.random.Generator, size: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Draw what moments differ by: stationary, each moment resembling the one before."""
    shocks = _MOMENTS_SD * rng.standard_normal(size.sum())
    shocks[step > 0] *= np.sqrt(1 - _AUTOCORRELATION**2)
    for at in range(1, int(size.max())):
        here = np.flatnonzero(step == at)
        shocks[here] += _AUTOCORRELATION * shocks[here - 1]
    return np.asarray(shocks)
