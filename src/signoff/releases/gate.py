"""The gate: fresh evidence for a revision in an environment, and the safety that nothing skips."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.agents.revisions import find_revision, revision_body
from signoff.deployments.actions import environment_for
from signoff.deployments.gated import refuse_ungated, ungated_in
from signoff.deployments.refusals import GateMissing
from signoff.kit import clock
from signoff.kit.canonical import content_hash
from signoff.kit.errors import Refusal
from signoff.memories.actions import check_scope
from signoff.memories.refusals import MemoryScopeFixed
from signoff.people.access import Principal
from signoff.tables.agents import Agent, Revision
from signoff.tables.connections import Secret, SecretGrant
from signoff.tables.people import Environment
from signoff.watch.probes.evidence import Evidence, ProbeResult

_POLICY = content_hash("safety")


def unsafe(session: Session, agent: Agent, place: Environment, target: Revision) -> Refusal | None:
    """Return why a revision may not serve here whatever else is true; None when it may. A rollback and an emergency
    ask this too."""
    try:
        check_scope(
            session, agent.id, agent.slug, revision_body(session, target.id).memory, is_production=place.is_production
        )
        refuse_ungated(session, agent, place, target)
    except (GateMissing, MemoryScopeFixed) as refusal:
        return refusal
    return None


def evidence_for(
    session: Session, agent: Agent, place: Environment, target: Revision, *, now: datetime | None = None
) -> Evidence:
    """Return what is known of a revision in an environment, as fresh as it can be."""
    moment = now or clock.now()
    return Evidence("low", (_gates(session, place, target, moment), _secrets(session, agent, place, target, moment)),
                    _POLICY, moment)  # fmt: skip


def _gates(session: Session, place: Environment, target: Revision, moment: datetime) -> ProbeResult:
    found = ungated_in(session, place, target)
    return ProbeResult(
        probe="irreversible_gated", title="Every irreversible call is gated", group="safety", source="signoff",
        severity="block", status="false" if found else "true",
        measured=f"{len(found)} without a gate: {', '.join(found[:5])}" if found else "every one has a gate",
        wanted="a gate before each tool that cannot be undone",
        fix="Add a gate, freeze, and release that revision." if found else "", measured_at=moment,
    )  # fmt: skip


def _secrets(session: Session, agent: Agent, place: Environment, target: Revision, moment: datetime) -> ProbeResult:
    wanted = revision_body(session, target.id).secrets
    found = session.execute(
        select(Secret.name, Secret.is_open_to_all, SecretGrant.agent_id)
        .outerjoin(SecretGrant, (SecretGrant.secret_id == Secret.id) & (SecretGrant.agent_id == agent.id))
        .where(Secret.environment_id == place.id, Secret.name.in_(wanted))
    )
    usable = {row.name for row in found if row.is_open_to_all or row.agent_id is not None}
    lacking = [name for name in wanted if name not in usable]
    return ProbeResult(
        probe="secrets_granted", title="Its secrets exist and are granted", group="safety", source="signoff",
        severity="warn", status="false" if lacking else "true",
        measured=f"missing or not granted: {', '.join(lacking[:5])}" if lacking else "all of them",
        wanted=f"each of {len(wanted)} secrets in {place.slug}",
        fix=f"Create or grant in {place.slug}: {', '.join(lacking[:5])}." if lacking else "", measured_at=moment,
    )  # fmt: skip


def evidence_of(session: Session, viewer: Principal, agent: str, *, environment: str, revision: int | str) -> Evidence:
    """Return what is known of a revision in an environment, for somebody who may see the agent.

    Raises:
        NotFound: there is no such agent, revision or environment here.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    return evidence_for(
        session, row, environment_for(session, viewer, environment), find_revision(session, row, revision)
    )
