"""The reads: releases of a workspace or an agent, one whole, and the drills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session, aliased

from signoff.agents.lookup import agent_for
from signoff.deployments.rights import may_deploy
from signoff.kit.errors import NotFound, Refusal
from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize, can
from signoff.releases.actions.signing import may_be_signed, signer
from signoff.releases.activations import activations_of
from signoff.releases.reach import of_readable_agents
from signoff.releases.rows import BEFORE_LIVE, Shipment, answerable, shipment_for
from signoff.releases.standing import digest_of, standing, wanted_of
from signoff.releases.strategy import read_strategy
from signoff.releases.views import DrillFacts, EventFacts, ReleaseDetail, ReleaseFacts, SignatureFacts
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import Deployment
from signoff.tables.keyset import newest_first
from signoff.tables.people import Environment
from signoff.tables.releases import Drill, Release, ReleaseEvent, ReleaseSignature

_EVENTS_SHOWN = 500
_SIGNATURES_SHOWN = 100
_DUE_AT_ONCE = 100

_previous = aliased(Revision)


def releases_page(
    session: Session,
    viewer: Principal,
    *,
    agent: str | None = None,
    environment: str | None = None,
    state: str | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[ReleaseFacts]:
    """Return one page of releases, newest first: of one agent, or of all the viewer may see."""
    wanted = _whole()
    if agent is not None:
        wanted = wanted.where(Release.agent_id == agent_for(session, viewer, agent, "agent.read").id)
    else:
        wanted = wanted.where(*of_readable_agents(viewer, Release.workspace_id))
    if viewer.environment_id:
        wanted = wanted.where(Release.environment_id == viewer.environment_id)
    if environment:
        wanted = wanted.where(Environment.slug == environment)
    if state:
        wanted = wanted.where(Release.state == state)
    page = newest_first(session, wanted, Release.id, cursor=cursor, size=size)
    return Page([_facts(row) for row in page.rows], page.next_cursor, page.previous_cursor)


def release(session: Session, viewer: Principal, release_id: str) -> ReleaseDetail:
    """Return one release with its evidence, timeline and signatures.

    Raises:
        NotFound: there is no such release here, or it is of an agent the viewer may not see.
    """
    made = shipment_for(session, viewer, release_id, "agent.read")
    row = session.execute(_whole().where(Release.id == made.release.id)).one()
    digest = digest_of(session, made.release)
    events = session.scalars(
        select(ReleaseEvent)
        .where(ReleaseEvent.release_id == made.release.id)
        .order_by(ReleaseEvent.seq.desc())
        .limit(_EVENTS_SHOWN)
    ).all()
    signed = session.scalars(
        select(ReleaseSignature)
        .where(ReleaseSignature.release_id == made.release.id)
        .order_by(ReleaseSignature.at)
        .limit(_SIGNATURES_SHOWN)
    ).all()
    owners = (made.agent.owner_id, made.agent.backup_id)
    may = can(viewer, "agent.deploy", owners=owners, agent_id=made.agent.id, environment_id=made.place.id)
    counted = {one.member_id for one in standing(session, made, digest)}
    return ReleaseDetail(
        facts=_facts(row),
        evidence=made.release.evidence,
        evidence_at=made.release.evidence_at,
        policy_digest=made.release.policy_digest,
        timeline=tuple(EventFacts(e.seq, e.at, e.kind, e.actor_name, e.text, e.detail) for e in reversed(events)),
        signatures=tuple(_signature(one, digest, counted) for one in signed),
        reviewers_wanted=wanted_of(session, made),
        diff_digest=digest,
        can_sign=_may_sign(session, viewer, made, signed),
        can_decide=may and made.release.state in (*BEFORE_LIVE, "watching"),
        can_take_over=_may_take_over(session, viewer, made),
        activations=activations_of(session, made.release.id),
    )


def release_of_switch(session: Session, viewer: Principal, switch: str) -> str:
    """Return the release that made a switch.

    Raises:
        NotFound: there is no such switch here, or the very first revision served without a release.
    """
    authorize(viewer, "agent.read")
    found = session.scalar(
        select(Deployment.release_id).where(Deployment.id == switch, Deployment.workspace_id == viewer.workspace_id)
    )
    if found is None:
        raise NotFound("There is no such switch in this workspace.")
    return found


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """A release under way, for a board: its id, its state, the number of its revision."""

    id: str
    state: str
    number: int


def open_by_agent(session: Session, viewer: Principal, agent_ids: Sequence[str]) -> dict[tuple[str, str], OpenRelease]:
    """Return the releases under way of the agents of one page, by agent and environment, in one query."""
    authorize(viewer, "agent.read")
    rows = session.execute(
        select(Release.agent_id, Release.environment_id, Release.id, Release.state, Revision.number)
        .join(Revision, Revision.id == Release.revision_id)
        .where(
            Release.workspace_id == viewer.workspace_id, Release.agent_id.in_(agent_ids), Release.open_key.is_not(None)
        )
    )  # fmt: skip
    return {(row[0], row[1]): OpenRelease(*row[2:]) for row in rows}


def drills_page(
    session: Session,
    viewer: Principal,
    agent: str,
    *,
    environment: str | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[DrillFacts]:
    """Return one page of an agent's drills, newest first."""
    found = agent_for(session, viewer, agent, "agent.read")
    wanted = (
        select(Drill, Environment.slug.label("environment"))
        .join(Environment, Environment.id == Drill.environment_id)
        .where(Drill.agent_id == found.id)
    )
    if viewer.environment_id:
        wanted = wanted.where(Drill.environment_id == viewer.environment_id)
    if environment:
        wanted = wanted.where(Environment.slug == environment)
    page = newest_first(session, wanted, Drill.id, cursor=cursor, size=size)
    return Page([_drill(row) for row in page.rows], page.next_cursor, page.previous_cursor)


def due_releases(session: Session, now: datetime) -> Sequence[str]:
    """Return the releases whose time has come, the longest due first. For the engine."""
    return session.scalars(
        select(Release.id).where(Release.due_at <= now).order_by(Release.due_at, Release.id).limit(_DUE_AT_ONCE)
    ).all()


def _may_sign(session: Session, viewer: Principal, made: Shipment, signed: Sequence[ReleaseSignature]) -> bool:
    if not may_be_signed(session, made) or any(one.member_id == viewer.member_id for one in signed):
        return False
    try:
        signer(session, viewer, made)
    except Refusal:
        return False
    return True


def _may_take_over(session: Session, viewer: Principal, made: Shipment) -> bool:
    if made.release.state not in BEFORE_LIVE:
        return False
    now = answerable(session, made.release)
    if (now.id, now.key_id) == (viewer.id, viewer.key_id):
        return False
    return may_deploy(session, viewer, made.agent, made.place, made.target)


def _whole() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Release, Agent.slug.label("agent_slug"), Environment.slug.label("environment"), Environment.is_production,
            Revision.number.label("number"), _previous.number.label("previous_number"),
        )
        .join(Agent, Agent.id == Release.agent_id)
        .join(Environment, Environment.id == Release.environment_id)
        .join(Revision, Revision.id == Release.revision_id)
        .outerjoin(_previous, _previous.id == Release.previous_revision_id)
        .execution_options(populate_existing=True)
    )  # fmt: skip


def _facts(row: Row[*tuple[Any, ...]]) -> ReleaseFacts:
    made: Release = row.Release
    way = read_strategy(made.strategy)
    return ReleaseFacts(
        id=made.id, agent_id=made.agent_id, agent_slug=row.agent_slug, environment_id=made.environment_id,
        environment=row.environment, is_production=row.is_production, revision_id=made.revision_id,
        revision_number=row.number, previous_revision_id=made.previous_revision_id,
        previous_number=row.previous_number, state=made.state,  # pyright: ignore[reportArgumentType]  # As written.
        state_since=made.state_since, version=made.version, due_at=made.due_at, strategy=made.strategy,
        strategy_kind=way.kind, strategy_text=way.sentence, step=made.step,
        steps=way.canary.length if way.canary else 0, step_since=made.step_since, is_rollback=made.is_rollback,
        is_emergency=made.is_emergency, rolls_back_id=made.rolls_back_id, tier=made.tier, reason=made.reason,
        requested_by=made.requested_by, requested_by_name=made.requested_by_name, requested_at=made.requested_at,
        answered_by_name=made.taken_over_by_name or made.requested_by_name, held_since=made.held_since,
        held_reason=made.held_reason,
        verdict=made.verdict, verdict_reason=made.verdict_reason, verdict_at=made.verdict_at, live_at=made.live_at,
        watch_until=made.watch_until, code=made.code, ended_reason=made.ended_reason,
        ended_by_name=made.ended_by_name, ended_at=made.ended_at, activations_failed=made.activations_failed,
    )  # fmt: skip


def _signature(row: ReleaseSignature, digest: str, counted: set[str]) -> SignatureFacts:
    verdict: Any = row.verdict
    return SignatureFacts(
        row.member_id, row.member_name, verdict, row.comment, row.at, row.diff_digest == digest,
        row.member_id in counted,
    )  # fmt: skip


def _drill(row: Row[*tuple[Any, ...]]) -> DrillFacts:
    made: Drill = row.Drill
    kind: Any = made.kind
    return DrillFacts(
        made.id, made.agent_id, row.environment, kind, made.from_revision_id, made.to_revision_id, made.milliseconds,
        made.is_passed, made.text, made.by_name, made.at,
    )  # fmt: skip
