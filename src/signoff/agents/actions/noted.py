"""What is done to an agent, in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.record import audit
from signoff.tables.agents import Agent


def note(session: Session, principal: Principal, agent: Agent, action: str, detail: Mapping[str, Any]) -> None:
    """Write that somebody did something to an agent, in the transaction that does it. `detail` is plain JSON."""
    audit.write(
        session, workspace_id=agent.workspace_id, actor=principal.actor, action=action, object_kind="agent",
        object_id=agent.id, detail=detail,
    )  # fmt: skip
