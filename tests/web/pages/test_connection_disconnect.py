"""Before a disconnect: who loses what. Then the switch, and the way back."""

from __future__ import annotations

import pytest

from signoff.connections.queries import connection
from signoff.runs.blast import blast_radius
from tests.kit_oauth import Provider
from tests.web.pages.conftest import Site
from tests.web.pages.kit_oauth_pages import agree, login, orders, provider, server
from tests.web.seed import audit_actions

__all__ = ["orders", "provider", "server"]


@pytest.fixture
def erp(site: Site) -> str:
    return site.seeded.connections["production/erp"]


def at(site: Site, connection_id: str, rest: str = "/disconnect") -> str:
    return f"{site.base}/connections/{connection_id}{rest}"


def test_it_shows_agents_runs_and_secrets_and_changes_nothing(site: Site, erp: str):
    with site.store.read() as session:
        found = blast_radius(session, site.seeded.owner, erp)
        before = audit_actions(session, site.seeded)
    assert found.agents
    assert found.under_way == found.queued + found.running + found.waiting > 0
    assert found.secrets
    html = site.browser().get(at(site, erp)).text
    for word in (found.agents[0].name, f"revision {found.agents[0].revision_number}", *found.secrets):
        assert word in html
    assert f"{found.running} running, {found.waiting} waiting" in html
    assert all(run.id in html for run in found.runs)
    with site.store.read() as session:
        assert audit_actions(session, site.seeded) == before


def test_the_switch_and_the_way_back(site: Site, erp: str):
    browser = site.browser()
    assert browser.post(at(site, erp), data={"reason": "leaking"}).headers["location"] == at(site, erp, "")
    assert browser.get(at(site, erp)).status_code == 409
    again = browser.post(at(site, erp), data={"reason": "leaking"})
    assert again.status_code == 409
    assert "is disconnected" in again.text
    page = browser.get(at(site, erp, "")).text
    assert 'value="erp" aria-label="Slot to take back"' in page
    assert browser.post(at(site, erp, "/reconnect"), data={"slug": "erp"}).status_code == 303
    with site.store.read() as session:
        row = connection(session, site.seeded.owner, erp).row
        told = audit_actions(session, site.seeded)
    assert (row.slug, row.state) == ("erp", "active")
    assert told[-2:] == ["connection.disconnected", "connection.reconnected"]


def test_a_slot_that_was_taken_is_not_taken_back(site: Site, erp: str):
    browser = site.browser()
    browser.post(at(site, erp))
    taken = browser.post(at(site, erp, "/reconnect"), data={"slug": "mail"})
    assert taken.status_code == 409
    assert "already has a connection" in taken.text


def test_a_login_is_among_what_stops(site: Site, orders: str, provider: Provider):
    browser = site.browser()
    browser.get(agree(browser, browser.post(at(site, orders, "/login/authorise")).text))
    assert "given back to the provider" in browser.get(at(site, orders)).text
    browser.post(at(site, orders))
    assert login(site, orders).state == "revoked"


def test_who_only_looks_and_strangers_do_not(site: Site, erp: str):
    assert site.browser("rosa").get(at(site, erp)).status_code == 403
    assert site.browser("rosa").post(at(site, erp)).status_code == 403
    assert site.browser().get(at(site, "con_nowhere")).status_code == 404
