"""Tools are pinned when they are accepted; what changes afterwards waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from signoff.connections.labels import after_change, labels_of
from signoff.connections.lookup import connection_for, tool_of
from signoff.connections.states import EFFECTS, Effect, EffectSource, first_effect, graver, least_effect
from signoff.connectors.protocol import ToolSpec
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotNow
from signoff.people.access import Principal
from signoff.record import audit
from signoff.tables.connections import Connection, Tool

_NAMES_IN_AUDIT = 50


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a discovery found, by tool name."""

    accepted: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0


@dataclass(slots=True)
class _Found:
    accepted: list[str] = field(default_factory=list[str])
    added: list[str] = field(default_factory=list[str])
    changed: list[str] = field(default_factory=list[str])
    removed: list[str] = field(default_factory=list[str])
    unchanged: int = 0

    def frozen(self) -> Discovery:
        return Discovery(
            tuple(self.accepted), tuple(self.added), tuple(self.changed), tuple(self.removed), self.unchanged
        )


def record_discovery(
    session: Session, principal: Principal, connection_id: str, *, specs: Sequence[ToolSpec], version: int | None = None
) -> Discovery:
    """Compare what is offered with what was accepted.

    The tools of the first discovery are accepted with it. After that a new tool waits as `new`, one whose definition
    differs is `changed` (the accepted definition stays, the offered one is kept beside it), one no longer offered is
    `removed`; all three are refused to agents.

    Args:
        version: the connection's version that was asked; the answer of an older one is refused.
    """
    row = connection_for(session, principal, connection_id, "connection.test")
    if version is not None and row.version != version:
        raise NotNow("The connection was changed while its tools were listed. Discover them again.")
    known = {tool.name: tool for tool in session.scalars(select(Tool).where(Tool.connection_id == row.id))}
    acceptor = None if known else principal
    found = _Found()
    for spec in specs:
        tool = known.pop(spec.name, None)
        if tool is None:
            session.add(_new_tool(row, spec, acceptor))
            (found.accepted if acceptor else found.added).append(spec.name)
        else:
            _compare(tool, spec, found)
    for tool in known.values():
        if tool.state != "removed":
            tool.state = "removed"
            found.removed.append(tool.name)
    session.flush()
    result = found.frozen()
    detail = {
        name: list(getattr(result, name))[:_NAMES_IN_AUDIT] for name in ("accepted", "added", "changed", "removed")
    }
    audit.note(
        session, principal, "connection.discovered", "connection", row.id, {**detail, "unchanged": result.unchanged}
    )
    return result


def _new_tool(row: Connection, spec: ToolSpec, accepted_by: Principal | None) -> Tool:
    effect, source = first_effect(row.kind, spec.annotations)
    moment = clock.now()
    return Tool(
        id=ids.new_id("tool"),
        workspace_id=row.workspace_id,
        connection_id=row.id,
        name=spec.name,
        definition=spec.definition,
        definition_hash=spec.hash,
        effect=effect,
        effect_source=source,
        state="accepted" if accepted_by else "new",
        discovered_at=moment,
        accepted_at=moment if accepted_by else None,
        accepted_by=accepted_by.id if accepted_by else None,
    )


def _compare(tool: Tool, spec: ToolSpec, found: _Found) -> None:
    if spec.hash == tool.definition_hash:
        tool.offered, tool.offered_hash = None, None
        tool.state = "accepted" if tool.accepted_at else "new"
        found.unchanged += 1
        return
    if tool.accepted_at is None:
        # Nobody has looked at it yet, so there is nothing to compare with.
        tool.definition, tool.definition_hash = spec.definition, spec.hash
        tool.state, tool.labels = "new", None
    else:
        tool.offered, tool.offered_hash = spec.definition, spec.hash
        tool.state = "changed"
    found.changed.append(spec.name)


def note_offer(session: Session, connection_id: str, name: str, spec: ToolSpec | None) -> None:
    """Keep what a call found to be offered in place of an accepted tool, as a discovery would; None for nothing."""
    query = select(Tool).where(Tool.connection_id == connection_id, Tool.name == name, Tool.state == "accepted")
    tool = session.scalar(query)
    if tool is None:
        return
    if spec is None:
        tool.state = "removed"
    else:
        _compare(tool, spec, _Found())
    session.flush()


def accept_tool(
    session: Session, principal: Principal, connection_id: str, *, tool: str, definition_hash: str | None = None
) -> None:
    """Accept a new or changed tool as it is offered now.

    Args:
        definition_hash: the hash of what the person looked at; if the offer changed since, nothing is accepted.

    Raises:
        NotNow: there is nothing to accept, or it changed again.
    """
    connection = connection_for(session, principal, connection_id, "connection.manage")
    row = tool_of(session, connection, tool)
    offered = row.offered_hash if row.state == "changed" else row.definition_hash
    if row.state not in ("new", "changed") or offered is None:
        raise NotNow(f"The tool “{row.name}” is {row.state}; there is nothing to accept.")
    if definition_hash is not None and definition_hash != offered:
        raise NotNow("The tool changed again while you looked at it. Look at it once more.", code="tool_changed_again")
    before = row.definition_hash
    definition = row.offered if row.state == "changed" and row.offered is not None else row.definition
    effect, source = _effect_after(connection.kind, row, definition)
    condition = Tool.offered_hash == offered if row.state == "changed" else Tool.definition_hash == offered
    _change(
        session,
        row,
        condition,
        {
            "definition": definition,
            "definition_hash": offered,
            "offered": None,
            "offered_hash": None,
            "state": "accepted",
            "effect": effect,
            "effect_source": source,
            "labels": _labels_after(connection.kind, row, definition),
            "accepted_at": clock.now(),
            "accepted_by": principal.id,
        },
    )
    detail = {"tool": row.name, "hash_before": before, "hash": offered, "effect": effect}
    audit.note(session, principal, "tool.accepted", "connection", connection.id, detail)


def _labels_after(kind: str, row: Tool, definition: dict[str, Any]) -> dict[str, Any] | None:
    if row.labels is None:
        return None
    return after_change(labels_of(row.labels), kind, row.definition, definition).as_plain()


def _effect_after(kind: str, row: Tool, definition: dict[str, Any]) -> tuple[Effect, EffectSource]:
    """Return the class after a change: a person's stays, unless the new hints say it is graver than that."""
    annotations: dict[str, Any] = definition.get("annotations") or {}
    now: Effect = next(effect for effect in EFFECTS if effect == row.effect)
    if row.effect_source != "person":
        effect, source = first_effect(kind, annotations)
        return graver(effect, now), source
    if least_effect(annotations) != "read" and now == "read":
        return "irreversible", "hint"
    return now, "person"


def set_tool_effect(
    session: Session,
    principal: Principal,
    connection_id: str,
    *,
    tool: str,
    effect: str,
    is_idempotent: bool | None = None,
) -> None:
    """Set what a call of the tool does to the world, and whether repeating one with the same key is harmless.

    Raises:
        Malformed: it is not a class, or milder than what the tool says of itself.
    """
    connection = connection_for(session, principal, connection_id, "connection.manage")
    row = tool_of(session, connection, tool)
    chosen: Effect | None = next((known for known in EFFECTS if known == effect), None)
    if chosen is None:
        sentence = f"“{effect[:40]}” is not a class; choose {', '.join(EFFECTS)}."
        raise Malformed(sentence, errors={"effect": [sentence]})
    annotations: dict[str, Any] = row.definition.get("annotations") or {}
    if graver(chosen, least_effect(annotations)) != chosen:
        sentence = f"The tool says of itself that it changes things; its class is at least {least_effect(annotations)}."
        raise Malformed(sentence, errors={"effect": [sentence]}, code="effect_too_mild")
    before = row.effect
    values: dict[str, Any] = {"effect": chosen, "effect_source": "person"}
    if is_idempotent is not None:
        values["is_idempotent"] = is_idempotent
    _change(session, row, Tool.definition_hash == row.definition_hash, values)
    detail = {"tool": row.name, "before": before, "effect": chosen, "is_idempotent": row.is_idempotent}
    audit.note(session, principal, "tool.effect_set", "connection", connection.id, detail)


def _change(session: Session, row: Tool, condition: Any, values: dict[str, Any]) -> None:
    result = session.execute(update(Tool).where(Tool.id == row.id, condition).values(**values))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        raise NotNow("Somebody else changed this tool meanwhile. Look at it again.")
    session.refresh(row)
