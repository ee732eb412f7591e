"""What the arguments of a held call must fit: the tool's schema, and what the revision bounds beyond it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.body import AllowedTool
from signoff.agents.revisions import revision_body
from signoff.agents.values import value_problems
from signoff.kit.json_schemas import problems, strict_problems
from signoff.tables.approvals import Approval
from signoff.tables.connections import Connection, Tool


def input_schema_of(session: Session, row: Approval) -> dict[str, Any] | None:
    """Return the tool's own schema as it is accepted now; None when the request is about no tool, or it is gone."""
    slot, _, name = (row.tool or "").partition(".")
    definition = session.scalar(
        select(Tool.definition)
        .join(Connection, Connection.id == Tool.connection_id)
        .where(Connection.environment_id == row.environment_id, Connection.slug == slot, Tool.name == name)
    )
    return (definition or {}).get("input_schema")


def allowed_of(session: Session, row: Approval) -> AllowedTool | None:
    """Return what the revision of the request allows of its tool."""
    slot, _, name = (row.tool or "").partition(".")
    body = revision_body(session, row.revision_id)
    return next((tool for one in body.tools if one.slot == slot for tool in one.allow if tool.tool == name), None)


def problems_of(session: Session, row: Approval, args: dict[str, Any]) -> list[str]:
    """Return what keeps arguments from being sent: the tool's schema, and what the revision bounds beyond it."""
    schema = input_schema_of(session, row)
    if schema is None:
        return [f"{row.tool} is not offered any more, so its arguments cannot be checked"]
    found = problems(args, schema)
    allowed = allowed_of(session, row)
    for name, bound in (allowed.args if allowed else {}).items():
        if name not in args:
            found.append(f"{name}: this agent must give it")
            continue
        found += [f"{name}: {one} (a limit of this agent)" for one in strict_problems(args[name], bound)]
    for path, rule in (allowed.values if allowed else {}).items():
        found += value_problems(args, path, rule)
    return found
