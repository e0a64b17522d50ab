import json
import math

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output, writes

from cxresearch import mime
from cxresearch.batch import gather, plan, run, shelf
from cxresearch.checks import InputError

FOUND = {
    "claims": {"L1": "undecided"},
    "evidence": "real",
    "numbers": {"total": 1.25, "n": 3, "visits": "inf", "gap": None, "worst": "=HYPERLINK(1)", "kept": True},
}


def executed(found=FOUND, **papermill):
    cells = [
        new_code_cell('threshold: float = 3.5\nfocus: str = ""', metadata={"tags": ["parameters"]}),
        new_code_cell("1", outputs=[new_output("display_data", data={mime.FINDINGS: found, "text/plain": "L1"})]),
    ]
    return new_notebook(cells=cells, metadata={"papermill": {"parameters": papermill}})


@pytest.fixture
def reports(house):
    """Two reports that were made, one of which failed, and one that papermill alone has run."""
    out = house / "reports"
    shelf.prepare(out)
    for given, error in ({"focus": "=1+1"}, ""), ({"threshold": 4.0}, "ValueError: -no rows"):
        report = plan.Report(f"a{len(error)}", house, "visits/answers", given)
        shelf.put(out, run._finished(executed(), report, run.Options(), error, 1.0))
    (out / "alone.ipynb").write_text(writes(executed(focus="south", language="zh")))
    return out


def test_findings_of_all_reports_are_one_tidy_table(reports):
    table = gather.gather(reports)
    assert set(table.loc[table["kind"] == "failure", "text"]) == {"ValueError: -no rows"}
    assert list(table.columns) == [*gather.COLUMNS, "parameter_focus", "parameter_threshold"]
    assert table["report"].value_counts().to_dict() == {"a0": 7, "a20": 8, "alone": 7}
    made = table[table["report"] == "a0"].set_index("name")
    assert made.loc["L1", ["kind", "text", "evidence"]].tolist() == ["claim", "undecided", "real"]
    assert made.loc[["total", "n", "visits"], "value"].tolist() == [1.25, 3.0, math.inf]
    assert made.loc["gap", ["value", "text"]].isna().all()
    assert made.loc[["worst", "kept"], "text"].tolist() == ["=HYPERLINK(1)", "true"]
    failed = table[table["kind"] == "failure"].iloc[0]
    assert failed[["report", "text"]].tolist() == ["a20", "ValueError: -no rows"]
    # a parameter that was set in one report has its default in the others
    by_report = table.groupby("report")[["parameter_focus", "parameter_threshold"]].first()
    assert by_report.to_dict("index") == {
        "a0": {"parameter_focus": "=1+1", "parameter_threshold": 3.5},
        "a20": {"parameter_focus": "", "parameter_threshold": 4.0},
        "alone": {"parameter_focus": "south", "parameter_threshold": 3.5},
    }
    assert set(table.loc[table["report"] == "alone", "language"]) == {"zh"}


def test_a_spreadsheet_runs_no_formula(reports, tmp_path):
    table = gather.gather(reports)
    gather.save(table, tmp_path / "f.csv")
    read = pd.read_csv(tmp_path / "f.csv")
    assert set(read["parameter_focus"].dropna()) == {"'=1+1", "south"}
    assert "'=HYPERLINK(1)" in set(read["text"])
    texts = read.select_dtypes("str")
    assert not texts.apply(lambda column: column.str.match(r"\s*[=+\-@\t\r]", na=False)).to_numpy().any()
    pd.testing.assert_series_equal(read["value"], table["value"])


@pytest.mark.parametrize("text", ["=1", "+1", "-x", "@x", "\tx", "\rx", " =1", "＝1", "－x"])
def test_formulas_are_led_by_an_apostrophe(text):
    assert gather._harmless(text) == f"'{text}"


def test_a_parquet_file_holds_the_table_as_it_is(reports, tmp_path):
    table = gather.gather(reports)
    gather.save(table, tmp_path / "f.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "f.parquet"), table)


def test_what_cannot_be_gathered_or_saved_is_refused(reports, tmp_path):
    with pytest.raises(InputError, match="holds no report"):
        gather.gather(tmp_path)
    with pytest.raises(InputError, match=r"write a file that ends in \.csv, \.parquet"):
        gather.save(pd.DataFrame(), tmp_path / "f.xlsx")
    (reports / "notes.ipynb").write_text(json.dumps([1]))
    with pytest.raises(InputError, match=r"notes\.ipynb is not an executed notebook"):
        gather.gather(reports)
