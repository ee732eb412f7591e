"""The states of a release and the legal moves. Pure."""

from __future__ import annotations

from typing import Literal, get_args

ReleaseState = Literal[
    "requested", "gated", "scheduled", "shadow", "canary", "live", "watching", "settled", "refused", "aborted",
    "rolled_back",
]  # fmt: skip
Judgement = Literal["better", "same", "worse", "inconclusive"]
SignatureVerdict = Literal["approve", "refuse"]

RELEASE_STATES: tuple[ReleaseState, ...] = get_args(ReleaseState)

# `requested`: the gate is not passed yet, it waits for evidence or signatures. `gated`: it is passed. What follows is
# the strategy's: each part may be left out, none comes back.
MOVES: dict[ReleaseState, frozenset[ReleaseState]] = {
    "requested": frozenset({"gated", "refused", "aborted"}),
    "gated": frozenset({"scheduled", "shadow", "canary", "live", "refused", "aborted"}),
    "scheduled": frozenset({"shadow", "canary", "live", "refused", "aborted"}),
    "shadow": frozenset({"canary", "live", "refused", "aborted"}),
    "canary": frozenset({"live", "refused", "aborted", "rolled_back"}),
    "live": frozenset({"watching", "settled", "rolled_back"}),
    "watching": frozenset({"settled", "rolled_back"}),
    "settled": frozenset({"rolled_back"}),
    "refused": frozenset(),
    "aborted": frozenset(),
    "rolled_back": frozenset(),
}
# While in these, no other release of the agent begins in the environment. What serves and is watched holds up nobody:
# the next may wait for its signatures meanwhile, and ends the watch when it switches.
OPEN: frozenset[ReleaseState] = frozenset({"requested", "gated", "scheduled", "shadow", "canary"})


def may_move(before: str, after: str) -> bool:
    """Return whether a release may go from one state to another."""
    return after in MOVES[before]  # pyright: ignore[reportArgumentType]


def is_open(state: str) -> bool:
    """Return whether a release in this state keeps others from beginning."""
    return state in OPEN
