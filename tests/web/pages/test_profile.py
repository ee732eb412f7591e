"""The profile: name, zone and keys hold on every page; passwords and sessions end what they should."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from signoff.people.actions import open_session
from signoff.tables.people import Person, SignInSession
from tests.web.pages.conftest import Site
from tests.web.seed import PASSWORD, audit_actions

NEW = "an entirely new sentence"


def another_browser(site: Site, who: str = "mei") -> str:
    person = site.seeded.people[who].person_id
    assert person
    with site.store.write() as session:
        return open_session(
            session, person, lifetime_seconds=600, user_agent="Mozilla/5.0 (X11; Linux) Firefox/130.0"
        ).session_token


def test_name_zone_and_keys_hold_from_the_next_page_on(site: Site):
    browser = site.browser()
    browser.cookies.set("tz", "America/New_York", domain="testserver.local")
    before = browser.get(f"{site.base}/profile").text
    assert 'data-keys="off"' not in before
    saved = browser.post(f"{site.base}/profile", data={"name": "Mei T.", "time_zone": "Asia/Tokyo"})
    assert saved.headers["location"] == f"{site.base}/profile"
    after = browser.get(f"{site.base}/profile").text
    assert 'data-keys="off"' in after
    assert re.search(r'title="[^"]+ JST"', after)
    assert "Mei T." in after
    # And so for runs, whatever the browser says.
    assert re.search(r'title="[^"]+ JST"', browser.get(f"{site.base}/runs").text)
    browser.post(f"{site.base}/profile", data={"name": "Mei T.", "time_zone": "", "has_single_keys": "on"})
    again = browser.get(f"{site.base}/profile").text
    assert re.search(r'title="[^"]+ E[SD]T"', again)
    assert 'data-keys="off"' not in again


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": " "}, "1 to 200 characters"),
        ({"time_zone": "Mars/Olympus"}, "Choose a time zone"),
        ({"name": "x" * 201}, "200"),
    ],
)
def test_what_cannot_be_is_refused_and_kept(site: Site, fields: dict[str, str], word: str):
    data = {"name": "Someone Else", "time_zone": "Asia/Tokyo", **fields}
    answer = site.browser().post(f"{site.base}/profile", data=data)
    assert answer.status_code == 422
    assert word in answer.text
    with site.store.read() as session:
        assert session.get_one(Person, site.seeded.owner.person_id).name == "Mei Tanaka"


def test_a_new_password_signs_every_other_browser_out(site: Site):
    other = site.visitor()
    other.cookies.set("session", another_browser(site))
    browser = site.browser()
    assert other.get(f"{site.base}/agents").status_code == 200
    answer = browser.post(f"{site.base}/profile/password", data={"old": PASSWORD, "password": NEW, "again": NEW})
    assert answer.status_code == 303
    assert other.get(f"{site.base}/agents").status_code == 303
    assert site.browser().get(f"{site.base}/agents").status_code == 303
    assert browser.get(f"{site.base}/agents").status_code == 200
    entered = site.visitor().post("/sign-in", data={"email": "mei@northwind.example", "password": NEW})
    assert entered.status_code == 303


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"old": "not the password"}, "not your present password"),
        ({"password": "tiny-0", "again": "tiny-0"}, "at least 12 characters"),
        ({"password": "mei tanaka northwind", "again": "mei tanaka northwind"}, "made of your name"),
        ({"again": NEW + "!"}, "not the same"),
    ],
)
def test_a_refused_password_changes_nothing_and_is_not_shown(site: Site, fields: dict[str, str], word: str):
    data = {"old": PASSWORD, "password": NEW, "again": NEW, **fields}
    browser = site.browser()
    answer = browser.post(f"{site.base}/profile/password", data=data)
    assert answer.status_code == 422
    assert word in answer.text
    for typed in data.values():
        assert f'value="{typed}"' not in answer.text
    assert browser.get(f"{site.base}/agents").status_code == 200


def test_browsers_are_listed_and_signed_out_one_by_one_and_together(site: Site):
    first, second = (site.visitor() for _ in range(2))
    first.cookies.set("session", another_browser(site))
    second.cookies.set("session", another_browser(site))
    browser = site.browser()
    html = browser.get(f"{site.base}/profile").text
    assert html.count("Firefox on Linux") >= 2
    assert html.count(">this one<") == 1
    wanted = re.findall(r'name="session" value="(ses_[a-z0-9]+)"', html)
    assert len(wanted) == 2
    assert browser.post(f"{site.base}/profile/sessions/end", data={"session": wanted[0]}).status_code == 303
    assert [one.get(f"{site.base}/agents").status_code for one in (first, second)] == [200, 303]
    browser.post(f"{site.base}/profile/sessions/end-others")
    assert first.get(f"{site.base}/agents").status_code == 303
    assert browser.get(f"{site.base}/agents").status_code == 200
    left = browser.post(f"{site.base}/profile/sessions/end-all")
    assert left.headers["location"] == "/sign-in"
    assert site.browser().get(f"{site.base}/agents").status_code == 303
    with site.store.read() as session:
        assert audit_actions(session, site.seeded)[-1] == "session.all_revoked"


def test_nobody_ends_anothers_session(site: Site):
    with site.store.read() as session:
        theirs = session.scalar(
            select(SignInSession.id).where(SignInSession.person_id == site.seeded.people["ines"].person_id)
        )
    answer = site.browser("rosa").post(f"{site.base}/profile/sessions/end", data={"session": theirs or ""})
    assert answer.status_code == 404
    assert site.browser("ines").get(f"{site.base}/agents").status_code == 200


def test_everybody_has_one_and_a_visitor_has_none(site: Site):
    for who in site.seeded.people:
        assert site.browser(who).get(f"{site.base}/profile").status_code == 200
    assert site.visitor().get(f"{site.base}/profile").status_code == 303
    assert site.browser().get("/w/elsewhere/profile").status_code == 404
