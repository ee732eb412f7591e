"""Messages saved in a way mail never travels: as UTF-16, or with lines that end in CR alone. They are read as meant."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from typing import BinaryIO

_SNIFF_BYTES = 65_536
# Such a message is held in memory while it is read.
_BYTES_MAX = 20_000_000
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class Evened:
    """Where the message is now: bytes `start` to `end` of `stream`; `problems` say what was done to it."""

    stream: BinaryIO
    start: int
    end: int
    problems: tuple[str, ...] = ()


def evened(stream: BinaryIO, start: int, end: int) -> Evened:
    """Return a message with lines that end as in mail, in an encoding that ASCII is part of; nearly always as it is."""
    stream.seek(start)
    head = stream.read(min(_SNIFF_BYTES, end - start))
    codec = utf_16_of(head)
    if codec is None and not _has_bare_ends(head):
        return Evened(stream, start, end)
    what = "it was saved as UTF-16" if codec else "its lines end in CR alone"
    if end - start > _BYTES_MAX:
        return Evened(stream, start, end, (f"{what}, and it is larger than {_BYTES_MAX // 1_000_000} MB: not read",))
    stream.seek(start)
    data = stream.read(end - start)
    if codec:
        data = data[2:].decode(codec, "replace").encode("utf-8", "surrogatepass")
    if _has_bare_ends(data[:_SNIFF_BYTES]):
        data = data.replace(b"\r", b"\n")
    return Evened(io.BytesIO(data), 0, len(data), (what,))


def utf_16_of(head: bytes) -> str | None:
    """Return the codec of a message that begins with a mark of UTF-16, or None."""
    return _UTF_16.get(head[:2])


def _has_bare_ends(head: bytes) -> bool:
    return b"\n" not in head and head.count(b"\r") > 1
