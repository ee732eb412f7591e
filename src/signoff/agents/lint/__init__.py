"""Checking a body: every finding at once, whatever state the body is in. Pure; what it may know comes as facts.

Each check reads the plain JSON and steps over what has the wrong shape, because the shape check says that already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from signoff.agents.body import Body
from signoff.agents.findings import FINDINGS_MAX, Finding, Severity, in_order, with_lines
from signoff.agents.lint.facts import NO_FACTS, LintFacts, ToolFacts
from signoff.agents.lint.flow import lint_flow
from signoff.agents.lint.gates import lint_gates
from signoff.agents.lint.models import lint_model
from signoff.agents.lint.results import lint_results
from signoff.agents.lint.rules import lint_rules
from signoff.agents.lint.shape import lint_shape
from signoff.agents.lint.sub_agents import lint_sub_agents
from signoff.agents.lint.texts import lint_texts
from signoff.agents.lint.tools import lint_tools
from signoff.agents.lint.typed_keys import lint_typed_keys
from signoff.kit.errors import Malformed
from signoff.kit.stored_json import stored_json

__all__ = ["NO_FACTS", "Finding", "LintFacts", "Severity", "ToolFacts", "lint"]

# Each check is one file; the order is that of the sentences a reader gets for equal places.
CHECKS: tuple[Callable[[dict[str, Any], LintFacts], Iterable[Finding]], ...] = (
    lint_shape,
    lint_model,
    lint_tools,
    lint_sub_agents,
    lint_flow,
    lint_gates,
    lint_texts,
    lint_typed_keys,
    lint_rules,
    lint_results,
)


def lint(
    body: Mapping[str, Any] | Body, *, facts: LintFacts = NO_FACTS, lines: Mapping[str, int] | None = None
) -> list[Finding]:
    """Return every finding, errors first. No error means: it can be frozen.

    Args:
        body: a body, or what should become one, however wrong.
        facts: what exists in the workspace; what is not known is not checked.
        lines: path → line of agent.yaml, when it came from one.
    """
    try:
        plain: dict[str, Any] = body.plain() if isinstance(body, Body) else stored_json(dict(body))
    except Malformed as refusal:
        return [Finding("not_json", "error", "", None, refusal.detail)]
    findings: list[Finding] = []
    for check in CHECKS:
        # A hostile body could have any number of mistakes, and each sentence costs a search for the nearest name.
        findings += islice(check(plain, facts), FINDINGS_MAX + 1)
    return in_order(with_lines(findings, lines or {}))
