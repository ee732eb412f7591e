"""What the guards of an agent's own rules decide by. An agent without rules costs no question to the database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.agents.body import AllowedTool
from signoff.agents.part import Effect
from signoff.gateways.standing import Standing
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.caps import CapState, cap_states
from signoff.gateways.tool.preconditions import unmet_requirements
from signoff.runs.facts import RunContext


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """How the rules of the revision stand towards one call.

    Args:
        unmet: the preconditions that do not hold, a sentence each.
        caps: the counts that the call would take a place in.
    """

    unmet: tuple[str, ...] = ()
    caps: tuple[CapState, ...] = ()


NO_RULES = RuleFacts()


def rule_facts(
    session: Session,
    run: RunContext,
    call: ToolCall,
    *,
    standing: Standing,
    allowed: AllowedTool | None,
    effect: Effect,
) -> RuleFacts:
    """Return how the rules stand."""
    if not run.body.rules.caps and (allowed is None or not allowed.requires):
        return NO_RULES
    return RuleFacts(
        unmet=unmet_requirements(session, run, call, allowed),
        caps=cap_states(session, run, call, standing, effect),
    )
