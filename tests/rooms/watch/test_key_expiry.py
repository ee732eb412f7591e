"""Keys that end soon raise one alert, and it goes when the reason does."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from signoff.kit import clock
from signoff.people.actions import create_key, revoke_key, rotate_key
from signoff.tables.session import Store
from signoff.tables.watch import Alert
from signoff.watch.key_expiry import watch_expiring_keys
from tests.rooms.people.test_workspaces_and_members import as_owner, found


def look(store: Store) -> int:
    with store.write() as session:
        return watch_expiring_keys(session)


def open_alerts(store: Store) -> list[str]:
    with store.read() as session:
        rows = session.scalars(select(Alert).where(Alert.resolved_at.is_(None)).order_by(Alert.id))
        return [row.detail["key"] for row in rows]


def test_each_key_is_told_once_and_two_weeks_before(store: Store) -> None:
    owner = as_owner(found(store))
    with store.write() as session:
        made = {
            days: create_key(session, owner, name=f"In {days}", expires_at=clock.now() + timedelta(days=days)).id
            for days in (1, 13, 15)
        }
        create_key(session, owner, name="Never")
        revoked = create_key(session, owner, name="Revoked", expires_at=clock.now() + timedelta(days=1)).id
        revoke_key(session, owner, revoked)
    assert (look(store), look(store)) == (2, 0)
    assert open_alerts(store) == [made[1], made[13]]
    with store.read() as session:
        alert = session.scalars(select(Alert).order_by(Alert.id)).first()
        assert alert is not None
        assert (alert.kind, alert.occurrences) == ("key_expiring", 1)
        assert "In 1 ends on" in alert.text


def test_rotating_with_a_new_end_or_revoking_resolves_it(store: Store) -> None:
    owner = as_owner(found(store))
    soon = clock.now() + timedelta(days=3)
    with store.write() as session:
        first, second, third = (create_key(session, owner, name="K", expires_at=soon).id for _ in range(3))
    assert look(store) == 3
    with store.write() as session:
        rotate_key(session, owner, first, expires_at=clock.now() + timedelta(days=90))
        revoke_key(session, owner, second)
        rotate_key(session, owner, third)
    assert look(store) == 0
    assert open_alerts(store) == [third]
