"""Moments of truth: how many a day brings, where they fail, and what still reaches the customer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cxresearch import checks, defaults
from cxresearch.language import Words, number
from cxresearch.touchpoints import moments_blueprint, moments_tables
from cxresearch.touchpoints.moments_blueprint import Blueprint
from cxresearch.touchpoints.moments_results import MomentsOfTruth
from cxresearch.touchpoints.moments_tables import House

if TYPE_CHECKING:
    import pandas as pd


def moments_of_truth(
    blueprint: "pd.DataFrame | None" = None,
    *,
    moment: str = "moment",
    step: str | None = None,
    role: str | None = None,
    stage: str | None = None,
    tool: str | None = None,
    failure: "str | float" = 0.01,
    recovery: "str | float" = 0.5,
    observed: str | None = None,
    weight: str | None = None,
    group: str | None = None,
    groups: "Mapping[Any, Any] | None" = None,
    moments: int = 39,
    rooms: float = 200,
    occupancy: float = 0.6,
    guests_per_room: float = 1.0,
    nights: float = 1.0,
    customers: float | None = None,
    days: float = 365,
    target: float | None = None,
    recovery_cost: float | None = None,
    names: "Mapping[Any, tuple[str, str]] | None" = None,
    confidence: float = defaults.CONFIDENCE,
) -> MomentsOfTruth:
    """Count moments of truth, what goes wrong in them, and what the next moment makes good again.

    Decides how many chances to disappoint a day holds, which step of a service to mend first, and how rare failures
    must be for most customers never to meet one.

    Parameters
    ----------
    blueprint : DataFrame, optional
        One row per step of the service, in the order in which customers come to it. Without one, `moments` moments
        that are all alike.
    moment : str
        Column that names the moment a step belongs to. Rows of a moment stand together; a name that comes back later is
        one more moment.
    step, role, tool : str, optional
        Columns of what is done, by whom, and with what.
    stage : str, optional
        Column of "front" and "back" (stage; 前台 and 后台). All steps are on the front stage by default.
    failure : str or float
        Chance, 0 to 1, that a step fails for a customer: a column, or one number for all. An assumption unless it was
        measured.
    recovery : str or float
        Chance, 0 to 1, that the next moment makes a failure good if it goes well itself: a column, or one number.
    observed : str, optional
        Column of how often each step was watched to find its chance of failure; gives the answers an interval.
    weight : str, optional
        Column of how much a moment moves perception (a number above 0, such as a share from `cxresearch.drivers`).
    group : str, optional
        Column of the stage, phase, P, … of a moment.
    groups : mapping of moment to group, optional
        The same as a mapping, for moments by name; instead of `group`.
    moments : int
        Moments of a stay where there is no blueprint; 39 in a hotel, as the documents count.
    rooms, occupancy, guests_per_room, nights : float
        Rooms; share of them that is occupied; guests in an occupied room; nights of a stay. A stay has all moments of
        the blueprint once, so that longer stays make fewer contacts a day.
    customers : float, optional
        Customers a day who go through all moments, in place of the four above.
    days : float
        Days of operation in a year.
    target : float, optional
        Share of customers, 0 to 1, who may meet a failure at all: gives each moment the chance of failure it needs.
    recovery_cost : float, optional
        Money spent on trying to make one failure good.
    names : mapping of label to (English, Chinese), optional
        Readable names of moments, roles, tools and groups.
    confidence : float
        Coverage probability of the intervals.

    Returns
    -------
    MomentsOfTruth
        ``table``: quantity, per_customer, per_day, per_year, ci_low, ci_high (of per_day; NaN without `observed`). Rows
        customers (stays that begin), contacts, failures (moments that go wrong for a customer), from_back_stage
        (failed steps that began back stage, as customers meet them), customers_failed (who meet a failure), attempts
        (failures that have a next moment), made_good, lasting (failures never made good), customers_lasting (who leave
        with one), recovery_cost (money).
        ``moments``, in their order: order, moment, group, failure (chance), from_back (share of its failed steps that
        began back stage), recovery (chance that its failure is made good if the next moment goes well), lasting
        (chance that it fails and is not made good), failures_per_day, lasting_per_day, share (of all failures),
        spared_per_day (customers who would no longer leave with a lasting failure if this moment never failed); with
        `weight` weight, harm (lasting per customer × weight) and harm_share; with `target` needed (chance of failure it
        may have) and gap (failure - needed).
        ``steps``: order, moment, step, role, stage, tool, failure, recovery, met_at (moment; missing if customers never
        meet it), failures_per_day, share.
        ``by(column)``, ``sensitivity(quantity)``, ``check(simulated)``.

    Raises
    ------
    InputError
        If a column is missing, a chance lies outside 0 to 1, a size is not positive, or a stage is neither front nor
        back.

    Notes
    -----
    customers = rooms × occupancy × guests_per_room / nights; contacts = customers × moments. The documents count one
    guest per room and all 39 moments for every occupied room every day: 200 × 60 % × 39 = 4,680.

    Steps fail independently of each other. A step that fails back stage is met at its moment's front stage, or at that
    of the next moment that has one. A failure is made good only at the next moment, and only if that one goes well
    itself; the last moment has none (claim T6). With p_k the chance that moment k fails, 1 - Π(1 - p_k) of the
    customers meet a failure; who leaves with a lasting one follows from a chain over the moments. Failures that come
    together, on bad days or to difficult guests, leave the counts as they are, and strike fewer guests, more often.

    With `observed`, the interval is that of the sum of all chances (Fay and Feuer 1997), which is somewhat long: it
    held the truth in 95 to 99.8 % of simulated records (``data/evidence/moments_of_truth.csv``). The other rows are
    computed with all chances moved up or down together. Chances of recovery count as known.

    With `target`, failures are shared out so that every moment does the same harm: -log(1 - needed) in proportion to
    1 / weight.

    Validated against drawn guests (`cxresearch.simulate.stays`), by `check`, and by listing every course of a short
    sequence.

    References
    ----------
    Shostack (1984), Harvard Business Review 62(1), 133-139 (blueprints); Fay & Feuer (1997), Statistics in Medicine 16,
    791-801.

    Examples
    --------
    >>> result = moments_of_truth(failure=0.01, recovery=0.5)
    >>> result.table.loc[1, ["quantity", "per_day", "per_year"]].to_dict()
    {'quantity': 'contacts', 'per_day': 4680.0, 'per_year': 1708200.0}
    >>> round(float(result.row("customers_failed")["per_customer"]), 3)
    0.324
    """
    checks.confidence(confidence)
    house = House(
        rooms=rooms, occupancy=occupancy, guests_per_room=guests_per_room, nights=nights, customers=customers, days=days
    )
    house.check()
    _check(target, recovery_cost, group, groups)
    if blueprint is None:
        _refuse_columns(stage=stage, step=step, role=role, tool=tool, observed=observed, weight=weight, group=group)
        read = moments_blueprint.alike(moments, failure, recovery)
    else:
        read = moments_blueprint.read(
            blueprint, moment=moment, step=step, role=role, stage=stage, tool=tool, failure=failure, recovery=recovery,
            observed=observed, weight=weight, group=group,
        )  # fmt: skip
    read = moments_tables.grouped(read, groups)
    return MomentsOfTruth(
        table=moments_tables.quantities(read, house, recovery_cost, confidence),
        moments=moments_tables.moments(read, house, target),
        steps=moments_tables.steps(read, house),
        curve=moments_tables.curve(read),
        sample=read.sample,
        notes=_notes(read, house, target),
        confidence=confidence,
        blueprint=read,
        house=house,
        assumed=tuple(
            name for name, value in (("failure", failure), ("recovery", recovery)) if isinstance(value, float | int)
        ),
        recovery_cost=recovery_cost,
        target=target,
        names={} if names is None else dict(names),
    )


def _check(target: Any, recovery_cost: Any, group: str | None, groups: Any) -> None:
    if target is not None and (isinstance(target, bool) or not isinstance(target, int | float) or not 0 < target < 1):
        raise checks.InputError(f"target={target!r} must be a share between 0 and 1, for example 0.1")
    if recovery_cost is not None and (
        isinstance(recovery_cost, bool) or not isinstance(recovery_cost, int | float) or not 0 <= recovery_cost < 1e15
    ):
        raise checks.InputError(f"recovery_cost={recovery_cost!r} must be an amount of money, 0 or above")
    if group is not None and groups is not None:
        raise checks.InputError("group and groups say the same twice: give a column, or a mapping")
    if groups is not None and not isinstance(groups, Mapping):
        raise checks.InputError(f"groups must map moments to groups, not be a {type(groups).__name__}")


def _refuse_columns(**columns: str | None) -> None:
    for name, value in columns.items():
        if value is not None:
            raise checks.InputError(f"{name}={value!r} names a column, but there is no blueprint")


def _notes(read: Blueprint, house: House, target: float | None) -> tuple[Words, ...]:
    found = [
        Words(
            "Steps fail independently of each other here. Where failures come together, on bad days or to some guests, "
            "as many occur, but fewer guests meet them, and more often.",
            "这里假定各步骤的失误互不相关。若失误集中发生（例如赶上忙乱的一天，或集中在某些客人身上），"
            "失误总数不变，但遇到失误的客人更少、次数更多。",
        ),
        Words(
            "A failure can be made good at the next moment only, if that one goes well itself. The last moment has no "
            "next one: what fails there stays.",
            "失误只能在下一个关键时刻补救，而且下一个时刻本身不能出错。最后一个时刻之后没有机会，失误无法挽回。",
        ),
    ]
    if read.observed is None:
        found.append(
            Words(
                "No interval: chances of failure are taken as known. Name the column of how often each step was "
                "watched in observed.",
                "没有区间：失误概率按已知处理。若有每个步骤的观察次数，请写入 observed。",
            )
        )
    hidden = int((read.met < 0).sum())
    if hidden:
        found.append(
            Words(
                f"{hidden} back-stage steps come after the last front stage: customers never meet their failures.",
                f"有 {hidden} 个后台步骤排在最后一个前台时刻之后，客户不会遇到其失误。",
            )
        )
    if house.customers is None and (house.guests_per_room, house.nights) == (1.0, 1.0):
        found.append(
            Words(
                "Counted as in the documents: one guest per room, and all moments for every occupied room every day.",
                "与原文算法一致：每间客房一位客人，每间入住客房每天经历全部关键时刻。",
            )
        )
    if target is not None:
        needed = Words("weighted", "按权重") if read.weight is not None else Words("equally", "平均")
        found.append(
            Words(
                f"What each moment needs is shared out {needed('en')}, so that {number(100 * target, 0)} % of "
                "customers meet a failure.",
                f"各时刻所需的标准{needed('zh')}分配，使遇到失误的客户占 {number(100 * target, 0)} %。",
            )
        )
    return tuple(found)
