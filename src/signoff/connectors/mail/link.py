"""The link to a folder of mail."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signoff.connectors import faults
from signoff.connectors.folders import opened_folder
from signoff.connectors.local import READS, LocalLink, LocalTool
from signoff.connectors.mail import parse
from signoff.connectors.mail.sources import Listing, Memory, Message
from signoff.connectors.protocol import ToolSpec
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

_LIST_MAX = 200
_UNREADABLE_SHOWN_MAX = 100
_ID = {"type": "string", "minLength": 1, "maxLength": 200}


class MailFolder:
    """A folder of mail and what is known of it. Used from several threads."""

    def __init__(self, folder: Path, text_chars_max: int) -> None:
        self._folder = folder
        self._text_chars_max = text_chars_max
        self._memory = Memory()
        self._lock = threading.Lock()
        self._known: dict[str, Message] = {}

    def _listing(self) -> Listing:
        with self._lock:
            listing = parse.list_folder(self._folder, self._memory)
            self._known = {message.message_id: message for message in listing.messages}
            return listing

    def _message(self, message_id: str) -> Message:
        """Return a message, looking the folder through again when it is new or its file changed."""
        found = self._known.get(message_id)
        if found is None or not self._is_unchanged(found):
            self._listing()
            found = self._known.get(message_id)
        if found is None:
            raise faults.fault(
                faults.BAD_ARGUMENTS, "The folder holds no message of that id. List the messages to see them."
            )
        return found

    def _is_unchanged(self, message: Message) -> bool:
        try:
            status = message.source.path.stat()
        except OSError:
            return False
        stamp = (message.source.name, status.st_size, status.st_mtime_ns)
        return stamp in self._memory.found

    def list_messages(self, args: dict[str, Any]) -> dict[str, Any]:
        """Return one page of messages, and what in the folder could not be read."""
        listing = self._listing()
        start = 0
        if cursor := args.get("cursor"):
            places = {message.message_id: place for place, message in enumerate(listing.messages, start=1)}
            if cursor not in places:
                raise faults.fault(faults.BAD_ARGUMENTS, "The cursor is not one this list gave out. Start without it.")
            start = places[cursor]
        shown = listing.messages[start : start + int(args.get("limit") or 50)]
        is_last = start + len(shown) >= len(listing.messages)
        return {
            "messages": [self._summary(message) for message in shown],
            "total": len(listing.messages),
            "next_cursor": None if is_last or not shown else shown[-1].message_id,
            "unreadable": [
                {"file": missed.name, "reason": missed.reason} for missed in listing.unreadable[:_UNREADABLE_SHOWN_MAX]
            ],
            "unreadable_total": len(listing.unreadable),
        }

    def _summary(self, message: Message) -> dict[str, Any]:
        try:
            return parse.summary(message, self._folder)
        except ConnectorError as error:
            return {"message_id": message.message_id, "file": message.source.name, "problems": [error.detail]}

    def read_message(self, args: dict[str, Any]) -> dict[str, Any]:
        """Return one message."""
        return parse.read_message(self._message(args["message_id"]), self._folder, chars_max=self._text_chars_max)

    def read_attachment(self, args: dict[str, Any]) -> dict[str, Any]:
        """Return one attachment as text."""
        chars_max = min(int(args.get("max_chars") or self._text_chars_max), self._text_chars_max)
        return parse.read_attachment(
            self._message(args["message_id"]), args["attachment_id"], self._folder, chars_max=chars_max
        )


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _tools(mail: MailFolder) -> list[LocalTool]:
    listed = _object({"limit": {"type": "integer", "minimum": 1, "maximum": _LIST_MAX}, "cursor": _ID})
    message = _object({"message_id": _ID}, "message_id")
    attachment = _object(
        {"message_id": _ID, "attachment_id": _ID, "max_chars": {"type": "integer", "minimum": 1, "maximum": 1_000_000}},
        "message_id",
        "attachment_id",
    )
    described = (
        ("list_messages", "List the messages of the folder, and the files that could not be read.", listed),
        ("read_message", "Read one message: header, text, list of attachments, forwarded messages.", message),
        ("read_attachment", "Read one attachment as text (text, CSV, JSON, XML, HTML, PDF).", attachment),
    )
    runs = {
        "list_messages": mail.list_messages,
        "read_message": mail.read_message,
        "read_attachment": mail.read_attachment,
    }
    return [LocalTool(ToolSpec(name, text, schema, None, READS), runs[name]) for name, text, schema in described]


async def open_mail(settings: Settings, config: Mapping[str, Any]) -> LocalLink:
    """Open a folder of mail below one of the operator's `mail_roots`.

    Raises:
        ConnectorError: the folder is elsewhere, is not there, or may not be read.
    """
    text = str(config.get("folder", ""))
    folder = opened_folder(text, settings.mail_roots)
    # Room for the rest of the answer within the limit of a tool's result.
    mail = MailFolder(folder, max(settings.tool_result_chars_max * 2 // 5, 1_000))

    def check() -> None:
        opened_folder(text, settings.mail_roots)

    return LocalLink(_tools(mail), check, answer_chars_max=settings.tool_result_chars_max)
