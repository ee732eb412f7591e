"""What has been said so far: the input, the calls made, their answers. Read anew at every turn, kept nowhere."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from pydantic_ai.messages import ModelMessage, ModelRequest, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo
from pydantic_ai.tools import ToolDefinition

from signoff.demo.reading.decide import Tolerance

# What the protocol puts before a tool's own words.
_TOLD_BY = re.compile(r"^Error executing tool [\w.-]{1,100}: ")
_TOLERANCE = re.compile(r"differ by (?:at most|up to) ([\d.]{1,12})\s?(%|per ?cent)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """One call with what came back. `error` is a sentence when it failed."""

    tool: str
    args: dict[str, Any]
    value: Any
    error: str | None

    @property
    def is_object(self) -> bool:
        """Return whether the call succeeded and answered with an object."""
        return isinstance(self.value, dict) and self.error is None

    @property
    def row(self) -> dict[str, Any]:
        """Return the answer as an object; empty when it is none, or when the call failed."""
        return cast("dict[str, Any]", self.value) if self.is_object else {}

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the list of objects under `name`."""
        found = self.row.get(name)
        items = cast("list[Any]", found) if isinstance(found, list) else []
        return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]


@dataclass(slots=True)
class Conversation:
    """The conversation as facts. Tools are known by their own names, without the slot in front."""

    tools: dict[str, ToolDefinition]
    instructions: str
    input: dict[str, Any]
    answers: list[Answer] = field(default_factory=list[Answer])
    calls: int = 0

    def of(self, tool: str, **args: str) -> Answer | None:
        """Return the last answer of `tool` whose arguments hold these values, or None."""
        for answer in reversed(self.answers):
            if answer.tool == tool and all(str(answer.args.get(name)) == value for name, value in args.items()):
                return answer
        return None

    def parameter(self, tool: str, *names: str) -> str:
        """Return which of `names` the tool takes; the first when none is known."""
        definition = self.tools.get(tool)
        schema: dict[str, Any] = definition.parameters_json_schema if definition else {}
        known = cast("dict[str, Any]", schema.get("properties", {}))
        return next((name for name in names if name in known), names[0])

    def tolerance(self) -> Tolerance:
        """Return the tolerance the SOP states ("may differ by at most 0.02", or "… 1 %")."""
        found = _TOLERANCE.search(self.instructions)
        if found is None:
            return Tolerance()
        try:
            value = Decimal(found[1].rstrip("."))
        except InvalidOperation:
            return Tolerance()
        return Tolerance(percent=value) if found[2] else Tolerance(units=value)


def conversation(messages: list[ModelMessage], info: AgentInfo) -> Conversation:
    """Return what has been said."""
    tools = {bare(tool.name): tool for tool in info.function_tools}
    said = Conversation(tools, info.instructions or "", {})
    calls: dict[str, ToolCallPart] = {}
    for message in messages:
        if not isinstance(message, ModelRequest):
            for part in message.parts:
                if isinstance(part, ToolCallPart):
                    calls[part.tool_call_id] = part
                    said.calls += 1
            continue
        for part in message.parts:
            if isinstance(part, UserPromptPart) and not said.input:
                said.input = _input(part.content)
            elif isinstance(part, ToolReturnPart):
                said.answers.append(_answer(part, calls.get(part.tool_call_id)))
            elif part.part_kind == "system-prompt":
                said.instructions += f"\n{part.content}"
    return said


def bare(name: str) -> str:
    """Return a tool's own name: "erp__post_bill", "erp.post_bill" and "erp_post_bill" are "post_bill"."""
    return next((known for known in _KNOWN if name == known or re.fullmatch(rf".*[_.-]{known}", name)), name)


_KNOWN = (
    "list_messages",
    "read_message",
    "read_attachment",
    "find_purchase_orders",
    "get_purchase_order",
    "get_vendor",
    "list_bills",
    "post_bill",
    "flag_mismatch",
)


def _input(content: Any) -> dict[str, Any]:
    text = content if isinstance(content, str) else " ".join(item for item in content if isinstance(item, str))
    start, end = text.find("{"), text.rfind("}")
    try:
        value = json.loads(text[start : end + 1]) if 0 <= start < end else None
    except ValueError:
        value = None
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        inner = found.get("input")
        return cast("dict[str, Any]", inner) if isinstance(inner, dict) else found
    named = re.search(r"message_id\W{1,5}([^\s\"',}]{1,300})", text)
    return {"message_id": named[1]} if named else {}


def _answer(part: ToolReturnPart, call: ToolCallPart | None) -> Answer:
    args = call.args_as_dict() if call else {}
    value = part.content
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = part.content
    failed = part.outcome != "success"
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    error = _TOLD_BY.sub("", text)[:600] if failed else None
    return Answer(bare(part.tool_name), args, value, error)
