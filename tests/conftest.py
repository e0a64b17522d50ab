"""Fixtures that all tests share."""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def published() -> Any:
    """Read one of the published tables by name."""

    def read(name: str) -> dict[str, Any]:
        return json.loads((ROOT / "data" / "published" / f"{name}.json").read_text(encoding="utf-8"))

    return read


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative names resolve against the project, wherever pytest was started."""
    monkeypatch.chdir(ROOT)
