"""What the page of one revision shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.queries import revision, revision_body
from signoff.agents.views import RevisionFacts
from signoff.people.access import Principal
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.agent_words import bound_in_words, limits_in_words, model_in_words
from signoff.web.rule_words import rules_in_words


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A revision: its SOP, and the rest of its content in words; schemas as they are."""

    head: AgentHead
    facts: RevisionFacts
    sop: str
    model: tuple[tuple[str, str], ...]
    limits: tuple[str, ...]
    rules: tuple[str, ...]
    tools: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    schemas: tuple[tuple[str, str, Any], ...]
    secrets: tuple[str, ...]
    serves: tuple[str, ...]
    previous: int | None
    following: int | None
    problem: str = ""
    advice: str = ""


_SCHEMAS = (("input_schema", "Input schema"), ("output_schema", "Output schema"))


def load(
    session: Session, viewer: Principal, slug: str, number: str, *, problem: str = "", advice: str = ""
) -> RevisionView:
    """Return the view.

    Raises:
        NotFound: the agent has no such revision.
    """
    head = agent_head(session, viewer, slug, "revisions")
    found = revision(session, viewer, slug, number)
    at, body = found.facts.number, revision_body(session, found.facts.id)
    return RevisionView(
        head=head,
        facts=found.facts,
        sop=str(found.body.get("sop") or ""),
        model=tuple(model_in_words(body)),
        limits=tuple(limits_in_words(body)),
        rules=tuple(rules_in_words(body)),
        tools=tuple((one.slot, tuple((tool.tool, bound_in_words(tool)) for tool in one.allow)) for one in body.tools),
        schemas=tuple((key, name, found.body[key]) for key, name in _SCHEMAS if found.body.get(key)),
        secrets=tuple(body.secrets),
        serves=tuple(one.environment for one in reversed(head.live) if one.revision_id == found.facts.id),
        previous=at - 1 if at > 1 else None,
        following=at + 1 if at < head.agent.last_revision else None,
        problem=problem,
        advice=advice,
    )
