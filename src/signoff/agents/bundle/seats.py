"""Who answers for an agent, as files say it: a member's address for each seat, and several for the approvers.

Owner and backup are columns of the agent too, and are planned with its name; the other seats are rows of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.bundle.files import AgentFile
from signoff.agents.diff import FieldChange
from signoff.agents.findings import Finding
from signoff.people.seats import Seat
from signoff.tables.ownership import AgentOwner
from signoff.tables.people import Member, Person

# The name in a file → the seat.
FIELDS: dict[str, Seat] = {
    "operations_owner": "operations",
    "approvers": "approver",
    "escalation_manager": "escalation",
}
_KINDS: dict[str, Seat] = {kind: kind for kind in FIELDS.values()}
# Seat → who holds it: address → member id.
Held = Mapping[Seat, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class SeatChange:
    """What becomes of one seat: who is asked to take it, and who is taken off it."""

    kind: Seat
    ask: tuple[str, ...]
    withdraw: tuple[str, ...]


def seats_held(session: Session, workspace_id: str, agent_ids: Iterable[str]) -> dict[str, dict[Seat, dict[str, str]]]:
    """Return agent id → seat → address → member id; whoever declined holds none."""
    rows = session.execute(
        select(AgentOwner.agent_id, AgentOwner.kind, Person.email, Member.id)
        .join(Member, Member.id == AgentOwner.member_id)
        .join(Person, Person.id == Member.person_id)
        .where(AgentOwner.workspace_id == workspace_id, AgentOwner.agent_id.in_(sorted(agent_ids)))
        .where(AgentOwner.state != "declined", Member.state == "active", AgentOwner.kind.in_(FIELDS.values()))
        .order_by(Person.email)
    )
    found: dict[str, dict[Seat, dict[str, str]]] = {}
    for agent_id, kind, email, member_id in rows:
        found.setdefault(agent_id, {}).setdefault(_KINDS[kind], {})[email] = member_id
    return found


def named_in(file: AgentFile) -> dict[Seat, tuple[str, ...]]:
    """Return the addresses a file names for each seat; a seat it says nothing about is left out."""
    named: dict[Seat, tuple[str, ...]] = {}
    for name, kind in FIELDS.items():
        value: str | tuple[str, ...] | None = getattr(file, name)
        if value is not None and value != "":
            addresses = (value,) if isinstance(value, str) else value
            named[kind] = tuple(dict.fromkeys(address.strip().lower() for address in addresses))
    return named


def seat_findings(file: AgentFile, members: Mapping[str, str]) -> list[Finding]:
    """Return a finding, with its line, for each address that is no active member's."""
    found: list[Finding] = []
    for name, kind in FIELDS.items():
        for number, address in enumerate(_as_written(file, name)):
            if address.strip().lower() in members:
                continue
            path = f"{name}[{number}]" if kind == "approver" else name
            line = file.lines.get(path, file.lines.get(name, 1))
            word = "approver" if kind == "approver" else name
            text = f"The {word.replace('_', ' ')} {address[:120]} is not an active member of this workspace."
            fix = "Invite them first, or name a member."
            found.append(Finding(f"unknown_{word}", "error", path, line, text, fix))
    return found


def seat_changes(
    file: AgentFile, held: Held, members: Mapping[str, str]
) -> tuple[tuple[SeatChange, ...], list[FieldChange]]:
    """Return what becomes of the seats, and the same in the words of the file. All addresses are members'."""
    changes: list[SeatChange] = []
    told: list[FieldChange] = []
    fields = {kind: name for name, kind in FIELDS.items()}
    for kind, wanted in named_in(file).items():
        before = held.get(kind, {})
        if set(before) == set(wanted):
            continue
        ask = tuple(members[address] for address in wanted if address not in before)
        # Whoever is asked to a seat that one holds takes it from the other.
        leaves = [before[address] for address in before if address not in wanted] if kind == "approver" else ()
        changes.append(SeatChange(kind, ask, tuple(leaves)))
        old, new = sorted(before), sorted(wanted)
        one = kind != "approver"
        told.append(FieldChange(fields[kind], "changed", _plain(old, one), _plain(new, one)))
    return tuple(changes), told


def _plain(addresses: list[str], is_one: bool) -> str | list[str] | None:
    return (addresses[0] if addresses else None) if is_one else addresses


def _as_written(file: AgentFile, name: str) -> tuple[str, ...]:
    value: str | tuple[str, ...] | None = getattr(file, name)
    if not value:
        return ()
    return (value,) if isinstance(value, str) else value
