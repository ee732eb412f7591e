"""The states of a run and of an act on the outside world, and the legal moves. Pure."""

from __future__ import annotations

from typing import Literal, get_args

RunState = Literal["queued", "running", "waiting", "completed", "failed", "cancelled", "rejected"]
WaitingFor = Literal["reconciliation", "approval", "login", "question", "budget", "sub_agent", "window", "provider"]
Origin = Literal["production", "test"]
Source = Literal["manual", "api", "orchestration", "cli", "demo", "replay", "schedule", "webhook", "trigger"]
# `shadow`: what a release's candidate would have done with what another run was asked; it acts on nothing.
# `evaluation`: what a revision answers on an example; it acts on nothing either.
Mode = Literal["live", "sandbox", "replay", "shadow", "evaluation"]
# What acts on nothing, asks nobody and is nobody's work: whatever is said of an agent's work leaves them out.
REHEARSALS: tuple[Mode, ...] = ("shadow", "evaluation")
# Under which revision of an environment it was started: what serves, a release's candidate, one that was named, or the
# candidate's rehearsal of what another run was asked.
Variant = Literal["live", "candidate", "pinned", "shadow"]

RUN_STATES: tuple[RunState, ...] = get_args(RunState)
# Nobody asked for these at that moment: while an agent is handed over, they do not start.
STARTED_BY_ITSELF: frozenset[Source] = frozenset(("schedule", "webhook", "trigger"))

# `waiting` goes back to `running` when its next leg starts; it never goes back to `queued`.
MOVES: dict[RunState, frozenset[RunState]] = {
    "queued": frozenset({"running", "cancelled", "failed", "rejected"}),
    "running": frozenset({"waiting", "completed", "failed", "cancelled"}),
    "waiting": frozenset({"running", "cancelled", "failed"}),
    "completed": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
    "rejected": frozenset(),
}

# `intended`: written before the act. `unknown`: it may or may not have happened, and a person must say.
EffectState = Literal["intended", "done", "failed", "unknown", "settled"]
Settlement = Literal["happened", "did_not_happen", "did_not_happen_retry"]
SETTLEMENTS: tuple[Settlement, ...] = get_args(Settlement)

# How a run that was begun or wanted can end. One that was rejected never ran, and says nothing of its revision.
SIGNALLED: frozenset[RunState] = frozenset(("completed", "failed", "cancelled"))


def is_rehearsal(mode: str) -> bool:
    """Return whether a run in this mode is a rehearsal."""
    return mode in REHEARSALS


def is_over(state: str) -> bool:
    """Return whether a run in this state will never do anything again."""
    return not MOVES[state]  # pyright: ignore[reportArgumentType]


def may_move(before: str, after: str) -> bool:
    """Return whether a run may go from one state to another."""
    return after in MOVES[before]  # pyright: ignore[reportArgumentType]


def sources_of(after: RunState) -> tuple[RunState, ...]:
    """Return the states from which a run may come into `after`."""
    return tuple(before for before in RUN_STATES if after in MOVES[before])


def is_told_to_go_on(state: str, waiting_for: str | None) -> bool:
    """Return whether what a run waited for has come, and no worker has taken it up yet."""
    return state == "waiting" and waiting_for is None


def needs_attention(state: RunState, waiting_for: str | None = None) -> bool:
    """Return whether a run in this state asks for a person's eyes. One that was put off goes on by itself, and for one
    that waits for another agent, that agent's run asks."""
    return state == "failed" or (state == "waiting" and waiting_for not in ("window", "sub_agent"))
