"""A draft as it is at this moment, kept to be tried: a revision without a number of its own.

It is an agent's content under the negative of the draft's version, and no list of revisions shows it. It cannot be
named, and so never serves: whoever wants that freezes the draft.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.actions.revisions import refuse_errors
from signoff.agents.body import Body
from signoff.agents.facts import gather
from signoff.agents.lint import lint
from signoff.kit import clock, ids
from signoff.people.access import Principal
from signoff.tables.agents import Agent, Draft, Revision


def snapshot_draft(session: Session, principal: Principal, agent: Agent) -> Revision:
    """Return what an agent's draft is now, as a row that never changes; of one version there is one. The caller has the
    agent's lock, and the right to try it.

    Raises:
        LintFailed: the draft has errors; all of them are in `extra["findings"]`.
    """
    draft = session.get_one(Draft, agent.id, populate_existing=True)
    there = session.scalar(select(Revision).where(Revision.agent_id == agent.id, Revision.number == -draft.version))
    if there is not None:
        return there
    known = gather(session, principal, draft.body, agent=agent.id)
    refuse_errors(lint(draft.body, facts=replace(known, own_agent=agent.slug)))
    body = Body.model_validate(draft.body)
    made = Revision(
        id=ids.new_id("rev"), workspace_id=agent.workspace_id, agent_id=agent.id, number=-draft.version,
        hash=body.hash, body=body.plain(), author_id=draft.updated_by, author_name=draft.updated_by_name,
        drafted_by=draft.updated_by, reason=f"Version {draft.version} of the draft, to be tried.",
        created_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made
