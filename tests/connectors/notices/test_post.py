"""What people are told, posted to a real server on loopback: each service in its own form, nothing in a text acts."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.connectors import net
from signoff.connectors.notices import post
from signoff.connectors.notices.bodies import Notice
from signoff.kit.errors import ConnectorError
from tests.kit_hook import hook_server

NOTICE = Notice(
    "apr_1", "requested", "Pay <!channel>", "[x](https://evil.example)", "https://so.example/1", "Payer", "run_1",
    ("approve",),
)  # fmt: skip
LOOPBACK = net.Guard(net.AddressRules(allow_loopback=True))


@pytest.mark.parametrize("kind", ["slack", "teams", "webhook"])
async def test_each_service_is_told_in_its_own_form_and_nothing_in_a_text_does_anything(kind: str) -> None:
    with hook_server() as hook:
        await post.post_notices(LOOPBACK, kind, hook.url(), (NOTICE,))
        ((path, body),) = hook.posts
    assert path == "/hook/secret-path"
    text = str(body)
    assert "apr_1" in text or kind == "teams"
    assert "mrkdwn" not in text
    if kind == "slack":
        assert body["text"] == "Pay &lt;!channel&gt;"
        assert {block["type"] for block in body["blocks"]} == {"header", "section", "actions"}
    if kind == "teams":
        card: dict[str, Any] = body["attachments"][0]["content"]
        assert {part["type"] for part in card["body"]} == {"RichTextBlock"}


async def test_pagerduty_opens_and_ends_one_incident(monkeypatch: pytest.MonkeyPatch) -> None:
    with hook_server() as hook:
        monkeypatch.setattr(post, "PAGERDUTY", hook.url("/v2/enqueue"))
        await post.post_notices(LOOPBACK, "pagerduty", "R" * 32, (NOTICE,))
        over = Notice("apr_1", "answered", "", "", "", "", "", is_over=True)
        await post.post_notices(LOOPBACK, "pagerduty", "R" * 32, (over,))
        bodies = hook.bodies()
    assert [body["event_action"] for body in bodies] == ["trigger", "resolve"]
    assert {body["dedup_key"] for body in bodies} == {"apr_1"}


async def test_an_address_that_is_not_public_is_not_posted_to_and_a_busy_one_is_worth_another_try() -> None:
    with hook_server() as hook:
        with pytest.raises(ConnectorError) as refused:
            await post.post_notices(net.Guard(net.AddressRules()), "slack", hook.url(), (NOTICE,))
        assert not refused.value.is_transient
        assert hook.posts == []
        hook.statuses.append(503)
        with pytest.raises(ConnectorError) as busy:
            await post.post_notices(LOOPBACK, "slack", hook.url(), (NOTICE,))
        assert busy.value.is_transient
