"""A token that runs out in the middle of a run, through the real engine, gateway, pool, MCP server and provider."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from sqlalchemy import select, update

from signoff.connections import actions
from signoff.connections.discovery import discover
from signoff.connections.keys import load_keys
from signoff.connections.logins.authorising import begin_authorisation, complete_authorisation, returning
from signoff.connections.logins.setup import set_up_login
from signoff.connections.vault import Vault
from signoff.engine.logins import refresh_due
from signoff.engine.worker import Worker
from signoff.gateways.model.providers import forget_script, register_script
from signoff.gateways.services import Services
from signoff.kit import clock
from signoff.runs import actions as run_actions
from signoff.runs.states import is_over
from signoff.settings import Settings
from signoff.tables.connections import Connection, Login, Tool
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Effect, Run, Step
from signoff.tables.session import Store
from signoff.tables.watch import Alert
from tests.engine.kit_engine import House, agent, engine_settings, house
from tests.kit_oauth import Provider, System, running_provider, running_system
from tests.rooms.connections.kit_logins import BACK, setup_of

BROWSER = "ses_x"


@pytest.fixture
def provider() -> Generator[Provider]:
    with running_provider() as made:
        yield made


@pytest.fixture
def system(provider: Provider) -> Generator[System]:
    with running_system(provider) as made:
        yield made


class Bench:
    """A worker, and a connection that is signed in to the system."""

    def __init__(self, store: Store, services: Services, at: House, login_id: str) -> None:
        self.store, self.services, self.at, self.login_id = store, services, at, login_id

    async def start(self, *turns: Any, **changes: Any) -> str:
        """Start a run that makes these calls, one turn each; a callable is called before its turn."""

        def play(messages: list[ModelMessage], info: Any) -> ModelResponse:
            number = sum(isinstance(message, ModelResponse) for message in messages)
            said = turns[min(number, len(turns) - 1)]
            now: Any = said() if callable(said) else said
            if isinstance(now, str):
                return ModelResponse(parts=[TextPart(now)])
            return ModelResponse(parts=[ToolCallPart(f"erp_{tool}", {"n": n}) for tool, n in now])

        register_script("oauth", play)

        def work(session: Any) -> str:
            return run_actions.request_run(session, self.at.who, agent="orders", input="Go.").id

        return await self.store.write_async(work)

    async def over(self, run_id: str) -> Run:
        async with asyncio.timeout(60):
            while True:
                run = await self.store.run(self._run, run_id)
                if is_over(run.state):
                    return run
                await asyncio.sleep(0.02)

    def _run(self, run_id: str) -> Run:
        with self.store.read() as session:
            return session.get_one(Run, run_id)

    def rows(self, table: Any, *where: Any) -> list[Any]:
        with self.store.read() as session:
            return list(session.scalars(select(table).where(*where)))

    def login(self) -> Login:
        return self.rows(Login, Login.id == self.login_id)[0]

    def change(self, **values: Any) -> None:
        with self.store.write() as session:
            session.execute(update(Login).where(Login.id == self.login_id).values(**values))


@pytest.fixture
async def bench(
    store: Store, tmp_path: Path, database_url: str, provider: Provider, system: System
) -> AsyncGenerator[Bench]:
    settings: Settings = engine_settings(tmp_path / "data", database_url, allow_loopback=True)
    vault = Vault(load_keys(settings))
    services = Services.build(settings, store, vault)
    at = house(store, "unused")
    with store.write() as session:
        session.execute(update(Connection).where(Connection.id == at.connection_id).values(config={"url": system.url}))
        for row in session.scalars(select(Tool)):
            session.delete(row)
        login_id = set_up_login(
            session, at.who, vault, at.connection_id, setup_of(provider, resource=system.url), settings=settings
        )
    await authorise(store, services, at)
    await discover(store, services, at.who, at.connection_id)
    with store.write() as session:
        actions.set_tool_effect(session, at.who, at.connection_id, tool="look", effect="read")
        actions.set_tool_effect(session, at.who, at.connection_id, tool="post", effect="write")
    agent(
        store, at, "oauth", slug="orders", model={"name": "scripted:oauth"},
        tools=[{"slot": "erp", "allow": [{"tool": "look"}, {"tool": "post"}]}],
        # What is read before does not matter here.
        rules={"flow": "off"},
    )  # fmt: skip
    worker = Worker()
    await worker.start(services)
    yield Bench(store, services, at, login_id)
    await worker.stop()
    await services.close()
    forget_script("oauth")


async def authorise(store: Store, services: Services, at: House) -> None:
    who = replace(at.who, kind="member", id="mem_test", name="Test")
    with store.write() as session:
        away = begin_authorisation(session, who, services.vault, at.connection_id, browser=BROWSER, redirect_uri=BACK)
    async with httpx2.AsyncClient(trust_env=False) as client:
        query = dict(httpx2.URL((await client.get(away.url)).headers["location"]).params)
    with store.read() as session:
        back = returning(session, query["state"], BROWSER)
    await complete_authorisation(store, services, who, back, code=query["code"], issuer=query["iss"])


async def test_a_token_that_expires_in_a_run_is_refreshed_and_each_effect_happens_once(
    bench: Bench, provider: Provider, system: System
):
    """The provider ends the token without telling: the system answers 401, the call is made again with a fresh one."""

    def expire() -> Any:
        provider.expire_all()
        return [("post", 2)]

    run_id = await bench.start([("look", 1)], [("post", 1)], expire, [("post", 3)], "Done.")
    run = await bench.over(run_id)
    assert (run.state, run.reason) == ("completed", None)
    assert system.acts == [1, 2, 3]
    assert len(provider.grants("refresh_token")) == 1
    assert {effect.state for effect in bench.rows(Effect, Effect.run_id == run_id)} == {"done"}
    tries = [step.detail.get("attempts", []) for step in bench.rows(Step, Step.run_id == run_id, Step.kind == "tool")]
    assert sorted(len(attempts) for attempts in tries) == [1, 1, 1, 2]
    refused = next(attempts for attempts in tries if len(attempts) == 2)
    assert refused[0]["code"] == "connector_sign_in"


async def test_no_token_is_in_anything_that_is_kept(bench: Bench, provider: Provider, system: System):
    def expire() -> Any:
        provider.expire_all()
        return [("look", 2)]

    run_id = await bench.start([("look", 1)], expire, "Done.")
    assert (await bench.over(run_id)).state == "completed"
    steps = bench.rows(Step, Step.run_id == run_id)
    kept = repr([(step.request, step.response, step.detail, step.reason) for step in steps])
    assert "{{secret.login.erp" in kept, "the system repeated its token, so the mask stands there"
    for token in (*provider.access, *provider.refresh, "client-secret-1"):
        assert token not in kept
        assert token not in repr([row.payload for row in bench.rows(OutboxMessage)])


async def test_a_refused_refresh_alerts_at_once_and_the_run_is_told(bench: Bench, provider: Provider, system: System):
    def break_it() -> Any:
        provider.expire_all()
        provider.trouble = "invalid_grant"
        return [("post", 1)]

    run_id = await bench.start([("look", 1)], break_it, [("post", 2)], "I could not post it.")
    run = await bench.over(run_id)
    assert system.acts == []
    assert run.state == "completed"
    failed = [step for step in bench.rows(Step, Step.run_id == run_id) if step.state in ("failed", "refused")]
    assert {step.code for step in failed} == {"login_refresh_failed"}
    assert {step.detail["diagnosis"] for step in failed} == {"expired_or_revoked"}
    assert len(provider.grants("refresh_token")) == 1
    async with asyncio.timeout(10):
        while not bench.rows(Alert, Alert.kind == "login_refresh_failed", Alert.resolved_at.is_(None)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    provider.trouble = ""
    await authorise(bench.store, bench.services, bench.at)
    async with asyncio.timeout(10):
        while bench.rows(Alert, Alert.resolved_at.is_(None)):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_token_is_replaced_before_it_runs_out(bench: Bench, provider: Provider, system: System):
    """By the worker's own sweep, so that no call ever sees a 401."""
    version = bench.login().version
    bench.change(refresh_due_at=clock.now())
    async with asyncio.timeout(20):
        while bench.login().version == version:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert len(provider.grants("refresh_token")) == 1
    assert await refresh_due(bench.services) == 0


async def test_a_disconnect_stops_the_run_and_revokes_at_the_provider(bench: Bench, provider: Provider, system: System):
    def cut() -> Any:
        with bench.store.write() as session:
            actions.disconnect(session, bench.at.who, bench.at.connection_id, reason="stop")
        return [("post", 2)]

    run_id = await bench.start([("post", 1)], cut, "Done.")
    run = await bench.over(run_id)
    assert (run.state, run.code) == ("failed", "connection_disconnected")
    assert system.acts == [1]
    async with asyncio.timeout(10):
        while bench.login().tokens is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert all(provider.look_up(token) is None for token in provider.access)


async def test_a_missing_scope_is_diagnosed_as_that(bench: Bench, provider: Provider, system: System):
    provider.scopes_given = "other"
    provider.expire_all()
    run_id = await bench.start([("look", 1)], "It lacks a scope.")
    await bench.over(run_id)
    step = bench.rows(Step, Step.run_id == run_id, Step.kind == "tool")[0]
    assert (step.code, step.detail["diagnosis"]) == ("connector_wrong_scope", "wrong_scope")
    assert len(provider.grants("refresh_token")) == 1
