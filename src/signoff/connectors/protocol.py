"""What every kind of outside system looks like from inside: a link that lists tools and calls them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from signoff.kit.canonical import content_hash


def _no_annotations() -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool as its system offers it. All of it is untrusted text.

    Args:
        annotations: hints under their MCP names (`readOnlyHint`, `destructiveHint`, `idempotentHint`, …).
    """

    name: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any] | None = None
    annotations: dict[str, Any] = field(default_factory=_no_annotations)

    @property
    def definition(self) -> dict[str, Any]:
        """Return the plain JSON that is pinned when the tool is accepted."""
        return {
            "name": self.name,
            "description": self.description,
            "input_schema": self.input_schema,
            "output_schema": self.output_schema,
            "annotations": self.annotations,
        }

    @property
    def hash(self) -> str:
        """Return the sha-256 of the definition: any change to it, a word of the description too, changes this."""
        return content_hash(self.definition)


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a call gave: a JSON value within the size limit. `is_error` means the tool itself said that it failed."""

    value: Any
    is_error: bool = False


class Link(Protocol):
    """One open connector. May be used from several tasks of its event loop at once."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that secrets would be sent to; empty for kinds that stay on this machine."""
        ...

    @property
    def is_alive(self) -> bool:
        """Whether another call makes sense; when not, the pool opens a new link."""
        ...

    @property
    def open_calls(self) -> int:
        """How many calls are under way."""
        ...

    async def list_tools(self) -> list[ToolSpec]:
        """Return the tools on offer now.

        Raises:
            ConnectorError: the system failed.
        """
        ...

    async def call(self, tool: str, args: dict[str, Any], *, key: str | None, timeout_seconds: float) -> ToolAnswer:
        """Call one tool, passing `key` on as the idempotency key.

        Raises:
            ConnectorError: with code `connector_outcome_unknown` when the request may have been carried out, any
                other code when it was not.
        """
        ...

    async def check(self) -> None:
        """Return when the system can be reached and the login is accepted.

        Raises:
            ConnectorError: the reason.
        """
        ...

    async def close(self) -> None:
        """End the link; never raises, never takes longer than a few seconds, may be called twice."""
        ...


@runtime_checkable
class Offering(Protocol):
    """A link to a system that may change its tools at any time, without telling."""

    async def offer(self, tool: str) -> ToolSpec | None:
        """Return the tool as it is offered now, give or take a few seconds; None when it is not.

        Raises:
            ConnectorError: the system failed; no call was made.
        """
        ...
