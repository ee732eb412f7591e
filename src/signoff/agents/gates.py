"""A gate: which calls ask a person first, whom, with what to show, until when, and what happens then."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from signoff.agents.part import Effect, Part

# Seats of the agent (`agents/ownership.py`), a role of the workspace, or one member by address.
Asked = Annotated[str, Field(min_length=2, max_length=254)]
SEATS_ASKED = ("approvers", "owner", "operations", "backup", "escalation")
ToolName = Annotated[str, Field(min_length=1, max_length=264, description="`slot.tool`, or `slot.*`.")]
OnDeadline = Literal["deny", "fail", "wait"]
MINUTES_MAX = 60 * 24 * 90


class Escalation(Part):
    """One rung: after so many minutes without an answer these are asked too."""

    after_minutes: int = Field(ge=1, le=MINUTES_MAX)
    to: list[Asked] = Field(min_length=1, max_length=20)
    # Minutes run only while somebody who is asked works, by the hours and the time zone of their seat.
    in_working_hours: bool = False


class Gate(Part):
    """A rule that asks a person before a call.

    It applies to the tools and to the classes of effect it names. With `unless`, a call passes without asking only
    when every argument named there is given and fits its JSON Schema: what cannot be checked asks.
    """

    name: str = Field(min_length=1, max_length=80)
    tools: list[ToolName] = Field(default_factory=list[str], max_length=100)
    effects: list[Effect] = Field(default_factory=list[Effect], max_length=4)
    unless: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]], max_length=20)

    # What the request says. `{{args.amount}}` is replaced by the call's argument, as text; nothing else is.
    title: str = Field(default="", max_length=200)
    summary: str = Field(default="", max_length=2_000)
    # Arguments without which nobody could decide: a call that lacks one is refused, not asked about.
    required: list[str] = Field(default_factory=list[str], max_length=20)

    asks: list[Asked] = Field(default_factory=lambda: ["approvers"], min_length=1, max_length=20)
    quorum: int = Field(default=1, ge=1, le=10)
    # `alone`: whoever started the run is asked only when nobody else can be.
    self_approval: Literal["never", "alone", "allowed"] = "alone"
    # Four eyes: whoever froze the revision is not asked.
    not_author: bool = False
    may_edit: bool = True
    # Arguments whose value an approver may accept for the rest of the run.
    may_endorse: list[str] = Field(default_factory=list[str], max_length=20)
    denial_reason: Literal["optional", "required"] = "required"
    reason_codes: list[Annotated[str, Field(min_length=1, max_length=60)]] = Field(
        default_factory=list[str], max_length=20
    )
    # The run fails, and its owner is told, when calls of this gate were denied so often.
    denials_max: int = Field(default=2, ge=1, le=20)

    deadline_minutes: int = Field(default=60 * 24, ge=1, le=MINUTES_MAX)
    on_deadline: OnDeadline = "deny"
    # Minutes after the request at which those who have not answered are reminded.
    reminders: list[Annotated[int, Field(ge=1, le=MINUTES_MAX)]] = Field(default_factory=list[int], max_length=10)
    escalation: list[Escalation] = Field(default_factory=list[Escalation], max_length=5)

    def applies_to(self, slot: str, tool: str, effect: Effect) -> bool:
        """Return whether a call of this tool, of this class of effect, meets this gate."""
        # A tool of our own has no slot.
        name = f"{slot}.{tool}" if slot else tool
        return effect in self.effects or name in self.tools or f"{slot}.*" in self.tools
