"""The shell in a real Chromium: no complaint from axe, no sideways scroll, keys, dialogs, the palette, the editor."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page

from tests.kit_browser import axe_violations
from tests.kit_server import serving
from tests.web.kitchen_app import make_app

pytestmark = pytest.mark.browser
PAGES = ("/", "/kitchen/run", "/kitchen/sop", "/sign-in")
WOKEN = "html[data-ready]"


@pytest.fixture(scope="module")
def address() -> Generator[str]:
    with serving(make_app()) as where:
        yield where


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(browser: Browser, address: str, scheme: str, width: int):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # pyright: ignore[reportArgumentType]
    page = context.new_page()
    for path in PAGES:
        page.goto(address + path)
        page.wait_for_selector(WOKEN)
        assert axe_violations(page) == []
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_no_sideways_scroll_at_320(browser: Browser, address: str, path: str):
    context = browser.new_context(viewport={"width": 320, "height": 640})
    page = context.new_page()
    page.goto(address + path)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    context.close()


def test_the_palette_opens_by_key_and_goes_there(page: Page, address: str):
    page.goto(address + "/kitchen/run")
    page.wait_for_selector(WOKEN)
    page.keyboard.press("Control+k")
    page.wait_for_selector("#palette-list [role=option]")
    page.keyboard.type("bright")
    page.wait_for_selector("#palette-list >> text=Brightwater")
    assert axe_violations(page) == []
    page.keyboard.press("Enter")
    page.wait_for_url(address + "/")


def test_rows_are_chosen_by_key_and_the_bar_appears(page: Page, address: str):
    page.goto(address)
    page.wait_for_selector(WOKEN)
    assert not page.locator(".bulk").is_visible()
    for key in "jjx":
        page.keyboard.press(key)
    page.locator(".bulk").wait_for()
    assert page.locator("[data-picked]").inner_text() == "1"
    page.locator("[data-pick-all]").check()
    assert page.locator("[data-picked]").inner_text() == "8"


def test_a_filter_keeps_its_list_open_and_the_address_true(page: Page, address: str):
    page.goto(address)
    page.wait_for_selector(WOKEN)
    page.click("[popovertarget=chip-state]")
    page.locator("#chip-state").get_by_text("Running").click()
    page.wait_for_url("**/?*state=running*")
    assert page.locator("#chip-state").is_visible()


def test_a_dialog_opens_sends_and_says_so(page: Page, address: str):
    page.goto(address)
    page.wait_for_selector(WOKEN)
    page.keyboard.press("r")
    page.locator("dialog#ask").wait_for()
    assert axe_violations(page) == []
    page.get_by_role("button", name="Run it").click()
    page.get_by_text("Revision 15 is frozen").wait_for()
    page.locator(".toast [data-dismiss]").click()
    assert page.locator(".toast").count() == 0


def test_the_theme_is_kept(page: Page, address: str):
    page.goto(address)
    page.wait_for_selector(WOKEN)
    page.get_by_role("button", name="Theme").click()
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Dark").click()
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_the_editor_colours_completes_and_marks_lines(page: Page, address: str):
    page.goto(address + "/kitchen/sop")
    page.wait_for_selector(WOKEN)
    area = page.locator("[data-sop]")
    assert page.locator(".ln[data-tone]").count() == 2
    heights = "[document.querySelector('[data-sop]').scrollHeight, document.querySelector('[data-paint]').scrollHeight]"
    page.locator("[data-go-line='10']").click()
    assert page.evaluate("document.activeElement.selectionStart") > 0
    area.press("Control+End")
    area.type("Read @erp.fi")
    page.locator("#complete").wait_for()
    area.press("Enter")
    assert area.input_value().endswith("@erp.find_order")
    text, paint = page.evaluate(heights)
    assert text >= paint
    area.type("<img src=x>")
    assert page.locator("[data-paint] img").count() == 0


def test_the_menu_of_a_phone(browser: Browser, address: str):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(WOKEN)
    assert not page.locator("#side").is_visible()
    page.locator(".bar button").click()
    page.locator("#side").get_by_role("link", name="Audit log").wait_for()
    assert axe_violations(page) == []
    context.close()


def test_without_script_lists_and_texts_can_be_read(browser: Browser, address: str):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("tbody tr[data-row]").count() == 8
    page.goto(address + "/kitchen/sop")
    colour = page.locator("[data-sop]").evaluate("node => getComputedStyle(node).color")
    assert colour != "rgba(0, 0, 0, 0)"
    context.close()


def test_a_finished_step_arrives_by_itself_and_is_said(page: Page, address: str):
    page.goto(address + "/kitchen/run")
    page.locator("#step-11").get_by_text("Summarised").wait_for()
    page.locator("#live[data-live=done]").wait_for()
    assert page.locator("#step-11").get_by_text("8.0 s").count() == 1
    assert page.locator("#step-9 [aria-current=step]").count() == 1
    assert page.locator("#said").inner_text() == "Step 11 finished."
