"""Asking people: one request, with everything that they decide by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals.outside import tell_event
from signoff.approvals.people import Asked, Case, asked_at_level
from signoff.approvals.rungs import rungs_of
from signoff.approvals.states import ApprovalKind
from signoff.kit import clock, ids
from signoff.kit.text import shortened, storable
from signoff.record import audit, outbox
from signoff.record.alarms import ask_for_alert, ask_to_resolve
from signoff.runs.facts import RunContext
from signoff.tables.agents import Agent
from signoff.tables.approvals import Approval, ApprovalRecipient

REQUESTED = "approval.requested"
NOBODY_TO_ASK = "approval_nobody_to_ask"
_TITLE_CHARS = 200
_TEXT_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What people are to be asked.

    Args:
        rule: whom, by when, and what happens then; also for what no gate asks.
        policy: which policy asks; `agent` when the agent itself does.
        why: in words, why anybody is asked.
        args: masked: names of secrets, never their values.
        card: what the reader decides by, see `approvals/cards.py`.
        binding: what an answer is bound to, see `approvals/binding.py`.
    """

    kind: ApprovalKind
    rule: Gate
    policy: str
    why: str
    title: str
    summary: str
    binding: str
    tool: str | None = None
    effect: str | None = None
    args: Any = None
    card: Mapping[str, Any] = field(default_factory=dict[str, Any])


def request_approval(session: Session, run: RunContext, call_id: str, wanted: Wanted) -> str:
    """Ask, and return the request's id. Asked again by a leg that runs again after a crash, it is the same one."""
    known = session.scalar(
        select(Approval.id).where(
            Approval.run_id == run.run_id, Approval.leg == run.leg, Approval.call_id == call_id[:200]
        )
    )
    if known is not None:
        return known
    moment = clock.now()
    case = case_of(run)
    asked = asked_at_level(session, wanted.rule, case)
    row = _row(session, run, call_id, wanted, moment)
    row.is_degraded = len(asked) < row.quorum
    session.add(row)
    session.flush()
    add_recipients(session, row, asked, level=0, moment=moment)
    audit.write(
        session, workspace_id=run.workspace_id, actor=run.actor, action="approval.requested", object_kind="approval",
        object_id=row.id,
        detail={
            "kind": row.kind, "gate": row.gate, "policy": row.asked_by_policy, "tool": row.tool,
            "binding": row.binding, "asked": [one.member_id for one in asked], "quorum": row.quorum,
        },
    )  # fmt: skip
    outbox.send(session, workspace_id=run.workspace_id, kind=REQUESTED, payload={"approval": row.id})
    tell_event(session, row)
    if row.is_degraded:
        ask_for_alert(session, run.workspace_id, **nobody_to_ask(row))
    return row.id


def case_of(run: RunContext) -> Case:
    """Return what decides who may not answer for a run."""
    return Case(run.workspace_id, run.agent_id, run.revision_id, run.environment_id, run.requested_by)


def add_recipients(
    session: Session, row: Approval, asked: Sequence[Asked], *, level: int, moment: datetime
) -> list[str]:
    """Put a request to more people. Returns the ids of those who were not asked before."""
    known = set(
        session.scalars(select(ApprovalRecipient.member_id).where(ApprovalRecipient.approval_id == row.id)).all()
    )
    new = [one for one in asked if one.member_id not in known]
    session.add_all(
        ApprovalRecipient(
            approval_id=row.id, member_id=one.member_id, workspace_id=row.workspace_id, level=level, via=one.via[:32],
            asked_for=one.asked_for, is_open=True, asked_at=moment,
        )
        for one in new
    )  # fmt: skip
    session.flush()
    return [one.member_id for one in new]


def relieve(session: Session, row: Approval) -> None:
    """Take back that too few could be asked, once enough are."""
    if not row.is_degraded:
        return
    places = session.scalar(
        select(func.count()).where(ApprovalRecipient.approval_id == row.id, ApprovalRecipient.is_open.is_(True))
    )
    if (places or 0) >= row.quorum:
        row.is_degraded = False
        ask_to_resolve(session, row.workspace_id, key=f"approval:{row.id}")


def nobody_to_ask(row: Approval) -> dict[str, Any]:
    """Return the alert for a request that too few people can answer, as `ask_for_alert` takes it."""
    return {
        "key": f"approval:{row.id}",
        "kind": NOBODY_TO_ASK,
        "text": f"{row.agent_name} waits for an answer in run {row.run_id}, and too few people can be asked "
        f"({row.gate} wants {row.quorum}). Name an approver, or give the request to somebody.",
        "detail": {"approval": row.id, "run": row.run_id, "agent": row.agent_id},
        "agent_id": row.agent_id,
    }


def _row(session: Session, run: RunContext, call_id: str, wanted: Wanted, moment: datetime) -> Approval:
    name = session.scalar(select(Agent.name).where(Agent.id == run.agent_id)) or run.agent_slug
    deadline = moment + timedelta(minutes=wanted.rule.deadline_minutes)
    return Approval(
        id=ids.new_id("apr"), workspace_id=run.workspace_id, environment_id=run.environment_id, agent_id=run.agent_id,
        revision_id=run.revision_id, run_id=run.run_id, leg=run.leg, call_id=call_id[:200], agent_name=name,
        revision_number=run.revision_number, run_requested_by=run.requested_by, kind=wanted.kind, state="pending",
        gate=wanted.rule.name, asked_by_policy=wanted.policy, why=shortened(storable(wanted.why), _TEXT_CHARS),
        tool=wanted.tool[:200] if wanted.tool else None, effect=wanted.effect, args=wanted.args,
        binding=wanted.binding, title=shortened(storable(wanted.title), _TITLE_CHARS),
        summary=shortened(storable(wanted.summary), _TEXT_CHARS), card=dict(wanted.card),
        rule=wanted.rule.model_dump(mode="json"), quorum=wanted.rule.quorum, created_at=moment, deadline_at=deadline,
        next_at=first_due(wanted.rule, moment), decision=None,
    )  # fmt: skip


def first_due(rule: Gate, moment: datetime) -> datetime:
    """Return when a new request has to be looked at again: the first reminder, the first rung, or the deadline."""
    minutes = [rule.deadline_minutes, *rule.reminders, *(rung.after_minutes for rung in rungs_of(rule))]
    return moment + timedelta(minutes=min(minutes))
