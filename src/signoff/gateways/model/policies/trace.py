"""Every call leaves a step: what was asked, what came back, what it cost, what every policy said."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.gateways.chain import Objected, Proceed
from signoff.gateways.model.answers import as_plain
from signoff.gateways.model.call import Answer, Asked, Failure, ModelFailed, ModelOutcome
from signoff.gateways.model.facts import finished_outcome
from signoff.gateways.standing import TakenOver
from signoff.kit import clock, money
from signoff.kit.errors import BudgetExceeded
from signoff.kit.faultpoints import faultpoint
from signoff.record import trace
from signoff.tables.limits import CachedAnswer
from signoff.tables.runs import Step
from signoff.watch.streaks import note_failure, note_success

log = logging.getLogger(__name__)

WAIT_SECONDS_FIRST = 60
WAIT_SECONDS_MAX = 900
ALERT_KIND = "provider_failing"


class Trace:
    """Ends the step, whatever happens inside: an outcome with a code and words, never an exception but `TakenOver`.

    All that follows from the call (money settled, cache, streaks, facts of the run) is written in the same
    transaction.
    """

    name = "trace"

    async def around(self, call: Asked, proceed: Proceed[Asked, Answer], /) -> ModelOutcome:
        """Return the outcome of the call."""
        try:
            answer = await proceed(call)
        except ModelFailed as failed:
            return await self._failed(call, failed)
        except Objected as objected:
            call.log.verdicts.append(objected.verdict)
            return await self._stopped(call, objected.verdict.code, objected.verdict.reason)
        except BudgetExceeded as refusal:
            return await self._stopped(call, refusal.code, refusal.detail)
        except TakenOver:
            # The step is another worker's now, who ends it.
            raise
        except Exception:
            log.exception("the model gateway failed")
            reason = "Something in Signoff itself failed during this call. The log of the worker has the details."
            return await self._stopped(call, "gateway_failed", reason)
        return await self._answered(call, answer)

    async def _answered(self, call: Asked, answer: Answer) -> ModelOutcome:
        plain = as_plain(answer.response)
        provider = call.services.providers.name(answer.model)

        def write(session: Session) -> ModelOutcome:
            is_first = _end(session, call, "completed", response=plain, answer=answer)
            if not provider.is_scripted:
                note_success(session, call.run.workspace_id, f"provider:{provider.provider}")
            if call.facts.request_hash is not None:
                _keep(session, call, plain)
            return _told(session, call, is_first, ModelOutcome("answered", plain))

        faultpoint("llm-answered-not-journaled")
        return await call.services.store.write_async(write)

    async def _failed(self, call: Asked, failed: ModelFailed) -> ModelOutcome:
        failure = failed.failure
        waits = call.run.body.model.on_outage == "wait" and failure.is_transient and failure.is_provider_fault
        reason = call.facts.redactor.text(failure.reason)

        outcome = ModelOutcome("stopped", code=failure.code, reason=reason)
        if waits:
            pause = max(
                min(WAIT_SECONDS_FIRST * 2 ** (call.run.leg - 1), WAIT_SECONDS_MAX), failure.retry_after_seconds or 0
            )
            resume_at = clock.now() + timedelta(seconds=pause)
            outcome = ModelOutcome("waits", code=failure.code, reason=reason, resume_at=resume_at)

        def write(session: Session) -> ModelOutcome:
            state = "waiting" if waits else "failed"
            is_first = _end(session, call, state, code=failure.code, reason=reason, resume_at=outcome.resume_at)
            # Not for one that ended beside it, nor when this end is told again: a run counts once.
            if is_first and failure.is_provider_fault:
                _note_failure(session, call, failed.model, failure, reason)
            return _told(session, call, is_first, outcome)

        return await call.services.store.write_async(write)

    async def _stopped(self, call: Asked, code: str | None, reason: str) -> ModelOutcome:
        def write(session: Session) -> ModelOutcome:
            is_first = _end(session, call, "stopped", code=code, reason=reason)
            return _told(session, call, is_first, ModelOutcome("stopped", code=code, reason=reason))

        return await call.services.store.write_async(write)


def _told(session: Session, call: Asked, is_first: bool, outcome: ModelOutcome) -> ModelOutcome:
    """Return the outcome on record: a process that was taken for dead may have ended the step first, or this one."""
    if is_first:
        return outcome
    return finished_outcome(session, call.run.run_id, call.call.key) or outcome


def _end(
    session: Session,
    call: Asked,
    state: trace.StepState,
    *,
    code: str | None = None,
    reason: str | None = None,
    response: object = None,
    answer: Answer | None = None,
    resume_at: datetime | None = None,
) -> bool:
    noted = call.log
    for closing in noted.closing:
        closing(session)
    is_scripted = call.services.providers.name(call.run.body.model.name).is_scripted
    return trace.end_step(
        session,
        attempt=noted.attempt,
        run_id=call.run.run_id,
        key=call.call.key,
        state=state,
        code=code,
        reason=reason,
        response=response,
        verdicts=[verdict.as_plain() for verdict in noted.verdicts],
        model=answer.model if answer else None,
        cost_usd=_cost(call, answer),
        tokens_in=(answer.tokens_in if answer else 0) + noted.wasted_tokens_in or None,
        tokens_out=answer.tokens_out if answer else None,
        calls=len(noted.attempts),
        is_price_unknown=noted.is_price_unknown,
        is_truncated=noted.is_truncated,
        is_scripted=is_scripted,
        detail={
            "attempts": noted.attempts,
            "is_scripted": is_scripted,
            "is_truncated": noted.is_truncated,
            "is_price_unknown": noted.is_price_unknown,
            "is_usage_estimated": bool(answer and answer.is_usage_estimated) or noted.wasted_tokens_in > 0,
            "wasted_usd": money.as_text(noted.wasted_usd),
            "price_source": call.facts.prices[answer.model].source if answer else None,
            "finish_reason": answer.response.finish_reason if answer else None,
            "resume_at": resume_at.isoformat() if resume_at else None,
        },
    )


def _cost(call: Asked, answer: Answer | None) -> Decimal | None:
    if call.log.is_booked:
        return None
    if answer is None:
        return call.log.wasted_usd or None
    return None if answer.cost_usd is None else answer.cost_usd + call.log.wasted_usd


def _keep(session: Session, call: Asked, plain: object) -> None:
    row = CachedAnswer(
        agent_id=call.run.agent_id,
        request_hash=call.facts.request_hash,
        workspace_id=call.run.workspace_id,
        response=plain,
        created_at=clock.now(),
    )
    session.merge(row)


def _note_failure(session: Session, call: Asked, model: str, failure: Failure, reason: str) -> None:
    """Count a failing run of this provider once, however many legs and calls of the run failed."""
    name = call.services.providers.name(model)
    earlier = session.scalar(
        select(Step.id)
        .where(
            Step.run_id == call.run.run_id,
            Step.kind == "model",
            Step.key != call.call.key,
            Step.state.in_(("failed", "waiting")),
        )
        .limit(1)
    )
    if earlier is not None or name.is_scripted:
        return
    note_failure(
        session,
        call.run.workspace_id,
        f"provider:{name.provider}",
        kind=ALERT_KIND,
        text=f"{name.label} fails in run after run. The latest reason: {reason}",
        detail={"provider": name.provider, "model": name.full, "code": failure.code, "run": call.run.run_id},
    )
