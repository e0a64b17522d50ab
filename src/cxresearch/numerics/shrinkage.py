"""Hierarchical models of many units: what each unit's true value is once chance is taken out (empirical Bayes).

Both models average over a numerical grid of what is unknown about the units as a group, so that the
intervals allow for it; plugging in a point estimate makes them too short when units are few. Own code,
because neither scipy nor statsmodels has either model with its uncertainty.

How much the units differ has one prior in both: the reliability with which a typical unit is measured (n is the
harmonic mean of the units' n) is uniform on 0 to 1. This is the uniform shrinkage prior of Strawderman (1971), Daniels
(1999) and Christiansen & Morris (1997). It is proper with two units already, and of the priors tried (flat on the
between-unit deviation, half-Cauchy at four scales, Beta(1/2, 1/2) and Beta(1, 1/2) on the reliability) it alone
kept the intervals' coverage for means and for rates close to 100 % alike.

One unit in twenty is allowed to be an outlier, which may lie anywhere on the scale of single answers. Without this a
single bad unit makes all others look as if they differed: with thirteen alike and one far off, 9 to 13 % of flags
stood on the wrong side; with it 2 %. Where there is no outlier it changes next to nothing. Among fewer than eight units
there are no outliers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

OUTLIERS: Final = 0.05
"""Share of units that may be outliers."""
FEWEST: Final = 8
"""Units from which there may be outliers: among fewer nobody can tell an outlier from a wide spread."""

_NODES: Final = 19  # per axis, once zoomed in: steps of half a standard deviation
_FEW: Final = 7  # for the variance within units: steps of one standard deviation
_KEEP: Final = 11.0  # a node whose log posterior lies this far below the highest has 1/60,000 of its density
_NEGLIGIBLE: Final = 1e-6
_SURE: Final = 100.0  # degrees of freedom from which the variance within units counts as known
_BLOCK: Final = 2_000_000  # cells of a block of draws: 16 MB


Yardstick = Callable[[Floats], Floats]
"""Of true values, shape (draws, units), what each unit is held against, shape (draws,)."""


@dataclass(frozen=True, kw_only=True)
class Against:
    """Units held against a yardstick, which is as uncertain as the units' true values are.

    Parameters
    ----------
    reference : float
        Posterior mean of the yardstick.
    difference, low, high : array of shape (units,)
        True value less the yardstick: posterior mean and equal-tailed interval.
    above, below : array of shape (units,)
        Probability of either side.
    """

    reference: float
    difference: Floats
    low: Floats
    high: Floats
    above: Floats
    below: Floats


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
    between, within : float
        Variance of true values among these units, and of single answers within a unit; posterior medians.
    ratio, ratio_low, ratio_high : float
        `within` / `between`: posterior median and interval. A unit with n answers is measured with
        reliability n / (n + ratio).
    against : mapping of str to Against
        For each yardstick asked for.
    """

    mean: Floats
    low: Floats
    high: Floats
    above: Floats
    below: Floats
    centre: float
    between: float
    within: float
    ratio: float
    ratio_low: float
    ratio_high: float
    against: Mapping[str, Against] = field(default_factory=dict)


def shrink_means(
    mean: Floats,
    n: Floats,
    within: float,
    df: float,
    *,
    level: float,
    draws: int,
    rng: np.random.Generator,
    yardsticks: Mapping[str, Yardstick] = MappingProxyType({}),
) -> Shrunken:
    """Fit the normal-normal model: unit means scatter about a common mean, answers about their unit's mean.

    ``mean[j] ~ N(theta[j], sigma² / n[j])``; ``theta[j] ~ N(mu, tau²)``, or for an outlier
    ``N(mu, tau² + within)``. mu and log sigma² have flat priors, tau the uniform shrinkage prior.

    Parameters
    ----------
    mean, n : array of shape (units,)
        Mean and number of answers per unit; two units at least.
    within : float
        Pooled variance of answers within units, above zero.
    df : float
        Its degrees of freedom; from 100 on it counts as known.
    level : float
        Probability content of the intervals.
    draws : int
        Joint draws of all units, from which what concerns several units comes.
    rng : Generator
        Source of the draws.
    yardsticks : mapping of str to callable
        What units are held against besides the middle one, by name.

    Returns
    -------
    Shrunken
    """
    log_ordinary, log_odd = _log_shares(n.size)

    def fit(mu: Floats, log_r: Floats, s2: Floats) -> tuple[Floats, Floats]:
        noise, tau2, gap = s2[:, None] / n, within * np.exp(2 * log_r)[:, None], (mean - mu[:, None]) ** 2
        body, outlier = (-0.5 * np.log(v) - 0.5 * gap / v for v in (noise + tau2, noise + tau2 + within))
        return log_ordinary + body, log_odd + outlier

    def log_posterior(mu: Floats, log_r: Floats, log_s2: Floats) -> Floats:
        s2 = np.exp(log_s2)
        known = -0.5 * df * (log_s2 + within / s2)
        return np.asarray(np.logaddexp(*fit(mu, log_r, s2)).sum(1) + known + _log_prior(log_r, n))

    width, reach = np.ptp(mean) + np.sqrt(within / n.min()), 3 * np.sqrt(2 / df)
    around = np.linspace(-reach, reach, _FEW) if df < _SURE else np.zeros(1)
    wide = np.linspace(mean.min() - width, mean.max() + width, 33)
    (mu, log_r, log_s2), weight = _grid(log_posterior, wide, np.linspace(-8, 4, 25), np.log(within) + around)
    s2 = np.exp(log_s2)
    body, outlier = fit(mu, log_r, s2)
    odd = special.expit(outlier - body)  # chance of being an outlier, at each node
    noise, tau2 = s2[:, None] / n, within * np.exp(2 * log_r)[:, None]
    pull = noise / np.stack([noise + tau2, noise + tau2 + within])
    place = (pull * mu[:, None] + (1 - pull) * mean).reshape(-1, n.size)  # nodes of the body, then of outliers
    scale = np.sqrt((1 - pull) * noise).reshape(-1, n.size)
    share = np.concatenate([weight[:, None] * (1 - odd), weight[:, None] * odd])
    posterior = (share * place).sum(0)
    sd = np.sqrt((share * (scale**2 + (place - posterior) ** 2)).sum(0))

    def cdf_pdf(x: Floats) -> tuple[Floats, Floats]:
        z = (x - place) / scale
        return (share * special.ndtr(z)).sum(0), (share * np.exp(-0.5 * z**2) / scale).sum(0) / np.sqrt(2 * np.pi)

    def draw(node: NDArray[np.intp]) -> tuple[Floats, Floats]:
        is_odd = rng.random((node.size, n.size), dtype=np.float32) < odd[node]
        centre, spread = (np.where(is_odd, v[node + weight.size], v[node]) for v in (place, scale))
        return centre + spread * rng.standard_normal(is_odd.shape), s2[node]

    tail = (1 - level) / 2
    low, high = (_solve(cdf_pdf, q, posterior + special.ndtri(q) * sd, reach=sd) for q in (tail, 1 - tail))
    _, alike = np.unique(np.stack([mean, n]), axis=1, return_inverse=True)
    return _together(
        posterior, low, high, draw, weight, alike, level=level, draws=draws, rng=rng, yardsticks=yardsticks
    )


def shrink_rates(
    successes: Floats,
    n: Floats,
    *,
    level: float,
    draws: int,
    rng: np.random.Generator,
    yardsticks: Mapping[str, Yardstick] = MappingProxyType({}),
) -> Shrunken:
    """Fit the beta-binomial model: counts about a unit's true rate, true rates about a common mean.

    ``successes[j] ~ Binomial(n[j], p[j])``; ``p[j] ~ Beta(m phi, (1 - m) phi)``, or for an outlier uniform on 0 to 1.
    The mean m is uniform on 0 to 1, phi has the uniform shrinkage prior. It works at 0 and 100 %, where a binomial
    standard error is zero.

    Parameters
    ----------
    successes, n : array of shape (units,)
        Whole numbers, 0 <= successes <= n, n above zero; two units at least.
    level, draws, rng, yardsticks
        As in `shrink_means`.

    Returns
    -------
    Shrunken
        Values are shares, 0 to 1.
    """
    pairs, back, times = np.unique(np.stack([successes, n]), axis=1, return_inverse=True, return_counts=True)
    hits, misses = pairs[0], pairs[1] - pairs[0]  # units with equal counts share their arithmetic
    log_ordinary, log_odd = _log_shares(n.size)
    outlier = log_odd + special.betaln(1 + hits, 1 + misses)

    def shapes(logit_m: Floats, log_r: Floats) -> tuple[Floats, Floats, Floats]:
        phi = np.exp(-2 * log_r)[:, None]
        a, b = phi * special.expit(logit_m)[:, None], phi * special.expit(-logit_m)[:, None]
        return a + hits, b + misses, log_ordinary - special.betaln(a, b)

    def log_posterior(logit_m: Floats, log_r: Floats) -> Floats:
        a, b, constant = shapes(logit_m, log_r)
        flat = special.log_expit(logit_m) + special.log_expit(-logit_m)
        fit = np.logaddexp(special.betaln(a, b) + constant, outlier)
        return np.asarray(fit @ times + flat + _log_prior(log_r, n))

    (logit_m, log_r), weight = _grid(log_posterior, np.linspace(-15, 15, 41), np.linspace(-8, 4, 25))
    a, b, constant = shapes(logit_m, log_r)
    odd = special.expit(outlier - special.betaln(a, b) - constant)
    share = np.concatenate([weight[:, None] * (1 - odd), (weight @ odd)[None]])
    a_all, b_all = np.concatenate([a, 1 + hits[None]]), np.concatenate([b, 1 + misses[None]])  # the last for outliers
    place = a_all / (a_all + b_all)
    posterior = (share * place).sum(0)
    variance = (share * (place * (1 - place) / (a_all + b_all + 1) + (place - posterior) ** 2)).sum(0)
    size = posterior * (1 - posterior) / variance - 1  # of the Beta with the same mean and variance: a good start
    log_beta = special.betaln(a_all, b_all)

    def cdf_pdf(x: Floats) -> tuple[Floats, Floats]:
        density = np.exp(a_all * special.log_expit(x) + b_all * special.log_expit(-x) - log_beta)
        return (share * special.betainc(a_all, b_all, special.expit(x))).sum(0), (share * density).sum(0)

    def quantile(q: float) -> Floats:
        start = special.betaincinv(posterior * size, (1 - posterior) * size, q)
        start = special.logit(np.clip(start, 1e-12, 1 - 1e-12))
        return np.asarray(special.expit(_solve(cdf_pdf, q, start, reach=np.ones_like(start)))[back])

    def draw(node: NDArray[np.intp]) -> tuple[Floats, Floats]:
        is_odd = rng.random((node.size, n.size)) < odd[node][:, back]
        p = rng.beta(
            np.where(is_odd, 1 + hits[back], a[node][:, back]), np.where(is_odd, 1 + misses[back], b[node][:, back])
        )
        return p, (p * (1 - p)).mean(1)

    tail = (1 - level) / 2
    low, high = quantile(tail), quantile(1 - tail)
    return _together(
        posterior[back], low, high, draw, weight, back, level=level, draws=draws, rng=rng, yardsticks=yardsticks
    )


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
    return np.asarray(wrong <= (value[good][-1] if good.any() else -1.0))


def wrong_side(above: Floats, below: Floats) -> Floats:
    """Return each unit's probability that it is not on the side where the data put it."""
    return np.asarray(1 - np.maximum(above, below))


def sides(above: Floats, below: Floats, share: float) -> NDArray[np.object_]:
    """Say "above" or "below" of the units that `flag` allows it to be said of, "expected" of the others.

    Parameters
    ----------
    above, below : array of shape (units,)
        Probability of either side.
    share : float
        As in `flag`.
    """
    side = np.where(above > below, "above", "below").astype(object)
    side[~flag(wrong_side(above, below), share)] = "expected"
    return side


def _log_shares(units: int) -> tuple[float, float]:
    """Return the log probabilities of an ordinary unit and of an outlier."""
    return (float(np.log1p(-OUTLIERS)), float(np.log(OUTLIERS))) if units >= FEWEST else (0.0, -np.inf)


def _log_prior(log_r: Floats, n: Floats) -> Floats:
    """Return the log density, over log r, of a uniform reliability ``r² n / (1 + r² n)`` at the typical n."""
    typical = n.size / np.sum(1 / n)
    signal = 2 * log_r + np.log(typical)
    return np.asarray(special.log_expit(signal) + special.log_expit(-signal))


def _grid(log_posterior: Callable[..., Floats], inner: Floats, *outer: Floats) -> tuple[list[Floats], Floats]:
    """Return nodes and weights of a posterior in two or three dimensions, zoomed in to where its mass lies.

    The first variable has nodes of its own for each value of the others: the group's mean is known well if the units
    are alike, and hardly at all if they are not. The rule of equal steps is exact to many digits for smooth densities
    once a step is below a standard deviation.
    """
    for _ in range(12):
        rows = [axis.ravel() for axis in np.meshgrid(*outer, indexing="ij")]
        x, value = _slices(log_posterior, inner, rows)
        value += np.log(x[:, 1] - x[:, 0])[:, None]
        mass = special.logsumexp(value, axis=1)
        keep = (mass > mass.max() - _KEEP).reshape([axis.size for axis in outer])
        others = [tuple(k for k in range(len(outer)) if k != i) for i in range(len(outer))]
        zoomed = tuple(_zoom(axis, keep.any(others[i])) for i, axis in enumerate(outer))
        if all(np.ptp(new) >= 0.7 * np.ptp(old) for new, old in zip(zoomed, outer, strict=True)):
            break
        outer = zoomed
    weight = np.exp(value - value.max())
    weight /= weight.sum()
    used = weight > _NEGLIGIBLE
    places = [x, *(np.broadcast_to(row[:, None], x.shape) for row in rows)]
    return [place[used] for place in places], weight[used] / weight[used].sum()


def _slices(log_posterior: Callable[..., Floats], inner: Floats, rows: list[Floats]) -> tuple[Floats, Floats]:
    """Return, for each row of the other variables, nodes of the inner one where the row has its mass, and densities."""
    x = np.broadcast_to(inner, (rows[0].size, inner.size))
    for _ in range(12):
        value = log_posterior(x.ravel(), *(np.repeat(row, x.shape[1]) for row in rows)).reshape(x.shape)
        keep = value > value.max(1, keepdims=True) - _KEEP
        first = np.maximum(keep.argmax(1) - 1, 0)
        last = np.minimum(x.shape[1] - keep[:, ::-1].argmax(1), x.shape[1] - 1)
        low, high = (np.take_along_axis(x, at[:, None], 1) for at in (first, last))
        if x.shape[1] == _NODES and np.all(high - low > 0.7 * (x[:, -1:] - x[:, :1])):
            break
        x = low + (high - low) * np.linspace(0, 1, _NODES)
    return x, value


def _zoom(axis: Floats, keep: NDArray[np.bool_]) -> Floats:
    """Return an axis from one node before the first kept one to one after the last; a short one stays as it is."""
    if axis.size <= _FEW:
        return axis
    kept = np.flatnonzero(keep)
    return np.linspace(axis[max(kept[0] - 1, 0)], axis[min(kept[-1] + 1, axis.size - 1)], _NODES)


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


def _together(
    mean: Floats,
    low: Floats,
    high: Floats,
    draw: Callable[[NDArray[np.intp]], tuple[Floats, Floats]],
    weight: Floats,
    alike: NDArray[np.intp],
    *,
    level: float,
    draws: int,
    rng: np.random.Generator,
    yardsticks: Mapping[str, Yardstick],
) -> Shrunken:
    """Add what concerns the units together, from joint draws: true values, and the variance within units.

    Units with equal data (equal numbers in `alike`) have equal probabilities: they share the average over their draws.
    """
    units, nodes = alike.size, np.sort(rng.choice(weight.size, size=draws, p=weight))  # sorted: kinder to the cache
    above, below, middles, ratios, within = np.zeros(units), np.zeros(units), [], [], []
    apart: dict[str, list[tuple[Floats, Floats]]] = {name: [] for name in yardsticks}
    for part in np.array_split(nodes, max(1, draws * units // _BLOCK)):
        theta, spread = draw(part)
        middle = np.median(theta, axis=1)
        above += (theta > middle[:, None]).sum(0)
        below += (theta < middle[:, None]).sum(0)
        middles.append(middle)
        for name, yardstick in yardsticks.items():
            reference = yardstick(theta)
            apart[name].append((reference, theta - reference[:, None]))
        within.append(spread)
        ratios.append(spread / np.maximum(theta.var(axis=1, ddof=1), np.finfo(float).tiny))
    times = np.bincount(alike)

    def shared(each: Floats) -> Floats:
        return np.asarray((np.bincount(alike, each) / times)[alike])

    above, below = (shared(side) / draws for side in (above, below))
    tail = (1 - level) / 2
    ratio_low, ratio, ratio_high = (float(v) for v in np.quantile(np.concatenate(ratios), (tail, 0.5, 1 - tail)))
    typical = float(np.median(np.concatenate(within)))
    return Shrunken(
        mean=mean, low=low, high=high, above=above, below=below, centre=float(np.concatenate(middles).mean()),
        between=typical / ratio, within=typical, ratio=ratio, ratio_low=ratio_low, ratio_high=ratio_high,
        against={name: _against(parts, tail, shared) for name, parts in apart.items()},
    )  # fmt: skip


def _against(parts: list[tuple[Floats, Floats]], tail: float, shared: Callable[[Floats], Floats]) -> Against:
    reference, difference = (np.concatenate(part) for part in zip(*parts, strict=True))
    low, high = np.quantile(difference, (tail, 1 - tail), axis=0)
    return Against(
        reference=float(reference.mean()), difference=shared(difference.mean(0)), low=shared(low), high=shared(high),
        above=shared((difference > 0).mean(0)), below=shared((difference < 0).mean(0)),
    )  # fmt: skip
