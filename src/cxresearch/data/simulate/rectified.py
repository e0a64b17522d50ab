"""Sites that are visited in cycles: findings, plans, rectification, and the return visit that verifies it."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import checks, defaults
from cxresearch.data.simulate import draws

if TYPE_CHECKING:
    import pandas as pd

_MEAN: Final = 66.0


def rectification(
    sites: int = 150,
    cycles: int = 4,
    *,
    visits: int = 2,
    standard: float = 70.0,
    quality: float = 6.0,
    error: float = 7.0,
    gain: float = 5.0,
    drift: float = 0.0,
    planned: float = 0.8,
    carried_out: float = 0.75,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate cycles of mystery visits with rectification in between.

    Decides whether a study of change finds what rectification brought, and does not take chance for it. In every
    cycle each site is visited a few times; a site whose mean score lies below the standard is a finding. Most
    findings get a plan, most plans are carried out before the next cycle, and then the site's true quality rises.
    Which findings get no plan, and which plans stay on paper, is left to chance.

    Parameters
    ----------
    sites, cycles, visits : int
        Number of sites, of cycles, and of visits to a site in each cycle.
    standard : float
        The promised score, in points.
    quality, error : float
        Standard deviation, in points, of the sites' true quality in the first cycle, and of a single visit's score
        about it.
    gain : float
        Points of true quality that rectification brings on average; it varies from site to site by 2 points.
    drift : float
        Points by which all sites change from one cycle to the next.
    planned, carried_out : float
        Share of findings that get a plan, and of plans that are carried out.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per visit: ``site`` (text), ``cycle`` (1, 2, …), ``visit`` (1, 2, …), ``score`` (points, scale 0 to
        100), ``planned`` and ``rectified`` (true or false, of the site's finding in this cycle).
    truth : dict
        ``gain``, ``drift``, ``standard``; ``reliability`` of a site's mean score in the first cycle; ``distance``
        and ``share_meeting``, by cycle: mean distance of true quality from the standard, and share of sites that
        truly meet it; ``seed``.

    Raises
    ------
    InputError
        If a size, a deviation or a share is out of range.

    Examples
    --------
    >>> frame, truth = rectification(sites=3, cycles=2)
    >>> frame.shape, round(truth["reliability"], 2)
    ((12, 6), 0.6)
    """
    import pandas as pd

    draws.at_least(0, seed=seed)
    draws.at_least(1, sites=sites, cycles=cycles, visits=visits)
    draws.not_negative(quality=quality, error=error)
    draws.finite("standard, gain, drift", (standard, gain, drift))
    _shares(planned=planned, carried_out=carried_out)
    rng = np.random.default_rng(seed)
    true = _MEAN + quality * rng.standard_normal(sites)
    parts, distance, meeting = [], [], []
    for cycle in range(1, cycles + 1):
        scores = true[:, None] + error * rng.standard_normal((sites, visits))
        plan = (scores.mean(axis=1) < standard) & (rng.random(sites) < planned)
        done = plan & (rng.random(sites) < carried_out)
        parts.append((np.full(sites * visits, cycle), scores.ravel(), plan.repeat(visits), done.repeat(visits)))
        distance.append(float(true.mean() - standard))
        meeting.append(float((true >= standard).mean()))
        true = true + drift + done * (gain + 2.0 * rng.standard_normal(sites))
    cycle_, score, plan, done = (np.concatenate(part) for part in zip(*parts, strict=True))
    frame = pd.DataFrame(
        {
            "site": pd.array(np.tile(draws.numbered("S", sites).repeat(visits), cycles), dtype="str"),
            "cycle": cycle_,
            "visit": np.tile(np.arange(1, visits + 1), sites * cycles),
            "score": score,
            "planned": plan,
            "rectified": done,
        }
    )
    total = quality**2 + error**2 / visits
    return frame, {
        "gain": float(gain),
        "drift": float(drift),
        "standard": float(standard),
        "reliability": quality**2 / total if total else float("nan"),
        "distance": tuple(distance),
        "share_meeting": tuple(meeting),
        "seed": seed,
    }


def _shares(**shares: float) -> None:
    for name, value in shares.items():
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise checks.InputError(f"{name}={value!r} must be a share from 0 to 1, for example 0.8")
