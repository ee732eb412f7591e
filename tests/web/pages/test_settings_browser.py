"""Connections, secrets and settings in a real Chromium: axe in both themes, no sideways scroll, and their buttons."""

from __future__ import annotations

import base64
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from pydantic import SecretStr

from signoff.connections.actions import create_connection, record_discovery, record_health
from signoff.connections.queries import tools_of
from signoff.connections.secrets import create_secret
from signoff.connectors.protocol import ToolSpec
from signoff.freezes.actions import order_freeze
from signoff.people.actions import create_key
from signoff.settings import Settings, StdioCommand
from signoff.tables.all_tables import METADATA
from signoff.tables.session import Store
from signoff.webhooks.actions import create_webhook, send_test
from signoff.webhooks.deliveries import note_answer, take
from tests.kit_browser import axe_violations
from tests.kit_server import serving
from tests.web.kit_pages import pages_app
from tests.web.pages.conftest import Site
from tests.web.seed import seed

pytestmark = pytest.mark.browser
WOKEN = "html[data-ready]"
PAGES = (
    "/connections",
    "/connections?environment=all&kind=openapi",
    "/connections/new",
    "/connections/new?kind=mcp_http",
    "/connections/new?kind=openapi",
    "/connections/new?kind=mcp_stdio",
    "/connections/new?kind=mail",
    "/connections/{erp}",
    "/connections/{erp}/edit",
    "/connections/{erp}/definition?tool=post_bill",
    "/connections/{box}",
    "/secrets",
    "/secrets/new?connection={erp}",
    "/secrets/{secret}",
    "/settings/keys",
    "/settings/keys/new",
    "/settings/members",
    "/settings/members/new",
    "/settings/members/{ines}",
    "/settings/limits",
    "/settings/audit",
    "/settings/roles",
    "/settings/sign-in",
    "/settings/webhooks",
    "/settings/webhooks/new",
    "/settings/webhooks/{hook}",
    "/profile",
    "/profile/second-factor",
)


class Place:
    """The pages on a port, with something in every list."""

    def __init__(self, address: str, site: Site, ids: dict[str, str]) -> None:
        self.address, self.site, self.ids = address, site, ids

    def url(self, path: str) -> str:
        return f"{self.address}{self.site.base}{path.format(**self.ids)}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    folder: Path = tmp_path_factory.mktemp("pages")
    (folder / "mail").mkdir()
    own = Settings(
        data_dir=folder,
        secret_key=SecretStr(base64.b64encode(os.urandom(32)).decode()),
        allow_scripted_models=True,
        mail_roots=[folder],
        stdio_commands={"erp": StdioCommand(command="erp-server")},
    )
    store = Store.open(own.store_url)
    METADATA.create_all(store.engine)
    site = Site(pages_app(store, own), store, seed(store))
    ids = _fill(site, folder)
    with serving(site.app) as address:
        yield Place(address, site, ids)
    store.close()


def _fill(site: Site, folder: Path) -> dict[str, str]:
    owner, production = site.seeded.owner, site.seeded.environments["production"]
    erp = site.seeded.connections["production/erp"]
    vault = site.app.state.house.services.vault
    with site.store.write() as session:
        box = create_connection(
            session, owner, environment_id=production, slug="box", name="Box", kind="mail",
            config={"folder": str(folder / "mail")},
        )  # fmt: skip
        shop = create_connection(
            session, owner, environment_id=production, slug="shop", name="Shop", kind="openapi",
            config={"url": "https://shop.example/o.json", "headers": {"Authorization": "{{secret.SHOP}}"}},
        )  # fmt: skip
        record_health(session, shop, ok=False, error="The server answered 401: the token is not accepted.")
        known = [ToolSpec(**row.definition) for row in tools_of(session, owner, erp)]
        changed = [spec for spec in known if spec.name not in ("post_bill", "void_bill")]
        changed.append(ToolSpec("post_bill", "Post a bill, now.", {"type": "object"}, None, {}))
        changed.append(ToolSpec("brand_new", "Something else.", {"type": "object"}, None, {}))
        record_discovery(session, owner, erp, specs=changed)
        secret = create_secret(session, owner, vault, connection_id=erp, name="EXTRA", value="planted-value-4711")
        create_key(session, owner, name="Nightly import")
        order_freeze(session, owner, scope="connection", target_id=shop, reason="It moves tonight.")
        hook = create_webhook(
            session, owner, vault, name="Ops", url="https://ops.example/hook", events=["run.failed"]
        ).id
        sent = send_test(session, owner, hook, address="https://signoff.example")
        take(session, vault, sent)
        note_answer(session, sent, status=404, answer="<h1>No such page, and much more of it</h1>" * 9)
    return {"hook": hook, "erp": erp, "box": box, "secret": secret, "ines": site.seeded.people["ines"].id}


def signed_in(browser: Browser, place: Place, **options: Any) -> Page:
    context = browser.new_context(**options)
    cookie = {"name": "session", "value": place.site.seeded.cookies["mei"], "url": place.address}
    context.add_cookies([cookie])  # pyright: ignore[reportArgumentType]
    return context.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(browser: Browser, place: Place, scheme: str, width: int):
    page = signed_in(browser, place, viewport={"width": width, "height": 844}, color_scheme=scheme)
    for path in PAGES:
        page.goto(place.url(path))
        page.wait_for_selector(WOKEN)
        assert (path, axe_violations(page)) == (path, [])
    page.context.close()


def test_no_sideways_scroll_at_320(browser: Browser, place: Place):
    page = signed_in(browser, place, viewport={"width": 320, "height": 640})
    for path in PAGES:
        page.goto(place.url(path))
        assert (path, page.evaluate("document.documentElement.scrollWidth - innerWidth")) == (path, 0)
    page.context.close()


def test_a_connection_is_tested_and_discovered_in_place(browser: Browser, place: Place):
    page = signed_in(browser, place)
    page.goto(place.url("/connections/{box}"))
    page.wait_for_selector(WOKEN)
    page.keyboard.press("t")
    page.locator(".toast").get_by_text("It works").wait_for()
    page.locator("#health").get_by_text("Healthy").wait_for()
    page.get_by_role("button", name="Discover tools").click()
    page.locator("#tools").get_by_text("read_message", exact=True).wait_for()
    page.locator("#tools details summary").first.click()
    page.locator("#tools .codebox").get_by_text("input_schema").wait_for()
    assert axe_violations(page) == []
    page.context.close()


def test_a_class_is_saved_and_a_tool_accepted_without_a_new_page(browser: Browser, place: Place):
    page = signed_in(browser, place)
    page.goto(place.url("/connections/{erp}"))
    page.wait_for_selector(WOKEN)
    page.evaluate("window.isSamePage = true")
    page.get_by_label("What list_bills does").select_option("send")
    page.get_by_role("button", name="Save list_bills").click()
    page.locator(".toast").get_by_text("list_bills is saved").wait_for()
    page.get_by_role("button", name="Accept brand_new").click()
    page.locator("#waiting").get_by_text("1 tool to look at").wait_for()
    assert page.get_by_label("What list_bills does").input_value() == "send"
    page.get_by_label("What post_bill does").select_option("read")
    page.get_by_role("button", name="Save post_bill").click()
    page.locator("#tools .field-error").get_by_text("at least write").wait_for()
    assert page.evaluate("window.isSamePage") is True
    assert axe_violations(page) == []
    page.context.close()


def test_ending_a_connection_is_asked_first(browser: Browser, place: Place):
    page = signed_in(browser, place)
    page.goto(place.url("/connections/{box}"))
    page.wait_for_selector(WOKEN)
    page.get_by_role("button", name="More for Box").click()
    page.get_by_role("button", name="Disable").first.click()
    page.locator("dialog#disable").wait_for()
    assert axe_violations(page) == []
    page.locator("dialog#disable").get_by_role("button", name="Disable").click()
    page.locator(".toast").get_by_text("The connection is off").wait_for()
    page.get_by_role("button", name="Enable").click()
    page.locator("#health").get_by_role("button", name="Test").wait_for()
    page.context.close()


def test_a_key_is_made_copied_once_and_revoked(browser: Browser, place: Place):
    page = signed_in(browser, place)
    page.goto(place.url("/settings/keys/new"))
    page.wait_for_selector(WOKEN)
    page.get_by_label("Name").fill("From the browser")
    page.get_by_role("button", name="Make the key").click()
    key = page.locator("#fresh-key")
    key.wait_for()
    assert key.inner_text().startswith("so_")
    assert axe_violations(page) == []
    page.get_by_role("button", name="More for From the browser").click()
    page.get_by_role("button", name="Revoke").first.click()
    page.locator("dialog[open]").get_by_role("button", name="Revoke").click()
    page.locator(".toast").get_by_text("The key is revoked").wait_for()
    assert page.locator("#fresh-key").count() == 0
    page.context.close()


def test_the_audit_is_searched_and_checked_in_place(browser: Browser, place: Place):
    page = signed_in(browser, place)
    page.goto(place.url("/settings/audit"))
    page.wait_for_selector(WOKEN)
    page.keyboard.press("/")
    page.keyboard.type("founded")
    page.wait_for_url("**/settings/audit?q=founded")
    assert page.locator("#results tbody tr").count() == 1
    page.get_by_role("button", name="Verify").click()
    page.locator("#verdict").get_by_text("The chain holds").wait_for()
    assert page.locator("#results tbody tr").count() == 1
    page.context.close()
