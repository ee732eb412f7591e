"""A secret that came by in two calls of one turn, which end beside each other."""

from __future__ import annotations

import threading
from functools import partial

from sqlalchemy import select

from signoff.gateways.leaks import note_leaks
from signoff.tables.signals import Leak
from tests.gateways.kit_world import World


async def test_two_calls_that_end_at_once_note_the_same_leak_once(world: World) -> None:
    faults: list[BaseException] = []
    note = partial(note_leaks, run=world.run, place="result", what="erp.look", names=frozenset({"token"}))

    def second() -> None:
        try:
            with world.store.write() as session:
                note(session, step_key="call_2")
        except BaseException as fault:
            faults.append(fault)

    other = threading.Thread(target=second)
    with world.store.write() as session:
        note(session, step_key="call_1")
        session.flush()
        other.start()
        # Long enough for the other to have read that there is none; without that, the test would say nothing.
        other.join(0.3)
    other.join()
    assert faults == []
    with world.store.read() as session:
        assert [one.step_key for one in session.scalars(select(Leak))] == ["call_1"]
