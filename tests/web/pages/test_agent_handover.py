"""Handing an agent over, step by step, on its page."""

from __future__ import annotations

import re
from html import unescape

from signoff.agents.handovers import handovers_page, open_handover
from signoff.people.access import system
from signoff.people.actions import add_member
from signoff.record.actor import SYSTEM
from signoff.runs.actions import complete_run, request_run
from signoff.tables.runs import Run
from tests.web.pages.conftest import Site

AGENT = "/w/northwind/agents/supplier-mail"
AT = f"{AGENT}/handover"


def begin(site: Site, to: str = "tomasz", **more: str):
    data = {"to": site.seeded.people[to].id, "reason": "Ines moves to sales.", **more}
    return site.browser().post(AT, data=data)


def handover(site: Site) -> str:
    with site.store.read() as session:
        found = open_handover(session, site.seeded.owner, "supplier-mail")
        assert found is not None
        return found.id


def steps(site: Site, by: str = "mei") -> list[bool]:
    html = site.browser(by).get(AT).text.split('aria-label="Hand-over"')[1].split("</section>")[0]
    return ["is-done" in one for one in re.findall(r"<li[^>]*>", html)]


def test_from_the_form_to_the_run_that_ends_it(site: Site):
    form = unescape(site.browser().get(AT).text)
    assert "Until they have run the agent once by hand" in form
    assert begin(site).status_code == 303
    shown = unescape(site.browser("tomasz").get(AT).text)
    assert f"to {site.seeded.people['tomasz'].name}" in shown
    assert "Ines moves to sales." in shown
    assert steps(site)[:2] == [True, False]
    assert "It is being handed over" in site.browser().get(f"{AGENT}/owners").text
    accepted = site.browser("tomasz").post(f"{AGENT}/owners/accept", data={"kind": "build"})
    assert accepted.status_code == 303
    assert steps(site)[1]
    planned = site.browser().post(
        f"{AT}/session", data={"handover": handover(site), "session_at": "", "notes": "Ask\nMei."}
    )
    assert planned.status_code == 303
    assert "Ask\nMei." in site.browser().get(AT).text
    with site.store.write() as session:
        robot = request_run(
            session, system(site.seeded.workspace_id), agent="supplier-mail", input={"message_id": "m-1"},
            source="schedule",
        )  # fmt: skip
        assert robot.state == "rejected"
        mine = request_run(
            session, site.seeded.people["tomasz"], agent="supplier-mail", input={"message_id": "m-2"}, source="manual"
        )
        session.get_one(Run, mine.id).state = "running"
        session.flush()
        assert complete_run(session, mine.id, 1, by=SYSTEM, output={"action": "none", "reason": "Nothing to do."})
    page = site.browser().get(AT).text
    assert 'aria-label="Earlier hand-overs"' in page
    assert f"/runs/{mine.id}" in page
    run = unescape(site.browser().get(f"/w/northwind/runs/{robot.id}").text)
    assert "being handed over" in run


def _is_open(site: Site) -> bool:
    with site.store.read() as session:
        return open_handover(session, site.seeded.owner, "supplier-mail") is not None


def test_it_is_called_off_with_a_reason(site: Site):
    begin(site)
    made = handover(site)
    empty = site.browser().post(f"{AT}/cancel", data={"handover": made, "reason": ""})
    assert empty.status_code == 422
    assert _is_open(site)
    assert site.browser().post(f"{AT}/cancel", data={"handover": made, "reason": "She stays."}).status_code == 303
    assert not _is_open(site)
    assert site.browser().post(f"{AT}/cancel", data={"handover": made, "reason": "Again."}).status_code == 409
    with site.store.read() as session:
        assert [one.state for one in handovers_page(session, site.seeded.owner, "supplier-mail").rows] == ["cancelled"]


def test_what_is_refused_keeps_the_form(site: Site):
    tried = site.browser().post(AT, data={"to": "", "reason": "Ines moves on.", "session_at": ""})
    assert tried.status_code == 422
    assert 'value="Ines moves on."' in tried.text
    odd = begin(site, session_at="tomorrow")
    assert odd.status_code == 422
    assert "2027-03-31T14:00" in odd.text
    assert not _is_open(site)


def test_who_may_not_hand_over_only_looks(site: Site):
    assert "<form" not in site.browser("rosa").get(AT).text.split("<main")[1].split("</main>")[0]
    assert site.browser("rosa").post(AT, data={"to": "x", "reason": "x"}).status_code == 403
    begin(site)
    assert "Call off" not in site.browser("rosa").get(AT).text
    data = {"handover": handover(site), "reason": "x", "notes": "x"}
    for path in ("cancel", "session", "secrets"):
        assert site.browser("rosa").post(f"{AT}/{path}", data=data).status_code == 403
    assert _is_open(site)


def test_a_stranger_gets_nothing(site: Site):
    with site.store.write() as session:
        add_member(session, site.seeded.owner, email="x@northwind.example", name="X", role="viewer")
    assert site.browser().get("/w/northwind/agents/nobody-there/handover").status_code == 404
    assert site.browser().get("/w/elsewhere/agents/supplier-mail/handover").status_code == 404
    assert site.browser().post(f"{AT}/cancel", data={"handover": "hov_x", "reason": "x"}).status_code == 404
