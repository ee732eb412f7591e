"""Saying what flows through a tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from signoff.connections.labels import (
    ARGUMENT_CHARS_MAX,
    ARGUMENTS_MAX,
    CONFIDENTIALITIES,
    RESULT_LABELS,
    ToolLabels,
    arguments_of,
    hinted,
    labels_of,
)
from signoff.connections.lookup import connection_for, tool_of
from signoff.kit.errors import Malformed, NotNow
from signoff.kit.text import shortened, storable
from signoff.people.access import Principal
from signoff.record import audit
from signoff.tables.connections import Tool

_SHOWN_CHARS = 60
_Word = TypeVar("_Word", bound=str)


def set_tool_labels(
    session: Session,
    principal: Principal,
    connection_id: str,
    *,
    tool: str,
    result: str,
    confidentiality: str,
    sinks: Sequence[str] | None,
    payload: Sequence[str] = (),
) -> None:
    """Say how far a tool's results are believed, who may see them, and which arguments choose its target.

    Args:
        sinks: None for every argument that is not `payload`; empty when no argument chooses the target.

    Raises:
        Malformed: no such label or argument, or looser than what the tool says of itself.
    """
    connection = connection_for(session, principal, connection_id, "connection.manage")
    row = tool_of(session, connection, tool)
    described = arguments_of(row.definition)
    labels = ToolLabels(
        result=_one_of("result", result, RESULT_LABELS),
        confidentiality=_one_of("confidentiality", confidentiality, CONFIDENTIALITIES),
        sinks=None if sinks is None else _arguments("sinks", sinks, described),
        payload=_arguments("payload", payload, described),
    )
    if both := set(labels.sinks or ()) & set(labels.payload):
        raise _malformed("payload", f"{sorted(both)[0]} chooses the target, so it is no free text.")
    if hinted(labels, connection.kind, row.definition.get("annotations") or {}).result != labels.result:
        words = "The tool says of itself that it reads from an open world; what it gives is untrusted."
        raise _malformed("result", words, code="labels_too_loose")
    before = labels_of(row.labels)
    changed = session.execute(
        update(Tool)
        .where(Tool.id == row.id, Tool.definition_hash == row.definition_hash)
        .values(labels=labels.as_plain())
    )
    if not isinstance(changed, CursorResult) or changed.rowcount != 1:
        raise NotNow("Somebody else changed this tool meanwhile. Look at it again.")
    session.refresh(row)
    audit.write(
        session, workspace_id=row.workspace_id, actor=principal.actor, action="tool.labels_set",
        object_kind="connection", object_id=connection.id,
        detail={"tool": row.name, "before": before.as_plain(), "labels": labels.as_plain()},
    )  # fmt: skip


def _one_of(field: str, word: str, known: Sequence[_Word]) -> _Word:
    for one in known:
        if one == word:
            return one
    raise _malformed(field, f"“{shortened(word, _SHOWN_CHARS)}” is not known; choose {', '.join(known)}.")


def _arguments(field: str, names: Sequence[str], described: frozenset[str] | None) -> tuple[str, ...]:
    if len(names) > ARGUMENTS_MAX:
        raise _malformed(field, f"At most {ARGUMENTS_MAX} arguments.")
    for name in names:
        if not 0 < len(name) <= ARGUMENT_CHARS_MAX or storable(name) != name:
            raise _malformed(field, f"An argument's name has 1 to {ARGUMENT_CHARS_MAX} plain characters.")
        if described is not None and name.split(".", 1)[0] not in described:
            known = f" It has {shortened(', '.join(sorted(described)), 300)}." if described else ""
            raise _malformed(field, f"The tool has no argument {shortened(name, _SHOWN_CHARS)}.{known}")
    return tuple(dict.fromkeys(names))


def _malformed(field: str, sentence: str, code: str | None = None) -> Malformed:
    return Malformed(sentence, errors={field: [sentence]}, code=code)
