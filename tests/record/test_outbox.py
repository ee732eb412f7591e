"""A message exists exactly when its change does, is claimed once, and survives its claimer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from signoff.kit import clock
from signoff.record import outbox
from signoff.tables.people import Workspace
from signoff.tables.session import Store


@pytest.fixture
def workspace(store: Store) -> str:
    with store.write() as session:
        session.add(Workspace(id="ws_1", slug="a", name="A", created_at=clock.now()))
    return "ws_1"


def _send(store: Store, n: int = 0, **more: object) -> None:
    with store.write() as session:
        outbox.send(session, workspace_id="ws_1", kind="run.start", payload={"n": n}, **more)  # pyright: ignore[reportArgumentType]


def test_each_message_is_claimed_by_one_of_many(store: Store, workspace: str) -> None:
    for n in range(30):
        _send(store, n)

    def claim(worker: str) -> list[int]:
        with store.write() as session:
            return [message.payload["n"] for message in outbox.claim(session, worker=worker, limit=5)]

    with ThreadPoolExecutor(8) as pool:
        taken = [n for batch in pool.map(claim, [f"w{n}" for n in range(12)]) for n in batch]
    assert sorted(taken) == sorted(set(taken))
    with store.write() as session:
        taken += [message.payload["n"] for message in outbox.claim(session, worker="last", limit=100)]
    assert sorted(taken) == list(range(30))


def test_a_rolled_back_change_leaves_no_message_and_wakes_nobody(store: Store, workspace: str) -> None:
    woken: list[int] = []
    stop = outbox.listen(lambda: woken.append(1))

    def fails_after_the_message() -> None:
        with store.write() as session:
            outbox.send(session, workspace_id=workspace, kind="run.start", payload={})
            raise RuntimeError("after the message")

    with pytest.raises(RuntimeError, match="after the message"):
        fails_after_the_message()
    assert woken == []
    _send(store)
    assert woken == [1]
    stop()
    _send(store)
    assert woken == [1]


def test_a_message_for_later_is_not_due(store: Store, workspace: str) -> None:
    _send(store, due_at=clock.now() + timedelta(hours=1))
    with store.write() as session:
        assert outbox.claim(session, worker="w", limit=10) == []


def test_claims_of_the_dead_are_offered_again_and_done_ones_are_not(store: Store, workspace: str) -> None:
    _send(store, 1)
    _send(store, 2)
    with store.write() as session:
        first, _ = outbox.claim(session, worker="dead", limit=2)
        outbox.done(session, [first.id])
    with store.write() as session:
        assert outbox.release_claims_of_the_dead(session, ["alive"]) == 1
        again = outbox.claim(session, worker="alive", limit=10)
        assert [(message.payload["n"], message.attempts) for message in again] == [(2, 2)]
        assert outbox.release_claims_of_the_dead(session, ["alive"]) == 0


def test_a_worker_gives_back_what_it_claimed_and_does_not_have(store: Store, workspace: str) -> None:
    for n in range(3):
        _send(store, n)
    with store.write() as session:
        kept, *_ = outbox.claim(session, worker="w", limit=2)
        outbox.claim(session, worker="other", limit=1)
    early, now = clock.now() - timedelta(seconds=30), clock.now() + timedelta(seconds=1)
    with store.write() as session:
        assert outbox.release_own_claims(session, worker="w", in_hand=[kept.id], before=early) == 0
        assert outbox.release_own_claims(session, worker="w", in_hand=[kept.id], before=now) == 1
        assert [message.payload["n"] for message in outbox.claim(session, worker="w", limit=10)] == [1]
        assert outbox.release_own_claims(session, worker="w", in_hand=[], before=now) == 2


def test_a_released_message_comes_back_when_due(store: Store, workspace: str) -> None:
    _send(store)
    with store.write() as session:
        (message,) = outbox.claim(session, worker="w", limit=1)
        outbox.release(session, message.id, error="no", due_at=clock.now())
        assert [again.id for again in outbox.claim(session, worker="w", limit=1)] == [message.id]
