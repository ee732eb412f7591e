"""What came of trying the connections of a release as it switched: kept, told, and gone back from where the policy says
so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.text import shortened, storable
from signoff.record.actor import SYSTEM
from signoff.releases.actions.moves import note
from signoff.releases.actions.reverting import revert_watched
from signoff.releases.activations import activations_of
from signoff.releases.rows import Shipment, shipment
from signoff.tables.releases import Release, ReleaseActivation
from signoff.watch.actions import raise_alert
from signoff.watch.probes.policies import holding_policy

NOT_THERE = "not_bound"
_ERROR_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it. `error`, `code`: None when it works."""

    ok: bool
    seconds: float
    error: str | None = None
    code: str | None = None


def keep_activations(session: Session, release_id: str, tried: Mapping[str, Tried]) -> bool:
    """Keep what came of trying the connections of a release, by slot; what was not tried is not there. Returns whether
    it was kept: of two who tried at once, the first tells.

    One alert tells of all that failed. Where the policy says so, the release goes back.
    """
    made = shipment(session, release_id)
    if made is None:
        return False
    moment = clock.now()
    rows = session.scalars(
        select(ReleaseActivation).where(ReleaseActivation.release_id == release_id).order_by(ReleaseActivation.slot)
    ).all()
    kept = 0
    for row in rows:
        found = tried.get(row.slot) or Tried(False, 0.0, _not_there(made, row.slot), NOT_THERE)
        error = shortened(storable(found.error or ""), _ERROR_CHARS) or None
        done = session.execute(
            update(ReleaseActivation)
            .where(
                ReleaseActivation.release_id == release_id, ReleaseActivation.slot == row.slot,
                ReleaseActivation.state == "pending",
            )
            .values(
                state="ok" if found.ok else "failed", code=found.code, error=error, seconds=found.seconds, at=moment
            )
            .returning(ReleaseActivation.slot)
            .execution_options(synchronize_session=False)
        ).all()  # fmt: skip
        kept += len(done)
    if not kept:
        return False
    session.expire_all()
    _tell(session, release_id, moment)
    return True


def _tell(session: Session, release_id: str, now: datetime) -> None:
    made = shipment(session, release_id)
    assert made is not None  # noqa: S101  # It was a moment ago.
    found = activations_of(session, release_id)
    failed = [one for one in found if one.state == "failed"]
    session.execute(update(Release).where(Release.id == release_id).values(activations_failed=len(failed)))
    session.refresh(made.release)
    names = "; ".join(f"{one.slot}: {one.error}" for one in failed)
    counts = f"{len(found) - len(failed)} of {len(found)} connections worked as it switched."
    note(
        session, made.release, "activated", by=SYSTEM, text=f"{counts} {names}".strip(),
        detail={"failed": [one.slot for one in failed], "count": len(found)},
    )  # fmt: skip
    if not failed:
        return
    raise_alert(
        session, made.release.workspace_id, key=f"release:{release_id}:activation", kind="connection_not_activated",
        agent_id=made.agent.id, detail={"release": release_id, "slots": [one.slot for one in failed]},
        text=f"The release of {made.words} switched, and not every connection works. {names} Test the connection on "
        "its page, or go back.",
    )  # fmt: skip
    after = holding_policy(session, made.release.workspace_id)[0].after
    tier = made.release.tier
    if not made.release.is_rollback and after.rolls_back(tier, is_production=made.place.is_production):  # pyright: ignore[reportArgumentType]  # As the gate said.
        revert_watched(session, made, code="connection_failed", reason=f"{counts} {names}", now=now)


def _not_there(made: Shipment, slot: str) -> str:
    return f"{made.place.slug} has no connection {slot}. Create it under this name, or take it out of the revision."
