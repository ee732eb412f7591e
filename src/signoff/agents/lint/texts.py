"""The SOP and the other texts: is there one, and do the tools and secrets it names exist?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from signoff.agents.findings import Finding
from signoff.agents.lint.facts import LintFacts
from signoff.agents.lint.parts import allowed_tools, texts
from signoff.kit.text import nearest

# `@erp.find_order`. Not the second half of an e-mail address.
MENTION = re.compile(r"(?<![\w@./+-])@([a-z][a-z0-9-]{0,62})\.(\w[\w-]*(?:\.\w[\w-]*)*)")
SECRET = re.compile(r"\{\{secret\.([A-Za-z][A-Za-z0-9_]{0,62})\}\}")
# What people write when they mean a secret, and what the gateway would leave standing.
NEARLY_A_SECRET = re.compile(r"\{\{?\s{0,9}secrets?\s{0,9}[.:]\s{0,9}([A-Za-z0-9_-]{1,80})\s{0,9}\}\}?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Text:
    path: str
    line: int | None
    text: str


def lint_texts(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    """Yield what is wrong with the texts of a body."""
    sop = body.get("sop", "")
    lines = [_Text("sop", number, line) for number, line in _lines(sop) if "@" in line or "{" in line]
    yield from _empty(sop)
    yield from _mentions(body, lines)
    yield from _secrets(body, facts, [*lines, *_argument_texts(body)])


def _lines(sop: Any) -> Iterator[tuple[int, str]]:
    if isinstance(sop, str):
        yield from enumerate(sop.split("\n"), start=1)


def _empty(sop: Any) -> Iterator[Finding]:
    if isinstance(sop, str) and not sop.strip():
        fix = "Write what the agent is for, the steps, and what to do when something is unclear."
        yield Finding("sop_empty", "error", "sop", 1, "The SOP is empty: the agent would not know what to do.", fix)


def _mentions(body: dict[str, Any], lines: list[_Text]) -> Iterator[Finding]:
    allowed = {f"{one.slot}.{one.tool}" for one in allowed_tools(body)}
    names, slots = sorted(allowed), {name.split(".", 1)[0] for name in allowed}
    for line in lines:
        for slot, tool in MENTION.findall(line.text):
            name = f"{slot}.{tool}"
            if name in allowed:
                continue
            # Of a slot that is not there it may as well be a domain: `mail from @example.com`.
            severity = "error" if slot in slots else "warning"
            text = f"The SOP names @{name[:120]}, which is not among the agent's tools.{nearest(name, names)}"
            fix = "Allow the tool, or correct the name."
            yield Finding("sop_mentions_unknown_tool", severity, line.path, line.line, text, fix)


def _argument_texts(body: dict[str, Any]) -> Iterator[_Text]:
    for allowed in allowed_tools(body):
        rules = allowed.entry.get("args")
        if isinstance(rules, dict):
            for name, rule in cast("dict[str, Any]", rules).items():
                yield from (_Text(f"{allowed.path}.args.{name}", None, text) for text in _all_texts(rule))


def _all_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _all_texts(item)
    elif isinstance(value, dict):
        for item in cast("dict[str, Any]", value).values():
            yield from _all_texts(item)


def _secrets(body: dict[str, Any], facts: LintFacts, places: list[_Text]) -> Iterator[Finding]:
    listed = {name: index for index, name in texts(body.get("secrets"))}
    used: set[str] = set()
    for place in places:
        for name in SECRET.findall(place.text):
            used.add(name)
            if name not in listed:
                text = f"{{{{secret.{name}}}}} is used, and the agent may not use it.{nearest(name, list(listed))}"
                yield Finding(
                    "secret_not_listed", "error", place.path, place.line, text, f"Add {name} to the agent's secrets."
                )
        for match in NEARLY_A_SECRET.finditer(place.text):
            if not SECRET.fullmatch(match.group()) and not SECRET.match(place.text, match.start()):
                text = f"{match.group()} is not how a secret is written, so nothing will replace it."
                fix = f"Write {{{{secret.{match.group(1)}}}}}."
                yield Finding("secret_misspelt", "warning", place.path, place.line, text, fix)
    yield from _listed(listed, used, facts)


def _listed(listed: dict[str, int], used: set[str], facts: LintFacts) -> Iterator[Finding]:
    for name, index in listed.items():
        path = f"secrets[{index}]"
        if facts.secrets is not None and name not in facts.secrets:
            text = f"No environment has a secret {name}.{nearest(name, facts.secrets)}"
            yield Finding("unknown_secret", "error", path, None, text, "Store it on a connection, or remove it here.")
        elif missing := facts.secrets_missing.get(name):
            text = f"{' and '.join(missing)}: there is no secret {name}. A call there that needs it will fail."
            yield Finding("secret_unbound", "warning", path, None, text, "Store it there before serving it.")
        if where := facts.secrets_ungranted.get(name):
            text = f"{' and '.join(where)}: the secret {name} is not granted to this agent. A call that needs it fails."
            fix = "Grant it on the secret's page; whoever manages secrets may."
            yield Finding("secret_not_granted", "warning", path, None, text, fix)
        if owner := facts.secrets_personal.get(name):
            text = f"In production, {name} is the personal login of {owner}: when theirs is disabled, calls fail."
            fix = "Make it a shared one on the secret's page, with a login that belongs to nobody in person."
            yield Finding("secret_personal", "warning", path, None, text, fix)
        if name not in used:
            text = f"Neither the SOP nor an argument rule names {{{{secret.{name}}}}}."
            fix = "Remove it, unless the agent learns the name elsewhere."
            yield Finding("secret_unused", "info", path, None, text, fix)
