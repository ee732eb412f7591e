"""A call to another agent: the run it makes, and what that run's end is to the model.

It is in our own database: the run is made in the transaction that begins the step, under the key of the call, so that a
crash leaves no doubt and no second run. The leg ends there, and the call is made again when that run is over.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.sub_agents import input_in
from signoff.gateways.chain import Verdict
from signoff.gateways.tool.call import Act, ToolCall, ToolOutcome
from signoff.gateways.tool.flow_facts import label_of
from signoff.gateways.tool.results import fitted
from signoff.gateways.tool.sub_agent_facts import SubAgentFacts
from signoff.kit.errors import Refusal
from signoff.kit.faultpoints import faultpoint
from signoff.record import trace
from signoff.runs.actions import request_child
from signoff.runs.actions.children import ChildWish
from signoff.runs.facts import RunContext
from signoff.runs.marks import Mark, Marks, is_marked, note_marks
from signoff.runs.states import is_over
from signoff.tables.runs import Run, Step

WAITS = "waits_for_sub_agent"
_PASSED_ON: tuple[Mark, ...] = ("untrusted", "workspace", "restricted")
# After every turn there is: what a run has read by its end.
_AT_THE_END = 1_000_000


def in_sub_agent(session: Session, act: Act) -> tuple[ToolOutcome, trace.StepState, dict[str, Any]]:
    """Have another agent work on a call, or tell what came of that; with the state and the detail of the step."""
    facts = act.facts.sub_agent
    if facts is None:
        return ToolOutcome("failed", reason="There is no such agent.", code="sub_agent_missing"), "failed", {}
    try:
        # A refusal undoes what was begun, and the step that tells of it stays.
        with session.begin_nested():
            child = facts.child or _made(session, act, facts)
    except Refusal as refusal:
        code = "bad_arguments" if refusal.code == "malformed" else refusal.code
        return ToolOutcome("failed", reason=refusal.detail, code=code), "refused", {}
    faultpoint("child-made")
    detail = {"child": child.id}
    if not is_over(child.state):
        words = f"{child.agent_slug} works on it."
        hold = {"kind": "sub_agent", "run": child.id}
        return ToolOutcome("held", reason=words, code=WAITS, hold=hold), "waiting", detail
    _note(session, act, child)
    outcome = _told(act, child)
    label = label_of(child.flow, before_turn=_AT_THE_END)
    state: trace.StepState = "completed" if outcome.kind == "value" else "failed"
    return outcome, state, {**detail, "flow": label.as_plain()}


def _made(session: Session, act: Act, facts: SubAgentFacts) -> Run:
    target = facts.target
    if target is None:
        raise Refusal("There is no such agent.", code="sub_agent_missing")
    wish = ChildWish(
        key=act.call.key, agent=target.agent, revision=target.revision, variant=target.variant,
        release_id=target.release_id, input=input_in(act.call.args, target.body.input_schema),
        marks=_as_it_begins(act.facts.standing.flow, act.call.turn),
    )  # fmt: skip
    return request_child(session, act.run, wish)


def _as_it_begins(marks: Marks | None, turn: int) -> dict[str, int] | None:
    """Return what the asking run had read before it called: of that the input may speak."""
    if marks is None:
        return None
    return dict.fromkeys((mark for mark in _PASSED_ON if is_marked(marks, mark, before_turn=turn)), 0)


def _note(session: Session, act: Act, child: Run) -> None:
    """Keep that the model is shown what another agent said, who had read all this."""
    read = [mark for mark in _PASSED_ON if is_marked(child.flow, mark, before_turn=_AT_THE_END)]
    note_marks(session, act.run.run_id, act.facts.standing.flow, dict.fromkeys(read, act.call.turn))


def _told(act: Act, child: Run) -> ToolOutcome:
    name = child.agent_slug
    if child.state == "completed":
        value, _ = fitted(child.output, act.services.settings.tool_result_chars_max)
        return ToolOutcome("value", _with_edit(act, child, value))
    why = child.reason or "It did not say why."
    words = {
        "failed": f"{name} could not do it: {why}",
        "cancelled": f"The run of {name} was called off: {why}",
        "rejected": f"{name} did not begin: {why}",
    }  # fmt: skip
    reason = act.facts.redactor.text(words.get(child.state, why))
    return ToolOutcome("failed", reason=reason, code=f"sub_agent_{child.state}")


def _with_edit(act: Act, child: Run, value: Any) -> Any:
    """Return a result with what was really asked, when a person changed it before they agreed to the call."""
    facts = act.facts.sub_agent
    given = act.call.args
    if facts is None or child.is_truncated or child.input in (given, given.get("input")):
        return value
    note = "A person changed the arguments of this call before they agreed to it."
    return {"note": note, "arguments": child.input, "result": value}


def verdicts_before(session: Session, run: RunContext, call: ToolCall) -> tuple[Verdict, ...]:
    """Return what the policies said when the other agent was asked; nothing when that step was cut off."""
    kept = session.scalar(select(Step.verdicts).where(Step.run_id == run.run_id, Step.key == call.key))
    return tuple(
        Verdict(said["kind"], said.get("reason") or "", said.get("policy") or "", said.get("code"))
        for said in kept or ()
    )
