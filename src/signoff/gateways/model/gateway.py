"""The model gateway: decide, then ask, then record; one call is one durable step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from sqlalchemy.orm import Session

from signoff.gateways.chain import Decision, Proceed, Verdict, Wrapper, compose, decide
from signoff.gateways.model import sizes
from signoff.gateways.model.answers import as_plain, fit_to_keep, from_plain
from signoff.gateways.model.asking import ask
from signoff.gateways.model.call import Asked, Log, ModelCall, ModelOutcome
from signoff.gateways.model.facts import ModelFacts, model_facts
from signoff.gateways.model.policies.budget import Budget
from signoff.gateways.model.policies.cache import Cache
from signoff.gateways.model.policies.fallback import Fallback
from signoff.gateways.model.policies.recording import Recording
from signoff.gateways.model.policies.redact import Redact
from signoff.gateways.model.policies.retry import Retry
from signoff.gateways.model.policies.revocation import Revocation
from signoff.gateways.model.policies.spend import Spend, open_with
from signoff.gateways.model.policies.throttle import Throttle
from signoff.gateways.model.policies.trace import Trace
from signoff.gateways.model.raising import ask_to_raise, may_ask
from signoff.gateways.services import Services
from signoff.kit import clock
from signoff.kit.redact import Redactor
from signoff.record import trace
from signoff.runs.facts import RunContext

GUARDS = (
    Revocation(),  # First: a revoked run learns nothing more, not even from a cache.
    Recording(),   # A replay spends nothing, so it comes before the money.
    Budget(),      # A run that has used up its limits stops, also where an answer would be free.
    Cache(),       # Last: answers only what would have been asked.
)  # fmt: skip
WRAPPERS: tuple[Wrapper[Asked, Any], ...] = (
    Trace(),       # Outermost: sees every attempt and what the others did, and makes an outcome of every exception.
    Spend(),       # Around everything that may cost money: one reservation, settled with the truth.
    Redact(),      # Outside the attempts: a secret is masked once, whichever provider is asked.
    Fallback(),    # Another model only after the retries of the one before are used up.
    Retry(),       # The only place where a call is repeated.
    Throttle(),    # Innermost: a call that waits for its next attempt holds no slot.
)  # fmt: skip

# Writes what belongs to the same moment, masked as the call is.
Beside = Callable[[Session, Redactor], object]
_ASK: Proceed[Asked, ModelOutcome] = compose(WRAPPERS, cast("Proceed[Asked, Any]", ask))


async def think(services: Services, run: RunContext, call: ModelCall, *, beside: Beside | None = None) -> ModelOutcome:
    """Ask a model once, as the revision says, and record the step.

    Nothing a provider does raises: every failure is an outcome with a code and words. A step that has ended gives its
    outcome again, whoever asks. `beside` writes what belongs to the same moment, in the transaction that begins the
    step.

    Raises:
        TakenOver: another worker works on the run.
    """
    tokens_in = sizes.tokens_in(call.messages, call.parameters)
    opened = await services.store.write_async(_open, services, run, call, tokens_in, beside)
    if isinstance(opened, ModelOutcome):
        return opened
    return await _ASK(opened)


def _open(
    session: Session,
    services: Services,
    run: RunContext,
    call: ModelCall,
    tokens_in: int,
    beside: Beside | None,
) -> Asked | ModelOutcome:
    """Read the facts, decide, begin the step, reserve; in one transaction. A verdict other than `allow` ends it here.

    One transaction, because each costs a writer's turn and a flush.
    """
    redactor = services.masking.redactor(session, run.environment_id)
    if beside is not None:
        beside(session, redactor)
    facts = model_facts(session, services, run, call, redactor)
    if facts.finished is not None:
        # The leg runs again after a crash: what was asked and paid for is not asked again.
        return facts.finished
    decision = decide(GUARDS, (run, call), facts)
    trace.begin_step(
        session,
        workspace_id=run.workspace_id,
        run_id=run.run_id,
        leg=run.leg,
        key=call.key,
        kind="model",
        name=run.body.model.name,
        model=run.body.model.name,
        request=_request(run, call, facts),
        messages_before=call.messages_before,
    )
    if decision.verdict.kind != "allow":
        return _settled(session, run, call, facts, decision)
    noted = Log(verdicts=list(decision.verdicts), decided=clock.monotonic_seconds())
    asked = Asked(services, run, call, facts, run.body.model.name, call.messages, call.parameters, noted)
    open_with(session, asked, tokens_in)
    return asked


def _settled(session: Session, run: RunContext, call: ModelCall, facts: ModelFacts, decision: Decision) -> ModelOutcome:
    verdict = decision.verdict
    outcome = _outcome_of(verdict, call, facts)
    if may_ask(run, facts, verdict.code):
        outcome = ask_to_raise(session, run, call, facts, verdict.reason)
    trace.end_step(
        session,
        run_id=run.run_id,
        key=call.key,
        state="cached" if outcome.kind == "answered" else "waiting" if outcome.kind == "held" else "stopped",
        code=outcome.code,
        reason=verdict.reason,
        response=outcome.response,
        verdicts=decision.as_plain(),
        calls=0,
        detail={"answered_by": verdict.policy, "hold": outcome.hold},
    )
    return outcome


def _outcome_of(verdict: Verdict, call: ModelCall, facts: ModelFacts) -> ModelOutcome:
    if verdict.kind != "answer":
        return ModelOutcome("stopped", code=verdict.code or verdict.policy, reason=verdict.reason)
    if verdict.policy == "cache":
        # An answer from another moment gets call ids of this one: the record of what was done is kept by them.
        return ModelOutcome("answered", as_plain(fit_to_keep(from_plain(verdict.value), call.key, facts.redactor)))
    return ModelOutcome("answered", verdict.value)


def _request(run: RunContext, call: ModelCall, facts: ModelFacts) -> dict[str, Any]:
    """Return what the step shows of the request. The messages are the run's own, up to `messages_before`."""
    settings = run.body.model.settings.model_dump(mode="json", exclude_none=True)
    return {
        "turn": call.turn,
        "models": list(facts.prices),
        "settings": settings,
        "tools": [tool.name for tool in call.parameters.function_tools],
        "output_tools": [tool.name for tool in call.parameters.output_tools],
    }
