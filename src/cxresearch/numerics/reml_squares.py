"""Mean squares behind variance components of any design: independent sums of squares that a fit amounts to.

In a balanced design the components are differences of independent mean squares with known degrees of freedom, and good
intervals rest on these. Where a design is not balanced, the covariance of the estimates is factored in the same
triangular way, from the residual up: what comes out are uncorrelated sums of components, with the degrees of
freedom that their variances imply. In balanced designs they are the mean squares themselves.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from cxresearch.numerics.mixed_design import Design
from cxresearch.numerics.modified_large_sample import Squares
from cxresearch.numerics.reml import Fit

Floats = NDArray[np.float64]

_CELLS: Final = 3_000_000  # rows times levels up to which the expected information is worked out


@dataclass(frozen=True, kw_only=True)
class Unbounded:
    """Components as they would be estimated if they could lie below zero.

    Parameters
    ----------
    variance : array, shape (components,)
        One scoring step from the fit without its bounds; equal to the fit where no component was held.
    covariance : array, shape (components, components)
        Their covariance at the fitted variances.
    squares : Squares
        Independent mean squares that the components are made of.
    """

    variance: Floats
    covariance: Floats
    squares: Squares


def unbounded(design: Design, found: Fit) -> Unbounded:
    """Take a fit apart into independent mean squares.

    Parameters
    ----------
    design : Design
        From `reml.prepare`.
    found : Fit
        From `reml.fit_design`, by REML.

    Returns
    -------
    Unbounded

    Raises
    ------
    ValueError
        If the information about the components is singular.

    Notes
    -----
    The step is minimum-variance quadratic unbiased estimation (MIVQUE) with the fitted variances as weights: unbiased
    up to those weights, and in balanced designs the analysis of variance. It uses the expected information where rows
    times levels are 3 million or fewer, else the average information of the fit.
    """
    information = expected_information(design, found.variance)
    if information is None:
        information = found.information
    unit = 1 / np.sqrt(np.diag(information))
    covariance = linalg.inv(information * np.outer(unit, unit)) * np.outer(unit, unit)
    covariance = (covariance + covariance.T) / 2
    variance = found.variance + np.where(found.at_boundary.any(), covariance @ found.gradient, 0.0)
    # the residual first, then from many levels to few: an effect's mean square holds those of finer ones
    order = [len(found.levels), *np.argsort(-np.array(found.levels), kind="stable")]
    unit = np.sqrt(np.diag(covariance))[order]
    root = linalg.cholesky(covariance[np.ix_(order, order)] / np.outer(unit, unit), lower=True) * unit[:, None]
    size = np.diag(root)
    factor = root / size
    expected, seen = (linalg.solve_triangular(factor, v[order], lower=True) for v in (found.variance, variance))
    expected = np.maximum(expected, 1e-12 * found.variance.sum())
    coefficient = np.empty_like(factor)
    coefficient[order] = factor
    squares = Squares(coefficient=coefficient, value=np.maximum(seen, 0.0), df=2 * (expected / size) ** 2)
    return Unbounded(variance=variance, covariance=covariance, squares=squares)


def expected_information(design: Design, variance: Floats) -> Floats | None:
    """Return half of tr(P Vi P Vj) for all pairs of components; None for designs too large."""
    equations, residual = design.equations, float(variance[-1])
    rows, levels = equations.z.shape
    if rows * levels > _CELLS:
        return None
    z = equations.z.toarray() if sparse.issparse(equations.z) else equations.z
    cleared = equations.at(variance[:-1] / residual).solve(z)[2] / residual
    crossed = z.T @ cleared
    out = np.empty((variance.size, variance.size))
    for i, part in enumerate(equations.part):
        for j, other in enumerate(equations.part):
            out[i, j] = (crossed[part, other] ** 2).sum() / 2
        out[i, -1] = out[-1, i] = (cleared[:, part] ** 2).sum() / 2
    traces = np.array([np.trace(crossed[part, part]) for part in equations.part])
    whole = (rows - design.basis.shape[1] - variance[:-1] @ traces) / residual
    out[-1, -1] = (whole - 2 * variance[:-1] @ out[:-1, -1]) / residual / 2
    return out
