"""Calling off a batch of runs that wait or have not begun: one statement for each kind of row, however many runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, func, insert, literal, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.record import happenings, outbox
from signoff.record.alarms import ask_to_resolve
from signoff.runs.actions.moves import told_of_its_end
from signoff.runs.actions.request import START
from signoff.runs.called_off import words_of
from signoff.runs.signals import write_signals
from signoff.runs.states import is_rehearsal
from signoff.tables.approvals import Approval, ApprovalRecipient
from signoff.tables.base import Json, Moment
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Run, RunEvent

_NOT_RUNNING = ("queued", "waiting")
# What tells whoever keeps cards and messages of requests outside that one is over; see `approvals/actions/moves.py`.
_ANSWERED = "approval.answered"


def call_off_batch(
    session: Session, bounds: Sequence[ColumnElement[bool]], *, reason: str, size: int, by: str, by_name: str
) -> list[str]:
    """Cancel up to `size` queued and waiting runs within bounds, oldest first; return their ids.

    As with one: its watchers are told, what it asked people is withdrawn, and what would have started it is put away.

    Args:
        by, by_name: who ordered it, so who withdraws what the runs asked.
    """
    moment = clock.now()
    chosen = select(Run.id).where(*bounds, Run.state.in_(_NOT_RUNNING)).order_by(Run.id).limit(size)
    hit = session.execute(
        update(Run)
        .where(Run.id.in_(chosen), Run.state.in_(_NOT_RUNNING))
        .values(
            state="cancelled", code="cancelled", reason=reason, ended_at=moment, waiting_for=None, resume_at=None,
            needs_attention=False,
        )
        .returning(
            Run.id, Run.workspace_id, Run.agent_id, Run.environment_id, Run.revision_id, Run.mode, Run.origin,
            Run.parent_run_id, Run.child_runs,
        )
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    run_ids = [row.id for row in hit]
    _tell_outside(session, hit)
    for row in hit:
        for kind in told_of_its_end(row.mode, row.parent_run_id, row.child_runs):
            outbox.send(session, workspace_id=row.workspace_id, kind=kind, payload={"run_id": row.id})
    if run_ids:
        write_signals(session, run_ids)
        _tell(session, run_ids, reason, moment)
        _withdraw(session, run_ids, moment, reason, by, by_name)
        _put_away(session, run_ids, moment)
    return run_ids


def _tell_outside(session: Session, hit: Sequence[Any]) -> None:
    if not hit or not happenings.is_heard(session, hit[0].workspace_id):
        return
    for row in hit:
        if not is_rehearsal(row.mode):
            happenings.tell(
                session, row.workspace_id, "run.cancelled", about=row.id, agent_id=row.agent_id,
                environment_id=row.environment_id,
                facts={
                    "state": "cancelled", "code": "cancelled", "origin": row.origin, "mode": row.mode,
                    "revision": row.revision_id, "parent": row.parent_run_id,
                },
            )  # fmt: skip


def _tell(session: Session, run_ids: list[str], reason: str, moment: datetime) -> None:
    """Tell the watchers of each run that it is over: one event, which says its state too."""
    told = literal({"state": "cancelled", "code": "cancelled", "reason": reason}, type_=Json)
    if session.get_bind().dialect.name == "postgresql":
        data: Any = told.op("||")(func.jsonb_build_object("id", Run.id))
    else:
        data = func.json_set(told, "$.id", Run.id)
    rows = select(Run.workspace_id, Run.id, literal("error"), data, literal(moment, type_=Moment)).where(
        Run.id.in_(run_ids)
    )
    names = ["workspace_id", "run_id", "kind", "data", "at"]
    session.execute(insert(cast("Table", RunEvent.__table__)).from_select(names, rows, include_defaults=False))


def _withdraw(session: Session, run_ids: list[str], moment: datetime, reason: str, by: str, by_name: str) -> None:
    withdrawn = session.execute(
        update(Approval)
        .where(Approval.run_id.in_(run_ids), Approval.state == "pending")
        .values(
            state="withdrawn", decided_at=moment, decided_by=by, decided_by_name=by_name, reason=words_of(reason),
            next_at=None,
        )
        .returning(
            Approval.id, Approval.workspace_id, Approval.agent_id, Approval.environment_id, Approval.kind,
            Approval.gate, Approval.run_id, Approval.revision_id, Approval.is_degraded,
        )
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    if not withdrawn:
        return
    session.execute(
        update(ApprovalRecipient)
        .where(ApprovalRecipient.approval_id.in_([row.id for row in withdrawn]), ApprovalRecipient.is_open.is_(True))
        .values(is_open=False)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        insert(OutboxMessage),
        [
            {
                "id": ids.new_id("out"), "workspace_id": row.workspace_id, "kind": _ANSWERED,
                "payload": {"approval": row.id}, "created_at": moment, "due_at": moment, "attempts": 0,
            }
            for row in withdrawn
        ],
    )  # fmt: skip
    _tell_withdrawn(session, withdrawn)
    for row in withdrawn:
        if row.is_degraded:
            ask_to_resolve(session, row.workspace_id, key=f"approval:{row.id}")


def _tell_withdrawn(session: Session, withdrawn: Sequence[Any]) -> None:
    if not happenings.is_heard(session, withdrawn[0].workspace_id):
        return
    for row in withdrawn:
        # As `approvals/outside.py` tells of one.
        happenings.tell(
            session, row.workspace_id, "approval.withdrawn", about=row.id, agent_id=row.agent_id,
            environment_id=row.environment_id,
            facts={
                "state": "withdrawn", "kind": row.kind, "gate": row.gate, "run": row.run_id,
                "revision": row.revision_id,
            },
        )  # fmt: skip


def _put_away(session: Session, run_ids: list[str], moment: datetime) -> None:
    """Put away the messages that would start them: a worker would only find each of them over."""
    of_run = OutboxMessage.payload["run_id"].as_string()
    session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.done_at.is_(None),
            OutboxMessage.claimed_by.is_(None),
            OutboxMessage.kind == START,
            of_run.in_(run_ids),
        )
        .values(done_at=moment)
        .execution_options(synchronize_session=False)
    )
