"""Links are shared, replaced when they must be, and all closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from signoff.connectors import faults
from signoff.connectors import pool as pools
from signoff.connectors.pool import Pool
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

pytestmark = pytest.mark.anyio


class FakeLink:
    hosts: tuple[str, ...] = ()

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.is_alive = True
        self.open_calls = 0
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1
        self.is_alive = False


class Opener:
    def __init__(self) -> None:
        self.opened: list[FakeLink] = []
        self.wait: float = 0

    async def __call__(self, settings: Settings, kind: str, config: Mapping[str, Any]) -> Any:
        await asyncio.sleep(self.wait)
        self.opened.append(FakeLink(config))
        return self.opened[-1]


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_tasks_that_come_together_share_one_link() -> None:
    opener = Opener()
    opener.wait = 0.01
    pool = Pool(Settings(), opener=opener)
    links = await asyncio.gather(*(pool.link("con_1", 1, "x", {"a": 1}) for _ in range(10)))
    assert len(opener.opened) == 1
    assert all(link is links[0] for link in links)


async def test_a_new_version_or_value_replaces_the_link_once_its_calls_are_over() -> None:
    opener = Opener()
    pool = Pool(Settings(), opener=opener)
    first: Any = await pool.link("con_1", 1, "x", {"h": "old"})
    first.open_calls = 1
    second: Any = await pool.link("con_1", 1, "x", {"h": "new"})
    third: Any = await pool.link("con_1", 2, "x", {"h": "new"})
    other: Any = await pool.link("con_2", 1, "x", {"h": "old"})
    await settled()
    assert first is not second is not third
    assert (first.closed, second.closed, third.closed, other.closed) == (0, 1, 0, 0)
    first.open_calls = 0
    await asyncio.sleep(0.1)
    assert first.closed == 1


async def test_a_dead_link_is_opened_again() -> None:
    opener = Opener()
    pool = Pool(Settings(), opener=opener)
    first: Any = await pool.link("con_1", 1, "x", {})
    first.is_alive = False
    second: Any = await pool.link("con_1", 1, "x", {})
    await settled()
    assert second is not first
    assert first.closed == 1


async def test_the_longest_unused_is_let_go_beyond_the_limit() -> None:
    opener = Opener()
    pool = Pool(Settings(), opener=opener, links_max=3)
    for number in range(5):
        await pool.link(f"con_{number}", 1, "x", {})
    await settled()
    assert [link.closed for link in opener.opened] == [1, 1, 0, 0, 0]


async def test_opening_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "OPEN_SECONDS_MAX", 0.05)
    opener = Opener()
    opener.wait = 60
    with pytest.raises(ConnectorError) as caught:
        await Pool(Settings(), opener=opener).link("con_1", 1, "x", {})
    assert caught.value.code == faults.TIMEOUT


async def test_closing_closes_all_and_ends_the_pool() -> None:
    opener = Opener()
    pool = Pool(Settings(), opener=opener)
    busy: Any = await pool.link("con_1", 1, "x", {})
    busy.open_calls = 1
    await pool.link("con_1", 2, "x", {})
    await pool.link("con_2", 1, "x", {})
    await asyncio.sleep(0)
    await pool.close()
    assert [link.closed for link in opener.opened] == [1, 1, 1]
    with pytest.raises(ConnectorError, match="shutting down"):
        await pool.link("con_1", 1, "x", {})


async def test_a_kind_nobody_knows_is_told() -> None:
    with pytest.raises(ConnectorError, match="no connector of kind") as caught:
        await Pool(Settings()).link("con_1", 1, "telepathy", {})
    assert caught.value.code == faults.BAD_CONFIG
