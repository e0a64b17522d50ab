"""Hierarchical models of many units: what each unit's true value is once chance is taken out (empirical Bayes).

Both models average over a numerical grid of what is unknown about the units as a group, so that the
intervals allow for it; plugging in a point estimate makes them too short when units are few. Own code,
because neither scipy nor statsmodels has either model with its uncertainty.

How much the units differ has one prior in both: the reliability with which a typical unit is measured (n is the
harmonic mean of the units' n) is uniform on 0 to 1. This is the uniform shrinkage prior of Strawderman (1971), Daniels
(1999) and Christiansen & Morris (1997). It is proper with two units already, and of the priors tried (flat on the
between-unit deviation, half-Cauchy at four scales, Beta(1/2, 1/2) and Beta(1, 1/2) on the reliability) it alone
kept the intervals' coverage for means and for rates close to 100 % alike.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.interpolate import CubicSpline

Floats = NDArray[np.float64]

_KEEP = 11.0  # a node whose log posterior lies this far below the highest has 1/60,000 of its density
_NEGLIGIBLE = 1e-6
_NODES = 19  # per axis, once zoomed in: steps of half a standard deviation
_BLOCK = 2_000_000  # cells of a block of draws: 16 MB


@dataclass(frozen=True, kw_only=True)
class Shrunken:
    """What a hierarchical model says about its units.

    Parameters
    ----------
    mean, low, high : array of shape (units,)
        Posterior mean and equal-tailed interval of each unit's true value.
    above, below : array of shape (units,)
        Probability that the unit's true value lies above, and below, the middle one of the units' true values.
    centre : float
        Posterior mean of the middle true value, the median of the units.
    mean_of_units : float
        Posterior mean of the mean of the distribution that the units come from.
    between, within : float
        Variance of true values between units, and of single answers within a unit.
    ratio, ratio_low, ratio_high : float
        `within` / `between`: posterior median and interval. A unit with n answers is measured with
        reliability n / (n + ratio).
    """

    mean: Floats
    low: Floats
    high: Floats
    above: Floats
    below: Floats
    centre: float
    mean_of_units: float
    between: float
    within: float
    ratio: float
    ratio_low: float
    ratio_high: float


def shrink_means(
    mean: Floats, n: Floats, within: float, df: float, *, level: float, draws: int, rng: np.random.Generator
) -> Shrunken:
    """Fit the normal-normal model: unit means scatter about a common mean, answers about their unit's mean.

    ``mean[j] ~ N(theta[j], sigma² / n[j])``, ``theta[j] ~ N(mu, tau²)``; mu has a flat prior and is integrated
    analytically, log sigma² has a flat prior, tau the uniform shrinkage prior.

    Parameters
    ----------
    mean, n : array of shape (units,)
        Mean and number of answers per unit; two units at least.
    within : float
        Pooled variance of answers within units, above zero.
    df : float
        Its degrees of freedom.
    level : float
        Probability content of the intervals.
    draws : int
        Joint draws of all units for the probabilities `above` and `below`.
    rng : Generator
        Source of the draws.

    Returns
    -------
    Shrunken
    """

    def log_posterior(log_r: Floats, log_s2: Floats) -> Floats:
        s2, r2 = np.exp(log_s2), np.exp(2 * log_r)
        inverse = 1 / (r2[:, None] + 1 / n)  # precision of each mean about mu, in units of 1 / sigma²
        total = inverse.sum(1)
        centre = (inverse @ mean) / total
        spread = (inverse * (mean - centre[:, None]) ** 2).sum(1)
        fit = 0.5 * np.log(inverse).sum(1) - 0.5 * np.log(total) - 0.5 * (n.size - 1) * log_s2 - 0.5 * spread / s2
        known = -0.5 * df * log_s2 - 0.5 * df * within / s2
        return np.asarray(fit + known + _log_prior(log_r, n))

    width = 6 * np.sqrt(2 / df)
    (log_r, log_s2), weight = _grid(
        log_posterior, np.linspace(-8, 4, 33), np.log(within) + np.linspace(-width, width, 11)
    )
    s2, r2 = np.exp(log_s2), np.exp(2 * log_r)
    inverse = 1 / (r2[:, None] + 1 / n)
    pull = inverse / n  # how far a unit's mean is drawn to the common one
    mu, mu_var = (inverse @ mean) / inverse.sum(1), s2 / inverse.sum(1)
    place = pull * mu[:, None] + (1 - pull) * mean
    own_var = (1 - pull) * (s2[:, None] / n)
    scale = np.sqrt(own_var + pull**2 * mu_var[:, None])
    posterior = weight @ place
    sd = np.sqrt(weight @ (scale**2 + (place - posterior) ** 2))

    def cdf_pdf(x: Floats) -> tuple[Floats, Floats]:
        z = (x - place) / scale
        return weight @ special.ndtr(z), weight @ (np.exp(-0.5 * z**2) / scale) / np.sqrt(2 * np.pi)

    tail = (1 - level) / 2
    low, high = (_solve(cdf_pdf, q, posterior + special.ndtri(q) * sd, reach=sd) for q in (tail, 1 - tail))

    def draw(node: NDArray[np.intp]) -> Floats:
        common = mu[node] + np.sqrt(mu_var[node]) * rng.standard_normal(node.size)
        own = np.sqrt(own_var[node]) * rng.standard_normal((node.size, n.size))
        return np.asarray(pull[node] * common[:, None] + (1 - pull[node]) * mean + own)

    _, back = np.unique(np.stack([mean, n]), axis=1, return_inverse=True)
    above, below, centre = _sides(draw, weight, back, draws, rng)
    ratio_low, ratio, ratio_high = _ratio_quantiles(log_r, weight, (tail, 0.5, 1 - tail))
    return Shrunken(
        mean=posterior, low=low, high=high, above=above, below=below, centre=centre,
        mean_of_units=float(weight @ mu), between=within / ratio, within=within,
        ratio=ratio, ratio_low=ratio_low, ratio_high=ratio_high,
    )  # fmt: skip


def shrink_rates(successes: Floats, n: Floats, *, level: float, draws: int, rng: np.random.Generator) -> Shrunken:
    """Fit the beta-binomial model: counts about a unit's true rate, true rates about a common mean.

    ``successes[j] ~ Binomial(n[j], p[j])``, ``p[j] ~ Beta(m phi, (1 - m) phi)``; the mean m is uniform on 0 to 1,
    phi has the uniform shrinkage prior. It works at 0 and 100 %, where a binomial standard error is zero.

    Parameters
    ----------
    successes, n : array of shape (units,)
        Whole numbers, 0 <= successes <= n, n above zero; two units at least.
    level, draws, rng
        As in `shrink_means`.

    Returns
    -------
    Shrunken
        Values are shares, 0 to 1.
    """
    pairs, back, times = np.unique(np.stack([successes, n]), axis=1, return_inverse=True, return_counts=True)
    hits, misses = pairs[0], pairs[1] - pairs[0]  # units with equal counts share their arithmetic

    def log_posterior(logit_m: Floats, log_r: Floats) -> Floats:
        phi = np.exp(-2 * log_r)[:, None]
        a, b = phi * special.expit(logit_m)[:, None], phi * special.expit(-logit_m)[:, None]
        fit = special.betaln(a + hits, b + misses) - special.betaln(a, b)
        flat = special.log_expit(logit_m) + special.log_expit(-logit_m)
        return np.asarray(fit @ times + flat + _log_prior(log_r, n))

    (logit_m, log_r), weight = _grid(log_posterior, np.linspace(-15, 15, 41), np.linspace(-8, 4, 25))
    m, phi = special.expit(logit_m), np.exp(-2 * log_r)
    a, b = (phi * m)[:, None] + hits, (phi * special.expit(-logit_m))[:, None] + misses
    place = a / (a + b)
    posterior = weight @ place
    variance = weight @ (place * (1 - place) / (a + b + 1) + (place - posterior) ** 2)
    size = posterior * (1 - posterior) / variance - 1  # of the Beta with the same mean and variance: a good start
    log_beta = special.betaln(a, b)

    def cdf_pdf(x: Floats) -> tuple[Floats, Floats]:
        density = np.exp(a * special.log_expit(x) + b * special.log_expit(-x) - log_beta)
        return weight @ special.betainc(a, b, special.expit(x)), weight @ density

    def quantile(q: float) -> Floats:
        start = special.betaincinv(posterior * size, (1 - posterior) * size, q)
        start = special.logit(np.clip(start, 1e-12, 1 - 1e-12))
        return np.asarray(special.expit(_solve(cdf_pdf, q, start, reach=np.ones_like(start)))[back])

    def draw(node: NDArray[np.intp]) -> Floats:
        return np.asarray(rng.beta(a[node][:, back], b[node][:, back]))

    tail = (1 - level) / 2
    above, below, centre = _sides(draw, weight, back, draws, rng)
    ratio_low, ratio, ratio_high = _ratio_quantiles(log_r, weight, (tail, 0.5, 1 - tail))
    common = float(weight @ m)
    return Shrunken(
        mean=posterior[back], low=quantile(tail), high=quantile(1 - tail), above=above, below=below,
        centre=centre, mean_of_units=common, between=common * (1 - common) / (ratio + 1),
        within=common * (1 - common) * ratio / (ratio + 1), ratio=ratio, ratio_low=ratio_low, ratio_high=ratio_high,
    )  # fmt: skip


def flag(wrong: Floats, share: float) -> NDArray[np.bool_]:
    """Flag as many units as possible while the flagged ones' mean chance of being wrong stays within `share`.

    Newton's rule on Stephens's local false sign rates, with one restraint: nobody is flagged whose own chance of being
    wrong is more than twice `share`, since a verdict on one unit has to stand by itself, whatever the certainty about
    others. Units with equal chances are flagged together or not at all.

    Parameters
    ----------
    wrong : array of shape (units,)
        Each unit's probability that its flag would be wrong.
    share : float
        Largest expected share of wrong flags.

    Returns
    -------
    array of bool, shape (units,)

    Examples
    --------
    >>> flag(np.array([0.08, 0.01, 0.14, 0.02]), 0.05).tolist()
    [True, True, False, True]
    """
    value, count = np.unique(wrong, return_counts=True)
    good = (np.cumsum(value * count) / np.cumsum(count) <= share + 1e-12) & (value <= 2 * share + 1e-12)
    return wrong <= (value[good][-1] if good.any() else -1.0)


def _log_prior(log_r: Floats, n: Floats) -> Floats:
    """Return the log density, over log r, of a uniform reliability ``r² n / (1 + r² n)`` at the typical n."""
    typical = n.size / np.sum(1 / n)
    signal = 2 * log_r + np.log(typical)
    return np.asarray(special.log_expit(signal) + special.log_expit(-signal))


def _grid(
    log_posterior: Callable[[Floats, Floats], Floats], first: Floats, second: Floats
) -> tuple[tuple[Floats, Floats], Floats]:
    """Return nodes and weights of a two-dimensional posterior, zoomed in to where its mass lies.

    The rule of equal steps is exact to many digits for smooth densities once a step is below a standard deviation.
    """
    for _ in range(12):
        x, y = (axis.ravel() for axis in np.meshgrid(first, second, indexing="ij"))
        value = log_posterior(x, y)
        keep = (value > value.max() - _KEEP).reshape(first.size, second.size)
        zoomed = [_zoom(axis, keep.any(1 - i)) for i, axis in enumerate((first, second))]
        if all(np.ptp(new) > 0.7 * np.ptp(old) for new, old in zip(zoomed, (first, second), strict=True)):
            break
        first, second = zoomed
    weight = np.exp(value - value.max())
    weight /= weight.sum()
    used = weight > _NEGLIGIBLE
    return (x[used], y[used]), weight[used] / weight[used].sum()


def _zoom(axis: Floats, keep: NDArray[np.bool_]) -> Floats:
    """Return an axis of `_NODES` nodes from one node before the first kept one to one after the last."""
    kept = np.flatnonzero(keep)
    low, high = axis[max(kept[0] - 1, 0)], axis[min(kept[-1] + 1, axis.size - 1)]
    return np.linspace(low, high, _NODES)


def _solve(cdf_pdf: Callable[[Floats], tuple[Floats, Floats]], q: float, start: Floats, reach: Floats) -> Floats:
    """Solve cdf(x) = q for every unit at once: Newton's steps, halved where they leave the bracket."""
    low, high = np.full_like(start, -np.inf), np.full_like(start, np.inf)
    x = start
    for _ in range(80):
        cdf, pdf = cdf_pdf(x)
        done = np.abs(cdf - q) < 1e-9
        low, high = np.where(cdf < q, x, low), np.where(cdf < q, high, x)
        done |= high - low < 1e-9 * reach
        if done.all():
            break
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = np.clip((q - cdf) / pdf, -2 * reach, 2 * reach)
            middle = np.where(np.isfinite(low + high), (low + high) / 2, x + np.sign(q - cdf) * 2 * reach)
        new = x + step
        x = np.where(done, x, np.where((new > low) & (new < high), new, middle))
    return x


def _sides(
    draw: Callable[[NDArray[np.intp]], Floats],
    weight: Floats,
    alike: NDArray[np.intp],
    draws: int,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, float]:
    """Return each unit's probability to lie above and below the middle true value, and that value's mean.

    Units with equal data (equal numbers in `alike`) have equal probabilities: they share the average over their draws.
    """
    units, nodes = alike.size, rng.choice(weight.size, size=draws, p=weight)
    above, below, centre = np.zeros(units), np.zeros(units), 0.0
    for part in np.array_split(nodes, max(1, draws * units // _BLOCK)):
        theta = draw(part)
        middle = np.median(theta, axis=1, keepdims=True)
        above += (theta > middle).sum(0)
        below += (theta < middle).sum(0)
        centre += float(middle.sum())
    times = np.bincount(alike)
    above, below = ((np.bincount(alike, side) / times)[alike] / draws for side in (above, below))
    return above, below, centre / draws


def _ratio_quantiles(log_r: Floats, weight: Floats, at: tuple[float, ...]) -> list[float]:
    """Return quantiles of ``r ** -2`` from the nodes' weights: a cubic through their logs gives the density between."""
    node, back = np.unique(log_r, return_inverse=True)
    if node.size < 4:
        return [float(np.exp(-2 * (weight @ log_r)))] * len(at)
    density = CubicSpline(node, np.log(np.bincount(back, weight)))
    fine = np.linspace(node[0], node[-1], 2001)
    mass = np.exp(density(fine))
    below = np.cumsum(mass) - mass / 2
    return [float(np.exp(-2 * np.interp(1 - q, below / mass.sum(), fine))) for q in at]
