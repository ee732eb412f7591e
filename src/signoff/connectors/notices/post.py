"""One post to a service that people are told through."""

from __future__ import annotations

import json
from typing import Any

from signoff.connectors import faults, net
from signoff.connectors.fetch import Outgoing, fetch
from signoff.connectors.notices.bodies import Notice, escaped, pagerduty_body, slack_body, teams_body, webhook_body
from signoff.kit.errors import ConnectorError

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
_ANSWER_BYTES_MAX = 100_000


async def post_notices(
    guard: net.Guard, kind: str, target: str, notices: tuple[Notice, ...], *, seconds: float = 20.0
) -> None:
    """Tell a service. What is told may be told twice when an answer is lost; it is never lost in silence.

    Raises:
        ConnectorError: it was not taken; `is_transient` when trying again later may help.
    """
    if kind == "pagerduty":
        for notice in notices:
            await _post(guard, PAGERDUTY, pagerduty_body(target, notice), seconds)
        return
    body = {"slack": slack_body, "teams": teams_body, "webhook": webhook_body}[kind](notices)
    await _post(guard, target, body, seconds)


async def post_reply(guard: net.Guard, url: str, text: str, *, seconds: float = 20.0) -> None:
    """Answer whoever pressed a button in Slack; only they see it, and the message stays as it is.

    Raises:
        ConnectorError: it was not taken.
    """
    body = {"response_type": "ephemeral", "replace_original": False, "text": escaped(text)}
    await _post(guard, url, body, seconds)


async def _post(guard: net.Guard, url: str, body: dict[str, Any], seconds: float) -> None:
    content = json.dumps(body).encode()
    async with net.client_of(guard, seconds=seconds, body_bytes_max=_ANSWER_BYTES_MAX) as client:
        answer = await fetch(
            client,
            Outgoing("POST", net.checked_url(url), {"content-type": "application/json"}, content),
            redirects_max=0,
        )
    if 200 <= answer.status < 300:
        return
    raise _refused(answer.status)


def _refused(status: int) -> ConnectorError:
    # What it says is not repeated: some services put the address, which is a secret, into it.
    if status == 429 or status >= 500:
        return faults.fault(faults.RATE_LIMITED, f"The service does not take messages for now ({status}).")
    return faults.fault(faults.REJECTED, f"The service refused the message ({status}). Check the channel's address.")
