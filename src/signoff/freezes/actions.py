"""Order a freeze, lift a freeze."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.freezes.states import SCOPES, Scope
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.text import storable
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.record.marks import set_mark
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection
from signoff.tables.limits import FreezeOrder
from signoff.tables.people import Workspace

REASON_CHARS_MAX = 2_000


def order_freeze(
    session: Session, principal: Principal, *, scope: Scope, target_id: str | None = None, reason: str
) -> str:
    """Stop all writing of one agent, through one connection, or of the whole workspace. Returns the freeze's id.

    It holds for the very next tool call, in every process. Reading goes on.

    Args:
        target_id: the agent's or the connection's id; the workspace needs none.
        reason: for whoever wonders why nothing is written.

    Raises:
        NotAllowed: the caller may not order freezes.
        NotFound: there is no such agent or connection in this workspace.
        NotNow: it is frozen already.
        Malformed: no reason, or a scope that does not exist.
    """
    authorize(principal, "freeze.order")
    if scope not in SCOPES:
        raise Malformed(f"A freeze is for one of: {', '.join(SCOPES)}.", errors={"scope": ["unknown scope"]})
    words = storable(reason).strip()
    if not words or len(words) > REASON_CHARS_MAX:
        raise Malformed(
            f"Say why, in at most {REASON_CHARS_MAX} characters: it is what people read when nothing is written.",
            errors={"reason": ["required"]},
        )
    # Of two orders at the same moment the second one finds the first.
    session.execute(select(Workspace.id).where(Workspace.id == principal.workspace_id).with_for_update())
    target = _target(session, principal, scope, target_id)
    standing = session.scalar(
        select(FreezeOrder).where(
            FreezeOrder.workspace_id == principal.workspace_id,
            FreezeOrder.lifted_at.is_(None),
            FreezeOrder.scope == scope,
            FreezeOrder.target_id == target,
        )
    )
    if standing is not None:
        raise NotNow(f"This is frozen already, by {standing.ordered_by_name}: {standing.reason}")
    order = FreezeOrder(
        id=ids.new_id("frz"),
        workspace_id=principal.workspace_id,
        scope=scope,
        target_id=target,
        reason=words,
        ordered_by=principal.id,
        ordered_by_name=principal.name,
        ordered_at=clock.now(),
    )
    session.add(order)
    session.flush()
    set_mark(session, principal.workspace_id, order.id, order.ordered_at)
    audit.note(
        session, principal, "freeze.ordered", "freeze", order.id, {"scope": scope, "target": target, "reason": words}
    )
    return order.id


def lift_freeze(session: Session, principal: Principal, freeze_id: str) -> None:
    """Let what was frozen write again, from the next tool call on.

    Raises:
        NotAllowed: the caller may not order freezes.
        NotFound: there is no such freeze in this workspace.
        NotNow: it is lifted already.
    """
    authorize(principal, "freeze.order")
    order = session.scalar(
        select(FreezeOrder).where(FreezeOrder.id == freeze_id, FreezeOrder.workspace_id == principal.workspace_id)
    )
    if order is None:
        raise NotFound("There is no such freeze in this workspace.")
    moved = session.execute(
        update(FreezeOrder)
        .where(FreezeOrder.id == freeze_id, FreezeOrder.lifted_at.is_(None))
        .values(lifted_at=clock.now(), lifted_by_name=principal.name)
    )
    if cast("Any", moved).rowcount != 1:
        raise NotNow(f"This freeze was lifted already, by {order.lifted_by_name}.")
    audit.note(
        session, principal, "freeze.lifted", "freeze", freeze_id, {"scope": order.scope, "target": order.target_id}
    )


def _target(session: Session, principal: Principal, scope: Scope, target_id: str | None) -> str:
    if scope == "workspace":
        return principal.workspace_id
    table = Agent if scope == "agent" else Connection
    found = session.scalar(select(table.id).where(table.id == target_id, table.workspace_id == principal.workspace_id))
    if found is None:
        raise NotFound(f"There is no such {scope} in this workspace.")
    return found
