"""The pages of runs in a real Chromium: axe in both themes, no sideways scroll, keys, rows that move by themselves."""

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

from signoff.record import trace
from signoff.runs import actions
from signoff.settings import Settings
from signoff.tables.all_tables import METADATA
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.kit_browser import axe_violations
from tests.kit_server import serving
from tests.web import seed as seeding
from tests.web.kit_pages import pages_app
from tests.web.pages import kit_runs
from tests.web.pages.conftest import Site
from tests.web.seed import seed

pytestmark = pytest.mark.browser
WOKEN = "html[data-ready]"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, Site, dict[str, str]]]:
    """The address of the pages, the site, and the runs by what they show."""
    folder: Path = tmp_path_factory.mktemp("runs")
    key = SecretStr(base64.b64encode(os.urandom(32)).decode())
    own = Settings(data_dir=folder, secret_key=key, allow_scripted_models=True)
    store = Store.open(own.store_url)
    METADATA.create_all(store.engine)
    site = Site(pages_app(store, own), store, seed(store))
    known: dict[str, str] = {}
    with store.write() as session:
        agent = site.seeded.agents["supplier-mail"]
        known["done"] = seeding.run(session, site.seeded, agent, "Done", output={"action": "posted", "lines": [1, 2]})
        kit_runs.history(session, known["done"], models=4)
        known["live"] = seeding.run(session, site.seeded, agent, "Live", "running", minutes_ago=0)
        kit_runs.history(session, known["live"], models=2)
        known["failed"] = seeding.run(session, site.seeded, agent, "Broken", "failed", failed_step="erp.void_bill")
        verdicts = [{"policy": "grant", "kind": "deny", "reason": "It is not allowed."}]
        run = session.get_one(Run, known["failed"])
        kit_runs.tool_step(session, run, "c1", "erp.void_bill", {"bill": 1}, state="refused", verdicts=verdicts)
        known["waiting"], known["effect"] = kit_runs.unknown_effect(session, site.seeded)
        known["called"] = seeding.run(session, site.seeded, agent, "A subject that no phone is wide enough for " * 3)
        child, parent = session.get_one(Run, known["called"]), session.get_one(Run, known["failed"])
        child.parent_run_id = child.root_run_id = parent.id
        child.depth = parent.child_runs = 1
    with serving(site.app) as address:
        yield address, site, known
    store.close()


def signed_in(browser: Browser, place: tuple[str, Site, dict[str, str]], **options: Any) -> Page:
    context = browser.new_context(**options)
    context.add_cookies([{"name": "session", "value": place[1].seeded.cookies["mei"], "url": place[0]}])
    return context.new_page()


def paths(known: dict[str, str]) -> list[str]:
    run = f"/runs/{known['done']}"
    return [
        "", "/runs", "/runs?status=failed&q=no-such-thing", "/runs?view=attention", run, f"{run}?tab=output",
        f"{run}?tab=input", f"{run}?tab=audit", f"/runs/{known['failed']}", f"/runs/{known['waiting']}",
        f"/runs/{known['called']}", "/runs?children=all",
        f"/runs/{known['live']}", "/reconciliation", "/reconciliation?tab=settled",
        f"/reconciliation/{known['effect']}",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(browser: Browser, place: tuple[str, Site, dict[str, str]], scheme: str, width: int):
    page = signed_in(browser, place, viewport={"width": width, "height": 844}, color_scheme=scheme)
    for path in paths(place[2]):
        page.goto(f"{place[0]}/w/northwind{path}")
        page.wait_for_selector(WOKEN)
        assert axe_violations(page) == [], path
    page.context.close()


def test_no_sideways_scroll_at_320(browser: Browser, place: tuple[str, Site, dict[str, str]]):
    page = signed_in(browser, place, viewport={"width": 320, "height": 640})
    for path in paths(place[2]):
        page.goto(f"{place[0]}/w/northwind{path}")
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    page.context.close()


def test_the_runs_of_a_family_stand_in_one_table_below_who_asked(
    browser: Browser, place: tuple[str, Site, dict[str, str]]
):
    page = signed_in(browser, place, viewport={"width": 1440, "height": 900})
    page.goto(f"{place[0]}/w/northwind/runs/{place[2]['failed']}")
    rows = page.locator("#family tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("this run")
    rows.nth(1).get_by_role("link").click()
    page.wait_for_url(f"**/runs/{place[2]['called']}")
    expect(page.locator("#family tr[aria-current]")).to_contain_text("this run")
    page.context.close()


def test_a_run_fills_in_by_itself(browser: Browser, place: tuple[str, Site, dict[str, str]]):
    address, site, known = place
    page = signed_in(browser, place, viewport={"width": 1440, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/w/northwind/runs/{known['live']}")
    page.wait_for_selector(WOKEN)
    first = page.locator(".wf-row").first
    first.click()
    expect(page.locator("#detail h3")).to_have_text("Model call 1")
    with site.store.write() as session:
        run = session.get_one(Run, known["live"])
        kit_runs.begin_model(session, run, "m:1:9", 3)
    expect(page.locator(".wf-row")).to_have_count(4)
    expect(page.locator("#now")).to_contain_text("Model call 3")
    with site.store.write() as session:
        trace.emit(session, known["live"], "text", {"key": "m:1:9", "text": "The bill matches."})
    expect(page.locator("#now")).to_contain_text("The bill matches.")
    # What the reader chose stays chosen.
    expect(first).to_have_attribute("aria-current", "step")
    with site.store.write() as session:
        trace.end_step(session, run_id=known["live"], key="m:1:9", state="completed", response=None)
        actions.complete_run(session, known["live"], 1, by=site.seeded.owner.actor, output={"action": "posted"})
    expect(page.locator("#run-head")).to_contain_text("Completed")
    expect(page.locator("#live")).to_have_text("Finished")
    assert complaints == []
    page.context.close()


def test_steps_are_walked_by_key(browser: Browser, place: tuple[str, Site, dict[str, str]]):
    page = signed_in(browser, place, viewport={"width": 1440, "height": 900})
    page.goto(f"{place[0]}/w/northwind/runs/{place[2]['done']}")
    page.wait_for_selector(WOKEN)
    expect(page.locator("#detail h3")).to_have_text("Model call 4")
    page.keyboard.press("k")
    expect(page.locator("#detail h3")).to_have_text("erp.post_bill")
    expect(page).to_have_url(re.compile(r"\?step=stp_"))
    page.keyboard.press("j")
    expect(page.locator("#detail h3")).to_have_text("Model call 4")
    page.context.close()


def test_rows_move_and_several_are_cancelled_in_a_dialog(browser: Browser, place: tuple[str, Site, dict[str, str]]):
    address, site, _ = place
    page = signed_in(browser, place, viewport={"width": 1440, "height": 900})
    page.goto(f"{address}/w/northwind/runs")
    page.wait_for_selector(WOKEN)
    with site.store.write() as session:
        new = seeding.run(session, site.seeded, site.seeded.agents["supplier-mail"], "Just in", "queued", minutes_ago=0)
    row = page.locator(f"#{new}")
    expect(row).to_contain_text("Queued", timeout=15_000)
    row.locator("[name=pick]").check()
    page.get_by_role("button", name="Cancel runs…").click()
    dialog = page.locator("#cancel-many")
    expect(dialog).to_contain_text("1 run will be cancelled.")
    assert axe_violations(page) == []
    dialog.get_by_role("button", name="Cancel 1 run").click()
    expect(dialog).to_contain_text("1 run is cancelled.")
    expect(row).to_contain_text("Cancelled", timeout=15_000)
    page.context.close()


def test_a_filter_narrows_and_the_clock_keeps_it(browser: Browser, place: tuple[str, Site, dict[str, str]]):
    page = signed_in(browser, place, viewport={"width": 1440, "height": 900})
    page.goto(f"{place[0]}/w/northwind/runs")
    page.wait_for_selector(WOKEN)
    page.fill("[data-filter]", "monthly")
    page.wait_for_url("**/runs?q=monthly")
    expect(page.locator("#runs tbody tr")).to_have_count(1)
    with page.expect_response(re.compile(r"live=1")) as answered:
        pass
    assert "q=monthly" in answered.value.url
    expect(page.locator("#runs tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator("#runs tbody tr")).not_to_have_count(1)
    page.context.close()


def test_settling_refuses_then_takes(browser: Browser, place: tuple[str, Site, dict[str, str]]):
    address, site, known = place
    page = signed_in(browser, place, viewport={"width": 390, "height": 844})
    page.goto(f"{address}/w/northwind/reconciliation/{known['effect']}")
    page.wait_for_selector(WOKEN)
    page.get_by_text("It did not happen. Tell the agent").click()
    page.fill("[name=reason]", "  x")
    page.evaluate("document.querySelector('[name=reason]').value = ' '")
    page.get_by_role("button", name="Settle").click()
    expect(page.locator("#settle [role=alert]")).to_contain_text("Say how you know")
    page.fill("[name=reason]", "I looked in the ERP.")
    page.get_by_role("button", name="Settle").click()
    page.wait_for_url("**/reconciliation")
    expect(page.locator("#toasts")).to_contain_text("Settled")
    with site.store.read() as session:
        assert session.get_one(Run, known["waiting"]).leg == 2
    page.context.close()
