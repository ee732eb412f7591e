"""Attempts are counted over all processes, exactly, and a flood of them stays cheap."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import func, select

from signoff.kit.errors import NotSignedIn, TooMuch
from signoff.people import passwords, throttle
from signoff.people.throttle import sweep_throttles, take
from signoff.tables.people import Throttle
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import EMAIL, PASSWORD, door, enter, with_password


def take_one(store: Store, key: str, *, per_minute: float, at_once: int) -> int:
    with store.write() as session:
        return take(session, key, per_minute=per_minute, at_once=at_once)


def at(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "_now_ms", lambda: int(1_800_000_000_000 + seconds * 1000))


def test_a_few_at_once_then_one_each_time_it_comes_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at(0, monkeypatch)
    assert [take_one(store, "a", per_minute=6, at_once=3) for _ in range(4)] == [0, 0, 0, 10]
    assert take_one(store, "b", per_minute=6, at_once=3) == 0
    at(9.5, monkeypatch)
    assert take_one(store, "a", per_minute=6, at_once=3) == 1
    at(10, monkeypatch)
    assert [take_one(store, "a", per_minute=6, at_once=3) for _ in range(2)] == [0, 10]
    # An hour later the allowance is whole again, and no more than whole.
    at(3600, monkeypatch)
    assert [take_one(store, "a", per_minute=6, at_once=3) for _ in range(4)] == [0, 0, 0, 10]
    with store.write() as session:
        assert sweep_throttles(session) == 1


def test_at_the_same_instant_none_is_counted_twice_or_not_at_all(store: Store) -> None:
    barrier, allowed = threading.Barrier(8), list[bool]()

    def go() -> None:
        barrier.wait()
        for _ in range(5):
            allowed.append(take_one(store, "race", per_minute=0.01, at_once=13) == 0)

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(allowed), sum(allowed)) == (40, 13)


def test_what_was_tried_is_not_kept_readable(store: Store) -> None:
    take_one(store, "account:alice@example.com", per_minute=1, at_once=1)
    with store.read() as session:
        assert "alice" not in str(session.scalars(select(Throttle.key_hash)).all())


def test_another_process_is_no_new_allowance(store: Store) -> None:
    with_password(store)
    for number in range(3):
        with pytest.raises(NotSignedIn):
            door(store, attempts=3).sign_in(EMAIL, "wrong password", address=f"10.0.0.{number}")
    with pytest.raises(TooMuch):
        door(store, attempts=3).sign_in(EMAIL, PASSWORD, address="10.9.9.9")
    # Nor is it one for an address nobody has: both are answered alike.
    for number in range(3):
        with pytest.raises(NotSignedIn):
            door(store, attempts=3).sign_in("nobody@example.com", "wrong password", address=f"10.0.1.{number}")
    with pytest.raises(TooMuch):
        door(store, attempts=3).sign_in("nobody@example.com", PASSWORD, address="10.9.9.9")


def test_an_address_is_counted_over_all_processes(store: Store) -> None:
    with_password(store)
    for number in range(3):
        with pytest.raises(NotSignedIn):
            door(store, attempts=3).sign_in(f"p{number}@example.com", "wrong password", address="10.0.0.1")
    with pytest.raises(TooMuch):
        door(store, attempts=3).sign_in(EMAIL, PASSWORD, address="10.0.0.1")
    assert door(store, attempts=3).sign_in(EMAIL, PASSWORD, address="10.0.0.2")


def test_coming_in_gives_the_allowance_back(store: Store) -> None:
    with_password(store)
    first, second = door(store, attempts=3), door(store, attempts=3)
    for _ in range(2):
        with pytest.raises(NotSignedIn):
            first.sign_in(EMAIL, "wrong password", address="10.0.0.1")
    enter(second)
    enter(second)


def test_everybody_together_has_a_limit(store: Store) -> None:
    with_password(store)
    busy = door(store, total_per_minute=2)
    for number in range(2):
        with pytest.raises(NotSignedIn):
            busy.sign_in(f"a{number}@example.com", "wrong password", address=f"10.0.0.{number}")
    with pytest.raises(TooMuch):
        busy.sign_in(EMAIL, PASSWORD, address="10.0.0.99")


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_ten_thousand_tries_reach_few_hashes_and_leave_few_rows(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with_password(store)
    hashed: list[int] = []
    monkeypatch.setattr(passwords, "matches", lambda stored, password: bool(hashed.append(1)))
    at_door, refused, started = door(store, attempts=10), 0, time.monotonic()
    for number in range(10_000):
        # Half of them on one account from everywhere, half from one address on every account.
        email, address = (
            (EMAIL, f"10.{number % 250}.{number // 250}.7") if number % 2 else (f"p{number}@x.example", "1")
        )
        try:
            at_door.sign_in(email, f"guess {number}", address=address)
        except TooMuch:
            refused += 1
        except NotSignedIn:
            pass
    minutes = (time.monotonic() - started) / 60
    assert refused >= 10_000 - len(hashed)
    assert len(hashed) <= 2 * (10 + 10 * minutes + 1)
    with store.read() as session:
        assert (session.scalar(select(func.count()).select_from(Throttle)) or 0) <= 2 * len(hashed) + 2
