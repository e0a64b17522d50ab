"""Fit lags in a panel, and say in the caller's words what stands in the way."""

from typing import Final, Literal, get_args

import numpy as np

from cxresearch import checks
from cxresearch.loyalty.lag_rows import Rows
from cxresearch.numerics import panel
from cxresearch.numerics.least_squares import RankError

Effects = Literal["two-way", "unit", "none"]
EFFECTS: Final = get_args(Effects)


def fit_or_say(rows: Rows, effects: Effects, outcome: str, units: int | None = None) -> panel.Fit:
    """Fit, and say in the caller's words what stands in the way."""
    try:
        fitted = panel.fit(rows.y, rows.x, rows.unit, rows.period, effects=effects, weights=rows.weights, units=units)
    except RankError as error:
        raise checks.InputError(rank_message(error, rows, effects)) from None
    except ValueError as error:
        raise checks.InputError(f"{error}; fewer lags, or more units or periods, are needed") from None
    if fitted.outcome_spread == 0:
        within = "" if effects == "none" else f" beyond {effects} effects"
        raise checks.InputError(f"outcome={outcome!r} does not change{within} in the {fitted.n} rows used")
    return fitted


def rank_message(error: RankError, rows: Rows, effects: str) -> str:
    """Name the column that has no effect of its own to estimate, and say why."""
    name, lag = rows.terms[error.column]
    role = "driver" if error.column < rows.drivers or lag < 0 else "covariates"
    at = f" at {'lag' if lag > 0 else 'lead'} {abs(lag)}" if lag else ""
    where = f"{role}={name!r}{at}"
    if error.reason == "constant":
        return f"{where} never changes in the {len(rows.y)} rows used; nothing can be estimated from it"
    if error.reason == "collinear":
        return f"{where} is explained by the columns before it (with {effects} effects); use fewer lags or columns"
    column = rows.x[:, [error.column]]
    for codes, why in ((rows.unit, "never changes within a unit"), (rows.period, "is the same for all in each period")):
        left = panel.within(column, codes).columns
        if np.abs(left).max() <= 1e-8 * np.abs(column - column.mean()).max():
            return f"{where} {why}, so {effects} effects leave nothing of it to estimate from"
    return f"{where} is explained by unit and period effects together; nothing is left to estimate from"
