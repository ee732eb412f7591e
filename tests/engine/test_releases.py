"""Runs are started without a pause while what serves is released, put on trial and rolled back."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from math import sqrt
from typing import Any

from sqlalchemy import select

from signoff.deployments.traffic import bucket
from signoff.engine.releasing import look_at_releases
from signoff.kit import clock
from signoff.releases.actions import promote_now, roll_back
from signoff.runs.actions import request_run
from signoff.runs.facts import RequestedRun
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.rooms.releases.kit_releases import World, world

STARTERS = 3
KEYS = [f"customer-{number}" for number in range(40)]


class Traffic:
    """Starts runs from several threads until it is told to end; at least so many of each."""

    def __init__(self, at: World) -> None:
        self._at = at
        self._ended = threading.Event()
        self.asked: list[tuple[str, RequestedRun]] = []
        self.faults: list[BaseException] = []
        self._threads = [threading.Thread(target=self._start, args=(number,)) for number in range(STARTERS)]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _start(self, number: int) -> None:
        count = 0
        while (not self._ended.is_set() or count < 20) and count < 150:
            key = KEYS[(number * 13 + count) % len(KEYS)]
            try:
                with self._at.store.write() as session:
                    made = request_run(session, self._at.ann, agent=self._at.agent_id, input={"n": count},
                                       sticky_key=key)  # fmt: skip
                self.asked.append((key, made))
            except BaseException as fault:  # The test says what went wrong.
                self.faults.append(fault)
            count += 1


def test_no_run_is_lost_or_on_two_revisions_while_what_serves_changes(store: Store):
    at = world(store, 4)
    with Traffic(at) as traffic:
        at.ask(2)
        at.ask(3, {"canary": {"steps": [{"share_percent": 25, "minutes": 1}, {"share_percent": 75, "minutes": 1}]}})
        for _ in range(2):
            with store.write() as session:
                promote_now(session, at.ann, _newest(store, at), reason="next step")
        with store.write() as session:
            roll_back(session, at.ann, at.agent_id, environment="production", reason="back")
        at.ask(4)
    assert traffic.faults == []
    assert at.live() == 4
    with store.read() as session:
        rows = {run.id: run for run in session.scalars(select(Run))}
        messages = Counter(
            message.payload["run_id"]
            for message in session.scalars(select(OutboxMessage))
            if message.kind == "run.start"
        )
    assert len(traffic.asked) >= STARTERS * 20
    assert {made.id for _, made in traffic.asked} == set(rows)
    # Each was started once, under the revision its caller was told.
    assert set(messages.values()) == {1}
    assert all(rows[made.id].revision_id == made.revision_id for _, made in traffic.asked)
    assert {made.revision_number for _, made in traffic.asked} <= {1, 2, 3, 4}
    # Every one says by which release it came; the first revision came by none.
    assert all((run.release_id is None) == (run.revision_number == 1) for run in rows.values())


def _newest(store: Store, at: World) -> str:
    from signoff.releases.queries import releases_page

    with store.read() as session:
        return releases_page(session, at.ann, agent=at.agent_id).rows[0].id


def test_a_canary_gets_its_share_and_each_key_stays_with_what_it_got(store: Store):
    at = world(store, 2)
    steps = [{"share_percent": 25, "minutes": 1}, {"share_percent": 60, "minutes": 1}]
    made = at.ask(2, {"canary": {"steps": steps}})
    keys = [f"case-{number}" for number in range(300)]
    first = _start(at, keys)
    salt = at.row().salt or ""
    assert first == {key: "candidate" if bucket(salt, key) < 2_500 else "live" for key in keys}
    # Within four standard deviations of a binomial; the salt is the release's own, so each run of the test is another.
    assert abs(Counter(first.values())["candidate"] - 75) < 4 * sqrt(300 * 0.25 * 0.75)
    assert _start(at, keys[:100]) == {key: first[key] for key in keys[:100]}
    with store.write() as session:
        promote_now(session, at.ann, made, reason="more")
    second = _start(at, keys)
    assert all(second[key] == "candidate" for key in keys if first[key] == "candidate")
    assert abs(Counter(second.values())["candidate"] - 180) < 4 * sqrt(300 * 0.6 * 0.4)
    with store.write() as session:
        promote_now(session, at.ann, made, reason="all of it")
    assert set(_start(at, keys[:20]).values()) == {"live"}
    assert at.live() == 2


def _start(at: World, keys: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    with at.store.write() as session:
        for key in keys:
            run = request_run(session, at.ann, agent=at.agent_id, input={"k": key}, sticky_key=key)
            found[key] = session.get_one(Run, run.id).variant or ""
    return found


async def test_the_sweep_looks_at_what_is_due_and_at_nothing_else(store: Store, anyio_backend: str):
    at = world(store, 3)
    when = clock.now() + timedelta(hours=1)
    made = at.ask(2, {"at": when.isoformat()})
    elsewhere = at.ask(3, {"at": (when + timedelta(hours=1)).isoformat()}, environment="staging")
    assert await look_at_releases(store, when - timedelta(minutes=1)) == 0
    assert await look_at_releases(store, when) == 1
    assert (at.state(made), at.live(), at.state(elsewhere)) == ("watching", 2, "scheduled")
    assert await look_at_releases(store, when) == 0
    assert await look_at_releases(store, when + timedelta(hours=2)) == 2
    assert (at.state(made), at.state(elsewhere), at.live("staging")) == ("settled", "settled", 3)
