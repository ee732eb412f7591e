"""A release's first row, and its refusal: an attempt that fails is kept with its reason."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.deployments.canary import clear_candidate
from signoff.deployments.shadowing import end_shadow
from signoff.kit import clock, ids
from signoff.kit.errors import Refusal
from signoff.kit.text import shortened
from signoff.record.actor import Actor
from signoff.releases.actions.moves import move, note
from signoff.releases.refusals import GateNotMet, ReleaseUnderWay, refusal_for
from signoff.releases.rows import Shipment, open_key, open_release
from signoff.releases.strategy import Strategy
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment
from signoff.tables.releases import Release, ReleaseEvent
from signoff.watch.probes.evidence import Evidence

_NAMED_MAX = 50
_AS_WORDS = {"requested": "waiting for signatures", "shadow": "in the shadow", "canary": "a canary"}


def open_shipment(
    session: Session,
    agent: Agent,
    place: Environment,
    target: Revision,
    *,
    by: Actor,
    reason: str,
    strategy: Strategy,
    previous: str | None,
    evidence: Evidence | None,
    refusal: Refusal | None = None,
    **more: Any,
) -> Shipment:
    """Write the row of a release that begins. It is refused at once for `refusal`, or where another is under way."""
    moment = clock.now()
    values: dict[str, Any] = {
        "id": ids.new_id("rel"), "workspace_id": agent.workspace_id, "agent_id": agent.id, "environment_id": place.id,
        "revision_id": target.id, "previous_revision_id": previous, "state": "requested", "state_since": moment,
        "version": 1, "strategy": strategy.plain(), "step": 0, "is_rollback": False, "is_emergency": False,
        "tier": evidence.tier if evidence else "low", "reason": reason, "requested_by": by.id,
        "requested_by_name": by.name, "requested_at": moment, "asked_with": by.key_id,
        "lock": {}, **kept(evidence), **more,
    }  # fmt: skip
    # What is refused anyway holds up nobody.
    release = Release(**values, open_key=None if refusal else open_key(agent.id, place.id))
    why = refusal
    try:
        # The unique key decides between two that begin at once; only this insert is undone.
        with session.begin_nested():
            session.add(release)
    except IntegrityError:
        why = under_way(session, agent, place)
        release = Release(**values, open_key=None)
        session.add(release)
        session.flush()
    made = Shipment(release, agent, place, target)
    note(session, release, "requested", by=by, text=f"{by.name} asked to release {made.words}, {strategy.sentence}.",
         detail={"reason": reason, "is_emergency": release.is_emergency, "tier": release.tier})  # fmt: skip
    if why is not None:
        refuse(session, made, why, by=by)
    return made


def kept(evidence: Evidence | None) -> dict[str, Any]:
    """Return evidence as a release keeps it."""
    if evidence is None:
        return {"evidence": {}, "evidence_at": None, "policy_digest": None}
    found = {
        result.probe: {
            "title": result.title, "group": result.group, "source": result.source, "severity": result.severity,
            "status": result.status, "measured": result.measured, "wanted": result.wanted, "fix": result.fix,
            "links": list(result.links),
            "measured_at": result.measured_at.isoformat() if result.measured_at else None,
        }
        for result in evidence.results
    }  # fmt: skip
    return {"evidence": found, "evidence_at": evidence.at, "policy_digest": evidence.policy_digest}


def refuse(session: Session, made: Shipment, refusal: Refusal, *, by: Actor, **values: Any) -> None:
    """End a release that must not go on, with the reason that whoever asked is told."""
    clear_candidate(session, made.release)
    end_shadow(session, made.release)
    move(
        session, made.release, "refused", by=by, text=refusal.detail,
        detail={"code": refusal.code, "extra": refusal.extra}, code=refusal.code,
        ended_reason=shortened(refusal.detail, 2_000), **values,
    )  # fmt: skip


def refusal_of(session: Session, release_id: str) -> Refusal | None:
    """Return why a release was refused, to be raised once its row is kept; None when it was not."""
    release = session.get(Release, release_id)
    if release is None or release.state != "refused":
        return None
    detail = session.scalar(
        select(ReleaseEvent.detail)
        .where(ReleaseEvent.release_id == release_id, ReleaseEvent.kind == "refused")
        .order_by(ReleaseEvent.seq.desc())
        .limit(1)
    )
    words = release.ended_reason or "The release was refused."
    return refusal_for(release.code or "refused", words, (detail or {}).get("extra", {}))


def gate_not_met(agent: Agent, place: Environment, target: Revision, evidence: Evidence) -> GateNotMet:
    """Return the refusal that names each blocker and what to do about it."""
    blockers = evidence.blockers[:_NAMED_MAX]
    first = blockers[0]
    more = f" and {len(evidence.blockers) - 1} more" if len(evidence.blockers) > 1 else ""
    return GateNotMet(
        f"The gate is not met for revision {target.number} of {agent.slug} in {place.slug}: "
        f"{first.title}: {first.measured.rstrip('.')}{more}. {first.fix}".rstrip(),
        extra={
            "tier": evidence.tier,
            "blockers": [
                {
                    "probe": one.probe, "title": one.title, "status": one.status, "measured": one.measured,
                    "wanted": one.wanted, "fix": one.fix,
                }
                for one in blockers
            ],
        },
    )  # fmt: skip


def under_way(session: Session, agent: Agent, place: Environment) -> ReleaseUnderWay:
    """Return the refusal for whoever asks while another release is under way."""
    rival = open_release(session, agent.id, place.id)
    if rival is None:
        return ReleaseUnderWay(f"A release of {agent.slug} was under way in {place.slug}. Look again, then decide.")
    number = session.scalar(select(Revision.number).where(Revision.id == rival.revision_id))
    return ReleaseUnderWay(
        f"{rival.requested_by_name} is releasing revision {number} of {agent.slug} in {place.slug} since "
        f"{rival.requested_at:%Y-%m-%d %H:%M:%S} UTC; it is {_AS_WORDS.get(rival.state, rival.state)}. "
        "Wait for it, promote it, or abort it.",
        extra={
            "release": rival.id, "number": number, "by": rival.requested_by_name,
            "at": rival.requested_at.isoformat(), "state": rival.state,
        },
    )  # fmt: skip
