"""A login in a real Chromium: asked for, authorised at a real provider under our policy, ended; axe, and no sideways
scroll, on every page of the way."""

from __future__ import annotations

import base64
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from pydantic import SecretStr

from signoff.connections.actions import create_connection
from signoff.settings import Settings
from signoff.tables.all_tables import METADATA
from signoff.tables.session import Store
from tests.kit_browser import axe_violations
from tests.kit_oauth import Provider, System, running_provider, running_system
from tests.kit_server import serving
from tests.web.kit_pages import pages_app
from tests.web.pages.conftest import Site
from tests.web.pages.kit_oauth_pages import login
from tests.web.seed import seed

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def idp() -> Generator[Provider]:
    with running_provider() as made:
        yield made


@pytest.fixture
def orders(idp: Provider) -> Generator[System]:
    with running_system(idp) as made:
        yield made


@pytest.fixture
def place(tmp_path: Path) -> Site:
    key = SecretStr(base64.b64encode(os.urandom(32)).decode())
    own = Settings(data_dir=tmp_path, secret_key=key, allow_scripted_models=True, allow_loopback=True)
    store = Store.open(own.store_url)
    METADATA.create_all(store.engine)
    return Site(pages_app(store, own), store, seed(store))


def check(page: Page) -> None:
    """The page as it is now, at both widths."""
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert axe_violations(page) == []


def test_the_whole_way(browser: Browser, place: Site, idp: Provider, orders: System):
    seeded = place.seeded
    with place.store.write() as session:
        made = create_connection(
            session, seeded.owner, environment_id=seeded.environments["staging"], slug="orders", name="Orders",
            kind="mcp_http", config={"url": orders.url},
        )  # fmt: skip
    with serving(place.app) as address:
        context = browser.new_context()
        context.add_cookies([{"name": "session", "value": seeded.cookies["mei"], "url": address}])
        page = context.new_page()
        blocked: list[str] = []
        page.on("console", lambda said: blocked.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(f"{address}{place.base}/connections/{made}")
        page.get_by_role("link", name="Set up OAuth").click()
        check(page)
        page.get_by_role("button", name="Ask Orders").click()
        check(page)
        page.get_by_role("button", name="Register and set up").click()
        page.get_by_role("button", name="Authorise", exact=True).click()
        check(page)
        page.get_by_role("link", name=f"Go to {idp.url.removeprefix('http://')}").click()
        page.wait_for_url(f"**/connections/{made}")
        assert login(place, made).state == "active"
        page.get_by_role("button", name="Discover tools").click()
        page.get_by_text("2 tools found and accepted").wait_for()
        check(page)
        page.goto(f"{address}{place.base}/connections/{made}/disconnect")
        check(page)
        page.get_by_role("button", name="Disconnect Orders").click()
        page.wait_for_url(f"**/connections/{made}")
        assert login(place, made).state == "revoked"
        page.get_by_role("button", name="Reconnect").click()
        page.get_by_role("button", name="Authorise again").wait_for()
        check(page)
        assert blocked == []
        context.close()
    place.store.close()
