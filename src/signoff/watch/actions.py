"""Raise an alert, resolve an alert. One open alert per key: repetition counts, it does not multiply."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import NotFound, NotNow
from signoff.kit.text import shortened, storable
from signoff.people.access import Principal, authorize
from signoff.record import audit, happenings, outbox
from signoff.record.alarms import OPENED, OVER, ask_to_tell
from signoff.tables.upsert import insert_into
from signoff.tables.watch import Alert

TEXT_CHARS_MAX = 2_000
KEY_CHARS_MAX = 200


def raise_alert(
    session: Session,
    workspace_id: str,
    *,
    key: str,
    kind: str,
    text: str,
    detail: dict[str, Any] | None = None,
    agent_id: str | None = None,
) -> str:
    """Open an alert for `key`, or count one more occurrence of the open one. Returns its id.

    Args:
        key: what it is about, such as `provider:openai`; at most 200 characters.
        kind: a short stable name, such as `provider_failing`.
        text: one sentence for a person: the fact and the next thing to do.
        agent_id: the agent it is about, if it is about one.
    """
    moment = clock.now()
    words = shortened(storable(text), TEXT_CHARS_MAX)
    open_key = key[:KEY_CHARS_MAX]
    values = {
        "id": ids.new_id("alr"),
        "workspace_id": workspace_id,
        "agent_id": agent_id,
        "open_key": open_key,
        "kind": kind,
        "text": words,
        "detail": detail or {},
        "occurrences": 1,
        "opened_at": moment,
        "last_at": moment,
    }
    found = session.execute(
        insert_into(session, Alert)
        .values(**values)
        .on_conflict_do_update(
            index_elements=["workspace_id", "open_key"],
            set_={
                "occurrences": Alert.occurrences + 1,
                "last_at": moment,
                "text": words,
                "detail": values["detail"],
            },
        )
        .returning(Alert.id)
    ).scalar_one()
    if found == values["id"]:
        facts = {"kind": kind, "state": "open"}
        happenings.tell(session, workspace_id, "alert.raised", about=found, agent_id=agent_id, facts=facts)
        outbox.send(session, workspace_id=workspace_id, kind=OPENED, payload={"alert": found})
        ask_to_tell(
            session, workspace_id, key=f"alert:{kind}:{agent_id or ''}", kind=kind, about=found, agent_id=agent_id
        )
    return found


def resolve_by_key(session: Session, workspace_id: str, key: str) -> bool:
    """Resolve the open alert for `key`, because what it told of is over. Returns whether there was one."""
    return _resolve(session, (Alert.workspace_id == workspace_id, Alert.open_key == key[:KEY_CHARS_MAX]), "Signoff")


def resolve_alert(session: Session, principal: Principal, alert_id: str) -> None:
    """Resolve an alert by hand.

    Raises:
        NotAllowed: the caller may not resolve alerts.
        NotFound: there is no such alert in this workspace.
        NotNow: it is resolved already.
    """
    authorize(principal, "alert.resolve")
    alert = session.scalar(select(Alert).where(Alert.id == alert_id, Alert.workspace_id == principal.workspace_id))
    if alert is None:
        raise NotFound("There is no such alert in this workspace.")
    if not _resolve(session, (Alert.id == alert_id, Alert.resolved_at.is_(None)), principal.name):
        raise NotNow(f"This alert was resolved already, by {alert.resolved_by_name}.")
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="alert.resolved",
        object_kind="alert",
        object_id=alert_id,
        detail={"kind": alert.kind},
    )


def _resolve(session: Session, condition: tuple[Any, ...], by: str) -> bool:
    done = session.execute(
        update(Alert)
        .where(*condition)
        .values(open_key=None, resolved_at=clock.now(), resolved_by_name=by)
        .returning(Alert.id, Alert.workspace_id, Alert.agent_id, Alert.kind)
        .execution_options(synchronize_session=False)
    ).all()
    for row in done:
        facts = {"kind": row.kind, "state": "resolved"}
        happenings.tell(session, row.workspace_id, "alert.resolved", about=row.id, agent_id=row.agent_id, facts=facts)
        outbox.send(session, workspace_id=row.workspace_id, kind=OVER, payload={"alert": row.id, "by": by})
    return bool(done)
