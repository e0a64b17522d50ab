"""What a reader must know before using a table of leaving by length of the dissatisfied run."""

from typing import TYPE_CHECKING, Any, Final

from cxresearch.language import Words, number, percent

if TYPE_CHECKING:
    from cxresearch.loyalty.streak_rows import AtRisk, Panel
    from cxresearch.loyalty.streak_tables import Estimates

FEW_CLUSTERS: Final = 20
"""Below this many clusters, how uneven they are is a rough guess; simulated flocks in 10 clusters were still covered in
94 % (data/evidence/streaks.csv), but few real clusters are as alike as those."""


def notes(
    rows: "AtRisk",
    found: "Estimates",
    panel: "Panel",
    *,
    period: str,
    satisfaction: str,
    threshold: float,
    cluster: str | None,
) -> tuple[Words, ...]:
    """Say how runs were counted, what the intervals take for granted, and why numbers are missing."""
    told = [panel.rows.step.note(period), _dissatisfied(panel, satisfaction, threshold)]
    told.append(_RESTART if panel.restart else _UNKNOWN)
    told += _independence(rows, cluster)
    told += [_EXPLAIN[why](k, rows) for k, why in enumerate(found.odds.why) if why]
    if panel.weight is not None:
        told.append(_WEIGHTED)
    return (*told, _NOT_CAUSE)


def _dissatisfied(panel: "Panel", satisfaction: str, threshold: float) -> Words:
    share = percent(float((panel.satisfaction < threshold).mean()))
    return Words(
        f"Dissatisfied means: {satisfaction!r} below {threshold:g} ({share} of all scores).",
        f"不满意指“{satisfaction}”低于 {threshold:g}（占全部评分的 {share}）。",
    )


def _independence(rows: "AtRisk", cluster: str | None) -> list[Words]:
    if cluster is None:
        return [
            Words(
                "The intervals take units to leave independently of each other; if some leave together, name what they "
                "share as the cluster.",
                "区间假定各单位的流失相互独立；如果有些单位会一起流失，请把它们的共同归属指定为聚类列。",
            )
        ]
    clusters = len(set(rows.cluster.tolist()))
    told = [
        Words(
            f"The intervals allow units of the same {cluster!r} to leave together ({clusters} clusters).",
            f"区间允许同一“{cluster}”内的单位一起流失（共 {clusters} 个聚类）。",
        )
    ]
    if clusters < FEW_CLUSTERS:
        told.append(
            Words(
                f"{clusters} clusters are few: the intervals are rougher than they look.",
                f"只有 {clusters} 个聚类，区间比看上去更粗略。",
            )
        )
    return told


def _cell(k: int, rows: "AtRisk") -> int:
    return int((rows.cell == k).sum())


_UNKNOWN: Final = Words(
    "A run that begins at a unit's first row, or right after a gap, may have begun earlier: its rows count only once "
    "the run is known to be of the longest length.",
    "始于首行或缺口之后的不满意，可能更早就已开始：只有确知其时长已达最长一档，这些行才计入。",
)
_RESTART: Final = Words(
    "Runs count from a unit's first row, and anew after a gap: dissatisfaction before that is ignored.",
    "不满意的时长从首行算起，缺口之后重新起算：未记录的更早的不满意不计。",
)
_WEIGHTED: Final = Words(
    "Chances and odds are weighted; the numbers of rows are not. The weights count as known, though they may be "
    "estimates.",
    "流失率和优势比经过加权，行数未加权。权重视为已知，尽管它们可能也是估计值。",
)
_NOT_CAUSE: Final = Words(
    "This describes who leaves. It does not prove that dissatisfaction makes them leave: customers who are "
    "dissatisfied for years may differ in other ways.",
    "这里描述的是谁会流失，并不证明流失由不满意造成：长年不满意的客户，可能在其他方面也有所不同。",
)


def _none_left(k: int, rows: "AtRisk") -> Words:
    n = number(_cell(k, rows), 0)
    if k == 0:
        return Words(
            f"None of the {n} rows of satisfied units ends in leaving, so there are no odds to compare with.",
            f"满意的单位共 {n} 行，无一流失，因此没有可供比较的基准。",
        )
    return Words(
        f"Nobody left in the {n} rows with a run of {k}: the odds ratio is 0, and only its upper end is estimated.",
        f"连续不满意 {k} 期的 {n} 行无一流失：优势比为 0，只能估计其上限。",
    )


def _all_left(k: int, rows: "AtRisk") -> Words:
    n = number(_cell(k, rows), 0)
    if k == 0:
        return Words(
            f"All {n} rows of satisfied units end in leaving, so there are no odds to compare with.",
            f"满意的单位共 {n} 行，全部流失，因此没有可供比较的基准。",
        )
    return Words(
        f"Everybody left in the {n} rows with a run of {k}: the odds ratio is infinite, and only its lower end is "
        "estimated.",
        f"连续不满意 {k} 期的 {n} 行全部流失：优势比为无穷大，只能估计其下限。",
    )


_EXPLAIN: Final[dict[str, Any]] = {
    "empty": lambda k, _: Words(f"Nobody was seen with a run of {k}.", f"没有连续不满意 {k} 期的记录。"),
    "none left": _none_left,
    "all left": _all_left,
    "reference": lambda k, _: Words(
        f"No odds ratio for a run of {k}: the satisfied offer nothing to compare with.",
        f"连续不满意 {k} 期没有优势比：满意的单位不能作为比较基准。",
    ),
    "confounded": lambda k, _: Words(
        f"No odds ratio for a run of {k}: it cannot be told apart from the periods it occurs in.",
        f"连续不满意 {k} 期没有优势比：它与所处的时期无法区分。",
    ),
    "separated": lambda k, _: Words(
        f"No odds ratio for a run of {k}: some combination of columns predicts who leaves without error.",
        f"连续不满意 {k} 期没有优势比：某些列的组合能毫无误差地预测谁流失。",
    ),
}
