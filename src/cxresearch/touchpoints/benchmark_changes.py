"""Several waves of one survey: how each unit's score changed from one wave to the next."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import special

from cxresearch import checks
from cxresearch.checks import InputError
from cxresearch.numerics.multiplicity import holm
from cxresearch.numerics.proportions import wilson
from cxresearch.result import Sample
from cxresearch.touchpoints import benchmark_cells as cells
from cxresearch.touchpoints.benchmark_input import Asked, read

COLUMNS: Final = [
    "touchpoint", "unit", "wave_from", "wave_to", "n_from", "n_to", "change", "se", "ci_low", "ci_high", "p_value",
    "p_adjusted", "signal",
]  # fmt: skip


def read_waves(data: Any, asked: Asked, wave: str) -> dict[Any, cells.Cells]:
    """Return the cells of every wave, in the waves' order.

    Raises
    ------
    InputError
        If there is no such column, there are fewer than two waves, or waves have no order.
    """
    if not isinstance(data, pd.DataFrame):
        from cxresearch.touchpoints import benchmark_totals as totals

        values = totals.distinct(data, wave=wave)[wave].dropna().tolist()
        parts = {value: totals.where(data, wave, value) for value in _ordered(values, wave)}
    else:
        checks.columns(data, wave=wave)
        parts = {v: data[data[wave] == v] for v in _ordered(data[wave].dropna().unique().tolist(), wave)}
    return {value: read(part, asked) for value, part in parts.items()}


def _ordered(values: list[Any], wave: str) -> list[Any]:
    try:
        ordered = sorted(values)
    except TypeError:
        raise InputError(
            f"wave={wave!r} holds values that have no order (numbers and text); use years, dates, or text that sorts"
        ) from None
    if len(ordered) < 2:
        raise InputError(f"wave={wave!r} holds {len(ordered)} wave(s); a change takes two: leave wave out")
    return ordered


def audit(waves: Mapping[Any, cells.Cells], rows: int) -> Sample:
    """Add the waves' audits up; `rows` are those of the whole frame."""
    samples = [found.sample for found in waves.values()]
    dropped: dict[Any, int] = {cells.NO_WAVE: rows - sum(sample.rows for sample in samples)}
    for sample in samples:
        for why, count in sample.dropped:
            dropped[why] = dropped.get(why, 0) + count
    return Sample(
        rows=rows,
        used=sum(sample.used for sample in samples),
        dropped=tuple(dropped.items()),
        counts={**samples[-1].counts, "waves": len(samples)},
    )


def changes(waves: Mapping[Any, cells.Cells], confidence: float) -> pd.DataFrame:
    """Compare each wave with the one before, unit by unit.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS`, a row per touchpoint, unit and pair of neighbouring waves that both show it.

    Notes
    -----
    Waves count as separate samples of answers. Means: t intervals with each wave's pooled variance and Satterthwaite's
    degrees of freedom. Rates: Newcombe's interval from Wilson's for each wave, and the pooled z test. Holm's procedure
    adjusts the p values over all rows.
    """
    names: list[Any] = list(waves)
    parts = []
    for before, after in pairwise(names):
        first, second = (_shown(waves[name]) for name in (before, after))
        both = first.merge(second, on=["touchpoint", "unit"], suffixes=("_from", "_to"))
        rates = waves[before].kind == waves[after].kind == "rates"
        change = _of_rates(both, waves[after].top, confidence) if rates else _of_means(both, confidence)
        parts.append(both.assign(wave_from=before, wave_to=after, **change))
    table = pd.concat(parts, ignore_index=True)
    table["p_adjusted"] = holm(table["p_value"].to_numpy(dtype=float))
    sure = table["p_adjusted"] <= 1 - confidence
    table["signal"] = np.where(sure & (table["change"] > 0), "up", np.where(sure, "down", "unclear"))
    return table.sort_values(["wave_to", "touchpoint", "p_value", "unit"], kind="stable", ignore_index=True)[COLUMNS]


def _shown(found: cells.Cells) -> pd.DataFrame:
    """Return the cells that are shown, with the variance of single answers pooled over a touchpoint's units."""
    table = found.table[~found.table["suppressed"]].copy()
    totals = table.groupby("touchpoint", observed=True)[["squares", "df"]].transform("sum")
    table["variance"], table["pooled_df"] = totals["squares"] / totals["df"].where(totals["df"] > 0), totals["df"]
    return table


def _of_means(both: pd.DataFrame, confidence: float) -> dict[str, Any]:
    error = {end: both[f"variance_{end}"] / both[f"n_effective_{end}"] for end in ("from", "to")}
    variance = error["from"] + error["to"]
    with np.errstate(invalid="ignore", divide="ignore"):
        df = variance**2 / sum(error[end] ** 2 / both[f"pooled_df_{end}"] for end in error)
        change, se = both["mean_to"] - both["mean_from"], np.sqrt(variance)
        half = special.stdtrit(df, (1 + confidence) / 2) * se
        p = 2 * special.stdtr(df, -np.abs(change / se))
    return {"change": change, "se": se, "ci_low": change - half, "ci_high": change + half, "p_value": p}


def _of_rates(both: pd.DataFrame, top: float, confidence: float) -> dict[str, Any]:
    k0, n0, k1, n1 = (both[c].to_numpy(dtype=float) for c in ("successes_from", "n_from", "successes_to", "n_to"))
    p0, p1 = k0 / n0, k1 / n1
    (low0, high0), (low1, high1) = wilson(k0, n0, confidence), wilson(k1, n1, confidence)
    change, pooled = p1 - p0, (k0 + k1) / (n0 + n1)
    with np.errstate(invalid="ignore"):
        z = change / np.sqrt(pooled * (1 - pooled) * (1 / n0 + 1 / n1))
    return {
        "change": top * change,
        "se": top * np.sqrt(p0 * (1 - p0) / n0 + p1 * (1 - p1) / n1),
        "ci_low": top * (change - np.hypot(p1 - low1, high0 - p0)),
        "ci_high": top * (change + np.hypot(high1 - p1, p0 - low0)),
        "p_value": np.where(np.isnan(z), 1.0, 2 * special.ndtr(-np.abs(z))),
    }
