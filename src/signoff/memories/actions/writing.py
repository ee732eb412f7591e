"""How entries are written, changed and erased: for every verb of this room alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed
from signoff.kit.text import storable
from signoff.memories.actions.scope import lock_memory
from signoff.memories.places import Place
from signoff.memories.refusals import EntryChanged, EntryTooLong, MemoryFull
from signoff.memories.states import Label, WrittenBy
from signoff.memories.suspicion import suspicion
from signoff.record import audit
from signoff.record.actor import Actor
from signoff.tables.memory import MemoryEntry, MemoryVersion


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and where: a run at one of its steps, or a person."""

    actor: Actor
    source: WrittenBy
    label: Label
    run_id: str | None = None
    step_key: str | None = None
    revision_id: str | None = None
    revision_number: int | None = None


def checked_text(text: str, chars_max: int) -> str:
    """Return a text as it is kept.

    Raises:
        Malformed, EntryTooLong: it is empty, or longer than the revision allows.
    """
    clean = storable(text).strip()
    if not clean:
        raise Malformed("An entry needs a text.", errors={"text": ["say what is to be kept"]})
    if len(clean) > chars_max:
        raise EntryTooLong(
            f"An entry has at most {chars_max:,} characters (memory.entry_chars_max); this one has {len(clean):,}.",
            errors={"text": [f"at most {chars_max:,} characters"]},
        )
    return clean


def add(session: Session, place: Place, writer: Writer, text: str) -> MemoryEntry:
    """Write one entry, in its first version.

    Raises:
        MemoryFull: there are as many as the revision allows.
    """
    clean = checked_text(text, place.entry_chars_max)
    lock_memory(session, agent_id=place.agent_id, workspace_id=place.workspace_id)
    if count(session, *at(place)) >= place.entries_max:
        raise MemoryFull(
            f"The memory has {place.entries_max:,} entries, which is all it may have (memory.entries_max). "
            "Forget some first.",
            extra={"entries_max": place.entries_max},
        )
    moment = clock.now()
    row = MemoryEntry(
        id=ids.new_id("mmy"), workspace_id=place.workspace_id, agent_id=place.agent_id,
        environment_id=place.environment_id, member_id=place.member_id, text=clean, search_text=clean.casefold(),
        label=_label(writer, suspicion(clean)), source=writer.source, flag=suspicion(clean), version=1,
        run_id=writer.run_id,
        step_key=writer.step_key[:200] if writer.step_key else None, revision_id=writer.revision_id,
        revision_number=writer.revision_number, written_by=writer.actor.id, written_by_name=writer.actor.name[:200],
        created_at=moment, changed_at=moment,
    )  # fmt: skip
    session.add(row)
    session.flush()
    session.add(_version(row, writer))
    session.flush()
    note(session, writer.actor, "memory.written", row)
    return row


def _label(writer: Writer, flag: str | None) -> Label:
    """What an agent keeps that reads like a rule is not believed, whatever it had read when it wrote it."""
    return "untrusted" if flag and writer.source == "agent" else writer.label


def change(session: Session, row: MemoryEntry, writer: Writer, text: str, *, chars_max: int, version: int) -> int:
    """Give an entry another text; return its new version. A text from elsewhere never makes an entry more trusted.

    Raises:
        EntryChanged: it has another version than `version`.
    """
    clean = checked_text(text, chars_max)
    label: Label = _label(writer, suspicion(clean)) if row.label == "trusted" else "untrusted"
    moved = session.execute(
        update(MemoryEntry)
        .where(MemoryEntry.id == row.id, MemoryEntry.version == version, MemoryEntry.erased_at.is_(None))
        .values(
            text=clean, search_text=clean.casefold(), flag=suspicion(clean), reviewed_at=None, reviewed_by_name=None,
            version=version + 1, changed_at=clock.now(), label=label, source=writer.source,
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    session.refresh(row)
    if cast("Any", moved).rowcount != 1:
        raise EntryChanged(
            "The entry was changed or erased since you read it. Read it again, then decide.",
            extra={"version": row.version},
        )
    session.add(_version(row, writer))
    session.flush()
    note(session, writer.actor, "memory.changed", row)
    return row.version


def erase(session: Session, by: Actor, *where: ColumnElement[bool]) -> int:
    """Take away the texts of entries, with all they ever had; return of how many."""
    found: Sequence[ColumnElement[bool]] = (*where, MemoryEntry.erased_at.is_(None))
    session.execute(
        delete(MemoryVersion)
        .where(MemoryVersion.entry_id.in_(select(MemoryEntry.id).where(*found)))
        .execution_options(synchronize_session=False)
    )
    erased = session.execute(
        update(MemoryEntry)
        .where(*found)
        .values(text="", search_text="", flag="", erased_at=clock.now(), erased_by=by.id, erased_by_name=by.name[:200])
        .execution_options(synchronize_session=False)
    )
    return cast("Any", erased).rowcount


def at(place: Place) -> list[ColumnElement[bool]]:
    """Return what bounds entries to one memory."""
    return [
        MemoryEntry.agent_id == place.agent_id, MemoryEntry.environment_id == place.environment_id,
        MemoryEntry.member_id == place.member_id, MemoryEntry.erased_at.is_(None),
    ]  # fmt: skip


def count(session: Session, *where: ColumnElement[bool]) -> int:
    """Return how many entries there are."""
    return session.scalar(select(func.count()).select_from(MemoryEntry).where(*where)) or 0


def note(session: Session, actor: Actor, action: str, row: MemoryEntry) -> None:
    """Tell the audit what was done to one entry: everything but its text."""
    audit.write(
        session, workspace_id=row.workspace_id, actor=actor, action=action, object_kind="memory_entry",
        object_id=row.id,
        detail={
            "agent": row.agent_id, "environment": row.environment_id, "member": row.member_id or None,
            "version": row.version, "label": row.label, "characters": len(row.text), "flag": row.flag,
        },
    )  # fmt: skip


def _version(row: MemoryEntry, writer: Writer) -> MemoryVersion:
    return MemoryVersion(
        entry_id=row.id, number=row.version, workspace_id=row.workspace_id, text=row.text, label=row.label,
        source=writer.source, by=writer.actor.id, by_name=writer.actor.name[:200], run_id=writer.run_id,
        at=row.changed_at,
    )  # fmt: skip
