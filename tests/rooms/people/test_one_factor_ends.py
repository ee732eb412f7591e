"""Turning a second factor on ends what was opened without one, and nothing else."""

from __future__ import annotations

import pytest
from pyotp.totp import TOTP
from sqlalchemy import select

from signoff.kit.errors import NotSignedIn
from signoff.people import queries
from signoff.people.actions import open_session
from signoff.people.facts import SignedIn
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import (
    door,
    enter,
    forget_used_step,
    halfway,
    owner,
    require_factor,
    with_password,
)


def is_open(store: Store, entered: SignedIn, token: str = "") -> bool:
    with store.read() as session:
        try:
            queries.principal_of_session(session, token or entered.session_token, idle_seconds=3600)
        except NotSignedIn:
            return False
    return True


def told(store: Store, workspace_id: str) -> list[dict[str, int]]:
    wanted = select(AuditRow.detail).where(
        AuditRow.workspace_id == workspace_id, AuditRow.action == "session.one_factor_ended"
    )
    with store.read() as session:
        return list(session.scalars(wanted))


def test_every_other_session_with_one_factor_ends(store: Store) -> None:
    founded, at = with_password(store), door(store)
    other = with_password(store, "other", "bob@example.com")
    here, there, elsewhere = enter(at), enter(at), enter(at)
    bobs = enter(at, "bob@example.com")
    with store.write() as session:
        by_link = open_session(session, founded.person_id, lifetime_seconds=3600, method="link")
        by_provider = open_session(session, founded.person_id, lifetime_seconds=3600, method="sso")
    app = TOTP(at.own_factor.begin(owner(founded)))
    on = at.own_factor.confirm(owner(founded), app.now(), session_id=here.session_id)
    assert on.ended == 3
    assert is_open(store, here, on.session_token), "the browser in which it was proven goes on"
    assert [is_open(store, one) for one in (here, there, elsewhere, by_link)] == [False] * 4
    assert is_open(store, by_provider), "a provider asks for what it asks for"
    assert is_open(store, bobs)
    assert told(store, founded.workspace_id) == [{"sessions": 3}]
    assert told(store, other.workspace_id) == []


def test_a_session_with_two_factors_stays(store: Store) -> None:
    founded, at = with_password(store), door(store)
    with store.write() as session:
        two = open_session(session, founded.person_id, lifetime_seconds=3600, is_two_factor=True)
    app = TOTP(at.own_factor.begin(owner(founded)))
    on = at.own_factor.confirm(owner(founded), app.now(), session_id="")
    assert (on.ended, is_open(store, two)) == (0, True)
    assert told(store, founded.workspace_id) == []
    forget_used_step(store, founded)
    again = at.second_step(halfway(at).token, app.now(), address="local")
    at.own_factor.renew_codes(owner(founded), on.codes[0])
    assert is_open(store, again)


@pytest.mark.parametrize("others", [0, 2])
def test_setting_it_up_on_the_way_in_ends_them_too(store: Store, others: int) -> None:
    founded, at = with_password(store), door(store)
    before = [enter(at) for _ in range(others)]
    require_factor(store, founded)
    pending = halfway(at)
    app = TOTP(at.begin_enrolment(pending.token))
    done = at.enrol(pending.token, app.now(), address="local")
    assert done.ended == others
    assert is_open(store, done.signed_in)
    require_factor(store, founded, is_required=False)
    assert [is_open(store, one) for one in before] == [False] * others
