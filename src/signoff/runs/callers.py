"""Which agent's run asked for each run of a list: one query for the whole page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.runs.filters import visible
from signoff.runs.views import RunRow
from signoff.tables.runs import Run


@dataclass(frozen=True, slots=True)
class Caller:
    """The run that asked for another one."""

    run_id: str
    agent_name: str
    title: str


def callers(session: Session, viewer: Principal, rows: Sequence[RunRow]) -> dict[str, Caller]:
    """Return who asked for these runs, by the id of the asking run: of those that the viewer may see."""
    ids = sorted({row.parent_run_id for row in rows if row.parent_run_id})
    if not ids:
        return {}
    columns = (Run.id, Run.agent_name, Run.agent_slug, Run.title)
    found = session.execute(select(*columns).where(*visible(viewer), Run.id.in_(ids)))
    return {row.id: Caller(row.id, row.agent_name or row.agent_slug, row.title) for row in found}
