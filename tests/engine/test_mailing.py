"""Mails of the outbox: delivered by the engine at work, tried again while the server is away, given up when refused."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr
from sqlalchemy import select

from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault
from signoff.engine.worker import Worker
from signoff.gateways.services import Services
from signoff.kit.sealing import Sealer
from signoff.people.access import Principal
from signoff.people.actions import add_member, create_setup_link, found_workspace
from signoff.people.actions.second_factors import turn_off_second_factor
from signoff.settings import Settings
from signoff.tables.people import SetupLink
from signoff.tables.record import OutboxMessage
from signoff.tables.session import Store
from tests.engine.kit_engine import engine_settings


class Box:
    """A mail server that keeps what arrives, and may refuse first."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refusals: list[str] = []

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 taken"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(45):
        while not await asyncio.to_thread(is_so):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def mailing(settings: Settings, port: int) -> Settings:
    return engine_settings(
        settings.data_dir,
        settings.store_url,
        smtp_url=SecretStr(f"smtp://127.0.0.1:{port}"),
        mail_from="Signoff <signoff@example.com>",
        public_url="https://signoff.example.com",
    )


def invite(store: Store, sealer: Sealer) -> str:
    """Invite Bob by mail; return the token."""
    with store.write() as session:
        founded = found_workspace(
            session, slug="acme", name="Acme", owner_email="alice@example.com", owner_name="Alice"
        )
        alice = Principal(
            "member", founded.member_id, "Alice", founded.workspace_id, "owner", person_id=founded.person_id
        )
        bob = add_member(session, alice, email="bob@example.com", name="Bob", role="member")
        return create_setup_link(session, alice, member_id=bob, lifetime_seconds=3600, mail_with=sealer)


def lose_factor(store: Store) -> None:
    """Found a workspace and take its owner's second factor away."""
    with store.write() as session:
        founded = found_workspace(
            session, slug="acme", name="Acme", owner_email="alice@example.com", owner_name="Alice"
        )
        turn_off_second_factor(session, founded.person_id)


def the_link(store: Store) -> SetupLink:
    with store.read() as session:
        return session.scalars(select(SetupLink)).one()


def message(store: Store) -> OutboxMessage:
    with store.read() as session:
        return session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "link.mail")).one()


async def test_an_invitation_arrives_though_the_server_was_busy_first(store: Store, settings: Settings) -> None:
    kept, port = Box(), free_port()
    kept.refusals.append("451 later")
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    services = Services.build(mailing(settings, port), store, Vault(load_keys(mailing(settings, port))))
    worker = Worker()
    await worker.start(services)
    try:
        token = await asyncio.to_thread(invite, store, Sealer(services.vault.keys))
        await until(lambda: bool(kept.mails))
        (envelope,) = kept.mails
        assert envelope.rcpt_tos == ["bob@example.com"]
        text = envelope.content.decode().replace("=\r\n", "")
        assert f"https://signoff.example.com/setup/{token}" in text
        assert "invited to work in Acme" in text
        await until(lambda: message(store).done_at is not None)
        link = the_link(store)
        assert link.mailed_at is not None
        assert link.mail_error is None
        assert token not in str(message(store).payload)
    finally:
        await worker.stop()
        controller.stop()
        await services.close()


async def test_a_mail_that_is_refused_for_good_says_why_and_is_put_away(store: Store, settings: Settings) -> None:
    kept, port = Box(), free_port()
    kept.refusals.append("550 no such person")
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    services = Services.build(mailing(settings, port), store, Vault(load_keys(mailing(settings, port))))
    worker = Worker()
    await worker.start(services)
    try:
        await asyncio.to_thread(invite, store, Sealer(services.vault.keys))
        await until(lambda: message(store).done_at is not None)
        link = the_link(store)
        assert link.mailed_at is None
        assert "550" in (link.mail_error or "")
        assert kept.mails == []
    finally:
        await worker.stop()
        controller.stop()
        await services.close()


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_server_that_is_away_is_asked_again(store: Store, settings: Settings) -> None:
    kept, port = Box(), free_port()
    services = Services.build(mailing(settings, port), store, Vault(load_keys(mailing(settings, port))))
    worker = Worker()
    await worker.start(services)
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    try:
        await asyncio.to_thread(invite, store, Sealer(services.vault.keys))
        await until(lambda: the_link(store).mail_error is not None)
        assert message(store).done_at is None
        controller.start()
        await until(lambda: bool(kept.mails))
        await until(lambda: the_link(store).mailed_at is not None)
        assert the_link(store).mail_error is None
    finally:
        await worker.stop()
        controller.stop()
        await services.close()


async def test_news_of_a_second_factor_taken_away_arrives(store: Store, settings: Settings) -> None:
    kept, port = Box(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    services = Services.build(mailing(settings, port), store, Vault(load_keys(mailing(settings, port))))
    worker = Worker()
    await worker.start(services)
    try:
        await asyncio.to_thread(lose_factor, store)
        await until(lambda: bool(kept.mails))
        (envelope,) = kept.mails
        assert envelope.rcpt_tos == ["alice@example.com"]
        assert "Your second factor on Signoff was taken away" in envelope.content.decode()
    finally:
        await worker.stop()
        controller.stop()
        await services.close()
