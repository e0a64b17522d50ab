"""People nested in places: account managers in branches, shop assistants in stores."""

from typing import Any, Final

import numpy as np
import pandas as pd

from cxresearch import checks
from cxresearch.checks import InputError, listed
from cxresearch.numerics import shrinkage
from cxresearch.numerics.nested_shrinkage import within_places
from cxresearch.touchpoints.benchmark_cells import Cells
from cxresearch.touchpoints.benchmark_fit import DRAWS, Terms

COLUMNS: Final = [
    "touchpoint", "place", "unit", "n", "mean", "difference", "ci_low", "ci_high", "signal", "wrong_side",
]  # fmt: skip


def read_places(data: Any, unit: str, place: str) -> dict[Any, Any]:
    """Return the place of each unit.

    Raises
    ------
    InputError
        If there is no such column, or a unit is at two places.
    """
    if isinstance(data, pd.DataFrame):
        checks.columns(data, unit=unit, place=place)
        pairs = data[[unit, place]]
    else:
        from cxresearch.touchpoints import benchmark_totals as totals

        pairs = totals.distinct(data, unit=unit, place=place)
    pairs = pairs.dropna().drop_duplicates()
    twice = pairs[unit].duplicated()
    if twice.any():
        who = pairs.loc[twice, unit].iloc[0]
        where = listed(pairs.loc[pairs[unit] == who, place])
        raise InputError(
            f"place={place!r}: {who!r} of unit={unit!r} is at several places ({where}); tell people of one name apart, "
            "for example by their staff number"
        )
    return dict(zip(pairs[unit], pairs[place], strict=True))


def at_places(found: Cells, touchpoint: Any, places: dict[Any, Any], terms: Terms) -> pd.DataFrame | None:
    """Hold each unit against the others at its place; None where no two are at one place, or nothing varies."""
    own = found.table[(found.table["touchpoint"] == touchpoint) & ~found.table["suppressed"]]
    shown = own.assign(place=own["unit"].map(places)).dropna(subset="place").sort_values(["mean", "n"])
    code = pd.factorize(shown["place"])[0]
    n, mean = shown["n_effective"].to_numpy(dtype=float), shown["mean"].to_numpy(dtype=float) / found.top
    if found.kind == "rates":
        within, df = float((n * mean * (1 - mean)).sum() / max(1.0, n.sum() - n.size)), float(n.sum() - n.size)
    else:
        df = float(shown["df"].sum())
        within = float(shown["squares"].sum()) / df if df > 0 else 0.0
    if not len(shown) or np.bincount(code).max() < 2 or within <= 0:
        return None
    rng = np.random.default_rng(terms.seed)
    model = within_places(mean, n, code, within, df, level=terms.confidence, draws=DRAWS, rng=rng)
    alone = np.isnan(model.difference)  # on no side of themselves, so never flagged
    wrong = np.where(alone, np.nan, shrinkage.wrong_side(model.above, model.below))
    side = np.where(alone, "alone", shrinkage.sides(model.above, model.below, terms.wrong_side))
    columns = {name: found.top * getattr(model, name) for name in ("difference", "low", "high")}
    filled = shown.assign(
        difference=columns["difference"], ci_low=columns["low"], ci_high=columns["high"], signal=side, wrong_side=wrong
    )
    order = filled.assign(name=filled["unit"].map(str), where=filled["place"].map(str), size=-filled["difference"])
    sorted_rows: pd.DataFrame = filled.loc[order.sort_values(["where", "size", "name"]).index, COLUMNS]
    return sorted_rows
