"""The gates: do they meet anything, is there anybody to ask, do their texts and exceptions speak of what is there?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from signoff.agents.body import EFFECTS, Body
from signoff.agents.coverage import gravest, lets_all_by, ungated
from signoff.agents.exceptions import is_wide
from signoff.agents.findings import Finding
from signoff.agents.gates import SEATS_ASKED, Gate
from signoff.agents.lint.facts import LintFacts
from signoff.agents.lint.parts import allowed_tools, member, objects, sub_agent_tools, texts
from signoff.agents.lint.results import bad_schema
from signoff.kit.text import nearest
from signoff.people.roles import ROLES

_PLACE = re.compile(r"\{\{\s{0,9}([^{}]{0,120}?)\s{0,9}\}\}")
_ARGUMENT = re.compile(r"args\.([A-Za-z_][\w-]*)(?:\.[\w-]+)*")
_ROLE = re.compile(r"role:[a-z][a-z0-9-]{0,31}")
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,189}")


@dataclass(frozen=True, slots=True)
class _Met:
    """What a gate meets: the tools, and the arguments that they have; None when that is not known.

    `schemas`: of each tool that is known, what it says of its arguments.
    """

    tools: tuple[str, ...]
    arguments: frozenset[str] | None
    schemas: tuple[dict[str, Any], ...] = ()


def lint_gates(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    """Yield what is wrong with the gates of a body, and what they leave open."""
    seen: set[str] = set()
    for index, gate in objects(body.get("gates")):
        path, name = f"gates[{index}]", gate.get("name")
        if isinstance(name, str) and name in seen:
            yield _error("duplicate_gate", f"{path}.name", f"Two gates are called {name}.", "Give each its own name.")
        seen.add(str(name))
        met = _met(body, gate, facts)
        yield from _applies(path, body, gate, met)
        yield from _asked(f"{path}.asks", gate.get("asks"))
        for rung, escalation in objects(gate.get("escalation")):
            yield from _asked(f"{path}.escalation[{rung}].to", escalation.get("to"))
        yield from _texts(path, gate, met)
        yield from _arguments(path, gate, met)
        yield from _times(path, gate)
    yield from _asked("asking.asks", member(body.get("asking"), "asks"))
    yield from _open(body, facts)


def _met(body: dict[str, Any], gate: Mapping[str, Any], facts: LintFacts) -> _Met:
    named = [one for _, one in texts(gate.get("tools"))]
    effects = [one for _, one in texts(gate.get("effects"))]
    tools: list[str] = []
    known: set[str] | None = set()
    schemas: list[dict[str, Any]] = []
    for allowed in allowed_tools(body):
        tool = (facts.slots or {}).get(allowed.slot, {}).get(allowed.tool)
        effect = gravest(tool.effect if tool else EFFECTS[-1], str(allowed.entry.get("effect") or EFFECTS[0]))
        name = f"{allowed.slot}.{allowed.tool}"
        if name not in named and f"{allowed.slot}.*" not in named and effect not in effects:
            continue
        tools.append(name)
        arguments = member(tool.schema, "properties") if tool else None
        if isinstance(arguments, dict):
            schemas.append(
                {name: one for name, one in cast("dict[str, Any]", arguments).items() if isinstance(one, dict)}
            )
        known = (
            None if known is None or not isinstance(arguments, dict) else known | {*cast("dict[str, Any]", arguments)}
        )
    callees = [name for name in sub_agent_tools(body) if name in named]
    if callees:
        # What they take is said by their own revisions.
        return _Met((*tools, *callees), None)
    return _Met(tuple(tools), frozenset(known) if known else None, tuple(schemas))


def _applies(path: str, body: dict[str, Any], gate: Mapping[str, Any], met: _Met) -> Iterator[Finding]:
    allowed = [f"{one.slot}.{one.tool}" for one in allowed_tools(body)]
    slots = {name.split(".", 1)[0] for name in allowed}
    allowed += sub_agent_tools(body)
    for index, name in texts(gate.get("tools")):
        is_there = name.removesuffix(".*") in slots if name.endswith(".*") else name in allowed
        if not is_there:
            text = f"The gate names {name[:120]}, which is not among the agent's tools.{nearest(name, allowed)}"
            yield _error("gate_unknown_tool", f"{path}.tools[{index}]", text, "Correct the name, or allow the tool.")
    if not gate.get("tools") and not gate.get("effects"):
        text = "The gate names no tool and no class of effect, so no call meets it."
        yield _error("gate_empty", path, text, "Name tools, or effects such as irreversible.")
    elif not met.tools and gate.get("effects"):
        text = "None of the agent's tools is of a class that the gate names."
        yield Finding("gate_meets_nothing", "info", f"{path}.effects", None, text, "Leave it, as a guard for later.")


def _asked(path: str, asked: Any) -> Iterator[Finding]:
    for index, word in texts(asked):
        if word in SEATS_ASKED or _ADDRESS.fullmatch(word):
            continue
        here = f"{path}[{index}]"
        if not _ROLE.fullmatch(word):
            near = nearest(word, [*SEATS_ASKED])
            text = f"{word[:80]} is no seat, no role and no address, so nobody would be asked.{near}"
            fix = f"Use {', '.join(SEATS_ASKED)}, role:manager and the like, or an e-mail address."
            yield _error("gate_unknown_recipient", here, text, fix)
        elif word.removeprefix("role:") not in ROLES:
            text = f"{word} is no built-in role. If the workspace has none of that name, nobody is asked."
            yield Finding("gate_own_role", "info", here, None, text, "Check the name under Settings, Roles.")


def _texts(path: str, gate: Mapping[str, Any], met: _Met) -> Iterator[Finding]:
    for field in ("title", "summary"):
        template = gate.get(field)
        for place in _PLACE.findall(template) if isinstance(template, str) else ():
            argument = _ARGUMENT.fullmatch(place)
            if argument is None:
                text = f"{{{{{place}}}}} is nothing that is replaced; it would stand there as it is."
                fix = "Write {{args.name}} for the argument called name."
                yield Finding("gate_template_misspelt", "warning", f"{path}.{field}", None, text, fix)
            else:
                yield from _known(f"{path}.{field}", argument.group(1), met, "warning", "the text will say “not given”")


def _arguments(path: str, gate: Mapping[str, Any], met: _Met) -> Iterator[Finding]:
    exceptions = gate.get("unless")
    for name, schema in cast("dict[str, Any]", exceptions).items() if isinstance(exceptions, dict) else ():
        yield from _known(f"{path}.unless.{name}", name, met, "warning", "every call asks")
        if isinstance(schema, dict):
            yield from bad_schema(f"{path}.unless.{name}", cast("dict[str, Any]", schema))
    for index, name in texts(gate.get("required")):
        yield from _known(f"{path}.required[{index}]", name, met, "error", "every call is refused")
    for index, name in texts(gate.get("may_endorse")):
        yield from _known(f"{path}.may_endorse[{index}]", name, met, "warning", "there is nothing to accept")
    parsed = _parsed(gate)
    if parsed is not None and lets_all_by(parsed):
        text = "This gate asks nobody: its exception bounds nothing, so every call passes. It counts as no gate."
        yield Finding(
            "gate_never_asks", "warning", f"{path}.unless", None, text, "Say when it need not ask, or remove it."
        )
    elif parsed is not None and parsed.unless and _is_wide(parsed, met):
        text = "This gate asks nobody in practice: no value that a call would sensibly have is outside its exception."
        fix = "Bound what may pass without a person: below what the tool itself takes, and below a thousand million."
        yield Finding("gate_unless_wide", "warning", f"{path}.unless", None, text, fix)


def _is_wide(gate: Gate, met: _Met) -> bool:
    """Whether every bound of the exception lies beyond what a tool takes, or any sensible value."""
    return all(is_wide(schema, [one.get(name) or {} for one in met.schemas]) for name, schema in gate.unless.items())


def _known(path: str, name: str, met: _Met, severity: str, what: str) -> Iterator[Finding]:
    first = name.split(".", 1)[0]
    if met.arguments is not None and first not in met.arguments:
        text = f"None of the tools of this gate has an argument {first[:80]}, so {what}.{nearest(first, met.arguments)}"
        yield Finding("gate_unknown_argument", cast("Any", severity), path, None, text, "Correct the name.")


def _times(path: str, gate: Mapping[str, Any]) -> Iterator[Finding]:
    deadline = gate.get("deadline_minutes", Gate.model_fields["deadline_minutes"].default)
    if not isinstance(deadline, int):
        return
    reminders = gate.get("reminders")
    for index, minutes in enumerate(cast("list[Any]", reminders) if isinstance(reminders, list) else ()):
        if isinstance(minutes, int) and minutes >= deadline:
            yield from _too_late(f"{path}.reminders[{index}]", "reminder", minutes, deadline)
    before = 0
    for index, rung in objects(gate.get("escalation")):
        minutes = rung.get("after_minutes")
        if not isinstance(minutes, int):
            continue
        here = f"{path}.escalation[{index}].after_minutes"
        if minutes >= deadline and not rung.get("in_working_hours"):
            yield from _too_late(here, "rung", minutes, deadline)
        if minutes <= before:
            text = f"This rung comes after {minutes} minutes, and the one before it after {before}."
            yield Finding(
                "gate_rungs_unordered", "warning", here, None, text, "Put the rungs in the order of their time."
            )
        before = minutes


def _too_late(path: str, what: str, minutes: int, deadline: int) -> Iterable[Finding]:
    text = f"This {what} comes after {minutes} minutes, and the deadline is after {deadline}: it never comes."
    return (Finding("gate_after_deadline", "warning", path, None, text, "Let it come earlier, or the deadline later."),)


def _open(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    """What could be done that cannot be undone, with nobody asked. It keeps a revision out of production."""
    try:
        parsed = Body.model_validate(body)
    except ValidationError:
        return
    effects = {
        (slot, name): tool.effect for slot, offered in (facts.slots or {}).items() for name, tool in offered.items()
    }
    for name in ungated(parsed, effects):
        path = next(one.path for one in allowed_tools(body) if f"{one.slot}.{one.tool}" == name)
        text = f"{name} cannot be undone, and no gate asks a person first. This cannot be made live in production."
        fix = "Add a gate with effects: [irreversible], or with this tool."
        yield Finding("gate_missing", "warning", f"{path}.tool", None, text, fix)


def _parsed(gate: Mapping[str, Any]) -> Gate | None:
    try:
        return Gate.model_validate(dict(gate))
    except ValidationError:
        return None


def _error(code: str, path: str, text: str, fix: str) -> Finding:
    return Finding(code, "error", path, None, text, fix)
