"""The workspace: its name, and when its days begin."""

from __future__ import annotations

from signoff.people.queries import workspace
from tests.web.pages.conftest import Site


def test_name_and_zone_are_changed(site: Site):
    path = f"{site.base}/settings/workspace"
    assert "Europe/Berlin" in site.browser().get(path).text
    answer = site.browser().post(path, data={"name": "Northwind Ltd", "time_zone": "Asia/Tokyo"})
    assert answer.status_code == 303
    with site.store.read() as session:
        found = workspace(session, site.seeded.owner)
    assert (found.name, found.time_zone) == ("Northwind Ltd", "Asia/Tokyo")


def test_a_zone_that_is_none_is_refused_and_the_name_stays_typed(site: Site):
    answer = site.browser().post(f"{site.base}/settings/workspace", data={"name": "Typed", "time_zone": "Mars/Base"})
    assert answer.status_code == 422
    assert "There is no time zone" in answer.text
    assert "Typed" in answer.text


def test_who_may_not(site: Site):
    for who in ("ines", "tomasz", "rosa"):
        path = f"{site.base}/settings/workspace"
        assert "not change it" in site.browser(who).get(path).text
        assert site.browser(who).post(path, data={"name": "X", "time_zone": "UTC"}).status_code == 403


def test_a_chat_is_connected_without_showing_its_secret_and_disconnected(site: Site):
    at, secret = f"{site.base}/settings/workspace", "8f742231b10e8888abcd99yyyzzz85a5"
    assert "No chat is connected" in site.browser().get(at).text
    refused = site.browser().post(f"{at}/chats", data={"chat": "slack", "secret": "short"})
    assert refused.status_code == 422
    assert "Enter the signing secret of the app." in refused.text
    wrong = site.browser().post(f"{at}/chats", data={"chat": "teams", "secret": "not base64 at all !!!"})
    assert wrong.status_code == 422
    assert "it is base64" in wrong.text
    assert site.browser().post(f"{at}/chats", data={"chat": "slack", "secret": secret}).status_code == 303
    page = site.browser().get(at).text
    assert "Connected since" in page
    assert "No chat is connected" not in page
    assert secret not in page
    assert site.browser().post(f"{at}/chats/disconnect", data={"chat": "slack"}).status_code == 303
    assert "No chat is connected" in site.browser().get(at).text
    gone = site.browser().post(f"{at}/chats/disconnect", data={"chat": "slack"})
    assert gone.status_code == 404
    assert "This chat is not connected." in gone.text
    assert site.browser().post(f"{at}/chats", data={"chat": "icq", "secret": secret}).status_code == 422
    assert site.browser("rosa").post(f"{at}/chats", data={"chat": "slack", "secret": secret}).status_code == 403
    assert "/chats/disconnect" not in site.browser("rosa").get(at).text
