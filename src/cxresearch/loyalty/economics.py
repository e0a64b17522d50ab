"""What keeping a customer is worth: retention, lifetime value, break-even spend, and keeping against winning."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from cxresearch import checks, defaults
from cxresearch.loyalty import economics_notes
from cxresearch.loyalty.economics_curves import part
from cxresearch.loyalty.economics_ledger import Columns, Input, read
from cxresearch.loyalty.economics_quantities import Plan, Population, table
from cxresearch.loyalty.economics_results import RetentionValue
from cxresearch.loyalty.periods import STEPS, Step
from cxresearch.numerics import propagation
from cxresearch.result import Sample

if TYPE_CHECKING:
    import pandas as pd

Payment = Literal["start", "end"]
PAYMENTS: Final = get_args(Payment)
Amount = float | Sequence[float] | str
"""A number, (estimate, low, high), or the name of a column."""


def retention_value(
    data: "pd.DataFrame | None" = None,
    *,
    margin: Amount,
    discount: float,
    left: str | None = None,
    at_risk: str | None = None,
    retention: float | Sequence[float] | None = None,
    unit: str | None = None,
    period: str | None = None,
    tenure: str | None = None,
    tenures: int = 1,
    cluster: str | None = None,
    cost_to_keep: Amount | None = None,
    cost_to_win: Amount | None = None,
    won: str | None = None,
    ratio: float = 5.0,
    uplift: float | Sequence[float] | None = None,
    programme_cost: float | None = None,
    payment: Payment = "start",
    group: str | None = None,
    step: str = "auto",
    currency: str = "",
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> RetentionValue:
    """Estimate what a customer is worth, what may be spent on keeping one, and when winning a new one is cheaper.

    Decides how much a programme that keeps more customers may cost, and whether the rule of thumb that winning
    costs five times what keeping does favours it.

    Parameters
    ----------
    data : DataFrame, optional
        One row per customer and period at risk (the last one being the period in which the customer left); or one
        row per customer, for one period; or, with `at_risk`, one row per unit and period of counted customers.
        Left out where every number is given.
    margin : float, (float, float, float) or str
        Money earned on a customer in a period, before the cost of keeping: a number, (estimate, low, high), or a
        column (totals of the row, if it counts customers).
    discount : float
        Interest per period, as a share: 0.1 for 10 %.
    left : str, optional
        Column of 1 or yes for a customer who left by the end of the row's period, else 0 or no; with `at_risk`,
        how many left.
    at_risk : str, optional
        Column of customers at the start of the period; every row is one customer if left out.
    retention : float or (float, float, float), optional
        Share (0 to 1) of customers who stay for another period, or (estimate, low, high), instead of `left`.
    unit, period : str, optional
        Columns that name whose row it is and its period. A customer's rows may then go together, and rows after
        leaving are refused.
    tenure : str, optional
        Column of whole periods since the customer was won, 1 for the first.
    tenures : int
        Classes of tenure with a retention rate of their own; the last holds for ever after. Above 1, tenure
        comes from its column, or is counted from a customer's first row.
    cluster : str, optional
        Column of what may leave together, such as communities; `unit` by default. Without either, customers are
        taken to leave independently.
    cost_to_keep, cost_to_win : float, (float, float, float) or str, optional
        Money spent on serving and keeping a customer in a period, and on winning a customer once; as `margin`.
        Where only the first is known, winning is assumed to cost `ratio` times as much.
    won : str, optional
        Column of customers won by what the row's `cost_to_win` was spent on; 1 where it is stated, if left out.
    ratio : float
        The claim: cost to win over cost to keep for a period (L6 says five).
    uplift : float or (float, float, float), optional
        Points by which a programme raises retention, as a share: 0.03 for 3 more of every 100 customers.
    programme_cost : float, optional
        Money the programme costs per customer and period, for everyone, on top of `cost_to_keep`.
    payment : {"start", "end"}
        When the margin comes: at the start of a period, from everyone there, or at its end, from those who stayed.
        What is spent falls due at the start.
    group : str, optional
        Column of groups, such as communities, that `focus` may name.
    step : {"auto", "year", "quarter", "month", "week", "day"}
        Length of one period; for plain numbers, or without `period`, the name says what they count.
    currency : str
        Written after amounts.
    seed : int
        Scrambles the points at which several uncertain inputs are evaluated; one or none needs no seed.
    confidence : float
        Coverage probability of the intervals, and of those given.

    Returns
    -------
    RetentionValue
        ``table``: quantity, measure (what it is measured in), estimate, se, ci_low, ci_high, basis (data, given,
        assumed, computed), n (customer periods; customers won for the cost of winning). The quantities:

        - retention (share): those who stay for another period, over all classes of tenure.
        - expected_periods: of a customer from the first class on, the current period included, not discounted.
        - lifetime_value: of such a customer, after the cost of keeping, before the cost of winning.
        - remaining_value: mean over the customers at risk (only with several tenures).
        - value_of_one_point: what it gains if retention rises by one percentage point in every period.
        - margin, cost_to_keep, cost_to_win: as given or estimated.
        - cost_ratio: cost to win over cost to keep for one period.
        - net_value_of_winning: lifetime_value less cost_to_win.
        - break_even_spend: largest spend per customer and period at which `uplift` pays.
        - programme_gain: lifetime_value with the programme less without it.
        - break_even_uplift (points): the smallest that pays for `programme_cost`; infinite if none does.
        - cost_per_save: what the programme costs for each customer it keeps who would have left.
        - advantage_of_keeping: what a customer won costs beyond one saved, whose head start (a margin that comes at
          the end of the period, a later tenure) counts; below 0, winning is the cheaper way.
        - break_even_ratio: cost ratio above which that customer costs less than one won instead.
        - uplift_to_match_winning (points): the smallest uplift at which the programme keeps customers no more
          dearly than new ones are won; infinite if it exceeds all leavers.

        Quantities whose inputs are missing are left out.

    Raises
    ------
    InputError
        If there is neither or both of `left` and `retention`, a number lies out of range, a column is missing,
        not numeric or in two roles, a customer has two rows in a period or rows after leaving, more left than
        were there, or no row is left.

    Notes
    -----
    With retention r, discount d, margin m and cost c per period, the customer is worth ``(m - c) (1 + d) /
    (1 + d - r)`` if the margin comes at the start (less ``m`` if at the end); an uplift u is worth up to
    ``u (m - c) / (1 + d - r)`` per customer and period, either way. Several classes of tenure: the same series,
    summed backwards. Saving a customer costs ``programme_cost (1 + d) / uplift`` at the end of the period,
    since the programme is paid for everyone: with equal customers, keeping is cheaper only where winning
    costs more than that.

    Retention is left over at risk; its interval is Jeffreys' (beta posterior), with clusters on the effective
    number of customers (Korn and Graubard 1998). Costs and margins are ratios of totals with linearised errors,
    t with clusters - 1 degrees of freedom, on the log scale for costs; given intervals are normal to each side on
    the logit (retention), log (costs) or plain scale. Uncertainty goes through the formulas by quantiles over
    Sobol points that keep the inputs' correlation; with retention alone uncertain the intervals are exact images
    of its own. ``se`` is the standard deviation over these points.

    It cannot tell customers apart: if some leave easily and some never, a constant rate from a mixed base
    understates what the loyal are worth, and the intervals do not know (Fader and Hardie 2010; several tenures
    help in part). It takes rates, margins and costs to stay as they are, and those who vanish from the rows
    without leaving to be no different. A year that is bad for all is one draw, however many customers it has.
    Whether a programme caused an uplift is not its question. With few leavers intervals
    cover unevenly: where 2 to 5 leavers are expected 88 to 99 %, 5 to 10 at least 91 %, from 10 on at least 93 %
    (``data/evidence/economics.csv``).

    Validated against direct sums over the periods, statsmodels' Jeffreys interval and clustered errors, simulated
    customers with known truth, and finite differences.

    References
    ----------
    Gupta, S., & Lehmann, D. R. (2003). Customers as assets. Journal of Interactive Marketing, 17(1), 9-24.

    Blattberg, R. C., & Deighton, J. (1996). Manage marketing by the customer equity test.
    Harvard Business Review, 74(4), 136-144.

    Fader, P. S., & Hardie, B. G. S. (2010). Customer-base valuation in a contractual setting: The perils of
    ignoring heterogeneity. Marketing Science, 29, 85-93.

    Korn, E. L., & Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data. Survey Methodology, 24, 193-201.

    Examples
    --------
    >>> result = retention_value(
    ...     retention=(0.8, 0.75, 0.84), margin=100, cost_to_keep=40, discount=0.1, uplift=0.05, programme_cost=8
    ... )
    >>> names = ["lifetime_value", "break_even_spend", "cost_per_save", "break_even_ratio"]
    >>> result.table.set_index("quantity").loc[names, "estimate"].round(2).to_dict()
    {'lifetime_value': 220.0, 'break_even_spend': 10.0, 'cost_per_save': 176.0, 'break_even_ratio': 4.4}
    """
    checks.confidence(confidence)
    checks.choice("payment", payment, PAYMENTS)
    checks.choice("step", step, STEPS)
    _check_share("discount", discount, 0, 1)
    _check_number("ratio", ratio, above=0)
    if isinstance(tenures, bool) or not isinstance(tenures, int | np.integer) or tenures < 1:
        raise checks.InputError(f"tenures={tenures!r} must be a whole number from 1 upwards")
    _check_source(data, left, retention, tenures)
    amounts = {"margin": margin, "cost_to_keep": cost_to_keep, "cost_to_win": cost_to_win}
    columns = Columns(
        left=left, at_risk=at_risk, unit=unit, period=period, tenure=tenure, cluster=cluster, group=group, won=won,
        money={name: value for name, value in amounts.items() if isinstance(value, str)},
    )  # fmt: skip
    ledger = None
    if data is not None:
        ledger = read(data, columns, tenures=int(tenures), step=step, confidence=confidence)
    elif columns.by_role():
        role, name = next(iter(columns.by_role().items()))
        raise checks.InputError(f"{role}={name!r} names a column, but no data are given")
    given = {
        name: _given(name, value, confidence)
        for name, value in amounts.items()
        if value is not None or name == "margin"
    }
    if uplift is not None:
        given["uplift"] = _given("uplift", uplift, confidence)
    if programme_cost is not None:
        _check_number("programme_cost", programme_cost, above=0)
    plan = Plan(
        discount=float(discount),
        paid_at_end=payment == "end",
        programme_cost=None if programme_cost is None else float(programme_cost),
        ratio=float(ratio),
        assumed=cost_to_win is None and cost_to_keep is not None,
    )
    rate = Input(estimate=np.nan, basis="data") if retention is None else _given("retention", retention, confidence)
    who = Population(retention=(rate,), money=given, weights=np.ones(1))
    if ledger is not None:
        who = part(ledger, np.ones(ledger.sample.used, dtype=bool), who)
    return RetentionValue(
        table=table(who, plan, seed=seed, confidence=confidence),
        sample=Sample(0, 0) if ledger is None else ledger.sample,
        notes=economics_notes.notes(who, plan, ledger, tenure),
        confidence=confidence,
        population=who,
        plan=plan,
        step=ledger.step if ledger is not None else Step(unit="period" if step == "auto" else step),  # type: ignore[arg-type]
        currency=currency,
        seed=seed,
        unit=unit,
        group=group,
        ledger=ledger,
    )


def _check_source(data: "pd.DataFrame | None", left: str | None, retention: Any, tenures: int) -> None:
    if (left is None) == (retention is None):
        raise checks.InputError("give either left, a column of data, or retention, a share from 0 to 1")
    if left is not None and data is None:
        raise checks.InputError(f"left={left!r} names a column, but no data are given")
    if retention is not None and tenures > 1:
        raise checks.InputError("tenures above 1 need rates from data; a given retention is one rate for all")


def _given(name: str, value: Amount | None, confidence: float) -> Input:
    """Read a number or an interval; a column is filled in from the rows later."""
    if isinstance(value, str):
        return Input(estimate=np.nan, basis="data")
    scale: propagation.Scale = {"margin": "identity", "uplift": "identity", "retention": "logit"}.get(name, "log")  # type: ignore[assignment]
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        numbers = _triple(name, value)
        if scale == "log" and numbers[1] <= 0:
            raise checks.InputError(f"{name}={tuple(numbers)}: an interval of costs lies above 0")
        if scale == "logit" and not 0 < numbers[1] <= numbers[2] < 1:
            raise checks.InputError(
                f"{name}={tuple(numbers)}: the interval lies above 0 and below 1, say (0.8, 0.7, 0.9)"
            )
        if name == "uplift":
            _check_share(name, numbers[0], 0, 1, open_low=True)
            _check_share(name, numbers[1], -1, 1)
            _check_share(name, numbers[2], -1, 1)
        spread = propagation.stated(*numbers, confidence, scale) if numbers[1] < numbers[2] else None
        return Input(estimate=numbers[0], basis="given", quantile=spread)
    if name in ("retention", "uplift"):
        _check_share(name, value, 0, 1, open_low=name == "uplift")
    elif name == "margin":
        _check_number(name, value, above=-np.inf)
    else:
        _check_number(name, value, above=0, equal=True)
    return Input(estimate=float(value), basis="given")


def _triple(name: str, value: Any) -> tuple[float, float, float]:
    try:
        estimate, low, high = (float(number) for number in value)
    except (TypeError, ValueError):
        raise checks.InputError(
            f"{name}={value!r} must be a number, (estimate, low, high)"
            + (", or a column" if name not in ("retention", "uplift") else "")
        ) from None
    if not (np.isfinite([low, high]).all() and low <= estimate <= high):
        raise checks.InputError(f"{name}={value!r}: (estimate, low, high) must have the estimate between low and high")
    return estimate, low, high


def _check_share(name: str, value: Any, low: float, high: float, *, open_low: bool = False) -> None:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not low <= value <= high or (open_low and value == low):
        hint = f"; {value:g} % is {value / 100:g}" if number and 1 < value <= 100 else ""
        raise checks.InputError(
            f"{name}={value!r} must be a share {'above' if open_low else 'from'} {low:g} to {high:g}{hint}"
        )


def _check_number(name: str, value: Any, *, above: float, equal: bool = False) -> None:
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not np.isfinite(value) or value < above or (value == above and not equal):
        where = "" if np.isinf(above) else f" {'of at least' if equal else 'above'} {above:g}"
        raise checks.InputError(f"{name}={value!r} must be a finite number{where}")
