"""A password that another workspace may have set in somebody's name opens nothing here until the address is proven."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.people import queries
from signoff.people.access import Principal, system
from signoff.people.actions import accept_by_looking, add_member, create_setup_link
from signoff.people.facts import Founded, SignedIn
from signoff.tables.people import SetupLink
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import PASSWORD, SEALER, door, owner, with_password
from tests.rooms.people.test_workspaces_and_members import found

DAVE = "dave@acme.example"
OWN = "his very own sentence"


@pytest.fixture
def acme(store: Store) -> Founded:
    return with_password(store)


@pytest.fixture
def mallory(store: Store) -> Founded:
    return found(store, "mallory", "mallory@example.com")


def come_in(store: Store, token: str, password: str | None) -> SignedIn:
    entered = door(store).redeem(token, password, address="local")
    assert isinstance(entered, SignedIn)
    return entered


def hijack(store: Store, mallory: Founded) -> SignedIn:
    """Set a password in the name of an address, with nothing but a workspace of one's own."""
    with store.write() as session:
        guest = add_member(session, owner(mallory), email=DAVE, name="Dave", role="viewer")
        token = create_setup_link(session, owner(mallory), member_id=guest, lifetime_seconds=600)
    return come_in(store, token, PASSWORD)


def seen_at(store: Store, token: str, slug: str) -> Principal:
    with store.read() as session:
        return queries.principal_of_session(session, token, idle_seconds=60, workspace_slug=slug).principal


def mailed(store: Store, acme: Founded, dave: str) -> str:
    with store.write() as session:
        token = create_setup_link(session, owner(acme), member_id=dave, lifetime_seconds=600, mail_with=SEALER)
        session.execute(update(SetupLink).where(SetupLink.used_at.is_(None)).values(mailed_at=clock.now()))
    return token


def test_without_mail_such_an_account_is_refused(store: Store, acme: Founded, mallory: Founded) -> None:
    hijack(store, mallory)
    with pytest.raises(NotNow, match="signoff setup-link") as refused, store.write() as session:
        add_member(session, owner(acme), email=DAVE, name="Dave", role="administrator")
    assert refused.value.code == "address_not_proven"


def test_with_mail_only_the_mailed_link_lets_in(store: Store, acme: Founded, mallory: Founded) -> None:
    theirs = hijack(store, mallory)
    with store.write() as session:
        dave = add_member(session, owner(acme), email=DAVE, name="Dave", role="administrator", sends_mail=True)
    again = door(store).sign_in(DAVE, PASSWORD, address="local")
    assert isinstance(again, SignedIn)
    assert again.workspace_slug == "mallory"
    for one in (theirs, again):
        with pytest.raises(NotFound):
            seen_at(store, one.session_token, "acme")
    with pytest.raises(NotNow), store.write() as session:  # A link that is handed over proves nothing.
        create_setup_link(session, owner(acme), member_id=dave, lifetime_seconds=600)
    token = mailed(store, acme, dave)
    with pytest.raises(Malformed, match="may not be yours"):
        door(store).redeem(token, None, address="local")
    assert come_in(store, token, OWN).workspace_slug == "acme"
    with pytest.raises(Exception, match="do not belong together"):
        door(store).sign_in(DAVE, PASSWORD, address="local")


def test_an_invitation_is_not_taken_over_by_a_password_set_after_it(
    store: Store, acme: Founded, mallory: Founded
) -> None:
    with store.write() as session:
        add_member(session, owner(acme), email=DAVE, name="Dave", role="administrator")
    theirs = hijack(store, mallory)
    with pytest.raises(NotFound):
        seen_at(store, theirs.session_token, "acme")
    again = door(store).sign_in(DAVE, PASSWORD, address="local")
    assert isinstance(again, SignedIn)
    assert again.workspace_slug == "mallory"


def test_who_came_by_the_operators_link_is_known_until_a_workspace_sets_the_password(
    store: Store, acme: Founded, mallory: Founded
) -> None:
    with store.write() as session:
        guest = add_member(session, owner(mallory), email=DAVE, name="Dave", role="viewer")
        first = create_setup_link(
            session, system(mallory.workspace_id), member_id=guest, purpose="first_run", lifetime_seconds=600
        )
    come_in(store, first, OWN)
    with store.write() as session:
        reset = create_setup_link(session, owner(mallory), member_id=guest, purpose="reset", lifetime_seconds=600)
    third = found(store, "third", "eve@example.com")
    with store.write() as session:
        add_member(session, owner(third), email=DAVE, name="Dave", role="viewer")
    looked = seen_at(store, come_in_by_password(store), "third")
    assert looked.name == "Dave"
    with store.write() as session:
        accept_by_looking(session, looked)
    with pytest.raises(NotNow):  # He is in another workspace by now.
        come_in(store, reset, PASSWORD)


def come_in_by_password(store: Store) -> str:
    entered = door(store).sign_in(DAVE, OWN, address="local")
    assert isinstance(entered, SignedIn)
    return entered.session_token


def test_a_workspaces_own_reset_takes_the_proof_back(store: Store, acme: Founded, mallory: Founded) -> None:
    with store.write() as session:
        guest = add_member(session, owner(mallory), email=DAVE, name="Dave", role="viewer")
        first = create_setup_link(
            session, system(mallory.workspace_id), member_id=guest, purpose="first_run", lifetime_seconds=600
        )
    come_in(store, first, OWN)
    with store.write() as session:
        reset = create_setup_link(session, owner(mallory), member_id=guest, purpose="reset", lifetime_seconds=600)
    come_in(store, reset, PASSWORD)
    with pytest.raises(NotNow, match="nobody has shown"), store.write() as session:
        add_member(session, owner(acme), email=DAVE, name="Dave", role="viewer")
