"""What the guards of the tool gateway decide by, read in one short session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session

from signoff.agents.body import EFFECTS, AllowedTool, Effect
from signoff.connections.labels import DEFAULT_LABELS, ToolLabels, labels_of
from signoff.connections.queries import was_disconnected
from signoff.freezes.queries import Freeze, freeze_on
from signoff.gateways.standing import Standing, standing_of
from signoff.gateways.tool.approval_facts import GivenApproval, approvals_of
from signoff.gateways.tool.call import ToolCall, ToolOutcome
from signoff.gateways.tool.flow_facts import FlowFacts, flow_facts
from signoff.gateways.tool.memory_facts import MemoryFacts, memory_facts
from signoff.gateways.tool.own_tools import own_effect
from signoff.gateways.tool.recorded import outcome_in, recorded_for
from signoff.gateways.tool.rule_facts import NO_RULES, RuleFacts, rule_facts
from signoff.gateways.tool.sub_agent_facts import SubAgentFacts, sub_agent_facts
from signoff.gateways.tool.trail import NO_TRAIL, Trail, like_hash, trail_of
from signoff.kit.redact import Redactor
from signoff.runs.facts import RunContext
from signoff.tables.connections import Connection, Login, Tool
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Effect as Intent
from signoff.tables.runs import Step

if TYPE_CHECKING:
    from signoff.gateways.services import Services


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


# Built once: they are asked with every call, and building one costs more than asking.
_BOUND = Prepared(
    select(
        Connection.id,
        Connection.slug,
        Connection.name,
        Connection.kind,
        Connection.config,
        Connection.version,
        Connection.health,
        Connection.state,
        Tool.state.label("tool_state"),
        Tool.definition,
        Tool.definition_hash,
        Tool.effect,
        Tool.is_idempotent,
        Tool.labels,
        Login.id.label("login_id"),
        Login.version.label("login_version"),
    )
    .outerjoin(Login, Login.connection_id == Connection.id)
    .outerjoin(Tool, and_(Tool.connection_id == Connection.id, Tool.name == bindparam("of_tool")))
    .where(Connection.environment_id == bindparam("of_environment"), Connection.slug == bindparam("of_slot"))
)
_COUNTS = Prepared(
    select(
        func.count(),
        # A call that was refused was not made.
        _number(and_(Step.name == bindparam("of_name"), Step.state != "refused")),
        # As they are, or, where that differs, in their plain form.
        _number(
            or_(
                Step.detail["args_hash"].as_string() == bindparam("of_like"),
                Step.detail["like"].as_string() == bindparam("of_like"),
            )
        ),
    ).where(Step.run_id == bindparam("of_run"), Step.kind == "tool", Step.key != bindparam("of_key"))
)
# The intent is written with the beginning of the step, so there is none without a step.
_BEFORE = Prepared(
    select(Step.response, Step.detail, Step.ended_at, Intent.effect.label("intended_as"))
    .outerjoin(Intent, Intent.key == Step.key)
    .where(Step.run_id == bindparam("of_run"), Step.key == bindparam("of_key"))
)


@dataclass(frozen=True, slots=True)
class BoundTool:
    """A tool of the connection that the run's environment binds to the slot. `login_id`: it signs in by OAuth."""

    connection_id: str
    connection_slug: str
    connection_name: str
    kind: str
    config: dict[str, Any]
    version: int
    health: str
    state: str
    definition: dict[str, Any]
    definition_hash: str
    effect: Effect
    is_idempotent: bool
    labels: ToolLabels = DEFAULT_LABELS
    login_id: str | None = None
    login_version: int | None = None


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """The state of the world for one tool call.

    Args:
        connection_slug: the bound connection, None when the environment binds none.
        tool: None when the connection has no such tool.
        effect: the gravest class anyone gives the tool now, or gave it when this very call was first intended.
        is_intended: the ledger has this very call: an earlier attempt may have acted.
        calls_before: how many tool calls the run has asked for.
        same_tool_before: how many calls of this tool it has made, without those that were refused.
        same_call_before: how many of its calls asked for this tool with these arguments, whatever their spaces.
        finished: what came of this very step before the leg began again.
        recorded: the outcome of the original run, in a replay and in a shadow.
        flow: what the information-flow policy says; None where there is no tool.
        approvals: what people agreed to of this very call, as it is now.
        rules: how the agent's own rules stand towards the call.
        trail: the run's last calls, when some of them look alike.
        memory: for a call to the agent's memory, which one it is.
        sub_agent: for a call to another agent, which one, and why not.
    """

    standing: Standing
    allowed: AllowedTool | None
    connection_slug: str | None
    tool: BoundTool | None
    effect: Effect
    freeze: Freeze | None
    calls_before: int
    same_tool_before: int
    same_call_before: int
    redactor: Redactor
    is_intended: bool = False
    finished: ToolOutcome | None = None
    recorded: dict[str, Any] | None = None
    flow: FlowFacts | None = None
    approvals: tuple[GivenApproval, ...] = ()
    rules: RuleFacts = NO_RULES
    trail: Trail = NO_TRAIL
    memory: MemoryFacts | None = None
    sub_agent: SubAgentFacts | None = None

    @property
    def is_read(self) -> bool:
        """Return whether the call changes nothing outside."""
        return self.effect == "read"


def tool_facts(session: Session, services: Services, run: RunContext, call: ToolCall) -> ToolFacts:
    """Read everything the guards ask for."""
    of = {"of_environment": run.environment_id, "of_slot": call.slot, "of_tool": call.tool}
    bound = _BOUND.first(session, of)
    tool = _tool(bound) if bound is not None and bound.tool_state is not None else None
    allowed = allowed_tool(run, call)
    calls, same_tool, same_call = _counts(session, run, call)
    standing = standing_of(session, run, takes_turn=True)
    if bound is not None:
        standing = replace(standing, connection_slug=bound.slug, connection_state=bound.state)
    elif was_disconnected(session, environment_id=run.environment_id, slug=call.slot):
        standing = replace(standing, connection_slug=call.slot, connection_state="disconnected")
    connection_id = bound.id if bound is not None else None
    before = _BEFORE.first(session, {"of_run": run.run_id, "of_key": call.key})
    intended_as = before.intended_as if before is not None else None
    effect = effect_of(tool, allowed) if call.slot else own_effect(run.body, call)
    if intended_as is not None:
        effect = _gravest(effect, _effect(intended_as))
    finished = _finished(before)
    is_open = finished is None
    found = ToolFacts(
        standing=standing,
        allowed=allowed,
        connection_slug=bound.slug if bound is not None else None,
        tool=tool,
        effect=effect,
        freeze=freeze_over(session, run, standing, connection_id),
        calls_before=calls,
        same_tool_before=same_tool,
        same_call_before=same_call,
        redactor=services.masking.redactor(session, run.environment_id),
        is_intended=intended_as is not None,
        finished=finished,
        recorded=recorded_for(session, run, call, is_read=effect == "read", number=same_call),
        # A call that was never here before cannot have been approved.
        approvals=approvals_of(session, run, call) if before is not None else (),
        rules=rule_facts(session, run, call, standing=standing, allowed=allowed, effect=effect)
        if is_open
        else NO_RULES,
        trail=trail_of(session, run, call, same_before=same_call) if is_open else NO_TRAIL,
        memory=memory_facts(session, run, call, standing.flow),
        sub_agent=sub_agent_facts(session, run, call, standing) if is_open else None,
    )
    return replace(found, flow=flow_facts(session, run, call, found))


def freeze_over(session: Session, run: RunContext, standing: Standing, connection_id: str | None) -> Freeze | None:
    """Return a freeze that stands over a call: of its agent, of one that this one works for, of its connection."""
    for agent_id in (run.agent_id, *(kin.agent_id for kin in standing.above)):
        found = freeze_on(session, workspace_id=run.workspace_id, agent_id=agent_id, connection_id=connection_id)
        if found is not None:
            return found
    return None


def allowed_tool(run: RunContext, call: ToolCall) -> AllowedTool | None:
    """Return what the revision allows of this tool, or None."""
    return next(
        (tool for slot in run.body.tools if slot.slot == call.slot for tool in slot.allow if tool.tool == call.tool),
        None,
    )


def effect_of(tool: BoundTool | None, allowed: AllowedTool | None) -> Effect:
    """Return the gravest class anyone gave the tool; the gravest there is when nobody knows it."""
    if tool is None:
        return EFFECTS[-1]
    own = allowed.effect if allowed and allowed.effect else tool.effect
    return _gravest(tool.effect, own)


def _gravest(*effects: Effect) -> Effect:
    return max(effects, key=EFFECTS.index)


def _tool(row: Any) -> BoundTool:
    return BoundTool(
        connection_id=row.id,
        connection_slug=row.slug,
        connection_name=row.name,
        kind=row.kind,
        config=row.config,
        version=row.version,
        health=row.health,
        state=row.tool_state,
        definition=row.definition,
        definition_hash=row.definition_hash,
        effect=_effect(row.effect),
        is_idempotent=row.is_idempotent,
        labels=labels_of(row.labels),
        login_id=row.login_id,
        login_version=row.login_version,
    )


def _effect(stored: str) -> Effect:
    for effect in EFFECTS:
        if effect == stored:
            return effect
    return EFFECTS[-1]


def _counts(session: Session, run: RunContext, call: ToolCall) -> tuple[int, int, int]:
    of = {"of_run": run.run_id, "of_key": call.key, "of_name": call.name, "of_like": like_hash(call)}
    row = _COUNTS.one(session, of)
    return int(row[0]), int(row[1]), int(row[2])


def finished_outcome(session: Session, run: RunContext, call: ToolCall) -> ToolOutcome | None:
    """Return what came of a step that has ended for good; None while it has not.

    What a call was held or stopped for is asked anew: somebody may have answered since.
    """
    return _finished(_BEFORE.first(session, {"of_run": run.run_id, "of_key": call.key}))


def _finished(step: Any) -> ToolOutcome | None:
    return outcome_in(step.response, step.detail) if step is not None and step.ended_at is not None else None
