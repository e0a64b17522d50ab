import numpy as np
import pandas as pd
import pytest

from cxresearch import checks
from cxresearch.checks import InputError


@pytest.fixture
def frame():
    return pd.DataFrame({"score": ["4", None, "4,5"], "unit": ["a", "b", "c"], "n": [1.0, np.inf, 3.0]}, dtype=object)


def test_a_missing_column_is_answered_with_the_nearest(frame):
    with pytest.raises(
        InputError, match=r"score='scores': no such column \(did you mean 'score'\?\); columns are score"
    ):
        checks.columns(frame, score="scores")
    checks.columns(frame, score=None, drivers=["score", "n"])


def test_a_column_that_occurs_twice_is_refused(frame):
    twice = pd.concat([frame, frame[["unit"]]], axis=1)
    with pytest.raises(InputError, match="2 columns of that name"):
        checks.columns(twice, unit="unit")


def test_what_is_not_a_frame_is_refused():
    with pytest.raises(InputError, match="must be a pandas DataFrame, not list"):
        checks.columns([1, 2], unit="a")


def test_text_where_numbers_are_needed_names_the_row(frame):
    with pytest.raises(InputError, match=r"score='score': row 2 holds '4,5'; numbers are needed"):
        checks.numbers(frame, "score", "score")
    with pytest.raises(InputError, match="row 0 holds 'a'"):
        checks.numbers(frame, "unit", "unit")
    with pytest.raises(InputError, match="row 1 is infinite"):
        checks.numbers(frame, "n", "n")


def test_numbers_keep_missing_values_missing():
    values = checks.numbers(pd.DataFrame({"x": pd.array([1, None, 3], dtype="Int64")}), "x", "x")
    np.testing.assert_array_equal(values, [1, np.nan, 3])
    assert np.isnan(checks.numbers(pd.DataFrame({"x": [None, None]}), "x", "x")).all()


def test_dates_are_not_numbers():
    with pytest.raises(InputError, match="numbers are needed"):
        checks.numbers(pd.DataFrame({"x": pd.to_datetime(["2020-01-01"])}), "x", "x")


@pytest.mark.parametrize("value", [0, 1, 95, "0.95", True, None])
def test_a_confidence_level_lies_between_0_and_1(value):
    with pytest.raises(InputError, match="must lie between 0 and 1"):
        checks.confidence(value)
