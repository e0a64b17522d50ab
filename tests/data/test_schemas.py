"""What a table must look like; every refusal names file, column, row and what would be right."""

import subprocess
import sys

import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.data import schemas
from cxresearch.data.sources import read

GOOD = {
    "panel": "customer,year,satisfaction,loyalty\n1,2020,7,8\n1,2021,,6\n2,2020,5,5\n",
    "ratings": "outlet,shopper,item,score\nA,x,1,4\nA,y,1,3.5\nA,x,2,5\n",
    "responses": "respondent,unit,cleaning,notes\n1,A,4,ok\n2,A,,\n",
    "episodes": "episode,position,score,overall\nE1,1,4,7\nE1,2,9,7\nE2,1,5,\n",
    "complaints": "id,class,opened,closed,unit\n1,security,2024-06-01,2024-06-03,A\n2,other,2024/6/30,,B\n",
}


@pytest.mark.parametrize("schema", schemas.SCHEMAS)
def test_good_tables_pass(write, schema: str) -> None:
    frame = read(write(GOOD[schema]), schema=schema)
    assert len(frame) >= 2


@pytest.mark.parametrize("name", ["panel", "ratings", "responses"])
def test_simulated_tables_fit_their_schema(name: str) -> None:
    frame, _ = getattr(cx.simulate, name)()
    checked = schemas.check(frame, name, "simulated")
    pd.testing.assert_frame_equal(checked, frame)


@pytest.mark.parametrize(
    ("schema", "text", "told"),
    [
        ("panel", "customer,year,satisfaction\n1,2020,7\n", "own.csv: schema 'panel' needs the column loyalty"),
        (
            "panel",
            "Customer,year,satisfaction,loyalty\n1,2020,7,8\n",
            "needs the column customer (did you mean 'Customer'?); the file has Customer, year, satisfaction, "
            "loyalty. Map names with columns={'customer': 'name in the file'}",
        ),
        ("panel", GOOD["panel"] + ",2020,1,1\n", "own.csv, column 'customer', row 5: must not be empty"),
        (
            "panel",
            GOOD["panel"] + "3,2020.5,1,1\n",
            "own.csv, column 'year', row 5: 2020.5 is not a period; write a whole number such as 2024",
        ),
        (
            "panel",
            GOOD["panel"] + "3,last,1,1\n",
            "own.csv, column 'year', row 5: 'last' is not a period",
        ),
        (
            "panel",
            GOOD["panel"] + "3,2020,good,1\n",
            "own.csv, column 'satisfaction', row 5: 'good' is not a number; write one such as 4.5, or leave",
        ),
        (
            "panel",
            GOOD["panel"] + "1,2020,1,1\n",
            "own.csv, row 5: customer 1, year 2020 is in row 2 already; there must be one row for each customer × year",
        ),
        (
            "ratings",
            "outlet;shopper;score\nA;x;4,5\nA;y;none\n",
            "own.csv, column 'score', row 2: '4,5' has a decimal comma; write 4.5",
        ),
        (
            "ratings",
            GOOD["ratings"] + "A,x,2,5\n",
            "own.csv, row 5: outlet A, shopper x, item 2 is in row 4 already; there must be one row for each "
            "outlet × shopper × item",
        ),
        ("ratings", "outlet,shopper,item,score\nA,x,,4\n", "own.csv, column 'item', row 2: must not be empty"),
        ("responses", "unit,notes\nA,fine\n", "needs a column of numbers besides unit; there is none"),
        (
            "responses",
            "unit,cleaning\nA,4\nB,five\n",
            "there is none (column 'cleaning', row 3: 'five' is not a number",
        ),
        ("responses", "unit,score\nA,007\n", "'score' holds codes with leading zeros"),
        ("responses", "respondent,unit,score\n1,A,4\n1,B,5\n", "row 3: respondent 1 is in row 2 already"),
        ("episodes", GOOD["episodes"] + "E2,2.5,1,1\n", "column 'position', row 5: 2.5 is not a whole number"),
        ("episodes", GOOD["episodes"] + "E1,3,1,8\n", "column 'overall', row 5: 8.0, but episode E1 has 7.0"),
        ("complaints", GOOD["complaints"] + "2,other,2024-07-01,,A\n", "row 4: id 2 is in row 3 already"),
        (
            "complaints",
            GOOD["complaints"] + "3,other,30/06/2024,,A\n",
            "own.csv, column 'opened', row 4: '30/06/2024' is not a date; write one such as 2024-06-30",
        ),
        ("complaints", GOOD["complaints"] + "3,other,2024-02-30,,A\n", "'2024-02-30' is not a date"),
        ("complaints", GOOD["complaints"] + "3,other,,,A\n", "column 'opened', row 4: must not be empty"),
        (
            "complaints",
            GOOD["complaints"] + "3,other,2024-06-30,2024-06-01,A\n",
            "own.csv, column 'closed', row 4: 2024-06-01 lies before it was opened, 2024-06-30",
        ),
        ("complaints", "id,class,opened\n1,other,20240630\n", "20240630 is not a date"),
    ],
)
def test_refusals_name_file_column_row_and_what_is_right(write, schema: str, text: str, told: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(write(text), schema=schema)
    assert told in str(refusal.value)
    assert "pandera" not in str(refusal.value)


def test_only_the_first_problems_are_listed(write) -> None:
    rows = "".join(f"A,x{i},bad\n" for i in range(1_000))
    with pytest.raises(InputError) as refusal:
        read(write(f"outlet,shopper,score\n{rows}"), schema="ratings")
    lines = str(refusal.value).splitlines()
    assert len(lines) == schemas.MOST_LINES + 1
    assert [line.split(": ")[0] for line in lines[:2]] == [
        "own.csv, column 'score', row 2", "own.csv, column 'score', row 3",
    ]  # fmt: skip
    assert lines[-1] == "… 995 more"


def test_problems_are_listed_in_the_order_of_rows(write) -> None:
    text = "outlet,shopper,score\nA,x,1\nA,,2\nA,z,bad\n,w,3\n"
    with pytest.raises(InputError) as refusal:
        read(write(text), schema="ratings")
    assert [int(line.split("row ")[1][0]) for line in str(refusal.value).splitlines()] == [3, 4, 5]


def test_rows_are_counted_in_the_file_not_in_the_selection(write) -> None:
    text = "wave,outlet,shopper,score\n1,A,x,1\n\n2,A,x,1\n2,A,y,bad\n"
    with pytest.raises(InputError, match="row 5"):
        read(write(text), schema="ratings", where={"wave": 2})


@pytest.mark.parametrize("written", ["2024-06-30", "2024/6/30", "2024.06.30", "2024年6月30日", "2024-06-30 00:00:00"])
def test_dates_in_the_usual_spellings(write, written: str) -> None:
    frame = read(write(f"id,class,opened\n1,other,{written}\n2,other,2024-06-30\n"), schema="complaints")
    assert frame["opened"].tolist() == [pd.Timestamp("2024-06-30")] * 2


def test_times_of_day_are_kept(write) -> None:
    text = "id,class,opened,closed\n1,other,2024/6/30 8:05,2024-06-30T17:30:15.5\n2,other,2024年6月3日 09:00,\n"
    frame = read(write(text), schema="complaints")
    assert frame["opened"].tolist() == [pd.Timestamp("2024-06-30 08:05"), pd.Timestamp("2024-06-03 09:00")]
    assert frame["closed"].iloc[0] == pd.Timestamp("2024-06-30 17:30:15.5")


def test_periods_may_be_dates(write) -> None:
    text = "customer,year,satisfaction,loyalty\n1,2020-12-31,7,8\n1,2021-12-31,6,7\n"
    assert read(write(text), schema="panel")["year"].iloc[1] == pd.Timestamp("2021-12-31")


def test_codes_may_be_scores_where_the_schema_says_number(write) -> None:
    frame = read(write("outlet,shopper,score\n007,x,05\n008,x,10\n"), schema="ratings")
    assert frame["outlet"].tolist() == ["007", "008"]
    assert frame["score"].tolist() == [5, 10]


def test_infinite_scores_are_refused() -> None:
    frame = pd.DataFrame({"outlet": ["A"], "shopper": ["x"], "score": [float("inf")]})
    with pytest.raises(InputError, match="memory, column 'score', row 2: inf is infinite"):
        schemas.check(frame, "ratings", "memory")


def test_yes_and_no_may_be_loyalty() -> None:
    frame = pd.DataFrame({"customer": [1, 2], "year": 2020, "satisfaction": [1.0, 2.0], "loyalty": [True, False]})
    assert schemas.check(frame, "panel", "memory")["loyalty"].dtype == bool


def test_the_caller_s_frame_is_not_changed() -> None:
    frame = pd.DataFrame({"id": ["1"], "class": ["other"], "opened": ["2024-06-30"]}, index=["row"])
    before = frame.copy()
    checked = schemas.check(frame, "complaints", "memory")
    pd.testing.assert_frame_equal(frame, before)
    assert checked.index.tolist() == ["row"]


def test_very_many_problems_are_refused_in_seconds() -> None:
    frame = pd.DataFrame({"outlet": "A", "shopper": "x", "score": ["bad"] * 50_000})
    with pytest.raises(InputError, match=r"… 49,995 more"):
        schemas.check(frame, "ratings", "memory")


def test_pandera_is_imported_without_a_warning_and_only_for_a_schema() -> None:
    code = (
        "import sys, cxresearch as cx\n"
        "from cxresearch.data import schemas\n"
        "assert 'pandera' not in sys.modules\n"
        "cx.read('simulated/ratings', schema='ratings')\n"
        "assert 'pandera' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
