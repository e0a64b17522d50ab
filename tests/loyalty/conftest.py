"""Panels and series with known effects."""

import numpy as np
import pandas as pd
import pytest

EFFECTS = (0.4, 0.3, 0.2, 0.1)


def make_panel(units=40, years=9, noise=0.0, seed=1, share=1.0):
    """Customers over years: effects of satisfaction 0 to 3 years ago, customer and year effects, noise."""
    rng = np.random.default_rng(seed)
    before = len(EFFECTS) - 1
    level = rng.normal(size=(units, 1))
    x = level + rng.normal(size=(units, years + before))
    y = 5 + 2 * level + rng.normal(size=(1, years)) + noise * rng.normal(size=(units, years))
    y = y + sum(b * x[:, before - lag : before - lag + years] for lag, b in enumerate(EFFECTS))
    unit, year = (axis.ravel() for axis in np.indices((units, years)))
    frame = pd.DataFrame(
        {
            "customer": [f"c{u:03d}" for u in unit],
            "year": 2010 + year,
            "satisfaction": x[:, before:].ravel(),
            "loyalty": y.ravel(),
            "community": np.array(["North", "South", "West"])[unit % 3],
        }
    )
    return frame[rng.random(len(frame)) < share]


@pytest.fixture(scope="session")
def panel():
    """The maker of panels."""
    return make_panel


@pytest.fixture(scope="session")
def columns():
    """Its columns, as arguments."""
    return {"unit": "customer", "period": "year", "outcome": "loyalty", "driver": "satisfaction"}
