"""The states of an evaluation and of one result, and the legal moves. Pure."""

from __future__ import annotations

from typing import Literal, get_args

EvaluationState = Literal["pending", "running", "completed", "failed", "cancelled"]
EVALUATION_STATES: tuple[EvaluationState, ...] = get_args(EvaluationState)
# Why it was begun: somebody asked, its time had come, or a revision was frozen.
Trigger = Literal["by_hand", "schedule", "revision"]
Side = Literal["candidate", "baseline"]
SIDES: tuple[Side, ...] = get_args(Side)
# `judging`: its run is over, and an agent says how good it was. `left_out`: nothing can be said of it.
ResultState = Literal["pending", "running", "judging", "scored", "left_out"]
Split = Literal["dev", "holdout"]
SPLITS: tuple[Split, ...] = get_args(Split)
Every = Literal["day", "week"]

MOVES: dict[EvaluationState, frozenset[EvaluationState]] = {
    "pending": frozenset({"running", "failed", "cancelled"}),
    "running": frozenset({"completed", "failed", "cancelled"}),
    "completed": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
# Results of which nothing more will be heard.
RESULT_ENDS: tuple[ResultState, ...] = ("scored", "left_out")


def is_over(state: str) -> bool:
    """Return whether an evaluation in this state will never change again."""
    return not MOVES[state]  # pyright: ignore[reportArgumentType]


def sources_of(after: EvaluationState) -> tuple[EvaluationState, ...]:
    """Return the states from which an evaluation may come into `after`."""
    return tuple(before for before in EVALUATION_STATES if after in MOVES[before])
