"""A conversation of the scripted model with the real mail connection and the real ERP, without engine or gateways."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelRequest, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.function import AgentInfo
from pydantic_ai.tools import ToolDefinition

from signoff.connectors.pool import Pool
from signoff.connectors.protocol import Link
from signoff.demo import script
from signoff.demo.erp import tokens
from signoff.demo.stage import agent_file, demo_settings, erp_database
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

TURNS_MAX = 12


@dataclass
class Played:
    """What came of one message."""

    output: dict[str, Any]
    calls: list[str] = field(default_factory=list)
    turns: int = 0


@dataclass
class Desk:
    """The links and tools of one agent."""

    links: dict[str, Link]
    info: AgentInfo
    token: str
    erp: Path
    plays: int = 0

    async def play(self, message_id: str) -> Played:
        """Play one message to its result, as the engine would."""
        messages: list[ModelMessage] = [
            ModelRequest(parts=[UserPromptPart(json.dumps({"message_id": message_id}))], instructions="")
        ]
        played = Played({})
        self.plays += 1
        for turn in range(TURNS_MAX):
            response = script.supplier_mail(messages, self.info)
            messages.append(response)
            answers: list[ToolReturnPart] = []
            for call in response.tool_calls:
                if call.tool_name == "final_result":
                    played.output, played.turns = call.args_as_dict(), turn + 1
                    return played
                played.calls.append(call.tool_name.partition("_")[2])
                answers.append(await self._answer(call))
            messages.append(ModelRequest(parts=answers))
        raise AssertionError(f"no result after {TURNS_MAX} turns: {played.calls}")

    async def _answer(self, call: ToolCallPart) -> ToolReturnPart:
        name, call_id, run = call.tool_name, call.tool_call_id, f"play_{self.plays}"
        slot, _, tool = name.partition("_")
        args = call.args_as_dict()
        given = {key: self.token if value == "{{secret.ERP_TOKEN}}" else value for key, value in args.items()}
        try:
            answer = await self.links[slot].call(tool, given, key=f"{run}:{call_id}", timeout_seconds=60)
        except ConnectorError as error:
            return ToolReturnPart(name, error.detail, call_id, outcome="failed")
        return ToolReturnPart(name, answer.value, call_id, outcome="failed" if answer.is_error else "success")

    def instruct(self, sop: str) -> None:
        """Give the model another SOP."""
        self.info = replace(self.info, instructions=sop)

    async def message_ids(self) -> list[str]:
        """Return all messages of the mailbox, page after page."""
        found: list[str] = []
        cursor: str | None = None
        while True:
            args = {"cursor": cursor} if cursor else {}
            answer = await self.links["mail"].call("list_messages", args, key=None, timeout_seconds=60)
            found += [item["message_id"] for item in answer.value["messages"]]
            cursor = answer.value.get("next_cursor")
            if not cursor:
                return found


@asynccontextmanager
async def desk(settings: Settings, mail: Path) -> AsyncGenerator[Desk]:
    """The demo's connections over the real connectors, with the tools its agent may use."""
    chosen = demo_settings(settings, mail)
    pool = Pool(chosen)
    erp = erp_database(chosen, "production")
    token = tokens.issue(erp)
    links = {
        "erp": await pool.link("con_erp", 1, "mcp_stdio", {"command": "erp"}),
        "mail": await pool.link("con_mail", 1, "mail", {"folder": str(mail)}),
    }
    try:
        yield Desk(links, await _info(links), token, erp)
    finally:
        await pool.close()


async def _info(links: dict[str, Link]) -> AgentInfo:
    allowed = {slot["slot"]: {tool["tool"] for tool in slot["allow"]} for slot in agent_file().body["tools"]}
    tools: list[ToolDefinition] = []
    for slot, link in links.items():
        specs = {spec.name: spec for spec in await link.list_tools()}
        assert allowed[slot] <= set(specs)
        tools += [
            ToolDefinition(name=f"{slot}_{name}", parameters_json_schema=specs[name].input_schema)
            for name in sorted(allowed[slot])
        ]
    return AgentInfo(
        function_tools=tools,
        allow_text_output=False,
        output_tools=[ToolDefinition(name="final_result", parameters_json_schema=agent_file().body["output_schema"])],
        model_settings=None,
        model_request_parameters=ModelRequestParameters(),
        instructions=agent_file().body["sop"],
    )
