"""What a run writes into its memory and takes out of it; the gateway has asked whether it may."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotFound
from signoff.memories.actions.writing import Writer, add, at, change, erase, note
from signoff.memories.places import Place
from signoff.tables.memory import MemoryEntry


def remember(session: Session, place: Place, writer: Writer, text: str, *, replaces: str | None = None) -> MemoryEntry:
    """Write an entry, or give one that is there another text.

    Raises:
        NotFound: there is no entry `replaces` in this memory.
        Malformed, MemoryFull: the text does not fit, or no more entries do.
    """
    if replaces is None:
        return add(session, place, writer, text)
    row = _entry(session, place, replaces)
    change(session, row, writer, text, chars_max=place.entry_chars_max, version=row.version)
    return row


def forget(session: Session, place: Place, writer: Writer, entry_id: str) -> None:
    """Erase one entry.

    Raises:
        NotFound: this memory has no such entry.
    """
    row = _entry(session, place, entry_id)
    note(session, writer.actor, "memory.erased", row)
    erase(session, writer.actor, MemoryEntry.id == row.id)


def _entry(session: Session, place: Place, entry_id: str) -> MemoryEntry:
    row = session.scalar(select(MemoryEntry).where(MemoryEntry.id == entry_id, *at(place)))
    if row is None:
        raise NotFound("This memory has no such entry. memory_search gives the ids of those it has.")
    return row
