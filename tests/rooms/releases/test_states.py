"""The legal moves of a release."""

from __future__ import annotations

from signoff.releases.states import MOVES, OPEN, RELEASE_STATES, is_open, may_move


def test_every_state_is_reached_but_the_first():
    reached = {after for moves in MOVES.values() for after in moves}
    assert reached == set(RELEASE_STATES) - {"requested"}


def test_nothing_goes_back_to_where_it_was():
    order = {state: number for number, state in enumerate(RELEASE_STATES)}
    ends = {"refused", "aborted", "rolled_back"}
    assert all(order[after] > order[before] for before, moves in MOVES.items() for after in moves - ends)


def test_what_serves_is_rolled_back_and_never_refused():
    for state in ("live", "watching", "settled"):
        assert may_move(state, "rolled_back")
        assert not may_move(state, "refused")
        assert not may_move(state, "aborted")


def test_what_is_open_can_end_and_what_is_over_cannot_move():
    assert all(MOVES[state] for state in OPEN)
    for state in ("live", "watching", "settled"):
        assert not is_open(state)  # It serves, and the next may begin.
    assert [state for state in RELEASE_STATES if not MOVES[state]] == ["refused", "aborted", "rolled_back"]
