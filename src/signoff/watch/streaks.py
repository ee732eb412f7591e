"""Failures in a row. The third raises one alert; the first success ends the streak and resolves it."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.tables.upsert import insert_into
from signoff.tables.watch import Streak
from signoff.watch.actions import raise_alert, resolve_by_key

FAILURES_FOR_ALERT = 3


def note_failure(
    session: Session, workspace_id: str, key: str, *, kind: str, text: str, detail: dict[str, Any] | None = None
) -> int:
    """Count one more failure of `key`. From the third in a row on there is exactly one open alert for it.

    Args:
        key: what failed, such as `provider:openai`.
        kind: the alert's kind; text: the alert's sentence.

    Returns how many failures there are in a row now.
    """
    moment = clock.now()
    session.execute(
        insert_into(session, Streak)
        .values(workspace_id=workspace_id, key=key, failures=1, changed_at=moment)
        .on_conflict_do_update(
            index_elements=["workspace_id", "key"], set_={"failures": Streak.failures + 1, "changed_at": moment}
        )
    )
    failures = session.scalar(select(Streak.failures).where(Streak.workspace_id == workspace_id, Streak.key == key))
    count = int(failures or 0)
    if count >= FAILURES_FOR_ALERT:
        raise_alert(session, workspace_id, key=key, kind=kind, text=text, detail={**(detail or {}), "failures": count})
    return count


def note_success(session: Session, workspace_id: str, key: str) -> None:
    """End the streak of `key`, if there is one, and resolve its alert. One statement when there is none."""
    ended = session.execute(
        update(Streak)
        .where(Streak.workspace_id == workspace_id, Streak.key == key, Streak.failures > 0)
        .values(failures=0, changed_at=clock.now())
    )
    if cast("Any", ended).rowcount:
        resolve_by_key(session, workspace_id, key)
