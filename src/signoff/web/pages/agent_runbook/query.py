"""What the page of a runbook shows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.watch.runbook import Runbook, runbook
from signoff.web.agent_head import AgentHead, agent_head


@dataclass(frozen=True, slots=True)
class RunbookView:
    """The page."""

    head: AgentHead
    book: Runbook


def load(session: Session, viewer: Principal, slug: str) -> RunbookView:
    """Return the view.

    Raises:
        NotFound: this workspace has no agent of that slug.
    """
    return RunbookView(agent_head(session, viewer, slug, "runbook"), runbook(session, viewer, slug))
