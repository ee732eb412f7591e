"""The editor as one uses it, in a real Chromium: back and forth by key, others' saves, tools when a fold is opened."""

from __future__ import annotations

import base64
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pydantic import SecretStr

from signoff.agents.actions import save_draft
from signoff.agents.queries import draft_of
from signoff.settings import Settings
from signoff.tables.all_tables import METADATA
from signoff.tables.session import Store
from tests.kit_browser import axe_violations
from tests.kit_server import serving
from tests.web.kit_pages import demo_model, pages_app
from tests.web.pages.conftest import Site
from tests.web.pages.test_agent_editor_many import connect
from tests.web.pages.test_agents_browser import WOKEN, signed_in
from tests.web.seed import seed

pytestmark = pytest.mark.browser
EDIT = "/w/northwind/agents/supplier-mail/edit"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, Site, str]]:
    """The address of the pages, and the site with twelve connections more."""
    folder: Path = tmp_path_factory.mktemp("pages")
    own = Settings(
        data_dir=folder,
        secret_key=SecretStr(base64.b64encode(os.urandom(32)).decode()),
        allow_scripted_models=True,
    )
    store = Store.open(own.store_url)
    METADATA.create_all(store.engine)
    site = Site(pages_app(store, own), store, seed(store))
    connect(site, 12)
    with demo_model(), serving(site.app) as address:
        yield address, site, ""
    store.close()


def save(site: Site, words: str) -> int:
    with site.store.write() as session:
        now = draft_of(session, site.seeded.owner, "supplier-mail")
        body = {**now.body, "sop": words}
        return save_draft(session, site.seeded.owner, "supplier-mail", body=body, version=now.version)


def words_of(site: Site) -> str:
    with site.store.read() as session:
        return draft_of(session, site.seeded.owner, "supplier-mail").body["sop"]


def opened(browser: Browser, place: tuple[str, Site, str], **options: object) -> Page:
    page = signed_in(browser, place, **options)
    page.goto(place[0] + EDIT)
    page.wait_for_selector(WOKEN)
    return page


def test_keys_undo_and_redo_also_what_was_not_saved(browser: Browser, place: tuple[str, Site, str]):
    _, site, _ = place
    save(site, "# GOAL\nAs it was.")
    page = opened(browser, place)
    page.locator("[data-sop]").fill("# GOAL\nTyped.")
    page.locator("h1").click()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("u")
    expect(page.locator("[data-sop]")).to_have_value("# GOAL\nAs it was.")
    page.wait_for_selector(WOKEN)
    page.keyboard.press("Shift+U")
    expect(page.locator("[data-sop]")).to_have_value("# GOAL\nTyped.")
    assert words_of(site) == "# GOAL\nTyped."
    page.get_by_role("button", name="Reset to a revision").click()
    page.get_by_role("button", name="Reset the draft").click()
    expect(page.get_by_text("The draft is reset")).to_be_visible()
    page.context.close()


def test_what_somebody_else_saves_is_told_and_shown_and_nothing_typed_is_lost(
    browser: Browser, place: tuple[str, Site, str]
):
    _, site, _ = place
    save(site, "# GOAL\nAs it was.")
    page = opened(browser, place)
    page.locator("[data-sop]").fill("# GOAL\nMine, and long in the making.")
    version = save(site, "# GOAL\nTheirs.")
    expect(page.locator("#newer")).to_contain_text(f"it is version {version} now")
    page.get_by_role("button", name="Show what changed").click()
    expect(page.locator("#newer-diff")).to_contain_text("Theirs.")
    expect(page.locator("[data-sop]")).to_have_value("# GOAL\nMine, and long in the making.")
    assert axe_violations(page) == []
    page.context.close()


def test_ones_own_save_is_not_told_as_somebody_elses(browser: Browser, place: tuple[str, Site, str]):
    _, site, _ = place
    page = opened(browser, place)
    page.locator("[data-sop]").fill("# GOAL\nMine alone.")
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.url.endswith("/edit")):
        page.keyboard.press("Control+s")
    expect(page.locator("#said")).to_contain_text("The draft is saved.")
    # The stream has told of it by the time it tells of the next one.
    version = save(site, "# GOAL\nTheirs.")
    expect(page.locator("#newer")).to_contain_text(f"version {version} now")
    assert page.locator("[data-newer]:visible").count() == 1
    page.context.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_tools_come_when_a_fold_is_opened_by_key(browser: Browser, place: tuple[str, Site, str], width: int):
    _, site, _ = place
    page = opened(browser, place, viewport={"width": width, "height": 844}, color_scheme="dark")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/edit/tools" in request.url else None)
    slot = "system-5" if width > 500 else "system-6"
    fold = page.locator(f"#slot-{slot}")
    assert fold.locator("[name=allow]").count() == 0
    fold.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(fold.locator("[name=allow]")).to_have_count(20)
    fold.get_by_label("act_4", exact=True).check()
    # Shut and opened again it keeps what was chosen, and asks for nothing.
    for _ in range(2):
        fold.locator("summary").first.press("Enter")
    expect(fold.get_by_label("act_4", exact=True)).to_be_checked()
    assert len(asked) == 1
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    with page.expect_response(lambda answer: answer.request.method == "POST" and answer.url.endswith("/edit")):
        page.keyboard.press("Control+s")
    with site.store.read() as session:
        tools = draft_of(session, site.seeded.owner, "supplier-mail").body["tools"]
    assert {"slot": slot, "allow": [{"tool": "act_4"}]} in tools
    page.context.close()
