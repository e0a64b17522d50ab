"""Text files: encodings, delimiters, types of columns, and what is refused where."""

import pandas as pd
import pytest

from cxresearch.checks import InputError
from cxresearch.data.sources import read

CHINESE = "单位,得分,意见\n东区,4.5,门岗很好\n西区,3,“保洁”差\n"


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("gb18030", "GB18030"),
        ("gbk", "GB18030"),
        ("gb2312", "GB18030"),
        ("utf-16", "UTF-16"),
    ],
)
def test_encodings_give_the_same_frame(write, encoding: str, named: str) -> None:
    frame = read(write(CHINESE, encoding=encoding))
    assert list(frame.columns) == ["单位", "得分", "意见"]
    assert frame["单位"].tolist() == ["东区", "西区"]
    assert frame["得分"].tolist() == [4.5, 3.0]
    assert frame["意见"].tolist() == ["门岗很好", "“保洁”差"]
    assert frame.attrs["encoding"] == named


def test_utf16_big_endian_with_its_mark(write) -> None:
    assert read(write(b"\xfe\xff" + CHINESE.encode("utf-16-be")))["单位"].tolist() == ["东区", "西区"]


@pytest.mark.parametrize("word", ["联通", "客户满意度调查结果", "物业服务", "投诉处理及时性较差，建议改进", "摹亚碾"])
def test_short_gb18030_texts_are_not_taken_for_damaged_utf8(write, word: str) -> None:
    assert read(write(f"unit,text\nA,{word}\n", encoding="gb18030"))["text"].tolist() == [word]


def test_damaged_utf8_is_not_taken_for_gb18030(write) -> None:
    raw = ("unit,text\n" + "A,客户对物业服务表示满意\n" * 3).encode()
    with pytest.raises(InputError, match=r"own.csv, row 4: bytes that are neither"):
        read(write(raw[:-3]))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(write, delimiter: str, newline: str) -> None:
    rows = [["unit", "score", "note"], ["A", "1.5", '"a, b; c"'], ["B", "2", '"two\nlines ""quoted"""']]
    frame = read(write(newline.join(delimiter.join(row) for row in rows)))
    assert frame["score"].tolist() == [1.5, 2.0]
    assert frame["note"].tolist() == ["a, b; c", 'two\nlines "quoted"']


def test_tsv_is_always_cut_at_tabs(write) -> None:
    assert list(read(write("a,b\tc;d\n1\t2\n", "own.tsv")).columns) == ["a,b", "c;d"]


def test_one_column_is_a_table_too(write) -> None:
    assert read(write("score\n1\n2\n"))["score"].tolist() == [1, 2]


def test_a_delimiter_inside_a_column_name_does_not_mislead(write) -> None:
    assert list(read(write('"score, all";unit\n1;A\n2;B\n')).columns) == ["score, all", "unit"]


@pytest.mark.parametrize(
    ("cells", "expected", "dtype"),
    [
        (["1", "2"], [1, 2], "int64"),
        (["1", ""], [1.0, None], "float64"),
        (["1", "NA"], [1.0, None], "float64"),
        (["-1.5", ".5", "5.", "1e-3"], [-1.5, 0.5, 5.0, 0.001], "float64"),
        ([" 4 ", "\u30005"], [4, 5], "int64"),
        (["007", "012"], ["007", "012"], "str"),
        (["0", "0.7", "-0.5"], [0.0, 0.7, -0.5], "float64"),
        (["0", "10"], [0, 10], "int64"),
        (["310101199001011234", "5"], ["310101199001011234", "5"], "str"),
        (["+8613800000000", "1"], ["+8613800000000", "1"], "str"),
        (["123456789012345", "5"], [123456789012345, 5], "int64"),
        (["true", "False"], [True, False], "bool"),
        (["TRUE", ""], [True, None], "boolean"),
        (["true", "maybe"], ["true", "maybe"], "str"),
        (["yes", "no"], ["yes", "no"], "str"),
        (["inf", "1"], ["inf", "1"], "str"),
        (["1_000", "2"], ["1_000", "2"], "str"),
        (["４", "5"], ["４", "5"], "str"),
        (["4", "4,5 points"], ["4", "4,5 points"], "str"),
        (["1,2,3", "2"], ["1,2,3", "2"], "str"),
        (["2024-01-31", "2024-02-29"], ["2024-01-31", "2024-02-29"], "str"),
        (["", "NULL"], [None, None], "float64"),
        ([" north ", "None"], ["north", "None"], "str"),
    ],
)
def test_types_of_columns(write, cells: list[str], expected: list[object], dtype: str) -> None:
    rows = "".join(f'x,"{cell}"\n' for cell in cells)
    column = read(write(f"unit,cell\n{rows}"))["cell"]
    assert str(column.dtype) == dtype
    assert [None if pd.isna(value) else value for value in column] == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("unit;score\nA;3\nB;4,5\n", "own.csv, column 'score', row 3: '4,5' has a comma in a number; write 4.5"),
        ("score\n4,5\n", "own.csv, column 'score', row 2: '4,5' has a comma in a number; write 4.5"),
        ('unit,score\nA,"4,5"\n', "write 4.5"),
        ("unit;score\nA;-1.234,5\n", "write -1234.5"),
        ('unit,score\nA,"1,234"\n', "write 1234 if it sets thousands apart, 1.234 if it is a decimal comma"),
        ('unit,score\nA,"1,234,567.8"\n', "write 1234567.8 if it sets thousands apart"),
        ("unit,score\nA,3\nB,4,5\n", "row 3: 3 fields, but the header has 2 (separated by commas); does a decimal"),
        ("unit,score\nA,3\n\nB\n", "own.csv, row 4: 1 fields, but the header has 2"),
        ("unit,note\nA,b,c\n", "row 2: 3 fields, but the header has 2 (separated by commas); add or remove"),
        ("", "own.csv: the file is empty"),
        (" \n\n", "own.csv: the file is empty"),
        ("unit,score\n", "own.csv: there is a header but no row of data"),
        ("unit,score\n\n,\n", "own.csv: there is a header but no row of data"),
        ("\nunit,score\nA,1\n", "own.csv, row 1: is empty; the first row must hold the column names"),
        ("unit,score,unit\nA,1,2\n", "own.csv, row 1: columns 1, 3 are all named 'unit'"),
        ("unit, score ,score\nA,1,2\n", "columns 2, 3 are all named 'score'"),
        ("unit,,score\nA,,1\nB,x,2\n", "own.csv, row 1: column 2 has no name but holds 'x' in row 3"),
        ("unit,score\nA,1\x00\n", "own.csv, row 2: holds a NUL byte"),
        ('unit,score\nA,"1\n', "own.csv, row 2: a quotation mark opens or closes in the wrong place"),
        ('unit,score\nA,"1" x\n', "own.csv, row 2: a quotation mark"),
        ("unit,score\nA,1e999\n", "own.csv, column 'score', row 2: 1e999 is too large"),
        ("unit,score\nA," + "x" * 200_000 + "\n", "own.csv, row 2: a field is too long"),
    ],
)
def test_refusals_name_file_column_and_row(write, text: str, told: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(write(text))
    message = str(refusal.value)
    assert told in message
    assert len(message.splitlines()) <= 2
    assert "pandas" not in message


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"unit,score\nA,\xff\xff\n", "own.csv, row 2: bytes that are neither UTF-8 nor GB18030"),
        (b"PK\x03\x04rest", "the contents are an .xlsx workbook"),
        (b"\xd0\xcf\x11\xe0rest", "an old .xls workbook"),
        (b"PAR1rest", "a .parquet file"),
        (b"\xff\xfea\x00b", "own.csv, row 1: bytes that are neither"),
    ],
)
def test_bytes_that_are_no_text_are_refused(write, raw: bytes, told: str) -> None:
    with pytest.raises(InputError) as refusal:
        read(write(raw))
    assert told in str(refusal.value)


def test_rows_are_numbered_as_a_spreadsheet_shows_them(write) -> None:
    # an empty row and a cell of two lines lie before the broken row
    text = 'unit,score\n"A\nwest",1\n\nB,2\nC\n'
    with pytest.raises(InputError, match=r"own.csv, row 5: 1 fields"):
        read(write(text))


def test_empty_rows_and_empty_columns_are_left_out(write) -> None:
    frame = read(write("unit,score,,\nA,1,,\n,,,\nB,2,,\n\n"))
    assert frame.to_dict("list") == {"unit": ["A", "B"], "score": [1, 2]}
    assert frame.attrs["rows"] == 2


@pytest.mark.parametrize("start", [0, 1])
def test_a_counter_without_a_name_is_left_out(write, start: int) -> None:
    frame = read(write(f",unit\n{start},A\n{start + 1},B\n"))
    assert list(frame.columns) == ["unit"]


def test_a_file_longer_than_one_chunk_is_read_whole(write) -> None:
    text = "unit,score\n" + "".join(f"U{i},{i}\n" for i in range(45_000))
    frame = read(write(text))
    assert frame["score"].tolist() == list(range(45_000))
    with pytest.raises(InputError, match="row 45002: 3 fields"):
        read(write(text + "U,1,2\n"))
