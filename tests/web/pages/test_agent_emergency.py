"""What somebody opens when an agent does something wrong."""

from __future__ import annotations

from html import unescape

from signoff.deployments.queries import live_revisions
from signoff.incidents.opening import Declared, declare_incident
from signoff.releases.actions import request_release
from signoff.releases.queries import release
from signoff.releases.strategy import read_strategy
from signoff.watch.actions import raise_alert
from tests.web.pages.conftest import Site
from tests.web.pages.kit_switches import agent_id, another_serves
from tests.web.pages.test_release_new import fresh

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


def test_what_was_gone_back_from_is_not_proposed_again(site: Site):
    before, bad = another_serves(site)
    site.browser().post(
        f"{AT}/go-back", data={"environment": "production", "revision": str(before), "reason": "It posts twice."}
    )
    html = unescape(site.browser().get(f"{AT}/emergency").text)
    assert f"Production: revision {before}" in html
    assert f"Back to {bad}" not in html


def test_a_canary_on_its_way_is_taken_away_in_one_press(site: Site):
    another_serves(site)
    number = fresh(site).split("/")[-2]
    strategy = read_strategy({"canary": {"steps": [{"share_percent": 5, "minutes": 60}]}})
    with site.store.write() as session:
        made = request_release(
            session, site.seeded.owner, "supplier-mail", environment="production", revision=number, reason="Try it.",
            strategy=strategy,
        )  # fmt: skip
    mei = site.browser()
    html = unescape(mei.get(f"{AT}/emergency").text)
    assert f"Production: revision {number} is on trial" in html
    assert "Take it away" in html
    told = mei.post(f"{AT}/go-back", data={"environment": "production", "revision": "", "reason": "It posts twice."})
    assert told.status_code == 303
    with site.store.read() as session:
        assert release(session, site.seeded.owner, made).facts.state == "rolled_back"


def test_a_refused_way_back_is_said_on_the_page(site: Site):
    _, now = another_serves(site)
    refused = site.browser().post(
        f"{AT}/go-back", data={"environment": "production", "revision": str(now), "reason": "Again."}
    )
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text


def test_its_alerts_and_incidents_stand_there_and_lead_on(site: Site):
    with site.store.write() as session:
        owner, at = site.seeded.owner, site.seeded.workspace_id
        mine = site.seeded.agents["supplier-mail"]
        raise_alert(session, at, key="a", kind="key_expiring", text="Its key <b>runs out</b>.", agent_id=mine)
        raise_alert(session, at, key="b", kind="key_expiring", text="Another's key runs out.")
        made = declare_incident(session, owner, Declared("Bills are posted twice", agent="supplier-mail"))
        elsewhere = declare_incident(session, owner, Declared("All is slow"))
    mei = site.browser()
    html = mei.get(f"{AT}/emergency").text
    assert "Its key &lt;b&gt;runs out&lt;/b&gt;." in html
    assert "key runs out." not in html
    card = html.partition('aria-label="Incidents under way"')[2].partition("</section>")[0]
    for path in (f"/incidents/{made}", "/incidents?agent=supplier-mail"):
        assert f'href="{site.base}{path}"' in card
        assert "Bills are posted twice" in mei.get(f"{site.base}{path}").text
    assert elsewhere not in html
    to_declare = f"{site.base}/incidents/new?agent=supplier-mail"
    assert f'href="{to_declare}"' in html
    assert 'value="supplier-mail" selected' in unescape(mei.get(to_declare).text)
    seen = site.browser("rosa").get(f"{AT}/emergency").text
    assert f'href="{site.base}/incidents/{made}"' in seen
    assert "/incidents/new" not in seen


def test_who_may_only_look_finds_whom_to_call_and_nothing_to_press(site: Site):
    html = site.browser("rosa").get(f"{AT}/emergency").text
    assert "You may not stop this agent." in html
    assert "go-back" not in html
    assert "mailto:" in html
