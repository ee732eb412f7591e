"""Being told: an absence, channels whose address is never shown again, a code for a chat."""

from __future__ import annotations

from sqlalchemy import select

from signoff.approvals.actions.chats import connect_chat
from signoff.tables.notices import Absence, NoticeChannel
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions

HOOK = "https://hooks.example.com/services/very-secret"


def test_an_absence_is_said_shown_and_taken_back(site: Site):
    browser, at = site.browser(), f"{site.base}/profile/notices"
    other = next(one for one in site.seeded.people.values() if one.id != site.seeded.owner.id)
    said = {"starts_at": "2999-07-01T08:00", "ends_at": "2999-07-15T18:00", "delegate_id": other.id}
    assert browser.post(f"{at}/away", data=said).status_code == 303
    assert f"{other.name} is asked meanwhile" in browser.get(at).text
    with site.store.read() as session:
        row = session.scalars(select(Absence)).one()
        assert (row.member_id, row.delegate_id) == (site.seeded.owner.id, other.id)
    assert browser.post(f"{at}/back", data={"absence": row.id}).status_code == 303
    assert "is asked meanwhile" not in browser.get(at).text
    with site.store.read() as session:
        assert {"absence.set", "absence.removed"} <= set(audit_actions(session, site.seeded))


def test_an_absence_that_cannot_be_is_refused_with_what_was_typed(site: Site):
    at = f"{site.base}/profile/notices"
    refused = site.browser().post(f"{at}/away", data={"starts_at": "soon", "ends_at": "2999-07-15T18:00"})
    assert refused.status_code == 422
    assert "Choose a day and a time." in refused.text
    assert "2999-07-15T18:00" in refused.text


def test_a_channel_is_added_without_ever_being_shown_and_removed(site: Site):
    browser, at = site.browser(), f"{site.base}/profile/notices"
    given = {
        "kind": "slack", "name": "My chat", "target": HOOK, "pace": "hourly", "quiet_from": "22:00",
        "quiet_to": "07:00",
    }  # fmt: skip
    assert browser.post(f"{at}/channels", data=given).status_code == 303
    shown = browser.get(at).text
    assert "My chat" in shown
    assert "quiet 22:00 to 07:00" in shown
    assert "very-secret" not in shown
    refused = browser.post(f"{at}/channels", data={**given, "name": ""})
    assert refused.status_code == 422
    assert "very-secret" not in refused.text
    with site.store.read() as session:
        row = session.scalars(select(NoticeChannel)).one()
    assert browser.post(f"{at}/channels/remove", data={"channel": row.id}).status_code == 303
    with site.store.read() as session:
        assert session.scalars(select(NoticeChannel)).all() == []


def test_a_code_for_a_chat_is_shown_once(site: Site):
    browser, at = site.browser(), f"{site.base}/profile/notices"
    assert "Answering in a chat" not in browser.get(at).text
    with site.store.write() as session:
        connect_chat(session, site.seeded.owner, site.app.state.house.services.vault, "slack", secret="a" * 32)
    made = browser.post(f"{at}/code", data={"chat": "slack"})
    assert "within ten minutes" in made.text
    assert "within ten minutes" not in browser.get(at).text
    assert browser.post(f"{at}/unlink", data={"chat": "slack"}).status_code == 404


def test_the_profile_leads_there_and_a_stranger_finds_nothing(site: Site):
    assert f"{site.base}/profile/notices" in site.browser().get(f"{site.base}/profile").text
    assert site.visitor().get(f"{site.base}/profile/notices").status_code in (302, 303)
