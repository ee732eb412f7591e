"""Since which turn a run has read what. Kept on the run, so that one row tells it, and never taken back: whatever it
reads or waits for later, in whatever leg, it has read this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from signoff.people.access import PrincipalKind
from signoff.record.trace import take_turn
from signoff.runs.states import Source
from signoff.tables.base import Json
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run

# `trusted`: a result that somebody vouches for, in which a value may be named.
Mark = Literal["untrusted", "workspace", "restricted", "trusted"]
Marks = Mapping[str, int]

# Nobody from outside has a say in what these start with.
_OWN_SOURCES: frozenset[Source] = frozenset(("schedule", "cli"))
_BY_HAND: frozenset[Source] = frozenset(("manual", "api"))

_runs = cast("Table", Run.__table__)
_READ = Prepared(select(_runs.c.flow).where(_runs.c.id == bindparam("of_run")))
_WRITE = Prepared(update(_runs).where(_runs.c.id == bindparam("of_run")).values(flow=bindparam("marks", type_=Json)))


def first_marks(source: Source, caller: PrincipalKind) -> dict[str, int]:
    """Return the marks of a run that begins: none when a signed-in member, a schedule or the operator started it.

    What a program, a webhook or a mail hands over is somebody else's text, and not for everybody.
    """
    is_by_hand = source in _BY_HAND and caller == "member"
    is_operators = source == "manual" and caller == "system"
    return {} if source in _OWN_SOURCES or is_by_hand or is_operators else {"untrusted": 0, "workspace": 0}


def as_it_began(marks: Marks | None) -> dict[str, int] | None:
    """Return the marks a run had before its first turn: what it read since is no part of what it was given."""
    return None if marks is None else {mark: turn for mark, turn in marks.items() if turn == 0}


def is_marked(marks: Marks | None, mark: Mark, *, before_turn: int) -> bool:
    """Return whether this was read before a turn. What nobody kept is taken for read, except what can be believed."""
    if marks is None:
        return mark in ("untrusted", "workspace")
    since = marks.get(mark)
    return since is not None and since < before_turn


def note_marks(session: Session, run_id: str, known: Marks | None, new: Marks) -> None:
    """Keep that a run has read something. `known` is what its row said when the call began: nearly always enough."""
    if known is not None and all(mark in known and known[mark] <= turn for mark, turn in new.items()):
        return
    take_turn(session, run_id)
    row = _READ.first(session, {"of_run": run_id})
    kept: dict[str, Any] | None = row.flow if row is not None else None
    if kept is None:
        # What it began with is not known; then nothing that is noted now makes it better.
        return
    merged = {**kept, **{mark: min(turn, kept.get(mark, turn)) for mark, turn in new.items()}}
    if merged != kept:
        _WRITE.run(session, {"of_run": run_id, "marks": merged})
