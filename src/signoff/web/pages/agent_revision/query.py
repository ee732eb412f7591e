"""What the page of one revision shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.queries import revision
from signoff.agents.views import RevisionFacts
from signoff.people.access import Principal
from signoff.web.agent_head import AgentHead, agent_head


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A revision: its SOP, and the rest of its content as fields."""

    head: AgentHead
    facts: RevisionFacts
    sop: str
    parts: tuple[tuple[str, str, Any], ...]
    serves: tuple[str, ...]
    previous: int | None
    following: int | None
    problem: str = ""


_PARTS = (
    ("model", "Model"),
    ("tools", "Tools"),
    ("limits", "Limits of one run"),
    ("input_schema", "Input schema"),
    ("output_schema", "Output schema"),
    ("secrets", "Secrets it may use"),
)


def load(session: Session, viewer: Principal, slug: str, number: str, *, problem: str = "") -> RevisionView:
    """Return the view.

    Raises:
        NotFound: the agent has no such revision.
    """
    head = agent_head(session, viewer, slug, "revisions")
    found = revision(session, viewer, slug, number)
    at = found.facts.number
    return RevisionView(
        head=head,
        facts=found.facts,
        sop=str(found.body.get("sop") or ""),
        parts=tuple((key, name, found.body[key]) for key, name in _PARTS if found.body.get(key)),
        serves=tuple(one.environment for one in reversed(head.live) if one.revision_id == found.facts.id),
        previous=at - 1 if at > 1 else None,
        following=at + 1 if at < head.agent.last_revision else None,
        problem=problem,
    )
