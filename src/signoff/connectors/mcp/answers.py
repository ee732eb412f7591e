"""What MCP sends, as our own shapes: tools as specs, results as plain JSON."""

from __future__ import annotations

import json
from typing import Any

from mcp_types import CallToolResult, Tool

from signoff.connectors import faults, plain
from signoff.connectors.protocol import ToolAnswer, ToolSpec

NAME_CHARS_MAX = 200
# In a tool's `_meta`: the name of the tool that takes back what this one does.
COMPENSATED_BY = "compensatedBy"
DEFINITION_CHARS_MAX = 64_000


def spec_of(tool: Tool) -> ToolSpec:
    """Return the tool as a spec.

    Raises:
        ConnectorError: its definition is too large to show a person or a model.
    """
    annotations = tool.annotations.model_dump(mode="json", by_alias=True, exclude_none=True) if tool.annotations else {}
    # The protocol has no annotation for it, and reading drops what it does not know; its own place for more is kept.
    if isinstance(undo := (tool.meta or {}).get(COMPENSATED_BY), str) and undo:
        annotations[COMPENSATED_BY] = undo[:NAME_CHARS_MAX]
    spec = ToolSpec(
        name=plain.clean(tool.name),
        description=plain.clean(tool.description or ""),
        input_schema=plain.cleaned_object(tool.input_schema),
        output_schema=plain.cleaned_object(tool.output_schema) if tool.output_schema is not None else None,
        annotations=plain.cleaned_object(annotations),
    )
    if len(spec.name) > NAME_CHARS_MAX:
        raise faults.fault(
            faults.BAD_ANSWER,
            f"The name of tool “{faults.quoted(spec.name, 60)}” is too long ({len(spec.name)} characters; "
            f"at most {NAME_CHARS_MAX} are accepted).",
        )
    size = len(json.dumps(spec.definition))
    if size > DEFINITION_CHARS_MAX:
        raise faults.fault(
            faults.BAD_ANSWER,
            f"The definition of tool “{faults.quoted(spec.name, 60)}” is too large ({size} characters; "
            f"at most {DEFINITION_CHARS_MAX} are accepted).",
        )
    return spec


def answer_of(result: CallToolResult, chars_max: int) -> ToolAnswer:
    """Return the result as a value: structured content where there is some, else text (as JSON where it is JSON)."""
    if result.structured_content is not None and not result.is_error:
        return ToolAnswer(plain.limited(result.structured_content, chars_max))
    parts = [_part(block.model_dump(mode="json", by_alias=True, exclude_none=True)) for block in result.content]
    if not parts:
        value: Any = plain.clean(result.structured_content)
    elif len(parts) == 1:
        value = plain.parsed_or_text(parts[0]) if isinstance(parts[0], str) else parts[0]
    elif all(isinstance(part, str) for part in parts):
        value = "\n".join(parts)
    else:
        value = parts
    return ToolAnswer(plain.limited(value, chars_max), is_error=bool(result.is_error))


def _part(block: dict[str, Any]) -> Any:
    """Return the text of a block, or a description of what is not text: models get words, not megabytes of base64."""
    kind = block.get("type")
    if kind == "text":
        return str(block.get("text", ""))
    if kind in ("image", "audio"):
        return {
            "type": kind,
            "media_type": block.get("mimeType"),
            "size_bytes": len(str(block.get("data", ""))) * 3 // 4,
            "note": "left out: not text",
        }
    if kind == "resource_link":
        return {"type": "link", "uri": block.get("uri"), "name": block.get("name"), "media_type": block.get("mimeType")}
    resource = block.get("resource")
    if isinstance(resource, dict):
        return _resource(plain.cleaned_object(resource))
    return {"type": str(kind), "note": "left out: of a kind that is not known here"}


def _resource(resource: dict[str, Any]) -> dict[str, Any]:
    found = {"type": "resource", "uri": resource.get("uri"), "media_type": resource.get("mimeType")}
    if isinstance(resource.get("text"), str):
        return {**found, "text": resource["text"]}
    return {**found, "size_bytes": len(str(resource.get("blob", ""))) * 3 // 4, "note": "left out: not text"}
