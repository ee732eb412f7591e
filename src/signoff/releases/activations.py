"""The connections of a release, tried as it switches: what came of each, kept with the release.

The gate asks before whether they work; this is how they were at the switch itself. One that fails undoes nothing,
unless the workspace's policy says so: people are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.revisions import revision_body
from signoff.record import outbox
from signoff.record.actor import SYSTEM, Actor
from signoff.releases.rows import Shipment
from signoff.releases.views import ActivationFacts
from signoff.tables.connections import Connection
from signoff.tables.releases import ReleaseActivation

ACTIVATE = "release.activate"
# A request to the API tries them itself, and tells what came of it; the engine does should that be lost.
_BY_HAND = timedelta(seconds=20)
SLOTS_MAX = 200


@dataclass(frozen=True, slots=True)
class ToTry:
    """A connection that is to be tried."""

    slot: str
    connection_id: str


def begin_activations(session: Session, made: Shipment, *, by: Actor, now: datetime) -> None:
    """Note which connections the revision uses where it serves now, and have them tried."""
    slots = [slot.slot for slot in revision_body(session, made.target.id).tools][:SLOTS_MAX]
    if not slots:
        return
    there = {
        row.slug: row
        for row in session.scalars(
            select(Connection).where(
                Connection.environment_id == made.place.id, Connection.slug.in_(slots),
                Connection.state != "disconnected",
            )
        )
    }  # fmt: skip
    for slot in slots:
        row = there.get(slot)
        session.add(
            ReleaseActivation(
                release_id=made.release.id, slot=slot, workspace_id=made.release.workspace_id,
                connection_id=row.id if row else None, name=row.name if row else slot, kind=row.kind if row else "",
                state="pending",
            )
        )  # fmt: skip
    session.flush()
    outbox.send(
        session, workspace_id=made.release.workspace_id, kind=ACTIVATE, payload={"release": made.release.id},
        due_at=now if by == SYSTEM else now + _BY_HAND,
    )  # fmt: skip


def try_soon(session: Session, release_id: str) -> None:
    """Have the connections of a release that were not tried yet tried at once, by the engine: whoever pressed a button
    does not wait for them, and reads of it on the release's page."""
    found = to_try(session, release_id)
    if found is not None:
        outbox.send(session, workspace_id=found[0], kind=ACTIVATE, payload={"release": release_id})


def to_try(session: Session, release_id: str) -> tuple[str, Sequence[ToTry]] | None:
    """Return the workspace of a release and its connections that were not tried yet; None: nothing is left to do."""
    rows = session.scalars(
        select(ReleaseActivation)
        .where(ReleaseActivation.release_id == release_id, ReleaseActivation.state == "pending")
        .limit(SLOTS_MAX)
    ).all()
    if not rows:
        return None
    return rows[0].workspace_id, [ToTry(row.slot, row.connection_id) for row in rows if row.connection_id]


def activations_of(session: Session, release_id: str) -> tuple[ActivationFacts, ...]:
    """Return what came of each connection of a release; those that failed first."""
    rows = session.scalars(
        select(ReleaseActivation)
        .where(ReleaseActivation.release_id == release_id)
        .order_by(ReleaseActivation.state, ReleaseActivation.slot)
        .limit(SLOTS_MAX)
    )
    return tuple(
        ActivationFacts(
            row.slot, row.connection_id, row.name, row.kind,
            row.state,  # pyright: ignore[reportArgumentType]  # As written.
            row.code, row.error, row.seconds, row.at,
        )
        for row in rows
    )  # fmt: skip
