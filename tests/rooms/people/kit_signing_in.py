"""People with passwords and authenticator apps, for tests of the way in."""

from __future__ import annotations

from pyotp.totp import TOTP
from sqlalchemy import update

from signoff.kit import clock
from signoff.kit.sealing import MasterKey, MasterKeys, Sealer
from signoff.people import passwords
from signoff.people.access import Principal
from signoff.people.actions import set_password
from signoff.people.entrance import Entrance
from signoff.people.facts import Founded, Pending, SignedIn
from signoff.tables.people import Member, Person, SecondFactor, Workspace
from signoff.tables.session import Store
from tests.rooms.people.test_workspaces_and_members import as_owner, found

PASSWORD = "a rather long sentence"
PASSWORD_HASH = passwords.make_hash(PASSWORD)
EMAIL = "alice@example.com"
SEALER = Sealer(MasterKeys(MasterKey(bytes(range(32)))))


def door(store: Store, attempts: int = 1000, **more: int) -> Entrance:
    return Entrance(store, SEALER, attempts_per_minute=attempts, session_seconds=7200, **more)


def with_password(store: Store, slug: str = "acme", email: str = EMAIL) -> Founded:
    founded = found(store, slug, email)
    with store.write() as session:
        set_password(session, founded.person_id, PASSWORD_HASH)
        # As the first link does, with which an owner came in.
        session.execute(update(Member).where(Member.id == founded.member_id).values(accepted_at=clock.now()))
    prove(store, email)
    return founded


def prove(store: Store, email: str) -> None:
    """Have the person shown that the address is theirs, as a mailed link does."""
    with store.write() as session:
        session.execute(update(Person).where(Person.email == email).values(address_proven_at=clock.now()))


def enter(at: Entrance, email: str = EMAIL) -> SignedIn:
    entered = at.sign_in(email, PASSWORD, address="local")
    assert isinstance(entered, SignedIn)
    return entered


def halfway(at: Entrance, email: str = EMAIL) -> Pending:
    entered = at.sign_in(email, PASSWORD, address="local")
    assert isinstance(entered, Pending)
    return entered


def with_factor(store: Store, founded: Founded) -> tuple[TOTP, list[str]]:
    """Turn the second factor on, and forget that a code was just used."""
    own, who = door(store).own_factor, as_owner(founded)
    app = TOTP(own.begin(who))
    codes = own.confirm(who, app.now(), session_id="").codes
    forget_used_step(store, founded)
    return app, codes


def forget_used_step(store: Store, founded: Founded) -> None:
    with store.write() as session:
        session.execute(update(SecondFactor).where(SecondFactor.person_id == founded.person_id).values(last_step=0))


def require_factor(store: Store, founded: Founded, is_required: bool = True) -> None:
    with store.write() as session:
        session.execute(
            update(Workspace).where(Workspace.id == founded.workspace_id).values(is_second_factor_required=is_required)
        )


def owner(founded: Founded) -> Principal:
    return as_owner(founded)
