"""What a model has written so far in a call that is still under way. Its pieces are events until the leg ends."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.runs.actions.cancel import run_for
from signoff.tables.runs import RunEvent

_PIECES_MAX = 400
CHARS_MAX = 8_000


def text_so_far(session: Session, viewer: Principal, run_id: str, step_key: str) -> str:
    """Return the end of what the step `step_key` has written, at most 8,000 characters.

    Raises:
        NotFound: the viewer has no such run.
    """
    run_for(session, viewer, run_id, "run.read")
    rows = session.execute(
        select(RunEvent.data, RunEvent.kind)
        .where(RunEvent.run_id == run_id, RunEvent.kind.in_(("text", "step")))
        .order_by(RunEvent.id.desc())
        .limit(_PIECES_MAX)
    )
    pieces: list[str] = []
    for data, kind in rows:
        if kind == "step":
            break  # Its own beginning, or that of a call beside it: what came before is of another try.
        if data.get("key") == step_key:
            pieces.append(str(data.get("text", "")))
    return "".join(reversed(pieces))[-CHARS_MAX:]


def newest_event(session: Session, viewer: Principal, run_id: str) -> int:
    """Return the number of the newest event of a run, 0 when there is none."""
    run_for(session, viewer, run_id, "run.read")
    newest = select(RunEvent.id).where(RunEvent.run_id == run_id).order_by(RunEvent.id.desc()).limit(1)
    return session.scalar(newest) or 0
