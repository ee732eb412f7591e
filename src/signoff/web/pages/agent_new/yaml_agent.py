"""A pasted `agent.yaml`: what it says, and everything that is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from signoff.agents.bundle import AgentFile, read_texts
from signoff.agents.bundle.yaml_text import read_yaml
from signoff.agents.findings import Finding
from signoff.kit.text import slug_from

# In a folder the SOP is a file of its own; pasted, it may stand in the YAML.
_FINE_HERE = frozenset(("sop_in_yaml",))


def read_pasted(text: str, sop: str) -> AgentFile:
    """Return the agent the texts describe. `sop` empty: take the one in the YAML."""
    value: Any = read_yaml(text).value
    members = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    inside = members.get("sop")
    found = read_texts(_slug_of(members), text, sop or (inside if isinstance(inside, str) else ""))
    findings = tuple(finding for finding in found.findings if finding.code not in _FINE_HERE)
    return replace(found, findings=findings)


def _slug_of(members: dict[str, Any]) -> str:
    slug, name = members.get("slug"), members.get("name")
    if isinstance(slug, str):
        return slug
    return slug_from(name) if isinstance(name, str) and name.strip() else "agent"


def errors_of(found: AgentFile) -> list[Finding]:
    """Return what keeps it from becoming an agent. What is wrong with its body can be mended in the editor."""
    return [finding for finding in found.findings if finding.severity == "error"]
