"""What the study of internal consistency says, in English and Chinese."""

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from cxresearch import checks
from cxresearch.language import Words, check, interval, number, percent
from cxresearch.mystery_shopping.words import join

if TYPE_CHECKING:
    from cxresearch.mystery_shopping.consistency_results import ConsistencyResult, Factor

HEADINGS: Final = {
    "alpha": Words("Cronbach's alpha", "克龙巴赫 α（Cronbach）"),
    "omega": Words("McDonald's omega, one factor by maximum likelihood", "麦克唐纳 ω（McDonald，单因子极大似然）"),
    "alpha_standardised": Words("alpha of items of equal variance", "标准化 α"),
    "lambda2": Words("Guttman's lambda 2", "格特曼 λ2（Guttman）"),
    "item": Words("item", "条目"),
    "sd": Words("spread (SD)", "离散（标准差）"),
    "item_rest": Words("correlation with the others", "与其余条目的相关"),
    "alpha_without": Words("alpha without it", "去掉后的 α"),
    "loading": Words("loading", "因子载荷"),
}

UNANSWERED: Final = Words("an item unanswered", "有条目未答")
ALL_UNANSWERED: Final = Words("no item answered", "全部条目未答")
NO_VARIANCE: Final = Words(
    "The sum of the items is the same in every row: consistency is undefined.", "各行的条目总分都相同：一致性无法计算。"
)
NOT_CONVERGED: Final = Words(
    "The estimation of the covariances did not come to an end, so many answers are missing: read with caution.",
    "缺失过多，协方差估计未能收敛：请谨慎看待。",
)
TWO_ITEMS: Final = Words(
    "With two items omega is undefined: one factor needs three.", "只有两个条目，ω 无法计算：单因子至少需要三个。"
)
DETERMINED: Final = Words(
    "Omega is undefined: an item is constant or follows exactly from the others, or there are fewer rows than items.",
    "ω 无法计算：某个条目为常数或可由其他条目完全推出，或行数少于条目数。",
)
HEYWOOD: Final = Words(
    "The factor explains an item completely, which no factor does (a Heywood case): read omega with caution.",
    "因子完全解释了某个条目，这在现实中不可能（Heywood 情形）：请谨慎看待 ω。",
)
NO_FACTOR: Final = Words(
    "The search for the factor did not come to an end: read omega with caution.", "因子估计未能收敛：请谨慎看待 ω。"
)
REDUNDANT: Final = Words(
    "Alpha above 0.95 often means that items ask the same thing in other words: fewer would do.",
    "α 高于 0.95 往往说明条目只是换了说法在问同一件事：可以精简。",
)


def estimated(gaps: float, rows: int, effective: float) -> Words:
    """Say how missing answers were treated."""
    return Words(
        f"{percent(gaps, 1)} of the answers are missing. Covariances are estimated by maximum likelihood from all that "
        f"are there; for alpha the {number(rows, 0)} rows tell as much as {number(effective, 0)} complete ones. Given "
        "the answers that are there, it must be by chance which ones are not.",
        f"缺失 {percent(gaps, 1)} 的回答。协方差由现有的全部回答按极大似然估计；对 α 而言，"
        f"这 {number(rows, 0)} 行相当于 {number(effective, 0)} 个完整行。前提是在已有回答给定时，缺失哪些纯属偶然。",
    )


def constant(names: list[str]) -> Words:
    """Name items without variance."""
    listed = checks.listed(names, 5)
    return Words(
        f"Answered alike in every row, and so of no help: {listed}.", f"各行回答都相同，不提供信息：{listed}。"
    )


def against(names: list[str]) -> Words:
    """Name items that run against the others."""
    listed = checks.listed(names, 5)
    return Words(
        f"Runs against the other items: {listed}. If a high answer means something bad there, turn it round first.",
        f"与其余条目方向相反：{listed}。如果该条目分数高表示不好，请先反向计分。",
    )


def several(fit: "Factor | None") -> Words:
    """Say that one factor does not describe the items."""
    left = number(fit.srmr) if fit else ""
    return Words(
        f"The items measure more than one thing: one factor leaves correlations of {left} on average (up to 0.08 would "
        "be good). Alpha may be high all the same; consider separate scores.",
        f"这些条目测的不止一件事：单因子平均留下 {left} 的相关未能解释（0.08 以内为佳）。"
        "α 仍可能偏高；可考虑分开计分。",
    )


def few_rows(rows: int) -> Words:
    """Warn of few rows."""
    return Words(
        f"{rows} rows are few: only the interval of alpha can be taken at its word.",
        f"只有 {rows} 行，偏少：只有 α 的区间较为可靠。",
    )


_VERDICTS: Final = {
    "consistent": Words(
        "Yes: the {} items hang together and can be added up.", "可以：这 {} 个条目彼此一致，可以相加为一个总分。"
    ),
    "inconsistent": Words(
        "No: the {} items do not hang together well enough to be added up.",
        "不可以：这 {} 个条目一致性不足，不宜相加。",
    ),
    "open": Words(
        "It is not settled whether the {} items hang together well enough to be added up.",
        "这 {} 个条目是否一致到可以相加，现有数据尚不能断定。",
    ),
    "unknown": Words("Whether the {} items hang together cannot be said.", "这 {} 个条目是否一致，无从判断。"),
}


def text(result: "ConsistencyResult", language: str, focus: Any) -> str:
    """Write the paragraph on consistency."""
    check(language)
    said = [] if focus is None else [_item(result, find(result, focus))(language)]
    said.append(_VERDICTS[result.verdict](language).format(len(result.items)))
    alpha = result.row("alpha")
    if math.isnan(alpha.estimate):
        return join([*said, *(note(language) for note in result.notes[:1])], language)
    parts = [_alpha(result), _omega(result), _weakest(result)]
    parts += [_SEVERAL] if result.factor is not None and result.factor.poor else []
    parts.append(_LIMIT)
    return join([*said, *(part(language) for part in parts)], language)


_SEVERAL: Final = Words(
    "They measure more than one thing, though (see the notes): look at separate scores too.",
    "但它们测的不止一件事（见附注）：不妨也看看分开的得分。",
)
_LIMIT: Final = Words(
    "This speaks of the items; whether another person would give the same answers is another question.",
    "以上只就条目而言；换一个人是否会给出同样的回答，是另一个问题。",
)


def find(result: "ConsistencyResult", focus: Any) -> SimpleNamespace:
    """Return the row of an item.

    Raises
    ------
    InputError
        If there is no such item; the nearest known one is named.
    """
    names = result.items["item"].tolist()
    if focus not in names:
        raise checks.InputError(
            f"focus={focus!r}: no such item{checks.nearest(str(focus), names)}; items are {checks.listed(names)}"
        )
    return SimpleNamespace(
        **{str(column): result.items[column].tolist()[names.index(focus)] for column in result.items}
    )


def _item(result: "ConsistencyResult", row: Any) -> Words:
    rest, without = number(row.item_rest), number(row.alpha_without)
    alpha = number(result.row("alpha").estimate)
    if math.isnan(row.alpha_without):
        return Words(
            f"{row.item}: its correlation with the other is {rest}.", f"{row.item}：与另一条目的相关为 {rest}。"
        )
    return Words(
        f"{row.item}: its correlation with the sum of the others is {rest}; without it alpha would be {without} "
        f"instead of {alpha}.",
        f"{row.item}：与其余条目总分的相关为 {rest}；去掉它，α 由 {alpha} 变为 {without}。",
    )


def _between(row: Any, language: str) -> str:
    if math.isnan(row.ci_low):
        return Words("no interval", "无区间")(language)
    return interval(row.ci_low, row.ci_high, language)


def _alpha(result: "ConsistencyResult") -> Words:
    alpha, level = result.row("alpha"), percent(result.confidence)
    n, value, shared = number(alpha.n, 0), number(alpha.estimate), percent(max(alpha.estimate, 0))
    return Words(
        f"Their consistency is {value} (Cronbach's alpha; {level} interval {_between(alpha, 'en')}; {n} rows): about "
        f"{shared} of the differences in the sum are what the items have in common. As a rule of thumb 0.70 is needed, "
        "and 0.90 to judge single people or outlets.",
        f"一致性为 {value}（克龙巴赫 α；{level} 置信区间 {_between(alpha, 'zh')}；{n} 行）：总分的差异中约 {shared} "
        "是各条目共有的。经验上需达到 0.70；用来评判个人或单个网点时，需达到 0.90。",
    )


def _omega(result: "ConsistencyResult") -> Words:
    omega = result.row("omega")
    if math.isnan(omega.estimate):
        return Words("", "")
    value = number(omega.estimate)
    return Words(
        f"Omega, which lets items differ in how much they tell, is {value} ({_between(omega, 'en')}).",
        f"允许各条目轻重不同的 ω 为 {value}（{_between(omega, 'zh')}）。",
    )


def _weakest(result: "ConsistencyResult") -> Words:
    items = result.items.dropna(subset=["item_rest", "alpha_without"])
    if items.empty:
        return Words("", "")
    row, alpha = items.iloc[int(items["item_rest"].to_numpy().argmin())], result.row("alpha").estimate
    rest, without, now = number(row["item_rest"]), number(row["alpha_without"]), number(alpha)
    gains = row["alpha_without"] > alpha and without != now
    would = Words(f"without it alpha would rise to {without}", f"去掉它，α 会升至 {without}")
    keep = Words(
        f"without it alpha would be {without}, so leaving it out gains nothing", f"去掉它，α 为 {without}，并无好处"
    )
    end = would if gains else keep
    return Words(
        f"{row['item']} goes least with the others (correlation {rest}); {end.en}.",
        f"与其余条目最不一致的是 {row['item']}（相关 {rest}）；{end.zh}。",
    )
