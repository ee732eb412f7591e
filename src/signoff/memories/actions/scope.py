"""Whose memory it is: fixed by the first production run that has memory, and held ever after."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.rules import Memory
from signoff.kit import clock
from signoff.memories.places import fixed_scope
from signoff.memories.refusals import MemoryScopeFixed
from signoff.record import audit
from signoff.record.actor import Actor
from signoff.tables.memory import AgentMemory
from signoff.tables.upsert import insert_into


def lock_memory(session: Session, *, agent_id: str, workspace_id: str) -> AgentMemory:
    """Return the row of an agent's memory; other writers of it wait, so that limits hold with any number of them."""
    new = (
        insert_into(session, AgentMemory).values(agent_id=agent_id, workspace_id=workspace_id).on_conflict_do_nothing()
    )
    session.execute(new)
    wanted = select(AgentMemory).where(AgentMemory.agent_id == agent_id)
    return session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).one()


def fix_scope(session: Session, memory: Memory, *, agent_id: str, workspace_id: str, by: Actor) -> None:
    """Fix the scope for good, unless it is: a production run is beginning."""
    if fixed_scope(session, agent_id) is not None:
        return
    lock_memory(session, agent_id=agent_id, workspace_id=workspace_id)
    fixed = session.execute(
        update(AgentMemory)
        .where(AgentMemory.agent_id == agent_id, AgentMemory.scope.is_(None))
        .values(scope=memory.scope, fixed_at=clock.now(), fixed_by=by.id, fixed_by_name=by.name)
        .execution_options(synchronize_session=False)
    )
    if cast("Any", fixed).rowcount == 1:
        audit.write(
            session, workspace_id=workspace_id, actor=by, action="memory.scope_fixed", object_kind="agent",
            object_id=agent_id, detail={"scope": memory.scope},
        )  # fmt: skip


def check_scope(session: Session, agent_id: str, slug: str, memory: Memory | None, *, is_production: bool) -> None:
    """Return quietly when a revision may serve: it has no memory, or memory of the scope that is fixed.

    Raises:
        MemoryScopeFixed: production has run with another one.
    """
    if memory is None or not is_production:
        return
    fixed = fixed_scope(session, agent_id)
    if fixed is None or fixed == memory.scope:
        return
    raise MemoryScopeFixed(
        f"{slug} has run in production with memory of the scope {fixed}; this revision says {memory.scope}. "
        "Its entries would be lost, or shown to others. Move them first: Memory of the agent, Move to another scope "
        "(migrate_memory).",
        extra={"scope": fixed, "wanted": memory.scope},
    )
