"""The tools as the agent loop sees them: each call is one step, recorded by the tool gateway under the call's id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic_ai import CallDeferred, ModelRetry, ToolFailed
from pydantic_ai import RunContext as AgentContext
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool
from pydantic_core import SchemaValidator, core_schema

from signoff.engine.answers import responses_in
from signoff.engine.work import LegWork, stop_of
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.gateway import act
from signoff.kit.faultpoints import faultpoint
from signoff.runs.holds import Hold

# The gateway checks arguments against the pinned schema; here they only have to be JSON.
_ANY = SchemaValidator(schema=core_schema.any_schema())
# Our own count of repairs ends a run long before; the library's would end it in words nobody understands.
RETRIES_OF_THE_LIBRARY = 10_000
BAD_ARGUMENTS = "bad_arguments"


class GatewayToolset(AbstractToolset[Any]):
    """Every tool of the revision, behind the gateway."""

    def __init__(self, work: LegWork) -> None:
        self._work = work

    @property
    def id(self) -> str:
        """Return the name of this toolset."""
        return "signoff"

    async def get_tools(self, ctx: AgentContext[Any]) -> dict[str, ToolsetTool[Any]]:
        """Return the definitions pinned when the leg began; nothing is asked of anyone."""
        return {
            name: ToolsetTool(
                toolset=self,
                tool_def=ToolDefinition(name=name, description=tool.description, parameters_json_schema=tool.schema),
                max_retries=RETRIES_OF_THE_LIBRARY,
                args_validator=_ANY,
            )
            for name, tool in self._work.tools.items()
        }

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: AgentContext[Any], tool: ToolsetTool[Any]
    ) -> Any:
        """Make the call.

        Raises:
            ToolFailed: it was refused or failed; the model is told why.
            ModelRetry: its arguments do not fit; the model may correct them.
            CallDeferred: it waits: for a person, or for its time.
        """
        work, pinned = self._work, self._work.tools[name]
        call_id = ctx.tool_call_id or ""
        if not isinstance(tool_args, dict):  # pyright: ignore[reportUnnecessaryIsInstance]  # the model decides that
            raise ModelRetry("The arguments must be a JSON object.")
        call = ToolCall(
            # Calls beside each other end in any order; a replay finds each by its id, never by its turn.
            key=f"{work.context.run_id}:{call_id}",
            call_id=call_id,
            slot=pinned.slot,
            tool=pinned.tool,
            args=tool_args,
            turn=len(responses_in(work.live())),
            definition_hash=pinned.definition_hash,
        )
        outcome = await self._act(call)
        faultpoint("journaled")
        return self._answer(outcome, call)

    async def _act(self, call: ToolCall) -> dict[str, Any]:
        work = self._work

        async def whole() -> dict[str, Any]:
            return (await act(work.services, work.context, call)).as_plain()

        return await work.flight.guarded(whole)

    def _answer(self, outcome: dict[str, Any], call: ToolCall) -> Any:
        work, reason = self._work, outcome.get("reason") or "The call failed."
        if work.called_off(outcome):
            raise ToolFailed("The run was ended before this call was done.")
        match outcome["kind"]:
            case "value":
                return self._told(outcome.get("value"), call)
            case "held":
                work.holds.append(_hold(call.call_id, outcome.get("hold") or {}))
                raise CallDeferred(metadata=outcome.get("hold"))
            case "stopped":
                # The siblings of this call run to their ends; the next model call ends the run.
                work.end(stop_of(outcome.get("code") or "stopped", reason), call.name)
                raise ToolFailed(reason)
            case _:
                if outcome.get("code") == BAD_ARGUMENTS:
                    raise ModelRetry(reason)
                raise ToolFailed(reason)

    def _told(self, value: Any, call: ToolCall) -> Any:
        """Return a result as the model gets it. It must know when something else was done than it asked for."""
        if call.call_id not in self._work.edited:
            return value
        note = "A person changed the arguments of this call before they agreed to it."
        return {"note": note, "arguments": self._work.edited[call.call_id], "result": value}


def _hold(call_id: str, said: dict[str, Any]) -> Hold:
    until = said.get("until")
    return Hold(
        call_id, said["kind"], said.get("approval") or said.get("run"), datetime.fromisoformat(until) if until else None
    )
