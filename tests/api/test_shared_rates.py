"""A limit holds over all processes of one Postgres: each instance here stands for one of them."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from signoff.api import shared_rates
from signoff.api.shared_rates import SharedRates
from signoff.app import build_app
from signoff.kit import clock
from signoff.kit.rates import Grant
from signoff.people import shared_counts
from signoff.tables.people import RateCount
from signoff.tables.session import Store
from tests.api.world import BASE, World

on_postgres = pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the test: change its one number."""
    moment = [1_000.0]
    monkeypatch.setattr(clock, "monotonic_seconds", lambda: moment[0])
    monkeypatch.setattr(shared_counts, "_now_seconds", lambda: 1_800_000_000 + moment[0])
    return moment


def take(processes: list[SharedRates], times: int, key: str = "a") -> list[Grant]:
    """What each of so many requests is told, dealt out to the processes in turn."""

    async def whole() -> list[Grant]:
        return [await processes[turn % len(processes)].take(key) for turn in range(times)]

    return asyncio.run(whole())


def rows(store: Store) -> int:
    with store.read() as session:
        return session.scalars(select(func.count()).select_from(RateCount)).one()


def test_one_process_lets_through_the_limit_and_no_more(store: Store, now: list[float]) -> None:
    told = take([SharedRates(100, store)], 150)
    assert [grant.is_allowed for grant in told] == [True] * 100 + [False] * 50
    assert told[-1].reset_seconds > 0
    now[0] += 62
    assert take([SharedRates(100, store)], 1)[0].is_allowed


@on_postgres
@pytest.mark.parametrize("processes", [2, 3, 5])
def test_several_processes_share_one_limit(store: Store, now: list[float], processes: int) -> None:
    passed = sum(
        grant.is_allowed for grant in take([SharedRates(100, store) for _ in range(processes)], 100 * processes)
    )
    # Each may let a twentieth through before it tells, and keep a twentieth that it has not used.
    assert 100 - 5 * processes <= passed <= 100 + 5 * processes


@on_postgres
def test_in_no_minute_is_much_more_let_through(store: Store, now: list[float]) -> None:
    """Two processes under twice the load for five minutes: every window of 60 seconds is looked at."""
    processes, passed = [SharedRates(60, store), SharedRates(60, store)], list[float]()
    for turn in range(600):
        passed += [now[0]] * sum(grant.is_allowed for grant in take(processes, 2, f"key-{turn // 600}"))
        now[0] += 0.5
    most = max(sum(start <= at < start + 60 for at in passed) for start in passed)
    assert 54 <= most <= 72
    assert len(passed) >= 5 * 54


@on_postgres
def test_whoever_asks_little_and_a_flood_of_names_never_reach_the_database(store: Store, now: list[float]) -> None:
    processes = [SharedRates(100, store), SharedRates(100, store)]
    for number in range(50):
        assert all(grant.is_allowed for grant in take(processes, 4, f"made-up-{number}"))
    assert rows(store) == 0
    take(processes, 30)
    assert rows(store) == 1


@on_postgres
def test_requests_at_the_same_moment_take_turns(store: Store, now: list[float]) -> None:
    processes = [SharedRates(100, store), SharedRates(100, store)]

    async def whole() -> list[Grant]:
        return list(await asyncio.gather(*(each.take("a") for each in processes for _ in range(150))))

    told = asyncio.run(whole())
    assert 90 <= sum(grant.is_allowed for grant in told) <= 110


@on_postgres
def test_without_the_database_each_process_counts_for_itself(
    store: Store, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def away(session: object, key: str, wanted: int, *, per_minute: int) -> None:
        asked.append(key)
        raise OperationalError("select", {}, Exception("the server is away"))

    monkeypatch.setattr(shared_rates, "take_share", away)
    process = SharedRates(20, store)
    assert [grant.is_allowed for grant in take([process], 25)] == [True] * 20 + [False] * 5
    assert len(asked) == 1
    monkeypatch.undo()


@on_postgres
def test_a_key_gets_one_allowance_from_two_serving_processes(world: World) -> None:
    settings = world.settings.model_copy(update={"rate_per_minute": 40})
    apps = [build_app(settings, with_worker=False) for _ in range(2)]
    headers = {"Authorization": f"Bearer {world.keys['runner']}"}
    clients = [TestClient(app, base_url=BASE, headers=headers) for app in apps]
    answers = [clients[turn % 2].get("/v1/me") for turn in range(80)]
    for client, app in zip(clients, apps, strict=True):
        client.close()
        app.state.house.readiness.census.close()
        app.state.house.services.store.close()
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {200, 429}
    assert 36 <= codes.count(200) <= 44
    assert int(answers[-1].headers["Retry-After"]) > 0
