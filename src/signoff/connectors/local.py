"""A link to something on this machine: tools that are plain functions, run in threads, within a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from signoff.connectors import arguments, faults, plain
from signoff.connectors.protocol import ToolAnswer, ToolSpec

READS: dict[str, Any] = {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False}


@dataclass(frozen=True, slots=True)
class LocalTool:
    """A tool and the function that does it: blocking, given checked arguments, returning plain JSON."""

    spec: ToolSpec
    run: Callable[[dict[str, Any]], Any]


class LocalLink:
    """Offers local tools. All of them only read, so a call that took too long has changed nothing."""

    hosts: tuple[str, ...] = ()

    def __init__(self, tools: list[LocalTool], check: Callable[[], None], *, answer_chars_max: int) -> None:
        self._tools: Mapping[str, LocalTool] = {tool.spec.name: tool for tool in tools}
        self._check = check
        self._answer_chars_max = answer_chars_max
        self._is_open = True
        self.open_calls = 0

    @property
    def is_alive(self) -> bool:
        """Whether the link was not closed."""
        return self._is_open

    async def list_tools(self) -> list[ToolSpec]:
        """Return the tools."""
        return [tool.spec for tool in self._tools.values()]

    async def call(self, tool: str, args: dict[str, Any], *, key: str | None, timeout_seconds: float) -> ToolAnswer:
        """Run a tool. `key` is not needed: reading twice changes nothing."""
        found = self._tools.get(tool)
        if found is None:
            raise faults.fault(faults.UNKNOWN_TOOL, f"There is no tool “{faults.quoted(tool, 60)}” here.")
        checked = arguments.checked(args, found.spec.input_schema)
        self.open_calls += 1
        try:
            async with asyncio.timeout(timeout_seconds):
                value = await asyncio.to_thread(found.run, checked)
        except TimeoutError:
            raise faults.fault(faults.TIMEOUT, f"Reading took longer than {timeout_seconds:g} seconds.") from None
        except OSError as error:
            raise faults.fault(faults.UNREACHABLE, f"It cannot be read: {error.strerror or error}.") from error
        finally:
            self.open_calls -= 1
        return ToolAnswer(plain.limited(value, self._answer_chars_max))

    async def check(self) -> None:
        """Look whether the folder is still there and may be read."""
        await asyncio.to_thread(self._check)

    async def close(self) -> None:
        """End the link; there is nothing to let go of."""
        self._is_open = False
