"""The one switch of an agent: nothing new starts, whatever would start it, until it is resumed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import update
from sqlalchemy.orm import Session

from signoff.agents.actions.noted import note
from signoff.agents.limits import checked_reason
from signoff.agents.lookup import agent_for
from signoff.agents.pauses import pause_of, stands
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotNow
from signoff.people.access import Principal
from signoff.record import outbox
from signoff.record.marks import set_mark
from signoff.tables.stops import AgentPause

RESUMED = "agent.resumed"


def pause_agent(
    session: Session, principal: Principal, agent_id: str, *, reason: str, until: datetime | None = None
) -> str:
    """Let nothing new start of an agent: schedules, triggers, cases, and people's own runs. Returns the pause's id.

    What runs goes on to its end. What is queued stays queued, and starts when the pause is over.

    Raises:
        NotNow: it is paused already, by whom and why.
        Malformed: no reason is given, or `until` is past.
    """
    agent = agent_for(session, principal, agent_id, "agent.disable", lock=True)
    moment = clock.now()
    if until is not None and until <= moment:
        raise Malformed("The end of a pause lies in the future.", errors={"until": ["must be in the future"]})
    words = checked_reason(reason)
    if (standing := pause_of(session, agent.id)) is not None:
        raise NotNow(f"{agent.slug} is paused already. {standing.sentence}", code="already_paused")
    row = AgentPause(
        id=ids.new_id("pau"), workspace_id=agent.workspace_id, agent_id=agent.id, reason=words,
        paused_by=principal.id, paused_by_name=principal.name, paused_at=moment, until=until,
    )  # fmt: skip
    session.add(row)
    session.flush()
    set_mark(session, agent.workspace_id, row.id, moment)
    detail = {"pause": row.id, "reason": words, "until": until.isoformat() if until else None}
    note(session, principal, agent, "agent.paused", detail)
    return row.id


def resume_agent(session: Session, principal: Principal, agent_id: str, *, reason: str = "") -> None:
    """Let an agent start again, also what was queued meanwhile.

    Raises:
        NotNow: it is not paused.
    """
    agent = agent_for(session, principal, agent_id, "agent.disable", lock=True)
    moment = clock.now()
    ended = session.execute(
        update(AgentPause)
        .where(AgentPause.agent_id == agent.id, stands(moment))
        .values(resumed_at=moment, resumed_by_name=principal.name)
        .execution_options(synchronize_session=False)
    )
    if cast("Any", ended).rowcount < 1:
        raise NotNow(f"{agent.slug} is not paused.", code="not_paused")
    note(session, principal, agent, "agent.resumed", {"reason": reason[:500]} if reason else {})
    outbox.send(session, workspace_id=agent.workspace_id, kind=RESUMED, payload={"agent_id": agent.id})
