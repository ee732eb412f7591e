"""Prepared statements give and take what SQLAlchemy's own do, and fail as they do."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from signoff.kit import clock
from signoff.tables.limits import SpendCounter
from signoff.tables.people import Workspace
from signoff.tables.prepared import Prepared
from signoff.tables.record import OutboxMessage
from signoff.tables.session import Store, through_outage

WORKSPACE = {"id": "ws_a", "slug": "a", "name": "a", "time_zone": "UTC", "created_at": clock.now()}


def message(number: int, **changes: object) -> dict[str, object]:
    moment = clock.now()
    given = {"id": f"out_{number}", "workspace_id": "ws_a", "kind": "k", "payload": {"a": [1, None, "ü"]}}
    return {**given, "created_at": moment, "due_at": moment, "attempts": 0, **changes}


@pytest.fixture
def filled(store: Store) -> Store:
    with store.write() as session:
        session.add(Workspace(**WORKSPACE))
    return store


def test_what_goes_in_comes_out(filled: Store) -> None:
    add = Prepared(insert(OutboxMessage.__table__))  # pyright: ignore[reportArgumentType]
    read = Prepared(
        select(OutboxMessage.payload, OutboxMessage.due_at, OutboxMessage.done_at, OutboxMessage.attempts)
        .where(OutboxMessage.id == bindparam("of_id"))
    )  # fmt: skip
    given = message(1, due_at=clock.now() + timedelta(hours=1))
    with filled.write() as session:
        assert add.run(session, given) == 1
        add.run_many(session, [message(2), message(3)])
    with filled.read() as session:
        row = read.first(session, {"of_id": "out_1"})
        assert (row.payload, row.due_at, row.done_at, row.attempts) == (given["payload"], given["due_at"], None, 0)
        assert read.one(session, {"of_id": "out_3"}).payload == given["payload"]
        assert read.first(session, {"of_id": "out_9"}) is None
        with pytest.raises(LookupError):
            read.one(session, {"of_id": "out_9"})


def test_money_is_exact_and_rows_are_counted(filled: Store) -> None:
    more = Prepared(
        update(SpendCounter)
        .where(SpendCounter.workspace_id == bindparam("of_workspace"))
        .values(held_usd=SpendCounter.held_usd + bindparam("more", type_=SpendCounter.held_usd.type))
        .returning(SpendCounter.pot, SpendCounter.held_usd)
    )
    with filled.write() as session:
        for pot in ("a", "b"):
            session.add(SpendCounter(pot=pot, workspace_id="ws_a", spent_usd=Decimal(0), held_usd=Decimal("0.1")))
        session.flush()
        found = more.all(session, {"of_workspace": "ws_a", "more": Decimal("0.2")})
    assert sorted((row.pot, row.held_usd) for row in found) == [("a", Decimal("0.3")), ("b", Decimal("0.3"))]


def test_nothing_of_a_transaction_that_fails_is_kept(filled: Store) -> None:
    add = Prepared(insert(OutboxMessage.__table__))  # pyright: ignore[reportArgumentType]

    def twice() -> None:
        with filled.write() as session:
            add.run(session, message(1))
            add.run(session, message(1))

    with pytest.raises(IntegrityError):
        twice()
    with filled.read() as session:
        assert session.get(OutboxMessage, "out_1") is None


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_an_outage_looks_as_it_does_elsewhere(filled: Store) -> None:
    read = Prepared(select(Workspace.slug).where(Workspace.id == bindparam("of_id")))
    breaks = iter((True, False))

    def once_cut_off() -> str:
        with filled.write() as session:
            if next(breaks):
                number = session.scalar(text("select pg_backend_pid()"))
                with filled.read() as other:
                    other.execute(text("select pg_terminate_backend(:number)"), {"number": number})
            return read.scalar(session, {"of_id": "ws_a"})

    # It is known for an outage, so the whole transaction is tried again.
    assert through_outage(once_cut_off) == "a"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_what_cannot_be_prepared_is_refused(filled: Store) -> None:
    several = Prepared(select(Workspace.slug).where(Workspace.id.in_(["ws_a", "ws_b"])))
    with filled.read() as session, pytest.raises(TypeError, match="cannot be prepared"):
        several.all(session, {})
