"""The two ways to the six forms: mean squares of complete ratings, and likelihood where ratings are missing."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cxresearch.language import Words
from cxresearch.mystery_shopping import icc_words
from cxresearch.mystery_shopping.ratings import Ratings
from cxresearch.numerics import incomplete_ratings as incomplete
from cxresearch.numerics import reliability as numeric
from cxresearch.numerics.resampling import bca_interval

FEW_RATERS: Final = 6
"""Up to here the closed interval of the A forms is too narrow when raters differ much (data/evidence)."""
FEW_TARGETS: Final = 50
"""Below, intervals from resampled targets are too narrow (data/evidence)."""
MOST_LEVELS: Final = 2_000
"""Targets or raters whose pattern is still decomposed, in seconds; above, intervals come from REML's errors."""

_DEGREES: Final = {"df1": 3, "df2": 4}  # kept whole numbers beside undefined ones
_NOTHING: Final = 1e-13  # share of a sum of squares that rounding leaves of nothing
_COLUMNS: Final = ("form", "estimate", "f", "df1", "df2", "p_value", "ci_low", "ci_high", "n")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What either way answers with: see `IccResult`."""

    table: pd.DataFrame
    components: pd.DataFrame
    mean_squares: pd.DataFrame
    k: float
    targets: pd.DataFrame
    notes: tuple[Words, ...]


def closed(ratings: Ratings, scores: Any, bootstraps: int, seed: int, confidence: float) -> Fitted:
    """Compute the forms from the mean squares of complete ratings, targets × raters."""
    squares = numeric.mean_squares(scores)
    variances = {name: float(value) for name, value in squares.components().items()}
    forms = numeric.intraclass(squares, confidence)
    low, high = forms.low, forms.high
    notes = _closed_notes(squares, variances, bool(bootstraps))
    if bootstraps:
        drawn, influence = numeric.bootstrap(scores, bootstraps, seed)
        ends = (
            bca_interval(float(e), d, i, confidence)
            for e, d, i in zip(forms.estimate, drawn.T, influence.T, strict=True)
        )
        low, high = (np.array(end) for end in zip(*ends, strict=True))
        few = (icc_words.few_resampled(len(scores)),) if len(scores) < FEW_TARGETS else ()
        notes = (*notes, icc_words.BOOTSTRAPPED, *few)
    degrees = (forms.df1.astype(int), forms.df2.astype(int))
    rows = (numeric.FORMS, forms.estimate, forms.f, *degrees, forms.p_value, low, high, squares.n)
    n, k = squares.n, squares.k
    means = (squares.targets, squares.raters, squares.residual, squares.within)
    return Fitted(
        table=pd.DataFrame(dict(zip(_COLUMNS, rows, strict=True))),
        components=_components(variances),
        mean_squares=_squares((n - 1, k - 1, (n - 1) * (k - 1), n * (k - 1)), [float(x) for x in means]),
        k=k,
        targets=_targets(ratings, scores, variances, np.zeros(k), confidence),
        notes=notes,
    )


def likelihood(ratings: Ratings, scores: Any, seed: int, confidence: float) -> Fitted:
    """Compute the forms from components by REML; scores are targets × raters, NaN where there is none."""
    y, each = scores[ratings.row, ratings.column], np.bincount(ratings.row)
    k = float(np.round(len(each) / (1 / each).sum(), 12))  # 3.0000000000000004 is 3
    alone = both = _UNKNOWN
    if np.ptp(y) <= 8 * np.finfo(float).eps * np.abs(y).max():
        notes = [icc_words.NO_VARIANCE]
    else:
        alone, both = _one_way(ratings, y, confidence), _two_way(ratings, y, seed, confidence)
        notes = _likelihood_notes(ratings, alone, both, k)
    variances = both.variances or {"target": np.nan, "rater": np.nan, "residual": np.nan} | alone.variances
    squares = {"target": (0, np.nan), "rater": (0, np.nan), "residual": (0, np.nan), "within": (0, np.nan)}
    squares |= alone.squares | both.squares
    return Fitted(
        table=_table(alone.lines | both.lines, len(each), k),
        components=_components(variances),
        mean_squares=_squares([df for df, _ in squares.values()], [value for _, value in squares.values()]),
        k=k,
        targets=_targets(ratings, scores, variances, both.strictness, confidence),
        notes=tuple(notes),
    )


@dataclass(frozen=True, kw_only=True)
class _Model:
    """One model's part of the answer; empty where it cannot be fitted.

    `lines` holds per letter of the forms the estimate for one rater, F, its degrees of freedom and p, and the interval.
    `squares` holds degrees of freedom and mean square per source, `strictness` an effect for each rater.
    """

    lines: dict[str, tuple[Any, ...]]
    variances: dict[str, float]
    squares: dict[str, tuple[int, float]]
    strictness: Any = None
    converged: bool = True


_UNKNOWN: Final = _Model(lines={}, variances={}, squares={})


def _one_way(ratings: Ratings, y: Any, confidence: float) -> _Model:
    """Fit targets alone: each of them scored by raters of its own."""
    from cxresearch.numerics import reml

    each, y = np.bincount(ratings.row), y - y.mean()
    n, df = len(each), len(y) - len(each)
    totals = np.bincount(ratings.row, y)
    between = float((totals**2 / each).sum())
    within = float(y @ y) - between
    if within <= _NOTHING * float(y @ y):  # each target's scores are alike
        return _UNKNOWN
    try:
        found = reml.fit(y, None, [ratings.row], names=["target"])
    except ValueError:  # nor can a variance be estimated from so few ratings
        return _UNKNOWN
    target, residual = (float(v) for v in found.variance)
    if n <= MOST_LEVELS:
        of = incomplete.spectrum(np.diag(each) - np.outer(each, each) / len(y))
        ratio = incomplete.exact_ratio(of, totals @ of.turn, within, df, confidence)
        low, high = (end / (1 + end) for end in ratio)
    else:
        low, high = incomplete.by_errors(found.variance, found.covariance, np.ones(2), confidence)
    test = _test(between, n - 1, within, df)
    return _Model(
        lines={"1": (target / (target + residual), *test, low, high)},
        variances={"target": target, "residual": residual},
        squares={"target": (n - 1, between / (n - 1)), "within": (df, within / df)},
        converged=found.converged,
    )


def _two_way(ratings: Ratings, y: Any, seed: int, confidence: float) -> _Model:
    """Fit targets and raters; empty where the two cannot be told apart."""
    from cxresearch.numerics import reml

    small = max(len(ratings.targets), len(ratings.raters)) <= MOST_LEVELS
    try:
        pattern = incomplete.layout(ratings.row, ratings.column) if small else None
        if pattern is not None and incomplete.squares(pattern, y).residual == 0:
            return _UNKNOWN
        found = reml.fit(y, None, [ratings.row, ratings.column], names=["target", "rater"], effects=True)
    except ValueError:
        return _UNKNOWN
    target, rater, residual = (float(v) for v in found.variance)
    whole, part = target / (target + rater + residual), target / (target + residual)
    if pattern is None:
        ends = (
            incomplete.by_errors(found.variance, found.covariance, np.array(weights), confidence)
            for weights in ([1.0, 1.0, 1.0], [1.0, 0.0, 1.0])
        )
        lines = {letter: (one, *_NO_TEST, *end) for letter, one, end in zip("AC", (whole, part), ends, strict=True)}
        squares: dict[str, tuple[int, float]] = {}
    else:
        lines, squares = _tested(pattern, y, (whole, part), seed, confidence)
    return _Model(
        lines=lines,
        variances={"target": target, "rater": rater, "residual": residual},
        squares=squares,
        strictness=found.effects[1].estimate,
        converged=found.converged,
    )


_NO_TEST: Final = (np.nan, np.nan, np.nan, np.nan)


def _tested(
    pattern: incomplete.Layout, y: Any, estimates: tuple[float, float], seed: int, confidence: float
) -> tuple[dict[str, tuple[Any, ...]], dict[str, tuple[int, float]]]:
    """Return the lines of the forms A and C, and the mean squares."""
    found, df = incomplete.squares(pattern, y), pattern.residual
    between = pattern.targets.squares(found.targets), pattern.raters.squares(found.raters)
    ranks = pattern.targets.value.size, pattern.raters.value.size
    test = _test(float(between[0]), ranks[0], found.residual, df)
    absolute = incomplete.absolute(pattern, found, incomplete.chi_squares(pattern, seed), confidence)
    ratio = incomplete.exact_ratio(pattern.targets, found.targets, found.residual, df, confidence)
    consistent = (end / (1 + end) for end in ratio)
    lines = {"A": (estimates[0], *test, *absolute), "C": (estimates[1], *test, *consistent)}
    sums = [float(total) for total in (*between, found.residual)]
    degrees = (*ranks, df)
    squares = zip(("target", "rater", "residual"), degrees, sums, strict=True)
    return lines, {name: (free, total / free) for name, free, total in squares}


def _test(between: float, df1: int, error: float, df2: int) -> tuple[float, int, int, float]:
    """Return the F test that levels do not differ; F is infinite without an error."""
    from scipy import special

    f = between / df1 / (error / df2) if error > 0 else np.inf
    return f, df1, df2, float(special.fdtrc(df1, df2, f)) if np.isfinite(f) else 0.0


def _table(lines: dict[str, tuple[Any, ...]], n: int, k: float) -> pd.DataFrame:
    """Make rows of the forms for one rater, and by Spearman-Brown for the mean of k."""
    rows = []
    for times, name in ((1.0, "1"), (k, "k")):
        for letter in "1AC":
            one, *test, low, high = lines.get(letter, (np.nan, *_NO_TEST, np.nan, np.nan))
            stepped = [float(x) for x in numeric.spearman_brown(np.array([one, low, high]), times)]
            rows.append((f"ICC({letter},{name})", stepped[0], *test, *stepped[1:], n))
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    if not table["df1"].isna().any():
        return table
    return table.assign(**{name: pd.Series([row[at] for row in rows], dtype=object) for name, at in _DEGREES.items()})


def _components(variances: dict[str, float]) -> pd.DataFrame:
    positive = {name: max(value, 0.0) for name, value in variances.items()}  # NaN stays NaN
    total = np.nansum(list(positive.values())) or np.nan
    shares = [value / total for value in positive.values()]
    names = ("target", "rater", "residual")
    frame = pd.DataFrame({"component": list(variances), "variance": list(variances.values()), "share": shares})
    return frame.set_index("component").loc[list(names)].reset_index()


def _squares(degrees: Any, values: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"source": ["target", "rater", "residual", "within"], "df": list(degrees), "mean_square": values}
    )


def _targets(ratings: Ratings, scores: Any, variances: dict[str, float], strictness: Any, confidence: float) -> Any:
    """Return each target's mean, cleared of who happened to score it, and how far it may be from a larger panel's."""
    from scipy import special

    given = ~np.isnan(scores)
    n = given.sum(1)
    mean = np.where(given, scores, 0).sum(1) / n
    adjusted = mean - (given @ strictness) / n if strictness is not None else np.full(len(n), np.nan)
    error = max(variances["rater"], 0) + variances["residual"]
    margin = special.ndtri((1 + confidence) / 2) * np.sqrt(error / n)
    return pd.DataFrame({"target": ratings.targets, "n": n, "mean": mean, "adjusted": adjusted, "margin": margin})


def _closed_notes(squares: numeric.MeanSquares, parts: dict[str, float], bootstrapped: bool) -> tuple[Words, ...]:
    notes = []
    if squares.targets == 0 and squares.within == 0:
        return (icc_words.NO_VARIANCE,)
    if squares.residual == 0:
        notes.append(icc_words.NO_RESIDUAL)
    if squares.targets == 0:
        notes.append(icc_words.NO_TARGET_VARIANCE)
    negative = [name for name in ("target", "rater") if parts[name] < 0]
    notes.extend(icc_words.negative_variance(name, parts[name]) for name in negative)
    if squares.k <= FEW_RATERS and parts["rater"] > parts["residual"] / 2 and not bootstrapped:
        notes.append(icc_words.few_raters(squares.k))
    if parts["rater"] > parts["residual"] / 4:
        notes.append(icc_words.FRESH_RATERS)
    return tuple(notes)


def _likelihood_notes(ratings: Ratings, alone: _Model, both: _Model, k: float) -> list[Words]:
    if not both.lines:
        return [icc_words.NOT_APART] if alone.lines else [icc_words.NO_RESIDUAL]
    small = bool(both.squares)
    notes = [icc_words.HOW_LIKELIHOOD if small else icc_words.HOW_LARGE]
    parts = both.variances
    notes.extend(icc_words.zero_variance(name) for name in ("target", "rater") if parts[name] == 0)
    if not (both.converged and alone.converged):
        notes.append(icc_words.NOT_CONVERGED)
    if any(np.isnan(line[-1]) for line in both.lines.values()):
        notes.append(icc_words.CLOSER_THAN_CHANCE)
    if parts["rater"] > parts["residual"] / 4:
        notes.append(icc_words.SHARED_RATERS)
    counts = np.zeros((len(ratings.targets), len(ratings.raters)))
    counts[ratings.row, ratings.column] = 1
    blur = incomplete.without_overlap(counts) * parts["rater"]
    if blur > parts["residual"] / k / 20 and parts["target"] > 0:
        raw, adjusted = (parts["target"] / (parts["target"] + x + parts["residual"] / k) for x in (blur, 0.0))
        notes.append(icc_words.raw_means(raw, adjusted))
    return notes
