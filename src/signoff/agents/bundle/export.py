"""What is stored, as files say it. Secrets are names; connections are slots; no value ever leaves."""

from __future__ import annotations

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from signoff.agents.bundle.files import AgentFile
from signoff.agents.bundle.seats import seats_held
from signoff.agents.queries import agent_by_slug, agents_page
from signoff.agents.views import AgentFacts
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal
from signoff.tables.agents import Agent, Revision


def export(session: Session, viewer: Principal, *, agent: str | None = None) -> list[AgentFile]:
    """Return each agent (or the one named) at its newest revision, by slug. One never frozen has nothing to export.

    Raises:
        NotFound: there is no agent of this name.
    """
    if agent is not None:
        return [file for facts in (agent_by_slug(session, viewer, agent),) for file in _files(session, viewer, [facts])]
    found: list[AgentFile] = []
    cursor: str | None = None
    while True:
        page = agents_page(session, viewer, cursor=cursor, size=PAGE_SIZE_MAX)
        found += _files(session, viewer, list(page.rows))
        cursor = page.next_cursor
        if cursor is None:
            return sorted(found, key=lambda file: file.slug)


def _files(session: Session, viewer: Principal, agents: list[AgentFacts]) -> list[AgentFile]:
    newest = select(Revision.agent_id, Revision.body).join(
        Agent, and_(Agent.id == Revision.agent_id, Agent.last_revision == Revision.number)
    )
    rows = session.execute(newest.where(Agent.id.in_([facts.id for facts in agents])))
    bodies = {row.agent_id: row.body for row in rows}
    held = seats_held(session, viewer.workspace_id, [facts.id for facts in agents])
    return [
        AgentFile(
            slug=facts.slug,
            name=facts.name,
            description=facts.description,
            owner=facts.owner.email if facts.owner else None,
            operations_owner=next(iter(held.get(facts.id, {}).get("operations", ())), None),
            approvers=tuple(held.get(facts.id, {}).get("approver", ())) or None,
            backup=facts.backup.email if facts.backup else None,
            escalation_manager=next(iter(held.get(facts.id, {}).get("escalation", ())), None),
            tags=facts.tags,
            body=bodies[facts.id],
        )
        for facts in agents
        if facts.id in bodies
    ]
