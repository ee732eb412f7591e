"""Maintenance: the whole installation changes nothing and begins nothing, until the operator ends it or its time is up.

Requests that change something are refused, reads go on, queued runs wait, and what runs comes to its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotNow
from signoff.kit.text import storable
from signoff.people.access import Principal
from signoff.people.actions.instance import authorize_instance
from signoff.record import audit
from signoff.record.actor import Actor
from signoff.tables.installation import Maintenance
from signoff.tables.people import Workspace

REASON_CHARS_MAX = 500
MINUTES_MAX = 7 * 24 * 60
_ON = "on"
# What a refused request is told when nobody said how long it takes; and the longest it is told.
_RETRY_SECONDS, _RETRY_SECONDS_MAX = 60, 3_600


@dataclass(frozen=True, slots=True)
class MaintenanceFacts:
    """Maintenance that stands. `until` None: until the operator ends it."""

    reason: str
    ordered_by_name: str
    started_at: datetime
    until: datetime | None

    @property
    def sentence(self) -> str:
        """Return why nothing can be changed, and when to come back, as sentences."""
        end = f" until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        stop = "" if self.reason.endswith((".", "!", "?")) else "."
        return f"Signoff is under maintenance{end}: {self.reason}{stop} Everything can be read; nothing can be changed."

    def stands(self, moment: datetime) -> bool:
        """Return whether it still stands."""
        return self.until is None or self.until > moment

    def retry_seconds(self, moment: datetime) -> int:
        """Return after how many seconds it is worth another try."""
        if self.until is None:
            return _RETRY_SECONDS
        return min(max(int((self.until - moment).total_seconds()) + 1, 1), _RETRY_SECONDS_MAX)


def standing(session: Session) -> MaintenanceFacts | None:
    """Return the maintenance that stands, if any."""
    row = session.scalar(
        select(Maintenance).where(
            Maintenance.open_key == _ON, or_(Maintenance.until.is_(None), Maintenance.until > clock.now())
        )
    )
    if row is None:
        return None
    return MaintenanceFacts(row.reason, row.ordered_by_name, row.started_at, row.until)


@dataclass(frozen=True, slots=True)
class PastMaintenance:
    """One maintenance, as the history tells it. `ended_at` None: it stands, or ended by itself at `until`."""

    facts: MaintenanceFacts
    ended_at: datetime | None
    ended_by_name: str | None


def history(session: Session, *, size: int = 20) -> list[PastMaintenance]:
    """Return the newest maintenances, whatever became of them."""
    rows = session.scalars(select(Maintenance).order_by(Maintenance.started_at.desc()).limit(size))
    return [
        PastMaintenance(
            MaintenanceFacts(row.reason, row.ordered_by_name, row.started_at, row.until), row.ended_at,
            row.ended_by_name,
        )
        for row in rows
    ]  # fmt: skip


def begin(session: Session, by: Actor, *, reason: str, minutes: int | None = None) -> MaintenanceFacts:
    """Begin maintenance, as the operator does; every workspace has it in its audit.

    Args:
        reason: whoever is refused reads it.
        minutes: it ends by itself after so long; None: when somebody ends it.

    Raises:
        Malformed: no reason, or a time that is none.
        NotNow: it stands already.
    """
    words = storable(reason).strip()
    if not words or len(words) > REASON_CHARS_MAX:
        sentence = f"Say why, in 1 to {REASON_CHARS_MAX} characters: whoever is refused reads it."
        raise Malformed(sentence, errors={"reason": [sentence]})
    if minutes is not None and not 1 <= minutes <= MINUTES_MAX:
        sentence = f"From 1 to {MINUTES_MAX} minutes, which is a week."
        raise Malformed(sentence, errors={"minutes": [sentence]})
    found = standing(session)
    if found is not None:
        raise NotNow(f"It stands already, since {found.started_at:%H:%M} UTC, by {found.ordered_by_name}.")
    moment = clock.now()
    # One whose time is over stands no more, and nobody had to be there to write that down.
    session.execute(
        update(Maintenance).where(Maintenance.open_key == _ON).values(open_key=None, ended_at=Maintenance.until)
    )
    row = Maintenance(
        id=ids.new_id("mnt"),
        open_key=_ON,
        reason=words,
        ordered_by_name=by.name,
        started_at=moment,
        until=moment + timedelta(minutes=minutes) if minutes else None,
    )
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise NotNow("Somebody began it at this moment.") from error
    detail = {"reason": words, "until": row.until.isoformat() if row.until else None}
    _note_everywhere(session, by, "maintenance.begun", row.id, detail)
    return MaintenanceFacts(row.reason, row.ordered_by_name, row.started_at, row.until)


def begin_for_a_time(session: Session, principal: Principal, *, reason: str, minutes: int | None) -> MaintenanceFacts:
    """Begin maintenance from a browser. It has an end: while it stands nobody can sign in to end it.

    Raises:
        NotAllowed: the caller is no instance administrator.
        Malformed, NotNow: as for the operator.
    """
    authorize_instance(session, principal)
    # No number at all is refused like one that is too small.
    return begin(session, principal.actor, reason=reason, minutes=minutes or 0)


def end_as_administrator(session: Session, principal: Principal) -> None:
    """End maintenance from a browser, whoever began it.

    Raises:
        NotAllowed: the caller is no instance administrator.
        NotNow: none stands.
    """
    authorize_instance(session, principal)
    end(session, principal.actor)


def end(session: Session, by: Actor) -> None:
    """End maintenance. What waited goes on.

    Raises:
        NotNow: none stands.
    """
    row_id = session.scalar(select(Maintenance.id).where(Maintenance.open_key == _ON))
    if row_id is None or standing(session) is None:
        raise NotNow("There is no maintenance to end.")
    moved = session.execute(
        update(Maintenance)
        .where(Maintenance.id == row_id, Maintenance.open_key == _ON)
        .values(open_key=None, ended_at=clock.now(), ended_by_name=by.name)
    )
    if cast("Any", moved).rowcount != 1:
        raise NotNow("Somebody ended it at this moment.")
    _note_everywhere(session, by, "maintenance.ended", row_id, {})


def _note_everywhere(session: Session, by: Actor, action: str, object_id: str, detail: dict[str, Any]) -> None:
    # One order for everybody: two who write to the same chains never wait for each other in a ring.
    for workspace_id in session.scalars(select(Workspace.id).order_by(Workspace.id)).all():
        audit.write(
            session,
            workspace_id=workspace_id,
            actor=by,
            action=action,
            object_kind="maintenance",
            object_id=object_id,
            detail=detail,
        )
