"""One run for each message of a mailbox, started once however often the demo is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy.orm import Session

from signoff.connections.queries import connection
from signoff.connections.views import ConnectionDetail
from signoff.demo.stage import AGENT, Stage
from signoff.gateways.services import Services
from signoff.kit.errors import Fault, Refusal, TooMuch
from signoff.runs.actions import request_run
from signoff.runs.facts import RequestedRun
from signoff.watch.actions import raise_alert

_CALL_SECONDS_MAX = 120.0
_PAGE = 200
# These ended without the message being handled: the next start of the demo tries it again.
_TRIED_AGAIN = ("failed", "cancelled", "rejected")
_ATTEMPTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the mail connection lists it. The id is made from its content, so `copies` of it are one message."""

    id: str
    title: str
    copies: int = 1


@dataclass(slots=True)
class Batch:
    """The runs of a mailbox. `refused` are sentences about messages for which no run could be asked."""

    found: int = 0
    new: int = 0
    again: int = 0
    copies: int = 0
    run_ids: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])

    def summary(self) -> str:
        """Return what is new in a few words."""
        known = len(self.run_ids) - self.new - self.again
        parts = [f"{self.new} new"]
        if self.again:
            parts.append(f"{self.again} tried again")
        if known:
            parts.append(f"{known} asked for before")
        if self.copies:
            words = "exact copy of one of them is" if self.copies == 1 else "exact copies of them are"
            parts.append(f"{self.copies} {words} not handled twice")
        return ", ".join(parts)


async def request_runs(services: Services, stage: Stage, model: str, *, limit: int | None = None) -> Batch:
    """Ask for one run per message. The same bytes for the same model are the same run, also after a restart.

    A message whose last run failed, was cancelled or rejected gets another run: what it had posted is known to the ERP.
    """
    messages, unreadable = await _messages(services, stage, limit)
    batch = Batch(found=len(messages), copies=sum(message.copies - 1 for message in messages))
    for text in unreadable:
        await services.store.write_async(_refuse, stage, text, text, batch)
    for message in messages:
        await services.store.write_async(_request, stage, message, model, batch)
    batch.run_ids = list(dict.fromkeys(batch.run_ids))
    return batch


def _request(session: Session, stage: Stage, message: Message, model: str, batch: Batch) -> None:
    try:
        with session.begin_nested():
            run, attempt = _unless_handled(session, stage, message, model)
    except Refusal as refusal:
        _refuse(session, stage, message.id, f"{message.title or message.id}: {refusal.detail}", batch)
        return
    batch.run_ids.append(run.id)
    if run.is_new:
        batch.new += attempt == 1
        batch.again += attempt > 1


def _unless_handled(session: Session, stage: Stage, message: Message, model: str) -> tuple[RequestedRun, int]:
    """Return the message's run, and which attempt it is: a new one, unless the last is under way or completed."""
    for attempt in range(1, _ATTEMPTS_MAX):
        run = _attempt(session, stage, message, _key(message, model, attempt))
        if run.is_new or run.state not in _TRIED_AGAIN:
            return run, attempt
    raise TooMuch(f"{message.title or message.id} was tried {_ATTEMPTS_MAX} times. Start with another data folder.")


def _attempt(session: Session, stage: Stage, message: Message, key: str) -> RequestedRun:
    return request_run(
        session,
        stage.principal,
        agent=AGENT,
        input={"message_id": message.id},
        source="demo",
        input_key=key,
        title=message.title or "(no subject)",
    )


def _key(message: Message, model: str, attempt: int) -> str:
    """Return the key of an attempt. The first has no number."""
    key = f"demo:{hashlib.sha256(model.encode()).hexdigest()[:12]}:{message.id}"
    return key if attempt == 1 else f"{key}:{attempt}"


def _refuse(session: Session, stage: Stage, what: str, text: str, batch: Batch) -> None:
    """Tell, in the product and in the summary, that something in the mailbox becomes no run."""
    key = f"demo:{hashlib.sha256(what.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    raise_alert(session, stage.principal.workspace_id, key=key, kind="message_not_handled", text=text)
    batch.refused.append(text)


async def _messages(services: Services, stage: Stage, limit: int | None) -> tuple[list[Message], list[str]]:
    """Return the messages of the mailbox, and sentences about files in it that hold none."""

    def facts(session: Session) -> ConnectionDetail:
        return connection(session, stage.principal, stage.mail)

    detail = await services.store.read_async(facts)
    link = await services.pool.link(stage.mail, detail.row.version, detail.row.kind, detail.config)
    found: list[Message] = []
    cursor: str | None = None
    while True:
        args = {"limit": _PAGE} if cursor is None else {"limit": _PAGE, "cursor": cursor}
        answer = await link.call("list_messages", args, key=None, timeout_seconds=_CALL_SECONDS_MAX)
        if answer.is_error:
            raise Fault(f"The mailbox cannot be listed: {answer.value!s:.300}")
        page = cast("dict[str, Any]", answer.value)
        found += [_message(item) for item in page["messages"]]
        cursor = page["next_cursor"]
        if not cursor or (limit is not None and len(found) >= limit):
            missed = [f"{item['file']}: {item['reason']}" for item in page["unreadable"]]
            hidden = page["unreadable_total"] - len(missed)
            return found[:limit], [*missed, f"{hidden} more files hold no message."] if hidden > 0 else missed


def _message(item: dict[str, Any]) -> Message:
    return Message(item["message_id"], _title(item), item["copies"])


def _title(item: dict[str, Any]) -> str:
    return " ".join(str(item.get("subject") or "").split()) or str(item.get("file") or "")
