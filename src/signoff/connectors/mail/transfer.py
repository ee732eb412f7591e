"""Undoing transfer encodings, in pieces, leniently, with a remark on what was broken."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from typing import BinaryIO

_PIECE_BYTES = 65_536
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")
_PADDING = re.compile(rb"=+")
_PLAIN = frozenset({"", "7bit", "8bit", "binary", "7-bit", "8-bit", "none"})
_UU = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})


def decoded_pieces(stream: BinaryIO, start: int, end: int, encoding: str, problems: list[str]) -> Iterator[bytes]:
    """Yield the body between two positions with its transfer encoding undone. Never holds more than a piece."""
    if encoding == "base64":
        yield from _base64(_raw(stream, start, end), problems)
    elif encoding in ("quoted-printable", "quoted_printable"):
        for line in _lines(stream, start, end):
            yield binascii.a2b_qp(line)
    elif encoding in _UU:
        yield from uudecoded(_lines(stream, start, end), problems)
    else:
        if encoding not in _PLAIN:
            problems.append("it is encoded in a way that is not known; it is shown as it is")
        yield from _raw(stream, start, end)


def read(
    stream: BinaryIO, start: int, end: int, encoding: str, problems: list[str], *, bytes_max: int
) -> tuple[bytes, bool]:
    """Return the first `bytes_max` bytes of a decoded body, and whether there was more."""
    pieces: list[bytes] = []
    size = 0
    for piece in decoded_pieces(stream, start, end, encoding, problems):
        pieces.append(piece)
        size += len(piece)
        if size > bytes_max:
            return b"".join(pieces)[:bytes_max], True
    return b"".join(pieces), False


def size_of(stream: BinaryIO, start: int, end: int, encoding: str) -> int:
    """Return how large a body is once decoded, in bytes, by decoding it piece by piece."""
    if encoding in _PLAIN:
        return max(end - start, 0)
    return sum(len(piece) for piece in decoded_pieces(stream, start, end, encoding, []))


def _raw(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    position = start
    while position < end:
        stream.seek(position)
        piece = stream.read(min(_PIECE_BYTES, end - position))
        if not piece:
            return
        position += len(piece)
        yield piece


def _lines(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    position = start
    while position < end:
        stream.seek(position)
        line = stream.readline(min(_PIECE_BYTES, end - position))
        if not line:
            return
        position += len(line)
        yield line


def _base64(pieces: Iterator[bytes], problems: list[str]) -> Iterator[bytes]:
    kept = b""
    is_broken = False
    for piece in pieces:
        bare = _NOT_BASE64.sub(b"", piece)
        is_broken = is_broken or len(bare) < len(piece) - sum(piece.count(char) for char in b"\r\n \t")
        # Padding in the middle means two encodings one after the other, which some senders make.
        *ended, rest = _PADDING.split(bare)
        for run in ended:
            yield _unpadded(kept + run)
            is_broken = is_broken or len(kept + run) % 4 == 1
            kept = b""
        kept += rest
        whole = len(kept) // 4 * 4
        if whole:
            yield binascii.a2b_base64(kept[:whole])
            kept = kept[whole:]
    yield _unpadded(kept)
    if is_broken or len(kept) == 1:
        problems.append("its base64 is damaged; it is decoded as far as it goes")


def _unpadded(run: bytes) -> bytes:
    """Return what a run of base64 without its padding holds; a single character at its end holds nothing."""
    if len(run) % 4 == 1:
        run = run[:-1]
    return binascii.a2b_base64(run + b"=" * (-len(run) % 4))


def uudecoded(lines: Iterator[bytes], problems: list[str]) -> Iterator[bytes]:
    """Yield what uuencoded lines hold; lines outside `begin … end` are passed over."""
    is_inside = False
    for line in lines:
        if not is_inside:
            is_inside = line.startswith(b"begin ")
            continue
        if line.strip() in (b"end", b"`", b""):
            is_inside = line.strip() != b"end"
            continue
        try:
            yield binascii.a2b_uu(line)
        except binascii.Error:
            # Some senders leave out trailing spaces; the length in the first character still tells.
            try:
                yield binascii.a2b_uu(line[: (((line[0] - 32) & 63) * 4 + 5) // 3])
            except binascii.Error:
                problems.append("its uuencoding is damaged")
                return
    if is_inside:
        problems.append("its uuencoding has no end")
