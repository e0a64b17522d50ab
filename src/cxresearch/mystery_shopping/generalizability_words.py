"""What generalizability studies say, in English and Chinese."""

import math
from typing import TYPE_CHECKING, Any, Final

from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping.generalizability_design import RESIDUAL
from cxresearch.mystery_shopping.words import capital, find, join, name_target

if TYPE_CHECKING:
    from cxresearch.mystery_shopping.generalizability import GStudyResult
    from cxresearch.mystery_shopping.generalizability_decisions import DStudyResult, VisitsResult
    from cxresearch.mystery_shopping.generalizability_nouns import Noun
    from cxresearch.mystery_shopping.generalizability_weights import Decision

_COEFFICIENTS: Final = {
    "g": Words("generalizability (Eρ²)", "概化系数（Eρ²）"),
    "phi": Words("dependability (Φ)", "可靠性指数（Φ）"),
}
_ENDS: Final = {
    "g": Words("generalizability Eρ²", "概化系数 Eρ²"),
    "phi": Words("dependability Φ", "可靠性指数 Φ"),
    "error_relative": Words("relative error variance", "相对误差方差"),
    "error_absolute": Words("absolute error variance", "绝对误差方差"),
    "sem_relative": Words("relative error (points)", "相对误差（分）"),
    "sem_absolute": Words("absolute error (points)", "绝对误差（分）"),
    "limit": Words("reached at most", "最高可达"),
}
RULES: Final = {
    "shops_3": Words("3 visits per store", "每店 3 次到访"),
    "shops_4": Words("4 visits per store", "每店 4 次到访"),
    "margin_10": Words("pass rate within ±10 points", "合格率误差 ±10 个百分点"),
    "margin_5": Words("pass rate within ±5 points", "合格率误差 ±5 个百分点"),
}
HEADINGS: Final = (
    {
        "bill": Words("bill", "费用"),
        "cost": Words("cost", "费用"),
        "facet": Words("facet", "侧面"),
        "n": Words("levels", "水平数"),
        "needed": Words("needed", "需要"),
        "needed_high": Words("needed, to", "需要（上限）"),
        "needed_low": Words("needed, from", "需要（下限）"),
        "percent": Words("percent", "占比（%）"),
        "price": Words("price", "单价"),
        "reachable": Words("reachable", "可达到"),
        "residual": Words("residual", "剩余"),
        "rule": Words("rule of thumb", "经验法则"),
        "size": Words("number", "数量"),
        "target": Words("target", "目标"),
        "times": Words("times", "次数"),
        "variance": Words("variance (squared points)", "方差（分的平方）"),
    }
    | RULES
    | _ENDS
    | {
        f"{name}_ci_{end}": Words(f"{said.en}, {to_en}", f"{said.zh}{to_zh}")
        for name, said in _ENDS.items()
        for end, to_en, to_zh in (("low", "from", "下限"), ("high", "to", "上限"))
    }
)
RESERVED: Final = frozenset({"cost", *_ENDS, *(f"{n}_ci_{e}" for n in _ENDS for e in ("low", "high"))})
"""Columns of a decision study's table that no size may be called by."""


def place(study: "GStudyResult", focus: Any) -> Any:
    """Find one object's row.

    Raises
    ------
    InputError
        If there is no such object; the nearest name is told.
    """
    return find(study.targets, study.decision.plan.object, focus)


def study(result: "GStudyResult", language: str, focus: Any) -> str:
    """Write the paragraph on a generalizability study."""
    check(language)
    said = [] if focus is None else [_focused(result, focus)(language)]
    return join([*said, _sources(result)(language), _as_studied(result)(language)], language)


def _focused(result: "GStudyResult", focus: Any) -> Words:
    row = place(result, focus)
    called = name_target(result.decision.plan.object, row.target)
    n, mean, margin = int(row.n), number(row.mean), number(row.margin)
    return Words(
        f"{called}: {number(n, 0)} scores, {mean} on average; very many scores of this kind would arrive within about "
        f"{margin} of that ({percent(result.confidence)}).",
        f"{called}：共 {number(n, 0)} 个分数，平均 {mean}；若有很多个这样的分数，均值大约不出上下 {margin}"
        f"（{percent(result.confidence)}）。",
    )


def component(result: "GStudyResult", name: str, language: str) -> str:
    """Call a component by its facets' names."""
    if name == RESIDUAL:
        return Words("chance and the rest", "偶然及其他")(language)
    sets = dict(zip(result.table["component"], result.decision.sets, strict=True))
    plan, called = result.decision.plan, result.nouns
    outer = frozenset().union(*(plan.within.get(f, frozenset()) for f in sets[name]))
    inner = [called[f] for f in (*plan.facets, *plan.crossed) if f in sets[name] - outer]
    if len(inner) == 1:
        behind = [called[f] for f in plan.facets if f in outer]
        if not behind:
            return inner[0].zh if language == "zh" else inner[0].many
        en = " and ".join(n.one for n in behind)
        return (
            f"{'和'.join(n.zh for n in behind)}内的{inner[0].zh}"
            if language == "zh"
            else f"{inner[0].many} within {en}"
        )
    if language == "zh":
        return "与".join(n.zh for n in inner) + "的组合"
    return f"combinations of {' and '.join(n.one for n in inner)}"


def _sources(result: "GStudyResult") -> Words:
    plan, table = result.decision.plan, result.table
    own = [facets <= plan.judged for facets in result.decision.sets]
    share = float(table["percent"][own].sum())
    rest = table[[not o for o in own]].sort_values("percent", ascending=False, kind="stable")
    rest = rest[rest["percent"] >= 0.5].head(3)

    def parts(language: str) -> str:
        pairs = zip(rest["component"], rest["percent"], strict=True)
        said = [f"{component(result, str(name), language)} {number(float(v), 0)} %" for name, v in pairs]
        return ("、" if language == "zh" else ", ").join(said)

    judged = result.nouns[plan.object]
    return Words(
        f"Of the differences between single scores, {number(share, 0)} % are lasting differences between "
        f"{judged.many}; the largest other sources: {parts('en')}.",
        f"单个分数之间的差异，{number(share, 0)} % 是{judged.zh}之间稳定的差别；其余主要来自：{parts('zh')}。",
    )


def _as_studied(result: "GStudyResult") -> Words:
    now: Any = result.d_study().table.iloc[0]
    judged, level = result.nouns[result.decision.plan.object], percent(result.confidence)
    phi, g = number(now.phi), number(now.g)
    ends = [interval(*pair, language) for pair in (
        (now.phi_ci_low, now.phi_ci_high), (now.g_ci_low, now.g_ci_high)) for language in ("en", "zh")]  # fmt: skip
    size, used = number(len(result.targets), 0), number(result.sample.used, 0)
    each = [_design(result, dict(_studied(result)), language) for language in ("en", "zh")]
    return Words(
        f"As collected ({each[0]} per {judged.one}), a mean score has a dependability of {phi} (Φ; {level} interval "
        f"{ends[0]}) when held against a standard, and of {g} (Eρ²; {ends[2]}) for comparing {judged.many} with each "
        f"other. This rests on {used} scores of {size} {judged.many}.",
        f"按实际采集的规模（{judged.each()} {each[1]}），平均分用于对照标准时可靠性为 {phi}（Φ；{level} 置信区间 "
        f"{ends[1]}），用于{judged.zh}之间相互比较时为 {g}（Eρ²；{ends[3]}）。"
        f"以上依据 {size} {judged.measure}{judged.zh}的 {used} 个分数。",
    )


def _studied(result: "GStudyResult") -> list[tuple[str, float]]:
    sizes = dict(zip(result.studied["facet"], result.studied["size"], strict=True))
    return [(f, sizes[f]) for f in result.decision.plan.error if not result.decision.carried.get(f)]


def _design(result: "GStudyResult", sizes: dict[str, float], language: str) -> str:
    said = [result.nouns[f].counted(n, language) for f, n in sizes.items() if f in result.nouns]
    if language == "zh":
        return "、".join(said)
    return " and ".join([*([", ".join(said[:-1])] if len(said) > 1 else []), *said[-1:]])


def decision(result: "DStudyResult", language: str, focus: Any) -> str:
    """Write the paragraph on a decision study."""
    check(language)
    study_, table = result.study, result.table
    said = [] if focus is None else [_focused(study_, focus)(language)]
    first, last = table.iloc[0], table.iloc[-1]
    said.append(_reaches(result, first)(language))
    if len(table) > 1:
        said.append(_reaches(result, last)(language))
    if "cost" in table:
        enough = table[table["phi"] >= 0.8]
        said.append((_cheapest(result, enough) if len(enough) else _NONE_REACHES)(language))
    return join(said, language)


_NONE_REACHES: Final = Words("None of these designs reaches 0.80.", "这些方案都达不到 0.80。")


def _row_design(result: "DStudyResult", row: Any, language: str) -> str:
    sizes = {f: float(row.get(f"n {f}" if f in RESERVED else f, math.nan)) for f in result.decision.plan.error}
    shown = {f: n for f, n in sizes.items() if not result.decision.carried.get(f) or f in result.varied}
    return _design(result.study, shown, language)


def _reaches(result: "DStudyResult", row: Any) -> Words:
    ends = interval(row["phi_ci_low"], row["phi_ci_high"]), interval(row["phi_ci_low"], row["phi_ci_high"], "zh")
    level = percent(result.confidence)
    return Words(
        f"With {_row_design(result, row, 'en')} the dependability is {number(row['phi'])} (Φ; {level} interval "
        f"{ends[0]}), and for comparisons {number(row['g'])} (Eρ²).",
        f"{_row_design(result, row, 'zh')}时，可靠性为 {number(row['phi'])}（Φ；{level} 置信区间 {ends[1]}），"
        f"用于相互比较为 {number(row['g'])}（Eρ²）。",
    )


def _cheapest(result: "DStudyResult", enough: Any) -> Words:
    row = enough.loc[enough["cost"].idxmin()]
    judged, cost = result.study.nouns[result.decision.plan.object], number(row["cost"], 0)
    return Words(
        f"The cheapest of these designs that reaches 0.80: {_row_design(result, row, 'en')}, at {cost} per "
        f"{judged.one}.",
        f"达到 0.80 的方案中，最省的是 {_row_design(result, row, 'zh')}，{judged.each()}费用 {cost}。",
    )


def rules(decided: "Decision") -> tuple[Words, ...]:
    """Say what a decision takes as fixed or nested."""
    found = []
    if decided.fixed:
        names = ", ".join(sorted(decided.fixed))
        found.append(
            Words(
                f"Fixed: {names}. Conclusions hold for the levels studied only.",
                f"固定：{names}。结论只适用于研究过的这些水平。",
            )
        )
    other = sorted(decided.own - set(decided.plan.crossed))
    if other:
        names = ", ".join(other)
        found.append(
            Words(f"Each {decided.plan.object} gets its own: {names}.", f"各 {decided.plan.object} 各自使用：{names}。")
        )
    return tuple(found)


def cap(remaining: tuple[tuple[str, float], ...], limit: float, target: float) -> tuple[Words, ...]:
    """Say what no number averages out, where that matters."""
    from cxresearch.mystery_shopping.generalizability_notes import capped

    return (capped(*remaining[0]),) if remaining and limit < max(target, 0.95) else ()


def needed(result: "VisitsResult", language: str, focus: Any) -> str:
    """Write the paragraph on the number needed."""
    check(language)
    said = [_answer(result)(language), _now(result)(language), _thumb(result)(language)]
    if len(result.bill):
        said.append(_priced(result)(language))
    if focus is not None:
        said.insert(0, _focused(result.study, focus)(language))
    said.append(_rests(result)(language))
    return join(said, language)


def _nouns(result: "VisitsResult") -> "tuple[Noun, Noun]":
    return result.study.nouns[result.answer.facet], result.study.nouns[result.decision.plan.object]


def _goal(result: "VisitsResult") -> Words:
    row, (_, judged) = result.answer, _nouns(result)
    to = number(row.target)
    if row.coefficient == "g":
        return Words(
            f"to compare {judged.many} with each other at a reliability of {to} (Eρ², where 1 is no error)",
            f"要让{judged.zh}之间相互比较的信度达到 {to}（Eρ²，1 表示没有误差）",
        )
    return Words(
        f"for {judged.a()}'s mean score to reach a dependability of {to} (Φ, where 1 is no error)",
        f"要让{judged.each()}平均分的可靠性达到 {to}（Φ，1 表示没有误差）",
    )


def _answer(result: "VisitsResult") -> Words:
    row, noun = result.answer, _nouns(result)[0]
    goal, given, level = _goal(result), _given(result), percent(result.confidence)
    if not row.reachable:
        return _unreachable(result, goal)
    n, low, high = row.needed, row.needed_low, row.needed_high
    if n == 1 and high == 1:
        return Words(
            f"One {noun.one} is enough {goal.en}{given.en}.", f"{goal.zh}{given.zh}，1 {noun.measure}{noun.zh}就够了。"
        )
    ends = span(low, high)
    return Words(
        f"You need about {noun.counted(n)} ({ends.en}; {level} interval) {goal.en}{given.en}.",
        f"{goal.zh}{given.zh}，大约需要 {noun.counted(n, 'zh')}（{level} 置信区间：{ends.zh}）。",
    )


def span(low: float, high: float) -> Words:
    """Write the interval of a number of visits, which may have no upper end."""
    if math.isinf(high):
        return Words(
            f"at least {number(low, 0)}, the data set no upper limit", f"至少 {number(low, 0)}，数据不足以给出上限"
        )
    return Words(interval(low, high, digits=0), interval(low, high, "zh", digits=0))


def _given(result: "VisitsResult") -> Words:
    """Say the sizes of the other facets."""
    plan = result.decision.plan
    others = {f: n for f, n in result.sizes.items() if f in plan.error and f != result.answer.facet}
    if not others:
        return Words("", "")
    said = [_design(result.study, others, language) for language in ("en", "zh")]
    return Words(f", with {said[0]}", f"，按 {said[1]}计")


def _unreachable(result: "VisitsResult", goal: Words) -> Words:
    row, (noun, judged) = result.answer, _nouns(result)
    if row.limit == 0 or math.isnan(row.limit) or not result.remaining:
        return Words(
            f"No number of {noun.many} will do {goal.en}: these scores show no lasting differences between "
            f"{judged.many}.",
            f"{goal.zh}，再多的{noun.zh}也不行：从这些分数看不出{judged.zh}之间有稳定的差别。",
        )
    limit, ends, level = number(row.limit), (row.limit_ci_low, row.limit_ci_high), percent(result.confidence)
    given, cause = _given(result), [stuck(result, language) for language in ("en", "zh")]
    perhaps = _perhaps(result)
    return Words(
        f"{capital(goal.en)}{given.en}, more {noun.many} alone will not do: however many, it stays at {limit} ({level} "
        f"interval {interval(*ends)}), because {cause[0]} not average out{perhaps.en}.",
        f"{goal.zh}{given.zh}，只增加{noun.zh}做不到：再多也只到 {limit}（{level} 置信区间 {interval(*ends, 'zh')}），"
        f"因为{cause[1]}平均不掉{perhaps.zh}。",
    )


def stuck(result: "VisitsResult", language: str) -> str:
    """Name what no number averages out."""
    name = result.remaining[0][0]
    said = component(result.study, name, language)
    if name == RESIDUAL:
        return Words(f"{said} do", f"{said}带来的误差")(language)
    return Words(f"differences between {said} do", f"{said}之间的差异")(language)


def _perhaps(result: "VisitsResult") -> Words:
    """Say that the data leave it open, where they do."""
    row, noun = result.answer, _nouns(result)[0]
    if math.isinf(row.needed_low):
        return Words("", "")
    n = number(row.needed_low, 0)
    return Words(f"; but the data do not rule out that {n} would do", f"；不过数据也不排除 {n} {noun.measure}就够")


def _now(result: "VisitsResult") -> Words:
    row, (noun, judged) = result.answer, _nouns(result)
    studied = float(result.decision.studied[row.facet])
    reached = coefficient_at(result, studied)
    return Words(
        f"The {noun.counted(studied)} per {judged.one} in the data reach {reached}.",
        f"现有数据{judged.each()} {noun.counted(studied, 'zh')}，达到 {reached}。",
    )


def coefficient_at(result: "VisitsResult", n: float) -> str:
    """Write the coefficient at one number."""
    kept = result.study.table["variance"].clip(lower=0).to_numpy()
    weights = result.decision.weights({f: s for f, s in result.sizes.items() if f != result.answer.facet} | {
        result.answer.facet: n})  # fmt: skip
    signal = float(weights.universe @ kept)
    noise = float(weights.error(result.answer.coefficient) @ kept)
    return number(signal / (signal + noise)) if signal + noise else "–"


def _thumb(result: "VisitsResult") -> Words:
    noun, judged = _nouns(result)
    size, reached = (dict(zip(result.rules["rule"], result.rules[c], strict=True)) for c in ("size", "estimate"))
    low, high, wide = number(reached["shops_3"]), number(reached["shops_4"]), number(size["margin_10"], 0)
    return Words(
        f"Mystery shopping's rule of thumb, 3 to 4 {noun.many} per {judged.one}, would reach {low} to {high}; the rule "
        f"for a pass rate within ±10 points asks for {wide}, but it only says how well one {judged.one}'s own rate is "
        "known.",
        f"神秘客户行业的经验做法是{judged.each()} 3 至 4 {noun.measure}，可达到 {low} 至 {high}；按合格率误差不超过 "
        f"±10 个百分点推算则要 {wide} {noun.measure}，但那只说明单{judged.measure}{judged.zh}自身的合格率测得有多准。",
    )


def _priced(result: "VisitsResult") -> Words:
    _, judged = _nouns(result)
    pairs = zip(result.bill["price"], result.bill["times"], strict=True)
    lines = " + ".join(f"{_count(t)} × {_count(p)}" for p, t in pairs)
    total = _count(result.answer.cost)
    return Words(f"That costs {total} per {judged.one} ({lines}).", f"{judged.each()}费用为 {total}（{lines}）。")


def _count(value: float) -> str:
    return number(value, 0 if float(value).is_integer() else 2)


def _rests(result: "VisitsResult") -> Words:
    _, judged = _nouns(result)
    n, used = number(len(result.study.targets), 0), number(result.sample.used, 0)
    return Words(
        f"This rests on {used} scores of {n} {judged.many}.",
        f"以上依据 {n} {judged.measure}{judged.zh}的 {used} 个分数。",
    )
