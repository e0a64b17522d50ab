"""Headless Chromium, as installed on the machine; nothing is downloaded."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running browser; the test is skipped where there is none, unless the environment forbids that."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        if os.environ.get("CXRESEARCH_REQUIRE_CHROMIUM"):
            pytest.fail("Chromium is not installed, and CXRESEARCH_REQUIRE_CHROMIUM forbids skipping")
        pytest.skip("Chromium is not installed: pages are not opened")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Any]:
    """Open a file and return the page; on leaving, no console error and no request beyond the folder may have come."""
    complaints: list[str] = []
    context = chromium.new_context(viewport={"width": 1200, "height": 900})

    def open_file(path: Any, **viewport: int) -> Any:
        page = context.new_page()
        if viewport:
            page.set_viewport_size(viewport)
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on("requestfailed", lambda r: complaints.append(f"failed: {r.url}"))
        page.on("request", lambda r: complaints.append(f"left the page: {r.url}") if leaves(r.url) else None)
        page.goto(path.as_uri())
        return page

    def leaves(url: str) -> bool:
        return not url.startswith(("file:", "data:"))

    yield open_file
    context.close()
    assert complaints == []
