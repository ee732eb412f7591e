"""Reading a body that may have any shape: what is there and has the right kind, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast


def member(value: Any, name: str) -> Any:
    """Return a member of an object; None when it is no object or has no such member."""
    return cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None


def objects(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a list with their positions."""
    if isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            if isinstance(item, dict):
                yield index, cast("dict[str, Any]", item)


def texts(value: Any) -> Iterator[tuple[int, str]]:
    """Yield the texts of a list with their positions."""
    if isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            if isinstance(item, str):
                yield index, item


@dataclass(frozen=True, slots=True)
class AllowedTool:
    """One well-named entry of an allow-list, and where it stands."""

    path: str
    slot: str
    tool: str
    entry: Mapping[str, Any]


def allowed_tools(body: Mapping[str, Any]) -> Iterator[AllowedTool]:
    """Yield every allowed tool whose slot and name are texts."""
    for index, slot in objects(body.get("tools")):
        name = slot.get("slot")
        for position, entry in objects(slot.get("allow")):
            tool = entry.get("tool")
            if isinstance(name, str) and isinstance(tool, str):
                yield AllowedTool(f"tools[{index}].allow[{position}]", name, tool, entry)


def sub_agent_tools(body: Mapping[str, Any]) -> list[str]:
    """Return what the sub-agents of a body are called as tools."""
    return [name for _, entry in objects(body.get("sub_agents")) if isinstance(name := entry.get("tool"), str)]
