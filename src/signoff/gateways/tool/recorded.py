"""What another run got for the same call: a replay has nothing else, and a rehearsal has it first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.gateways.tool.call import ToolCall, ToolOutcome
from signoff.kit.canonical import content_hash
from signoff.releases.shadow.settings import shadow_settings
from signoff.runs.facts import RunContext
from signoff.runs.states import is_rehearsal
from signoff.tables.runs import HoldAnswer, Step

# A refusal is a policy's word about the original; the candidate's own policies speak for it.
_NOT_TAKEN = ("refused",)
_ROWS_MAX = 200


def args_hash(call: ToolCall) -> str:
    """Return what tells two calls with equal arguments from others."""
    return content_hash([call.name, call.args])


def outcome_in(response: Any, detail: dict[str, Any]) -> ToolOutcome | None:
    """Return the outcome that a step keeps; None when it keeps none."""
    kept = detail.get("outcome")
    return ToolOutcome.from_plain({"value": response, **kept}) if kept else None


def recorded_for(
    session: Session, run: RunContext, call: ToolCall, *, is_read: bool, number: int
) -> dict[str, Any] | None:
    """Return what the original run got for the same call, as plain JSON; None when it made none, or none counts.

    `number`: how many calls like it the run made before.
    """
    if run.replay_of is None:
        return None
    if run.mode == "replay":
        return _in_replay(session, run, run.replay_of, call)
    if not is_rehearsal(run.mode):
        return None
    if run.mode == "shadow" and is_read and call.slot and shadow_settings(session, run.release_id).reads == "live":
        return None
    return _in_rehearsal(session, run.replay_of, call, number)


def _in_replay(session: Session, run: RunContext, original: str, call: ToolCall) -> dict[str, Any] | None:
    """Return the outcome by the call's id, else of the first with the same arguments."""
    rows = _like(session, original, call)
    same = next((row for row in rows if row.key == f"{original}:{call.call_id}"), None)
    found = same or (rows[0] if rows else None)
    outcome = outcome_in(found.response, found.detail) if found is not None else None
    return outcome.as_plain() if outcome is not None else None


def _in_rehearsal(session: Session, original: str, call: ToolCall, number: int) -> dict[str, Any] | None:
    """Return the outcome of as many-th a call; of the last, when the candidate asks more often."""
    rows = [row for row in _like(session, original, call) if row.state not in _NOT_TAKEN]
    if not rows:
        return None
    found = rows[min(number, len(rows) - 1)]
    outcome = outcome_in(found.response, found.detail) or _said_by_people(session, original, found.key)
    return outcome.as_plain() if outcome is not None else None


def _like(session: Session, original: str, call: ToolCall) -> list[Any]:
    return list(
        session.execute(
            select(Step.key, Step.state, Step.response, Step.detail)
            .where(
                Step.run_id == original,
                Step.kind == "tool",
                Step.name == call.name,
                Step.detail["args_hash"].as_string() == args_hash(call),
            )
            .order_by(Step.seq)
            .limit(_ROWS_MAX)
        )
    )


def _said_by_people(session: Session, original: str, key: str) -> ToolOutcome | None:
    """Return what people answered to a call that was held and never made: a denial, or the answer to a question."""
    call_id = key.removeprefix(f"{original}:")
    said: dict[str, Any] | None = session.scalar(
        select(HoldAnswer.answer)
        .where(HoldAnswer.run_id == original, HoldAnswer.call_id == call_id)
        .order_by(HoldAnswer.leg.desc())
        .limit(1)
    )
    if said is None:
        return None
    if said["outcome"] == "answered":
        return ToolOutcome("value", said.get("value"))
    if said["outcome"] in ("denied", "expired"):
        return ToolOutcome("failed", reason=said.get("reason") or "no reason given", code=said["outcome"])
    return None
