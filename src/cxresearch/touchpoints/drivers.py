"""What drives satisfaction, and how surely one driver matters more than the next."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks, defaults
from cxresearch.language import Words, number
from cxresearch.numerics import moments, ranking, subsets
from cxresearch.touchpoints import driver_design, driver_estimates, driver_names
from cxresearch.touchpoints.driver_design import Design
from cxresearch.touchpoints.driver_estimates import Estimates
from cxresearch.touchpoints.driver_results import Drivers

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Method = Literal["lmg", "johnson"]
Family = Literal["linear", "binary", "ordinal"]
METHODS: Final = get_args(Method)
FAMILIES: Final = get_args(Family)

CLOSE: Final = 30.0
"""Condition number above which drivers are called nearly collinear: Belsley's rule of thumb."""
RANKS: Final = ("rank", "rank_low", "rank_high")
_PER_DRIVER: Final = 10


def drivers(
    data: "pd.DataFrame",
    *,
    outcome: str,
    drivers: Sequence[str],
    weight: str | None = None,
    method: Method = "lmg",
    groups: Mapping[str, str] | None = None,
    family: Family = "linear",
    levels: Sequence[Any] | None = None,
    count: str | None = None,
    unit: str | None = None,
    names: Mapping[Any, Any] | None = None,
    bootstraps: int = 0,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> Drivers:
    """Split what drivers explain of an outcome into a share for each of them.

    Decides which touchpoints go with overall satisfaction most, when the touchpoints' scores go together and a
    regression's coefficients depend on who else is in the model.

    Parameters
    ----------
    data : DataFrame
        One row per respondent, or per kind of respondent with `count`.
    outcome : str
        Column to explain: a number; two values for ``family="binary"``; ordered levels for "ordinal".
    drivers : list of str
        Columns that may explain it: numbers on any scale, or categories (text), whose indicators enter together.
    weight : str, optional
        Column of survey weights, 0 or above; rows without weight are dropped.
    method : {"lmg", "johnson"}
        "lmg": the gain in R² from a driver, averaged over all orders in which drivers can enter (Lindeman, Merenda
        and Gold; the same numbers as Shapley values of R² and as general dominance). "johnson": relative weights,
        close to LMG and fast for any number of drivers.
    groups : mapping of driver to group, optional
        Drivers that enter one right after the other, such as the touchpoints of a stage. A group is credited as one
        player, and its part is split over its drivers (Owen values). A driver without a group is its own.
    family : {"linear", "binary", "ordinal"}
        Kind of outcome. "binary" and "ordinal" refit a (cumulative) logit for every subset and split McFadden's
        pseudo-R², 1 - loglik / loglik without drivers.
    levels : list, optional
        Values of a binary or ordinal outcome from lowest to highest; needed if it is text without an order.
    count : str, optional
        Column that says how many respondents a row stands for (data given as a table of counts).
    unit : str, optional
        Column of the store, community, … a respondent belongs to. Bootstrap samples then redraw whole units, so that
        the intervals allow for respondents of a unit being alike.
    names : mapping, optional
        Readable names for sentences and figures: column → `Words`, pair (English, Chinese) or text. The table
        keeps the columns' own names.
    bootstraps : int
        Bootstrap samples for the intervals; 0 for none. 1,000 do; they take a second for 12 drivers.
    seed : int
        Seed of the bootstrap.
    confidence : float
        Coverage probability of the intervals.

    Returns
    -------
    Drivers
        ``table``, most important first: driver, group (with `groups`), importance (part of R²; they sum to it),
        share (of R², 0 to 1), ci_low, ci_high (of the share), rank, rank_low, rank_high, performance (weighted mean,
        in the driver's units; NaN for a category), slope (points of outcome, or log-odds of a higher level, per
        point of the driver with the others held fixed; NaN for a category). A driver that never varies has NaN.
        ``groups``: the same for groups. ``r2``, ``condition``, ``inflation``, ``sample``, ``notes``.

    Raises
    ------
    InputError
        If a column is missing, not numeric or used twice; a weight is negative; the outcome does not vary; there are
        fewer complete rows than columns and two; or there is more to compute than is sensible: "lmg" goes up to 30
        drivers (or to as many as groups allow), bootstraps with it to 2^31 subsets in all (1,000 samples of 21
        drivers), refitting to 8 drivers.

    Notes
    -----
    A row that lacks an answer to any driver is dropped (listwise), and counted. Intervals of shares are expanded
    percentile intervals (Hesterberg 2015). They hold the truth in 93 to 97 % of simulated surveys of 50 rows and more
    (``data/evidence/drivers.csv``), but not where a true share is zero or nearly so: a share cannot be negative, so its
    estimate and the whole interval lie above zero. Where rows of a unit are alike and `unit` is not given, they hold it
    in 71 %. Surveys of more than 50,000 rows are redrawn in 5,000 random packs of rows. Rank intervals follow from the
    differences between drivers that are larger than chance allows (Mogstad et al. 2024); they also hold among equals,
    and are wide.

    Importance is what goes with the outcome in these data, not what would change it: common causes, halo, and the
    outcome working back on the scores all count. A driver on which everyone is equally served has little spread, and
    so little importance, however much it matters. Duplicated drivers share the credit of one.

    Validated against R's relaimpo (lmg) and relativeImp (Johnson) on ``swiss`` to 1e-8, MASS's polr on ``housing``,
    pingouin's ``linear_regression(relimp=True)`` and least squares on every subset.

    References
    ----------
    Grömping (2007), American Statistician 61, 139-147; Johnson (2000), Multivariate Behavioral Research 35, 1-19;
    Azen & Budescu (2003), Psychological Methods 8, 129-148; Azen & Traxel (2009), Journal of Educational and
    Behavioral Statistics 34, 319-347 (pseudo-R²); Owen (1977), in Mathematical Economics and Game Theory, 76-88.

    Examples
    --------
    >>> from cxresearch.data.simulate import responses
    >>> frame, truth = responses(units=10)
    >>> result = drivers(frame, outcome="overall", drivers=["cleaning", "security", "repairs"])
    >>> result.table[["driver", "share", "rank"]].round(2).to_dict("list")
    {'driver': ['cleaning', 'security', 'repairs'], 'share': [0.45, 0.28, 0.27], 'rank': [1, 2, 3]}
    """
    check_options(method, family, bootstraps, confidence)
    design = driver_design.read(
        data, outcome=outcome, drivers=drivers, weight=weight, count=count, unit=unit, groups=groups,
        family=family, levels=levels,
    )  # fmt: skip
    estimates = estimate(design, method, family, bootstraps, seed)
    called = driver_names.read(names, [outcome, *design.names])
    condition, inflation = collinearity(design)
    table = driver_table(design, estimates, confidence)
    return Drivers(
        table=table.sort_values("rank", kind="stable", na_position="last", ignore_index=True),
        sample=design.sample,
        notes=(
            *design.notes,
            *notes(
                design,
                estimates,
                condition=condition,
                inflation=inflation,
                family=family,
                bootstraps=bootstraps,
                names=called,
            ),
        ),
        confidence=confidence,
        outcome=outcome,
        family=family,
        method=method,
        r2=estimates.r2,
        condition=condition,
        inflation=inflation,
        cases=design.cases,
        bootstraps=bootstraps,
        names=called,
        groups=None if design.groups is None else group_table(design, estimates, confidence),
    )


def check_options(method: str, family: str, bootstraps: int, confidence: float) -> None:
    """Refuse options that are unknown or do not go together."""
    if method in {"dominance", "general_dominance", "shapley"}:
        raise checks.InputError(f"method={method!r}: general dominance and Shapley values of R² are LMG; use 'lmg'")
    checks.choice("method", method, METHODS)
    checks.choice("family", family, FAMILIES)
    checks.confidence(confidence)
    if isinstance(bootstraps, bool) or not isinstance(bootstraps, int) or bootstraps < 0:
        raise checks.InputError(f"bootstraps={bootstraps!r} must be a whole number, 0 for none or, say, 1000")
    if 0 < bootstraps < 100:
        raise checks.InputError(f"bootstraps={bootstraps} is too few for an interval; 100 at least, 1000 by habit")
    if method == "johnson" and family != "linear":
        raise checks.InputError(f"method='johnson' splits the R² of a linear model; family={family!r} needs 'lmg'")


def estimate(design: Design, method: str, family: str, bootstraps: int, seed: int) -> Estimates:
    """Estimate importances and their bootstrap draws."""
    if method == "johnson":
        if design.groups is not None:
            raise checks.InputError("groups: drivers enter together in 'lmg' only; Johnson's weights simply add up")
        if any(len(columns) > 1 for columns in design.columns):
            name = next(n for n, c in zip(design.names, design.columns, strict=True) if len(c) > 1)
            raise checks.InputError(
                f"drivers={name!r} is a category; its indicators enter together in method='lmg' only"
            )
    if family == "linear":
        return driver_estimates.linear(design, method, bootstraps, seed)
    return driver_estimates.fitted(design, bootstraps, seed)


def driver_table(design: Design, estimates: Estimates, confidence: float) -> "pd.DataFrame":
    """Return a row per driver in the order given; drivers that never vary stay NaN."""
    import pandas as pd

    columns = {"driver": list(design.names)}
    if design.groups is not None:
        columns["group"] = list(design.groups)
    found = _columns(design, estimates.importance, estimates.draws, confidence)
    found["slope"] = estimates.slope
    table = pd.DataFrame(columns)
    for name, values in found.items():
        table[name] = spread(values, design)
    table = table.astype(dict.fromkeys(RANKS, "Int64"))
    table.insert(table.columns.get_loc("slope"), "performance", design.performance)  # type: ignore[arg-type]
    return table


def group_table(design: Design, estimates: Estimates, confidence: float) -> "pd.DataFrame":
    """Return a row per group, the most important first."""
    import pandas as pd

    grouping = design.grouping
    found = _columns(design, estimates.group_importance, estimates.group_draws, confidence)
    table = pd.DataFrame({"group": [g for g, _ in grouping], "drivers": [len(m) for _, m in grouping], **found})
    table = table.astype(dict.fromkeys(RANKS, "Int64"))
    return table.sort_values("rank", kind="stable", ignore_index=True)


def _columns(design: Design, importance: Floats, draws: Floats, confidence: float) -> dict[str, Floats]:
    share, drawn = driver_estimates.shares(importance), driver_estimates.shares(draws)
    low, high = driver_estimates.interval(drawn, design, confidence)
    # shares rank as importances do, and R², which moves all of them alike, blurs them less
    rank_low, rank_high = driver_estimates.rank_interval(share, drawn, design, confidence)
    return {
        "importance": importance, "share": share, "ci_low": low, "ci_high": high,
        "rank": ranking.ranks(share), "rank_low": rank_low, "rank_high": rank_high,
    }  # fmt: skip


def spread(values: Floats, design: Design) -> Floats:
    """Put the values of the drivers that vary in their places among all."""
    out = np.full(len(design.names), np.nan)
    out[design.varying] = values
    return out


def collinearity(design: Design) -> tuple[float, dict[str, float]]:
    """Return the condition number of the drivers, and the variance inflation of each."""
    corr = moments.moments(design.x, design.mass).correlation
    condition, inflation = subsets.collinearity(corr)
    return condition, {
        name: float(max(inflation[list(columns)])) if columns else float("nan")
        for name, columns in zip(design.names, design.columns, strict=True)
    }


def notes(
    design: Design,
    estimates: Estimates,
    *,
    condition: float,
    inflation: dict[str, float],
    family: str,
    bootstraps: int,
    names: Mapping[Any, Words],
) -> list[Words]:
    """Say what a reader must know before using the numbers."""
    found = []
    constant = [name for name, columns in zip(design.names, design.columns, strict=True) if not columns]
    if constant:
        who = driver_names.listed(constant, names)
        found.append(
            Words(
                f"{who.en}: the same answer in every row used, so nothing can be said about importance.",
                f"{who.zh}：所用的每一行回答都相同，无法判断重要性。",
            )
        )
    determined = [name for name, value in inflation.items() if np.isinf(value)]
    if determined:
        who = driver_names.listed(determined, names)
        found.append(
            Words(
                f"{who.en} determine each other (duplicates or sums): they share one credit between them, and their "
                "slopes are undefined.",
                f"{who.zh} 可以互相推算（重复或相加得到）：它们平分同一份贡献，斜率没有定义。",
            )
        )
    elif condition > CLOSE:
        who = driver_names.listed(sorted(inflation, key=lambda name: -inflation[name])[:3], names)
        found.append(
            Words(
                f"The drivers are nearly collinear (condition number {number(condition, 0)}; above {CLOSE:.0f} by "
                f"rule of thumb), most of all {who.en}: how credit is split between them hangs on few answers.",
                f"驱动因素近乎共线（条件数 {number(condition, 0)}，经验界限为 {CLOSE:.0f}），尤其是 {who.zh}："
                "它们之间如何分配贡献只取决于少数回答。",
            )
        )
    if design.cases < _PER_DRIVER * design.x.shape[1]:
        found.append(
            Words(
                f"n = {design.cases} is little for {design.x.shape[1]} columns: R² flatters, and shares are drawn "
                f"towards equality (rule of thumb: {_PER_DRIVER} per column).",
                f"n = {design.cases} 对 {design.x.shape[1]} 列来说太少：R² 偏高，各占比被拉向相等"
                f"（经验要求每列至少 {_PER_DRIVER} 个）。",
            )
        )
    if not estimates.r2 > 1e-12:
        found.append(
            Words(
                "The drivers explain nothing of the outcome, so shares are undefined.",
                "驱动因素完全不能解释结果变量，占比没有定义。",
            )
        )
    if family != "linear":
        found.append(
            Words(
                "R² is McFadden's pseudo-R² of a logit; it is smaller than an R² of least squares would be.",
                "R² 为 Logit 模型的 McFadden 伪 R²，数值低于最小二乘的 R²。",
            )
        )
    if estimates.separated:
        found.append(
            Words(
                "Some drivers tell the levels of the outcome apart without error, so slopes grow without end.",
                "部分驱动因素能毫无差错地区分结果的各个等级，斜率趋于无穷。",
            )
        )
    if estimates.undefined:
        found.append(
            Words(
                f"{estimates.undefined} of {bootstraps} bootstrap samples are left out: a driver or the outcome did "
                "not vary in them.",
                f"{bootstraps} 个自助样本中有 {estimates.undefined} 个未计入：其中某个驱动因素或结果变量没有变化。",
            )
        )
    return found
