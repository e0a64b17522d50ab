"""Tables of lag effects: estimates, intervals and running sums, laid out alike for every study of lags."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cxresearch.numerics.least_squares import running_sums

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Critical = float | tuple[Floats, Floats]
"""Errors to each side of an estimate: one number, or one per effect and one per running sum."""


def effect_table(
    terms: Sequence[tuple[str, int]],
    coef: Floats,
    covariance: Floats,
    *,
    critical: Critical,
    p_value: Callable[[Floats], Floats],
    n: int | Integers,
) -> "pd.DataFrame":
    """Lay out effects and their running sums, driver by driver.

    Parameters
    ----------
    terms : sequence of (str, int), length k
        Driver and lag of each effect, each driver's lags ascending and side by side.
    coef, covariance : array, shape (k,) and (k, k)
        Effects and their joint covariance.
    critical : float or pair of arrays
        Errors to each side of an estimate.
    p_value : callable
        Turns t statistics into two-sided p values.
    n : int or array
        Rows, in all or by effect.
    """
    import pandas as pd

    single, summed = critical if isinstance(critical, tuple) else (critical, critical)
    se = np.sqrt(np.diag(covariance))
    blocks = driver_blocks(terms)
    total = np.concatenate([coef[b].cumsum() for b in blocks])
    total_se = np.sqrt(sum_variances(terms, covariance))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = coef / se
    return pd.DataFrame(
        {
            "driver": [driver for driver, _ in terms],
            "lag": [lag for _, lag in terms],
            "estimate": coef,
            "se": se,
            "ci_low": coef - single * se,
            "ci_high": coef + single * se,
            "p_value": p_value(t),
            "cumulative": total,
            "cumulative_ci_low": total - summed * total_se,
            "cumulative_ci_high": total + summed * total_se,
            "n": n,
        }
    )


def driver_blocks(terms: Sequence[tuple[str, int]]) -> list[slice]:
    """Return where each driver's lags lie: each begins at lag 0."""
    starts = [i for i, (_, lag) in enumerate(terms) if lag == 0]
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(terms)], strict=True)]


def sum_variances(terms: Sequence[tuple[str, int]], covariance: Floats) -> Floats:
    """Return the variance of each running sum of effects."""
    return np.concatenate([np.diag(running_sums(covariance[b, b])) for b in driver_blocks(terms)])


def slope_table(names: Sequence[str], coef: Floats, se: Floats, *, df: int, critical: float) -> "pd.DataFrame":
    """Lay out the slopes of covariates."""
    import pandas as pd

    with np.errstate(divide="ignore", invalid="ignore"):
        p = t_p_value(df)(coef / se)
    return pd.DataFrame(
        {
            "covariate": list(names),
            "estimate": coef,
            "se": se,
            "ci_low": coef - critical * se,
            "ci_high": coef + critical * se,
            "p_value": p,
        }
    )


def labelled(covariance: Floats, terms: Sequence[tuple[str, int]]) -> "pd.DataFrame":
    """Name rows and columns of a covariance by driver and lag."""
    import pandas as pd

    labels = pd.MultiIndex.from_tuples(terms, names=["driver", "lag"])
    return pd.DataFrame(covariance, index=labels, columns=labels)


def t_critical(confidence: float, df: Any) -> Any:
    """Return the two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return stdtrit(df, (1 + confidence) / 2)


def t_p_value(df: Any) -> Callable[[Floats], Floats]:
    """Return the function that turns t statistics into two-sided p values."""
    from scipy.special import stdtr

    return lambda t: np.asarray(2 * stdtr(df, -np.abs(t)))
