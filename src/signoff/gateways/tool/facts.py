"""What the guards of the tool gateway decide by, read in one short session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from signoff.agents.body import EFFECTS, AllowedTool, Effect
from signoff.freezes.queries import Freeze, freeze_on
from signoff.gateways.standing import Standing, standing_of
from signoff.gateways.tool.call import ToolCall
from signoff.kit.canonical import content_hash
from signoff.kit.redact import Redactor
from signoff.runs.facts import RunContext
from signoff.tables.connections import Connection, Tool
from signoff.tables.runs import Step

if TYPE_CHECKING:
    from signoff.gateways.services import Services


@dataclass(frozen=True, slots=True)
class BoundTool:
    """A tool of the connection that the run's environment binds to the slot."""

    connection_id: str
    connection_slug: str
    connection_name: str
    kind: str
    config: dict[str, Any]
    version: int
    health: str
    state: str
    definition: dict[str, Any]
    definition_hash: str
    effect: Effect
    is_idempotent: bool


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """The state of the world for one tool call.

    Args:
        connection_slug: the bound connection, None when the environment binds none.
        tool: None when the connection has no such tool.
        calls_before: how many tool calls the run has made; of them of this tool; of them with these arguments.
        finished: the outcome this very step had before a crash kept it from being recorded.
        recorded: the outcome of the original run, in a replay.
    """

    standing: Standing
    allowed: AllowedTool | None
    connection_slug: str | None
    tool: BoundTool | None
    effect: Effect
    freeze: Freeze | None
    calls_before: int
    same_tool_before: int
    same_call_before: int
    redactor: Redactor
    finished: dict[str, Any] | None = None
    recorded: dict[str, Any] | None = None

    @property
    def is_read(self) -> bool:
        """Return whether the call changes nothing outside."""
        return self.effect == "read"


def args_hash(call: ToolCall) -> str:
    """Return what tells two calls with equal arguments from others."""
    return content_hash([call.name, call.args])


def tool_facts(session: Session, services: Services, run: RunContext, call: ToolCall) -> ToolFacts:
    """Read everything the guards ask for."""
    connection = session.scalar(
        select(Connection).where(Connection.environment_id == run.environment_id, Connection.slug == call.slot)
    )
    tool = _bound(session, connection, call) if connection is not None else None
    allowed = allowed_tool(run, call)
    calls, same_tool, same_call = _counts(session, run, call)
    connection_id = connection.id if connection else None
    return ToolFacts(
        standing=standing_of(session, run.run_id, connection=connection),
        allowed=allowed,
        connection_slug=connection.slug if connection else None,
        tool=tool,
        effect=effect_of(tool, allowed),
        freeze=freeze_on(session, workspace_id=run.workspace_id, agent_id=run.agent_id, connection_id=connection_id),
        calls_before=calls,
        same_tool_before=same_tool,
        same_call_before=same_call,
        redactor=services.masking.redactor(session, run.environment_id),
        finished=_outcome_of(session, run.run_id, call),
        recorded=_recorded(session, run, call) if run.mode == "replay" and run.replay_of else None,
    )


def allowed_tool(run: RunContext, call: ToolCall) -> AllowedTool | None:
    """Return what the revision allows of this tool, or None."""
    return next(
        (tool for slot in run.body.tools if slot.slot == call.slot for tool in slot.allow if tool.tool == call.tool),
        None,
    )


def effect_of(tool: BoundTool | None, allowed: AllowedTool | None) -> Effect:
    """Return the gravest class anyone gave the tool; the gravest there is when nobody knows it."""
    if tool is None:
        return EFFECTS[-1]
    own = allowed.effect if allowed and allowed.effect else tool.effect
    return EFFECTS[max(EFFECTS.index(tool.effect), EFFECTS.index(own))]


def _bound(session: Session, connection: Connection, call: ToolCall) -> BoundTool | None:
    row = session.scalar(select(Tool).where(Tool.connection_id == connection.id, Tool.name == call.tool))
    if row is None:
        return None
    return BoundTool(
        connection_id=connection.id,
        connection_slug=connection.slug,
        connection_name=connection.name,
        kind=connection.kind,
        config=connection.config,
        version=connection.version,
        health=connection.health,
        state=row.state,
        definition=row.definition,
        definition_hash=row.definition_hash,
        effect=_effect(row.effect),
        is_idempotent=row.is_idempotent,
    )


def _effect(stored: str) -> Effect:
    for effect in EFFECTS:
        if effect == stored:
            return effect
    return EFFECTS[-1]


def _counts(session: Session, run: RunContext, call: ToolCall) -> tuple[int, int, int]:
    def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    row = session.execute(
        select(
            func.count(),
            number(Step.name == call.name),
            number(Step.detail["args_hash"].as_string() == args_hash(call)),
        ).where(Step.run_id == run.run_id, Step.kind == "tool", Step.key != call.key)
    ).one()
    return int(row[0]), int(row[1]), int(row[2])


def _outcome_of(session: Session, run_id: str, call: ToolCall) -> dict[str, Any] | None:
    """Return the final outcome the trace kept for this step, if it ended."""
    detail = session.scalar(
        select(Step.detail).where(Step.run_id == run_id, Step.key == call.key, Step.ended_at.is_not(None))
    )
    return detail.get("outcome") if detail else None


def _recorded(session: Session, run: RunContext, call: ToolCall) -> dict[str, Any] | None:
    """Return what the original run got for the same call: by its id, else the first with the same arguments."""
    rows = session.execute(
        select(Step.key, Step.detail)
        .where(
            Step.run_id == run.replay_of,
            Step.kind == "tool",
            Step.name == call.name,
            Step.detail["args_hash"].as_string() == args_hash(call),
        )
        .order_by(Step.seq)
    ).all()
    same = next((row.detail for row in rows if row.key == f"{run.replay_of}:{call.call_id}"), None)
    detail = same or (rows[0].detail if rows else None)
    return detail.get("outcome") if detail else None
