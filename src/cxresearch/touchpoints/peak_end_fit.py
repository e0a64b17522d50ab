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
        self.estimate = self._r2(np.ones((1, self.drawn)))[0]
        self.draws = np.concatenate([self._r2(counts) for counts in self._counts()])

    def _counts(self) -> Iterator[Floats]:
        """Yield how often each episode, or unit, is in each bootstrap sample; the same samples at every call."""
        rng = np.random.default_rng(self.seed)
        each = max(1, _AT_ONCE // self.drawn)
        for start in range(0, self.bootstraps, each):
            yield draws(rng, self.drawn, min(each, self.bootstraps - start))

    def _r2(self, counts: Floats) -> Floats:
        return r_squared(self.read.overall, self.read.summaries, counts, self.named, self.read.unit)

    def _interval(self, values: Floats, slopes: int) -> tuple[Floats, Floats]:
        free = self.drawn - 1 - slopes if self.read.unit is None else self.drawn - 1
        return moments.expanded_percentiles(values, self.confidence, n=self.drawn, free=free)

    def rivals(self) -> "pd.DataFrame":
        """Return the table of rivals, best first."""
        import pandas as pd

        rank_low, rank_high, standing = stand(
            self.estimate, self.draws, self.named, self.drawn, self._free(), self.confidence
        )
        best = int(np.nanargmax(self.estimate)) if not np.isnan(self.estimate).all() else 0
        low, high = self._interval(self.draws, 2)
        gap = self.draws[:, [best]] - self.draws
        gap[:, best] = 0.0
        gap_low, gap_high = self._interval(gap, 2)
        table = pd.DataFrame(
            {
                "rival": self.named, "coefficients": [len(RIVALS[name]) for name in self.named],
                "estimate": self.estimate, "ci_low": low, "ci_high": high,
                "rank": pd.array(ranking.ranks(self.estimate)).astype("Int64"),
                "rank_low": pd.array(rank_low).astype("Int64"), "rank_high": pd.array(rank_high).astype("Int64"),
                "behind": self.estimate[best] - self.estimate, "behind_low": gap_low, "behind_high": gap_high,
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
            x = self.read.summaries[:, columns(name)]
            whole = left_out.coefficients(self.read.overall, x, np.ones((1, self.drawn)), self.read.unit)[0]
            drawn = np.concatenate(
                [left_out.coefficients(self.read.overall, x, c, self.read.unit) for c in self._counts()]
            )
            low, high = self._interval(drawn, x.shape[1])
            terms = ["intercept", *RIVALS[name]]
            rows += [{"rival": name, "term": term, "estimate": whole[i], "ci_low": low[i], "ci_high": high[i]}
                     for i, term in enumerate(terms)]  # fmt: skip
        return pd.DataFrame(rows)

    def distances(self) -> "pd.DataFrame":
        """Return how far the overall score lies from the end, the peak, the trough, their middle and the mean."""
        import pandas as pd

        end, peak, trough, mean = self.read.summaries[:, :4].T
        places = np.column_stack([end, peak, trough, (peak + trough) / 2, mean])
        away = np.abs(self.read.overall[:, None] - places)
        if "near_end" not in self.named:
            away = np.full(away.shape, np.nan)
        drawn = np.concatenate([self._mean(away, counts) for counts in self._counts()])
        low, high = self._interval(drawn, 0)
        more_low, more_high = self._interval(drawn - drawn[:, :1], 0)
        found = away.mean(axis=0)
        return pd.DataFrame(
            {"place": PLACES, "estimate": found, "ci_low": low, "ci_high": high, "further": found - found[0],
             "further_low": more_low, "further_high": more_high}
        )  # fmt: skip

    def _mean(self, values: Floats, counts: Floats) -> Floats:
        if self.read.unit is not None:
            counts = counts[:, self.read.unit]
        return np.asarray(counts @ values / counts.sum(axis=1, keepdims=True))

    def used_up(self) -> "pd.DataFrame":
        """Return what a point of the peak goes with where episodes end badly, and where they do not."""
        import pandas as pd

        bad = ends_badly(self.read)
        groups = {"bad": bad, "other": ~bad}
        whole = np.array([self._peak_slope(part, np.ones((1, self.drawn)))[0] for part in groups.values()])
        drawn = np.concatenate(
            [np.column_stack([self._peak_slope(part, c) for part in groups.values()]) for c in self._counts()]
        )
        low, high = self._interval(np.column_stack([drawn, drawn[:, 0] - drawn[:, 1]]), 2)
        return pd.DataFrame(
            {"ending": [*groups, "difference"], "n": [int(bad.sum()), int((~bad).sum()), len(bad)],
             "estimate": [*whole, whole[0] - whole[1]], "ci_low": low, "ci_high": high}
        )  # fmt: skip

    def _peak_slope(self, part: NDArray[np.bool_], counts: Floats) -> Floats:
        if part.sum() < journeys.FEWEST:
            return np.full(len(counts), np.nan)
        counts = counts if self.read.unit is None else counts[:, self.read.unit]
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
    return low, high, ["found" if name in found else "ties" if name in first else "loses" for name in rivals]


def ends_badly(read: Journeys) -> NDArray[np.bool_]:
    """Tell which episodes end below their mean and below the moment before."""
    last = read.first + read.size - 1
    return np.asarray((read.score[last] < read.summaries[:, 3]) & (read.score[last] < read.score[last - 1]))
