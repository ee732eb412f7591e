"""The gate: fresh evidence for a revision in an environment, and the safety that nothing skips."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from signoff.agents.retired import RevisionRetired, refuse_retired
from signoff.agents.revisions import revision_body
from signoff.agents.signed_bundle import BindingsMissing
from signoff.deployments.bindings import refuse_unbound_import
from signoff.deployments.gated import refuse_ungated
from signoff.deployments.refusals import GateMissing
from signoff.kit.errors import Refusal
from signoff.memories.actions import check_scope
from signoff.memories.refusals import MemoryScopeFixed
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment
from signoff.watch.probes.evaluate import evaluate
from signoff.watch.probes.evidence import Evidence


def unsafe(session: Session, agent: Agent, place: Environment, target: Revision) -> Refusal | None:
    """Return why a revision may not serve here whatever else is true; None when it may. A rollback and an emergency
    ask this too."""
    try:
        check_scope(
            session, agent.id, agent.slug, revision_body(session, target.id).memory, is_production=place.is_production
        )
        refuse_retired(session, agent, target)
        refuse_ungated(session, agent, place, target)
        refuse_unbound_import(session, agent, place, target)
    except (BindingsMissing, GateMissing, MemoryScopeFixed, RevisionRetired) as refusal:
        return refusal
    return None


def evidence_for(
    session: Session, agent: Agent, place: Environment, target: Revision, *, now: datetime | None = None
) -> Evidence:
    """Return what is known of a revision in an environment, as fresh as it can be."""
    return evaluate(session, agent_id=agent.id, environment_id=place.id, revision_id=target.id, now=now)
