"""The tools of a draft beside those the workspace has: which are allowed, with which bounds, and where each exists."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from signoff.connections.catalog import CatalogConnection, Offer, gravest
from signoff.web.forms import json_text
from signoff.web.pages.agent_editor.draft_form import well_formed_slots

# As many tools in all are on the page from the beginning. With more, so many of the draft's are, and the others come
# when a connection is opened.
ROWS_ALL = 24
ROWS_SHOWN = 12
# As many words the page completes by itself; with more, they come when the first one begins.
WORDS_SHOWN = 100


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
    """One slot. `missing` names the environments that have no connection for it; `tools` are those on the page, of
    `count` in all: the others come when they are asked for."""

    slug: str
    name: str
    missing: tuple[str, ...]
    is_known: bool
    allowed: int
    count: int
    tools: tuple[ToolField, ...]

    @property
    def rest(self) -> int:
        """Return how many are not on the page."""
        return self.count - len(self.tools)

    @property
    def query(self) -> str:
        """Return what asks for those that are not on the page."""
        return urlencode([("slot", self.slug), *(("but", tool.name) for tool in self.tools)])


def entries_by_slot(tools: Any) -> dict[str, dict[str, dict[str, Any]]] | None:
    """Return slot → tool → what the draft says of it; None when its tools have no shape a form can show."""
    slots = well_formed_slots(tools)
    if slots is None:
        return None
    return {slot["slot"]: {entry["tool"]: entry for entry in slot.get("allow", [])} for slot in slots}


def names_shown(
    entries: Mapping[str, Collection[str]],
    offered: Mapping[str, Offer],
    *,
    whole: str = "",
    also: Mapping[str, Collection[str]] | None = None,
) -> dict[str, list[str]]:
    """Return slot → the tools that are on the page from the beginning, the draft's slots first.

    All of them where there are few; else those of the draft, up to as many rows as a page carries lightly.

    Args:
        whole: a slot of which all are wanted.
        also: what must be on the page besides, and then without a limit: the form was changed and was not saved.
    """
    every = {slug: list(_names(entries, offered, slug)) for slug in dict.fromkeys([*entries, *offered])}
    if sum(map(len, every.values())) <= ROWS_ALL:
        return every
    left = ROWS_SHOWN
    shown: dict[str, list[str]] = {}
    for slug, names in every.items():
        if slug == whole:
            shown[slug] = names
            continue
        wanted = dict.fromkeys([*entries.get(slug, ()), *(also or {}).get(slug, ())])
        shown[slug] = list(wanted) if also is not None else list(wanted)[:left]
        left -= min(left, len(shown[slug]))
    return shown


def _names(entries: Mapping[str, Collection[str]], offered: Mapping[str, Offer], slug: str) -> dict[str, None]:
    return dict.fromkeys([*entries.get(slug, ()), *(offered[slug].tools if slug in offered else ())])


def slot_field(
    slug: str,
    names: Iterable[str],
    entries: Mapping[str, Mapping[str, dict[str, Any]]],
    offered: Mapping[str, Offer],
    places: Sequence[CatalogConnection],
    environments: Sequence[str],
) -> SlotField:
    """Return one slot with these of its tools. `places`: its connections, read where a tool of it is shown."""
    own, offer = entries.get(slug, {}), offered.get(slug)
    return SlotField(
        slug=slug,
        name=offer.name if offer else slug,
        missing=tuple(name for name in environments if name not in offer.environments) if offer else (),
        is_known=offer is not None,
        allowed=len(own),
        count=len(_names(entries, offered, slug)),
        tools=tuple(_tool(name, own.get(name), places) for name in names),
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


def words_of(
    entries: Mapping[str, Collection[str]], offered: Mapping[str, Offer], secrets: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return what the SOP editor completes: allowed tools first, then the others; and the secrets."""
    allowed = [f"@{slug}.{name}" for slug, names in entries.items() for name in names]
    others = [f"@{slug}.{name}" for slug, offer in offered.items() for name in offer.tools]
    return list(dict.fromkeys([*allowed, *others])), [f"{{{{secret.{name}}}}}" for name in secrets]
