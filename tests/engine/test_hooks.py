"""Webhooks by the engine at work: signed, tried again, and at least once whatever is killed when."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault
from signoff.engine.worker import Worker
from signoff.gateways.services import Services
from signoff.settings import Settings
from signoff.tables.session import Store
from signoff.tables.webhooks import WebhookDelivery
from signoff.webhooks import states
from signoff.webhooks.actions import create_webhook, send_test
from tests.engine.kit_engine import engine_settings, house
from tests.engine.kit_processes import Processes
from tests.engine.kit_processes import until as waited
from tests.engine.test_mailing import until
from tests.kit_hook import hook_server
from tests.rooms.webhooks.kit_webhooks import Desk, fail_a_run, make_desk


@asynccontextmanager
async def at_work(store: Store, settings: Settings, **changes: bool) -> AsyncGenerator[Settings]:
    given = engine_settings(settings.data_dir, settings.store_url, **changes)
    services = Services.build(given, store, Vault(load_keys(given)))
    worker = Worker()
    await worker.start(services)
    try:
        yield given
    finally:
        await worker.stop()
        await services.close()


def states_of(desk: Desk) -> list[str]:
    return [row.state for row in desk.rows()]


async def test_what_is_answered_500_twice_is_sent_again_under_the_same_id(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "PAUSES_SECONDS", (0.01,) * 11)
    async with at_work(store, settings, allow_loopback=True) as given:
        with hook_server() as hook:
            hook.statuses += [500, 500]
            desk = await asyncio.to_thread(make_desk, store, given)

            def happen() -> str:
                made = desk.webhook(url=hook.url(), allows_http=True)
                fail_a_run(desk)
                return made.secret

            secret = await asyncio.to_thread(happen)
            await until(lambda: states_of(desk) == ["delivered"])
            assert [one.status for one in hook.heard] == [500, 500, 200]
            assert len({one.headers["webhook-id"] for one in hook.heard}) == 1
            assert len({one.body for one in hook.heard}) == 1
            assert all(one.is_signed_by(secret) for one in hook.heard)
            (row,) = desk.rows()
            assert (row.attempts, row.status, row.event_id) == (3, 200, hook.heard[0].headers["webhook-id"])


async def test_an_address_that_is_not_public_is_not_posted_to(store: Store, settings: Settings) -> None:
    """Whatever was allowed when it was entered: the address is looked at when it is connected to."""
    async with at_work(store, settings) as given:
        with hook_server() as hook:
            desk = await asyncio.to_thread(make_desk, store, given)

            def happen() -> None:
                desk.webhook(url=hook.url(), allows_http=True)
                desk.webhook(url="http://169.254.169.254/latest/meta-data", allows_http=True)
                fail_a_run(desk)

            await asyncio.to_thread(happen)
            await until(lambda: states_of(desk) == ["failed", "failed"])
            assert hook.heard == []
            assert all("not public" in (row.last_error or "") for row in desk.rows())


async def test_a_redirect_is_not_followed_and_what_is_answered_is_kept_by_its_beginning(
    store: Store, settings: Settings
) -> None:
    async with at_work(store, settings, allow_loopback=True) as given:
        with hook_server() as hook, hook_server() as other:
            hook.statuses.append(302)
            hook.answer_headers, hook.answer_body = {"location": other.url()}, b"moved " * 1_000
            desk = await asyncio.to_thread(make_desk, store, given)

            def happen() -> None:
                desk.webhook(url=hook.url(), allows_http=True)
                fail_a_run(desk)

            await asyncio.to_thread(happen)
            await until(lambda: states_of(desk) == ["failed"])
            assert other.heard == []
            (row,) = desk.rows()
            assert row.status == 302
            assert (row.answer or "").startswith("moved ")
            assert len(row.answer or "") <= 500


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


def test_a_worker_killed_between_sending_and_noting_sends_again_the_same(
    store: Store, processes: Processes, tmp_path: Path, database_url: str
) -> None:
    vault = Vault(load_keys(engine_settings(tmp_path / "data", database_url)))
    at = house(store, "plain")
    with hook_server() as hook:
        with store.write() as session:
            made = create_webhook(
                session, at.who, vault, name="Ops", url=hook.url(), events=["run.failed"], allows_http=True
            )
            send_test(session, at.who, made.id, address="https://signoff.example.com")
        killed = processes.ended(processes.start(fault="webhook-sent-not-noted:1", until="stopped"))
        assert killed == -signal.SIGKILL
        assert len(hook.heard) == 1
        worker = processes.start(until="stopped")

        def state() -> str | None:
            with store.read() as session:
                return session.scalar(select(WebhookDelivery.state))

        waited(lambda: state() == "delivered", "the message to be noted")
        worker.terminate()
        assert processes.ended(worker) == 0
        assert len(hook.heard) == 2
        assert len({(one.headers["webhook-id"], one.body) for one in hook.heard}) == 1
        assert all(one.is_signed_by(made.secret) for one in hook.heard)
