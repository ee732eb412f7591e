"""The legal moves of a run."""

from __future__ import annotations

from signoff.runs.states import (
    MOVES,
    RUN_STATES,
    is_over,
    is_told_to_go_on,
    may_move,
    needs_attention,
    sources_of,
)


def test_every_state_has_its_moves():
    assert set(MOVES) == set(RUN_STATES)
    assert all(after in RUN_STATES for moves in MOVES.values() for after in moves)


def test_what_is_over_stays_over():
    assert [state for state in RUN_STATES if is_over(state)] == ["completed", "failed", "cancelled", "rejected"]


def test_the_way_through():
    assert may_move("queued", "running")
    assert may_move("running", "waiting")
    assert may_move("waiting", "running")
    assert may_move("running", "completed")
    assert not may_move("queued", "completed")
    assert not may_move("waiting", "completed")
    assert not may_move("completed", "failed")
    assert not may_move("running", "queued")


def test_where_a_state_is_reached_from():
    assert sources_of("running") == ("queued", "waiting")
    assert sources_of("cancelled") == ("queued", "running", "waiting")
    assert sources_of("rejected") == ("queued",)


def test_a_run_that_was_answered_waits_for_a_worker_and_nobody_else():
    assert is_told_to_go_on("waiting", None)
    assert not is_told_to_go_on("waiting", "approval")
    assert not is_told_to_go_on("running", None)


def test_who_asks_for_eyes():
    assert [state for state in RUN_STATES if needs_attention(state)] == ["waiting", "failed"]
