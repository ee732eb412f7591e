"""What bounds the calls of an agent beyond its grants: windows, caps, lists of values, preconditions, labels."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from signoff.agents.gates import ToolName
from signoff.agents.part import Effect, Part

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_Time = Annotated[str, Field(pattern=r"^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$", examples=["08:00"])]
_Date = Annotated[date, Field(strict=False)]
_Value = Annotated[str, Field(min_length=1, max_length=500)]
FlowProfile = Literal["off", "recommended", "strict"]
CapPer = Literal["run", "minute", "hour", "day", "week"]


class Scoped(Part):
    """A rule for the tools and the classes of effect it names; left out both, for every effect that is not a read."""

    tools: list[ToolName] = Field(default_factory=list[str], max_length=100)
    effects: list[Effect] = Field(default_factory=list[Effect], max_length=4)

    def applies_to(self, slot: str, tool: str, effect: Effect) -> bool:
        """Return whether a call of this tool, of this class of effect, meets this rule."""
        if not self.tools and not self.effects:
            return effect != "read"
        return effect in self.effects or f"{slot}.{tool}" in self.tools or f"{slot}.*" in self.tools


class Window(Scoped):
    """When effects may happen. Outside it a call is put off to the next opening, and the run waits for that.

    Closing before it opens, it closes on the following day; a holiday is closed from midnight to midnight.
    """

    days: list[Day] = Field(default_factory=lambda: ["mon", "tue", "wed", "thu", "fri"], min_length=1, max_length=7)
    opens: _Time = "08:00"
    closes: _Time = "18:00"
    # An IANA name such as Europe/Berlin; left out, the workspace's.
    zone: str | None = Field(default=None, max_length=64)
    holidays: list[_Date] = Field(default_factory=list[date], max_length=400)


class Cap(Scoped):
    """At most `most` calls in each run, minute, hour, day or week (of the workspace's zone), until a date."""

    most: int = Field(ge=0, le=1_000_000)
    per: CapPer
    # The last day on which it holds; left out, it always does.
    until: _Date | None = None


class ValueRule(Part):
    """Which values an argument may have. `kind` says what is compared: the text, its domain, or its beginning.

    The argument is named by a path with dots; where that meets a list, each member is asked.
    """

    kind: Literal["exact", "email", "domain", "path"] = "exact"
    allow: list[_Value] | None = Field(default=None, max_length=1_000)
    deny: list[_Value] = Field(default_factory=list[str], max_length=1_000)
    # May be left out of a call. Otherwise an argument with `allow` must be given: else the other side would choose it.
    optional: bool = False


class Requirement(Part):
    """A precondition: a tool that must have succeeded in this run before this one may be called.

    `result` bounds fields of what it gave (dotted path → JSON Schema). `same` ties arguments together: an argument of
    this call → `args.path` or `result.path` of the earlier one, which must be equal.
    """

    tool: str = Field(min_length=1, max_length=264, description="`slot.tool` that must have succeeded before.")
    result: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]], max_length=20)
    same: dict[str, Annotated[str, Field(pattern=r"^(?:args|result)(?:\.[^.\s]+)*$", max_length=200)]] = Field(
        default_factory=dict[str, str], max_length=20
    )


class Labels(Part):
    """What flows through a tool; tighter than the connection says, never looser."""

    result: Literal["trusted", "untrusted"] | None = None
    confidentiality: Literal["public", "workspace", "restricted"] | None = None
    # Arguments that choose the target: recipient, address, account, file, channel. None: all of them.
    sinks: list[Annotated[str, Field(min_length=1, max_length=200)]] | None = Field(default=None, max_length=50)


class Rules(Part):
    """The rules of a whole agent."""

    windows: list[Window] = Field(default_factory=list[Window], max_length=10)
    caps: list[Cap] = Field(default_factory=list[Cap], max_length=20)
    flow: FlowProfile = "recommended"
    # A cycle of at most four different calls, repeated so often, counts as going in a circle.
    cycle_repeats: int = Field(default=3, ge=2, le=100)


class Asking(Part):
    """What the agent may ask a person by itself."""

    questions: bool = False
    logins: bool = False
    # Whom; as in a gate.
    asks: list[Annotated[str, Field(min_length=2, max_length=254)]] = Field(
        default_factory=lambda: ["approvers"], min_length=1, max_length=20
    )
    deadline_minutes: int = Field(default=60 * 24, ge=1, le=60 * 24 * 90)


class Memory(Part):
    """What the agent keeps between runs: for each person apart, or shared. It is data, and loosens nothing."""

    scope: Literal["person", "shared"] = "person"
    entries_max: int = Field(default=200, ge=1, le=10_000)
    entry_chars_max: int = Field(default=2_000, ge=10, le=20_000)
