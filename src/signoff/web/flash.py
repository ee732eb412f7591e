"""One short message that survives a redirect: "Saved.", "Revision 3 is frozen." It travels in a cookie for a minute."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Literal, cast

from starlette.requests import Request
from starlette.responses import Response

Tone = Literal["ok", "run", "wait", "bad", "note", "idle"]
TONES: tuple[Tone, ...] = ("ok", "run", "wait", "bad", "note", "idle")
COOKIE = "flash"
TITLE_MAX = 200
TEXT_MAX = 600


@dataclass(frozen=True, slots=True)
class Flash:
    """A title of at most 200 characters, and at most 600 more that explain it."""

    title: str
    text: str = ""
    tone: Tone = "ok"


def set_flash(response: Response, flash: Flash) -> None:
    """Shown once, on the next page. Too long words are cut: a cookie has room for about 4,000 bytes."""
    body = json.dumps([flash.tone, flash.title[:TITLE_MAX], flash.text[:TEXT_MAX]], ensure_ascii=False)
    value = base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")
    response.set_cookie(COOKIE, value, max_age=60, samesite="lax", httponly=True)


def clear_flash(response: Response) -> None:
    """It was shown; the browser forgets it."""
    response.delete_cookie(COOKIE, samesite="lax", httponly=True)


def read_flash(request: Request) -> Flash | None:
    """The message of this request. A cookie is the sender's word, so anything odd is no message."""
    value = request.cookies.get(COOKIE)
    if not value:
        return None
    try:
        parts: Any = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (ValueError, binascii.Error, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(parts, list):
        return None
    words = cast(list[object], parts)
    if len(words) != 3 or not all(isinstance(word, str) for word in words):
        return None
    tone, title, text = cast(list[str], words)
    return Flash(title[:TITLE_MAX], text[:TEXT_MAX], tone if tone in TONES else "idle")
