"""Every call leaves a step: what was asked, what came back, what every policy said, and why it did not act."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy.orm import Session

from signoff.connections.actions import record_health
from signoff.connections.doctor import diagnosis_of
from signoff.connections.labels import ToolLabels
from signoff.connectors.faults import BAD_CONFIG, REFUSED_ADDRESS, SECOND_FACTOR, SIGN_IN, UNREACHABLE
from signoff.connectors.protocol import ToolAnswer
from signoff.gateways.chain import Objected, Proceed
from signoff.gateways.standing import TakenOver
from signoff.gateways.tool.call import Act, OutcomeKind, ToolOutcome
from signoff.gateways.tool.caps import give_back
from signoff.gateways.tool.facts import finished_outcome
from signoff.gateways.tool.flow.labels import Label
from signoff.gateways.tool.flow_facts import FlowFacts, note_result
from signoff.gateways.tool.policies.once import Known, NotSent
from signoff.gateways.tool.results import fitted
from signoff.kit.errors import ConnectorError
from signoff.kit.faultpoints import faultpoint
from signoff.record import trace
from signoff.runs.alarms import effect_unknown
from signoff.watch.actions import raise_alert

log = logging.getLogger(__name__)

# Failures that say something about the connection, not about this call.
_UNHEALTHY = frozenset({UNREACHABLE, SIGN_IN, SECOND_FACTOR, REFUSED_ADDRESS, BAD_CONFIG})
_STATES: dict[OutcomeKind, trace.StepState] = {
    "value": "completed",
    "failed": "failed",
    "stopped": "stopped",
    "held": "waiting",
}


class Trace:
    """Ends the step, whatever happens inside: an outcome with a code and words, never an exception but `TakenOver`."""

    name = "trace"

    async def around(self, call: Act, proceed: Proceed[Act, ToolAnswer], /) -> ToolOutcome:
        """Return the outcome of the call."""
        error: ConnectorError | None = None
        try:
            outcome = self._of(call, await proceed(call))
        except Known as known:
            outcome = known.outcome
        except NotSent as not_sent:
            call.log.is_ours = True
            outcome = ToolOutcome("failed", reason=not_sent.reason, code=not_sent.code)
        except Objected as objected:
            call.log.is_ours = True
            call.log.verdicts.append(objected.verdict)
            if objected.verdict.kind == "defer":
                return await self._ended(call, ToolOutcome.put_off(objected.verdict))
            kind = "failed" if objected.verdict.kind == "deny" else "stopped"
            outcome = ToolOutcome(kind, reason=objected.verdict.reason, code=objected.verdict.code)
        except ConnectorError as failed:
            error = failed
            outcome = ToolOutcome("failed", reason=f"{call.call.name} failed: {failed.detail}", code=failed.code)
        except TakenOver:
            # The step is another worker's now, who ends it.
            raise
        except Exception:
            log.exception("the tool gateway failed")
            reason = "Something in Signoff itself failed during this call. The log of the worker has the details."
            outcome = ToolOutcome("stopped", reason=reason, code="gateway_failed")
        faultpoint("tool-answered-not-journaled")
        return await self._ended(call, outcome, error)

    @staticmethod
    async def _ended(call: Act, outcome: ToolOutcome, error: ConnectorError | None = None) -> ToolOutcome:
        return await call.services.store.write_async(_end, call, outcome, error)

    @staticmethod
    def _of(call: Act, answer: ToolAnswer) -> ToolOutcome:
        value, call.log.is_truncated = fitted(answer.value, call.services.settings.tool_result_chars_max)
        if answer.is_error:
            words = value if isinstance(value, str) else str(value)
            return ToolOutcome("failed", value, f"{call.call.name} says: {words}", "tool_error")
        return ToolOutcome("value", value)


def diagnosed(kind: OutcomeKind, code: str | None) -> dict[str, str]:
    """Return the diagnosis of a call that failed, as its step keeps it."""
    found = diagnosis_of(code) if kind != "value" else None
    return {"diagnosis": found.code} if found is not None else {}


def _end(session: Session, call: Act, outcome: ToolOutcome, error: ConnectorError | None) -> ToolOutcome:
    """Return the outcome on record: a process that was taken for dead may have ended the step first, or this one."""
    for closing in call.log.closing:
        closing(session)
    is_first = trace.end_step(
        session,
        attempt=call.log.attempt,
        run_id=call.run.run_id,
        key=call.call.key,
        state=_STATES[outcome.kind],
        code=outcome.code,
        reason=outcome.reason,
        response=outcome.value,
        verdicts=[verdict.as_plain() for verdict in call.log.verdicts],
        calls=1 if call.log.attempts else 0,
        tries=len(call.log.attempts),
        detail={
            "attempts": call.log.attempts,
            "is_truncated": call.log.is_truncated,
            **_flow(call, outcome),
            # Given again when the leg runs again after a crash.
            "outcome": outcome.as_kept(),
            **diagnosed(outcome.kind, outcome.code),
        },
    )
    _note_health(session, call, outcome, error)
    if is_first and call.facts.flow is not None and not call.log.is_ours:
        note_result(session, call.run, call.call, call.facts.standing.flow, _labels(call.facts.flow, outcome))
    if is_first and call.log.gives_place_back:
        give_back(session, call.call, call.facts.rules.caps, holder=call.log.holder)
    is_unknown = outcome.kind == "held" and (outcome.hold or {}).get("kind") == "reconciliation"
    if is_unknown or call.log.is_left_unknown:
        told = effect_unknown(call.call.key, run_id=call.run.run_id, agent_id=call.run.agent_id, tool=call.call.name)
        raise_alert(session, call.run.workspace_id, **told)
    return outcome if is_first else finished_outcome(session, call.run, call.call) or outcome


def _labels(flow: FlowFacts, outcome: ToolOutcome) -> ToolLabels:
    """Return the labels of what the model is shown. A trusted tool is believed in its results, not in its errors:
    they repeat what was asked, and what went wrong with it.
    """
    return flow.labels if outcome.kind == "value" else flow.labels.tightened(result="untrusted")


def _flow(call: Act, outcome: ToolOutcome) -> dict[str, Any]:
    """Return the label of what the model is shown, as the step keeps it; of our own words none."""
    if call.facts.flow is None or call.log.is_ours:
        return {}
    labels = _labels(call.facts.flow, outcome)
    return {"flow": Label(labels.result, labels.confidentiality).as_plain()}


def _note_health(session: Session, call: Act, outcome: ToolOutcome, error: ConnectorError | None) -> None:
    tool = call.facts.tool
    if tool is None:
        return
    if error is not None and error.code in _UNHEALTHY:
        record_health(session, tool.connection_id, ok=False, error=error.detail, code=error.code)
    elif outcome.kind == "value" and call.log.attempts and tool.health != "ok":
        record_health(session, tool.connection_id, ok=True)
