"""One thing a check has to say: what, how bad, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

# A body of nothing but mistakes is not worth more sentences than this.
FINDINGS_MAX = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of a check.

    Attributes:
        code: stable, for programs.
        path: where in the body: `tools[0].allow[2].effect`; empty for the whole.
        line: the line of the SOP when `path` is `sop`; else of agent.yaml, when it came from one.
        text: the fact.
        fix: what to do.
    """

    code: str
    severity: Severity
    path: str
    line: int | None
    text: str
    fix: str = ""


def as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain JSON."""
    return [asdict(finding) for finding in findings]


def has_errors(findings: Iterable[Finding]) -> bool:
    """Return whether one of the findings forbids freezing."""
    return any(finding.severity == "error" for finding in findings)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings without doubles, errors first, then by place; at most 300, and then that there are more.

    That there are more is itself an error: what was not looked at cannot be called right.
    """
    unique = dict.fromkeys(findings)
    found = sorted(unique, key=lambda one: (SEVERITIES.index(one.severity), one.path, one.line or 0, one.code))
    if len(found) <= FINDINGS_MAX:
        return found
    more = Finding("more_findings", "error", "", None, "There are more findings than these.", "Correct these first.")
    return [*found[:FINDINGS_MAX], more]


def with_lines(findings: Iterable[Finding], lines: Mapping[str, int]) -> list[Finding]:
    """Return findings with the line of their path, or of the nearest thing around it. SOP lines stay."""
    return [
        finding
        if finding.line is not None or finding.path == "sop"
        else replace(finding, line=_line(finding.path, lines))
        for finding in findings
    ]


def _line(path: str, lines: Mapping[str, int]) -> int | None:
    while path not in lines:
        if not path:
            return None
        cut = max(path.rfind("."), path.rfind("["))
        path = path[: max(cut, 0)]
    return lines[path]


def path_of(steps: Iterable[str | int]) -> str:
    """Return `tools[0].allow[1].effect` for `("tools", 0, "allow", 1, "effect")`."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
