"""The beginning of a leg: the run is marked running, its tools are pinned, and what people settled is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic_ai.messages import ModelMessage
from sqlalchemy.orm import Session

from signoff.agents.rules import Memory
from signoff.connections.queries import bound_tools
from signoff.engine import messages as conversation
from signoff.engine.tool_names import PinnedTool
from signoff.gateways.model.affordable import reject_unaffordable
from signoff.gateways.services import Services
from signoff.gateways.tool.own_tools import NO_SLOT, own_tools
from signoff.gateways.tool.sub_agent_facts import Refused, target_of
from signoff.memories.actions import fix_scope
from signoff.runs import actions
from signoff.runs.facts import RunContext
from signoff.runs.holds import answers_to_holds, holds_of, is_of_run
from signoff.tables.people import Environment
from signoff.tables.runs import Leg, Run


@dataclass(frozen=True, slots=True)
class Beginning:
    """Everything a leg works with, the same again when it begins again after a crash.

    Args:
        input: what the agent is given; None in later legs, which find it in the conversation.
        missing: what the agent lacks, in words; None when nothing.
        settled: what people said about the calls the leg before ended for, by call id.
        history: the messages of earlier legs.
    """

    context: RunContext
    input: Any
    deadline_at: datetime
    tools: Sequence[PinnedTool]
    missing: str | None
    settled: dict[str, dict[str, Any]]
    history: list[ModelMessage]


def begin(
    session: Session, services: Services, run_id: str, leg: int, *, worker: str, wall_seconds_max: int
) -> Beginning | None:
    """Begin a leg, or take it up again. None when it is not this leg's turn, or it has ended."""
    # Money may have been used up since it was asked for. One that has begun goes on to its own limits.
    if leg == 1 and reject_unaffordable(session, services, run_id) is not None:
        return None

    def relied_on(context: RunContext) -> dict[str, Any]:
        tools, missing = _tools(session, context)
        settled = _settled(session, run_id, leg)
        _take_what_was_given(session, context, settled)
        return {"tools": [tool.as_plain() for tool in tools], "missing": missing, "settled": settled}

    start = actions.start_leg(
        session, run_id, leg, worker=worker, wall_seconds_max=wall_seconds_max, relies_on=relied_on
    )
    if start is None:
        return None
    given: Any = None
    if leg == 1:
        redactor = services.masking.redactor(session, start.context.environment_id)
        given = redactor.value(start.input)
        if not redactor.is_empty:
            actions.mask_run(session, run_id, redactor.value)
    if leg == 1 and start.context.body.memory is not None:
        _fix_memory(session, start.context, start.context.body.memory)
    return Beginning(
        context=start.context,
        input=given,
        deadline_at=start.deadline_at,
        tools=[PinnedTool(**tool) for tool in start.relies_on["tools"]],
        missing=start.relies_on["missing"],
        settled=start.relies_on["settled"],
        history=conversation.load(session, run_id, before_leg=leg) if leg > 1 else [],
    )


def _fix_memory(session: Session, context: RunContext, memory: Memory) -> None:
    """Fix whose memory it is, when this run is one of production and no test."""
    is_live = context.mode == "live" and session.get_one(Run, context.run_id).origin == "production"
    if is_live and session.get_one(Environment, context.environment_id).is_production:
        fix_scope(session, memory, agent_id=context.agent_id, workspace_id=context.workspace_id, by=context.actor)


def _tools(session: Session, context: RunContext) -> tuple[list[PinnedTool], str | None]:
    bound = bound_tools(
        session, workspace_id=context.workspace_id, environment_id=context.environment_id, body=context.body
    )
    tools: list[PinnedTool] = []
    missing: list[str] = []
    for slot in context.body.tools:
        connection = bound.get(slot.slot)
        if connection is None:
            missing.append(f"there is no connection named {slot.slot} in this environment")
            continue
        for allowed in slot.allow:
            tool = connection.tools.get(allowed.tool)
            if tool is None:
                missing.append(f"{slot.slot} offers no tool named {allowed.tool}")
                continue
            definition = tool.definition
            tools.append(
                PinnedTool(
                    slot=slot.slot,
                    tool=allowed.tool,
                    description=str(definition.get("description") or ""),
                    schema=definition.get("input_schema") or {"type": "object"},
                    definition_hash=tool.definition_hash,
                )
            )
    tools += [
        PinnedTool(slot=NO_SLOT, tool=own.name, description=own.description, schema=own.schema, definition_hash="")
        for own in own_tools(context.body).values()
    ]
    for entry in context.body.sub_agents:
        found = target_of(session, context, entry)
        if isinstance(found, Refused):
            missing.append(found.reason.rstrip("."))
            continue
        tools.append(
            PinnedTool(
                slot=NO_SLOT,
                tool=entry.tool,
                description=found.description(entry.description),
                schema=found.schema,
                definition_hash=found.revision.hash,
            )
        )
    if not missing:
        return tools, None
    return tools, f"The agent lacks what its revision needs: {'; '.join(missing)}. Set it up under Connections."


def _take_what_was_given(session: Session, context: RunContext, settled: dict[str, dict[str, Any]]) -> None:
    """Let the run spend what people gave it, in the transaction in which the leg that may spend it begins."""
    for call, said in settled.items():
        if is_of_run(call) and said["outcome"] == "approved":
            actions.raise_cap(session, context, Decimal(said["amount_usd"]))


def _settled(session: Session, run_id: str, leg: int) -> dict[str, dict[str, Any]]:
    before = session.get(Leg, (run_id, leg - 1)) if leg > 1 else None
    if before is None or not before.holds:
        return {}
    return answers_to_holds(session, run_id, leg - 1, holds_of(before.holds))
