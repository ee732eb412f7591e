"""Which revisions have retired, and the refusal of whoever names one."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.views import Retirement
from signoff.kit.errors import NotNow
from signoff.tables.agents import Agent, RetiredRevision, Revision


class RevisionRetired(NotNow):
    """The revision has retired: nothing begins under it any more. `extra` says who, when and why."""


def retirements(session: Session, revision_ids: Iterable[str]) -> dict[str, Retirement]:
    """Return revision → its retirement, of those that have retired."""
    rows = session.scalars(select(RetiredRevision).where(RetiredRevision.revision_id.in_(list(revision_ids))))
    return {row.revision_id: Retirement(row.reason, row.by_name, row.at) for row in rows}


def refuse_retired(session: Session, agent: Agent, target: Revision) -> None:
    """Return quietly, or refuse to let anything begin under a revision.

    Raises:
        RevisionRetired: it has retired.
    """
    found = retirements(session, [target.id]).get(target.id)
    if found is not None:
        raise RevisionRetired(
            f"Revision {target.number} of {agent.slug} has retired: {found.by_name} on {found.at:%Y-%m-%d}: "
            f"{found.reason} Take another, or take that back first.",
            extra={"by": found.by_name, "at": found.at.isoformat(), "reason": found.reason},
        )
