"""Disconnect while a hundred calls are under way through two workers: nothing starts afterwards."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, select

from signoff.connections import actions
from signoff.connectors.protocol import ToolAnswer, ToolSpec
from signoff.gateways.services import Services
from signoff.gateways.tool.gateway import act
from signoff.settings import Settings
from signoff.tables.runs import Step
from signoff.tables.session import Store
from tests.gateways.kit_world import World, make_world, settings_for

CALLS = 100
EFFECTIVE_SECONDS_MAX = 1.0


@dataclass
class SlowLink:
    """Every call takes a moment, and the moment it starts is kept."""

    started: list[float] = field(default_factory=list[float])
    hosts: tuple[str, ...] = ()
    is_alive: bool = True
    open_calls: int = 0

    async def list_tools(self) -> list[ToolSpec]:
        return []

    async def call(self, tool: str, args: dict[str, Any], *, key: str | None, timeout_seconds: float) -> ToolAnswer:
        self.started.append(time.monotonic())
        await asyncio.sleep(0.2)
        return ToolAnswer({"ok": True})

    async def check(self) -> None: ...

    async def close(self) -> None: ...

    async def link(self, *_: Any) -> SlowLink:
        return self


@dataclass
class Caller:
    """One run that calls again and again until it is told to stop. Times are those at which a call was asked for."""

    allowed: list[float] = field(default_factory=list[float])
    refused: list[tuple[float, str | None]] = field(default_factory=list[tuple[float, str | None]])

    async def go_on(self, world: World, services: Services) -> None:
        for number in range(200):
            asked = time.monotonic()
            call = replace(world.call("look_up", number, amount=number), key=f"{world.run.run_id}:c{number}")
            outcome = await act(services, world.run, call)
            if outcome.kind != "value":
                self.refused.append((asked, outcome.code))
                return
            self.allowed.append(asked)


@pytest.mark.slow
async def test_no_call_starts_after_a_disconnect(store: Store, settings: Settings, database_url: str, tmp_path: Path):
    key = SecretStr(base64.b64encode(os.urandom(32)).decode())
    world = make_world(
        store, settings_for(settings, secret_key=key),
        limits={"tool_calls": 1_000}, secrets=[],
    )  # fmt: skip
    second_store = Store.open(database_url)
    link = SlowLink()
    workers = [
        replace(world.services, pool=cast("Any", link)),
        replace(world.services, pool=cast("Any", link), store=second_store),
    ]
    callers = [Caller() for _ in range(CALLS)]
    worlds = [world.another_run() for _ in callers]
    tasks = [
        asyncio.create_task(caller.go_on(one, workers[number % 2]))
        for number, (caller, one) in enumerate(zip(callers, worlds, strict=True))
    ]
    async with asyncio.timeout(60):
        while len(link.started) < CALLS * 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    def cut() -> float:
        with store.write() as session:
            actions.disconnect(session, world.principal, world.connection_id, reason="stop")
        return time.monotonic()

    committed = await store.run(cut)
    await asyncio.wait_for(asyncio.gather(*tasks), 60)
    late = sorted(moment - committed for moment in link.started if moment > committed)
    assert all(seconds <= EFFECTIVE_SECONDS_MAX for seconds in late), late[-5:]
    wrongly = [asked for caller in callers for asked in caller.allowed if asked > committed]
    assert wrongly == [], "a call that was asked for after the disconnect went through"
    assert {code for caller in callers for _, code in caller.refused} == {"connection_disconnected"}
    with store.write() as session:
        refused = session.scalars(select(Step.detail).where(Step.code == "connection_disconnected")).all()
        assert {detail["diagnosis"] for detail in refused} == {"shared_account"}
        session.execute(delete(Step))
    second_store.close()
    await world.services.close()
