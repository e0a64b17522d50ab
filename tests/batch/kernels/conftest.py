"""Run notebooks on either kernel, and clients as processes of their own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from cxresearch.batch import kernels

PROVISIONERS = {"plain": "local-provisioner", "warm": kernels.NAME}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip where kernels are not forked; what happens there is tested elsewhere."""
    if not kernels.supported():
        for item in items:
            if Path(__file__).parent in item.path.parents and "everywhere" not in item.name:
                item.add_marker(pytest.mark.skip("kernels are not forked on this system"))


@pytest.fixture(scope="session", autouse=True)
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The provisioner's registration, in a folder for ``sys.path``: the tests need no installation."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "warm_kernels_under_test-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: warm-kernels-under-test\nVersion: 0\n")
    points = f"[jupyter_client.kernel_provisioners]\n{kernels.NAME} = {kernels.__name__}.provisioner:WarmProvisioner\n"
    (info / "entry_points.txt").write_text(points)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        KernelProvisionerFactory.clear_instance()
        yield folder
    KernelProvisionerFactory.clear_instance()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Choose the kernels of this process, "plain" or "warm"."""
    # with this variable, which is another for each test, ipykernel does not capture what is written below Python
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)
    # the debugger then keeps a note to itself that it writes to every kernel's log
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")

    def choose(kind: str) -> None:
        KernelProvisionerFactory.instance().default_provisioner_name = PROVISIONERS[kind]

    yield choose
    choose("plain")


@pytest.fixture
def run(use: Callable[[str], None]) -> Callable[..., NotebookNode]:
    """Execute cells on a kernel, "plain" or "warm", and return the notebook; errors are kept in it.

    A warm kernel that is asked for must be one: `falls_back` says that an ordinary one is expected.
    """

    def execute(
        kind: str, *cells: str, cwd: Path | None = None, falls_back: bool = False, **options: Any
    ) -> NotebookNode:
        use(kind)
        notebook = new_notebook(cells=[new_code_cell(cell, id=f"cell-{i}") for i, cell in enumerate(cells)])
        options = {"kernel_name": "python3", "timeout": 120, "allow_errors": True, "record_timing": False, **options}
        client = NotebookClient(notebook, **options)
        used = []
        client.on_notebook_start = lambda **_: used.append(client.km.provisioner)
        client.execute(**({"cwd": str(cwd)} if cwd else {}))
        if kind == "warm":
            assert falls_back == bool(used[0].reason), used[0].reason
        return notebook

    return execute


@pytest.fixture
def client(registered: Path, tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start a script in a process of its own, which takes warm kernels from a parent that imports next to nothing."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: str, **env: str) -> "subprocess.Popen[str]":
        path = tmp_path / "client.py"
        path.write_text(script)
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
            "CXRESEARCH_PRELOAD": "json",
            "JUPYTER_DEFAULT_PROVISIONER_NAME": kernels.NAME,
            "PYTHONPATH": str(registered),
            "TMPDIR": str(tmp_path),
            **env,
        }
        command = [sys.executable, str(path), *arguments]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
