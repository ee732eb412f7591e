"""How an agent is found: by its slug or its id, inside the caller's workspace, and only with the right to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from signoff.kit.errors import Malformed, NotFound
from signoff.people.access import Principal, authorize
from signoff.people.roles import Action
from signoff.tables.agents import Agent, Draft
from signoff.tables.people import Member, ServiceAccount
from signoff.tables.prepared import Prepared
from signoff.tables.session import keep

_AGENTS = cast("Table", Agent.__table__)
# Built once: one of them is asked with every request for a run.
_OF_SLUG, _OF_ID = (
    Prepared(select(_AGENTS).where(_AGENTS.c.workspace_id == bindparam("of_workspace"), column == bindparam("of_name")))
    for column in (_AGENTS.c.slug, _AGENTS.c.id)
)


def agent_for(session: Session, principal: Principal, agent: str, action: Action, *, lock: bool = False) -> Agent:
    """Return the row of `agent` (slug or id), or refuse. `lock` makes other writers of this agent wait.

    Raises:
        NotFound: this workspace has no such agent.
        NotAllowed: the caller may not do `action` to it.
    """
    is_id = agent.startswith("agt_")
    if is_id and not lock:
        row = session.get(Agent, agent)
    else:
        by = Agent.id == agent if is_id else Agent.slug == agent
        wanted = select(Agent).where(Agent.workspace_id == principal.workspace_id, by)
        if lock:
            wanted = wanted.with_for_update().execution_options(populate_existing=True)
        row = session.scalar(wanted)
    allowed = _allowed(principal, row, action)
    keep(session, allowed)
    return allowed


def hold_agents(session: Session, agent_ids: Iterable[str]) -> None:
    """Make other writers of these agents and of their drafts wait: before the first of several is changed.

    The head of the audit is the whole workspace's, and whoever wrote a row holds it to their end. Who then waited for
    the next agent would be waited for by somebody who holds that agent and has still to write their own row.
    """
    wanted = sorted(set(agent_ids))
    for column in (Agent.id, Draft.agent_id):
        session.execute(select(column).where(column.in_(wanted)).order_by(column).with_for_update())


def agent_to_read(session: Session, principal: Principal, agent: str, action: Action) -> Agent:
    """Return what `agent_for` does, in a quarter of its time: no session knows the row, so nothing changed in it is
    kept.

    Raises:
        NotFound, NotAllowed: as `agent_for`.
    """
    wanted = _OF_ID if agent.startswith("agt_") else _OF_SLUG
    found: Any = wanted.first(session, {"of_workspace": principal.workspace_id, "of_name": agent})
    return _allowed(principal, None if found is None else Agent(**found._asdict()), action)


def _allowed(principal: Principal, row: Agent | None, action: Action) -> Agent:
    if row is None or row.workspace_id != principal.workspace_id:
        raise NotFound("There is no such agent in this workspace. The list of agents shows their slugs.")
    authorize(principal, action, workspace_id=row.workspace_id, owners=(row.owner_id, row.backup_id), agent_id=row.id)
    return row


def member_of(session: Session, workspace_id: str, member_id: str | None, field: str) -> str | None:
    """Return `member_id` when it names an active member of the workspace; None stays None.

    Raises:
        Malformed: it names nobody here.
    """
    if member_id is None:
        return None
    wanted = select(Member.id).where(
        Member.id == member_id, Member.workspace_id == workspace_id, Member.state == "active"
    )
    if session.scalar(wanted) is None:
        raise Malformed(
            f"The {field} is not an active member of this workspace. Choose one of its members.",
            errors={f"{field}_id": ["not an active member of this workspace"]},
        )
    return member_id


def account_of(session: Session, workspace_id: str, slug: str) -> str:
    """Return the id of the service account with this slug, also of a disabled one.

    Raises:
        Malformed: there is none.
    """
    wanted = select(ServiceAccount.id).where(
        ServiceAccount.workspace_id == workspace_id,
        ServiceAccount.slug == slug[:80],
        ServiceAccount.state != "deleted",
    )
    found = session.scalar(wanted)
    if found is None:
        raise Malformed(f"There is no service account {slug[:80]!r}.", errors={"service_account": ["unknown"]})
    return found
