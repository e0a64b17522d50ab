"""The tables behind agreement: coefficients, scores, and every rater and target."""

from typing import Any, Final

import numpy as np
import pandas as pd

from cxresearch.mystery_shopping.ratings import Ratings, Scale
from cxresearch.numerics import agreement_bootstrap
from cxresearch.numerics import agreement_errors as errors
from cxresearch.numerics import chance_agreement as chance
from cxresearch.numerics.resampling import bca_interval

METRICS: Final = {
    "identity": "nominal",
    "ordinal": "ordinal",
    "linear": "linear",
    "quadratic": "interval",
    "ratio": "ratio",
}
"""Weights by the name that raters' coefficients have, and the distance they stand for."""
DEFAULTS: Final = {"nominal": "identity", "ordinal": "ordinal", "interval": "quadratic", "ratio": "ratio"}
"""Krippendorff's choice at each level."""


def allowed(level: str) -> list[str]:
    """Return the weights that a level of measurement has a meaning for."""
    return list(METRICS)[: 1 if level == "nominal" else 5 if level == "ratio" else 4]


def spacing(scale: Scale, weights: str) -> Any:
    """Return what categories count as in distances: the points, or at the ordinal level equal steps."""
    return np.arange(1.0, len(scale.labels) + 1) if scale.level == "ordinal" and weights != "ordinal" else scale.points


def coefficients(
    panel: chance.Panel, values: Any, metric: str, bootstraps: int, seed: int, confidence: float
) -> tuple[pd.DataFrame, float]:
    """Return the coefficients, and the largest share of resamples that left one of them undefined."""
    estimates = chance.estimates(panel)
    error, used = errors.standard_errors(panel, metric)
    rows, lost = [], 0.0
    drawn = (
        agreement_bootstrap.bootstrap(panel.codes, values, metric, replicates=bootstraps, seed=seed)
        if bootstraps
        else {}
    )
    shape = errors.influences(panel, metric) if bootstraps else {}
    for name, value in estimates.items():
        estimate, se, n = float(value), float(error[name]), int(used[name])
        if bootstraps:
            low, high = bca_interval(estimate, drawn[name], shape[name], confidence)
            known = np.isfinite(drawn[name])
            se = float(np.std(drawn[name][known], ddof=1)) if known.sum() > 1 else np.nan
            lost = max(lost, 1 - float(known.mean()))
        else:
            low, high = (float(end) for end in errors.t_interval(value, error[name], used[name], confidence))
        rows.append((name, estimate, se, max(low, 0.0) if name == "percent" else low, high, n))
    return pd.DataFrame(rows, columns=["coefficient", "estimate", "se", "ci_low", "ci_high", "n"]), lost


def prevalence(panel: chance.Panel, scale: Scale) -> pd.DataFrame:
    """Return how often each score is given, by whom least and most often, and how often a second rater confirms it."""
    counts, paired = panel.counts, panel.paired[:, None]
    others = np.maximum(panel.rated - 1, 1)[:, None]
    given = counts.sum(0)
    seconded, could = (paired * counts * (counts - 1) / others).sum(0), (paired * counts).sum(0)
    by_rater = panel.margins()[(panel.codes >= 0).sum(0) >= min(5, (panel.codes >= 0).sum(0).max())]
    return pd.DataFrame(
        {
            "category": scale.labels,
            "n": given.astype(int),
            "share": given / given.sum(),
            "lowest_rater": by_rater.min(0),
            "highest_rater": by_rater.max(0),
            "confirmed": seconded / np.where(could > 0, could, np.nan),
        }
    )


def same_score(panel: chance.Panel) -> float:
    """Return the share of pairs of raters who give a target the very same score."""
    pairs = np.maximum(panel.rated * (panel.rated - 1), 1)
    same = (panel.counts * (panel.counts - 1)).sum(-1) / pairs
    return float((panel.paired * same).sum() / panel.pairs)


def raters(panel: chance.Panel, ratings: Ratings, scale: Scale, confidence: float) -> pd.DataFrame:
    """Return what tells each rater from the others on the same targets: see `AgreementResult.raters`."""
    scores, given = _values(panel, scale), panel.codes >= 0
    others = np.maximum(panel.rated[:, None] - 1, 1)
    shared = given & (panel.rated[:, None] >= 2)
    lower = (np.nansum(scores, axis=1, keepdims=True) - scores) / others - scores
    apart = np.take_along_axis(panel.distance.times(panel.counts), np.maximum(panel.codes, 0), 1) / others
    frame = pd.DataFrame({"rater": ratings.raters, "n": given.sum(0)})
    frame["mean"], frame["spread"] = _mean(scores, given), _deviation(scores, given)
    numeric = scale.level != "nominal"
    frame["severity"] = _mean(lower, shared)
    frame["severity_low"], frame["severity_high"] = _ends(lower, shared & numeric, confidence)
    frame["scatter"] = _deviation(lower, shared)
    frame["agreement"] = _mean(1 - apart, shared)
    # how far the others are apart among themselves, on targets with two others or more
    third = given & (panel.rated[:, None] >= 3)
    pairs = (panel.rated * (panel.rated - 1) * panel.within)[:, None]
    among = (pairs - 2 * apart * others) / np.maximum(others * (others - 1), 1)
    frame["gap"] = _mean(among - apart, third)
    frame["gap_low"], frame["gap_high"] = _ends(among - apart, third, confidence)
    frame["standing"] = [_standing(*ends) for ends in frame[["severity_low", "severity_high", "gap_high"]].to_numpy()]
    return frame


def _standing(low: float, high: float, gap_high: float) -> str:
    """Name what the simultaneous intervals say of one rater."""
    departs = "_apart" if gap_high < 0 else ""
    if low > 0:
        return f"stricter{departs}"
    if high < 0:
        return f"milder{departs}"
    if departs:
        return "apart"
    return "unknown" if np.isnan(low) and np.isnan(gap_high) else "as_others"


def _ends(values: Any, where: Any, confidence: float) -> Any:
    """Return t intervals for the mean of each column over the marked rows, all of which hold at once (Bonferroni)."""
    from scipy import special

    n = where.sum(0)
    spread = _deviation(values, where) / np.sqrt(np.maximum(n, 1))
    spread = np.where(spread > 1e-12, spread, np.nan)  # differences all alike do not say that they always are
    tail = (1 - confidence) / 2 / max(int((n >= 2).sum()), 1)
    half = special.stdtrit(np.maximum(n - 1, 1), 1 - tail) * spread
    mean = _mean(values, where)
    return mean - half, mean + half


def targets(panel: chance.Panel, ratings: Ratings, scale: Scale) -> pd.DataFrame:
    """Return what each target was given, and how far its raters agree."""
    scores, given = _values(panel, scale).T, (panel.codes >= 0).T
    codes = panel.codes
    frame = pd.DataFrame({"target": ratings.targets, "n": given.sum(0)})
    frame["mean"], frame["spread"] = _mean(scores, given), _deviation(scores, given)
    if scale.level == "nominal":
        frame["most_common"] = [scale.labels[c] for c in panel.counts.argmax(1)]
    else:
        frame["lowest"] = [scale.labels[c] for c in np.where(codes >= 0, codes, len(scale.labels)).min(1)]
        frame["highest"] = [scale.labels[c] for c in codes.max(1)]
    frame["agreement"] = np.where(panel.rated >= 2, 1 - panel.within, np.nan)
    return frame


def rows(ratings: Ratings, scale: Scale) -> pd.DataFrame:
    """Return the ratings used, each with the place it is drawn at."""
    return pd.DataFrame(
        {
            "target": [ratings.targets[i] for i in ratings.row],
            "rater": [ratings.raters[i] for i in ratings.column],
            "score": [scale.labels[i] for i in scale.codes],
            "place": scale.codes + 1.0 if not scale.numbers or scale.level == "nominal" else scale.points[scale.codes],
        }
    )


def _values(panel: chance.Panel, scale: Scale) -> Any:
    """Scores as numbers, targets × raters, NaN where there is none."""
    return np.where(panel.codes >= 0, scale.points[np.maximum(panel.codes, 0)], np.nan)


def _mean(values: Any, where: Any) -> Any:
    """Return the mean of each column over the marked rows; NaN where there are none."""
    n = where.sum(0)
    return np.where(where, values, 0).sum(0) / np.where(n > 0, n, np.nan)


def _deviation(values: Any, where: Any) -> Any:
    """Return the standard deviation of each column over the marked rows; NaN where there are fewer than two."""
    n, squares = where.sum(0), np.where(where, values - _mean(values, where), 0) ** 2
    return np.sqrt(squares.sum(0) / np.where(n > 1, n - 1, np.nan))
