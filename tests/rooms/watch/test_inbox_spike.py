"""A gate that asks far more than usual raises one alert, and it goes when the gate is quiet again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from signoff.kit import clock
from signoff.tables.approvals import Approval, ApprovalRecipient
from signoff.tables.session import Store
from signoff.tables.watch import Alert
from signoff.watch.inbox_spike import NUMBER_MIN, spikes, watch_inbox
from tests.web.pages import kit_asks
from tests.web.seed import Seeded, seed


def look(store: Store) -> int:
    with store.write() as session:
        return watch_inbox(session)


def asked(store: Store, seeded: Seeded, number: int, *, hours_ago: float = 0.5) -> None:
    with store.write() as session:
        first = kit_asks.ask(session, seeded, "Pay", gate="Payments", hours_ago=hours_ago)
        pattern = session.get_one(Approval, first)
        for call in range(1, number):
            values = {column.key: getattr(pattern, column.key) for column in Approval.__mapper__.column_attrs}
            moment = clock.now() - timedelta(hours=hours_ago)
            session.add(Approval(**{**values, "id": kit_asks.approval_id_at(moment), "call_id": f"c{call + 1}"}))


def open_alerts(store: Store) -> list[Alert]:
    with store.read() as session:
        return list(session.scalars(select(Alert).where(Alert.resolved_at.is_(None), Alert.kind == "inbox_spike")))


def test_many_requests_of_a_quiet_gate_are_told_once(store: Store) -> None:
    seeded = seed(store)
    asked(store, seeded, NUMBER_MIN - 1)
    assert look(store) == 0
    asked(store, seeded, 3)
    assert (look(store), look(store)) == (1, 0)
    (alert,) = open_alerts(store)
    assert alert.occurrences == 1
    assert "The gate Payments of Supplier mail asked people 22 times within an hour" in alert.text


def test_a_gate_that_asks_as_often_as_always_is_no_spike(store: Store) -> None:
    seeded = seed(store)
    asked(store, seeded, 24)
    # 840 in the week before are 5 in an hour: 24 are not five times as many.
    asked(store, seeded, 840, hours_ago=40)
    with store.read() as session:
        assert list(spikes(session)) == []
    assert look(store) == 0


def test_it_is_resolved_when_the_gate_is_quiet_again(store: Store) -> None:
    seeded = seed(store)
    asked(store, seeded, 30)
    assert look(store) == 1
    with store.write() as session:
        session.execute(delete(ApprovalRecipient))
        session.execute(delete(Approval))
    assert look(store) == 0
    assert open_alerts(store) == []
