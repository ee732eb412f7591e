"""What the list of revisions shows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.agents.queries import revisions_page
from signoff.agents.views import RevisionFacts
from signoff.deployments.queries import deployments_page
from signoff.deployments.views import DeploymentFacts
from signoff.people.access import Principal
from signoff.web.agent_head import AgentHead, agent_head

SWITCHES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """One revision, and the environments it serves."""

    facts: RevisionFacts
    serves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RevisionsView:
    """One page of revisions, and the newest switches."""

    head: AgentHead
    rows: tuple[RevisionRow, ...]
    newer: str | None
    older: str | None
    switches: tuple[DeploymentFacts, ...]
    has_draft_edits: bool


def load(session: Session, viewer: Principal, slug: str, *, cursor: str | None = None) -> RevisionsView:
    """Return the view.

    Raises:
        NotFound: this workspace has no agent of that slug.
    """
    head = agent_head(session, viewer, slug, "revisions")
    page = revisions_page(session, viewer, slug, cursor=cursor)
    serves: dict[str, list[str]] = {}
    for one in head.live:
        serves.setdefault(one.revision_id, []).append(one.environment)
    path = f"{head.path}/revisions"
    return RevisionsView(
        head=head,
        rows=tuple(RevisionRow(facts, tuple(reversed(serves.get(facts.id, ())))) for facts in page.rows),
        newer=f"{path}?cursor={page.previous_cursor}" if page.previous_cursor else None,
        older=f"{path}?cursor={page.next_cursor}" if page.next_cursor else None,
        switches=tuple(deployments_page(session, viewer, slug, size=SWITCHES_SHOWN).rows),
        has_draft_edits=head.agent.has_unfrozen_edits,
    )
