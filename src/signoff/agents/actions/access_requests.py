"""Asking for a role, or for a level on one agent; and what whoever may give it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from signoff.agents.actions.grants import give_grant
from signoff.agents.lookup import agent_for
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.kit.text import shortened, storable
from signoff.people.access import Principal, authorize
from signoff.people.actions.members import set_role
from signoff.people.custom_roles import is_built_in
from signoff.people.levels import LEVELS
from signoff.record import audit
from signoff.record.alarms import ask_for_alert, ask_to_resolve
from signoff.tables.agents import Agent, AgentGrant
from signoff.tables.ownership import AccessRequest
from signoff.tables.people import CustomRole, Member

REASON_CHARS = 1_000
# Open at once by one member: more is no request any more.
OPEN_MAX = 20


def ask_access(
    session: Session,
    principal: Principal,
    *,
    reason: str,
    role: str | None = None,
    agent: str | None = None,
    level: str | None = None,
) -> str:
    """Ask for a role, or for a level on one agent; return the request's id. Whoever may give it is told.

    Raises:
        Malformed: it is neither one thing nor the other, there is no such role or level, or no reason is given.
        NotNow: the caller is no member but a key, has it already, has asked already, or asks for too much at once.
    """
    if principal.kind != "member":
        raise NotNow("Only a member asks for access. Ask as yourself, signed in.", code="not_a_member")
    authorize(principal, "workspace.read")
    why = _reason(reason)
    row, what = _wish(session, principal, role, agent, level)
    _keep_few(session, principal)
    key = f"{principal.id}:{what}"
    if session.scalar(select(AccessRequest.id).where(AccessRequest.open_key == key)) is not None:
        raise NotNow("You have asked for this already. Withdraw the request to ask anew.", code="asked_already")
    made = AccessRequest(
        id=ids.new_id("acr"), workspace_id=principal.workspace_id, member_id=principal.id, open_key=key, role=role,
        agent_id=row.id if row else None, level=level, reason=why, state="asked", asked_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    _note(session, principal, made, "access.requested", {"reason": why})
    what_for = f"the level {level} on {row.name or row.slug}" if row else f"the role {role}"
    ask_for_alert(
        session,
        principal.workspace_id,
        key=_alert_key(made.id),
        kind="access_requested",
        text=f"{principal.name} asks for {what_for}: {why} Decide it under Settings, Members, Requests.",
        agent_id=row.id if row else None,
    )
    return made.id


def approve_access(session: Session, principal: Principal, request_id: str) -> None:
    """Give exactly what was asked for.

    Raises:
        NotFound: there is no such request for the caller.
        NotAllowed: the caller could not give it, or is who asked.
        NotNow: it is decided already, or what it asks for does not exist any more.
    """
    row = _to_decide(session, principal, request_id)
    _decide(session, principal, row, "approved", "")
    if row.agent_id is not None:
        _give_level(session, principal, row)
    else:
        # Approving a role is giving it: the same right, the same rules.
        set_role(session, principal, row.member_id, role=row.role or "")
    _note(session, principal, row, "access.approved", {})


def refuse_access(session: Session, principal: Principal, request_id: str, *, reason: str) -> None:
    """Say no, and why.

    Raises:
        NotFound: there is no such request for the caller.
        NotAllowed: the caller could not give it.
        Malformed: no reason is given.
        NotNow: it is decided already.
    """
    row = _to_decide(session, principal, request_id)
    why = _reason(reason)
    _decide(session, principal, row, "refused", why)
    _note(session, principal, row, "access.refused", {"reason": why})


def withdraw_access(session: Session, principal: Principal, request_id: str) -> None:
    """Take one's own request back.

    Raises:
        NotFound: the caller has no such request.
        NotNow: it is decided already.
    """
    row = _row(session, principal, request_id)
    if row.member_id != principal.id:
        raise NotFound("You have no such request.")
    _decide(session, principal, row, "withdrawn", "")
    _note(session, principal, row, "access.withdrawn", {})


def may_decide(session: Session, principal: Principal, row: AccessRequest) -> bool:
    """Return whether the caller is one of those who could give what is asked for."""
    try:
        _check_right(session, principal, row)
    except (NotAllowed, NotFound):
        return False
    return True


def _wish(
    session: Session, principal: Principal, role: str | None, agent: str | None, level: str | None
) -> tuple[Agent | None, str]:
    if (role is None) == (agent is None) or (agent is None) != (level is None):
        sentence = "Ask for a role, or for a level on one agent: one of the two."
        raise Malformed(sentence, errors={"role": [sentence]})
    if agent is not None:
        if level not in LEVELS:
            raise Malformed("There is no such level.", errors={"level": [f"one of: {', '.join(LEVELS)}"]})
        # Somebody who may not even see an agent is not told that it is there.
        row = agent_for(session, principal, agent, "agent.read")
        held = select(AgentGrant.id).where(
            AgentGrant.agent_id == row.id, AgentGrant.holder_id == principal.id, AgentGrant.level == level
        )
        if session.scalar(held) is not None:
            raise NotNow(f"You hold the level {level} on this agent already.", code="granted_already")
        return row, f"{row.id}:{level}"
    if role == principal.role:
        raise NotNow(f"You have the role {role} already.", code="granted_already")
    known = select(CustomRole.id).where(CustomRole.workspace_id == principal.workspace_id, CustomRole.slug == role)
    if not is_built_in(role or "") and session.scalar(known) is None:
        sentence = "This workspace has no such role."
        raise Malformed(sentence, errors={"role": [sentence]})
    return None, f"role:{role}"


def _keep_few(session: Session, principal: Principal) -> None:
    mine = select(func.count()).where(AccessRequest.member_id == principal.id, AccessRequest.state == "asked")
    if (session.scalar(mine) or 0) >= OPEN_MAX:
        raise NotNow(f"You have {OPEN_MAX} open requests. Withdraw some first.", code="requests_max")


def _row(session: Session, principal: Principal, request_id: str) -> AccessRequest:
    row = session.scalar(
        select(AccessRequest).where(
            AccessRequest.id == request_id, AccessRequest.workspace_id == principal.workspace_id
        )
    )
    if row is None:
        raise NotFound("There is no such request in this workspace.")
    return row


def _to_decide(session: Session, principal: Principal, request_id: str) -> AccessRequest:
    row = _row(session, principal, request_id)
    _check_right(session, principal, row)
    if row.member_id == principal.id:
        raise NotAllowed("Nobody decides their own request. Somebody else who may give it does.", code="own_request")
    if session.scalar(select(Member.state).where(Member.id == row.member_id)) != "active":
        raise NotNow("Whoever asked is no member any more.", code="member_gone")
    return row


def _check_right(session: Session, principal: Principal, row: AccessRequest) -> None:
    if row.agent_id is not None:
        agent_for(session, principal, row.agent_id, "agent.share")
    else:
        authorize(principal, "member.manage")


def _give_level(session: Session, principal: Principal, row: AccessRequest) -> None:
    try:
        give_grant(session, principal, row.agent_id or "", member_id=row.member_id, level=row.level or "")
    except NotNow as refusal:
        if refusal.code != "granted_already":  # Somebody gave it another way: what was asked for is so.
            raise


def _decide(session: Session, principal: Principal, row: AccessRequest, state: str, answer: str) -> None:
    changed = session.execute(
        update(AccessRequest)
        .where(AccessRequest.id == row.id, AccessRequest.state == "asked")
        .values(
            state=state, open_key=None, decided_by=principal.id, decided_by_name=principal.name,
            decided_at=clock.now(), answer=answer,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    session.refresh(row)
    if not isinstance(changed, CursorResult) or changed.rowcount != 1:
        raise NotNow(f"This request was {row.state} already, by {row.decided_by_name}.", code="decided_already")
    ask_to_resolve(session, row.workspace_id, key=_alert_key(row.id))


def _reason(reason: str) -> str:
    why = shortened(storable(reason).strip(), REASON_CHARS)
    if not why:
        sentence = "Say why, for whoever reads it."
        raise Malformed(sentence, errors={"reason": [sentence]})
    return why


def _alert_key(request_id: str) -> str:
    return f"access:{request_id}"


def _note(session: Session, principal: Principal, row: AccessRequest, action: str, detail: Mapping[str, Any]) -> None:
    what = {"role": row.role, "agent": row.agent_id, "level": row.level, "member": row.member_id}
    said = {**{name: value for name, value in what.items() if value}, **detail}
    audit.note(session, principal, action, "access_request", row.id, said)
