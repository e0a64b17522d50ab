"""What the simulators share: names of units, and checks of their arguments."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cxresearch import checks


def numbered(letter: str, n: int) -> np.ndarray:
    """Return names such as C01 … C12: as many digits as the last one needs, so that they sort."""
    digits = len(str(n))
    return np.array([f"{letter}{i:0{digits}d}" for i in range(1, n + 1)], dtype=object)


def finite(argument: str, values: Sequence[float]) -> np.ndarray:
    """Return values as an array; refuse what is no list of finite numbers."""
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        array = np.array([math.nan])
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise checks.InputError(f"{argument}={values!r} must be a list of finite numbers, for example (0.4, 0.2)")
    return array


def at_least(least: int, **sizes: Any) -> None:
    """Refuse what is no whole number, or too small."""
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise checks.InputError(f"{name}={value!r} must be a whole number of at least {least}")


def not_negative(**numbers: Any) -> None:
    """Refuse what is no finite number of at least 0."""
    for name, value in numbers.items():
        if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise checks.InputError(f"{name}={value!r} must be a finite number of at least 0")


def share(**shares: Any) -> None:
    """Refuse what is no share from 0 to below 1."""
    for name, value in shares.items():
        if not isinstance(value, int | float) or not 0 <= value < 1:
            raise checks.InputError(f"{name}={value!r} must be a share from 0 to below 1, for example 0.1")
