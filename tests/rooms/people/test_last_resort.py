"""One named administrator may take emergency action on any agent; there always is one."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select

from signoff.kit.errors import NotAllowed, NotFound, NotNow, Refusal
from signoff.people import queries
from signoff.people.access import Principal, can
from signoff.people.actions import add_member, found_workspace, name_last_resort, remove_member, set_role
from signoff.people.roles import ACTIONS, EMERGENCY
from signoff.tables.people import Member
from signoff.tables.record import AuditRow
from signoff.tables.session import Store


@pytest.fixture
def alice(store: Store) -> Principal:
    with store.write() as session:
        made = found_workspace(session, slug="acme", name="Acme", owner_email="alice@example.com", owner_name="Alice")
    return Principal("member", made.member_id, "Alice", made.workspace_id, "owner", person_id=made.person_id)


def add(store: Store, alice: Principal, name: str, role: str) -> str:
    with store.write() as session:
        return add_member(session, alice, email=f"{name}@example.com", name=name, role=role)


def named(store: Store, alice: Principal) -> str | None:
    with store.read() as session:
        return queries.workspace(session, alice).last_resort_id


def test_the_founder_is_named_and_another_administrator_can_be(store: Store, alice: Principal) -> None:
    assert named(store, alice) == alice.id
    bob = add(store, alice, "bob", "administrator")
    with store.write() as session:
        name_last_resort(session, alice, bob)
    assert named(store, alice) == bob
    with store.read() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "workspace.last_resort_named")).one()
    assert (row.object_id, row.detail) == (bob, {"before": alice.id})


def test_who_is_no_administrator_cannot_be_named(store: Store, alice: Principal) -> None:
    carol = add(store, alice, "carol", "manager")
    with pytest.raises(NotNow, match="administrator"), store.write() as session:
        name_last_resort(session, alice, carol)
    with pytest.raises(NotFound), store.write() as session:
        name_last_resort(session, alice, "mem_nobody")
    manager = Principal("member", carol, "Carol", alice.workspace_id, "manager")
    with pytest.raises(NotAllowed), store.write() as session:
        name_last_resort(session, manager, alice.id)


def test_they_can_be_neither_demoted_nor_removed_before_another_is_named(store: Store, alice: Principal) -> None:
    bob = add(store, alice, "bob", "administrator")
    with store.write() as session:
        name_last_resort(session, alice, bob)
    for attempt in (
        lambda session: set_role(session, alice, bob, role="manager"),
        lambda session: remove_member(session, alice, bob),
    ):
        with pytest.raises(NotNow) as refused, store.write() as session:
            attempt(session)
        assert refused.value.code == "last_resort"
    with store.write() as session:
        set_role(session, alice, bob, role="owner")  # Still an administrator, and more.
        name_last_resort(session, alice, alice.id)
        remove_member(session, alice, bob)


def test_naming_and_demoting_at_once_leave_an_administrator_named(store: Store, alice: Principal) -> None:
    bob = add(store, alice, "bob", "administrator")
    told: list[str] = []

    def attempt(work: str) -> None:
        try:
            with store.write() as session:
                if work == "name":
                    name_last_resort(session, alice, bob)
                else:
                    set_role(session, alice, bob, role="viewer")
            told.append(work)
        except Refusal:
            pass

    threads = [threading.Thread(target=attempt, args=(work,)) for work in ("name", "demote")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    with store.read() as session:
        role = session.scalars(select(Member.role).where(Member.id == named(store, alice))).one()
    assert role in ("owner", "administrator")


def test_they_may_act_in_an_emergency_whatever_else_is_said_and_no_more() -> None:
    nothing = Principal("member", "mem_1", "Mei", "ws_1", "administrator", permissions={}, is_last_resort=True)
    allowed = {action for action in ACTIONS if can(nothing, action, owners=("mem_2",), agent_id="agt_1")}
    assert allowed == EMERGENCY
    # What narrows a caller narrows this as well.
    assert not can(replace(nothing, scopes=frozenset({"run.read"})), "run.cancel", owners=("mem_2",))
    assert not can(replace(nothing, is_last_resort=False), "run.cancel", owners=("mem_2",))
