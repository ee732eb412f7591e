"""Who may make a revision live in an environment: two switches."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotFound
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.tables.people import Environment


def set_deploy_rules(
    session: Session,
    principal: Principal,
    environment: str,
    *,
    is_restricted: bool | None = None,
    is_four_eyes: bool | None = None,
) -> bool:
    """Say who may make a revision live in an environment (slug or id); return whether anything changed.

    Args:
        is_restricted: only administrators, and whoever holds the level deployer or admin on the agent.
        is_four_eyes: not whoever wrote the revision. None leaves a switch as it is.

    Raises:
        NotFound: this workspace has no such environment.
    """
    authorize(principal, "environment.manage")
    by = Environment.id == environment if environment.startswith("env_") else Environment.slug == environment
    wanted = select(Environment).where(Environment.workspace_id == principal.workspace_id, by).with_for_update()
    row = session.scalar(wanted.execution_options(populate_existing=True))
    if row is None:
        raise NotFound("There is no such environment in this workspace.")
    detail: dict[str, bool] = {}
    if is_restricted is not None and row.is_deploy_restricted != is_restricted:
        row.is_deploy_restricted = detail["is_deploy_restricted"] = is_restricted
    if is_four_eyes is not None and row.is_four_eyes != is_four_eyes:
        row.is_four_eyes = detail["is_four_eyes"] = is_four_eyes
    if not detail:
        return False
    session.flush()
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="environment.deploy_rules_changed",
        object_kind="environment",
        object_id=row.id,
        detail={"environment": row.slug, **detail},
    )
    return True
