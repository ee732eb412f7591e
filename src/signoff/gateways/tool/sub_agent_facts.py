"""Which agent a call goes to, under which revision, and why it may not; read for such a call only.

An agent that is called acts with what its own revision allows and no more than whoever the run works for may start; and
whatever ends or freezes a run above it holds for it, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.callees import pinned, serving
from signoff.agents.handovers import is_handed_over
from signoff.agents.pauses import pause_of
from signoff.agents.revisions import revision_body
from signoff.agents.sub_agents import LIVE, SubAgent, tool_schema
from signoff.deployments.traffic import route
from signoff.gateways.tool.call import ToolCall
from signoff.people.access import can
from signoff.people.present import present
from signoff.runs.actions.children import child_of_call
from signoff.runs.facts import RunContext
from signoff.runs.family import body_of
from signoff.runs.states import STARTED_BY_ITSELF, Variant, is_rehearsal
from signoff.tables.agents import Agent, Revision
from signoff.tables.runs import Run

if TYPE_CHECKING:
    from signoff.gateways.standing import Standing

# A tool of the revision itself, and of no connection.
NO_SLOT = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The agent and the revision that a call gets, and what that takes."""

    agent: Agent
    revision: Revision
    variant: Variant
    release_id: str | None
    body: Body

    @property
    def schema(self) -> dict[str, Any]:
        """Return what the model gives."""
        return tool_schema(self.body.input_schema)

    def description(self, said: str) -> str:
        """Return what the model is told of it: what the revision says, else what the agent says of itself."""
        return said or self.agent.description or f"Have the agent {self.agent.name or self.agent.slug} work on this."


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a call to an agent cannot be: a stable code, and words."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class SubAgentFacts:
    """What is known of one call to another agent.

    Args:
        child: the run that this very call made before; then nothing else is looked at.
    """

    entry: SubAgent
    child: Run | None = None
    target: Target | None = None
    refused: Refused | None = None


def entry_of(body: Body, call: ToolCall) -> SubAgent | None:
    """Return which sub-agent of a revision a call goes to; None when it goes to something else."""
    if call.slot != NO_SLOT:
        return None
    return next((one for one in body.sub_agents if one.tool == call.tool), None)


def sub_agent_facts(session: Session, run: RunContext, call: ToolCall, standing: Standing) -> SubAgentFacts | None:
    """Return the facts, or None when the call goes to something else."""
    entry = entry_of(run.body, call)
    if entry is None:
        return None
    child = child_of_call(session, call.key)
    if child is not None:
        return SubAgentFacts(entry, child)
    found = target_of(session, run, entry)
    if isinstance(found, Refused):
        return SubAgentFacts(entry, refused=found)
    refused = _started_not(session, run, standing, found.agent) or _beyond(session, run, standing, found.agent)
    return SubAgentFacts(entry, target=found, refused=refused or _not_theirs(session, run, found.agent))


def target_of(session: Session, run: RunContext, entry: SubAgent) -> Target | Refused:
    """Return what a call to a sub-agent would get now, or why there is nothing."""
    agent = session.scalar(select(Agent).where(Agent.workspace_id == run.workspace_id, Agent.slug == entry.agent))
    if agent is None:
        return Refused("sub_agent_missing", f"There is no agent {entry.agent} in this workspace any more.")
    if entry.revision != LIVE:
        row = pinned(session, agent.id, entry.revision)
        if row is None:
            return Refused("sub_agent_missing", f"{agent.slug} has no revision {entry.revision[:12]}.")
        return _target(session, run, agent, row, "pinned", None)
    if is_rehearsal(run.mode):
        # A candidate is tried against what serves, and not against another candidate.
        row, variant, release_id = serving(session, agent.id, run.environment_id), "live", None
    else:
        taken = route(session, agent.id, run.environment_id, run.family_id)
        row = session.get(Revision, taken.revision_id) if taken is not None else None
        variant, release_id = (taken.variant, taken.release_id) if taken is not None else ("live", None)
    if row is None:
        words = f"{agent.slug} has no revision that serves in this environment. Make one live, or pin one."
        return Refused("sub_agent_not_live", words)
    return _target(session, run, agent, row, variant, release_id)


def _target(
    session: Session, run: RunContext, agent: Agent, row: Revision, variant: Variant, release_id: str | None
) -> Target:
    if run.mode == "shadow":
        # The money of a shadow is its release's, whoever spends it.
        variant, release_id = "shadow", run.release_id
    if run.mode == "evaluation":
        variant, release_id = "pinned", None
    return Target(agent, row, variant, release_id, revision_body(session, row.id))


def _started_not(session: Session, run: RunContext, standing: Standing, agent: Agent) -> Refused | None:
    """Say why nothing starts of an agent: as `request_run` does, in words for whoever called it."""
    if agent.state != "active":
        return Refused("agent_disabled", f"{agent.slug} is {agent.state}. Nothing starts of it until it is enabled.")
    is_real = (standing.origin, run.mode) == ("production", "live")
    pause = pause_of(session, agent.id) if is_real else None
    if pause is not None:
        return Refused("agent_paused", f"{agent.slug} is paused. {pause.sentence}")
    source = session.scalar(select(Run.source).where(Run.id == run.run_id))
    if source in STARTED_BY_ITSELF and is_handed_over(session, agent.id):
        return Refused(
            "handover", f"{agent.slug} is being handed over; nothing starts it by itself until that is done."
        )
    return None


def _beyond(session: Session, run: RunContext, standing: Standing, agent: Agent) -> Refused | None:
    """Say that the agents would go in a circle, too deep, or become too many."""
    above = standing.above
    trail = [*(kin.agent_slug for kin in reversed(above)), run.agent_slug]
    if agent.id in (run.agent_id, *(kin.agent_id for kin in above)):
        way = " \u2192 ".join((*trail, agent.slug))
        return Refused("sub_agent_cycle", f"{way} goes in a circle: an agent never works for itself. Do without.")
    family = standing.family
    limits = [(run.agent_slug, run.run_id, run.depth, run.body.limits)]
    limits += [(kin.agent_slug, kin.id, kin.depth, body_of(session, kin).limits) for kin in above]
    for slug, run_id, depth, limit in limits:
        if run.depth + 1 - depth > limit.sub_agent_depth:
            words = f"Below {slug} agents may call each other {limit.sub_agent_depth} deep (limits.sub_agent_depth)"
            return Refused("sub_agents_too_deep", f"{words}, and {agent.slug} would be one deeper. Do without.")
        if family is not None and len(family.below(run_id)) >= limit.sub_agent_runs:
            words = f"{limit.sub_agent_runs} runs of other agents came of {slug}'s run already"
            return Refused("sub_agents_too_many", f"{words}, as many as it allows (limits.sub_agent_runs).")
    return None


def _not_theirs(session: Session, run: RunContext, agent: Agent) -> Refused | None:
    """Say that whoever the run works for may not start that agent themselves: nor may they through another one.

    Asked for with a key, they may no more than that key may now.
    """
    caller = present(session, run.workspace_id, run.requested_by, run.requested_with)
    if isinstance(caller, str):
        return Refused("sub_agent_not_allowed", f"Whoever this run works for: {caller}.")
    # As `request_run` asks: this agent, and a run of one's own in this environment.
    may_agent = can(caller, "run.start", owners=(agent.owner_id, agent.backup_id), agent_id=agent.id)
    may_run = can(caller, "run.start", owners=(caller.id,), agent_id=agent.id, environment_id=run.environment_id)
    if may_agent and may_run:
        return None
    return Refused("sub_agent_not_allowed", f"{caller.name}, for whom this run works, may not start {agent.slug}.")
