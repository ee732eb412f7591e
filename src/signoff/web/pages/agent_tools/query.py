"""What the tools page of an agent shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from signoff.agents.body import AllowedTool, Body
from signoff.agents.facts import gather
from signoff.agents.queries import draft_of, revision_body
from signoff.connections.catalog import CatalogConnection, CatalogTool, catalog, gravest
from signoff.people.access import Principal, can
from signoff.people.queries import environments
from signoff.web.agent_head import AgentHead, agent_head


@dataclass(frozen=True, slots=True)
class Place:
    """An environment of a slot; `connection` None: nothing is connected there."""

    environment: str
    is_production: bool
    connection: CatalogConnection | None


@dataclass(frozen=True, slots=True)
class ToolView:
    """One tool. `problems` say where it is absent or not accepted."""

    name: str
    description: str
    effect: str
    is_tightened: bool
    is_allowed: bool
    max_calls: int | None
    args: Mapping[str, Any]
    input_schema: Mapping[str, Any]
    is_idempotent: bool
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlotView:
    """One slot with its connections and tools, the allowed ones first."""

    slug: str
    places: tuple[Place, ...]
    tools: tuple[ToolView, ...]
    allowed: int


@dataclass(frozen=True, slots=True)
class SecretLine:
    """A secret the agent lists. `lacking`: the environments where it has none or was not granted it, in words."""

    name: str
    lacking: str


@dataclass(frozen=True, slots=True)
class ToolsView:
    """The page. `basis` names the text shown; `texts` are the others one can look at."""

    head: AgentHead
    basis: str
    shown: str
    texts: tuple[tuple[str, str], ...]
    slots: tuple[SlotView, ...]
    secrets: tuple[SecretLine, ...]
    is_whole: bool
    has_connections: bool
    may_connect: bool

    def segments(self, address: str) -> list[tuple[str, str, str, bool]]:
        """Return the links between the texts."""
        return [(f"{address}?of={key}", text, "", key == self.shown) for key, text in self.texts]


def load(session: Session, viewer: Principal, slug: str, *, of: str = "") -> ToolsView:
    """Return the view.

    Args:
        of: `draft`, or an environment's slug for what serves there; empty takes production, or else the draft.
    """
    head = agent_head(session, viewer, slug, "tools")
    shown = _shown(head, of)
    body = _body(session, viewer, head, shown)
    places = environments(session, viewer)
    known = catalog(session, viewer)
    live = next((one for one in head.live if one.environment == shown), None)
    slots = [
        _slot(slot.slot, slot.allow, known.get(slot.slot, []), [(place.slug, place.is_production) for place in places])
        for slot in (body.tools if body else [])
    ]
    return ToolsView(
        head=head,
        basis=f"Revision {live.revision_number}, which serves {shown}" if live else "The draft",
        shown=shown,
        texts=_texts(head),
        slots=tuple(slots),
        secrets=_secrets(session, viewer, head, body, shown) if body else (),
        is_whole=body is not None,
        has_connections=bool(known),
        may_connect=can(viewer, "connection.manage"),
    )


def _secrets(session: Session, viewer: Principal, head: AgentHead, body: Body, shown: str) -> tuple[SecretLine, ...]:
    facts = gather(session, viewer, body, agent=head.agent.id)

    def lacking(name: str) -> str:
        missing = facts.secrets_missing.get(name, ()) if name in (facts.secrets or ()) else ("every environment",)
        ungranted = facts.secrets_ungranted.get(name, ())
        said = [
            f"{word} in {' and '.join(places)}"
            for word, found in (("none", missing), ("not granted", ungranted))
            # What serves an environment is asked about that one only.
            if (places := [one for one in found if shown in ("draft", one) or one == "every environment"])
        ]
        return "; ".join(said)

    return tuple(SecretLine(name, lacking(name)) for name in body.secrets)


def _texts(head: AgentHead) -> tuple[tuple[str, str], ...]:
    served = [(one.environment, f"{one.environment} r{one.revision_number}") for one in reversed(head.live)]
    return (*served, ("draft", "Draft"))


def _shown(head: AgentHead, of: str) -> str:
    served = [one.environment for one in head.live]
    if of == "draft" or not served:
        return "draft"
    return of if of in served else next((one.environment for one in head.live if one.is_production), served[-1])


def _body(session: Session, viewer: Principal, head: AgentHead, shown: str) -> Body | None:
    for one in head.live:
        if one.environment == shown:
            return revision_body(session, one.revision_id)
    try:
        return Body.model_validate(draft_of(session, viewer, head.agent.slug).body)
    except ValidationError:
        return None


def _slot(
    slug: str, allow: Sequence[AllowedTool], found: Sequence[CatalogConnection], every: Sequence[tuple[str, bool]]
) -> SlotView:
    by_place = {one.environment: one for one in found}
    allowed = {tool.tool: tool for tool in allow}
    names = dict.fromkeys([*allowed, *(name for one in found for name in one.tools)])
    tools = [_tool(name, allowed.get(name), found) for name in names]
    return SlotView(
        slug=slug,
        places=tuple(Place(name, is_production, by_place.get(name)) for name, is_production in reversed(every)),
        tools=tuple(tools),
        allowed=len(allowed),
    )


def _tool(name: str, allowed: AllowedTool | None, found: Sequence[CatalogConnection]) -> ToolView:
    offered: dict[str, CatalogTool] = {one.environment: one.tools[name] for one in found if name in one.tools}
    theirs = gravest([tool.effect for tool in offered.values()])
    newest = next(iter(reversed(offered.values())), None)
    return ToolView(
        name=name,
        description=newest.description if newest else "",
        effect=(allowed.effect if allowed else None) or theirs,
        is_tightened=bool(allowed and allowed.effect and allowed.effect != theirs),
        is_allowed=allowed is not None,
        max_calls=allowed.max_calls if allowed else None,
        args=allowed.args if allowed else {},
        input_schema=newest.input_schema if newest else {},
        is_idempotent=bool(newest and newest.is_idempotent),
        problems=tuple(_problems(offered, found)),
    )


def _problems(offered: Mapping[str, CatalogTool], found: Sequence[CatalogConnection]) -> list[str]:
    words = {"new": "waits to be accepted in", "changed": "changed, waits to be accepted in", "removed": "is gone from"}
    said = [f"{words[tool.state]} {environment}" for environment, tool in offered.items() if tool.state in words]
    return said + [f"is not offered in {one.environment}" for one in found if one.environment not in offered]
