"""Reading the facts of one revision in one environment: a fixed number of queries, however much there is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.facts import gather
from signoff.agents.lint import lint
from signoff.agents.revisions import revision_body
from signoff.deployments.hands import authors_of
from signoff.evaluations.golden import GoldenFact, golden_of
from signoff.kit.canonical import content_hash
from signoff.memories.places import fixed_scope
from signoff.people.access import system
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment, Workspace
from signoff.tables.schema import head, heads_of
from signoff.watch.probes import load_agents
from signoff.watch.probes import load_connections as connections
from signoff.watch.probes import load_people as people
from signoff.watch.probes import load_releases as releases
from signoff.watch.probes import load_runs as runs
from signoff.watch.probes.facts import Expected, ProbeFacts, Targets
from signoff.watch.probes.load_expansion import expansion_of


def load_facts(
    session: Session,
    agent: Agent,
    place: Environment,
    revision: Revision,
    *,
    expected: Expected,
    now: datetime,
    targets: Targets,
    weeks: int,
) -> ProbeFacts:
    """Return the facts. The caller has checked that all three belong together, and whose they are.

    Args:
        targets: of a week, before the agent is given more to do; weeks: how many are looked back on.
    """
    viewer = system(agent.workspace_id)
    body = revision_body(session, revision.id)
    risk = load_agents.tier_in(session, agent.workspace_id, place.id, body, declared=expected.risk_tier)
    recent, here = runs.both(session, agent, place.id, revision.id, now)
    usable = connections.tools_of(body, connections.tools_in(session, place.id, body))
    serving = releases.served(session, agent, place, revision.id)
    oldest, pending = runs.waiting_requests(session, agent.id)
    signed, signed_at = releases.signatures(session, agent.id, place.id, revision.id)
    golden, golden_live = _golden(session, agent.id, place.id, revision.id, serving.live_revision_id)
    return ProbeFacts(
        now=now,
        tier=risk.level,
        tier_reasons=risk.reasons,
        agent_id=agent.id,
        slug=agent.slug,
        environment_id=place.id,
        environment=place.slug,
        is_production=place.is_production,
        revision_id=revision.id,
        number=revision.number,
        newest_number=agent.last_revision,
        is_intact=content_hash(revision.body) == revision.hash,
        body=body,
        expected=expected,
        authors=frozenset(authors_of(session, revision)),
        bindings=connections.bindings(session, place, [slot.slot for slot in body.tools]),
        tools=usable,
        secrets=connections.secrets_in(session, place.id, agent.id, body.secrets),
        runs=recent,
        here=here,
        busiest_day=runs.busiest(session, agent, place.id, here, _zone(session, agent), now),
        used=runs.tools_used(session, [run.id for run in recent[: runs.USED_OVER]]),
        answers=runs.gate_answers(session, agent.id, revision.id),
        oldest_request_at=oldest,
        pending=pending,
        unknown_effects=runs.unknown_effects(session, agent.workspace_id, agent.id),
        people=people.people_of(session, viewer, agent),
        limits=people.limits_of(session, agent, place.id),
        served=serving,
        drill=releases.last_drill(session, agent.id, place.id),
        shadow=releases.shadow_of(session, agent.id, place.id, revision.id),
        golden=golden,
        golden_live=golden_live,
        signed=signed,
        signed_at=signed_at,
        release_state=releases.state_under_way(session, agent.id, place.id, revision.id),
        alerts=people.open_alerts(session, agent),
        findings=tuple(lint(body, facts=gather(session, viewer, body, agent=agent.id))),
        called=load_agents.called_agents(session, agent.workspace_id, place.id, body),
        expansion=expansion_of(session, agent, place, body, usable, serving.live_revision_id, weeks=weeks, now=now),
        targets=targets,
        memory_scope=fixed_scope(session, agent.id),
        schema=(",".join(heads_of(session.connection())), head()),
    )


def _zone(session: Session, agent: Agent) -> str:
    return session.scalar(select(Workspace.time_zone).where(Workspace.id == agent.workspace_id)) or "UTC"


def _golden(
    session: Session, agent_id: str, environment_id: str, revision_id: str, live_id: str | None
) -> tuple[Sequence[GoldenFact], Sequence[GoldenFact]]:
    """Return what evaluations say of a revision, and of what serves."""
    mine = golden_of(session, agent_id, revision_id, environment_id)
    is_same = live_id is None or live_id == revision_id or not mine
    return mine, mine if is_same else golden_of(session, agent_id, str(live_id), environment_id)
