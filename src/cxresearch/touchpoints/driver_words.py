"""What studies of drivers say, in both languages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from cxresearch.language import Paragraph, Words, check, interval, number, ordinal, percent

if TYPE_CHECKING:
    from cxresearch.touchpoints.driver_results import DriverResult, Drivers, Priorities

HEADINGS: Final[dict[str, Words]] = {
    "among_first": Words("among the first in", "排在前列的比例"),
    "by_chance": Words("by chance", "随机期望"),
    "concentrate_here": Words("concentrate here", "集中改进"),
    "driver": Words("driver", "驱动因素"),
    "drivers": Words("drivers", "驱动因素数"),
    "group": Words("group", "组"),
    "headroom": Words("headroom", "提升空间"),
    "headroom_high": Words("headroom to", "提升空间上限"),
    "headroom_low": Words("headroom from", "提升空间下限"),
    "importance": Words("part of R²", "对 R² 的贡献"),
    "keep_up": Words("keep it up", "继续保持"),
    "low_priority": Words("low priority", "次要改进"),
    "opportunity": Words("share × room", "占比×差距"),
    "overlap": Words("strongest that are also lowest", "既最重要又得分最低的个数"),
    "performance": Words("mean score", "平均得分"),
    "performance_high": Words("score to", "得分上限"),
    "performance_low": Words("score from", "得分下限"),
    "possible_overkill": Words("possible overkill", "可能投入过多"),
    "priority": Words("priority", "改进次序"),
    "quadrant": Words("quadrant", "象限"),
    "quadrant_share": Words("stays there in", "留在该象限的比例"),
    "rank_correlation": Words("rank correlation of share and score", "占比与得分的等级相关"),
    "rank_high": Words("rank to", "名次下限"),
    "rank_low": Words("rank from", "名次上限"),
    "rise": Words("rise (points)", "提高（分）"),
    "share": Words("share", "占比"),
    "slope": Words("slope", "斜率"),
    "slope_high": Words("slope to", "斜率上限"),
    "slope_low": Words("slope from", "斜率下限"),
    "statistic": Words("statistic", "统计量"),
}

NAMES: Final[dict[str, Words]] = {
    "brand": Words("brand", "品牌传播"),
    "channel": Words("channel", "渠道"),
    "cleaning": Words("cleaning", "保洁"),
    "environment": Words("environment", "有形环境"),
    "greening": Words("greening", "绿化"),
    "marketing": Words("marketing", "营销"),
    "overall": Words("overall satisfaction", "总体满意度"),
    "people": Words("people", "人员"),
    "place": Words("place", "渠道（地点）"),
    "price": Words("price", "价格"),
    "process": Words("process", "过程"),
    "product": Words("product", "产品"),
    "promotion": Words("promotion", "促销"),
    "reception": Words("reception", "接待"),
    "repairs": Words("repairs", "维修"),
    "security": Words("security", "保安"),
    "service": Words("service", "服务"),
}
"""Names of columns and groups in the project's own data, for sentences; any other column keeps its name."""
LONGEST_NAME: Final = 40
"""Letters of a column's name that sentences show."""


def name(column: Any, language: str, longest: int = LONGEST_NAME) -> str:
    """Return how a column is called in a sentence; in Chinese a name that is none of ours stands in quotes."""
    text = short(column, language, longest)
    return f"“{text}”" if language == "zh" and column not in NAMES else text


def short(column: Any, language: str, longest: int = LONGEST_NAME) -> str:
    """Return a column's name for a label, cut if it is long: the table has it in full."""
    if column in NAMES:
        return NAMES[column](language)
    text = str(column)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def enumerated(columns: Sequence[Any], language: str) -> str:
    """Write ``a, b and c`` or ``a、b和c``."""
    return listed([name(column, language) for column in columns], language)


def listed(names: Sequence[str], language: str) -> str:
    """Join what is said already."""
    if len(names) == 1:
        return names[0]
    comma, last = (", ", " and ") if language == "en" else ("、", "和")
    return comma.join(names[:-1]) + last + names[-1]


def finding(result: "Drivers", language: str) -> str:
    """Say in one line which driver carries most."""
    table = result.table[result.table["share"].notna()]
    if table.empty:
        return Words(f"Nothing explains {name(result.outcome, 'en')}", f"没有因素能解释{name(result.outcome, 'zh')}")(
            language
        )
    top, what = table.iloc[0], name(result.outcome, language)
    rivals = _rivals(result)
    if len(rivals) > 1:
        if len(rivals) > 3:
            return Words(
                f"{len(rivals)} drivers may be the strongest for {what}",
                f"{len(rivals)} 个因素都可能是{what}的首要驱动",
            )(language)
        return Words(
            f"{enumerated(rivals, 'en')} may each be the strongest driver of {what}",
            f"{enumerated(rivals, 'zh')}都可能是{what}的首要驱动因素",
        )(language)
    return Words(
        f"{name(top['driver'], 'en')} goes with {what} most: {percent(top['share'])} of what drivers explain",
        f"{name(top['driver'], 'zh')}与{what}关系最大：占可解释部分的 {percent(top['share'])}",
    )(language)


def _rivals(result: "DriverResult") -> list[Any]:
    """Return the drivers that may hold the first rank; none without intervals."""
    table = result.table.sort_values("rank")
    return list(table.loc[(table["rank_low"] == 1).fillna(False).astype(bool), "driver"])


def drivers_text(result: "Drivers", language: str, focus: Any) -> Paragraph:
    """Say what drives the outcome most, how surely, and how much all drivers explain."""
    check(language)
    sentences = [] if focus is None else [_driver_sentence(result, focus, language)]
    table = result.table[result.table["share"].notna()]
    what = name(result.outcome, language)
    if table.empty:
        sentences.append(Words(f"Nothing explains {what}.", f"没有因素能解释{what}。")(language))
        return Paragraph(joined(sentences, language))
    sentences.append(_first_sentence(result, table, language))
    if len(table) > 1:
        sentences.append(_others_sentence(table, language))
    if result.groups is not None and len(result.groups) < len(result.table):
        sentences.append(_groups_sentence(result, language))
    return Paragraph(joined([*sentences, explained(result, len(table), language), ASSOCIATION(language)], language))


ASSOCIATION: Final = Words(
    "This shows what goes together with it, not yet what would change it.",
    "这反映的是哪些因素与之相伴，还不能说明改变它们就会带来变化。",
)


def joined(sentences: list[str], language: str) -> str:
    """Join sentences, each with a capital in English."""
    if language == "zh":
        return "".join(sentences)
    return " ".join(sentence[:1].upper() + sentence[1:] for sentence in sentences if sentence)


def _bracket(low: float, high: float, language: str) -> str:
    """Write an interval of shares in brackets; nothing if there is none."""
    if np.isnan(low):
        return ""
    span = f"{number(100 * low, 0)} {Words('to', '至')(language)} {percent(high)}"
    return f" ({span})" if language == "en" else f"（{span}）"


def _first_sentence(result: "Drivers", table: "pd.DataFrame", language: str) -> str:
    top, what = table.iloc[0], name(result.outcome, language)
    who = name(top["driver"], language)
    span = _bracket(top["ci_low"], top["ci_high"], language)
    k = len(table)
    text = Words(
        f"of {k} drivers, {who} goes with {what} most: it carries {percent(top['share'])} of what they explain{span}",
        f"在 {k} 个驱动因素中，{who}与{what}关系最大：占可解释部分的 {percent(top['share'])}{span}",
    )(language)
    rivals = [driver for driver in _rivals(result) if driver != top["driver"]]
    if pd.isna(top["rank_low"]):
        return text + Words(".", "。")(language)
    if not rivals:
        return text + Words(", ahead of the others by more than chance.", "，领先幅度超出偶然。")(language)
    if len(rivals) > 3:
        return text + Words(
            f"; but {len(rivals)} others may be as strong.", f"；但另有 {len(rivals)} 个因素可能同样重要。"
        )(language)
    return text + Words(
        f"; but {enumerated(rivals, 'en')} may be as strong.", f"；但{enumerated(rivals, 'zh')}可能同样重要。"
    )(language)


def _others_sentence(table: "pd.DataFrame", language: str) -> str:
    shown = table.iloc[1:4] if len(table) > 5 else table.iloc[1:]
    parts = [
        f"{name(row['driver'], language)} {percent(row['share'])}{_bracket(row['ci_low'], row['ci_high'], language)}"
        for _, row in shown.iterrows()
    ]
    if language == "en":
        rest = f"; the other {len(table) - 1 - len(shown)} carry less" if len(table) - 1 > len(shown) else ""
        return f"next: {', '.join(parts)}{rest}."
    rest = f"；其余 {len(table) - 1 - len(shown)} 个占比更低" if len(table) - 1 > len(shown) else ""
    return f"其次：{'、'.join(parts)}{rest}。"


def _groups_sentence(result: "Drivers", language: str) -> str:
    groups = result.groups
    assert groups is not None  # noqa: S101 - told by the caller
    parts = [
        f"{name(row['group'], language)} {percent(row['share'])}{_bracket(row['ci_low'], row['ci_high'], language)}"
        for _, row in groups.head(4).iterrows()
    ]
    return Words(f"by group: {', '.join(parts)}.", f"按组看：{'、'.join(parts)}。")(language)


def explained(result: "DriverResult", k: int, language: str) -> str:
    """Say how much all drivers explain, and of how many answers."""
    what = name(result.outcome, language)
    base = f"n = {number(result.cases, 0)}"
    if result.bootstraps:
        level = percent(result.confidence)
        base += Words(f"; {level} intervals in brackets", f"；括号内为 {level} 区间")(language)
    if result.family == "linear":
        return Words(
            f"All {k} together explain {percent(result.r2)} of the differences in {what} ({base}).",
            f"{k} 个因素合计解释了{what}差异的 {percent(result.r2)}（{base}）。",
        )(language)
    return Words(
        f"All {k} together reach a McFadden R² of {number(result.r2, 3)} for {what} ({base}).",
        f"{k} 个因素对{what}的 McFadden R² 合计为 {number(result.r2, 3)}（{base}）。",
    )(language)


def _driver_sentence(result: "Drivers", focus: Any, language: str) -> str:
    row = result.row(focus)
    who, k = name(focus, language), int(result.table["share"].notna().sum())
    if pd.isna(row["share"]):
        return Words(
            f"{who} never varies in these rows, so its importance is unknown.",
            f"{who}在这些数据中没有变化，无法判断其重要性。",
        )(language)
    span = _bracket(row["ci_low"], row["ci_high"], language)
    places = ""
    if not pd.isna(row["rank_low"]) and row["rank_low"] < row["rank_high"]:
        places = Words(
            f"; any place from {row['rank_low']} to {row['rank_high']} is possible",
            f"；第 {row['rank_low']} 至第 {row['rank_high']} 名都有可能",
        )(language)
    return Words(
        f"{who} is {ordinal(int(row['rank']))} of {k} in importance, with {percent(row['share'])} of what they "
        f"explain{span}{places}.",
        f"{who}的重要性在 {k} 个因素中排{ordinal(int(row['rank']), 'zh')}，"
        f"占可解释部分的 {percent(row['share'])}{span}{places}。",
    )(language)


def sure_of(value: float, language: str = "en") -> str:
    """Write a share of bootstrap samples; no finite number of them makes it 0 or 100 %."""
    if value > 0.99:
        return Words("over 99 %", "99 % 以上")(language)
    return Words("under 1 %", "不到 1 %")(language) if value < 0.01 else percent(value)


def priorities_finding(result: "Priorities", language: str) -> str:
    """Say in one line what to mend first."""
    chosen = first_drivers(result)
    if not chosen:
        return Words("Nothing can be ranked", "无法排出改进次序")(language)
    return Words(f"Mend first: {enumerated(chosen, 'en')}", f"优先改进：{enumerated(chosen, 'zh')}")(language)


def first_drivers(result: "Priorities") -> list[Any]:
    """Return the drivers to mend first, the first one first."""
    table = result.table
    return list(table.loc[(table["priority"] <= result.first).fillna(False).astype(bool), "driver"])


def priorities_text(result: "Priorities", language: str, focus: Any) -> Paragraph:
    """Say what to mend first, how sure that is, and whether the strongest drivers score lowest."""
    check(language)
    sentences = [] if focus is None else [_priority_sentence(result, focus, language)]
    chosen = first_drivers(result)
    if not chosen:
        what = name(result.outcome, language)
        sentences.append(Words(f"Nothing explains {what}.", f"没有因素能解释{what}。")(language))
        return Paragraph(joined(sentences, language))
    sentences += [_choice_sentence(result, chosen, language), _reason_sentence(result, chosen, language)]
    top = result.table.iloc[0]
    if top["driver"] != focus:
        sentences.append(_headroom_sentence(result, top, language))
    sentences.append(_pattern_sentence(result, language))
    k = int(result.table["share"].notna().sum())
    return Paragraph(joined([*sentences, explained(result, k, language), ASSOCIATION(language)], language))


def _choice_sentence(result: "Priorities", chosen: list[Any], language: str) -> str:
    """Name what to mend first, and how often redrawn respondents would say so too."""
    sure = [result.row(driver)["among_first"] for driver in chosen]
    known = not np.isnan(sure).any() and len(chosen) < int(result.table["share"].notna().sum())
    brackets = Words(" ({})", "（{}）")(language)
    said = [
        name(driver, language) + (brackets.format(sure_of(value, language)) if known else "")
        for driver, value in zip(chosen, sure, strict=True)
    ]
    n = number(result.cases, 0)
    if not known:
        return Words(f"mend first: {listed(said, 'en')} (n = {n}).", f"优先改进：{listed(said, 'zh')}（n = {n}）。")(
            language
        )
    among = Words(f"among the first {len(chosen)}", f"排在前 {len(chosen)} 位")
    if len(chosen) == 1:
        among = Words("the first", "排第一")
    return Words(
        f"mend first: {listed(said, 'en')}. In brackets: how often it stays {among('en')} when the {n} respondents are "
        "redrawn.",
        f"优先改进：{listed(said, 'zh')}。括号内为重抽 {n} 名受访者时它仍{among('zh')}的比例。",
    )(language)


def _reason_sentence(result: "Priorities", chosen: list[Any], language: str) -> str:
    """Say which of them lie in the quadrant to concentrate on, and why the others follow."""
    cut = number(result.performance_cut)
    clear = [driver for driver in chosen if result.row(driver)["quadrant"] == "concentrate_here"]
    equal = percent(result.share_cut)
    if not clear:
        return Words(
            f"No driver both carries more than an equal share ({equal}) and scores below {cut}; these have the largest "
            "share times room to improve.",
            f"没有哪个因素占比超过平均（{equal}）而得分又低于 {cut}；以上各项占比与改进余地之积最大。",
        )(language)
    who, one = enumerated(clear, language), len(clear) == 1
    rest = len(chosen) - len(clear)
    follow = Words("the other follows" if rest == 1 else "the others follow", "其余")
    text = Words(
        f"{who} {'carries' if one else 'carry'} more than an equal share ({equal}) of what drivers explain and "
        f"{'scores' if one else 'score'} below {cut}",
        f"{who}占比超过平均（{equal}）而得分低于 {cut}",
    )(language)
    if rest:
        text += Words(f"; {follow('en')} by share and room to improve", f"；{follow('zh')}按占比与改进余地排列")(
            language
        )
    return text + Words(".", "。")(language)


def _headroom_sentence(result: "Priorities", row: "pd.Series[Any]", language: str) -> str:
    who, what = name(row["driver"], language), name(result.outcome, language)
    low, high = result.scale
    score = f"{number(row['performance'])}"
    ends_en, ends_zh = f"{low:g} to {high:g}", f"{low:g} 至 {high:g}"
    span = "" if np.isnan(row["headroom_low"]) else f"{interval(row['headroom_low'], row['headroom_high'], language)}"
    span = span and Words(f" ({span})", f"（{span}）")(language)
    gain = number(row["headroom"])
    if result.target == "point":
        return Words(
            f"{who} scores {score} ({ends_en}); {number(row['rise'])} more of it goes with {gain} more of {what}{span},"
            " the other drivers unchanged.",
            f"{who}得分 {score}（{ends_zh}）；"
            f"在其他因素不变时，它提高 {number(row['rise'])} 分对应{what}提高 {gain} 分{span}。",
        )(language)
    return Words(
        f"{who} scores {score} ({ends_en}); reaching the best quarter of units means {number(row['rise'])} more, "
        f"which goes with {gain} more of {what}{span}, the other drivers unchanged.",
        f"{who}得分 {score}（{ends_zh}）；若达到前四分之一单位的水平，需提高 {number(row['rise'])} 分，"
        f"在其他因素不变时对应{what}提高 {gain} 分{span}。",
    )(language)


def _pattern_sentence(result: "Priorities", language: str) -> str:
    row = result.pattern.iloc[0]
    if np.isnan(row["estimate"]):
        return ""
    value = number(row["estimate"])
    known = not np.isnan(row["ci_low"])
    span = Words(", ", "，")(language) + interval(row["ci_low"], row["ci_high"], language) if known else ""
    figure = Words(
        f" (rank correlation {value}{span}; −1 is exactly so)", f"（等级相关 {value}{span}；−1 表示完全如此）"
    )(language)
    if known and row["ci_high"] < 0:
        said = Words("The strongest drivers score lowest", "越重要的因素得分越低")
    elif known and row["ci_low"] > 0:
        said = Words("The strongest drivers score highest", "越重要的因素得分越高")
    elif known:
        said = Words("Whether the strongest drivers score lowest stays open", "越重要的因素是否得分越低，尚无定论")
    else:
        said = Words("Importance and score across drivers", "各因素重要性与得分的关系")
    return said(language) + figure + Words(".", "。")(language)


def _priority_sentence(result: "Priorities", focus: Any, language: str) -> str:
    row = result.row(focus)
    who = name(focus, language)
    if pd.isna(row["priority"]):
        return Words(f"{who} cannot be placed: nothing is known of its importance.", f"{who}的重要性未知，无法定位。")(
            language
        )
    k = int(result.table["priority"].notna().sum())
    quadrant = HEADINGS[row["quadrant"]](language)
    stays = row["quadrant_share"]
    sure = "" if np.isnan(stays) else Words(
        f", which it keeps in {sure_of(stays)} of redrawn samples", f"，在重抽样本中有 {sure_of(stays, 'zh')} 保持不变"
    )(language)  # fmt: skip
    place = Words(
        f"{who} is {ordinal(int(row['priority']))} of {k} in the order of mending; its quadrant is “{quadrant}”{sure}.",
        f"{who}在 {k} 个因素的改进次序中排{ordinal(int(row['priority']), 'zh')}，位于“{quadrant}”象限{sure}。",
    )(language)
    gain = _headroom_sentence(result, row, language)
    return place + (" " + gain[:1].upper() + gain[1:] if language == "en" else gain)
