"""The tool gateway: decide, then act, then record; one call is one durable step."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from sqlalchemy.orm import Session

from signoff.connectors.plain import cleaned_object
from signoff.gateways.chain import Decision, Proceed, Verdict, Wrapper, compose, decide
from signoff.gateways.leaks import masked_names, note_leaks
from signoff.gateways.services import Services
from signoff.gateways.tool.acting import act_outside
from signoff.gateways.tool.approval_facts import use_approvals
from signoff.gateways.tool.call import Act, Log, ToolCall, ToolOutcome
from signoff.gateways.tool.caps import give_back, take_places
from signoff.gateways.tool.facts import ToolFacts, tool_facts
from signoff.gateways.tool.flow_facts import note_result
from signoff.gateways.tool.holding import ask
from signoff.gateways.tool.memory import in_memory
from signoff.gateways.tool.own_tools import is_memory
from signoff.gateways.tool.policies.budget import Budget
from signoff.gateways.tool.policies.cap import VOLUME_CAP, Cap, capped
from signoff.gateways.tool.policies.flow import Flow
from signoff.gateways.tool.policies.freeze import Freeze
from signoff.gateways.tool.policies.gate import Gate
from signoff.gateways.tool.policies.grant import Grant
from signoff.gateways.tool.policies.login import Login
from signoff.gateways.tool.policies.loop import Loop
from signoff.gateways.tool.policies.memory import Memory
from signoff.gateways.tool.policies.once import Once, answer_from_ledger, open_with
from signoff.gateways.tool.policies.place import Place
from signoff.gateways.tool.policies.recording import Recording
from signoff.gateways.tool.policies.requires import Requires
from signoff.gateways.tool.policies.retry import Retry
from signoff.gateways.tool.policies.revocation import Revocation
from signoff.gateways.tool.policies.sandbox import Sandbox
from signoff.gateways.tool.policies.secrets import Secrets
from signoff.gateways.tool.policies.shadow import Shadow
from signoff.gateways.tool.policies.sub_agents import SubAgents
from signoff.gateways.tool.policies.trace import Trace, diagnosed
from signoff.gateways.tool.policies.values import Values
from signoff.gateways.tool.policies.window import Window
from signoff.gateways.tool.recorded import args_hash
from signoff.gateways.tool.sub_agents import in_sub_agent, verdicts_before
from signoff.gateways.tool.trail import likeness
from signoff.kit import clock
from signoff.kit.faultpoints import faultpoint
from signoff.record import trace
from signoff.runs.facts import RunContext

_log = logging.getLogger(__name__)

GUARDS = (
    Revocation(),  # First: a revoked run learns nothing more, not even that a tool exists.
    Grant(),       # The revision must have been given this tool, the environment must bind its connection.
    Values(),      # What an argument may name; with the grant, because it is a part of it.
    SubAgents(),   # The grant of another agent: whether there is one, and whether it may be started from here.
    Requires(),    # What must have come out well before; facts of this run, cheaper to tell than anything below.
    Loop(),        # The same call with the same arguments again and again is not work, real or rehearsed.
    Budget(),      # Cheap counting, which holds for rehearsals and replays too.
    Recording(),   # A replay is answered from the record: what was done then is not stopped by today's freeze.
    Freeze(),      # "Stop writing, now" for one agent, one connection, or everything.
    Flow(),        # Private data does not leave, nothing is done for good, because of what somebody wrote into a mail.
    Window(),      # After whatever refuses for good: nobody waits until Monday for a refusal.
    Cap(),         # Cheap counting before the costlier questions; after the window, so that a call put off counts once.
    Sandbox(),     # A rehearsal meets every rule that the real call would meet, and bothers nobody.
    Shadow(),      # Before memory and gate: nothing is kept of a shadow, and nobody is asked to approve one.
    Memory(),      # Nothing is kept of a test, and nobody is asked about what could not be kept.
    Gate(),        # Last: a person is the dearest resource there is, and is asked only for what may otherwise happen.
)  # fmt: skip
WRAPPERS: tuple[Wrapper[Act, Any], ...] = (
    Trace(),    # Outermost: sees every attempt and what the others did, and makes an outcome of every exception.
    Place(),    # Outside the ledger, which tells by then what may have happened: the rest gives its place back.
    Once(),     # Writes its intent first, so that a crash cannot repeat an act that has no key.
    Secrets(),  # {{secret.X}} becomes its value here and nowhere else; masked on the way back.
    Login(),    # Puts the access token on the call; refreshes it once when it is refused, before anything was done.
    Retry(),    # Innermost: repeats only the connector's call.
)  # fmt: skip

_ACT: Proceed[Act, ToolOutcome] = compose(WRAPPERS, cast("Proceed[Act, Any]", act_outside))


async def act(services: Services, run: RunContext, call: ToolCall) -> ToolOutcome:
    """Carry out one tool call, or say why not, and record the step.

    Nothing an outside system does raises: every failure is an outcome with a code and words. A step that has ended
    gives its outcome again, whoever asks.

    Raises:
        TakenOver: another worker works on the run.
    """
    # A model may write anything for arguments; from here on they are JSON that every database takes.
    call = replace(call, args=cleaned_object(call.args))
    opened = await services.store.write_async(_open, services, run, call)
    if isinstance(opened, ToolOutcome):
        return opened
    return await _ACT(opened)


def _open(session: Session, services: Services, run: RunContext, call: ToolCall) -> Act | ToolOutcome:
    """Read the facts, decide, begin the step; in one transaction. A verdict other than `allow` ends it there too.

    Except for a call that the ledger has already: that it is forbidden now does not tell what became of it.
    """
    facts = tool_facts(session, services, run, call)
    if facts.finished is not None:
        # The leg runs again after a crash: what was done is not done again.
        return facts.finished
    # What another agent was asked for is under way, or over: that it is forbidden now does not tell what came of it.
    is_asked = facts.sub_agent is not None and facts.sub_agent.child is not None
    decision = decide(GUARDS[:1] if is_asked else GUARDS, (run, call), facts)
    noted = Log(decided=clock.monotonic_seconds())
    if decision.verdict.kind in ("allow", "simulate") and facts.rules.caps and not is_asked:
        decision = _with_places(session, run, call, facts, decision, noted)
    said_before = verdicts_before(session, run, call) if is_asked else ()
    trace.begin_step(
        session,
        workspace_id=run.workspace_id,
        run_id=run.run_id,
        leg=run.leg,
        key=call.key,
        kind="tool",
        name=call.name,
        effect=facts.effect,
        request=facts.redactor.value({"slot": call.slot, "tool": call.tool, "args": call.args}),
        detail={"args_hash": args_hash(call), "turn": call.turn, **likeness(call)},
    )
    names = masked_names(call.args, facts.redactor.value(call.args))
    if names:
        note_leaks(session, run=run, step_key=call.key, place="arguments", what=call.name, names=names)
    noted.verdicts += decision.verdicts
    opened = Act(services, run, call, facts, call.args, facts.tool.config if facts.tool else {}, noted)
    if decision.verdict.kind == "allow" and is_memory(call):
        # It is in our own database: done and told in the transaction that begins the step, so a crash leaves no doubt.
        use_approvals(session, facts.approvals)
        return _ended(session, run, call, decision, *in_memory(session, opened))
    if decision.verdict.kind == "allow" and facts.sub_agent is not None:
        return _by_sub_agent(session, opened, decision, said_before)
    if decision.verdict.kind == "allow":
        open_with(session, opened)
        use_approvals(session, facts.approvals)
    elif decision.verdict.kind not in ("deny", "defer") or not answer_from_ledger(session, opened):
        return _settled(session, run, call, facts, decision)
    return opened


def _by_sub_agent(session: Session, opened: Act, decision: Decision, said_before: tuple[Verdict, ...]) -> ToolOutcome:
    run, call, facts = opened.run, opened.call, opened.facts
    use_approvals(session, facts.approvals)
    outcome, state, kept = in_sub_agent(session, opened)
    if state == "refused":
        give_back(session, call, facts.rules.caps, holder=opened.log.holder)
    # What the policies said was said when the other agent was asked.
    whole = Decision(decision.verdict, said_before or decision.verdicts)
    return _ended(session, run, call, whole, outcome, state, kept)


def _with_places(
    session: Session, run: RunContext, call: ToolCall, facts: ToolFacts, decision: Decision, noted: Log
) -> Decision:
    """Take the call's places under its caps; of many calls at once, those that come too late are refused."""
    full = take_places(session, run, call, facts.rules.caps, holder=noted.holder)
    if full is None:
        return decision
    refused = replace(capped(full), policy=Cap.name)
    before = decision.verdicts[: [verdict.policy for verdict in decision.verdicts].index(Cap.name)]
    return Decision(refused, (*before, refused))


def _settled(session: Session, run: RunContext, call: ToolCall, facts: ToolFacts, decision: Decision) -> ToolOutcome:
    verdict = decision.verdict
    outcome, state = _outcome_of(verdict)
    if verdict.kind == "hold":
        faultpoint("hold-decided")
        outcome, state = ask(session, run, call, facts, verdict), "waiting"
        faultpoint("approval-written")
    if verdict.policy == Shadow.name and facts.recorded is not None and facts.flow is not None:
        # What the original was told, the candidate is told: from here on it has read that, too.
        note_result(session, run, call, facts.standing.flow, facts.flow.labels)
    if verdict.code == VOLUME_CAP:
        _log.info("%s", verdict.reason, extra={"run_id": run.run_id, "agent": run.agent_slug})
    return _ended(session, run, call, decision, outcome, state)


def _ended(
    session: Session,
    run: RunContext,
    call: ToolCall,
    decision: Decision,
    outcome: ToolOutcome,
    state: trace.StepState,
    by_agent: Mapping[str, Any] | None = None,
) -> ToolOutcome:
    """End a step that nothing outside takes part in. `by_agent`: what is kept of another agent's part in it."""
    verdict = decision.verdict
    # What a refusal rests on, for whoever asks why: the calls that went in a circle, the count of a cap.
    evidence = {"evidence": verdict.value} if verdict.kind in ("deny", "stop") and verdict.value is not None else {}
    trace.end_step(
        session,
        run_id=run.run_id,
        key=call.key,
        state=state,
        code=outcome.code or verdict.code,
        reason=verdict.reason or outcome.reason,
        response=outcome.value,
        verdicts=decision.as_plain(),
        calls=1 if by_agent and state in ("completed", "failed") else 0,
        detail={
            # What another agent said was not said by us.
            **({} if by_agent else {"settled_by": verdict.policy}),
            "outcome": outcome.as_kept(),
            **evidence,
            **(by_agent or {}),
            **diagnosed(outcome.kind, outcome.code),
        },
    )
    return outcome


def _outcome_of(verdict: Verdict) -> tuple[ToolOutcome, trace.StepState]:
    reason, code = verdict.reason, verdict.code or verdict.policy
    if verdict.kind == "answer":
        return ToolOutcome.from_plain(verdict.value), "cached"
    if verdict.kind == "simulate":
        return ToolOutcome("value", verdict.value), "simulated"
    if verdict.kind == "deny":
        return ToolOutcome("failed", reason=reason, code=code), "refused"
    if verdict.kind == "defer":
        return ToolOutcome.put_off(verdict), "waiting"
    return ToolOutcome("stopped", reason=reason, code=code), "stopped"
