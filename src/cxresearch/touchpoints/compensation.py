"""Whether a good score at one touchpoint makes up for a poor one at another, or the weakest decides."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import checks, defaults
from cxresearch.language import Words, number, percent
from cxresearch.touchpoints import compensation_fit as fit
from cxresearch.touchpoints import driver_design, driver_names
from cxresearch.touchpoints.compensation_results import CEILING, Compensation
from cxresearch.touchpoints.driver_design import Design

if TYPE_CHECKING:
    import pandas as pd

LEVELS: Final = ("poor", "middle", "good")
_GRID: Final = 25
_FEW_CORNER: Final = 20
_NEARLY_ALWAYS: Final = 0.9


def compensation(
    data: "pd.DataFrame",
    *,
    outcome: str,
    first: str,
    second: str,
    covariates: Sequence[str] = (),
    good: float | None = None,
    poor: float | None = None,
    weight: str | None = None,
    count: str | None = None,
    unit: str | None = None,
    names: Mapping[Any, Any] | None = None,
    bootstraps: int = 1000,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> Compensation:
    """Tell whether a good score at one touchpoint makes up for a poor one at another.

    Decides whether a weak touchpoint may be left weak as long as another one is strong: whether good property service
    makes up for product quality that falls short, or good facilities for poor staff.

    Parameters
    ----------
    data : DataFrame
        One row per respondent, or per kind of respondent with `count`.
    outcome : str
        Column to explain, a number.
    first, second : str
        Touchpoints, numbers on one scale, higher being better: does the first make up for the second?
    covariates : list of str
        Other touchpoints to hold fixed: numbers, or categories.
    good : float, optional
        A good score of `first`; by default one standard deviation above its mean, the highest answer at most.
    poor : float, optional
        A poor score of `second`; by default one standard deviation below its mean, the lowest answer at least.
    weight, count, unit, names, seed, confidence
        As in `cxresearch.drivers`.
    bootstraps : int
        Bootstrap samples for the intervals; 0 for none.

    Returns
    -------
    Compensation
        ``table``: effect, estimate, ci_low, ci_high, if_adding, if_weakest (what the effect would be if the scores
        simply added up, or if only the lower one counted; NaN where the rule says nothing). Rows:
        ``cost``: points of outcome that go with the second being poor, the first in the middle;
        ``net``: points of outcome with the first good and the second poor, against both in the middle;
        ``slope_poor``, ``slope_good``: points of outcome per point of the first where the second is poor, and where
        it is as far above its mean;
        ``product``: by how much that slope changes per point of the second: below 0 the one softens the other's fall,
        above 0 each needs the other;
        ``weaker``: part of the effect of a common rise that works through the lower of the two scores: 0 if they add
        up, 1 if the weakest decides, below 0 if the strongest counts more.
        ``rivals``: model, slopes (how many), r2 (of predicting respondents, or units, that were left out), ahead (of
        "adds_up"), ahead_low, ahead_high.
        ``curves``: second ("poor", "middle", "good"), first, outcome, ci_low, ci_high: the fitted outcome.
        ``answer``: "makes_up" if the interval of ``net`` lies at 0 or above, "falls_short" if it lies below 0, "open"
        otherwise. ``pattern``: "adds_up" if the interval of ``weaker`` lies within ±0.25; else "weakest" if it lies
        above 0 and that of ``product`` not below 0, "softens" if it lies below 0 and that of ``product`` not above;
        "open" otherwise.

    Raises
    ------
    InputError
        If a column is missing, not numeric or used twice; a touchpoint or the outcome does not vary; the two
        touchpoints determine each other; `good` does not lie above the first's mean or `poor` not below the second's,
        or either outside the answers; there are fewer complete rows than columns and two.

    Notes
    -----
    The outcome is fitted by least squares on both scores, their squares, their product and the lower of them, so that
    each rule can show. ``product`` and ``weaker`` are each tested with the squares held fixed, since diminishing
    returns of single touchpoints otherwise pass for one rule or the other, and without one another, since they go
    together. Means, `good` and `poor` are held fixed in the bootstrap. In simulated surveys of 100
    rows and more the intervals of ``cost``, ``net`` and ``weaker`` hold in 93 to 95 %, those of slopes and ``product``
    in 92 to 95 % (``data/evidence/compensation.csv``); with 100 rows "adds_up" is never found, since the interval of
    ``weaker`` is too wide, and another rule is found by mistake in 6 %. Leads of rivals have intervals from the spread
    of the differences between their errors for what was left out.

    What it cannot tell: whether the first would make up for the second if someone raised it (respondents differ in
    more than these scores); whether softening is real where many answers stand at the top of the scale, which has no
    room for more; what happens beyond the scores that occur together. The lower of two scores means something only if
    a point of one is a point of the other.

    Validated against statsmodels' least squares, by closed forms of each rule, and by simulation with each rule true.

    References
    ----------
    Edwards & Parry (1993), Academy of Management Journal 36, 1577-1613 (response surfaces); Ganzach (1997),
    Psychological Methods 2, 235-247 (curvature and product); Einhorn (1970), Psychological Bulletin 73, 221-230
    (rules by which the weakest or the strongest decides).

    Examples
    --------
    >>> from cxresearch.data.simulate import responses
    >>> frame, truth = responses(units=10)
    >>> result = compensation(frame, outcome="overall", first="reception", second="repairs", bootstraps=200)
    >>> result.answer, result.pattern
    ('makes_up', 'adds_up')
    """
    checks.confidence(confidence)
    _check_draws(bootstraps)
    pair = [first, second]
    design = driver_design.read(
        data, outcome=outcome, drivers=[*pair, *_listed(covariates)], weight=weight, count=count, unit=unit,
        groups=None, family="linear", levels=None,
    )  # fmt: skip
    _refuse_pair(design)
    called = driver_names.read(names, [outcome, *design.names])
    points = _points(design, good, poor)
    surface = fit.Surface(design, points, bootstraps, seed)
    table = _table(surface, confidence)
    return Compensation(
        table=table, rivals=_rivals(design, points, confidence), curves=_curves(surface, confidence),
        sample=design.sample, notes=(*design.notes, *_notes(surface, table, called)), confidence=confidence,
        outcome=outcome, first=first, second=second, good=points.good, poor=points.poor,
        middle=(points.first, points.second), corner=_corner(design, points), at_top=_at_top(design),
        cases=design.cases, bootstraps=bootstraps, names=called,
    )  # fmt: skip


def _listed(covariates: Sequence[str]) -> list[str]:
    if isinstance(covariates, str):
        raise checks.InputError(f"covariates={covariates!r} must be a list of columns, for example [{covariates!r}]")
    return list(covariates)


def _check_draws(bootstraps: int) -> None:
    if isinstance(bootstraps, bool) or not isinstance(bootstraps, int) or bootstraps < 0 or 0 < bootstraps < 100:
        raise checks.InputError(f"bootstraps={bootstraps!r} must be 0 for none, or 100 and more; 1000 by habit")


def _refuse_pair(design: Design) -> None:
    for name, columns, mean in zip(design.names[:2], design.columns[:2], design.performance[:2], strict=True):
        if np.isnan(mean):
            raise checks.InputError(f"{name!r} is a category; scores are needed, as numbers")
        if not columns:
            raise checks.InputError(f"{name!r} is {mean:g} in every row used; whether it makes up for anything is open")
    corr = np.corrcoef(design.x[:, 0], design.x[:, 1])[0, 1]
    if 1 - corr**2 < 1e-10:
        raise checks.InputError(
            f"{design.names[0]!r} and {design.names[1]!r} determine each other, so they cannot be told apart"
        )


def _points(design: Design, good: float | None, poor: float | None) -> fit.Points:
    """Return where the scores are looked at, checked."""
    mass = design.mass / design.mass.sum()
    means, spreads = [], []
    for j in (0, 1):
        mean = float(mass @ design.x[:, j])
        means.append(mean)
        spreads.append(float(np.sqrt(mass @ (design.x[:, j] - mean) ** 2)))
    high, low = float(design.x[:, 0].max()), float(design.x[:, 1].min())
    up = min(means[0] + spreads[0], high) if good is None else _inside("good", good, means[0], high)
    down = max(means[1] - spreads[1], low) if poor is None else _inside("poor", poor, low, means[1])
    return fit.Points(first=means[0], second=means[1], good=up, poor=down, fine=2 * means[1] - down)


def _inside(argument: str, value: float, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value <= high:
        what = "mean and highest answer of the first" if argument == "good" else "lowest answer and mean of the second"
        raise checks.InputError(f"{argument}={value!r} must lie between the {what}, {low:g} and {high:g}")
    return float(value)


def _table(surface: fit.Surface, confidence: float) -> "pd.DataFrame":
    import pandas as pd

    value, draws = surface.effects(surface.whole), surface.effects(surface.draws)
    low, high = fit.interval(draws, surface.design, confidence)
    weaker = fit.EFFECTS.index("weaker")
    if len(draws) and not np.nanquantile(surface.rises(), (1 - confidence) / 2) > 0:
        # a part of an effect that may be none is no number
        value[weaker] = low[weaker] = high[weaker] = np.nan
    low, high = (np.where(np.isnan(value), np.nan, end) for end in (low, high))
    adding, weakest = surface.expected("adds_up"), surface.expected("weakest")
    return pd.DataFrame(
        {
            "effect": fit.EFFECTS,
            "estimate": value,
            "ci_low": low,
            "ci_high": high,
            "if_adding": [*adding, np.nan, np.nan, 0.0, 0.0],
            "if_weakest": [*weakest, np.nan, np.nan, np.nan, 1.0],
        }
    )


def _rivals(design: Design, points: fit.Points, confidence: float) -> "pd.DataFrame":
    import pandas as pd

    table = pd.DataFrame(
        fit.rivals(design, points, confidence), columns=["model", "slopes", "r2", "ahead", "ahead_low", "ahead_high"]
    )
    table.loc[table["model"] == "adds_up", ["ahead_low", "ahead_high"]] = np.nan
    return table


def _curves(surface: fit.Surface, confidence: float) -> "pd.DataFrame":
    import pandas as pd

    points, x = surface.points, surface.design.x
    ends = np.quantile(x[:, 0], [0.025, 0.975])
    grid = np.linspace(min(ends[0], points.first), max(ends[1], points.good), _GRID)
    parts = []
    for level, at in zip(LEVELS, (points.poor, points.second, points.fine), strict=True):
        second = np.full(_GRID, at)
        low, high = fit.interval(surface.levels(grid, second, surface.draws), surface.design, confidence)
        fitted = surface.levels(grid, second, surface.whole)
        parts.append(pd.DataFrame({"second": level, "first": grid, "outcome": fitted, "ci_low": low, "ci_high": high}))
    return pd.concat(parts, ignore_index=True)


def _corner(design: Design, points: fit.Points) -> int:
    """Return how many respondents stand at least halfway to good on the first and to poor on the second."""
    good = design.x[:, 0] >= (points.first + points.good) / 2
    poor = design.x[:, 1] <= (points.second + points.poor) / 2
    here = good & poor
    return int(here.sum() if design.count is None else design.count[here].sum())


def _at_top(design: Design) -> float:
    """Return the share of outcomes at the highest answer."""
    return float(design.mass[design.y == design.y.max()].sum() / design.mass.sum())


def _notes(surface: fit.Surface, table: "pd.DataFrame", names: Mapping[Any, Words]) -> list[Words]:
    design, points = surface.design, surface.points
    first, second = (driver_names.listed([name], names) for name in design.names[:2])
    corner = _corner(design, points)
    found = []
    if corner < _FEW_CORNER:
        found.append(
            Words(
                f"Only {corner} respondents score {first.en} well and {second.en} poorly. What is said of such people "
                "leans on the others and on the shape of the model.",
                f"只有 {corner} 名受访者“{first.zh}”得分好而“{second.zh}”得分差，对这类人的结论主要靠推算。",
            )
        )
    top = _at_top(design)
    if top >= CEILING:
        found.append(
            Words(
                f"{percent(top)} of the outcomes stand at the highest answer. Where there is no room for more, a good "
                "score seems to soften a poor one even if it does not.",
                f"{percent(top)} 的结果已是最高分。上方没有余地时，即使并无缓冲，看上去也像好的得分缓冲了差的得分。",
            )
        )
    lower = float(design.mass[design.x[:, 1] <= design.x[:, 0]].sum() / design.mass.sum())
    for name, share in ((second, lower), (first, 1 - lower)):
        if share > _NEARLY_ALWAYS:
            found.append(
                Words(
                    f"{name.en} is the lower of the two in {percent(share)} of the answers, so “the lower one decides” "
                    f"and “{name.en} decides” can hardly be told apart.",
                    f"在 {percent(share)} 的回答中“{name.zh}”都是较低的一个，“较低者决定”与“{name.zh}决定”难以区分。",
                )
            )
    if np.isnan(table["estimate"].iloc[-1]):
        found.append(_no_weaker(surface))
    width = len(surface.kept(fit.COLUMNS))
    if design.cases < 10 * width:
        found.append(
            Words(
                f"n = {number(design.cases, 0)} is little for {width} columns (rule of thumb: 10 per column).",
                f"n = {number(design.cases, 0)} 对 {width} 列来说太少（经验要求每列至少 10 个）。",
            )
        )
    return found


def _no_weaker(surface: fit.Surface) -> Words:
    if not surface.has(fit.LOWER):
        return Words(
            "The lower of the two scores is determined by the other columns, so its part is undefined.",
            "两个得分中的较低者可由其他列推出，其所占部分无定义。",
        )
    return Words(
        "A rise of both scores does not clearly go with a rise of the outcome, so no part of it can be given to the "
        "weaker one.",
        "两个得分同时提高时，结果未必明显提高，因此无法说明较弱者占多少。",
    )
