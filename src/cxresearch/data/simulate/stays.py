"""A hotel stay as a service blueprint with made-up chances, and guests who walk through a blueprint."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cxresearch import checks, defaults
from cxresearch.data.simulate import draws

if TYPE_CHECKING:
    import pandas as pd

# phase: moment, in Chinese, role met there, tool; and the back-stage step behind it, if any: step, role, tool
_STAY: Final = {
    "before arrival": (
        ("enquiry", "咨询", "reservations", "telephone"),
        ("booking", "预订", "reservations", "booking system", "room allotment", "revenue office", "booking system"),
        ("confirmation", "确认", "reservations", "message"),
        ("special request", "特殊要求", "reservations", "request form", "passing on the request", "revenue office",
         "request form"),
        ("reminder", "行前提醒", "reservations", "message"),
    ),
    "arrival": (
        ("way to the hotel", "到店路线", "reservations", "map"),
        ("entrance", "大门迎接", "doorman", "door"),
        ("luggage", "行李", "porter", "trolley"),
        ("queue", "排队等候", "reception", "desk"),
        ("welcome", "问候", "reception", "desk"),
        ("registration", "登记", "reception", "booking system", "guest record", "revenue office", "booking system"),
        ("key", "房卡", "reception", "key card", "coding of keys", "maintenance", "key card"),
    ),
    "room": (
        ("lift and corridor", "电梯与走廊", "facilities", "lift", "upkeep of lifts", "maintenance", "lift"),
        ("first look", "进房第一眼", "facilities", "room", "cleaning", "housekeeping", "linen trolley"),
        ("bathroom", "浴室", "facilities", "bathroom", "cleaning of bathrooms", "housekeeping", "linen trolley"),
        ("bed", "床铺", "facilities", "bed", "linen", "laundry room", "linen"),
        ("air and heating", "空调", "facilities", "thermostat", "upkeep of air conditioning", "maintenance", "toolkit"),
        ("network", "上网", "facilities", "network", "upkeep of the network", "maintenance", "network"),
        ("quiet", "安静", "facilities", "room"),
        ("small request", "小需求", "housekeeping", "telephone"),
    ),
    "meals": (
        ("table", "就座", "waiter", "table"),
        ("menu", "点菜", "waiter", "menu"),
        ("order", "下单", "waiter", "order slip", "taking orders to the kitchen", "kitchen", "order slip"),
        ("waiting", "等菜", "waiter", "order slip", "cooking", "kitchen", "stove"),
        ("dish", "菜品", "waiter", "dish", "buying", "kitchen", "stock list"),
        ("breakfast", "早餐", "waiter", "buffet", "preparing breakfast", "kitchen", "buffet"),
        ("bill at table", "餐厅结账", "waiter", "till"),
    ),
    "services": (
        ("advice", "问询", "concierge", "desk"),
        ("taxi", "叫车", "concierge", "telephone"),
        ("wake-up call", "叫醒", "reception", "telephone"),
        ("laundry", "洗衣", "housekeeping", "laundry bag", "washing", "laundry room", "machines"),
        ("pool and gym", "泳池与健身", "facilities", "pool", "upkeep of the pool", "maintenance", "toolkit"),
        ("repair", "报修", "maintenance", "toolkit"),
        ("complaint", "投诉", "reception", "desk"),
    ),
    "departure": (
        ("check-out", "退房", "reception", "booking system", "adding up the bill", "accounts", "booking system"),
        ("bill", "账单", "reception", "bill", "checking the bill", "accounts", "bill"),
        ("payment", "付款", "reception", "till"),
        ("farewell", "送别", "doorman", "door"),
        ("word afterwards", "离店回访", "customer relations", "message"),
    ),
}  # fmt: skip
_OTHERS: Final = {
    "before arrival": "到店前", "arrival": "到店", "room": "客房", "meals": "餐饮", "services": "服务",
    "departure": "离店",
    "reservations": "预订员", "doorman": "门童", "porter": "行李员", "reception": "前台", "facilities": "设施",
    "housekeeping": "客房服务", "waiter": "服务员", "concierge": "礼宾", "maintenance": "工程维修",
    "customer relations": "客户关系", "revenue office": "客房调度", "laundry room": "洗衣房", "kitchen": "厨房",
    "accounts": "财务",
    "room allotment": "排房", "passing on the request": "转达要求", "guest record": "客史档案",
    "coding of keys": "制作房卡",
    "upkeep of lifts": "电梯维护", "cleaning": "清洁", "cleaning of bathrooms": "浴室清洁", "linen": "布草",
    "upkeep of air conditioning": "空调维护", "upkeep of the network": "网络维护",
    "taking orders to the kitchen": "传单", "cooking": "烹饪", "buying": "采购", "preparing breakfast": "备早餐",
    "washing": "洗涤", "upkeep of the pool": "泳池维护", "adding up the bill": "汇总账目",
    "checking the bill": "核对账单",
}  # fmt: skip
_AHEAD: Final = ("room", "meals")
_FRONT, _BACK, _SPREAD, _RECOVERY = 0.006, 0.010, 0.7, (6.0, 4.0)


def blueprint(*, failure: float = 1.0, seed: int = defaults.SEED) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Make up the blueprint of a hotel stay with 39 moments of truth, a row per step.

    The number of moments is that of the documents, whose list of them is not in our copy: moments, roles and tools are
    an illustration, and the chances are drawn.

    Parameters
    ----------
    failure : float
        Factor on all chances of failure.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        In the order of a stay: ``phase``, ``moment``, ``step``, ``role``, ``stage`` ("front" or "back"), ``tool``,
        ``failure`` (chance per guest), ``recovery`` (chance that the next moment makes it good), ``observed`` (how
        often the step was watched).
    truth : dict
        ``moments``, ``names`` (label to English and Chinese), ``seed``.

    Raises
    ------
    InputError
        If `failure` is negative.

    Examples
    --------
    >>> frame, truth = blueprint()
    >>> frame.loc[frame["stage"] == "front", "moment"].nunique(), len(frame)
    (39, 57)
    """
    import pandas as pd

    draws.at_least(0, seed=seed)
    draws.not_negative(failure=failure)
    rows = []
    for phase, found in _STAY.items():
        for moment, _, role, tool, *behind in found:
            if behind:  # rooms and meals are made ready before the guest comes
                ahead = behind[0] if phase in _AHEAD else moment
                rows.append((phase, ahead, behind[0], behind[1], "back", behind[2]))
            rows.append((phase, moment, moment, role, "front", tool))
    frame = pd.DataFrame(rows, columns=["phase", "moment", "step", "role", "stage", "tool"]).astype("str")
    rng = np.random.default_rng(seed)
    typical = np.where(frame["stage"] == "front", _FRONT, _BACK)
    observed = rng.integers(8, 41, len(frame)) * 50
    chance = np.minimum(failure * typical * np.exp(_SPREAD * rng.standard_normal(len(frame))), 1.0)
    # what was seen in so many watched steps, so that chances are as uneven as in a real record
    frame["failure"] = rng.binomial(observed, chance) / observed
    frame["recovery"] = rng.beta(*_RECOVERY, len(frame)).round(2)
    frame["observed"] = observed
    names = {moment: (moment, chinese) for found in _STAY.values() for moment, chinese, *_ in found}
    names |= {label: (label, chinese) for label, chinese in _OTHERS.items() if label not in names}
    names["front"], names["back"] = ("front stage", "前台"), ("back stage", "后台")
    moments = int((frame["stage"] == "front").sum())
    return frame, {"moments": moments, "names": names, "seed": seed}


def stays(
    blueprint: "pd.DataFrame | None" = None,
    guests: int = 20_000,
    *,
    moments: int = 39,
    failure: float = 0.01,
    recovery: float = 0.5,
    seed: int = defaults.SEED,
) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Send guests through a blueprint, moment by moment, and count what happens to each.

    Decides whether closed forms for failures and recovery are right: here nothing is computed, everything is drawn.

    Parameters
    ----------
    blueprint : DataFrame, optional
        Steps in their order with columns ``moment``, ``stage`` ("front", "back"), ``failure`` and ``recovery``; by
        default `moments` steps on the front stage that are all alike.
    guests : int
        Number of guests.
    moments : int
        Moments where there is no blueprint.
    failure, recovery : float
        Chance of failure, and of recovery at the next moment, where there is no blueprint.
    seed : int
        Seed of the generator.

    Returns
    -------
    frame : DataFrame
        A row per guest: ``guest``, ``failures`` (moments at which the guest met a failure), ``made_good`` (those that
        the next moment made good), ``lasting`` (those that it did not).
    truth : dict
        ``failure`` and ``recovery`` (lists by step), ``seed``.

    Raises
    ------
    InputError
        If a column of the blueprint is missing, or a size or chance is out of range.

    Notes
    -----
    A step that fails back stage is met at the same moment's front stage, or at that of the next moment which has one.
    A failure is made good if the next moment goes well itself, and the attempt succeeds for every step that failed.

    Examples
    --------
    >>> frame, truth = stays(guests=1000)
    >>> list(frame.columns), bool((frame["failures"] == frame["made_good"] + frame["lasting"]).all())
    (['guest', 'failures', 'made_good', 'lasting'], True)
    """
    import pandas as pd

    draws.at_least(0, seed=seed)
    draws.at_least(1, guests=guests, moments=moments)
    if blueprint is None:
        same = {"moment": np.arange(moments), "stage": "front", "failure": failure, "recovery": recovery}
        blueprint = pd.DataFrame(same)
    needed = ("moment", "stage", "failure", "recovery")
    checks.columns(blueprint, **{name: name for name in needed})
    chances = blueprint[["failure", "recovery"]].to_numpy(dtype=float)
    if not ((chances >= 0) & (chances <= 1)).all():
        raise checks.InputError("failure and recovery must be chances from 0 to 1, for example 0.01")
    rng = np.random.default_rng(seed)
    scripts = _scripts(list(zip(blueprint["moment"], blueprint["stage"], *chances.T, strict=True)))
    pending = np.zeros(guests, bool)
    good = np.zeros(guests, bool)
    counts = np.zeros((3, guests), dtype=np.int64)
    for script in scripts:
        failed, mendable = np.zeros(guests, bool), np.ones(guests, bool)
        for chance, mended in script:
            here = rng.random(guests) < chance
            failed |= here
            mendable &= ~here | (rng.random(guests) < mended)
        counts[1] += pending & good & ~failed
        counts[0] += failed
        pending, good = failed, mendable
    counts[2] = counts[0] - counts[1]
    frame = pd.DataFrame({"guest": np.arange(1, guests + 1)})
    for name, values in zip(("failures", "made_good", "lasting"), counts, strict=True):
        frame[name] = values
    return frame, {"failure": chances[:, 0].tolist(), "recovery": chances[:, 1].tolist(), "seed": seed}


def _scripts(steps: list[tuple[Any, str, float, float]]) -> list[list[tuple[float, float]]]:
    """Return, for each moment that customers see, the chances of all steps that can fail it."""
    runs: list[tuple[Any, list[tuple[str, float, float]]]] = []
    for moment, stage, failure, recovery in steps:
        if not runs or runs[-1][0] != moment:
            runs.append((moment, []))
        runs[-1][1].append((stage, failure, recovery))
    scripts, waiting = [], []
    for _, run in runs:
        waiting += [(failure, recovery) for _, failure, recovery in run]
        if any(stage == "front" for stage, *_ in run):
            scripts.append(waiting)
            waiting = []
    return scripts
