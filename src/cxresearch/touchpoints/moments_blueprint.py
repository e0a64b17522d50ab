"""Read a service blueprint: steps in their order, where each can fail, and where customers would meet it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cxresearch import checks
from cxresearch.language import Words
from cxresearch.result import Sample

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

STAGES: Final = {
    "front": "front", "frontstage": "front", "onstage": "front", "前台": "front", "前": "front",
    "back": "back", "backstage": "back", "offstage": "back", "后台": "back", "后": "back",
}  # fmt: skip
"""Words for the two stages, spaces and hyphens left out."""


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """Steps and moments, ready for analysis.

    Parameters
    ----------
    steps : DataFrame
        Columns moment, step, role, stage, tool; what was not given is missing, stage is "front".
    failure, recovery : array, shape (steps,)
        Chance that the step fails, and that the next moment makes its failure good.
    observed : array, shape (steps,), or None
        How often each step was watched.
    starts, met : array of int, shape (steps,)
        Moment at which the step stands, and at which customers meet its failure, from 0; -1 if they never do.
    moments : tuple
        Names of the moments that have a front stage, in their order; `met` counts in them.
    all_moments : tuple
        Names of all moments, in their order; `starts` counts in them.
    weight : array, shape (moments,), or None
        How much each moment moves perception.
    groups : tuple
        Group of each moment with a front stage; empty without groups.
    given : bool
        Whether a blueprint was given; if not, all moments are alike.
    sample : Sample
        Steps used and dropped.
    """

    steps: "pd.DataFrame"
    failure: Floats
    recovery: Floats
    observed: Floats | None
    starts: Integers
    met: Integers
    moments: tuple[Any, ...]
    all_moments: tuple[Any, ...]
    weight: Floats | None
    groups: tuple[Any, ...]
    given: bool
    sample: Sample


def alike(moments: Any, failure: Any, recovery: Any) -> Blueprint:
    """Return as many moments as asked for, all alike."""
    import pandas as pd

    if isinstance(moments, bool) or not isinstance(moments, int) or not 1 <= moments <= 10_000:
        raise checks.InputError(f"moments={moments!r} must be a whole number from 1 to 10,000, for example 39")
    for name, value in (("failure", failure), ("recovery", recovery)):
        if isinstance(value, str):
            raise checks.InputError(f"{name}={value!r} names a column, but there is no blueprint; give a chance")
    chances = [_chance(name, value) for name, value in (("failure", failure), ("recovery", recovery))]
    names = tuple(range(1, moments + 1))
    steps = pd.DataFrame({"moment": names, "step": names, "role": None, "stage": "front", "tool": None})
    places = np.arange(moments)
    return Blueprint(
        steps=steps, failure=np.full(moments, chances[0]), recovery=np.full(moments, chances[1]), observed=None,
        starts=places, met=places, moments=names, all_moments=names, weight=None, groups=(), given=False,
        sample=Sample(rows=moments, used=moments, counts={"moments": moments}),
    )  # fmt: skip


def read(
    data: "pd.DataFrame",
    *,
    moment: str,
    step: str | None,
    role: str | None,
    stage: str | None,
    tool: str | None,
    failure: "str | float",
    recovery: "str | float",
    observed: str | None,
    weight: str | None,
    group: str | None,
) -> Blueprint:
    """Check the columns, drop steps without a moment or a chance, and find where failures are met.

    Raises
    ------
    InputError
        If a column is missing, a chance lies outside 0 to 1, a stage is neither front nor back, a moment has two
        weights or two groups, or no step is left.
    """
    import pandas as pd

    columns = {"moment": moment, "step": step, "role": role, "stage": stage, "tool": tool, "group": group}
    checks.columns(data, **columns, observed=observed, weight=weight)
    frame = pd.DataFrame({name: None if c is None else data[c].to_numpy() for name, c in columns.items()},
                         index=range(len(data)))  # fmt: skip
    frame["label"] = data.index
    for name, value in (("failure", failure), ("recovery", recovery)):
        frame[name] = _chances(data, name, value)
    for name, column in (("observed", observed), ("weight", weight)):
        frame[name] = np.nan if column is None else checks.numbers(data, name, column)
    frame, dropped = _used(frame, observed is not None)
    if stage is not None:
        frame["stage"] = [
            _stage(value, stage, label) for value, label in zip(frame["stage"], frame["label"], strict=True)
        ]
    else:
        frame["stage"] = "front"
    frame["step"] = frame["moment"] if step is None else frame["step"].where(frame["step"].notna(), frame["moment"])
    return _built(frame.reset_index(drop=True), len(data), dropped, observed is not None, weight, group)


def _chance(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise checks.InputError(f"{name}={value!r} must be a chance from 0 to 1, for example 0.01 for one in a hundred")
    return float(value)


def _chances(data: "pd.DataFrame", name: str, value: "str | float") -> Floats:
    if not isinstance(value, str):
        return np.full(len(data), _chance(name, value))
    checks.columns(data, **{name: value})
    found = checks.numbers(data, name, value)
    wrong = (found < 0) | (found > 1)
    if wrong.any():
        at = int(wrong.argmax())
        hint = "; per cent are divided by 100" if 1 < found[at] <= 100 else ""
        raise checks.InputError(
            f"{name}={value!r}: row {data.index[at]} holds {found[at]:g}; a chance lies between 0 and 1{hint}"
        )
    return found


def _stage(value: Any, column: str, label: Any) -> str:
    told = str(value).lower().replace(" ", "").replace("-", "").replace("_", "")
    if told not in STAGES:
        raise checks.InputError(f"stage={column!r}: row {label} holds {value!r}; a step is 'front' or 'back' stage")
    return STAGES[told]


def _used(frame: "pd.DataFrame", watched: bool) -> tuple["pd.DataFrame", tuple[tuple[Words, int], ...]]:
    reasons = [
        (frame["moment"].notna(), Words("no moment named", "没有写明关键时刻")),
        (frame["failure"].notna(), Words("no chance of failure", "没有失误概率")),
        (frame["recovery"].notna(), Words("no chance of recovery", "没有补救成功率")),
    ]
    if watched:
        reasons.append((frame["observed"] > 0, Words("never watched", "没有观察次数")))
    kept = np.ones(len(frame), bool)
    dropped = []
    for fine, why in reasons:
        lost = kept & ~fine.to_numpy()
        dropped.append((why, int(lost.sum())))
        kept &= fine.to_numpy()
    left: pd.DataFrame = frame[kept].copy()
    if left.empty:
        raise checks.InputError("the blueprint has no step with a moment, a chance of failure and one of recovery")
    return left, tuple(dropped)


def _built(
    frame: "pd.DataFrame",
    rows: int,
    dropped: tuple[tuple[Words, int], ...],
    watched: bool,
    weight: str | None,
    group: str | None,
) -> Blueprint:
    # rows of one moment stand together; where its name comes back later, it is met once more
    starts = (frame["moment"] != frame["moment"].shift()).cumsum().to_numpy() - 1
    front = np.unique(starts[(frame["stage"] == "front").to_numpy()])
    if not len(front):
        raise checks.InputError("no step is on the front stage: customers would meet nothing")
    after = np.searchsorted(front, starts)
    met = np.where(after < len(front), after, -1)
    names = frame["moment"].groupby(starts).first().tolist()
    shown = [names[place] for place in front]
    return Blueprint(
        steps=frame[["moment", "step", "role", "stage", "tool"]],
        failure=frame["failure"].to_numpy(dtype=float),
        recovery=frame["recovery"].to_numpy(dtype=float),
        observed=frame["observed"].to_numpy(dtype=float) if watched else None,
        starts=starts,
        met=met,
        moments=tuple(shown),
        all_moments=tuple(names),
        weight=None if weight is None else _weights(frame, shown, weight),
        groups=() if group is None else _groups(frame, shown, group),
        given=True,
        sample=Sample(rows=rows, used=len(frame), dropped=dropped, counts={"moments": len(shown)}),
    )


def _weights(frame: "pd.DataFrame", shown: list[Any], column: str) -> Floats:
    found = []
    for name in shown:
        values = frame.loc[frame["moment"] == name, "weight"].dropna().unique()
        if len(values) != 1 or not values[0] > 0:
            raise checks.InputError(
                f"weight={column!r}: moment {name!r} needs one number above 0, not {checks.listed(values) or 'nothing'}"
            )
        found.append(float(values[0]))
    return np.array(found)


def _groups(frame: "pd.DataFrame", shown: list[Any], column: str) -> tuple[Any, ...]:
    found = []
    for name in shown:
        values = frame.loc[frame["moment"] == name, "group"].dropna().unique()
        if len(values) > 1:
            raise checks.InputError(
                f"group={column!r}: moment {name!r} is in {checks.listed(values)}; it needs one group"
            )
        found.append(values[0] if len(values) else None)
    return tuple(found)
