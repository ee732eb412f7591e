"""Who called a run off, and why: for those who hear of it somewhere else than on its page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from signoff.tables.record import AuditRow
from signoff.tables.runs import Run
from signoff.tables.stops import StopOrder

_PEOPLE = ("member", "key", "service_account")
# A run that a stop ended was named by one of the last orders.
_ORDERS_MAX = 20
WORDS = "its run was called off"


@dataclass(frozen=True, slots=True)
class CalledOff:
    """Who called a run off, and the words they gave; without any, the words are empty."""

    by: str
    by_name: str
    reason: str

    @property
    def words(self) -> str:
        """Return it as what happened to the run."""
        return words_of(self.reason)


def words_of(reason: str | None) -> str:
    """Return that a run was called off, with the reason somebody gave."""
    return f"{WORDS}: {reason}" if reason else WORDS


def said_by_default(name: str) -> str:
    """Return what a run says that somebody cancelled without a word."""
    return f"Cancelled by {name}."


def called_off(session: Session, run: Run) -> CalledOff | None:
    """Return who called a run off; None when nobody did: it ended otherwise, or the product ended it."""
    if run.state != "cancelled":
        return None
    row = session.execute(
        select(AuditRow.actor_id, AuditRow.actor_name)
        .where(
            AuditRow.workspace_id == run.workspace_id,
            AuditRow.run_id == run.id,
            AuditRow.action.in_(("run.cancel", "run.cancelled")),
            AuditRow.actor_kind.in_(_PEOPLE),
        )
        .order_by(AuditRow.seq.desc())
        .limit(1)
    ).first()
    if row is not None:
        reason = run.reason or ""
        return CalledOff(row.actor_id, row.actor_name, "" if reason == said_by_default(row.actor_name) else reason)
    orders = session.scalars(
        select(StopOrder)
        .where(
            StopOrder.workspace_id == run.workspace_id,
            or_(StopOrder.agent_id == run.agent_id, StopOrder.agent_id.is_(None)),
            StopOrder.ordered_at >= run.created_at,
        )
        .order_by(StopOrder.id.desc())
        .limit(_ORDERS_MAX)
    )
    order = next((one for one in orders if run.id in one.asked or one.reason == run.reason), None)
    return CalledOff(order.ordered_by, order.ordered_by_name, order.reason) if order is not None else None
