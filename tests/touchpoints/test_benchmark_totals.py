"""`cx.benchmark` on frames that are not pandas': the same answer, whatever holds the table."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import cxresearch as cx
from cxresearch.checks import InputError

KINDS = {
    "polars": pl.from_pandas,
    "polars, lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "pyarrow": pa.Table.from_pandas,
    "duckdb": duckdb.from_df,
}


@pytest.fixture
def survey():
    """2,000 answers of eight stores, with gaps in every column."""
    rng = np.random.default_rng(3)
    rows = 2000
    frame = pd.DataFrame(
        {
            "门店": rng.choice([*"ABCDEFGH", None], rows),
            "moment": rng.choice(["arrival", "meal", None], rows),
            "rating": rng.integers(1, 6, rows).astype(float),
            "wait": 1e4 + rng.normal(size=rows),
            "again": rng.integers(0, 2, rows),
            "weight": rng.choice([0.0, 0.5, 1.0, 3.0, np.nan], rows),
        }
    )
    frame.loc[rng.choice(rows, 200), "rating"] = np.nan
    frame.loc[rng.choice(rows, 1700), "wait"] = np.nan
    return frame


def same(ours, pandas_):
    # values near zero, such as a tail probability, to 1e-10 of the whole they are a part of
    pd.testing.assert_frame_equal(ours.table, pandas_.table, rtol=1e-10, atol=1e-10, check_dtype=False)
    pd.testing.assert_frame_equal(ours.reliability, pandas_.reliability, rtol=1e-10, atol=1e-10, check_dtype=False)
    assert ours.sample == pandas_.sample
    assert ours.notes == pandas_.notes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "columns",
    [
        {"score": "rating", "touchpoint": "moment"},
        {"score": ["rating", "wait", "again"]},
        {"score": "again"},
        {"score": "wait", "better": "low"},
        {"score": "rating", "touchpoint": "moment", "weight": "weight"},
        {"score": ["rating", "wait", "again"], "weight": "weight"},
    ],
    ids=str,
)
def test_any_frame_gives_what_pandas_gives(survey, kind, columns):
    terms = {"unit": "门店", "min_n": 30, **columns}
    same(cx.benchmark(KINDS[kind](survey), **terms), cx.benchmark(survey, **terms))


@pytest.mark.parametrize("kind", KINDS)
def test_rates_that_are_aggregated_already_may_come_in_any_frame(kind):
    rates = pd.DataFrame({"hall": list("ABC"), "solved": [0.9, 0.5, 0.8], "cases": [100, 120, 80]})
    terms = {"unit": "hall", "score": "solved", "n": "cases"}
    same(cx.benchmark(KINDS[kind](rates), **terms), cx.benchmark(rates, **terms))


def test_a_folder_of_parquet_is_never_read_whole(survey, tmp_path):
    for i in range(4):
        survey.iloc[i::4].to_parquet(tmp_path / f"{i}.parquet")
    relation = duckdb.read_parquet(str(tmp_path / "*.parquet"))
    terms = {"unit": "门店", "score": "rating", "touchpoint": "moment"}
    same(cx.benchmark(relation, **terms), cx.benchmark(survey, **terms))


def test_truth_values_count_as_yes_or_no(survey):
    frame = survey.assign(again=survey["again"] == 1)
    same(*(cx.benchmark(f, unit="门店", score="again") for f in (pl.from_pandas(frame), survey)))


def test_shares_between_0_and_1_are_not_taken_for_yes_or_no(survey):
    frame = survey.assign(again=survey["again"] * 0.5 + 0.25)
    frame.loc[0, "again"], frame.loc[1, "again"] = 0.0, 1.0
    assert cx.benchmark(pl.from_pandas(frame), unit="门店", score="again").kind == "means"


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_is_refused_with_the_column(survey, kind):
    frame = KINDS[kind](survey)
    with pytest.raises(InputError, match=r"score='ratng'.*did you mean 'rating'"):
        cx.benchmark(frame, unit="门店", score="ratng")
    with pytest.raises(InputError, match=r"unit='store'.*no such column"):
        cx.benchmark(frame, unit="store", score="rating")
    with pytest.raises(InputError, match=r"score='moment'.*numbers are needed"):
        cx.benchmark(frame, unit="门店", score="moment")
    with pytest.raises(InputError, match=r"no such column"):
        cx.benchmark(frame, unit="门店", score="rating", n="cases")
    negative = survey.assign(weight=-1, 门店="A")
    with pytest.raises(InputError, match=r"weight='weight': unit 'A' has a negative weight"):
        cx.benchmark(KINDS[kind](negative), unit="门店", score="rating", weight="weight")
    with pytest.raises(InputError, match="covariates need every answer in memory"):
        cx.benchmark(frame, unit="门店", score="rating", covariates=["wait"])
    worse = survey.assign(wait=survey["wait"].where(survey.index != 5, np.inf), 门店="A")
    with pytest.raises(InputError, match=r"score='wait': unit 'A' has an infinite answer"):
        cx.benchmark(KINDS[kind](worse), unit="门店", score="wait")


@pytest.mark.parametrize("data", [3, [1, 2], {"a": 1}, None])
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(InputError, match="data must be a frame"):
        cx.benchmark(data, unit="u", score="s")


def test_no_usable_row_is_refused(survey):
    with pytest.raises(InputError, match="no row has a unit and a score"):
        cx.benchmark(pl.from_pandas(survey.assign(rating=np.nan)), unit="门店", score="rating")
