"""Several tests at once."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def holm(p: Floats) -> Floats:
    """Adjust p values for several tests by Holm's procedure; undefined ones stay so and count for nothing.

    statsmodels has it too, but takes two seconds to import.
    """
    order = np.argsort(p)[: int((~np.isnan(p)).sum())]  # NaN sorts last
    adjusted = np.full(p.shape, np.nan)
    steps = p[order] * (order.size - np.arange(order.size))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
