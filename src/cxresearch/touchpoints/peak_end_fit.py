"""Estimates of the rivals of `peak_end`, and their bootstrap draws."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch.numerics import left_out, moments, ranking
from cxresearch.numerics.episodes import SUMMARIES
from cxresearch.touchpoints import journeys
from cxresearch.touchpoints.journeys import Journeys
from cxresearch.touchpoints.peak_end_results import RIVALS

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

PLACES: Final = ("end", "peak", "trough", "middle", "mean")
"""What the overall score's distance is measured to; the middle lies halfway between peak and trough."""
_AT_ONCE: Final = 2**22


class Study:
    """Estimates and draws of all rivals on the same bootstrap samples."""

    def __init__(self, read: Journeys, same_scale: bool, bootstraps: int, seed: int, confidence: float) -> None:
        self.read, self.confidence, self.bootstraps, self.seed = read, confidence, bootstraps, seed
        self.drawn = len(read.overall) if read.unit is None else len(read.units)
        self.named = [name for name in RIVALS if same_scale or name != "near_end"]
        end, peak, trough, mean = read.summaries[:, :4].T
        places = np.column_stack([end, peak, trough, (peak + trough) / 2, mean])
        self.away = np.abs(read.overall[:, None] - places) if same_scale else np.full(places.shape, np.nan)
        self.bad = ends_badly(read)
        self.whole = {name: values[0] for name, values in self._measured(np.ones((1, self.drawn))).items()}
        parts = [self._measured(counts) for counts in self._counts()]
        self.draws = {name: np.concatenate([part[name] for part in parts]) for name in self.whole}

    def _counts(self) -> Iterator[Floats]:
        """Yield how often each episode, or unit, is in each bootstrap sample."""
        rng = np.random.default_rng(self.seed)
        each = max(1, _AT_ONCE // len(self.read.overall))
        for start in range(0, self.bootstraps, each):
            yield draws(rng, self.drawn, min(each, self.bootstraps - start))

    def _measured(self, counts: Floats) -> dict[str, Floats]:
        """Return all that is estimated, in each sample."""
        read = self.read
        each = counts if read.unit is None else counts[:, read.unit]
        found = {
            name: left_out.coefficients(read.overall, read.summaries[:, columns(name)], each)
            for name in self.named
            if name != "near_end"
        }
        return found | {
            "r2": r_squared(read.overall, read.summaries, counts, self.named, read.unit),
            "away": each @ self.away / each.sum(axis=1, keepdims=True),
            "used_up": np.column_stack([self._peak_slope(part, each) for part in (self.bad, ~self.bad)]),
        }

    def _interval(self, values: Floats, slopes: int) -> tuple[Floats, Floats]:
        free = self.drawn - 1 - slopes if self.read.unit is None else self.drawn - 1
        return moments.expanded_percentiles(values, self.confidence, n=self.drawn, free=free)

    def rivals(self) -> "pd.DataFrame":
        """Return the table of rivals, best first."""
        import pandas as pd

        estimate, drawn = self.whole["r2"], self.draws["r2"]
        rank_low, rank_high, standing = stand(estimate, drawn, self.named, self.drawn, self._free(), self.confidence)
        best = int(np.nanargmax(estimate)) if not np.isnan(estimate).all() else 0
        low, high = self._interval(drawn, 2)
        gap = drawn[:, [best]] - drawn
        gap[:, best] = 0.0
        gap_low, gap_high = self._interval(gap, 2)
        table = pd.DataFrame(
            {
                "rival": self.named, "coefficients": [len(RIVALS[name]) for name in self.named],
                "estimate": estimate, "ci_low": low, "ci_high": high,
                "rank": pd.array(ranking.ranks(estimate)).astype("Int64"),
                "rank_low": pd.array(rank_low).astype("Int64"), "rank_high": pd.array(rank_high).astype("Int64"),
                "behind": estimate[best] - estimate, "behind_low": gap_low, "behind_high": gap_high,
                "standing": standing,
            }
        )  # fmt: skip
        table.loc[table["rival"] == "near_end", "coefficients"] = 0
        return table.sort_values("estimate", ascending=False, kind="stable", na_position="last", ignore_index=True)

    def _free(self) -> int:
        return self.drawn - 3 if self.read.unit is None else self.drawn - 1

    def weights(self) -> "pd.DataFrame":
        """Return what each rival gives to its terms."""
        import pandas as pd

        rows = []
        for name in self.named:
            if name == "near_end":
                continue
            low, high = self._interval(self.draws[name], len(RIVALS[name]))
            terms = ("intercept", *RIVALS[name])
            ends = zip(terms, self.whole[name], low, high, strict=True)
            rows += [{"rival": name, "term": term, "estimate": estimate, "ci_low": least, "ci_high": most}
                     for term, estimate, least, most in ends]  # fmt: skip
        return pd.DataFrame(rows)

    def distances(self) -> "pd.DataFrame":
        """Return how far the overall score lies from the end, the peak, the trough, their middle and the mean."""
        import pandas as pd

        drawn, found = self.draws["away"], self.whole["away"]
        low, high = self._interval(drawn, 0)
        more_low, more_high = self._interval(drawn - drawn[:, :1], 0)
        return pd.DataFrame(
            {"place": PLACES, "estimate": found, "ci_low": low, "ci_high": high, "further": found - found[0],
             "further_low": more_low, "further_high": more_high}
        )  # fmt: skip

    def used_up(self) -> "pd.DataFrame":
        """Return what a point of the peak goes with where episodes end badly, and where they do not."""
        import pandas as pd

        drawn, whole = self.draws["used_up"], self.whole["used_up"]
        low, high = self._interval(np.column_stack([drawn, drawn[:, 0] - drawn[:, 1]]), 2)
        bad = int(self.bad.sum())
        return pd.DataFrame(
            {"ending": ["bad", "other", "difference"], "n": [bad, len(self.bad) - bad, len(self.bad)],
             "estimate": [*whole, whole[0] - whole[1]], "ci_low": low, "ci_high": high}
        )  # fmt: skip

    def _peak_slope(self, part: NDArray[np.bool_], counts: Floats) -> Floats:
        if part.sum() < journeys.FEWEST:
            return np.full(len(counts), np.nan)
        x = self.read.summaries[:, columns("peak_and_end")]
        return left_out.coefficients(self.read.overall[part], x[part], counts[:, part])[:, 1]


def draws(rng: np.random.Generator, n: int, samples: int) -> Floats:
    """Draw n cases out of n, with replacement, and count them: one row per sample."""
    drawn = rng.integers(0, n, size=(samples, n)) + n * np.arange(samples)[:, None]
    return np.bincount(drawn.ravel(), minlength=samples * n).reshape(samples, n).astype(float)


def columns(rival: str) -> list[int]:
    """Return which summaries a rival looks at."""
    return [SUMMARIES.index(name) for name in RIVALS[rival]]


def r_squared(
    overall: Floats, summaries: Floats, counts: Floats, rivals: list[str], unit: NDArray[np.intp] | None = None
) -> Floats:
    """Return the R² of each rival for what is left out, in each sample; shape (samples, rivals)."""
    return np.column_stack(
        [
            left_out.r_squared(overall, summaries[:, columns(name)], counts, fitted=name != "near_end", unit=unit)
            for name in rivals
        ]
    )


CONTAINED: Final = {"end": {"near_end"}, "peak_and_end": {"end", "peak", "near_end"}}
"""Rivals that are special cases of another."""


def stand(
    estimate: Floats, drawn: Floats, rivals: list[str], n: int, free: int, confidence: float
) -> tuple[Floats, Floats, list[str]]:
    """Return best and worst rank of each rival, and how it stands."""
    known = ~np.isnan(estimate)
    usable = drawn[:, known]
    usable = usable[~np.isnan(usable).any(axis=1)]
    low, high = np.full((2, len(rivals)), np.nan)
    if known.any() and len(usable):
        low[known], high[known] = ranking.rank_bounds(estimate[known], usable, confidence, n=n, free=free)
    first = {name for name, place in zip(rivals, low, strict=True) if place == 1}
    found = {name for name in first if all(name in CONTAINED.get(other, set()) for other in first - {name})}
    words = ["found" if name in found else "ties" if name in first else "loses" for name in rivals]
    return low, high, [word if fine else "undefined" for word, fine in zip(words, known, strict=True)]


def ends_badly(read: Journeys) -> NDArray[np.bool_]:
    """Tell which episodes end below their mean and below the moment before."""
    last = read.first + read.size - 1
    return np.asarray((read.score[last] < read.summaries[:, 3]) & (read.score[last] < read.score[last - 1]))
