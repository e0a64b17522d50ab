"""What `key_posts` computes: cell means without severity, severity, halo, pass rates, and effects on value."""

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy import special

from cxresearch.checks import InputError
from cxresearch.mystery_shopping.key_posts_rows import Scored, crossed
from cxresearch.numerics import fixed_effects, halo, panel, pooling, proportions, ranking, reml, shrinkage
from cxresearch.numerics.least_squares import RankError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

FEW_SHOPPERS: Final = 6
"""Shoppers from which their spread can be estimated; fewer count as a fixed panel."""
DRAWS: Final = 2000
"""Draws of the cell means behind the ranks' intervals."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """The fitted mixed model.

    Parameters
    ----------
    mean, se, df : array, shape (cells,)
        Cell means for an average shopper, standard errors, and degrees of freedom.
    covariance : array, shape (cells, cells)
        Of the means.
    severity, severity_se : array, shape (shoppers,)
        Points by which each shopper scores below the average shopper of the panel; empty with one shopper.
    severity_df : float
        Degrees of freedom of their intervals.
    variances : mapping of str to float
        Variance components, in squared points.
    random : bool
        Whether shoppers count as a sample of shoppers.
    """

    mean: "Floats"
    se: "Floats"
    df: "Floats"
    covariance: "Floats"
    severity: "Floats"
    severity_se: "Floats"
    severity_df: float
    variances: dict[str, float]
    random: bool


def fit(rows: Scored, shoppers: str) -> Model:
    """Fit ``score = cell + shopper + place + visit + …``, with as many random parts as the design can tell apart."""
    many = len(rows.shoppers)
    random = many >= FEW_SHOPPERS if shoppers == "auto" else shoppers == "random"
    x = np.eye(len(rows.cells))[rows.cell]
    fixed = not random and many > 1
    if fixed:
        x = np.hstack([x, _against_last(rows.shopper, many)])
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise InputError(
            "posts and shoppers cannot be told apart: some shoppers saw only posts that no other shopper saw. Let them "
            "overlap, or set shoppers='random', which takes it as chance who was sent where"
        )
    design = _design(x, _factors(rows, random=random and many > 1))
    if design is None:
        return _without_parts(rows, x)
    try:
        found = reml.fit_design(rows.score, design, effects=True)
    except ValueError as refusal:
        raise InputError(f"scores cannot be split into posts, shoppers and chance: {refusal}") from refusal
    cells = len(rows.cells)
    weights = np.eye(x.shape[1])[:cells]
    severity, error, df = np.empty(0), np.empty(0), np.inf
    if fixed:
        severity, error = _contrasts(found.fixed[cells:], found.fixed_covariance[cells:, cells:])
        df = float(max(rows.score.size - x.shape[1], 1))
    elif "shopper" in found.names:
        effects = found.effects[found.names.index("shopper")]
        severity, error = -(effects.estimate - effects.estimate.mean()), effects.se
    return Model(
        mean=found.fixed[:cells],
        se=np.sqrt(np.diag(found.fixed_covariance)[:cells]),
        df=fixed_effects.degrees_of_freedom(design, found, weights),
        covariance=found.fixed_covariance[:cells, :cells],
        severity=severity,
        severity_se=error,
        severity_df=df,
        variances=dict(zip(found.names, found.variance.tolist(), strict=True)),
        random=random,
    )


def _contrasts(effects: "Floats", covariance: "Floats") -> tuple["Floats", "Floats"]:
    """Return all shoppers' severities, which sum to zero, from all but the last one's effects; and their errors."""
    code = np.vstack([np.eye(effects.size), -np.ones(effects.size)])
    return -code @ effects, np.sqrt(np.einsum("ij,jk,ik->i", code, covariance, code))


def _without_parts(rows: Scored, x: "Floats") -> Model:
    """Fit by least squares where nothing was scored twice, so that no random part can be told from chance."""
    n, p = x.shape
    if n <= p:
        raise InputError(f"{n} scores are too few for {p} posts, duties and shoppers; more visits are needed")
    bread = np.asarray(np.linalg.inv(x.T @ x), dtype=float)
    coef = bread @ (x.T @ rows.score)
    residual = float(((rows.score - x @ coef) ** 2).sum() / (n - p))
    covariance: Floats = np.asarray(bread * residual)
    cells = len(rows.cells)
    severity, error = _contrasts(coef[cells:], covariance[cells:, cells:]) if p > cells else (np.empty(0), np.empty(0))
    return Model(
        mean=coef[:cells], se=np.sqrt(np.diag(covariance)[:cells]), df=np.full(cells, float(n - p)),
        covariance=covariance[:cells, :cells], severity=severity, severity_se=error, severity_df=float(n - p),
        variances={"residual": residual}, random=False,
    )  # fmt: skip


def _against_last(codes: "Codes", levels: int) -> "Floats":
    """Code levels so that their effects sum to zero: the last one's is minus the sum of the others'."""
    return np.vstack([np.eye(levels - 1), -np.ones(levels - 1)])[codes]


def _factors(rows: Scored, *, random: bool) -> dict[str, "Codes"]:
    """List the random parts, the coarse ones first: where two cannot be told apart, the coarser one stays."""
    factors = {"shopper": rows.shopper, "shopper:post:duty": crossed(rows.shopper, rows.cell)} if random else {}
    if rows.unit is not None:
        factors |= {"unit": rows.unit, "unit:post": rows.place, "unit:post:duty": crossed(rows.unit, rows.cell)}
    return factors | {"visit": rows.visit, "visit:post": rows.visit_post}


def _design(x: "Floats", factors: dict[str, "Codes"]) -> Any:
    """Take in one random part after the other, and leave out what those before it cannot be told from."""
    kept: dict[str, Codes] = {}
    design = None
    for name, codes in factors.items():
        trial = kept | {name: codes}
        try:
            design, kept = reml.prepare(x, list(trial.values()), names=list(trial)), trial
        except ValueError:
            continue
    return design


def table(rows: Scored, model: Model, *, wrong_side: float, confidence: float, seed: int) -> pd.DataFrame:
    """Return a row per post and duty: raw and adjusted mean, shrunken mean, rank, signal."""
    pooled = pooling.pool(model.mean, model.covariance, confidence)
    draws = np.random.default_rng(seed).multivariate_normal(model.mean, model.covariance, DRAWS, method="cholesky")
    low, high = ranking.rank_bounds(model.mean, draws, confidence)
    wrong = 1 - np.maximum(pooled.above, pooled.below)
    signal = np.where(pooled.above > pooled.below, "above", "below").astype(object)
    signal[~shrinkage.flag(wrong, wrong_side)] = "expected"
    reach = special.stdtrit(model.df, (1 + confidence) / 2) * model.se
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
            "shrunken_low": pooled.low,
            "shrunken_high": pooled.high,
            "gap": pooled.gap,
            "gap_low": pooled.gap_low,
            "gap_high": pooled.gap_high,
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


def effects(rows: Scored, confidence: float) -> tuple[pd.DataFrame, int]:
    """Return what a point of each post's score goes with in the sense of value, and the visits it rests on."""
    if rows.value is None or rows.unit is None:
        raise RuntimeError("value needs a unit")  # refused before
    visits, posts = int(rows.visit.max()) + 1, len(rows.posts)
    level = np.bincount(rows.cell, weights=rows.score) / np.bincount(rows.cell)
    total, count = np.zeros((visits, posts)), np.zeros((visits, posts))
    np.add.at(total, (rows.visit, rows.post), rows.score - level[rows.cell])
    np.add.at(count, (rows.visit, rows.post), 1)
    first = np.unique(rows.visit, return_index=True)[1]
    whole = (count > 0).all(axis=1) & np.isfinite(rows.value[first])
    unit, shopper = (crossed(codes[first][whole]) for codes in (rows.unit, rows.shopper))
    x = total[whole] / count[whole]
    try:
        found = panel.fit(rows.value[first][whole], x, unit, shopper)
    except RankError as refusal:
        raise InputError(
            f"value: the scores of post {rows.posts[refusal.column]!r} do not differ between visits of a place "
            "in a way of their own"
        ) from refusal
    except (ValueError, IndexError) as refusal:
        raise InputError(
            f"value: {int(whole.sum())} visits saw every post, too few to compare visits of a unit"
        ) from refusal
    se = np.sqrt(np.diag(found.covariance))
    reach = special.stdtrit(found.df, (1 + confidence) / 2) * se
    frame = pd.DataFrame(
        {
            "post": rows.posts,
            "estimate": found.coef,
            "se": se,
            "ci_low": found.coef - reach,
            "ci_high": found.coef + reach,
            "p_value": 2 * special.stdtr(found.df, -np.abs(found.coef / se)),
            "n": found.n,
            "df": found.df,
        }
    )
    return frame, int(whole.sum())
