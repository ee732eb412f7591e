"""The header of a message or a part: fields as bytes, decoded one by one, none of them trusted."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC
from email.errors import MessageError
from email.message import Message
from email.utils import parsedate_to_datetime

from signoff.connectors.mail.charsets import decoded, guessed
from signoff.kit.text import shortened

VALUE_CHARS_MAX = 2_000
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,4000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(=\?)")
_TOKEN = re.compile(r"^[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}$")


# A message has each of these once. One that repeats them may show a filter one thing and a reader another.
_ONCE = ("from", "sender", "reply-to", "to", "cc", "date", "subject")


@dataclass(slots=True)
class Headers:
    """Fields by lower-case name; the first of each name counts."""

    fields: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def text(self, name: str, problems: list[str] | None = None) -> str:
        """Return a field decoded for people, on one line, at most 2,000 characters; empty when absent."""
        raw = self.fields.get(name, b"")
        return shortened(
            " ".join(_words(guessed(raw), problems if problems is not None else []).split()), VALUE_CHARS_MAX
        )

    @property
    def media_type(self) -> str:
        """Return the declared media type in lower case; `text/plain` when it says none that makes sense."""
        declared = guessed(self.fields.get("content-type", b"")).partition(";")[0].strip().lower()
        return declared if _TOKEN.match(declared) else "text/plain"

    @property
    def transfer_encoding(self) -> str:
        """Return the declared transfer encoding in lower case."""
        return guessed(self.fields.get("content-transfer-encoding", b"")).partition(";")[0].strip().lower()[:40]

    def parameter(self, name: str, parameter: str) -> str:
        """Return a parameter of a field (`charset` of `content-type`), with RFC 2231 undone; empty when absent."""
        raw = guessed(self.fields.get(name, b""))[: VALUE_CHARS_MAX * 2]
        if parameter not in raw.lower():
            return ""
        message = Message()
        try:
            message[name] = " ".join(raw.split())
            found = message.get_param(parameter, "", header=name)
        except (MessageError, ValueError, LookupError, IndexError, AttributeError, TypeError):
            return ""
        if isinstance(found, tuple):
            charset, _, value = found
            return decoded(value.encode("latin-1", "replace"), charset or "utf-8", [])
        return _words(str(found), [])

    @property
    def filename(self) -> str:
        """Return the file name a part gives itself, without any path; empty when it gives none."""
        given = self.parameter("content-disposition", "filename") or self.parameter("content-type", "name")
        last = re.split(r"[/\\]", given)[-1].strip('"')
        return shortened("".join(char for char in last if char.isprintable()).strip(), 200)

    def date(self, problems: list[str]) -> str | None:
        """Return the date in ISO 8601 with its offset, or as it stands there when it makes no sense."""
        text = self.text("date")
        if not text:
            return None
        try:
            moment = parsedate_to_datetime(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
        except (ValueError, TypeError, OverflowError, IndexError):
            problems.append("the date makes no sense")
            return shortened(text, 100)


def _words(text: str, problems: list[str]) -> str:
    """Return `text` with its encoded words (`=?utf-8?q?…?=`) decoded."""
    if "=?" not in text:
        return text
    return _ENCODED_WORD.sub(lambda match: _word(match, problems), _BETWEEN_WORDS.sub(r"\1\2", text))


def _word(match: re.Match[str], problems: list[str]) -> str:
    charset, kind, body = match.group(1).partition("*")[0], match.group(2).lower(), match.group(3)
    raw = body.encode("ascii", "ignore")
    try:
        if kind == "b":
            data = base64.b64decode(raw + b"=" * (-len(raw) % 4))
        else:
            data = binascii.a2b_qp(raw, header=True)
    except (binascii.Error, ValueError):
        problems.append("a header is encoded in a way that cannot be undone")
        return match.group(0)
    return decoded(data, charset, problems)


def parsed(lines: list[bytes], problems: list[str]) -> Headers:
    """Return the fields of header lines; folded lines are joined, lines that are no field are remarked on."""
    headers = Headers()
    name = ""
    parts: dict[str, list[bytes]] = {}
    times: Counter[str] = Counter()
    has_strays = False
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            if name:
                parts[name].append(line.strip(b"\r\n"))
            continue
        found = field_name(line)
        if found is None:
            has_strays = True
            name = ""
            continue
        times[found] += 1
        # A repeated field is kept under a name that nothing asks for, so that its folded lines go along.
        name = found if found not in parts else f"{found} again"
        parts[name] = [line.partition(b":")[2].strip(b"\r\n")]
    headers.fields = {key: b"".join(value).strip() for key, value in parts.items()}
    problems.extend(
        f"the header has {times[once]} {once.title()} fields; the first one is shown"
        for once in _ONCE
        if times[once] > 1
    )
    if has_strays:
        problems.append("the header holds lines that are no fields")
    return headers


_FIELD = re.compile(rb"^([!-9;-~]{1,100})[ \t]*:")


def field_name(line: bytes) -> str | None:
    """Return the lower-case name of the field that begins on this line, or None."""
    match = _FIELD.match(line)
    return match.group(1).decode("ascii").lower() if match else None
