"""Members: invited with a link shown once, given roles, removed; never without an owner."""

from __future__ import annotations

import re

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from signoff.kit import clock
from signoff.people.actions.setup_links import note_mail
from signoff.people.facts import MemberFacts
from signoff.people.links import holder_of_link
from signoff.people.queries import members
from signoff.tables.people import SecondFactor
from signoff.tables.record import OutboxMessage
from tests.rooms.people.kit_signing_in import prove
from tests.web.kit_pages import browser_of
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions, person, workspace

GOOD = {"email": "noor@northwind.example", "name": "Noor Haddad", "role": "builder"}


def everyone(site: Site) -> dict[str, MemberFacts]:
    with site.store.read() as session:
        return {one.name: one for one in members(session, site.seeded.owner, size=100).rows}


def token(html: str) -> str:
    found = re.search(r'id="fresh-link"[^>]*>http://testserver/setup/([^<]+)<', html)
    assert found
    return found[1]


def at(site: Site, name: str, rest: str = "") -> str:
    return f"{site.base}/settings/members/{everyone(site)[name].id}{rest}"


def test_alone_it_says_whom_to_invite(empty_site: Site):
    html = empty_site.browser().get("/w/bare/settings/members").text
    assert "You are alone here" in html
    assert "Mei Tanaka" in html


def test_an_invitation_is_a_link_shown_once(site: Site):
    browser = site.browser()
    answer = browser.post(f"{site.base}/settings/members", data=GOOD)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    made = token(answer.text)
    with site.store.read() as session:
        holder = holder_of_link(session, made)
    assert holder is not None
    assert (holder.email, holder.purpose) == ("noor@northwind.example", "invitation")
    assert everyone(site)["Noor Haddad"].role == "builder"
    shown = browser.get(f"{site.base}/settings/members").text
    assert made not in shown
    assert "Not yet: invited" in shown


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({"email": "nobody"}, 422, "e-mail"),
        ({"name": " "}, 422, "name"),
        ({"role": "king"}, 422, "is not a role"),
        ({"email": "ines@northwind.example"}, 409, "a member already"),
    ],
)
def test_a_refused_invitation_keeps_what_was_typed(site: Site, fields: dict[str, str], status: int, word: str):
    before = set(everyone(site))
    answer = site.browser().post(f"{site.base}/settings/members", data={**GOOD, **fields})
    assert answer.status_code == status
    assert word in answer.text
    if "email" in fields:
        assert f'value="{fields["email"]}"' in answer.text
    assert set(everyone(site)) == before


def test_somebody_with_an_account_elsewhere_needs_no_link(site: Site):
    with site.store.write() as session:
        other = workspace(session, "globex", "Globex")
        person(session, other, "pat", "Pat Elsewhere", "member")
    data = {**GOOD, "email": "pat@globex.example"}
    # As long as only the other workspace says that it is Pat, nobody comes in with that password.
    refused = site.browser().post(f"{site.base}/settings/members", data=data)
    assert refused.status_code == 409
    assert "signoff setup-link" in refused.text
    assert "pat@globex.example" in refused.text
    prove(site.store, "pat@globex.example")
    answer = site.browser().post(f"{site.base}/settings/members", data=data)
    assert answer.status_code == 201
    assert "need no link" in answer.text
    assert "/setup/" not in answer.text
    # Until Pat looks in, the workspace knows no more than it said itself; then Pat is a member as any other.
    assert everyone(site)[GOOD["name"]].state == "invited"
    assert browser_of(site.app, other, "pat").get(site.base).status_code == 200
    assert everyone(site)["Pat Elsewhere"].state == "active"


def test_a_role_is_changed_from_the_next_request_on(site: Site):
    assert site.browser("rosa").get(f"{site.base}/secrets").status_code == 403
    answer = site.browser().post(at(site, "Rosa Marín", "/role"), data={"role": "builder"})
    assert answer.status_code == 303
    assert everyone(site)["Rosa Marín"].role == "builder"
    assert site.browser("rosa").get(f"{site.base}/secrets").status_code == 200


@pytest.mark.parametrize(("rest", "data"), [("/role", {"role": "viewer"}), ("/remove", {})])
def test_the_last_owner_stays(site: Site, rest: str, data: dict[str, str]):
    answer = site.browser().post(at(site, "Mei Tanaka", rest), data=data)
    assert answer.status_code == 409
    assert "Make somebody else an owner first" in answer.text
    assert everyone(site)["Mei Tanaka"].role == "owner"
    if data:
        assert re.search(r'value="viewer"[^>]* checked', answer.text)


def test_an_administrator_neither_makes_nor_changes_owners(site: Site):
    with site.store.write() as session:
        person(session, site.seeded, "ada", "Ada Admin", "administrator")
    browser = site.browser("ada")
    html = browser.get(at(site, "Rosa Marín")).text
    assert 'value="administrator"' in html
    assert 'value="owner"' not in html
    assert browser.post(at(site, "Rosa Marín", "/role"), data={"role": "owner"}).status_code == 403
    assert "Only an owner changes an owner" in browser.get(at(site, "Mei Tanaka")).text
    assert browser.post(at(site, "Mei Tanaka", "/remove")).status_code == 403
    assert everyone(site)["Rosa Marín"].role == "viewer"


def test_a_new_link_replaces_the_old(site: Site):
    browser = site.browser()
    first = token(browser.post(f"{site.base}/settings/members", data=GOOD).text)
    second = browser.post(at(site, "Noor Haddad", "/link"))
    assert second.status_code == 201
    with site.store.read() as session:
        assert holder_of_link(session, first) is None
        assert holder_of_link(session, token(second.text)) is not None
    reset = browser.post(at(site, "Ines Okafor", "/link"))
    with site.store.read() as session:
        holder = holder_of_link(session, token(reset.text))
    assert holder is not None
    assert holder.purpose == "reset"


def test_who_is_removed_is_out_at_once(site: Site):
    tomasz = site.browser("tomasz")
    assert tomasz.get(f"{site.base}/agents").status_code == 200
    address = at(site, "Tomasz Lis")
    assert site.browser().post(address + "/remove").status_code == 303
    assert "Tomasz Lis" not in everyone(site)
    assert tomasz.get(f"{site.base}/agents").status_code == 303
    assert site.browser().get(address).status_code == 404
    with site.store.read() as session:
        assert audit_actions(session, site.seeded)[-1] == "member.removed"


def test_who_may_not(site: Site):
    builder, member = site.browser("ines"), site.browser("tomasz")
    assert builder.get(f"{site.base}/settings/members").status_code == 200
    assert builder.get(f"{site.base}/settings/members/new").status_code == 403
    assert (
        "<form" not in builder.get(at(site, "Rosa Marín")).text.split('class="page is-narrow"')[1].split("</main>")[0]
    )
    assert member.get(f"{site.base}/settings/members").status_code == 200
    assert member.get(f"{site.base}/settings/members/new").status_code == 403
    for browser in (builder, member):
        assert browser.post(f"{site.base}/settings/members", data=GOOD).status_code == 403
        for rest in ("/role", "/link", "/remove"):
            assert browser.post(at(site, "Rosa Marín", rest), data={"role": "owner"}).status_code == 403
    assert everyone(site)["Rosa Marín"].role == "viewer"


def test_many_are_paged(site: Site):
    with site.store.write() as session:
        for number in range(35):
            person(session, site.seeded, f"p{number}", f"Person {number:02}", "viewer")
    browser = site.browser()
    first = browser.get(f"{site.base}/settings/members").text
    assert first.count("data-row") == 30
    older = re.search(r'href="([^"]*cursor=[^"]*)" rel="next"', first)
    assert older
    assert browser.get(older[1]).text.count("data-row") == 9


@pytest.fixture
def mailing(site: Site) -> Site:
    """The site, on an installation that sends mail."""
    settings = site.app.state.house.settings
    settings.smtp_url, settings.mail_from = SecretStr("smtp://127.0.0.1:1"), "signoff@example.com"
    return site


def mails(site: Site) -> list[str]:
    with site.store.read() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "link.mail")).all()
        return [str(row.payload["link"]) for row in rows]


def test_where_mail_is_sent_the_link_goes_to_its_person_alone(mailing: Site):
    browser = mailing.browser()
    assert "The invitation is mailed there" in browser.get(f"{mailing.base}/settings/members/new").text
    answer = browser.post(f"{mailing.base}/settings/members", data=GOOD)
    assert answer.status_code == 201
    assert "A mail to noor@northwind.example" in answer.text
    assert "/setup/" not in answer.text
    assert len(mails(mailing)) == 1
    page = browser.get(at(mailing, "Noor Haddad")).text
    assert "Withdraw the invitation" in page
    assert "is open" in page


def test_what_became_of_a_mail_is_told_and_it_is_sent_again(mailing: Site):
    browser = mailing.browser()
    browser.post(f"{mailing.base}/settings/members", data=GOOD)
    with mailing.store.write() as session:
        note_mail(session, mails(mailing)[0], error="The mail server does not take mail for this address (550).")
    page = browser.get(at(mailing, "Noor Haddad")).text
    assert "The mail did not go out" in page
    assert "(550)" in page
    again = browser.post(at(mailing, "Noor Haddad", "/mail"))
    assert (again.status_code, len(mails(mailing))) == (303, 2)
    with mailing.store.write() as session:
        note_mail(session, mails(mailing)[1])
    page = browser.get(at(mailing, "Noor Haddad")).text
    assert "did not go out" not in page
    assert "mailed" in page


def test_without_mail_nothing_is_said_to_be_sent(site: Site):
    answer = site.browser().post(at(site, "Ines Okafor", "/mail"))
    assert answer.status_code == 409
    assert "sends no mail" in answer.text
    assert mails(site) == []


def test_an_invitation_is_withdrawn_and_its_link_with_it(site: Site):
    browser = site.browser()
    made = token(browser.post(f"{site.base}/settings/members", data=GOOD).text)
    answer = browser.post(at(site, "Noor Haddad", "/remove"))
    assert answer.status_code == 303
    assert "Noor Haddad" not in everyone(site)
    assert site.visitor().get(f"/setup/{made}").status_code == 410
    with site.store.read() as session:
        assert audit_actions(session, site.seeded)[-1] == "member.invitation_withdrawn"
    # And may be sent again.
    again = token(browser.post(f"{site.base}/settings/members", data=GOOD).text)
    assert site.visitor().get(f"/setup/{again}").status_code == 200


def test_who_is_invited_says_what_they_are_called(site: Site):
    made = token(site.browser().post(f"{site.base}/settings/members", data=GOOD).text)
    visitor = site.visitor()
    assert 'value="Noor Haddad"' in visitor.get(f"/setup/{made}").text
    fields = {"name": "Noor H.", "password": "an entirely new sentence", "again": "an entirely new sentence"}
    refused = visitor.post(f"/setup/{made}", data={**fields, "name": " ", "how": "with"})
    assert refused.status_code == 422
    assert visitor.post(f"/setup/{made}", data={**fields, "how": "with"}).status_code == 303
    assert everyone(site)["Noor H."].state == "active"


def test_a_lost_second_factor_is_reset_by_an_administrator(site: Site):
    ines = site.seeded.people["ines"]
    with site.store.write() as session:
        session.add(
            SecondFactor(
                person_id=ines.person_id,
                ciphertext=b"x",
                nonce=b"x",
                key_id="x",
                last_step=0,
                created_at=clock.now(),
                confirmed_at=clock.now(),
            )
        )
    browser = site.browser()
    assert "and a second factor" in browser.get(at(site, "Ines Okafor")).text
    reset = at(site, "Ines Okafor", "/second-factor/reset")
    assert site.browser("tomasz").post(reset).status_code == 403
    assert browser.post(reset).status_code == 303
    assert not everyone(site)["Ines Okafor"].has_second_factor
    assert site.browser("ines").get(f"{site.base}/agents").status_code == 303
    assert browser.post(reset).status_code == 409
