"""What somebody says in a chat, read from what Slack and Microsoft Teams send. Pure; all of it is data."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs

_TAG = re.compile(r"<[^>]{0,500}>")
_WORDS = re.compile(r"\s*(approve|deny|link)\s+([A-Za-z0-9_-]{1,100})\s*(.*)", re.IGNORECASE | re.DOTALL)
_REASON_CHARS = 2_000
_ID_CHARS = 64


@dataclass(frozen=True, slots=True)
class Spoken:
    """Who says what.

    Args:
        account: who, as the chat knows them: the team or tenant, and the person in it.
        verb: approve, deny, link; empty when it is none of these.
        about: the request's id, or the code.
        reply_to: where Slack takes a reply; empty when the answer itself is one.
    """

    account: str
    verb: str = ""
    about: str = ""
    reason: str = ""
    reply_to: str = ""


def spoken_in_slack(body: bytes) -> Spoken | None:
    """Return what a button or a slash command of Slack says; None when it is neither."""
    try:
        fields = parse_qs(body.decode("utf-8"), max_num_fields=50)
    except (UnicodeDecodeError, ValueError):
        return None
    if "payload" in fields:
        return _button(fields["payload"][0])
    if "command" not in fields:
        return None
    account = _account(_first(fields, "team_id"), _first(fields, "user_id"))
    return _said(account, _first(fields, "text")) if account else None


def spoken_in_teams(body: bytes) -> tuple[Spoken, str] | None:
    """Return what a message to an outgoing webhook of Microsoft Teams says, and when it says that it was sent."""
    message = _object(body)
    tenant = _inside(message, "channelData", "tenant").get("id") or _inside(message, "conversation").get("tenantId")
    account = _account(tenant, _inside(message, "from").get("aadObjectId"))
    text, sent_at = message.get("text"), message.get("timestamp")
    if not account or not isinstance(text, str) or not isinstance(sent_at, str):
        return None
    mentions = re.sub(r"<at>.{0,200}?</at>", " ", text[:10_000], flags=re.DOTALL)
    plain = html.unescape(_TAG.sub(" ", mentions)).replace("\xa0", " ")
    return _said(account, plain), sent_at


def _button(payload: str) -> Spoken | None:
    told = _object(payload.encode())
    account = _account(
        _inside(told, "team").get("id") or _inside(told, "user").get("team_id"), _inside(told, "user").get("id")
    )
    actions = told.get("actions")
    if told.get("type") != "block_actions" or not account or not isinstance(actions, list) or not actions:
        return None
    first = cast("list[Any]", actions)[0]
    action = cast("dict[str, Any]", first) if isinstance(first, dict) else {}
    verb, about = action.get("action_id"), action.get("value")
    reply_to = told.get("response_url")
    kept = reply_to if isinstance(reply_to, str) and len(reply_to) <= 500 else ""
    if verb not in ("approve", "deny") or not isinstance(about, str):
        # A button that only opens a page is told of, too.
        return Spoken(account)
    return Spoken(account, verb, about[:100], reply_to=kept)


def _said(account: str, text: str) -> Spoken:
    found = _WORDS.fullmatch(text[:4_000])
    if found is None:
        return Spoken(account)
    return Spoken(account, found[1].lower(), found[2], found[3].strip()[:_REASON_CHARS])


def _account(team: Any, person: Any) -> str:
    parts = (team, person)
    if not all(isinstance(one, str) and 0 < len(one) <= _ID_CHARS and one.isascii() for one in parts):
        return ""
    return f"{team}:{person}"


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _inside(value: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        inner = value.get(name)
        value = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
    return value


def _first(fields: dict[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[0]
