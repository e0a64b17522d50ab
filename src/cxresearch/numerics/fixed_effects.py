"""How certain fixed effects of a mixed model are: their covariance at given variances, and degrees of freedom for t.

Own code, because statsmodels' mixed model has no degrees of freedom and neither crossed factors nor speed.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from cxresearch.numerics.mixed_design import Design
from cxresearch.numerics.reml import Fit

Floats = NDArray[np.float64]

_STEP = 1e-4  # of a variance, for differences that are exact to eight digits


def covariance_at(design: Design, variance: Floats) -> Floats:
    """Return the covariance of the fixed effects, were the variance components these; the residual's is last."""
    back = linalg.solve_triangular(design.turn, np.eye(design.turn.shape[0]))
    rest = design.equations.at(variance[:-1] / variance[-1]).rest_inverse()
    r = rest.shape[0] - back.shape[0]
    return np.asarray(back @ rest[r:, r:] @ back.T * variance[-1])


def degrees_of_freedom(design: Design, found: Fit, weights: Floats) -> Floats:
    """Return Satterthwaite's degrees of freedom of weighted sums of fixed effects.

    Parameters
    ----------
    design : Design
        What was fitted.
    found : Fit
        By REML.
    weights : array, shape (sums, fixed effects)
        One row per sum.

    Returns
    -------
    array, shape (sums,)
        At least 1. Components at their bound count as known.

    Notes
    -----
    df = 2 v² / (g' A g): v is the variance of the sum, g its slope in the components (central differences), A their
    asymptotic covariance. For the difference of two means in a balanced design this gives the textbook value.

    References
    ----------
    Giesbrecht, F. G. & Burns, J. C. (1985). Two-stage analysis based on a mixed model. Biometrics 41, 477-486.
    """
    inside = np.flatnonzero(~found.at_boundary)
    slopes = np.zeros((len(weights), found.variance.size))
    for k in inside:
        step = np.zeros_like(found.variance)
        step[k] = _STEP * found.variance[k]
        up, down = (_variances(covariance_at(design, found.variance + s), weights) for s in (step, -step))
        slopes[:, k] = (up - down) / (2 * step[k])
    part = found.covariance[np.ix_(inside, inside)]
    spread = np.einsum("ij,jk,ik->i", slopes[:, inside], part, slopes[:, inside])
    v = _variances(found.fixed_covariance, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.maximum(np.where(spread > 0, 2 * v**2 / spread, np.inf), 1.0))


def _variances(covariance: Floats, weights: Floats) -> Floats:
    return np.asarray(np.einsum("ij,jk,ik->i", weights, covariance, weights))
