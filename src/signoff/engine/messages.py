"""The conversation of a run: each message stored once, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from signoff.gateways.model.masked import masked_messages
from signoff.kit import clock
from signoff.kit.redact import Redactor
from signoff.runs.facts import RunContext
from signoff.tables.prepared import Prepared
from signoff.tables.runs import RunMessage
from signoff.tables.upsert import in_each

_messages = cast("Table", RunMessage.__table__)
_ADD = Prepared(in_each(_messages, lambda new: new.on_conflict_do_nothing(index_elements=["run_id", "seq"])))
# Kept with the revision or the run row; repeating the SOP in every message would store it once per turn.
_LEFT_OUT = ("instructions", "run_id", "conversation_id", "metadata")


def save(
    session: Session, redactor: Redactor, context: RunContext, *, first: int, messages: Sequence[ModelMessage]
) -> None:
    """Store messages under the numbers from `first` on, masked as the model was shown them.

    What a crashed attempt stored already stays as it is.
    """
    if not messages:
        return
    moment = clock.now()
    masked = masked_messages(messages, redactor)
    rows = [
        {
            "run_id": context.run_id, "seq": first + offset, "workspace_id": context.workspace_id, "leg": context.leg,
            "body": body, "created_at": moment,
        }
        for offset, body in enumerate(_plain(masked))
    ]  # fmt: skip
    _ADD.run_many(session, rows)


def _plain(messages: Sequence[ModelMessage]) -> list[dict[str, Any]]:
    plain = cast("list[dict[str, Any]]", ModelMessagesTypeAdapter.dump_python(list(messages), mode="json"))
    return [{key: value for key, value in body.items() if value is not None and key not in _LEFT_OUT} for body in plain]


def load(session: Session, run_id: str, *, before_leg: int) -> list[ModelMessage]:
    """Return the messages of earlier legs. They are complete when a leg begins, so a replay reads the same."""
    bodies = session.scalars(
        select(RunMessage.body).where(RunMessage.run_id == run_id, RunMessage.leg < before_leg).order_by(RunMessage.seq)
    ).all()
    return ModelMessagesTypeAdapter.validate_python(list(bodies))
