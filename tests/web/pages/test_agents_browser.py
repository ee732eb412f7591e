"""The pages of agents in a real Chromium: axe in both themes, no sideways scroll, and the editor as one uses it."""

from __future__ import annotations

import base64
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from pydantic import SecretStr

from signoff.agents.actions import save_draft_or_keep
from signoff.agents.queries import draft_of
from signoff.agents.refusals import StaleDraft
from signoff.settings import Settings
from signoff.tables.all_tables import METADATA
from signoff.tables.session import Store
from tests.kit_browser import axe_violations
from tests.kit_server import serving
from tests.web.kit_pages import demo_model, pages_app
from tests.web.pages.conftest import Site
from tests.web.seed import body, seed

pytestmark = pytest.mark.browser
WOKEN = "html[data-ready]"
PAGES = (
    "/sign-in",
    "/setup/used-up",
    "/w/northwind/agents",
    "/w/northwind/agents/new",
    "/w/northwind/agents/new?from=yaml",
    "/w/northwind/agents/supplier-mail",
    "/w/northwind/agents/supplier-mail/edit",
    "/w/northwind/agents/refund-triage/edit",
    "/w/northwind/agents/supplier-mail/tools",
    "/w/northwind/agents/supplier-mail/revisions/1/release",
    "/w/northwind/agents/supplier-mail/revisions/2",
    "/w/northwind/agents/supplier-mail/diff?from=1&to=3",
    "/w/northwind/agents/supplier-mail/run",
    "/w/northwind/agents/vendor-watch/edit/conflict/{kept}",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, Site, str]]:
    """The address of the pages, the site, and the id of a text that came too late."""
    folder: Path = tmp_path_factory.mktemp("pages")
    own = Settings(
        data_dir=folder,
        secret_key=SecretStr(base64.b64encode(os.urandom(32)).decode()),
        allow_scripted_models=True,
    )
    store = Store.open(own.store_url)
    METADATA.create_all(store.engine)
    site = Site(pages_app(store, own), store, seed(store))
    kept = ""
    for words in ("Every Monday.", "Twice a week."):
        try:
            save_draft_or_keep(store, site.seeded.owner, "vendor-watch", body=body(f"# GOAL\n{words}"), version=1)
        except StaleDraft as refusal:
            kept = str(refusal.extra["kept_as"])
    with demo_model(), serving(site.app) as address:
        yield address, site, kept
    store.close()


def signed_in(browser: Browser, place: tuple[str, Site, str], **options: Any) -> Page:
    address, site, _ = place
    context = browser.new_context(**options)
    context.add_cookies([{"name": "session", "value": site.seeded.cookies["mei"], "url": address}])
    return context.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(browser: Browser, place: tuple[str, Site, str], scheme: str, width: int):
    page = signed_in(browser, place, viewport={"width": width, "height": 844}, color_scheme=scheme)
    for path in PAGES:
        page.goto(place[0] + path.format(kept=place[2]))
        page.wait_for_selector(WOKEN)
        assert (path, axe_violations(page)) == (path, [])
    page.context.close()


def test_no_sideways_scroll_at_320(browser: Browser, place: tuple[str, Site, str]):
    page = signed_in(browser, place, viewport={"width": 320, "height": 640})
    for path in PAGES:
        page.goto(place[0] + path.format(kept=place[2]))
        assert (path, page.evaluate("document.documentElement.scrollWidth - innerWidth")) == (path, 0)
    page.context.close()


@pytest.mark.parametrize("tab", ["Owners", "Access"])
def test_on_a_phone_the_tab_one_is_on_is_in_sight(browser: Browser, place: tuple[str, Site, str], tab: str):
    page = signed_in(browser, place, viewport={"width": 390, "height": 844})
    page.goto(f"{place[0]}/w/northwind/agents/refund-triage")
    page.locator(".tabs").get_by_role("link", name=tab).evaluate("link => link.click()")
    page.wait_for_selector(f"{WOKEN} .tabs [aria-current='page']:text-is('{tab}')")
    box = page.locator(".tabs [aria-current='page']").bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
    page.context.close()


def test_typing_is_checked_saved_by_key_and_guarded(browser: Browser, place: tuple[str, Site, str]):
    address, site, _ = place
    page = signed_in(browser, place)
    page.goto(f"{address}/w/northwind/agents/refund-triage/edit")
    page.wait_for_selector(WOKEN)
    page.locator("[data-sop]").fill("# GOAL\nDecide refunds.\nUse @mail.read")
    page.keyboard.press("End")
    page.keyboard.type("_m")
    page.locator("#complete [role=option]").first.wait_for()
    page.keyboard.press("Enter")
    assert page.locator("[data-sop]").input_value().endswith("@mail.read_message")
    page.locator("#checks").get_by_text("SHOP_TOKEN").first.wait_for()
    with page.expect_event("dialog") as caught:
        page.evaluate("setTimeout(() => location.assign('/sign-in'))")
    assert caught.value.type == "beforeunload"
    caught.value.dismiss()
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.url.endswith("/edit")):
        page.keyboard.press("Control+s")
    page.locator("#draft-version[value='2']").wait_for(state="attached")
    with site.store.read() as session:
        assert "@mail.read_message" in draft_of(session, site.seeded.owner, "refund-triage").body["sop"]
    page.goto(f"{address}/w/northwind/agents")  # Nothing asks any more.
    page.context.close()


def test_the_freeze_dialog_freezes_what_is_on_screen(browser: Browser, place: tuple[str, Site, str]):
    address, _, _ = place
    page = signed_in(browser, place)
    page.goto(f"{address}/w/northwind/agents/supplier-mail/edit")
    page.wait_for_selector(WOKEN)
    page.locator("[data-sop]").fill("# GOAL\nShorter, and not saved by itself.")
    page.get_by_role("button", name="Freeze r4").click()
    page.get_by_label("Why").fill("Shorter is better")
    assert axe_violations(page) == []
    page.get_by_role("button", name="Save and freeze").click()
    page.wait_for_url("**/revisions")
    page.get_by_text("Shorter is better").first.wait_for()
    assert page.locator(".toast").inner_text().startswith("Revision 4 is frozen")
    page.context.close()
