"""Reading mail from a folder: list, read, read an attachment. Files in, plain JSON out; blocking, read only.

listing = list_folder(Path("~/mail"))
for message in listing.messages:
    facts = read_message(message)
for missed in listing.unreadable:
    print(missed.name, missed.reason)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from signoff.connectors import faults
from signoff.connectors.folders import open_file
from signoff.connectors.html_text import html_to_text
from signoff.connectors.mail import transfer
from signoff.connectors.mail.charsets import decoded
from signoff.connectors.mail.documents import BYTES_MAX, Document, as_text
from signoff.connectors.mail.evened import evened
from signoff.connectors.mail.sources import Listing, Memory, Message, Unreadable, list_messages
from signoff.connectors.mail.structure import Part, scan

__all__ = ["Listing", "Message", "Unreadable", "list_folder", "read_attachment", "read_message", "summary"]

TEXT_CHARS_MAX = 40_000
ATTACHMENTS_SHOWN_MAX = 200
_TEXT_BYTES_MAX = 2_000_000
_SUMMARY_BYTES = 65_536
_NESTED_SHOWN_MAX = 20
_PROBLEMS_SHOWN_MAX = 30
_UU_BLOCK = re.compile(r"(?ms)^begin [0-7]{3,4} ([^\n]{1,200})\n(.*?)^end[ \t]*$")


def list_folder(folder: Path, memory: Memory | None = None) -> Listing:
    """Return every message of a folder, and every file that gives none with the reason. Never raises.

    Args:
        memory: keep one between calls, and files that did not change are not read again.
    """
    real = folder.expanduser().resolve()
    if not real.is_dir():
        return Listing((), (Unreadable(str(folder), "it is not a folder"),))
    return list_messages(real, memory)


@dataclass(slots=True)
class _Reading:
    """What is collected while the parts of one message are gone through."""

    stream: BinaryIO
    chars_left: int
    texts: list[str] = field(default_factory=list[str])
    htmls: list[str] = field(default_factory=list[str])
    attachments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    nested: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    problems: list[str] = field(default_factory=list[str])
    attachments_found: int = 0
    nested_found: int = 0

    def inner(self) -> _Reading:
        """Return a reading of a message inside this one."""
        return _Reading(self.stream, self.chars_left)


def summary(message: Message, folder: Path | None = None) -> dict[str, Any]:
    """Return what a list shows of a message, from its header alone.

    Raises:
        ConnectorError: the file is gone or cannot be read any more.
    """
    source = message.source
    with _opened(message, folder) as stream:
        even = evened(stream, source.start, min(source.end, source.start + _SUMMARY_BYTES))
        root = scan(even.stream, even.start, even.end)
    return {
        "message_id": message.message_id,
        "subject": root.headers.text("subject"),
        "from": root.headers.text("from"),
        "date": root.headers.date([]),
        "file": source.name,
        "size_bytes": source.size_bytes,
        "copies": message.copies,
    }


def read_message(message: Message, folder: Path | None = None, *, chars_max: int = TEXT_CHARS_MAX) -> dict[str, Any]:
    """Return a message as plain JSON; what is wrong with it is in `problems`.

    Args:
        chars_max: how much text is shown in all, forwarded messages included.

    Raises:
        ConnectorError: the file is gone or cannot be read any more.
    """
    with _opened(message, folder) as stream:
        even = evened(stream, message.source.start, message.source.end)
        root = scan(even.stream, even.start, even.end)
        facts = _message(root, _Reading(even.stream, chars_max, problems=list(even.problems)))
    return {"message_id": message.message_id, "file": message.source.name, "copies": message.copies, **facts}


def _opened(message: Message, folder: Path | None) -> BinaryIO:
    try:
        return open_file(message.source.path, folder or message.source.path.resolve().parent)
    except OSError as error:
        raise faults.fault(
            faults.UNREACHABLE, f"The file of this message cannot be read: {error.strerror or error}."
        ) from error


def _message(root: Part, reading: _Reading) -> dict[str, Any]:
    headers = root.headers
    if not headers.fields:
        reading.problems.append("it has no header")
    elif "subject" not in headers.fields:
        reading.problems.append("it has no subject")
    facts: dict[str, Any] = {
        "subject": headers.text("subject", reading.problems),
        "from": headers.text("from", reading.problems),
        "to": headers.text("to", reading.problems),
        "cc": headers.text("cc"),
        "reply_to": headers.text("reply-to"),
        "date": headers.date(reading.problems),
    }
    _collect(root, reading, is_root=True)
    if reading.attachments_found > ATTACHMENTS_SHOWN_MAX:
        reading.problems.append(f"{reading.attachments_found} attachments; {ATTACHMENTS_SHOWN_MAX} are shown")
    if reading.nested_found > _NESTED_SHOWN_MAX:
        reading.problems.append(f"{reading.nested_found} forwarded messages; {_NESTED_SHOWN_MAX} are shown")
    problems = list(dict.fromkeys(reading.problems))
    return {
        **facts,
        "text": "\n\n".join(reading.texts),
        "html_as_text": "\n\n".join(reading.htmls),
        "attachments": reading.attachments,
        "nested": reading.nested,
        "problems": problems[:_PROBLEMS_SHOWN_MAX],
    }


def _collect(part: Part, reading: _Reading, *, is_root: bool = False) -> None:
    reading.problems.extend(f"part {part.number}: {problem}" if part.number else problem for problem in part.problems)
    if part.headers.media_type == "message/rfc822" and part.children:
        _collect_nested(part, reading)
    elif part.is_container:
        for child in part.children:
            _collect(child, reading)
    elif _is_text_body(part, is_root):
        _collect_text(part, reading)
    else:
        _collect_attachment(part, reading)


def _is_text_body(part: Part, is_root: bool) -> bool:
    if part.headers.media_type not in ("text/plain", "text/html"):
        return is_root and part.headers.media_type.startswith(("text/", "multipart/"))
    disposition = part.headers.text("content-disposition").lower()
    return not disposition.startswith("attachment") and (is_root or not part.headers.filename)


def _collect_nested(part: Part, reading: _Reading) -> None:
    reading.nested_found += 1
    if reading.nested_found > _NESTED_SHOWN_MAX:
        return
    inner = reading.inner()
    reading.nested.append({"part": part.number, **_message(part.children[0], inner)})
    reading.chars_left = inner.chars_left


def _collect_text(part: Part, reading: _Reading) -> None:
    text = _decoded_text(part, reading.stream, reading.problems)
    is_html = part.headers.media_type == "text/html"
    if not is_html:
        for place, (name, body) in enumerate(_UU_BLOCK.findall(text), start=1):
            number = f"{part.number or '0'}.uu{place}"
            size = sum(len(piece) for piece in _uu_pieces(body, reading.problems))
            _add_attachment(reading, number, name.strip(), "application/octet-stream", size)
        text = _UU_BLOCK.sub(lambda match: f"[attachment: {match.group(1).strip()}]", text)
    shown = html_to_text(text) if is_html else text.strip()
    if len(shown) > reading.chars_left:
        reading.problems.append(f"its text has {len(shown)} characters; the first {reading.chars_left} are shown")
        shown = shown[: reading.chars_left]
    reading.chars_left -= len(shown)
    if shown:
        (reading.htmls if is_html else reading.texts).append(shown)


def _decoded_text(part: Part, stream: BinaryIO, problems: list[str]) -> str:
    data, is_cut = transfer.read(
        stream, part.start, part.end, part.headers.transfer_encoding, problems, bytes_max=_TEXT_BYTES_MAX
    )
    if is_cut:
        problems.append(f"its text is larger than {_TEXT_BYTES_MAX // 1_000_000} MB; the rest is not read")
    return decoded(data, part.headers.parameter("content-type", "charset"), problems)


def _uu_pieces(body: str, problems: list[str]) -> Iterator[bytes]:
    lines = [b"begin 644 x\n", *(line.encode("latin-1", "replace") + b"\n" for line in body.split("\n")), b"end\n"]
    return transfer.uudecoded(iter(lines), problems)


def _collect_attachment(part: Part, reading: _Reading) -> None:
    headers = part.headers
    name = headers.filename
    if headers.media_type == "application/ms-tnef" or name.lower() == "winmail.dat":
        reading.problems.append("Outlook packed attachments into winmail.dat, which is not opened")
    if reading.attachments_found < ATTACHMENTS_SHOWN_MAX:
        size = transfer.size_of(reading.stream, part.start, part.end, headers.transfer_encoding)
    else:
        size = part.end - part.start
    _add_attachment(reading, part.number or "0", name, headers.media_type, size)


def _add_attachment(reading: _Reading, number: str, name: str, media_type: str, size: int) -> None:
    reading.attachments_found += 1
    if reading.attachments_found <= ATTACHMENTS_SHOWN_MAX:
        reading.attachments.append(
            {"attachment_id": number, "filename": name, "media_type": media_type, "size_bytes": size}
        )


def read_attachment(
    message: Message, attachment_id: str, folder: Path | None = None, *, chars_max: int = TEXT_CHARS_MAX
) -> dict[str, Any]:
    """Return an attachment's facts and its text, where it holds any.

    Args:
        attachment_id: as `read_message` named it.

    Raises:
        ConnectorError: there is no such attachment, or the file cannot be read any more.
    """
    with _opened(message, folder) as stream:
        even = evened(stream, message.source.start, message.source.end)
        root = scan(even.stream, even.start, even.end)
        document, problems = _document(root, even.stream, attachment_id)
    found = as_text(document, chars_max)
    return {
        "message_id": message.message_id,
        "attachment_id": attachment_id,
        "filename": document.filename,
        "media_type": document.media_type,
        "size_bytes": len(document.data),
        **found,
        "problems": list(dict.fromkeys([*problems, *found["problems"]])),
    }


def _document(root: Part, stream: BinaryIO, attachment_id: str) -> tuple[Document, list[str]]:
    number, _, uu = attachment_id.partition(".uu")
    part = _part(root, "" if number == "0" else number)
    problems: list[str] = []
    if part is not None and uu:
        blocks = _UU_BLOCK.findall(_decoded_text(part, stream, problems))
        if uu.isdecimal() and len(uu) < 6 and 0 < int(uu) <= len(blocks):
            name, body = blocks[int(uu) - 1]
            data = b"".join(_uu_pieces(body, problems))
            return Document(name.strip(), "application/octet-stream", "", data, False), problems
        part = None
    if part is None:
        raise faults.fault(
            faults.BAD_ARGUMENTS, "This message has no attachment of that id. Read the message to see them."
        )
    data, is_cut = transfer.read(
        stream, part.start, part.end, part.headers.transfer_encoding, problems, bytes_max=BYTES_MAX
    )
    headers = part.headers
    return Document(
        headers.filename, headers.media_type, headers.parameter("content-type", "charset"), data, is_cut
    ), problems


def _part(root: Part, number: str) -> Part | None:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.number == number:
            return part
        waiting.extend(part.children)
    return None
