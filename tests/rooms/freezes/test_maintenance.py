"""Maintenance of the whole installation: who ordered it, how it ends, and that every workspace's audit says so."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from signoff.freezes.maintenance import MaintenanceFacts, begin, end, standing
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotNow
from signoff.people.actions import found_workspace
from signoff.record.actor import Actor
from signoff.tables.installation import Maintenance
from signoff.tables.record import AuditRow
from signoff.tables.session import Store

BY = Actor("system", "system", "operator ann")


def test_it_stands_until_it_is_ended_and_every_workspace_has_it_in_its_audit(store: Store) -> None:
    with store.write() as session:
        for slug in ("acme", "other"):
            found_workspace(session, slug=slug, name=slug, owner_email=f"a@{slug}.example", owner_name="Ann")
    with store.write() as session:
        begin(session, BY, reason="A new disk.")
    with store.read() as session:
        found = standing(session)
    assert found is not None
    assert (found.reason, found.ordered_by_name, found.until) == ("A new disk.", "operator ann", None)
    assert "A new disk. Everything can be read" in found.sentence
    with store.write() as session, pytest.raises(NotNow, match="operator ann"):
        begin(session, BY, reason="Once more.")
    with store.write() as session:
        end(session, BY)
    with store.read() as session:
        assert standing(session) is None
        rows = session.execute(select(AuditRow.workspace_id, AuditRow.action).where(AuditRow.action.like("mainten%")))
        told = [(workspace, action) for workspace, action in rows]
    assert len({workspace for workspace, _ in told}) == 2
    assert sorted(action for _, action in told) == ["maintenance.begun"] * 2 + ["maintenance.ended"] * 2
    with store.write() as session, pytest.raises(NotNow, match="no maintenance"):
        end(session, BY)


def test_it_ends_by_itself_when_its_time_is_over(store: Store) -> None:
    with store.write() as session:
        begin(session, BY, reason="Short.", minutes=5)
    with store.write() as session:
        session.execute(update(Maintenance).values(until=clock.now() - timedelta(seconds=1)))
    with store.read() as session:
        assert standing(session) is None
    with store.write() as session, pytest.raises(NotNow):
        end(session, BY)
    with store.write() as session:
        begin(session, BY, reason="Again.")
    with store.read() as session:
        rows = session.scalars(select(Maintenance).order_by(Maintenance.id)).all()
    assert [(row.reason, row.open_key) for row in rows] == [("Short.", None), ("Again.", "on")]
    assert rows[0].ended_at == rows[0].until


@pytest.mark.parametrize(("reason", "minutes"), [("", None), (" ", 5), ("x" * 501, None), ("A", 0), ("A", 99_999)])
def test_it_needs_a_reason_and_an_honest_time(store: Store, reason: str, minutes: int | None) -> None:
    with store.write() as session, pytest.raises(Malformed):
        begin(session, BY, reason=reason, minutes=minutes)
    with store.read() as session:
        assert standing(session) is None


def test_of_two_who_begin_it_at_once_one_is_told_so(store: Store) -> None:
    told: list[str] = []
    ready = threading.Barrier(2)

    def order() -> None:
        try:
            with store.write() as session:
                if not store.is_sqlite:  # There the second one waits for the first before it looks.
                    standing(session)
                    ready.wait(20)
                begin(session, BY, reason="Mine.")
            told.append("begun")
        except NotNow as refusal:
            told.append(refusal.code)

    threads = [threading.Thread(target=order) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["begun", "not_now"]


def test_who_is_refused_is_told_when_to_come_back() -> None:
    moment = clock.now()
    whole = MaintenanceFacts("Why", "ann", moment, None)
    assert whole.retry_seconds(moment) == 60
    assert "maintenance: Why. Everything" in whole.sentence
    for seconds, told in ((10, 11), (90_000, 3_600)):
        assert (
            MaintenanceFacts("Why.", "ann", moment, moment + timedelta(seconds=seconds)).retry_seconds(moment) == told
        )
