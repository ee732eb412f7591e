"""The sub-agents: are they there, under names of their own, and does no agent come to work for itself?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from signoff.agents.findings import Finding
from signoff.agents.lint.facts import LintFacts
from signoff.agents.lint.parts import allowed_tools, member, objects
from signoff.agents.sub_agents import DEPTH_MAX, LIVE, RESERVED, Callee, SubAgent
from signoff.kit.text import nearest

_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
# Of a graph of agents so many edges are followed; a wider one is told at run time.
_EDGES_MAX = 300


@dataclass(slots=True)
class _Walk:
    """One walk along who calls whom."""

    facts: LintFacts
    depth_max: int
    edges: int = 0


def lint_sub_agents(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    """Yield what is wrong with the sub-agents of a body."""
    yield from _names(body)
    if facts.callee is None:
        return
    depth = member(body.get("limits"), "sub_agent_depth")
    most = depth if isinstance(depth, int) and not isinstance(depth, bool) else DEPTH_MAX
    for index, entry in objects(body.get("sub_agents")):
        try:
            named = SubAgent.model_validate(entry)
        except ValidationError:
            continue  # Its shape is told already.
        yield from _entry(f"sub_agents[{index}]", named, _Walk(facts, most))


def _names(body: dict[str, Any]) -> Iterator[Finding]:
    entries = [(index, entry.get("tool")) for index, entry in objects(body.get("sub_agents"))]
    number = Counter(tool for _, tool in entries if isinstance(tool, str))
    taken = {_ILLEGAL.sub("_", f"{one.slot}_{one.tool}") for one in allowed_tools(body)}
    for index, tool in entries:
        path = f"sub_agents[{index}].tool"
        if not isinstance(tool, str):
            continue
        if number[tool] > 1:
            text = f"Two sub-agents are called {tool[:80]}; the model could not tell them apart."
            yield _error("duplicate_sub_agent", path, text, "Give each a name of its own.")
        if tool in RESERVED:
            text = f"{tool} is a tool of Signoff's own."
            yield _error("sub_agent_name_taken", path, text, "Choose another name.")
        elif tool in taken:
            text = f"The model knows a tool of a connection as {tool} already."
            yield _error("sub_agent_name_taken", path, text, "Choose another name.")


def _entry(path: str, named: SubAgent, walk: _Walk) -> Iterator[Finding]:
    facts = walk.facts
    if named.agent == facts.own_agent:
        text = f"{named.agent} names itself as its sub-agent; an agent never works for itself."
        yield _error("sub_agent_itself", f"{path}.agent", text, "Name another agent, or remove it.")
        return
    found = facts.callee(named.agent, named.revision) if facts.callee else None
    if found is None:
        text = f"There is no agent {named.agent} in this workspace.{nearest(named.agent, facts.agents)}"
        yield _error("unknown_agent", f"{path}.agent", text, "Correct the slug, or make the agent first.")
        return
    yield from _stands(path, named, found)
    trail = (facts.own_agent, named.agent) if facts.own_agent else (named.agent,)
    wrong = _beyond(path, named, trail, 1, walk)
    if wrong is not None:
        yield wrong


def _stands(path: str, named: SubAgent, found: Callee) -> Iterator[Finding]:
    if found.number is None and named.revision == LIVE:
        text = f"{named.agent} serves nowhere yet, so a call to it would be refused."
        yield Finding("sub_agent_not_live", "warning", f"{path}.revision", None, text, "Make a revision of it live.")
    elif found.number is None:
        wanted = named.revision if len(named.revision) < 12 else f"{named.revision[:12]}…"
        text = f"{named.agent} has no revision {wanted}. Its newest is {found.newest}."
        yield _error("unknown_revision", f"{path}.revision", text, "Pin one that exists, or follow what is live.")
    if found.state != "active":
        text = f"{named.agent} is {found.state}, so a call to it would be refused."
        yield Finding("sub_agent_disabled", "warning", f"{path}.agent", None, text, "Enable it, or name another.")


def _beyond(path: str, named: SubAgent, trail: tuple[str, ...], depth: int, walk: _Walk) -> Finding | None:
    """Return what is wrong when the agents behind one come back to one before it, or go too deep."""
    if depth > walk.depth_max:
        words = f"{_way(trail)} goes {depth} deep; this agent allows {walk.depth_max} (limits.sub_agent_depth)."
        return _error("sub_agents_too_deep", path, words, "Let fewer agents call each other, or raise the limit.")
    found = walk.facts.callee(named.agent, named.revision) if walk.facts.callee else None
    for each in found.calls if found is not None else ():
        walk.edges += 1
        if walk.edges > _EDGES_MAX:
            return None
        further = (*trail, each.agent)
        if each.agent in trail:
            words = f"{_way(further)} goes in a circle; an agent never works for itself."
            fix = "Pin a revision that does not call back, or take one of them out."
            return _error("sub_agent_cycle", path, words, fix)
        wrong = _beyond(path, each, further, depth + 1, walk)
        if wrong is not None:
            return wrong
    return None


def _way(trail: tuple[str, ...]) -> str:
    return " → ".join(trail)


def _error(code: str, path: str, text: str, fix: str) -> Finding:
    return Finding(code, "error", path, None, text, fix)
