"""Standard errors and intervals of agreement coefficients.

Each coefficient is linearised: written, to first order, as a mean over targets of one value per target. The spread
of these values gives the standard error of Gwet (2014) and irrCAC, and the skewness that a bootstrap interval
corrects for. Raters are fixed: the error is that of other targets scored by the same raters.

References
----------
Gwet, K. L. (2014). Handbook of Inter-Rater Reliability, 4th edition. Advanced Analytics.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from cxresearch.numerics.chance_agreement import Distance, Panel, disagreements, estimates, midranks, pairs_of

Array = npt.NDArray[Any]

_OWN_TARGETS = ("cohen", "krippendorff")  # use targets rated at least twice only
_TINY = 1e-12


def influences(panel: Panel, metric: str) -> dict[str, Array]:
    """Return, per coefficient, what each target adds to or takes from it, shape (..., targets).

    A coefficient is its estimate plus the mean of these values over the targets it uses, to first order in the
    targets' weights; targets it does not use have 0. Gwet's linearisation takes the distance between categories as
    given; the ordinal distance is itself estimated from the scores, and its part is included here.
    """
    answer = _fixed_distance(panel)
    if metric == "ordinal":
        for name, value in _ordinal_part(panel).items():
            answer[name] = answer[name] + value
    return answer


def standard_errors(panel: Panel, metric: str) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the standard error of each coefficient and the number of targets it uses; all targets weigh 1.

    Two conventions are irrCAC's, so that its published numbers are met. A target rated once counts in the spread
    as one without any agreement (not in the estimate): the error is too large when many targets are rated once,
    except for Cohen and Krippendorff, which leave such targets out. And two raters without a missing rating are a
    contingency table, whose variance divides by n; every other panel's divides by n - 1.

    Parameters
    ----------
    panel : Panel
        Ratings, with weights of one.
    metric : {"nominal", "ordinal", "interval", "ratio", "linear"}
        How far two scores are apart.

    Returns
    -------
    errors, used : dict of str to float array
        The error is NaN where one target only is used.
    """
    targets, raters = panel.codes.shape[-2:]
    table = raters == 2 and bool((panel.codes >= 0).all())
    twice = panel.paired.sum(-1, keepdims=True)
    counted = targets / np.where(twice > 0, twice, np.nan) * panel.paired - 1
    errors, used = {}, {}
    estimate = estimates(panel)
    for name, value in influences(panel, metric).items():
        own = name in _OWN_TARGETS
        n = panel.paired.sum(-1) if own else np.full(panel.paired.shape[:-1], float(targets))
        spread = value if own else value + estimate[name][..., None] * counted
        # where nothing is known of the error, the convention on targets rated once must not feign one
        spread = np.where((value**2).sum(-1, keepdims=True) > _TINY, spread, value)
        free = np.where(n > 1, n - (0 if table else 1), np.nan)
        errors[name], used[name] = np.sqrt((spread**2).sum(-1) / (n * free)), n
    return errors, used


def t_interval(estimate: Array, error: Array, n: Array, confidence: float) -> tuple[Array, Array]:
    """Return the t interval with n - 1 degrees of freedom, cut at 1 as irrCAC does.

    NaN where the error is 0: a sample without any disagreement does not say that there is none.
    """
    from scipy import stats

    known = np.where((error > _TINY) & (n > 1), error, np.nan)
    half = stats.t.ppf((1 + confidence) / 2, np.maximum(n - 1, 1)) * known
    return estimate - half, np.minimum(estimate + half, 1)


def _fixed_distance(panel: Panel) -> dict[str, Array]:
    d, paired = panel.distance, panel.paired
    n, pairs = panel.codes.shape[-2], paired.sum(-1, keepdims=True)
    shares = panel.counts / np.maximum(panel.rated, 1)[..., None]
    nothing = np.zeros_like(panel.within)
    # derivatives of the expected disagreement, per target
    chance = {
        "percent": nothing,
        "conger": 2 * _between_raters(panel, complete=False),
        "fleiss": 2 * (_against(shares, panel.shares, d) - d.between(panel.shares)[..., None]),
        "gwet": 2 * _gwet_spread(panel, shares),
        "brennan_prediger": nothing,
    }
    if panel.codes.shape[-1] == 2:
        chance["cohen"] = 2 * _between_raters(panel, complete=True)
    answer = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, (observed, expected) in disagreements(panel).items():
            do, de = observed[..., None], np.where(expected > _TINY, expected, np.nan)[..., None]
            if name == "krippendorff":
                answer[name] = _krippendorff(panel)
                continue
            of = n / pairs * paired if name != "cohen" else paired
            answer[name] = of * (do - panel.within) / de + do / de**2 * chance[name]
    return answer


def _against(counts: Array, overall: Array, d: Distance) -> Array:
    """Distance of each row of `counts` from a draw of `overall`, summed over the row."""
    return np.asarray((counts @ d.times(overall[..., None, :])[..., 0, :, None])[..., 0])


def _gwet_spread(panel: Panel, shares: Array) -> Array:
    q, overall = panel.distance.categories, panel.shares[..., None, :]
    weight = (q**2 - panel.distance.total) / pairs_of(q)
    return np.asarray(-weight[..., None] * ((shares - overall) * (1 - overall)).sum(-1))


def _between_raters(panel: Panel, *, complete: bool) -> Array:
    """Half the derivative of the distance between raters' margins, per target."""
    d, codes, margins = panel.distance, panel.codes, panel.margins(complete=complete)
    given = (codes >= 0) & ((panel.paired[..., None] > 0) | (not complete))
    raters = (margins.sum(-1) > 0).sum(-1)
    others = d.times(margins.sum(-2, keepdims=True) - margins)  # (..., raters, categories)
    scored = np.take_along_axis(others[..., None, :, :], np.maximum(codes, 0)[..., None], -1)[..., 0]
    own = (others * margins).sum(-1)[..., None, :]
    rated = np.maximum(given.sum(-2, keepdims=True), 1)
    n = panel.paired.sum(-1)[..., None, None] if complete else codes.shape[-2]
    moves = np.where(given, scored - own, 0) * n / rated
    return np.asarray(moves.sum(-1) / np.where(raters < 2, np.nan, raters * (raters - 1))[..., None])


def _krippendorff(panel: Panel) -> Array:
    """Linearise alpha without its small-sample factor, as irrCAC does, whose centring holds a trace of it."""
    paired, rated, used = panel.paired, panel.rated, panel.frequencies
    n, ratings = paired.sum(-1, keepdims=True), (paired * rated).sum(-1, keepdims=True)
    mean, overall = ratings / n, used / ratings
    do = (paired * rated * panel.within).sum(-1, keepdims=True) / ratings
    de = panel.distance.between(overall)[..., None]
    de = np.where(de > _TINY, de, np.nan)
    shown = rated * (do - panel.within) - do / ratings * (rated - mean)
    moved = _against(panel.counts, overall, panel.distance) - de * rated
    return np.asarray(paired * (shown / de + 2 * do / de**2 * moved) / mean)


def _ordinal_part(panel: Panel) -> dict[str, Array]:
    """Return what the ordinal distance's own error adds to each target's influence.

    The distance is the squared difference of mid-ranks u, scaled to run from 0 to 1. With shares C of pairs of
    categories the disagreement is the sum of ``C[a, b] * (u[a] - u[b])**2``, whose gradient in u is
    ``4 * (u * C.sum(-1) - C @ u)``. Below, a C is written as its ``C.sum(-1)`` and ``C @ u``.
    """
    n, paired, rated = panel.codes.shape[-2], panel.paired, panel.rated
    place, moves = _scaled_midranks(panel.frequencies, panel.counts * paired[..., None], n)
    pairs = np.maximum(rated * (rated - 1), 1)
    answer = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        by_target = _shown(panel, paired / pairs / paired.sum(-1, keepdims=True), place)
        by_value = _shown(panel, paired * rated / pairs / (paired * rated).sum(-1, keepdims=True), place)
        chance = _chance(panel, place)
        for name, both in disagreements(panel).items():
            observed, expected = (part[..., None] for part in both)
            sums, products = by_value if name == "krippendorff" else by_target
            by_chance, chance_products = chance[name]
            ratio = observed / expected
            slope = -4 * (place * (sums - ratio * by_chance) - (products - ratio * chance_products)) / expected
            of = paired.sum(-1, keepdims=True) / n if name in _OWN_TARGETS else 1
            answer[name] = of * (moves @ slope[..., None])[..., 0]
    return answer


def _shown(panel: Panel, scale: Array, place: Array) -> tuple[Array, Array]:
    """Pairs of categories within targets, each target's scaled; a category with itself has distance 0 anyway."""
    scaled = panel.counts * scale[..., None]
    sums = (scaled * panel.rated[..., None]).sum(-2)
    return sums, (scaled * (panel.counts @ place[..., None])).sum(-2)


def _chance(panel: Panel, place: Array) -> dict[str, tuple[Array, Array]]:
    """Pairs of categories that chance produces, by coefficient."""
    q, used, shares = panel.distance.categories, panel.frequencies, panel.shares
    ratings, one, all_places = used.sum(-1, keepdims=True), np.ones(q), place.sum(-1, keepdims=True)
    spread = (shares * (1 - shares)).sum(-1, keepdims=True) / pairs_of(q)
    answer = {
        "percent": (np.zeros(q), np.zeros(q)),
        "conger": _between(panel.margins(), place),
        "fleiss": (shares, shares * (shares * place).sum(-1, keepdims=True)),
        "gwet": (spread * q * one, spread * all_places * one),
        "brennan_prediger": (one / q, all_places / q**2 * one),
        "krippendorff": (
            used / (ratings - 1),
            used * (used * place).sum(-1, keepdims=True) / (ratings * (ratings - 1)),
        ),
    }
    if panel.codes.shape[-1] == 2:
        answer["cohen"] = _between(panel.margins(complete=True), place)
    return answer


def _between(margins: Array, place: Array) -> tuple[Array, Array]:
    raters = (margins.sum(-1) > 0).sum(-1)
    pairs = np.where(raters < 2, np.nan, raters * (raters - 1))[..., None]
    together, means = margins.sum(-2), margins @ place[..., None]
    sums = together * together.sum(-1, keepdims=True) - together
    products = together * (together * place).sum(-1, keepdims=True) - (margins * means).sum(-2)
    return sums / pairs, products / pairs


def _scaled_midranks(used: Array, counts: Array, n: int) -> tuple[Array, Array]:
    """Mid-ranks scaled to a range of 1, and n times their derivative in each target's weight."""
    place = midranks(used)
    span = (place[..., -1] - place[..., 0])[..., None]
    span = np.where(span == 0, np.nan, span)
    place = place / span
    moves = midranks(counts) / span[..., None]
    stretch = moves[..., -1:] - moves[..., :1]
    return place, n * (moves - stretch * place[..., None, :])
