"""What a reader must know before using a table of lag effects."""

from typing import TYPE_CHECKING, Final

from cxresearch.language import Words, percent

if TYPE_CHECKING:
    from cxresearch.loyalty.lag_rows import Rows
    from cxresearch.numerics.hac import SeriesFit
    from cxresearch.numerics.panel import Fit

FEW_UNITS: Final = 40
"""Below this many units, intervals by clustered errors cover too seldom (data/evidence/lags.csv)."""
SHORT_SERIES: Final = 240
"""Below this many periods, intervals of an autocorrelated series cover too seldom (data/evidence/lags.csv)."""
LITTLE_LEFT: Final = 0.05
"""Share of a driver's variance left by the effects, below which the reader is told."""
ENTANGLED: Final = 10.0
"""Variance inflation above which single lags are told to be hard to tell apart."""


def panel_notes(
    rows: "Rows", fitted: "Fit", *, effects: str, period: str, outcome: str, movers: int
) -> tuple[Words, ...]:
    """Say what a reader must know before using a panel's table."""
    notes = [rows.step.note(period), _HELD[effects], _NOT_CAUSE]
    low, high = rows.y.min(), rows.y.max()
    if ((rows.y == low) | (rows.y == high)).all():
        notes.append(
            Words(
                f"{outcome!r} takes two values only: effects are changes in the chance of the higher one.",
                f"“{outcome}”只取两个值：效应即取较高值之概率的变化。",
            )
        )
    if fitted.units < FEW_UNITS:
        notes.append(
            Words(
                f"With {fitted.units} units only, the intervals are too short: in simulations with 20 units about "
                "89 to 93 of 100 held the truth, not 95.",
                f"只有 {fitted.units} 个单位，区间偏窄：模拟中有 20 个单位时，约 89% 至 93% 的区间含真值。",
            )
        )
    left = float(fitted.spread[: rows.drivers].min())
    if effects != "none" and left < LITTLE_LEFT:
        share = percent(left, 1)
        notes.append(
            Words(
                f"The effects held constant explain all but {share} of the driver's variance; the estimates rest on "
                "that remainder, and errors of measurement weigh heavily in it.",
                f"驱动因素的方差几乎全被所控制的效应解释，只剩 {share}；估计全靠这一剩余部分，测量误差影响很大。",
            )
        )
    notes += _entangled(float(fitted.inflation[: rows.drivers].max()))
    if movers:
        notes.append(
            Words(
                f"{movers} units name more than one group; each row counts for the group it names.",
                f"有 {movers} 个单位先后属于不同的组；每一行按其所填的组计。",
            )
        )
    return tuple(notes)


def series_notes(rows: "Rows", fitted: "SeriesFit", period: str) -> tuple[Words, ...]:
    """Say what a reader must know before using a series' table."""
    notes = [
        rows.step.note(period),
        Words(
            f"Errors by Newey-West, correlated over up to {fitted.bandwidth} periods; intervals by fixed-b theory.",
            f"标准误用 Newey–West 方法，允许误差在 {fitted.bandwidth} 期以内相关；区间按 fixed-b 理论计算。",
        ),
        Words(
            "One series: nothing is held constant, so a trend or an event that moves both columns shows as an effect.",
            "这是单一时间序列，没有控制任何因素：同时影响两列的趋势或事件也会表现为“效应”。",
        ),
    ]
    if fitted.n < SHORT_SERIES:
        notes.append(
            Words(
                f"{fitted.n} periods are few. Where both columns change slowly, these intervals are too short: with "
                "60 to 120 periods, 91 to 94 of 100 simulations held a single lag's effect, and 81 to 92 the sum.",
                f"只有 {fitted.n} 期，偏少。若两列变化都很缓慢，区间偏窄：在 60 至 120 期的模拟中，"
                "单个滞后期的区间有 91% 至 94% 含真值，累计效应的区间只有 81% 至 92%。",
            )
        )
    return tuple(notes + _entangled(float(fitted.inflation.max())))


def _entangled(inflation: float) -> list[Words]:
    if inflation < ENTANGLED:
        return []
    return [
        Words(
            "The lags move together so closely that single ones are hard to tell apart: what they add up to is surer.",
            "各滞后期高度相关，单个滞后期的效应难以区分；累计效应更可靠。",
        )
    ]


_HELD: Final[dict[str, Words]] = {
    "two-way": Words(
        "Held constant: whatever never changes in a unit, and whatever all units share in a period.",
        "已控制：各单位不随时间变化的一切因素，以及每一时期各单位共有的一切因素。",
    ),
    "unit": Words(
        "Held constant: whatever never changes in a unit. What all units share in a period is not.",
        "已控制：各单位不随时间变化的一切因素；每一时期各单位共有的因素未控制。",
    ),
    "none": Words(
        "Nothing is held constant: units that differ anyway make part of these estimates.",
        "没有控制任何因素：单位之间原有的差别也包含在估计值中。",
    ),
}
_NOT_CAUSE: Final = Words(
    "These are associations. They are effects only if nothing else that changes within units moves both columns, and "
    "if the outcome does not feed back on the driver.",
    "这些是相关关系。只有当单位内部没有其他变化同时影响两者、且结果不会反过来影响驱动因素时，才能看作因果效应。",
)
