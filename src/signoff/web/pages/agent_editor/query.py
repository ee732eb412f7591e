"""What the editor shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.body import SOP_CHARS_MAX
from signoff.agents.diff import RevisionDiff, diff
from signoff.agents.draft_saves import saved_version
from signoff.agents.facts import gather
from signoff.agents.lint import LintFacts, lint
from signoff.agents.queries import agent_names, draft_of, refused_saves
from signoff.agents.views import RefusedSaveFacts
from signoff.connections.catalog import catalog, offers
from signoff.gateways.model.knowledge import model_knowledge
from signoff.gateways.services import Services
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.people.queries import environments
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.forms import json_text
from signoff.web.pages.agent_editor.draft_form import DEFAULTS, DraftFields, fields_of
from signoff.web.pages.agent_editor.findings import Checks, checks_of
from signoff.web.pages.agent_editor.sub_agents import SubAgentRow, rows_of
from signoff.web.pages.agent_editor.toolbox import (
    WORDS_SHOWN,
    SlotField,
    entries_by_slot,
    names_shown,
    slot_field,
    words_of,
)


@dataclass(frozen=True, slots=True)
class EditorView:
    """The draft in its form. `slots` None: the tools are shown as the JSON in `tools_json`; sub-agents likewise."""

    head: AgentHead
    version: int
    saved_at: datetime
    saved_by: str
    fields: DraftFields
    slots: tuple[SlotField, ...] | None
    tools_json: str
    sub_agents: tuple[SubAgentRow, ...] | None
    sub_agents_json: str
    secrets: tuple[str, ...]
    tool_words: tuple[str, ...]
    has_more_words: bool
    secret_words: tuple[str, ...]
    checks: Checks
    next_number: int
    can_undo: bool
    can_redo: bool
    defaults: Mapping[str, str]
    problem: str = ""
    advice: str = ""
    reason: str = ""
    name: str = ""
    whole: str = ""
    sop_max: int = SOP_CHARS_MAX


@dataclass(frozen=True, slots=True)
class ConflictView:
    """Two texts of one draft: the newer one that was saved, and the one that came too late and was kept."""

    head: AgentHead
    kept: RefusedSaveFacts
    version: int
    saved_at: datetime
    saved_by: str
    theirs: DraftFields
    mine: DraftFields
    diff: RevisionDiff
    problem: str = ""


@dataclass(frozen=True, slots=True)
class NewerView:
    """What was changed since a version was opened. `diff` None: that version is not kept any more."""

    since: int
    version: int
    saved_by: str
    diff: RevisionDiff | None


def facts_for(
    session: Session, viewer: Principal, services: Services, body: Mapping[str, Any] | None, agent: str
) -> LintFacts:
    """Return what the checks may know: connections and secrets here, models and prices of this process."""
    knowledge = model_knowledge(services.providers, services.prices)
    return gather(session, viewer, body, known_model=knowledge.known_model, has_price=knowledge.has_price, agent=agent)


def load(
    session: Session,
    viewer: Principal,
    services: Services,
    slug: str,
    *,
    body: Mapping[str, Any] | None = None,
    version: int | None = None,
    problem: str = "",
    advice: str = "",
    reason: str = "",
    name: str = "",
    whole: str = "",
) -> EditorView:
    """Return the editor.

    Args:
        whole: a slot of which every tool is wanted on the page.
        body, version: what was typed, and the version it was opened as, instead of the saved draft.
    """
    head = agent_head(session, viewer, slug, "edit")
    draft = draft_of(session, viewer, slug)
    shown = draft.body if body is None else body
    facts = facts_for(session, viewer, services, shown, slug)
    places = [place.slug for place in environments(session, viewer)]
    fields = fields_of(shown)
    offered = offers(session, viewer)
    entries = entries_by_slot(shown.get("tools"))
    slots = None
    if entries is not None:
        # What was typed and not saved has to be on the page, and what it takes away from the saved draft as well.
        also = None if body is None else entries_by_slot(draft.body.get("tools")) or {}
        rows = names_shown(entries, offered, whole=whole, also=also)
        known = catalog(session, viewer, slots=[slot for slot, names in rows.items() if names])
        slots = tuple(
            slot_field(slot, names, entries, offered, known.get(slot, ()), places) for slot, names in rows.items()
        )
    secrets = tuple(sorted({*(facts.secrets or ()), *fields.secrets}))
    sub_agents = rows_of(shown.get("sub_agents"), _slugs(session, viewer), head.agent.slug)
    tool_words, secret_words = words_of(entries or {}, offered, secrets)
    return EditorView(
        head=head,
        version=draft.version if version is None else version,
        saved_at=draft.updated_at,
        saved_by=draft.updated_by_name,
        fields=fields,
        slots=slots,
        tools_json="" if slots is not None else _as_json(shown.get("tools")),
        sub_agents=sub_agents,
        sub_agents_json="" if sub_agents is not None else _as_json(shown.get("sub_agents")),
        secrets=secrets,
        tool_words=tuple(tool_words[:WORDS_SHOWN]),
        has_more_words=len(tool_words) > WORDS_SHOWN,
        secret_words=tuple(secret_words),
        checks=checks_of(lint(shown, facts=facts), shown),
        next_number=head.agent.last_revision + 1,
        can_undo=draft.can_undo,
        can_redo=draft.can_redo,
        defaults=DEFAULTS,
        problem=problem,
        advice=advice,
        reason=reason,
        name=name,
        whole=whole,
    )


def _as_json(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)


def _slugs(session: Session, viewer: Principal) -> list[str]:
    return [agent.slug for agent in agent_names(session, viewer)]


def load_checks(session: Session, viewer: Principal, services: Services, body: Mapping[str, Any], agent: str) -> Checks:
    """Return what is wrong with a text that is being typed."""
    return checks_of(lint(body, facts=facts_for(session, viewer, services, body, agent)), body)


def load_conflict(session: Session, viewer: Principal, slug: str, kept_id: str, *, problem: str = "") -> ConflictView:
    """Return the two texts.

    Raises:
        NotFound: no such text was kept; the newest 50 of an agent are.
    """
    head = agent_head(session, viewer, slug, "edit")
    kept = next((one for one in refused_saves(session, viewer, slug, limit=50) if one.id == kept_id), None)
    if kept is None:
        raise NotFound("This text is not kept any more: an agent keeps the newest 50. Open the editor instead.")
    draft = draft_of(session, viewer, slug)
    return ConflictView(
        head=head,
        kept=kept,
        version=draft.version,
        saved_at=draft.updated_at,
        saved_by=draft.updated_by_name,
        theirs=fields_of(draft.body),
        mine=fields_of(kept.body),
        diff=diff(draft.body, kept.body, context=2),
        problem=problem,
    )


def load_newer(session: Session, viewer: Principal, slug: str, since: int) -> NewerView:
    """Return what was changed since `since` was opened, whoever did."""
    draft = draft_of(session, viewer, slug)
    try:
        opened = saved_version(session, viewer, slug, since)
    except NotFound:
        return NewerView(since, draft.version, draft.updated_by_name, None)
    return NewerView(since, draft.version, draft.updated_by_name, diff(opened.body, draft.body, context=2))


def load_tools(session: Session, viewer: Principal, slug: str, slot: str, but: Collection[str]) -> SlotField:
    """Return a slot with those of its tools that are not on the page yet, as the saved draft says of them.

    Raises:
        NotFound: no connection and no draft has such a slot.
    """
    entries = entries_by_slot(draft_of(session, viewer, slug).body.get("tools")) or {}
    offered = offers(session, viewer)
    if slot not in entries and slot not in offered:
        raise NotFound("There is no such connection any more. Open the editor again.")
    names = names_shown(entries, offered, whole=slot)[slot]
    known = catalog(session, viewer, slots=[slot]).get(slot, ())
    return slot_field(slot, [name for name in names if name not in but], entries, offered, known, ())


def load_words(session: Session, viewer: Principal, slug: str) -> dict[str, list[str]]:
    """Return every tool the SOP editor completes."""
    entries = entries_by_slot(draft_of(session, viewer, slug).body.get("tools")) or {}
    return {"@": words_of(entries, offers(session, viewer), ())[0]}
