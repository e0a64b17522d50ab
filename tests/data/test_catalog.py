"""The catalogue tells the truth about every data set."""

import pytest

import cxresearch as cx
from cxresearch.checks import InputError
from cxresearch.data import catalog

TABLE = cx.datasets()


def test_columns_of_the_catalogue() -> None:
    assert list(TABLE.columns) == ["name", "title", "rows", "columns", "kind", "source", "licence", "used_by"]
    assert set(TABLE["kind"]) == {"open", "facts", "simulated"}
    assert TABLE["name"].is_unique
    assert (TABLE.drop(columns="used_by") != "").all(axis=None)


@pytest.mark.parametrize("name", TABLE["name"])
def test_rows_columns_and_kind_are_those_of_the_data(name: str) -> None:
    entry = catalog.NAMES[name]
    frame = cx.read(name)
    assert frame.shape == (entry.rows, entry.columns)
    assert frame.attrs["kind"] == entry.kind
    assert frame.attrs["rows"] == frame.attrs["kept"] == entry.rows
    assert not [column for column in frame if frame[column].dtype == object]


def test_the_open_data_of_the_design_are_listed() -> None:
    assert {
        "lme4/InstEval", "tidyr/cms_patient_care", "MASS/housing", "datasets/USJudgeRatings", "datasets/attitude",
        "ordinal/wine", "stevedata/thatcher_approval", "modeldata/mlc_churn",
    } <= set(TABLE["name"])  # fmt: skip


def test_the_tenants_are_counted() -> None:
    assert cx.read("MASS/housing")["Freq"].sum() == 1681


def test_published_tables_by_name() -> None:
    assert catalog.published("shrout_fleiss_1979")["icc"]["ICC(A,1)"] == 0.289764
    with pytest.raises(InputError, match="did you mean 'shrout_fleiss_1979'"):
        catalog.published("shrout_fleiss")


def test_a_package_without_its_facts_looks_in_the_project(monkeypatch, own) -> None:
    monkeypatch.setattr(catalog, "__file__", str(own / "lib" / "a" / "b" / "c" / "catalog.py"))
    assert catalog.folder() == own / "data"
