"""Who answers for an agent: asked on its page, waiting on Home, accepted or declined with a click."""

from __future__ import annotations

from html import unescape

from signoff.agents.actions import ask_owner
from signoff.agents.ownership import Ownership, ownership_of
from signoff.approvals.channels import channels_of
from signoff.people.actions import add_member, set_role
from signoff.web.seat_words import SEAT_TITLES
from tests.web.pages.conftest import Site

AT = "/w/northwind/agents/supplier-mail/owners"


def owners(site: Site) -> Ownership:
    with site.store.read() as session:
        return ownership_of(session, site.seeded.owner, "supplier-mail")


def who(site: Site, name: str) -> str:
    return site.seeded.people[name].id


def ask(site: Site, name: str, kind: str, by: str = "mei", **more: str):
    return site.browser(by).post(AT, data={"member": who(site, name), "kind": kind, **more})


def test_every_seat_is_there_with_who_holds_it_and_what_is_missing(site: Site):
    html = unescape(site.browser().get(AT).text)
    for title, about in SEAT_TITLES.values():
        assert title in html
        assert about in html
    assert "Nobody yet" in html
    for gap in owners(site).gaps:
        assert gap in html
    assert site.browser().get("/w/northwind/agents/supplier-mail").text.count(">Owners</a>") == 1


def test_somebody_is_asked_finds_it_on_home_and_accepts(site: Site):
    assert ask(site, "ines", "approver", mon="09:00-17:00", time_zone="Europe/Berlin").status_code == 303
    home = unescape(site.browser("ines").get("/w/northwind").text)
    card = home.split('aria-label="Waiting for you"')[1].split("</section>")[0]
    assert "asks you to be approver of" in card
    assert "for you to accept" in home
    page = unescape(site.browser("ines").get(AT).text)
    assert "asks you to be its approver" in page
    assert site.browser("ines").post(f"{AT}/accept", data={"kind": "approver"}).status_code == 303
    assert [one.state for one in owners(site).owners if one.kind == "approver"] == ["accepted"]
    assert "Waiting for you" not in site.browser("ines").get("/w/northwind").text
    shown = unescape(site.browser("rosa").get(AT).text)
    assert "Mon 09:00-17:00 (Europe/Berlin)" in shown
    assert "mailto:" in shown
    # Twice is told, on the same page.
    assert site.browser("ines").post(f"{AT}/accept", data={"kind": "approver"}).status_code == 409


def test_declining_needs_a_reason_which_the_page_then_shows(site: Site):
    ask(site, "ines", "approver")
    empty = site.browser("ines").post(f"{AT}/decline", data={"kind": "approver", "reason": " "})
    assert empty.status_code == 422
    assert "Say why" in empty.text
    said = site.browser("ines").post(f"{AT}/decline", data={"kind": "approver", "reason": "On leave <b>"})
    assert said.status_code == 303
    page = site.browser().get(AT).text
    assert "Declined" in page
    assert "On leave &lt;b&gt;" in page


def test_what_is_refused_keeps_the_form(site: Site):
    tried = ask(site, "ines", "backup", mon="09:00-17:00", tue="whenever")
    assert tried.status_code == 422
    assert 'value="whenever"' in tried.text
    assert "Write the hours like" in tried.text
    assert '<details class="schema" open>' in tried.text
    weak = ask(site, "tomasz", "backup")
    assert weak.status_code == 422
    assert "rights of a manager" in weak.text
    assert f'<option value="{who(site, "tomasz")}" selected' in weak.text
    nobody = site.browser().post(AT, data={"member": "", "kind": "approver"})
    assert nobody.status_code == 422


def test_who_may_not_say_who_answers_sees_it_and_changes_nothing(site: Site):
    page = site.browser("rosa").get(AT)
    assert page.status_code == 200
    for words in ("Ask somebody", "Withdraw", "Hand over"):
        assert words not in page.text
    assert ask(site, "rosa", "approver", by="rosa").status_code == 403
    before = owners(site)
    gone = site.browser("rosa").post(f"{AT}/withdraw", data={"kind": "build", "member": before.owners[0].member_id})
    assert gone.status_code == 403
    assert site.browser("rosa").post(f"{AT}/accept", data={"kind": "build"}).status_code == 404
    assert owners(site) == before


def test_a_seat_is_withdrawn(site: Site):
    ask(site, "ines", "approver")
    data = {"kind": "approver", "member": who(site, "ines")}
    assert site.browser().post(f"{AT}/withdraw", data=data).status_code == 303
    assert not [one for one in owners(site).owners if one.kind == "approver"]
    assert site.browser().post(f"{AT}/withdraw", data=data).status_code == 404


def test_a_stranger_gets_nothing(site: Site):
    assert site.browser().get("/w/northwind/agents/nobody-there/owners").status_code == 404
    assert site.browser().get("/w/elsewhere/agents/supplier-mail/owners").status_code == 404


def test_a_member_who_owns_something_is_not_removed_before_it_is_handed_over(site: Site):
    with site.store.write() as session:
        nils = add_member(session, site.seeded.owner, email="nils@northwind.example", name="Nils Berg", role="manager")
        ask_owner(session, site.seeded.owner, "supplier-mail", kind="approver", member_id=nils)
    at = f"/w/northwind/settings/members/{nils}"
    shown = site.browser().get(at).text
    card = shown.split('id="owns"')[1].split("</section>")[0]
    assert "/agents/supplier-mail/owners" in card
    assert "Approver" in card
    refused = site.browser().post(f"{at}/remove")
    assert refused.status_code == 409
    assert "still owns" in refused.text
    empty = site.browser().post(f"{at}/hand-over", data={"to": who(site, "ines"), "reason": ""})
    assert empty.status_code == 422
    assert f'<option value="{who(site, "ines")}" selected' in empty.text
    moved = site.browser().post(f"{at}/hand-over", data={"to": who(site, "ines"), "reason": "Leaves."})
    assert moved.status_code == 303
    assert 'id="owns"' not in site.browser().get(at).text
    assert site.browser().post(f"{at}/remove").status_code == 303
    assert [one.name for one in owners(site).owners if one.kind == "approver"] == ["Ines Okafor"]


def test_a_role_below_a_seat_is_refused_on_the_page(site: Site):
    with site.store.write() as session:
        nils = add_member(session, site.seeded.owner, email="nils@northwind.example", name="Nils Berg", role="manager")
        ask_owner(session, site.seeded.owner, "supplier-mail", kind="escalation", member_id=nils)
    refused = site.browser().post(f"/w/northwind/settings/members/{nils}/role", data={"role": "viewer"})
    assert refused.status_code == 409
    assert "escalation manager" in refused.text
    with site.store.write() as session:
        set_role(session, site.seeded.owner, nils, role="administrator")


def test_a_channel_of_the_agent_is_added_without_being_shown_and_removed(site: Site):
    hook = "https://hooks.example.com/services/very-secret"
    browser = site.browser()
    refused = browser.post(f"{AT}/channels", data={"channel": "slack", "name": "Desk", "target": "nowhere"})
    assert refused.status_code == 422
    added = browser.post(f"{AT}/channels", data={"channel": "slack", "name": "Desk", "target": hook})
    assert added.status_code == 303
    shown = browser.get(AT).text
    assert "Desk" in shown
    assert "very-secret" not in shown
    with site.store.read() as session:
        (made,) = channels_of(session, site.seeded.owner, agent="supplier-mail")
    assert browser.post(f"{AT}/channels/remove", data={"channel": made.id}).status_code == 303
    assert made.id not in browser.get(AT).text
    assert site.browser("rosa").post(f"{AT}/channels", data={"channel": "slack"}).status_code in (403, 404)


def test_a_channel_of_the_agent_has_its_pace_and_its_quiet_hours(site: Site):
    hook = "https://hooks.example.com/services/very-secret"
    given = {"channel": "slack", "name": "Desk", "target": hook, "pace": "hourly"}
    refused = site.browser().post(f"{AT}/channels", data={**given, "quiet_from": "22:00"})
    assert refused.status_code == 422
    assert "Quiet hours go from one time to another" in refused.text
    assert 'value="22:00"' in refused.text
    added = site.browser().post(f"{AT}/channels", data={**given, "quiet_from": "22:00", "quiet_to": "07:00"})
    assert added.status_code == 303
    with site.store.read() as session:
        (made,) = channels_of(session, site.seeded.owner, agent="supplier-mail")
    assert (made.pace, made.quiet, made.time_zone) == ("hourly", ["22:00", "07:00"], "UTC")
    assert "Slack · gathered, each hour · quiet 22:00 to 07:00 (UTC)" in site.browser().get(AT).text
