"""The tools of a draft beside those the workspace has: which are allowed, with which bounds, and where each exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signoff.connections.catalog import CatalogConnection, gravest
from signoff.web.forms import json_text
from signoff.web.pages.agent_editor.draft_form import well_formed_slots


@dataclass(frozen=True, slots=True)
class ToolField:
    """One tool of a slot. `effect` is the connection's class, `own_effect` the tighter one of this agent."""

    name: str
    description: str
    effect: str
    state: str
    is_known: bool
    is_allowed: bool
    own_effect: str
    max_calls: str
    args: str

    @property
    def bounds(self) -> str:
        """Return this agent's bounds in a few words; empty when it says none."""
        parts = [f"At most {self.max_calls} a run"] if self.max_calls else []
        parts += ["Tighter effect class"] if self.own_effect else []
        parts += ["Constrained arguments"] if self.args else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class SlotField:
    """One slot. `missing` names the environments that have no connection for it."""

    slug: str
    name: str
    missing: tuple[str, ...]
    is_known: bool
    tools: tuple[ToolField, ...]

    @property
    def allowed(self) -> int:
        """Return how many tools are allowed."""
        return sum(tool.is_allowed for tool in self.tools)


def slot_fields(
    tools: Any, known: Mapping[str, Sequence[CatalogConnection]], environments: Sequence[str]
) -> tuple[SlotField, ...] | None:
    """Return the slots, those of the draft first; None when the draft's tools have no shape a form can show."""
    slots = well_formed_slots(tools)
    if slots is None:
        return None
    in_draft = {slot["slot"]: slot.get("allow", []) for slot in slots}
    order = dict.fromkeys([*in_draft, *known])
    return tuple(_slot(slug, in_draft.get(slug, []), known.get(slug, ()), environments) for slug in order)


def _slot(
    slug: str, allow: list[dict[str, Any]], places: Sequence[CatalogConnection], environments: Sequence[str]
) -> SlotField:
    entries = {entry["tool"]: entry for entry in allow}
    offered = dict.fromkeys(name for place in places for name in place.tools)
    there = {place.environment for place in places}
    return SlotField(
        slug=slug,
        name=places[-1].name if places else slug,
        missing=tuple(name for name in environments if name not in there) if places else (),
        is_known=bool(places),
        tools=tuple(_tool(name, entries.get(name), places) for name in dict.fromkeys([*entries, *offered])),
    )


def _tool(name: str, entry: dict[str, Any] | None, places: Sequence[CatalogConnection]) -> ToolField:
    found = [place.tools[name] for place in places if name in place.tools]
    states = [tool.state for tool in found]
    said = entry or {}
    args = said.get("args")
    return ToolField(
        name=name,
        description=found[-1].description if found else "",
        effect=gravest([tool.effect for tool in found]),
        state=next((state for state in states if state != "accepted"), "accepted"),
        is_known=bool(found),
        is_allowed=entry is not None,
        own_effect=str(said.get("effect") or ""),
        max_calls="" if said.get("max_calls") is None else str(said["max_calls"]),
        args=args if isinstance(args, str) else json_text(args) if args else "",
    )


def words_of(slots: Sequence[SlotField], secrets: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return what the SOP editor completes: allowed tools first, then the others; and the secrets."""
    every = [(not tool.is_allowed, f"@{slot.slug}.{tool.name}") for slot in slots for tool in slot.tools]
    return [word for _, word in sorted(every, key=lambda pair: pair[0])], [f"{{{{secret.{name}}}}}" for name in secrets]
