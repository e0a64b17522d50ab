"""A project folder of one's own to write files into."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _in_the_project: None) -> Path:
    """An empty project in which relative paths are resolved."""
    (tmp_path / "reports.toml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(own: Path) -> Callable[..., str]:
    """Write text or bytes into the project and return the file's name."""

    def write(content: str | bytes, name: str = "own.csv", **encoding: Any) -> str:
        raw = content if isinstance(content, bytes) else content.encode(**encoding)
        (own / name).write_bytes(raw)
        return name

    return write
