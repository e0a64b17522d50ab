"""The recorded evidence is whole: tables read, verdicts are what their numbers say, shortfalls have reasons."""

import math

import pytest

import cxresearch as cx
from cxresearch import project

FOLDER = project.root() / "data" / "evidence"
TABLES = sorted(path.stem for path in FOLDER.glob("*.csv"))
COLUMNS = ["study", "quantity", "scenario", "nominal", "replications", "coverage", "mc_error", "mean_width",
           "undefined", "verdict", "reason"]  # fmt: skip


@pytest.fixture(params=TABLES)
def table(request):
    return cx.read(FOLDER / f"{request.param}.csv")


def test_every_simulation_has_its_table(root):
    simulated = {path.stem.removeprefix("test_") for path in (root / "tests" / "evidence").glob("test_*.py")}
    kept = set(TABLES) | {path.stem for path in (FOLDER / "choices").glob("*.csv")}
    assert simulated == kept


def test_verdicts_follow_from_the_numbers(table):
    assert list(table.columns) == COLUMNS
    for row in table.to_dict("records"):
        low, high = row["nominal"] - 0.02, row["nominal"] + 0.02
        # a table holds five digits, its verdict rests on all
        verdict = "short" if row["coverage"] < low else "long" if row["coverage"] > high else "holds"
        at_the_edge = math.isclose(row["coverage"], low, abs_tol=1e-5) or math.isclose(
            row["coverage"], high, abs_tol=1e-5
        )
        assert row["verdict"] == verdict or at_the_edge, row
        error = math.sqrt(row["coverage"] * (1 - row["coverage"]) / row["replications"])
        assert row["mc_error"] == pytest.approx(error, rel=0.05, abs=1e-4), row


def test_every_shortfall_has_its_reason(table):
    short = table[table["verdict"] == "short"]
    assert (short["reason"].fillna("").str.len() > 10).all(), short
