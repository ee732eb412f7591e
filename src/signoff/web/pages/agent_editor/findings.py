"""What the checks say, as the reader sees it: the sentence, what to do, and the field it is about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from signoff.agents.findings import Finding
from signoff.web.forms import NotJson, parse_json
from signoff.web.pages.agent_editor.draft_form import LIMITS, SCHEMAS, SETTINGS
from signoff.web.pages.agent_editor.sub_agents import NAMES, well_formed

_SUB_AGENT = re.compile(r"sub_agents\[(\d+)\](?:\.(\w+))?")
_INDEXED = re.compile(r"tools\[(\d+)\](?:\.allow\[(\d+)\])?")


@dataclass(frozen=True, slots=True)
class Note:
    """One finding. `line` is one of the SOP; `anchor` the id of another field."""

    tone: Literal["bad", "wait", "note"]
    text: str
    fix: str
    code: str
    line: int | None
    anchor: str
    place: str


@dataclass(frozen=True, slots=True)
class Checks:
    """All findings, errors first."""

    notes: tuple[Note, ...]
    errors: int
    warnings: int

    @property
    def summary(self) -> str:
        """Return it in three words."""
        if self.errors:
            return "1 error" if self.errors == 1 else f"{self.errors} errors"
        if self.warnings:
            return "1 warning" if self.warnings == 1 else f"{self.warnings} warnings"
        return "All good"

    @property
    def tone(self) -> str:
        """Return the colour of the summary."""
        return "bad" if self.errors else "wait" if self.warnings else "ok"


def checks_of(findings: Sequence[Finding], body: Mapping[str, Any]) -> Checks:
    """Return the findings for the page. One about a text that should be JSON says where it stops being JSON."""
    broken = {name: problem for name in SCHEMAS if (problem := _not_json(body.get(name))) is not None}
    said = [finding for finding in findings if not (finding.code == "wrong_type" and finding.path in broken)]
    notes = [_note(finding, body) for finding in said]
    notes = [*(_json_note(name, problem) for name, problem in broken.items()), *notes]
    notes.sort(key=lambda note: ("bad", "wait", "note").index(note.tone))
    return Checks(tuple(notes), sum(note.tone == "bad" for note in notes), sum(note.tone == "wait" for note in notes))


def _not_json(value: Any) -> NotJson | None:
    found = parse_json(value) if isinstance(value, str) else None
    return found if isinstance(found, NotJson) else None


def _json_note(name: str, problem: NotJson) -> Note:
    label = "The input schema" if name == "input_schema" else "The output schema"
    return Note("bad", f"{label} is not JSON.", problem.sentence, "json_syntax", None, f"f-{name}", "go there")


def _note(finding: Finding, body: Mapping[str, Any]) -> Note:
    tone: Literal["bad", "wait", "note"] = (
        "bad" if finding.severity == "error" else "wait" if finding.severity == "warning" else "note"
    )
    line = finding.line if finding.path == "sop" else None
    anchor = "" if finding.path == "sop" else anchor_of(finding.path, body)
    return Note(tone, finding.text, finding.fix, finding.code, line, anchor, "go there")


def anchor_of(path: str, body: Mapping[str, Any]) -> str:
    """Return the id of the form's field that a path of the body is about; empty when there is none."""
    head, _, rest = path.partition(".")
    name = rest.split(".")[0].split("[")[0]
    if head.startswith("tools"):
        return _tool_anchor(path, body)
    if head.startswith("sub_agents"):
        return _sub_agent_anchor(path, body)
    if head == "limits":
        return f"f-limit-{name}" if name in LIMITS else "limits"
    if head == "model" and name == "settings":
        setting = rest.removeprefix("settings").lstrip(".")
        return f"f-set-{setting}" if setting in SETTINGS else "model"
    if head == "model":
        return {"fallbacks": "f-fallbacks", "on_outage": "f-on_outage"}.get(name, "f-model")
    if head.split("[")[0] == "secrets":
        return "secrets"
    return f"f-{head}" if head in SCHEMAS else ""


def _sub_agent_anchor(path: str, body: Mapping[str, Any]) -> str:
    found = _SUB_AGENT.match(path)
    entries = well_formed(body.get("sub_agents"))
    if not found or entries is None or int(found[1]) >= len(entries):
        return "sub_agents"
    return f"f-sub-{found[2]}.{found[1]}" if found[2] in NAMES else f"sub_agents-{found[1]}"


def _tool_anchor(path: str, body: Mapping[str, Any]) -> str:
    found = _INDEXED.match(path)
    tools = body.get("tools")
    if not found or not isinstance(tools, list):
        return "tools"
    slots = cast("list[Any]", tools)
    index = int(found[1])
    slot: Any = slots[index] if index < len(slots) else None
    slug = cast("dict[str, Any]", slot).get("slot") if isinstance(slot, dict) else None
    return f"slot-{slug}" if isinstance(slug, str) else "tools"
