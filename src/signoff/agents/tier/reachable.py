"""The tools a revision can reach, as grave and as private as anybody says they are. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from signoff.agents.body import AllowedTool, Body
from signoff.agents.coverage import gravest, is_covered
from signoff.agents.lint.facts import ToolFacts
from signoff.agents.part import Effect
from signoff.connections.labels import ToolLabels

Asked = Literal["always", "with exceptions", "never"]

# Nobody has said what it does: it counts as the gravest, and everything about it as told to nobody.
UNKNOWN = ToolFacts("irreversible", {}, "new")


@dataclass(frozen=True, slots=True)
class Reachable:
    """One tool of a revision.

    Args:
        asked: whether a person is asked before a call: always, except for what a gate lets by, or never.
        is_limited: whether the number of its calls is bounded: by itself or by a cap.
    """

    slot: str
    allowed: AllowedTool
    facts: ToolFacts
    effect: Effect
    labels: ToolLabels
    asked: Asked
    is_limited: bool
    is_known: bool

    @property
    def name(self) -> str:
        """`slot.tool`, as gates write it."""
        return f"{self.slot}.{self.allowed.tool}"

    @property
    def is_outward(self) -> bool:
        """Whether a call is noticed outside, or stays for good."""
        return self.effect in ("send", "irreversible")

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments that its definition describes: name → schema."""
        known = self.facts.schema.get("properties")
        return cast("Mapping[str, Any]", known) if isinstance(known, Mapping) else {}


def reachable(body: Body, tools: Mapping[tuple[str, str], ToolFacts]) -> list[Reachable]:
    """Return every tool that a revision may call; one that is not in `tools` counts as the gravest."""
    return list(_each(body, tools))


def _each(body: Body, tools: Mapping[tuple[str, str], ToolFacts]) -> Iterator[Reachable]:
    for slot in body.tools:
        for allowed in slot.allow:
            known = tools.get((slot.slot, allowed.tool))
            facts = known or UNKNOWN
            effect = gravest(facts.effect, allowed.effect or "read")
            own = allowed.labels
            yield Reachable(
                slot.slot,
                allowed,
                facts,
                effect,
                facts.labels.tightened(result=own.result, confidentiality=own.confidentiality, sinks=own.sinks),
                _asked(body, slot.slot, allowed.tool, effect),
                is_limited=allowed.max_calls is not None
                or any(
                    cap.until is None and cap.applies_to(slot.slot, allowed.tool, effect) for cap in body.rules.caps
                ),
                is_known=known is not None,
            )


def _asked(body: Body, slot: str, tool: str, effect: Effect) -> Asked:
    if not is_covered(body.gates, slot, tool, effect):
        return "never"
    always = any(gate.applies_to(slot, tool, effect) and not gate.unless for gate in body.gates)
    return "always" if always else "with exceptions"


def names(tools: Sequence[Reachable]) -> str:
    """Return the names of tools for a sentence, at most three of them."""
    said = ", ".join(one.name for one in tools[:3])
    return said if len(tools) <= 3 else f"{said} and {len(tools) - 3} more"
