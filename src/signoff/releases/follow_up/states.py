"""The states of an agent in production, and how a day is judged from what is known of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FollowUpState = Literal["first_week", "routine"]
EndedHow = Literal["graduated", "ended", "skipped"]
# quiet: nothing ran. unread: it ran, and nobody read an output while that could be said.
DayVerdict = Literal["good", "bad", "quiet", "unread"]
Reading = Literal["right", "wrong"]
ReviewKind = Literal["first", "weekly"]


@dataclass(frozen=True, slots=True)
class DayItem:
    """One line of a day's checklist. `missing`: there is nothing to measure it by, or nobody has said so yet."""

    id: str
    title: str
    status: Literal["true", "false", "missing"]
    measured: str
    wanted: str


def verdict_of(
    runs: int, items: Sequence[DayItem], *, reading: Reading | None, is_read: bool, is_closed: bool
) -> DayVerdict | None:
    """Return how a day that is over is judged; None: somebody may still say that its outputs are right.

    A day on which nothing ran says nothing. What is measured bad is bad, and so are outputs that a person found wrong.

    Args:
        is_read: a good day wants a person's reading.
        is_closed: nothing can be said of it any more.
    """
    if reading == "wrong":
        return "bad"
    if runs == 0:
        return "quiet"
    if any(item.status == "false" for item in items):
        return "bad"
    if reading == "right" or not is_read:
        return "good"
    return "unread" if is_closed else None


def good_in_row(verdicts: Sequence[DayVerdict]) -> int:
    """Return how many good days in a row there are at the end, the oldest first.

    A quiet day neither counts nor breaks the row: an agent that rests at weekends is no worse for it. A bad day breaks
    it, and so does one that nobody read: of that nobody knows.
    """
    row = 0
    for verdict in verdicts:
        if verdict == "good":
            row += 1
        elif verdict != "quiet":
            row = 0
    return row
