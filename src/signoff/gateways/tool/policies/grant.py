"""An agent calls what its revision was given, through what its environment binds, as it was accepted."""

from __future__ import annotations

from collections.abc import Iterator

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import BoundTool, ToolFacts
from signoff.gateways.tool.own_tools import is_own, refused
from signoff.gateways.tool.sub_agent_facts import entry_of
from signoff.kit.json_schemas import problems, strict_problems
from signoff.runs.facts import RunContext

_STATES = {
    "new": "was discovered and nobody has accepted it yet",
    "changed": "has changed since it was accepted; someone has to look at it and accept it again",
    "removed": "is no longer offered",
}


class Grant:
    """Refuses what the revision does not allow, with every reason at once, so that one more try can be the last."""

    name = "grant"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `deny` with the reasons, or `allow`."""
        run, asked = call
        if entry_of(run.body, asked) is not None:
            return ALLOW  # `sub_agents` says who it is, and whether it may be called.
        if is_own(asked):
            own = refused(run.body, asked)
            return ALLOW if own is None else _deny(own[1], own[0])
        if facts.allowed is None:
            return _deny(
                f"Revision {run.revision_number} of {run.agent_slug} may not call {asked.name}.", "not_granted"
            )
        if facts.connection_slug is None:
            return _deny(
                f"No connection called “{asked.slot}” is set up in this environment. Create one with that name.",
                "connection_not_bound",
            )
        tool = facts.tool
        if tool is None:
            return _deny(f"The connection {asked.slot} has no tool called {asked.tool[:200]}.", "tool_unknown")
        changed = _not_as_accepted(asked, tool)
        if changed is not None:
            return changed
        most = facts.allowed.max_calls
        if most is not None and facts.same_tool_before >= most:
            return _deny(f"{asked.name} may be called {most} times in a run, and was.", "max_calls_reached")
        wrong = [*_argument_problems(asked, facts, tool)]
        if wrong:
            return _deny("The arguments do not fit: " + "; ".join(wrong), "bad_arguments")
        return ALLOW


def _not_as_accepted(asked: ToolCall, tool: BoundTool) -> Verdict | None:
    if tool.state != "accepted":
        state = _STATES.get(tool.state, f"is {tool.state}")
        return _deny(f"The tool {asked.name} {state}.", f"tool_{tool.state}")
    if asked.definition_hash is not None and asked.definition_hash != tool.definition_hash:
        return _deny(
            f"The definition of {asked.name} changed while this run was working. Run it again to use the new one.",
            "tool_changed",
        )
    return None


def _argument_problems(asked: ToolCall, facts: ToolFacts, tool: BoundTool) -> Iterator[str]:
    yield from problems(asked.args, tool.definition.get("input_schema") or {"type": "object"})
    constraints = facts.allowed.args if facts.allowed else {}
    for name, schema in constraints.items():
        if name not in asked.args:
            # What the revision bounds must be said: left out, the other side would choose it.
            yield f"{name}: this agent must give it"
            continue
        for problem in strict_problems(asked.args[name], schema):
            where, _, what = problem.partition(": ")
            inner = "" if where == "the whole" else f".{where}"
            yield f"{name}{inner}: {what} (a limit of this agent)"


def _deny(reason: str, code: str) -> Verdict:
    return Verdict("deny", reason, code=code)
