"""What a reader must know before using a table of retention economics."""

from typing import Final

from cxresearch.language import Words
from cxresearch.loyalty.economics_ledger import Ledger
from cxresearch.loyalty.economics_quantities import Plan, Population

FEW_LEAVERS: Final = 10
"""Below this many leavers, or stayers, intervals may cover less than 93 % (data/evidence/economics.csv)."""
FEW_CLUSTERS: Final = 20
"""Below this many clusters, intervals from them cover unevenly (data/evidence/economics.csv)."""


def notes(who: Population, plan: Plan, ledger: Ledger | None, tenure: str | None) -> tuple[Words, ...]:
    """Say what a reader must know before using the table."""
    told = [_PAYMENT[plan.paid_at_end]]
    if "cost_to_keep" not in who.money:
        told.append(_NO_COST)
    if plan.assumed:
        told.append(
            Words(
                f"What winning costs was not measured: it is taken to be {plan.ratio:g} times the cost of keeping.",
                f"没有获客成本的数据：这里假定为维系成本的 {plan.ratio:g} 倍。",
            )
        )
    if who.retention[0].basis == "data" and ledger is not None:
        told += _rate_notes(who, ledger, tenure)
    told += [
        Words(f"No interval for {name}: {one.why.en}.", f"{name} 没有区间：{one.why.zh}。")
        for name, one in {"retention": who.retention[0], **who.money}.items()
        if one.why is not None
    ]
    highest = max(rate.estimate for rate in who.retention)
    if "uplift" in who.money and highest + who.money["uplift"].estimate > 1:
        told.append(
            Words(
                "The uplift is larger than the share of leavers: retention is held at 100 %.",
                "提升幅度超过了流失客户的比例：留存率以 100% 为上限。",
            )
        )
    return (*told, _SAME)


def _rate_notes(who: Population, ledger: Ledger, tenure: str | None) -> list[Words]:
    told = []
    gone, everyone = float(ledger.left.sum()), float(ledger.customers.sum())
    if min(gone, everyone - gone) < FEW_LEAVERS:
        few = Words(f"{gone:.0f} of {everyone:.0f} left", f"{everyone:.0f} 人次中流失 {gone:.0f} 人")
        told.append(
            Words(
                f"Only {few.en}: intervals from so few cover unevenly, and everything built on them may be far off.",
                f"{few.zh}，人数太少：区间的覆盖率不稳定，由此推算的一切都可能偏差很大。",
            )
        )
    clusters = who.retention[0].clusters
    if not ledger.clustered and len(ledger.customers) > 1:
        told.append(
            Words(
                "Customers are taken to leave independently of each other; where communities or years go together, "
                "name them in cluster, or the intervals are too short.",
                "假定客户的流失彼此独立；若同一社区或同一年份的客户往往一起流失，请用 cluster 指明，否则区间偏窄。",
            )
        )
    elif clusters < FEW_CLUSTERS:
        told.append(
            Words(
                f"The intervals rest on {clusters} clusters: few, so that they are wide, and cover unevenly.",
                f"区间只依据 {clusters} 个聚类：数量太少，区间较宽，覆盖率也不稳定。",
            )
        )
    if ledger.classes > 1 and tenure is None:
        told.append(
            Words(
                "Tenure counts from a customer's first row: whoever was there before counts as new.",
                "客龄从客户的首行算起：此前已在册的客户也按新客户计。",
            )
        )
    if all(rate.estimate == 1 for rate in who.retention):
        told.append(
            Words(
                "Nobody left, so how long customers stay has no upper limit here.",
                "没有客户流失，因此留存时间没有上限可估。",
            )
        )
    return told


_PAYMENT: Final[dict[bool, Words]] = {
    False: Words(
        "The margin comes at the start of a period, from everyone there; spending falls due at the start too.",
        "毛利在每期期初从全部在册客户取得；支出也发生在期初。",
    ),
    True: Words(
        "The margin comes at the end of a period, from those who stayed; spending falls due at the start.",
        "毛利在每期期末从留下的客户取得；支出发生在期初。",
    ),
}
_NO_COST: Final = Words(
    "No cost of keeping was stated: the margin is taken to be what is left after it.",
    "没有给出维系成本：毛利视为已扣除该成本。",
)
_SAME: Final = Words(
    "Customers of one tenure are taken to be alike, and rates to stay as they are. Where some leave easily and "
    "others never, a customer is worth more than this says, and the intervals do not know.",
    "假定同一客龄的客户没有差别，各项比率今后不变。若有的客户容易流失、有的从不离开，客户的真实价值高于此处的估计，区间并不反映这一点。",
)
