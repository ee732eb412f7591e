"""Whose memory it is stays as it is once production has run; moving it is counted first and done at once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from signoff.agents.actions import freeze_revision, save_draft
from signoff.agents.rules import Memory
from signoff.kit.errors import Malformed, NotAllowed, NotNow
from signoff.memories.actions import fix_scope, migrate_memory
from signoff.memories.actions.migrate import migration_preview
from signoff.memories.queries import entries_page, entry, memory_state
from signoff.memories.refusals import MemoryOff, MemoryScopeFixed
from signoff.people.access import Principal
from signoff.record.actor import Actor
from signoff.releases.actions import make_live
from signoff.tables.people import Environment
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import body
from tests.rooms.memories.kit_memories import Desk, desk

RUN = Actor("run", "run_x", "supplier-mail, revision 1")


def fixed(at: Desk, scope: Any) -> None:
    with at.store.write() as session:
        fix_scope(session, Memory(scope=scope), agent_id=at.agent_id, workspace_id=at.at.workspace_id, by=RUN)


def second(at: Desk, **changes: Any) -> None:
    """Freeze revision 2."""
    with at.store.write() as session:
        save_draft(session, at.ann, at.agent_id, body=body(sop="Edit.", **changes), version=1)
        freeze_revision(session, at.ann, at.agent_id, reason="second")


def live(at: Desk, environment: str = "production") -> None:
    with at.store.write() as session:
        make_live(session, at.ann, at.agent_id, environment=environment, revision=2, reason="try")


def moved(at: Desk, who: Principal, to: Any, entries: Any, reason: str = "one desk now") -> Any:
    with at.store.write() as session:
        return migrate_memory(session, who, at.agent_id, to=to, entries=entries, reason=reason)


def seen(at: Desk, who: Principal) -> set[str]:
    with at.store.read() as session:
        rows = entries_page(session, who, at.agent_id).rows
        return {one.text for one in rows if one.member_id in (None, who.id)}


def test_before_production_has_run_another_scope_may_go_live(store: Store):
    at = desk(store)
    second(at, memory={"scope": "shared"})
    live(at)
    with store.read() as session:
        assert memory_state(session, at.ann, at.agent_id).scope is None


def test_the_first_production_run_fixes_the_scope_and_no_later_one_changes_it(store: Store):
    at = desk(store)
    fixed(at, "person")
    fixed(at, "shared")
    with store.read() as session:
        state = memory_state(session, at.ann, at.agent_id)
        told = session.scalars(select(AuditRow).where(AuditRow.action == "memory.scope_fixed")).all()
    assert (state.scope, state.fixed_by_name) == ("person", "supplier-mail, revision 1")
    assert [row.detail for row in told] == [{"scope": "person"}]


def test_another_scope_does_not_go_live_in_production_and_the_refusal_names_the_migration(store: Store):
    at = desk(store)
    fixed(at, "person")
    second(at, memory={"scope": "shared"})
    with pytest.raises(MemoryScopeFixed) as refused:
        live(at)
    assert refused.value.code == "memory_scope_fixed"
    assert "migrate_memory" in refused.value.detail
    assert refused.value.extra == {"scope": "person", "wanted": "shared"}
    # To try it elsewhere first is no harm: each environment has its own memory.
    live(at, "staging")


def test_switching_memory_off_is_no_change_of_scope(store: Store):
    at = desk(store)
    fixed(at, "person")
    second(at)
    live(at)
    with store.read() as session:
        assert memory_state(session, at.ann, at.agent_id).scope == "person"


def test_to_shared_keeps_every_entry_with_where_it_came_from_and_everybody_reads_it(store: Store):
    at = desk(store)
    fixed(at, "person")
    bob = at.member("Bob")
    one = at.wrote(bob, "Bob's fact.")
    at.wrote(at.ann, "Ann's fact.")
    with store.read() as session:
        plan = migration_preview(session, at.ann, at.agent_id, to="shared", entries="keep_as_shared")
        assert (plan.entries_now, plan.entries_kept, plan.entries_erased) == (2, 2, 0)
    assert seen(at, bob) == {"Bob's fact."}
    assert moved(at, at.ann, "shared", "keep_as_shared") == plan
    assert seen(at, bob) == {"Bob's fact.", "Ann's fact."}
    with store.read() as session:
        kept = entry(session, bob, at.agent_id, one).entry
        (row,) = session.scalars(select(AuditRow).where(AuditRow.action == "memory.migrated"))
    assert (kept.id, kept.label, kept.source) == (one, "untrusted", "agent")
    assert row.detail["entries_kept"] == 2
    assert (row.detail["from_scope"], row.detail["to"], row.detail["reason"]) == ("person", "shared", "one desk now")
    second(at, memory={"scope": "shared"})
    live(at)


def test_to_each_person_copies_to_the_members_who_have_run_it(store: Store):
    at = desk(store, "shared")
    fixed(at, "shared")
    bob, cid = at.member("Bob"), at.member("Cid")
    at.wrote(None, "For all.")
    with store.write() as session:
        at.run(session, bob)
    with store.read() as session:
        plan = migration_preview(session, at.ann, at.agent_id, to="person", entries="copy_to_each")
    # Ann and Bob have run it, Cid has not.
    assert (plan.people, plan.copies_made, plan.entries_erased) == (2, 2, 1)
    assert moved(at, at.ann, "person", "copy_to_each") == plan
    assert (seen(at, at.ann), seen(at, bob), seen(at, cid)) == ({"For all."}, {"For all."}, set())
    with store.read() as session:
        (mine,) = entries_page(session, bob, at.agent_id).rows
        shown = entry(session, bob, at.agent_id, mine.id)
    assert shown.entry.run_id is not None
    assert [(v.number, v.text) for v in shown.versions] == [(1, "For all.")]


def test_erasing_leaves_nothing_of_the_scope_before(store: Store):
    at = desk(store)
    fixed(at, "person")
    at.wrote(at.ann, "Gone soon.")
    plan = moved(at, at.ann, "shared", "erase")
    assert (plan.entries_erased, plan.entries_kept) == (1, 0)
    assert seen(at, at.ann) == set()


def test_moving_takes_whoever_may_edit_and_deploy_wherever_production_is(store: Store):
    at = desk(store)
    fixed(at, "person")
    for who in (at.member("Bob", "builder"), at.member("Vic", "viewer")):
        with pytest.raises(NotAllowed):
            moved(at, who, "shared", "erase")
    max_ = at.member("Max", "manager")
    with store.write() as session:
        session.get_one(Environment, at.at.environments["production"]).is_deploy_restricted = True
    with pytest.raises(NotAllowed):
        moved(at, max_, "shared", "erase")
    with store.write() as session:
        session.get_one(Environment, at.at.environments["production"]).is_deploy_restricted = False
    assert moved(at, max_, "shared", "erase").to == "shared"


def test_what_makes_no_sense_is_refused_and_changes_nothing(store: Store):
    at = desk(store)
    with pytest.raises(MemoryOff):
        moved(at, at.ann, "shared", "keep_as_shared")
    fixed(at, "person")
    at.wrote(at.ann, "Stays.")
    with pytest.raises(NotNow):
        moved(at, at.ann, "person", "erase")
    with pytest.raises(Malformed):
        moved(at, at.ann, "shared", "copy_to_each")
    with pytest.raises(Malformed):
        moved(at, at.ann, "shared", "erase", reason=" ")
    assert seen(at, at.ann) == {"Stays."}
