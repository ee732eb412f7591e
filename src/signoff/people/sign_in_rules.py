"""How a workspace lets its members in: with which methods, and whether with a second factor.

`allows` is the one place that decides it; it is asked when a session is opened, and again at each request, so that a
session of one workspace does not walk around the rules of another, and a changed rule holds at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotSignedIn
from signoff.people.facts import Need
from signoff.people.providers import way_in
from signoff.tables.people import Member, SecondFactor, Workspace

# What a person proves with Signoff itself. Every other method brings its own second factor.
LOCAL_METHODS = ("password", "link")

# Other ways in that a workspace may have: each returns what it is called when this workspace can use it, else nothing.
OtherWay = Callable[[Session, str], str | None]
OTHER_WAYS: list[OtherWay] = [way_in]

_PLACES_MAX = 200

Rule = Literal["second_factor_needed", "password_not_allowed"]


def broken_rule(workspace: Workspace, member: Member, *, method: str, is_two_factor: bool) -> Rule | None:
    """Return the rule of the workspace that a session of this method breaks, or None.

    Whom an identity provider let in (`sso`) has shown all that this workspace asks for.
    """
    if method not in LOCAL_METHODS:
        return None
    # An owner always comes in, whatever happens to the other way in.
    if not workspace.is_password_allowed and member.role != "owner":
        return "password_not_allowed"
    if workspace.is_second_factor_required and not is_two_factor:
        return "second_factor_needed"
    return None


def refusal_of(rule: Rule) -> NotSignedIn:
    """Return the refusal for a rule that was broken."""
    if rule == "second_factor_needed":
        return NotSignedIn(
            "This workspace asks for a second factor. Sign in again to give it, or to set one up.",
            code="second_factor_needed",
        )
    return NotSignedIn(
        "This workspace does not let its members in with a password. Use single sign-on.", code="password_not_allowed"
    )


def sentence_of(code: str) -> str:
    """Return the sentence behind the code of such a refusal; empty for other codes."""
    return next((refusal_of(rule).detail for rule in get_args(Rule) if rule == code), "")


def needed_step(session: Session, person_id: str, *, coming_to: str | None = None) -> Need | None:
    """Return what a person still has to do after the first step, or None.

    Args:
        coming_to: the workspace whose link they came with.
    """
    is_on = session.scalar(
        select(SecondFactor.person_id).where(
            SecondFactor.person_id == person_id, SecondFactor.confirmed_at.is_not(None)
        )
    )
    if is_on is not None:
        return "code"
    return "enrolment" if must_set_one_up(session, person_id, coming_to=coming_to) else None


def must_set_one_up(session: Session, person_id: str, *, coming_to: str | None = None) -> bool:
    """Return whether a workspace of this person asks for a second factor of whoever signs in with a password.

    One that only invited them asks nothing of them, but where they come in: anybody may invite anybody.
    """
    places = session.execute(
        select(Member.workspace_id, Member.accepted_at, Workspace.is_second_factor_required)
        .join(Workspace, Workspace.id == Member.workspace_id)
        .where(Member.person_id == person_id, Member.state == "active")
        .order_by(Member.accepted_at.is_(None), Member.id)
        .limit(_PLACES_MAX)
    ).all()
    theirs = [place for place in places if place.accepted_at is not None or place.workspace_id == coming_to]
    return any(place.is_second_factor_required for place in theirs or places)


def other_ways(session: Session, workspace_id: str) -> Sequence[str]:
    """Return what a workspace's other ways in are called."""
    return [name for way in OTHER_WAYS if (name := way(session, workspace_id))]
