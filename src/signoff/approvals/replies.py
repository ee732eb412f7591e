"""A reply to whoever pressed a button in Slack: where to is sealed, because whoever knows it can write there."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from signoff.kit import ids
from signoff.kit.canonical import canonical_json
from signoff.kit.sealing import Sealed, Sealer
from signoff.kit.text import shortened
from signoff.record import outbox

REPLY = "chat.reply"
# What Slack sends is signed, and still nothing is posted anywhere else.
HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")


def ask_for_reply(session: Session, sealer: Sealer, workspace_id: str, reply_to: str, text: str) -> None:
    """Have a reply posted to where Slack takes it, when that is Slack."""
    if not is_slack(reply_to):
        return
    reply = ids.new_id("rpl")
    sealed = sealer.seal(reply_to, _place(reply))
    outbox.send(
        session, workspace_id=workspace_id, kind=REPLY,
        payload={
            "reply": reply, "text": shortened(text, 1_000), "ciphertext": base64.b64encode(sealed.ciphertext).decode(),
            "nonce": base64.b64encode(sealed.nonce).decode(), "key": sealed.key_id,
        },
    )  # fmt: skip


def read_reply(sealer: Sealer, payload: Mapping[str, Any]) -> tuple[str, str]:
    """Return where a reply goes, and what it says."""
    sealed = Sealed(base64.b64decode(payload["ciphertext"]), base64.b64decode(payload["nonce"]), str(payload["key"]))
    return sealer.open(sealed, _place(str(payload["reply"]))), str(payload["text"])


def is_slack(address: str) -> bool:
    """Return whether an address is Slack's own."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and parts.netloc in HOSTS


def _place(reply: str) -> bytes:
    return canonical_json(["signoff.chat_reply.v1", reply]).encode()
