"""Data with known truth: what a method should find in them is returned beside them.

Every function draws from one seeded generator, answers with ``(frame, truth)``, and never cuts a score
off at the ends of its scale: the truth would then no longer be the one stated. Under the defaults about
one score in several thousand lies outside its scale.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cxresearch import checks, defaults

if TYPE_CHECKING:
    import pandas as pd

# Panel: satisfaction on a scale of 0 to 10, in points.
_SATISFACTION_MEAN = 6.0
_SATISFACTION_SD = {"customer": 0.6, "community": 0.3, "year": 0.2, "within": 0.9}
_AUTOCORRELATION = 0.5
_LOYALTY_SD = {"customer": 1.0, "community": 0.3, "year": 0.3}
_CORRELATION = 0.6

RATING_VARIANCES: Mapping[str, float] = {
    "outlet": 15.0,
    "shopper": 5.0,
    "item": 20.0,
    "outlet:shopper": 2.5,
    "outlet:item": 7.5,
    "shopper:item": 2.5,
    "visit": 7.5,
    "residual": 40.0,
}
"""Variance components of `ratings` in squared points of a 0 to 100 scale; they sum to 100: each is a percentage too."""
_RATING_MEAN = 65.0

TOUCHPOINTS = ("reception", "cleaning", "greening", "security", "repairs")
"""Touchpoints of `responses`, as its defaults have them."""


def panel(
    customers: int = 2000,
    years: int = 10,
    *,
    effects: Sequence[float] = (0.4, 0.3, 0.2, 0.1),
    noise: float = 1.0,
    communities: int = 8,
    missing: float = 0.0,
    first_year: int = 2015,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate customers followed over years whose loyalty depends on this and earlier years' satisfaction.

    Decides whether a study of lags finds what is there: ``loyalty = customer effect + year effect +
    sum over k of effects[k] × satisfaction k years ago + noise``. The years before the first one are
    simulated too, so every lag has its true value even where a reader of the frame cannot see it.
    Customers who like the service anyway are also more satisfied (correlation 0.6 between the customer's
    level of satisfaction and the customer effect), and good years lift both: an analysis that ignores
    customers or years overestimates the effects.

    Parameters
    ----------
    customers, years : int
        Number of customers and of consecutive years.
    effects : sequence of float
        Points of loyalty per point of satisfaction 0, 1, 2, … years ago.
    noise : float
        Standard deviation, in points, of what nothing explains; independent over customers and years.
    communities : int
        Number of communities; every customer lives in one, drawn with equal chance.
    missing : float
        Share (0 to below 1) of customer-years left out at random: gaps, not leavers.
    first_year : int
        The first calendar year.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per customer and year, sorted by both: ``customer`` (number), ``community`` (text),
        ``year``, ``satisfaction`` (points, scale 0 to 10, continuous, autocorrelation 0.5 from year to
        year around the customer's own level), ``loyalty`` (points, around 6).
    truth : dict
        ``effects`` (tuple), ``total_effect`` (their sum), ``mean_lag`` (years; NaN if effects differ in
        sign or all are zero), ``horizon`` (the last lag with an effect; -1 without one), ``duration``
        (horizon + 1, years counting the current one), ``noise_sd``, ``customer_sd``, ``community_sd``,
        ``year_sd`` (points of loyalty), ``autocorrelation``, ``correlation`` (of customer effect and
        level of satisfaction), ``satisfaction_sd`` (within customers), ``missing``, ``seed``.

    Raises
    ------
    InputError
        If a size, share or standard deviation is out of range.

    Notes
    -----
    It cannot simulate leavers: rows are missing at random. Validated by regressing noise-free panels,
    which gives the effects back to 1e-10, and by the moments of large panels.

    Examples
    --------
    >>> frame, truth = panel(customers=3, years=2)
    >>> list(frame.columns), len(frame)
    (['customer', 'community', 'year', 'satisfaction', 'loyalty'], 6)
    >>> truth["mean_lag"], truth["duration"]
    (1.0, 4)
    """
    import pandas as pd

    _at_least(0, seed=seed)
    _at_least(1, customers=customers, years=years, communities=communities)
    _not_negative(noise=noise)
    _share(missing=missing)
    betas = _finite("effects", effects)
    rng = np.random.default_rng(seed)
    before = len(betas) - 1
    home = rng.integers(communities, size=customers)
    level, effect = _correlated(rng, customers, _SATISFACTION_SD["customer"], _LOYALTY_SD["customer"])
    satisfaction_year, loyalty_year = _correlated(rng, years + before, _SATISFACTION_SD["year"], _LOYALTY_SD["year"])
    level = level + rng.normal(0, _SATISFACTION_SD["community"], communities)[home]
    effect = effect + rng.normal(0, _LOYALTY_SD["community"], communities)[home]

    wave = _autoregression(rng, customers, years + before, _SATISFACTION_SD["within"], _AUTOCORRELATION)
    satisfaction = _SATISFACTION_MEAN + level[:, None] + satisfaction_year[None, :] + wave
    loyalty = _SATISFACTION_MEAN * (1 - betas.sum()) + effect[:, None] + loyalty_year[None, before:]
    for lag, beta in enumerate(betas):
        loyalty = loyalty + beta * satisfaction[:, before - lag : before - lag + years]
    loyalty = loyalty + rng.normal(0, noise, (customers, years))

    names = _numbered("C", communities)
    frame = pd.DataFrame(
        {
            "customer": np.repeat(np.arange(1, customers + 1), years),
            "community": pd.array(names[np.repeat(home, years)], dtype="str"),
            "year": np.tile(np.arange(first_year, first_year + years), customers),
            "satisfaction": satisfaction[:, before:].ravel(),
            "loyalty": loyalty.ravel(),
        }
    )
    kept = rng.random(len(frame)) >= missing
    return frame[kept].reset_index(drop=True), {
        **_lag_truth(betas),
        "noise_sd": float(noise),
        "customer_sd": _LOYALTY_SD["customer"],
        "community_sd": _LOYALTY_SD["community"],
        "year_sd": _LOYALTY_SD["year"],
        "satisfaction_sd": _SATISFACTION_SD["within"],
        "autocorrelation": _AUTOCORRELATION,
        "correlation": _CORRELATION,
        "missing": float(missing),
        "seed": seed,
    }


def ratings(
    outlets: int = 60,
    shoppers: int = 6,
    *,
    visits: int = 1,
    items: int = 10,
    shoppers_per_outlet: int | None = None,
    variances: Mapping[str, float] | None = None,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate mystery visits: shoppers score outlets on a checklist, with known sources of difference.

    Decides whether a study of reliability finds how much of the scores is the outlet and how much is the
    shopper, the item, the day or chance. Every component is normal and independent of the others.

    Parameters
    ----------
    outlets, shoppers, items : int
        How many of each. Items are the lines of the checklist; every visit scores all of them.
    visits : int
        Visits of each shopper to each of the shopper's outlets.
    shoppers_per_outlet : int, optional
        Each outlet is visited by this many shoppers, drawn at random; by all of them if left out.
    variances : mapping of str to float, optional
        Squared points for any of ``outlet``, ``shopper``, ``item``, ``outlet:shopper``, ``outlet:item``,
        ``shopper:item``, ``visit`` (what all items of one visit share: the day's form) and ``residual``;
        the others keep the values of ``RATING_VARIANCES``.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per score: ``outlet``, ``shopper`` (text), ``visit`` (1, 2, … for each shopper and outlet),
        ``item`` (text), ``score`` (points, scale 0 to 100, continuous, mean 65).
    truth : dict
        ``variances`` (squared points), ``mean`` (points); for the score a shopper gives an outlet, the
        mean over items and visits: ``mean_score_variances`` (``outlet``, ``shopper``, ``residual``),
        ``ICC(A,1)`` and ``ICC(C,1)`` (absolute agreement and consistency of one shopper), ``ICC(A,k)``
        and ``ICC(C,k)`` (of the mean of k = shoppers per outlet, crossed design); ``sizes``; ``seed``.

    Raises
    ------
    InputError
        If a size or variance is out of range, or a component is unknown.

    Notes
    -----
    The implied ICCs take the checklist as it is (items fixed): what an outlet scores on these very items
    belongs to the outlet. A generalizability study with random items moves ``outlet:item`` to the error;
    its coefficients follow from ``variances``. Validated by mean squares of large designs against their
    expectations.

    Examples
    --------
    >>> frame, truth = ratings(outlets=4, shoppers=2, items=3)
    >>> frame.shape, round(truth["ICC(A,1)"], 2)
    ((24, 5), 0.37)
    """
    import pandas as pd

    each = shoppers if shoppers_per_outlet is None else shoppers_per_outlet
    _at_least(0, seed=seed)
    _at_least(1, outlets=outlets, shoppers=shoppers, visits=visits, items=items, shoppers_per_outlet=each)
    if each > shoppers:
        raise checks.InputError(f"shoppers_per_outlet={each} is more than shoppers={shoppers}")
    parts = _components(variances)
    rng = np.random.default_rng(seed)

    def draw(name: str, *shape: int) -> np.ndarray:
        return rng.normal(0, math.sqrt(parts[name]), shape)

    # one line per visit: which outlet, which shopper; then all items of that visit side by side
    panels = np.argsort(rng.random((outlets, shoppers)), axis=1)[:, :each] if each < shoppers else None
    who = np.tile(np.arange(shoppers), (outlets, 1)) if panels is None else np.sort(panels, axis=1)
    outlet = np.repeat(np.arange(outlets), each * visits)
    shopper = np.repeat(who.ravel(), visits)
    visit = np.tile(np.arange(1, visits + 1), outlets * each)
    score = (
        _RATING_MEAN
        + draw("outlet", outlets)[outlet, None]
        + draw("shopper", shoppers)[shopper, None]
        + draw("item", items)[None, :]
        + draw("outlet:shopper", outlets, shoppers)[outlet, shopper, None]
        + draw("outlet:item", outlets, items)[outlet]
        + draw("shopper:item", shoppers, items)[shopper]
        + draw("visit", len(visit))[:, None]
        + draw("residual", len(visit), items)
    )
    frame = pd.DataFrame(
        {
            "outlet": pd.array(_numbered("O", outlets)[np.repeat(outlet, items)], dtype="str"),
            "shopper": pd.array(_numbered("S", shoppers)[np.repeat(shopper, items)], dtype="str"),
            "visit": np.repeat(visit, items),
            "item": pd.array(_numbered("I", items)[np.tile(np.arange(items), len(visit))], dtype="str"),
            "score": score.ravel(),
        }
    )
    sizes = {"outlets": outlets, "shoppers": shoppers, "visits": visits, "items": items}
    return frame, {
        "variances": parts,
        "mean": _RATING_MEAN,
        **_rating_truth(parts, each, visits, items),
        "sizes": sizes | {"shoppers_per_outlet": each},
        "seed": seed,
    }


def responses(
    units: int = 40,
    respondents: tuple[int, int] = (20, 200),
    *,
    touchpoints: int | Sequence[str] = TOUCHPOINTS,
    weights: Sequence[float] | None = None,
    scale: tuple[float, float] = (0.0, 10.0),
    between_sd: float = 0.5,
    within_sd: float = 1.0,
    noise: float = 0.5,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Simulate a survey: residents of several units score touchpoints and the service overall.

    Decides whether a benchmark finds which units truly differ, and whether a driver study finds the
    weights. ``overall = sum of weight × touchpoint score + noise``. Touchpoint scores go together:
    correlation 0.5 between the true means of a unit, 0.4 between the scores of one respondent.

    Parameters
    ----------
    units : int
        Number of units (communities, outlets).
    respondents : (int, int)
        Fewest and most respondents of a unit; every number between them has the same chance.
    touchpoints : int or sequence of str
        Names of the touchpoint columns, or how many.
    weights : sequence of float, optional
        Points of ``overall`` per point of each touchpoint. By default they fall evenly and sum to 1:
        5/15, 4/15, … for five.
    scale : (float, float)
        Ends of the scale; the mean lies at 60 % of it.
    between_sd, within_sd, noise : float
        Standard deviation in points of a scale from 0 to 10, stretched with the scale: of the units' true
        means, of respondents around them, and of ``overall`` around the weighted sum.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        One row per respondent: ``respondent`` (number), ``unit`` (text), one column per touchpoint and
        ``overall`` (points of the scale, continuous).
    truth : dict
        ``unit_means`` (DataFrame: unit, touchpoint, mean), ``between_variance``, ``within_variance``
        (squared points, the same for every touchpoint), ``reliability_of_one`` (between over the sum of
        both: the intraclass correlation), ``weights`` (touchpoint to weight), ``noise_sd``, ``seed``.

    Raises
    ------
    InputError
        If a size, scale or standard deviation is out of range, or names and weights do not fit.

    Notes
    -----
    Respondents answer every question; there is no non-response. Validated by variance components of
    large surveys and by regressing a survey without noise, which gives the weights back to 1e-10.

    Examples
    --------
    >>> frame, truth = responses(units=3, respondents=(2, 2))
    >>> list(frame.columns)
    ['respondent', 'unit', 'reception', 'cleaning', 'greening', 'security', 'repairs', 'overall']
    >>> len(frame), round(truth["reliability_of_one"], 2)
    (6, 0.2)
    """
    import pandas as pd

    names, slopes = _touchpoints(touchpoints, weights)
    if not isinstance(respondents, Sequence) or len(respondents) != 2:
        raise checks.InputError(f"respondents={respondents!r} must be fewest and most per unit, for example (20, 200)")
    few, many = respondents
    _at_least(0, seed=seed)
    _at_least(1, units=units, respondents=few)
    _at_least(few, respondents=many)
    _not_negative(between_sd=between_sd, within_sd=within_sd, noise=noise)
    low, high = scale
    if not low < high:
        raise checks.InputError(f"scale={scale!r}: the first number must lie below the second, for example (0, 10)")
    stretch = (high - low) / 10
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), rng.integers(few, many + 1, size=units))
    means = low + 0.6 * (high - low) + stretch * between_sd * _sharing(rng, units, len(names), 0.5)
    scores = means[unit] + stretch * within_sd * _sharing(rng, len(unit), len(names), 0.4)
    overall = scores @ slopes + rng.normal(0, stretch * noise, len(unit))
    labels = _numbered("U", units)
    frame = pd.DataFrame(
        {
            "respondent": np.arange(1, len(unit) + 1),
            "unit": pd.array(labels[unit], dtype="str"),
            **dict(zip(names, scores.T, strict=True)),
            "overall": overall,
        }
    )
    true_means = pd.DataFrame(
        {
            "unit": pd.array(np.repeat(labels, len(names)), dtype="str"),
            "touchpoint": pd.array(np.tile(np.array(names, dtype=object), units), dtype="str"),
            "mean": means.ravel(),
        }
    )
    between, within = (stretch * between_sd) ** 2, (stretch * within_sd) ** 2
    return frame, {
        "unit_means": true_means,
        "between_variance": between,
        "within_variance": within,
        "reliability_of_one": between / (between + within) if between + within else math.nan,
        "weights": dict(zip(names, slopes.tolist(), strict=True)),
        "noise_sd": stretch * noise,
        "seed": seed,
    }


def _correlated(rng: np.random.Generator, n: int, first_sd: float, second_sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw n pairs of normal effects with the panel's correlation."""
    one, two = rng.standard_normal((2, n))
    return first_sd * one, second_sd * (_CORRELATION * one + math.sqrt(1 - _CORRELATION**2) * two)


def _autoregression(rng: np.random.Generator, n: int, times: int, sd: float, rho: float) -> np.ndarray:
    """Draw n stationary AR(1) series; the first value has the stationary variance, so none needs a run-up."""
    shocks = rng.standard_normal((n, times)) * sd
    shocks[:, 1:] *= math.sqrt(1 - rho**2)
    for time in range(1, times):
        shocks[:, time] += rho * shocks[:, time - 1]
    return shocks


def _sharing(rng: np.random.Generator, rows: int, columns: int, correlation: float) -> np.ndarray:
    """Draw standard normal columns of which every two have the same correlation."""
    common = rng.standard_normal((rows, 1))
    own = rng.standard_normal((rows, columns))
    return math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own


def _lag_truth(betas: np.ndarray) -> dict[str, Any]:
    total = math.fsum(betas)
    one_sign = bool((betas >= 0).all() or (betas <= 0).all()) and total != 0
    horizon = int(np.flatnonzero(betas)[-1]) if betas.any() else -1
    return {
        "effects": tuple(betas.tolist()),
        "total_effect": total,
        "mean_lag": math.fsum(np.arange(len(betas)) * betas) / total if one_sign else math.nan,
        "horizon": horizon,
        "duration": horizon + 1,
    }


def _rating_truth(parts: Mapping[str, float], raters: int, visits: int, items: int) -> dict[str, Any]:
    outlet = parts["outlet"] + parts["outlet:item"] / items
    shopper = parts["shopper"] + parts["shopper:item"] / items
    rest = parts["outlet:shopper"] + (parts["visit"] + parts["residual"] / items) / visits

    def share(error: float) -> float:
        return outlet / (outlet + error) if outlet + error else math.nan

    return {
        "mean_score_variances": {"outlet": outlet, "shopper": shopper, "residual": rest},
        "ICC(A,1)": share(shopper + rest),
        "ICC(C,1)": share(rest),
        "ICC(A,k)": share((shopper + rest) / raters),
        "ICC(C,k)": share(rest / raters),
    }


def _components(variances: Mapping[str, float] | None) -> dict[str, float]:
    given = dict(variances or {})
    for name in given:
        checks.choice("variances", name, RATING_VARIANCES)
    _not_negative(**{f"variances[{name!r}]": value for name, value in given.items()})
    return {name: float(given.get(name, value)) for name, value in RATING_VARIANCES.items()}


def _touchpoints(touchpoints: int | Sequence[str], weights: Sequence[float] | None) -> tuple[list[str], np.ndarray]:
    if isinstance(touchpoints, int):
        _at_least(1, touchpoints=touchpoints)
        names = [f"touchpoint_{i}" for i in range(1, touchpoints + 1)]
    else:
        names = [touchpoints] if isinstance(touchpoints, str) else list(touchpoints)
    taken = {"respondent", "unit", "overall"}
    if not names or len(set(names)) < len(names) or taken & set(names):
        raise checks.InputError(
            f"touchpoints={names!r}: names must differ from each other and from respondent, unit and overall"
        )
    falling = np.arange(len(names), 0, -1.0)
    slopes = falling / falling.sum() if weights is None else _finite("weights", weights)
    if len(slopes) != len(names):
        raise checks.InputError(f"weights has {len(slopes)} numbers, but there are {len(names)} touchpoints")
    return names, slopes


def _numbered(letter: str, n: int) -> np.ndarray:
    """Return names such as C01 … C12: as many digits as the last one needs, so that they sort."""
    digits = len(str(n))
    return np.array([f"{letter}{i:0{digits}d}" for i in range(1, n + 1)], dtype=object)


def _finite(argument: str, values: Sequence[float]) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        array = np.array([math.nan])
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise checks.InputError(f"{argument}={values!r} must be a list of finite numbers, for example (0.4, 0.2)")
    return array


def _at_least(least: int, **sizes: Any) -> None:
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise checks.InputError(f"{name}={value!r} must be a whole number of at least {least}")


def _not_negative(**numbers: Any) -> None:
    for name, value in numbers.items():
        if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise checks.InputError(f"{name}={value!r} must be a finite number of at least 0")


def _share(**shares: Any) -> None:
    for name, value in shares.items():
        if not isinstance(value, int | float) or not 0 <= value < 1:
            raise checks.InputError(f"{name}={value!r} must be a share from 0 to below 1, for example 0.1")
