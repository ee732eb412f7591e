"""Asking for a release: the gate first, then the signatures its tier wants, then the way its strategy says."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.agents.limits import checked_reason
from signoff.agents.lookup import agent_for
from signoff.agents.revisions import find_revision
from signoff.deployments.actions import environment_for
from signoff.deployments.queries import live_revision
from signoff.deployments.refusals import AlreadyLive
from signoff.deployments.rights import authorize_deploy
from signoff.deployments.switching import live_changed
from signoff.kit import clock
from signoff.kit.errors import Malformed, Refusal
from signoff.people.access import Principal
from signoff.releases import gate
from signoff.releases.actions.going import go_on
from signoff.releases.actions.moves import move, note
from signoff.releases.actions.opening import gate_not_met, open_shipment
from signoff.releases.actions.reverting import make_way
from signoff.releases.policy import default_strategy, reviewers_wanted
from signoff.releases.refusals import ReviewersNeeded
from signoff.releases.rows import Shipment
from signoff.releases.strategy import PLAIN, Strategy, check_time
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment
from signoff.watch.actions import raise_alert
from signoff.watch.probes.evidence import Evidence
from signoff.watch.probes.policies import holding_policy


class AsItIs:
    """The expectation of a caller who has none."""


AS_IT_IS = AsItIs()


def request_release(
    session: Session,
    principal: Principal,
    agent: str,
    *,
    environment: str,
    revision: int | str,
    strategy: Strategy | None = None,
    reason: str,
    expected: str | AsItIs | None = AS_IT_IS,
    is_emergency: bool = False,
    evidence: Evidence | None = None,
    waits: bool = True,
) -> str:
    """Ask for a revision to serve an environment; return the release's id. An attempt that fails is kept: it is
    refused, with its reason, and `refusal_of` is what its caller is told.

    Args:
        strategy: by which way; None: as the tier proposes.
        expected: the revision that served when the caller looked (None: none did).
        is_emergency: skips signatures and steps, never the gate or safety; it is told to everybody who watches.
        evidence: what the gate decides by, when it was just asked; else it is asked now.
        waits: whether it may stay requested until it is signed.

    Raises:
        AlreadyLive: it serves already.
        NotFound, NotAllowed: there is no such agent, revision or environment here, or not for this caller.
        Malformed: the reason or the strategy cannot be followed.
    """
    words = checked_reason(reason)
    row = agent_for(session, principal, agent, "agent.deploy")
    place = environment_for(session, principal, environment)
    target = find_revision(session, row, revision)
    authorize_deploy(session, principal, row, place, target)
    live = live_revision(session, row.id, place.id)
    before = live if isinstance(expected, AsItIs) else expected
    if before == target.id:
        raise AlreadyLive(f"Revision {target.number} of {row.slug} serves {place.slug} already. Nothing was changed.")
    moment = clock.now()
    found = evidence or gate.evidence_for(session, row, place, target, now=moment)
    way = _way(strategy, found, place, before, is_emergency=is_emergency)
    check_time(way, moment)
    asks = reviewers_wanted(
        found.tier, holding_policy(session, row.workspace_id)[0].reviewers, is_production=place.is_production,
        is_emergency=is_emergency, is_rollback=False,
    )  # fmt: skip
    refusal = live_changed(session, row, place) if before != live else _why_not(session, row, place, target, found)
    if refusal is None and asks and not waits:
        refusal = _needs_signing(found, place, asks)
    if refusal is None and is_emergency:
        make_way(session, row, place, by=principal.actor, reason=f"An emergency took its place: {words}")
    made = open_shipment(
        session, row, place, target, by=principal.actor, reason=words, strategy=way, previous=live, evidence=found,
        refusal=refusal, is_emergency=is_emergency,
    )  # fmt: skip
    if made.release.state == "refused":
        return made.release.id
    if is_emergency:
        _tell_emergency(session, principal, made)
    if asks:
        note(session, made.release, "awaits_signatures", by=principal.actor, detail={"wanted": asks},
             text=f"It waits for {asks} signature{'s' if asks > 1 else ''} of the diff.")  # fmt: skip
    else:
        pass_gate(session, made, by=principal)
    return made.release.id


def _way(
    strategy: Strategy | None, found: Evidence, place: Environment, before: str | None, *, is_emergency: bool
) -> Strategy:
    if is_emergency:
        return PLAIN if strategy is None else Strategy(watch_minutes=strategy.watch_minutes)
    way = strategy or default_strategy(
        found.tier, is_production=place.is_production, is_something_live=before is not None
    )
    if before is None and way.kind != "plain":
        sentence = f"Nothing serves {place.slug} yet, so there is nothing to compare with. Release it whole."
        raise Malformed(sentence, errors={"strategy": [sentence]})
    return way


def _why_not(session: Session, agent: Agent, place: Environment, target: Revision, found: Evidence) -> Refusal | None:
    unsafe = gate.unsafe(session, agent, place, target)
    return unsafe or (gate_not_met(agent, place, target, found) if found.blockers else None)


def _needs_signing(found: Evidence, place: Environment, asks: int) -> ReviewersNeeded:
    many = "one person" if asks == 1 else f"{asks} people"
    return ReviewersNeeded(
        f"A revision of the tier {found.tier} is signed by {many} before it serves {place.slug}. Ask for a "
        "release, and have it signed."
    )


def pass_gate(session: Session, made: Shipment, *, by: Principal) -> None:
    """Let a release through the gate, and on by its strategy."""
    move(session, made.release, "gated", by=by.actor, text="The gate is passed.")
    go_on(session, made, by=by.actor, now=clock.now())


def _tell_emergency(session: Session, principal: Principal, made: Shipment) -> None:
    words = (
        f"{principal.name} released {made.words} as an emergency: nobody signed it, and no step was taken. "
        f"Look at its diff now. Their reason: {made.release.reason}"
    )
    note(session, made.release, "emergency", by=principal.actor, text=words)
    raise_alert(
        session, made.release.workspace_id, key=f"emergency:{made.release.id}", kind="emergency_release", text=words,
        agent_id=made.agent.id, detail={"release": made.release.id, "by": principal.name},
    )  # fmt: skip
