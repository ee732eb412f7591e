"""The engine's one call: look at a release that is due, with what was found out about it, and make one legal move."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from signoff.deployments.canary import set_share
from signoff.record.actor import SYSTEM
from signoff.releases.actions.going import go_on, is_answered, next_look, take_back
from signoff.releases.actions.holding import end_hold
from signoff.releases.actions.moves import move, note, stay, undecided_key
from signoff.releases.actions.opening import refuse
from signoff.releases.actions.reverting import revert_watched
from signoff.releases.findings import NOTHING, Findings
from signoff.releases.policy import LOOK_SECONDS
from signoff.releases.refusals import refusal_for
from signoff.releases.rows import Shipment, has_event, shipment
from signoff.watch.actions import raise_alert


def advance(session: Session, release_id: str, *, now: datetime, findings: Findings = NOTHING) -> bool:
    """Look at one release that is due. Returns whether it was: a second look at the same moment finds nothing to do.

    Raises:
        ReleaseMoved: somebody moved it at the same moment; theirs holds.
    """
    made = shipment(session, release_id)
    if made is None or made.release.due_at is None or made.release.due_at > now:
        return False
    _remember(session, made, findings, now)
    match made.release.state:
        case "scheduled":
            go_on(session, made, by=SYSTEM, now=now)
        case "shadow":
            _shadow(session, made, findings, now)
        case "canary":
            _canary(session, made, findings, now)
        case "watching":
            _watching(session, made, findings, now)
        case _:
            stay(session, made.release, due_at=None)
    return True


def _remember(session: Session, made: Shipment, found: Findings, now: datetime) -> None:
    """Keep the last verdict with the release; a new one is told in its timeline."""
    if found.verdict is None:
        return
    is_new = found.verdict != made.release.verdict
    stay(session, made.release, verdict=found.verdict, verdict_reason=found.reason or None, verdict_at=now)
    if is_new:
        note(session, made.release, "compared", by=SYSTEM, text=found.reason or f"The candidate is {found.verdict}.",
             detail={"verdict": found.verdict, "runs": found.runs, **found.detail})  # fmt: skip


def _shadow(session: Session, made: Shipment, found: Findings, now: datetime) -> None:
    shadow, since = made.way.shadow, made.release.step_since or now
    if found.is_bad:
        code, reason = _why(found)
        refuse(session, made, refusal_for(code, reason, {"verdict": found.verdict}), by=SYSTEM)
        _alert(session, made, code, f"The shadow of {made.words} was ended: {reason}")
        return
    end = since + timedelta(days=shadow.days if shadow else 0)
    if now < end or found.is_shadow_done is False:
        stay(session, made.release, due_at=next_look(max(end, now + timedelta(seconds=LOOK_SECONDS)), now))
    elif found.verdict in ("better", "same"):
        go_on(session, made, by=SYSTEM, now=now)
    else:
        _ask_person(session, made, found, now)


def _canary(session: Session, made: Shipment, found: Findings, now: datetime) -> None:
    if found.is_bad:
        code, reason = _why(found)
        take_back(session, made, by=SYSTEM, code=code, reason=reason)
        _alert(session, made, code, f"The canary of {made.words} was rolled back: {reason}")
        return
    canary, since = made.way.canary, made.release.step_since or now
    if canary is None:
        stay(session, made.release, due_at=None)
        return
    _, minutes, least = canary.at(made.release.step)
    end = since + timedelta(minutes=minutes)
    if now < end or found.runs < least:
        stay(session, made.release, due_at=next_look(max(end, now + timedelta(seconds=LOOK_SECONDS)), now))
    elif made.release.step + 1 < canary.length:
        next_step(session, made, by=SYSTEM, now=now)
    elif found.verdict in ("better", "same"):
        go_on(session, made, by=SYSTEM, now=now)
    else:
        _ask_person(session, made, found, now)


def next_step(session: Session, made: Shipment, *, by: Any, now: datetime) -> None:
    """Give the candidate the share of the canary's next step."""
    canary = made.way.canary
    assert canary is not None  # noqa: S101  # A release in the state canary has one.
    if not is_answered(session, made, by=by, now=now):
        return
    end_hold(session, made)
    step = made.release.step + 1
    share, minutes, _ = canary.at(step)
    if not set_share(session, made.release, share):
        gone = refusal_for("live_changed", f"Something else serves {made.place.slug} now.", {})
        refuse(session, made, gone, by=by)
        return
    stay(session, made.release, step=step, step_since=now, due_at=next_look(now + timedelta(minutes=minutes), now))
    note(session, made.release, "step", by=by, text=f"The candidate gets {share / 100:g} % of what is started.",
         detail={"share": share, "step": step})  # fmt: skip


def _watching(session: Session, made: Shipment, found: Findings, now: datetime) -> None:
    until = made.release.watch_until or now
    if found.is_bad:
        code, reason = _why(found)
        if revert_watched(session, made, code=code, reason=reason, now=now):
            _alert(session, made, code, f"{made.words.capitalize()} was rolled back by itself: {reason}")
            return
        _alert(
            session, made, code, f"{made.words.capitalize()} does badly, and nothing is left to go back to: {reason}"
        )
    if now >= until:
        settle(session, made)
    else:
        stay(session, made.release, due_at=next_look(until, now))


def settle(session: Session, made: Shipment, *, by: Any = SYSTEM) -> None:
    """End the watch: the release is what it is now, the ordinary."""
    move(session, made.release, "settled", by=by, text="Its watch is over. It serves as the ordinary now.")


def _ask_person(session: Session, made: Shipment, found: Findings, now: datetime) -> None:
    """Its time is over and nothing is certain: a person decides. It is still looked at: it may turn out bad."""
    stay(session, made.release, due_at=now + timedelta(seconds=LOOK_SECONDS))
    if has_event(session, made.release, "undecided"):
        return
    why = found.reason or "Nothing was found out that would decide it."
    note(session, made.release, "undecided", by=SYSTEM, text=f"A person decides: promote it, or abort it. {why}")
    _alert(session, made, "release_undecided", f"The release of {made.words} waits for a person: promote it, or abort "
           f"it. {why}")  # fmt: skip


def _why(found: Findings) -> tuple[str, str]:
    if found.violation is not None:
        return "invariant_broken", found.violation
    return "worse", found.reason or "It does worse than what serves."


def _alert(session: Session, made: Shipment, kind: str, text: str) -> None:
    is_undecided = kind == "release_undecided"
    raise_alert(
        session, made.release.workspace_id, agent_id=made.agent.id, text=text,
        key=undecided_key(made.release) if is_undecided else f"release:{made.release.id}",
        kind=kind if is_undecided else "release_rolled_back",
        detail={"release": made.release.id, "code": kind},
    )  # fmt: skip
