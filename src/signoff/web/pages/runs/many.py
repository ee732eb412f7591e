"""Calling several runs off at once: first what would happen to each, then what did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signoff.kit.errors import NotFound, Refusal
from signoff.people.access import Principal
from signoff.runs import actions, queries
from signoff.runs.states import is_over
from signoff.runs.views import RunDetail
from signoff.tables.session import Store

RUNS_MAX = 200
_WORDS = {
    "queued": "Has not begun: it never will.",
    "waiting": "Waits: it will not go on. An act whose outcome is unknown stays to be settled.",
    "running": "Is being worked on: the call in flight is ended, and nothing after it is done.",
}


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """What cancelling would do to one run."""

    id: str
    title: str
    state: str
    waiting_for: str | None
    words: str
    will_stop: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What cancelling would do."""

    lines: Sequence[PreviewLine]
    is_done: bool = False

    @property
    def stopping(self) -> int:
        """Return how many would stop."""
        return sum(line.will_stop for line in self.lines)

    @property
    def sentence(self) -> str:
        """Return it in one sentence."""
        rest = len(self.lines) - self.stopping
        said = "1 run will be cancelled." if self.stopping == 1 else f"{self.stopping:,} runs will be cancelled."
        return said if not rest else f"{said} {rest:,} will stay as they are."


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """What came of one run."""

    id: str
    title: str
    words: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of cancelling."""

    lines: Sequence[OutcomeLine]
    is_done: bool = True

    @property
    def is_whole(self) -> bool:
        """Return whether every one of them stops."""
        return all(line.is_done for line in self.lines)

    @property
    def sentence(self) -> str:
        """Return it in one sentence."""
        done = sum(line.is_done for line in self.lines)
        said = "1 run is cancelled" if done == 1 else f"{done:,} runs are cancelled"
        return f"{said}." if self.is_whole else f"{said}, {len(self.lines) - done:,} are not."


def preview(store: Store, viewer: Principal, run_ids: Sequence[str]) -> Preview:
    """Return what cancelling these runs would do to each; at most 200."""
    lines: list[PreviewLine] = []
    with store.read() as session:
        for run_id in list(dict.fromkeys(run_ids))[:RUNS_MAX]:
            try:
                lines.append(_preview(queries.run(session, viewer, run_id)))
            except Refusal as refusal:
                lines.append(PreviewLine(run_id, run_id, "rejected", None, refusal.detail, False))
    return Preview(lines)


def _preview(found: RunDetail) -> PreviewLine:
    run = found.run
    if is_over(run.state):
        words = f"Has ended already: it is {run.state}."
    elif run.is_cancel_requested:
        words = "Is being cancelled already."
    elif not found.can_cancel:
        words = "Is somebody else's: it takes the role manager or higher."
    else:
        return PreviewLine(run.id, run.title, run.state, run.waiting_for, _WORDS[run.state], True)
    return PreviewLine(run.id, run.title, run.state, run.waiting_for, words, False)


def cancel_many(store: Store, viewer: Principal, run_ids: Sequence[str], reason: str) -> Outcome:
    """Cancel each for itself: one that is over already does not keep the others from stopping."""
    return Outcome([_cancel(store, viewer, run_id, reason) for run_id in list(dict.fromkeys(run_ids))[:RUNS_MAX]])


def _cancel(store: Store, viewer: Principal, run_id: str, reason: str) -> OutcomeLine:
    title = run_id
    try:
        with store.write() as session:
            title = queries.run(session, viewer, run_id).run.title
            state = actions.cancel_run(session, viewer, run_id, reason=reason or None)
    except NotFound as refusal:
        return OutcomeLine(run_id, run_id, refusal.detail, False)
    except Refusal as refusal:
        return OutcomeLine(run_id, title, refusal.detail, False)
    words = "Cancelled." if state == "cancelled" else "Stops in a moment: its call in flight is being ended."
    return OutcomeLine(run_id, title, words, True)
