"""The mixed model behind `key_posts`: cell means for an average shopper, and how strict each shopper is."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from cxresearch.checks import InputError
from cxresearch.mystery_shopping.key_posts_rows import Scored, crossed
from cxresearch.numerics import fixed_effects, reml

if TYPE_CHECKING:
    import numpy.typing as npt

    from cxresearch.numerics.mixed_design import Design

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

FEW_SHOPPERS: Final = 6
"""Shoppers from which their spread can be estimated; fewer count as a fixed panel."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """The fitted mixed model.

    Parameters
    ----------
    mean, se, df : array, shape (cells,)
        Cell means for an average shopper, standard errors, and degrees of freedom.
    gap_df : array, shape (cells,)
        Degrees of freedom of each cell's distance from the mean of all.
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
    gap_df: "Floats"
    covariance: "Floats"
    severity: "Floats"
    severity_se: "Floats"
    severity_df: float
    variances: dict[str, float]
    random: bool


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The model of a design, ready for any scores.

    Parameters
    ----------
    x : array, shape (rows, fixed effects)
        Cells, then fixed shoppers.
    design : Design or None
        With all random parts that can be told apart; None if there are none.
    random, fixed : bool
        Whether shoppers are random, or fixed; neither if there is one.
    """

    x: "Floats"
    design: "Design | None"
    random: bool
    fixed: bool


def prepare(rows: Scored, shoppers: str) -> Prepared:
    """Set up ``score = cell + shopper + place + visit + …``, with as many random parts as can be told apart.

    Raises
    ------
    InputError
        If posts and fixed shoppers do not overlap.
    """
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
    return Prepared(x=x, design=_design(x, _factors(rows, random=random and many > 1)), random=random, fixed=fixed)


def estimate(score: "Floats", ready: Prepared, cells: int) -> Model:
    """Fit the model to scores.

    Raises
    ------
    InputError
        If the scores leave nothing for chance.
    """
    if ready.design is None:
        return _without_parts(score, ready.x, cells)
    try:
        found = reml.fit_design(score, ready.design, effects=True)
    except ValueError as refusal:
        raise InputError(f"scores cannot be split into posts, shoppers and chance: {refusal}") from refusal
    one = np.eye(ready.x.shape[1])[:cells]
    free = fixed_effects.degrees_of_freedom(ready.design, found, np.vstack([one, one - one.mean(axis=0)]))
    severity, error, df = np.empty(0), np.empty(0), np.inf
    if ready.fixed:
        severity, error = _contrasts(found.fixed[cells:], found.fixed_covariance[cells:, cells:])
        df = float(max(score.size - ready.x.shape[1], 1))
    elif "shopper" in found.names:
        effects = found.effects[found.names.index("shopper")]
        severity, error = -(effects.estimate - effects.estimate.mean()), effects.se
    return Model(
        mean=found.fixed[:cells],
        se=np.sqrt(np.diag(found.fixed_covariance)[:cells]),
        df=free[:cells],
        gap_df=free[cells:],
        covariance=found.fixed_covariance[:cells, :cells],
        severity=severity,
        severity_se=error,
        severity_df=df,
        variances=dict(zip(found.names, found.variance.tolist(), strict=True)),
        random=ready.random,
    )


def _contrasts(effects: "Floats", covariance: "Floats") -> tuple["Floats", "Floats"]:
    """Return all shoppers' severities, which sum to zero, from all but the last one's effects; and their errors."""
    code = np.vstack([np.eye(effects.size), -np.ones(effects.size)])
    return -code @ effects, np.sqrt(np.einsum("ij,jk,ik->i", code, covariance, code))


def _without_parts(score: "Floats", x: "Floats", cells: int) -> Model:
    """Fit by least squares where nothing was scored twice, so that no random part can be told from chance."""
    n, p = x.shape
    if n <= p:
        raise InputError(f"{n} scores are too few for {p} posts, duties and shoppers; more visits are needed")
    bread = np.asarray(np.linalg.inv(x.T @ x), dtype=float)
    coef = bread @ (x.T @ score)
    residual = float(((score - x @ coef) ** 2).sum() / (n - p))
    covariance: Floats = np.asarray(bread * residual)
    severity, error = _contrasts(coef[cells:], covariance[cells:, cells:]) if p > cells else (np.empty(0), np.empty(0))
    return Model(
        mean=coef[:cells], se=np.sqrt(np.diag(covariance)[:cells]), df=np.full(cells, float(n - p)),
        gap_df=np.full(cells, float(n - p)),
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


def _design(x: "Floats", factors: dict[str, "Codes"]) -> "Design | None":
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
