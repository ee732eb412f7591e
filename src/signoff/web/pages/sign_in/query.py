"""What the sign-in page shows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.people.providers import Door, door, doors_of, is_any_door, only_doors
from signoff.people.queries import is_anyone_here
from signoff.web.targets import workspace_in


@dataclass(frozen=True, slots=True)
class SignInView:
    """The form, as it was filled in, and the ways in beside it.

    Args:
        is_empty_house: nobody has an account here yet.
        doors: identity providers of the one workspace there is, or of the one the address asks for.
        has_other_doors: there are workspaces with single sign-on whose doors are not shown here.
        left: the provider whose session was just ended here, and may be ended there.
    """

    email: str
    target: str
    is_empty_house: bool
    problem: str = ""
    advice: str = ""
    doors: tuple[Door, ...] = ()
    has_other_doors: bool = False
    left: Door | None = None


def load(
    session: Session, *, email: str = "", target: str = "", problem: str = "", advice: str = "", left: str = ""
) -> SignInView:
    """Return the view. It says nothing about who has an account."""
    slug = workspace_in(target)
    doors = doors_of(session, slug) if slug else only_doors(session)
    return SignInView(
        email=email[:200],
        target=target,
        is_empty_house=not is_anyone_here(session),
        problem=problem,
        advice=advice,
        doors=tuple(doors),
        has_other_doors=not doors and is_any_door(session),
        left=door(session, left[:64]) if left else None,
    )
