"""What stands above every page of one agent: its name, its state, what serves where, and what the viewer may do."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.agents.queries import agent_by_slug
from signoff.agents.views import AgentFacts
from signoff.deployments.queries import live_revisions
from signoff.deployments.views import LiveFacts
from signoff.people.access import Principal, can
from signoff.people.roles import Action


@dataclass(frozen=True, slots=True)
class AgentHead:
    """The head of the pages of an agent. `here` is the tab on screen."""

    agent: AgentFacts
    live: tuple[LiveFacts, ...]
    here: str
    may_edit: bool
    may_deploy: bool
    may_disable: bool
    may_run: bool
    may_share: bool
    may_assign: bool
    may_curate: bool
    """Datasets and evaluators."""
    may_evaluate: bool

    @property
    def path(self) -> str:
        """Return the address of the agent, below the workspace."""
        return f"/agents/{self.agent.slug}"

    @property
    def is_active(self) -> bool:
        """Return whether new runs are taken."""
        return self.agent.state == "active"

    @property
    def can_run_now(self) -> bool:
        """Return whether there is a revision to run, and a right to."""
        return self.may_run and self.is_active and self.agent.last_revision > 0


def agent_head(session: Session, viewer: Principal, slug: str, here: str) -> AgentHead:
    """Return the head, or refuse: there is no such agent here.

    Raises:
        NotFound: this workspace has no agent of that slug.
    """
    agent = agent_by_slug(session, viewer, slug)

    def may(action: Action) -> bool:
        return can(viewer, action, owners=owners, agent_id=agent.id)

    owners = tuple(person.member_id for person in (agent.owner, agent.backup) if person) or (None,)
    return AgentHead(
        agent=agent,
        live=tuple(live_revisions(session, viewer, [agent.id])[agent.id]),
        here=here,
        may_edit=may("agent.edit"),
        may_deploy=may("agent.deploy"),
        may_disable=may("agent.disable"),
        may_run=may("run.start"),
        may_share=may("agent.share"),
        may_assign=may("agent.assign"),
        may_curate=may("dataset.edit"),
        may_evaluate=may("evaluation.run"),
    )
