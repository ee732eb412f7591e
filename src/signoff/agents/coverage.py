"""Whether gates stand before what cannot be undone. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from signoff.agents.body import EFFECTS, Body
from signoff.agents.exceptions import bounds_nothing
from signoff.agents.gates import Gate
from signoff.agents.part import Effect


def ungated(body: Body, effects: Mapping[tuple[str, str], str]) -> list[str]:
    """Return the irreversible tools of a body, as `slot.tool`, that no gate covers.

    Args:
        effects: (slot, tool) → class of effect where it is to serve. A tool that is not there cannot be called, and
            counts only when the revision itself says that it is irreversible.
    """
    found: list[str] = []
    for slot in body.tools:
        for allowed in slot.allow:
            known = effects.get((slot.slot, allowed.tool))
            effect = gravest(known or "read", allowed.effect or "read")
            if effect == EFFECTS[-1] and not is_covered(body.gates, slot.slot, allowed.tool, effect):
                found.append(f"{slot.slot}.{allowed.tool}")
    return found


def is_covered(gates: Sequence[Gate], slot: str, tool: str, effect: Effect) -> bool:
    """Return whether a gate asks before this tool; one whose exception lets everything by asks never."""
    return any(gate.applies_to(slot, tool, effect) and not lets_all_by(gate) for gate in gates)


def lets_all_by(gate: Gate) -> bool:
    """Return whether the exception of a gate bounds nothing, so that the gate never asks."""
    return bool(gate.unless) and all(bounds_nothing(schema) for schema in gate.unless.values())


def gravest(*effects: str) -> Effect:
    """Return the gravest class of effect; a word that is none counts as the gravest there is."""
    known: list[Effect] = [one for word in effects for one in EFFECTS if one == word]
    return max(known, key=EFFECTS.index) if len(known) == len(effects) else EFFECTS[-1]
