"""Headless Chromium from the machine's own packages, driven by Playwright, and axe for accessibility."""

from __future__ import annotations

import importlib.resources
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",  # Chromium's sandbox does not start as root; the pages are our own.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ABSENT = "No Chromium here (apt-get install chromium): browser tests skipped."


def find_chromium() -> str | None:
    """The path of the machine's Chromium or Chrome; None when there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextmanager
def launched(executable: str) -> Generator[Browser]:
    """A browser with an empty profile, closed at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="signoff-browser-") as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=FLAGS, headless=True, env={"HOME": home, "PATH": "/usr/bin:/bin"}
        )
        try:
            yield browser
        finally:
            browser.close()


def axe_violations(page: Page) -> list[str]:
    """What axe finds on `page` as it is now: "rule: selector" for each. An empty list is the aim.

    Through the DevTools protocol, because the page's own policy rightly blocks an injected script.
    """
    script = importlib.resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
    session = page.context.new_cdp_session(page)
    try:
        session.send("Runtime.evaluate", {"expression": script})
        answer: dict[str, Any] = session.send(
            "Runtime.evaluate",
            {
                "expression": f"axe.run(document, {{runOnly: {RULES!r}}}).then(r => r.violations.flatMap("
                "v => v.nodes.map(n => v.id + ': ' + n.target.join(' ') + ' ' + (n.failureSummary || ''))))",
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
    finally:
        session.detach()
    return list(answer["result"]["value"])
