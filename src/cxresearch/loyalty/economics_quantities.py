"""What retention is worth, computed from inputs of which each may be uncertain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch.loyalty.economics_ledger import Input
from cxresearch.numerics import lifetime, propagation, ratios

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

MONEY, SHARE, POINTS, PERIODS, RATIO = "money", "share", "points", "periods", "times"
MEASURES: Final[dict[str, str]] = {
    "retention": SHARE,
    "expected_periods": PERIODS,
    "lifetime_value": MONEY,
    "remaining_value": MONEY,
    "value_of_one_point": MONEY,
    "margin": MONEY,
    "cost_to_keep": MONEY,
    "cost_to_win": MONEY,
    "cost_ratio": RATIO,
    "net_value_of_winning": MONEY,
    "break_even_spend": MONEY,
    "programme_gain": MONEY,
    "break_even_uplift": POINTS,
    "cost_per_save": MONEY,
    "advantage_of_keeping": MONEY,
    "break_even_ratio": RATIO,
    "uplift_to_match_winning": POINTS,
}
"""Every quantity of the table, in its order, and what it is measured in."""
INPUTS: Final = ("margin", "cost_to_keep", "cost_to_win", "uplift")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is taken as certain.

    Parameters
    ----------
    discount : float
        Interest per period.
    paid_at_end : bool
        The margin comes at the end of a period.
    programme_cost : float or None
        Spent per customer and period to keep more of them.
    ratio : float
        The claim's cost to win over cost to keep.
    assumed : bool
        The cost to win is not known, and taken to be `ratio` times the cost to keep.
    """

    discount: float
    paid_at_end: bool
    programme_cost: float | None
    ratio: float
    assumed: bool = False


@dataclass(frozen=True, kw_only=True)
class Population:
    """Some customers: their retention rates and money.

    Parameters
    ----------
    retention : tuple of Input
        One per class of tenure.
    money : dict of str to Input
        ``margin``, and whichever else of `INPUTS` is known.
    weights : array, shape (classes,)
        Share of the customers at risk in each class.
    """

    retention: tuple[Input, ...]
    money: Mapping[str, Input]
    weights: Floats

    @property
    def unknown(self) -> frozenset[str]:
        """Inputs from data whose uncertainty is not known."""
        rates = ["retention"] if any(rate.why for rate in self.retention) else []
        return frozenset([*rates, *(name for name, one in self.money.items() if one.why)])


Values = dict[str, Any]


@np.errstate(divide="ignore", invalid="ignore")  # what nobody leaves, or saves, is infinite or undefined
def quantities(values: Values, weights: Floats, plan: Plan) -> dict[str, Floats]:
    """Compute every quantity for which the inputs are there.

    Parameters
    ----------
    values : dict
        ``retention``: array, shape (..., classes); `INPUTS` by name: array_like, or absent.
    weights, plan
        As in `Population` and `Plan`.
    """
    if plan.assumed:
        values = values | {"cost_to_win": plan.ratio * values["cost_to_keep"]}
    rates, margin = values["retention"], values["margin"]
    keep = values.get("cost_to_keep", 0.0)
    profit = margin - keep
    begun = lifetime.starts(rates, plan.discount)

    def worth(periods: Floats) -> Floats:
        return lifetime.value(periods, margin, keep, paid_at_end=plan.paid_at_end)

    # adding a point shifts every class; the gain is what a manager can compare with its price
    one_more = lifetime.starts(lifetime.lifted(rates, 0.01), plan.discount)[..., 0]
    found: dict[str, Floats] = {
        "retention": rates @ weights,
        "expected_periods": expected_periods(rates),
        "lifetime_value": worth(begun[..., 0]),
        "value_of_one_point": lifetime.value(one_more - begun[..., 0], profit, 0.0, paid_at_end=False),
        **{name: np.asarray(values[name]) for name in INPUTS[:3] if name in values},
    }
    if len(weights) > 1:
        found["remaining_value"] = sum(w * worth(begun[..., t]) for t, w in enumerate(weights))
    if "cost_to_win" in values:
        found["net_value_of_winning"] = found["lifetime_value"] - values["cost_to_win"]
        if "cost_to_keep" in values and not plan.assumed:
            found["cost_ratio"] = np.divide(values["cost_to_win"], keep)
    return found | _programme(values, found, begun, profit, weights, plan)


def expected_periods(rates: Floats) -> Floats:
    """Return how many periods a customer of the first class stays, the current one included."""
    return lifetime.starts(rates)[..., 0]


def _programme(
    values: Values, found: Mapping[str, Floats], begun: Floats, profit: Any, weights: Floats, plan: Plan
) -> dict[str, Floats]:
    """Compute what concerns a programme that keeps more customers."""
    rates, spend, uplift = values["retention"], plan.programme_cost, values.get("uplift")
    answer: dict[str, Floats] = {}
    if uplift is not None:
        answer["break_even_spend"] = lifetime.largest_spend(rates, uplift, plan.discount, profit)
    if spend is None:
        return answer
    answer["break_even_uplift"] = lifetime.smallest_uplift(rates, spend, plan.discount, profit)
    # a saved customer begins the next period of the tenure reached; in the last class it goes on as it was
    later = np.concatenate([begun[..., 1:], begun[..., -1:]], axis=-1)
    advance = spend * (1 + plan.discount)
    if uplift is not None:
        after = lifetime.starts(lifetime.lifted(rates, uplift), plan.discount)[..., 0]
        answer["programme_gain"] = lifetime.value(after, profit, spend, paid_at_end=False) - lifetime.value(
            begun[..., 0], profit, 0.0, paid_at_end=False
        )
        saved = (lifetime.lifted(rates, uplift) - rates) * weights
        total = saved.sum(axis=-1)
        answer["cost_per_save"] = np.where(total > 0, advance / total, np.inf)
        # what a customer saved is worth beyond one won
        head_start = profit * (saved * later).sum(axis=-1) / total - found["lifetime_value"]
        matching = np.where(total > 0, answer["cost_per_save"] - head_start, np.inf)
        if "cost_to_win" in values:
            answer["advantage_of_keeping"] = values["cost_to_win"] - matching
        if "cost_to_keep" in values:
            answer["break_even_ratio"] = matching / values["cost_to_keep"]
    if "cost_to_win" in values:
        head_start = profit * (later @ weights) - found["lifetime_value"]
        needed = advance / (values["cost_to_win"] + head_start)
        leavers = (1 - rates) @ weights
        answer["uplift_to_match_winning"] = np.where((needed > 0) & (needed <= leavers), needed, np.inf)
    return answer


def draw(populations: Sequence[Population], *, seed: int) -> list[Values]:
    """Return each population's inputs at points that spread as their uncertainty does.

    Parameters
    ----------
    populations : sequence of Population
        Inputs that are the same object in several of them are drawn once, so that their uncertainty cancels
        from differences.
    seed : int
        As in `propagation.points`.

    Returns
    -------
    list of dict
        For each population: ``retention``, shape (POINTS, classes) or (classes,), and its money, shape (POINTS,)
        or (); the shorter shapes are of what is certain.
    """
    inputs: list[Input] = []
    for population in populations:
        for one in (*population.retention, *population.money.values()):
            if one.quantile is not None and not any(one is other for other in inputs):
                inputs.append(one)
    points = propagation.points(len(inputs), seed=seed, correlation=_correlation(inputs))
    drawn = {id(one): one.quantile(points[:, i]) for i, one in enumerate(inputs) if one.quantile is not None}

    def value(one: Input) -> Floats:
        return np.asarray(drawn.get(id(one), one.estimate))

    return [
        {name: value(one) for name, one in population.money.items()}
        | {"retention": np.stack(np.broadcast_arrays(*(value(rate) for rate in population.retention)), axis=-1)}
        for population in populations
    ]


def best(population: Population) -> Values:
    """Return the inputs' best values, as `draw` does their spread."""
    values: Values = {name: np.asarray(one.estimate) for name, one in population.money.items()}
    return values | {"retention": np.array([rate.estimate for rate in population.retention])}


def _correlation(inputs: Sequence[Input]) -> Floats | None:
    """Return the correlation of inputs' errors; inputs of which no rows are known go alone."""
    known = [i for i, one in enumerate(inputs) if one.influence is not None]
    if len(known) < 2:
        return None
    influence = np.column_stack([one.influence for i in known if (one := inputs[i]).influence is not None])
    covariance = ratios.covariance(influence, len(influence))
    spread_of = np.sqrt(np.diag(covariance))
    matrix = np.eye(len(inputs))
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix[np.ix_(known, known)] = np.nan_to_num(covariance / np.outer(spread_of, spread_of))
    np.fill_diagonal(matrix, 1.0)
    return matrix


def table(population: Population, plan: Plan, *, seed: int, confidence: float) -> "pd.DataFrame":
    """Lay out every quantity with its interval and what it rests on.

    Parameters
    ----------
    population, plan, seed
        As in `draw`.
    confidence : float
        Coverage probability of the intervals.
    """
    import pandas as pd

    (values,) = draw([population], seed=seed)
    estimates, draws = (quantities(some, population.weights, plan) for some in (best(population), values))
    rows = []
    for name, measure in MEASURES.items():
        if name not in estimates:
            continue
        se, low, high = interval(name, draws[name], population, confidence)
        if np.isfinite(low):
            low, high = _exact_limits(name, population, confidence) or (low, high)
        one = population.money.get(name)
        basis = one.basis if one else population.retention[0].basis if name == "retention" else "computed"
        if name == "cost_to_win" and one is None:
            basis = "assumed"
        n = one.n if one else sum(rate.n for rate in population.retention)
        rows.append((name, measure, float(estimates[name]), se, low, high, basis, n))
    return pd.DataFrame(rows, columns=["quantity", "measure", "estimate", "se", "ci_low", "ci_high", "basis", "n"])


def interval(name: str, drawn: Floats, population: Population, confidence: float) -> tuple[float, float, float]:
    """Return error and limits of a quantity; NaN where it rests on nothing uncertain, or on what is not known."""
    if drawn.ndim == 0 or rests_on(name) & population.unknown:
        return np.nan, np.nan, np.nan
    low, high = propagation.limits(drawn, confidence)
    if np.isfinite(drawn).all() and np.ptp(drawn) <= 1e-12 * np.abs(drawn).max():
        return np.nan, np.nan, np.nan  # the same at every point: it rests on what is certain
    se = float(drawn.std(ddof=1)) if np.isfinite(drawn).all() else np.nan
    return se, low, high


def _exact_limits(name: str, population: Population, confidence: float) -> tuple[float, float] | None:
    """Return the limits of what rests on one uncertain input alone, without points between; None otherwise."""
    ends = np.array([1 - confidence, 1 + confidence]) / 2
    if name == "cost_ratio":
        return _ratio_limits(population, confidence)
    one = population.money.get(name)
    if one is None and name in ("retention", "expected_periods") and len(population.retention) == 1:
        one = population.retention[0]
    if one is None or one.quantile is None:
        return None
    limits = one.quantile(ends)
    low, high = expected_periods(limits[:, None]) if name == "expected_periods" else limits
    return float(low), float(high)


def _ratio_limits(population: Population, confidence: float) -> tuple[float, float] | None:
    """Return the interval of the cost ratio where both costs come from rows: t on the log scale, linearised.

    Both costs may come from the same clusters, and one t has the right tails where two have not.
    """
    win, keep = (population.money[name] for name in ("cost_to_win", "cost_to_keep"))
    if win.influence is None or keep.influence is None or not (win.estimate and keep.estimate):
        return None
    clusters = min(win.clusters, keep.clusters)
    influence = win.influence / win.estimate - keep.influence / keep.estimate
    se = float(np.sqrt(ratios.covariance(influence[:, None], clusters)[0, 0]))
    ends = propagation.estimated(0.0, se, clusters - 1)(np.array([1 - confidence, 1 + confidence]) / 2)
    low, high = win.estimate / keep.estimate * np.exp(ends)
    return float(low), float(high)


def rests_on(name: str) -> frozenset[str]:
    """Return the inputs that a quantity rests on."""
    if name in INPUTS:
        return frozenset([name])
    if name in ("retention", "expected_periods"):
        return frozenset(["retention"])
    if name == "cost_ratio":
        return frozenset(["cost_to_win", "cost_to_keep"])
    if name in ("net_value_of_winning", "uplift_to_match_winning"):
        return frozenset(["retention", "margin", "cost_to_keep", "cost_to_win"])
    if name == "advantage_of_keeping":
        return frozenset(["retention", *INPUTS])
    earned = frozenset(["retention", "margin", "cost_to_keep"])
    programme = ("break_even_spend", "programme_gain", "cost_per_save", "break_even_ratio")
    return earned | {"uplift"} if name in programme else earned
