"""An act on the outside world is written down before it is tried, so that a crash cannot repeat it unseen."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Table, bindparam, update
from sqlalchemy.orm import Session

from signoff.connectors.faults import OUTCOME_UNKNOWN
from signoff.connectors.protocol import ToolAnswer
from signoff.gateways.chain import Objected, Proceed
from signoff.gateways.tool.call import Act, ToolOutcome
from signoff.gateways.tool.late_answers import take_late
from signoff.gateways.tool.recorded import args_hash
from signoff.kit import clock
from signoff.kit.errors import ConnectorError
from signoff.kit.faultpoints import faultpoint
from signoff.tables.base import Json, Moment
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Effect
from signoff.tables.upsert import in_each

_effects = cast("Table", Effect.__table__)
# Built once, as everything that is written with every call.
_ADD = Prepared(
    in_each(_effects, lambda new: new.on_conflict_do_nothing(index_elements=["key"]).returning(_effects.c.key))
)
_END = Prepared(
    update(_effects)
    # An intent of its own: the same call, done once more by a person's word, is another act.
    .where(
        _effects.c.key == bindparam("of_key"),
        _effects.c.state == "intended",
        _effects.c.intended_at == bindparam("since", type_=Moment),
    )
    .values(
        state=bindparam("to_state"),
        result=bindparam("with_result", type_=Json),
        reason=bindparam("with_reason"),
        ended_at=bindparam("moment", type_=Moment),
    )
)


class NotSent(Exception):
    """The call failed before anything left this process."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Known(Exception):
    """The ledger already holds what came of this call."""

    def __init__(self, outcome: ToolOutcome) -> None:
        super().__init__(outcome.code or outcome.kind)
        self.outcome = outcome


class Once:
    """Keeps the ledger of effects: the intent before the act, the outcome with the end of the step.

    `intended` found at the beginning means that an earlier attempt was cut off after its intent: nobody knows whether
    it acted. Unless the tool is declared to be safe to repeat, that is a person's question and not ours, whatever has
    been forbidden since.
    """

    name = "once"

    async def around(self, call: Act, proceed: Proceed[Act, ToolAnswer], /) -> ToolAnswer:
        """Return the answer of the one act.

        Raises:
            Known: it was done before, or nobody knows whether it was.
            ConnectorError, NotSent, Objected: as inside; the ledger says `failed` where nothing was done.
        """
        if call.facts.is_read:
            return await proceed(call)
        known = call.log.known
        if not call.log.is_intended:
            known = await call.services.store.write_async(intend, call)
        if known is not None:
            raise Known(known)
        faultpoint("intent-journaled")
        try:
            answer = await proceed(call)
        except Objected as objected:
            _end_objected(call, objected)
            raise
        except NotSent as error:
            if _may_have_acted_before(call):
                _at_end(call, "unknown", reason=error.reason)
                raise Known(held(call, error.reason)) from error
            _at_end(call, "failed", reason=error.reason)
            raise
        except ConnectorError as error:
            # An attempt that reached nobody says nothing about one before it, cut off or left without an answer.
            if error.code == OUTCOME_UNKNOWN or _may_have_acted_before(call):
                reason = call.facts.redactor.text(error.detail)
                _at_end(call, "unknown", reason=reason)
                raise Known(held(call, reason)) from error
            _at_end(call, "failed", reason=error.detail)
            raise
        _at_end(call, "done", result={"value": answer.value, "is_error": answer.is_error})
        return answer


def _end_objected(call: Act, objected: Objected) -> None:
    """Write what came of an act that is forbidden by now.

    Raises:
        Known: the run goes on, and what an earlier attempt did is a person's question.
    """
    reason = objected.verdict.reason
    if not _may_have_acted_before(call):
        _at_end(call, "failed", reason=reason)
        return
    _at_end(call, "unknown", reason=reason)
    if objected.verdict.kind in ("deny", "defer"):
        call.log.verdicts.append(objected.verdict)
        raise Known(held(call, reason)) from objected
    call.log.is_left_unknown = True


def _may_have_acted_before(call: Act) -> bool:
    return call.log.is_repeat or any(attempt.get("code") == OUTCOME_UNKNOWN for attempt in call.log.attempts)


def held(call: Act, reason: str) -> ToolOutcome:
    """Return the outcome of a call whose effect a person must look for."""
    return ToolOutcome(
        "held",
        reason=f"Nobody knows whether {call.call.name} was carried out: {reason} "
        "Look there, and say on the reconciliation page what you found.",
        code="outcome_unknown",
        hold={"kind": "reconciliation", "key": call.call.key},
    )


def open_with(session: Session, call: Act) -> None:
    """Write the intent in the transaction that begins the step."""
    if not call.facts.is_read:
        call.log.known = intend(session, call)
        call.log.is_intended = True


def answer_from_ledger(session: Session, call: Act) -> bool:
    """Have a call that is forbidden by now answered by what the ledger knows of it. False when nothing was done.

    Told as refused, what may have happened would be taken for something that did not.
    """
    row = session.get(Effect, call.call.key, populate_existing=True) if call.facts.is_intended else None
    if row is None or row.state == "failed" or row.settlement == "did_not_happen_retry":
        return False
    call.log.known = _cut_off(session, call) if row.state == "intended" else _from_ledger(call, row)
    call.log.is_intended = True
    return True


def intend(session: Session, call: Act) -> ToolOutcome | None:
    """Write the intent, or return what the ledger already knows."""
    key, moment = call.call.key, clock.now()
    call.log.intended_at = moment
    if _ADD.first(session, _row(call)) is not None:
        return None
    row = session.get_one(Effect, key, populate_existing=True)
    again = {"state": "intended", "intended_at": moment, "ended_at": None}
    if row.state == "settled" and row.settlement == "did_not_happen_retry":
        return None if _move(session, key, "settled", settlement=None, **again) else _busy(call)
    if row.state == "failed":
        # Nothing was done then; a run that was taken up again may try.
        return None if _move(session, key, "failed", reason=None, **again) else _busy(call)
    if row.state == "intended":
        if call.facts.tool is not None and call.facts.tool.is_idempotent:
            call.log.is_repeat, call.log.intended_at = True, row.intended_at
            return None
        return _cut_off(session, call)
    return _from_ledger(call, row)


def _cut_off(session: Session, call: Act) -> ToolOutcome:
    reason = "the process was cut off while it was being carried out."
    _move(session, call.call.key, "intended", state="unknown", reason=reason, ended_at=clock.now())
    return held(call, reason)


def _from_ledger(call: Act, row: Effect) -> ToolOutcome:
    if row.state == "done":
        result = cast("dict[str, Any]", row.result or {})
        if result.get("is_error"):
            return ToolOutcome("failed", reason=f"{call.call.name} failed: {result.get('value')}", code="tool_error")
        return ToolOutcome("value", result.get("value"))
    if row.state == "settled" and row.settlement == "happened":
        confirmed = {"status": "done", "note": "Confirmed by a person."}
        return ToolOutcome("value", row.result if row.result is not None else confirmed)
    if row.state == "settled":
        who = row.settled_by_name or "A person"
        reason = f"{who} looked and found that {call.call.name} was not carried out. {row.reason or ''}".strip()
        return ToolOutcome("failed", reason=reason, code="did_not_happen")
    return held(call, row.reason or "its answer never came.")


def _busy(call: Act) -> ToolOutcome:
    return held(call, "another attempt is at it.")


def _row(call: Act) -> dict[str, Any]:
    tool = call.facts.tool
    return dict(  # noqa: C408  # As one reads the table.
        key=call.call.key,
        workspace_id=call.run.workspace_id,
        run_id=call.run.run_id,
        connection_id=tool.connection_id if tool else "",
        call_id=call.call.call_id[:200],
        tool=call.call.name[:200],
        effect=call.facts.effect,
        # As the model gave them: with the names of secrets, never their values.
        args=call.facts.redactor.value(call.call.args),
        args_hash=args_hash(call.call),
        state="intended",
        result=None,
        intended_at=call.log.intended_at,
    )


def _move(session: Session, key: str, before: str, **values: Any) -> bool:
    moved = session.execute(
        update(Effect)
        .where(Effect.key == key, Effect.state == before)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return cast("Any", moved).rowcount == 1


def _at_end(call: Act, state: str, *, result: Any = None, reason: str | None = None) -> None:
    """Write the outcome in the transaction that ends the step."""
    of = {"of_key": call.call.key, "since": call.log.intended_at, "to_state": state}

    def write(session: Session) -> None:
        values = {**of, "with_result": result, "with_reason": reason, "moment": clock.now()}
        if _END.run(session, values) != 1:
            take_late(session, call, state, result=result, reason=reason)

    call.log.closing.append(write)
