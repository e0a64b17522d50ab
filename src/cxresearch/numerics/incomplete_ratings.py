"""Intervals of intraclass correlations where ratings are missing: exact ones, and generalized ones.

Score = target + rater + residual, all random and normal. With the raters taken out by least squares, the targets'
totals can be turned into independent sums q with variances λ σ² + λ² τ², where σ² is the residual variance, τ² that of
targets, and the λ depend only on who rated whom. Then Σ q² / (λ σ² + λ² τ²) is a chi-square, whatever the pattern.
Divided by the residual mean square it is an F that depends on τ²/σ² alone: Wald's interval, exact in any design. The
same with targets taken out gives the raters' variance.

No Python library has these; R's lme4 has profile and bootstrap intervals only.

References
----------
Wald, A. (1947). A note on regression analysis. Annals of Mathematical Statistics 18(4), 586-589.
Seely, J. F. & El-Bassiouni, Y. (1983). Applying Wald's variance component test. Annals of Statistics 11(1), 197-201.
Weerahandi, S. (1993). Generalized confidence intervals. JASA 88(423), 899-905.
ten Hove, D., Jorgensen, T. D. & van der Ark, L. A. (2022). Updated guidelines on selecting an intraclass correlation
coefficient for interrater reliability, with applications to incomplete observational designs. Psychological Methods.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_RANK: Final = 1e-9  # share of the largest eigenvalue below which one is zero
_NOISE: Final = 1e-20  # share of the squared scores that rounding leaves of a sum of squares
_DRAWS: Final = 4096  # quasi-random draws behind a generalized interval
_PLACES: Final = 400  # ratios of variances at which a sum of squares is tabulated


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectrum:
    """How the totals of one factor's levels, cleared of the other factor, turn into independent sums.

    Parameters
    ----------
    value : float array, shape (rank,)
        The λ, in scores: how many scores' worth each sum tells of the factor.
    turn : float array, shape (levels, rank)
        Independent sums are ``totals @ turn``.
    ratio : float array, shape (places,)
        Ratios of the factor's variance to the residual one, from just above ``-1 / max(value)`` up.
    """

    value: Array
    turn: Array
    ratio: Array

    def squares(self, sums: Array) -> Array:
        """Return the sum of squares at ratio zero: the numerator of the F test that levels do not differ."""
        return np.asarray((sums**2 / self.value).sum(-1))

    def ratio_at(self, sums: Array, target: Array) -> Array:
        """Find the ratios at which ``Σ sums² / (λ (1 + λ ratio))`` equals `target`, shapes (rank,) and (m,).

        The reciprocal of that sum is nearly a straight line in the ratio (quite one where all λ are alike), so it is
        tabulated and interpolated, and for a few targets improved by Newton's method.
        """
        if not (sums**2).sum() > 0:
            return np.full(target.shape, self.ratio[0])
        table = 1 / ((sums**2 / self.value) @ (1 / (1 + np.outer(self.value, self.ratio))))
        with np.errstate(divide="ignore"):
            wanted = 1 / target
        ratio = np.interp(wanted, table, self.ratio)
        if ratio.size <= 8:
            for _ in range(3):
                ratio = self._newton(sums, wanted, ratio)
        return np.asarray(ratio)

    def _newton(self, sums: Array, wanted: Array, ratio: Array) -> Array:
        stretch = 1 + np.outer(ratio, self.value)
        level, slope = ((sums**2 / self.value / stretch).sum(-1), -(sums**2 / stretch**2).sum(-1))
        moved = ratio + (wanted - 1 / level) * level**2 / -slope
        inside = np.isfinite(moved) & (moved > self.ratio[0]) & (moved < self.ratio[-1])
        return np.where(inside, moved, ratio)


def spectrum(matrix: Array) -> Spectrum:
    """Decompose the information matrix of one factor's levels, cleared of the other factor.

    Raises
    ------
    ValueError
        If nothing is left of it: the factor cannot be told from the other.
    """
    value, turn = np.linalg.eigh(matrix)
    kept = value > _RANK * max(float(value.max()), 1.0)
    if not kept.any():
        raise ValueError("nothing is left of the levels once the other factor is taken out")
    value = value[kept]
    least, most = float(value.min()), float(value.max())
    ratio = np.geomspace(1e-7 / most, 1e6 / least, _PLACES) - (1 - 1e-7) / most
    return Spectrum(value=value, turn=turn[:, kept], ratio=ratio)


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Who rated whom, prepared for any number of sets of scores.

    Parameters
    ----------
    target, rater : int array, shape (n,)
        Level of each score, from 0 without gaps.
    counts : float array, shape (targets, raters)
        Scores per target and rater.
    alone : Spectrum
        Of targets, cleared of the mean only.
    targets, raters : Spectrum
        Each cleared of the other.
    within, residual : int
        Degrees of freedom within targets, and of the residual.
    """

    target: Array
    rater: Array
    counts: Array
    alone: Spectrum
    targets: Spectrum
    raters: Spectrum
    within: int
    residual: int


def layout(target: Array, rater: Array) -> Layout:
    """Prepare the pattern of ratings.

    Parameters
    ----------
    target, rater : int array, shape (n,)
        Codes of each score, from 0 without gaps.

    Raises
    ------
    ValueError
        If targets and raters cannot be told apart, or no degree of freedom is left for the residual.
    """
    counts = np.zeros((target.max() + 1, rater.max() + 1))
    np.add.at(counts, (target, rater), 1)
    by_target, by_rater = counts.sum(1), counts.sum(0)
    targets = spectrum(np.diag(by_target) - counts / by_rater @ counts.T)
    raters = spectrum(np.diag(by_rater) - counts.T / by_target @ counts)
    residual = len(target) - len(by_rater) - targets.value.size
    if residual < 1:
        raise ValueError("no degree of freedom is left for the residual once targets and raters are taken out")
    return Layout(
        target=target,
        rater=rater,
        counts=counts,
        alone=spectrum(np.diag(by_target) - np.outer(by_target, by_target) / len(target)),
        targets=targets,
        raters=raters,
        within=len(target) - len(by_target),
        residual=residual,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Squares:
    """Sums of squares of one set of scores, and the independent sums behind them.

    Parameters
    ----------
    alone, targets, raters : float array
        Independent sums of each `Spectrum` of the layout.
    within, residual : float
        Sums of squares within targets and of the residual; rounding error is set to 0.
    """

    alone: Array
    targets: Array
    raters: Array
    within: float
    residual: float


def squares(pattern: Layout, scores: Array) -> Squares:
    """Compute sums of squares of the scores, in the order of the layout's codes."""
    y = scores - scores.mean()
    by_target, by_rater = pattern.counts.sum(1), pattern.counts.sum(0)
    totals = np.bincount(pattern.target, y, len(by_target))
    of_raters = np.bincount(pattern.rater, y, len(by_rater))
    targets = (totals - pattern.counts @ (of_raters / by_rater)) @ pattern.targets.turn
    raters = (of_raters - pattern.counts.T @ (totals / by_target)) @ pattern.raters.turn
    whole, noise = float(y @ y), _NOISE * float(scores @ scores) * len(y)
    within = whole - float((totals**2 / by_target).sum())
    residual = whole - float((of_raters**2 / by_rater).sum()) - float(pattern.targets.squares(targets))
    return Squares(
        alone=totals @ pattern.alone.turn,
        targets=targets,
        raters=raters,
        within=within if within > max(noise, 1e-13 * whole) else 0.0,
        residual=residual if residual > max(noise, 1e-13 * whole) else 0.0,
    )


def exact_ratio(of: Spectrum, sums: Array, error: float, df: int, confidence: float) -> tuple[float, float]:
    """Return Wald's interval for the ratio of a factor's variance to the residual one; ends below 0 become 0.

    Parameters
    ----------
    of : Spectrum
        The factor.
    sums : float array, shape (rank,)
        Its independent sums.
    error : float
        Residual sum of squares.
    df : int
        Its degrees of freedom.
    confidence : float
        Coverage probability.

    Returns
    -------
    low, high : float
        NaN where the residual is 0, and where even the upper end is below 0: levels lie closer together than chance
        alone lets them in all but the rarest samples.
    """
    from scipy import special

    if not error > 0:
        return np.nan, np.nan
    rank = of.value.size
    quantile = special.fdtri(rank, df, np.array([(1 + confidence) / 2, (1 - confidence) / 2]))
    low, high = of.ratio_at(sums, quantile * rank * error / df)
    return (max(float(low), 0.0), float(high)) if high > 0 else (np.nan, np.nan)


def chi_squares(pattern: Layout, seed: int) -> Array:
    """Draw the chi-squares of targets, raters and residual behind a generalized interval, shape (3, draws).

    They depend on the pattern alone, and serve any number of sets of scores.
    """
    from scipy import special
    from scipy.stats import qmc

    # quasi-random: the ends move far less from seed to seed than with as many random draws
    points = np.clip(qmc.Sobol(3, rng=seed).random(_DRAWS), 1e-12, 1 - 1e-12).T
    df = np.array([pattern.targets.value.size, pattern.raters.value.size, pattern.residual])[:, None]
    return np.asarray(2 * special.gammaincinv(df / 2, points))


def absolute(pattern: Layout, found: Squares, chi: Array, confidence: float) -> tuple[float, float]:
    """Return the generalized interval of ICC(A,1).

    For each draw of the chi-squares those variances are solved for that would have given the sums of squares found;
    a variance below 0 becomes 0. Targets and raters are drawn as if independent, which they are in complete data and
    nearly so otherwise. NaN where the residual is 0 or the upper end would be 0.

    Parameters
    ----------
    pattern : Layout
        Who rated whom.
    found : Squares
        From `squares`.
    chi : float array, shape (3, draws)
        From `chi_squares`.
    confidence : float
        Coverage probability.
    """
    if not found.residual > 0:
        return np.nan, np.nan
    residual = found.residual / chi[2]
    target = np.maximum(pattern.targets.ratio_at(found.targets, chi[0] * residual), 0)
    rater = np.maximum(pattern.raters.ratio_at(found.raters, chi[1] * residual), 0)
    low, high = np.quantile(target / (target + rater + 1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return (float(low), float(high)) if high > 0 else (np.nan, np.nan)


def by_errors(variance: Array, covariance: Array, weights: Array, confidence: float) -> tuple[float, float]:
    """Return an interval for the first variance's share in a sum, from the variances' asymptotic covariance.

    Normal on the scale of ``log(share / (1 - share))``. For hundreds of levels per factor and more.

    Parameters
    ----------
    variance : float array, shape (components,)
        Estimates.
    covariance : float array, shape (components, components)
        NaN for components at their bound, which count as known.
    weights : float array, shape (components,)
        What the sum counts of each, 1 for the first.
    confidence : float
        Coverage probability.

    Returns
    -------
    low, high : float
        NaN where the first variance is 0.
    """
    from scipy import special

    rest = float(weights[1:] @ variance[1:])
    if not variance[0] > 0 or np.isnan(covariance[0, 0]):
        return np.nan, np.nan
    slope = np.append(1 / variance[0], -weights[1:] / rest)
    spread = np.sqrt(slope @ np.nan_to_num(covariance) @ slope)
    middle, half = np.log(variance[0] / rest), special.ndtri((1 + confidence) / 2) * spread
    low, high = special.expit([middle - half, middle + half])
    return float(low), float(high)


def without_overlap(counts: Array) -> float:
    """Return which part of the raters' variance blurs comparisons of the targets' raw means.

    0 where the same raters scored all targets, 1/k where each target had k raters of its own (q of ten Hove,
    Jorgensen and van der Ark 2022).

    Parameters
    ----------
    counts : float array, shape (targets, raters)
        Scores per target and rater; every target has one.
    """
    n, shares = len(counts), counts / counts.sum(1, keepdims=True)
    own = float((shares**2).sum())
    shared = float((shares.sum(0) ** 2).sum()) - own
    return own / n - shared / (n * (n - 1))
