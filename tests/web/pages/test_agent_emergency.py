"""What somebody opens when an agent does something wrong."""

from __future__ import annotations

from html import unescape

from signoff.deployments.queries import live_revisions
from tests.web.pages.conftest import Site
from tests.web.pages.kit_switches import agent_id, another_serves

AT = "/w/northwind/agents/supplier-mail"


def test_on_the_emergency_page_one_goes_back_and_stops(site: Site):
    before, now = another_serves(site)
    mei = site.browser()
    html = unescape(mei.get(f"{AT}/emergency").text)
    assert f"Production: revision {now}" in html
    assert f"Back to {before}" in html
    assert "mailto:" in html
    told = mei.post(
        f"{AT}/go-back", data={"environment": "production", "revision": str(before), "reason": "It posts twice."}
    )
    assert told.status_code == 303
    assert told.headers["location"].endswith("/emergency")
    with site.store.read() as session:
        live = live_revisions(session, site.seeded.owner, [agent_id(site)])[agent_id(site)]
    assert [one.revision_number for one in live if one.is_production] == [before]
    paused = mei.post(f"{AT}/pause", data={"reason": "To look.", "hours": "", "back": "/emergency"})
    assert paused.headers["location"].endswith("/agents/supplier-mail/emergency")
    assert "This agent is paused" in mei.get(AT).text


def test_a_refused_way_back_is_said_on_the_page(site: Site):
    _, now = another_serves(site)
    refused = site.browser().post(
        f"{AT}/go-back", data={"environment": "production", "revision": str(now), "reason": "Again."}
    )
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text


def test_who_may_only_look_finds_whom_to_call_and_nothing_to_press(site: Site):
    html = site.browser("rosa").get(f"{AT}/emergency").text
    assert "You may not stop this agent." in html
    assert "go-back" not in html
    assert "mailto:" in html
