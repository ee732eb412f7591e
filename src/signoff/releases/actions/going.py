"""One legal move onward: wait for the time, begin a shadow, begin a canary, go live. Evidence is asked anew each time
that something changes for anybody."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from signoff.deployments.canary import begin_candidate, clear_candidate
from signoff.deployments.shadowing import begin_shadow, end_shadow
from signoff.deployments.switching import live_changed, record_switch, switch
from signoff.kit import ids
from signoff.record import audit
from signoff.record.actor import SYSTEM, Actor
from signoff.releases import gate
from signoff.releases.actions.holding import hold
from signoff.releases.actions.moves import move, stay
from signoff.releases.actions.opening import gate_not_met, kept, refuse
from signoff.releases.activations import begin_activations
from signoff.releases.lock import lock_of
from signoff.releases.policy import LOOK_SECONDS, watch_minutes
from signoff.releases.refusals import ReviewersNeeded
from signoff.releases.rows import Shipment, answerable, watched_releases
from signoff.releases.standing import why_held, why_unsigned
from signoff.releases.strategy import in_days
from signoff.tables.releases import Release
from signoff.watch.probes.evidence import Evidence


def go_on(session: Session, made: Shipment, *, by: Actor, now: datetime, is_asked: bool = False) -> None:
    """Move a release whose gate is passed to what its strategy says comes next, or refuse it.

    Args:
        is_asked: a person wants it now: no moment and no window is waited for.
    """
    way, state = made.way, made.release.state
    if state == "gated" and not is_asked:
        begins = way.begins_at(now)
        if begins is None or begins > now:
            when = begins or now + timedelta(seconds=LOOK_SECONDS)
            move(session, made.release, "scheduled", by=by, due_at=when,
                 text=f"It waits until {when:%Y-%m-%d %H:%M} UTC.")  # fmt: skip
            return
    if state != "gated" and not (
        is_answered(session, made, by=by, now=now) and _is_still_met(session, made, by=by, now=now)
    ):
        return
    if state in ("gated", "scheduled") and way.shadow is not None:
        _begin_shadow(session, made, by=by, now=now)
    elif state in ("gated", "scheduled", "shadow") and way.canary is not None:
        _begin_canary(session, made, by=by, now=now)
    elif way.window is not None and not is_asked and (opening := way.window.opening(now)) is not None and opening > now:
        # All of it goes over only while somebody is there to see it.
        stay(session, made.release, due_at=opening)
    else:
        go_live(session, made, by=by, now=now)


def is_answered(session: Session, made: Shipment, *, by: Actor, now: datetime) -> bool:
    """Return whether those a release rests on may deploy here now; it is held when they may not.

    Of a person who takes the next step only the signatures are asked: their own right just was, and the step is theirs.

    Raises:
        ReviewersNeeded: a person takes the step, and signatures that it needs do not count any more.
    """
    if made.release.is_rollback:
        return True
    if by == SYSTEM:
        why = why_held(session, made)
        if why is not None:
            hold(session, made, why, now=now)
        return why is None
    unsigned = why_unsigned(session, made)
    if unsigned is not None:
        raise ReviewersNeeded(unsigned)
    return True


def _is_still_met(session: Session, made: Shipment, *, by: Actor, now: datetime) -> bool:
    """Ask for evidence anew; refuse the release when what was let through is not fit any more."""
    refusal = gate.unsafe(session, made.agent, made.place, made.target)
    if refusal is not None:
        refuse(session, made, refusal, by=by)
        return False
    if made.release.is_rollback:
        return True
    evidence: Evidence = gate.evidence_for(session, made.agent, made.place, made.target, now=now)
    if evidence.blockers:
        refuse(session, made, gate_not_met(made.agent, made.place, made.target, evidence), by=by, **kept(evidence))
        return False
    stay(session, made.release, **kept(evidence))
    return True


def _begin_shadow(session: Session, made: Shipment, *, by: Actor, now: datetime) -> None:
    shadow = made.way.shadow
    assert shadow is not None  # noqa: S101  # Asked by `go_on`.
    if not begin_shadow(session, made.release, shadow.share):
        refuse(session, made, live_changed(session, made.agent, made.place), by=by)
        return
    end = now + timedelta(days=shadow.days)
    move(
        session, made.release, "shadow", by=by, step_since=now, due_at=next_look(end, now),
        text=f"It is tried beside what serves for {in_days(shadow.days)}: {shadow.sample_percent} % of the inputs, "
        f"at most {shadow.daily_usd} USD a day. It acts on nothing.",
    )  # fmt: skip


def _begin_canary(session: Session, made: Shipment, *, by: Actor, now: datetime) -> None:
    canary = made.way.canary
    assert canary is not None  # noqa: S101  # Asked by `go_on`.
    share, minutes, _ = canary.at(0)
    end_shadow(session, made.release)
    # Random, not the release's id: that is told, and whoever starts runs could choose keys for a side.
    salt = ids.new_token("salt", 16)
    if not begin_candidate(session, made.release, share=share, salt=salt, cohort=canary.cohort):
        refuse(session, made, live_changed(session, made.agent, made.place), by=by)
        return
    named = f" and {len(canary.cohort)} named keys" if canary.cohort else ""
    move(
        session, made.release, "canary", by=by, step=0, step_since=now,
        due_at=next_look(now + timedelta(minutes=minutes), now), detail={"share": share, "step": 0},
        text=f"The candidate gets {share / 100:g} %{named} of what is started.",
    )  # fmt: skip


def go_live(session: Session, made: Shipment, *, by: Actor, now: datetime) -> bool:
    """Let the release's revision serve, from exactly what served when it was asked for. Returns whether it does.

    What served until now is not watched any more; what a rollback goes back from is ended by the rollback.
    """
    release, before = made.release, made.release.previous_revision_id
    if not switch(session, made.agent, made.place, made.target, before, release_id=release.id):
        refuse(session, made, live_changed(session, made.agent, made.place), by=by)
        return False
    # What the engine carries out was decided by whoever asked: as the engine's own it would count as a second person.
    decided = answerable(session, release) if by == SYSTEM else by
    record_switch(
        session, made.agent, made.place, made.target, before, by=decided, reason=release.reason, release_id=release.id
    )
    audit.write(
        session, workspace_id=made.agent.workspace_id, actor=by, action="revision.made_live", object_kind="agent",
        object_id=made.agent.id,
        detail={
            "environment": made.place.slug, "revision": made.target.id, "number": made.target.number,
            "previous": before, "reason": release.reason, "release": release.id,
        },
    )  # fmt: skip
    for older in watched_releases(session, made.agent.id, made.place.id):
        if older.id != release.rolls_back_id:
            _supersede(session, older, made, by=by)
    move(
        session, release, "live", by=by, live_at=now, step_since=now,
        lock=lock_of(session, made.agent, made.place, made.target),
        text=f"Revision {made.target.number} serves {made.place.slug}. Runs under way keep theirs.",
        detail={"revision": made.target.id, "previous": before},
    )  # fmt: skip
    begin_activations(session, made, by=by, now=now)
    _watch(session, made, now=now)
    return True


def _supersede(session: Session, older: Release, made: Shipment, *, by: Actor) -> None:
    words = f"Revision {made.target.number} took its place before its watch was over."
    move(session, older, "settled", by=by, text=words, detail={"by_release": made.release.id}, code="superseded",
         ended_reason=words)  # fmt: skip


def _watch(session: Session, made: Shipment, *, now: datetime) -> None:
    tier = made.release.tier
    minutes = watch_minutes(tier, made.way, is_production=made.place.is_production)  # pyright: ignore[reportArgumentType]  # As the gate said.
    if made.release.is_rollback or made.release.previous_revision_id is None:
        minutes = 0  # It served before; or there is nothing to compare it with, and nothing to go back to.
    if minutes == 0:
        move(session, made.release, "settled", by=SYSTEM, text="Nothing of it is watched.")
        return
    until = now + timedelta(minutes=minutes)
    move(
        session, made.release, "watching", by=SYSTEM, watch_until=until, due_at=next_look(until, now),
        text=f"It is watched until {until:%Y-%m-%d %H:%M} UTC.",
    )  # fmt: skip


def take_back(session: Session, made: Shipment, *, by: Actor, code: str, reason: str) -> None:
    """Take a canary's candidate away: from now on everything gets what serves."""
    clear_candidate(session, made.release)
    move(session, made.release, "rolled_back", by=by, text=reason, detail={"code": code}, code=code,
         ended_reason=reason)  # fmt: skip


def next_look(end: datetime, now: datetime) -> datetime:
    """Return when the engine looks again: at the end of what is waited for, or in a minute if that is earlier."""
    return min(end, now + timedelta(seconds=LOOK_SECONDS))
