"""The reads of memory."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.kit.errors import NotFound
from signoff.kit.paging import Page
from signoff.memories.actions.writing import at, count
from signoff.memories.facts import EntryDetail, EntryFacts, Found, MemoryState, VersionFacts
from signoff.memories.places import Place
from signoff.memories.rights import may_change, readable
from signoff.memories.states import EVERYBODY, Scope
from signoff.people.access import Principal
from signoff.tables.agents import Agent
from signoff.tables.keyset import newest_first
from signoff.tables.memory import AgentMemory, MemoryEntry, MemoryVersion
from signoff.tables.people import Environment, Member, Person

FOUND_MAX = 50
_WORDS_MAX = 12
_VERSIONS_MAX = 100


def entries_page(
    session: Session,
    viewer: Principal,
    agent: str,
    *,
    q: str = "",
    environment: str | None = None,
    member: str | None = None,
    is_flagged: bool | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[EntryFacts]:
    """Return one page of what an agent keeps and this viewer may read, newest first.

    Args:
        q: words that all stand in the text.
        member: a member's entries; `shared` for what everybody shares.
        is_flagged: only what reads like a rule and nobody has looked at, or only the rest.
    """
    found = agent_for(session, viewer, agent, "agent.read")
    wanted = _entries().where(*readable(viewer, found), *_with(q))
    if environment:
        wanted = wanted.where(Environment.slug == environment)
    if member:
        wanted = wanted.where(MemoryEntry.member_id == (EVERYBODY if member == "shared" else member))
    if is_flagged is not None:
        flagged = (MemoryEntry.flag != "") & MemoryEntry.reviewed_at.is_(None)
        wanted = wanted.where(flagged if is_flagged else ~flagged)
    page = newest_first(session, wanted, MemoryEntry.id, cursor=cursor, size=size)
    return Page([_facts(viewer, found, row) for row in page.rows], page.next_cursor, page.previous_cursor)


def entry(session: Session, viewer: Principal, agent: str, entry_id: str) -> EntryDetail:
    """Return one entry with its versions.

    Raises:
        NotFound: there is none that this viewer may read.
    """
    found = agent_for(session, viewer, agent, "agent.read")
    row = session.execute(_entries().where(MemoryEntry.id == entry_id, *readable(viewer, found))).one_or_none()
    if row is None:
        raise NotFound("There is no such entry in the memory of this agent.")
    versions = session.scalars(
        select(MemoryVersion)
        .where(MemoryVersion.entry_id == entry_id)
        .order_by(MemoryVersion.number.desc())
        .limit(_VERSIONS_MAX)
    )
    return EntryDetail(_facts(viewer, found, row), [_version(one) for one in versions])


def memory_state(session: Session, viewer: Principal, agent: str) -> MemoryState:
    """Return whether the scope of an agent's memory is fixed, since when and by whom."""
    found = agent_for(session, viewer, agent, "agent.read")
    row = session.get(AgentMemory, found.id)
    if row is None:
        return MemoryState(found.id, None, None, None)
    return MemoryState(found.id, cast("Scope | None", row.scope), row.fixed_at, row.fixed_by_name)


def flagged_count(session: Session, viewer: Principal, agent: str) -> int:
    """Return how many entries read like a rule and were not looked at."""
    found = agent_for(session, viewer, agent, "agent.read")
    return count(session, *readable(viewer, found), MemoryEntry.flag != "", MemoryEntry.reviewed_at.is_(None))


def recalled(session: Session, place: Place, query: str, limit: int) -> tuple[list[Found], bool]:
    """Return the newest entries of one memory that hold every word of `query`, and whether there are more."""
    most = max(1, min(limit, FOUND_MAX))
    rows = session.scalars(
        select(MemoryEntry).where(*at(place), *_with(query)).order_by(MemoryEntry.id.desc()).limit(most + 1)
    ).all()
    found = [
        Found(row.id, row.text, cast("Any", row.label), cast("Any", row.source), row.flag, row.changed_at, row.run_id)
        for row in rows[:most]
    ]
    return found, len(rows) > most


def _with(q: str) -> list[ColumnElement[bool]]:
    words = q.casefold().split()[:_WORDS_MAX]
    return [MemoryEntry.search_text.contains(word[:200], autoescape=True) for word in words]


def _entries() -> Select[MemoryEntry, str, str]:
    return (
        select(MemoryEntry, Environment.slug.label("environment"), Person.name.label("member_name"))
        .join(Environment, Environment.id == MemoryEntry.environment_id)
        .outerjoin(Member, Member.id == MemoryEntry.member_id)
        .outerjoin(Person, Person.id == Member.person_id)
    )


def _facts(viewer: Principal, agent: Agent, found: Row[MemoryEntry, str, str]) -> EntryFacts:
    row: MemoryEntry = found[0]
    return EntryFacts(
        id=row.id, agent_id=row.agent_id, environment_id=row.environment_id, environment=found.environment,
        member_id=row.member_id or None, member_name=found.member_name, text=row.text,
        label=cast("Any", row.label), source=cast("Any", row.source), flag=row.flag, reviewed_at=row.reviewed_at,
        reviewed_by_name=row.reviewed_by_name, version=row.version, run_id=row.run_id, step_key=row.step_key,
        revision_id=row.revision_id, revision_number=row.revision_number, written_by_name=row.written_by_name,
        created_at=row.created_at, changed_at=row.changed_at, can_edit=may_change(viewer, agent, row.member_id),
    )  # fmt: skip


def _version(row: MemoryVersion) -> VersionFacts:
    return VersionFacts(
        row.number, row.text, cast("Any", row.label), cast("Any", row.source), row.by_name, row.run_id, row.at
    )
