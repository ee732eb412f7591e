"""Does a revision reach further than the one it follows? Pure."""

from __future__ import annotations

from collections.abc import Callable

from signoff.agents.body import Body
from signoff.agents.rules import Cap


def widenings(old: Body, new: Body, effect_of: Callable[[str, str], str]) -> tuple[str, ...]:
    """Return in what a revision goes beyond the one that serves, in words: more systems to act on, more agents, more
    volume, longer hours, or less that people are asked about.

    Args:
        effect_of: the gravest class of a tool, by slot and name.
    """
    tools = sorted(_acting(new, effect_of) - _acting(old, effect_of))
    agents = sorted({one.agent for one in new.sub_agents} - {one.agent for one in old.sub_agents})
    gates = sorted({gate.name for gate in old.gates} - {gate.name for gate in new.gates})
    found = [f"it may act with {name}" for name in tools]
    found += [f"it calls the agent {name}" for name in agents]
    found += [f"nobody is asked by the gate {name} any more" for name in gates]
    found += _more_volume(old, new)
    if old.rules.windows and not new.rules.windows:
        found.append("it acts at all hours")
    if new.memory is not None and new.memory.scope == "shared" and (old.memory is None or old.memory.scope != "shared"):
        found.append("its memory is shared by all")
    return tuple(found)


def _acting(body: Body, effect_of: Callable[[str, str], str]) -> set[str]:
    """Return the tools that change something, or might."""
    return {
        f"{slot.slot}.{one.tool}"
        for slot in body.tools
        for one in slot.allow
        if effect_of(slot.slot, one.tool) != "read" or (one.effect or "read") != "read"
    }


def _more_volume(old: Body, new: Body) -> list[str]:
    """Return the caps that are gone or let more through. One with an end is of the first weeks: it ends anyway."""
    now = {_scope(cap): cap.most for cap in new.rules.caps}
    found: list[str] = []
    for cap in old.rules.caps:
        most = now.get(_scope(cap))
        if cap.until is None and (most is None or most > cap.most):
            words = "without a cap" if most is None else f"up to {most}"
            found.append(f"it may act {words} per {cap.per}, {cap.most} before")
    return found


def _scope(cap: Cap) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    return tuple(sorted(cap.tools)), tuple(sorted(cap.effects)), cap.per
