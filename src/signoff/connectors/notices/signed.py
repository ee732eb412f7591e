"""One signed message to an address of a workspace's own choosing: what it answered, and how the answer begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from signoff.connectors import net
from signoff.connectors.fetch import Outgoing, fetch
from signoff.kit import clock
from signoff.kit.text import shortened

SECONDS_MAX = 15.0
_ANSWER_BYTES_MAX = 100_000
_BEGINNING_CHARS = 500


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer.

    Args:
        beginning: how its body begins; untrusted.
        retry_after: after how many seconds it asks to be tried again, if it says so.
    """

    status: int
    beginning: str
    retry_after: float | None


async def post_signed(
    guard: net.Guard, url: str, headers: Mapping[str, str], body: bytes, *, seconds: float = SECONDS_MAX
) -> Answered:
    """Post a message. A redirect is an answer like any other, and is not followed.

    Raises:
        ConnectorError: nothing was answered, or the address is not one that is posted to; `is_transient` when trying
            again later may help.
    """
    async with net.client_of(guard, seconds=seconds, body_bytes_max=_ANSWER_BYTES_MAX) as client:
        answer = await fetch(client, Outgoing("POST", net.checked_url(url), headers, body), redirects_max=0)
    return Answered(
        answer.status, shortened(answer.text, _BEGINNING_CHARS), _seconds(answer.headers.get("retry-after"))
    )


def _seconds(value: str | None) -> float | None:
    """Return what a `Retry-After` asks for: seconds, or a moment."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    moment = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max((moment - clock.now()).total_seconds(), 0.0)
