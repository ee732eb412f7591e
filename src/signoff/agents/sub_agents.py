"""Sub-agents: other agents of the workspace that the model may call, each as a tool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from signoff.agents.part import Part

# What serves in the environment when the call is made.
LIVE = "live"
# The one argument of a tool whose agent takes no object.
_INPUT = "input"
SUB_AGENTS_MAX = 20
# How deep agents may call agents: what a person, a schedule or a program starts has the depth 0.
DEPTH_MAX = 3
# So many runs may come of one, children of children included.
RUNS_MAX = 20
# What the model knows Signoff's own tools by.
RESERVED = frozenset(("ask_person", "request_login", "memory_search", "memory_write", "memory_forget", "final_result"))


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# `live`, the number of a revision, or the hash that is its name everywhere.
RevisionRef = Annotated[
    str, BeforeValidator(_as_text), Field(max_length=64, pattern=r"^(live|[1-9][0-9]{0,8}|[0-9a-f]{64})$")
]


class SubAgent(Part):
    """One agent that this one may call, under which revision, and what the model knows it by."""

    agent: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="The other agent's slug.")
    revision: RevisionRef = Field(default=LIVE, description="`live`, or the number or hash of a revision.")
    tool: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="The name the model calls it by.")
    description: str = Field(default="", max_length=2_000, description="What the model is told of it.")
    max_calls: int | None = Field(default=None, ge=1, le=1_000, description="How often one run may call it.")

    @property
    def is_pinned(self) -> bool:
        """Return whether it is one revision, whatever serves."""
        return self.revision != LIVE


@dataclass(frozen=True, slots=True)
class Callee:
    """An agent as another one names it.

    Args:
        number: of the revision that is meant; None when there is none of that name, or nothing serves.
        newest: the number of its newest revision.
        calls: the sub-agents of that revision.
    """

    slug: str
    name: str
    state: str
    newest: int
    number: int | None = None
    hash: str = ""
    calls: tuple[SubAgent, ...] = ()


def tool_schema(input_schema: dict[str, Any] | None) -> dict[str, Any]:
    """Return what the model gives to call an agent with this input schema: always an object, as tools take."""
    if input_schema is not None and input_schema.get("type") == "object":
        return input_schema
    what = input_schema or {"type": "string", "minLength": 1, "description": "What to do, with all it needs to know."}
    inner = {name: value for name, value in what.items() if name != "$defs"}
    whole = {
        "type": "object", "properties": {_INPUT: inner}, "required": [_INPUT], "additionalProperties": False,
    }  # fmt: skip
    return {**whole, "$defs": what["$defs"]} if "$defs" in what else whole


def input_in(args: dict[str, Any], input_schema: dict[str, Any] | None) -> Any:
    """Return the input for the agent that these arguments of `tool_schema` are."""
    is_whole = input_schema is not None and input_schema.get("type") == "object"
    return args if is_whole else args.get(_INPUT)
