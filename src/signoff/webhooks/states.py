"""States of webhooks and of their messages, and when a message is tried again. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, get_args

WebhookState = Literal["on", "off"]
DeliveryState = Literal["pending", "sending", "delivered", "failed", "dropped"]
DELIVERY_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)
# What may still be sent by itself; after a crash one that was being sent is sent again.
UNDER_WAY: tuple[DeliveryState, ...] = ("pending", "sending")

# The pauses between attempts, before chance is added: three days and some hours in all.
PAUSES_SECONDS = (2, 10, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
ATTEMPTS_MAX = len(PAUSES_SECONDS) + 1
# What an address asks for is waited for, up to a day.
RETRY_AFTER_SECONDS_MAX = 86_400
# An address that took nothing for so long, over at least so many attempts, is switched off.
OFF_AFTER = timedelta(days=3)
OFF_AFTER_ATTEMPTS = 10

_GONE = 410
# Said of one attempt: another may be taken.
_TRANSIENT = frozenset((408, 425, 429))


def is_taken(status: int) -> bool:
    """Return whether an answer says that the message was taken."""
    return 200 <= status < 300


def is_gone(status: int | None) -> bool:
    """Return whether an answer says that nobody listens there any more."""
    return status == _GONE


def is_worth_another(status: int) -> bool:
    """Return whether the same message may be taken later."""
    return status >= 500 or status in _TRANSIENT


def pause_seconds(attempts: int) -> float:
    """Return how long to wait after the n-th attempt, before chance is added."""
    return float(PAUSES_SECONDS[min(attempts, len(PAUSES_SECONDS)) - 1])
