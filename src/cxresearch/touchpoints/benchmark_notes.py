"""What a reader must know before using a benchmark's table."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from cxresearch.language import Words, number, percent
from cxresearch.touchpoints.benchmark_cells import Cells
from cxresearch.touchpoints.benchmark_input import Asked

UNEVEN = 0.4
"""Standard deviation of log variances among units, beyond chance, from which spreads count as uneven."""


def standing(better: str, wrong_side: float, confidence: float) -> tuple[Words, ...]:
    """Say what every benchmark's columns mean."""
    best_en, best_zh = ("highest", "最高") if better == "high" else ("lowest", "最低")
    share = percent(wrong_side, 0 if round(100 * wrong_side, 6).is_integer() else 1)
    level = percent(confidence, 0 if round(100 * confidence, 6).is_integer() else 1)
    return (
        Words(
            "Above and below: relative to the middle unit (the median of the units' true values). At most "
            f"{share} of such flags are expected to stand on the wrong side; where the data do not show that units "
            "differ, none is set.",
            f"“高于”“低于”均相对于居中单位（各单位真实水平的中位数）。预计这类标记中至多 {share} 站错了边；"
            "若数据不能表明各单位确有差异，则不作标记。",
        ),
        Words(
            f"Rank 1 is the {best_en} observed score. A rank interval holds the unit's true rank with {level} "
            "certainty, for each unit taken by itself. It compares a unit with every other one and asks more of the "
            "data than a flag does: a flagged unit's interval may be wide.",
            f"第 1 名为观测得分{best_zh}者。名次区间就单个单位而言，有 {level} 的把握包含其真实名次。"
            "它要把一个单位与其余每个单位逐一比较，对数据的要求高于标记，所以被标记的单位，名次区间也可能很宽。",
        ),
    )


def like_with_like(asked: Asked) -> list[Words]:
    """Say what weights and covariates do to the means."""
    notes = []
    if asked.weight is not None:
        notes.append(
            Words(
                f"Answers are weighted by {asked.weight}; intervals rest on the effective number of answers, which is "
                "smaller the more the weights differ.",
                f"各答案按 {asked.weight} 加权；区间依据有效样本量计算，权重相差越大，有效样本量越小。",
            )
        )
    if asked.covariates:
        names = ", ".join(asked.covariates), "、".join(asked.covariates)
        notes.append(
            Words(
                f"Means are as they would be if every unit had the same mix of {names[0]}; what else differs between "
                "the units' customers is not held equal.",
                f"均值已调整为各单位在{names[1]}上构成相同时的水平；各单位客户的其他差异并未消除。",
            )
        )
    return notes


def found(cells: Cells, able: list[Any], min_n: int, label: Callable[[Any], Words]) -> list[Words]:
    """Say what this data set's reader must know; `label` names a touchpoint."""
    notes = []
    hidden = int(cells.table["suppressed"].sum())
    if hidden:
        notes.append(
            Words(
                f"{number(hidden, 0)} scores rest on fewer than {min_n} answers: not shown, not ranked, not compared.",
                f"有 {number(hidden, 0)} 个得分的样本不足 {min_n} 份：不显示、不排名、不参与比较。",
            )
        )
    lonely = [t for t in cells.table["touchpoint"].drop_duplicates() if t not in able]
    if lonely:
        names = _list(map(label, lonely))
        notes.append(
            Words(
                f"Fewer than two units can be shown on {names('en')}: there is nothing to compare.",
                f"在{names('zh')}上可显示的单位不足两个，无从比较。",
            )
        )
    if cells.kind == "means":
        shown = cells.table[~cells.table["suppressed"] & cells.table["touchpoint"].isin(able)]
        notes += _spread_notes(shown, label)
    return notes


def _spread_notes(shown: pd.DataFrame, label: Callable[[Any], Words]) -> list[Words]:
    notes = []
    groups = shown.groupby("touchpoint", observed=True)
    flat = [t for t, g in groups if g["squares"].sum() <= 1e-20 * g["mean"].abs().max() ** 2]
    if flat:
        names = _list(map(label, flat))
        notes.append(
            Words(
                f"On {names('en')} all answers of a unit are equal: nothing tells chance from difference, so there are "
                "no intervals.",
                f"在{names('zh')}上，每个单位的答案完全相同：无从区分偶然与差异，因此没有区间。",
            )
        )
    uneven = [t for t, g in groups if t not in flat and _uneven(g)]
    if uneven:
        names = _list(map(label, uneven))
        notes.append(
            Words(
                f"On {names('en')} answers vary much more in some units than in others. The intervals use one pooled "
                "variance: they are too short for the units that vary most, and too long for those that vary least.",
                f"在{names('zh')}上，各单位答案的离散程度相差较大。区间采用合并方差：对离散大的单位偏短，对离散小的单位偏长。",
            )
        )
    small = shown["n"] < 10
    if small.any():
        notes.append(
            Words(
                f"{number(int(small.sum()), 0)} scores rest on fewer than 10 answers: their intervals assume that "
                "answers are roughly normal.",
                f"有 {number(int(small.sum()), 0)} 个得分的样本不足 10 份：其区间假定答案大致服从正态分布。",
            )
        )
    return notes


def _uneven(group: pd.DataFrame) -> bool:
    df = group["n"].to_numpy(dtype=float) - 1
    squares = group["squares"].to_numpy(dtype=float)
    usable = (df > 0) & (squares > 0)
    if usable.sum() < 5:
        return False
    df, log_variance = df[usable], np.log(squares[usable] / df[usable])
    chance = special.polygamma(1, df / 2).mean()
    centred = log_variance - special.digamma(df / 2) + np.log(df / 2)
    return bool(np.var(centred, ddof=1) - chance > UNEVEN**2)


def _list(labels: Iterable[Words], most: int = 5) -> Words:
    given = list(labels)
    more = f" … ({len(given) - most})" if len(given) > most else ""
    return Words(", ".join(w("en") for w in given[:most]) + more, "、".join(w("zh") for w in given[:most]) + more)
