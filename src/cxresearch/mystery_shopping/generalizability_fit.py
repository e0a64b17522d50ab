"""Estimation of a generalizability study: components, their errors, and the mean squares that intervals rest on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.mystery_shopping import generalizability_notes as notes
from cxresearch.mystery_shopping.generalizability_design import RESIDUAL, Effect
from cxresearch.mystery_shopping.generalizability_rows import Rows, balanced, levels
from cxresearch.numerics import expected_mean_squares, reml
from cxresearch.numerics.modified_large_sample import Bounds, Squares
from cxresearch.numerics.reml_squares import unbounded

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Estimated components, the residual last.

    Parameters
    ----------
    effects : tuple of Effect
        What the components belong to; "residual" last.
    variance : array, shape (components,)
        As estimated: not below zero with REML, possibly below with analysis of variance.
    se : array, shape (components,)
        Standard errors, of estimates that may go below zero.
    squares : Squares
        What the intervals rest on.
    remarks : tuple of Words
        What a reader must know.
    """

    effects: tuple[Effect, ...]
    variance: Floats
    se: Floats
    squares: Squares
    remarks: tuple[Words, ...]


def estimate(rows: Rows, method: str) -> Estimate:
    """Estimate the components of a study."""
    return by_reml(rows) if method == "reml" else by_anova(rows)


def by_anova(rows: Rows) -> Estimate:
    """Estimate from the mean squares of a balanced design.

    Raises
    ------
    InputError
        If the design is not balanced, or an effect rests on no differences.
    """
    table, sets = balanced(rows)
    try:
        found = expected_mean_squares.analyse(table, sets)
    except ValueError as wrong:
        raise checks.InputError(f"design={rows.plan.text!r} cannot be estimated: {wrong}") from wrong
    squares = Squares(coefficient=found.coefficient, value=found.mean_square, df=found.df)
    effects = _named(rows)
    variance = found.variance
    # what rounding leaves of a difference of equal mean squares is no component
    variance = np.where(np.abs(variance) < 1e-12 * np.abs(found.mean_square).max(), 0.0, variance)
    below = [(e.name, float(v)) for e, v in zip(effects, variance, strict=True) if v < 0]
    return Estimate(
        effects=effects,
        variance=variance,
        se=np.sqrt(np.diag(found.covariance)),
        squares=squares,
        remarks=tuple(notes.negative(name, value) for name, value in below),
    )


def by_reml(rows: Rows) -> Estimate:
    """Estimate by restricted maximum likelihood.

    Raises
    ------
    InputError
        If the components cannot be told apart in these rows, or nothing is left for the residual.
    """
    effects = _named(rows)
    factors = [rows.codes[e.facets] for e in effects[:-1]]
    _refuse_confounded(rows, effects[:-1])
    try:
        design = reml.prepare(None, factors, names=[e.name for e in effects[:-1]])
        found = reml.fit_design(rows.score, design)
        free = unbounded(design, found)
    except (ValueError, np.linalg.LinAlgError) as wrong:
        raise checks.InputError(f"design={rows.plan.text!r} cannot be estimated from these rows: {wrong}") from wrong
    variance = np.where(found.at_boundary, 0.0, found.variance)
    held = [e.name for e, at in zip(effects, found.at_boundary, strict=True) if at]
    remarks = [notes.at_zero(held)] if held else []
    if not found.converged:
        remarks.append(notes.NOT_CONVERGED)
    return Estimate(
        effects=effects,
        variance=variance,
        se=np.sqrt(np.diag(free.covariance)),
        squares=free.squares,
        remarks=tuple(remarks),
    )


def _named(rows: Rows) -> tuple[Effect, ...]:
    """Return the effects that have a component of their own, and the residual."""
    own = [e for e in rows.plan.effects if not (rows.single and e.facets == rows.plan.cell)]
    return (*own, Effect(name=RESIDUAL, facets=rows.plan.cell | frozenset(rows.plan.crossed)))


def _refuse_confounded(rows: Rows, effects: tuple[Effect, ...]) -> None:
    """Say in plain words which effect has a level for every score."""
    for effect in effects:
        if levels(rows.codes[effect.facets]) == rows.score.size:
            raise checks.InputError(
                f"design={rows.plan.text!r}: each level of {effect.name!r} has one score only, so it cannot be told "
                f"from chance; leave out the facets that add nothing to it"
            )


def table(found: Estimate, rows: Rows, confidence: float) -> pd.DataFrame:
    """Lay the components out with shares, errors and intervals."""
    count = found.variance.size
    bounds = Bounds(found.squares, confidence)
    low, high = (np.maximum(end, 0.0) for end in bounds.interval(np.eye(count)))
    kept = np.maximum(found.variance, 0.0)
    number = [levels(rows.codes[e.facets]) for e in found.effects[:-1]]
    return pd.DataFrame(
        {
            "component": [e.name for e in found.effects],
            "variance": found.variance,
            "percent": 100 * kept / kept.sum() if kept.sum() else np.nan,
            "se": found.se,
            "ci_low": low,
            "ci_high": high,
            "n": [*number, rows.score.size],
        }
    )
