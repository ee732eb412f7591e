"""The messages in a folder: which bytes of which file each one is, under an id that is the hash of its content."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from signoff.connectors.folders import Entry, open_file, walk
from signoff.connectors.mail.evened import utf_16_of
from signoff.connectors.mail.headers import field_name

FILES_MAX = 100_000
MESSAGE_BYTES_MAX = 200_000_000
_SNIFF_BYTES = 65_536
_LINE_BYTES = 65_536
_TIME = re.compile(rb"\b\d{1,2}:\d\d(?::\d\d)?\b")
_USUAL_FIELDS = frozenset(
    {"from", "to", "subject", "date", "received", "message-id", "return-path", "mime-version", "content-type", "cc"}
    | {"delivered-to", "reply-to", "sender", "x-mailer", "dkim-signature", "arc-seal", "authentication-results"}
)
# Files that mail programs keep beside messages, and what operating systems strew about.
_HOUSEKEEPING = re.compile(
    r"^(\.ds_store|thumbs\.db|desktop\.ini|maildirsize|maildirfolder|subscriptions|courier.*|dovecot.*|\.nfs.*|.*\.msf|.*~)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a message is: bytes `start` to `end` of a file."""

    path: Path
    name: str
    start: int
    end: int

    @property
    def size_bytes(self) -> int:
        """Return the message's size on disk."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a folder. The same content in several files is one message with several copies."""

    message_id: str
    source: Source
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file, or a place in one, that gives no message, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything in a folder: each file is in one of the two."""

    messages: tuple[Message, ...]
    unreadable: tuple[Unreadable, ...]


Stamp = tuple[str, int, int]


@dataclass(slots=True)
class Memory:
    """What is known of files that did not change since the last listing, so that they are not read again."""

    found: dict[Stamp, tuple[list[tuple[str, Source]], list[Unreadable]]] = field(
        default_factory=dict[Stamp, tuple[list[tuple[str, Source]], list[Unreadable]]]
    )


def list_messages(folder: Path, memory: Memory | None = None) -> Listing:
    """Return all messages of `folder`, in the order of their files. Never raises for what a file holds."""
    known = memory if memory is not None else Memory()
    kept: dict[Stamp, tuple[list[tuple[str, Source]], list[Unreadable]]] = {}
    messages: dict[str, Message] = {}
    unreadable: list[Unreadable] = []
    for entry in walk(folder, files_max=FILES_MAX):
        stamp = (entry.name, entry.size_bytes, entry.modified_ns)
        found = known.found.get(stamp) or _look(entry, folder)
        kept[stamp] = found
        unreadable.extend(found[1])
        for message_id, source in found[0]:
            before = messages.get(message_id)
            messages[message_id] = (
                Message(message_id, source) if before is None else Message(message_id, before.source, before.copies + 1)
            )
    known.found = kept
    return Listing(tuple(messages.values()), tuple(unreadable))


def _look(entry: Entry, folder: Path) -> tuple[list[tuple[str, Source]], list[Unreadable]]:
    """Return the messages in one file, or the reason there are none."""
    reason = entry.problem or _reason_of_name(entry)
    if reason is None and entry.size_bytes == 0:
        reason = "the file is empty"
    if reason is not None:
        return [], [Unreadable(entry.name, reason)]
    try:
        with open_file(entry.path, folder) as stream:
            return _look_inside(stream, entry)
    except OSError as error:
        return [], [Unreadable(entry.name, f"it cannot be read: {error.strerror or error}")]


def _reason_of_name(entry: Entry) -> str | None:
    name = entry.path.name
    if _HOUSEKEEPING.match(name):
        return "it is a mail program's or system's own file, not a message"
    if entry.path.parent.name == "tmp" and (entry.path.parent.parent / "cur").is_dir():
        return "it is still being delivered"
    return None


def _look_inside(stream: BinaryIO, entry: Entry) -> tuple[list[tuple[str, Source]], list[Unreadable]]:
    head = stream.read(_SNIFF_BYTES)
    size = os.fstat(stream.fileno()).st_size
    if (packed := _other_format(head)) is not None:
        return [], [Unreadable(entry.name, packed)]
    torn: list[Unreadable] = []
    if _is_mbox(head):
        spans = _mbox_spans(stream, size)
    elif head.startswith(b"From ") and (found := list(_mbox_spans(stream, size))):
        spans = iter(found)
        torn = [Unreadable(entry.name, "what stands before its first message is none")]
    elif entry.path.suffix.lower() == ".emlx" and (counted := _emlx_span(head, size)) is not None:
        spans = iter([counted])
    elif entry.path.suffix.lower() == ".eml" or _looks_like_mail(_in_ascii(head)):
        spans = iter([(len(b"\xef\xbb\xbf") if head.startswith(b"\xef\xbb\xbf") else 0, size)])
    else:
        return [], [Unreadable(entry.name, "it does not look like a message: it does not begin with a mail header")]
    messages: list[tuple[str, Source]] = []
    unreadable = torn
    for number, (start, end) in enumerate(spans, start=1):
        if end - start > MESSAGE_BYTES_MAX:
            reason = f"message {number} is larger than {MESSAGE_BYTES_MAX // 1_000_000} MB"
            unreadable.append(Unreadable(entry.name, reason))
        elif (found := _content_id(stream, start, end)) is None:
            unreadable.append(Unreadable(entry.name, f"message {number} is empty"))
        else:
            messages.append((found, Source(entry.path, entry.name, start, end)))
    return messages, unreadable


def _other_format(head: bytes) -> str | None:
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "it is in Outlook's own format (.msg); save it as .eml"
    if head.startswith((b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf", b"Rar!")):
        return "it is a packed file; unpack it first"
    if head.startswith((b"!BDN", b"\x78\x9f\x3e\x22")):
        return "it is in Outlook's own format; export the messages as .eml"
    return None


def _is_mbox(head: bytes) -> bool:
    lines = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").split(b"\n", 2)
    return (
        lines[0].startswith(b"From ")
        and len(lines) > 1
        and (field_name(lines[1]) is not None or lines[1].startswith(b">From "))
    )


def _looks_like_mail(head: bytes) -> bool:
    """Return whether the head is a mail header: fields from the first line on, one of them a usual one."""
    names: set[str] = set()
    for line in head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").split(b"\n"):
        if not line.strip():
            break
        if line[:1] in (b" ", b"\t") and names:
            continue
        name = field_name(line)
        if name is None:
            break
        names.add(name)
    return bool(names & _USUAL_FIELDS)


def _in_ascii(head: bytes) -> bytes:
    """Return a head that was saved as UTF-16 as bytes that ASCII is part of, and any other one as it is."""
    codec = utf_16_of(head)
    return head if codec is None else head[2:].decode(codec, "replace").encode("utf-8", "surrogatepass")


def _emlx_span(head: bytes, size: int) -> tuple[int, int] | None:
    first, newline, _ = head.partition(b"\n")
    text = first.strip()
    if not newline or not text.isdigit() or len(text) > 12:
        return None
    start = len(first) + 1
    return start, min(start + int(text), size)


def _mbox_spans(stream: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """Yield each message of an mbox. One begins after a line `From …` that follows an empty line and tells a time, or
    that a header follows: a sentence may begin so, too."""
    stream.seek(0)
    position, start = 0, -1
    is_line_start, was_empty = True, True
    while position < size:
        line = stream.readline(_LINE_BYTES)
        if not line:
            break
        if is_line_start and was_empty and line.startswith(b"From ") and _separates(line, stream, position):
            if start >= 0:
                yield start, position
                stream.seek(position + len(line))
            start = position + len(line)
        position += len(line)
        was_empty = is_line_start and not line.strip(b"\r\n")
        is_line_start = line.endswith(b"\n")
    if start >= 0:
        yield start, size


def _separates(line: bytes, stream: BinaryIO, position: int) -> bool:
    """Return whether a line `From …` begins a message. The stream stays where it is, behind the line."""
    if _TIME.search(line):
        return True
    following = stream.readline(_LINE_BYTES)
    stream.seek(position + len(line))
    return field_name(following) is not None or following.startswith(b">From ")


def _content_id(stream: BinaryIO, start: int, end: int) -> str | None:
    """Return an id that is the same wherever the message lies: line ends and empty lines at the end do not count."""
    digest = hashlib.sha256()
    held = b""
    has_content = False
    position = start
    while position < end:
        stream.seek(position)
        piece = stream.read(min(1_048_576, end - position))
        if not piece:
            break
        position += len(piece)
        text = (held + piece).replace(b"\r\n", b"\n")
        bare = text.rstrip(b"\r\n")
        held = text[len(bare) :]
        if len(held) > 1_048_576:
            digest.update(held)
            held = b""
        if bare:
            has_content = has_content or bool(bare.strip())
            digest.update(bare)
    return f"msg_{digest.hexdigest()[:40]}" if has_content else None
