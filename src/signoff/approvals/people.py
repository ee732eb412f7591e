"""Who is asked: the seats, roles and addresses of a rule, without those who must not decide in this case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.agents.owners import members_by_email
from signoff.approvals.absences import standing_in
from signoff.approvals.rungs import rungs_of
from signoff.deployments.hands import people_behind
from signoff.people.access import can
from signoff.people.membership import principals_of
from signoff.people.roles import ADMINISTRATORS
from signoff.people.seats import Seat
from signoff.tables.agents import Agent, Revision
from signoff.tables.ownership import AgentOwner
from signoff.tables.people import Member, Person

# How a rule calls the seats of an agent.
SEATS_OF: dict[str, Seat] = {
    "approvers": "approver", "owner": "build", "operations": "operations", "backup": "backup",
    "escalation": "escalation",
}  # fmt: skip
_FALLBACKS: tuple[tuple[str, ...], ...] = (("owner",), ("backup",), tuple(f"role:{role}" for role in ADMINISTRATORS))
ASKED_MAX = 50
ROLE = "role:"


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody to ask, and why they: a seat, a role, `address`, or `fallback` for want of those the rule names."""

    member_id: str
    via: str
    asked_for: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What decides who must not: whose run it is, which revision, in which environment."""

    workspace_id: str
    agent_id: str
    revision_id: str
    environment_id: str
    requested_by: str


def asked_at_level(session: Session, rule: Gate, case: Case, level: int = 0) -> list[Asked]:
    """Return who is asked at a rung: 0 is the gate's own, n the n-th of its escalation.

    At the first rung somebody else is found when the rule names nobody who may decide: the owner, the backup, the
    administrators. Empty: there is nobody at all.
    """
    rungs = rungs_of(rule)
    names = rule.asks if level == 0 else rungs[level - 1].to if level <= len(rungs) else []
    barred = _barred(session, rule, case)
    own = people_behind(session, [case.requested_by]) if rule.self_approval != "allowed" else set[str]()
    found = _fit(session, case, names, barred)
    others = [one for one in found if one.member_id not in own]
    if others or level:
        return _present(session, case, others, barred | own)
    lacking = found
    for fallback in _FALLBACKS:
        near = _fit(session, case, fallback, barred, via="fallback")
        if others := [one for one in near if one.member_id not in own]:
            return _present(session, case, others, barred | own)
        lacking = lacking or near
    # Nobody else could be asked: a workspace of one person works, where the rule does not forbid it.
    return lacking if rule.self_approval == "alone" else []


def _present(session: Session, case: Case, asked: Sequence[Asked], barred: set[str]) -> list[Asked]:
    """Return whom to ask instead of those who are away. Who has nobody fit to stand in is asked all the same."""
    stand_in = standing_in(session, case.workspace_id, [one.member_id for one in asked])
    if not stand_in:
        return list(asked)
    fit = set(fit_to_decide(session, case, sorted(set(stand_in.values())))) - barred
    found = {one.member_id: one for one in asked if stand_in.get(one.member_id) not in fit}
    for one in asked:
        other = stand_in.get(one.member_id)
        if other in fit:
            found.setdefault(other, Asked(other, "absence", one.member_id))
    return list(found.values())


def may_decide(session: Session, rule: Gate, case: Case, member_id: str, *, is_alone: bool) -> str:
    """Return why a member must not decide this case, as a sentence; empty when they may. Asked again at the moment of
    the decision: seats, roles and rules may have changed since the request.

    Args:
        is_alone: nobody else was asked.
    """
    if member_id in _barred(session, rule, case):
        return "The gate wants four eyes: whoever froze the revision does not decide what it may do."
    if rule.self_approval == "allowed" or member_id not in people_behind(session, [case.requested_by]):
        return ""
    if rule.self_approval == "alone" and is_alone:
        return ""
    return "You started this run yourself. The gate wants somebody else to decide."


def fit_to_decide(session: Session, case: Case, member_ids: Sequence[str]) -> list[str]:
    """Return which of these members are active and may answer requests, in a stable order."""
    return [one.member_id for one in _of(session, case, Member.id.in_(list(member_ids)), via="address")]


def _barred(session: Session, rule: Gate, case: Case) -> set[str]:
    if not rule.not_author:
        return set()
    authors = session.execute(
        select(Revision.author_id, Revision.drafted_by).where(Revision.id == case.revision_id)
    ).one_or_none()
    return people_behind(session, [one for one in authors or () if one])


def _fit(session: Session, case: Case, names: Sequence[str], barred: set[str], *, via: str = "") -> list[Asked]:
    found: dict[str, Asked] = {}
    for name in names:
        for one in _named(session, case, name, via or name.removeprefix(ROLE)):
            if one.member_id not in barred:
                found.setdefault(one.member_id, one)
    return list(found.values())[:ASKED_MAX]


def _named(session: Session, case: Case, name: str, via: str) -> list[Asked]:
    if name in SEATS_OF:
        return _of(session, case, Member.id.in_(_on_seat(case, SEATS_OF[name])), via=via)
    if name.startswith(ROLE):
        return _of(session, case, Member.role == name.removeprefix(ROLE), via=via)
    members = members_by_email(session, case.workspace_id, [name])
    return _of(session, case, Member.id.in_(list(members.values())), via="fallback" if via == "fallback" else "address")


def _on_seat(case: Case, seat: Seat) -> Any:
    seated = select(AgentOwner.member_id).where(
        AgentOwner.agent_id == case.agent_id, AgentOwner.kind == seat, AgentOwner.state != "declined"
    )
    column = {"build": Agent.owner_id, "backup": Agent.backup_id}.get(seat)
    if column is None:
        return seated
    return seated.union(select(column).where(Agent.id == case.agent_id, column.is_not(None)))


def _of(session: Session, case: Case, condition: ColumnElement[bool], *, via: str) -> list[Asked]:
    rows = session.execute(
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .where(and_(Member.workspace_id == case.workspace_id, Member.state == "active", condition))
        .order_by(Member.id)
        .limit(ASKED_MAX)
    ).all()
    they = principals_of(session, [(row[0], row[1]) for row in rows])
    return [
        Asked(one.id, via)
        for one in they
        if can(one, "approval.decide", owners=(one.id,), environment_id=case.environment_id)
    ]
