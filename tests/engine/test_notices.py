"""People are told of requests by the engine at work: by mail, by Slack; whatever is away first."""

from __future__ import annotations

import asyncio
from typing import Any

from aiosmtpd.controller import Controller
from sqlalchemy import select

from signoff.approvals.actions.channels import add_channel
from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault
from signoff.engine.worker import Worker
from signoff.gateways.services import Services
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


def plain(mail: Any) -> str:
    return mail.content.decode().replace("=\r\n", "")


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
        # Another mail tells whoever answers for the agent that one of these was not taken.
        asking = [mail for mail in kept.mails if "https://signoff.example.com/decide/dec_" in plain(mail)]
        assert asking
        assert {mail.rcpt_tos[0].split("@")[0] for mail in asking} <= {"bob", "carol"}
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
