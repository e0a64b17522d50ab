"""Tables in databases: DuckDB files, and a PostgreSQL server that the tests start; a secret stays one."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

import cxresearch as cx
from cxresearch.batch import plan, run, shelf
from cxresearch.checks import InputError
from cxresearch.data import databases

duckdb = pytest.importorskip("duckdb", reason="the extra sql is not installed")
SECRET = "tr0ub4dor&3:@/"
ROWS = "(VALUES ('北', 4.5, DATE '2026-01-31', 7), ('south', NULL, DATE '2026-02-28', 8)) AS t(region, score, day, n)"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project in a folder of its own; returns a function that writes its sources.toml."""
    (tmp_path / "reports.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return (tmp_path / "sources.toml").write_text


class TestDuckDB:
    def test_a_table_or_query_is_read_by_name(self, project: Any, tmp_path: Path) -> None:
        with duckdb.connect(str(tmp_path / "x.duckdb")) as connection:
            connection.execute(f'CREATE SCHEMA s; CREATE TABLE s."odd name" AS SELECT * FROM {ROWS}')
        project(
            '[visits]\nurl = "duckdb:///x.duckdb"\ntable = "s.odd name"\n'
            '[north]\nurl = "duckdb:///x.duckdb"\nquery = "SELECT score FROM s.\\"odd name\\" WHERE n = 7"\n'
        )
        frame = cx.read("visits", columns={"area": "region"}, where={"area": "北"})
        assert frame[["area", "score", "n"]].to_numpy().tolist() == [["北", 4.5, 7]]
        assert str(frame["day"].iloc[0])[:10] == "2026-01-31"
        assert frame.attrs["kind"] == "file"
        assert frame.attrs["source"] == "visits"
        assert cx.read("north")["score"].tolist() == [4.5]

    def test_what_cannot_be_read_is_said_in_a_sentence(self, project: Any, tmp_path: Path) -> None:
        project('[visits]\nurl = "duckdb:///none.duckdb"\ntable = "t"\n')
        with pytest.raises(InputError, match=r"visits: there is no such file as none\.duckdb"):
            cx.read("visits")
        with duckdb.connect(str(tmp_path / "none.duckdb")) as connection:
            connection.execute("CREATE TABLE u (a INT)")
        with pytest.raises(InputError, match=r"visits: the database says: .*t does not exist"):
            cx.read("visits")
        with pytest.raises(InputError, match="did you mean 'visits'"):
            cx.read("visit")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[visits", "is not a TOML file"),
        ("visits = 3", "write a table of texts"),
        ('[touchpoints]\nurl = "duckdb:///x"\ntable = "t"', "choose another name"),
        ('[v]\nurl = "duckdb:///x"\ntabel = "t"', r"unknown key 'tabel' \(did you mean 'table'\?\)"),
        ('[v]\nurl = "duckdb:///x"', "either a table or a query"),
        ('[v]\nurl = "duckdb:///x"\ntable = "t"\nquery = "q"', "either a table or a query"),
        ('[v]\nurl = "postgresql://me:tr0ub4dor@h/d"\ntable = "t"', "the url holds a password; take it out"),
        ('[v]\nurl = "postgresql://h/d?user=me&password=tr0ub4dor"\ntable = "t"', "the url holds a password"),
        ('[v]\nurl = "nosuch://h/d"\ntable = "t"', "v: the database says: Can't load plugin"),
        ('[v]\nurl = "postgresql+psycopg://me@h/d"\ntable = "t"\npassword = "CX_UNSET"', "CX_UNSET is not set"),
    ],
)
def test_sources_that_cannot_be_used_are_refused(project: Any, text: str, message: str) -> None:
    project(text)
    with pytest.raises(InputError, match=message) as error:
        cx.read("v")
    assert "tr0ub4dor" not in str(error.value)


class Server:
    """A PostgreSQL server in a folder of its own; it does not run as root."""

    def __init__(self, programs: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cxresearch-postgres-"))
        self._programs, self._as = programs, []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
            self._as = ["runuser", "-u", "postgres", "--"]
        (self.folder / "secret").write_text(SECRET)
        (self.folder / "secret").chmod(0o644)
        self._call("initdb", "--auth=scram-sha-256", "--username=analyst", f"--pwfile={self.folder / 'secret'}",
                   "--encoding=UTF8", "--locale=C", "--no-sync")  # fmt: skip
        self.start()

    def _call(self, program: str, *options: str) -> None:
        subprocess.run(
            [*self._as, str(self._programs / program), "-D", str(self.folder / "data"), *options],
            check=True, cwd="/", stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self) -> None:
        # no port: only a socket in the folder
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
        self._call("pg_ctl", "start", "--wait", "-l", str(self.folder / "log"), "-o", options)

    def stop(self) -> None:
        self._call("pg_ctl", "stop", "--mode=immediate")

    def source(self, **other: str) -> str:
        entry = {
            "url": f"postgresql+psycopg://analyst@/postgres?host={self.folder}", "table": "visits",
            "password": "CX_TEST_PASSWORD", **other,
        }  # fmt: skip
        return "[visits]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items() if value)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A running server with a table; the tests are skipped where there is none, unless the environment forbids it."""
    places = [Path(p).parent for p in (shutil.which("initdb"),) if p]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not places:
        if os.environ.get("CXRESEARCH_REQUIRE_POSTGRES"):
            pytest.fail("PostgreSQL is not installed, and CXRESEARCH_REQUIRE_POSTGRES forbids skipping")
        pytest.skip("PostgreSQL is not installed: nothing is read from it")
    server = Server(places[0])
    import psycopg

    with psycopg.connect(host=str(server.folder), user="analyst", dbname="postgres", password=SECRET) as connection:
        connection.execute(f"CREATE TABLE visits AS SELECT * FROM {ROWS}")  # type: ignore[arg-type]
    yield server
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)


class TestPostgreSQL:
    @pytest.fixture(autouse=True)
    def _password(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CX_TEST_PASSWORD", SECRET)

    def test_types_arrive_as_from_a_file(self, project: Any, server: Server) -> None:
        project(server.source())
        frame = cx.read("visits")
        assert frame["region"].tolist() == ["北", "south"]
        assert frame["score"].dtype == float
        assert frame["n"].dtype == "int64"
        assert str(frame["day"].iloc[0])[:10] == "2026-01-31"
        project(server.source(table="", query="SELECT count(*) AS visits FROM visits WHERE n > 7 AND region LIKE 's%'"))
        assert cx.read("visits")["visits"].tolist() == [1]

    def test_nothing_is_written(self, project: Any, server: Server) -> None:
        project(server.source(table="", query="DELETE FROM visits RETURNING n"))
        assert len(cx.read("visits")) == 2
        project(server.source())
        assert len(cx.read("visits")) == 2

    def test_a_missing_column_or_table_is_named(self, project: Any, server: Server) -> None:
        project(server.source(table="", query="SELECT scoer FROM visits"))
        with pytest.raises(InputError, match='visits: the database says: column "scoer" does not exist'):
            cx.read("visits")
        project(server.source(table="visit"))
        with pytest.raises(InputError, match='relation "visit" does not exist'):
            cx.read("visits")

    def test_a_wrong_password_is_told_and_not_shown(
        self, project: Any, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project(server.source())
        monkeypatch.setenv("CX_TEST_PASSWORD", "an0ther")
        with pytest.raises(InputError, match='password authentication failed for user "analyst"') as error:
            cx.read("visits")
        assert "an0ther" not in str(error.value)

    def test_a_server_that_is_down_is_told(self, project: Any, server: Server) -> None:
        project(server.source())
        server.stop()
        try:
            with pytest.raises(InputError, match=r"visits: the database says: connection .* failed"):
                cx.read("visits")
        finally:
            server.start()

    def test_a_planted_secret_is_found_nowhere(self, project: Any, server: Server, tmp_path: Path) -> None:
        project(server.source())
        source = 'data: str = "visits"  # table to read'
        cells = [
            nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell("import cxresearch as cx\nframe = cx.read(data)\nframe"),
            nbformat.v4.new_code_cell("raise ValueError('stop')"),
        ]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "visits.ipynb")
        report = plan.single("visits.ipynb", [], tmp_path)
        out = tmp_path / "out"
        shelf.prepare(out)
        options = run.Options(show_code=True)
        run.build(run.plan([report], out, options), out, options)
        kept = shelf.record(out, "visits")
        assert kept
        assert kept["error"] == "ValueError: stop"
        assert kept["inputs"][0]["kind"] == "sql"
        # a database may change at any time: its reports are made again
        kept["error"] = ""
        digests = run.Digests(tmp_path, show_code=True)
        assert digests.why(kept, digests.of(report)) == "a database may always have changed (visits)"
        files = [p for p in tmp_path.rglob("*") if p.is_file()]
        assert len(files) >= 6
        assert not [p.name for p in files if SECRET.encode() in p.read_bytes()]
        assert SECRET not in repr(databases.sources())
