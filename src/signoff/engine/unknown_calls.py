"""Calls of a model to tools it does not have.

The agent library answers them by itself, and no tool is called. That they were tried is kept all the same, as a step
that the tool gateway refused: who looks for what a candidate must not do finds it there.
"""

from __future__ import annotations

from typing import Any

from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models import ModelRequestParameters

from signoff.engine.work import LegWork, stop_of
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.gateway import act
from signoff.gateways.tool.own_tools import NO_SLOT, own_tools
from signoff.kit.text import shortened, storable

_NAME_CHARS_MAX = 120


async def refuse_unknown(work: LegWork, response: ModelResponse, given: ModelRequestParameters, turn: int) -> None:
    """Have the gateway refuse what a response asks for and the model was not given.

    Args:
        given: what the model was given.
        turn: the response's.
    """
    known = {tool.name for tool in (*given.function_tools, *given.output_tools)}
    # What the revision gives is never asked for this way: the gateway would make such a call.
    known |= {entry.tool for entry in work.context.body.sub_agents} | own_tools(work.context.body).keys()
    for part in response.tool_calls:
        if part.tool_name not in known:
            await _refuse(work, part, turn)


async def _refuse(work: LegWork, part: ToolCallPart, turn: int) -> None:
    call = ToolCall(
        key=f"{work.context.run_id}:{part.tool_call_id}", call_id=part.tool_call_id, slot=NO_SLOT,
        tool=shortened(storable(part.tool_name), _NAME_CHARS_MAX) or "(no name)", args=_arguments(part), turn=turn,
    )  # fmt: skip

    async def whole() -> dict[str, Any]:
        return (await act(work.services, work.context, call)).as_plain()

    outcome = await work.flight.guarded(whole)
    if not work.called_off(outcome) and outcome["kind"] == "stopped":
        work.end(stop_of(outcome.get("code") or "stopped", outcome.get("reason") or "The run was ended."), call.name)


def _arguments(part: ToolCallPart) -> dict[str, Any]:
    try:
        return part.args_as_dict()
    except (ValueError, AssertionError, RecursionError):
        return {}  # They are in the model's answer as they came.
