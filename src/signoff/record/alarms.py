"""Alerts asked for from rooms that lie below the watch: an outbox message in the transaction that found the reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from signoff.record import outbox

RAISE: Final = "alert.raise"
RESOLVE: Final = "alert.resolve"
# People are told of it, in words that are made when they are.
TELL: Final = "notice.tell"
RUN_FAILED: Final = "run_failed"
CONNECTION_BROKEN: Final = "connection_broken"
INCIDENT: Final = "incident"
# An alert opened, or is over: whoever stands above the watch may have something to do.
OPENED: Final = "alert.opened"
OVER: Final = "alert.over"


def ask_for_alert(
    session: Session,
    workspace_id: str,
    *,
    key: str,
    kind: str,
    text: str,
    detail: Mapping[str, Any] | None = None,
    agent_id: str | None = None,
) -> None:
    """Have an alert raised as soon as this transaction is durable.

    Args:
        key, kind, text, detail, agent_id: as `watch.actions.raise_alert` takes them.
    """
    payload = {"key": key, "kind": kind, "text": text, "detail": dict(detail or {}), "agent_id": agent_id}
    outbox.send(session, workspace_id=workspace_id, kind=RAISE, payload=payload)


def ask_to_resolve(session: Session, workspace_id: str, *, key: str, due_at: datetime | None = None) -> None:
    """Have the open alert for `key` resolved, because what it told of is over."""
    outbox.send(session, workspace_id=workspace_id, kind=RESOLVE, payload={"key": key}, due_at=due_at)


def ask_to_tell(session: Session, workspace_id: str, *, key: str, kind: str, about: str, agent_id: str | None) -> None:
    """Have people told of something that happened; of the same `key` not each time, but with its number.

    Args:
        about: the run that failed, the connection that broke, the incident, or the alert that opened.
    """
    payload = {"key": key, "kind": kind, "about": about, "agent": agent_id}
    outbox.send(session, workspace_id=workspace_id, kind=TELL, payload=payload)
