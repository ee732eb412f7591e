"""People are told of requests by the engine at work: by mail, by Slack; whatever is away first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from signoff.approvals.actions.channels import add_channel
from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault
from signoff.connectors import net
from signoff.connectors.notices import post
from signoff.connectors.notices.bodies import Notice
from signoff.engine.worker import Worker
from signoff.gateways.services import Services
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings
from signoff.tables.notices import ApprovalDelivery
from signoff.tables.session import Store
from tests.engine.kit_engine import engine_settings
from tests.engine.test_mailing import Box, free_port, mailing, until
from tests.kit_hook import hook_server
from tests.rooms.approvals.kit_approvals import Desk, make_desk


def states(desk: Desk) -> list[str]:
    with desk.store.read() as session:
        return list(session.scalars(select(ApprovalDelivery.state).order_by(ApprovalDelivery.id)))


async def test_those_asked_are_mailed_at_their_own_address(store: Store, settings: Settings) -> None:
    kept, port = Box(), free_port()
    kept.refusals.append("451 later")
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    services = Services.build(mailing(settings, port), store, Vault(load_keys(mailing(settings, port))))
    worker = Worker()
    await worker.start(services)
    try:
        desk = await asyncio.to_thread(make_desk, store)
        await asyncio.to_thread(desk.asked)
        await until(lambda: len(kept.mails) == 2 or "sent" in states(desk))
        await until(lambda: "sent" in states(desk))
        texts = [mail.content.decode().replace("=\r\n", "") for mail in kept.mails]
        assert all("https://signoff.example.com/decide/dec_" in text for text in texts)
        assert {mail.rcpt_tos[0].split("@")[0] for mail in kept.mails} <= {"bob", "carol"}
    finally:
        await worker.stop()
        controller.stop()
        await services.close()


async def test_a_channel_gets_its_message_and_what_failed_is_on_record(store: Store, settings: Settings) -> None:
    given = engine_settings(settings.data_dir, settings.store_url, allow_loopback=True)
    services = Services.build(given, store, Vault(load_keys(given)))
    worker = Worker()
    await worker.start(services)
    try:
        with hook_server() as good, hook_server() as bad:
            bad.statuses.append(404)
            desk = await asyncio.to_thread(make_desk, store)

            def ask() -> str:
                for who, hook in ((desk.bob, good), (desk.carol, bad)):
                    with store.write() as session:
                        add_channel(
                            session, who, services.vault, kind="slack", name="chat", target=hook.url(), allows_http=True
                        )
                return desk.asked()

            approval = await asyncio.to_thread(ask)
            await until(lambda: sorted(states(desk)) == ["failed", "sent"])
            (body,) = good.bodies()
            assert "Pay 900" in str(body["blocks"])
            assert f"/inbox/{approval}" in str(body["blocks"])
            assert bad.bodies() == []
            with store.read() as session:
                failed = session.scalars(select(ApprovalDelivery).where(ApprovalDelivery.state == "failed")).one()
                assert "404" in (failed.last_error or "")
                assert "secret-path" not in (failed.last_error or "")
    finally:
        await worker.stop()
        await services.close()


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
