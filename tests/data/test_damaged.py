"""Whatever happens to a file: it is read, or it is refused in plain words; nothing else."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cxresearch.checks import InputError
from cxresearch.data import delimited, files
from cxresearch.data.sources import read

GOOD = (
    "outlet,shopper,分数,note\r\n"
    '东区,x,4.5,"good, ""very"" good"\r\n'
    "西区,y,3,\r\n"
    '"南\n区",x,NA,007\r\n'
    "北区,y,5,true\r\n"
)
RAWS = [GOOD.encode(), GOOD.encode("utf-8-sig"), GOOD.encode("gb18030"), GOOD.encode("utf-16")]


def reads_or_refuses(path: Path) -> pd.DataFrame | None:
    """Read a file; a refusal must be short and name it."""
    try:
        frame = read(path)
    except InputError as refusal:
        message = str(refusal)
        assert path.name in message
        assert str(path.parent) not in message
        assert 1 <= len(message.splitlines()) <= 2, message
        return None
    assert len(frame) == frame.attrs["rows"] > 0
    assert frame.columns.is_unique
    assert all(isinstance(name, str) and name for name in frame.columns)
    assert not [name for name in frame if frame[name].dtype == object]
    return frame


@st.composite
def damaged(draw: st.DrawFn, raw: bytes) -> bytes:
    """Cut, overwrite, insert and double parts of a file."""
    broken = bytearray(raw)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(broken)))
        what = draw(st.sampled_from(["cut", "overwrite", "insert", "double"]))
        if what == "cut":
            del broken[at : at + draw(st.integers(1, 30))]
        elif what == "double":
            broken[at:at] = broken[at : at + draw(st.integers(1, 30))]
        else:
            piece = draw(st.binary(min_size=1, max_size=4) | st.sampled_from([b",", b'"', b"\r", b"\n", b";", b"\x00"]))
            broken[at : at + (len(piece) if what == "overwrite" else 0)] = piece
    return bytes(broken)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SETTINGS
@given(st.sampled_from(RAWS).flatmap(damaged))
def test_a_damaged_csv_is_read_or_refused(folder: Path, raw: bytes) -> None:
    file = folder / "own.csv"
    file.write_bytes(raw)
    reads_or_refuses(file)


@SETTINGS
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
@example(b",\n,")
@example(b"a\n\r\r")
@example(b'"')
def test_any_bytes_are_read_or_refused(folder: Path, raw: bytes) -> None:
    file = folder / "own.csv"
    file.write_bytes(raw)
    reads_or_refuses(file)


@SETTINGS
@given(st.text(st.sampled_from('ab1.,;\t"\n\r\x00-0é中 '), max_size=40))
def test_any_text_is_read_or_refused(folder: Path, text: str) -> None:
    file = folder / "own.tsv"
    file.write_bytes(text.encode())
    reads_or_refuses(file)


@pytest.mark.parametrize("raw", RAWS, ids=["utf-8", "utf-8 with mark", "gb18030", "utf-16"])
def test_every_truncation_of_a_csv_is_read_or_refused(folder: Path, raw: bytes) -> None:
    for end in range(len(raw)):
        file = folder / "own.csv"
        file.write_bytes(raw[:end])
        reads_or_refuses(file)


def _bytes_of(ending: str) -> bytes:
    frame = pd.DataFrame({"unit": ["A", "B"], "score": [1.5, 2.5]})
    buffer = io.BytesIO()
    if ending == "xlsx":
        frame.to_excel(buffer, index=False)
    elif ending == "parquet":
        frame.to_parquet(buffer)
    else:
        buffer.write(json.dumps(frame.to_dict("records")).encode())
    return buffer.getvalue()


@pytest.mark.parametrize("ending", ["xlsx", "parquet", "json"])
def test_a_damaged_typed_file_is_read_or_refused(folder: Path, ending: str) -> None:
    good = _bytes_of(ending)

    @settings(SETTINGS, max_examples=40)
    @given(damaged(good))
    def check(raw: bytes) -> None:
        file = folder / f"own.{ending}"
        file.write_bytes(raw)
        reads_or_refuses(file)

    check()


@pytest.mark.parametrize("ending", ["sav", "dta"])
def test_every_truncation_of_a_statistics_file_is_read_or_refused(folder: Path, ending: str) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    file = folder / f"own.{ending}"
    getattr(pyreadstat, f"write_{ending}")(pd.DataFrame({"unit": ["A", "B"], "score": [1.5, 2.5]}), str(file))
    raw = file.read_bytes()
    for end in range(0, len(raw), 7):
        file.write_bytes(raw[:end])
        reads_or_refuses(file)


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(str.strip)


@SETTINGS
@given(
    st.lists(st.tuples(CELLS, st.integers(-(10**15) + 1, 10**15 - 1), st.floats(-1e12, 1e12)), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
)
def test_what_pandas_writes_comes_back(rows: list[tuple[str, int, float]], delimiter: str, encoding: str) -> None:
    written = pd.DataFrame([(f"t{text}", n, x) for text, n, x in rows], columns=["text", "n", "x"])
    raw = written.to_csv(index=False, sep=delimiter, quoting=2).encode(encoding)
    found, _ = delimited.read(raw, "own.csv")
    assert found["n"].tolist() == written["n"].tolist()
    assert found["x"].tolist() == written["x"].tolist()
    assert found["text"].tolist() == written["text"].tolist()


def test_an_error_of_a_library_never_shows(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def fails(given: object) -> None:
        raise KeyError("pandas._libs: something inside")

    monkeypatch.setitem(files._READERS, ".csv", fails)
    (folder / "own.csv").write_text("a\n1\n")
    with pytest.raises(InputError) as refusal:
        read(folder / "own.csv")
    assert str(refusal.value) == "own.csv: cannot be read as .csv; it is damaged or of another kind (KeyError)"
    assert refusal.value.__suppress_context__
