"""What to mend first: importance against performance, with the uncertainty of both."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import permutations
from math import factorial
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks, defaults
from cxresearch.language import Words
from cxresearch.numerics import ranking
from cxresearch.touchpoints import driver_design, driver_estimates, driver_names
from cxresearch.touchpoints import drivers as study
from cxresearch.touchpoints.driver_design import Design
from cxresearch.touchpoints.driver_estimates import Estimates
from cxresearch.touchpoints.driver_results import Priorities

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Target = Literal["point", "best_quarter"]
TARGETS: Final = get_args(Target)
QUADRANTS: Final = ("concentrate_here", "keep_up", "low_priority", "possible_overkill")
"""Much weight and low score; much weight and high score; little and low; little and high (Martilla and James)."""

_EXACT: Final = 40_320  # permutations of 8 drivers: all are tried
_DRAWN: Final = 19_999  # permutations drawn where there are more


def priorities(
    data: "pd.DataFrame",
    *,
    outcome: str,
    drivers: Sequence[str],
    scale: tuple[float, float],
    weight: str | None = None,
    method: study.Method = "lmg",
    groups: Mapping[str, str] | None = None,
    count: str | None = None,
    unit: str | None = None,
    target: Target = "point",
    performance_cut: float | None = None,
    first: int = 3,
    names: Mapping[Any, Any] | None = None,
    bootstraps: int = 1000,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> Priorities:
    """Weigh each driver's importance against its score, and say what to mend first.

    Decides where the next effort goes: to touchpoints that matter much and score low, and how sure that choice is
    with these respondents. Tests whether the strongest drivers score lowest.

    Parameters
    ----------
    data, outcome, drivers, weight, method, groups, count, unit, names, seed, confidence
        As in `cxresearch.drivers`; the outcome and all drivers are numbers.
    scale : (float, float)
        Lowest and highest answer to the drivers, all on one scale, higher being better.
    target : {"point", "best_quarter"}
        What `headroom` is measured to: one point more (less, where the scale ends before), or what the best quarter
        of units reaches, which needs `unit`.
    performance_cut : float, optional
        Score below which a driver counts as low: a standard of one's own. By default the mean of the drivers' scores.
    first : int
        How many drivers can be mended first.
    bootstraps : int
        Bootstrap samples for all that is uncertain; 0 for none.

    Returns
    -------
    Priorities
        ``table``, first priority first: the columns of `cxresearch.drivers`, and
        performance_low, performance_high (interval of the mean), slope_low, slope_high;
        quadrant: "concentrate_here" (share at or above the equal share 1/k of k drivers, performance below the cut),
        "keep_up" (such a share, performance at or above the cut), "low_priority" (smaller share, below the cut),
        "possible_overkill" (smaller share, at or above it);
        quadrant_share: part of the bootstrap samples in which the driver falls into that same quadrant;
        opportunity: share × (top of the scale - performance) / (length of the scale);
        priority: "concentrate_here" comes first, and within and after it the larger opportunity;
        among_first: part of the bootstrap samples in which it is one of the `first` by priority;
        rise: points from performance to the target; headroom: slope × rise, the points of outcome that go with it;
        headroom_low, headroom_high.
        ``pattern``: do the strongest drivers score lowest? Row ``rank_correlation``: Spearman's, between share and
        performance over the drivers (-1: exactly so). Row ``overlap``: how many drivers are among the `first`
        strongest and the `first` lowest. Columns estimate, by_chance (expected if shares and scores had nothing to
        do with each other), ci_low, ci_high (bootstrap: other respondents, the same drivers), p_value (one-sided:
        chance of a pattern as strong if shares fell on drivers at random).

    Raises
    ------
    InputError
        As in `cxresearch.drivers`; if `scale` is not two rising numbers, a driver's mean lies outside it or a driver is
        a category; if ``target="best_quarter"`` comes without `unit` or with fewer than 4 units.

    Notes
    -----
    The best quarter of units: the upper quartile of the units' means, once these are drawn in to the spread that is
    left when chance is taken out (deviations times the root of each mean's reliability), or small units would set
    the target by luck. It is held fixed in the bootstrap.

    `quadrant_share` and `among_first` say how stable the answer is over redrawn respondents (redrawn units with
    `unit`); they are no probabilities that the answer is right, and a driver next to a cut line has some 50 %.
    Headroom is what a regression line gives: it holds if the association is the effect, and within the range of
    scores seen. The bootstrap interval of the rank correlation leans towards 0 where shares or scores lie close
    together (see ``data/evidence/drivers.csv``): it errs against a pattern, not for it. Importance is larger where
    answers spread more, as they often do for poor scores; that works towards the pattern.

    The importance-performance grid is Martilla and James's (1977), whose quadrants part at means or medians by eye.
    Validated by simulated surveys with known slopes and scores.

    References
    ----------
    Martilla & James (1977), Journal of Marketing 41, 77-79; Ghosh (1992), JASA 87, 533-540 (means drawn in).

    Examples
    --------
    >>> from cxresearch.data.simulate import responses
    >>> frame, truth = responses(units=10)
    >>> result = priorities(
    ...     frame, outcome="overall", drivers=["cleaning", "security", "repairs"], scale=(0, 10), bootstraps=200
    ... )
    >>> result.table[["driver", "quadrant"]].to_dict("list")
    {'driver': ['cleaning', 'repairs', 'security'],
     'quadrant': ['concentrate_here', 'low_priority', 'possible_overkill']}
    >>> result.table[["rise", "headroom"]].round(1).to_dict("list")
    {'rise': [1.0, 1.0, 1.0], 'headroom': [0.4, 0.2, 0.2]}
    """
    study.check_options(method, "linear", bootstraps, confidence)
    checks.choice("target", target, TARGETS)
    low, high = driver_design.ends(scale)
    _check_first(first, target, unit, performance_cut, (low, high))
    design = driver_design.read(
        data, outcome=outcome, drivers=drivers, weight=weight, count=count, unit=unit, groups=groups,
        family="linear", levels=None,
    )  # fmt: skip
    driver_design.refuse_off_scale(design, (low, high))
    called = driver_names.read(names, [outcome, *design.names])
    estimates = study.estimate(design, method, "linear", bootstraps, seed)
    condition, inflation = study.collinearity(design)
    first = min(first, len(design.varying))
    table = study.driver_table(design, estimates, confidence)
    share_cut = 1 / len(design.varying)
    cut = float(design.performance[design.varying].mean()) if performance_cut is None else float(performance_cut)
    found = _judged(design, estimates, (low, high), performance_cut, first)
    found |= _headroom(design, estimates, _reach(design, target), high, confidence)
    for name, values in found.items():
        table[name] = study.spread(values, design)
    table["quadrant"] = [QUADRANTS[int(code)] if code >= 0 else float("nan") for code in table["quadrant"]]
    table["priority"] = table["priority"].astype("Int64")
    return Priorities(
        table=table.sort_values("priority", kind="stable", na_position="last", ignore_index=True),
        pattern=_pattern(design, estimates, first, confidence, seed),
        sample=design.sample,
        notes=(
            *design.notes,
            *study.notes(
                design, estimates, condition=condition, inflation=inflation, family="linear", bootstraps=bootstraps,
                names=called,
            ),
            *_notes(design, estimates, called),
        ),
        confidence=confidence, outcome=outcome, family="linear", method=method, r2=estimates.r2, condition=condition,
        inflation=inflation, cases=design.cases, bootstraps=bootstraps,
        names=called,
        groups=None if design.groups is None else study.group_table(design, estimates, confidence),
        scale=(low, high), performance_cut=cut, share_cut=share_cut, first=first, target=target,
    )  # fmt: skip


def _check_first(
    first: int, target: str, unit: str | None, performance_cut: float | None, scale: tuple[float, float]
) -> None:
    if isinstance(first, bool) or not isinstance(first, int) or first < 1:
        raise checks.InputError(
            f"first={first!r} must be a whole number from 1 on: how many drivers can be mended first"
        )
    if target == "best_quarter" and unit is None:
        raise checks.InputError("target='best_quarter' compares units; name their column with unit=…")
    if performance_cut is not None and not scale[0] <= performance_cut <= scale[1]:
        raise checks.InputError(f"performance_cut={performance_cut!r} lies outside the scale {scale}")


def _judged(
    design: Design, estimates: Estimates, scale: tuple[float, float], performance_cut: float | None, first: int
) -> dict[str, Floats]:
    """Place each driver in its quadrant and in the order of mending, in the sample and in the bootstrap samples."""

    def judge(importance: Floats, performance: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
        share = driver_estimates.shares(importance)
        cut = performance.mean(axis=-1, keepdims=True) if performance_cut is None else performance_cut
        # rounding must not decide for a driver that lies on the line
        strong = share >= 1 / len(design.varying) - 1e-12
        quadrant = np.where(strong, 0, 2) + (performance >= cut - 1e-12)
        opportunity = share * (scale[1] - performance) / (scale[1] - scale[0])
        order = ranking.ranks(opportunity + (quadrant == 0))  # an opportunity never exceeds 1
        return np.where(np.isnan(share), -1, quadrant), opportunity, order

    quadrant, opportunity, priority = judge(estimates.importance, design.performance[design.varying])
    drawn, _, order = judge(estimates.draws, estimates.performance_draws)
    many = len(drawn) > 0
    nothing = np.full(len(quadrant), np.nan)
    return {
        "quadrant": quadrant.astype(float),
        "quadrant_share": (drawn == quadrant).mean(axis=0) if many else nothing,
        "opportunity": opportunity,
        "priority": priority,
        "among_first": (order <= first).mean(axis=0) if many else nothing,
    }


def _reach(design: Design, target: str) -> Floats | None:
    """Return what the best quarter of units reaches in each driver, chance taken out; None for one point more."""
    if target == "point" or design.unit is None:
        return None
    mass, units = design.mass, int(design.unit.max()) + 1
    if not 4 <= units < len(design.y):
        raise checks.InputError(
            f"target='best_quarter': {units} units in {len(design.y)} rows; at least 4 units are needed, and units "
            "with more than one row"
        )
    total = np.bincount(design.unit, mass)
    worth = total**2 / np.bincount(design.unit, mass**2 if design.count is None else design.weight**2 * design.count)
    reach = np.empty(len(design.varying))
    for k, j in enumerate(design.varying):
        values = design.x[:, design.columns[j][0]]
        means = np.bincount(design.unit, mass * values) / total
        inside = mass @ (values - means[design.unit]) ** 2 / mass.sum() * worth.sum() / (worth.sum() - units)
        between = max(0.0, float(means.var(ddof=1) - (inside / worth).mean()))
        noise = inside / worth
        pull = np.sqrt(np.divide(between, between + noise, out=np.zeros_like(noise), where=between + noise > 0))
        reach[k] = np.quantile(means.mean() + pull * (means - means.mean()), 0.75)
    return reach


def _headroom(
    design: Design, estimates: Estimates, reach: Floats | None, top: float, confidence: float
) -> dict[str, Floats]:
    def rise(performance: Floats) -> Floats:
        return np.minimum(1.0, top - performance) if reach is None else np.maximum(0.0, reach - performance)

    here = design.performance[design.varying]
    gains = estimates.slope_draws * rise(estimates.performance_draws)
    found = {"rise": rise(here), "headroom": estimates.slope * rise(here)}
    for name, draws in {
        "headroom": gains, "performance": estimates.performance_draws, "slope": estimates.slope_draws
    }.items():  # fmt: skip
        found[f"{name}_low"], found[f"{name}_high"] = driver_estimates.interval(draws, design, confidence)
    return found


def _pattern(design: Design, estimates: Estimates, first: int, confidence: float, seed: int) -> "pd.DataFrame":
    """Test whether the strongest drivers score lowest."""
    import pandas as pd
    from scipy import stats

    here = design.performance[design.varying]
    k = len(here)
    tail = (1 - confidence) / 2
    rows = []
    measures: dict[str, Callable[[Floats, Floats], Floats]] = {
        "rank_correlation": _rank_correlation,
        "overlap": partial(_overlap, first=first),
    }
    for statistic, measure in measures.items():
        possible = k >= 3 if statistic == "rank_correlation" else first < k
        value = float(measure(estimates.importance, here)) if possible and estimates.r2 > 1e-12 else np.nan
        drawn = measure(estimates.draws, estimates.performance_draws) if len(estimates.draws) else np.empty(0)
        known = not np.isnan(value) and drawn.size > 0
        low, high = np.nanquantile(drawn, [tail, 1 - tail]) if known else (np.nan, np.nan)
        if np.isnan(value):
            p_value = np.nan
        elif statistic == "overlap":
            p_value = float(stats.hypergeom.sf(value - 1, k, first, first))
        else:
            p_value = _chance_of(value, estimates.importance, here, seed)
        by_chance = 0.0 if statistic == "rank_correlation" else first**2 / k
        rows.append((statistic, value, by_chance, low, high, p_value))
    return pd.DataFrame(rows, columns=["statistic", "estimate", "by_chance", "ci_low", "ci_high", "p_value"])


def _rank_correlation(importance: Floats, performance: Floats) -> Floats:
    """Return Spearman's correlation along the last axis; NaN where one side is all tied."""
    from scipy import stats

    a, b = (stats.rankdata(np.round(v, 12), axis=-1) for v in (importance, performance))
    a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    length = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    return np.asarray((a * b).sum(axis=-1) / np.where(length > 0, length, np.nan))


def _overlap(importance: Floats, performance: Floats, *, first: int) -> Floats:
    """Return how many drivers are both among the strongest and among the lowest."""
    return np.asarray(
        ((ranking.ranks(importance) <= first) & (ranking.ranks(-performance) <= first)).sum(axis=-1), dtype=float
    )


def _chance_of(value: float, importance: Floats, performance: Floats, seed: int) -> float:
    """Return the chance of a rank correlation as low, if importances fell on drivers at random."""
    k = len(importance)
    if factorial(k) <= _EXACT:
        orders = np.array(list(permutations(range(k))))
        return float(
            (_rank_correlation(importance[orders], np.tile(performance, (len(orders), 1))) <= value + 1e-9).mean()
        )
    rng = np.random.default_rng(seed)
    orders = rng.permuted(np.tile(np.arange(k), (_DRAWN, 1)), axis=1)
    as_low = _rank_correlation(importance[orders], np.tile(performance, (_DRAWN, 1))) <= value + 1e-9
    return float((1 + as_low.sum()) / (1 + _DRAWN))


def _notes(design: Design, estimates: Estimates, names: Mapping[Any, Words]) -> list[Words]:
    found = []
    falling = [design.names[j] for j, slope in zip(design.varying, estimates.slope, strict=True) if slope < 0]
    if falling:
        who = driver_names.listed(falling, names)
        found.append(
            Words(
                f"{who.en}: with the other drivers held fixed, a higher score goes with a lower outcome, so "
                "headroom is negative. Often this is a sign of drivers too alike to be told apart.",
                f"{who.zh}：在其他驱动因素不变时，得分越高结果反而越低，因此提升空间为负。"
                "这往往说明几个驱动因素过于相似、难以区分。",
            )
        )
    if len(design.varying) < 3:
        found.append(
            Words(
                "With fewer than three drivers there is no pattern of importance and score to test.",
                "驱动因素不足三个，无法检验重要性与得分之间的规律。",
            )
        )
    return found
