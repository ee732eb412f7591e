"""The beginning of a leg: the run is marked running, its tools are pinned, and what people settled is read."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.connections.queries import bound_tools
from signoff.engine.tool_names import PinnedTool
from signoff.gateways.model.affordable import affordable
from signoff.gateways.services import Services
from signoff.record.actor import SYSTEM
from signoff.runs import actions
from signoff.runs.facts import RunContext, context_of
from signoff.tables.runs import Effect, Leg


def begin(
    session: Session, services: Services, run_id: str, leg: int, *, worker: str, wall_seconds_max: int
) -> dict[str, Any]:
    """Begin a leg. Returns, as plain JSON, everything the leg may rely on until its end."""
    if leg == 1 and _is_rejected(session, services, run_id):
        return {"is_begun": False}
    start = actions.start_leg(session, run_id, leg, worker=worker, wall_seconds_max=wall_seconds_max)
    if start is None:
        return {"is_begun": False}
    tools, missing = _tools(session, start.context)
    return {
        "is_begun": True,
        "deadline_at": start.deadline_at.isoformat(),
        # Needed in the first leg only; later ones find it in the conversation.
        "input": start.input if leg == 1 else None,
        "tools": [tool.as_plain() for tool in tools],
        "missing": missing,
        "settled": _settled(session, run_id, leg),
    }


def _is_rejected(session: Session, services: Services, run_id: str) -> bool:
    """Whether the run never begins, because today's money is used up. One that has begun goes on to its own limits."""
    verdict = affordable(session, services, context_of(session, run_id, leg=1))
    return verdict.kind == "stop" and actions.reject_run(
        session, run_id, by=SYSTEM, code=verdict.code or "day_budget_exceeded", reason=verdict.reason
    )


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
    if not missing:
        return tools, None
    return tools, f"The agent lacks what its revision needs: {'; '.join(missing)}. Set it up under Connections."


def _settled(session: Session, run_id: str, leg: int) -> dict[str, dict[str, Any]]:
    before = session.get(Leg, (run_id, leg - 1)) if leg > 1 else None
    holds = {f"{run_id}:{call_id}": call_id for call_id in (before.holds if before else [])}
    if not holds:
        return {}
    effects = session.scalars(select(Effect).where(Effect.key.in_(list(holds)))).all()
    return {
        holds[effect.key]: {"outcome": effect.settlement, "reason": effect.reason, "result": effect.result}
        for effect in effects
    }
