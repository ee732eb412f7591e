"""The ways to answer for an agent, in words."""

from __future__ import annotations

from signoff.agents.hours import DAYS
from signoff.people.seats import Seat

# Name, and what it means to be it.
SEAT_TITLES: dict[Seat, tuple[str, str]] = {
    "build": ("Build owner", "Answers for the procedure, its connections and every change."),
    "operations": ("Operations owner", "Watches it day to day. Must be able to read its runs."),
    "approver": ("Approver", "Answers its questions and approvals. There may be several, each with their hours."),
    "backup": ("Backup", "Steps in when the owner is away. At least a manager, and somebody else than the owner."),
    "escalation": (
        "Escalation manager",
        "Called when it goes wrong. Must be able to disable it and bring back a revision.",
    ),
}
DAY_TITLES = dict(
    zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
