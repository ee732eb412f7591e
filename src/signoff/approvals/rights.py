"""Who may see a request, who may answer it, and who may give it to somebody else."""

from __future__ import annotations

from sqlalchemy import ColumnElement, false, or_, select

from signoff.approvals.states import is_open
from signoff.kit.errors import NotAllowed
from signoff.people.access import Principal, can, reach
from signoff.people.roles import ACTIONS, Action
from signoff.people.visible import granted_agents
from signoff.tables.agents import Agent
from signoff.tables.approvals import Approval, ApprovalRecipient

NOT_ASKED = "You are not asked. Only whoever is asked may answer; a manager can give the request to somebody else."


def visible(viewer: Principal) -> list[ColumnElement[bool]]:
    """Return what bounds every list of requests for this viewer: the workspace, the key's environment, what they are
    or were asked, what their own runs and their agents asked, and agents they hold a grant on."""
    bounds: list[ColumnElement[bool]] = [Approval.workspace_id == viewer.workspace_id]
    if viewer.environment_id:
        bounds.append(Approval.environment_id == viewer.environment_id)
    far = reach(viewer, "approval.read")
    if far == "all":
        return bounds
    ways: list[ColumnElement[bool]] = [false()]
    if far == "own":
        asked = select(ApprovalRecipient.approval_id).where(
            ApprovalRecipient.workspace_id == viewer.workspace_id,
            ApprovalRecipient.member_id == (viewer.member_id or ""),
        )
        mine = select(Agent.id).where(
            Agent.workspace_id == viewer.workspace_id, or_(Agent.owner_id == viewer.id, Agent.backup_id == viewer.id)
        )
        ways += [Approval.run_requested_by == viewer.id, Approval.agent_id.in_(mine), Approval.id.in_(asked)]
    granted = granted_agents(viewer, "approval.read")
    if granted is not None:
        ways.append(Approval.agent_id.in_(granted))
    bounds.append(or_(*ways))
    return bounds


def why_not_decide(viewer: Principal, row: Approval, *, is_asked: bool) -> str:
    """Return why the viewer cannot answer this request now, as a sentence; empty when they can."""
    if not is_open(row.state):
        return ended(row)
    if viewer.member_id is None:
        return "A member answers requests: a service account and the product itself are nobody who could be asked."
    if not is_asked:
        return NOT_ASKED
    if not can(viewer, "approval.decide", owners=(viewer.member_id,), environment_id=row.environment_id):
        return "Your role, or this key, does not allow to answer requests."
    return ""


def may_assign(viewer: Principal, row: Approval, *, is_asked: bool) -> bool:
    """Return whether the viewer may give this request to somebody else: whoever is asked, and whoever assigns."""
    if is_asked and not why_not_decide(viewer, row, is_asked=True):
        return True
    return can(viewer, "approval.assign", environment_id=row.environment_id)


def not_allowed(principal: Principal, sentence: str, code: str, *, required: Action = "approval.decide") -> NotAllowed:
    """Return the refusal for somebody who may answer requests, and not this one."""
    granted = sorted(one for one in ACTIONS if reach(principal, one))
    return NotAllowed(sentence, code=code, extra={"required": required, "granted": granted})


def ended(row: Approval) -> str:
    """Return who ended a request, how and when, as a sentence."""
    when = f"at {row.decided_at:%Y-%m-%d %H:%M:%S} UTC" if row.decided_at else "before"
    words = {
        "approved": "approved it", "denied": "denied it", "answered": "answered it", "withdrawn": "withdrew it",
    }  # fmt: skip
    if row.state == "expired":
        return f"It expired {when}: nobody answered in time."
    why = f": {row.reason.rstrip('.')}" if row.state == "withdrawn" and row.reason else ""
    return f"{row.decided_by_name or 'Signoff'} {words.get(row.state, row.state)} {when}{why}."
