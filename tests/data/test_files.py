"""Workbooks, Parquet, JSON, SPSS and Stata files."""

import datetime as dt
import json
import sys

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxresearch.checks import InputError
from cxresearch.data.sources import read

FRAME = pd.DataFrame(
    {
        "单位": ["东区", "西区", "东区"],
        "score": [4.5, np.nan, 3.0],
        "n": [10, 20, 30],
        "open": [True, False, True],
        "day": pd.to_datetime(["2024-01-31", "2024-02-29", "2024-03-31"]),
    }
)


def workbook(path, *rows: list[object], more: list[list[object]] | None = None) -> str:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for row in more or []:
        if "second" not in book.sheetnames:
            book.create_sheet("second")
        book["second"].append(row)
    book.save(path / "own.xlsx")
    return "own.xlsx"


@pytest.mark.parametrize("ending", ["parquet", "xlsx", "csv"])
def test_round_trip(own, ending: str) -> None:
    file = own / f"own.{ending}"
    if ending == "parquet":
        FRAME.to_parquet(file)
    elif ending == "xlsx":
        FRAME.to_excel(file, index=False)
    else:
        FRAME.to_csv(file, index=False)
    frame = read(file)
    if ending == "csv":
        frame["day"] = pd.to_datetime(frame["day"])
    pd.testing.assert_frame_equal(frame, FRAME, check_dtype=False)
    assert [str(frame[name].dtype) for name in ("单位", "score", "n", "open")] == ["str", "float64", "int64", "bool"]


def test_workbook_reads_the_first_sheet_and_keeps_row_numbers(own) -> None:
    name = workbook(own, ["unit", "score"], ["A", 1], [None, None], ["B", "4,5"], more=[["other"], [1]])
    with pytest.raises(InputError, match=r"own.xlsx, column 'score', row 4: '4,5' has a comma"):
        read(name)


def test_workbook_numbers_stored_as_text_are_numbers_but_codes_stay(own) -> None:
    frame = read(workbook(own, ["code", "score", "mixed"], ["007", "4.5", 3], ["008", 3, "A3"], [9, "NA", 3.0]))
    assert frame["code"].tolist() == ["007", "008", "9"]
    assert frame["score"].tolist()[:2] == [4.5, 3.0]
    assert np.isnan(frame["score"].iloc[2])
    assert frame["mixed"].tolist() == ["3", "A3", "3"]


def test_workbook_headers_may_be_numbers_and_empty_columns_are_left_out(own) -> None:
    frame = read(workbook(own, ["unit", None, 2024], ["A", None, 1], ["B", None, 2]))
    assert list(frame.columns) == ["unit", "2024"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["Survey 2026"], ["unit", "score"], ["A", 1]], "own.xlsx, row 1: column 2 has no name but holds 'score'"),
        ([["unit", "unit"], ["A", 1]], "own.xlsx, row 1: columns 1, 2 are all named 'unit'"),
        ([["unit", "score"], ["A", "#DIV/0!"]], "own.xlsx, column 'score', row 2: #DIV/0! is a spreadsheet error"),
        ([["unit", "score"]], "own.xlsx: there is no row of data"),
        ([[None], [None, 1]], "own.xlsx, row 1: is empty"),
        ([], "own.xlsx, row 1: is empty"),
    ],
)
def test_workbook_refusals(own, rows: list[list[object]], told: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(workbook(own, *rows))
    assert told in str(refusal.value)


def test_parquet_index_categories_and_small_types(own) -> None:
    frame = pd.DataFrame(
        {
            "shop": pd.Categorical(["a", None, "a"]),
            "level": pd.Categorical([1, None, 2]),
            "small": np.array([100, 101, 102], dtype="int8"),
            "half": np.array([0.5, 1.5, 2.5], dtype="float32"),
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "yes": pd.array([True, None, False], dtype="boolean"),
        },
        index=pd.Index([5, 6, 7], name="id"),
    )
    frame.to_parquet(own / "own.parquet")
    found = read("own.parquet")
    types = {name: str(found[name].dtype) for name in found}
    assert types == {
        "id": "int64", "shop": "str", "level": "float64", "small": "int64", "half": "float64",
        "whole": "float64", "yes": "boolean",
    }  # fmt: skip
    assert found["small"].sum() == 303


def test_parquet_with_lists_or_bytes_in_cells_is_refused(own) -> None:
    pq.write_table(pa.table({"unit": ["A", "B"], "scores": [[1], [2, 3]]}), own / "own.parquet")
    with pytest.raises(InputError, match=r"own.parquet, column 'scores', row 2: holds a ndarray; every cell"):
        read("own.parquet")
    pq.write_table(pa.table({"unit": [b"A"]}), own / "own.parquet")
    with pytest.raises(InputError, match="row 2: holds a bytes"):
        read("own.parquet")


def test_parquet_decimals_and_dates(own) -> None:
    from decimal import Decimal

    table = pa.table({"price": [Decimal("1.50"), None], "day": [dt.date(2024, 6, 30), None]})
    pq.write_table(table, own / "own.parquet")
    frame = read("own.parquet")
    assert frame["price"].iloc[0] == 1.5
    assert frame["day"].iloc[0] == pd.Timestamp("2024-06-30")


@pytest.mark.parametrize(
    "content",
    [
        [{"unit": "A", "score": 1}, {"unit": "B", "score": None}],
        {"data": [{"unit": "A", "score": 1}, {"unit": "B"}]},
        {"unit": ["A", "B"], "score": [1, None]},
    ],
)
def test_json_shapes(write, content: object) -> None:
    frame = read(write(json.dumps(content), "own.json"))
    assert frame["unit"].tolist() == ["A", "B"]
    assert frame["score"].iloc[0] == 1.0
    assert np.isnan(frame["score"].iloc[1])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('[{"a": 1', "own.json, line 1: is not JSON"),
        ("3", "own.json: must hold a list of records"),
        ("[1, 2]", "own.json: must hold a list of records"),
        ("[]", "own.json: there is no row of data"),
        ('{"a": [1], "b": [1, 2]}', "own.json: the columns differ in length"),
        ('[{"a": 1, "a": 2}]', "are all named 'a'"),
        ('[{"a": {"b": 1}}]', "own.json, column 'a', row 2: holds a dict"),
        ("[" * 100_000, "own.json"),
        ('[{"": 1}]', "column 1 has no name"),
        ('{"data": 3}', "must hold a list of records"),
    ],
)
def test_json_refusals(write, content: str, told: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(write(content, "own.json"))
    assert told in str(refusal.value)


def test_json_numbers_too_long_to_hold_are_codes(write) -> None:
    frame = read(write('[{"id": 123456789012345678901234567890}, {"id": 1}]', "own.json"))
    assert frame["id"].tolist() == ["123456789012345678901234567890", "1"]


class TestStatistics:
    """Files of SPSS and Stata."""

    FRAME = pd.DataFrame({"region": [1.0, 2.0, 1.0], "q1": [1.0, 5.0, 3.0], "q2": [0.0, 7.0, np.nan]})
    LABELS = {  # noqa: RUF012
        "region": {1: "北区", 2: "南区"},
        "q1": {1: "bad", 3: "fair", 5: "good"},
        "q2": {0: "not at all", 10: "fully"},
    }

    @pytest.fixture
    def pyreadstat(self):
        return pytest.importorskip("pyreadstat")

    def test_spss_labels_round_trip(self, own, pyreadstat) -> None:
        measure = {"region": "nominal", "q1": "ordinal", "q2": "scale"}
        pyreadstat.write_sav(
            self.FRAME, str(own / "own.sav"), variable_value_labels=self.LABELS, variable_measure=measure
        )
        frame = read("own.sav")
        assert frame["region"].tolist() == ["北区", "南区", "北区"]
        assert frame["q1"].tolist() == [1.0, 5.0, 3.0]  # ordinal: its labels are told, its numbers kept
        assert frame["q2"].tolist()[:2] == [0.0, 7.0]  # only the ends have labels
        assert frame.attrs["labels"] == {"region": {"北区": 1.0, "南区": 2.0}, "q1": {"bad": 1, "fair": 3, "good": 5}}

    def test_stata_labels_round_trip(self, own, pyreadstat) -> None:
        labels = {"region": self.LABELS["region"]}
        pyreadstat.write_dta(self.FRAME, str(own / "own.dta"), variable_value_labels=labels)
        frame = read("own.dta", where={"region": "北区"})
        assert frame["region"].tolist() == ["北区", "北区"]
        assert frame["q1"].tolist() == [1.0, 3.0]
        assert frame.attrs["labels"] == {"region": {"北区": 1, "南区": 2}}

    def test_dates(self, own, pyreadstat) -> None:
        dated = pd.DataFrame({"opened": [dt.date(2024, 6, 30), dt.date(2024, 7, 1)]})
        pyreadstat.write_sav(dated, str(own / "own.sav"))
        assert read("own.sav")["opened"].tolist() == [pd.Timestamp("2024-06-30"), pd.Timestamp("2024-07-01")]

    def test_a_file_in_gb18030_without_a_word_about_it(self, own, pyreadstat) -> None:
        # SPSS files of old carry no encoding: the same bytes, with the record that names UTF-8 overwritten
        pyreadstat.write_sav(pd.DataFrame({"unit": ["abcd", "efgh"]}), str(own / "own.sav"))
        raw = (own / "own.sav").read_bytes()
        assert raw.count(b"abcd") == 1
        (own / "own.sav").write_bytes(raw.replace(b"abcd", "东区".encode("gb18030")))
        assert read("own.sav")["unit"].tolist() == ["东区", "efgh"]

    def test_the_missing_extra_is_named(self, own, monkeypatch) -> None:
        (own / "own.sav").write_bytes(b"$FL2")
        monkeypatch.setitem(sys.modules, "pyreadstat", None)
        with pytest.raises(InputError, match=r"pip install 'cxresearch\[spss\]'"):
            read("own.sav")

    @pytest.mark.parametrize("name", ["own.sav", "own.dta", "own.xlsx", "own.parquet"])
    def test_a_damaged_file_is_refused_without_a_library_s_words(self, write, name: str) -> None:
        if name.endswith((".sav", ".dta")):
            pytest.importorskip("pyreadstat")
        with pytest.raises(InputError, match=rf"^{name}: cannot be read as"):
            read(write(b"this is no such file", name))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("own.cvs", "own.cvs: unknown kind of file; known endings are .csv"),
        ("own.xls", "save it as .xlsx"),
        ("scores.csv", r"scores.csv: there is no such file in . (did you mean 'score.csv'?)"),
        ("nowhere/scores.csv", "there is no such folder as nowhere"),
        ("folder", "folder is a folder; name a file in it: a.csv"),
    ],
)
def test_what_is_no_file_is_refused(own, source: str, told: str) -> None:
    (own / "score.csv").write_text("a\n1\n")
    (own / "folder").mkdir()
    (own / "folder" / "a.csv").write_text("a\n1\n")
    with pytest.raises(InputError) as refusal:
        read(source)
    assert told in str(refusal.value)


@pytest.mark.parametrize("name", ["own.csv", "own.xlsx", "own.parquet", "own.json", "own.sav"])
def test_a_file_of_no_bytes_is_refused(write, name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: the file is empty"):
        read(write(b"", name))
