"""The event stream of a run: nothing is left out, and it ends when the listener's right to listen does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from signoff.people.actions import revoke_key, set_role, sign_out
from signoff.record import trace
from signoff.record.wakes import watching
from signoff.tables.people import ApiKey, Member
from signoff.tables.runs import RunEvent
from tests.api.world import World

Serving = Callable[[Any], AbstractContextManager[str]]


@pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_of_two_at_once_the_second_gets_its_number_when_the_first_is_visible(world: World) -> None:
    """Else a watcher who saw number 6 would never be told 5, which became visible after it."""
    run = world.ids["run"]
    with world.store.write() as first:
        trace.emit(first, run, "text", {"text": "one"})
        for late in (
            lambda session: trace.emit(session, run, "text", {"text": "two"}),
            lambda session: begin(session, world),
        ):
            with world.store.read() as second:
                second.execute(text("set local lock_timeout = '100ms'"))
                with pytest.raises(OperationalError, match="lock timeout"):
                    late(second)
    with world.store.write() as second:
        trace.emit(second, run, "text", {"text": "two"})
    with world.store.read() as session:
        told = session.scalars(select(RunEvent.data).where(RunEvent.kind == "text").order_by(RunEvent.id)).all()
    assert [event["text"] for event in told] == ["one", "two"]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_watcher_in_this_process_is_woken_by_what_is_committed_and_by_nothing_else(world: World) -> None:
    run = world.ids["run"]

    def roll_back() -> None:
        with world.store.write() as session:
            trace.emit(session, run, "text", {"text": "rolled back"})
            raise KeyError

    with watching(run) as woken, watching("run_another") as other:
        with pytest.raises(KeyError):
            roll_back()
        await asyncio.sleep(0)
        assert not woken.is_set()
        with world.store.write() as session:
            trace.emit(session, run, "text", {"text": "one"})
        await asyncio.wait_for(woken.wait(), 30)
        assert not other.is_set()


def begin(session: Any, world: World, kind: Any = "model") -> str:
    return trace.begin_step(
        session, workspace_id=world.acme.workspace_id, run_id=world.ids["run"], leg=1, key=f"{kind}:1", kind=kind,
        name="openai:gpt-5-mini", messages_before=0,
    )  # fmt: skip


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_model_step_shows_the_instructions_the_model_was_given(world: World) -> None:
    with world.store.write() as session:
        model, tool = begin(session, world), begin(session, world, "tool")
    steps = f"/v1/acme/runs/{world.ids['run']}/steps"
    with world.client(key=world.keys["runner"]) as client:
        shown = client.get(f"{steps}/{model}")
        assert shown.status_code == 200, shown.text
        assert shown.json()["instructions"] == "Answer politely."
        assert client.get(f"{steps}/{tool}").json()["instructions"] is None


def revoke(world: World) -> None:
    with world.store.write() as session:
        key = session.scalars(select(ApiKey.id).where(ApiKey.name == "Runner")).one()
        revoke_key(session, world.alice, key)


def leave(world: World) -> None:
    with world.store.write() as session:
        sign_out(session, world.tokens["administrator"])


def demote(world: World) -> None:
    with world.store.write() as session:
        member = session.scalars(select(Member.id).where(Member.role == "administrator")).one()
        set_role(session, world.alice, member, role="member")


def remove(world: World) -> None:
    with world.store.write() as session:
        session.execute(update(Member).where(Member.role == "administrator").values(state="removed"))


@pytest.fixture
def listening(world: World, serving: Serving) -> Generator[Callable[..., Generator[str]]]:
    """Opens a stream of the run, which is queued and stays so, and gives its lines."""
    with serving(world.app) as address, httpx2.Client(base_url=address, timeout=60) as client:

        def lines(path: str, **headers: str) -> Generator[str]:
            with client.stream("GET", path, headers=headers) as answer:
                assert answer.status_code == 200
                yield from answer.iter_lines()

        yield lines


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("path", "how", "end"),
    [
        ("/v1/acme/runs/{run}/events", "key", revoke),
        ("/v1/acme/runs/{run}/events", "session", leave),
        ("/v1/acme/runs/{run}/events", "session", demote),
        ("/w/acme/runs/{run}/events", "session", leave),
        ("/w/acme/runs/{run}/events", "session", demote),
        ("/w/acme/runs/{run}/events", "session", remove),
    ],
)
def test_it_ends_with_the_right_to_listen_and_tells_nothing_more(
    world: World, listening: Callable[..., Generator[str]], path: str, how: str, end: Callable[[World], None]
) -> None:
    by = {"Authorization": f"Bearer {world.keys['runner']}"}
    headers = by if how == "key" else {"Cookie": f"session={world.tokens['administrator']}"}
    stream = listening(path.format(**world.ids), **headers)
    heard = [next(line for line in stream if line.startswith("data: "))]
    end(world)
    with world.store.write() as session:
        trace.emit(session, world.ids["run"], "text", {"text": "canary-after-the-end"})
    # It ends: else this would wait until the client's time is over, and raise.
    heard += list(stream)
    assert not any("canary-after-the-end" in line for line in heard)
    assert not any(line.startswith("event: done") for line in heard)
