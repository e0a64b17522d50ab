"""Keeps what a simulation found: one row per scenario in data/evidence/<study>.csv."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


Record = Callable[..., float]
