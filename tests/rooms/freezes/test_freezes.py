"""Ordering and lifting a freeze."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.freezes.actions import lift_freeze, order_freeze
from signoff.freezes.queries import active_freezes, freeze_on, freezes_page
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.record import audit
from signoff.tables.session import Store
from tests.rooms.kit_workspace import make_rows


def test_a_freeze_stands_until_it_is_lifted(store: Store) -> None:
    rows = make_rows(store)
    alice, bob = rows.member(), rows.member("manager", "Bob")
    with store.write() as session:
        freeze_id = order_freeze(session, alice, scope="agent", target_id=rows.agent_id, reason=" wrong prices ")
        with pytest.raises(NotNow, match="Alice: wrong prices"):
            order_freeze(session, bob, scope="agent", target_id=rows.agent_id, reason="again")
    with store.write() as session:
        (freeze,) = active_freezes(session, bob)
        assert (freeze.id, freeze.reason, freeze.ordered_by_name) == (freeze_id, "wrong prices", "Alice")
        lift_freeze(session, bob, freeze_id)
        with pytest.raises(NotNow, match="Bob"):
            lift_freeze(session, alice, freeze_id)
        assert active_freezes(session, alice) == []
        assert freezes_page(session, alice).rows[0].lifted_by_name == "Bob"
        # What was lifted may be frozen again.
        order_freeze(session, bob, scope="agent", target_id=rows.agent_id, reason="again")
        assert audit.verify(session, rows.workspace_id) == audit.Verdict(3)


@pytest.mark.parametrize("scope", ["agent", "connection", "workspace"])
def test_what_a_freeze_reaches(store: Store, scope: Any) -> None:
    rows, others = make_rows(store), make_rows(store)
    target = {"agent": rows.agent_id, "connection": rows.connection_id, "workspace": None}[scope]
    with store.write() as session:
        order_freeze(session, rows.member(), scope=scope, target_id=target, reason="stop")

        def stops(agent: str, connection: str | None, workspace: str = rows.workspace_id) -> bool:
            return freeze_on(session, workspace_id=workspace, agent_id=agent, connection_id=connection) is not None

        assert stops(rows.agent_id, rows.connection_id)
        assert stops("agt_other", rows.connection_id) is (scope != "agent")
        assert stops(rows.agent_id, "con_other") is (scope != "connection")
        assert stops("agt_other", None) is (scope == "workspace")
        assert not stops(others.agent_id, others.connection_id, others.workspace_id)


def test_who_may_order_one_and_for_what(store: Store) -> None:
    rows, others = make_rows(store), make_rows(store)
    good: dict[str, Any] = {"scope": "agent", "target_id": rows.agent_id, "reason": "stop"}
    with store.write() as session:
        with pytest.raises(NotAllowed):
            order_freeze(session, rows.member("builder"), **good)
        for bad in ({"target_id": others.agent_id}, {"target_id": rows.connection_id}, {"target_id": None}):
            with pytest.raises(NotFound):
                order_freeze(session, rows.member(), **{**good, **bad})
        for bad in ({"reason": "  "}, {"reason": "x" * 3_000}, {"scope": "everything"}):
            with pytest.raises(Malformed):
                order_freeze(session, rows.member(), **{**good, **bad})
        freeze_id = order_freeze(session, rows.member(), **good)
        with pytest.raises(NotFound):
            lift_freeze(session, others.member(), freeze_id)
        assert active_freezes(session, others.member()) == []


def test_pages_go_on_where_the_last_one_ended(store: Store) -> None:
    rows = make_rows(store)
    alice = rows.member()
    with store.write() as session:
        made: list[str] = []
        for number in range(5):
            made.append(order_freeze(session, alice, scope="workspace", reason=str(number)))
            lift_freeze(session, alice, made[-1])
        seen: list[str] = []
        cursor = None
        while True:
            page = freezes_page(session, alice, cursor=cursor, size=2)
            seen += [freeze.id for freeze in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == sorted(made, reverse=True)
