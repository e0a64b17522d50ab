"""A budget over touchpoints: where the next unit of money buys most, and how sure that is."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks, defaults
from cxresearch.language import Words
from cxresearch.numerics import allocation
from cxresearch.numerics.allocation import Returns, Shape
from cxresearch.touchpoints import driver_design, driver_estimates, driver_names
from cxresearch.touchpoints import drivers as study
from cxresearch.touchpoints.allocate_results import Allocation
from cxresearch.touchpoints.driver_design import Design
from cxresearch.touchpoints.driver_estimates import Estimates

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
PLANS: Final = ("best", "by_importance", "equal")
"""The plan that gains most by the estimates; money in proportion to importance; the same money for everyone."""
CURVE: Final = 21
"""Budgets of the curve: from none to twice the budget."""
_SPENT: Final = 0.01  # share of the budget from which a driver counts as funded


def allocate(
    data: "pd.DataFrame",
    *,
    outcome: str,
    drivers: Sequence[str],
    scale: tuple[float, float],
    budget: float,
    costs: Mapping[str, float] | float = 1.0,
    returns: Shape = "saturating",
    elasticity: float = 0.5,
    least: Mapping[str, float] | float = 0.0,
    most: Mapping[str, float] | float | None = None,
    weight: str | None = None,
    count: str | None = None,
    unit: str | None = None,
    names: Mapping[Any, Any] | None = None,
    money: str = "",
    step: float | None = None,
    bootstraps: int = 1000,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> Allocation:
    """Divide a budget over touchpoints so that the outcome gains most, and say what the next unit of money buys.

    Decides which touchpoints get money, how much, and whether a finer plan beats dividing the budget by importance
    or evenly, given how well a survey of this size knows what a point of each touchpoint is worth.

    Parameters
    ----------
    data, outcome, drivers, weight, count, unit, names, seed, confidence
        As in `cxresearch.drivers`; the outcome and all drivers are numbers.
    scale : (float, float)
        Lowest and highest answer to the drivers, all on one scale, higher being better. No score rises beyond it.
    budget : float
        Money to be divided, above 0, in the unit of `costs`.
    costs : mapping of driver to float, or float
        What it costs to lift the driver's mean score by its first point, at the price of the first bit of it. One
        number holds for all. This is the caller's knowledge: no survey tells it.
    returns : {"saturating", "power", "constant"}
        How further money lifts a score from p towards the top of the scale t, with c the cost and x the money.
        "saturating": by ``(t - p) (1 - exp(-x / (c (t - p))))``: each point is harder than the one before, and the
        top is never reached. "power": by ``(x / c) ** elasticity``. "constant": by ``x / c``, until the top.
    elasticity : float
        For "power", between 0 and 1: with 0.5, four times the money buys twice the points.
    least, most : mapping of driver to float, or float
        Bounds of the money for a driver; drivers that a mapping leaves out are free.
    money : str
        Name of the unit of money for sentences and figures, such as "k€".
    step : float, optional
        The next sum of money to be judged, above 0; by default a power of ten, a tenth of the budget or somewhat less.
    bootstraps : int
        Bootstrap samples for all that is uncertain; 0 for none.

    Returns
    -------
    Allocation
        ``table``, the largest sum first: driver; slope (points of outcome per point of the driver, the others held
        fixed), slope_low, slope_high; performance (mean score); cost; spend (the plan); spend_low, spend_high (over
        redrawn samples, each with its own best plan); funded (part of them in which the driver gets money: at least
        1 % of the budget); rise (points of the driver); gain (points of outcome), gain_low, gain_high; next_unit
        (points of outcome that `step` more money buys here, on top of the plan), next_low, next_high.
        ``plans``: plan ("best", "by_importance", "equal"), gain, optimism (see Notes), ci_low, ci_high; behind
        (gain less than that of "best"), behind_low, behind_high.
        ``curve``: budget, gain, next_unit: what each budget up to twice the given one gains if divided best.

    Raises
    ------
    InputError
        As in `cxresearch.drivers`; if the budget, a cost or a bound is no number in range, names a driver that is not
        there, or the least sums add up to more than the budget; if drivers determine each other, so that the worth of
        a point is undefined; if a driver is a category or lies outside the scale.

    Notes
    -----
    The gain of a plan is the sum over drivers of slope × rise, which is concave, so the plan is the optimum and no
    local one. A driver whose slope is zero or below gets the least sum.

    A plan that was chosen because its estimates are high gains less than they say. ``optimism`` is by how much, on
    average over the bootstrap: each sample chooses a plan of its own, and is held against the full sample. The
    intervals of gain and behind are those of the plan taken as given, with the lower end drawn down by the optimism:
    taken as given only, they hold in 6 of 10 surveys where touchpoints are worth the same; so they hold in 93 to 97 %
    (``data/evidence/allocate.csv``). Uncertain are slopes and scores, not costs and returns: vary these yourself.

    The gain is what regression slopes promise. They hold if association is effect and within the scores seen.
    Validated against scipy's ``minimize`` (SLSQP) and ``linprog``, and by simulation from known slopes.

    References
    ----------
    Bretthauer & Shetty (2002), European Journal of Operational Research 136, 23-49 (knapsacks with diminishing
    returns); Smith & Winkler (2006), Management Science 52, 311-322 (the optimizer's curse).

    Examples
    --------
    >>> from cxresearch.data.simulate import responses
    >>> frame, truth = responses(units=10)
    >>> result = allocate(
    ...     frame, outcome="overall", drivers=["cleaning", "security", "repairs"], scale=(0, 10), budget=3,
    ...     costs={"cleaning": 2, "security": 1, "repairs": 1}, bootstraps=200,
    ... )
    >>> result.table[["driver", "spend", "next_unit"]].round(2).to_dict("list")
    {'driver': ['security', 'cleaning', 'repairs'], 'spend': [1.32, 1.08, 0.6], 'next_unit': [0.02, 0.02, 0.02]}
    """
    study.check_options("lmg", "linear", bootstraps, confidence)
    checks.choice("returns", returns, allocation.SHAPES)
    low, high = driver_design.ends(scale)
    _check_money(budget, elasticity, step)
    step = 10.0 ** np.floor(np.log10(budget) - 1) if step is None else float(step)
    design = driver_design.read(
        data, outcome=outcome, drivers=drivers, weight=weight, count=count, unit=unit, groups=None, family="linear",
        levels=None,
    )  # fmt: skip
    driver_design.refuse_off_scale(design, (low, high))
    called = driver_names.read(names, [outcome, *design.names])
    each = {
        "cost": _of_each("costs", costs, design, 1.0, positive=True),
        "least": _of_each("least", least, design, 0.0),
        "most": _of_each("most", np.inf if most is None else most, design, np.inf),
    }
    _check_bounds(design, budget, each["least"], each["most"])
    estimates = study.estimate(
        design, "lmg" if len(design.varying) <= _EXACT else "johnson", "linear", bootstraps, seed
    )
    _refuse_undefined(design, estimates)
    terms = _Terms(design, estimates, budget=budget, step=step, top=high, shape=returns, elasticity=elasticity, **each)
    table = terms.table(confidence)
    return Allocation(
        table=table.sort_values(["spend", "next_unit"], ascending=False, kind="stable", ignore_index=True),
        plans=terms.plans(confidence), curve=terms.curve(), sample=design.sample,
        notes=(*design.notes, *_notes(design, estimates, bootstraps, costs, called)), confidence=confidence,
        outcome=outcome, budget=float(budget), step=step, money=money, returns=returns,
        cases=design.cases, bootstraps=bootstraps, names=called,
    )  # fmt: skip


_EXACT: Final = 14  # drivers up to which importance is LMG; Johnson's weights beyond, for speed


class _Terms:
    """The estimates and the caller's terms, and what follows from them; drivers that never vary are left out."""

    def __init__(
        self, design: Design, estimates: Estimates, *, budget: float, step: float, top: float, shape: str,
        elasticity: float, cost: Floats, least: Floats, most: Floats,
    ) -> None:  # fmt: skip
        self.design, self.estimates, self.budget, self.step = design, estimates, float(budget), step
        at = design.varying
        self.cost, self.least, self.most = cost[at], least[at], most[at]
        room, rooms = top - design.performance[at], top - estimates.performance_draws
        self.here = Returns(shape=shape, cost=self.cost, room=np.maximum(room, 0), elasticity=elasticity)
        self.drawn = Returns(shape=shape, cost=self.cost, room=np.maximum(rooms, 0), elasticity=elasticity)
        self._found: dict[tuple[str, bool], Floats] = {}

    def spending(self, plan: str, *, drawn: bool) -> Floats:
        """Return a plan by the estimates, or by each bootstrap sample."""
        if (plan, drawn) not in self._found:
            self._found[plan, drawn] = self._spending(plan, drawn=drawn)
        return self._found[plan, drawn]

    def _spending(self, plan: str, *, drawn: bool) -> Floats:
        worth, returns, importance = (
            (self.estimates.slope_draws, self.drawn, self.estimates.draws)
            if drawn
            else (self.estimates.slope, self.here, self.estimates.importance)
        )
        if plan == "best":
            return allocation.best(worth, returns, self.budget, self.least, self.most)
        shares = np.ones_like(worth) if plan == "equal" else np.maximum(importance, 0)
        return allocation.in_proportion(shares, self.budget, self.least, self.most)

    def gains(self, spend: Floats, *, drawn: bool) -> Floats:
        """Return what a plan gains at each driver, by the estimates or by the bootstrap samples."""
        if drawn:
            return np.asarray(self.estimates.slope_draws * self.drawn.rise(spend))
        return np.asarray(self.estimates.slope * self.here.rise(spend))

    def table(self, confidence: float) -> "pd.DataFrame":
        """Return a row per driver in the order given."""
        import pandas as pd

        spend, slope = self.spending("best", drawn=False), self.estimates.slope
        plans, draws = self.spending("best", drawn=True), self.estimates.slope_draws
        nothing = np.full(len(slope), np.nan)
        found = {"slope": slope} | self._ends("slope", draws, confidence)
        found |= {"performance": self.design.performance[self.design.varying], "cost": self.cost, "spend": spend}
        found |= self._ends("spend", plans, confidence)
        found["funded"] = (plans >= _SPENT * self.budget).mean(axis=0) if len(plans) else nothing
        found |= {"rise": self.here.rise(spend), "gain": self.gains(spend, drawn=False)}
        found |= self._ends("gain", self.gains(spend, drawn=True), confidence)
        found |= {"next_unit": slope * self._per_unit(self.here, spend)}
        found |= self._ends("next", draws * self._per_unit(self.drawn, spend), confidence)
        table = pd.DataFrame({"driver": list(self.design.names)})
        for name, values in found.items():
            table[name] = study.spread(values, self.design)
        return table

    def _per_unit(self, returns: Returns, spend: Floats) -> Floats:
        """Return the points that a further step buys; a whole one, since a first bit may pay without end."""
        return returns.rise(np.minimum(spend + self.step, np.maximum(self.most, spend))) - returns.rise(spend)

    def _ends(self, name: str, draws: Floats, confidence: float) -> dict[str, Floats]:
        low, high = driver_estimates.interval(draws, self.design, confidence)
        return {f"{name}_low": low, f"{name}_high": high}

    def plans(self, confidence: float) -> "pd.DataFrame":
        """Compare the best plan with simpler ones; the intervals allow for plans being chosen by the same survey."""
        import pandas as pd

        gain, draws, off = {}, {}, {}
        for plan in PLANS:
            spend, plans = self.spending(plan, drawn=False), self.spending(plan, drawn=True)
            gain[plan] = float(self.gains(spend, drawn=False).sum())
            draws[plan] = self.gains(spend, drawn=True).sum(axis=-1)
            # what a sample says of its own plan, less what the full sample says of that plan
            off[plan] = (self.gains(plans, drawn=True) - self.gains(plans, drawn=False)).sum(axis=-1)
        rows = []
        for plan in PLANS:
            optimism = float(off[plan].mean()) if len(off[plan]) else np.nan
            ends = self._lowered(draws[plan], off[plan], confidence)
            behind = (np.nan, np.nan)
            if plan != "best":
                behind = self._lowered(draws["best"] - draws[plan], off["best"] - off[plan], confidence)
            rows.append((plan, gain[plan], optimism, *ends, gain["best"] - gain[plan], *behind))
        columns = ["plan", "gain", "optimism", "ci_low", "ci_high", "behind", "behind_low", "behind_high"]
        return pd.DataFrame(rows, columns=columns)

    def _lowered(self, draws: Floats, off: Floats, confidence: float) -> tuple[float, float]:
        """Return the interval of draws for a fixed plan, its lower end drawn down by the mean optimism."""
        low, high = driver_estimates.interval(draws[:, None], self.design, confidence)
        return float(low[0]) - (max(0.0, float(off.mean())) if len(off) else 0.0), float(high[0])

    def curve(self) -> "pd.DataFrame":
        """Return what other budgets would gain."""
        import pandas as pd

        rows = []
        for budget in np.linspace(0, 2 * self.budget, CURVE):
            both = []
            for money in (budget, budget + self.step):
                if money < self.least.sum() or not money:
                    both.append(np.nan if money else 0.0)
                    continue
                spend = allocation.best(self.estimates.slope, self.here, money, self.least, self.most)
                both.append(float(self.gains(spend, drawn=False).sum()))
            rows.append((budget, both[0], both[1] - both[0]))
        return pd.DataFrame(rows, columns=["budget", "gain", "next_unit"])


def _check_money(budget: float, elasticity: float, step: float | None) -> None:
    for argument, sum_ in {"budget": budget, "step": 1.0 if step is None else step}.items():
        if isinstance(sum_, bool) or not isinstance(sum_, int | float) or not 0 < sum_ < float("inf"):
            raise checks.InputError(f"{argument}={sum_!r} must be an amount of money above 0")
    if isinstance(elasticity, bool) or not isinstance(elasticity, int | float) or not 0 < elasticity < 1:
        raise checks.InputError(f"elasticity={elasticity!r} must lie between 0 and 1; 1 is returns='constant'")


def _of_each(argument: str, given: Any, design: Design, default: float, *, positive: bool = False) -> Floats:
    """Return an amount of money for each driver."""
    if isinstance(given, Mapping):
        for name in given:
            if name not in design.names:
                near = checks.nearest(str(name), design.names)
                raise checks.InputError(f"{argument} names {name!r}, which is no driver{near}")
    amounts = {name: given.get(name, default) if isinstance(given, Mapping) else given for name in design.names}
    for name, amount in amounts.items():
        wrong = isinstance(amount, bool) or not isinstance(amount, int | float | np.number) or np.isnan(amount)
        if wrong or amount < 0 or (positive and (amount == 0 or np.isinf(amount))):
            want = "above 0" if positive else "0 or above"
            raise checks.InputError(f"{argument}: {name!r} → {amount!r}; it must be an amount of money {want}")
    return np.array([float(amount) for amount in amounts.values()])


def _check_bounds(design: Design, budget: float, least: Floats, most: Floats) -> None:
    wrong = [name for name, low, high in zip(design.names, least, most, strict=True) if low > high]
    if wrong:
        raise checks.InputError(f"least and most: {wrong[0]!r} must get more than it may")
    idle = [name for name, columns, low in zip(design.names, design.columns, least, strict=True) if low and not columns]
    if idle:
        raise checks.InputError(f"least: {idle[0]!r} never varies, so what money does there is unknown; leave it out")
    if least.sum() > budget:
        raise checks.InputError(f"least: the least sums add up to {least.sum():g}, more than the budget of {budget:g}")


def _refuse_undefined(design: Design, estimates: Estimates) -> None:
    if np.isnan(estimates.slope).any():
        _, inflation = study.collinearity(design)
        names = checks.listed(name for name, value in inflation.items() if np.isinf(value))
        raise checks.InputError(
            f"drivers: {names} determine each other (duplicates or sums), so what a point of each is worth is "
            "undefined; leave one of them out"
        )


def _notes(
    design: Design, estimates: Estimates, bootstraps: int, costs: Any, names: Mapping[Any, Words]
) -> list[Words]:
    found = []
    if not isinstance(costs, Mapping):
        found.append(
            Words(
                "The first point costs the same at every touchpoint here. Real costs differ, and change the plan: "
                "give them.",
                "这里假定每个接触点提高第一分的成本相同。实际成本各不相同，并会改变方案，请填入实际成本。",
            )
        )
    constant = [name for name, columns in zip(design.names, design.columns, strict=True) if not columns]
    if constant:
        who = driver_names.listed(constant, names)
        found.append(Words(f"{who.en}: never varies, so it gets no money.", f"{who.zh}：没有变化，因此不分配资金。"))
    if not (estimates.slope > 0).any():
        found.append(
            Words(
                "No driver has a slope above zero: money would gain nothing, and is left over.",
                "没有哪个因素的斜率大于零：投入不会带来提升，预算未使用。",
            )
        )
    if design.cases < 10 * design.x.shape[1]:
        found.append(
            Words(
                f"n = {design.cases} is little for {design.x.shape[1]} drivers: slopes are uncertain, and so is the "
                "plan.",
                f"n = {design.cases} 对 {design.x.shape[1]} 个因素来说太少：斜率不确定，方案也不确定。",
            )
        )
    if estimates.undefined:
        found.append(
            Words(
                f"{estimates.undefined} of {bootstraps} bootstrap samples are left out: a driver did not vary.",
                f"{bootstraps} 个自助样本中有 {estimates.undefined} 个未计入：某个因素没有变化。",
            )
        )
    return found
