"""Variance components of crossed and nested factors by residual maximum likelihood (REML), and level effects.

The model: ``y = X beta + sum over factors of Z u + e``, each factor's effects u independent normal with a variance of
their own, e independent normal with the residual variance. Any number of factors, crossed, nested or both, unbalanced,
with empty cells. An interaction, or a factor nested in another, is a factor whose codes number the combinations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, stats

from cxresearch.numerics.mixed_design import Design, prepare, starting_values
from cxresearch.numerics.reml_search import Method, Point, Surface, highest

__all__ = ["Combination", "Effects", "Fit", "combine", "fit", "fit_design", "prepare"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_EXPLAINED: Final = 1e-10  # root mean square left by fixed effects and levels, likewise, y being of unit size
_CONSTANT: Final = 1e-13  # root mean square left by the fixed effects over the largest |y|, below which nothing is left


@dataclass(frozen=True, kw_only=True)
class Effects:
    """Predicted effects of one factor's levels.

    Parameters
    ----------
    level : integer array, shape (levels,)
        The caller's codes in rising order.
    estimate : array, shape (levels,)
        Best linear unbiased prediction (BLUP) of each level's effect, drawn towards zero, in units of y.
    se : array, shape (levels,)
        Root of the prediction error variance, var(prediction − effect). It allows for the estimation of the fixed
        effects, not for that of the variances. Zero where the factor's variance is zero.
    """

    level: Integers
    estimate: Floats
    se: Floats


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A fitted model. Components are in the order of the factors, the residual last.

    Parameters
    ----------
    names : tuple of str
        One per component.
    levels : tuple of int
        Number of levels per factor.
    n : int
        Rows.
    method : {"reml", "ml"}
        What was maximised.
    variance : array, shape (components,)
        Variances, in squared units of y.
    covariance : array, shape (components, components)
        Their asymptotic covariance: the inverse of `information` among the components inside their bounds;
        NaN in the rows and columns of those `at_boundary`, for which no such approximation holds.
    information : array, shape (components, components)
        Average information, the mean of observed and expected information, for all components.
    gradient : array, shape (components,)
        Slope of the log-likelihood: zero for components inside their bounds, zero or below at a bound.
    at_boundary : boolean array, shape (components,)
        Components held at their bound: zero for factors; for the residual a hundred-millionth of the variance of y,
        or a millionth where fixed effects and levels use up nearly all rows, so that zero is a possible answer.
    fixed, fixed_covariance : array
        Fixed effects and their covariance at the estimated variances.
    log_likelihood, deviance : float
        The maximum, and −2 times it, as R's lme4 defines both. REML values compare only between fits with the same `x`.
    converged : bool
        Whether less than 1e-10 of log-likelihood was left to gain (1e-7 if rounding ended the search).
    iterations : int
        Steps taken.
    effects : tuple of Effects
        One per factor if asked for, else empty.
    """

    names: tuple[str, ...]
    levels: tuple[int, ...]
    n: int
    method: Method
    variance: Floats
    covariance: Floats
    information: Floats
    gradient: Floats
    at_boundary: NDArray[np.bool_]
    fixed: Floats
    fixed_covariance: Floats
    log_likelihood: float
    deviance: float
    converged: bool
    iterations: int
    effects: tuple[Effects, ...] = ()


def fit(
    y: ArrayLike,
    x: ArrayLike | None,
    factors: Sequence[ArrayLike],
    *,
    names: Sequence[str] | None = None,
    method: Method = "reml",
    effects: bool = False,
    max_iterations: int = 200,
) -> Fit:
    """Estimate fixed effects and the variance of each random factor.

    Decides how much of the variation in `y` comes from each factor (shops, shoppers, items, …).

    Parameters
    ----------
    y : array, shape (n,)
        Outcome; finite.
    x : array, shape (n, p), or None
        Fixed effects as columns, taken as they are: include a column of ones for an intercept. None: intercept only.
    factors : sequence of integer arrays, shape (n,)
        One code per row and factor, zero or above; any codes will do.
    names : sequence of str, optional
        Names of the factors for messages and results; "factor 0", "factor 1", … if left out.
    method : {"reml", "ml"}
        REML allows for the estimation of the fixed effects; maximum likelihood does not, and its variances come out
        too small, but its likelihoods compare between different `x`.
    effects : bool
        Whether to predict the effects of all levels, with standard errors.
    max_iterations : int
        Steps after which the search ends with `converged` False.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        For what `prepare` refuses; if y is not finite, has the wrong shape, is constant, or is explained without
        residual; if `method` is unknown; with "ml" if `x` and the levels explain any y exactly.

    Notes
    -----
    Average-information steps on the variances themselves (Gilmour, Thompson & Cullis 1995). Each step maximises the
    quadratic model subject to the bounds, as a non-negative least-squares problem: components go to zero exactly, stay
    there while the slope says so, and are released when it does not. Steps that lose likelihood are halved; if that
    does not help, an EM step is taken. y is centred and scaled first, so units of measurement do not
    matter. On balanced data without negative ANOVA estimates the result is the ANOVA estimate.

    Equations: `mixed_equations`. Time per step grows with the cube of the levels that remain after one factor, and all
    that nest in it, are eliminated, memory with their square: 5,000 such levels are comfortable, 20,000 are not.
    All effects of a factor have one variance and are uncorrelated; random slopes and weights are not supported. The
    likelihood of unbalanced data can have several maxima. The search starts at MINQUE(0), at equal variances too if a
    component ends at zero, and at a small residual variance too if fixed effects and levels use up nearly all rows; it
    keeps the highest maximum. In random designs of 6 to 40 rows, many of them saturated, a higher one remained unseen
    in about 1 %.

    Validated against lme4 (Penicillin, InstEval), Brennan's (2001) balanced data sets, statsmodels' MixedLM, and the
    likelihood written out with dense matrices and maximised by scipy.

    References
    ----------
    .. [1] Gilmour, Thompson & Cullis (1995). Average information REML. Biometrics 51, 1440–1450.
    .. [2] Patterson & Thompson (1971). Recovery of inter-block information. Biometrika 58, 545–554.
    .. [3] Bates, Mächler, Bolker & Walker (2015). Fitting linear mixed-effects models using lme4. JSS 67(1).

    Examples
    --------
    Six wines scored by the same four judges (Shrout & Fleiss 1979):

    >>> import numpy as np
    >>> scores = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
    >>> wine, judge = np.indices(scores.shape).reshape(2, -1)
    >>> found = fit(scores.ravel(), None, [wine, judge], names=["wine", "judge"])
    >>> dict(zip(found.names, found.variance.round(3).tolist()))
    {'wine': 2.556, 'judge': 5.244, 'residual': 1.019}
    """
    return fit_design(
        y, prepare(x, factors, names=names), method=method, effects=effects, max_iterations=max_iterations
    )


def fit_design(
    y: ArrayLike, design: Design, *, method: Method = "reml", effects: bool = False, max_iterations: int = 200
) -> Fit:
    """Do as `fit`, on a design prepared once for many outcomes (a bootstrap, a simulation).

    Parameters
    ----------
    y : array, shape (n,)
        Outcome.
    design : Design
        From `prepare`.
    method, effects, max_iterations
        As in `fit`.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If y is not finite, has the wrong shape, is constant or explained without residual; if `method` is unknown.
    """
    if method not in ("reml", "ml"):
        raise ValueError(f"method is {method!r}: 'reml' or 'ml'")
    if method == "ml" and design.unbounded:
        raise ValueError("x and the factors' levels explain any y exactly, so the likelihood has no top: use 'reml'")
    offset, residual, scale = _standardised(np.asarray(y, dtype=float), design.basis)
    surface = Surface(design, residual, method)
    last, steps, converged = highest(surface, starting_values(design, residual), max_iterations)
    slope = last.slope
    # below zero this product means that the likelihood rises without end as the residual variance falls
    unbounded = last.theta[-1] <= surface.floor and slope.gradient[-1] * last.theta[-1] < -0.1
    if unbounded and _explained(design, residual):
        raise ValueError("x and the factors explain y exactly: nothing is left for the residual variance")
    held = last.theta <= np.append(np.zeros(last.theta.size - 1), surface.floor)
    deviance = -2 * last.log_likelihood + 2 * surface.df * np.log(scale)
    if method == "reml":
        deviance += 2 * float(np.log(np.abs(np.diag(design.turn))).sum())
    back = linalg.solve_triangular(design.turn, np.eye(design.turn.shape[0]))
    r = slope.rest.shape[0] - back.shape[0]
    return Fit(
        names=design.names,
        levels=tuple(int(m) for m in design.equations.levels),
        n=residual.size,
        method=method,
        variance=last.theta * scale**2,
        covariance=_inverse_inside(slope.information, held) * scale**4,
        information=slope.information / scale**4,
        gradient=slope.gradient / scale**2,
        at_boundary=held,
        fixed=back @ (offset + last.fixed * scale),
        fixed_covariance=back @ slope.rest[r:, r:] @ back.T * (last.theta[-1] * scale**2),
        log_likelihood=-deviance / 2,
        deviance=deviance,
        converged=converged,
        iterations=steps,
        effects=_effects(design, last, scale) if effects else (),
    )


@dataclass(frozen=True, kw_only=True)
class Combination:
    """A weighted sum of variance components.

    Parameters
    ----------
    estimate, variance : float
        The sum and its asymptotic variance; components at a bound count as known.
    df : float
        Degrees of freedom of the scaled chi-square with the same mean and variance (Satterthwaite);
        NaN if the estimate is not above zero.
    """

    estimate: float
    variance: float
    df: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return Satterthwaite's interval: NaN if the estimate is not above zero, (0, inf) below one degree of freedom.

        There the upper end would be a thousand times the estimate and more: the data do not bound it.
        """
        if not self.df > 0:
            return np.nan, np.nan
        if self.df < 1:
            return 0.0, np.inf
        tails = stats.chi2.ppf([(1 + confidence) / 2, (1 - confidence) / 2], self.df)
        low, high = self.df * self.estimate / tails
        return float(low), float(high)


def combine(found: Fit, weights: ArrayLike) -> Combination:
    """Estimate a weighted sum of variance components, with the degrees of freedom that Satterthwaite gives it.

    Parameters
    ----------
    found : Fit
        A fitted model.
    weights : array, shape (components,)
        One weight per component, in the order of ``found.names``.

    Returns
    -------
    Combination

    Raises
    ------
    ValueError
        If the number of weights is wrong.

    Notes
    -----
    df = 2 estimate² / variance. Good for sums with weights of one sign that rest on many levels; for a single small
    component, or differences, its intervals are rough.

    References
    ----------
    .. [1] Satterthwaite (1946). An approximate distribution of estimates of variance components. Biometrics 2, 110–114.
    """
    weight = np.asarray(weights, dtype=float)
    if weight.shape != found.variance.shape:
        raise ValueError(f"{weight.size} weights for {found.variance.size} components: {', '.join(found.names)}")
    inside = ~found.at_boundary
    estimate = float(weight @ found.variance)
    variance = float(weight[inside] @ found.covariance[np.ix_(inside, inside)] @ weight[inside])
    df = 2 * estimate**2 / variance if variance > 0 and estimate > 0 else np.nan
    return Combination(estimate=estimate, variance=variance, df=df)


def _standardised(y: Floats, basis: Floats) -> tuple[Floats, Floats, float]:
    """Take out the fixed effects; return them, what is left in units of its own size, and that size."""
    n, p = basis.shape
    if y.shape != (n,):
        raise ValueError(f"y has shape {y.shape}, the factors have {n} rows")
    if not np.isfinite(y).all():
        raise ValueError(f"y is not finite in row {int((~np.isfinite(y)).argmax())}")
    fixed = basis.T @ y
    residual = y - basis @ fixed
    again = basis.T @ residual  # a second pass takes out what rounding left
    residual -= basis @ again
    scale = float(np.sqrt(residual @ residual / (n - p)))
    if scale <= _CONSTANT * np.abs(y).max():
        raise ValueError("y is constant" if np.ptp(y) == 0 else "x explains y exactly: nothing is left to divide up")
    return fixed + again, residual / scale, scale


def _explained(design: Design, residual: Floats) -> bool:
    """Tell whether fixed effects and levels leave nothing of y but rounding; taken as read in large designs."""
    if design.equations.e:
        return True
    columns = np.hstack([design.equations.z, design.basis])
    left = residual - columns @ np.linalg.lstsq(columns, residual)[0]
    return bool(np.sqrt(np.mean(left**2)) < _EXPLAINED)


def _inverse_inside(information: Floats, held: NDArray[np.bool_]) -> Floats:
    """Invert among the components inside their bounds; NaN elsewhere."""
    out = np.full_like(information, np.nan)
    inside = np.flatnonzero(~held)
    unit = 1 / np.sqrt(np.diag(information)[inside])
    block = information[np.ix_(inside, inside)] * np.outer(unit, unit)
    try:
        inverse = linalg.inv(block)
    except linalg.LinAlgError:
        return out
    out[np.ix_(inside, inside)] = (inverse + inverse.T) / 2 * np.outer(unit, unit)
    return out


def _effects(design: Design, point: Point, scale: float) -> tuple[Effects, ...]:
    error = np.sqrt(point.factored.spread(point.slope.rest) * point.theta[-1])
    return tuple(
        Effects(level=label, estimate=point.random[part] * scale, se=error[part] * scale)
        for label, part in zip(design.labels, design.equations.part, strict=True)
    )
