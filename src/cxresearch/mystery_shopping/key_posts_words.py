"""What the study of key posts says, in English and Chinese."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from cxresearch import checks
from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping.words import capital

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.mystery_shopping.key_posts import KeyPostsResult
    from cxresearch.mystery_shopping.key_posts_model import Model
    from cxresearch.mystery_shopping.key_posts_rows import Scored

NAMES: Final = {
    "gate": Words("gate", "门岗"),
    "front_desk": Words("front desk", "前台"),
    "patrol": Words("patrol", "巡逻"),
    "repairs": Words("repairs", "维修"),
    "management": Words("management", "管理职责"),
    "image": Words("image", "形象职责"),
    "etiquette": Words("etiquette", "礼仪职责"),
    "timeliness": Words("timeliness", "及时性"),
    "conformity": Words("conformity", "规范性"),
    "quality": Words("quality", "合格性"),
}
"""Posts and duties of the simulated data, and of whoever names theirs so."""

HEADINGS: Final = NAMES | {
    "post": Words("post", "岗位"),
    "duty": Words("duty", "职责"),
    "other": Words("and", "与"),
    "all": Words("all pairs", "全部"),
    "n": Words("scores", "评分数"),
    "raw": Words("plain mean", "原始均值"),
    "mean": Words("mean, average shopper", "均值（按平均宽严）"),
    "shrunken": Words("strictness and chance taken out", "扣除宽严与偶然后"),
    "shrunken_low": Words("interval from", "区间下限"),
    "shrunken_high": Words("interval to", "区间上限"),
    "gap": Words("against the mean of all (points)", "与总体均值之差（分）"),
    "gap_low": Words("interval from", "区间下限"),
    "gap_high": Words("interval to", "区间上限"),
    "rank": Words("rank (possible)", "名次（可能范围）"),
    "expected": Words("not told from it", "无法区分"),
    "signal": Words("verdict", "判断"),
    "shopper": Words("shopper", "神秘客户"),
    "severity": Words("stricter than average by (points)", "比平均严格（分）"),
    "truth": Words("truth", "真值"),
    "effect": Words("points of value per point", "每高 1 分的价值变化"),
    "visits": Words("visits", "暗访次数"),
    "share": Words("share", "合格率"),
    "passed": Words("passed", "合格数"),
    "n_effective": Words("worth independent scores", "相当于独立评分数"),
    "df": Words("degrees of freedom", "自由度"),
}

RANDOM: Final = Words(
    "Shoppers count as a sample of shoppers: the means and their intervals hold for an average shopper of this kind.",
    "神秘客户视为从同类人员中抽取：均值及其区间针对这类人员的平均水平。",
)
FIXED: Final = Words(
    "Shoppers count as a fixed panel, too few to estimate how such people differ: the means hold for these shoppers.",
    "神秘客户视为固定的一组人，人数太少，无法估计同类人员的差异：均值只针对这些人。",
)
ONE_SHOPPER: Final = Words(
    "There is one shopper only: what is strict about this person stays in all scores.",
    "只有一名神秘客户：此人的宽严留在全部分数里。",
)
HALO: Final = Words(
    "Halo: the shopper's general impression and what was truly better or worse on that day for all duties cannot be "
    "told apart; a second shopper on the same visit could.",
    "光环效应：神秘客户的总体印象，与当天各项职责确实都好或都差，两者无法区分；同一次暗访派两人才能分开。",
)
NO_HALO: Final = Words(
    "Halo cannot be estimated: no post was visited repeatedly at one place and scored on two duties.",
    "无法估计光环效应：没有哪个岗位在同一地点被多次暗访并在两项职责上评分。",
)
NO_MARK: Final = Words(
    "No pass rates: scores are neither 0 and 1, nor is a pass mark given.",
    "没有合格率：分数不是 0 和 1，也没有给出合格线。",
)
PASSES: Final = Words(
    "Pass rates are as observed, strict and mild shoppers mixed as they came.",
    "合格率为观察值，宽严不同的神秘客户按实际构成计入。",
)
VALUE: Final = Words(
    "Effects on value compare visits of the same place and allow for the shopper. Where one person gives both, a good "
    "mood raises both, and the effect is too large.",
    "对价值感受的影响，比较的是同一地点的不同暗访，并扣除了神秘客户的宽严。若由同一人给出两者，心情好时两者都高，影响会偏大。",
)


def left_out(parts: list[str]) -> Words:
    """Say which random parts the design cannot tell apart."""
    listed = checks.listed(parts)
    return Words(
        f"The design cannot tell these sources of difference from others, so they are left out: {listed}.",
        f"现有设计无法把以下差异来源与其他来源分开，因此未单独估计：{listed}。",
    )


def notes(
    rows: "Scored", model: "Model", halo: "pd.DataFrame", values: "pd.DataFrame", mark: float
) -> tuple[Words, ...]:
    """Say what a reader must know before using the tables."""
    one = len(rows.shoppers) < 2
    found = [ONE_SHOPPER if one else RANDOM if model.random else FIXED]
    wanted = ["unit", "unit:post", "unit:post:duty"] if rows.unit is not None else []
    missing = [part for part in [*wanted, "visit", "visit:post"] if part not in model.variances]
    found += [left_out(missing)] if missing else []
    known = not halo.empty and not math.isnan(halo["estimate"].iloc[-1])
    found += [HALO if known else NO_HALO, NO_MARK if math.isnan(mark) else PASSES]
    return tuple(found if values.empty else [*found, VALUE])


def said(label: Any, language: str) -> str:
    """Name a post or duty."""
    return NAMES[label](language) if isinstance(label, str) and label in NAMES else str(label)


def cell(row: Any, language: str) -> str:
    """Name a post and its duty in a sentence."""
    return Words("{} on {}", "{}的{}")(language).format(said(row.post, language), said(row.duty, language))


def ranks(row: Any, language: str) -> str:
    """Write a rank with the places it could be."""
    low, high = int(row.rank_low), int(row.rank_high)
    return (
        f"{int(row.rank)}"
        if low == high
        else f"{int(row.rank)} ({low}–{high})"
        if language == "en"
        else f"{int(row.rank)}（{low}–{high}）"
    )


def find(result: "KeyPostsResult", focus: Any) -> Any:
    """Return the post in focus as the table has it.

    Raises
    ------
    InputError
        If there is no such post.
    """
    known = list(dict.fromkeys(result.table["post"]))
    same = [p for p in known if p == focus] or [p for p in known if str(p) == str(focus)]
    if not same:
        names = [*known, *(NAMES[p].zh for p in known if p in NAMES)]
        same = [p for p in known if p in NAMES and str(focus) in (NAMES[p].en, NAMES[p].zh)]
        if not same:
            raise checks.InputError(
                f"focus={focus!r}: no such {result.names[0]}{checks.nearest(str(focus), names)}; "
                f"known are {checks.listed(known)}"
            )
    return same[0]


def text(result: "KeyPostsResult", language: str, focus: Any) -> str:
    """Write the paragraph."""
    check(language)
    parts = [] if focus is None else [_post(result, find(result, focus), language)]
    parts += [_weak(result, language), _strictness(result, language), _halo(result, language), _based(result, language)]
    return _together(parts, language)


def _post(result: "KeyPostsResult", post: Any, language: str) -> str:
    rows, rates = result.table[result.table["post"] == post], result.passes
    each = []
    for row in rows.itertuples():
        said_ = f"{said(row.duty, language)} {number(row.shrunken, 1)}"
        ends = interval(row.shrunken_low, row.shrunken_high, language, 1)
        rate = (
            "" if rates.empty else _rate(rates[(rates["post"] == post) & (rates["duty"] == row.duty)].iloc[0], language)
        )
        each.append(f"{said_} ({ends}{rate})" if language == "en" else f"{said_}（{ends}{rate}）")
    named = said(post, language)
    return Words(f"{capital(named)}: {', '.join(each)}.", f"{named}：{'，'.join(each)}。")(language)


def _rate(row: Any, language: str) -> str:
    return Words(f"; {percent(row.estimate)} pass", f"；合格率 {percent(row.estimate)}")(language)


def _weak(result: "KeyPostsResult", language: str) -> str:
    table = result.table.sort_values("mean", kind="stable")
    low = table.iloc[0]
    points, ends = number(low.shrunken, 1), interval(low.shrunken_low, low.shrunken_high, language, 1)
    cells, level, centre = len(table), percent(result.confidence), number(result.centre, 1)
    below = [cell(row, language) for row in table[table["signal"] == "below"].itertuples()]
    above = [cell(row, language) for row in table[table["signal"] == "above"][::-1].itertuples()]
    lowest = Words(
        f"Weakest of {cells} posts and duties: {cell(low, language)} with {points} points ({level} interval {ends}; "
        f"mean of all {centre}).",
        f"{cells} 项岗位职责中最弱的是{cell(low, language)}：{points} 分"
        f"（{level} 置信区间 {ends}；总体均值 {centre} 分）。",
    )
    if not below and not above:
        same = Words("None can be told from the mean of all.", "没有哪一项能与总体均值区分开来。")
        return _together([lowest(language), same(language)], language)
    lists = [
        Words(
            f"clearly {side.en}: {', '.join(names[:5])}{_more(names)}",
            f"明显{side.zh}：{'、'.join(names[:5])}{_more(names)}",
        )
        for side, names in ((Words("below it", "低于均值"), below), (Words("above it", "高于均值"), above))
        if names
    ]
    joined = Words("; ".join(w.en for w in lists) + ".", "；".join(w.zh for w in lists) + "。")
    return _together([lowest(language), capital(joined(language))], language)


def _more(names: list[str]) -> str:
    return " …" if len(names) > 5 else ""


def _strictness(result: "KeyPostsResult", language: str) -> str:
    if result.severity.empty:
        return ""
    spread = number(result.severity["severity"].max() - result.severity["severity"].min(), 1)
    off = (result.table["raw"] - result.table["mean"]) - (result.table["raw"] - result.table["mean"]).mean()
    at = int(off.abs().to_numpy().argmax())
    most = result.table.iloc[at]
    by = float(off.abs().max())
    way = Words("worse", "差") if off.iloc[at] < 0 else Words("better", "好")
    first = Words(
        f"The strictest and the mildest of {len(result.severity)} shoppers differ by {spread} points; "
        "that is taken out.",
        f"{len(result.severity)} 名神秘客户中，最严与最宽相差 {spread} 分，已予扣除。",
    )
    second = Words(
        f"Otherwise {cell(most, language)} would look {number(by, 1)} points {way('en')} beside the others.",
        f"否则{cell(most, language)}与其他各项相比会显得{way('zh')} {number(by, 1)} 分。",
    )
    return _together([first(language), second(language) if by >= 0.05 else ""], language)


def _halo(result: "KeyPostsResult", language: str) -> str:
    row = result.overall_halo
    if row is None or math.isnan(row.estimate):
        return ""
    duties = int(result.table.groupby("post")["duty"].size().max())
    said_, ends = number(row.estimate), interval(row.ci_low, row.ci_high, language)
    worth = number(duties / (1 + (duties - 1) * max(float(row.estimate), 0.0)), 1)
    if row.ci_high < 0 or row.ci_low <= 0:
        return Words(
            f"No halo between duties is shown ({said_}, {ends}).", f"未发现职责之间的光环效应（{said_}，{ends}）。"
        )(language)
    return Words(
        f"Duties scored on the same visit resemble each other beyond post, place and shopper (halo {said_}, {ends}): "
        f"{duties} of them tell about as much as {worth} independent ones.",
        f"同一次暗访中，各项职责的得分彼此相似，超出岗位、地点和神秘客户所能解释的程度（光环效应 {said_}，{ends}）："
        f"{duties} 项大约只相当于 {worth} 项独立评分。",
    )(language)


def _based(result: "KeyPostsResult", language: str) -> str:
    used, visits = number(result.sample.used, 0), number(result.sample.counts["visits"], 0)
    return Words(f"Based on {used} scores from {visits} visits.", f"依据 {visits} 次暗访的 {used} 个评分。")(language)


def value_text(result: "KeyPostsResult", language: str, posts: Sequence[Any]) -> str:
    """Write the paragraph on the sense of value."""
    check(language)
    rows: list[Any] = list(result.verdicts(posts).itertuples())
    level = percent(result.confidence)
    each = [
        f"{said(row.post, language)} {number(row.estimate)} ({interval(row.ci_low, row.ci_high, language)})"
        for row in rows
    ]
    shown = [said(row.post, language) for row in rows if row.verdict == "supported"]
    answer = Words(
        f"Shown to move the sense of value directly: {', '.join(shown) if shown else 'none of these posts'}.",
        f"已证明直接影响价值感受的岗位：{'、'.join(shown) if shown else '无'}。",
    )
    visits = int(result.effects["n"].iloc[0])
    return _together(
        [
            answer(language),
            Words(
                f"Per point of a post's score, at the same place and for the same shopper, value changes by: "
                f"{', '.join(each)} points ({level} for all together; {visits} visits that saw every post).",
                f"同一地点、同一神秘客户，岗位得分每高 1 分，价值感受的变化（分）：{'，'.join(each)}"
                f"（合计置信度 {level}；{visits} 次暗访看过全部岗位）。",
            )(language),
        ],
        language,
    )


def _together(sentences: list[str], language: str) -> str:
    """Put sentences together: Chinese ones stand without a space."""
    return Words(" ", "")(language).join(sentence for sentence in sentences if sentence)
