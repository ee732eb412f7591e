"""More requests to people than usual: one alert for each gate of an agent, resolved when it is quiet again.

A gate that suddenly asks five times as often as in the week before is a sign: of an agent that lost its way, of a
system that answers something else than before, or of somebody who wants approvers to tire.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.tables.approvals import Approval
from signoff.tables.watch import Alert
from signoff.watch.actions import raise_alert, resolve_by_key

KIND = "inbox_spike"
SPAN = timedelta(hours=1)
BEFORE = timedelta(days=7)
# Fewer than this in an hour are never a spike, however quiet the week was.
NUMBER_MIN = 20
FACTOR = 5
_GATES_MAX = 500


@dataclass(frozen=True, slots=True)
class Spike:
    """A gate that asks more than expected. `expected` is the week's mean for the span, rounded up."""

    workspace_id: str
    agent_id: str
    agent_name: str
    gate: str
    number: int
    expected: int

    @property
    def key(self) -> str:
        """Return what its alert is known by; a gate's name may be longer than a key."""
        name = hashlib.sha256(self.gate.encode()).hexdigest()[:16]
        return f"{KIND}:{self.agent_id}:{name}"


def watch_inbox(session: Session) -> int:
    """Raise the alerts that are due and resolve those that are over; return how many were raised."""
    found = {(one.workspace_id, one.key): one for one in spikes(session)}
    open_now = session.execute(
        select(Alert.workspace_id, Alert.open_key)
        .where(Alert.kind == KIND, Alert.open_key.is_not(None))
        .limit(_GATES_MAX)
    )
    opened = {(workspace_id, key or "") for workspace_id, key in open_now}
    for workspace_id, key in opened - set(found):
        resolve_by_key(session, workspace_id, key)
    fresh = [one for place, one in found.items() if place not in opened]
    for one in fresh:
        text = (
            f"The gate {one.gate} of {one.agent_name} asked people {one.number} times within an hour; about "
            f"{one.expected} were to be expected. See in the inbox what it asks; disable the agent if it lost its way."
        )
        detail = {"agent": one.agent_id, "gate": one.gate, "number": one.number, "expected": one.expected}
        raise_alert(session, one.workspace_id, key=one.key, kind=KIND, text=text, detail=detail)
    return len(fresh)


def spikes(session: Session) -> Sequence[Spike]:
    """Return the gates that asked at least 20 times within the last hour, and five times as often as in the week."""
    moment = clock.now()
    edge, start = ids.first_at("apr", moment - SPAN), ids.first_at("apr", moment - SPAN - BEFORE)
    number, name = func.count().label("number"), func.max(Approval.agent_name).label("name")
    many = session.execute(
        select(Approval.workspace_id, Approval.agent_id, name, Approval.gate, number)
        .where(Approval.id >= edge)
        .group_by(Approval.workspace_id, Approval.agent_id, Approval.gate)
        .having(func.count() >= NUMBER_MIN)
        .limit(_GATES_MAX)
    ).all()
    found: list[Spike] = []
    for row in many:
        before = session.scalar(
            select(func.count())
            .select_from(Approval)
            .where(Approval.workspace_id == row.workspace_id, Approval.agent_id == row.agent_id)
            .where(Approval.id >= start, Approval.id < edge, Approval.gate == row.gate)
        )
        expected = (before or 0) * (SPAN / BEFORE)
        if row.number > FACTOR * expected:
            found.append(
                Spike(row.workspace_id, row.agent_id, row.name, row.gate, row.number, max(int(expected + 0.999), 1))
            )
    return found
