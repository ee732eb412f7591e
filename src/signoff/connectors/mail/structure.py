"""Where the parts of a message are. One pass over the bytes, line by line; bodies are not kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

from signoff.connectors.mail.headers import Headers, field_name, parsed

PARTS_MAX = 1_000
DEPTH_MAX = 24
HEADER_BYTES_MAX = 262_144
_LINE_BYTES = 65_536


def _no_parts() -> list[Part]:
    return []


@dataclass(slots=True)
class Part:
    """A message or a part of one. Its body is the bytes from `start` to `end` of the stream.

    Args:
        number: its place in the tree: `1`, `2.1`; the message itself is empty.
    """

    number: str
    headers: Headers
    start: int
    end: int = -1
    children: list[Part] = field(default_factory=_no_parts)
    problems: list[str] = field(default_factory=list[str])

    @property
    def is_container(self) -> bool:
        """Whether its body is made of other parts."""
        return bool(self.children)


class _Scan:
    """The state of one pass."""

    def __init__(self, stream: BinaryIO, start: int, end: int) -> None:
        self.stream = stream
        self.position = start
        self.end = end
        self.parts = 0
        # Containers that are open, outermost first, each with its delimiter; a forwarded message has none.
        self.open: list[tuple[Part, bytes]] = []
        self.leaf: Part | None = None
        stream.seek(start)

    def line(self) -> bytes:
        """Return the next line, or the next 64 KB of one that is longer; empty at the end."""
        data = self.stream.readline(min(_LINE_BYTES, self.end - self.position)) if self.position < self.end else b""
        self.position += len(data)
        return data


def scan(stream: BinaryIO, start: int, end: int) -> Part:
    """Return the tree of parts of the message in `stream` between two positions.

    Never raises for what the message holds; limits: 1,000 parts, 24 levels, 256 KB of header for each part.
    """
    state = _Scan(stream, start, end)
    root = _begin(state, None)
    is_line_start, before = True, b"\n"
    while True:
        position = state.position
        line = state.line()
        if not line:
            break
        level = _delimiter(state, line) if is_line_start and line[:2] == b"--" else None
        if level is not None:
            _close_to(state, level, position - _newline(before))
            _after_delimiter(state, line)
        is_line_start, before = line[-1:] == b"\n", line
    for part, delimiter in state.open:
        if delimiter:
            part.problems.append("it ends before its last part does")
    _close_to(state, -1, end)
    return root


def _begin(state: _Scan, parent: Part | None) -> Part:
    """Read the header of a part that starts here; open it, and the message inside it if it forwards one."""
    number = "" if parent is None else _number(parent)
    problems: list[str] = []
    headers, start = _read_header(state, problems)
    part = Part(number, headers, start, problems=problems)
    state.parts += 1
    if parent is not None:
        parent.children.append(part)
    media_type = headers.media_type
    boundary = headers.parameter("content-type", "boundary") if media_type.startswith("multipart/") else ""
    if len(state.open) >= DEPTH_MAX:
        if boundary or media_type == "message/rfc822":
            part.problems.append(f"what is nested more than {DEPTH_MAX} levels deep is not shown")
        state.leaf = part
    elif boundary:
        state.open.append((part, b"--" + boundary.encode("utf-8", "surrogateescape").rstrip()))
        state.leaf = None
    elif media_type == "message/rfc822" and headers.transfer_encoding not in ("base64", "quoted-printable"):
        state.open.append((part, b""))
        _begin(state, part)
    else:
        if media_type.startswith("multipart/"):
            part.problems.append("it says it has parts and does not say what divides them")
        state.leaf = part
    return part


def _number(parent: Part) -> str:
    place = str(len(parent.children) + 1)
    return f"{parent.number}.{place}" if parent.number else place


def _read_header(state: _Scan, problems: list[str]) -> tuple[Headers, int]:
    lines: list[bytes] = []
    size = 0
    while True:
        position = state.position
        line = state.line()
        if not line or line in (b"\n", b"\r\n"):
            break
        is_delimiter = line[:2] == b"--" and _delimiter(state, line) is not None
        if is_delimiter or (not lines and field_name(line) is None and not line.startswith((b"From ", b">From "))):
            # No header at all: the body begins with this line.
            state.position = position
            state.stream.seek(position)
            if not lines and not is_delimiter:
                problems.append("it has no header")
            break
        size += len(line)
        if size > HEADER_BYTES_MAX:
            if size - len(line) <= HEADER_BYTES_MAX:
                problems.append(f"its header is larger than {HEADER_BYTES_MAX // 1024} KB; the rest of it is not read")
            continue
        lines.append(line)
    lines = [line for line in lines if not line.startswith((b"From ", b">From "))]
    return parsed(lines, problems), state.position


def _delimiter(state: _Scan, line: bytes) -> int | None:
    """Return which open container the line is a delimiter of, innermost first."""
    bare = line.rstrip()
    for level in range(len(state.open) - 1, -1, -1):
        delimiter = state.open[level][1]
        if delimiter and bare in (delimiter, delimiter + b"--"):
            return level
    return None


def _close_to(state: _Scan, level: int, position: int) -> None:
    """End everything inside the container at `level` at `position`."""
    if state.leaf is not None:
        state.leaf.end = max(state.leaf.start, position)
        state.leaf = None
    while len(state.open) > level + 1:
        part, _ = state.open.pop()
        part.end = max(part.start, position)


def _after_delimiter(state: _Scan, line: bytes) -> None:
    """Begin the next part, or end the container when the delimiter was its last."""
    container, delimiter = state.open[-1]
    if line.rstrip() == delimiter + b"--":
        container.end = state.position
        state.open.pop()
    elif state.parts >= PARTS_MAX:
        remark = f"it has more than {PARTS_MAX} parts; the rest is not shown"
        if remark not in container.problems:
            container.problems.append(remark)
    else:
        _begin(state, container)


def _newline(before: bytes) -> int:
    if before.endswith(b"\r\n"):
        return 2
    return 1 if before.endswith(b"\n") else 0
