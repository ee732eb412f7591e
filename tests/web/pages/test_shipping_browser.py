"""The pages of releases in a real Chromium, with the longest and oddest words that people may write: nothing goes past
the edge of the screen, and axe finds nothing."""

from __future__ import annotations

import base64
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from pydantic import SecretStr
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.people.access import Principal
from signoff.releases.actions import request_release
from signoff.releases.strategy import read_strategy
from signoff.settings import Settings
from signoff.tables.agents import Agent
from signoff.tables.all_tables import METADATA
from signoff.tables.connections import Connection
from signoff.tables.people import Environment, Person
from signoff.tables.releases import ReleaseEvent, ShadowPair
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.kit_browser import axe_violations
from tests.kit_server import serving
from tests.web.kit_pages import demo_model, pages_app
from tests.web.pages.conftest import Site
from tests.web.pages.kit_switches import another_serves
from tests.web.pages.test_release_new import fresh
from tests.web.seed import seed

pytestmark = pytest.mark.browser
WORD = "Rechnungseingangsprüfungsbeauftragtenstellvertreter" * 4
OTHER_WAY = "مدير الفواتير للموردين 🧾 מערכת לניהול חשבוניות"
PAGES = (
    "/releases",
    "/releases/{release}",
    "/releases/{release}/pairs",
    "/releases/{release}/pairs/{run}",
    "/agents/supplier-mail/revisions/{number}/release?environment=production",
    "/agents/supplier-mail/emergency",
    "/agents/supplier-mail/runbook",
    "/agents/supplier-mail/vouchings",
    "/serving",
    "/settings/policy",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, Site, dict[str, str]]]:
    """The address of the pages, the site, and what stands in their addresses."""
    folder: Path = tmp_path_factory.mktemp("shipping")
    own = Settings(
        data_dir=folder,
        secret_key=SecretStr(base64.b64encode(os.urandom(32)).decode()),
        allow_scripted_models=True,
    )
    store = Store.open(own.store_url)
    METADATA.create_all(store.engine)
    site = Site(pages_app(store, own), store, seed(store))
    with demo_model(), serving(site.app) as address:
        another_serves(site)
        number = fresh(site).split("/")[-2]
        with store.write() as session:
            rename(session)
            release, run = odd_release(session, site.seeded.owner, number)
        yield address, site, {"release": release, "run": run, "number": number}
    store.close()


def rename(session: Session) -> None:
    """Give everything the longest name it may have."""
    session.execute(update(Agent).values(name=WORD[:120], description=WORD))
    session.execute(update(Person).values(name=WORD[:120]))
    session.execute(update(Environment).where(Environment.is_production).values(name=WORD[:60]))
    session.execute(update(Environment).where(~Environment.is_production).values(name=OTHER_WAY[:60]))
    session.execute(update(Connection).values(name=WORD[:100]))


def odd_release(session: Session, owner: Principal, number: str) -> tuple[str, str]:
    """A release in the shadow, with a pair that differs; returns its id and the run's."""
    strategy = read_strategy({"shadow": {"days": 1}, "canary": {"cohort": [WORD[:200], OTHER_WAY]}})
    made = request_release(
        session, owner, "supplier-mail", environment="production", revision=number, reason=WORD, strategy=strategy
    )
    run = session.scalars(select(Run).where(Run.agent_slug == "supplier-mail", Run.state == "completed")).first()
    assert run is not None
    fields = [
        {"path": WORD, "was": WORD, "would_be": OTHER_WAY},
        {"path": "reason", "was": OTHER_WAY, "would_be": "word " * 40},
    ]
    session.add(ShadowPair(
        release_id=made, run_id=run.id, workspace_id=run.workspace_id, state="compared", is_equal=False,
        differences={"output": {"fields": fields, "left_out": 0}, "named": [f"output {WORD}"]},
        made_at=clock.now(), compared_at=clock.now(),
    ))  # fmt: skip
    session.add(ReleaseEvent(
        release_id=made, seq=1_000, workspace_id=run.workspace_id, at=clock.now(), kind="step", actor_id=owner.id,
        actor_name=WORD[:120], text=WORD,
    ))  # fmt: skip
    return made, run.id


def signed_in(browser: Browser, place: tuple[str, Site, dict[str, str]], **options: Any) -> Page:
    address, site, _ = place
    context = browser.new_context(**options)
    context.add_cookies([{"name": "session", "value": site.seeded.cookies["mei"], "url": address}])
    return context.new_page()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_longest_words_stay_within_the_screen_and_axe_finds_nothing(
    browser: Browser, place: tuple[str, Site, dict[str, str]], width: int, scheme: str
):
    address, site, names = place
    page = signed_in(browser, place, viewport={"width": width, "height": 844}, color_scheme=scheme)
    wrong: dict[str, object] = {}
    for path in PAGES:
        answer = page.goto(f"{address}{site.base}{path.format_map(names)}")
        page.wait_for_selector("html[data-ready]")
        assert answer is not None
        assert answer.status == 200, path
        past = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found = axe_violations(page)
        if past > 0 or found:
            wrong[path] = (past, found)
    assert wrong == {}
    page.context.close()


def test_both_answers_of_a_pair_can_be_read_side_by_side(browser: Browser, place: tuple[str, Site, dict[str, str]]):
    address, site, names = place
    page = signed_in(browser, place, viewport={"width": 1440, "height": 844})
    page.goto(f"{address}{site.base}/releases/{names['release']}/pairs/{names['run']}")
    page.wait_for_selector("html[data-ready]")
    inside = page.evaluate(
        "[...document.querySelectorAll('td ins')].map(e => e.getBoundingClientRect().right <= innerWidth)"
    )
    assert inside == [True, True]
    page.context.close()
