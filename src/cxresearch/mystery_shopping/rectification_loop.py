"""The loop of rectification in numbers: distances, shares, standings and trend."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from cxresearch.mystery_shopping.rectification_change import FEWEST
from cxresearch.mystery_shopping.rectification_rows import Cycles
from cxresearch.numerics import change, proportions

if TYPE_CHECKING:
    import numpy.typing as npt

    Booleans = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]


def flat(cycles: Cycles) -> "Floats":
    """Return each unit and cycle as a row of repeated scores."""
    return cycles.scores.reshape(-1, cycles.scores.shape[2])


def error(cycles: Cycles, reliability: float | None) -> "Floats":
    """Return the error variance of each unit's mean in each cycle; pooled over all, divided by its visits."""
    count = np.isfinite(cycles.scores).sum(axis=2)
    if reliability is None:
        single = change.repeats(flat(cycles)).within
    else:
        first = np.isfinite(cycles.means[:, 0])
        single = (1 - reliability) * cycles.means[first, 0].var(ddof=1) / np.mean(1 / count[first, 0])
    return np.where(count > 0, single / np.maximum(count, 1), np.nan)


def table(cycles: Cycles, error: "Floats", confidence: float) -> pd.DataFrame:
    """Return the distance to the standard and the share that meets it, by cycle."""
    rows = []
    for at, name in enumerate(cycles.cycles):
        here = np.isfinite(cycles.means[:, at])
        distance = cycles.means[here, at]
        mean = change.mean_of(distance, confidence)
        meets = float((distance >= 0).sum())
        low, high = proportions.wilson(meets, distance.size, confidence)
        own = _own_variance(distance, error[here, at])
        level = float((distance + cycles.standard[here, at]).mean())
        true = float(special.ndtr(mean.estimate / np.sqrt(own))) if own > 0 else np.nan
        reliability = own / distance.var(ddof=1) if distance.size > 1 and np.ptp(distance) > 0 else np.nan
        rows.append(
            (name, distance.size, level, mean.estimate, mean.se, mean.low, mean.high,
             meets / distance.size, float(low), float(high), true, reliability)
        )  # fmt: skip
    names = ["cycle", "n", "mean", "distance", "se", "ci_low", "ci_high", "meeting", "meeting_low", "meeting_high"]
    return pd.DataFrame(rows, columns=[*names, "meeting_true", "reliability"])


def _own_variance(distance: "Floats", error: "Floats") -> float:
    """Return the variance of units' true distances: what the error does not explain, not below 0."""
    return max(float(distance.var(ddof=1) - error.mean()), 0.0) if distance.size > 1 else np.nan


def steps(cycles: Cycles, error: "Floats", confidence: float) -> pd.DataFrame:
    """Return the steps of the loop: how many findings got how far."""
    means, later = cycles.means[:, :-1], cycles.means[:, 1:]
    visited = np.isfinite(means)
    found = visited & (np.where(visited, means, 0) < 0)
    done = found if cycles.rectified is None else found & cycles.rectified[:, :-1]
    back = done & np.isfinite(later)
    met = back & (np.where(np.isfinite(later), later, -1) >= 0)
    chance, improved = _if_nothing_changed(cycles, error, confidence)
    rows = [("findings", found, visited)]
    if cycles.planned is not None:
        rows.append(("planned", found & cycles.planned[:, :-1], found))
    if cycles.rectified is not None:
        rows.append(("rectified", done, found))
    rows += [("revisited", back, done), ("met", met, back), ("verified", met & improved, back)]
    found_rows: list[tuple[str, int | None, int, float, float, float]]
    found_rows = [(name, *_share(part, whole, confidence)) for name, part, whole in rows]
    by_chance = float(chance[back].mean()) if back.any() else np.nan
    found_rows.append(("by_chance", None, int(back.sum()), by_chance, np.nan, np.nan))
    if cycles.rectified is not None:
        left = found & ~done & np.isfinite(later)
        found_rows.append(("untouched_met", *_share(left & (np.where(left, later, -1) >= 0), left, confidence)))
    found_rows.append(("closed", *_share(met, found, confidence)))
    frame = pd.DataFrame(found_rows, columns=["step", "n", "of", "share", "ci_low", "ci_high"])
    return frame.astype({"n": "Int64"})


def _if_nothing_changed(cycles: Cycles, error: "Floats", confidence: float) -> "tuple[Floats, Booleans]":
    """Return each unit's chance to meet the standard next time if nothing changed, and who improved beyond that."""
    means, z = cycles.means, float(special.ndtri((1 + confidence) / 2))
    chance, improved = np.full(means[:, 1:].shape, np.nan), np.zeros(means[:, 1:].shape, dtype=bool)
    for at in range(means.shape[1] - 1):
        here = np.isfinite(means[:, at])
        if here.sum() < FEWEST:
            continue
        own = _own_variance(means[here, at], error[here, at])
        share = own / (own + error[:, at])
        expected = means[here, at].mean() + share * (means[:, at] - means[here, at].mean())
        late = np.where(np.isfinite(error[:, at + 1]), error[:, at + 1], error[:, at])
        spread = np.sqrt(share * error[:, at] + late)
        chance[:, at] = special.ndtr(expected / spread)
        improved[:, at] = np.nan_to_num((means[:, at + 1] - expected) / spread) > z
    return chance, improved


def _share(part: "Booleans", whole: "Booleans", confidence: float) -> tuple[int, int, float, float, float]:
    """Return a share with Wilson's interval; cells of one unit (a row) are a cluster."""
    n, count = int(whole.sum()), int(part.sum())
    if not n:
        return 0, 0, np.nan, np.nan, np.nan
    rate, units = count / n, int(whole.any(axis=1).sum())
    off = np.where(whole, part - rate, 0).sum(axis=1)
    variance = float((off**2).sum()) / n**2 * units / max(units - 1, 1)
    size = proportions.effective_size(
        np.array(rate), np.array(float(n)), np.array(variance), clusters=np.array(float(units)), confidence=confidence,
        design=n / units,
    )  # fmt: skip
    low, high = proportions.wilson(rate * size, size, confidence)
    return count, n, rate, float(low), float(high)


def units(cycles: Cycles, error: "Floats", confidence: float) -> pd.DataFrame:
    """Return where each unit stood when last visited."""
    known = np.isfinite(cycles.means)
    last = known.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    row = np.arange(len(last))
    distance, z = cycles.means[row, last], float(special.ndtri((1 + confidence) / 2))
    reach = z * np.sqrt(error[row, last])
    standard = cycles.standard[row, last]
    return pd.DataFrame(
        {
            "unit": cycles.units,
            "cycle": [cycles.cycles[at] for at in last],
            "score": distance + standard,
            "standard": standard,
            "distance": distance,
            "ci_low": distance - reach,
            "ci_high": distance + reach,
            "verdict": np.select(
                [distance - reach >= 0, distance + reach < 0], ["meets", "falls short"], "cannot be told"
            ),
        }
    )


def trend(means: "Floats", confidence: float) -> change.Mean:
    """Average the units' own slopes over cycles: each unit with two cycles or more counts once."""
    known = np.isfinite(means)
    time = np.where(known, np.arange(means.shape[1], dtype=float), np.nan)
    kept = known.sum(axis=1) >= 2
    if not kept.any():
        return change.with_t(np.nan, np.nan, 0, confidence)
    time, y = time[kept], means[kept]
    time = time - np.nanmean(time, axis=1, keepdims=True)
    slope = np.nansum(time * (y - np.nanmean(y, axis=1, keepdims=True)), axis=1) / np.nansum(time**2, axis=1)
    return change.mean_of(slope, confidence)
