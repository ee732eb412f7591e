"""Effects, reach, data and autonomy of a revision, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from signoff.agents.body import Body
from signoff.agents.part import Effect
from signoff.agents.tier.levels import Dimension, Level
from signoff.agents.tier.reachable import Reachable, names

# The gravest first: class of effect → how high it is when nobody is asked before it, and what is said of it.
_UNASKED: tuple[tuple[Effect, Level, str], ...] = (
    ("irreversible", "critical", "cannot be undone"),
    ("send", "high", "is sent"),
    ("write", "medium", "is written"),
)


def effects(tools: Sequence[Reachable]) -> Dimension:
    """How far what it does can be undone: the gravest class of its tools."""
    unknown = [one for one in tools if not one.is_known and one.effect == "irreversible"]
    final = [one for one in tools if one.effect == "irreversible" and one.is_known]
    sent = [one for one in tools if one.effect == "send"]
    written = [one for one in tools if one.effect == "write"]
    if final:
        return Dimension("effects", "critical", f"What it does cannot be undone: {names(final)}.")
    if unknown:
        return Dimension("effects", "critical", f"Nobody has said what a call does: {names(unknown)}.")
    if sent:
        return Dimension("effects", "high", f"What is sent is hard to take back: {names(sent)}.")
    if written:
        return Dimension("effects", "medium", f"It writes what can be put right with effort: {names(written)}.")
    return Dimension("effects", "low", "It only reads." if tools else "It has no tools.")


def reach(tools: Sequence[Reachable]) -> Dimension:
    """Whom it can reach outside, and how often."""
    outward = [one for one in tools if one.is_outward]
    free = [one for one in outward if not _has_known_targets(one)]
    endless = [one for one in free if not one.is_limited]
    if endless:
        return Dimension("reach", "critical", f"Anybody can be reached, without a limit of calls: {names(endless)}.")
    if free:
        return Dimension("reach", "high", f"Anybody can be reached, a limited number of times: {names(free)}.")
    if outward:
        return Dimension("reach", "medium", f"Only targets that the revision lists can be reached: {names(outward)}.")
    return Dimension("reach", "low", "Nothing that it does is noticed outside.")


def data(body: Body, tools: Sequence[Reachable]) -> Dimension:
    """What it gets to see, and whether that can leave."""
    restricted = [one for one in tools if one.labels.confidentiality == "restricted"]
    private = [one for one in tools if one.labels.confidentiality != "public"]
    strange = [one for one in tools if one.labels.result == "untrusted"]
    outward = [one for one in tools if one.is_outward]
    flow = body.rules.flow
    if restricted and outward and flow != "strict":
        text = f"Restricted data ({names(restricted)}) meets tools that reach outside ({names(outward)}), and flow is"
        return Dimension("data", "critical", f"{text} {flow}, not strict.")
    if private and strange and outward and flow == "off":
        text = f"It reads private data ({names(private)}) and untrusted content ({names(strange)}), and can send;"
        return Dimension("data", "critical", f"{text} flow is off.")
    if restricted:
        return Dimension("data", "high", f"It sees restricted data: {names(restricted)}.")
    if body.memory is not None and body.memory.scope == "shared" and private:
        return Dimension("data", "high", f"What it sees of the workspace ({names(private)}) stays in a shared memory.")
    return _data_of_the_workspace(body, private)


def autonomy(tools: Sequence[Reachable]) -> Dimension:
    """How far it goes with no person asked."""
    changing = [one for one in tools if one.effect != "read"]
    unasked = [one for one in changing if one.asked == "never"]
    for effect, level, said in _UNASKED:
        found = [one for one in unasked if one.effect == effect]
        if found:
            return Dimension("autonomy", level, f"Nobody is asked before something {said}: {names(found)}.")
    partly = [one for one in changing if one.asked == "with exceptions"]
    if partly:
        return Dimension("autonomy", "medium", f"A gate lets some calls by without asking: {names(partly)}.")
    return Dimension(
        "autonomy", "low", "A person is asked before every effect." if changing else "It has no effects to ask about."
    )


def _data_of_the_workspace(body: Body, private: Sequence[Reachable]) -> Dimension:
    if private:
        return Dimension("data", "medium", f"It sees data of the workspace: {names(private)}.")
    if body.memory is not None:
        return Dimension("data", "medium", "It keeps a memory of what it was told.")
    if body.secrets:
        return Dimension("data", "medium", f"It uses secrets of the workspace: {', '.join(body.secrets[:3])}.")
    return Dimension("data", "low", "It sees public data only.")


def _has_known_targets(tool: Reachable) -> bool:
    """Whether every argument that chooses a target may have listed values only."""
    sinks = tool.labels.sinks
    if sinks is None:
        # Nobody has said which argument chooses the target: any that is not plain text may.
        sinks = tuple(name for name in tool.arguments if name not in tool.labels.payload)
        if not sinks:
            return False
    return all(_is_listed(tool, sink) for sink in sinks)


def _is_listed(tool: Reachable, sink: str) -> bool:
    rule = tool.allowed.values.get(sink)
    if rule is not None and rule.allow is not None:
        return True
    schema = tool.allowed.args.get(sink, {})
    return "const" in schema or "enum" in schema
