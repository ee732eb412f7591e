"""Moving the memory of an agent to another scope: counted first, then done in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, insert, select, update
from sqlalchemy.orm import Session

from signoff.agents.limits import checked_reason
from signoff.agents.lookup import agent_for
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotNow
from signoff.memories.actions.scope import lock_memory
from signoff.memories.actions.writing import count, erase
from signoff.memories.facts import MigrationPreview
from signoff.memories.places import fixed_scope
from signoff.memories.refusals import MemoryOff
from signoff.memories.rights import owners_of
from signoff.memories.states import EVERYBODY, FATES_TO, Fate, Scope
from signoff.people.access import Place, Principal, authorize
from signoff.record import audit
from signoff.tables.agents import Agent
from signoff.tables.memory import AgentMemory, MemoryEntry, MemoryVersion
from signoff.tables.people import Environment, Member
from signoff.tables.runs import Run

_entries = cast("Table", MemoryEntry.__table__)
_versions = cast("Table", MemoryVersion.__table__)
COPIES_MAX = 100_000
_PIECE = 500


def migration_preview(
    session: Session, principal: Principal, agent: str, *, to: Scope, entries: Fate
) -> MigrationPreview:
    """Return what a migration would do. Nothing is changed.

    Raises:
        MemoryOff: no scope is fixed yet, so there is nothing to move: another revision simply says another one.
        NotNow: it has this scope already.
        Malformed: that cannot become of the entries in this direction.
        NotAllowed: it takes whoever may edit and deploy the agent.
    """
    return _planned(session, _authorized(session, principal, agent), to, entries)[0]


def migrate_memory(
    session: Session, principal: Principal, agent: str, *, to: Scope, entries: Fate, reason: str
) -> MigrationPreview:
    """Move the memory of an agent to another scope; return what was done.

    Until a revision of the new scope is live in production, the runs there have no memory. Raises: as the preview, and
    `memory_too_large` where it would make too many copies.
    """
    reason = checked_reason(reason)
    found = _authorized(session, principal, agent)
    lock_memory(session, agent_id=found.id, workspace_id=found.workspace_id)
    plan, people = _planned(session, found, to, entries)
    if plan.copies_made > COPIES_MAX:
        raise NotNow(
            f"That would make {plan.copies_made:,} copies; at most {COPIES_MAX:,} are made. Erase entries first.",
            code="memory_too_large",
        )
    everything = MemoryEntry.agent_id == found.id
    if entries == "keep_as_shared":
        session.execute(
            update(MemoryEntry)
            .where(everything, MemoryEntry.erased_at.is_(None))
            .values(member_id=EVERYBODY)
            .execution_options(synchronize_session=False)
        )
    else:
        if entries == "copy_to_each":
            _copy(session, found, people)
        erase(session, principal.actor, everything, _of_before(plan.from_scope))
    session.execute(
        update(AgentMemory)
        .where(AgentMemory.agent_id == found.id)
        .values(scope=to, fixed_at=clock.now(), fixed_by=principal.id, fixed_by_name=principal.name[:200])
        .execution_options(synchronize_session=False)
    )
    audit.write(
        session, workspace_id=found.workspace_id, actor=principal.actor, action="memory.migrated",
        object_kind="agent", object_id=found.id, detail={**asdict(plan), "reason": reason},
    )  # fmt: skip
    return plan


def _authorized(session: Session, principal: Principal, agent: str) -> Agent:
    """Return the agent, which the caller may edit and make live wherever production is."""
    found = agent_for(session, principal, agent, "agent.edit")
    authorize(principal, "agent.deploy", owners=owners_of(found), agent_id=found.id)
    wanted = select(Environment).where(
        Environment.workspace_id == found.workspace_id, Environment.is_production.is_(True)
    )
    for place in session.scalars(wanted):
        where = Place(place.id, place.name, place.is_deploy_restricted)
        authorize(principal, "agent.deploy", owners=owners_of(found), agent_id=found.id, place=where)
    return found


def _planned(session: Session, agent: Agent, to: Scope, entries: Fate) -> tuple[MigrationPreview, Sequence[str]]:
    before = fixed_scope(session, agent.id)
    if before is None:
        raise MemoryOff(
            f"{agent.slug} has not run in production with memory yet, so no scope is fixed. Say another one in the "
            "draft and freeze it."
        )
    if before == to:
        raise NotNow(f"The memory of {agent.slug} has the scope {to} already. Nothing was changed.", code="no_change")
    if entries not in FATES_TO[to]:
        raise Malformed(
            f"Memory that becomes {to} takes {' or '.join(FATES_TO[to])} for its entries.",
            errors={"entries": [f"one of {', '.join(FATES_TO[to])}"]},
        )
    live = MemoryEntry.erased_at.is_(None)
    now = count(session, MemoryEntry.agent_id == agent.id, _of_before(before), live)
    people: Sequence[str] = _people(session, agent) if entries == "copy_to_each" else ()
    kept = now if entries == "keep_as_shared" else 0
    return MigrationPreview(
        agent_id=agent.id, from_scope=before, to=to, entries=entries, entries_now=now, entries_kept=kept,
        copies_made=now * len(people), entries_erased=now - kept, people=len(people),
    ), people  # fmt: skip


def _of_before(scope: Scope) -> ColumnElement[bool]:
    return MemoryEntry.member_id == EVERYBODY if scope == "shared" else MemoryEntry.member_id != EVERYBODY


def _people(session: Session, agent: Agent) -> Sequence[str]:
    """Return the active members who have run the agent: to each of them the shared entries were shown."""
    ran = select(Run.requested_by).where(Run.agent_id == agent.id).distinct()
    wanted = select(Member.id).where(
        Member.workspace_id == agent.workspace_id, Member.state == "active", Member.id.in_(ran)
    )
    return session.scalars(wanted.order_by(Member.id)).all()


def _copy(session: Session, agent: Agent, people: Sequence[str]) -> None:
    """Give each of `people` a copy of every shared entry as it reads now, with where it came from."""
    shared = select(MemoryEntry).where(
        MemoryEntry.agent_id == agent.id, MemoryEntry.member_id == EVERYBODY, MemoryEntry.erased_at.is_(None)
    )
    moment = clock.now()
    columns = list(_entries.c.keys())
    for row in session.scalars(shared.order_by(MemoryEntry.id)).all():
        plain = {name: getattr(row, name) for name in columns}
        for start in range(0, len(people), _PIECE):
            piece = people[start : start + _PIECE]
            copies = [
                {**plain, "id": ids.new_id("mmy"), "member_id": one, "version": 1, "changed_at": moment}
                for one in piece
            ]
            session.execute(insert(_entries), copies)
            session.execute(insert(_versions), [_first_version(copy) for copy in copies])


def _first_version(copy: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "entry_id": copy["id"], "number": 1, "workspace_id": copy["workspace_id"], "text": copy["text"],
        "label": copy["label"], "source": copy["source"], "by": copy["written_by"],
        "by_name": copy["written_by_name"], "run_id": copy["run_id"], "at": copy["changed_at"],
    }  # fmt: skip
