"""The tables of `key_posts`: cells, severity, halo, pass rates, and effects on value."""

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy import special

from cxresearch.checks import InputError
from cxresearch.mystery_shopping.key_posts_model import Model
from cxresearch.mystery_shopping.key_posts_rows import Scored, crossed
from cxresearch.numerics import halo, panel, pooling, proportions, ranking, shrinkage
from cxresearch.numerics.least_squares import RankError, solve

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

DRAWS: Final = 2000
"""Draws of the cell means behind the ranks' intervals."""


def table(rows: Scored, model: Model, *, wrong_side: float, confidence: float, seed: int) -> pd.DataFrame:
    """Return a row per post and duty: raw and adjusted mean, shrunken mean, rank, signal."""
    pooled = pooling.pool(model.mean, model.covariance, confidence)
    draws = np.random.default_rng(seed).multivariate_normal(model.mean, model.covariance, DRAWS, method="cholesky")
    low, high = ranking.rank_bounds(model.mean, draws, confidence)
    wrong = special.stdtr(model.gap_df, special.ndtri(1 - np.maximum(pooled.above, pooled.below)))
    signal = np.where(pooled.above > pooled.below, "above", "below").astype(object)
    signal[~shrinkage.flag(wrong, wrong_side)] = "expected"
    tail = (1 + confidence) / 2
    reach = special.stdtrit(model.df, tail) * model.se
    # the pooling takes errors for known; t over normal quantiles allows for their estimation
    longer, gap_longer = (special.stdtrit(df, tail) / special.ndtri(tail) for df in (model.df, model.gap_df))
    count = np.bincount(rows.cell)
    return pd.DataFrame(
        {
            "post": [post for post, _ in rows.cells],
            "duty": [duty for _, duty in rows.cells],
            "n": count,
            "raw": np.bincount(rows.cell, weights=rows.score) / count,
            "mean": model.mean,
            "se": model.se,
            "df": model.df,
            "ci_low": model.mean - reach,
            "ci_high": model.mean + reach,
            "shrunken": pooled.mean,
            "shrunken_low": pooled.mean - (pooled.mean - pooled.low) * longer,
            "shrunken_high": pooled.mean + (pooled.high - pooled.mean) * longer,
            "gap": pooled.gap,
            "gap_low": pooled.gap - (pooled.gap - pooled.gap_low) * gap_longer,
            "gap_high": pooled.gap + (pooled.gap_high - pooled.gap) * gap_longer,
            "rank": ranking.ranks(model.mean).astype(int),
            "rank_low": low.astype(int),
            "rank_high": high.astype(int),
            "signal": signal,
        }
    )


def severity(rows: Scored, model: Model, confidence: float) -> pd.DataFrame:
    """Return how strict each shopper is, the strictest first."""
    names = rows.shoppers if model.severity.size else []
    reach = special.stdtrit(min(model.severity_df, 1e9), (1 + confidence) / 2) * model.severity_se
    frame = pd.DataFrame(
        {
            "shopper": pd.Series(names, dtype=object),
            "n": np.bincount(rows.shopper)[: len(names)],
            "severity": model.severity,
            "se": model.severity_se,
            "ci_low": model.severity - reach,
            "ci_high": model.severity + reach,
        }
    )
    return frame.sort_values("severity", ascending=False, kind="stable", ignore_index=True)


def halos(rows: Scored, confidence: float) -> pd.DataFrame:
    """Return the correlation of each pair of duties within a visit, and their mean in the last row."""
    occasion = rows.visit_post
    first = np.unique(occasion, return_index=True)[1]
    scores = np.full((first.size, len(rows.duties)), np.nan)
    count = np.zeros_like(scores)
    np.add.at(count, (occasion, rows.duty), 1)
    total = np.zeros_like(scores)
    np.add.at(total, (occasion, rows.duty), rows.score)
    scores = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    place, shopper, visit = (codes[first] for codes in (rows.place, rows.shopper, rows.visit))
    visits = int(rows.visit.max()) + 1
    parts, names = [], []
    for i, j in combinations(range(len(rows.duties)), 2):
        both = np.isfinite(scores[:, [i, j]]).all(axis=1)
        if not both.any():
            continue
        part = halo.partial(
            scores[both, i], scores[both, j], lasting=place[both], rater=shopper[both],
            cluster=visit[both], confidence=confidence,
        )  # fmt: skip
        parts.append(_padded(part, visits))
        names.append((rows.duties[i], rows.duties[j]))
    if parts:
        parts.append(halo.average(parts, confidence))
        names.append(("all", "all"))
    return pd.DataFrame(
        [(*name, p.estimate, p.se, p.low, p.high, p.n) for name, p in zip(names, parts, strict=True)],
        columns=["duty", "other", "estimate", "se", "ci_low", "ci_high", "n"],
    )


def _padded(part: halo.Partial, clusters: int) -> halo.Partial:
    influence = np.zeros(clusters)
    influence[: part.influence.size] = part.influence
    return replace(part, influence=influence)


def passes(rows: Scored, mark: float, confidence: float) -> pd.DataFrame:
    """Return pass rates by post and duty, with Wilson's interval at the effective number of scores."""
    hit = (rows.score >= mark).astype(float)
    n = np.bincount(rows.cell).astype(float)
    count = np.bincount(rows.cell, weights=hit)
    rate = count / n
    off = hit - rate[rows.cell]
    clusters = [rows.shopper] if rows.unit is None else [rows.unit, rows.shopper]
    variance = sum(_clustered(off, rows.cell, codes, n) for codes in clusters)
    if len(clusters) == 2:  # what both share is counted twice
        variance = variance - _clustered(off, rows.cell, crossed(*clusters), n)
    variance = np.maximum(np.asarray(variance), 0)
    fewest = np.min([_levels(rows.cell, codes) for codes in clusters], axis=0).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        inflation = variance * n / (rate * (1 - rate))
    usual = float(np.nanmedian(inflation)) if np.isfinite(inflation).any() else 1.0
    size = proportions.effective_size(rate, n, variance, clusters=fewest, confidence=confidence, design=usual)
    low, high = proportions.wilson(rate * size, size, confidence)
    return pd.DataFrame(
        {
            "post": [post for post, _ in rows.cells],
            "duty": [duty for _, duty in rows.cells],
            "n": n.astype(int),
            "passed": count.astype(int),
            "estimate": rate,
            "ci_low": low,
            "ci_high": high,
            "n_effective": size,
        }
    )


def _levels(cell: "Codes", codes: "Codes") -> "Codes":
    """Count the clusters that each cell's rows fall in."""
    pairs = np.unique(np.column_stack([cell, codes]), axis=0)
    return np.bincount(pairs[:, 0])


def _clustered(off: "Floats", cell: "Codes", codes: "Codes", n: "Floats") -> "Floats":
    """Return the variance of each cell's rate if rows hang together within clusters."""
    pairs, place = np.unique(np.column_stack([cell, codes]), axis=0, return_inverse=True)
    total = np.bincount(place.ravel(), weights=off)
    groups = np.bincount(pairs[:, 0])
    return np.asarray(np.bincount(pairs[:, 0], weights=total**2) / n**2 * groups / np.maximum(groups - 1, 1))


def effects(rows: Scored, confidence: float) -> pd.DataFrame:
    """Return what a point of each post's score goes with in the sense of value."""
    if rows.value is None or rows.unit is None:
        raise RuntimeError("value needs a unit")  # refused before
    visits, posts = int(rows.visit.max()) + 1, len(rows.posts)
    level = np.bincount(rows.cell, weights=rows.score) / np.bincount(rows.cell)
    total, count = np.zeros((visits, posts)), np.zeros((visits, posts))
    np.add.at(total, (rows.visit, rows.post), rows.score - level[rows.cell])
    np.add.at(count, (rows.visit, rows.post), 1)
    first = np.unique(rows.visit, return_index=True)[1]
    whole = (count > 0).all(axis=1) & np.isfinite(rows.value[first])
    visited = int(whole.sum())
    few = f"value: {visited} visits saw every post, too few to compare visits of a place by the same shopper"
    if visited <= posts + 1:
        raise InputError(few)
    unit, shopper = (crossed(codes[first][whole]) for codes in (rows.unit, rows.shopper))
    x = total[whole] / count[whole]
    swept = panel.within(np.column_stack([rows.value[first][whole], x]), unit, shopper)
    df = visited - swept.absorbed - posts
    if df < 1:
        raise InputError(few)
    try:
        found = solve(swept.columns[:, 0], swept.columns[:, 1:], before=x)
    except RankError as refusal:
        raise InputError(
            f"value: the scores of post {rows.posts[refusal.column]!r} do not differ between visits of a place "
            "in a way of their own"
        ) from refusal
    se = np.sqrt(np.diag(found.bread) * float(found.residual @ found.residual) / df)
    reach = special.stdtrit(df, (1 + confidence) / 2) * se
    return pd.DataFrame(
        {
            "post": rows.posts,
            "estimate": found.coef,
            "se": se,
            "ci_low": found.coef - reach,
            "ci_high": found.coef + reach,
            "p_value": 2 * special.stdtr(df, -np.abs(found.coef / se)),
            "n": visited,
            "df": df,
        }
    )
