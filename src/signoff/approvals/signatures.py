"""Whether a chat itself sent what arrived: its signature over the whole body, compared in constant time. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

# What is older, or says that it comes from the future, is somebody who plays it again.
WINDOW_SECONDS = 300


def is_from_slack(secret: str, *, timestamp: str, signature: str, body: bytes, moment: datetime) -> bool:
    """Return whether Slack signed this body, at most five minutes ago (version v0 of its signatures)."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return False
    if abs(moment.timestamp() - int(timestamp)) > WINDOW_SECONDS:
        return False
    signed = b"v0:" + timestamp.encode() + b":" + body
    expected = "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def is_from_teams(secret: str, *, authorization: str, body: bytes) -> bool:
    """Return whether an outgoing webhook of Microsoft Teams signed this body. When it was sent stands in the body."""
    scheme, _, given = authorization.partition(" ")
    try:
        key = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return False
    expected = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest())
    return scheme == "HMAC" and hmac.compare_digest(expected, given.strip().encode("utf-8", "replace"))


def is_recent(sent_at: str, moment: datetime) -> bool:
    """Return whether a message says that it was sent at most five minutes ago."""
    try:
        sent = datetime.fromisoformat(sent_at)
    except ValueError:
        return False
    return sent.tzinfo is not None and abs((moment - sent).total_seconds()) <= WINDOW_SECONDS
