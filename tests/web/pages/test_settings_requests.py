"""Asking for a role or a level, and deciding: exactly what was asked for is given."""

from __future__ import annotations

import re
from html import unescape

from sqlalchemy import select

from signoff.agents.access_requests import AccessRequestFacts, access_requests
from signoff.agents.grants import grants_on
from signoff.people.queries import member
from signoff.record.alarms import RAISE
from signoff.tables.ownership import AccessRequest
from signoff.tables.record import AuditRow, OutboxMessage
from tests.web.pages.conftest import Site

AT = "/w/northwind/settings/requests"


def ask(site: Site, by: str = "rosa", **fields: str):
    return site.browser(by).post(AT, data={"reason": "To help Ines.", **fields})


def only(site: Site, by: str = "mei") -> AccessRequestFacts:
    with site.store.read() as session:
        found = access_requests(session, site.seeded.people[by]).rows
        assert len(found) == 1
        return found[0]


def decide(site: Site, verdict: str, by: str = "mei", **fields: str):
    with site.store.read() as session:
        request = session.scalars(select(AccessRequest.id).order_by(AccessRequest.id.desc())).first()
    return site.browser(by).post(f"{AT}/{verdict}", data={"request": request, **fields})


def levels(site: Site) -> list[tuple[str, str]]:
    with site.store.read() as session:
        return [(str(one.member_id), one.level) for one in grants_on(session, site.seeded.owner, "supplier-mail")]


def test_a_refusal_leads_to_the_request_which_an_administrator_approves(site: Site):
    refused = site.browser("rosa").get("/w/northwind/agents/supplier-mail/edit")
    if refused.status_code == 200:
        refused = site.browser("rosa").post("/w/northwind/agents/supplier-mail/disable", data={"reason": "x"})
    assert refused.status_code == 403
    link = re.search(r'href="(/w/northwind/settings/requests\?agent=supplier-mail)"', unescape(refused.text))
    assert link
    form = site.browser("rosa").get(link[1]).text
    assert '<option value="supplier-mail" selected' in form
    assert ask(site, agent="supplier-mail", level="operator").status_code == 303
    home = unescape(site.browser().get("/w/northwind").text)
    assert "asks for the level operator on" in home
    assert "1 request" in home
    assert decide(site, "approve").status_code == 303
    assert levels(site) == [(site.seeded.people["rosa"].id, "operator")]
    assert only(site, "rosa").state == "approved"
    with site.store.read() as session:
        said = session.scalars(select(AuditRow.action).where(AuditRow.object_kind == "access_request")).all()
        told = [
            one.payload["kind"] for one in session.scalars(select(OutboxMessage).where(OutboxMessage.kind == RAISE))
        ]
    assert said == ["access.requested", "access.approved"]
    assert told == ["access_requested"]
    assert decide(site, "approve").status_code == 409


def test_a_role_is_given_as_asked_and_by_those_who_may(site: Site):
    assert ask(site, role="builder").status_code == 303
    for by in ("ines", "tomasz", "rosa"):
        assert decide(site, "approve", by=by).status_code == 403
    with site.store.read() as session:
        assert member(session, site.seeded.owner, site.seeded.people["rosa"].id).role == "viewer"
    assert decide(site, "approve").status_code == 303
    with site.store.read() as session:
        assert member(session, site.seeded.owner, site.seeded.people["rosa"].id).role == "builder"


def test_the_admin_of_an_agent_decides_for_that_agent(site: Site):
    ask(site, agent="supplier-mail", level="viewer")
    assert "asks for" in site.browser("ines").get(AT).text  # It is hers.
    assert "asks for" not in site.browser("tomasz").get(AT).text
    assert decide(site, "approve", by="ines").status_code == 303
    assert levels(site) == [(site.seeded.people["rosa"].id, "viewer")]


def test_refusing_needs_a_reason_which_the_asker_reads(site: Site):
    ask(site, role="manager")
    empty = decide(site, "refuse", answer=" ")
    assert empty.status_code == 422
    assert only(site).state == "asked"
    assert decide(site, "refuse", answer="Ask <b>Ines</b>.").status_code == 303
    shown = site.browser("rosa").get(AT).text
    assert "Ask &lt;b&gt;Ines" in shown
    assert "Refused" in shown or "Not allowed" in shown
    assert ask(site, role="manager").status_code == 303  # Another try is another request.


def test_one_takes_ones_own_back(site: Site):
    ask(site, role="builder")
    assert decide(site, "withdraw", by="tomasz").status_code == 404
    assert decide(site, "withdraw", by="rosa").status_code == 303
    assert decide(site, "approve").status_code == 409
    assert only(site).state == "withdrawn"


def test_what_makes_no_sense_is_refused_and_keeps_the_form(site: Site):
    for fields in ({}, {"role": "builder", "agent": "supplier-mail"}, {"role": "king"}, {"agent": "supplier-mail"},
                   {"role": "builder", "reason": " "}):  # fmt: skip
        assert ask(site, **fields).status_code == 422, fields
    kept = ask(site, role="builder", agent="supplier-mail", level="editor")
    assert 'value="To help Ines."' in kept.text
    assert '<option value="editor" selected' in kept.text
    assert ask(site, role="viewer").status_code == 409
    ask(site, role="builder")
    assert "already" in ask(site, role="builder").text
    assert ask(site, agent="nobody-there", level="viewer").status_code == 404


def test_nobody_decides_their_own(site: Site):
    ask(site, by="mei", agent="supplier-mail", level="admin")
    assert decide(site, "approve").status_code == 403
    assert levels(site) == []


def test_a_stranger_gets_nothing(site: Site):
    assert site.browser().get("/w/elsewhere/settings/requests").status_code == 404
