"""A rate that all processes take shares of: never more than the limit, and back after a minute."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from signoff.people import shared_counts
from signoff.people.shared_counts import Share, sweep_counts, take_share
from signoff.tables.people import RateCount
from signoff.tables.session import Store


def taken(store: Store, wanted: int, per_minute: int = 10) -> Share:
    with store.write() as session:
        return take_share(session, "key", wanted, per_minute=per_minute)


def at(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_counts, "_now_seconds", lambda: 1_800_000_000 + seconds)


def test_shares_add_up_to_the_limit_and_come_back_after_a_minute(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at(0, monkeypatch)
    assert taken(store, 4) == Share(4, 6, 62)
    at(20, monkeypatch)
    assert taken(store, 8) == Share(6, 0, 42)
    assert taken(store, 1) == Share(0, 0, 42)
    at(61.9, monkeypatch)
    assert taken(store, 1).granted == 0
    at(62, monkeypatch)
    assert taken(store, 9) == Share(4, 0, 20)


def test_processes_that_ask_at_once_never_get_the_same_share(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at(0, monkeypatch)
    barrier, granted = threading.Barrier(6), list[int]()

    def ask() -> None:
        barrier.wait()
        for _ in range(6):
            granted.append(taken(store, 3, 50).granted)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(granted), sum(granted)) == (36, 50)


def test_what_is_long_over_is_swept_and_names_are_not_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at(0, monkeypatch)
    taken(store, 1)
    with store.write() as session:
        assert "key" not in session.scalars(select(RateCount.key_hash)).all()
        assert sweep_counts(session) == 0
    at(121, monkeypatch)
    with store.write() as session:
        assert sweep_counts(session) == 1
        assert session.scalar(select(func.count()).select_from(RateCount)) == 0
