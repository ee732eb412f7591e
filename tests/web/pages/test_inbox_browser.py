"""The inbox in a real Chromium, with 5,000 requests waiting: one hand on the keyboard, a phone, axe, both themes."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr

from signoff.settings import Settings
from signoff.tables.all_tables import METADATA
from signoff.tables.approvals import Approval
from signoff.tables.session import Store
from tests.kit_browser import axe_violations
from tests.kit_server import serving
from tests.web.kit_pages import pages_app
from tests.web.pages import kit_asks
from tests.web.pages.conftest import Site
from tests.web.seed import seed

pytestmark = pytest.mark.browser
WOKEN = "html[data-ready]"
CROWD = 5_000
Place = tuple[str, Site, dict[str, str]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    """The address of the pages, the site, and the requests by what they show. The crowd waits for Ines."""
    folder: Path = tmp_path_factory.mktemp("inbox")
    key = SecretStr(base64.b64encode(os.urandom(32)).decode())
    own = Settings(data_dir=folder, secret_key=key, allow_scripted_models=True)
    store = Store.open(own.store_url)
    METADATA.create_all(store.engine)
    site = Site(pages_app(store, own), store, seed(store))
    with store.write() as session:
        known = kit_asks.many_kinds(session, site.seeded)
        kit_asks.crowd(session, site.seeded, CROWD, "ines", by="tomasz")
    with serving(site.app) as address:
        yield address, site, known
    store.close()


def signed_in(browser: Browser, place: Place, who: str = "mei", **options: Any) -> Page:
    context = browser.new_context(**options)
    context.add_cookies([{"name": "session", "value": place[1].seeded.cookies[who], "url": place[0]}])
    return context.new_page()


def opened(page: Page, place: Place, path: str = "") -> None:
    page.goto(f"{place[0]}{place[1].base}/inbox{path}")
    page.wait_for_selector(WOKEN)


def states(place: Place) -> dict[str, str]:
    with place[1].store.read() as session:
        return {row.id: row.state for row in session.query(Approval.id, Approval.state)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(browser: Browser, place: Place, scheme: str, width: int):
    page = signed_in(browser, place, viewport={"width": width, "height": 844}, color_scheme=scheme)
    gate = "/many?" + f"agent={place[1].seeded.agents['supplier-mail']}&gate=Bill+over+250+EUR"
    paths = ["", "?whose=all", "?show=answered", "?gate=none", gate, *(f"/{one}" for one in place[2].values())]
    for path in paths:
        opened(page, place, path)
        assert axe_violations(page) == [], path
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("key", ["a", "e", "d", "?"])
def test_axe_finds_nothing_in_an_open_form(browser: Browser, place: Place, scheme: str, key: str):
    page = signed_in(browser, place, color_scheme=scheme)
    opened(page, place, f"/{place[2]['bill']}")
    page.keyboard.press(key)
    expect(page.locator("dialog[open]")).to_be_visible()
    assert axe_violations(page) == []
    page.context.close()


def test_no_sideways_scroll_on_a_small_phone(browser: Browser, place: Place):
    page = signed_in(browser, place, viewport={"width": 320, "height": 640})
    for path in ("", *(f"/{one}" for one in place[2].values())):
        opened(page, place, path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    page.context.close()


def test_twenty_decisions_with_one_hand_on_the_keyboard_among_five_thousand(browser: Browser, place: Place):
    before = states(place)
    page = signed_in(browser, place, "ines", viewport={"width": 1440, "height": 900})
    opened(page, place, "?gate=Gate+1")
    badge = page.locator("#badge-inbox .count")
    expect(badge).to_have_text(re.compile("999"))
    current = page.locator(".ask-row[aria-current=true]")
    for number in range(20):
        one = page.locator("#detail > [data-one]").get_attribute("data-one")
        expect(current).to_have_attribute("data-id", one or "")
        page.keyboard.press("d" if number % 5 == 4 else "a")
        expect(page.locator("dialog[open]")).to_be_visible()
        if number % 5 == 4:
            page.keyboard.type("Not ours")
            page.keyboard.press("Control+Enter")
        else:
            page.keyboard.press("Enter")
        expect(page.locator(f"#detail > [data-one='{one}']")).to_have_count(0)
    after = states(place)
    changed = {one: state for one, state in after.items() if state != before[one]}
    assert sorted(changed.values()) == ["approved"] * 16 + ["denied"] * 4
    page.context.close()


def test_rows_are_moved_through_and_chosen_by_key(browser: Browser, place: Place):
    page = signed_in(browser, place, "ines", viewport={"width": 1440, "height": 900})
    opened(page, place, "?gate=Gate+2")
    rows = page.locator(".ask-row")
    second = rows.nth(1).get_attribute("data-id") or ""
    page.keyboard.press("j")
    expect(page.locator("#detail > [data-one]")).to_have_attribute("data-one", second)
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    expect(page.locator("#detail > [data-one]")).not_to_have_attribute("data-one", second)
    page.keyboard.press("x")
    expect(page.locator("[data-picked]")).to_have_text("2")
    page.keyboard.press("r")
    expect(page.locator("#detail h2").first).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("#detail > [data-one]")).to_have_attribute("data-one", second)
    page.get_by_role("button", name="Decide together").click()
    expect(page.locator("#content h2").first).to_have_text("2 requests of “Gate 2”")
    page.get_by_label("One reason for all").fill("Checked both")
    page.get_by_role("button", name="Approve the ticked ones").click()
    expect(page.get_by_text("2 requests are approved.")).to_be_visible()
    assert states(place)[second] == "approved"
    page.context.close()


def test_an_edit_shows_its_difference_and_is_approved_by_key(browser: Browser, place: Place):
    with place[1].store.write() as session:
        one = kit_asks.ask(
            session, place[1].seeded, "Edit me", args={**kit_asks.ARGS, "token": "{{secret.ERP_TOKEN}}"}, by="tomasz"
        )
    page = signed_in(browser, place)
    opened(page, place, f"/{one}")
    page.keyboard.press("e")
    page.locator("dialog[open]").get_by_label("amount").fill("a lot")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Write a number.")).to_be_visible()
    page.locator("dialog[open]").get_by_label("amount").fill("388.5")
    expect(page.get_by_text("Write a number.")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Approve with these changes")).to_be_focused()
    expect(page.locator("dialog[open] .arg-change del")).to_contain_text("412.5")
    page.keyboard.press("Enter")
    expect(page.locator(f"#detail > [data-one='{one}']")).to_have_count(0)
    with place[1].store.read() as session:
        found = session.get_one(Approval, one)
    assert (found.state, found.decision["args"]["amount"]) == ("approved", 388.5)
    page.context.close()


def test_what_is_being_written_stays_when_somebody_else_is_first(browser: Browser, place: Place):
    with place[1].store.write() as session:
        one = kit_asks.ask(session, place[1].seeded, "Contested", asked=("mei", "ines"), by="tomasz")
    page = signed_in(browser, place)
    opened(page, place, f"/{one}")
    page.keyboard.press("d")
    page.locator("dialog[open]").get_by_label("Why not?").fill("A long and careful reason")
    with place[1].store.write() as session:
        kit_asks.settle(session, place[1].seeded, one)
    expect(page.locator(f"#news-{one}")).to_contain_text("Ines Okafor approved this")
    expect(page.locator("dialog[open]").get_by_label("Why not?")).to_have_value("A long and careful reason")
    expect(page.locator("dialog[open]")).to_contain_text("Ines Okafor approved this")
    expect(page.locator("dialog[open] button[type=submit]")).to_be_disabled()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Ines Okafor was first")).to_be_visible()
    expect(page.get_by_text("A long and careful reason")).to_be_visible()
    expect(page.locator(".toast")).to_have_count(0)
    page.context.close()


def test_the_badge_and_the_list_follow_an_answer_given_elsewhere(browser: Browser, place: Place):
    with place[1].store.write() as session:
        one = kit_asks.ask(session, place[1].seeded, "Answered elsewhere", by="tomasz")
    page = signed_in(browser, place, viewport={"width": 1440, "height": 900})
    opened(page, place)
    badge = page.locator("#badge-inbox .count")
    number = int(badge.inner_text().split()[0])
    with place[1].store.write() as session:
        kit_asks.settle(session, place[1].seeded, one)
    expect(badge).to_have_text(re.compile(rf"^{number - 1}\b"))
    expect(page.locator(f"#row-{one}")).to_have_count(0)
    page.context.close()


def test_on_a_phone_the_list_leads_to_the_request_and_back(browser: Browser, place: Place):
    with place[1].store.write() as session:
        one = kit_asks.ask(session, place[1].seeded, "On the phone", hours_ago=0, by="tomasz")
    page = signed_in(browser, place, viewport={"width": 390, "height": 844}, has_touch=True)
    opened(page, place)
    expect(page.locator("#detail")).to_be_hidden()
    page.locator(f"#open-{one}").click()
    page.wait_for_url(f"**/inbox/{one}")
    page.wait_for_selector(WOKEN)
    expect(page.get_by_role("heading", name="On the phone")).to_be_visible()
    expect(page.locator(".ask-list")).to_be_hidden()
    page.go_back()
    page.wait_for_selector(WOKEN)
    expect(page.locator(".ask-list")).to_be_visible()
    page.locator(f"#open-{one}").click()
    page.wait_for_selector(WOKEN)
    page.get_by_role("button", name="Approve").click()
    page.locator("dialog[open]").get_by_role("button", name="Approve").click()
    expect(page.locator(f"#detail > [data-one='{one}']")).to_have_count(0)
    assert states(place)[one] == "approved"
    page.context.close()


def test_single_keys_turned_off_do_nothing(browser: Browser, place: Place):
    page = signed_in(browser, place)
    opened(page, place, f"/{place[2]['bill']}")
    page.evaluate("document.documentElement.dataset.keys = 'off'")
    for key in "aedr?":
        page.keyboard.press(key)
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.context.close()
