"""Passwords, sessions, one-time links."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow, NotSignedIn, TooMuch
from signoff.kit.sealing import MasterKey, MasterKeys, Sealer
from signoff.people import own, passwords, queries
from signoff.people.access import system
from signoff.people.actions import (
    add_member,
    create_setup_link,
    open_session,
    remove_member,
    revoke_session,
    set_instance_administrator,
    set_role,
    sign_out,
)
from signoff.people.actions.setup_links import LinkNotGood
from signoff.people.entrance import Entrance
from signoff.people.facts import Founded, Pending, SignedIn
from signoff.record.actor import SYSTEM
from signoff.tables.people import Person, SetupLink, SignInSession
from signoff.tables.session import Store
from tests.rooms.people.test_workspaces_and_members import as_owner, found

PASSWORD = "a rather long sentence"
IDLE = 3600
SEALER = Sealer(MasterKeys(MasterKey(bytes(range(32)))))


def entrance(store: Store, attempts: int = 1000) -> Entrance:
    return Entrance(store, SEALER, attempts_per_minute=attempts, session_seconds=7200)


def link(store: Store, founded: Founded, member_id: str | None = None) -> str:
    with store.write() as session:
        return create_setup_link(
            session,
            system(founded.workspace_id),
            member_id=member_id or founded.member_id,
            purpose="first_run",
            lifetime_seconds=3600,
        )


def signed_in(entered: SignedIn | Pending) -> SignedIn:
    """Return the session of somebody who has no second step."""
    assert isinstance(entered, SignedIn)
    return entered


def with_password(store: Store, slug: str = "acme", email: str = "alice@example.com") -> tuple[Founded, SignedIn]:
    founded = found(store, slug, email)
    return founded, signed_in(entrance(store).redeem(link(store, founded), PASSWORD, address="local"))


def whose(store: Store, token: str, slug: str | None = None) -> str:
    with store.read() as session:
        return queries.principal_of_session(session, token, idle_seconds=IDLE, workspace_slug=slug).principal.name


def test_the_first_link_sets_a_password_and_signs_in(store: Store) -> None:
    _, alices = with_password(store)
    assert alices.workspace_slug == "acme"
    assert alices.principal.role == "owner"
    assert whose(store, alices.session_token) == "Alice"
    again = signed_in(entrance(store).sign_in(" Alice@example.com", PASSWORD, address="local"))
    assert again.session_token != alices.session_token


def test_nothing_in_the_database_opens_the_door(store: Store) -> None:
    founded, alices = with_password(store)
    unused = link(store, founded)
    with store.read() as session:
        kept = "".join(
            str(value)
            for table in (Person, SignInSession, SetupLink)
            for row in session.scalars(select(table))
            for value in vars(row).values()
        )
    for secret in (PASSWORD, alices.session_token, unused):
        assert secret not in kept
    assert "$argon2id$" in kept


def test_a_link_is_good_once(store: Store) -> None:
    founded = found(store)
    token = link(store, founded)
    entrance(store).redeem(token, None, address="local")
    with pytest.raises(LinkNotGood):
        entrance(store).redeem(token, None, address="local")


def test_a_newer_link_ends_the_older_and_an_expired_one_is_as_good_as_unknown(store: Store) -> None:
    founded = found(store)
    older, newer = link(store, founded), link(store, founded)
    with pytest.raises(LinkNotGood) as replaced:
        entrance(store).redeem(older, None, address="local")
    with store.write() as session:
        for row in session.scalars(select(SetupLink)):
            row.expires_at = clock.now() - timedelta(seconds=1)
    with pytest.raises(LinkNotGood) as expired:
        entrance(store).redeem(newer, None, address="local")
    with pytest.raises(LinkNotGood) as unknown:
        entrance(store).redeem("set_never", None, address="local")
    assert replaced.value.detail == expired.value.detail == unknown.value.detail


@pytest.mark.parametrize("password", ["short", "a" * 12, "passwordpassword", "x" * 600, "tab\tin the middle of it"])
def test_a_weak_password_is_refused_and_leaves_the_link_good(store: Store, password: str) -> None:
    token = link(store, found(store))
    with pytest.raises(Malformed) as refused:
        entrance(store).redeem(token, password, address="local")
    assert "password" in refused.value.errors
    assert signed_in(entrance(store).redeem(token, PASSWORD, address="local")).principal.name == "Alice"


def test_unknown_account_wrong_password_and_no_password_are_told_alike(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    founded, _ = with_password(store)
    with store.write() as session:
        add_member(session, as_owner(founded), email="new@example.com", name="New", role="member")
    checked: list[str | None] = []
    real = passwords.matches

    def counted(stored: str | None, password: str) -> bool:
        checked.append(stored)
        return real(stored, password)

    monkeypatch.setattr(passwords, "matches", counted)
    answers = set[tuple[str, str]]()
    for email in ("alice@example.com", "new@example.com", "nobody@example.com", "", "\x00", "\ud800@x"):
        with pytest.raises(NotSignedIn) as refused:
            entrance(store).sign_in(email, "not the password", address="local")
        answers.add((refused.value.detail, refused.value.code))
    assert len(answers) == 1
    # Each of them did the slow work, so the time tells nothing either.
    assert len(checked) == 6


def test_attempts_are_counted_by_account_and_by_address(store: Store) -> None:
    with_password(store)
    door = entrance(store, attempts=3)
    for number in range(3):
        with pytest.raises(NotSignedIn):
            door.sign_in("alice@example.com", "wrong password", address=f"10.0.0.{number}")
    with pytest.raises(TooMuch) as refused:
        door.sign_in("alice@example.com", PASSWORD, address="10.0.0.9")
    assert (refused.value.retry_after_seconds or 0) > 0
    with pytest.raises(NotSignedIn):
        door.sign_in("b@example.com", "wrong password", address="10.0.0.50")
    for number in range(2):
        with pytest.raises(NotSignedIn):
            door.sign_in(f"c{number}@example.com", "wrong password", address="10.0.0.50")
    with pytest.raises(TooMuch):
        door.sign_in("d@example.com", "wrong password", address="10.0.0.50")


def test_a_session_ends_by_signing_out_idling_and_age(store: Store) -> None:
    _, first = with_password(store)
    second = signed_in(entrance(store).sign_in("alice@example.com", PASSWORD, address="local"))
    with store.write() as session:
        sign_out(session, first.session_token)
    with pytest.raises(NotSignedIn):
        whose(store, first.session_token)
    assert whose(store, second.session_token) == "Alice"
    with store.read() as session, pytest.raises(NotSignedIn):
        queries.principal_of_session(session, second.session_token, idle_seconds=0)
    with store.write() as session:
        for row in session.scalars(select(SignInSession)):
            row.expires_at = clock.now() - timedelta(seconds=1)
    with pytest.raises(NotSignedIn):
        whose(store, second.session_token)


def test_a_new_password_ends_every_other_session(store: Store) -> None:
    founded, first = with_password(store)
    fresh = entrance(store).change_password(
        as_owner(founded), old=PASSWORD, new="another long sentence", session_id=first.session_id
    )
    with pytest.raises(NotSignedIn):
        whose(store, first.session_token)
    assert whose(store, fresh.session_token) == "Alice"
    with pytest.raises(NotSignedIn):
        entrance(store).sign_in("alice@example.com", PASSWORD, address="local")


def test_a_session_follows_role_and_membership_at_once(store: Store) -> None:
    founded, _ = with_password(store)
    owner = as_owner(founded)
    with store.write() as session:
        bob = add_member(session, owner, email="bob@example.com", name="Bob", role="manager")
    bobs = signed_in(entrance(store).redeem(link(store, founded, bob), PASSWORD, address="local"))
    with store.write() as session:
        set_role(session, owner, bob, role="viewer")
    with store.read() as session:
        seen = queries.principal_of_session(session, bobs.session_token, idle_seconds=IDLE)
    assert seen.principal.role == "viewer"
    with store.write() as session:
        remove_member(session, owner, bob)
    with pytest.raises(NotSignedIn):
        whose(store, bobs.session_token)


def test_a_session_reaches_the_persons_workspaces_and_no_other(store: Store) -> None:
    _, alices = with_password(store)
    found(store, "other", "charlie@example.com")
    found(store, "second", "alice@example.com")
    assert whose(store, alices.session_token, "second") == "Alice"
    with pytest.raises(NotFound):
        whose(store, alices.session_token, "other")
    with pytest.raises(NotFound):
        whose(store, alices.session_token, "nowhere")


def test_one_ends_only_ones_own_sessions(store: Store) -> None:
    founded, alices = with_password(store)
    stranger, _ = with_password(store, "other", "charlie@example.com")
    with store.read() as session:
        (theirs,) = own.sessions_of(session, as_owner(founded))
    with pytest.raises(NotFound), store.write() as session:
        revoke_session(session, as_owner(stranger), theirs.id)
    with store.write() as session:
        revoke_session(session, as_owner(founded), theirs.id)
    with pytest.raises(NotSignedIn):
        whose(store, alices.session_token)


def test_an_administrators_link_cannot_open_another_workspace(store: Store) -> None:
    here, _ = with_password(store)
    owner = as_owner(here)
    there = found(store, "other", "charlie@example.com")
    with store.write() as session:
        open_session(session, there.person_id, lifetime_seconds=60, workspace_id=there.workspace_id)
        charlie = add_member(session, owner, email="charlie@example.com", name="Charlie", role="member")
    with pytest.raises(NotNow), store.write() as session:
        create_setup_link(session, owner, member_id=charlie, purpose="reset", lifetime_seconds=60)
    with pytest.raises(NotAllowed), store.write() as session:
        create_setup_link(session, owner, member_id=charlie, purpose="first_run", lifetime_seconds=60)
    # Nor one that was made before the person came to the other workspace.
    with store.write() as session:
        dora = add_member(session, owner, email="dora@example.com", name="Dora", role="member")
        token = create_setup_link(session, owner, member_id=dora, lifetime_seconds=60)
    third = found(store, "third", "dora@example.com")
    with store.write() as session:
        open_session(session, third.person_id, lifetime_seconds=60, workspace_id=third.workspace_id)
    with pytest.raises(NotNow):
        entrance(store).redeem(token, PASSWORD, address="local")


def test_no_workspace_opens_the_account_of_an_instance_administrator(store: Store) -> None:
    here, _ = with_password(store)
    owner = as_owner(here)
    with store.write() as session:
        root = add_member(session, owner, email="root@example.com", name="Root", role="viewer")
        early = create_setup_link(session, owner, member_id=root, lifetime_seconds=60)
        person_id = queries.member(session, owner, root).person_id
        set_instance_administrator(session, SYSTEM, person_id=person_id, is_on=True)
    for purpose in ("invitation", "reset"):
        with pytest.raises(NotNow, match="administers the installation") as refused, store.write() as session:
            create_setup_link(session, owner, member_id=root, purpose=purpose, lifetime_seconds=60)
        assert refused.value.code == "person_elsewhere"
    with pytest.raises(NotNow):  # Nor with a link from before they had the mark.
        entrance(store).redeem(early, PASSWORD, address="local")
    assert entrance(store).redeem(link(store, here, root), PASSWORD, address="local")  # The operator's.


def test_nobody_makes_a_link_for_themselves(store: Store) -> None:
    """A session left open, or opened by a workspace's identity provider, must not become the password."""
    here, _ = with_password(store)
    with pytest.raises(NotAllowed, match="on your profile"), store.write() as session:
        create_setup_link(session, as_owner(here), member_id=here.member_id, purpose="reset", lifetime_seconds=60)


def test_a_workspace_that_only_knows_an_address_neither_stops_a_link_nor_is_told_of_its_holder(store: Store) -> None:
    here, _ = with_password(store)
    there = as_owner(found(store, "other", "charlie@example.com"))
    with store.write() as session:
        dora = add_member(session, as_owner(here), email="dora@example.com", name="Dora", role="builder")
        token = create_setup_link(session, as_owner(here), member_id=dora, lifetime_seconds=60)
    with store.write() as session:  # Somebody else's workspace, before she comes and after.
        guest = add_member(session, there, email="dora@example.com", name="That one", role="viewer")
    assert signed_in(entrance(store).redeem(token, PASSWORD, address="local")).principal.id == dora
    with store.read() as session:
        (seen,) = [row for row in queries.members(session, there).rows if row.id == guest]
        assert (seen.name, seen.state) == ("That one", "invited")
        assert (seen.has_password, seen.has_second_factor) == (False, False)
        assert queries.member(session, as_owner(here), dora).has_password
    with store.write() as session:
        assert create_setup_link(session, as_owner(here), member_id=dora, purpose="reset", lifetime_seconds=60)
