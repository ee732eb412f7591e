"""What the arguments of a held call must fit: the tool's schema, and what the revision bounds beyond it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.body import AllowedTool
from signoff.agents.callees import pinned, serving
from signoff.agents.revisions import revision_body
from signoff.agents.sub_agents import tool_schema
from signoff.agents.values import value_problems
from signoff.kit.json_schemas import problems, strict_problems
from signoff.tables.agents import Agent
from signoff.tables.approvals import Approval
from signoff.tables.connections import Connection, Tool


def input_schema_of(session: Session, row: Approval) -> dict[str, Any] | None:
    """Return the tool's own schema as it is accepted now; None when the request is about no tool, or it is gone."""
    slot, _, name = (row.tool or "").partition(".")
    if row.tool and not name:
        return _of_sub_agent(session, row)
    definition = session.scalar(
        select(Tool.definition)
        .join(Connection, Connection.id == Tool.connection_id)
        .where(Connection.environment_id == row.environment_id, Connection.slug == slot, Tool.name == name)
    )
    return (definition or {}).get("input_schema")


def _of_sub_agent(session: Session, row: Approval) -> dict[str, Any] | None:
    """Return what another agent takes that the revision names by this tool; None when there is no such agent."""
    entry = next((one for one in revision_body(session, row.revision_id).sub_agents if one.tool == row.tool), None)
    wanted = select(Agent.id).where(
        Agent.workspace_id == row.workspace_id, Agent.slug == (entry.agent if entry else "")
    )
    agent_id = session.scalar(wanted)
    if entry is None or agent_id is None:
        return None
    found = (
        pinned(session, agent_id, entry.revision) if entry.is_pinned else serving(session, agent_id, row.environment_id)
    )
    return tool_schema(revision_body(session, found.id).input_schema) if found is not None else None


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
