"""The content of a revision: what `agent.yaml` holds, what the form edits, what the hash is taken of."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_serializer, field_validator

from signoff.agents.gates import Gate
from signoff.agents.part import EFFECTS, Effect, Part
from signoff.agents.rules import Asking, Labels, Memory, Requirement, Rules, ValueRule
from signoff.agents.sub_agents import DEPTH_MAX, RUNS_MAX, SUB_AGENTS_MAX, SubAgent
from signoff.kit import money
from signoff.kit.canonical import content_hash
from signoff.kit.stored_json import stored_json
from signoff.kit.text import storable

__all__ = ["EFFECTS", "SOP_CHARS_MAX", "AllowedTool", "Body", "Effect", "Limits", "Model", "ModelSettings", "Part",
           "Retry", "Slot", "plain_sop"]  # fmt: skip

SOP_CHARS_MAX = 100_000


def plain_sop(text: str) -> str:
    """Return the SOP in the one form that is stored: line ends are newlines, none at the end.

    An editor, a browser and a file each end lines their own way; that alone must not make a new revision.
    """
    return storable(text).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n \t")


class Retry(Part):
    """How a failed model call is repeated: delay = backoff × multiplier^(n-1), at most `max_backoff_ms`, jittered."""

    max_retries: int = Field(default=3, ge=0, le=5)
    backoff_ms: int = Field(default=500, ge=0, le=10_000)
    multiplier: float = Field(default=2.0, ge=1, le=10)
    max_backoff_ms: int = Field(default=20_000, ge=0, le=60_000)


class ModelSettings(Part):
    """Settings passed to the provider."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int = Field(default=4_096, ge=1, le=200_000)
    timeout_seconds: float = Field(default=120.0, gt=0, le=1_800)


class Model(Part):
    """The model, who stands in for it, and what happens when none answers. Names are `provider:model`."""

    name: str = Field(min_length=3, max_length=200, pattern=r"^[a-z][a-z0-9_-]*:.+$")
    fallbacks: list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*:.+$", max_length=200)]] = Field(
        default_factory=list[str], max_length=5
    )
    settings: ModelSettings = ModelSettings()
    retry: Retry = Retry()
    cache: bool = False
    on_outage: Literal["fail", "wait"] = "fail"


class AllowedTool(Part):
    """One tool the agent may call, and within which bounds."""

    quiet: ClassVar[frozenset[str]] = frozenset(("values", "requires", "labels", "preapproved"))

    tool: str = Field(min_length=1, max_length=200)
    # May only be tighter than the connection's class.
    effect: Effect | None = None
    # Argument name → JSON Schema the value must also satisfy.
    args: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]], max_length=50)
    max_calls: int | None = Field(default=None, ge=1, le=10_000)
    # Argument name → which values it may have.
    values: dict[str, ValueRule] = Field(default_factory=dict[str, ValueRule], max_length=50)
    # What must have succeeded in this run before.
    requires: list[Requirement] = Field(default_factory=list[Requirement], max_length=10)
    labels: Labels = Labels()
    # Where untrusted content was read, this tool still asks nobody as long as all its targets stand in the SOP.
    preapproved: bool = False


class Slot(Part):
    """A connection by its slot name; the environment's connection with this slug is what gets used."""

    slot: str = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    allow: list[AllowedTool] = Field(max_length=200)


class Limits(Part):
    """What one run may use. Every run has all of them."""

    quiet: ClassVar[frozenset[str]] = frozenset(("sub_agent_depth", "sub_agent_runs"))

    turns: int = Field(default=40, ge=1, le=1_000)
    tool_calls: int = Field(default=200, ge=0, le=10_000)
    tokens: int = Field(default=500_000, ge=1, le=50_000_000)
    # Not strict: JSON has no exact decimals, so money arrives as a text ("0.50") or as a number.
    cost_usd: Decimal = Field(default=Decimal("1.00"), ge=0, le=10_000, decimal_places=6, strict=False)
    wall_seconds: int = Field(default=1_800, ge=1, le=86_400)
    input_chars: int = Field(default=200_000, ge=100, le=5_000_000)
    same_call: int = Field(default=5, ge=2, le=100)
    # How deep agents may call agents under it, and how many runs may come of that in all.
    sub_agent_depth: int = Field(default=DEPTH_MAX, ge=1, le=10)
    sub_agent_runs: int = Field(default=RUNS_MAX, ge=1, le=500)

    @field_serializer("cost_usd")
    def _plain(self, value: Decimal) -> str:
        return money.as_text(value) or "0"


class Body(Part):
    """Everything an agent is."""

    quiet: ClassVar[frozenset[str]] = frozenset(("gates", "rules", "asking", "memory", "sub_agents"))

    sop: str = Field(default="", max_length=SOP_CHARS_MAX)
    model: Model
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    tools: list[Slot] = Field(default_factory=list[Slot], max_length=50)
    secrets: list[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]] = Field(
        default_factory=list[str], max_length=50
    )
    limits: Limits = Limits()
    gates: list[Gate] = Field(default_factory=list[Gate], max_length=50)
    rules: Rules = Rules()
    asking: Asking = Asking()
    memory: Memory | None = None
    sub_agents: list[SubAgent] = Field(default_factory=list[SubAgent], max_length=SUB_AGENTS_MAX)

    @field_validator("sop", mode="before")
    @classmethod
    def _sop_as_stored(cls, value: Any) -> Any:
        return plain_sop(value) if isinstance(value, str) else value

    def plain(self) -> dict[str, Any]:
        """Return plain JSON, the form that is stored and hashed.

        Raises:
            Malformed: a schema in it holds what no database gives back unchanged.
        """
        return stored_json(self.model_dump(mode="json"))

    @property
    def hash(self) -> str:
        """Return the name of this content: the sha-256 of its canonical JSON, in hex."""
        return content_hash(self.plain())
