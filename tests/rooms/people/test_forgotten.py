"""Forgotten passwords: one answer for everybody, one use of each link, and only by mail to the person's own address."""

from __future__ import annotations

import base64
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotSignedIn, TooMuch
from signoff.kit.sealing import Sealed
from signoff.people import queries
from signoff.people.actions import add_member, create_setup_link, remove_member
from signoff.people.actions.setup_links import MAIL_LINK, LinkNotGood, mail_place
from signoff.people.facts import SignedIn
from signoff.people.forgotten import Forgotten
from signoff.people.mailing import link_mail
from signoff.tables.people import Member, SetupLink, Workspace
from signoff.tables.record import OutboxMessage
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import EMAIL, PASSWORD, SEALER, door, enter, owner, with_password
from tests.rooms.people.test_workspaces_and_members import found

NEW = "an entirely new sentence"
AT = "https://signoff.example.com/"


def desk(store: Store) -> Forgotten:
    made = door(store, reset_link_seconds=1800).forgotten
    assert made is not None
    return made


def mails(store: Store) -> list[dict[str, Any]]:
    with store.read() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == MAIL_LINK).order_by(OutboxMessage.id))
        return [row.payload for row in rows]


def token_of(payload: dict[str, Any]) -> str:
    sealed = Sealed(base64.b64decode(payload["ciphertext"]), base64.b64decode(payload["nonce"]), payload["key"])
    return SEALER.open(sealed, mail_place(payload["link"]))


def asked(store: Store, email: str = EMAIL) -> str:
    at = desk(store)
    at.ask(email, address="local")
    at.settle()
    at.close()
    return token_of(mails(store)[-1])


def test_a_link_by_mail_sets_a_password_and_ends_all_sessions(store: Store) -> None:
    with_password(store)
    at = door(store)
    before = enter(at)
    token = asked(store, " Alice@Example.com ")
    entered = at.redeem(token, NEW, address="local")
    assert isinstance(entered, SignedIn)
    with store.read() as session:
        assert queries.principal_of_session(session, entered.session_token, idle_seconds=60).principal.name == "Alice"
        with pytest.raises(NotSignedIn):
            queries.principal_of_session(session, before.session_token, idle_seconds=60)
    with pytest.raises(NotSignedIn):
        at.sign_in(EMAIL, PASSWORD, address="local")
    with pytest.raises(LinkNotGood):
        at.redeem(token, NEW, address="local")


def test_an_address_nobody_has_leaves_nothing_and_is_counted_alike(store: Store) -> None:
    with_password(store)
    at = desk(store)
    for email in ("nobody@example.com", EMAIL):
        for _ in range(3):
            at.ask(email, address="local")
        with pytest.raises(TooMuch) as refused:
            at.ask(email, address="local")
        assert refused.value.retry_after_seconds
    at.settle()
    at.close()
    assert len(mails(store)) == 3
    # Each newer link ended the one before.
    tokens = [token_of(payload) for payload in mails(store)]
    for dead in tokens[:2]:
        with pytest.raises(LinkNotGood):
            door(store).redeem(dead, NEW, address="local")
    assert door(store).redeem(tokens[2], NEW, address="local")


def test_who_was_removed_gets_no_mail(store: Store) -> None:
    founded = with_password(store)
    with store.write() as session:
        bob = add_member(session, owner(founded), email="bob@example.com", name="Bob", role="member")
        remove_member(session, owner(founded), bob)
    at = desk(store)
    at.ask("bob@example.com", address="local")
    at.settle()
    at.close()
    assert mails(store) == []


def test_it_ends_no_invitation_and_an_administrator_cannot_make_such_a_link(store: Store) -> None:
    founded = with_password(store)
    with store.write() as session:
        bob = add_member(session, owner(founded), email="bob@example.com", name="Bob", role="member")
        invitation = create_setup_link(session, owner(founded), member_id=bob, lifetime_seconds=60)
    asked(store, "bob@example.com")
    with pytest.raises(Malformed), store.write() as session:
        create_setup_link(session, owner(founded), member_id=bob, purpose="forgotten", lifetime_seconds=60)
    assert door(store).redeem(invitation, PASSWORD, address="local")


def test_a_person_of_several_workspaces_gets_one_too(store: Store) -> None:
    with_password(store)
    found(store, "second", EMAIL)
    token = asked(store)
    entered = door(store).redeem(token, NEW, address="local")
    assert isinstance(entered, SignedIn)
    assert entered.workspace_slug == "acme", "where they have come in before"


@pytest.mark.parametrize("dead", ["", "null", "None", "undefined", "set_", "set_" + "a" * 43, "\x00", "' or 1=1 --"])
def test_no_made_up_token_opens_anything(store: Store, dead: str) -> None:
    with_password(store)
    asked(store)
    with pytest.raises(LinkNotGood) as refused:
        door(store).redeem(dead, NEW, address="local")
    assert "signoff setup-link" in refused.value.detail
    assert enter(door(store)).principal.name == "Alice"


def test_a_link_is_its_persons_alone_and_expires(store: Store) -> None:
    with_password(store)
    with_password(store, "other", "bob@example.com")
    token = asked(store, "bob@example.com")
    with store.write() as session:
        for row in session.scalars(select(SetupLink)):
            row.expires_at = clock.now() - timedelta(seconds=1)
    with pytest.raises(LinkNotGood):
        door(store).redeem(token, NEW, address="local")
    token = asked(store, "bob@example.com")
    entered = door(store).redeem(token, NEW, address="local")
    assert isinstance(entered, SignedIn)
    assert entered.workspace_slug == "other"
    assert enter(door(store)).principal.name == "Alice"


def test_of_two_who_use_one_link_at_once_one_comes_in(store: Store) -> None:
    with_password(store)
    token, barrier = asked(store), threading.Barrier(2)
    results: list[object] = []

    def go(password: str) -> None:
        at = door(store)
        barrier.wait()
        try:
            results.append(at.redeem(token, password, address="local"))
        except LinkNotGood as refusal:
            results.append(refusal)

    threads = [threading.Thread(target=go, args=(f"{NEW} number {number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in results) == ["LinkNotGood", "SignedIn"]


def test_the_token_is_nowhere_in_the_database_to_read(store: Store) -> None:
    with_password(store)
    token = asked(store)
    with store.read() as session:
        kept = str([vars(row) for table in (SetupLink, OutboxMessage) for row in session.scalars(select(table))])
    assert token not in kept
    assert base64.b64encode(token.encode()).decode() not in kept


def test_the_mail_leads_to_the_operators_address_and_is_not_written_once_the_link_is_used(store: Store) -> None:
    with_password(store)
    token = asked(store)
    payload = mails(store)[-1]
    with store.read() as session:
        mail = link_mail(session, SEALER, payload, public_address=AT)
    assert mail is not None
    assert (mail.to, mail.subject) == (EMAIL, "Choose a new password for Signoff")
    assert f"\nhttps://signoff.example.com/setup/{token}\n" in mail.text
    assert "29 minutes" in mail.text or "30 minutes" in mail.text
    assert token not in repr(mail)
    door(store).redeem(token, NEW, address="local")
    with store.read() as session:
        assert link_mail(session, SEALER, payload, public_address=AT) is None
        assert link_mail(session, SEALER, {**payload, "link": "lnk_none"}, public_address=AT) is None


@pytest.mark.parametrize("shut", ["suspended", "single sign-on only"])
def test_a_place_that_does_not_let_them_in_does_not_stand_in_the_way_of_the_others(store: Store, shut: str) -> None:
    with_password(store)
    there = found(store, "other", EMAIL)
    with store.write() as session:
        row = session.get_one(Workspace, there.workspace_id)
        if shut == "suspended":
            row.suspended_at = clock.now()
        else:
            row.is_password_allowed = False
            session.get_one(Member, there.member_id).role = "viewer"
    entered = door(store).redeem(asked(store), NEW, address="local")
    assert isinstance(entered, SignedIn)
    assert entered.workspace_slug == "acme"
