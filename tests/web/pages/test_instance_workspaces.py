"""All workspaces of the installation: made, suspended, resumed, by an instance administrator, who sees only counts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.kit.errors import NotAllowed
from signoff.people.actions import create_key
from signoff.people.key_queries import principal_of_key
from signoff.runs.actions import request_run
from signoff.tables.people import Person, Workspace
from signoff.tables.record import AuditRow
from tests.web.pages.conftest import Site
from tests.web.seed import workspace


@pytest.fixture
def site_of_mei(site: Site) -> Site:
    """Mei is an instance administrator."""
    with site.store.write() as session:
        mei = site.seeded.owner.person_id
        session.execute(update(Person).where(Person.id == mei).values(is_instance_administrator=True))
    return site


def post(site: Site, rest: str = "", who: str = "mei", **fields: str) -> Any:
    return site.browser(who).post(f"{site.base}/instance/workspaces{rest}", data=fields)


def test_one_is_made_and_its_owner_gets_in_by_the_link(site_of_mei: Site):
    site = site_of_mei
    made = post(site, slug="finance", name="Finance", owner_email="dora@finance.example", owner_name="Dora")
    assert made.status_code == 201
    link = re.search(r"/setup/[A-Za-z0-9_-]+", made.text)
    assert link
    words = "a sentence of Dora's"
    entered = site.visitor().post(link.group(), data={"password": words, "again": words})
    assert (entered.status_code, entered.headers["location"]) == (303, "/w/finance")
    with site.store.read() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "workspace.founded")).all()[-1]
        assert row.actor_name == "Mei Tanaka"
    # Mei made it, and is still nobody in it.
    assert site.browser().get("/w/finance/agents").status_code == 404
    assert link.group() not in site.browser().get(f"{site.base}/instance/workspaces").text


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"slug": "northwind"}, 409, "already"),
        ({"slug": "instance"}, 422, "cannot name a workspace"),
        ({"owner_email": "nobody"}, 422, "address"),
    ],
)
def test_what_is_refused_keeps_what_was_typed(site_of_mei: Site, fields: dict[str, str], status: int, words: str):
    good = {"slug": "finance", "name": "Kept name", "owner_email": "dora@finance.example", "owner_name": "Dora"}
    answer = post(site_of_mei, **(good | fields))
    assert answer.status_code == status
    assert words in answer.text
    assert "Kept name" in answer.text


def test_a_suspended_one_lets_nobody_in_and_starts_nothing_until_it_is_resumed(site_of_mei: Site):
    site = site_of_mei
    with site.store.write() as session:
        globex = workspace(session, "globex", "Globex")
        key = create_key(session, globex.owner, name="Robot").key
    browser = site.browser()
    browser.cookies.set("session", globex.cookies["mei"])
    assert browser.get("/w/globex").status_code == 200
    assert post(site, "/globex/suspend", reason="").status_code == 422
    assert post(site, "/globex/suspend", reason="The contract ended").status_code == 303
    refused = browser.get("/w/globex")
    assert refused.status_code == 403
    assert "is suspended" in refused.text
    assert "The contract ended" in refused.text
    with site.store.read() as session:
        with pytest.raises(NotAllowed, match="is suspended"):
            principal_of_key(session, key)
        with pytest.raises(NotAllowed, match="is suspended"):
            request_run(session, globex.owner, agent="any", input={})
    assert post(site, "/globex/suspend", reason="again").status_code == 409
    assert post(site, "/globex/resume").status_code == 303
    assert browser.get("/w/globex").status_code == 200
    with site.store.read() as session:
        assert session.scalars(select(Workspace.suspended_at).where(Workspace.slug == "globex")).one() is None


def test_nobody_locks_themselves_out(site_of_mei: Site):
    answer = post(site_of_mei, "/northwind/suspend", reason="oops")
    assert answer.status_code == 409
    assert "lock yourself out" in answer.text


def test_only_with_the_mark_whatever_the_role(site: Site):
    for who in ("mei", "ines", "tomasz", "rosa"):
        assert site.browser(who).get(f"{site.base}/instance/workspaces").status_code == 403
        assert post(site, who=who, slug="x", name="X", owner_email="x@x.example", owner_name="X").status_code == 403
        assert post(site, "/northwind/suspend", who=who, reason="x").status_code == 403
        assert post(site, "/northwind/resume", who=who).status_code == 403


def test_names_and_counts_and_nothing_else(site_of_mei: Site):
    with site_of_mei.store.write() as session:
        workspace(session, "globex", "Globex")
    html = site_of_mei.browser().get(f"{site_of_mei.base}/instance/workspaces?q=globex").text
    assert "Globex" in html
    assert "Northwind" not in html.split('id="results"')[1].split("<dialog")[0].split("Make a workspace")[0]
