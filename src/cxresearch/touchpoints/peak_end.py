"""What customers keep of an episode: its peak, its end, its mean or its trend, compared as rivals."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks, defaults
from cxresearch.language import Words
from cxresearch.touchpoints import journeys
from cxresearch.touchpoints.journeys import Journeys
from cxresearch.touchpoints.peak_end_fit import Study
from cxresearch.touchpoints.peak_end_results import PeakEnd
from cxresearch.touchpoints.peak_end_words import listed

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

FEW_UNITS: Final = 20
"""Units below which intervals that redraw whole units are somewhat short."""
LEAST_UNITS: Final = 5
_LONGEST: Final = 12
"""Moments before the end that the mean journey shows."""


def peak_end(
    data: "pd.DataFrame",
    *,
    episode: str,
    position: str,
    score: str,
    overall: str,
    unit: str | None = None,
    same_scale: bool = True,
    bootstraps: int = 1000,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> PeakEnd:
    """Compare what may lie behind an overall score: the end of an episode, its peak, its mean, and their rivals.

    Decides which moments a service should spend its effort on: if customers keep the peak and the end, an average of
    touchpoints is no picture of what they will say.

    Parameters
    ----------
    data : DataFrame
        One row per moment of an episode (a stay, a repair, the years from signing to living there).
    episode : str
        Column that says which episode a moment belongs to.
    position : str
        Column of numbers or dates by which the moments of an episode are ordered.
    score : str
        Column of the score of each moment, in points; higher is better.
    overall : str
        Column of the overall score of the episode, in points; on every row of it, or on some.
    unit : str, optional
        Column of the community, store, … of an episode. Cross-validation then leaves out whole units and the
        bootstrap redraws them, which allows for episodes of a unit being alike; `focus` may name one.
    same_scale : bool
        Moments and overall score are given on one scale. If not, nothing can be said of how near they are.
    bootstraps : int
        Bootstrap samples of episodes (or units), at least 200.
    seed : int
        Seed of the bootstrap.
    confidence : float
        Coverage probability of the intervals.

    Returns
    -------
    PeakEnd
        ``table``, best first, a row per rival: rival; coefficients (how many slopes are fitted); estimate (R² of
        predictions for the episode or unit left out; below 0: worse than the mean of the others), ci_low, ci_high;
        rank, rank_low, rank_high (ranks that the data allow); behind (R² of the best less its own), behind_low,
        behind_high; standing: "found" (every other rival that may be best contains it), "ties" (may be best, too),
        "loses" (clearly not the best), "undefined" (too little varies).
        ``weights``: rival, term, estimate, ci_low, ci_high: points of overall score per point (intercept: points).
        ``distances``: place (end, peak, trough, mean, middle of peak and trough), estimate (mean absolute distance of
        the overall score, points), ci_low, ci_high, further (distance less that of the end), further_low, further_high.
        ``used_up``: what a point of the peak goes with, end held equal, among episodes that end badly (last score
        below the episode's mean) and worse than the moment before, among all others, and the difference; columns
        ending, n, estimate, ci_low, ci_high.
        ``journey``: mean score by moments before the end (0 is the end). ``profiles``: with `unit`, a row per unit.

    Raises
    ------
    InputError
        If a column is missing or not numeric, an episode has two rows at one position or two overall scores, fewer
        than 10 episodes (or 5 units) can be used, or the overall score never varies.

    Notes
    -----
    The rivals are straight lines in: the last score (end), the highest (peak), the lowest (trough), the mean, the slope
    per moment (trend), the highest and the last together (peak_and_end); and near_end, which says that the overall
    score is the last score, with nothing fitted. Some contain others: peak_and_end contains end and peak, end contains
    near_end. The larger one can then hardly lose, and the two tie when the smaller is true; a tie goes to the
    smaller. Rivals that do not contain each other and cannot be told apart are left so.

    R² is computed with each episode left out in turn (exactly, by leverages), so a larger rival gains nothing from
    noise. Bootstrap samples leave all copies of an episode out together. Intervals are expanded percentile intervals;
    a rival is behind where its difference from a better one exceeds what chance allows, all rivals judged together
    (Mogstad et al. 2024). In simulated samples of 40 to 300 episodes, 93 to 96 % of the intervals held the truth
    (``data/evidence/peak_end.csv``), and the true rival was never ruled out. It was found, alone or beside what
    contains it, in 89 to 100 % of samples of 300 episodes, but only in 11 to 99 % of samples of 100
    (``data/evidence/choices/peak_end.csv``): with few episodes the answer stays open.

    An end that is scored last and an overall score asked for at the same time share a mood; that favours the end.
    Nothing here says why customers keep what they keep. An episode whose last moment has no score is left out.

    Validated by simulated episodes in which each rival is true in turn, and by least squares on the rest for every
    episode left out.

    References
    ----------
    Kahneman, Fredrickson, Schreiber & Redelmeier (1993), Psychological Science 4, 401-405; Allen (1974),
    Technometrics 16, 125-127; Hesterberg (2015), American Statistician 69, 371-386; Mogstad, Romano, Shaikh & Wilhelm
    (2024), Review of Economic Studies 91, 476-518.

    Examples
    --------
    >>> from cxresearch.data.simulate import episodes
    >>> frame, truth = episodes(rule="peak_and_end")
    >>> result = peak_end(
    ...     frame, episode="episode", position="position", score="score", overall="overall", bootstraps=200
    ... )
    >>> result.table[["rival", "estimate", "standing"]].round(2).head(3).to_dict("list")
    {'rival': ['peak_and_end', 'end', 'mean'], 'estimate': [0.6, 0.52, 0.42], 'standing': ['found', 'loses', 'loses']}
    """
    checks.confidence(confidence)
    if isinstance(bootstraps, bool) or not isinstance(bootstraps, int) or bootstraps < 200:
        raise checks.InputError(f"bootstraps={bootstraps!r} must be a whole number of at least 200, 1000 by habit")
    if not isinstance(same_scale, bool):
        raise checks.InputError(f"same_scale={same_scale!r} must be True or False")
    read = journeys.read(data, episode=episode, position=position, score=score, overall=overall, unit=unit)
    if unit is not None and len(read.units) < LEAST_UNITS:
        raise checks.InputError(
            f"unit={unit!r}: {len(read.units)} units; at least {LEAST_UNITS} are needed to redraw whole units. Leave "
            "unit out to redraw episodes"
        )
    study = Study(read, same_scale, bootstraps, seed, confidence)
    return PeakEnd(
        table=study.rivals(),
        sample=read.sample,
        notes=_notes(read, study, same_scale),
        confidence=confidence,
        weights=study.weights(),
        distances=study.distances(),
        used_up=study.used_up(),
        journey=_journey(read),
        profiles=_profiles(read),
        episodes=len(read.overall),
        bootstraps=bootstraps,
        mean_overall=float(read.overall.mean()),
        same_scale=same_scale,
        of_unit=_unit_journeys(read),
    )


def _journey(read: Journeys, part: NDArray[np.bool_] | None = None) -> "pd.DataFrame":
    """Return the mean score by moments before the end, where at least a fifth of the episodes have one."""
    import pandas as pd

    size = read.size
    before = np.repeat(read.first + size - 1, size) - np.arange(len(read.score))
    kept = np.ones(len(before), bool) if part is None else np.repeat(part, size)
    by = pd.DataFrame({"before": before[kept], "score": read.score[kept]}).groupby("before")["score"]
    table: pd.DataFrame = by.agg(n="size", mean="mean").reset_index()
    shown: pd.DataFrame = table[(table["n"] >= 0.2 * table["n"].max()) & (table["before"] < _LONGEST)]
    return shown


def _profiles(read: Journeys) -> "pd.DataFrame | None":
    import pandas as pd

    if read.unit is None:
        return None
    end, peak, trough, mean = read.summaries[:, :4].T
    frame = pd.DataFrame({"unit": np.array(read.units, dtype=object)[read.unit], "overall": read.overall, "end": end,
                          "peak": peak, "trough": trough, "middle": (peak + trough) / 2, "mean": mean})  # fmt: skip
    by = frame.groupby("unit", sort=True)
    table = by.mean()
    table.insert(0, "n", by.size())
    return table.reset_index()


def _unit_journeys(read: Journeys) -> "dict[object, pd.DataFrame]":
    if read.unit is None:
        return {}
    return {name: _journey(read, read.unit == code) for code, name in enumerate(read.units)}


def _notes(read: Journeys, study: Study, same_scale: bool) -> tuple[Words, ...]:
    found = [
        Words(
            "R² is that of predictions for the " + ("unit" if read.unit is not None else "episode") + " left out: "
            "100 % is perfect, 0 % no better than the mean, and below 0 % worse.",
            f"R² 按“留一{'单位' if read.unit is not None else '次体验'}”的预测计算：100 % 为完全准确，"
            "0 % 为不比平均值强，低于 0 % 则更差。",
        ),
        Words(
            "Peak and end together contain the end and the peak; the end contains “overall is the end”. The larger of "
            "two such rivals can tie, but hardly lose; a tie goes to the smaller.",
            "“高峰与结尾”包含“结尾”和“高峰”，“结尾”包含“总体等于结尾”。较大的一方可以打平，却很难输；打平时取较小的一方。",
        ),
        Words(
            "The overall score is often given in the mood of the last moment: that alone can favour the end.",
            "总体评分往往是带着最后一刻的心情给出的，仅此一点就会有利于“结尾”。",
        ),
    ]
    if not same_scale:
        found.append(
            Words(
                "Moments and overall score are on different scales: how near they are is not asked.",
                "各时刻与总体评分的量表不同，因此不比较两者的接近程度。",
            )
        )
    constant = [name for name, value in zip(study.named, study.whole["r2"], strict=True) if np.isnan(value)]
    if constant:
        found.append(
            Words(
                f"No R² for {listed(constant, 'en')}: too little varies among these episodes.",
                f"{listed(constant, 'zh')}没有 R²：这些体验之间的差异太少。",
            )
        )
    if read.unit is not None and len(read.units) < FEW_UNITS:
        found.append(
            Words(
                f"{len(read.units)} units are few: the intervals are somewhat short.",
                f"只有 {len(read.units)} 个单位，区间略偏窄。",
            )
        )
    if (read.size == 2).mean() > 0.5:
        found.append(
            Words(
                "Most episodes have two moments: there peak, trough, mean and trend follow from the two, and rivals "
                "are hard to tell apart.",
                "多数体验只有两个时刻：高峰、低谷、平均和走势都由这两个时刻决定，各种说法难以区分。",
            )
        )
    return tuple(found)
