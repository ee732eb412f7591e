"""In which ways somebody answers for an agent, and what they must be able to do for it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

from signoff.people.access import Principal, can, covers
from signoff.people.roles import PERMISSIONS, Action

Seat = Literal["build", "operations", "approver", "backup", "escalation"]
SeatState = Literal["asked", "accepted", "declined"]

SEATS: tuple[Seat, ...] = get_args(Seat)
# Of the others an agent has one each.
SEVERAL: frozenset[Seat] = frozenset(("approver",))
APPROVERS_MAX = 20
SEAT_WORDS: dict[Seat, str] = {
    "build": "build owner",
    "operations": "operations owner",
    "approver": "approver",
    "backup": "backup",
    "escalation": "escalation manager",
}
# What a seat asks of whoever sits on it, on this agent: by their role or by a grant.
_ON_AGENT: dict[Seat, tuple[Action, ...]] = {
    "operations": ("run.read",),
    "escalation": ("agent.disable", "agent.deploy", "run.cancel"),
}


def why_not(they: Principal, kind: Seat, agent_id: str, owners: Collection[str | None]) -> str:
    """Return why somebody cannot hold a seat, as a sentence; empty when they can.

    Args:
        owners: the ids of the agent's owner and backup.
    """
    if kind == "backup" and not covers(they, PERMISSIONS["manager"], is_theirs=False):
        return (
            f"A backup has at least the rights of a manager; {they.name} has the role {they.role}. "
            "Choose somebody else, or give this member another role first."
        )
    mine = tuple(owners) or (None,)
    missing: list[Action] = [
        one for one in _ON_AGENT.get(kind, ()) if not can(they, one, owners=mine, agent_id=agent_id)
    ]
    if missing:
        return (
            f"The {SEAT_WORDS[kind]} of an agent must be able to {_words(missing)} there, and {they.name} may not. "
            "Give them a level on the agent's Access page first."
        )
    return ""


def _words(actions: list[Action]) -> str:
    words = {
        "run.read": "read its runs",
        "agent.disable": "disable it",
        "agent.deploy": "bring back an earlier revision",
        "run.cancel": "cancel its runs",
    }
    return ", ".join(words[one] for one in actions)
