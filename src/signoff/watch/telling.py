"""What people are told of by itself, without a step in any SOP: runs that fail in production, connections
that break, alerts, and incidents.

One matter for each kind and agent. It is told at once; what happens again meanwhile is gathered, and told with its
number after a pause that grows from an hour to a day. So an outage is one message an hour at most, never one a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.text import shortened
from signoff.kit.visible import visible
from signoff.record import outbox
from signoff.record.alarms import CONNECTION_BROKEN, INCIDENT, RUN_FAILED
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection
from signoff.tables.incidents import Incident
from signoff.tables.people import Environment, Workspace
from signoff.tables.runs import Run
from signoff.tables.upsert import insert_into
from signoff.tables.watch import Alert, Notice
from signoff.watch.told import add_messages, users_of, whom

LOOK = "notice.look"
_FIRST_PAUSE, _PAUSE_MAX = timedelta(hours=1), timedelta(days=1)
_TITLE_CHARS, _TEXT_CHARS = 140, 2_000


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a matter. `path`: where it is seen, below the installation's address."""

    title: str
    text: str
    path: str


def note_happened(session: Session, workspace_id: str, happened: Mapping[str, Any], *, has_mail: bool) -> None:
    """Count one more happening of a matter, and tell people if it is time.

    Args:
        happened: `key`, `kind`, `about` and `agent`, as `record/alarms.py` left them.
        has_mail: the installation sends mail, which members without a channel of their own get.
    """
    moment = clock.now()
    values = {
        "id": ids.new_id("ntc"), "workspace_id": workspace_id, "key": happened["key"][:200], "kind": happened["kind"],
        "agent_id": happened.get("agent"), "about": happened["about"], "untold": 1, "told": 0, "last_at": moment,
    }  # fmt: skip
    again = {"untold": Notice.untold + 1, "about": values["about"], "last_at": moment}
    found = session.execute(
        insert_into(session, Notice)
        .values(**values)
        .on_conflict_do_update(index_elements=["workspace_id", "key"], set_=again)
        .returning(Notice.id)
    ).scalar_one()
    look(session, found, has_mail=has_mail)


def look(session: Session, notice_id: str, *, has_mail: bool) -> None:
    """Tell people of a matter if something of it is untold and the pause is over; else have it looked at then."""
    row = session.scalar(
        select(Notice).where(Notice.id == notice_id).with_for_update().execution_options(populate_existing=True)
    )
    if row is None or not row.untold:
        return
    moment = clock.now()
    if row.told_at is not None and moment - row.told_at > _PAUSE_MAX:
        row.told = 0
    due_at = due(row.told, row.told_at)
    if due_at is not None and moment < due_at:
        if row.untold == 1:  # The first since it was told: for the others it is asked already.
            outbox.send(session, workspace_id=row.workspace_id, kind=LOOK, payload={"notice": row.id}, due_at=due_at)
        session.flush()
        return
    words = _words(session, row)
    number, row.untold = row.untold, 0
    if words is None:
        session.flush()
        return
    row.told, row.told_at = row.told + 1, moment
    session.flush()
    told = _counted(words, number)
    members = whom(session, row)
    add_messages(session, row, members, title=told.title, text=told.text, path=told.path, has_mail=has_mail)


def due(told: int, told_at: datetime | None) -> datetime | None:
    """Return when a matter that was told so often in a row may be told again; None: at once."""
    if told_at is None or told == 0:
        return None
    return told_at + min(_FIRST_PAUSE * 2 ** min(told - 1, 10), _PAUSE_MAX)


def _counted(words: Words, number: int) -> Words:
    if number == 1:
        return words
    text = f"This happened {number} times since it was last told. The last:\n{words.text}"
    return Words(shortened(f"{number} times: {words.title}", _TITLE_CHARS), shortened(text, _TEXT_CHARS), words.path)


def _words(session: Session, row: Notice) -> Words | None:
    """Return what is said of the last happening; None when there is nothing to say any more."""
    slug = session.scalar(select(Workspace.slug).where(Workspace.id == row.workspace_id))
    if row.kind == RUN_FAILED:
        return _of_run(session, row, f"/w/{slug}")
    if row.kind == CONNECTION_BROKEN:
        return _of_connection(session, row, f"/w/{slug}")
    if row.kind == INCIDENT:
        return _of_incident(session, row, f"/w/{slug}")
    alert = session.get(Alert, row.about)
    if alert is None or alert.workspace_id != row.workspace_id:
        return None
    title = alert.kind.replace("_", " ").capitalize()
    name = session.scalar(select(Agent.name).where(Agent.id == row.agent_id)) if row.agent_id else None
    title = f"{name}: {title}" if name else title
    return Words(_line(title), visible(shortened(alert.text, _TEXT_CHARS)), f"/w/{slug}/")


def _of_run(session: Session, row: Notice, base: str) -> Words | None:
    run = session.get(Run, row.about)
    if run is None or run.workspace_id != row.workspace_id:
        return None
    place = session.scalar(select(Environment.slug).where(Environment.id == run.environment_id))
    # Neither its input nor its reason, which may quote it: whoever may see the run reads them there.
    text = f"A run of {run.agent_name} failed in {place} ({run.code}). Its page says why, and what to do next."
    return Words(_line(f"{run.agent_name}: a run failed ({run.code})"), visible(text), f"{base}/runs/{run.id}")


def _of_connection(session: Session, row: Notice, base: str) -> Words | None:
    found = session.get(Connection, row.about)
    if found is None or found.workspace_id != row.workspace_id or found.health != "broken":
        return None
    text = f"The connection {found.name} worked and does not any more ({found.last_error_code or 'failed'}). "
    number = len(users_of(session, row))
    if number:
        text += "One agent serves through it. " if number == 1 else f"{number} agents serve through it. "
    text += "Its page says why, and what to do next."
    return Words(_line(f"{found.name}: the connection is broken"), visible(text), f"{base}/connections/{found.id}")


def _of_incident(session: Session, row: Notice, base: str) -> Words | None:
    found = session.get(Incident, row.about)
    if found is None or found.workspace_id != row.workspace_id or found.state in ("resolved", "reviewed"):
        return None
    severity = found.severity.replace("sev", "SEV-")
    text = f"{severity}: {found.title}. {found.why_severity} "
    if found.acknowledged_by_name is None:
        text += "Nobody sees to it yet: acknowledge it, and its checklist says what to do."
    else:
        text += f"{found.acknowledged_by_name} sees to it."
    return Words(
        _line(f"{severity}: {found.title}"), visible(shortened(text, _TEXT_CHARS)), f"{base}/incidents/{found.id}"
    )


def _line(text: str) -> str:
    return shortened(" ".join(visible(text).split()), _TITLE_CHARS)
