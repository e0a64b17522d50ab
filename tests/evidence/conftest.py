"""Keeps what a simulation found: one row per scenario in data/evidence/<study>.csv."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).parents[2] / "data" / "evidence"
COLUMNS = [
    "study",  # the function under test
    "quantity",  # whose interval
    "scenario",  # the simulated truth and sample sizes
    "nominal",  # the level asked for
    "replications",
    "coverage",  # share of intervals that held the truth
    "mc_error",  # Monte Carlo standard error of the coverage
    "mean_width",
    "undefined",  # share of replications in which the method gave no interval
    "verdict",  # holds (0.93 to 0.97), short (below) or long (above)
    "reason",  # why it does not hold, in one sentence; empty if it does
]


@pytest.fixture(scope="module")
def record(request: pytest.FixtureRequest) -> Any:
    """Collect coverage rows and write them, when the module ends, to data/evidence/<module>.csv."""
    rows: list[dict[str, Any]] = []

    def add(*, study: str, quantity: str, scenario: str, covered: Any, width: Any, nominal: float = 0.95,
            undefined: float = 0.0, reason: str = "") -> float:  # fmt: skip
        n, coverage = len(covered), float(sum(covered) / len(covered))
        verdict = "short" if coverage < nominal - 0.02 else "long" if coverage > nominal + 0.02 else "holds"
        error = math.sqrt(coverage * (1 - coverage) / n)
        width = float(pd.Series(width).mean())
        rows.append(dict(zip(COLUMNS, (study, quantity, scenario, nominal, n, coverage, error, width, undefined,
                                       verdict, "" if verdict == "holds" else reason), strict=True)))  # fmt: skip
        return coverage

    yield add
    name = request.module.__name__.rsplit(".", 1)[-1].removeprefix("test_")
    if rows:
        FOLDER.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows, columns=COLUMNS).to_csv(FOLDER / f"{name}.csv", index=False, float_format="%.5g")


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Any:
    """Collect shares that are no coverage, such as right choices and power, in data/evidence/choices/<module>.csv."""
    rows: list[dict[str, Any]] = []

    def add(*, study: str, quantity: str, scenario: str, found: Any) -> float:
        n, share = len(found), float(sum(found) / len(found))
        error = math.sqrt(share * (1 - share) / n)
        rows.append({"study": study, "quantity": quantity, "scenario": scenario, "replications": n,
                     "share": share, "mc_error": error})  # fmt: skip
        return share

    yield add
    name = request.module.__name__.rsplit(".", 1)[-1].removeprefix("test_")
    if rows:
        (FOLDER / "choices").mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(FOLDER / "choices" / f"{name}.csv", index=False, float_format="%.5g")


@pytest.fixture(scope="session")
def fit_many() -> Any:
    """Fit many balanced panels at once, as `panel.fit` fits one: thousands of samples in seconds.

    Takes y (samples, units, years), x (samples, units, years, k) and weights of units (samples, units), and gives
    coefficients (samples, k) and what each unit contributes to their errors (samples, units, k). The modules that
    use it hold it equal to `panel.fit`.
    """

    def fit(y: Any, x: Any, weights: Any = None) -> tuple[Any, Any]:
        _, units, years, k = x.shape
        w = np.ones(y.shape[:2]) if weights is None else weights
        share = (w / w.sum(axis=1, keepdims=True))[:, :, None, None]
        z = np.concatenate([y[..., None], x], axis=-1)
        z = z - z.mean(axis=2, keepdims=True)
        z = z - (share * z).sum(axis=1, keepdims=True)
        rows = z.reshape(len(z), -1, k + 1)
        heavy = (rows * np.repeat(w, years, axis=1)[..., None]).transpose(0, 2, 1)
        gram = heavy @ rows
        bread = np.linalg.inv(gram[:, 1:, 1:])
        coef = (bread @ gram[:, 1:, :1])[..., 0]
        residual = rows[..., 0] - (rows[..., 1:] @ coef[..., None])[..., 0]
        scores = (heavy[:, 1:].transpose(0, 2, 1) * residual[..., None]).reshape(len(z), units, years, k).sum(axis=2)
        n = units * years
        return coef, np.sqrt(units / (units - 1) * (n - 1) / (n - k)) * scores @ bread

    return fit


Record = Callable[..., float]
